"""Notebooks ask and show; they do not compute, and they are committed empty."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from repository import ROOT

from qi_analysis.report.editions import TAGS
from qi_analysis.run.notebooks import PARAMETERS

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LONGEST_CELL, MOST_CELLS = 10, 30
WORK = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.AsyncFor, ast.While, ast.Lambda)
ABSOLUTE = re.compile(
    r"""(?:^|[\s"'(=])(?:/(?:home|Users|root|tmp|mnt|work|opt|etc|var)\b|[A-Za-z]:\\|~/|\\\\\w)""", re.M
)

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def code_cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in read(path)["cells"] if cell["cell_type"] == "code"]


def parameter_cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in code_cells(path) if "parameters" in cell["metadata"].get("tags", [])]


def test_there_are_the_three_notebooks():
    assert [path.stem for path in NOTEBOOKS] == ["01_data_quality", "02_completion_review", "03_pdsa_learning"]


@each_notebook
def test_notebook_is_committed_empty(path):
    for cell in code_cells(path):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@each_notebook
def test_notebook_is_thin(path):
    cells = code_cells(path)
    assert len(cells) <= MOST_CELLS
    for cell in cells:
        assert len(source(cell).splitlines()) <= LONGEST_CELL
        work = [type(node).__name__ for node in ast.walk(ast.parse(source(cell))) if isinstance(node, WORK)]
        assert work == [], source(cell)


@each_notebook
def test_exactly_one_cell_has_the_parameters_and_it_stands_first(path):
    assert parameter_cells(path) == code_cells(path)[:1]


@each_notebook
def test_the_parameters_are_those_that_reports_knows(path):
    (cell,) = parameter_cells(path)
    lines = ast.parse(source(cell)).body
    found = [(line.targets[0].id, type(ast.literal_eval(line.value))) for line in lines]
    assert found == [(one.name, one.type) for one in PARAMETERS]


@each_notebook
def test_every_parameter_is_explained_where_it_stands(path):
    (cell,) = parameter_cells(path)
    assert all("#" in line for line in source(cell).splitlines())


@each_notebook
def test_notebook_imports_the_package_and_nothing_else(path):
    nodes = [node for cell in code_cells(path) for node in ast.walk(ast.parse(source(cell)))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    assert {name.split(".")[0] for name in names} == {"qi_analysis"}


@each_notebook
def test_notebook_says_nothing_about_where_or_how_it_ran(path):
    notebook = read(path)
    assert set(notebook["metadata"]) <= {"kernelspec", "language_info"}
    for cell in notebook["cells"]:
        assert set(cell["metadata"]) <= {"tags"}
        assert not ABSOLUTE.search(source(cell))


@each_notebook
def test_notebook_begins_with_its_question_and_every_heading_is_one(path):
    prose = [source(cell) for cell in read(path)["cells"] if cell["cell_type"] == "markdown"]
    titles = re.findall(r"^# (.+)$", prose[0], re.M)
    assert len(titles) == 1
    questions = titles + re.findall(r"^## (.+)$", "\n".join(prose), re.M)
    assert [heading for heading in questions if not heading.endswith("?")] == []


def test_every_cell_that_shows_something_says_in_which_edition():
    (path,) = [path for path in NOTEBOOKS if path.stem == "02_completion_review"]
    showing = [cell for cell in code_cells(path) if "pages.show_" in source(cell)]
    assert [source(cell) for cell in showing if not TAGS & set(cell["metadata"].get("tags", []))] == []
    plain = [source(cell) for cell in showing if "plain" in cell["metadata"]["tags"]]
    assert plain and all("show_plain_" in text for text in plain)


def test_the_review_opens_only_the_release():
    (path,) = [path for path in NOTEBOOKS if path.stem == "02_completion_review"]
    text = "\n".join(source(cell) for cell in code_cells(path))
    assert "load_review(period)" in text
    assert "workshop" not in text


def test_the_notebook_of_learning_opens_the_release_and_the_record_only():
    (path,) = [path for path in NOTEBOOKS if path.stem == "03_pdsa_learning"]
    nodes = [node for cell in code_cells(path) for node in ast.walk(ast.parse(source(cell)))]
    opened = [node.id for node in nodes if isinstance(node, ast.Name) and node.id.startswith("load_")]
    assert opened == ["load_review", "load_record"]

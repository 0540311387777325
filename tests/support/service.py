"""A small project of its own for tests that run the product: the record and notebooks as shipped, and its runs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
from repository import ROOT

from qi_analysis.run.batch import run
from qi_analysis.run.publish import Outcome
from qi_analysis.storage import Places

REVIEW = "02_completion_review.ipynb"


def copy_project(folder: Path) -> Places:
    """The shipped record and notebooks in a new folder, with empty data and reports folders."""
    for name in ("project", "notebooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for name in ("data/raw", "data/processed", "reports"):
        (folder / name).mkdir(parents=True)
    return Places(folder)


def copy_with(folder: Path, extract: Path) -> Places:
    """The same with an extract in data/raw."""
    places = copy_project(folder)
    for path in extract.iterdir():
        shutil.copy(path, places.raw / path.name)
    return places


def copy(places: Places, folder: Path) -> Places:
    """A whole project, with what it has published, in a new folder."""
    shutil.copytree(places.root, folder)
    return Places(folder)


def go(places: Places, wanted: str = "latest") -> list[Outcome]:
    """`qi run` in this process, without a word."""
    return run(places, wanted, lambda number: None, lambda outcome: None)


def qi(places: Places, *words: str, env: dict[str, str] | None = None, **more) -> subprocess.CompletedProcess:
    """A `qi` command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "qi_analysis", *words], cwd=places.root, capture_output=True, text=True, timeout=300,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | (env or {}), **more,
    )  # fmt: skip


def read_all(folder: Path) -> dict[str, bytes]:
    """path below a folder -> bytes, of every file in it."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def change_notebook(places: Places, change: Callable[[nbformat.NotebookNode], None], name: str = REVIEW) -> None:
    """Change one of the project's notebooks where it lies."""
    path = places.notebooks / name
    notebook = nbformat.read(path, 4)
    change(notebook)
    nbformat.write(notebook, path)


def shorten(places: Places) -> None:
    """The first cells of the notebooks that a run executes: one page, made in a third of the time."""
    change_notebook(places, lambda notebook: notebook.update(cells=notebook.cells[:5]))
    change_notebook(places, lambda notebook: notebook.update(cells=notebook.cells[:3]), "01_data_quality.ipynb")


def add_cell(source: str) -> Callable[[nbformat.NotebookNode], None]:
    """A change that puts a cell of code into a notebook."""
    return lambda notebook: notebook.cells.insert(5, nbformat.v4.new_code_cell(source))

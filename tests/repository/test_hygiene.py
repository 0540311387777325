"""Nothing that could hold a person is in the repository: no extract, no output of a notebook, nothing that was made."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from repository import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
STRIP = re.search(r"^STRIP := (.+)$", MAKEFILE, re.M)[1].replace('"', "").split(" ", 2)
TABLES = {
    ".csv",
    ".tsv",
    ".xlsx",
    ".xls",
    ".ods",
    ".parquet",
    ".feather",
    ".arrow",
    ".pkl",
    ".db",
    ".sqlite",
    ".zip",
    ".gz",
}
ALLOWED = ("data/reference/", "tests/golden/", "qi_analysis/definitions/", "project/events.csv", "project/example/")
MADE = ("data/raw/", "data/processed/", "reports/", "build/")
IGNORED = {".venv", ".git", "__pycache__", ".ipynb_checkpoints"}


def list_committed(root: Path) -> list[str]:
    """What git tracks; in a copy without git, what lies there and is not ignored."""
    done = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], capture_output=True, text=True)
    if done.returncode == 0 and done.stdout:
        return done.stdout.rstrip("\0").split("\0")
    files = [path.relative_to(root) for path in root.rglob("*") if path.is_file()]
    return [path.as_posix() for path in files if not IGNORED & set(path.parts) and not _is_made(path.as_posix())]


def _is_made(name: str) -> bool:
    return name.startswith(MADE) and not name.endswith("README.md")


def check_committed(names: list[str]) -> list[str]:
    """The names that may not be committed."""
    tables = [name for name in names if Path(name).suffix.lower() in TABLES and not name.startswith(ALLOWED)]
    made = [name for name in names if _is_made(name) or ".ipynb_checkpoints/" in name]
    notebooks = [
        name for name in names if name.endswith(".ipynb") and not re.fullmatch(r"notebooks/\d\d_\w+\.ipynb", name)
    ]
    return sorted({*tables, *made, *notebooks})


def strip(*paths: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "nbstripout", "--verify", *STRIP, *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True)


def test_no_extract_and_nothing_made_is_committed():
    names = list_committed(ROOT)
    assert "README.md" in names and len(names) > 100
    assert check_committed(names) == []


@pytest.mark.parametrize(
    "name",
    [
        "data/raw/IDS101Referral.csv",
        "data/raw/referrals.txt",
        "data/processed/2022-08/keys.parquet",
        "reports/2022-08/completion_review.html",
        "build/run/02_completion_review.ipynb",
        "extract.CSV",
        "tests/extract.xlsx",
        "docs/people.parquet",
        "notebooks/.ipynb_checkpoints/01_data_quality-checkpoint.ipynb",
        "notebooks/Untitled.ipynb",
    ],
)
def test_an_extract_or_something_made_would_be_found(name):
    assert check_committed(["README.md", "data/raw/README.md", "data/reference/end_codes.csv", name]) == [name]


@pytest.mark.parametrize(
    "name", ["data/raw/a.csv", "data/processed/a", "reports/a/b.html", "build/a", "a/.ipynb_checkpoints/b", ".venv/a"]
)
def test_git_ignores_what_is_made(name, tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    shutil.copy(ROOT / ".gitignore", tmp_path)
    found = subprocess.run(["git", "-C", str(tmp_path), "check-ignore", "-q", name])
    assert found.returncode == 0


def test_a_downloaded_copy_without_git_is_judged_too(tmp_path):
    (tmp_path / "data" / "raw").mkdir(parents=True)
    for name in ("README.md", "people.csv", "data/raw/mine.csv"):
        (tmp_path / name).write_text("")
    assert check_committed(list_committed(tmp_path)) == ["people.csv"]


def test_notebooks_are_committed_stripped():
    done = strip(*sorted((ROOT / "notebooks").glob("*.ipynb")))
    assert done.returncode == 0, done.stdout + done.stderr


def add_output(notebook) -> None:
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    cell.outputs = [nbformat.v4.new_output("stream", text="a row")]


def add_count(notebook) -> None:
    next(cell for cell in notebook.cells if cell.cell_type == "code").execution_count = 3


def add_run(notebook) -> None:
    notebook.metadata["papermill"] = {"input_path": "a folder of somebody"}


@pytest.mark.parametrize("change", [add_output, add_count, add_run])
def test_a_notebook_that_was_run_would_be_found(tmp_path, change):
    path = tmp_path / "02_completion_review.ipynb"
    notebook = nbformat.read(ROOT / "notebooks" / path.name, 4)
    change(notebook)
    nbformat.write(notebook, path)
    assert strip(path).returncode == 1


def test_the_filter_git_is_told_of_is_the_one_that_is_checked():
    assert "*.ipynb filter=nbstripout diff=ipynb" in (ROOT / ".gitattributes").read_text(encoding="utf-8")
    assert "git config filter.nbstripout.clean '$(BIN)/python -m nbstripout $(STRIP)'" in MAKEFILE
    assert "$(BIN)/nbstripout --verify $(STRIP) notebooks/*.ipynb" in MAKEFILE


def test_an_audit_that_could_not_ask_is_no_all_clear():
    audit = MAKEFILE.split("\naudit:", 1)[1].split("\n\n", 1)[0]
    assert "--strict" in audit and "NO ALL-CLEAR" in audit and "exit 1" in audit

"""What a review was made from: digests of its inputs, versions, and the manifest beside its pages.

The digests are enough to know that nothing has changed, without reading any data. This module is light on purpose:
"nothing new" must be said before pandas is imported.
"""

import ast
import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qi_analysis import __version__
from qi_analysis.errors import DataProblem
from qi_analysis.facts import MadeFrom
from qi_analysis.report.editions import EDITIONS, TITLE
from qi_analysis.storage import PACKAGE, REFERENCE, SHIPPED, Places, write_whole

if TYPE_CHECKING:
    import pandas as pd

    from qi_analysis.release import Release
    from qi_analysis.run.review import Prepared

PACKAGES = ("pandas", "numpy", "pyarrow", "matplotlib", "seaborn", "papermill", "nbconvert")
BLOCK = 1 << 22
MOVES_NO_PAGE = (  # code below the package; a change of it is no reason to make a review again
    "__main__.py", "cli.py", "project.py", "packs", "gate", "extract/sample", "record/new_entry.py", "record/meetings.py",
    "run/check_record.py", "run/definitions_page.py", "run/api_page.py", "shipped",
    "definitions/ordinary_words.txt", "definitions/ordinary_phrases.txt",
)  # fmt: skip
CODE = ".code.json"  # what the code was read as, so that it is read once after each change


# Digests of the extract, the code, the record and the notebooks.
def digest_text(text: str) -> str:
    """SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    total = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(BLOCK):
            total.update(block)
    return total.hexdigest()


def digest_files(paths: Iterable[Path], root: Path) -> str:
    """One SHA-256 over several files, with their names below `root`."""
    lines = [f"{path.relative_to(root).as_posix()} {digest_file(path)}" for path in sorted(paths)]
    return digest_text("\n".join(lines))


def digest_inputs(folder: Path) -> dict[str, str]:
    """name -> SHA-256 of every file of an extract."""
    return {
        path.name: digest_file(path) for path in sorted(folder.iterdir()) if path.is_file() and path.name != "README.md"
    }


def check_inputs(folder: Path, inputs: dict[str, str]) -> None:
    """Raises DataProblem unless an extract still has the digests it had at first."""
    try:
        same = digest_inputs(folder) == inputs
    except FileNotFoundError:
        same = False
    if not same:
        raise DataProblem("The extract changed while it was read. Wait until every file of it is whole and run again.")


def build_settings_digests(places: Places) -> dict[str, str]:
    """Everything but the data that a page depends on."""
    return {
        "code": digest_code(places),
        "record": digest_record(places),
        "notebooks": digest_notebooks(places),
        "reference": digest_reference(),
        "versions": digest_text(json.dumps(read_versions(), sort_keys=True)),
    }


def digest_code(places: Places) -> str:
    """One SHA-256 over what can move a page: code without comments and docstrings, definitions and templates."""
    every = [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    files = [path for path in every if not _moves_no_page(path.relative_to(PACKAGE).as_posix())]
    bytes_of_all, kept = digest_files(files, PACKAGE), places.processed / CODE
    try:
        known: dict[str, str] = json.loads(kept.read_text(encoding="utf-8"))
        return known[bytes_of_all]
    except (OSError, ValueError, KeyError, TypeError):
        digest = _digest_meanings(tuple(files))
    with suppress(OSError):  # a note that cannot be kept, or that another command is writing, only costs time
        write_whole(kept, json.dumps({bytes_of_all: digest}))
    return digest


def _moves_no_page(name: str) -> bool:
    return any(name == one or name.startswith(f"{one}/") for one in MOVES_NO_PAGE)


@cache
def _digest_meanings(files: tuple[Path, ...]) -> str:
    lines = []
    for path in sorted(files):
        told = _read_meaning(path).encode() if path.suffix == ".py" else path.read_bytes()
        lines.append(f"{path.relative_to(PACKAGE).as_posix()} {hashlib.sha256(told).hexdigest()}")
    return digest_text("\n".join(lines))


def _read_meaning(path: Path) -> str:
    """A module as Python understands it: no comment, no layout, no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and body:
            first = body[0].value if isinstance(body[0], ast.Expr) else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                first.value = ""
    return ast.dump(tree)


def digest_record(places: Places) -> str:
    """One SHA-256 over the team's record and settings; the team's own pages in templates are read by nothing."""
    files = [path for path in places.record.rglob("*") if path.is_file() and path.parent.name != "templates"]
    return digest_files(files, places.root)


def digest_notebooks(places: Places) -> str:
    """One SHA-256 over the cells of the notebooks; JupyterLab's own notes in them are left out."""
    lines = []
    for path in sorted(places.notebooks.glob("*.ipynb")):
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            said = [[cell["cell_type"], cell["source"], cell["metadata"].get("tags", [])] for cell in cells]
            lines.append(f"{path.name} {json.dumps(said)}")
        except (ValueError, KeyError, TypeError, AttributeError):  # a run will say what is wrong with it
            lines.append(f"{path.name} {digest_file(path)}")
    return digest_text("\n".join(lines))


def digest_reference() -> str:
    """One SHA-256 over the shipped published figures and code lists."""
    return digest_files(REFERENCE.glob("*.csv"), REFERENCE)


@cache
def read_versions() -> dict[str, str]:
    """The versions of this package and of those whose output a page shows."""
    return {"qi_analysis": __version__} | {name: metadata.version(name) for name in PACKAGES}


@cache
def read_commit() -> str:
    """The commit the code stands at, "unknown" outside a git checkout of it."""
    if PACKAGE.parent != SHIPPED:  # installed: a checkout around it is somebody else's
        return "unknown"
    try:
        done = subprocess.run(
            ["git", "-C", str(PACKAGE.parent), "rev-parse", "--short", "HEAD"],
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or "unknown"


# The manifest beside the pages of a review, and what the analyst edition says of it.
def build_manifest(prepared: "Prepared", release: "Release", revision: int, pages: Mapping[str, str]) -> str:
    """The manifest as JSON. pages: file name -> finished page."""
    facts = release.facts
    inputs = [
        {"holds": holds, "sha256": prepared.inputs[row.file], "rows_in": None if rows_in != rows_in else rows_in}
        for (holds, row), rows_in in zip(_list_files(prepared), release.tables["ledger"]["rows_in"], strict=True)
    ]
    manifest = {
        "period": facts.period,
        "title": TITLE.format(facts.period_words),
        "revision": revision,
        "project": facts.project,
        "verdict": facts.verdict.sentence,
        "plain_verdict": facts.plain.verdict,
        "state": facts.verdict.state,
        "data_date": facts.data_date,
        "data_kind": facts.data_kind,
        "editions": {edition.name: edition.page for edition in EDITIONS},
        "definition_version": facts.definition.version,
        "definition": facts.definition.choice,
        "rules": facts.rules,
        "inputs": inputs,
        "settings": prepared.settings,
        "versions": read_versions(),
        "commit": read_commit(),
        "pages": list(pages),
        "page_sha256": {name: digest_text(page) for name, page in pages.items()},
        "results_sha256": digest_text(to_csv(release.tables["results"])),
        "moved": facts.moved,
        "record": asdict(facts.team.snapshot),
    }
    return json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def describe_sources(prepared: "Prepared") -> MadeFrom:
    """What the analyst edition says a review was made from: fingerprints, versions and commit."""
    inputs = {holds: prepared.inputs[row.file] for holds, row in _list_files(prepared)}
    return MadeFrom(inputs | prepared.settings, read_versions(), read_commit())


def _list_files(prepared: "Prepared") -> list[tuple[str, Any]]:
    """(what a file holds, its row in the ledger), file by file."""
    rows = prepared.account.build_ledger().itertuples()
    return list(zip(prepared.file_tables, rows, strict=True))


def to_csv(table: "pd.DataFrame") -> str:
    """A released table as the text that is published."""
    text: str = table.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    return text

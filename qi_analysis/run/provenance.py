"""What a review was made from: digests, versions and the manifest.

What a review was made from, as digests: enough to know that nothing has changed, without reading any data.

Light on purpose: "nothing new" must be said before pandas is imported.

What a review was made from: the manifest beside its pages, and what the analyst edition says of it."""

import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qi_analysis import __version__
from qi_analysis.errors import DataProblem
from qi_analysis.report.editions import EDITIONS, TITLE
from qi_analysis.storage import PACKAGE, Places

if TYPE_CHECKING:
    import pandas as pd

    from qi_analysis.release import Release
    from qi_analysis.run.review import Prepared

PACKAGES = ("pandas", "numpy", "pyarrow", "matplotlib", "seaborn", "papermill", "nbconvert")
BLOCK = 1 << 22


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
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


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


@cache
def digest_code() -> str:
    """One SHA-256 over the package: its code, definitions and templates."""
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return digest_files(files, PACKAGE)


def digest_record(places: Places) -> str:
    """One SHA-256 over the team's record and settings; the team's own pages in templates are read by nothing."""
    files = [path for path in places.record.rglob("*") if path.is_file() and path.parent.name != "templates"]
    return digest_files(files, places.root)


def digest_notebooks(places: Places) -> str:
    """One SHA-256 over the notebooks."""
    return digest_files(places.notebooks.glob("*.ipynb"), places.root)


def digest_reference(places: Places) -> str:
    """One SHA-256 over the shipped published figures and code lists."""
    folder = PACKAGE.parent / "data" / "reference"
    return digest_files(folder.glob("*.csv"), folder)


@cache
def read_versions() -> dict[str, str]:
    """The versions of this package and of those whose output a page shows."""
    return {"qi_analysis": __version__} | {name: metadata.version(name) for name in PACKAGES}


@cache
def read_commit() -> str:
    """The commit the code stands at, "unknown" outside a git checkout."""
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


def build_settings_digests(places: Places) -> dict[str, str]:
    """Everything but the data that a page depends on."""
    return {
        "code": digest_code(),
        "record": digest_record(places),
        "notebooks": digest_notebooks(places),
        "reference": digest_reference(places),
        "versions": hashlib.sha256(json.dumps(read_versions(), sort_keys=True).encode()).hexdigest(),
    }


def to_csv(table: "pd.DataFrame") -> str:
    """A released table as the text that is published."""
    text: str = table.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    return text


def describe_sources(prepared: "Prepared") -> dict[str, Any]:
    """What the analyst edition says a review was made from: fingerprints, versions and commit."""
    inputs = {holds: prepared.inputs[row.file] for holds, row in _list_files(prepared)}
    return {"fingerprints": inputs | prepared.settings, "versions": read_versions(), "commit": read_commit()}


def _list_files(prepared: "Prepared") -> list[tuple[str, Any]]:
    """(what a file holds, its row in the ledger), file by file."""
    rows = prepared.account.build_ledger().itertuples()
    return list(zip(prepared.file_tables, rows, strict=True))


def build_manifest(prepared: "Prepared", release: "Release", revision: int, pages: Mapping[str, str]) -> str:
    """The manifest as JSON. pages: file name -> finished page."""
    facts = release.facts
    inputs = [
        {"holds": holds, "sha256": prepared.inputs[row.file], "rows_in": None if rows_in != rows_in else rows_in}
        for (holds, row), rows_in in zip(_list_files(prepared), release.tables["ledger"]["rows_in"], strict=True)
    ]
    manifest = {
        "period": facts["period"],
        "title": TITLE.format(facts["period_words"]),
        "revision": revision,
        "project": facts["project"],
        "verdict": facts["verdict"]["sentence"],
        "plain_verdict": facts["plain"]["verdict"],
        "state": facts["verdict"]["state"],
        "data_date": facts["data_date"],
        "data_kind": facts["data_kind"],
        "editions": {edition.name: edition.page for edition in EDITIONS},
        "definition_version": facts["definition"]["version"],
        "definition": facts["definition"]["choice"],
        "rules": facts["rules"],
        "inputs": inputs,
        "settings": prepared.settings,
        "versions": read_versions(),
        "commit": read_commit(),
        "pages": list(pages),
        "page_sha256": {name: hashlib.sha256(page.encode()).hexdigest() for name, page in pages.items()},
        "results_sha256": hashlib.sha256(to_csv(release.tables["results"]).encode()).hexdigest(),
        "moved": facts["moved"],
        "record": facts["team"]["snapshot"],
    }
    return json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=True) + "\n"

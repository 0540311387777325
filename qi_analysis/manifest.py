"""What a review was made from: the manifest beside its pages, and what the analyst edition says of it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from qi_analysis.editions import EDITIONS, TITLE
from qi_analysis.fingerprint import read_commit, read_versions


def to_csv(table: Any) -> str:
    """A released table as the text that is published."""
    text: str = table.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    return text


def describe_sources(prepared: Any) -> dict[str, Any]:
    """What the analyst edition says a review was made from: fingerprints, versions and commit."""
    inputs = {holds: prepared.inputs[row.file] for holds, row in _list_files(prepared)}
    return {"fingerprints": inputs | prepared.settings, "versions": read_versions(), "commit": read_commit()}


def _list_files(prepared: Any) -> list[tuple[str, Any]]:
    """(what a file holds, its row in the ledger), file by file."""
    rows = prepared.account.build_ledger().itertuples()
    return list(zip(prepared.file_tables, rows, strict=True))


def build_manifest(prepared: Any, release: Any, revision: int, pages: Mapping[str, str]) -> str:
    """The manifest as JSON. prepared: what the run started from (making.Prepared); pages: file name -> finished page."""
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

"""Making one review: from the cleaned extract to a published folder, whole or not at all."""

import hashlib
import json
import logging
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qi_analysis.fingerprint import read_commit, read_versions
from qi_analysis.periods import Period
from qi_analysis.places import Places
from qi_analysis.publish import MANIFEST, RESULTS, REVIEW_PAGE, Published, publish, read_published

log = logging.getLogger("qi_analysis")
REVIEW_NOTEBOOK = "02_completion_review.ipynb"
WORKSHOP_NOTEBOOK = "01_data_quality.ipynb"
TITLE = "Review of {}"


@dataclass(frozen=True)
class Outcome:
    """What became of one period: the last line to print and the exit code."""

    period_id: str
    line: str
    exit_code: int = 0
    is_new: bool = False


@dataclass(frozen=True)
class Prepared:
    """The extract, cleaned: what every review of a run starts from."""

    places: Places
    record: Any
    team: Any  # the team's own record
    tables: Any
    account: Any
    is_synthetic: bool
    file_tables: list[str]
    inputs: dict[str, str]
    settings: dict[str, str]
    published: Any  # the release of the published figures, the same for every review
    stored: Any  # the canonical tables as the workshop stores them
    before: Any  # what was published before the run began


def load_libraries(prepared: Prepared) -> None:
    """Import what every review needs and draw what is the same in all of them, before workers and kernels fork off."""
    from qi_analysis.pages import show_benchmark, show_standing
    from qi_analysis.reports import load_runners

    load_runners()
    show_benchmark(prepared.published)
    show_standing(prepared.published)


def prepare(places: Places, raw: Path, inputs: dict[str, str], settings: dict[str, str]) -> Prepared:
    """Read and clean the extract. Raises DataProblem or RecordProblem."""
    from qi_analysis.clean import build_tables
    from qi_analysis.extract import read_extract
    from qi_analysis.published_figures import load_published_figures
    from qi_analysis.record import read_whole_record
    from qi_analysis.team_record import read_team_record
    from qi_analysis.workshop import store_tables

    record, team = read_whole_record(places.record)
    published = load_published_figures(places, settings)
    started = time.perf_counter()
    extract = read_extract(raw, record.columns)
    log.info("read %d files in %.2f s", len(extract.files), time.perf_counter() - started)
    started = time.perf_counter()
    is_synthetic, file_tables, only = extract.is_synthetic, extract.file_tables, [extract]
    del extract
    tables, account = build_tables(only.pop(), record)  # the only hold of the text: it is freed once it is typed
    log.info("cleaned in %.2f s", time.perf_counter() - started)
    for holds, row in zip(file_tables, account.build_ledger().itertuples(), strict=True):
        counts = (row.rows_in, row.used, row.merged, row.set_aside)
        log.info("%s: rows in %d = used %d + merged %d + set aside %d", holds, *counts)
    stored = store_tables(places.processed / ".tables", tables)
    if is_synthetic:  # the only data beside which the example may stand
        team = read_team_record(places.record, {one.id: one.chart for one in record.measures}, allow_example=True)
    return Prepared(
        places, record, team, tables, account, is_synthetic, file_tables, inputs, settings, published, stored,
        read_published(places.reports),
    )  # fmt: skip


def make_review(prepared: Prepared, period: Period) -> Outcome:
    """Make and publish one review. Raises QiError; nothing is published unless everything held."""
    from qi_analysis.recording import read_recording_checks
    from qi_analysis.summaries import build_release
    from qi_analysis.whats_new import build_new, find_before
    from qi_analysis.workshop import write_workshop

    places, stage = prepared.places, _Stages(period.id)
    workings = build_workings(prepared, period)
    stage.done("results")
    release = build_release(workings, prepared.published, read_recording_checks(places.record))
    stage.done("release")
    earlier = read_published(places.reports).get(period.id, [])
    revision, moved = _compare(earlier, release, prepared)
    if revision is None:
        return Outcome(period.id, f"{period.words}: nothing new; the data changed but no published figure moved.")
    new = build_new(workings, release.tables["results"], find_before(earlier, prepared.before, period.id))
    release = type(release)({**release.facts, "revision": revision, "moved": moved, "new": new}, release.tables)
    write_workshop(places.workshop(period.id), workings, prepared.stored)
    stage.done("workshop")
    page = _run_notebooks(prepared, period, release)
    stage.done("notebooks")
    manifest = _build_manifest(prepared, release, revision, page)
    files = {REVIEW_PAGE: page, RESULTS: _to_csv(release.tables["results"]), MANIFEST: manifest}
    publish(places.reports, period.id, revision, files)
    stage.done("published")
    verdict = release.facts["verdict"]["sentence"]
    again = f" (revision {revision}: {len(moved)} figures moved)" if revision > 1 else ""
    return Outcome(period.id, f"{period.words}{again}: {verdict}", is_new=True)


def build_workings(prepared: Prepared, period: Period) -> Any:
    """Pathways and results of one period. Raises DataProblem when the extract does not allow the review."""
    from qi_analysis.checks import check_period
    from qi_analysis.measures import build_results
    from qi_analysis.pathways import build_pathways
    from qi_analysis.team_record import check_team_record
    from qi_analysis.workings import Workings

    record, tables = prepared.record, prepared.tables
    check_period(tables, period, record.accepted_gaps)
    pathways = build_pathways(tables, record.completion, period.end)
    results = build_results(pathways, record.completion, period, record.measures)
    kind = prepared.is_synthetic
    team = check_team_record(prepared.team, record, period.end, last_review=period.plus(-1).end)
    return Workings(record, period, tables, prepared.account, pathways, results, kind, prepared.file_tables, team)


class _Stages:
    """Seconds of each stage, to the log."""

    def __init__(self, period_id: str) -> None:
        self.period_id, self.last = period_id, time.perf_counter()

    def done(self, name: str) -> None:
        """A stage has ended."""
        now = time.perf_counter()
        log.info("%s: %s in %.2f s", self.period_id, name, now - self.last)
        self.last = now


def _to_csv(table: Any) -> str:
    text: str = table.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d")
    return text


def _compare(earlier: list[Published], release: Any, prepared: Prepared) -> tuple[int | None, list[list[str]]]:
    """(the revision to publish or None, the months whose released figure moved since the last one)."""
    if not earlier:
        return 1, []
    last = earlier[-1]
    from qi_analysis.revisions import build_moved

    moved = build_moved(last.folder / RESULTS, release.tables["results"], prepared.record.measures)
    same_settings = last.manifest["settings"] == prepared.settings
    return (None, []) if not moved and same_settings else (last.revision + 1, moved)


def _run_notebooks(prepared: Prepared, period: Period, release: Any) -> str:
    """Run both notebooks, render the review and pass it through the gate. Returns the finished page."""
    from qi_analysis.fragments import PageFacts
    from qi_analysis.gate import open_gate
    from qi_analysis.release import write_release
    from qi_analysis.reports import render_notebook, run_notebook

    places, seconds = prepared.places, prepared.record.settings.time_limit_seconds
    given = {"period": period.id}
    shutil.rmtree(places.release(period.id), ignore_errors=True)
    write_release(places.release(period.id), release)
    facts = release.facts
    entries = (
        ("Data to", facts["data_date_words"]),
        ("Revision", str(facts["revision"])),
        ("Definition", f"version {facts['definition']['version']}"),
    )
    page_facts = PageFacts(TITLE.format(period.words), facts["project"], entries, data_kind=facts["data_kind"])
    with tempfile.TemporaryDirectory(prefix="qi-", dir=places.processed) as folder:
        building = Path(folder)
        run_notebook(places.notebooks / WORKSHOP_NOTEBOOK, building, given, places.root, seconds)
        executed = run_notebook(places.notebooks / REVIEW_NOTEBOOK, building, given, places.root, seconds)
    page = render_notebook(executed, page_facts)
    keys = prepared.tables.keys
    identifiers = {text for name in ("referral", "patient") for text in keys[name].dropna().unique()}
    open_gate(page, identifiers)
    return page


def _build_manifest(prepared: Prepared, release: Any, revision: int, page: str) -> str:
    facts = release.facts
    ledger = prepared.account.build_ledger()
    inputs = [
        {"holds": holds, "sha256": prepared.inputs[row.file], "rows_in": int(row.rows_in)}
        for holds, row in zip(prepared.file_tables, ledger.itertuples(), strict=True)
    ]
    manifest = {
        "period": facts["period"],
        "title": TITLE.format(facts["period_words"]),
        "revision": revision,
        "verdict": facts["verdict"]["sentence"],
        "state": facts["verdict"]["state"],
        "data_date": facts["data_date"],
        "data_kind": facts["data_kind"],
        "edition": "team",
        "definition_version": facts["definition"]["version"],
        "definition": facts["definition"]["choice"],
        "rules": facts["rules"],
        "inputs": inputs,
        "settings": prepared.settings,
        "versions": read_versions(),
        "commit": read_commit(),
        "pages": [REVIEW_PAGE],
        "page_sha256": hashlib.sha256(page.encode()).hexdigest(),
        "results_sha256": hashlib.sha256(_to_csv(release.tables["results"]).encode()).hexdigest(),
        "moved": facts["moved"],
        "record": facts["team"]["snapshot"],
    }
    return json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=True) + "\n"

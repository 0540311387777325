"""A run: from raw files to published reviews, one period or every one of them side by side.

The extract is read and cleaned once. Each review is then made by a worker that is a fork of this process where
that is safe, so imports and tables are paid for once; elsewhere a worker reads the extract itself.
"""

import json
import logging
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qi_analysis.errors import DataProblem, QiError
from qi_analysis.fingerprint import build_settings_digests, digest_inputs, read_commit, read_versions
from qi_analysis.periods import Period, parse_period
from qi_analysis.places import Places
from qi_analysis.publish import MANIFEST, RESULTS, REVIEW_PAGE, Published, publish, read_published, write_index, write_whole

log = logging.getLogger("qi_analysis")
REVIEW_NOTEBOOK = "02_completion_review.ipynb"
WORKSHOP_NOTEBOOK = "01_data_quality.ipynb"
TITLE = "Review of {}"
SEEN = ".seen.json"


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
    tables: Any
    account: Any
    is_synthetic: bool
    file_tables: list[str]
    inputs: dict[str, str]
    settings: dict[str, str]


def choose_extract(places: Places) -> Path:
    """data/raw, or the shipped generator's extract when data/raw is empty (written on first use)."""
    files = [p for p in places.raw.iterdir() if not p.name.startswith(".") and p.name != "README.md"] if places.raw.exists() else []
    if files:
        return places.raw
    if not (places.sample / "IDS000Header.csv").exists():
        from qi_analysis.sample import write_sample

        building = places.sample.with_name(".sample.building")
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        write_sample(building)
        building.rename(places.sample)
    return places.sample


def prepare(places: Places, raw: Path, inputs: dict[str, str], settings: dict[str, str]) -> Prepared:
    """Read and clean the extract. Raises DataProblem or RecordProblem."""
    from qi_analysis.clean import build_tables
    from qi_analysis.extract import read_extract
    from qi_analysis.record import read_record

    record = read_record(places.record)
    started = time.perf_counter()
    extract = read_extract(raw, record.columns)
    log.info("read %d files in %.2f s", len(extract.files), time.perf_counter() - started)
    started = time.perf_counter()
    is_synthetic, file_tables = extract.is_synthetic, extract.file_tables
    tables, account = build_tables(extract, record)
    log.info("cleaned in %.2f s", time.perf_counter() - started)
    return Prepared(places, record, tables, account, is_synthetic, file_tables, inputs, settings)


def make_review(prepared: Prepared, period: Period) -> Outcome:
    """Make and publish one review. Raises QiError; nothing is published unless everything held."""
    from qi_analysis.checks import check_period
    from qi_analysis.measures import build_results
    from qi_analysis.pathways import build_pathways
    from qi_analysis.release import write_release
    from qi_analysis.summaries import Workings, build_release
    from qi_analysis.workshop import write_workshop

    places, record = prepared.places, prepared.record
    stage = _Stages(period.id)
    check_period(prepared.tables, period, record.accepted_gaps)
    pathways = build_pathways(prepared.tables, record.completion, period.end)
    results = build_results(pathways, record.completion, period)
    stage.done("results")
    workings = Workings(
        record, period, prepared.tables, prepared.account, pathways, results, prepared.is_synthetic, prepared.file_tables
    )
    release = build_release(workings, places.record)
    stage.done("release")
    earlier = read_published(places.reports).get(period.id, [])
    revision, moved = _compare(earlier, release, prepared)
    if revision is None:
        return Outcome(period.id, f"{period.words}: nothing new; the data changed but no published figure moved.")
    release = type(release)({**release.facts, "revision": revision, "moved": moved}, release.tables)
    write_workshop(places.workshop(period.id), prepared.tables, prepared.account, pathways.referrals, results)
    stage.done("workshop")
    shutil.rmtree(places.release(period.id), ignore_errors=True)
    write_release(places.release(period.id), release)
    page = _run_notebooks(prepared, period, release)
    stage.done("notebooks")
    manifest = _build_manifest(prepared, release, revision, page)
    files = {REVIEW_PAGE: page, RESULTS: _to_csv(release.tables["results"]), MANIFEST: manifest}
    publish(places.reports, period.id, revision, files)
    stage.done("published")
    verdict = release.facts["verdict"]["sentence"]
    again = f" (revision {revision}: {len(moved)} figures moved)" if revision > 1 else ""
    return Outcome(period.id, f"{period.words}{again}: {verdict}", is_new=True)


class _Stages:
    """Seconds of each stage, to the log."""

    def __init__(self, period_id: str) -> None:
        self.period_id, self.last = period_id, time.perf_counter()

    def done(self, name: str) -> None:
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

    moved = build_moved(last.folder / RESULTS, release.tables["results"])
    same_settings = last.manifest["settings"] == prepared.settings
    return (None, []) if not moved and same_settings else (last.revision + 1, moved)


def _run_notebooks(prepared: Prepared, period: Period, release: Any) -> str:
    """Run both notebooks, render the review and pass it through the gate. Returns the finished page."""
    from qi_analysis.fragments import PageFacts
    from qi_analysis.gate import open_gate
    from qi_analysis.reports import render_notebook, run_notebook

    places, seconds = prepared.places, prepared.record.settings.time_limit_seconds
    given = {"period": period.id}
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
    import hashlib

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
    }
    return json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def find_unchanged(places: Places, inputs: dict[str, str], settings: dict[str, str]) -> dict[str, str]:
    """period id -> verdict of each published review that the same data and settings would make again."""
    digest = _digest(inputs, settings)
    seen = _read_seen(places)
    newest = {period: revisions[-1] for period, revisions in read_published(places.reports).items()}
    return {p: one.manifest["verdict"] for p, one in newest.items() if seen.get(p) == [digest, one.revision]}


def remember(places: Places, period_ids: list[str], inputs: dict[str, str], settings: dict[str, str]) -> None:
    """Note that these periods were looked at with this data and these settings."""
    digest = _digest(inputs, settings)
    newest = {period: revisions[-1] for period, revisions in read_published(places.reports).items()}
    seen = _read_seen(places) | {p: [digest, newest[p].revision] for p in period_ids if p in newest}
    write_whole(places.processed / SEEN, json.dumps(seen, indent=1, sort_keys=True))


def _read_seen(places: Places) -> dict[str, Any]:
    path = places.processed / SEEN
    try:
        seen: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return seen


def _digest(inputs: dict[str, str], settings: dict[str, str]) -> str:
    import hashlib

    return hashlib.sha256(json.dumps([inputs, settings], sort_keys=True).encode()).hexdigest()


_prepared: Prepared | None = None  # in a worker: what it was given at its start


def _start_worker(places: Places | None, raw: Path | None, inputs: dict[str, str], settings: dict[str, str]) -> None:
    global _prepared
    if places is not None and raw is not None:
        _prepared = prepare(places, raw, inputs, settings)


def _work(period_id: str) -> Outcome:
    """One review in a worker; an expected failure becomes its outcome."""
    assert _prepared is not None
    try:
        return make_review(_prepared, parse_period(period_id))
    except QiError as problem:
        return Outcome(period_id, f"{period_id}: {problem}", problem.exit_code)


def make_reviews(prepared: Prepared, raw: Path, periods: list[Period]) -> Iterator[Outcome]:
    """Every review, side by side on the cores there are, in the order in which they are done."""
    global _prepared
    can_fork = sys.platform == "linux"
    context = multiprocessing.get_context("fork" if can_fork else "spawn")
    _prepared = prepared
    start = (None, None, {}, {}) if can_fork else (prepared.places, raw, prepared.inputs, prepared.settings)
    workers = min(len(periods), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, context, _start_worker, start) as pool:
        waiting = {pool.submit(_work, period.id) for period in periods}
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for one in done:
                yield one.result()


def run(places: Places, wanted: str, on_start: Callable[[int], None], on_done: Callable[[Outcome], None]) -> list[Outcome]:
    """Run one period ("2022-08"), "latest" or "all". Raises QiError before anything is published.

    on_start is told how many reviews will be looked at, on_done each outcome.
    """
    raw = choose_extract(places)
    inputs, settings = digest_inputs(raw), build_settings_digests(places)
    unchanged = find_unchanged(places, inputs, settings)
    asked = None if wanted in ("latest", "all") else parse_period(wanted)
    latest = _latest_seen(places, inputs, settings)
    if asked is not None and asked.id in unchanged:
        return [_nothing_new(asked, unchanged)]
    if wanted == "latest" and latest in unchanged:
        return [_nothing_new(parse_period(latest), unchanged)]
    prepared = prepare(places, raw, inputs, settings)
    from qi_analysis.checks import find_periods

    every = find_periods(prepared.tables)
    if not every:
        raise DataProblem("The extract holds no whole month of data. Is it the right export?")
    periods = [asked] if asked else every if wanted == "all" else [every[-1]]
    outcomes = [_nothing_new(period, unchanged) for period in periods if period.id in unchanged]
    todo = [period for period in periods if period.id not in unchanged]
    on_start(len(todo))
    one_only = len(todo) < 2
    made = (make_review(prepared, period) for period in todo) if one_only else make_reviews(prepared, raw, todo)
    for outcome in made:
        outcomes.append(outcome)
        on_done(outcome)
    write_index(places.reports, prepared.record.title)
    remember(places, [o.period_id for o in outcomes if o.exit_code == 0], inputs, settings)
    return sorted(outcomes, key=lambda outcome: outcome.period_id)


def _latest_seen(places: Places, inputs: dict[str, str], settings: dict[str, str]) -> str:
    """The newest period looked at with this very data, "" when there is none."""
    digest = _digest(inputs, settings)
    return max((period for period, (known, _) in _read_seen(places).items() if known == digest), default="")


def _nothing_new(period: Period, unchanged: dict[str, str]) -> Outcome:
    return Outcome(period.id, f"{period.words}: nothing new, it is published as it stands. {unchanged[period.id]}")

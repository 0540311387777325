"""Making one review: from the cleaned extract to a published folder, whole or not at all."""

import logging
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from qi_analysis.answers.build import build_counted, build_release
from qi_analysis.answers.trust import read_recording_checks
from qi_analysis.answers.whats_new import build_moved, build_new, find_before
from qi_analysis.answers.workshop import Stored, Workings, store_tables, write_workshop
from qi_analysis.benchmark.published import find_published_figures
from qi_analysis.disclosure.ledger import read_ledger, write_ledger
from qi_analysis.extract.clean import Tables, build_tables, check_period
from qi_analysis.extract.ledger import Account
from qi_analysis.extract.readers import forget_workbooks
from qi_analysis.extract.sources import read_extract
from qi_analysis.gate.check import Guard, open_gate, read_guard
from qi_analysis.gate.numbers import build_store
from qi_analysis.measures.pathways import build_pathways
from qi_analysis.measures.results import build_results
from qi_analysis.periods import Period
from qi_analysis.record.read_settings import read_whole_record
from qi_analysis.record.read_team import check_team_record, read_team_record
from qi_analysis.record.settings import Record
from qi_analysis.record.team import TeamRecord
from qi_analysis.release import PublishedFigures, Release, read_published_figures, write_release
from qi_analysis.run.notebooks import check_parameters, read_notebook, render_editions, run_notebook
from qi_analysis.run.provenance import build_manifest, check_inputs, describe_sources, digest_files, to_csv
from qi_analysis.run.publish import (
    MANIFEST,
    RESULTS,
    VERDICT,
    Outcome,
    Published,
    build_verdict_file,
    publish,
    read_earlier,
    read_published,
)
from qi_analysis.run.wall import Wall
from qi_analysis.run.warm_client import draw_early
from qi_analysis.storage import BUILDING, Places

log = logging.getLogger("qi_analysis")
REVIEW_NOTEBOOK = "02_completion_review.ipynb"
WORKSHOP_NOTEBOOK = "01_data_quality.ipynb"


@dataclass(frozen=True)
class Prepared:
    """The extract, cleaned: what every review of a run starts from."""

    places: Places
    raw: Path
    record: Record
    team: TeamRecord
    tables: Tables
    account: Account
    is_synthetic: bool
    file_tables: list[str]
    inputs: dict[str, str]
    settings: dict[str, str]
    published: PublishedFigures
    stored: Stored
    guard: Guard  # the people of the extract and the allow-list; each page adds its release
    before: dict[str, list[Published]]  # what was published before the run began


def prepare(places: Places, raw: Path, inputs: dict[str, str], settings: dict[str, str]) -> Prepared:
    """Read and clean the extract. Raises DataProblem or RecordProblem."""
    record, team = read_whole_record(places.record)
    for notebook in (places.notebooks / WORKSHOP_NOTEBOOK, places.notebooks / REVIEW_NOTEBOOK):
        check_parameters(notebook, read_notebook(notebook), {})  # before the minutes that a large extract takes
    figures = find_published_figures(places, settings)
    draw_early(figures)
    published = read_published_figures(figures)
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
    folder = tempfile.mkdtemp(prefix=".tables-", suffix=BUILDING, dir=places.processed)  # its owner's alone
    stored = store_tables(Path(folder), tables)
    guard = read_guard(raw, places.record, record.columns)
    forget_workbooks()
    if is_synthetic:  # the only data beside which the example may stand
        team = read_team_record(places.record, {one.id: one.chart for one in record.measures}, allow_example=True)
    return Prepared(
        places, raw, record, team, tables, account, is_synthetic, file_tables, inputs, settings, published, stored, guard,
        read_published(places.reports),
    )  # fmt: skip


def make_review(prepared: Prepared, period: Period, turn: AbstractContextManager[None] | None = None) -> Outcome:
    """Make and publish one review. Raises QiError; nothing is published unless everything held.

    turn: held while counts are protected, so that months made side by side know one another's.
    """
    places, stage = prepared.places, _Stages(period.id)
    earlier = read_earlier(places.reports, period.id)
    workings = build_workings(prepared, period)
    stage.done("results")
    with turn or nullcontext():
        counted = build_counted(workings, seen := read_ledger(places.ledger, period.id))
        write_ledger(places.ledger, period.id, counted.book, seen)
    stage.done("counts protected")
    release = build_release(workings, prepared.published, read_recording_checks(places.record), counted)
    stage.done("release")
    revision, moved = _compare(earlier, release, prepared)
    if revision is None:
        return Outcome(period.id, f"{period.words}: nothing new; no published figure moved.")
    new = build_new(workings, release.tables["results"], find_before(earlier, prepared.before, period.id))
    made_from = describe_sources(prepared)
    facts = replace(release.facts, revision=revision, moved=tuple(map(tuple, moved)), made_from=made_from, new=new)
    release = replace(release, facts=facts)
    write_workshop(places.workshop(period.id), workings, prepared.stored)
    stage.done("workshop")
    pages = _run_notebooks(prepared, period, release, stage)
    verdict_file = _pass_gate(prepared, period, release, pages)
    stage.done("gate")
    check_inputs(prepared.raw, prepared.inputs)
    manifest = build_manifest(prepared, release, revision, pages)
    files = {**pages, RESULTS: to_csv(release.tables["results"]), MANIFEST: manifest, VERDICT: verdict_file}
    publish(places.reports, period.id, revision, files)
    stage.done("published")
    verdict = release.facts.verdict.sentence
    again = f" (revision {revision}: {len(moved)} figures moved)" if revision > 1 else ""
    return Outcome(period.id, f"{period.words}{again}: {verdict}", is_new=True)


def build_workings(prepared: Prepared, period: Period) -> Workings:
    """Pathways and results of one period. Raises DataProblem when the extract does not allow the review."""
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


def _compare(earlier: list[Published], release: Release, prepared: Prepared) -> tuple[int | None, list[list[str]]]:
    """(the revision to publish or None, the months whose released figure moved since the last one)."""
    if not earlier:
        return 1, []
    last = earlier[-1]
    moved = build_moved(last.folder / RESULTS, release.tables["results"], prepared.record.measures)
    same_settings = last.manifest["settings"] == prepared.settings
    return (None, []) if not moved and same_settings else (last.revision + 1, moved)


def _run_notebooks(prepared: Prepared, period: Period, release: Release, stage: _Stages) -> dict[str, str]:
    """Run both notebooks and render every edition of the review: file name -> page."""
    places, seconds = prepared.places, prepared.record.settings.time_limit_seconds
    given = {"period": period.id}
    write_release(places.release(period.id), release)
    with tempfile.TemporaryDirectory(prefix=".run-", suffix=BUILDING, dir=places.processed) as folder:
        building = Path(folder)
        wall = Wall(*map(str, (places.root, places.raw, places.release(period.id), building / "refused")))
        run_notebook(places.notebooks / WORKSHOP_NOTEBOOK, building, given, places.root, seconds)
        executed = run_notebook(places.notebooks / REVIEW_NOTEBOOK, building, given, wall, seconds)
    stage.done("notebooks")
    pages = render_editions(executed, release.facts)
    stage.done("editions")
    return pages


def _pass_gate(prepared: Prepared, period: Period, release: Release, pages: dict[str, str]) -> str:
    """The text of the verdict on all pages of a review. Raises GateClosed unless the gate opens for each."""
    guard = replace(prepared.guard, store=build_store(release))
    checks = min(open_gate(page, guard) for page in pages.values())
    folder = prepared.places.release(period.id)
    digest = digest_files(folder.iterdir(), folder)
    return build_verdict_file({name: page.encode() for name, page in pages.items()}, digest, checks)

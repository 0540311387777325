"""A run: one month or all of them, side by side, and nothing twice.

What was looked at before: with which data and settings each review was made, so that nothing is done twice.

Light on purpose: it is asked before pandas is imported.

Taking turns: reviews that are made side by side protect their counts one after the other, oldest month first.

So each knows every count that an earlier month shows, as if the months had been made one by one.

A run: from raw files to published reviews, one period or every one of them side by side.

The extract is read and cleaned once. Each review is then made by a worker that is a fork of this process where
that is safe, so imports and tables are paid for once; elsewhere a worker reads the extract itself."""

import hashlib
import json
import logging
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

from qi_analysis.errors import DataProblem, QiError, describe_disk
from qi_analysis.periods import Period, parse_period
from qi_analysis.run.provenance import build_settings_digests, check_inputs, digest_inputs
from qi_analysis.run.publish import has_whole_index, read_published, write_index
from qi_analysis.run.review import Outcome, Prepared, load_libraries, make_review, prepare
from qi_analysis.storage import UNLOCKED, Places, clear_leftovers, hold_lock, write_folder, write_whole

log = logging.getLogger("qi_analysis")
SEEN = ".seen.json"
EVERY = "every month"


def find_unchanged(places: Places, inputs: dict[str, str], settings: dict[str, str]) -> dict[str, str]:
    """period id -> verdict of each published review that the same data and settings would make again."""
    digest = _digest(inputs, settings)
    seen = _read_seen(places)
    newest = {period: revisions[-1] for period, revisions in read_published(places.reports).items()}
    return {p: one.manifest["verdict"] for p, one in newest.items() if seen.get(p) == [digest, one.revision]}


def remember(
    places: Places, made: list[str], every: list[str], inputs: dict[str, str], settings: dict[str, str]
) -> None:
    """Note that the reviews `made` were looked at with this data and these settings, and which months it holds."""
    digest = _digest(inputs, settings)
    newest = {period: revisions[-1] for period, revisions in read_published(places.reports).items()}
    seen = _read_seen(places) | {p: [digest, newest[p].revision] for p in made if p in newest}
    write_whole(places.processed / SEEN, json.dumps(seen | {EVERY: [digest, every]}, indent=1, sort_keys=True))


def _read_seen(places: Places) -> dict[str, list[Any]]:
    """What is noted; lines that are damaged are as if they were not there."""
    path = places.processed / SEEN
    try:
        seen = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    pairs = seen.items() if isinstance(seen, dict) else ()
    return {name: noted for name, noted in pairs if isinstance(noted, list) and len(noted) == 2}


def _digest(inputs: dict[str, str], settings: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps([inputs, settings], sort_keys=True).encode()).hexdigest()


def find_months(places: Places, inputs: dict[str, str], settings: dict[str, str]) -> list[str]:
    """The months this very data holds, oldest first, where it was looked at before; else none."""
    digest, months = _read_seen(places).get(EVERY, ["", []])
    return months if digest == _digest(inputs, settings) else []


class Turns:
    """One turn for each place, in order, across the processes that share it."""

    def __init__(self, context: BaseContext, number: int) -> None:
        self._is_over = context.Array("b", number, lock=False)
        self._changed = context.Condition()

    @contextmanager
    def take(self, place: int) -> Iterator[None]:
        """Wait until every earlier turn is over; this one is over at the end of the block."""
        with self._changed:
            self._changed.wait_for(lambda: all(self._is_over[:place]))
        try:
            yield
        finally:
            self.end(place)

    def end(self, place: int) -> None:
        """This turn is over, whether it was taken or not."""
        with self._changed:
            self._is_over[place] = 1
            self._changed.notify_all()


def choose_extract(places: Places) -> Path:
    """data/raw, or the shipped generator's extract when data/raw is empty (written on first use)."""
    if places.has_extract:
        return places.raw
    if not (places.sample / "IDS000Header.csv").exists():
        from qi_analysis.extract.sample.generate import write_sample

        with write_folder(places.sample) as building:
            write_sample(building)
    return places.sample


_prepared: Prepared | None = None  # in a worker: what it was given at its start
_turns: Turns | None = None


def _start_worker(
    turns: Turns, places: Places | None, raw: Path | None, inputs: dict[str, str], settings: dict[str, str]
) -> None:
    global _prepared, _turns
    _turns = turns
    threading.Thread(target=_end_with_the_run, daemon=True).start()
    if places is not None and raw is not None:
        _prepared = prepare(places, raw, inputs, settings)
        load_libraries()


def _end_with_the_run() -> None:
    """A worker goes on for no moment after its run was killed: the next run may be at work already."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(place: int, period_id: str) -> Outcome:
    """One review in a worker; an expected failure becomes its outcome, and gives way to the months that follow."""
    assert _prepared is not None and _turns is not None
    try:
        return make_review(_prepared, parse_period(period_id), _turns.take(place))
    except QiError as problem:
        return Outcome(period_id, f"{period_id}: {problem}", problem.exit_code)
    except OSError as problem:
        return Outcome(period_id, f"{period_id}: {describe_disk(problem)}", QiError.exit_code)
    finally:
        _turns.end(place)


def make_reviews(prepared: Prepared, raw: Path, periods: list[Period]) -> Iterator[Outcome]:
    """Every review, side by side on the cores there are, in the order in which they are done."""
    global _prepared, _turns
    can_fork = sys.platform == "linux"
    context = multiprocessing.get_context("fork" if can_fork else "spawn")
    _prepared, _turns = prepared, Turns(context, len(periods))
    load_libraries()
    start = (None, None, {}, {}) if can_fork else (prepared.places, raw, prepared.inputs, prepared.settings)
    workers = min(len(periods), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, context, _start_worker, (_turns, *start)) as pool:
        waiting = {pool.submit(_work, place, period.id) for place, period in enumerate(periods)}
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for one in done:
                yield one.result()


def run(
    places: Places,
    wanted: str,
    on_start: Callable[[int], None],
    on_done: Callable[[Outcome], None],
    on_warning: Callable[[str], None] = log.warning,
) -> list[Outcome]:
    """Run one period ("2022-08"), "latest" or "all". Raises QiError before anything is published.

    on_start is told how many reviews will be looked at, on_done each outcome, on_warning what a person should know.
    """
    with hold_lock(places.processed) as is_held:
        if not is_held:
            on_warning(UNLOCKED)
        making = (
            places.processed,
            places.release("any").parent,
            places.processed / "published",
            places.ledger,
            places.reports,
        )
        clear_leftovers(making)
        try:
            return _run(places, wanted, on_start, on_done)
        finally:
            clear_leftovers(making)


def _run(
    places: Places, wanted: str, on_start: Callable[[int], None], on_done: Callable[[Outcome], None]
) -> list[Outcome]:
    raw = choose_extract(places)
    inputs, settings = digest_inputs(raw), build_settings_digests(places)
    unchanged = find_unchanged(places, inputs, settings)
    asked = None if wanted in ("latest", "all") else parse_period(wanted)
    known = [parse_period(month) for month in find_months(places, inputs, settings)]
    looked_at = [asked] if asked else known if wanted == "all" else known[-1:]
    if looked_at and all(period.id in unchanged for period in looked_at):
        if not has_whole_index(places.reports):
            from qi_analysis.record.read_settings import read_record

            write_index(places.reports, read_record(places.record).title)
        return [_nothing_new(period, unchanged) for period in looked_at]
    prepared = prepare(places, raw, inputs, settings)
    check_inputs(raw, inputs)
    from qi_analysis.extract.clean import find_periods

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
    made_ids = [outcome.period_id for outcome in outcomes if outcome.exit_code == 0]
    remember(places, made_ids, [period.id for period in every], inputs, settings)
    return sorted(outcomes, key=lambda outcome: outcome.period_id)


def _nothing_new(period: Period, unchanged: dict[str, str]) -> Outcome:
    return Outcome(period.id, f"{period.words}: nothing new, it is published as it stands. {unchanged[period.id]}")

"""A run: one month or all of them, and nothing twice.

With which data and settings each review was made is noted, so that nothing is done twice. The extract is read and cleaned
once; several reviews are then made side by side (side_by_side.py). That there is nothing new is said before pandas is
imported: what reads data is imported after that.
"""

import json
import logging
from collections.abc import Callable
from typing import Any

from qi_analysis.errors import DataProblem
from qi_analysis.extract.choose import choose_extract
from qi_analysis.periods import Period, parse_period
from qi_analysis.record.read_settings import read_record
from qi_analysis.run.provenance import build_settings_digests, check_inputs, digest_inputs, digest_text
from qi_analysis.run.publish import Outcome, has_whole_index, read_published, write_index
from qi_analysis.storage import UNLOCKED, Places, clear_leftovers, hold_lock, write_whole

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
    return digest_text(json.dumps([inputs, settings], sort_keys=True))


def find_months(places: Places, inputs: dict[str, str], settings: dict[str, str]) -> list[str]:
    """The months this very data holds, oldest first, where it was looked at before; else none."""
    digest, months = _read_seen(places).get(EVERY, ["", []])
    return months if digest == _digest(inputs, settings) else []


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
        published = places.processed / "published"
        making = (places.processed, places.release("any").parent, published, places.ledger, places.reports)
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
            write_index(places.reports, read_record(places.record).title)
        return [_nothing_new(period, unchanged) for period in looked_at]
    from qi_analysis.extract.clean import find_periods  # these are what takes time to import: see the top
    from qi_analysis.run.review import make_review, prepare
    from qi_analysis.run.side_by_side import make_reviews

    prepared = prepare(places, raw, inputs, settings)
    check_inputs(raw, inputs)
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

"""What moved and what is new since the last published review: figures, definitions, people, ideas, tests, stories, actions.

Each manifest holds the record as ids and statuses, no words (build_snapshot); the next review is compared with it. The
review to compare with is chosen from what was published before the run began, so that reviews made side by side do not
depend on which is done first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from qi_analysis.answers.measure_charts import NUMBERS
from qi_analysis.answers.team_words import clean_words, describe_state, list_cycles, name_role
from qi_analysis.answers.workshop import Workings
from qi_analysis.facts import NewFacts, Snapshot
from qi_analysis.measures.results import read_definitions
from qi_analysis.periods import parse_period
from qi_analysis.phrases import HIDDEN, describe_month
from qi_analysis.record.settings import Measure, Record
from qi_analysis.record.team import TeamRecord, list_stories

KEY = ["measure_id", "clock", "interval_start"]
CLOCK_WORDS = {
    "start": ", by the month LI began",
    "end": ", by the month LI ended",
    "contact": ", by the month of the appointment",
    "month_end": ", as at the month's end",
}
DECIDED = {"adopt": "adopted", "adapt": "adapted", "abandon": "abandoned", "running": "finished, no decision yet"}
PARTS = ("definitions", "roles", "ideas", "tests", "stories", "actions")
RESULTS = "results.csv"
SAYS_ITSELF = ("definitions", "roles", "stories")  # parts whose status says nothing when something is new
MOST_NAMED = 6  # changes of one part that are named; the rest is counted
MOST_FIGURES = 12


class Publication(Protocol):
    """A published revision: its folder and its manifest."""

    @property
    def folder(self) -> Path:
        """Where its files are."""

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What manifest.json holds."""


@dataclass(frozen=True)
class Before:
    """The published review to compare with: its manifest and its results as released."""

    manifest: Mapping[str, Any]
    results: Path


def find_before(
    earlier: Sequence[Publication], published: Mapping[str, Sequence[Publication]], period_id: str
) -> Before | None:
    """The last revision of this month, else of the latest month before it that was published before the run began.

    earlier: the revisions of this month; published: period id -> revisions, oldest first (publish.read_published).
    """
    months = [month for month in published if month < period_id]
    last = earlier[-1] if earlier else published[max(months)][-1] if months else None
    return Before(last.manifest, last.folder / RESULTS) if last else None


def build_snapshot(workings: Workings) -> Snapshot:
    """The record as at the end of the month, by part: {id: status}. Ids and statuses only, for a manifest."""
    team, day = workings.team, workings.period.end
    cycles = list_cycles(team.cycles, day)
    states = {cycle.id: describe_state(cycle, day) for cycle in cycles}
    return Snapshot(
        is_example=team.is_example,
        definitions=_list_definitions(workings.record),
        roles={role.id: "on the team" for role in team.team.roles if not (role.until and role.until <= day)},
        ideas={idea.id: idea.status for idea in team.ideas},
        tests={one.id: DECIDED[one.decision] if states[one.id] == "finished" else states[one.id] for one in cycles},
        stories={story.file: "told" for story in list_stories(team, "team", day)},
        actions={one.id: "open" if one.done_on and one.done_on > day else one.status for one in team.actions if one.id},
    )


def _list_definitions(record: Record) -> dict[str, str]:
    """What is counted: the version and choice of "completed", the rules of the charts, and each measure."""
    measures = {one.id: "/".join((one.numerator, one.denominator, one.month_by, one.chart)) for one in record.measures}
    completion = record.completion
    return measures | {
        "completed": f"version {completion.version}, {completion.team_choice}",
        "rules": record.settings.rules,
    }


def build_new(workings: Workings, results: pd.DataFrame, before: Before | None) -> NewFacts:
    """What page 14 says, by part a list of sentences. before: None gives the first report.

    results: the released results of this review.
    """
    if before is None:
        return NewFacts()
    old, now = before.manifest.get("record") or {}, asdict(build_snapshot(workings))
    names = _build_names(workings.team, workings.record)
    is_same = bool(old) and old["is_example"] == now["is_example"]
    since = f"{before.manifest['title']}, revision {before.manifest['revision']}"
    parts = (
        {part: tuple(_compare(part, old.get(part, {}), now[part], names[part])) for part in PARTS} if is_same else {}
    )
    return NewFacts(since, tuple(_list_figures(workings, results, before)), parts)


def _build_names(team: TeamRecord, record: Record) -> dict[str, dict[str, str]]:
    """part -> {id: what a reader is shown for it}."""
    names = {
        "definitions": {one.id: one.name for one in record.measures} | {"completed": "What completed means", "rules": "Rules of the charts"},
        "roles": {role.id: name_role(team, role.id) for role in team.team.roles},
        "ideas": {idea.id: idea.idea for idea in team.ideas},
        "tests": {cycle.id: cycle.title for cycle in team.cycles},
        "stories": {story.file: f"a story of a {story.teller}" for story in team.stories},
        "actions": {one.id: one.action for one in team.actions},
    }  # fmt: skip
    return {part: {one: clean_words(text) for one, text in known.items()} for part, known in names.items()}


def _compare(part: str, old: Mapping[str, str], now: Mapping[str, str], names: Mapping[str, str]) -> list[str]:
    """One sentence for each id that is new, changed or gone; of many the first are named and the others counted.

    A story that may no longer be shown is not mentioned.
    """
    is_measure = {one: part == "definitions" and "/" in status for one, status in now.items()}
    told = [
        f"New: {names.get(one, one)}{'' if part in SAYS_ITSELF else f' ({now[one]})'}." for one in now if one not in old
    ]
    told += [
        f"{names.get(one, one)}: "
        + ("what is counted has changed." if is_measure[one] else f"{now[one]}, before: {old[one]}.")
        for one in now
        if one in old and old[one] != now[one]
    ]
    gone = [names.get(one, clean_words(one)) for one in old if one not in now and part != "stories"]
    told += [f"No longer there: {', '.join(gone[:MOST_NAMED])}."] if gone else []
    return told if len(told) <= MOST_NAMED else [*told[:MOST_NAMED], f"And {len(told) - MOST_NAMED} more."]


def _list_figures(workings: Workings, results: pd.DataFrame, before: Before) -> list[str]:
    """Months of the main measure whose released figure is another now, and how many other figures moved."""
    last = pd.Timestamp(parse_period(before.manifest["period"]).end)
    known = results[results["interval_start"] <= last]  # the months that both reviews hold
    moved = build_moved(before.results, known, workings.record.measures) if before.results.exists() else []
    aim = workings.record.aim_measure
    own = f"{aim.name} ({aim.id}{CLOCK_WORDS[aim.month_by]})"
    ours = [f"{when}: {new}, before: {old}." for when, what, old, new in moved if what == own]
    rest, older = len(moved) - len(ours), max(0, len(ours) - MOST_FIGURES)
    told = [*ours[-MOST_FIGURES:], *([f"And {older} months before these."] if older else [])]
    return [*told, *([f"Of other measures {rest:,} figures moved."] if rest else [])]


# Every month and measure whose released figure is another.
def build_moved(before: Path, now: pd.DataFrame, measures: Sequence[Measure] = ()) -> list[list[str]]:
    """[month, measure, before, now] in words, from a published results.csv and the released results.

    measures: the team's blocks, for their names.
    """
    old = pd.read_csv(before, parse_dates=["interval_start", "interval_end"])
    both = old.merge(now, on=KEY, how="outer", suffixes=("_old", "_new"))
    same = np.logical_and.reduce(
        [np.isclose(both[f"{name}_old"], both[f"{name}_new"], rtol=0, atol=5e-7, equal_nan=True) for name in NUMBERS]
    )
    moved = both[~same].sort_values(["interval_start", "measure_id", "clock"])
    names = {one.measure_id: one.name for one in read_definitions()} | {one.id: one.name for one in measures}
    return [
        [
            describe_month(row.interval_start),
            f"{names.get(row.measure_id, row.measure_id)} ({row.measure_id}{CLOCK_WORDS.get(row.clock, '')})",
            _describe(row.numerator_old, row.denominator_old, row.value_old),
            _describe(row.numerator_new, row.denominator_new, row.value_new),
        ]
        for row in moved.itertuples()
    ]


def _describe(numerator: float, denominator: float, value: float) -> str:
    if pd.isna(value):
        return HIDDEN if pd.isna(denominator) else f"none of {denominator:,.0f}"
    if pd.isna(denominator):
        return f"{value:,.0f}"
    if pd.isna(numerator):
        return f"{value:,.0f} (of {denominator:,.0f})"
    return f"{numerator:,.0f} of {denominator:,.0f}"

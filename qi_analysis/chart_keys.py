"""The marks of a chart and their key: tests as numbers, events as letters, phases as P1, P2; from the facts of a release.

A chart carries the events that could affect its measure and the tests that name it; the chart of the aim carries every
test. Tests that begin close together share one mark ("3-6"), so that a chart of five years stays legible.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from qi_analysis.chart_style import Mark, arrange_marks
from qi_analysis.phrases import describe_month, describe_months

WINDOWS = (
    0.0,
    0.02,
    0.03,
    0.04,
    0.05,
    0.06,
    0.08,
    0.1,
    0.13,
    0.2,
)  # how close tests share a mark, in parts of the months drawn
MOST_ROWS = 2  # of signs above a chart
MOST_TITLES = 3  # named for one shared mark
Key = list[tuple[str, str]]


def affects(words: str, measure_id: str) -> bool:
    """Whether could_affect of an event names a measure, or all."""
    return bool({"all", measure_id} & set(re.split(r"[\s,;]+", words)))


def build_marks(facts: Mapping[str, Any], measure_id: str, chart: pd.DataFrame) -> tuple[tuple[Mark, ...], Key]:
    """(marks, key) of one chart: what lies in its months, nothing for an empty chart.

    facts: events, phases, measure and team (cycles, is_example). The key has a line for each mark.
    """
    if chart.empty:
        return (), []
    first, last = (chart["interval_start"].agg(end) for end in ("min", "max"))
    fixed = [(mark, words) for mark, words in _list_fixed(facts, measure_id) if _is_within(mark.on, first, last)]
    is_aim = measure_id == facts["measure"]["id"]
    cycles = [
        one
        for one in facts["team"]["cycles"]
        if one["state"] != "planned"
        and (is_aim or measure_id in one["measures"])
        and _is_within(_day(one), first, last)
    ]
    number = first.year * 12 + first.month - 1
    months = last.year * 12 + last.month - number
    for window in WINDOWS:
        tests = [_name_group(group, facts["team"]["is_example"]) for group in _group(cycles, window * months)]
        marks = tuple(mark for mark, _ in [*tests, *fixed])
        if max((row for _, row, _ in arrange_marks(marks, number, months)), default=0) < MOST_ROWS:
            break
    return marks, [(mark.sign, words) for mark, words in [*tests, *fixed]]


def _list_fixed(facts: Mapping[str, Any], measure_id: str) -> list[tuple[Mark, str]]:
    """Events that could affect the measure, and every phase with its date and reason."""
    events = [
        (Mark(_day(one), one["letter"], "event"), f"{one['what']} ({describe_month(_day(one))})")
        for one in facts["events"]
        if affects(one["could_affect"], measure_id)
    ]
    phases = [
        (Mark(_day(one), f"P{n}", "phase"), f"limits start again on {one['words']}: {one['reason']}")
        for n, one in enumerate(facts["phases"], 1)
    ]
    return events + phases


def _day(one: Mapping[str, Any]) -> date:
    return date.fromisoformat(one["on"])


def _is_within(day: date, first: pd.Timestamp, last: pd.Timestamp) -> bool:
    return (first.year, first.month) <= (day.year, day.month) <= (last.year, last.month)


def _group(cycles: Sequence[Mapping[str, Any]], months: float) -> list[list[Mapping[str, Any]]]:
    """Tests in order of time; those that begin within so many months of a group's first belong to it."""
    groups: list[list[Mapping[str, Any]]] = []
    for one in cycles:
        is_close = groups and (_day(one) - _day(groups[-1][0])).days <= months * 30.4
        if is_close:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _name_group(group: Sequence[Mapping[str, Any]], is_example: bool) -> tuple[Mark, str]:
    """The mark of one test or of several, and its words in the key."""
    first, last = group[0], group[-1]
    example = " (example, not the team's)" if is_example else ""
    if len(group) == 1:
        return Mark(_day(first), str(first["number"])), f"{first['title']}, from {first['start']}{example}"
    titles = [one["title"] for one in group[:MOST_TITLES]]
    more = f" and {len(group) - MOST_TITLES} more" if len(group) > MOST_TITLES else ""
    span = describe_months(_day(first), _day(last))
    mark = Mark(_day(first), f"{first['number']}-{last['number']}")
    return mark, f"{len(group)} tests, {span}: {'; '.join(titles)}{more}{example}"

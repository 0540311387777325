"""The names a block of project/measures.toml may count, and what is wrong with a block that cannot be counted.

definitions/measure_names.csv lists them; measures/flags.py works them out. Which table a name belongs to follows from the
name, and with it the months it may be counted by.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from qi_analysis.dataset import read_rows
from qi_analysis.record.findings import find_near
from qi_analysis.record.settings import Measure
from qi_analysis.storage import DEFINITIONS

NAMES = DEFINITIONS / "measure_names.csv"
MEASURES = DEFINITIONS / "measures.csv"
EACH_DEFINITION = "{definition}"
CLOCKS = {  # table -> month_by -> the date of the month; "as_at" is the month's last day
    "episodes": {"end": "li_end", "start": "li_start"},
    "bookings": {"contact": "contact_on"},
    "open_episodes": {"month_end": "as_at"},
}
MONTH_BY = tuple(clock for clocks in CLOCKS.values() for clock in clocks)
CHARTS = {  # statistic -> the charts that suit it
    "share": ("p", "pp", "ip", "xmr", "run"),
    "mean": ("xmr", "run"),
    "count": ("xmr", "c", "run"),
}
WHAT = {  # what can happen on a day of a worked example: attendance, type and therapy
    "LI": ("5", "02", "li"),
    "HI": ("5", "02", "hi"),
    "assessment": ("5", "01", ""),
    "follow-up": ("5", "06", ""),
    "missed": ("3", "02", ""),
    "cancelled": ("2", "02", ""),
    "cancelled by us": ("4", "02", ""),
    "late": ("7", "02", ""),
}
EXAMPLE_KEYS = {
    "says": str, "counts": str, "sessions": int, "contacts": list, "scores": list, "ended": int, "end_code": str,
    "as_at": int,
}  # fmt: skip
CONTACT = re.compile(rf"(\d+) ({'|'.join(WHAT)})")
SCORE = re.compile(r"(\d+) (PHQ-9|GAD-7) (\d+)")
ID = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class MeasureName:
    """One name: its table, kind (people, appointments or number), when it is known, and what it says.

    known_after: how long after LI began it is known: "" at once, a number of days, "horizon" (the fixed horizon), or
    "ended" (once LI has ended). It matters to measures counted by the month LI began.
    """

    name: str
    table: str
    kind: str
    known_after: str
    says: str


@cache
def read_names() -> tuple[MeasureName, ...]:
    """Every name as the file has it; {definition} stands for an id of project/completion.toml."""
    return tuple(MeasureName(**row) for row in read_rows(NAMES))


def build_names(definitions: Iterable[str]) -> dict[str, MeasureName]:
    """name -> its meaning, with one name for each definition of "completed" in place of {definition}."""
    definitions = tuple(definitions)
    return {
        one.name.replace(EACH_DEFINITION, definition): one
        for one in read_names()
        for definition in (definitions if EACH_DEFINITION in one.name else ("",))
    }


def find_statistic(measure: Measure, names: Mapping[str, MeasureName]) -> str:
    """What a block is: a count without a denominator, a mean of a number, else a share."""
    if not measure.denominator:
        return "count"
    return "mean" if names[measure.numerator].kind == "number" else "share"


@cache
def read_standing() -> dict[str, tuple[str, str, frozenset[str]]]:
    """id -> numerator, denominator and the dates it is counted by, of each measure of definitions/measures.csv."""
    standing: dict[str, tuple[str, str, frozenset[str]]] = {}
    for row in read_rows(MEASURES):
        before = standing.get(row["measure_id"], ("", "", frozenset()))[2]
        standing[row["measure_id"]] = (row["numerator"], row["denominator"], before | {row["month_by"]})
    return standing


def check_measure(measure: Measure, place: str, definitions: Iterable[str]) -> list[str]:
    """What is wrong with the names, the month, the chart or the id of a block, each with what to do."""
    names = build_names(definitions)
    given = {"numerator": measure.numerator}
    given |= {"denominator": measure.denominator} if measure.denominator else {}
    unknown = [
        f"{place} {part}: {name!r} is not a name I can count.{find_near(name, names)} docs/definitions.md lists the names."
        for part, name in given.items()
        if name not in names
    ]
    unknown += [] if ID.fullmatch(measure.id) else [f"{place}: write the id in small letters, digits and underscores."]
    return unknown or [*_check_table(measure, place, names), *_check_standing(measure, place)]


def _check_table(measure: Measure, place: str, names: Mapping[str, MeasureName]) -> list[str]:
    """Do the two names belong together, and do month_by and chart suit them?"""
    top, bottom = names[measure.numerator], names[measure.denominator or measure.numerator]
    faults = []
    if bottom.table != top.table:
        faults.append(
            f"{place}: {measure.numerator!r} and {measure.denominator!r} are not counted among the same things. "
            "Take two names with the same month_by from docs/definitions.md."
        )
    if bottom.kind == "number":
        faults.append(f"{place}: {bottom.name!r} is a number for each person. Name who is counted as the denominator.")
    if measure.month_by not in CLOCKS[top.table]:
        allowed = " or ".join(f'"{clock}"' for clock in CLOCKS[top.table])
        faults.append(f"{place} month_by: {measure.numerator!r} is counted by month_by = {allowed}. Write that.")
    charts = CHARTS[find_statistic(measure, names)]
    if measure.chart not in charts:
        faults.append(f"{place} chart: this measure can be drawn as {', '.join(charts)}. Choose one of them.")
    return faults


def _check_standing(measure: Measure, place: str) -> list[str]:
    """Does a block with the id of a measure that is always worked out say the same as that measure?"""
    if measure.id not in read_standing():
        return []
    top, bottom, dates = read_standing()[measure.id]
    clocks = {clock: date for known in CLOCKS.values() for clock, date in known.items()}
    if clocks[measure.month_by] not in dates:
        return [f"{place}: this id belongs to another measure that is always worked out. Choose another id."]
    if (measure.numerator, measure.denominator) == (top, bottom):
        return []
    return [
        f"{place}: this measure is always worked out as numerator {top!r} over denominator {bottom!r}. Write these, or "
        "choose another id."
    ]


def check_examples_form(measure: Measure, place: str) -> list[str]:
    """What is wrong with how the worked examples of a block are written; worked_examples.py says if they hold."""
    faults = []
    for number, example in enumerate(measure.examples, 1):
        where = f"{place} example {number}"
        if not isinstance(example, dict) or not {"says", "counts"} <= set(example):
            faults.append(f"{where}: an example needs says, counts and what happened. See docs/change_a_definition.md.")
            continue
        faults += [
            f"{where}: {key!r} is not a key of an example, or its value is of another kind. Known here: "
            f"{', '.join(EXAMPLE_KEYS)}."
            for key, value in example.items()
            if not isinstance(value, EXAMPLE_KEYS.get(key, ()))
        ]
        faults += _check_days(example, where)
    return faults


def _check_days(example: Mapping[str, Any], where: str) -> list[str]:
    """Texts of contacts and scores that cannot be read."""
    forms = {"contacts": (CONTACT, f'"7 LI": a day and one of {", ".join(WHAT)}'), "scores": (SCORE, '"7 PHQ-9 12"')}
    return [
        f"{where}: {text!r} cannot be read. Write {form}."
        for key, (pattern, form) in forms.items()
        for text in (example[key] if isinstance(example.get(key), list) else ())
        if not isinstance(text, str) or not pattern.fullmatch(text)
    ]

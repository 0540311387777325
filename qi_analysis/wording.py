"""Sentences from numbers: the verdict, the people sentence, chart titles and alt text, by printed rules.

Every function reads a chart table (one row per month, oldest first, as `spc.build_chart_table` gives it) and
the measure's own words. The same numbers always give the same sentence. Verdicts are worked out on true
numbers; the people sentence and the alt text may be given the released table, where a hidden month has no
numerator and `is_hidden` is true. A column that is absent means: all settled, none hidden.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import pandas as pd

from qi_analysis.confirmation import build_confirmed, describe_unconfirmed
from qi_analysis.periods import describe_day
from qi_analysis.phrases import (
    HIDDEN,
    LI_COMPLETION_WORDS,
    UNKNOWN,
    MeasureWords,
    describe_counts,
    describe_month,
    describe_month_short,
    describe_months,
    describe_share,
    describe_tenths,
    describe_value,
    lower_first,
    upper_first,
)
from qi_analysis.signals import WINDOW_MONTHS, build_settled, describe_signal, find_signal

__all__ = [
    "HIDDEN", "LI_COMPLETION_WORDS", "UNKNOWN", "MeasureWords", "State", "Verdict", "build_settled",
    "build_verdict", "describe_chart", "describe_counts", "describe_month", "describe_month_short",
    "describe_months", "describe_people", "describe_share", "describe_signal", "describe_target",
    "describe_tenths", "describe_time_to_signal", "describe_title", "describe_value",
]  # fmt: skip

MONTHS_NEEDED = 12  # settled months before a verdict is given
ALT_TEXT_WORDS = 60  # alt text stays under so many words
CHART_NAMES = {
    "run": "Run chart", "i": "I chart", "xmr": "XmR chart", "mr": "Moving range chart", "c": "C chart",
    "g": "G chart", "t": "T chart", "p": "P chart", "pp": "P prime chart", "u": "U chart",
    "up": "U prime chart", "ip": "I prime chart", "xbar": "Xbar chart", "s": "S chart",
}  # fmt: skip


class State(StrEnum):
    """What the verdict can be. CHANGED: a signal where neither direction is good, or without a direction."""

    EARLY = "EARLY"
    CANNOT_SAY = "CANNOT_SAY"
    BETTER = "BETTER"
    WORSE = "WORSE"
    MIXED = "MIXED"
    STEADY = "STEADY"
    CHANGED = "CHANGED"


FINDINGS = {
    State.EARLY: "It is too early to say.",
    State.CANNOT_SAY: "We cannot say this month.",
    State.BETTER: "Better than usual, unlikely to be chance.",
    State.WORSE: "Worse than usual, unlikely to be chance.",
    State.MIXED: "A mixed picture.",
    State.STEADY: "No clear change.",
    State.CHANGED: "A change, unlikely to be chance.",
}


@dataclass(frozen=True)
class Verdict:
    """The state, its sentence, and the reasons: the signals found, or why nothing can be said.

    `is_lasting`: one of the signals is a shift or a trend, not a single month out of the usual range.
    """

    state: State
    sentence: str
    reasons: tuple[str, ...] = ()
    is_lasting: bool = False


def build_verdict(chart: pd.DataFrame, words: MeasureWords, stop_reasons: Sequence[str] = ()) -> Verdict:
    """The verdict by the report's rules: settled months only, never this month against the last.

    `stop_reasons` (a failed stop-level check, an open recording-change alarm), in words, give CANNOT_SAY
    before anything else. Fewer than 12 settled months give EARLY. A signal counts while its last point is in
    the most recent 6 settled months, and only if it is strong enough when the baseline's own uncertainty is
    counted in (confirmation.py). Limits are those of the table; a reason says so when they are on trial.
    """
    if stop_reasons:
        because = " and ".join(reason.rstrip(".") for reason in stop_reasons)
        return Verdict(State.CANNOT_SAY, f"We cannot say this month, because {because}.", tuple(stop_reasons))
    settled = build_settled(chart)
    if len(settled) < MONTHS_NEEDED:
        months = f"{len(settled)} settled month{'' if len(settled) == 1 else 's'}"
        have = f"We have {months} and need {MONTHS_NEEDED}."
        return Verdict(State.EARLY, f"It is too early to say. {have}", (have,))
    table = build_confirmed(chart)
    found = [find_signal(table, words, side) for side in ("good", "bad", "neutral")]
    signals = [signal.text if signal else "" for signal in found]
    reasons = [f"{upper_first(text)}." for text in signals if text]
    if "trial" in settled and bool(settled["trial"].iloc[-1]):
        reasons.append("The usual range rests on fewer than 12 months, so read it with care.")
    if not any(signals):
        reasons += [text for text in [describe_unconfirmed(chart)] if text]
    is_lasting = any(signal.is_lasting for signal in found if signal)
    return Verdict(*_choose_state(signals, words), tuple(reasons), is_lasting)


def _choose_state(signals: Sequence[str], words: MeasureWords) -> tuple[State, str]:
    good, bad, neutral = signals
    if good and bad:
        return State.MIXED, f"The picture is mixed: {good} and {bad}."
    if good:
        return State.BETTER, f"{words.better}, and it is unlikely to be chance."
    if bad:
        return State.WORSE, f"{words.worse}, and it is unlikely to be chance."
    if neutral:
        return State.CHANGED, f"This has changed, and it is unlikely to be chance: {neutral}."
    return State.STEADY, "There is no clear change yet. The ups and downs are what we would expect by chance."


def describe_people(table: pd.DataFrame, words: MeasureWords) -> str:
    """The latest settled month in people, the month being that of the table's clock.

    "In June 2022, 6 of every 10 people whose LI CBT ended had completed it (58 of 97)." A hidden month says
    so; so does one with too few people for a figure, or one of which nothing is known.
    """
    row = _latest_settled(table)
    if row is None:
        return "No month is settled yet."
    month = describe_month(row["interval_start"])
    if _is_hidden(row):
        return f"The figure for {month} is {HIDDEN}."
    if pd.isna(row["value"]) and pd.isna(row["denominator"]):
        return f"For {month}, {UNKNOWN}."
    if pd.isna(row["value"]) or not row["is_drawn"]:
        return f"There were too few people in {month} to give a figure."
    clause = words.people.replace("{share}", describe_tenths(row["numerator"], row["denominator"]))
    clause = clause.replace("{value}", describe_value(row["value"], words.unit))
    return f"In {month}, {clause}{_describe_row_counts(row, words)}."


def _latest_settled(table: pd.DataFrame) -> pd.Series | None:
    """The last settled row, drawn or not: a hidden month must be told, not skipped."""
    rows = table[table["is_settled"].astype(bool)] if "is_settled" in table else table
    return None if rows.empty else rows.iloc[-1]


def _is_hidden(row: pd.Series) -> bool:
    return bool(row.get("is_hidden", False))


def _describe_row_counts(row: pd.Series, words: MeasureWords) -> str:
    if words.unit != "share" or pd.isna(row["numerator"]) or pd.isna(row["denominator"]):
        return ""
    return f" ({describe_counts(row['numerator'], row['denominator'])})"


def describe_target(table: pd.DataFrame, words: MeasureWords, target: float | None, by: date | None) -> str:
    """The target clause: "Our aim is 7 of every 10 by 31 December 2022. 2 of the last 6 settled months
    reached it."

    A share that is no whole number of tenths is told of every 100. Reached means at the target or beyond it
    in the good direction. Without a target it says that the team has not set one yet.
    """
    if target is None:
        return "The team has not set a target yet."
    aim = describe_value(target, words.unit)
    if words.unit == "share":
        tenths = round(10 * target, 6)
        aim = f"{tenths:.0f} of every 10" if tenths.is_integer() else f"{aim.rstrip('%')} of every 100"
    window = build_settled(table)["value"].tail(WINDOW_MONTHS)
    reached = window <= target + 1e-9 if words.good == "down" else window >= target - 1e-9
    when = "" if by is None else f" by {describe_day(by)}"
    return f"Our aim is {aim}{when}. {reached.sum()} of the last {len(window)} settled months reached it."


def describe_time_to_signal(people_a_month: float, months: float) -> str:
    """How long a rise of 10 points would take to show, by simulation (for STEADY or EARLY only)."""
    whole = max(1, int(months + 0.5))
    rise = f"a rise of 10 points would usually take about {whole} month{'' if whole == 1 else 's'} to show"
    return f"With about {people_a_month:.0f} people a month, {rise}."


def describe_title(table: pd.DataFrame, words: MeasureWords, verdict: Verdict) -> str:
    """A chart title that states the finding, with the last settled month where there is one.

    A signal of single months is told as such: it is not "more people than usual" up to now.
    """
    row = _latest_settled(table)
    until = "" if row is None else f" to {describe_month(row['interval_start'])}"
    if verdict.state in (State.BETTER, State.WORSE) and not verdict.is_lasting:
        return f"{words.name}: {verdict.reasons[0].rstrip('.')}"
    better, worse = (words.lower, words.higher) if words.good == "down" else (words.higher, words.lower)
    return {
        State.EARLY: f"{words.name}: too early to say",
        State.CANNOT_SAY: f"{words.name}: we cannot say this month",
        State.BETTER: f"{better},{until}" if until else better,
        State.WORSE: f"{worse},{until}" if until else worse,
        State.MIXED: f"{words.name}: a mixed picture{until}",
        State.STEADY: f"{words.name}: no clear change{until}",
        State.CHANGED: f"{words.name}: a change{until}",
    }[verdict.state]


def describe_chart(
    table: pd.DataFrame, words: MeasureWords, verdict: Verdict, chart: str, marks: Sequence[str] = ()
) -> str:
    """Alt text under 60 words: chart, measure, months, finding, usual range, latest settled month, marks.

    What would make it too long gives way in this order: the marks are counted instead (the key under the
    chart has them all), then the finding is told in its short form, then the months are left out.
    """
    name = f"{CHART_NAMES.get(chart, 'Chart')} of {lower_first(words.name)} by month"
    row = _latest_settled(table)
    if row is None:
        return f"{name}. No month is settled yet."
    start = f"{name}, {describe_months(table['interval_start'].iloc[0], row['interval_start'])}."
    level, brief = _describe_level(table, row, words), FINDINGS[verdict.state]
    told = [f"Marks: {'; '.join(marks)}.", f"Marks: {len(marks)}, listed under the chart."] if marks else [""]
    findings = (" ".join(verdict.reasons) or brief, brief)
    texts = [f"{start} {finding} {level} {mark}".strip() for finding in findings for mark in told]
    return next((text for text in texts if len(text.split()) < ALT_TEXT_WORDS), f"{name}. {brief} {level}")


def _describe_level(table: pd.DataFrame, row: pd.Series, words: MeasureWords) -> str:
    """The usual range at the last drawn settled month, and the latest settled month's value with counts."""
    value = describe_value(row["value"], words.unit) + _describe_row_counts(row, words)
    latest = f"latest settled month {HIDDEN if _is_hidden(row) else value}."
    lines = build_settled(table)[["lower", "upper"]].dropna().tail(1)
    if lines.empty:
        return upper_first(latest)
    low, high = (describe_value(lines[side].iloc[0], words.unit) for side in ("lower", "upper"))
    return f"Usual range {low} to {high}; {latest}"

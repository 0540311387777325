"""What a chart says: its signals, which are strong enough, the verdict, title and alt text.

Every function reads a chart table (one row per month, oldest first, as `spc.build_chart_table` gives it) and the
measure's own words. The same numbers always give the same sentence. Verdicts are worked out on true numbers; the people
sentence and the alt text may be given the released table, where a hidden month has no numerator and `is_hidden` is
true. A column that is absent means: all settled, none hidden.

Which signals are strong enough for a verdict: limits are frozen from a baseline of 12 months, so centre line and limits
are uncertain too, and the rules of a chart do not know it. Of in-control charts with 45 people a month, 2 of every 10
show a signal within a year, most of them a run about a centre line that lies a little off. For the verdict, distances
are therefore measured in standard errors that hold both uncertainties: that of the months and that of the baseline
(docs/false_alarms.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from qi_analysis.periods import describe_day
from qi_analysis.phrases import (
    HIDDEN,
    UNKNOWN,
    MeasureWords,
    describe_counts,
    describe_month,
    describe_months,
    describe_tenths,
    describe_value,
    lower_first,
    upper_first,
)

WINDOW_MONTHS = 6  # a signal counts while its last point is in so many latest settled months
WAYS = {"good": 1, "bad": -1, "neutral": 0}
SIGNS = {"up": 1, "down": -1, "either": 0}
CONFIRMED_AT = 2.33  # standard errors: 1 in 100 in each direction
LIMITS_AT = 3.0
RANK = ("outside", "trend", "two_of_three", "shift")  # which rule gives a point its direction
SWAPPED = {"good": "bad", "bad": "good"}
Floats = npt.NDArray[np.floating]
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
    counted in (see build_confirmed). Limits are those of the table; a reason says so when they are on trial.
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


# Signals in words: which settled months the rules may use, and what the latest signal looks like.
def build_settled(chart_table: pd.DataFrame) -> pd.DataFrame:
    """The rows that rules and verdicts may use: drawn and settled, in the table's order, numbered from 0."""
    kept = chart_table["is_drawn"].astype(bool)
    if "is_settled" in chart_table:
        kept &= chart_table["is_settled"].astype(bool)
    return chart_table[kept].reset_index(drop=True)


@dataclass(frozen=True)
class Signal:
    """A signal in words, a clause; `is_lasting` for a shift or a trend, not for single months."""

    text: str
    is_lasting: bool


def find_signal(chart_table: pd.DataFrame, words: MeasureWords, side: str) -> Signal | None:
    """The latest signal of one side whose last point is in the most recent 6 settled months, or None.

    Of the rules that fire at its last point the one that tells most is told: shift, trend, outside the
    limits, two of three, any other. Rules that point to the other side are passed over. A run stops at a new
    phase, and goes on over a month without a figure, which is then said.
    """
    settled = build_settled(chart_table)
    at_side = settled.index[settled["signal"] == side]
    if len(at_side) == 0 or at_side[-1] < len(settled) - WINDOW_MONTHS:
        return None
    upto = settled.loc[: at_side[-1]]
    upto = upto[upto["phase"] == upto["phase"].iloc[-1]]
    level, slope = np.sign(upto["value"] - upto["centre"]), np.sign(upto["value"].diff())
    rules = {"in_shift": level, "in_trend": slope, "is_outside": level, "in_two_of_three": level}
    wanted = WAYS[side] * SIGNS[words.good]
    fired = [rule for rule, way in rules.items() if upto[rule].iloc[-1] and wanted in (0, way.iloc[-1])]
    if not fired:
        last = describe_month(upto["interval_start"].iloc[-1])
        return Signal(f"the pattern of the months to {last} is not what we would expect by chance", False)
    text = _describe_rule(fired[0], upto, rules[fired[0]])
    return Signal(text, fired[0] in ("in_shift", "in_trend"))


def _describe_rule(rule: str, upto: pd.DataFrame, way: pd.Series) -> str:
    """One rule in words; `way` is the side of the centre line (or the slope) of each row."""
    is_up, last = way.iloc[-1] > 0, upto["interval_start"].iloc[-1]
    if rule == "is_outside":
        return f"{describe_month(last)} was {'above' if is_up else 'below'} the usual range"
    if rule == "in_two_of_three":
        months = f"at least 2 of the 3 months to {describe_month(last)}"
        return f"{months} were close to the {'top' if is_up else 'bottom'} of the usual range"
    same = (upto[rule].astype(bool) & (way == way.iloc[-1])).iloc[::-1]
    run = min(int(same.cumprod().sum()) + (rule == "in_trend"), len(upto))
    first = upto["interval_start"].iloc[-run]
    span = describe_months(first, last)
    n_months = 12 * (last.year - first.year) + last.month - first.month + 1
    if rule == "in_shift":
        months = "months with figures" if run < n_months else "months"
        return f"{run} {months} in a row, {span}, were {'above' if is_up else 'below'} the usual level"
    return f"the figure {'rose' if is_up else 'fell'} each time over {run} months, {span}"


# Which signals are strong enough.
def build_confirmed(chart_table: pd.DataFrame) -> pd.DataFrame:
    """The chart table with the signals that a verdict may count: is_outside, in_shift and signal are narrowed.

    A month outside the limits counts if it lies beyond 3 standard errors of (month - baseline); a shift counts if
    its months taken together differ from the baseline by more than CONFIRMED_AT standard errors. Trends, two of
    three and patterns without a direction stay as they are, and so does a chart without limits (sigma not known)
    or without a baseline. A point weighs 1 / sigma squared, which on a P chart is its denominator, so a shift is
    judged by people and not by months. Takes the full table of `spc.build_chart_table`, one or many series;
    `rules` still names every rule that fired on the chart.
    """
    distance, sigma, base = _measure(chart_table)
    known = (sigma > 0) & (base > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        near = np.abs(distance) <= LIMITS_AT * np.sqrt(sigma**2 + 1 / base)
    run = np.abs(_calculate_run_distance(chart_table, (distance, sigma, base)))
    weak = {"outside": known & near, "shift": known & (run <= CONFIRMED_AT)}
    ways = {name: chart_table[f"{name}_direction"].to_numpy() for name in RANK}
    ways |= {name: np.where(marks, 0, ways[name]) for name, marks in weak.items()}
    direction = np.zeros(len(chart_table), dtype=int)
    for name in reversed(RANK):
        direction = np.where(ways[name] != 0, ways[name], direction)
    return chart_table.assign(
        is_outside=ways["outside"] != 0,
        in_shift=ways["shift"] != 0,
        outside_direction=ways["outside"],
        shift_direction=ways["shift"],
        direction=direction,
        signal=_turn(chart_table, direction),
    )


def describe_unconfirmed(chart_table: pd.DataFrame) -> str:
    """A sentence when the chart marks a shift or a month that the verdict does not count; "" otherwise."""
    confirmed = build_confirmed(chart_table)
    lost = (chart_table["signal"] != "") & (confirmed["signal"] == "") & ~chart_table["in_baseline"].astype(bool)
    if not lost.any():
        return ""
    return (
        "The chart marks months that the verdict does not count: they are not far enough from the usual level, which "
        "rests on the months of the baseline and is itself uncertain."
    )


def _measure(table: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
    """Per point: distance from the centre, sigma, and the weight (1 / sigma squared) of the baseline of its phase.

    Sigma is a third of the wider half of the limits, as limits are held at 0 and 1.
    """
    value, centre, lower, upper = (table[name].to_numpy(dtype=float) for name in ("value", "centre", "lower", "upper"))
    sigma = np.fmax(upper - centre, centre - lower) / LIMITS_AT
    with np.errstate(divide="ignore"):
        weight = pd.Series(np.where(sigma > 0, 1 / sigma**2, 0.0), table.index)
    kept = weight.where(table["in_baseline"].astype(bool), 0.0)
    base = kept.groupby([table[name] for name in _list_keys(table)], sort=False).transform("sum")
    return value - centre, np.nan_to_num(sigma), base.to_numpy()


def _list_keys(table: pd.DataFrame) -> list[str]:
    return [name for name in ("measure_id", "clock", "phase") if name in table]


def _calculate_run_distance(table: pd.DataFrame, measured: tuple[Floats, Floats, Floats]) -> Floats:
    """Per point of a shift the distance of its run from the baseline in standard errors; infinite elsewhere.

    A run goes on over gaps and over points on the centre line.
    """
    distance, sigma, base = measured
    way = table["shift_direction"].to_numpy()
    placed = (table["is_drawn"].astype(bool) & (table["side"] != 0)).to_numpy() & (sigma > 0)
    kept = pd.DataFrame({"way": way, **{name: pd.factorize(table[name])[0] for name in _list_keys(table)}})[placed]
    run = (kept != kept.shift()).any(axis=1).cumsum()
    weight = 1 / sigma[placed] ** 2
    parts = pd.DataFrame({"weight": weight, "pull": weight * distance[placed]}, index=kept.index)
    total = parts.groupby(run).transform("sum")
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(1 / total["weight"] + 1 / base[placed])
        found = np.where(way[placed] != 0, total["pull"] / total["weight"] / error, np.inf)
    result = np.full(len(table), np.inf)
    result[placed] = found
    return result


def _turn(table: pd.DataFrame, direction: npt.NDArray[np.integer]) -> np.ndarray:
    """The signal of each point once its direction is `direction`: kept, turned round, or none."""
    before, signal = table["direction"].to_numpy(), table["signal"]
    turned = signal.where(before == direction, signal.map(SWAPPED).fillna(signal))
    return np.where((before != 0) & (direction == 0), "", turned.to_numpy(dtype=object))


# The sentences beside a chart: people, target, title, alt text.
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

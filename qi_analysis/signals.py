"""Signals in words: which settled months the rules may use, and what the latest signal looks like.

Reads a chart table (one row per month, oldest first, as `spc.build_chart_table` gives it). Where there is no
column `is_settled`, all months are settled.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from qi_analysis.phrases import MeasureWords, describe_month, describe_months

WINDOW_MONTHS = 6  # a signal counts while its last point is in so many latest settled months
WAYS = {"good": 1, "bad": -1, "neutral": 0}
SIGNS = {"up": 1, "down": -1, "either": 0}


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


def describe_signal(chart_table: pd.DataFrame, words: MeasureWords, side: str) -> str:
    """The latest signal of one side (good, bad or neutral) that still counts, as a clause; "" for none."""
    signal = find_signal(chart_table, words, side)
    return signal.text if signal else ""


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

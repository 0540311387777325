"""Levels of several published months taken together, in numbers and in words.

Tables here are the published months of one organisation and figure, by `interval_start`, oldest first.
"""

import numpy as np
import pandas as pd

from qi_analysis.phrases import (
    MeasureWords,
    calculate_nearest,
    describe_counts,
    describe_months,
    describe_value,
)


def calculate_level(rows: pd.DataFrame) -> float:
    """The level of some months: sum over sum; for a published mean, the plain average of the months."""
    denominator = rows["denominator"].sum()
    return rows["numerator"].sum() / denominator if denominator > 0 else rows["value"].mean()


def describe_level(rows: pd.DataFrame, words: MeasureWords, about: str = "") -> str:
    """62% (about 1,500 of 2,430); for a published mean, 4.3."""
    level = describe_value(calculate_level(rows), words.unit)
    denominator = rows["denominator"].sum()
    counts = f" ({about}{describe_counts(rows['numerator'].sum(), denominator)})" if denominator > 0 else ""
    return level + counts


def describe_difference(now: float, then: float, words: MeasureWords) -> str:
    """2 points higher, 0.1 lower, or about the same: the difference of the figures as they are printed."""
    scale = 100 if words.unit == "share" else 10
    step = calculate_nearest(scale * now) - calculate_nearest(scale * then)
    if step == 0:
        return "about the same"
    points = f"{abs(step)} point{'' if abs(step) == 1 else 's'}"
    size = points if words.unit == "share" else f"{abs(step) / 10:.1f}"
    return f"{size} {'higher' if step > 0 else 'lower'}"


def describe_span(rows: pd.DataFrame) -> str:
    """The first and last month of the rows: March 2025 to March 2026."""
    return describe_months(rows.index[0], rows.index[-1])


def find_longest_run(values: pd.Series, level: float, sign: int) -> pd.Series:
    """The longest stretch of published months on one side of a level (1 above, -1 below).

    Of equal stretches the latest; empty when there is none. A month on the level ends a stretch.
    """
    is_side = np.sign(values - level) == sign
    stretch = (~is_side).cumsum()[is_side]
    if stretch.empty:
        return values.iloc[:0]
    lengths = stretch.value_counts()
    longest = lengths[lengths == lengths.max()].index.max()
    return values[stretch.index[stretch == longest]]


def describe_run(run: pd.Series, side: str) -> str:
    """A run of `find_longest_run` in words."""
    months = describe_months(run.index[0], run.index[-1])
    level = f"{side} the level from before the project"
    return f"The figure was {level} for {len(run)} published months in a row, {months}."

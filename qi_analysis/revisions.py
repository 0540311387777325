"""What moved between two revisions of a review: every month and measure whose released figure is another."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from qi_analysis.measure_definitions import read_definitions
from qi_analysis.phrases import HIDDEN, describe_month
from qi_analysis.settings import Measure

KEY = ["measure_id", "clock", "interval_start"]
CLOCK_WORDS = {
    "start": ", by the month LI began",
    "end": ", by the month LI ended",
    "contact": ", by the month of the appointment",
    "month_end": ", as at the month's end",
}
NUMBERS = ["numerator", "denominator", "value"]


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

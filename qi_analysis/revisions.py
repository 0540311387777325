"""What moved between two revisions of a review: every month and measure whose released figure is another."""

from pathlib import Path

import numpy as np
import pandas as pd

from qi_analysis.measures import read_definitions
from qi_analysis.phrases import HIDDEN, describe_month

KEY = ["measure_id", "clock", "interval_start"]
NUMBERS = ["numerator", "denominator", "value"]


def build_moved(before: Path, now: pd.DataFrame) -> list[list[str]]:
    """[month, measure, before, now] in words, from a published results.csv and the released results."""
    old = pd.read_csv(before, parse_dates=["interval_start", "interval_end"])
    both = old.merge(now, on=KEY, how="outer", suffixes=("_old", "_new"))
    same = np.logical_and.reduce(
        [np.isclose(both[f"{name}_old"], both[f"{name}_new"], rtol=0, atol=5e-7, equal_nan=True) for name in NUMBERS]
    )
    moved = both[~same].sort_values(["interval_start", "measure_id", "clock"])
    names = {one.measure_id: one.name for one in read_definitions()}
    clocks = {"start": ", by the month LI began", "end": ", by the month LI ended"}
    return [
        [
            describe_month(row.interval_start),
            f"{names.get(row.measure_id, row.measure_id)} ({row.measure_id}{clocks.get(row.clock, '')})",
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

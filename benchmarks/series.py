"""Simulated services for the benchmarks: a P chart read month by month, the truth being known."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from qi_analysis.spc.chart import build_chart_table
from qi_analysis.spc.spec import ChartSpec

BASELINE = 12  # months at the usual level before the first reading
SHARE = 0.55  # people completing, as in the service's calibration


def build_counts(people: int, rise: float, months: int, series: int) -> npt.NDArray:
    """People completing: (series, BASELINE + months), at SHARE and after the baseline at SHARE + rise."""
    rng = np.random.default_rng([people, round(1000 * rise), months])
    share = np.where(np.arange(BASELINE + months) < BASELINE, SHARE, SHARE + rise)
    return rng.binomial(people, share, (series, BASELINE + months))


def read_monthly(counts: npt.NDArray, people: int, rules: str, first: int) -> Iterator[pd.DataFrame]:
    """The chart table of all series as it stood after each month, from month `first` to the last."""
    series, months = counts.shape
    days = pd.date_range("2021-01-01", periods=months, freq="MS")
    spec = ChartSpec(chart="p", rules=rules, min_denominator=8)
    for month in range(first, months + 1):
        results = pd.DataFrame(
            {
                "measure_id": np.repeat(np.arange(series), month),
                "interval_start": np.tile(days[:month], series),
                "numerator": counts[:, :month].ravel(),
                "denominator": people,
            }
        )
        yield build_chart_table(results.assign(value=results["numerator"] / people), spec)

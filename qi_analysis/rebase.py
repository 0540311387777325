"""A suggested change of level on a run chart: from where a sustained run began. Never applied by itself.

A person confirms each suggestion and records it as a phase, with its reason.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from qi_analysis.spc_grid import TOLERANCE, build_points
from qi_analysis.spc_spec import ChartProblem, ChartSpec

SIDES = {"above": (1,), "below": (-1,), "both": (1, -1)}


@dataclass(frozen=True)
class RebaseSpec:
    """Points in the first median, useful points in a run, and the side: above, below or both.

    Raises ChartProblem (a ValueError) for anything else.
    """

    baseline_points: int = 12
    run_points: int = 9
    direction: str = "both"

    def __post_init__(self) -> None:
        if self.direction not in SIDES or min(self.baseline_points, self.run_points) < 1:
            raise ChartProblem("A run must be above, below or both, and its lengths at least 1.")


def build_suggested_phases(results: pd.DataFrame, spec: RebaseSpec) -> pd.DataFrame:
    """One row per median of each series: measure_id, median, start_date, end_date, run_type.

    The first median (run_type "baseline") is that of the first points. Each later one ("sustained") is
    that of the next run of `run_points` useful points on a wanted side of the median before it, and the
    search goes on after that run. Points on the median and missing values are passed over. A series
    shorter than its baseline has no row. Source: the runcharter program.
    """
    points = build_points(results, ChartSpec(chart="run"))
    points = points[points["is_drawn"]]
    rows = [
        {"measure_id": name, **level}
        for name, series in points.groupby("measure_id", sort=False)
        for level in _list_levels(series["value"].to_numpy(), series["interval_start"].to_numpy(), spec)
    ]
    return pd.DataFrame(rows, columns=["measure_id", "median", "start_date", "end_date", "run_type"])


def _list_levels(values: np.ndarray, starts: np.ndarray, spec: RebaseSpec) -> list[dict[str, object]]:
    """The medians of one series; one step per level, not per point."""
    places = np.arange(spec.baseline_points)
    levels: list[dict[str, object]] = []
    while places.size and places[-1] < len(values):
        median = float(np.median(values[places]))
        span = {"start_date": starts[places[0]], "end_date": starts[places[-1]]}
        levels.append({"median": median, **span, "run_type": "sustained" if levels else "baseline"})
        places = _find_run(values, int(places[-1]) + 1, median, spec)
    return levels


def _find_run(values: np.ndarray, first: int, median: float, spec: RebaseSpec) -> np.ndarray:
    """Places of the first run of useful points on a wanted side, from its first to its last; or none."""
    distance = values[first:] - median
    useful = np.flatnonzero(np.abs(distance) > TOLERANCE * np.abs(values).max()) + first
    side = np.sign(values[useful] - median)
    for start in range(len(useful) - spec.run_points + 1):
        run = side[start : start + spec.run_points]
        if run[0] in SIDES[spec.direction] and (run == run[0]).all():
            return np.arange(useful[start], useful[start + spec.run_points - 1] + 1)
    return np.array([], dtype=int)

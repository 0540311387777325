"""Moving ranges: the distance of each point from the one before it, and their screened mean."""

import numpy as np

from qi_analysis.spc_grid import Bools, Floats, Grid, build_previous, calculate_means


def build_moving_ranges(grid: Grid, values: Floats) -> Floats:
    """|x_i - x_(i-1)|: no range across a missing value or a phase; ghosts leave first."""
    before = build_previous(np.where(grid.is_used, values, np.nan), grid.is_ghost)
    return np.where(grid.is_used & ~grid.is_ghost, np.abs(values - before), np.nan)


def build_baseline_ranges(grid: Grid, ranges: Floats) -> Bools:
    """Ranges between two points of the baseline (a column of ones where there is a range)."""
    before = build_previous(grid.in_baseline.astype(float), grid.is_ghost)
    return np.isfinite(ranges) & grid.in_baseline & (before == 1)


def calculate_mean_ranges(ranges: Floats, chosen: Bools, factor: float, tolerance: Floats) -> Floats:
    """Mean of the chosen ranges; with a factor, those at or above factor x mean are left out once.

    Where every range is 0 there is nothing to screen and the mean is 0. Source: Nelson 1982.
    """
    mean = calculate_means(ranges, chosen)
    if not factor:
        return mean
    with np.errstate(invalid="ignore"):
        kept = chosen & ((ranges < factor * mean - tolerance) | (mean <= tolerance))
    return calculate_means(ranges, kept)

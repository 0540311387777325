"""Tidy points as arrays of (segments, points), their moving ranges, centre lines and limits.

A segment is one phase of one series.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from qi_analysis.spc.spec import D2, RATIO_CHARTS, SUBGROUP_CHARTS, ChartProblem, ChartSpec

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int_]
TOLERANCE = 1e-12  # two numbers of a series are equal if they differ by less than this times its largest
PRIME_SCREEN = {"ip": 3.2665, "pp": 3.267, "up": 3.267}  # Taylor 2017; Nelson 1982
T_POWER = 3.6  # Nelson 1994: times between events to this root are close to normal
MEDIAN_OF_MEAN = 0.693  # log 2: the median of a geometric variable as a share of its mean


# From tidy points to arrays: one row for each phase of each series.
@dataclass(frozen=True)
class Grid:
    """The points of all series; missing places hold NaN and are not `is_used`.

    row, column: where each point of the table lies. value: what is plotted, before `multiply`.
    is_row: a row of the table lies here. is_used: has a value and is drawn. is_ghost: drawn, but
    outside lines and runs. in_baseline: lines come from these.
    """

    row: Ints
    column: Ints
    value: Floats
    numerator: Floats
    denominator: Floats
    spread: Floats
    is_row: Bools
    is_used: Bools
    is_ghost: Bools
    in_baseline: Bools

    def points(self, array: np.ndarray) -> np.ndarray:
        """The cells of an array of this shape (or one number per segment) in the order of the table."""
        wide = np.broadcast_to(array, self.value.shape)
        return wide[self.row, self.column]


def build_grid(points: pd.DataFrame, spec: ChartSpec) -> Grid:
    """Lay the rows of `build_points` out as arrays, one row per series and phase."""
    keys = points[["_series", "phase"]].to_numpy(dtype=int)
    starts = np.ones(len(points), dtype=bool)
    starts[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    row = np.cumsum(starts) - 1
    column = np.arange(len(points)) - np.flatnonzero(starts)[row]
    shape = (int(starts.sum()), int(column.max(initial=0)) + 1)

    def lay(name: str, empty: object) -> np.ndarray:
        wide = np.full(shape, empty)
        if name in points:
            wide[row, column] = points[name].to_numpy()
        return wide

    used, ghost, real = lay("is_drawn", False), lay("is_excluded", False), np.zeros(shape, dtype=bool)
    real[row, column] = True
    names = ("value", "numerator", "denominator", "_spread")
    value, above, below, spread = (np.where(used, lay(name, np.nan), np.nan) for name in names)
    baseline = _lay_baseline(points, (row, column), used & ~ghost, spec)
    return Grid(row, column, value, above, below, spread, real, used, ghost, baseline)


def build_points(results: pd.DataFrame, spec: ChartSpec) -> pd.DataFrame:
    """The rows to be charted, sorted, with `value` as plotted and `phase`, `is_drawn`, `is_excluded`.

    A ratio is numerator / denominator; with a zero or missing denominator it is empty. Raises
    ChartProblem if a column or an interval_start is missing, or a series has two rows at one time
    (except on xbar and s charts, where these are a subgroup). Where there is a column
    `is_settled`, a month that is not settled is drawn but excluded.
    """
    missing = {"measure_id", "interval_start", "value"} - set(results.columns)
    if missing:
        raise ChartProblem(f"The results lack the columns {', '.join(sorted(missing))}.")
    keys = [key for key in ("measure_id", "clock") if key in results.columns]
    points = results.copy()
    for name in ("numerator", "denominator", "value"):
        given = pd.Series(points.get(name, np.nan), index=points.index)
        points[name] = pd.to_numeric(given, errors="coerce").astype(float)
    points["_time"] = _read_times(points["interval_start"])
    if points["_time"].isna().any():
        raise ChartProblem("A row of the results has no interval_start.")
    if spec.chart in SUBGROUP_CHARTS:
        points = _build_subgroups(points, [*keys, "_time"])
    if points.duplicated([*keys, "_time"]).any():
        raise ChartProblem("A series has two rows with the same interval_start.")
    points = points.sort_values([*keys, "_time"], kind="stable", ignore_index=True)
    points["_series"] = points.groupby(keys, sort=False, dropna=False).ngroup().astype(int)
    if spec.chart in RATIO_CHARTS:
        usable = points["denominator"].where(points["denominator"] > 0)
        points["value"] = points["numerator"] / usable
    return _add_phases(points, spec)


def _read_times(starts: pd.Series) -> pd.Series:
    """Times to sort by: numbers stay numbers, everything else becomes a time without a zone."""
    if pd.api.types.is_numeric_dtype(starts):
        return starts
    times = pd.to_datetime(starts)
    return times.dt.tz_localize(None) if times.dt.tz is not None else times


def _build_subgroups(points: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """One row per subgroup: mean as `value`, number as `denominator`, sample standard deviation."""
    first = points.drop_duplicates(keys).drop(columns=["value", "denominator"])
    grouped = points.groupby(keys, sort=False, dropna=False)["value"]
    spread = grouped.agg(value="mean", denominator="count", _spread="std").reset_index()
    return first.merge(spread, on=keys)


def _per_series(setting: Any, points: pd.DataFrame) -> list[tuple[np.ndarray, Any]]:
    """A setting for all series, or one per measure, as pairs of rows and setting."""
    measures = points["measure_id"].to_numpy()
    if isinstance(setting, Mapping):
        return [(np.flatnonzero(measures == name), own) for name, own in setting.items()]
    return [(np.arange(len(points)), setting)]


def _read_dates(dates: Any, times: pd.Series) -> np.ndarray:
    """Sorted dates of a setting on the scale of `_time`."""
    if pd.api.types.is_numeric_dtype(times):
        return np.sort(np.asarray(list(dates), dtype=float))
    return np.sort(pd.to_datetime(list(dates)).tz_localize(None).to_numpy())


def _add_phases(points: pd.DataFrame, spec: ChartSpec) -> pd.DataFrame:
    """`phase` counts from 1 in each series; a date at or before its first point starts no new phase."""
    times = points["_time"]
    phase = np.zeros(len(points), dtype=int)
    for rows, dates in _per_series(spec.phases, points):
        phase[rows] = np.searchsorted(_read_dates(dates, times), times.to_numpy()[rows], side="right")
    first = pd.Series(phase).groupby(points["_series"]).transform("min").to_numpy()
    excluded = np.zeros(len(points), dtype=bool)
    for rows, dates in _per_series(spec.excluded, points):
        excluded[rows] = np.isin(times.to_numpy()[rows], _read_dates(dates, times))
    if "is_settled" in points:
        excluded |= ~points["is_settled"].astype(bool).to_numpy()
    drawn = points["value"].notna()
    if spec.min_denominator > 0:
        drawn &= points["denominator"] >= spec.min_denominator
    return points.assign(phase=phase - first + 1, is_excluded=excluded, is_drawn=drawn)


def _lay_baseline(points: pd.DataFrame, place: tuple[Ints, Ints], usable: Bools, spec: ChartSpec) -> Bools:
    """The usable points of the dated baseline (phase 1) or the first of each phase.

    A series with no usable point between the dates has the first points of its phase instead.
    """
    first = usable
    if spec.baseline_points is not None:
        first = usable & (np.cumsum(usable, axis=1) <= spec.baseline_points)
    if spec.baseline is None or not len(points):
        return first
    start, end = _read_dates(spec.baseline, points["_time"])
    inside = points["_time"].between(start, end) & (points["phase"] == 1)
    dated = np.zeros(usable.shape, dtype=bool)
    dated[place] = inside.to_numpy()
    dated &= usable
    return np.where(dated.any(axis=1, keepdims=True), dated, first)


def calculate_means(values: Floats, chosen: Bools) -> Floats:
    """Mean of the chosen cells of each row, as a column; NaN where none. Equal values give that value."""
    values = np.where(chosen, values, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        anchor = np.take_along_axis(values, np.argmax(chosen, axis=1)[:, None], axis=1)
        shifted = np.where(chosen, values - anchor, 0.0)
        return np.asarray(anchor + shifted.sum(axis=1, keepdims=True) / chosen.sum(axis=1, keepdims=True))


def calculate_medians(values: Floats, chosen: Bools) -> Floats:
    """Median of the chosen cells of each row, as a column; NaN where none."""
    ordered = np.sort(np.where(chosen, values, np.nan), axis=1)
    number = chosen.sum(axis=1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(number - 1, 0) // 2, axis=1)
    high = np.take_along_axis(ordered, np.minimum(number // 2, max(ordered.shape[1] - 1, 0)), axis=1)
    return np.where(number > 0, low + (high - low) / 2, np.nan)


def calculate_tolerance(values: Floats) -> Floats:
    """How far apart two numbers of a row may be and still count as equal, as a column."""
    size = np.where(np.isfinite(values), np.abs(values), 0.0)
    return np.asarray(TOLERANCE * size.max(axis=1, initial=0.0, keepdims=True))


# Moving ranges: the distance of each point from the one before it, and their screened mean.
def build_previous(values: Floats, skipped: Bools) -> Floats:
    """For each cell the value of the last cell before it that is not skipped; NaN for the first."""
    columns = np.where(skipped, -1, np.arange(values.shape[1]))
    last = np.maximum.accumulate(columns, axis=1)
    before = np.full_like(last, -1)
    before[:, 1:] = last[:, :-1]
    found = np.take_along_axis(values, np.maximum(before, 0), axis=1)
    return np.where(before >= 0, found, np.nan)


def build_moving_ranges(grid: Grid, values: Floats) -> Floats:
    """|x_i - x_(i-1)|: no range across a missing value or a phase; ghosts leave first."""
    before = build_previous(np.where(grid.is_used, values, np.nan), grid.is_ghost)
    return np.where(grid.is_used & ~grid.is_ghost, np.abs(values - before), np.nan)


def build_baseline_ranges(grid: Grid, ranges: Floats) -> Bools:
    """Ranges between two points of the baseline (a column of ones where there is a range)."""
    before = build_previous(grid.in_baseline.astype(float), grid.is_ghost)
    return np.asarray(np.isfinite(ranges) & grid.in_baseline & (before == 1))


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


# Centre lines and limits of each control chart.
@dataclass(frozen=True)
class Lines:
    """What is plotted and its lines: 3 sigma `lower`, `upper`, 2 sigma `lower_2s`, `upper_2s`.

    moving_range, range_centre and range_upper are filled for XmR charts, else all NaN.
    """

    value: Floats
    centre: Floats
    lower: Floats
    upper: Floats
    lower_2s: Floats
    upper_2s: Floats
    moving_range: Floats
    range_centre: Floats
    range_upper: Floats


def build_lines(grid: Grid, spec: ChartSpec) -> Lines:
    """The lines of the chart named in the specification, on the plotted scale (times `multiply`)."""
    builders = {
        "run": _build_run, "i": _build_individuals, "xmr": _build_individuals, "mr": _build_ranges,
        "p": _build_ratio, "u": _build_ratio, "pp": _build_prime, "up": _build_prime,
        "ip": _build_normalised, "c": _build_counts, "g": _build_gaps, "t": _build_times,
        "xbar": _build_means, "s": _build_spreads,
    }  # fmt: skip
    found = builders[spec.chart](grid, spec)
    shape = grid.value.shape
    empty = np.full(shape, np.nan)
    wide = [np.broadcast_to(array, shape) * spec.multiply for array in found]
    return Lines(*wide, *[empty] * (9 - len(wide)))


def _spread(value: Floats, centre: Floats, sigma: Floats, floor: float, ceiling: float) -> tuple[Floats, ...]:
    """Lines at 3 and 2 sigma about the centre, held between floor and ceiling."""
    steps = [(-3, floor), (3, ceiling), (-2, floor), (2, ceiling)]
    limits = [np.clip(centre + step * sigma, floor, ceiling) for step, _ in steps]
    return (value, centre, *limits)


def _choose_centre(found: Floats, spec: ChartSpec) -> Floats:
    """The given centre line, else the one found."""
    return found if spec.centre is None else np.full_like(found, spec.centre)


def _build_run(grid: Grid, spec: ChartSpec) -> tuple[Floats, ...]:
    """Run chart: the median and no limits (Perla, Provost & Murray 2011)."""
    return (
        grid.value,
        _choose_centre(calculate_medians(grid.value, grid.in_baseline), spec),
        *[np.full(grid.value.shape, np.nan)] * 4,
    )


def _build_individuals(grid: Grid, spec: ChartSpec) -> tuple[Floats, ...]:
    """XmR: mean +/- 2.66 x mean moving range (Montgomery eq. 6.33; Wheeler), or with medians 3.145."""
    rules = spec.rule_set
    pick = calculate_medians if spec.average == "median" else calculate_means
    centre = _choose_centre(pick(grid.value, grid.in_baseline), spec)
    ranges = build_moving_ranges(grid, grid.value)
    chosen = build_baseline_ranges(grid, ranges)
    if spec.range_average == "median":
        width, factor, limit = calculate_medians(ranges, chosen), rules.median_factor, 3.865
    else:
        near = calculate_tolerance(grid.value)
        width = calculate_mean_ranges(ranges, chosen, spec.screen_factor, near)
        factor, limit = rules.range_factor, rules.range_limit
    if spec.decimals is not None:
        centre, width = np.round(centre, spec.decimals), np.round(width, spec.decimals)
    is_positive = (np.nan_to_num(grid.value, nan=0.0) >= 0).all(axis=1, keepdims=True)
    floor = np.where(is_positive, 0.0, -np.inf) if spec.negative == "cut" else -np.inf
    lines = _spread(grid.value, centre, width * factor / 3, -np.inf, np.inf)
    lowest = [np.maximum(line, floor) if place in (2, 4) else line for place, line in enumerate(lines)]
    return *lowest, ranges, width, limit * width


def _build_ranges(grid: Grid, spec: ChartSpec) -> tuple[Floats, ...]:
    """Moving range: mean range, upper limit 3.267 x it, lower 0 (Montgomery)."""
    ranges = build_moving_ranges(grid, grid.value)
    centre = _choose_centre(calculate_means(ranges, build_baseline_ranges(grid, ranges)), spec)
    upper = spec.rule_set.range_limit * centre
    return ranges, centre, np.zeros_like(centre), upper, np.zeros_like(centre), upper * 2 / 3


def _calculate_ratio_centre(grid: Grid, spec: ChartSpec) -> Floats:
    """Sum of numerators over sum of denominators in the baseline, as a column; NaN without any."""
    above, below = (
        np.where(grid.in_baseline, part, 0.0).sum(axis=1, keepdims=True) for part in (grid.numerator, grid.denominator)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return _choose_centre(above / below, spec)


def _calculate_ratio_sigma(grid: Grid, spec: ChartSpec, centre: Floats) -> Floats:
    """Binomial (P) or Poisson (U) sigma of each point; NaN without a denominator. Montgomery 7."""
    size = np.where(grid.denominator > 0, grid.denominator, np.nan)
    with np.errstate(invalid="ignore"):
        variance = centre * (1 - centre) if spec.chart in ("p", "pp") else centre
        return np.sqrt(variance / size)


def _ceiling(spec: ChartSpec) -> float:
    """A share cannot be above 1; a rate has no upper end."""
    return 1.0 if spec.chart in ("p", "pp") else np.inf


def _build_ratio(grid: Grid, spec: ChartSpec) -> tuple[Floats, ...]:
    """P and U: total numerator over total denominator, limits vary with n and stay in 0..1 (0.. for U)."""
    centre = _calculate_ratio_centre(grid, spec)
    return _spread(grid.value, centre, _calculate_ratio_sigma(grid, spec, centre), 0.0, _ceiling(spec))


def _build_prime(grid: Grid, spec: ChartSpec) -> tuple[Floats, ...]:
    """P' and U': sigma of each point times sigma_z, the mean moving range of z over 1.128 (Laney 2002)."""
    centre = _calculate_ratio_centre(grid, spec)
    sigma = _calculate_ratio_sigma(grid, spec, centre)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(sigma > 0, (grid.value - centre) / sigma, np.where(np.isnan(sigma), np.nan, 0.0))
    ranges = build_moving_ranges(grid, z)
    width = calculate_mean_ranges(
        ranges, build_baseline_ranges(grid, ranges), spec.screen_factor, calculate_tolerance(z)
    )
    return _spread(grid.value, centre, sigma * width / D2, 0.0, _ceiling(spec))


def _build_normalised(grid: Grid, spec: ChartSpec) -> tuple[Floats, ...]:
    """I': sum(y n) / sum(n) with sigma s / sqrt(n), s the mean of the normalised ranges (Taylor 2017)."""
    centre = _calculate_ratio_centre(grid, spec)
    size = np.where(grid.denominator > 0, grid.denominator, np.nan)
    before = build_previous(np.where(grid.is_used, size, np.nan), grid.is_ghost)
    ranges = math.sqrt(math.pi / 2) * build_moving_ranges(grid, grid.value) / np.sqrt(1 / size + 1 / before)
    factor = PRIME_SCREEN["ip"] if spec.screen_factor else 0.0
    near = calculate_tolerance(ranges)
    width = calculate_mean_ranges(ranges, build_baseline_ranges(grid, ranges), factor, near)
    return _spread(grid.value, centre, width / np.sqrt(size), -np.inf, np.inf)


def _build_counts(grid: Grid, spec: ChartSpec) -> tuple[Floats, ...]:
    """C: mean count, sigma its square root, lower limit at least 0 (Montgomery 7.17)."""
    centre = _choose_centre(calculate_means(grid.value, grid.in_baseline), spec)
    return _spread(grid.value, centre, np.sqrt(centre), 0.0, np.inf)


def _build_gaps(grid: Grid, spec: ChartSpec) -> tuple[Floats, ...]:
    """G: events between; limits from the mean of the geometric distribution, centre at the median.

    With a given mean the centre is 0.693 x it. Source: Montgomery p. 319; Provost & Murray p. 228.
    """
    mean = _choose_centre(calculate_means(grid.value, grid.in_baseline), spec)
    median = calculate_medians(grid.value, grid.in_baseline)
    centre = median if spec.centre is None else MEDIAN_OF_MEAN * mean
    lines = _spread(grid.value, mean, np.sqrt(mean * (mean + 1)), 0.0, np.inf)
    return lines[0], centre, *lines[2:]


def _build_times(grid: Grid, spec: ChartSpec) -> tuple[Floats, ...]:
    """T: an XmR chart of y^(1/3.6), drawn back as ^3.6 (Nelson 1994). Raises ChartProblem if y <= 0."""
    if (grid.value[grid.is_used] <= 0).any():
        raise ChartProblem("Times between events must be greater than 0 on a T chart.")
    root = grid.value ** (1 / T_POWER)
    centre = _choose_centre(calculate_means(root, grid.in_baseline), spec)
    ranges = build_moving_ranges(grid, root)
    near = calculate_tolerance(root)
    width = calculate_mean_ranges(ranges, build_baseline_ranges(grid, ranges), spec.screen_factor, near)
    lines = _spread(root, centre, width * spec.rule_set.range_factor / 3, 0.0, np.inf)
    return grid.value, *[line**T_POWER for line in lines[1:]]


def _calculate_c4(sizes: Floats) -> Floats:
    """Mean sample standard deviation over sigma for subgroups of n; NaN for n below 2 (Montgomery 6)."""
    found, place = np.unique(np.where(sizes >= 2, sizes, np.nan), return_inverse=True)
    c4 = [
        math.sqrt(2 / (n - 1)) * math.exp(math.lgamma(n / 2) - math.lgamma((n - 1) / 2)) if n >= 2 else np.nan
        for n in found
    ]
    return np.asarray(c4, dtype=float)[place].reshape(sizes.shape)


def _calculate_pooled(grid: Grid) -> Floats:
    """Mean standard deviation of subgroups of one size, else the pooled one, as a column."""
    chosen = grid.in_baseline & (grid.denominator >= 2)
    size = np.where(chosen, grid.denominator, np.nan)
    weight = np.where(chosen, size - 1, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = np.where(chosen, weight * grid.spread**2, 0.0).sum(axis=1, keepdims=True)
        pooled = np.sqrt(squares / weight.sum(axis=1, keepdims=True))
    largest = np.where(chosen, size, -np.inf).max(axis=1, initial=-np.inf, keepdims=True)
    smallest = np.where(chosen, size, np.inf).min(axis=1, initial=np.inf, keepdims=True)
    return np.where(largest == smallest, calculate_means(grid.spread, chosen), pooled)


def _build_means(grid: Grid, spec: ChartSpec) -> tuple[Floats, ...]:
    """Xbar: weighted mean +/- A3 s, A3 = 3 / (c4 sqrt n) (Montgomery 6.29 to 6.31)."""
    total = np.where(grid.in_baseline, grid.value * grid.denominator, 0.0).sum(axis=1, keepdims=True)
    size = np.where(grid.in_baseline, grid.denominator, 0.0).sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = _choose_centre(total / size, spec)
        sigma = _calculate_pooled(grid) / (_calculate_c4(grid.denominator) * np.sqrt(grid.denominator))
    return _spread(grid.value, centre, sigma, -np.inf, np.inf)


def _build_spreads(grid: Grid, spec: ChartSpec) -> tuple[Floats, ...]:
    """S: mean or pooled standard deviation; B3, B4 = 1 -/+ 3 sqrt(1 - c4^2) / c4 (Montgomery 6)."""
    centre = _choose_centre(_calculate_pooled(grid), spec)
    c4 = _calculate_c4(grid.denominator)
    with np.errstate(invalid="ignore"):
        sigma = centre * np.sqrt(1 - c4**2) / c4
    value = np.where(grid.is_used, grid.spread, np.nan)
    return _spread(value, centre, sigma, 0.0, np.inf)

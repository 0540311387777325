"""Centre lines and limits of each control chart, over arrays of (segments, points)."""

import math
from dataclasses import dataclass

import numpy as np

from qi_analysis.spc_grid import (
    Floats,
    Grid,
    build_previous,
    calculate_means,
    calculate_medians,
    calculate_tolerance,
)
from qi_analysis.spc_ranges import build_baseline_ranges, build_moving_ranges, calculate_mean_ranges
from qi_analysis.spc_spec import D2, ChartProblem, ChartSpec

PRIME_SCREEN = {"ip": 3.2665, "pp": 3.267, "up": 3.267}  # Taylor 2017; Nelson 1982
T_POWER = 3.6  # Nelson 1994: times between events to this root are close to normal
MEDIAN_OF_MEAN = 0.693  # log 2: the median of a geometric variable as a share of its mean


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

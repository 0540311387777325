"""Rule sets: which points of a chart are unlikely to be chance, over arrays of (segments, points)."""

from dataclasses import dataclass

import numpy as np

from qi_analysis.spc_grid import Bools, Floats, Grid, Ints, calculate_tolerance
from qi_analysis.spc_limits import Lines
from qi_analysis.spc_runs import (
    RunsAnalysis,
    build_packing,
    build_runs_analysis,
    build_windows,
    calculate_run_lengths,
)
from qi_analysis.spc_spec import ChartSpec


@dataclass(frozen=True)
class Signals:
    """One array per rule: 1 high or rising, -1 low or falling, 0 no signal; `side` of the centre.

    `near` also marks points beyond 3 sigma. `runs` is the runs analysis about the centre line.
    """

    side: Ints
    outside: Ints
    shift: Ints
    trend: Ints
    two_of_three: Ints
    near: Ints
    runs: RunsAnalysis


def build_sides(lines: Lines, used: Bools) -> Ints:
    """1 above the centre line, -1 below, 0 on it (within float error) or missing."""
    distance = lines.value - lines.centre
    near = calculate_tolerance(lines.value)
    with np.errstate(invalid="ignore"):
        return np.where(used & (np.abs(distance) > near), np.sign(distance), 0).astype(int)


def build_beyond(lines: Lines, lower: Floats, upper: Floats) -> Ints:
    """1 above the upper line, -1 below the lower; 0 on a line (within float error) or without one."""
    near = calculate_tolerance(lines.value)
    with np.errstate(invalid="ignore"):
        return (lines.value > upper + near).astype(int) - (lines.value < lower - near).astype(int)


def build_signals(grid: Grid, lines: Lines, spec: ChartSpec) -> Signals:
    """Every rule of the rule set at every point. Ghosts and undrawn points take no part in runs.

    An MR chart has only the rule of a point outside the limits, as neighbouring ranges share a point.
    """
    used = grid.is_used & np.isfinite(lines.value)
    side = build_sides(lines, used)
    outside = np.where(used, build_beyond(lines, lines.lower, lines.upper), 0)
    near = np.where(used, build_beyond(lines, lines.lower_2s, lines.upper_2s), 0)
    if spec.chart == "ip":
        outside = np.where(grid.is_ghost, 0, outside)
    counted = used & ~grid.is_ghost
    shift, trend, pair = (np.zeros_like(side) for _ in range(3))
    if spec.chart != "mr":
        trend = build_trends(lines.value, _positions(grid, counted, spec), spec)
        pair = build_pairs((side, outside, near), _positions(grid, counted, spec), spec)
    runs = build_runs_analysis(side, counted, spec.runs_method)
    if spec.rules == "anhoej":
        shift = np.where(runs.in_long_run, side, 0)
    elif spec.chart != "mr":
        shift = build_shifts(side, _positions(grid, counted, spec), spec)
    return Signals(side, outside, shift, trend, pair, near, runs)


def _positions(grid: Grid, counted: Bools, spec: ChartSpec) -> Bools:
    """Cells that hold a place in a run: missing values do unless the rule set passes over them."""
    if spec.rule_set.skips_gaps:
        return counted
    last = np.where(counted, np.arange(counted.shape[1]), -1).max(axis=1, initial=-1, keepdims=True)
    return ~grid.is_ghost & (np.arange(counted.shape[1]) <= last)


def build_shifts(side: Ints, places: Bools, spec: ChartSpec) -> Ints:
    """A run of `shift` points on one side of the centre line; every point of the run is marked."""
    if not spec.shift_length:
        return np.zeros_like(side)
    packing = build_packing(places & (side != 0) if spec.rule_set.skips_ties else places)
    packed = packing.pack(side)
    return packing.unpack(np.where(calculate_run_lengths(packed) >= spec.shift_length, packed, 0))


def build_trends(value: Floats, places: Bools, spec: ChartSpec) -> Ints:
    """A run of `trend` points each beyond the last. A turning point is in both trends and counts for
    the later. Equal neighbours end a trend, or are passed over where the rule set skips ties."""
    if not spec.trend_length:
        return np.zeros(value.shape, dtype=int)
    packing = build_packing(places)
    packed = packing.pack(value)
    steps = np.zeros(value.shape, dtype=int)
    difference = np.diff(packed, axis=1)
    with np.errstate(invalid="ignore"):
        moved = (np.abs(difference) > calculate_tolerance(value)) & packing.kept[:, 1:]
        steps[:, 1:] = np.where(moved, np.sign(np.nan_to_num(difference)), 0).astype(int)
    inner = build_packing(steps != 0 if spec.rule_set.skips_ties else np.ones(steps.shape, dtype=bool))
    kept = inner.pack(steps)
    long = inner.unpack(np.where(calculate_run_lengths(kept) >= spec.trend_length - 1, kept, 0))
    marks = long.copy()
    marks[:, :-1] = np.where(long[:, 1:] != 0, long[:, 1:], marks[:, :-1])
    return packing.unpack(marks)


def build_pairs(sides: tuple[Ints, Ints, Ints], places: Bools, spec: ChartSpec) -> Ints:
    """Two of three neighbours far from the centre on one side, given (side, outside, near).

    "band": both between 2 and 3 sigma and all three on one side of the centre; "beyond": both beyond
    2 sigma (3 sigma too), the third anywhere. The two are marked, or all three if the specification asks.
    """
    style = spec.rule_set.two_of_three
    marks = np.zeros_like(sides[0])
    if not style:
        return marks
    packing = build_packing(places)
    side, outside, near = (packing.pack(array) for array in sides)
    for sign in (1, -1):
        hit = (near == sign) & (outside == 0) if style == "band" else near == sign
        fired = build_windows(hit, side == sign if style == "band" else packing.kept, 3, 2)
        marks = np.where(fired & (hit | (spec.two_of_three_marks == "three")), sign, marks)
    return packing.unpack(marks)

"""Runs, patterns and the named rule sets: which points of a chart are unlikely to be chance.

Arrays are (segments, points); a segment is one phase of one series.
"""

import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

from qi_analysis.spc.lines import Bools, Floats, Grid, Ints, Lines, calculate_tolerance
from qi_analysis.spc.spec import ChartSpec


# Runs: packing points that count, lengths of runs, and the runs analysis about the centre line.
@dataclass(frozen=True)
class RunsAnalysis:
    """One number per segment, as columns; `in_long_run` is per point.

    The limits are those of the Anhoej rules whatever the method; NaN without a useful point.
    """

    n_useful: Ints
    longest_run: Floats
    longest_run_max: Floats
    n_crossings: Floats
    n_crossings_min: Floats
    long_run: Bools
    few_crossings: Bools
    in_long_run: Bools


@dataclass(frozen=True)
class Packing:
    """Moves the cells that count to the left of each row, and results back to where they belong."""

    order: Ints
    kept: Bools

    def pack(self, array: np.ndarray) -> np.ndarray:
        """The kept cells first, zeros (or False) after them."""
        moved = np.take_along_axis(array, self.order, axis=1)
        return np.where(self.kept, moved, np.zeros((), dtype=array.dtype))

    def unpack(self, packed: np.ndarray) -> np.ndarray:
        """Back in place; cells that were left out hold zero (or False)."""
        spread = np.zeros_like(packed)
        np.put_along_axis(spread, self.order, np.where(self.kept, packed, np.zeros((), packed.dtype)), axis=1)
        return spread


def build_packing(counts: Bools) -> Packing:
    """A packing that keeps the cells marked True, in order."""
    order = np.argsort(~counts, axis=1, kind="stable")
    return Packing(order, np.take_along_axis(counts, order, axis=1))


def calculate_run_lengths(marks: np.ndarray) -> Ints:
    """For each cell the length of the unbroken run of equal marks it lies in; 0 where the mark is 0."""
    starts = np.ones(marks.shape, dtype=bool)
    starts[:, 1:] = marks[:, 1:] != marks[:, :-1]
    ids = np.cumsum(starts.ravel()) - 1
    lengths = np.bincount(ids, minlength=1)[ids].reshape(marks.shape) if marks.size else starts.astype(int)
    return np.where(marks != 0, lengths, 0)


def build_windows(hits: Bools, allowed: Bools, window: int, needed: int) -> Bools:
    """Cells in any stretch of so many neighbours, all allowed, that holds at least `needed` hits."""
    width = hits.shape[1] - window + 1
    fired = np.zeros(hits.shape, dtype=bool)
    if width <= 0:
        return fired
    found, whole = np.zeros((len(hits), width), dtype=int), np.ones((len(hits), width), dtype=bool)
    for step in range(window):
        found += hits[:, step : step + width]
        whole &= allowed[:, step : step + width]
    for step in range(window):
        fired[:, step : step + width] |= whole & (found >= needed)
    return fired


def calculate_crossings_min(n_useful: int) -> int:
    """5% quantile of Binomial(n_useful - 1, 0.5): fewer crossings than this are a signal (Chen 2010)."""
    trials, needed, total = n_useful - 1, 0.05, 0
    for crossings in range(trials + 1):
        total += math.comb(trials, crossings)
        if total / 2**trials >= needed:
            return crossings
    return 0


def build_runs_analysis(side: Ints, counted: Bools, method: str) -> RunsAnalysis:
    """Runs about the centre line, given the side of each point and which points count.

    Useful points have a value, are not ghosts and are not on the centre line. A run longer than
    round(log2 n) + 3 (Schilling 2012) or fewer crossings than the limit are a signal; without a useful
    point there is none. Source: Anhoej & Olesen 2014, doi 10.1371/journal.pone.0113825. With the method
    "bestbox" or "cutbox" and 10 to 100 useful points the critical values are those of Anhoej &
    Wentzel-Larsen 2020, doi 10.1371/journal.pone.0233920.
    """
    packing = build_packing(counted & (side != 0))
    packed = packing.pack(side)
    lengths = calculate_run_lengths(packed)
    useful = packing.kept.sum(axis=1, keepdims=True)
    crossings = ((packed[:, 1:] != packed[:, :-1]) & packing.kept[:, 1:]).sum(axis=1, keepdims=True)
    longest = lengths.max(axis=1, initial=0, keepdims=True)
    sizes, place = np.unique(useful, return_inverse=True)
    fewest = np.array([calculate_crossings_min(int(n)) for n in sizes])[place].reshape(useful.shape)
    limit = np.round(np.log2(np.maximum(useful, 1))).astype(int) + 3
    run_limit, inside = _judge(method, (useful, crossings, longest), (fewest, limit))
    long = (longest > run_limit) & (useful > 0)
    few = ~inside & (useful > 0) & ((crossings < fewest) | ~long)
    runs, most, crossed, least = (np.where(useful == 0, np.nan, found) for found in (longest, limit, crossings, fewest))
    marks = packing.unpack(lengths > run_limit)
    return RunsAnalysis(useful, runs, most, crossed, least, long, few, marks)


def _judge(method: str, found: tuple[Ints, ...], limits: tuple[Ints, Ints]) -> tuple[Ints, Bools]:
    """The longest run allowed, and whether (useful, crossings, longest) lie inside the rules."""
    useful, crossings, longest = found
    fewest, limit = limits
    if method == "anhoej":
        return limit, (crossings >= fewest) & (longest <= limit)
    boxes = read_boxes()
    own = boxes.reindex(useful.ravel()).to_numpy().reshape(*useful.shape, boxes.shape[1])
    least, most, least_border, most_border = np.moveaxis(own, -1, 0)
    in_box = (crossings >= least) & (longest <= most)
    cut = (crossings > least) & (longest < most)
    cut |= (crossings == least) & (longest <= most_border)
    cut |= (crossings >= least_border) & (longest <= most)
    inside = np.where(np.isnan(least_border) | (method == "bestbox"), in_box, cut)
    known = ~np.isnan(least)
    plain = (crossings >= fewest) & (longest <= limit)
    return np.where(known, most, limit), np.where(known, inside, plain)


@cache
def read_boxes() -> pd.DataFrame:
    """Critical values of the best box and cut box by number of useful points (10 to 100)."""
    with (files("qi_analysis") / "definitions" / "runs_boxes.csv").open(encoding="utf-8") as source:
        return pd.read_csv(source, index_col="n_useful").astype(float)


# Rule sets.
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
        return np.asarray((lines.value > upper + near).astype(int) - (lines.value < lower - near).astype(int))


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
    return np.asarray(~grid.is_ghost & (np.arange(counted.shape[1]) <= last))


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


# Patterns that single rule sets add: Nelson, Western Electric and Wheeler.
def build_patterns(grid: Grid, lines: Lines, spec: ChartSpec) -> dict[str, Bools]:
    """Extra patterns of the rule set by name; empty for a set without any, and without limits.

    nelson adds fourteen_alternating, four_of_five, fifteen_near, eight_away (rules 4, 6, 7, 8 of Nelson
    1984, doi 10.1080/00224065.1984.11978921); western_electric adds four_of_five (its zone test of
    1956); wheeler adds three_of_four and range_outside. Missing values are passed over.
    """
    if spec.rules not in ("nelson", "western_electric", "wheeler") or spec.chart == "mr":
        return {}
    counted = grid.is_used & ~grid.is_ghost & np.isfinite(lines.value)
    packing = build_packing(counted)
    zone = packing.pack(_build_zones(lines, counted))
    if spec.rules == "wheeler":
        packed = {"three_of_four": _mark_one_side(zone, (1.5, 4, 3), packing.kept)}
    elif spec.rules == "western_electric":
        packed = {"four_of_five": _mark_those_beyond(zone, (1.0, 5, 4), packing.kept)}
    else:
        has_width = packing.pack(lines.upper > lines.centre + calculate_tolerance(lines.value))
        packed = _build_nelson(zone, packing.pack(lines.value), packing.kept, has_width)
    found = {name: packing.unpack(marks) for name, marks in packed.items()}
    if spec.rules == "wheeler":
        with np.errstate(invalid="ignore"):
            found["range_outside"] = lines.moving_range > lines.range_upper + calculate_tolerance(lines.value)
    return found


def _build_zones(lines: Lines, counted: Bools) -> Floats:
    """Distance from the centre in sigma, signed; 0 where it is float error, missing or sigma is 0."""
    sigma = (lines.upper - lines.centre) / 3
    distance = lines.value - lines.centre
    with np.errstate(invalid="ignore", divide="ignore"):
        real = counted & (np.abs(distance) > calculate_tolerance(lines.value)) & (sigma > 0)
        return np.where(real, distance / sigma, 0.0)


def _mark_one_side(zone: Floats, rule: tuple[float, int, int], kept: Bools) -> Bools:
    """All points of a window with so many beyond a distance on one side: (distance, window, needed)."""
    distance, window, needed = rule
    high, low = (build_windows(sign * zone > distance, kept, window, needed) for sign in (1, -1))
    return high | low


def _mark_those_beyond(zone: Floats, rule: tuple[float, int, int], kept: Bools) -> Bools:
    """As `_mark_one_side`, but only the points beyond are marked."""
    distance, window, needed = rule
    hits = [sign * zone > distance for sign in (1, -1)]
    high, low = (build_windows(hit, kept, window, needed) & hit for hit in hits)
    return high | low


def _build_nelson(zone: Floats, value: Floats, kept: Bools, has_width: Bools) -> dict[str, Bools]:
    """Rules 4, 6, 7 and 8 of Nelson 1984 on packed points.

    Rule 7 needs limits that lie apart and points that differ, or a constant series would be one.
    """
    varies = (zone != 0).any(axis=1, keepdims=True)
    within = kept & has_width & varies & (np.abs(zone) < 1)
    return {
        "fourteen_alternating": _mark_alternating(value, kept),
        "four_of_five": _mark_those_beyond(zone, (1.0, 5, 4), kept),
        "fifteen_near": calculate_run_lengths(within.astype(int)) >= 15,
        "eight_away": calculate_run_lengths((np.abs(zone) > 1).astype(int)) >= 8,
    }


def _mark_alternating(value: Floats, kept: Bools) -> Bools:
    """Fourteen points (13 steps) that go up and down in turn."""
    steps: Ints = np.zeros(value.shape, dtype=int)
    moved = (np.abs(np.diff(value, axis=1)) > calculate_tolerance(value)) & kept[:, 1:]
    steps[:, 1:] = np.where(moved, np.sign(np.diff(value, axis=1)), 0)
    turned = steps * np.where(np.arange(value.shape[1]) % 2 == 0, 1, -1)
    long = calculate_run_lengths(turned) >= 13
    marks = long.copy()
    marks[:, :-1] |= long[:, 1:]
    return marks

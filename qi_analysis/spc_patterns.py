"""Patterns that single rule sets add: Nelson, Western Electric and Wheeler."""

import numpy as np

from qi_analysis.spc_grid import Bools, Floats, Grid, Ints, calculate_tolerance
from qi_analysis.spc_limits import Lines
from qi_analysis.spc_runs import build_packing, build_windows, calculate_run_lengths
from qi_analysis.spc_spec import ChartSpec


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

"""From tidy points to arrays of (segments, points): one row for each phase of each series."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from qi_analysis.spc_spec import RATIO_CHARTS, SUBGROUP_CHARTS, ChartProblem, ChartSpec

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int_]
TOLERANCE = 1e-12  # two numbers of a series are equal if they differ by less than this times its largest


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

    def points(self, array: npt.NDArray) -> npt.NDArray:
        """The cells of an array of this shape (or one number per segment) in the order of the table."""
        wide = np.broadcast_to(array, self.value.shape)
        return wide[self.row, self.column]


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


def _per_series(setting: Any, points: pd.DataFrame) -> list[tuple[npt.NDArray, Any]]:
    """A setting for all series, or one per measure, as pairs of rows and setting."""
    measures = points["measure_id"].to_numpy()
    if isinstance(setting, Mapping):
        return [(np.flatnonzero(measures == name), own) for name, own in setting.items()]
    return [(np.arange(len(points)), setting)]


def _read_dates(dates: Any, times: pd.Series) -> npt.NDArray:
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


def build_grid(points: pd.DataFrame, spec: ChartSpec) -> Grid:
    """Lay the rows of `build_points` out as arrays, one row per series and phase."""
    keys = points[["_series", "phase"]].to_numpy(dtype=int)
    starts = np.ones(len(points), dtype=bool)
    starts[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    row = np.cumsum(starts) - 1
    column = np.arange(len(points)) - np.flatnonzero(starts)[row]
    shape = (int(starts.sum()), int(column.max(initial=0)) + 1)

    def lay(name: str, empty: object) -> npt.NDArray:
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
        return anchor + shifted.sum(axis=1, keepdims=True) / chosen.sum(axis=1, keepdims=True)


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
    return TOLERANCE * size.max(axis=1, initial=0.0, keepdims=True)


def build_previous(values: Floats, skipped: Bools) -> Floats:
    """For each cell the value of the last cell before it that is not skipped; NaN for the first."""
    columns = np.where(skipped, -1, np.arange(values.shape[1]))
    last = np.maximum.accumulate(columns, axis=1)
    before = np.full_like(last, -1)
    before[:, 1:] = last[:, :-1]
    found = np.take_along_axis(values, np.maximum(before, 0), axis=1)
    return np.where(before >= 0, found, np.nan)

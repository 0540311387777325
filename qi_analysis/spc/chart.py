"""Control charts as tables: centre lines, limits, signals and icons; and the change of level that one suggests.

The front door is `build_chart_table`. Which charts and rule sets there are, and how they differ, is in docs/charts.md.
Everything is worked out for all series at once; nothing here draws. A suggested change of level is never applied by
itself: a person confirms it and records it as a phase, with its reason.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from qi_analysis.spc.lines import TOLERANCE, Bools, Grid, Lines, build_grid, build_lines, build_points
from qi_analysis.spc.rules import Signals, build_patterns, build_signals
from qi_analysis.spc.spec import SMALLEST_BASELINE, ChartProblem, ChartSpec

ICONS = {"good": "improving", "bad": "concerning", "neutral": "neutral", "": "common_cause"}
RANK = {"outside": "outside limits", "trend": "trend", "two_of_three": "two of three", "shift": "shift"}
WORDS = ("", "good", "bad", "neutral")
SIDES = {"above": (1,), "below": (-1,), "both": (1, -1)}


def build_chart_table(results: pd.DataFrame, spec: ChartSpec) -> pd.DataFrame:
    """The points of every series, sorted, with lines, signals and icons.

    The formulas are those of docs/charts.md and agree with published programs on their own examples.

    Parameters
    ----------
    results : pandas.DataFrame
        Tidy results: measure_id, interval_start, numerator, denominator, value. `clock` also tells series apart, and
        `is_settled` False keeps a drawn month out of lines and rules.
    spec : ChartSpec
        Chart, rule set, baseline, phases, target.

    Returns
    -------
    pandas.DataFrame
        Added columns: phase (from 1); in_baseline; is_drawn; is_excluded; centre, lower, upper (3 sigma), lower_2s,
        upper_2s; moving_range, range_centre, range_upper (XmR); side (-1, 0, 1 of the centre); is_outside, is_near
        (between 2 and 3 sigma), in_shift, in_trend, in_two_of_three and the patterns of the rule set; direction (1 high
        or rising, -1 low or falling) by rank outside > trend > two of three > shift; signal ("", good, bad, neutral);
        rules (their names, by rank); the runs analysis of the phase (n_points, n_useful, longest_run, longest_run_max,
        n_crossings, n_crossings_min, runs_signal); trial (fewer than 12 points in the baseline); target; for the series
        variation (common_cause, improving, concerning or neutral, of its last point in use) and assurance (passing,
        failing, hit_or_miss or none: the target against the limits there; on a limit is hit or miss).

        `value` is what is plotted, times `multiply`. Too few crossings (anhoej) have no direction and are named at the
        last point in use. Nothing is empty but numbers that do not exist.

    Raises
    ------
    ChartProblem
        For a missing column, two rows of a series at one time, or settings that do not fit.

    Examples
    --------
    >>> import pandas as pd
    >>> import qi_analysis as qi
    >>> months = pd.date_range("2021-01-01", periods=14, freq="MS")
    >>> results = pd.DataFrame({"measure_id": "a", "interval_start": months, "numerator": 30, "denominator": 50})
    >>> results["value"] = results["numerator"] / results["denominator"]
    >>> table = qi.build_chart_table(results, qi.ChartSpec(chart="p"))
    >>> round(float(table["upper"].iloc[-1]), 3), table["signal"].unique().tolist()
    (0.808, [''])
    """
    points = build_points(results, spec)
    grid = build_grid(points, spec)
    lines = build_lines(grid, spec)
    signals = build_signals(grid, lines, spec)
    table = _add_lines(points, grid, lines)
    table = _add_rules(table, grid, signals, build_patterns(grid, lines, spec))
    table = _add_signal(table, spec)
    table = _add_icons(table, spec)
    return table.drop(columns=[name for name in table.columns if str(name).startswith("_")])


def _add_lines(points: pd.DataFrame, grid: Grid, lines: Lines) -> pd.DataFrame:
    """The plotted value, the lines and the baseline of every point."""
    names = (
        "value", "centre", "lower", "upper", "lower_2s", "upper_2s",
        "moving_range", "range_centre", "range_upper",
    )  # fmt: skip
    added = {name: grid.points(getattr(lines, name)) for name in names}
    added["value"] = np.where(points["is_drawn"], added["value"], points["value"])
    base = grid.in_baseline.sum(axis=1, keepdims=True)
    number = (grid.is_row & ~grid.is_ghost).sum(axis=1, keepdims=True)
    return points.assign(
        **added,
        in_baseline=grid.points(grid.in_baseline),
        trial=grid.points(base < SMALLEST_BASELINE),
        n_points=grid.points(number),
    )


def _add_rules(table: pd.DataFrame, grid: Grid, signals: Signals, patterns: dict[str, Bools]) -> pd.DataFrame:
    """One column per rule and per number of the runs analysis; `_ranked` columns hold directions."""
    ranked = {name: grid.points(getattr(signals, name)) for name in RANK}
    near = grid.points(np.where(signals.outside == 0, signals.near, 0))
    if "is_settled" in table:
        settled = table["is_settled"].to_numpy(dtype=bool)
        ranked["outside"], near = np.where(settled, ranked["outside"], 0), np.where(settled, near, 0)
    runs = ("n_useful", "longest_run", "longest_run_max", "n_crossings", "n_crossings_min")
    flags = {
        "is_outside": ranked["outside"] != 0,
        "is_near": near != 0,
        "in_shift": ranked["shift"] != 0,
        "in_trend": ranked["trend"] != 0,
        "in_two_of_three": ranked["two_of_three"] != 0,
        "runs_signal": grid.points(signals.runs.long_run | signals.runs.few_crossings),
    }
    return table.assign(
        side=grid.points(signals.side),
        **flags,
        **{name: grid.points(getattr(signals.runs, name)) for name in runs},
        **{f"{name}_direction": direction for name, direction in ranked.items()},
        _few=grid.points(_mark_last(signals.runs.few_crossings, grid)),
        **{name: grid.points(marks) for name, marks in patterns.items()},
        **{f"_pattern {name}": grid.points(marks) for name, marks in patterns.items()},
    )


def _mark_last(fired: Bools, grid: Grid) -> Bools:
    """The last point in use of each segment that fired."""
    counted = grid.is_used & ~grid.is_ghost
    places = np.where(counted, np.arange(counted.shape[1]), -1)
    return np.asarray(fired & counted & (places == places.max(axis=1, initial=-1, keepdims=True)))


def _add_signal(table: pd.DataFrame, spec: ChartSpec) -> pd.DataFrame:
    """Direction by rank of rule, what it means for the measure, and the names of all rules that fire."""
    ranked = [f"{name}_direction" for name in RANK]
    direction = np.zeros(len(table), dtype=int)
    for name in reversed(ranked):
        direction = np.where(table[name] != 0, table[name], direction)
    patterns = [str(name) for name in table.columns if str(name).startswith("_pattern ")]
    undirected = table["_few"].to_numpy(dtype=bool) & (spec.rules == "anhoej")
    fired = {words: table[f"{name}_direction"].to_numpy() != 0 for name, words in RANK.items()}
    fired["few crossings"] = undirected
    for name in patterns:
        words = name.removeprefix("_pattern ").replace("_", " ")
        fired[words] = table[name].to_numpy(dtype=bool)
        undirected = undirected | fired[words]
    wanted = {"up": 1, "down": -1, "either": 0}[spec.good]
    meaning = np.where(direction * wanted > 0, 1, np.where(direction * wanted < 0, 2, 3))
    code = np.where((direction != 0) | undirected, meaning, 0)
    return table.assign(direction=direction, signal=np.array(WORDS, dtype=object)[code], rules=_join(fired))


def _join(fired: dict[str, Bools]) -> np.ndarray:
    """The names that are True at each point, joined by "; "."""
    names = list(fired)
    bits = sum(marks.astype(np.int64) << place for place, marks in enumerate(fired.values()))
    found, place = np.unique(bits, return_inverse=True)
    words = ["; ".join(name for k, name in enumerate(names) if int(code) >> k & 1) for code in found]
    return np.array(words, dtype=object)[place]


def _add_icons(table: pd.DataFrame, spec: ChartSpec) -> pd.DataFrame:
    """Variation and assurance of each series, from its last point that is drawn and not excluded."""
    table = table.assign(target=_build_target(table, spec))
    series = table["_series"].to_numpy()
    counted = (table["is_drawn"] & ~table["is_excluded"]).to_numpy()
    place = np.full(int(series.max(initial=-1)) + 1, -1)
    np.maximum.at(place, series[counted], np.flatnonzero(counted))
    last = table.iloc[place] if len(table) else table
    known = place >= 0
    variation = np.where(known, last["signal"].map(ICONS), "common_cause").astype(object)
    assurance = np.where(known, _assure(last, spec), "none").astype(object)
    return table.assign(variation=variation[series], assurance=assurance[series])


def _build_target(table: pd.DataFrame, spec: ChartSpec) -> np.ndarray:
    """The target of each point's series; NaN without one."""
    if spec.target is None or isinstance(spec.target, (int, float)):
        return np.full(len(table), np.nan if spec.target is None else float(spec.target))
    return np.asarray(table["measure_id"].map(dict(spec.target)).to_numpy(dtype=float))


def _assure(last: pd.DataFrame, spec: ChartSpec) -> np.ndarray:
    """Whether the limits of each row lie wholly on the good side of the target, or wholly not."""
    lower, upper, target = (last[name].to_numpy(dtype=float) for name in ("lower", "upper", "target"))
    above, below = lower > target, upper < target
    passing, failing = (above, below) if spec.good == "up" else (below, above)
    icon = np.where(passing, "passing", np.where(failing, "failing", "hit_or_miss"))
    unknown = np.isnan(target) | np.isnan(lower) | np.isnan(upper)
    return np.where(unknown | (spec.good == "either"), "none", icon)


# A suggested change of level on a run chart: from where a sustained run began.
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

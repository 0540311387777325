"""Which signals of a chart are strong enough for a verdict, as the usual level is itself an estimate.

Limits are frozen from a baseline of 12 months, so centre line and limits are uncertain too, and the rules of a
chart do not know it. Of in-control charts with 45 people a month, 2 of every 10 show a signal within a year, most of
them a run about a centre line that lies a little off. For the verdict, distances are therefore measured in standard
errors that hold both uncertainties: that of the months and that of the baseline (docs/false_alarms.md).
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

CONFIRMED_AT = 2.33  # standard errors: 1 in 100 in each direction
LIMITS_AT = 3.0
RANK = ("outside", "trend", "two_of_three", "shift")  # which rule gives a point its direction
SWAPPED = {"good": "bad", "bad": "good"}

Floats = npt.NDArray[np.floating]


def build_confirmed(chart_table: pd.DataFrame) -> pd.DataFrame:
    """The chart table with the signals that a verdict may count: is_outside, in_shift and signal are narrowed.

    A month outside the limits counts if it lies beyond 3 standard errors of (month - baseline); a shift counts if
    its months taken together differ from the baseline by more than CONFIRMED_AT standard errors. Trends, two of
    three and patterns without a direction stay as they are, and so does a chart without limits (sigma not known)
    or without a baseline. A point weighs 1 / sigma squared, which on a P chart is its denominator, so a shift is
    judged by people and not by months. Takes the full table of `spc.build_chart_table`, one or many series;
    `rules` still names every rule that fired on the chart.
    """
    distance, sigma, base = _measure(chart_table)
    known = (sigma > 0) & (base > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        near = np.abs(distance) <= LIMITS_AT * np.sqrt(sigma**2 + 1 / base)
    run = np.abs(_calculate_run_distance(chart_table, (distance, sigma, base)))
    weak = {"outside": known & near, "shift": known & (run <= CONFIRMED_AT)}
    ways = {name: chart_table[f"{name}_direction"].to_numpy() for name in RANK}
    ways |= {name: np.where(marks, 0, ways[name]) for name, marks in weak.items()}
    direction = np.zeros(len(chart_table), dtype=int)
    for name in reversed(RANK):
        direction = np.where(ways[name] != 0, ways[name], direction)
    return chart_table.assign(
        is_outside=ways["outside"] != 0,
        in_shift=ways["shift"] != 0,
        outside_direction=ways["outside"],
        shift_direction=ways["shift"],
        direction=direction,
        signal=_turn(chart_table, direction),
    )


def describe_unconfirmed(chart_table: pd.DataFrame) -> str:
    """A sentence when the chart marks a shift or a month that the verdict does not count; "" otherwise."""
    confirmed = build_confirmed(chart_table)
    lost = (chart_table["signal"] != "") & (confirmed["signal"] == "") & ~chart_table["in_baseline"].astype(bool)
    if not lost.any():
        return ""
    return (
        "The chart marks months that the verdict does not count: they are not far enough from the usual level, which "
        "rests on the months of the baseline and is itself uncertain."
    )


def _measure(table: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
    """Per point: distance from the centre, sigma, and the weight (1 / sigma squared) of the baseline of its phase.

    Sigma is a third of the wider half of the limits, as limits are held at 0 and 1.
    """
    value, centre, lower, upper = (table[name].to_numpy(dtype=float) for name in ("value", "centre", "lower", "upper"))
    sigma = np.fmax(upper - centre, centre - lower) / LIMITS_AT
    with np.errstate(divide="ignore"):
        weight = pd.Series(np.where(sigma > 0, 1 / sigma**2, 0.0), table.index)
    kept = weight.where(table["in_baseline"].astype(bool), 0.0)
    base = kept.groupby([table[name] for name in _list_keys(table)], sort=False).transform("sum")
    return value - centre, np.nan_to_num(sigma), base.to_numpy()


def _list_keys(table: pd.DataFrame) -> list[str]:
    return [name for name in ("measure_id", "clock", "phase") if name in table]


def _calculate_run_distance(table: pd.DataFrame, measured: tuple[Floats, Floats, Floats]) -> Floats:
    """Per point of a shift the distance of its run from the baseline in standard errors; infinite elsewhere.

    A run goes on over gaps and over points on the centre line.
    """
    distance, sigma, base = measured
    way = table["shift_direction"].to_numpy()
    placed = (table["is_drawn"].astype(bool) & (table["side"] != 0)).to_numpy() & (sigma > 0)
    kept = pd.DataFrame({"way": way, **{name: pd.factorize(table[name])[0] for name in _list_keys(table)}})[placed]
    run = (kept != kept.shift()).any(axis=1).cumsum()
    weight = 1 / sigma[placed] ** 2
    parts = pd.DataFrame({"weight": weight, "pull": weight * distance[placed]}, index=kept.index)
    total = parts.groupby(run).transform("sum")
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(1 / total["weight"] + 1 / base[placed])
        found = np.where(way[placed] != 0, total["pull"] / total["weight"] / error, np.inf)
    result = np.full(len(table), np.inf)
    result[placed] = found
    return result


def _turn(table: pd.DataFrame, direction: npt.NDArray[np.integer]) -> npt.NDArray:
    """The signal of each point once its direction is `direction`: kept, turned round, or none."""
    before, signal = table["direction"].to_numpy(), table["signal"]
    turned = signal.where(before == direction, signal.map(SWAPPED).fillna(signal))
    return np.where((before != 0) & (direction == 0), "", turned.to_numpy(dtype=object))

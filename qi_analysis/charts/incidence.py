"""Step curves by week: how many have come to each end so far, with the people still followed below the axis.

What is drawn is the released table, week by week; a hidden value leaves a gap that no line crosses. Curves differ
by line and marker as well as by colour, and each is named at its end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qi_analysis.charts.style import FULL_SHARE, INK, SIZES, STYLE, Look, render_svg, write_ends
from qi_analysis.phrases import calculate_nearest

TICK_WEEKS = 4
MARGIN = {"left": 58, "right": 132, "top": 12, "axis": 30, "row": 15}  # points; row: for each line of people
TEXT = 9.5


@dataclass(frozen=True)
class Curve:
    """One curve: a column of shares (0 to 1), its name, and its colour, line and marker as matplotlib has them."""

    column: str
    words: str
    colour: str
    line: Any = "-"
    marker: str = "o"


def render_incidence(weeks: pd.DataFrame, curves: Sequence[Curve], at_risk: Mapping[str, pd.Series], look: Look) -> str:
    """Shares by week as inline SVG (see plot_incidence)."""
    width, height = (72 * inches for inches in SIZES[look.size])
    below = MARGIN["axis"] + MARGIN["row"] * len(at_risk)
    room = (
        MARGIN["left"] / width,
        below / height,
        1 - (MARGIN["left"] + MARGIN["right"]) / width,
        1 - (below + MARGIN["top"]) / height,
    )
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZES[look.size])
        plot_incidence(figure.add_axes(room), weeks, curves, at_risk)
        return render_svg(figure, look.chart_id, look.alt)


def plot_incidence(axes: Axes, weeks: pd.DataFrame, curves: Sequence[Curve], at_risk: Mapping[str, pd.Series]) -> Axes:
    """Draw the curves over `week`, 0 to 100%, and below the axis the people still in treatment and followed so far.

    at_risk: a name for each row of numbers and its value for each row of `weeks`. Raises ValueError without weeks.
    """
    if weeks.empty:
        raise ValueError("curves need at least one week")
    week = weeks["week"].to_numpy()
    ticks = _list_ticks(int(week.max()))
    axes.set(xlim=(0, max(week.max(), 1)), ylim=(0, 1))
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_yticks(FULL_SHARE, [f"{share:.0%}" for share in FULL_SHARE])
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e8edee", linewidth=0.8, zorder=0)
    axes.set_axisbelow(True)
    for curve in curves:
        values = weeks[curve.column].astype(float).to_numpy()
        style: dict[str, Any] = {"color": curve.colour, "linestyle": curve.line, "linewidth": 1.8}
        axes.step(week, values, where="post", clip_on=False, **style)
        dots = np.isin(week, ticks[1:])
        point: dict[str, Any] = {"color": curve.colour, "marker": curve.marker, "markersize": 5, "linestyle": ""}
        axes.plot(week[dots], values[dots], clip_on=False, zorder=3, **point)
    write_ends(axes, _name_ends(weeks, curves), 1.025)
    _write_at_risk(axes, week, ticks, at_risk)
    return axes


def _list_ticks(last: int) -> list[int]:
    """Every fourth week and the last one."""
    return [*range(0, last, TICK_WEEKS), last]


def _name_ends(weeks: pd.DataFrame, curves: Sequence[Curve]) -> list[tuple[float, str, str]]:
    """Each curve's name and last share, for its end."""
    last = weeks.iloc[-1]
    ends = [
        (float(last[curve.column]), f"{curve.words} {calculate_nearest(100 * last[curve.column])}%", curve.colour)
        for curve in curves
        if np.isfinite(float(last[curve.column]))
    ]
    return sorted(ends, key=lambda end: end[0])


def _write_at_risk(axes: Axes, week: np.ndarray, ticks: Sequence[int], at_risk: Mapping[str, pd.Series]) -> None:
    """What the axis counts; below it a row of people for each group at every labelled week."""
    place: dict[str, Any] = {"textcoords": "offset points", "va": "top", "fontsize": TEXT, "color": INK}
    axes.annotate("weeks since start", (1, 0), (14, -7), xycoords="axes fraction", **place)
    axes.annotate("still in treatment", (1, 0), (14, -27), xycoords="axes fraction", **place)
    below: dict[str, Any] = place | {"xycoords": axes.get_xaxis_transform()}
    for row, (name, numbers) in enumerate(at_risk.items()):
        down = -27 - MARGIN["row"] * row
        if len(at_risk) > 1:
            axes.annotate(name, (0, 0), (-20, down), ha="right", **below)
        for tick in ticks:
            value = float(numbers.to_numpy()[week == tick][0])
            text, size = ("hidden", TEXT - 2) if np.isnan(value) else (f"{value:,.0f}", TEXT - 0.5)
            axes.annotate(text, (tick, 0), (0, down), ha="center", **(below | {"fontsize": size}))

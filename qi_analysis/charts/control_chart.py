"""Charts: one chart table in, one static picture (inline SVG) out.

Only what the table holds is drawn, month by month; no rule is applied here. Text stays text, ids are
unique on the page, and the same table gives the same bytes. Signals differ by shape as well as by colour.
"""

import re
from collections.abc import Iterable
from textwrap import fill
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from qi_analysis.charts.style import (
    BAND,
    BOXES,
    DASHED,
    DASHES,
    FULL_SHARE,
    INK,
    MONTH_GAPS,
    MOST_MONTHS,
    REFERENCE,
    SHAPES,
    SIZES,
    SOFT,
    STYLE,
    TARGET,
    Look,
    Mark,
    arrange_marks,
    find_room,
    render_svg,
    write_ends,
)
from qi_analysis.periods import MONTHS

__all__ = ["Look", "Mark", "plot_control_chart", "render_comparison", "render_control_chart"]

Ends = dict[str, tuple[float, str]]  # name of a line: its last value and its colour


def render_control_chart(chart_table: pd.DataFrame, look: Look | None = None) -> str:
    """A control chart of one measure by month as inline SVG.

    Parameters
    ----------
    chart_table : pandas.DataFrame
        Of `build_chart_table`, for one measure. Only what it holds is drawn; a column `is_settled` makes the points of
        unsettled months hollow. Months with `is_drawn` false or without a row are gaps that no line crosses.
    look : Look, optional
        What the chart says beyond its numbers: its id on the page, alt text, unit, target and marks. Left out, the
        chart is named after its measure.

    Returns
    -------
    str
        One `<svg>` element: the same bytes for the same table.

    Raises
    ------
    ValueError
        For an empty table or more than one measure.

    Examples
    --------
    >>> import qi_analysis as qi
    >>> table = qi.open_project().chart("li_completion").table
    >>> qi.render_control_chart(table, qi.Look("mine", "People completing LI CBT, by month."))[:4]
    '<svg'
    """
    return _render(chart_table, look or _name_look(chart_table), {})


def _name_look(chart_table: pd.DataFrame) -> Look:
    name = "" if chart_table.empty else str(chart_table["measure_id"].iloc[0])
    return Look(re.sub("[^A-Za-z0-9]+", "-", name) or "chart", f"Control chart of {name} by month.")


def render_comparison(chart_table: pd.DataFrame, reference: pd.DataFrame, name: str, look: Look) -> str:
    """A control chart with a second series (interval_start, value) as a thin line called `name`.

    Only the months of the chart table are drawn; a reference without a value there leaves no line.
    """
    return _render(chart_table, look, {name: reference})


def _render(chart_table: pd.DataFrame, look: Look, references: dict[str, pd.DataFrame]) -> str:
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZES[look.size])
        rows = max((row for _, row, _ in _arrange(_build_months(chart_table), look.marks)), default=0) + 1
        axes = figure.add_axes(find_room(look, rows))
        if look.title:
            figure.suptitle(fill(look.title, 62), x=0.01, ha="left", fontsize=12, fontweight="bold")
        plot_control_chart(axes, chart_table, look, references)
        return render_svg(figure, look.chart_id, look.alt)


def plot_control_chart(
    axes: Axes, chart_table: pd.DataFrame, look: Look, references: dict[str, pd.DataFrame] | None = None
) -> Axes:
    """Draw one measure's months: usual range and average in steps per phase, points, target and marks.

    `chart_table` is what `build_chart_table` returns, for one measure; a column `is_settled` (bool), where
    there is one, makes the points of unsettled months hollow. Months with `is_drawn` false or without a row
    are gaps that no line crosses. Raises ValueError for an empty table or more than one measure.
    """
    if chart_table["measure_id"].nunique() != 1:
        raise ValueError("a chart shows the months of one measure")
    months = _build_months(chart_table)
    _prepare_axes(axes, months, look)
    ends = _plot_range(axes, months, look.centre) | _plot_target(axes, look)
    for name, reference in (references or {}).items():
        ends |= _plot_reference(axes, months, reference, name)
    _plot_points(axes, months)
    axes.set(xlabel="", ylabel="" if look.unit == "share" else look.unit)
    _plot_marks(axes, months, look.marks)
    write_ends(axes, _name_ends(axes, ends, look))
    sns.despine(ax=axes)
    return axes


def _build_months(chart_table: pd.DataFrame) -> pd.DataFrame:
    """One row a month from first to last, indexed by month number; what is not drawn has no value."""
    drawn = chart_table["is_drawn"].astype(bool)
    table = chart_table.assign(
        value=chart_table["value"].astype(float).where(drawn),
        is_settled=chart_table.get("is_settled", pd.Series(True, chart_table.index)).astype(bool),
    ).set_index(_number_months(chart_table["interval_start"]))
    months = table.reindex(range(int(table.index.min()), int(table.index.max()) + 1))
    return months.assign(
        position=np.arange(len(months)),
        shape=months["signal"].fillna(""),
        is_settled=months["is_settled"].eq(True),
    )


def _number_months(days: pd.Series) -> pd.Series:
    """Months counted from the year 0, so that neighbours differ by one."""
    days = pd.to_datetime(days)
    return days.dt.year * 12 + days.dt.month - 1


def _plot_range(axes: Axes, months: pd.DataFrame, name: str) -> Ends:
    """The usual range as a band and the average as a line, both in steps; new phases; the baseline."""
    edges = np.arange(len(months) + 1) - 0.5
    lower, upper, centre = (months[line].astype(float).to_numpy() for line in ("lower", "upper", "centre"))
    axes.stairs(upper, edges, baseline=lower, fill=True, color=BAND, zorder=0, clip_on=False)
    for limit in (lower, upper):
        axes.stairs(limit, edges, baseline=None, color=SOFT, linewidth=0.7, **DASHED)
    axes.stairs(centre, edges, baseline=None, color=INK, linewidth=1.3, clip_on=False)
    starts = months.loc[months["phase"].ffill().diff() > 0, "position"] - 0.5
    axes.vlines(starts, 0, 1, transform=axes.get_xaxis_transform(), color=SOFT, **DASHED)
    _plot_baselines(axes, months)
    ends = {"usual high": (upper[-1], SOFT), "usual low": (lower[-1], SOFT), name: (centre[-1], INK)}
    return {words: (float(value), colour) for words, (value, colour) in ends.items()}


def _plot_baselines(axes: Axes, months: pd.DataFrame) -> None:
    """In each phase, a bar along the foot of the chart under the months its limits were worked out from."""
    foot: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "color": SOFT}
    for _, positions in months.loc[months["in_baseline"].eq(True)].groupby("phase")["position"]:
        first, last = positions.min() - 0.4, positions.max() + 0.4
        axes.hlines(0.02, first, last, linewidth=3, clip_on=False, **foot)
        axes.text((first + last) / 2, 0.04, "baseline", ha="center", va="bottom", fontsize=9.5, **foot)


def _plot_target(axes: Axes, look: Look) -> Ends:
    if look.target is None:
        return {}
    axes.axhline(look.target, color=TARGET, linewidth=1.4, linestyle=(0, (6, 2, 1, 2)), clip_on=False)
    return {"target": (look.target, TARGET)}


def _plot_reference(axes: Axes, months: pd.DataFrame, reference: pd.DataFrame, name: str) -> Ends:
    """A thin line for another series over the same months; named at its last value."""
    values = reference.set_index(_number_months(reference["interval_start"]))["value"].astype(float)
    values = values.reindex(months.index)
    if values.isna().all():
        return {}
    axes.plot(months["position"], values, color=REFERENCE, linewidth=1.6, clip_on=False)
    return {name: (float(values.dropna().iloc[-1]), REFERENCE)}


def _plot_points(axes: Axes, months: pd.DataFrame) -> None:
    """A line broken at every gap; a point a month, filled when settled, hollow when not."""
    axes.plot(months["position"], months["value"], color=SOFT, linewidth=1, clip_on=False)
    drawn = months.dropna(subset=["value"]).rename_axis(None)
    place: dict[str, Any] = {
        "x": "position",
        "y": "value",
        "ax": axes,
        "legend": False,
        "clip_on": False,
        "zorder": 3,
    }
    axes.set(xlabel=" ", ylabel=" ")  # named, or seaborn builds every tick label to find a name
    settled, hollow = drawn[drawn["is_settled"]], drawn[~drawn["is_settled"]]
    for shape, points in settled.groupby("shape"):
        marker, colour, _ = SHAPES[str(shape)]
        sns.scatterplot(points, color=colour, marker=marker, s=44, linewidth=0.6, **place)
    rim: dict[str, Any] = {"edgecolor": SHAPES[""][1], "linewidth": 1.4}
    if len(hollow):
        sns.scatterplot(hollow, color="white", marker="o", s=38, **rim, **place)
    _write_key(axes, settled["shape"].unique(), hollow)


def _write_key(axes: Axes, shapes: Iterable[str], hollow: pd.DataFrame) -> None:
    """Words for each shape in use, in its colour, under the axis in two columns."""
    keys = [SHAPES[shape][1:] for shape in SHAPES if shape in set(shapes)]
    keys += [(SHAPES[""][1], "\u25cb not settled yet")] if len(hollow) else []
    for number, (colour, words) in enumerate(keys):
        row, column = divmod(number, 2)
        place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
        axes.annotate(words, (0.46 * column, 0), (0, -24 - 14 * row), color=colour, va="top", fontsize=9.5, **place)


def _prepare_axes(axes: Axes, months: pd.DataFrame, look: Look) -> None:
    """Months in words below, the latest always named; 0 to 100% for shares, else from 0 with room on top."""
    step = next((gap for gap in MONTH_GAPS if len(months) <= gap * MOST_MONTHS), MONTH_GAPS[-1])
    ticks = np.arange(len(months) - 1, -1, -step)[::-1]
    numbers = months.index.to_numpy()[ticks]
    axes.set_xticks(ticks, [f"{MONTHS[number % 12][:3]} {number // 12}" for number in numbers])
    axes.set(xlim=(-0.5, len(months) - 0.5), ylim=(0, 1))
    if look.unit == "share":
        axes.set_yticks(FULL_SHARE, [f"{share:.0%}" for share in FULL_SHARE])
        return
    highest = np.nanmax([look.target or 0, 1e-9, *months[["value", "upper"]].astype(float).max()])
    axes.set_ylim(0, highest * 1.08)
    axes.yaxis.set_major_locator(MaxNLocator(5))


def _arrange(months: pd.DataFrame, marks: tuple[Mark, ...]) -> list[tuple[float, int, Mark]]:
    return arrange_marks(marks, int(months.index[0]), len(months))


def _plot_marks(axes: Axes, months: pd.DataFrame, marks: tuple[Mark, ...]) -> None:
    """A line from foot to head for each mark and its sign above, in as many rows as keep signs apart."""
    up = axes.get_position().height * axes.get_figure().get_figheight() * 72  # type: ignore[union-attr]
    step = 18 / up
    for x, row, mark in _arrange(months, marks):
        style = "-" if mark.kind == "cycle" else DASHES
        head: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "zorder": 1}
        foot = 1 if mark.kind == "phase" else 0  # the line of a new phase is drawn from the table
        line: dict[str, Any] = {"color": INK, "linewidth": 0.9, "linestyle": style, "clip_on": False}
        axes.vlines(x, foot, 1.02 + step * row, **line, **head)
        shape = BOXES["several" if len(mark.sign) > 2 and mark.kind == "cycle" else mark.kind]
        box: dict[str, Any] = {"boxstyle": shape, "facecolor": "white", "edgecolor": INK, "linewidth": 0.9}
        axes.text(x, 1.045 + step * row, mark.sign, ha="center", va="center", fontsize=9, bbox=box, **head)


def _name_ends(axes: Axes, ends: Ends, look: Look) -> list[tuple[float, str, str]]:
    """Names and values for the right-hand ends of the lines."""
    low, high = axes.get_ylim()
    known = sorted((value, name, colour) for name, (value, colour) in ends.items() if np.isfinite(value))
    form = ".0%" if look.unit == "share" else ",.3g"
    return [((value - low) / (high - low), f"{name} {value:{form}}", colour) for value, name, colour in known]

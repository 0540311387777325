"""The funnel chart: services as points by size, limits as lines, our service as a labelled star.

Only what the two tables hold is drawn. Nothing but our service is named.
"""

from typing import Any

import matplotlib
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qi_analysis.charts.style import (
    DASHES,
    FULL_SHARE,
    INK,
    REFERENCE,
    SHAPES,
    SIZES,
    SOFT,
    STYLE,
    Look,
    find_room,
    render_svg,
    write_ends,
)
from qi_analysis.phrases import describe_value

LINES: dict[str, dict[str, Any]] = {"95": {"linestyle": DASHES, "linewidth": 1.0}, "998": {"linewidth": 1.2}}
NAMES = {"95": "95%", "998": "99.8%"}
ROUND_SIZES = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
FREE = (0.08, 0.92)  # where our service is named: low on the chart when it lies high, else high
EDGE = 0.15  # of the axis: nearer to an end the name stands to the inner side
MARGIN = 1.25  # room beside the smallest and the largest service, as a factor
KEY = (("\u25cf another service", SHAPES[""][1]), ("\u2605 our service", REFERENCE),
       ("\u2013 \u2013 95% limits    \u2014 99.8% limits", SOFT))  # fmt: skip


def render_funnel(points: pd.DataFrame, limits: pd.DataFrame, kind: str, look: Look) -> str:
    """A funnel chart as inline SVG (see plot_funnel)."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZES[look.size])
        plot_funnel(figure.add_axes(find_room(look)), points, limits, kind)
        return render_svg(figure, look.chart_id, look.alt)


def plot_funnel(axes: Axes, points: pd.DataFrame, limits: pd.DataFrame, kind: str) -> Axes:
    """Draw points (is_service, denominator, value) and the limits of a kind ("od_", "mult_" or "") by size.

    limits: size, centre and the columns of `standing.build_limits`. Sizes are drawn on a logarithmic scale, shares
    on 0 to 100%. Raises ValueError for no points or no limits.
    """
    if points.empty or limits.empty:
        raise ValueError("a funnel needs services and limits")
    _prepare_axes(axes, points["denominator"])
    ends = sorted(_plot_limits(axes, limits, kind))
    _plot_services(axes, points)
    write_ends(axes, ends)
    _write_key(axes)
    sns.despine(ax=axes)
    return axes


def _prepare_axes(axes: Axes, sizes: pd.Series) -> None:
    """Round sizes on a logarithmic axis below, 0 to 100% at the side."""
    low, high = sizes.min() / MARGIN, sizes.max() * MARGIN
    ticks = [size for size in ROUND_SIZES if low <= size <= high]
    axes.set(xscale="log", xlim=(low, high), ylim=(0, 1))
    axes.set_xticks(ticks, [f"{size:,}" for size in ticks])
    axes.minorticks_off()
    axes.set_yticks(FULL_SHARE, [f"{share:.0%}" for share in FULL_SHARE])


def _plot_limits(axes: Axes, limits: pd.DataFrame, kind: str) -> list[tuple[float, str, str]]:
    """The centre and four limits as lines; of each the value at the largest size, its words and its colour."""
    axes.plot(limits["size"], limits["centre"], color=INK, linewidth=1.3, zorder=1)
    centre = float(limits["centre"].iloc[-1])
    ends = [(centre, f"all services {describe_value(centre)}", INK)]
    for name, look in LINES.items():
        for side, word in (("lower", "low"), ("upper", "high")):
            line = limits[f"{kind}{side}_{name}"]
            axes.plot(limits["size"], line, color=SOFT, zorder=1, **look)
            last = float(line.iloc[-1])
            ends.append((last, f"{NAMES[name]} {word} {describe_value(last)}", SOFT))
    return ends


def _plot_services(axes: Axes, points: pd.DataFrame) -> None:
    """Others as small circles without a name, ours as a star with its name and value."""
    ours, others = points[points["is_service"]], points[~points["is_service"]]
    marker, colour, _ = SHAPES[""]
    axes.scatter(others["denominator"], others["value"], s=16, marker=marker, color=colour, linewidth=0, zorder=2)
    axes.scatter(ours["denominator"], ours["value"], s=190, marker="*", color=REFERENCE, edgecolor="white", zorder=4)
    for size, value in zip(ours["denominator"], ours["value"], strict=True):
        height = FREE[0] if value > 0.5 else FREE[1]  # away from the other services
        line = {"arrowstyle": "-", "color": REFERENCE, "linewidth": 0.9, "shrinkB": 7}
        along = axes.transAxes.inverted().transform(axes.transData.transform((size, value)))[0]
        side = "left" if along < EDGE else "right" if along > 1 - EDGE else "center"
        place: dict[str, Any] = {"ha": side, "va": "center", "fontweight": "bold", "arrowprops": line}
        name = f"our service {describe_value(value)}"
        axes.annotate(name, (size, value), (size, height), color=REFERENCE, zorder=3, **place)


def _write_key(axes: Axes) -> None:
    """What the axis counts, then each shape and line in words, under the axis."""
    look: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "top", "fontsize": 9.5}
    axes.annotate("size of the service: what its share is out of, in the year", (0, 0), (0, -22), color=INK, **look)
    for column, (words, colour) in enumerate(KEY):
        axes.annotate(words, (0.3 * column, 0), (0, -38), color=colour, **look)

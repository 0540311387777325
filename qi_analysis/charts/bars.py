"""Bars: counts of people side by side, drawn from released numbers as inline SVG (see style.render_svg).

Parts of a bar differ by pattern as well as by colour, and each that has room carries its number. A count that is
hidden is not drawn: what follows it keeps its length.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from qi_analysis.charts.style import INK, SHAPES, SIZES, SOFT, STYLE, Look, render_svg

WIDTH = 72 * SIZES["wide"][0]  # points
ROW, BAR = 25, 0.74  # points from one bar to the next; share of that which is bar
MARGIN = {"top": 8, "right": 12, "axis": 38, "key": 17}  # points; key: for each row of it
LETTER, NAME_GAP = 5.6, 16  # points: a letter of a name (about), between names and bars
LABEL = 9.5
FILL = SHAPES["good"][1]


@dataclass(frozen=True)
class Part:
    """One part of every bar: a column of the table, its words in the key, colour and pattern (matplotlib hatch)."""

    column: str
    words: str
    colour: str
    hatch: str = ""
    ink: str = "white"


def render_parts(counts: pd.DataFrame, parts: Sequence[Part], look: Look) -> str:
    """One bar for each row of `counts` (its index names them), made of `parts` from left to right, with a key."""
    rows = -(-len(parts) // 2)
    figure, axes = _build_figure(len(counts), list(counts.index), MARGIN["axis"] + MARGIN["key"] * rows)
    with matplotlib.rc_context(STYLE | {"hatch.linewidth": 1.1}):
        plot_parts(axes, counts, parts)
        axes.set_xlabel(look.unit, loc="right", fontsize=LABEL, labelpad=1)
        _write_key(figure, parts)
        return render_svg(figure, look.chart_id, look.alt)


def plot_parts(axes: Axes, counts: pd.DataFrame, parts: Sequence[Part]) -> Axes:
    """Draw the bars, the first row on top. Raises ValueError when there is nothing to draw."""
    lengths = counts[[part.column for part in parts]].astype(float)
    if lengths.empty:
        raise ValueError("bars need at least one row and one part")
    place = np.arange(len(lengths))
    known = lengths.fillna(0).to_numpy()
    begin = np.cumsum(known, axis=1) - known
    _prepare_axes(axes, list(counts.index), float(known.sum(axis=1).max()))
    for number, part in enumerate(parts):
        style: dict[str, Any] = {"color": part.colour, "hatch": part.hatch, "edgecolor": "white", "linewidth": 0.8}
        if part.ink != "white":
            style |= {"edgecolor": SOFT}
        axes.barh(place, known[:, number], BAR, begin[:, number], **style)
    _write_numbers(axes, known, begin, parts)
    return axes


def render_bars(values: pd.Series, notes: Sequence[str], look: Look) -> str:
    """One plain bar for each value (its index names them, a missing one is not drawn), a note at the end of each.

    The first bar has a pattern of its own: it is what is not recorded, and stands first whatever its size.
    """
    figure, axes = _build_figure(len(values), list(values.index), MARGIN["axis"])
    with matplotlib.rc_context(STYLE | {"hatch.linewidth": 1.1}):
        plot_bars(axes, values, notes)
        axes.set_xlabel(look.unit, loc="right", fontsize=LABEL, labelpad=1)
        return render_svg(figure, look.chart_id, look.alt)


def plot_bars(axes: Axes, values: pd.Series, notes: Sequence[str]) -> Axes:
    """Draw the bars, the first on top. Raises ValueError when there is nothing to draw."""
    if not len(values):
        raise ValueError("bars need at least one value")
    lengths = values.astype(float).fillna(0).to_numpy()
    _prepare_axes(axes, list(values.index), 1.35 * float(lengths.max()))
    bars = axes.barh(np.arange(len(lengths)), lengths, BAR, color=FILL, edgecolor="white", linewidth=0.8)
    bars[0].set(hatch="////", facecolor=SOFT)
    offset = 0.012 * axes.get_xlim()[1]
    for place, (length, note) in enumerate(zip(lengths, notes, strict=True)):
        axes.text(length + offset, place, note, va="center", fontsize=LABEL, color=INK)
    return axes


# What both kinds of bars share.
def _build_figure(n_rows: int, names: list[str], below: float) -> tuple[Figure, Axes]:
    """A figure as high as its bars need, with margins in points: a layout engine would draw everything twice."""
    left = NAME_GAP + LETTER * max((len(part) for name in names for part in str(name).split("\n")), default=0)
    height = MARGIN["top"] + ROW * n_rows + below
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH / 72, height / 72))
        across = 1 - (left + MARGIN["right"]) / WIDTH
        return figure, figure.add_axes((left / WIDTH, below / height, across, ROW * n_rows / height))


def _prepare_axes(axes: Axes, names: list[str], longest: float) -> None:
    """Names on the left, people from 0 below, no frame but the foot."""
    axes.set(ylim=(len(names) - 0.5, -0.5), xlim=(0, max(longest, 1) * 1.01))
    axes.set_yticks(np.arange(len(names)), [str(name) for name in names], fontsize=LABEL + 0.5)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=LABEL)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.spines[["top", "right", "left"]].set_visible(False)


def _write_numbers(axes: Axes, known: np.ndarray, begin: np.ndarray, parts: Sequence[Part]) -> None:
    """The number of each part that has room for it, on a patch of the part's own colour."""
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    points = WIDTH * axes.get_position().width / axes.get_xlim()[1]
    room = known * points - np.vectorize(lambda value: LETTER * len(f"{value:,.0f}") + 6)(known)
    for row, column in zip(*np.nonzero((room > 0) & (known > 0)), strict=True):
        part, middle = parts[column], begin[row, column] + known[row, column] / 2
        box = {"boxstyle": "square,pad=0.12", "facecolor": part.colour, "edgecolor": "none"} if part.hatch else None
        look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": LABEL, "color": part.ink, "bbox": box}
        axes.text(middle, row, f"{known[row, column]:,.0f}", **look)


def _write_key(figure: Figure, parts: Sequence[Part]) -> None:
    """A patch with each part's pattern and its words, in two columns at the foot."""
    height = 72 * figure.get_figheight()
    for number, part in enumerate(parts):
        row, column = divmod(number, 2)
        x, y = 10 + column * WIDTH / 2, MARGIN["key"] * (-(-len(parts) // 2) - row) - 8
        edge = "white" if part.ink == "white" else SOFT
        patch: dict[str, Any] = {"facecolor": part.colour, "hatch": part.hatch, "edgecolor": edge, "linewidth": 0.8}
        figure.add_artist(
            Rectangle((x / WIDTH, (y - 5) / height), 20 / WIDTH, 11 / height, transform=figure.transFigure, **patch)
        )
        figure.text((x + 26) / WIDTH, y / height, part.words, va="center", fontsize=LABEL, color=INK)

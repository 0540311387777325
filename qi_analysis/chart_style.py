"""How the charts look: colours, shapes, sizes, and what a chart says beyond its numbers.

A signal differs from usual ups and downs by shape as well as by colour; the colours of points, lines and
words have a contrast of at least 4.5 to 1 on white.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
import seaborn as sns

INK, SOFT, BAND, TARGET, REFERENCE = "#212b32", "#4c6272", "#e8edee", "#00703c", "#7a3b8f"
SHAPES = {  # signal: marker, colour, the same shape and its meaning in the key
    "": ("o", "#5b6b78", "\u25cf usual ups and downs"),
    "good": ("D", "#005eb8", "\u25c6 better, unlikely to be chance"),
    "bad": ("s", "#b8500a", "\u25a0 worse, unlikely to be chance"),
    "neutral": ("^", "#6b3fa0", "\u25b2 a change, unlikely to be chance"),
}
STYLE = {
    **sns.axes_style("ticks", {"axes.edgecolor": "#768692", "axes.labelcolor": INK, "text.color": INK}),
    **{f"{axis}tick.{part}": INK if part == "labelcolor" else "#768692"
       for axis in "xy" for part in ("color", "labelcolor")},
    "font.family": ["DejaVu Sans"],
    "font.size": 10.5,
    "text.parse_math": False,
    "figure.dpi": 100,
}  # fmt: skip
SIZES = {"wide": (7.0, 3.9), "small": (7.0, 3.3)}
MARGINS = {  # in points
    "left": 42, "unit": 18, "right": 92, "bottom": 58, "top": 14, "marks": 36, "title": 34,
}  # fmt: skip
DASHES = (0, (4, 2))
DASHED: dict[str, Any] = {"linestyle": DASHES, "clip_on": False}
BOXES = {"cycle": "circle,pad=0.25", "event": "square,pad=0.2", "phase": "square,pad=0.2", "several": "round,pad=0.3"}
FULL_SHARE = np.linspace(0, 1, 6)
MONTH_GAPS, MOST_MONTHS = (1, 2, 3, 6, 12, 24, 48), 6  # months between labels; labels on one axis
LABEL_HEIGHT = 12.5  # points, between two labels at the right edge
SIGN_POINTS, LETTER_POINTS, AXIS_POINTS = 12.0, 6.0, 370.0  # of a mark's box, of each letter in it, of the axis
ROW_POINTS = 16  # of each row of signs after the second


@dataclass(frozen=True)
class Mark:
    """A dated mark: a cycle (thin line, number in a circle), an event or a new phase (dashed, letter).

    `sign` is the number or letter; the page prints the key. Marks outside the months drawn are left out.
    """

    on: date
    sign: str
    kind: Literal["cycle", "event", "phase"] = "cycle"


@dataclass(frozen=True)
class Look:
    """What a chart says beyond its numbers.

    `chart_id` is unique on the page (letters, digits, hyphens). `alt` states finding, range and last value.
    `title` is drawn only when given; on a page the finding is the caption. `centre` names the middle line.
    `unit` is "share" (0 to 1, drawn on 0-100%) or the word on the axis, such as "days" or "people".
    """

    chart_id: str
    alt: str
    title: str = ""
    unit: str = "share"
    target: float | None = None
    marks: tuple[Mark, ...] = ()
    size: Literal["wide", "small"] = "wide"
    centre: str = "average"


def arrange_marks(marks: Sequence[Mark], first: int, n_months: int) -> list[tuple[float, int, Mark]]:
    """(place on the axis of months, row of its sign, mark) of the marks in n_months from month number `first`, by time.

    A sign stands in the lowest row in which it touches no other.
    """
    ends: list[float] = []  # where the last sign of each row ends
    placed = []
    for mark in sorted(marks, key=lambda mark: mark.on):
        x = mark.on.year * 12 + mark.on.month - 1 - first + (mark.on.day - 1) / 31 - 0.5
        if not -0.5 <= x <= n_months - 0.5:
            continue
        half = (SIGN_POINTS + LETTER_POINTS * len(mark.sign)) / 2 / AXIS_POINTS * n_months
        row = next((row for row, end in enumerate(ends) if end <= x - half), len(ends))
        ends[row : row + 1] = [x + half]
        placed.append((x, row, mark))
    return placed


def find_room(look: Look, rows: int = 2) -> tuple[float, float, float, float]:
    """Left, bottom, width and height of the axes: margins in points for labels, ends, marks, key and title.

    rows: of signs above the axes. A layout engine would draw every chart a second time to find the same margins.
    """
    width, height = (72 * inches for inches in SIZES[look.size])
    left = MARGINS["left"] + (0 if look.unit == "share" else MARGINS["unit"])
    top = MARGINS["marks"] + ROW_POINTS * max(0, rows - 2) if look.marks else MARGINS["top"]
    top += MARGINS["title"] if look.title else 0
    across, down = width - left - MARGINS["right"], height - top - MARGINS["bottom"]
    return left / width, MARGINS["bottom"] / height, across / width, down / height


def spread_heights(heights: list[float], apart: float) -> list[float]:
    """The same heights, rising, at least so far apart, the whole kept at 1 or lower where it fits."""
    spread: list[float] = []
    for height in heights:
        spread.append(max(height, spread[-1] + apart) if spread else height)
    top = 1.0
    for index in reversed(range(len(spread))):
        spread[index] = min(spread[index], top)
        top = spread[index] - apart
    return spread

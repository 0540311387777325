"""How charts look: colours, shapes, sizes, the marks with their key, and the SVG that a page holds.

A signal differs from usual ups and downs by shape as well as by colour; the colours of points, lines and words have a
contrast of at least 4.5 to 1 on white.

A chart carries the events that could affect its measure and the tests that name it; the chart of the aim carries every
test. Tests are numbers, events letters, phases P1, P2. Tests that begin close together share one mark ("3-6"), so that
a chart of five years stays legible.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any, Literal

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qi_analysis.facts import CycleFacts, EventFacts, Marked, PhaseFacts
from qi_analysis.phrases import describe_month, describe_months

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
AXES = {"share": "share", "mean": "average", "count": "number"}  # a statistic of the team's measures: its axis
DASHES = (0, (4, 2))
DASHED: dict[str, Any] = {"linestyle": DASHES, "clip_on": False}
BOXES = {"cycle": "circle,pad=0.25", "event": "square,pad=0.2", "phase": "square,pad=0.2", "several": "round,pad=0.3"}
FULL_SHARE = np.linspace(0, 1, 6)
MONTH_GAPS, MOST_MONTHS = (1, 2, 3, 6, 12, 24, 48), 6  # months between labels; labels on one axis
LABEL_HEIGHT = 12.5  # points, between two labels at the right edge
SIGN_POINTS, LETTER_POINTS, AXIS_POINTS = 12.0, 6.0, 370.0  # of a mark's box, of each letter in it, of the axis
ROW_POINTS = 16  # of each row of signs after the second
FONTS = "DejaVu Sans, Verdana, Arial, sans-serif"
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}")
REFERRED = re.compile(r'(?:url\(#|href="#)([^")]+)')
OWN_ID = re.compile(r' id="([^"]+)"')
# How close tests share a mark, in parts of the months drawn.
WINDOWS = (0.0, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.13, 0.2)
MOST_ROWS = 2  # of signs above a chart
MOST_TITLES = 3  # named for one shared mark
Key = list[tuple[str, str]]


# What a chart says beyond its numbers.
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

    Parameters
    ----------
    chart_id : str
        Unique on the page: letters, digits, hyphens.
    alt : str
        Alternative text: states finding, range and last value.
    title : str, optional
        Drawn only when given; on a page the finding is the caption.
    size : str
        "wide" or "small".
    unit : str
        "share" (0 to 1, drawn on 0-100%) or the word on the axis, such as "days" or "people".
    target : float, optional
        Drawn as a line of its own.
    centre : str
        Names the middle line.
    marks : tuple of Mark
        Dated marks: tests, events, phases.

    Examples
    --------
    >>> import qi_analysis as qi
    >>> qi.Look("waits", "Days from referral to first appointment, by month.", unit="days").size
    'wide'
    """

    chart_id: str
    alt: str
    title: str = ""
    unit: str = "share"
    target: float | None = None
    marks: tuple[Mark, ...] = ()
    size: Literal["wide", "small"] = "wide"
    centre: str = "average"


def build_look(
    measure_id: str,
    alt: str,
    *,
    is_aim: bool,
    unit: str = "share",
    target: float | None = None,
    marks: tuple[Mark, ...] = (),
) -> Look:
    """The look of a measure's chart wherever it is drawn: wide and with its target for the aim's, else small."""
    if is_aim:
        return Look("completion", alt, target=target, marks=marks)
    return Look(measure_id.replace("_", "-"), alt, size="small", unit=unit, marks=marks)


# The marks of a chart and their key, from the facts of a release.
def build_marks(facts: Marked, measure_id: str, chart: pd.DataFrame) -> tuple[tuple[Mark, ...], Key]:
    """(marks, key) of one chart: what lies in its months, nothing for an empty chart.

    The key has a line for each mark.
    """
    if chart.empty:
        return (), []
    first, last = (chart["interval_start"].agg(end) for end in ("min", "max"))
    fixed = [(mark, words) for mark, words in _list_fixed(facts, measure_id) if _is_within(mark.on, first, last)]
    is_aim = measure_id == facts.measure.id
    cycles = [
        one
        for one in facts.team.cycles
        if one.state != "planned" and (is_aim or measure_id in one.measures) and _is_within(_day(one), first, last)
    ]
    number = first.year * 12 + first.month - 1
    months = last.year * 12 + last.month - number
    for window in WINDOWS:
        tests = [_name_group(group, facts.team.is_example) for group in _group(cycles, window * months)]
        marks = tuple(mark for mark, _ in [*tests, *fixed])
        if max((row for _, row, _ in arrange_marks(marks, number, months)), default=0) < MOST_ROWS:
            break
    return marks, [(mark.sign, words) for mark, words in [*tests, *fixed]]


def affects(words: str, measure_id: str) -> bool:
    """Whether could_affect of an event names a measure, or all."""
    return bool({"all", measure_id} & set(re.split(r"[\s,;]+", words)))


def _list_fixed(facts: Marked, measure_id: str) -> list[tuple[Mark, str]]:
    """Events that could affect the measure, and every phase with its date and reason."""
    events = [
        (Mark(_day(one), one.letter, "event"), f"{one.what} ({describe_month(_day(one))})")
        for one in facts.events
        if affects(one.could_affect, measure_id)
    ]
    phases = [
        (Mark(_day(one), f"P{n}", "phase"), f"limits start again on {one.words}: {one.reason}")
        for n, one in enumerate(facts.phases, 1)
    ]
    return events + phases


def _day(one: CycleFacts | EventFacts | PhaseFacts) -> date:
    return date.fromisoformat(one.on)


def _is_within(day: date, first: pd.Timestamp, last: pd.Timestamp) -> bool:
    return (first.year, first.month) <= (day.year, day.month) <= (last.year, last.month)


def _group(cycles: Sequence[CycleFacts], months: float) -> list[list[CycleFacts]]:
    """Tests in order of time; those that begin within so many months of a group's first belong to it."""
    groups: list[list[CycleFacts]] = []
    for one in cycles:
        is_close = groups and (_day(one) - _day(groups[-1][0])).days <= months * 30.4
        if is_close:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _name_group(group: Sequence[CycleFacts], is_example: bool) -> tuple[Mark, str]:
    """The mark of one test or of several, and its words in the key."""
    first, last = group[0], group[-1]
    example = " (example, not the team's)" if is_example else ""
    if len(group) == 1:
        return Mark(_day(first), str(first.number)), f"{first.title}, from {first.start}{example}"
    titles = [one.title for one in group[:MOST_TITLES]]
    more = f" and {len(group) - MOST_TITLES} more" if len(group) > MOST_TITLES else ""
    span = describe_months(_day(first), _day(last))
    mark = Mark(_day(first), f"{first.number}-{last.number}")
    return mark, f"{len(group)} tests, {span}: {'; '.join(titles)}{more}{example}"


# Where things stand on a chart.
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


def write_ends(axes: Axes, ends: Sequence[tuple[float, str, str]], x: float = 1.015) -> None:
    """Words at the right-hand ends of lines, moved apart where they would touch: (height of 0 to 1, words, colour), rising."""
    down = axes.get_position().height * axes.get_figure().get_figheight() * 72  # type: ignore[union-attr]
    heights = spread_heights([height for height, _, _ in ends], LABEL_HEIGHT / down)
    for height, (_, words, colour) in zip(heights, ends, strict=True):
        axes.text(x, height, words, transform=axes.transAxes, va="center", fontsize=9.5, color=colour)


# A matplotlib figure as inline SVG: small, the same bytes every time, safe to repeat on one page.
def render_svg(figure: Figure, chart_id: str, alt: str) -> str:
    """The figure as one `<svg role="img">`: no prolog, no outside address, ids prefixed with `chart_id`.

    Coordinates are rounded to one decimal (a tenth of a point). Only ids that something refers to are
    kept. The size is left to the page: the picture scales with its `viewBox`. Raises ValueError when the
    alternative text is empty or `chart_id` could not be part of an id.
    """
    if not alt.strip():
        raise ValueError("a chart needs alternative text")
    if not re.fullmatch(r"[A-Za-z][\w-]*", chart_id):
        raise ValueError("a chart id starts with a letter and holds letters, digits and hyphens only")
    body = _shorten(_write_text(figure))
    return _open_tag(figure, alt) + _keep_ids(body, chart_id) + "</svg>"


def _write_text(figure: Figure) -> str:
    """Everything matplotlib writes between `<svg>` and `</svg>`, without metadata and page-wide styles."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "review", "savefig.bbox": None}):
        figure.savefig(buffer, format="svg", metadata=NO_METADATA)
    inside = buffer.getvalue().split("<svg", 1)[1].split(">", 1)[1].rsplit("</svg>", 1)[0]
    inside = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", inside, flags=re.DOTALL)
    return re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", inside, flags=re.DOTALL)


def _open_tag(figure: Figure, alt: str) -> str:
    width, height = (f"{72 * inches:g}" for inches in figure.get_size_inches())
    return (
        f'<svg class="chart" role="img" aria-label="{escape(alt)}" viewBox="0 0 {width} {height}" '
        f'font-family="{FONTS}" stroke-linejoin="round" stroke-linecap="butt">'
    )


def _shorten(body: str) -> str:
    """One decimal, no line breaks, fonts and link names as an inline picture needs them."""
    body = LONG_NUMBER.sub(lambda found: f"{float(found[0]):.1f}".rstrip("0").rstrip("."), body)
    body = re.sub(r"font-family: [^;\"]*;? ?", "", body)
    body = re.sub(r' transform="rotate\(-0 [^"]*"', "", body).replace("xlink:href", "href")
    body = re.sub(r"\s+(?=<)", "", re.sub(r"\s*\n\s*", " ", body)).replace(" />", "/>")
    return re.sub(r' d="[^"]*"', lambda path: path[0].replace(" L", "L"), body)


def _keep_ids(body: str, chart_id: str) -> str:
    """Drop ids nothing refers to; put the chart's id before the others and before what refers to them."""
    wanted = set(REFERRED.findall(body))
    body = OWN_ID.sub(lambda own: f' id="{chart_id}-{own[1]}"' if own[1] in wanted else "", body)
    body = re.sub(r'(url\(#|href="#)', rf"\1{chart_id}-", body)
    return body if "<g " in body else re.sub("</?g>", "", body)

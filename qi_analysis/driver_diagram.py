"""The driver diagram as SVG: the aim, its drivers, their ideas; text wrapped to measured widths, nothing over anything.

Real text in boxes of a plain tree; an idea's status is a shape and a word. A tall tree comes in parts that fit a sheet of
paper, and of a long list of ideas the first are drawn and the others counted: the list beside the diagram holds them all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any

from matplotlib.font_manager import FontProperties, findfont, get_font

from qi_analysis.svg import FONTS

WIDTH, FULL = 760.0, 940.0  # of the drawing; the height from which a new part begins
AIM, DRIVER, IDEA = (0.0, 150.0), (190.0, 190.0), (420.0, 340.0)  # left edge and width of each column
PAD, GAP, LINE, SMALL_LINE, SIGN = 9.0, 8.0, 17.0, 15.0, 22.0  # SIGN: room for the shape of a status
SIZE, SMALL = 13.0, 11.5
INK, SOFT, LINE_COLOUR = "#212b32", "#425563", "#768692"
MOST_IDEAS, MOST_LINES, MOST_TESTS = 8, 5, 3
STATUS = {  # status: its word, its shape around (0, 0), its fill
    "testing": ("being tested", "M-6 5L0 -6L6 5Z", "#005eb8"),
    "adopted": ("adopted", "M-6 0A6 6 0 1 0 6 0A6 6 0 1 0 -6 0Z", "#00703c"),
    "adapted": ("adapted", "M0 -7L7 0L0 7L-7 0Z", "#00703c"),
    "idea": ("not tested yet", "M-6 0A6 6 0 1 0 6 0A6 6 0 1 0 -6 0Z", "#ffffff"),
    "abandoned": ("abandoned", "M-5 -5L5 5M5 -5L-5 5", "none"),
}


@dataclass(frozen=True)
class Box:
    """A box with wrapped lines and smaller ones under them; status: the shape at its left, "" for none."""

    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    small: tuple[str, ...] = ()
    status: str = ""

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


@dataclass(frozen=True)
class Part:
    """One picture of the tree: the aim, and for each of its drivers (driver, ideas); height of the whole."""

    aim: Box
    branches: tuple[tuple[Box, tuple[Box, ...]], ...]
    height: float

    @property
    def boxes(self) -> list[Box]:
        return [self.aim, *(box for driver, ideas in self.branches for box in (driver, *ideas))]


def render_parts(aim: str, drivers: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(name, SVG) of each part. drivers: driver, and ideas with idea, status and tests."""
    parts = build_parts(aim, drivers)
    many = len(parts) > 1
    names = [
        f"Driver diagram, part {n} of {len(parts)}" if many else "Driver diagram" for n in range(1, len(parts) + 1)
    ]
    return [(name, _render(part, f"{name}. {_describe(part)}")) for name, part in zip(names, parts, strict=True)]


def build_parts(aim: str, drivers: Sequence[Mapping[str, Any]]) -> list[Part]:
    """The tree laid out in parts; a driver is never cut in two."""
    parts, waiting, y = list[Part](), list[tuple[Box, tuple[Box, ...]]](), GAP
    for driver in drivers:
        branch, bottom = _lay_branch(driver, y)
        if waiting and bottom > FULL:
            parts.append(_close_part(aim, waiting, y))
            waiting = []
            branch, bottom = _lay_branch(driver, GAP)
        waiting.append(branch)
        y = bottom + 2 * GAP
    return [*parts, _close_part(aim, waiting, y)] if waiting else parts


def _lay_branch(driver: Mapping[str, Any], top: float) -> tuple[tuple[Box, tuple[Box, ...]], float]:
    """A driver with its ideas from `top` down, and where it ends."""
    ideas, y = list[Box](), top
    for lines, small, status in _choose_ideas(driver["ideas"]):
        box = _build_box(IDEA, y, (lines, small, status))
        ideas.append(box)
        y = box.y + box.height + GAP
    own = _build_box(DRIVER, top, (driver["driver"], "" if ideas else "no idea yet", ""))
    height = max(own.height, y - GAP - top if ideas else 0)
    centred = Box(own.x, top + (height - own.height) / 2, own.width, own.height, own.lines, own.small)
    return (centred, tuple(ideas)), top + height


def _choose_ideas(ideas: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """(words, note, status) of the ideas that are drawn: those being tested first, the last box counting the others."""
    order = list(STATUS)
    ranked = sorted(ideas, key=lambda idea: order.index(idea["status"]))
    shown = ranked if len(ranked) <= MOST_IDEAS else ranked[: MOST_IDEAS - 1]
    told = [(idea["idea"], describe_idea(idea), idea["status"]) for idea in shown]
    rest = [idea["status"] for idea in ranked[len(shown) :]]
    counts = ", ".join(f"{rest.count(one)} {STATUS[one][0]}" for one in order if one in rest)
    return [*told, (f"And {len(rest)} more ideas", f"{counts}; all are in the list", "")] if rest else told


def describe_idea(idea: Mapping[str, Any]) -> str:
    """An idea's status and tests in words: "being tested: P1, P4"."""
    tests = list(idea["tests"])
    more = f" and {len(tests) - MOST_TESTS} more" if len(tests) > MOST_TESTS else ""
    return f"{STATUS[idea['status']][0]}{': ' if tests else ''}{', '.join(tests[:MOST_TESTS])}{more}"


def _build_box(column: tuple[float, float], y: float, words: tuple[str, str, str]) -> Box:
    text, note, status = words
    room = column[1] - 2 * PAD - (SIGN if status else 0)
    lines, small = wrap(text, room, SIZE), wrap(note, room, SMALL) if note else ()
    height = 2 * PAD + LINE * len(lines) + SMALL_LINE * len(small)
    return Box(column[0], y, column[1], height, lines, small, status)


def _close_part(aim: str, branches: Sequence[tuple[Box, tuple[Box, ...]]], bottom: float) -> Part:
    box = _build_box(AIM, GAP, (aim, "", ""))
    height = max(bottom - GAP, box.height + 2 * GAP)
    middle = Box(box.x, (height - box.height) / 2, box.width, box.height, box.lines)
    return Part(middle, tuple(branches), height)


def wrap(text: str, room: float, size: float) -> tuple[str, ...]:
    """The text in lines no wider than `room` points; a longer word is broken; after MOST_LINES it ends in "…"."""
    lines = [""]
    for word in " ".join(text.split()).split(" "):
        for piece in _break(word, room, size):
            joined = f"{lines[-1]} {piece}".strip()
            lines = [*lines[:-1], joined] if measure(joined, size) <= room else [*lines, piece]
    if len(lines) <= MOST_LINES:
        return tuple(lines)
    last = lines[MOST_LINES - 1]
    while measure(f"{last}…", size) > room:
        last = last[:-1]
    return (*lines[: MOST_LINES - 1], f"{last.rstrip()}…")


def _break(word: str, room: float, size: float) -> list[str]:
    pieces = [""]
    for letter in word:
        if measure(pieces[-1] + letter, size) > room:
            pieces.append("")
        pieces[-1] += letter
    return pieces


@cache
def measure(text: str, size: float) -> float:
    """How wide a text is in points, in the font of the charts."""
    font = get_font(findfont(FontProperties(family="DejaVu Sans")))
    font.set_size(size, 72)
    font.set_text(text)
    return float(font.get_width_height()[0]) / 64


def _describe(part: Part) -> str:
    """Alternative text: what is drawn, in counts; the list has the words."""
    ideas = [box for _, boxes in part.branches for box in boxes if box.status]
    counts = ", ".join(
        f"{n} {word}" for one, (word, _, _) in STATUS.items() if (n := sum(box.status == one for box in ideas))
    )
    drivers = f"{len(part.branches)} driver{'' if len(part.branches) == 1 else 's'}"
    return f"From the aim to {drivers} and {len(ideas)} ideas{f': {counts}' if counts else ''}. The list below says the same."


def _render(part: Part, alt: str) -> str:
    lines = [_link(part.aim, driver) for driver, _ in part.branches]
    lines += [_link(driver, idea) for driver, ideas in part.branches for idea in ideas]
    boxes = "".join(_render_box(box) for box in part.boxes)
    return (
        f'<svg class="chart tree" role="img" aria-label="{escape(alt)}" viewBox="-1 0 {WIDTH + 2:g} {part.height:g}" '
        f'font-family="{FONTS}" font-size="{SIZE:g}" fill="{INK}">'
        f'<path d="{"".join(lines)}" fill="none" stroke="{LINE_COLOUR}" stroke-width="1.2"/>{boxes}</svg>'
    )


def _link(left: Box, right: Box) -> str:
    start, end = left.x + left.width, right.x
    return f"M{start:g} {left.middle:.1f}H{(start + end) / 2:g}V{right.middle:.1f}H{end:g}"


def _render_box(box: Box) -> str:
    dashed = ' stroke-dasharray="4 3"' if box.status in ("idea", "") and box.x == IDEA[0] else ""
    parts = [
        f'<rect x="{box.x:g}" y="{box.y:.1f}" width="{box.width:g}" height="{box.height:g}" rx="4" fill="#ffffff" '
        f'stroke="{INK}"{dashed}/>'
    ]
    left = box.x + PAD + (SIGN if box.status else 0)
    if box.status:
        _, shape, fill = STATUS[box.status]
        place = f"translate({box.x + PAD + 7:g} {box.y + PAD + 8:.1f})"
        parts.append(f'<path d="{shape}" transform="{place}" fill="{fill}" stroke="{INK}" stroke-width="1.3"/>')
    y = box.y + PAD - 4
    for line in box.lines:
        y += LINE
        parts.append(f'<text x="{left:g}" y="{y:.1f}">{escape(line)}</text>')
    for line in box.small:
        y += SMALL_LINE
        parts.append(f'<text x="{left:g}" y="{y:.1f}" font-size="{SMALL:g}" fill="{SOFT}">{escape(line)}</text>')
    return "".join(parts)

"""The driver diagram as SVG: the aim, its drivers, their ideas; text wrapped to measured widths, nothing over anything.

Each picture comes twice, in columns and, narrow for a telephone, box under box: the page shows the one that fits. A tall tree
comes in parts that fit a sheet of paper, and of a long list of ideas the first are drawn: the list beside it holds them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from warnings import catch_warnings

from matplotlib.font_manager import FontProperties, findfont, get_font

from qi_analysis.charts.style import FONTS
from qi_analysis.facts import DriverFacts, IdeaFacts

FULL = 940.0  # the height from which a new part begins
PAD, GAP, LINE, SMALL_LINE, SIGN = 9.0, 8.0, 17.0, 15.0, 22.0  # SIGN: room for the shape of a status
STEM = 8.0  # from the left edge of a box to the line down from it, in the narrow form
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
class Form:
    """The form of a drawing: its CSS class, its width, and the left edge and width of the boxes of each kind."""

    css: str
    width: float
    aim: tuple[float, float]
    driver: tuple[float, float]
    idea: tuple[float, float]

    @property
    def is_narrow(self) -> bool:
        """Whether its boxes stand under one another, for a telephone."""
        return self.idea[0] < self.driver[0] + self.driver[1]


WIDE = Form("chart tree", 760, (0, 150), (190, 190), (420, 340))
NARROW = Form("tree narrow", 280, (0, 280), (18, 262), (36, 244))


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
        """Half-way down, where lines meet it."""
        return self.y + self.height / 2


@dataclass(frozen=True)
class Part:
    """One picture of the tree: the aim, and for each of its drivers (driver, ideas); height of the whole."""

    aim: Box
    branches: tuple[tuple[Box, tuple[Box, ...]], ...]
    height: float

    @property
    def boxes(self) -> list[Box]:
        """Every box, the aim first."""
        return [self.aim, *(box for driver, ideas in self.branches for box in (driver, *ideas))]


def render_parts(aim: str, drivers: Sequence[DriverFacts]) -> list[tuple[str, str]]:
    """(name, SVG in both forms) of each part."""
    parts = build_parts(aim, drivers)
    narrow = build_parts(aim, drivers, NARROW)
    numbered = [f"Driver diagram, part {n} of {len(parts)}" for n in range(1, len(parts) + 1)]
    names = ["Driver diagram"] if len(parts) == 1 else numbered
    return [
        (name, "".join(_render(one, form, f"{name}. {_describe(one)}") for one, form in ((part, WIDE), (slim, NARROW))))
        for name, part, slim in zip(names, parts, narrow, strict=True)
    ]


def build_parts(aim: str, drivers: Sequence[DriverFacts], form: Form = WIDE) -> list[Part]:
    """The tree laid out in parts, the same drivers to a part in every form; a driver is never cut in two."""
    return [_lay_part(aim, some, form) for some in _split(drivers)]


def _split(drivers: Sequence[DriverFacts]) -> list[list[DriverFacts]]:
    """The drivers of each part: as many as fit a sheet in the wide form."""
    parts, bottom = list[list[DriverFacts]](), 0.0
    for driver in drivers:
        height = _lay_branch(driver, 0, WIDE)[1]
        if not parts or bottom + height > FULL:
            parts.append([])
            bottom = GAP
        parts[-1].append(driver)
        bottom += height + 2 * GAP
    return parts


def _lay_part(aim: str, drivers: Sequence[DriverFacts], form: Form) -> Part:
    """One picture: in the wide form the aim stands beside the middle of its drivers, in the narrow form above them."""
    box, branches = _build_box(form.aim, GAP, (aim, "", "")), []
    y = box.y + box.height + 2 * GAP if form.is_narrow else GAP
    for driver in drivers:
        branch, bottom = _lay_branch(driver, y, form)
        branches.append(branch)
        y = bottom + 2 * GAP
    height = max(y - GAP, box.height + 2 * GAP)
    placed = box if form.is_narrow else replace(box, y=(height - box.height) / 2)
    return Part(placed, tuple(branches), height)


def _lay_branch(driver: DriverFacts, top: float, form: Form) -> tuple[tuple[Box, tuple[Box, ...]], float]:
    """A driver with its ideas from `top` down, and where it ends."""
    chosen = _choose_ideas(driver.ideas)
    own = _build_box(form.driver, top, (driver.driver, "" if chosen else "no idea yet", ""))
    ideas, y = list[Box](), top + own.height + GAP if form.is_narrow else top
    for words in chosen:
        ideas.append(_build_box(form.idea, y, words))
        y += ideas[-1].height + GAP
    height = max(own.height, y - GAP - top if ideas else 0)
    if form.is_narrow:
        return (own, tuple(ideas)), top + height
    centred = replace(own, y=top + (height - own.height) / 2)
    return (centred, tuple(ideas)), top + height


def _choose_ideas(ideas: Sequence[IdeaFacts]) -> list[tuple[str, str, str]]:
    """(words, note, status) of the ideas that are drawn: those being tested first, the last box counting the others."""
    order = list(STATUS)
    ranked = sorted(ideas, key=lambda idea: order.index(idea.status))
    shown = ranked if len(ranked) <= MOST_IDEAS else ranked[: MOST_IDEAS - 1]
    told = [(idea.idea, describe_idea(idea), idea.status) for idea in shown]
    rest = [idea.status for idea in ranked[len(shown) :]]
    counts = ", ".join(f"{rest.count(one)} {STATUS[one][0]}" for one in order if one in rest)
    return [*told, (f"And {len(rest)} more ideas", f"{counts}; all are in the list", "")] if rest else told


def describe_idea(idea: IdeaFacts) -> str:
    """An idea's status and tests in words: "being tested: P1, P4"."""
    tests = list(idea.tests)
    more = f" and {len(tests) - MOST_TESTS} more" if len(tests) > MOST_TESTS else ""
    return f"{STATUS[idea.status][0]}{': ' if tests else ''}{', '.join(tests[:MOST_TESTS])}{more}"


def _build_box(column: tuple[float, float], y: float, words: tuple[str, str, str]) -> Box:
    text, note, status = words
    room = column[1] - 2 * PAD - (SIGN if status else 0)
    lines, small = wrap(text, room, SIZE), wrap(note, room, SMALL) if note else ()
    height = 2 * PAD + LINE * len(lines) + SMALL_LINE * len(small)
    return Box(column[0], y, column[1], height, lines, small, status)


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
    """How wide a text is in points, in the font of the charts; a sign that the font lacks counts as a wide one."""
    font = get_font(findfont(FontProperties(family="DejaVu Sans")))
    font.set_size(size, 72)
    with catch_warnings(action="ignore", category=UserWarning):
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


def _render(part: Part, form: Form, alt: str) -> str:
    link = _link_down if form.is_narrow else _link
    lines = [link(part.aim, driver) for driver, _ in part.branches]
    lines += [link(driver, idea) for driver, ideas in part.branches for idea in ideas]
    boxes = "".join(_render_box(box, box.x == form.idea[0]) for box in part.boxes)
    return (
        f'<svg class="{form.css}" role="img" aria-label="{escape(alt)}" viewBox="-1 0 {form.width + 2:g} {part.height:g}" '
        f'font-family="{FONTS}" font-size="{SIZE:g}" fill="{INK}">'
        f'<path d="{"".join(lines)}" fill="none" stroke="{LINE_COLOUR}" stroke-width="1.2"/>{boxes}</svg>'
    )


def _link(left: Box, right: Box) -> str:
    start, end = left.x + left.width, right.x
    return f"M{start:g} {left.middle:.1f}H{(start + end) / 2:g}V{right.middle:.1f}H{end:g}"


def _link_down(above: Box, below: Box) -> str:
    return f"M{above.x + STEM:g} {above.y + above.height:.1f}V{below.middle:.1f}H{below.x:g}"


def _render_box(box: Box, is_idea: bool) -> str:
    dashed = ' stroke-dasharray="4 3"' if box.status in ("idea", "") and is_idea else ""
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

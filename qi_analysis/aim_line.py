"""The aim as one line from 0 to 100%: usual range, baseline, now and target, each with its label on a row of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from qi_analysis.driver_diagram import INK, SIZE, measure
from qi_analysis.page_words import percent
from qi_analysis.svg import FONTS

WIDTH, LEFT, ROW = 300.0, 30.0, 18.0  # narrow enough to be read on a telephone
BAND, GREEN, BLUE = "#e8edee", "#00703c", "#005eb8"
SHAPES = {  # around (0, 0), as high as the line is thick; what is now stands out
    "baseline": ("M0 -9V9", INK),
    "target": ("M0 -11V11M-4 -11H4M-4 11H4", GREEN),
    "now": ("M0 -7L7 0L0 7L-7 0Z", BLUE),
}


@dataclass(frozen=True)
class Point:
    """A share of 0 to 1 with its name: baseline, now or target."""

    name: str
    share: float

    @property
    def words(self) -> str:
        return f"{self.name} {percent(self.share)}"


def render_line(points: Sequence[Point], usual: tuple[float, float] | None, alt: str) -> str:
    """The line as SVG. usual: the usual range, drawn as a band. The label of each point is under the line, one row each."""
    line = 24.0
    band = ""
    if usual:
        low, high = (_place(share) for share in usual)
        band = f'<rect x="{low:.1f}" y="{line - 8:g}" width="{high - low:.1f}" height="16" fill="{BAND}" stroke="#768692"/>'
    rows = [(_place(one.share), one.words) for one in points]
    if usual:
        rows.append((_place(sum(usual) / 2), f"usual range {percent(usual[0])} to {percent(usual[1])}"))
    labels = "".join(_label(x, line + 26 + ROW * row, words) for row, (x, words) in enumerate(rows))
    stems = "".join(f"M{x:.1f} {line:g}V{line + 14 + ROW * row:g}" for row, (x, _) in enumerate(rows[: len(points)]))
    axis = f'<path d="M{_place(0):g} {line:g}H{_place(1):g}" stroke="{INK}" stroke-width="1.5"/>'
    ends = _label(_place(0), 10, "0%") + _label(_place(1), 10, "100%")
    height = line + 34 + ROW * (len(rows) - 1)
    return (
        f'<svg class="chart brief" role="img" aria-label="{escape(alt)}" viewBox="0 0 {WIDTH + 2 * LEFT:g} {height:g}" '
        f'font-family="{FONTS}" font-size="{SIZE:g}" fill="{INK}">{band}{axis}{ends}'
        f'<path d="{stems}" fill="none" stroke="#768692" stroke-dasharray="2 2"/>'
        f"{''.join(_mark(one, line) for one in points)}{labels}</svg>"
    )


def _place(share: float) -> float:
    return LEFT + WIDTH * min(max(share, 0), 1)


def _mark(point: Point, y: float) -> str:
    shape, colour = SHAPES[point.name]
    fill = colour if point.name == "now" else "none"
    place = f"translate({_place(point.share):.1f} {y:g})"
    return f'<path d="{shape}" transform="{place}" fill="{fill}" stroke="{colour}" stroke-width="2.5"/>'


def _label(x: float, y: float, words: str) -> str:
    """Words centred at x, on a white ground that covers the stems of other rows, kept inside the picture."""
    half = measure(words, SIZE) / 2 + 3
    x = min(max(x, half), WIDTH + 2 * LEFT - half)
    ground = f'<rect x="{x - half:.1f}" y="{y - 11:g}" width="{2 * half:.1f}" height="15" fill="#ffffff"/>'
    return f'{ground}<text x="{x:.1f}" y="{y:g}" text-anchor="middle">{escape(words)}</text>'

"""A matplotlib figure as inline SVG: small, the same bytes every time, safe to repeat on one page."""

import io
import re
from html import escape

import matplotlib
from matplotlib.figure import Figure

FONTS = "DejaVu Sans, Verdana, Arial, sans-serif"
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}")
REFERRED = re.compile(r'(?:url\(#|href="#)([^")]+)')
OWN_ID = re.compile(r' id="([^"]+)"')


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

"""The gate: reads the finished page and must say yes before it gets its final name. It fails closed.

It reports the kind of finding and never repeats what it found.
"""

import re
import unicodedata
from collections.abc import Collection
from html.parser import HTMLParser

from qi_analysis.errors import GateClosed

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
FORBIDDEN_TAGS = (
    "script",
    "iframe",
    "frame",
    "object",
    "embed",
    "form",
    "input",
    "link",
    "base",
    "audio",
    "video",
)
LOADING = ("src", "srcset", "poster", "data", "background", "action", "formaction")
LARGEST_PAGE = 16_000_000  # bytes
SHORTEST_IDENTIFIER = 5  # shorter ones are too much like words and numbers of the page itself
LEAKS = {
    "a path of this machine": r"(?:/home/|/Users/|/root/|/tmp/|file:|[A-Za-z]:\\|\\\\\w+\\)",
    "a traceback": r"Traceback \(most recent call last\)|\x1b\[|\bError:",
    "an e-mail address": r"[\w.+-]+@[\w-]+\.[\w.]+",
    "a postcode": r"\b(?:GIR ?0AA|[A-PR-UWYZ][A-HK-Y]?\d[\dA-HJKPSTUW]? ?\d[ABD-HJLNP-UW-Z]{2})\b",
    "a phone number": r"(?<![\d.,])(?:\+44|0)\d{2,4}[ -]?\d{3,4}[ -]?\d{3,4}(?![\d.,])",
}
TEN_DIGITS = re.compile(r"(?<![\d.,-])\d{3}[ -]?\d{3}[ -]?\d{4}(?![\d.,-])")
CHECK_WEIGHTS = range(10, 1, -1)
SMALL_CELL = re.compile(r"[1-7]")


class _Page(HTMLParser):
    """Text, attributes and faults of a page; character references are decoded."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: set[str] = set()
        self.text: list[str] = []
        self.cell: list[str] | None = None
        self.has_policy = False
        self.in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in FORBIDDEN_TAGS:
            self.faults.add(f"a <{tag}> element")
        self.in_style = tag == "style"
        values = {name: value or "" for name, value in attrs}
        if tag == "meta" and values.get("http-equiv", "").lower() == "content-security-policy":
            self.has_policy = values.get("content") == POLICY
        for name, value in values.items():
            if name.startswith("on"):
                self.faults.add("an event handler")
            if name in LOADING and not value.startswith("data:image/"):
                self.faults.add("something to load from outside the page")
            if (
                name.endswith("href")
                and not value.startswith(("#", "../", "./"))
                and not re.fullmatch(r"[\w./-]+", value)
            ):
                self.faults.add("a link that leaves the page")
            if name not in ("d", "style", "transform", "points", "viewbox", "content", "class", "id"):
                self.text.append(value)
        if tag == "td":
            self.cell = []

    def handle_endtag(self, tag: str) -> None:
        self.in_style = False
        if tag == "td" and self.cell is not None:
            if SMALL_CELL.fullmatch("".join(self.cell).strip()):
                self.faults.add("a count of 1 to 7 in a table")
            self.cell = None

    def handle_data(self, data: str) -> None:
        if self.in_style:
            if re.search(r"url\(|@import|expression\(", data):
                self.faults.add("a style that loads from outside")
            return
        self.text.append(data)
        if self.cell is not None:
            self.cell.append(data)

    def handle_comment(self, data: str) -> None:
        self.text.append(data)


def check_page(html: str, identifiers: Collection[str]) -> list[str]:
    """The kinds of things that must not be in a finished page; an empty list lets it pass.

    identifiers: the local identifiers of the extract, compared as whole words.
    """
    page = _Page()
    page.feed(html)
    page.close()
    faults = set(page.faults)
    text = unicodedata.normalize("NFKC", " ".join(page.text))
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    faults |= {kind for kind, pattern in LEAKS.items() if re.search(pattern, text)}
    if not page.has_policy:
        faults.add("no content-security policy")
    if len(html.encode("utf-8")) > LARGEST_PAGE:
        faults.add("more than 16 MB")
    if any(_is_nhs_number(found[0]) for found in TEN_DIGITS.finditer(text)):
        faults.add("an NHS number")
    words = set(re.findall(rf"[\w/.:-]{{{SHORTEST_IDENTIFIER},}}", text))
    known = {one for one in identifiers if len(one) >= SHORTEST_IDENTIFIER}
    if words & known:
        faults.add("an identifier of the extract")
    return sorted(faults)


def _is_nhs_number(text: str) -> bool:
    digits = [int(c) for c in text if c.isdigit()]
    check = (11 - sum(d * w for d, w in zip(digits, CHECK_WEIGHTS, strict=False)) % 11) % 11
    return check == digits[9]


def open_gate(html: str, identifiers: Collection[str]) -> None:
    """Raises GateClosed, naming the kinds of findings, unless the page may be published."""
    faults = check_page(html, identifiers)
    if faults:
        raise GateClosed(f"Not published: the finished page holds {', '.join(faults)}. The last good report stays.")

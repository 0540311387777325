"""What the gate looks at: pieces of text with their place, findings, and text made plain enough to be searched."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

LARGEST_DECODED = 12_000_000  # characters taken out of wrappings, of one page
DEEPEST = 6  # wrappings inside wrappings
MOST_FINDINGS = 40
SHORTEST_PATH = 10  # coordinates of fewer characters hold no number of ten digits
BREAK = "\x01"  # where an inline tag stood
HIDE, SHOW = "\x02", "\x03"  # around the words of an inline element that is not seen
FILLERS = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, *range(0xFE00, 0xFE10)}  # seen as nothing
LOOK_ALIKES = str.maketrans("АВЕКМНОРСТУХаеорсухіјѕԁΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEKMHOPCTYXaeopcyxijsdABEZHIKMNOPTYXo")
DECODED, TOO_DEEP = "something that cannot be decoded", "something packed too deep or too large to be read"
PROSE = {"text", "cell", "words", "output"}  # what people read; "words" are alt texts, labels and titles
CODE = {"code", "style", "script"}  # numbers there do not stand for people


@dataclass(frozen=True, order=True)
class Finding:
    """What was found and where; never the value."""

    kind: str
    place: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.place}" if self.place else self.kind


@dataclass(frozen=True)
class Piece:
    """Text of one place. kind: text, cell, row, joined, words, attribute, comment, style, script, code, output, data or path."""

    kind: str
    place: str
    text: str
    depth: int = 0


@dataclass
class Reading:
    """All that was read of a page: pieces, tables (rows of cells, headings first) and faults seen on the way."""

    pieces: list[Piece] = field(default_factory=list)
    tables: list["Table"] = field(default_factory=list)
    faults: set[Finding] = field(default_factory=set)
    seen: set[tuple[str, str]] = field(default_factory=set)
    decoded: int = 0

    def add(self, kind: str, place: str, text: str, depth: int = 0) -> None:
        """Keep a piece, each text once; what lies too deep or makes the page too large counts against it instead."""
        if not text.strip() or (kind, text) in self.seen or (kind == "path" and len(text) < SHORTEST_PATH):
            return
        self.seen.add((kind, text))
        if depth:
            self.decoded += len(text)
        if depth > DEEPEST or self.decoded > LARGEST_DECODED:
            self.faults.add(Finding(TOO_DEEP, place))
            return
        for plain in tidy(text):
            self.pieces.append(Piece(kind, place, plain, depth))

    def fault(self, kind: str, place: str) -> None:
        """Something is wrong here."""
        self.faults.add(Finding(kind, place))


@dataclass
class Table:
    """One table: cells as text, row by row; `headings` is the last row of the head, `starts` the place."""

    place: str
    headings: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    caption: str = ""
    has_headings: bool = False
    is_printed: bool = True  # False for records of JSON: only cells whose heading says so are counts


def tidy(text: str) -> set[str]:
    """The text in plain characters: inline tags taken away, and once more with a space in their place."""
    if HIDE in text:
        seen = re.sub(f"{HIDE}.*?(?:{SHOW}|$)", "", text, flags=re.S)
        return tidy(text.replace(HIDE, BREAK).replace(SHOW, BREAK)) | tidy(seen)
    plain = plain_text(text)
    forms = {plain.replace(BREAK, ""), re.sub(f"{BREAK}+", " ", plain)} if BREAK in plain else {plain}
    return forms | {one[::-1] for one in forms} if "\u202e" in text else forms


def plain_text(text: str) -> str:
    """Compatibility forms, digits of any script, letters that look Latin, dashes and spaces as ASCII; characters that are not seen are gone."""
    if text.isascii():
        return text
    text = re.sub(
        r"(?<=\d)[\ufe0f\u0300-\u036f\u20d0-\u20ff]+", "", unicodedata.normalize("NFKC", text).translate(LOOK_ALIKES)
    )
    return text.translate({ord(one): _plain_character(one) for one in set(text) if not one.isascii()})


def _plain_character(one: str) -> str | None:
    category = unicodedata.category(one)
    if category == "Cf" or ord(one) in FILLERS:
        return None
    if category in ("Nd", "No") and (digit := unicodedata.digit(one, None)) is not None:
        return str(digit)
    return {"Pd": "-", "Zs": " ", "Zl": "\n", "Zp": "\n"}.get(category, "-" if one == "\u2212" else one)


def fold(text: str) -> str:
    """Letters without case and accents, for names."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return parts if parts.isascii() else "".join(one for one in parts if not unicodedata.combining(one))


def list_names(text: str) -> list[str]:
    """The words of a text as names are compared: O'Neill is one word, Smith-Jones two, JaneDoe two."""
    parts = re.sub(r"(?<=\w\w)['\u2019`][sS]\b|(?<=\w)['\u2019`](?=\w)", "", text)
    parts = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", parts)
    return re.findall(r"[^\W_]+", fold(parts))


def cap(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once, in order, and no more than a person can read."""
    ordered = sorted(set(findings))
    more = len(ordered) - MOST_FINDINGS
    return ordered[:MOST_FINDINGS] + ([Finding(f"and {more} more findings", "")] if more > 0 else [])

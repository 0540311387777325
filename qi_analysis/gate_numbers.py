"""Numbers of people: small counts in tables, prose and alt texts, and numbers that the release does not hold."""

import re
from collections.abc import Iterator

from qi_analysis.gate_prose import SMALL_WORDS, list_counts
from qi_analysis.gate_store import LARGEST_HIDDEN, NOT_RELEASED, NUMBER, Store, as_number
from qi_analysis.gate_text import PROSE, Finding, Reading, Table

SMALL_CELL = "a count of 1 to 7 in a table"
LONG_TABLE = "a table with more rows than the release"
COUNT_HEADING = re.compile(
    r"\b(?:people|persons?|patients?|clients?|count(?:s|ed)?|of|n|num(?:ber)?|completed|completers|ended|left|leavers|started|starters|total|rows(?: in)?"
    r"|used|merged|set aside|referrals?|episodes?|women|men|cases|discharged|dropped|finished|recovered|stepped up|in treatment|still in treatment|deaths?"
    r"|came|people in|frequency|freq|size|attended|missed|cancelled)\b",
    re.I,
)
NOT_COUNT_HEADING = re.compile(
    r"\b(?:weeks?|months?|days?|years?|quarters?|date|sessions?|contacts? each|rank|rules?|steps?|pages?|versions?|revisions?|points?|order|codes?|scores?|mean|median|average"
    r"|ratio|decile|fifth|phase|lines?|items?|questions?|sections?|priority|level|stage|position|place|share|rate|per ?cent|%|percentage|limits?|range|since|target"
    r"|no\.(?! of)|definitions?|change|difference|sd|signal|value|hours?|minutes?|module|standard|length|minimum|maximum|lower|upper|setting|example|what|name|id|measure)\b|^#$",
    re.I,
)
PER_SO_MANY = re.compile(r"\b(?:of|in|per) every \d[\d,]*\b", re.I)  # "Of every 100" heads shares
ABOUT_NO_PEOPLE = re.compile(r"\b(?:points?|rules?|version|change|threshold|cut-?off)\b|^(?:min|max)_", re.I)
FEWER = re.compile(r"\s*(?:<|\u2264|under|fewer than|less than|up to) ?[2-7]\s*$", re.I)
TRIMMINGS = re.compile(
    r"^\s*(?:(?:only|just|about|approx\.?|[~\u2248(])\s*)+(?=\d)|(?<=\d)\.0+$|(?<=\d)\s*(?:[*\u2020\u2021\u00a7)]|\[\w\]|[a-d](?=\s*$))+\s*$"
)
SPELLED_CELL = re.compile(rf"\s*(?:only |just )?(?:{'|'.join(SMALL_WORDS)})(?: of (?:them|these|those))?\s*$", re.I)
CELL_COUNTS = re.compile(
    rf"(?:n\s*=\s*)?({NUMBER})\*?|({NUMBER}) ?\(\d[\d.]*%\)|\d[\d.]*% ?\(({NUMBER})\)|\d[\d.]*% ?\(({NUMBER}) ?(?:of|/) ?({NUMBER})\)|({NUMBER}) ?\(({NUMBER})\)|({NUMBER}) ?(?:of|/) ?({NUMBER})",
    re.I,
)


def find_counts(reading: Reading, store: Store | None) -> set[Finding]:
    """Counts of 1 to 7 of people and counts that are not in the release, in what people read and in tables."""
    found = set()
    for piece in reading.pieces:
        if piece.kind in PROSE or (
            piece.kind in ("attribute", "comment", "data", "joined") and len(piece.text) < 2_000
        ):
            found |= {Finding(kind, piece.place) for kind in list_counts(piece, store)}
    for table in reading.tables:
        found |= set(_check_table(table, store))
    return found


def _check_table(table: Table, store: Store | None) -> Iterator[Finding]:
    if store is not None and store.longest and len(table.rows) > max(store.longest, 60):
        yield Finding(LONG_TABLE, table.place)
    for number, row in enumerate(table.rows, 1):
        for column, cell in enumerate(row):
            heading = PER_SO_MANY.sub("share", table.headings[column]) if column < len(table.headings) else ""
            if heading.lower() == "counts as" or not table.is_printed and not COUNT_HEADING.search(heading):
                continue
            kind = _judge_cell(cell, heading, (column, row[0]), store)
            if kind:
                yield Finding(kind, f"{table.place}, row {number}")


def _judge_cell(cell: str, heading: str, about: tuple[int, str], store: Store | None) -> str | None:
    """The kind of finding of one cell. about: its column and the first cell of its row."""
    is_sure = bool(COUNT_HEADING.search(heading)) and not NOT_COUNT_HEADING.search(heading)
    hit = CELL_COUNTS.fullmatch(cell.strip())
    if not hit and is_sure:
        hit = CELL_COUNTS.fullmatch(TRIMMINGS.sub("", cell).strip())
        if SPELLED_CELL.match(cell) or FEWER.match(cell):
            return SMALL_CELL
    if not hit:
        return None
    column, label = about
    counts = bool(COUNT_HEADING.search(heading))
    others = bool(NOT_COUNT_HEADING.search(heading)) or bool(not counts and ABOUT_NO_PEOPLE.search(label))
    others |= not heading and bool(NOT_COUNT_HEADING.search(label))
    in_brackets = hit.lastindex is not None and hit.lastindex > 1
    if column == 0 and not counts:
        return None
    numbers = [as_number(one) for one in hit.groups() if one]
    if (
        not others
        or (counts and not re.match(r"(?:no\.(?! of)|weeks?\b|months?\b|sessions?\b|days?\b)", heading, re.I))
        or in_brackets
    ) and any(0 < one <= LARGEST_HIDDEN for one in numbers):
        return SMALL_CELL
    is_count = (counts and not others) or in_brackets
    if is_count and store is not None and any(one and one not in store.numbers for one in numbers):
        return NOT_RELEASED
    return None

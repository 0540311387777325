"""Numbers of people: small counts in tables, prose and alt texts, and numbers that the release does not hold."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from qi_analysis.gate_text import PROSE, Finding, Piece, Reading, Table
from qi_analysis.release import Release

SMALL_CELL, SMALL_TEXT = "a count of 1 to 7 in a table", "a count of 1 to 7 in words"
NOT_RELEASED = "a number of people that the release does not hold"
EXTREME = "the most extreme of single people"
LONG_TABLE = "a table with more rows than the release"
LARGEST_HIDDEN = 7
NUMBER = r"\d{1,3}(?:,\d{3})+|\d+"
SMALL_WORDS = ["one", "two", "three", "four", "five", "six", "seven"]
PEOPLE = (
    r"(?:people|persons?|patients?|clients?|service[ -]users?|individuals?|women|men|woman|man|males?|females?|adults?|children"
    r"|carers?|episodes?|starters|leavers|completers|deaths|suicides?|cases|referrals?|pupils|students|residents|staff members)"
)
OTHER_THINGS = (
    r"(?:months?|weeks?|days?|years?|hours?|minutes?|sessions?|appointments?|contacts?|points?|rules?|measures?|definitions?|things|ways|reasons"
    r"|questions|services|tools|steps|pages|charts|times|per|of|in|before|after|until|why|that|who|where|when|and|or|to|than)"
)
BETWEEN = rf"(?:(?!{OTHER_THINGS}\b)[a-z'-]+ ){{0,2}}?"
THRESHOLD = r"(?! (?:or (?:more|fewer|less|over)|can|could|may|might|would|should)\b)"
COUNTED = re.compile(rf"(?<![\d.,/-])\b({NUMBER})\b(?![.,/-]?\d|%) {BETWEEN}{PEOPLE}\b(?![-']){THRESHOLD}", re.I)
SPELLED = re.compile(rf"\b({'|'.join(SMALL_WORDS)}) {BETWEEN}{PEOPLE}\b(?![-']){THRESHOLD}", re.I)
ONE = re.compile(
    r"\b(?:only|just|exactly|single) one (?:person|patient|client|woman|man)\b|\bone (?:person|patient|client|woman|man)(?: who)? (?:was|had|left|died|did|has left|\w+ed)\b",
    re.I,
)
OUT_OF = re.compile(
    rf"(?<![\d.,/-])\b({NUMBER}) (?:out )?of (?:the |about |all )?({NUMBER})\b(?![.,/-]?\d|%)(?: ([A-Za-z]+))?", re.I
)
SPELLED_OUT_OF = re.compile(
    rf"\b({'|'.join(SMALL_WORDS)}) (?:out )?of (?:the |our |these |those )?(?:{NUMBER} )?{PEOPLE}\b", re.I
)
SAID = re.compile(
    rf"\b{PEOPLE}(?: \w+)?\s*[:=]\s*({NUMBER})\b(?![.,]\d|%)|\b[nN]\s*=\s*({NUMBER})\b(?![.,]\d|%)"
    rf"|\b{PEOPLE} ({NUMBER})(?=\s*(?:[,;)]|\.\s|\.?$))|(?<![\d.,/-])\b({NUMBER}) \(\d[\d.]*%\)|\d% \(({NUMBER})\)",
    re.I,
)
DID = re.compile(
    r"(?<![\d.,/%-])\b([1-7]) (?:of (?:them|these|those) )?(?:were|was|left|died|dropped|stopped|declined|withdrew|disengaged"
    r"|recovered|improved|completed|finished|stepped|did not|had not)\b|(?<![\d/])([1-7])/\d{2,4}(?![\d/])",
    re.I,
)
ABOUT_PEOPLE = re.compile(rf"\b(?:{PEOPLE}|completed|left|ended|recovered|improved|dropped|died)\b", re.I)
OLDEST = re.compile(
    r"\b(?:oldest|youngest)\b[^.;:\n]{0,40}?\b(?:was|is|were|of|at|aged)\s+\d"
    r"|\b(?:longest|shortest|highest|lowest|max(?:imum)?|min(?:imum)?)\b[^.;:\n]{0,30}?\b(?:person|patient|client|age|aged|wait(?:ed|ing)?"
    r"|score|treatment|stay)\b[^.;\n\d]{0,25}?\d",
    re.I,
)
# A threshold, a rate or a place in a row is no count: what stands before or after says so.
BEFORE = re.compile(
    r"(?:\b(?:fewer|less|more|greater|other|larger|smaller) than|\b(?:at least|at most|under|over|up to|below|above|minimum of|maximum of|every|each"
    r"|per|in|to|or|than|between|and|first|step|page|part|figure|week|rule|rules|version|definition|fifth|decile|point|points|code|codes|level|phase"
    r"|group|groups|cohort|wave|band|tier|arm|section|table|chart|chapter|day|month|year|session|question|revision|number|top|row|line|item|plus|minus|aged|age|PHQ-?|GAD-?)"
    r"|\b(?:could|can|may|might|must|should|would) \w+|[-\u2013\u2014/#])\s*$",
    re.I,
)
NOT_PEOPLE = re.compile(
    r"(?:of )?(?:points?|months?|weeks?|days?|years?|quarters?|rules?|sessions?|services?|measures?|charts?|tables?|pages?|parts?|steps?|figures?"
    r"|definitions?|questions?|items?|providers?|reports?|revisions?|limits?|groups?|tests?|checks?|times|hours?|minutes?|published|settled|consecutive|stars?)$",
    re.I,
)
EVERY = re.compile(r"\b(?:\d+|one|two|three|four|five|six|seven) (?:in|of|out of) (?:every )?$", re.I)
COUNT_HEADING = re.compile(
    r"\b(?:people|persons?|patients?|clients?|count(?:s|ed)?|of|n|num(?:ber)?|completed|completers|ended|left|leavers|started|starters|total|rows(?: in)?"
    r"|used|merged|set aside|referrals?|episodes?|women|men|cases|discharged|dropped|finished|recovered|stepped up|in treatment|still in treatment|deaths?"
    r"|came|people in|frequency|freq|size|attended|missed|cancelled)\b",
    re.I,
)
NOT_COUNT_HEADING = re.compile(
    r"\b(?:weeks?|months?|days?|years?|quarters?|date|sessions?|contacts? each|rank|rules?|steps?|pages?|versions?|revisions?|points?|order|codes?|scores?|mean|median|average"
    r"|ratio|decile|fifth|phase|lines?|items?|questions?|sections?|priority|level|stage|position|place|share|rate|per ?cent|%|percentage|limits?|range|since|target"
    r"|no\.?|definitions?|change|difference|sd|signal|value|hours?|minutes?|module|standard|length|minimum|maximum|lower|upper|setting|example|what|name|id|measure)\b|^#$",
    re.I,
)
CELL_COUNTS = re.compile(
    rf"(?:n\s*=\s*)?({NUMBER})\*?|({NUMBER}) ?\(\d[\d.]*%\)|\d[\d.]*% ?\(({NUMBER})\)|\d[\d.]*% ?\(({NUMBER}) (?:of|/) ({NUMBER})\)|({NUMBER}) ?(?:of|/) ?({NUMBER})",
    re.I,
)


@dataclass(frozen=True)
class Store:
    """The numbers that a release holds, and the rows of its longest table. Without a release nothing is compared."""

    numbers: frozenset[int]
    longest: int


def build_store(release: Release) -> Store:
    """Every whole number of a release: of its tables, its facts and its sentences."""
    numbers: set[int] = set()
    for table in release.tables.values():
        for name in table.select_dtypes("number"):
            column = table[name].dropna()
            numbers |= set(column[column % 1 == 0].astype("int64").tolist())
        if "is_settled" in table:  # a sentence of the page takes the last 12 settled months together
            settled = table[table["is_settled"].astype(bool)]
            for last in (settled.tail(12), settled.dropna(subset=["numerator", "denominator"]).tail(12)):
                numbers |= {int(last[name].sum()) for name in ("numerator", "denominator")}
        for name in table.select_dtypes(["object", "string"]):
            numbers |= {one for text in set(table[name].dropna().astype("str")) for one in _list_numbers(text)}
    waiting: list[Any] = [release.facts]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, (list, tuple)):
            waiting += one
        elif one is not None:
            numbers |= set(_list_numbers(str(one)))
    return Store(frozenset(numbers), max((len(table) for table in release.tables.values()), default=0))


def _list_numbers(text: str) -> list[int]:
    return [_number(one) for one in re.findall(NUMBER, text) if len(one) < 16]


def _number(text: str) -> int:
    return int(text.replace(",", "")) if len(text) < 16 else 10**15


def find_counts(reading: Reading, store: Store | None) -> set[Finding]:
    """Counts of 1 to 7 of people and counts that are not in the release, in what people read and in tables."""
    found = set()
    for piece in reading.pieces:
        if piece.kind in PROSE or (piece.kind in ("attribute", "comment", "data") and len(piece.text) < 2_000):
            found |= {Finding(kind, piece.place) for kind in _list_counts(piece, store)}
    for table in reading.tables:
        found |= set(_check_table(table, store))
    return found


def _list_counts(piece: Piece, store: Store | None) -> Iterator[str]:
    for sentence in re.split(r"(?<=[.;!?])\s+|\n", piece.text):
        if not re.search(r"\d", sentence) and not re.search(r"\b(?:" + "|".join(SMALL_WORDS) + r")\b", sentence, re.I):
            continue
        if OLDEST.search(sentence):
            yield EXTREME
        yield from _list_small_words(sentence)
        for number in _list_people(sentence):
            if 0 < number <= LARGEST_HIDDEN:
                yield SMALL_TEXT
            elif store is not None and number not in store.numbers and str(number).strip("0") != "1":
                yield NOT_RELEASED


def _list_small_words(sentence: str) -> Iterator[str]:
    for hit in (*SPELLED.finditer(sentence), *SPELLED_OUT_OF.finditer(sentence)):
        before = sentence[: hit.start()]
        many = hit[1].lower() != "one" and not re.search(r"\breferrals?$", hit[0].lower())
        if many and not BEFORE.search(before) and not EVERY.search(before):
            yield SMALL_TEXT
    if ONE.search(sentence):
        yield SMALL_TEXT


def _list_people(sentence: str) -> Iterator[int]:
    """The numbers of a sentence that stand for people."""
    for hit in COUNTED.finditer(sentence):
        before = sentence[: hit.start()]
        if not BEFORE.search(before) and not EVERY.search(before) and not re.search(rf"{NUMBER} (?:out )?of $", before):
            yield _number(hit[1])
    for hit in OUT_OF.finditer(sentence):
        yield from _list_of(hit, sentence)
    for hit in SAID.finditer(sentence):
        yield _number(next(one for one in hit.groups() if one))
    for hit in DID.finditer(sentence):
        if not BEFORE.search(sentence[: hit.start()]) and (hit[1] or ABOUT_PEOPLE.search(sentence)):
            yield _number(hit[1] or hit[2])


def _list_of(hit: re.Match[str], sentence: str) -> Iterator[int]:
    """Of "k of n" both, unless it says something else than people; then also what is left when both are exact."""
    top, bottom, unit = _number(hit[1]), _number(hit[2]), hit[3] or ""
    if NOT_PEOPLE.match(unit) or BEFORE.search(sentence[: hit.start()]) or top > bottom:
        return
    is_people = bool(re.match(PEOPLE + "$", unit, re.I))
    if bottom <= LARGEST_HIDDEN and not is_people and not re.search(rf"\b{PEOPLE}\b", sentence, re.I):
        return
    yield from (top, bottom)
    if top % 5 and bottom % 5 and 0 < bottom - top <= LARGEST_HIDDEN:
        yield bottom - top


def _check_table(table: Table, store: Store | None) -> Iterator[Finding]:
    if store is not None and store.longest and len(table.rows) > max(store.longest, 60):
        yield Finding(LONG_TABLE, table.place)
    for number, row in enumerate(table.rows, 1):
        for column, cell in enumerate(row):
            heading = table.headings[column] if column < len(table.headings) else ""
            if not table.is_printed and not COUNT_HEADING.search(heading):
                continue
            kind = _judge_cell(cell, heading, (column, row[0]), store)
            if kind:
                yield Finding(kind, f"{table.place}, row {number}")


def _judge_cell(cell: str, heading: str, about: tuple[int, str], store: Store | None) -> str | None:
    """The kind of finding of one cell. about: its column and the first cell of its row."""
    hit = CELL_COUNTS.fullmatch(cell.strip())
    if not hit:
        return None
    column, label = about
    counts = bool(COUNT_HEADING.search(heading))
    others = bool(NOT_COUNT_HEADING.search(heading)) or (not heading and bool(NOT_COUNT_HEADING.search(label)))
    in_brackets = hit.lastindex is not None and hit.lastindex > 1
    if column == 0 and not counts:
        return None
    numbers = [_number(one) for one in hit.groups() if one]
    if (
        not others
        or (counts and not re.match(r"(?:no\.?|weeks?|months?|sessions?|days?)\b", heading, re.I))
        or in_brackets
    ) and any(0 < one <= LARGEST_HIDDEN for one in numbers):
        return SMALL_CELL
    is_count = (counts and not others) or in_brackets
    if is_count and store is not None and any(one and one not in store.numbers for one in numbers):
        return NOT_RELEASED
    return None

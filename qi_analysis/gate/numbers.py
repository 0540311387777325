"""Numbers of people: small counts in tables, prose and alt texts, and numbers that the release does not hold."""

import csv
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from qi_analysis.gate.pieces import PROSE, Finding, Piece, Reading, Table
from qi_analysis.release import Release
from qi_analysis.storage import REFERENCE

NUMBER = r"\d{1,3}(?:,\d{3})+|\d+"
LARGEST_HIDDEN = 7
SMALLEST_NATIONAL = 10_000
NOT_RELEASED = "a number of people that the release does not hold"
SMALL_TEXT = "a count of 1 to 7 in words"
EXTREME = "the most extreme of single people"
SMALL_WORDS = ["one", "two", "three", "four", "five", "six", "seven"]
PEOPLE = (
    r"(?:people|persons?|patients?|clients?|service[ -]users?|individuals?|women|men|woman|man|males?|females?|adults?|children"
    r"|carers?|episodes?|starters|leavers|(?:non-)?completers|completions|deaths?|suicides?|cases|discharges|drop-?outs|participants|respondents|attendees|callers|learners|refugees|veterans"
    r"|asylum[ -]seekers|mothers|fathers|parents|mums|dads|families|lads|girls|boys|staff|SUs|pts|referrals?|pupils|students|residents|staff members)"
)
OTHER_THINGS = (
    r"(?:months?|weeks?|days?|years?|hours?|minutes?|sessions?|appointments?|contacts?|points?|rules?|measures?|definitions?|things|ways|reasons"
    r"|questions|services|tools|steps|pages|charts|times|per|of|in|before|after|until|why|that|who|where|when|and|or|to|than)"
)
SMALL_NUMBERS = "[2-7]|" + "|".join(SMALL_WORDS[1:])
BETWEEN = rf"(?:(?!{OTHER_THINGS}\b)[a-z'-]+ ){{0,2}}?"
THRESHOLD = r"(?! (?:or (?:more|fewer|less|over)|can|could|may|might|would|should|must|check|agree|sign|read|review|meet|decide|look|approve|need|numbers?|identifiers?)\b)"
COUNTED = re.compile(rf"(?<![\d.,/-])\b({NUMBER})\b(?![.,/-]?\d|%)\)? {BETWEEN}{PEOPLE}\b(?![-']){THRESHOLD}", re.I)
SPELLED = re.compile(rf"\b({'|'.join(SMALL_WORDS)}) {BETWEEN}{PEOPLE}\b(?![-']){THRESHOLD}", re.I)
DONE = r"(?: who)? (?:was|were|had|left|died|did|came|got|began|stopped|\w+ed)\b"
FEW = re.compile(  # "up to 4 people left": a bound that tells of few
    rf"\b(?:{SMALL_NUMBERS}) (?:or (?:fewer|less|more) )?{PEOPLE}{DONE}|\b(?:{SMALL_NUMBERS})[ -](?:or|to|and) (?:{SMALL_NUMBERS}) {PEOPLE}{DONE}",
    re.I,
)
ONE = re.compile(
    r"\b(?:a|the|one) (?:single|sole|only|lone) (?:person|patient|client|woman|man)\b|\b(?:sole|only) (?:patient|client|woman|man)\b"
    r"|\ba (?:couple|handful) of (?:people|patients|clients|women|men)\b|\bboth (?:(?:people|patients|clients|women|men) (?:left|died|were|had|did|was|[a-z]+ed)|of them)\b"
    r"|\b(?:only|exactly|just) [1-7](?=\s*(?:[.,;)]|$))|"
    r"\b(?:only|just|exactly|single) one (?:person|patient|client|woman|man)\b(?! (?:can|could|may|might|must|should)\b)|\bone (?:person|patient|client|woman|man)(?: who)? (?:was|had|left|died|did|has left|\w+ed)\b",
    re.I,
)
OUT_OF = re.compile(
    rf"(?<![\d.,/-])\b({NUMBER}) (?:out )?of (?:the |about |all )?({NUMBER})\b(?![.,/-]?\d|%)(?: ([A-Za-z]+))?", re.I
)
SPELLED_OUT_OF = re.compile(
    rf"\b({'|'.join(SMALL_WORDS)}) (?:out )?of (?:the |our |these |those )?(?:{NUMBER} )?{PEOPLE}\b", re.I
)
SAID = re.compile(
    rf"\b(?:{PEOPLE}|left early|completed|(?<!contact )(?<!session )count|n)(?: [\w-]+){{0,5}}\s*[:=]\s*({NUMBER})\b(?![.,/-]?\d|%)(?! ?[a-z])|\b[nN]\s*=\s*({NUMBER})\b(?![.,]\d|%)"
    rf"|\b{PEOPLE}(?: (?:completed|left|left early|in treatment))? \(({NUMBER})\)|\b(?:completed|left|recovered|declined|died|dropped out) ([1-7])(?=[,;.)]|$)"
    rf"|\b{PEOPLE} ({NUMBER})(?=\s*(?:[,;)]|\.\s|\.?$))|(?<![\d.,/-])\b({NUMBER}) \(\d[\d.]*%\)|\d% \(({NUMBER})\)",
    re.I,
)
WHO = re.compile(
    rf"(?<![\d.,/%-])\b({NUMBER}) (?:who (?:started|completed|left|ended|came)\b|completed\b|left early\b|started\b|recovered\b|improved\b|finished\b)",
    re.I,
)
MONTH = re.compile(
    r"(?:\b(?:january|february|march|april|may|june|july|august|september|october|november|december)|\b\d\d?|\b(?:since|by|(?<!out )of|during)) $",
    re.I,
)
SHARE_OF = re.compile(
    rf"(?<![\d.])(\d+(?:\.\d+)?)(?:%| per cent) of (?:the |all )?({NUMBER}) {BETWEEN}{PEOPLE}\b", re.I
)
OF_THEM = re.compile(
    rf"\bof (?:the |our )?({NUMBER}) {BETWEEN}{PEOPLE},? ({NUMBER}) (?=[a-z])(?!{OTHER_THINGS}\b)", re.I
)
IN_ALL = re.compile(
    rf"(?<![\d.,/-])\b([2-7]) ?(?:in|/) ?(?!(?:10|20|25|50|100|1,?000|10,?000)\b)({NUMBER}) {BETWEEN}{PEOPLE}\b", re.I
)
SPELLED_DID = re.compile(
    rf"\b(?:{'|'.join(SMALL_WORDS[1:])}) (?:of (?:them|these|those) )?(?:have |had )?(?:recovered|died|left early|dropped out|withdrew|disengaged|declined|did not)\b"
    r"|(?<!beyond )\b[2-7] of (?:them|these|those)\b",
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
    r"|\b(?:longest|shortest|highest|lowest|max(?:imum)?|min(?:imum)?)\b(?! \w+ (?:target|standard|limit))[^.;:\n]{0,30}?\b(?:person|patient|client|age|aged|wait(?:ed|ing)?"
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
            numbers |= {one for text in set(table[name].dropna().astype("str")) for one in list_numbers(text)}
    numbers |= read_national_counts()
    waiting: list[Any] = [asdict(release.facts)]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, (list, tuple)):
            waiting += one
        elif one is not None:
            numbers |= set(list_numbers(str(one)))
    return Store(frozenset(numbers), max((len(table) for table in release.tables.values()), default=0))


@cache
def read_national_counts() -> frozenset[int]:
    """The counts published for England, those larger than any of one service: they are everybody's to quote."""
    path = REFERENCE / "service_monthly.csv"
    if not path.is_file():
        return frozenset()
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    values = [row["value"] for row in rows if row.get("org_type") == "England" and row.get("statistic") == "count"]
    return frozenset(int(one) for one in values if one.isdecimal() and int(one) >= SMALLEST_NATIONAL)


def list_numbers(text: str) -> list[int]:
    """The whole numbers of a text."""
    return [as_number(one) for one in re.findall(NUMBER, text) if len(one) < 16]


def as_number(text: str) -> int:
    """A whole number as it is written; one too long to be of people is a very large one."""
    return int(text.replace(",", "")) if len(text) < 16 else 10**15


# Counts in tables and in what people read.
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


# Counts in sentences: in figures, in words, and extremes of single people.
def list_counts(piece: Piece, store: Store | None) -> Iterator[str]:
    """The kinds of finding of a text; without a release its numbers are not compared."""
    text = re.sub(r"[ \t]+", " ", piece.text)
    parts = re.split(r"(?<=[.;!?])\s+|\n", text)
    if "\n" in text and piece.kind in ("text", "cell", "words"):  # a page breaks its lines where it likes
        parts += re.split(r"(?<=[.;!?])\s+", text.replace("\n", " "))
    for sentence in parts:
        if not re.search(r"\d", sentence) and not re.search(
            r"\b(?:single|sole|only|both|couple|handful|" + "|".join(SMALL_WORDS) + r")\b", sentence, re.I
        ):
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
    if ONE.search(sentence) or FEW.search(sentence) or SPELLED_DID.search(sentence):
        yield SMALL_TEXT


def _list_people(sentence: str) -> Iterator[int]:
    """The numbers of a sentence that stand for people."""
    for hit in COUNTED.finditer(sentence):
        before = sentence[: hit.start()]
        if not BEFORE.search(before) and not EVERY.search(before) and not re.search(rf"{NUMBER} (?:out )?of $", before):
            yield as_number(hit[1])
    for hit in OUT_OF.finditer(sentence):
        yield from _list_of(hit, sentence)
    for hit in SAID.finditer(sentence):
        yield as_number(next(one for one in hit.groups() if one))
    for hit in (*OF_THEM.finditer(sentence), *IN_ALL.finditer(sentence)):
        numbers = sorted(as_number(one) for one in hit.groups())
        yield from (*numbers, numbers[1] - numbers[0])
    for hit in SHARE_OF.finditer(sentence):
        yield from (as_number(hit[2]), round(float(hit[1]) * as_number(hit[2]) / 100))
    for hit in WHO.finditer(sentence):
        if not MONTH.search(sentence[: hit.start()]) and not BEFORE.search(sentence[: hit.start()]):
            yield as_number(hit[1])
    for hit in DID.finditer(sentence):
        if not BEFORE.search(sentence[: hit.start()]) and (hit[1] or ABOUT_PEOPLE.search(sentence)):
            yield as_number(hit[1] or hit[2])


def _list_of(hit: re.Match[str], sentence: str) -> Iterator[int]:
    """Of "k of n" both, unless it says something else than people; then also what is left when both are exact."""
    top, bottom, unit = as_number(hit[1]), as_number(hit[2]), hit[3] or ""
    if NOT_PEOPLE.match(unit) or BEFORE.search(sentence[: hit.start()]) or top > bottom:
        return
    is_people = bool(re.match(PEOPLE + "$", unit, re.I))
    in_brackets = bool(re.search(r"%\)? \($", sentence[: hit.start()]))
    if (
        bottom <= LARGEST_HIDDEN
        and not is_people
        and not in_brackets
        and not re.search(rf"\b{PEOPLE}\b", sentence, re.I)
    ):
        return
    yield from (top, bottom)
    if top % 5 and bottom % 5 and 0 < bottom - top <= LARGEST_HIDDEN:
        yield bottom - top

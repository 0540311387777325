"""What looks private by its shape: NHS numbers, addresses, paths, tracebacks, records; and what the team allows.

The team's allow-list names what a page may say although it has such a shape: help lines, the service's own office, known
places. A table of records, which holds one person a row, may be one of the page, of JSON, or written out as text.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from nhs_number import calculate_checksum

from qi_analysis.errors import RecordProblem
from qi_analysis.gate.html import LOADS
from qi_analysis.gate.pieces import CODE, PROSE, Finding, Piece, Reading, Table
from qi_analysis.record.files import read_source
from qi_analysis.record.findings import Faults

ALLOW_LIST = "allow.toml"
KINDS = ("phone", "email", "postcode", "link", "word", "date")
NHS = "an NHS number"
BIRTH = "a date of birth"
PATH = "a path of a machine"
TRACEBACK = "a traceback"
POSTCODE, EMAIL, PHONE = "a postcode", "an e-mail address", "a phone number"
USER = "a user name"
SEPARATOR = r"[\W_]{1,4}"
TEN = re.compile(
    r"(?<!\d)(?<!\d\.)(?:0{0,4}\d{10}(?:\.0+)?|\d{3}(?P<cut>[ -])\d{3}(?P=cut)\d{4})(?!\d)(?!\.\d)"  # commas of a list may stand beside it
    r"|(?<![\d])(?<!\d[.,])(?:"
    rf"\d{{3}}{SEPARATOR}\d{{3}}{SEPARATOR}\d{{4}}|\d{{3}}{SEPARATOR}?\d{{3}}{SEPARATOR}?\d{{4}}|\d\d{SEPARATOR}\d{{4}}{SEPARATOR}\d{{4}}"
    rf"|\d[,' ._]\d{{3}}[,' ._]\d{{3}}[,' ._]\d{{3}}(?:\.0+)?|\d{{5}}[ -]\d{{5}}|\d{{4}}[ -]\d{{3}}[ -]\d{{3}}"
    r"|\d(?P<gap>[\W_]{1,4})\d(?:(?P=gap)\d){8}|\d\d(?:[ -]\d\d){4})(?![\d])(?![.,]\d)"
)
LETTERS = re.compile(r"(?<![^\W_])(?=\d*[OoIl])(?=[OoIl]*\d)[\dOoIl]{10}(?![^\W_])")
LIKE_DIGITS = str.maketrans("OoIl", "0011")
OTHER_BASE = re.compile(r"(?<!\w)0(?:x[0-9a-f]{8,9}|b[01]{30,34}|o[0-7]{10,12})(?!\w)", re.I)
EXPONENT = re.compile(r"(?<![\d.])\d+(?:\.\d+)?[eE]\+?0?\d(?![\d.])")
IN_PATH = re.compile(r"(?<![\d.])\d{10}(?:\.0+)?(?![\d.])")
DIGEST = re.compile(r"(?<![0-9A-Za-z])(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{16,}(?![0-9A-Za-z])")
GUID = re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")
NEVER = {"0000000000", "0123456789", "01234567890"}  # a row of digits, not a person
DATE = (
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/. ]\d{1,2}[-/. ](?:19|20)?\d\d"
    r"|\d{1,2}(?:st|nd|rd|th)?[ -](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[ ,-]{1,2}(?:19|20)?\d\d"
    r"|(?:(?:19|20)\d\d, ?\d{1,2}, ?\d{1,2})|(?:\d{1,2}(?:st|nd|rd|th)?|first|second|third|[a-z]th) of [a-z]{3,9},? (?:19|20)\d\d"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* \d{1,2}(?:st|nd|rd|th)?,? (?:19|20)\d\d|(?:19|20)\d{6})"
)
LABEL = r"(?:\bd\.?o\.?b\b\.?|dates? of birth|birth[ _-]?(?:date|day)|person_?birth_?date|\bborn\b)"
ROUGHLY = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* (?:19|20)\d\d|\d{5}"  # month and year, a spreadsheet's day
BIRTH_DATE = re.compile(
    rf"{LABEL}[^\n]{{0,40}}?\n?(?<!\d){DATE}(?!\d)|{LABEL}[\s:=\"'>|]{{0,5}}(?:{ROUGHLY})(?![\d.,])|(?<!\d){DATE}[^\w\n]{{0,5}}{LABEL}"
    r"|\bb\.\s?\d{1,2}[/.-]\d{1,2}[/.-](?:19\d\d|[3-9]\d)\b",
    re.I,
)
A_DATE = re.compile(rf"(?:{DATE})(?:[T ][\d:.Z+]+)?", re.I)
PATTERNS = {
    PATH: re.compile(
        r"(?<![\w.~/-])/(?:home|Users|root|tmp|var|mnt|opt|etc|srv|media|Volumes|private|workspace|content)/[\w.~-]"
        r"|(?<![\w.~/-])/(?:[\w.-]{1,60}/){1,9}[\w-]{1,60}\.(?:csv|tsv|xlsx?|parquet|ipynb|py|json|txt|log|db|R)\b"
        r"|(?<![\w.])/root\b|/(?:usr|lib)/[\w/.-]*python|(?<![A-Za-z])[A-Za-z]:(?:\\{1,2}|/(?!/))[\w$. ]"
        r"|(?<![\\\w])\\\\{1,3}[A-Za-z][\w.$-]{2,}\\{1,2}[A-Za-z]\w*|\bfile:/|(?<!\w)~[a-z]\w+/"
        r"|(?<!\w)~/[\w.-]+/|(?<![:\w/])//[A-Za-z][\w.-]+/\w|(?<![\w.])/[a-z]/Users/|\b(?:vscode|s3|gs|abfss?|wasbs?|smb|sftp|ssh|hdfs)://\w"
        r"|%(?:USERPROFILE|USERNAME|APPDATA|HOMEPATH|TEMP)%|\$HOME\b"
    ),
    TRACEBACK: re.compile(
        r"Traceback \(most recent|\x1b\[|\x9b\d|\[[01];3[0-9]m|(?<!\w)[A-Z][A-Za-z]*(?:Error|Exception|Warning|Exit|Interrupt): ?"
        r"|\bFile [\"'][^\"'\n]+[\"'], line \d+|^-+> \d+ |<ipython-input-|Execution halted|\bCell In ?\[\d+\], line|\bansi-(?:red|bold|[a-z]+-(?:fg|bg|intense))|site-packages[/\\]",
        re.M,
    ),
    USER: re.compile(
        r"\b(?:[Uu]ser ?[Nn]ame|USER_?NAME|logged in as|login(?: name)?|(?<!ervice )[Uu]ser|USER|LOGNAME|run by|author|last modified by)\b[\"']?\s*[=:]\s*[\"']?[A-Za-z]\w{2,}"
        r"|\buser=\w{3,}|\w@[\w-]{1,63}:[~/]"
    ),
    LOADS: re.compile(r"\bwss?://\w", re.I),
    "a script in an address": re.compile(r"\bjavascript:\s*\w", re.I),
}
ACCOUNT = re.compile(r"(?<![\w\\])[A-Z][A-Z0-9-]{2,14}\\[a-z][a-z0-9._]{2,}")  # of a Windows domain
MAIL = re.compile(
    r"[\w.+'-]@[\w-]{1,63}(?:\.[\w-]{1,63}){0,5}\.[A-Za-z]{2,}\b"
    r"|[\w.+-] at [\w-]{1,63} dot [\w-]{2,63}\b|[\w.+-] ?[\[({]at[\])}] ?[\w-]{1,63}(?: ?(?:[\[({]dot[\])}]|\.) ?[\w-]{1,63})+",
    re.I,
)
INWARD = r"\d[ABD-HJLNP-UW-Z]{2}"
OUTWARD = r"(?:GIR|[A-PR-UWYZ](?:\d[\dABCDEFGHJKPSTUW]?|[A-HK-Y]\d[\dABEHMNPRVWXY]?))"
CODE_OF_POST = re.compile(
    rf"(?<![\w#.-])(?:{OUTWARD}[ -]{{0,2}}{INWARD}|(?i:{OUTWARD}[ \n]{{1,2}}{INWARD})|{OUTWARD} \| {INWARD}|GIR ?0AA)(?![\w-])"
)
LOWER_POST = re.compile(r"(?<![\w#./-])[a-pr-uwyz][a-hk-y]\d[\da-z]?\d[abd-hjlnp-uw-z]{2}(?![\w-])")  # what people type
CALL = re.compile(
    r"(?<![\d:])447\d{9}(?!\d)|(?<![\w.,/#-])(?<!\d:)(?:(?:\+|00)44[ .-]?(?:\(0\)[ .-]?)?[1-35789]|\(?0[1-35789])\d{1,3}\)?(?:[ .-]{0,2}\d{2,6}){1,3}(?![\w]|[.,:/-]\d)"
    r"|(?<=,)0[127]\d{9}(?=,|$)",
    re.M,
)
RECORDS = "a table of records"
# Headings of a record of one person: one of the first kind is enough, two of the second.
PERSONAL = re.compile(
    r"(?:nhs|patient|person|client|referral|contact|case|servicerequest|carecontact|careact|localpatient|hospital|mrn)"
    r"[ _]?(?:number|num|no|id|identifier|ref)$|^(?:pseudo|local)[ _]?(?:id|patient)|(?:sur|fore|family|given|first|last|full|patient|client)"
    r"[ _]?names?$|date of birth|^d\.?o\.?b\.?$|birth[ _]?date|^post ?codes?$|^(?:home )?address|^(?:e-?mail|phone|mobile|telephone)\b",
    re.I,
)
OF_A_RECORD = re.compile(
    r"^(?:patient|client|person|care contact|outcome|initials|referral received|age|sex|gender|ethnicity|ethnic ?category|end ?code|serv ?disch ?date|discharged?(?:[ _]?(?:on|date))?|referral"
    r"[ _]?(?:date|requestreceiveddate)|received[ _]?on|contact[ _]?(?:on|date)|care ?cont ?date|attend(?:ance|ordnacode)"
    r"|app ?type|phq-?9|gad-?7|therapist|practitioner|notes?|religion|diagnosis|name|end[ _]code|source)$",
    re.I,
)
AGGREGATE = re.compile(r"\b(?:people|count(?:s|ed)?|completed|share|per ?cent|rate|n|number|of|total)\b|%", re.I)
FRAME = re.compile(
    r"\bRangeIndex: \d|\bdtype: ?['\"]?(?:object|str|int|float|bool|category|datetime)|\d non-null\b"
)  # printed by pandas
MOST_DATES = 15
A_DAY = re.compile(r"(?<!\S)(?:\d{4}-\d\d-\d\d(?:T\S+)?|\d{1,2}/\d{1,2}/(?:\d\d){1,2})(?!\S)")
MOST_BARE = 20  # rows of a table without headings
MOST_ROWS = 5_000


# What the team allows.
@dataclass(frozen=True)
class Allowed:
    """The signed allow-list: values by kind, as they are written."""

    values: tuple[tuple[str, str], ...] = ()

    def strip(self, text: str) -> str:
        """The text without the phone numbers, mail addresses, postcodes and dates that are allowed."""
        for kind, value in self.values:
            if kind in ("phone", "email", "postcode"):
                text = self._pattern(kind, value).sub(" ", text)
        return text

    def list_kind(self, kind: str) -> tuple[str, ...]:
        """The values of one kind."""
        return tuple(value for one, value in self.values if one == kind)

    @staticmethod
    def _pattern(kind: str, value: str) -> re.Pattern[str]:
        """A number however it is grouped; anything else as it stands, in any case."""
        if kind == "email":
            return re.compile(rf"(?<![\w.+-]){re.escape(value)}(?![\w-])", re.I)
        body = r"[ \-.]?".join(re.escape(one) for one in value.replace(" ", ""))
        return re.compile(rf"(?<![\w.+-]){body}(?!\w)", re.I)


@dataclass(frozen=True)
class _Entry:
    """One entry of the allow-list: the value, what it is, who agreed to it (a role) and when."""

    kind: str = field(metadata={"choices": KINDS})
    value: str
    what: str
    agreed_by: str
    agreed_on: date


def read_allowed(folder: Path) -> Allowed:
    """The allow-list of a record's folder; an empty one when there is none. Raises RecordProblem with every fault."""
    faults = Faults()
    source = read_source(folder / ALLOW_LIST, faults)
    values = []
    if source is not None:
        faults.known(source.place(), source.table, ["allow"])
        for place, block in source.list_blocks("allow", faults):
            given = {**block, "value": str(block["value"])} if isinstance(block, dict) and "value" in block else block
            entry: _Entry | None = faults.build(_Entry, place, given)
            for name in [one.name for one in fields(_Entry) if entry and not getattr(entry, one.name)]:
                faults.stop(place.key(name), "this is empty. Fill it in.")
            values += [(entry.kind, entry.value)] if entry else []
    if faults.stops:
        raise RecordProblem("\n".join(faults.stops))
    return Allowed(tuple(values))


# Shapes in any text.
def find_shapes(reading: Reading, allowed: Allowed) -> set[Finding]:
    """Everything that is told by its shape alone. What the allow-list names is taken out of the text first."""
    found: set[Finding] = set()
    for piece in reading.pieces:
        text = allowed.strip(piece.text)
        shorn = Piece(piece.kind, piece.place, text, piece.depth)
        kinds = set(_list_kinds(shorn))
        found |= {Finding(kind, piece.place) for kind in kinds}
    return found


def _list_kinds(piece: Piece) -> Iterator[str]:
    text = piece.text
    if any(is_nhs_number(one) for one in list_ten_digits(piece)):
        yield NHS
    if piece.kind == "path":
        return
    for kind, pattern in PATTERNS.items():
        if not (kind == TRACEBACK and piece.kind in CODE) and pattern.search(text):
            yield kind
    if piece.kind in PROSE and ACCOUNT.search(text):
        yield USER
    if BIRTH_DATE.search(text):
        yield BIRTH
    if MAIL.search(text):
        yield EMAIL
    if piece.kind != "style" and CODE_OF_POST.search(text) or piece.kind in PROSE and LOWER_POST.search(text):
        yield POSTCODE
    if piece.kind != "style" and any(_is_phone(hit[0]) for hit in CALL.finditer(text)):
        yield PHONE


def _is_phone(text: str) -> bool:
    digits = re.sub(r"^(?:00)?44", "0", re.sub(r"\D", "", text.replace("(0)", "")))
    return len(digits) in (10, 11) and digits not in NEVER


def list_ten_digits(piece: Piece) -> Iterator[str]:
    """Every ten digits of a piece that stand together as one number may: whole, grouped, with .0, commas or exponent.

    Digests and the long decimals of drawings are no such numbers; overlapping readings are all given.
    """
    if piece.kind == "path":
        yield from (hit[0][:10] for hit in IN_PATH.finditer(piece.text))
        return
    text = GUID.sub(" ", DIGEST.sub(" ", piece.text))
    at = 0
    while hit := TEN.search(text, at):
        at = hit.start() + 1
        whole = re.sub(r"\.0+$", "", hit[0]) if hit[0].count(".") == 1 else hit[0]
        if not re.fullmatch(r"\d+\.\d+", whole):  # a decimal is no number of a person
            yield re.sub(r"\D", "", whole)[-10:]
    yield from (hit[0].translate(LIKE_DIGITS) for hit in LETTERS.finditer(text))
    yield from (f"{int(hit[0], 0):010}"[:10] for hit in OTHER_BASE.finditer(piece.text))
    for hit in EXPONENT.finditer(text):
        try:
            number = Decimal(hit[0])
        except InvalidOperation:
            continue
        if 10**9 <= number < 10**10 and number == number.to_integral_value():
            yield str(int(number))


def is_nhs_number(digits: str) -> bool:
    """Whether ten digits pass the check of an NHS number (modulus 11), whatever range they are of."""
    return digits not in NEVER and calculate_checksum(digits[:9]) == int(digits[9])


# Tables of records.
def find_records(reading: Reading) -> set[Finding]:
    """Every table of records, whether it is one of the page, of JSON, or written out as text."""
    found = {finding for table in reading.tables for finding in _check_records(table)}
    for piece in reading.pieces:
        if piece.kind in ("text", "cell", "output", "comment", "data", "attribute", "joined"):
            if FRAME.search(piece.text) or _holds_records(piece.text):
                found.add(Finding(RECORDS, piece.place))
            if _count_days(piece.text.splitlines()) >= MOST_DATES:
                found.add(Finding("a column of dates", piece.place))
    return found


def _is_record(names: list[str]) -> bool:
    plain = [re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).strip(" \"'") for name in names]
    if any(len(name) < 40 and PERSONAL.search(name) for name in (*plain, *names)):
        return True
    if any(AGGREGATE.search(name) for name in plain):
        return False
    return sum(bool(OF_A_RECORD.search(name) or OF_A_RECORD.search(name.replace(" ", ""))) for name in plain) >= 2


def _count_days(lines: list[str]) -> int:
    """How many lines are a day, or rows with a day and as many words each, as a frame is printed."""
    rows = Counter(len(line.split()) for line in lines if A_DAY.search(line))
    return max(sum(bool(A_DATE.fullmatch(line.strip())) for line in lines), *rows.values(), 0)


def _check_records(table: Table) -> Iterator[Finding]:
    """A table whose headings or columns of days are those of single people, or with too many rows."""
    if len(table.rows) >= 1 and _is_record(table.headings):
        yield Finding(RECORDS, table.place)
    if table.is_printed and not table.has_headings and len(table.rows) >= MOST_BARE:
        yield Finding(RECORDS, table.place)
    if len(table.rows) > MOST_ROWS:
        yield Finding("a table of more than 5,000 rows", table.place)
    if any(sum(bool(A_DATE.fullmatch(cell)) for cell in row) >= MOST_DATES for row in [table.headings, *table.rows]):
        yield Finding("a row of dates", table.place)
    for column in range(max((len(row) for row in table.rows), default=0)):
        cells = [row[column] for row in table.rows if len(row) > column]
        heading = table.headings[column] if column < len(table.headings) else ""
        days = sum(bool(A_DATE.fullmatch(cell)) for cell in cells)
        if days >= MOST_DATES:
            yield Finding("a column of dates", table.place)
        if days and re.search(LABEL, heading, re.I):
            yield Finding(BIRTH, table.place)


def _holds_records(text: str) -> bool:
    """Rows written as text: a printed frame, CSV or records of JSON."""
    lines = [line for line in text.splitlines() if not re.fullmatch(r"[|:+=\s-]+", line)]
    for first, after in zip(lines[:400], lines[1:401], strict=False):
        for cut in (r",", r"\t", r"\|", r";", r"\s+"):
            names, values = re.split(cut, first.strip(" |")), re.split(cut, after.strip(" |"))
            if len(names) >= 2 and len(values) >= 2 and re.search(r"\d", after):
                names = [name.strip() for name in names if name.strip()]
                if max(map(len, names), default=0) < 40 and _is_written(names, cut):
                    return True
    keys = re.findall(r"[{,]\s*[\"'](\w{2,40})[\"']\s*:", text[:20_000])
    return len(keys) >= 2 and _is_record(keys)


def _is_written(names: list[str], cut: str) -> bool:
    """Printed frames are cut at spaces, so there only names without one and not of plain prose count."""
    if cut != r"\s+":
        return _is_record(names)
    odd = [name for name in names if "_" in name or re.search(r"[a-z][A-Z]", name)]
    return bool(odd) and _is_record(names)

"""What a page may not hold, whoever it is about: NHS numbers, addresses, paths, tracebacks and records, by their shape."""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from nhs_number import calculate_checksum

from qi_analysis.gate_allow import Allowed
from qi_analysis.gate_text import CODE, Finding, Piece, Reading, Table

NHS = "an NHS number"
BIRTH = "a date of birth"
RECORDS = "a table of records"
PATH = "a path of a machine"
TRACEBACK = "a traceback"
POSTCODE, EMAIL, PHONE = "a postcode", "an e-mail address", "a phone number"
USER = "a user name"
SEPARATOR = r"[\s\-./_,:;|\u00b7'+*~]{1,3}"
TEN = re.compile(
    r"(?<![\d])(?<!\d[.,])(?:"
    rf"\d{{10}}(?:\.0+)?|\d{{3}}{SEPARATOR}\d{{3}}{SEPARATOR}\d{{4}}|\d{{3}}{SEPARATOR}?\(?\d{{3}}\)?{SEPARATOR}?\d{{4}}"
    rf"|\d[,' .]\d{{3}}[,' .]\d{{3}}[,' .]\d{{3}}(?:\.0+)?|\d{{5}}[ -]\d{{5}}|\d{{4}}[ -]\d{{3}}[ -]\d{{3}}"
    r"|\d(?:([ \-.,_|/])\d){9}|\d\d(?:[ -]\d\d){4})(?![\d])(?![.,]\d)"
)
EXPONENT = re.compile(r"(?<![\d.])\d+(?:\.\d+)?[eE]\+?0?\d(?![\d.])")
IN_PATH = re.compile(r"(?<![\d.])\d{10}(?:\.0+)?(?![\d.])")
DIGEST = re.compile(r"(?<![0-9A-Za-z])(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{16,}(?![0-9A-Za-z])")
GUID = re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")
NEVER = {"0000000000", "0123456789"}  # a row of digits, not a person
DATE = (
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/. ]\d{1,2}[-/. ](?:19|20)?\d\d"
    r"|\d{1,2}(?:st|nd|rd|th)?[ -](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[ ,-]{1,2}(?:19|20)?\d\d"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* \d{1,2}(?:st|nd|rd|th)?,? (?:19|20)\d\d|(?:19|20)\d{6})"
)
LABEL = r"(?:\bd\.?o\.?b\b\.?|dates? of birth|birth[ _-]?(?:date|day)|person_?birth_?date|\bborn\b)"
BIRTH_DATE = re.compile(rf"{LABEL}[^\n]{{0,40}}?(?<!\d){DATE}(?!\d)|(?<!\d){DATE}[^\w\n]{{0,5}}{LABEL}", re.I)
A_DATE = re.compile(rf"(?:{DATE})(?:[T ][\d:.Z+]+)?", re.I)
PATTERNS = {
    PATH: re.compile(
        r"(?<![\w.~/-])/(?:home|Users|root|tmp|var|mnt|opt|etc|srv|media|Volumes|private|workspace|content)/[\w.~-]"
        r"|(?<![\w.~/-])/(?:[\w.-]{1,60}/){1,9}[\w-]{1,60}\.(?:csv|tsv|xlsx?|parquet|ipynb|py|json|txt|log|db|R)\b"
        r"|(?<![\w.])/root\b|/(?:usr|lib)/[\w/.-]*python|(?<![A-Za-z])[A-Za-z]:(?:\\{1,2}|/(?!/))[\w$. ]"
        r"|(?<![\\\w])\\\\{1,3}[A-Za-z][\w.$-]{2,}\\{1,2}[A-Za-z]\w*|\bfile:/|(?<!\w)~[a-z]\w+/",
    ),
    TRACEBACK: re.compile(
        r"Traceback \(most recent|\x1b\[|\x9b\d|\[[01];3[0-9]m|(?<!\w)[A-Z][A-Za-z]*(?:Error|Exception|Warning): "
        r"|\bFile [\"'][^\"'\n]+[\"'], line \d+|^-+> \d+ |<ipython-input-|site-packages[/\\]",
        re.M,
    ),
    USER: re.compile(
        r"\b(?:user ?name|logged in as|login(?: name)?|USER|LOGNAME|run by|author|last modified by)\b[\"']?\s*[=:]\s*[\"']?[A-Za-z]\w{2,}"
        r"|\buser=\w{3,}|\w@[\w-]{1,63}:[~/]",
    ),
    "a script in an address": re.compile(r"\bjavascript:\s*\w", re.I),
}
MAIL = re.compile(
    r"[\w.+'-]@[\w-]{1,63}(?:\.[\w-]{1,63}){0,5}\.[A-Za-z]{2,}\b"
    r"|[\w.+-] at [\w-]{1,63} dot [\w-]{2,63}\b|[\w.+-] ?[\[({]at[\])}] ?[\w-]{1,63}(?: ?(?:[\[({]dot[\])}]|\.) ?[\w-]{1,63})+",
    re.I,
)
INWARD = r"\d[ABD-HJLNP-UW-Z]{2}"
OUTWARD = r"(?:GIR|[A-PR-UWYZ](?:\d[\dABCDEFGHJKPSTUW]?|[A-HK-Y]\d[\dABEHMNPRVWXY]?))"
CODE_OF_POST = re.compile(
    rf"(?<![\w#.-])(?:{OUTWARD}[ -]{{0,2}}{INWARD}|(?i:{OUTWARD}[ \n]{{1,2}}{INWARD})|GIR ?0AA)(?![\w-])"
)
CALL = re.compile(
    r"(?<![\w.,:/#-])(?:(?:\+|00)44[ .-]?(?:\(0\)[ .-]?)?[1-35789]|\(?0[1-35789])\d{1,3}\)?(?:[ .-]{0,2}\d{2,6}){1,3}(?![\w]|[.,:/-]\d)"
)


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
            yield re.sub(r"\D", "", whole)[:10]
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


def find_shapes(reading: Reading, allowed: Allowed) -> set[Finding]:
    """Everything that is told by its shape alone. What the allow-list names is taken out of the text first."""
    found: set[Finding] = set()
    for piece in reading.pieces:
        text = allowed.strip(piece.text)
        shorn = Piece(piece.kind, piece.place, text, piece.depth)
        kinds = set(_list_kinds(shorn))
        found |= {Finding(kind, piece.place) for kind in kinds}
    for table in reading.tables:
        found |= set(_check_records(table))
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
    if BIRTH_DATE.search(text):
        yield BIRTH
    if MAIL.search(text):
        yield EMAIL
    if piece.kind != "style" and CODE_OF_POST.search(text):
        yield POSTCODE
    if piece.kind != "style" and any(_is_phone(hit[0]) for hit in CALL.finditer(text)):
        yield PHONE
    if piece.kind in ("text", "output", "comment", "data", "attribute") and _holds_records(text):
        yield RECORDS


def _is_phone(text: str) -> bool:
    digits = re.sub(r"^(?:00)?44", "0", re.sub(r"\D", "", text.replace("(0)", "")))
    return len(digits) in (10, 11)


# Headings of a record of one person: one of the first kind is enough, two of the second.
PERSONAL = re.compile(
    r"(?:nhs|patient|person|client|referral|contact|case|servicerequest|carecontact|careact|localpatient|hospital|mrn)"
    r"[ _]?(?:number|num|no|id|identifier|ref)$|^(?:pseudo|local)[ _]?(?:id|patient)|(?:sur|fore|family|given|first|last|full|patient|client)"
    r"[ _]?names?$|date of birth|^d\.?o\.?b\.?$|birth[ _]?date|^post ?codes?$|^(?:home )?address|^(?:e-?mail|phone|mobile|telephone)\b",
    re.I,
)
OF_A_RECORD = re.compile(
    r"^(?:age|sex|gender|ethnicity|ethnic ?category|end ?code|serv ?disch ?date|discharged?(?:[ _]?(?:on|date))?|referral"
    r"[ _]?(?:date|requestreceiveddate)|received[ _]?on|contact[ _]?(?:on|date)|care ?cont ?date|attend(?:ance|ordnacode)"
    r"|app ?type|phq-?9|gad-?7|therapist|practitioner|notes?|religion|diagnosis|name|end[ _]code|source)$",
    re.I,
)
AGGREGATE = re.compile(r"\b(?:people|count(?:s|ed)?|completed|share|per ?cent|rate|n|number|of|total)\b|%", re.I)
MOST_DATES = 15
MOST_BARE = 20  # rows of a table without headings
MOST_ROWS = 5_000


def _is_record(names: list[str]) -> bool:
    plain = [re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).strip(" \"'") for name in names]
    if any(len(name) < 40 and PERSONAL.search(name) for name in (*plain, *names)):
        return True
    if any(AGGREGATE.search(name) for name in plain):
        return False
    return sum(bool(OF_A_RECORD.search(name) or OF_A_RECORD.search(name.replace(" ", ""))) for name in plain) >= 2


def _check_records(table: Table) -> Iterator[Finding]:
    """A table whose headings or columns of days are those of single people, or with too many rows."""
    if len(table.rows) >= 1 and _is_record(table.headings):
        yield Finding(RECORDS, table.place)
    if table.is_printed and not table.has_headings and len(table.rows) >= MOST_BARE:
        yield Finding(RECORDS, table.place)
    if len(table.rows) > MOST_ROWS:
        yield Finding("a table of more than 5,000 rows", table.place)
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
    lines = text.splitlines()
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

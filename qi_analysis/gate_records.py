"""Tables of records, which hold one person a row: of the page, of JSON, or written out as text."""

import re
from collections import Counter
from collections.abc import Iterator

from qi_analysis.gate_look import A_DATE, BIRTH, LABEL
from qi_analysis.gate_text import Finding, Reading, Table

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


def _is_record(names: list[str]) -> bool:
    plain = [re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).strip(" \"'") for name in names]
    if any(len(name) < 40 and PERSONAL.search(name) for name in (*plain, *names)):
        return True
    if any(AGGREGATE.search(name) for name in plain):
        return False
    return sum(bool(OF_A_RECORD.search(name) or OF_A_RECORD.search(name.replace(" ", ""))) for name in plain) >= 2


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

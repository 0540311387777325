"""The private columns of an extract: every file of it is read, columns that the project does not use included.

What a column holds is told by its heading, or else by the shape of its values.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa

from qi_analysis.dataset import read_table_fields, read_tables_text
from qi_analysis.errors import QiError
from qi_analysis.extract.readers import HEAD_BYTES, SUFFIXES, Headings, plain_heading, read_headings, read_raw_table
from qi_analysis.extract.sources import SHORT_IDS
from qi_analysis.record.settings import ColumnMap

ROLES = (  # by heading without spaces; the first that fits
    ("birth", r"birth|^dob$|dateofb"),
    ("postcode", r"postcode|postalcode|^pcd|zipcode"),
    ("email", r"e?mail"),
    ("phone", r"phone|mobile|^tel|landline|contactno$|contactnumber$"),
    ("surname", r"surname|familyname|lastname"),
    ("forename", r"forename|givenname|firstname|preferredname|middlename|knownas"),
    ("skip", r"org|provider|programme|practicecode|filetype|submission|month|version"
        r"|(?:service|team|site|clinic|practice|hospital|ward|department|location|course|group|tool|measure|file|system|drug|school|borough)name"),
    ("name", r"name$|^name|therapist|clinician|practitioner|nextofkin|^gp$|keyworker|staff$|carer$"),
    ("note", r"note|comment|freetext|narrative|presenting|summary|letter|message|address|street|remark|reason|description"),
    ("id", r"nhsn|(?:patient|person|client|case|referral|contact|hospital|service|request|local|record).*(?:id|no|number|num|ref)$|^mrn$|identifier|guid$"),
)  # fmt: skip
SHAPES = (  # by most of the values
    ("email", r"[^@\s]+@[^@\s]+\.\w+"),
    ("postcode", r"(?i)[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"),
    ("skip", r"\d{4}-\d\d-\d\d.*|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}.*|-?\d{1,5}(?:\.\d+)?|[\d:]{4,8}|\w{1,3}"),
    ("phone", r"(?:\+44|0)[\d ()-]{9,14}"),
    ("name", r"(?:(?:Mr|Mrs|Ms|Miss|Dr)\.? )?[A-Z][\w'-]+,? [A-Z][\w'-]+"),
    ("note", r"(?s)\S+(?:\s+\S+){3,}"),
    ("id", r"[A-Za-z]{0,4}[-/]?\d{5,}|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}"),
)  # fmt: skip
SAMPLE = 2_000
MANY_ROWS, REPEATS = 200, 20  # each text in 20 rows on average


@dataclass
class Private:
    """The distinct texts of the private columns: by role, identifiers column by column, and names as (forename, surname)."""

    identifiers: list[pa.Array] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=dict)
    names: set[tuple[str, str]] = field(default_factory=set)
    is_read: bool = False  # at least one file of an extract was


def read_private(raw: Path, columns: ColumnMap | None) -> Private:
    """Read the private columns of every table in a folder. A file that cannot be read is left to the run, which refuses it."""
    private = Private()
    for path in sorted(raw.iterdir()) if raw.is_dir() else ():
        if path.suffix.lower() in SUFFIXES and not path.name.startswith((".", "~")):
            try:
                _read_file(path, columns, private)
            except QiError:
                continue
    return private


def _list_fields(columns: ColumnMap | None) -> dict[str, str]:
    """heading -> role for every heading that the project knows: skip where it holds nothing private."""
    roles: dict[str, str] = {}
    kinds = {"surname": "surname", "forename": "forename", "birth_date": "birth"}
    for fields in read_table_fields().values():
        for name, spec in fields.items():
            role = kinds.get(name, "id" if spec.kind == "id" and name not in SHORT_IDS else "skip")
            roles |= {plain_heading(heading): role for heading in (*spec.headings, name)}
    for part in read_tables_text()["local"].values():
        roles |= {plain_heading(name): "skip" for name in part["fields"] if plain_heading(name) not in roles}
    for local in (columns.referrals, columns.appointments) if columns else ():
        roles |= {
            plain_heading(heading): roles.get(plain_heading(name), "skip") for heading, name in local.columns.items()
        }
    return roles


def _read_file(path: Path, columns: ColumnMap | None, private: Private) -> None:
    known = _list_fields(columns)
    written = read_headings(path, Headings({heading: heading for heading in known}, frozenset())) or _first_row(path)
    roles = {cell: known.get(plain_heading(cell)) or _judge_heading(cell) for cell in written if cell.strip()}
    wanted = {plain_heading(cell): cell for cell, role in roles.items() if role != "skip"}
    private.is_read |= bool(written)
    twice = {
        plain_heading(cell) for cell in written if [plain_heading(o) for o in written].count(plain_heading(cell)) > 1
    }
    wanted = {plain: cell for plain, cell in wanted.items() if plain not in twice}
    if not wanted:
        return
    frame = read_raw_table(path, Headings(wanted, frozenset())).frame
    found = {cell: roles[cell] or _judge_shape(frame[cell]) for cell in frame if cell in roles}
    for cell, role in found.items():
        if role == "note" and _is_label(frame[cell]):
            continue
        if role == "id":
            values = frame[cell].cat.categories if frame[cell].dtype == "category" else frame[cell].dropna().unique()
            private.identifiers.append(pa.array(values, pa.large_string()))
        if role in ("birth", "postcode", "email", "phone", "note", "name"):
            private.texts.setdefault(role, []).extend(_list_distinct(frame[cell]))
    _add_names(frame, found, private)


def _first_row(path: Path) -> list[str]:
    """The first row of a text file without a heading that is known."""
    if path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        return []
    with path.open("rb") as handle:
        lines = handle.read(HEAD_BYTES).decode("utf-8-sig", "replace").splitlines()
    rows = (next(csv.reader(lines[:1], delimiter=one), []) for one in ",;\t|")
    return max(rows, key=len)


def _judge_heading(heading: str) -> str | None:
    plain = plain_heading(heading)
    return next((role for role, pattern in ROLES if re.search(pattern, plain)), None)


def _judge_shape(column: pd.Series) -> str:
    values = pd.Series(_list_distinct(column)[:SAMPLE], dtype="str").str.strip()
    if len(values) < 2:
        return "skip"
    return next((role for role, pattern in SHAPES if values.str.fullmatch(pattern).mean() > 0.6), "skip")


def _is_label(column: pd.Series) -> bool:
    """Whether the texts come again and again, as a list of choices does: such a text is about nobody."""
    return len(column) >= MANY_ROWS and len(_list_distinct(column)) * REPEATS < len(column)


def _list_distinct(column: pd.Series) -> list[str]:
    values: Iterator[object] = iter(column.cat.categories if column.dtype == "category" else column.dropna().unique())
    return [str(one) for one in values if str(one).strip()]


def _add_names(frame: pd.DataFrame, roles: Mapping[str, str], private: Private) -> None:
    firsts = [cell for cell, role in roles.items() if role == "forename"]
    lasts = [cell for cell, role in roles.items() if role == "surname"]
    for last in lasts:
        for first in firsts or [last]:
            pairs = frame[[*dict.fromkeys((first, last))]].drop_duplicates().astype("str").fillna("")
            private.names |= set(zip(pairs[first] if firsts else [""] * len(pairs), pairs[last], strict=True))
    if firsts and not lasts:
        private.texts.setdefault("name", []).extend(one for first in firsts for one in _list_distinct(frame[first]))

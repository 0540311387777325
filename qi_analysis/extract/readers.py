"""One file on disk as a table of text: CSV, XLSX or Parquet.

Headings: what a table's columns may be called, and a file as text once its columns are known.

What a file really is, by its first bytes: a name can be wrong, and some things must not be opened at all.

CSV in its many dialects: encodings, delimiters, title rows, blank lines, line breaks in quotes, ragged rows.

A file in which every line is one row is read in parallel; any other line by line, so that each row keeps its
line as an editor counts it and a row that cannot be assigned to the headings is set aside.

XLSX: the one sheet that holds the table, its cells as text, and what a workbook can hide.

From a file on disk to a table of text: CSV, XLSX and Parquet. Types come later; nothing is dropped in silence.
"""

import codecs
import csv
import re
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import IO, Literal

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from qi_analysis.dataset import Rule, find_field
from qi_analysis.errors import DataProblem, QiError

UNSEEN = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"  # zero width, direction, soft hyphen


@dataclass(frozen=True)
class Headings:
    """What a table's headings may be: plain heading -> our field name, and the fields kept as long text."""

    fields: Mapping[str, str]  # in order of preference when two headings give one field
    long_text: frozenset[str]

    def find(self, row: list[str]) -> dict[str, int]:
        """field -> column number, for the headings of a row that are known."""
        columns = [plain_heading(cell) for cell in row]
        found: dict[str, int] = {}
        for heading, name in self.fields.items():
            if heading in columns and name not in found:
                found[name] = columns.index(heading)
        return found


@dataclass(frozen=True)
class RawTable:
    """A file as text: `frame` has our field names and `line`; `rejected` has line and rule; headings as written."""

    path: Path
    headings: list[str]
    frame: pd.DataFrame
    rejected: pd.DataFrame


def plain_heading(text: str) -> str:
    """A heading as it is compared: no case, spaces, underscores, hyphens or characters that cannot be seen."""
    return re.sub(rf"[\s_\-{UNSEEN}]+", "", unicodedata.normalize("NFKC", text)).casefold()


def find_headings(path: Path, row: list[str], headings: Headings) -> dict[str, int]:
    """field -> column number. Raises DataProblem when two columns that are needed have the same heading."""
    found = headings.find(row)
    plain = [plain_heading(cell) for cell in row]
    for name, column in found.items():
        if plain.count(plain[column]) > 1:
            raise DataProblem(
                f"{path.name}: two columns are headed {row[column].strip()!r} ({name}). Keep one of them."
            )
    return found


def build_frame(table: pa.Table, lines: np.ndarray) -> pd.DataFrame:
    """An Arrow table as a frame: dictionaries as categories, with the line of each row."""
    frame = table.unify_dictionaries().to_pandas()
    frame["line"] = lines
    return frame


KIND_BYTES = 512
OTHERS = {
    b"\xd0\xcf\x11\xe0": "is an old workbook (.xls) or one with a password. Save it as .xlsx without a password",
    b"\x1f\x8b": "is compressed. Unpack it and put the table itself in data/raw",
    b"BZh": "is compressed. Unpack it and put the table itself in data/raw",
    b"\xfd7zXZ": "is compressed. Unpack it and put the table itself in data/raw",
    b"7z\xbc\xaf": "is compressed. Unpack it and put the table itself in data/raw",
    b"(\xb5/\xfd": "is compressed. Unpack it and put the table itself in data/raw",
    b"PARE": "is an encrypted Parquet file. Export it without encryption",
    b"%PDF": "is a PDF, not a table. Export the table as CSV",
    b"\x89PNG": "is a picture, not a table. Export the table as CSV",
    b"\xff\xd8\xff": "is a picture, not a table. Export the table as CSV",
    b"SQLite format 3": "is a database, not a table. Export the table as CSV",
    b"<": "is a web page or XML, not a table. Export the table as CSV",
}


def read_kind(path: Path) -> str:
    """workbook, parquet or text, whatever the name says. Raises DataProblem for anything that is no table."""
    if path.is_symlink():
        raise DataProblem(f"{path.name}: this is a link to another place. Put a copy of the file itself in data/raw.")
    if not path.is_file():
        raise DataProblem(f"{path.name}: this is a folder or a device, not a file. Put the file itself in its place.")
    with path.open("rb") as handle:
        head = handle.read(KIND_BYTES)
    if not head:
        raise DataProblem(f"{path.name}: the file is empty. Export it again.")
    for mark, what in OTHERS.items():
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(mark) or head.startswith(mark):
            raise DataProblem(f"{path.name}: the file {what}.")
    if head.startswith(b"PK\x03\x04"):
        return _read_archive_kind(path)
    if head.startswith(b"PAR1"):
        return "parquet"
    if path.suffix.lower() in (".xlsx", ".parquet") and not _is_text(head):
        raise DataProblem(f"{path.name}: the file is damaged or cut short. Export it again.")
    return "text"


def _read_archive_kind(path: Path) -> str:
    if not zipfile.is_zipfile(path):
        raise DataProblem(f"{path.name}: the file is damaged or cut short. Export it again.")
    with zipfile.ZipFile(path) as parts:
        if "xl/workbook.xml" in parts.namelist():
            return "workbook"
    raise DataProblem(f"{path.name}: the file is an archive, not a workbook. Unpack it and put the table in data/raw.")


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as fault:
        return fault.start > KIND_BYTES - 4  # a letter cut in two by the end of the head
    return "\x00" not in text


HEAD_BYTES = 200_000
NEW_LINE = ord("\n")
HEAD_ROWS = 40  # a heading row further down is not looked for
CHUNK_ROWS = 100_000
csv.field_size_limit(1_000_000)


@dataclass(frozen=True)
class Dialect:
    """How a text file is written: its encoding and what stands between two values."""

    encoding: str
    delimiter: str
    skip: int  # physical lines before the headings
    headings: list[str]


def _encoding(head: bytes) -> str:
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return name
    if head[1:200:2].count(0) > 50:
        return "utf-16-le"
    if head[0:200:2].count(0) > 50:
        return "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
        return "utf-8"
    except UnicodeDecodeError:
        return "cp1252"


def sniff(path: Path, headings: Headings) -> Dialect:
    """The dialect of a file: the heading row is the one with most known headings. Raises DataProblem when empty."""
    with path.open("rb") as handle:
        head = handle.read(HEAD_BYTES)
    if not head.strip():
        raise DataProblem(f"{path.name}: the file is empty. Export it again.")
    encoding = _encoding(head)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    best = Dialect(encoding, ",", 0, [])
    score = 0
    for delimiter in ",;\t|":
        lines = text.splitlines(keepends=True)[: HEAD_ROWS + 1]
        reader = csv.reader(lines, delimiter=delimiter)
        before = 0
        for row in reader:
            found = len(headings.find(row))
            if found > score:
                score, best = found, Dialect(encoding, delimiter, before, row)
            before = reader.line_num
    return best


def read_csv(path: Path, headings: Headings) -> RawTable:
    """A CSV file as text. An empty frame when no heading is known."""
    dialect = sniff(path, headings)
    found = find_headings(path, dialect.headings, headings)
    if not found:
        return RawTable(path, dialect.headings, pd.DataFrame(), pd.DataFrame({"line": [], "rule": []}))
    table = None
    if dialect.encoding in ("utf-8", "utf-8-sig", "cp1252"):
        table = _read_regular(path, dialect, found, headings.long_text)
    if table is not None:
        lines = np.arange(table.num_rows, dtype="int32") + (dialect.skip + 2)
        return RawTable(path, dialect.headings, build_frame(table, lines), pd.DataFrame({"line": [], "rule": []}))
    return _read_irregular(path, dialect, found, headings.long_text)


def _read_regular(path: Path, dialect: Dialect, found: dict[str, int], long_text: frozenset[str]) -> pa.Table | None:
    """Every line one row of the same width, read in parallel; None where that does not hold."""
    names = [f"c{n}" for n in range(len(dialect.headings))]
    types = {
        f"c{n}": pa.large_string() if name in long_text else pa.dictionary(pa.int32(), pa.string())
        for name, n in found.items()
    }
    encoding = "cp1252" if dialect.encoding == "cp1252" else "utf8"
    try:
        table = pa_csv.read_csv(
            path,
            pa_csv.ReadOptions(skip_rows=dialect.skip + 1, column_names=names, encoding=encoding, block_size=1 << 24),
            pa_csv.ParseOptions(delimiter=dialect.delimiter),
            pa_csv.ConvertOptions(
                column_types=types, include_columns=list(types), strings_can_be_null=True, null_values=[""]
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    lines, quotes = _count_lines(path)
    if quotes % 2 or lines - dialect.skip - 1 != table.num_rows:
        return None
    return table.rename_columns(list(found))


def _count_lines(path: Path) -> tuple[int, int]:
    """(lines, quotation marks) of a file; an odd number of marks means that one is never closed."""
    lines, quotes, last = 0, 0, b"\n"
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            held = np.frombuffer(block, "uint8")
            lines, quotes = lines + int(np.count_nonzero(held == NEW_LINE)), quotes + block.count(b'"')
            last = block[-1:]
    return lines + (last != b"\n"), quotes


def _read_irregular(path: Path, dialect: Dialect, found: dict[str, int], long_text: frozenset[str]) -> RawTable:
    """Line by line with the csv module, for files with quoted line breaks, blank lines or ragged rows."""
    encoding = dialect.encoding
    if encoding == "utf-8":
        try:
            with path.open(encoding=encoding) as handle:
                while handle.read(1 << 20):
                    pass
        except UnicodeDecodeError:
            encoding = "cp1252"
    chunks, lines, rejected = [], [], []
    width = len(dialect.headings)
    types = {name: pa.string() for name in found}
    with path.open(encoding=encoding, newline="", errors="replace") as handle:
        for rows in _numbered_rows(path, handle, dialect):
            good = []
            for line, row in rows:
                rule = _check_row(row, width)
                if rule:
                    rejected.append((line, str(rule)))
                elif rule is None:
                    good.append((line, row))
            lines.append(np.array([line for line, _ in good], dtype="int32"))
            columns = [pa.array([row[n] or None for _, row in good], pa.string()) for n in found.values()]
            chunks.append(pa.Table.from_arrays(columns, schema=pa.schema(types)))
    table = pa.concat_tables(chunks) if chunks else pa.Table.from_pylist([], schema=pa.schema(types))
    for n, name in enumerate(found):
        if name not in long_text:
            table = table.set_column(n, name, table[name].dictionary_encode())
    frame = build_frame(table, np.concatenate(lines) if lines else np.array([], dtype="int32"))
    return RawTable(path, dialect.headings, frame, pd.DataFrame(rejected, columns=["line", "rule"]))


def _check_row(row: list[str], width: int) -> Rule | Literal[""] | None:
    """None for a good row, "" for a blank line, else the rule that sets the row aside."""
    if not row:
        return ""
    if len(row) > width and not any(cell.strip() for cell in row[width:]):
        return None
    if len(row) == width:
        return None
    first = row[0].strip().casefold()
    return Rule.TOTAL_ROW if first.startswith(("total", "grand total", "end of")) else Rule.WRONG_NUMBER_OF_FIELDS


def _numbered_rows(path: Path, handle: IO[str], dialect: Dialect) -> Iterator[list[tuple[int, list[str]]]]:
    """Chunks of (first line, row) after the heading row."""
    top = csv.reader(handle, delimiter=dialect.delimiter)
    while top.line_num <= dialect.skip:  # title rows, then the heading row
        next(top)
    reader = csv.reader(handle, delimiter=dialect.delimiter, strict=True)
    chunk: list[tuple[int, list[str]]] = []
    line = top.line_num + 1
    try:
        for row in reader:
            chunk.append((line, row))
            line = top.line_num + reader.line_num + 1
            if len(chunk) == CHUNK_ROWS:
                yield chunk
                chunk = []
    except csv.Error:
        place = f"{path.name}, line {line}"
        raise DataProblem(
            f"{place}: the row that begins here cannot be read. Look for a quotation mark that is not closed or a cell without end."
        ) from None
    yield chunk


LARGEST_WORKBOOK = 1_000_000_000  # bytes once unpacked
XML_HEAD = 4096
FORMULA = re.compile(rb"<f[ />]")
BARE_DAY = r"^\d{5}(?:\.\d+)?$"
Rows = list[list[str]]


@dataclass(frozen=True)
class Sheet:
    """The sheet that holds the table: its name, the heading row as written, that row's number from 0, all rows."""

    name: str
    headings: list[str]
    number: int
    rows: Rows
    is_1904: bool


def read_workbook(path: Path, headings: Headings) -> RawTable:
    """A workbook as text. Raises DataProblem for two sheets of one table or a cell that was never calculated."""
    sheet = read_sheet(path, headings)
    found = find_headings(path, sheet.headings, headings)
    nothing = pd.DataFrame({"line": [], "rule": []})
    if not found:
        return RawTable(path, sheet.headings, pd.DataFrame(), nothing)
    _check_formulas(path, sheet, found)
    body = sheet.rows[sheet.number + 1 :]
    columns = {}
    for name, column in found.items():
        text = pd.Series([row[column] if column < len(row) else "" for row in body], dtype="str")
        text = text.str.replace(r" 00:00:00$", "", regex=True)
        columns[name] = text.where(text.str.strip() != "", None)
        if sheet.is_1904 and find_field(name).kind == "date" and text.str.match(BARE_DAY).any():
            raise DataProblem(
                f"{path.name}, column {sheet.headings[column].strip()}: the workbook counts days from 1904 and holds "
                "dates as bare numbers. Format them as dates, or export as CSV."
            )
    frame = pd.DataFrame(columns).astype({n: "str" if n in headings.long_text else "category" for n in found})
    frame["line"] = np.arange(len(body), dtype="int32") + sheet.number + 2
    return RawTable(path, sheet.headings, frame, nothing)


def read_sheet(path: Path, headings: Headings) -> Sheet:
    """The sheet that matches best. Raises DataProblem when another sheet could be the table as well."""
    state = path.stat()
    found: list[tuple[int, Sheet]] = []
    for title, rows, is_1904 in _read_sheets(path, state.st_mtime_ns, state.st_size):
        best = (0, 0)
        for number, row in enumerate(rows[:HEAD_ROWS]):
            best = max(best, (len(headings.find(row)), -number))
        score, number = best[0], -best[1]
        if score:
            found.append((score, Sheet(title, rows[number], number, rows, is_1904)))
    if not found:
        return Sheet("", [], 0, [], False)
    found.sort(key=lambda one: -one[0])
    if len(found) > 1 and found[1][0] > found[0][0] / 2 and len(found[1][1].rows) > found[1][1].number + 1:
        raise DataProblem(f"{path.name}: two sheets hold this table, one may be hidden. Keep one of them.")
    return found[0][1]


@lru_cache(
    maxsize=2
)  # a workbook is slow to read, and its headings, its table and its private columns are read one after another
def _read_sheets(path: Path, changed: int, size: int) -> list[tuple[str, Rows, bool]]:
    """(name, rows, whether days count from 1904) of each sheet. changed, size: of the file, so that another is read anew."""
    _check_parts(path)
    book = openpyxl.load_workbook(BytesIO(path.read_bytes()), read_only=True, data_only=True)  # no judging by name
    sheets = [(sheet.title, _read_rows(sheet), book.epoch == CALENDAR_MAC_1904) for sheet in book.worksheets]
    book.close()
    return sheets


def forget_workbooks() -> None:
    """Let go of the rows of workbooks that were read last."""
    _read_sheets.cache_clear()


def _check_parts(path: Path) -> None:
    """What is looked at before the workbook is opened: its unpacked size, and declarations that could grow or fetch."""
    with zipfile.ZipFile(path) as parts:
        if sum(part.file_size for part in parts.infolist()) > LARGEST_WORKBOOK:
            raise DataProblem(f"{path.name}: the workbook unpacks to more than 1 GB. Export it as CSV.")
        for part in parts.infolist():
            with parts.open(part) as handle:
                if part.filename.endswith((".xml", ".rels")) and b"<!DOCTYPE" in handle.read(XML_HEAD):
                    raise DataProblem(
                        f"{path.name}: the workbook holds a declaration that no spreadsheet program writes. Export it as CSV."
                    )


def _read_rows(sheet: "openpyxl.worksheet._read_only.ReadOnlyWorksheet") -> Rows:
    """The cells of a sheet as text, without the empty rows at its end."""
    sheet.reset_dimensions()  # a workbook can claim a million empty columns
    rows = [[_write_cell(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    while rows and not any(rows[-1]):
        rows.pop()
    return rows


def _write_cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (date, datetime)):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    return str(value)


def _check_formulas(path: Path, sheet: Sheet, found: dict[str, int]) -> None:
    """Raises DataProblem for a formula without a stored result: it would be read as an empty cell."""
    with zipfile.ZipFile(path) as parts:
        sheets = [name for name in parts.namelist() if name.startswith("xl/worksheets/")]
        if not any(FORMULA.search(parts.read(name)) for name in sheets):
            return
    book = openpyxl.load_workbook(BytesIO(path.read_bytes()), read_only=True)
    written = _read_rows(book[sheet.name])
    book.close()
    for number in range(sheet.number + 1, len(written)):
        shown = sheet.rows[number] if number < len(sheet.rows) else []
        for column in found.values():
            was = written[number][column] if column < len(written[number]) else ""
            if was and not (shown[column] if column < len(shown) else ""):
                raise DataProblem(
                    f"{path.name}, line {number + 1}, column {sheet.headings[column].strip()}: a formula has no stored "
                    "result. Open the workbook, save it again, or export it as CSV."
                )


SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".parquet")
LARGEST_PARQUET = 8_000_000_000  # bytes of the columns that are read, once unpacked


def read_raw_table(path: Path, headings: Headings) -> RawTable:
    """Read one file. Raises DataProblem when it cannot be opened, or has no recognisable heading row."""
    try:
        kind = read_kind(path)
        if kind == "parquet":
            return _read_parquet(path, headings)
        return read_workbook(path, headings) if kind == "workbook" else read_csv(path, headings)
    except PermissionError:
        raise DataProblem(f"{path.name}: the file may not be opened. Ask for read access to it.") from None
    except QiError:
        raise
    except Exception:  # whatever a library says of a broken file, its words could hold a value
        raise DataProblem(f"{path.name}: the file is damaged or cut short. Export it again.") from None


def read_headings(path: Path, headings: Headings) -> list[str]:
    """The heading row as written (the best match in the first rows). Raises DataProblem for a broken file."""
    try:
        kind = read_kind(path)
        if kind == "parquet":
            return list(pa_parquet.read_schema(path).names)
        return read_sheet(path, headings).headings if kind == "workbook" else sniff(path, headings).headings
    except PermissionError:
        raise DataProblem(f"{path.name}: the file may not be opened. Ask for read access to it.") from None
    except QiError:
        raise
    except Exception:  # whatever a library says of a broken file, its words could hold a value
        raise DataProblem(f"{path.name}: the file is damaged or cut short. Export it again.") from None


def _text_table(table: pa.Table, found: dict[str, int], long_text: frozenset[str], first_line: int) -> pd.DataFrame:
    columns = {}
    for name, number in found.items():
        column = table.column(number)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        text = column.cast(pa.string())
        columns[name] = text if name in long_text else text.dictionary_encode()
    return build_frame(pa.table(columns), np.arange(table.num_rows, dtype="int32") + first_line)


def _read_parquet(path: Path, headings: Headings) -> RawTable:
    names = list(pa_parquet.read_schema(path).names)
    found = find_headings(path, names, headings)
    wanted = [names[n] for n in found.values()]
    whole = pa_parquet.ParquetFile(path, read_dictionary=wanted)
    _check_size(path, _calculate_stored(whole.metadata, wanted))
    table = whole.read(columns=wanted)  # texts stay as written once each, so what they unpack to is known first
    _check_size(path, sum(_calculate_unpacked(column) for column in table.columns))
    table = table.select(wanted)
    frame = _text_table(table, dict(zip(found, range(len(found)), strict=True)), headings.long_text, 1)
    return RawTable(path, names, frame, pd.DataFrame({"line": [], "rule": []}))


def _check_size(path: Path, size: int) -> None:
    if size > LARGEST_PARQUET:
        raise DataProblem(f"{path.name}: the file unpacks to more than 8 GB. Export it in smaller parts.")


def _calculate_stored(metadata: pa_parquet.FileMetaData, wanted: list[str]) -> int:
    """Bytes of some columns once they are decompressed."""
    columns = range(metadata.num_columns)
    return sum(
        group.column(n).total_uncompressed_size
        for group in (metadata.row_group(number) for number in range(metadata.num_row_groups))
        for n in columns
        if group.column(n).path_in_schema.split(".")[0] in wanted
    )


def _calculate_unpacked(column: pa.ChunkedArray) -> int:
    """Bytes of a column whose texts stand in a dictionary, once each row holds its own; 0 for any other."""
    if not pa.types.is_dictionary(column.type):
        return 0
    return sum(pc.sum(pc.binary_length(chunk.dictionary).take(chunk.indices)).as_py() or 0 for chunk in column.chunks)

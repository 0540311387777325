"""From a file on disk to a table of text: CSV in its many dialects, XLSX and Parquet.

Everything is read as text; types come later. Each row keeps its line as an editor counts it. A row that cannot
be assigned to the headings is set aside with its line; nothing is dropped in silence.
"""

import codecs
import csv
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from qi_analysis.errors import DataProblem

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".parquet")
HEAD_BYTES = 200_000
HEAD_ROWS = 40  # a heading row further down is not looked for
LARGEST_WORKBOOK = 1_000_000_000  # bytes once unpacked
CHUNK_ROWS = 100_000
csv.field_size_limit(1_000_000)


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
    """A heading as it is compared: no case, spaces, underscores, hyphens or byte-order mark."""
    return re.sub(r"[\s_\-\ufeff]+", "", text).casefold()


def read_raw_table(path: Path, headings: Headings) -> RawTable:
    """Read one file. Raises DataProblem when it cannot be opened, or has no recognisable heading row."""
    try:
        if path.suffix.lower() == ".parquet":
            return _read_parquet(path, headings)
        if path.suffix.lower() == ".xlsx":
            return _read_workbook(path, headings)
        return _read_csv(path, headings)
    except PermissionError:
        raise DataProblem(f"{path.name}: the file may not be opened. Ask for read access to it.") from None
    except (pa.ArrowInvalid, zipfile.BadZipFile, KeyError, ValueError, EOFError, OSError):
        raise DataProblem(f"{path.name}: the file is damaged or cut short. Export it again.") from None


def read_headings(path: Path, headings: Headings) -> list[str]:
    """The heading row as written (the best match in the first rows); empty when there is none."""
    if path.suffix.lower() == ".parquet":
        return list(pa_parquet.read_schema(path).names)
    if path.suffix.lower() == ".xlsx":
        return _best_sheet(path, headings)[0]
    return _sniff(path, headings).headings


@dataclass(frozen=True)
class _Dialect:
    encoding: str
    delimiter: str
    skip: int  # physical lines before the headings
    headings: list[str]


def _encoding(head: bytes) -> str:
    for mark, name in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
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


def _sniff(path: Path, headings: Headings) -> _Dialect:
    with path.open("rb") as handle:
        head = handle.read(HEAD_BYTES)
    if not head.strip():
        raise DataProblem(f"{path.name}: the file is empty. Export it again.")
    encoding = _encoding(head)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    best = _Dialect(encoding, ",", 0, [])
    score = 0
    for delimiter in ",;\t|":
        lines = text.splitlines(keepends=True)[: HEAD_ROWS + 1]
        reader = csv.reader(lines, delimiter=delimiter)
        before = 0
        for row in reader:
            found = len(headings.find(row))
            if found > score:
                score, best = found, _Dialect(encoding, delimiter, before, row)
            before = reader.line_num
    return best


def _check_headings(path: Path, row: list[str], headings: Headings) -> dict[str, int]:
    found = headings.find(row)
    plain = [plain_heading(cell) for cell in row]
    for name, column in found.items():
        if plain.count(plain[column]) > 1:
            raise DataProblem(f"{path.name}: two columns are headed {row[column].strip()!r} ({name}). Keep one of them.")
    return found


def _read_csv(path: Path, headings: Headings) -> RawTable:
    dialect = _sniff(path, headings)
    found = _check_headings(path, dialect.headings, headings)
    if not found:
        return RawTable(path, dialect.headings, pd.DataFrame(), pd.DataFrame({"line": [], "rule": []}))
    table = None
    if dialect.encoding in ("utf-8", "utf-8-sig", "cp1252"):
        table = _read_regular(path, dialect, found, headings.long_text)
    if table is not None:
        lines = np.arange(table.num_rows, dtype="int32") + (dialect.skip + 2)
        return RawTable(path, dialect.headings, _to_frame(table, lines), pd.DataFrame({"line": [], "rule": []}))
    return _read_irregular(path, dialect, found, headings.long_text)


def _read_regular(path: Path, dialect: _Dialect, found: dict[str, int], long_text: frozenset[str]) -> pa.Table | None:
    """Every line one row of the same width, read in parallel; None where that does not hold."""
    names = [f"c{n}" for n in range(len(dialect.headings))]
    types = {f"c{n}": pa.string() if name in long_text else pa.dictionary(pa.int32(), pa.string()) for name, n in found.items()}
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
    except pa.ArrowInvalid:
        return None
    if _count_lines(path) - dialect.skip - 1 != table.num_rows:
        return None
    return table.rename_columns(list(found))


def _count_lines(path: Path) -> int:
    lines, last = 0, b"\n"
    with path.open("rb") as handle:
        while block := handle.read(1 << 24):
            lines, last = lines + block.count(b"\n"), block[-1:]
    return lines + (last != b"\n")


def _read_irregular(path: Path, dialect: _Dialect, found: dict[str, int], long_text: frozenset[str]) -> RawTable:
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
                    rejected.append((line, rule))
                elif rule is None:
                    good.append((line, row))
            lines.append(np.array([line for line, _ in good], dtype="int32"))
            columns = [pa.array([row[n] or None for _, row in good], pa.string()) for n in found.values()]
            chunks.append(pa.Table.from_arrays(columns, schema=pa.schema(types)))
    table = pa.concat_tables(chunks) if chunks else pa.Table.from_pylist([], schema=pa.schema(types))
    for n, name in enumerate(found):
        if name not in long_text:
            table = table.set_column(n, name, table[name].dictionary_encode())
    frame = _to_frame(table, np.concatenate(lines) if lines else np.array([], dtype="int32"))
    return RawTable(path, dialect.headings, frame, pd.DataFrame(rejected, columns=["line", "rule"]))


def _check_row(row: list[str], width: int) -> str | None:
    """None for a good row, "" for a blank line, else the rule that sets the row aside."""
    if not row:
        return ""
    if len(row) > width and not any(cell.strip() for cell in row[width:]):
        return None
    if len(row) == width:
        return None
    first = row[0].strip().casefold()
    return "total_row" if first.startswith(("total", "grand total", "end of")) else "wrong_number_of_fields"


def _numbered_rows(path: Path, handle, dialect: _Dialect) -> Iterator[list[tuple[int, list[str]]]]:  # type: ignore[no-untyped-def]
    """Chunks of (first line, row) after the heading row."""
    reader = csv.reader(handle, delimiter=dialect.delimiter)
    chunk: list[tuple[int, list[str]]] = []
    before = 0
    try:
        for row in reader:
            if before > dialect.skip:
                chunk.append((before + 1, row))
            before = reader.line_num
            if len(chunk) == CHUNK_ROWS:
                yield chunk
                chunk = []
    except csv.Error:
        place = f"{path.name}, line {reader.line_num}"
        raise DataProblem(f"{place}: the line cannot be read as a row. Look at its quotation marks.") from None
    yield chunk


def _to_frame(table: pa.Table, lines: np.ndarray) -> pd.DataFrame:
    frame = table.unify_dictionaries().to_pandas()
    frame["line"] = lines
    return frame


def _text_table(table: pa.Table, found: dict[str, int], long_text: frozenset[str], first_line: int) -> pd.DataFrame:
    columns = {}
    for name, number in found.items():
        column = table.column(number)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        text = column.cast(pa.string())
        columns[name] = text if name in long_text else text.dictionary_encode()
    return _to_frame(pa.table(columns), np.arange(table.num_rows, dtype="int32") + first_line)


def _read_parquet(path: Path, headings: Headings) -> RawTable:
    names = list(pa_parquet.read_schema(path).names)
    found = _check_headings(path, names, headings)
    table = pa_parquet.read_table(path, columns=[names[n] for n in found.values()])
    frame = _text_table(table, dict(zip(found, range(len(found)), strict=True)), headings.long_text, 1)
    return RawTable(path, names, frame, pd.DataFrame({"line": [], "rule": []}))


def _best_sheet(path: Path, headings: Headings) -> tuple[list[str], int, pd.DataFrame]:
    """(heading row, its row number from 0, the cells as text) of the sheet that matches best."""
    with zipfile.ZipFile(path) as parts:
        if sum(part.file_size for part in parts.infolist()) > LARGEST_WORKBOOK:
            raise DataProblem(f"{path.name}: the workbook unpacks to more than 1 GB. Export it as CSV.")
    sheets = pd.read_excel(path, sheet_name=None, header=None, dtype=str, na_filter=False)
    best: tuple[list[str], int, pd.DataFrame] = ([], 0, pd.DataFrame())
    score = 0
    for cells in sheets.values():
        for number in range(min(HEAD_ROWS, len(cells))):
            row = [str(cell) for cell in cells.iloc[number]]
            if len(headings.find(row)) > score:
                score, best = len(headings.find(row)), (row, number, cells)
    return best


def _read_workbook(path: Path, headings: Headings) -> RawTable:
    row, number, cells = _best_sheet(path, headings)
    found = _check_headings(path, row, headings)
    body = cells.iloc[number + 1 :]
    columns = {}
    for name, column in found.items():
        text = body[column].str.replace(r" 00:00:00$", "", regex=True)
        columns[name] = text.where(text.str.strip() != "", None)
    frame = pd.DataFrame(columns).astype({n: "str" if n in headings.long_text else "category" for n in found})
    frame["line"] = body.index.to_numpy(dtype="int32") + 1
    return RawTable(path, row, frame.reset_index(drop=True), pd.DataFrame({"line": [], "rule": []}))

"""CSV in its many dialects: encodings, delimiters, title rows, blank lines, line breaks in quotes, ragged rows.

A file in which every line is one row is read in parallel; any other line by line, so that each row keeps its
line as an editor counts it and a row that cannot be assigned to the headings is set aside.
"""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv

from qi_analysis.errors import DataProblem
from qi_analysis.headings import Headings, RawTable, build_frame, find_headings

HEAD_BYTES = 200_000
NEW_LINE = ord("\n")
HEAD_ROWS = 40  # a heading row further down is not looked for
CHUNK_ROWS = 100_000
csv.field_size_limit(1_000_000)


@dataclass(frozen=True)
class Dialect:
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
    frame = build_frame(table, np.concatenate(lines) if lines else np.array([], dtype="int32"))
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


def _numbered_rows(path: Path, handle, dialect: Dialect) -> Iterator[list[tuple[int, list[str]]]]:  # type: ignore[no-untyped-def]
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

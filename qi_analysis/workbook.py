"""XLSX: the one sheet that holds the table, its cells as text, and what a workbook can hide."""

import re
import zipfile
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from qi_analysis.csv_reader import HEAD_ROWS
from qi_analysis.errors import DataProblem
from qi_analysis.headings import Headings, RawTable, find_headings
from qi_analysis.table_fields import find_field

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


def _read_rows(sheet: "openpyxl.worksheet._read_only.ReadOnlyWorksheet") -> Rows:  # type: ignore[name-defined]
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

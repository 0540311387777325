"""From a file on disk to a table of text: CSV, XLSX and Parquet. Types come later; nothing is dropped in silence."""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pa_parquet

from qi_analysis.csv_reader import HEAD_ROWS, read_csv, sniff
from qi_analysis.errors import DataProblem, QiError
from qi_analysis.headings import Headings, RawTable, build_frame, find_headings

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".parquet")
LARGEST_WORKBOOK = 1_000_000_000  # bytes once unpacked


def read_raw_table(path: Path, headings: Headings) -> RawTable:
    """Read one file. Raises DataProblem when it cannot be opened, or has no recognisable heading row."""
    try:
        if path.suffix.lower() == ".parquet":
            return _read_parquet(path, headings)
        if path.suffix.lower() == ".xlsx":
            return _read_workbook(path, headings)
        return read_csv(path, headings)
    except PermissionError:
        raise DataProblem(f"{path.name}: the file may not be opened. Ask for read access to it.") from None
    except QiError:
        raise
    except Exception:  # whatever a library says of a broken file, its words could hold a value
        raise DataProblem(f"{path.name}: the file is damaged or cut short. Export it again.") from None


def read_headings(path: Path, headings: Headings) -> list[str]:
    """The heading row as written (the best match in the first rows). Raises DataProblem for a broken file."""
    try:
        if path.suffix.lower() == ".parquet":
            return list(pa_parquet.read_schema(path).names)
        if path.suffix.lower() == ".xlsx":
            return _best_sheet(path, headings)[0]
        return sniff(path, headings).headings
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
    found = find_headings(path, row, headings)
    if not found:
        return RawTable(path, row, pd.DataFrame(), pd.DataFrame({"line": [], "rule": []}))
    body = cells.iloc[number + 1 :]
    columns = {}
    for name, column in found.items():
        text = body[column].str.replace(r" 00:00:00$", "", regex=True)
        columns[name] = text.where(text.str.strip() != "", None)
    frame = pd.DataFrame(columns).astype({n: "str" if n in headings.long_text else "category" for n in found})
    frame["line"] = body.index.to_numpy(dtype="int32") + 1
    return RawTable(path, row, frame.reset_index(drop=True), pd.DataFrame({"line": [], "rule": []}))

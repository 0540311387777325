"""From a file on disk to a table of text: CSV, XLSX and Parquet. Types come later; nothing is dropped in silence."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pa_parquet

from qi_analysis.csv_reader import read_csv, sniff
from qi_analysis.errors import DataProblem, QiError
from qi_analysis.file_kinds import read_kind
from qi_analysis.headings import Headings, RawTable, build_frame, find_headings
from qi_analysis.workbook import read_sheet, read_workbook

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

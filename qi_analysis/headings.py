"""Headings: what a table's columns may be called, and a file as text once its columns are known."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from qi_analysis.errors import DataProblem

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

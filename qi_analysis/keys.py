"""Identifiers as numbers: text keys become dense integers once, so that linking millions of rows stays fast."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from qi_analysis.codes import BLANKS

LONGEST_BLANK = max(len(marker) for marker in BLANKS)


def _text(column: pd.Series) -> pa.Array:
    values = pa.array(column.astype("str"), pa.large_string())
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def tidy_key(column: pd.Series) -> tuple[pd.Series, int]:
    """(an identifier without spaces around it, how many were markers for nothing). Letters keep their case."""
    trimmed = pc.utf8_trim_whitespace(_text(column))
    short = pc.if_else(pc.less_equal(pc.binary_length(trimmed), LONGEST_BLANK), trimmed, None)
    blank = pc.is_in(pc.utf8_lower(short), value_set=pa.array(sorted(BLANKS), pa.large_string()))
    empty = pc.sum(pc.equal(trimmed, "")).as_py() or 0
    tidied = pc.if_else(blank, pa.scalar(None, pa.large_string()), trimmed)
    return pd.Series(tidied, column.index, dtype="str"), (pc.sum(blank).as_py() or 0) - empty


def build_key(column: pd.Series) -> tuple[np.ndarray, pa.Array]:
    """(number of each row, the distinct texts); missing text is -1."""
    encoded = _text(column).dictionary_encode()
    return encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype("int64"), encoded.dictionary


def find_key(column: pd.Series, known: pa.Array) -> np.ndarray:
    """The number of each row's text among known texts; -1 where it is missing or not known."""
    return pc.index_in(_text(column), value_set=known).fill_null(-1).to_numpy(zero_copy_only=False).astype("int64")


def join_keys(*parts: np.ndarray) -> np.ndarray:
    """Several integer keys (all at least -1) as one dense integer key."""
    joined = parts[0].astype("int64")
    for part in parts[1:]:
        joined = pd.factorize(joined)[0].astype("int64") * (int(part.max(initial=0)) + 2) + part + 1
    return pd.factorize(joined)[0].astype("int64")


def keep_latest(key: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """True for the one row of each key with the highest rank (ranks are unique within a key)."""
    if len(key) == 0:
        return np.zeros(0, dtype=bool)
    best = pd.Series(rank).groupby(key, sort=False).transform("max").to_numpy()
    return best == rank


def number_rows(key: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """For each row, the position of its key's kept row among the kept rows."""
    position = np.full(int(key.max(initial=-1)) + 1, -1, dtype="int64")
    position[key[kept]] = np.arange(int(kept.sum()))
    return position[key]

"""Identifiers as numbers, and the links between tables.

Identifiers as numbers: text keys become integers once, so that linking millions of rows stays fast.

Numbers count from 0; -1 stands for a missing identifier. Numbers of one kind of identifier are the same in
every table, so tables are linked by looking numbers up in arrays.

From identifiers to the rows of another table, month by month: identifiers are used again in other months.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from qi_analysis.dataset import BLANKS

LONGEST_BLANK = max(len(marker) for marker in BLANKS)
WIDEST_RANK = 1 << 20
POWER_OF_TEN = r"^\d(?:\.\d+)?[eE]\+\d+$"  # how a spreadsheet shows a long number
LONG_NUMBER, LONG_NUMBER_IN_ZEROS = r"^\d{16,}$", r"^\d{15}0+$"
MAYBE_DAMAGED = r"^\d(?:\.\d+)?[eE]\+\d+$|^\d{15}0+$"
ENOUGH_LONG = 3  # identifiers before a column is taken for rounded


def _chunks(column: pd.Series) -> list[pa.Array]:
    values = pa.array(column.astype("str").array, pa.large_string())
    return values.chunks if isinstance(values, pa.ChunkedArray) else [values]


def tidy_texts(texts: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """(identifiers without spaces around them or .0, which are markers for nothing). Letters keep their case."""
    trimmed = pc.utf8_trim_whitespace(texts)
    if pc.any(pc.ends_with(trimmed, ".0")).as_py():  # a spreadsheet made numbers of the identifiers
        trimmed = pc.replace_substring_regex(trimmed, r"^(\d+)\.0+$", r"\1")
    short = pc.if_else(pc.less_equal(pc.binary_length(trimmed), LONGEST_BLANK), trimmed, None)
    blank = pc.is_in(pc.utf8_lower(short), value_set=pa.array(sorted(BLANKS), pa.large_string()))
    tidied = pc.if_else(blank, pa.scalar(None, pa.large_string()), trimmed)
    is_marker = pc.and_(blank, pc.not_equal(trimmed, ""))
    return tidied, is_marker.fill_null(False).to_numpy(zero_copy_only=False)


def mark_damaged(texts: pa.Array, columns: list[np.ndarray]) -> list[np.ndarray]:
    """For each column of numbers the rows whose identifier a spreadsheet has damaged: 1.23E+09, or rounded.

    Rounded: every identifier of the column with more than 15 digits ends in zeros after the 15th.
    """
    if not pc.any(pc.match_substring_regex(texts, MAYBE_DAMAGED)).as_py():
        return [np.zeros(len(column), dtype=bool) for column in columns]
    power, long, zeros = (
        np.append(pc.match_substring_regex(texts, form).fill_null(False).to_numpy(zero_copy_only=False), False)
        for form in (POWER_OF_TEN, LONG_NUMBER, LONG_NUMBER_IN_ZEROS)
    )
    damaged = []
    for column in columns:
        held = np.unique(column[long[column]])
        is_rounded = len(held) >= ENOUGH_LONG and bool(zeros[held].all())
        damaged.append(power[column] | (zeros[column] if is_rounded else False))
    return damaged


def number_texts(columns: Sequence[pd.Series]) -> tuple[list[np.ndarray], pa.Array, list[int]]:
    """(the numbers of each column, the distinct tidied identifiers, how many markers for nothing each column held)."""
    whole = pa.chunked_array([chunk for column in columns for chunk in _chunks(column)], pa.large_string())
    parts = whole.dictionary_encode().chunks or [pa.array([], pa.large_string()).dictionary_encode()]
    number = np.concatenate([part.indices.fill_null(-1).to_numpy(zero_copy_only=False) for part in parts])
    ends = np.cumsum([len(column) for column in columns])[:-1]
    tidied, is_marker = tidy_texts(parts[0].dictionary)
    if tidied.equals(parts[0].dictionary):
        return np.split(number, ends), tidied, [0] * len(columns)
    blanks = [int(np.append(is_marker, False)[part].sum()) for part in np.split(number, ends)]
    again = tidied.dictionary_encode()
    renumbered = np.append(again.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int32(-1))
    return np.split(renumbered[number], ends), again.dictionary, blanks


def join_keys(*parts: np.ndarray) -> np.ndarray:
    """Several integer keys (all at least -1) as one, from 0 on with few gaps.

    Rows that agree with one row of their number so far in the next part keep it; the others get new ones.
    """
    joined = parts[0].astype("int64") + 1
    if joined.min(initial=0) < 0 or joined.max(initial=0) > 4 * len(joined):
        joined = pd.factorize(joined)[0].astype("int64")
    size = int(joined.max(initial=-1)) + 1
    for part in parts[1:]:
        usual = np.zeros(size, dtype=part.dtype)
        usual[joined] = part
        other = np.flatnonzero(part != usual[joined])
        if len(other):
            pair = joined[other] * (int(part.max()) + 2) + part[other] + 1
            numbers, known = pd.factorize(pair)
            joined[other] = size + numbers
            size += len(known)
    return joined


def narrow_rank(rank: np.ndarray) -> np.ndarray:
    """A rank as small whole numbers from 0 on in the same order: they sort faster."""
    lowest = rank.min(initial=0)
    if rank.max(initial=0) - lowest >= WIDEST_RANK:
        rank, lowest = np.unique(rank, return_inverse=True)[1], 0
    small = rank - lowest
    return np.asarray(small.astype("uint16") if small.max(initial=0) < 1 << 16 else small.astype("int64"))


def find_latest(key: np.ndarray, *ranks: np.ndarray) -> np.ndarray:
    """For each key the row that is last by the ranks (the first counts most), then by place.

    -1 for a key without rows, and at the end of the array, which answers for key -1.
    """
    order = np.arange(len(key))
    for rank in reversed(ranks):
        if len(rank) and (rank != rank[0]).any():
            order = order[np.argsort(rank[order], kind="stable")]
    latest = np.full(int(key.max(initial=-1)) + 2, -1)
    latest[key[order]] = order  # of rows with one key the last to be written stays
    latest[-1] = -1
    return latest


def mark_first(key: np.ndarray) -> np.ndarray:
    """True for the first row of each key."""
    first = np.zeros(int(key.max(initial=-1)) + 1, dtype="int64")
    first[key[::-1]] = np.arange(len(key))[::-1]
    return np.asarray(first[key] == np.arange(len(key)))


def mark_shared(key: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """True for rows whose key and rank (see narrow_rank) another row has too; never for key -1."""
    span = int(rank.max(initial=0)) + 1
    pair = key.astype("int64") * span + rank
    ordered = np.sort(pair[key >= 0])
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    shared = np.zeros(len(key), dtype=bool)
    if len(twice):
        is_key = np.zeros(int(key.max(initial=-1)) + 2, dtype=bool)
        is_key[twice // span] = True
        among = np.flatnonzero(is_key[key])
        shared[among] = np.isin(pair[among], twice)
    return shared


def number_rows(key: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """For each row, the position of its key's kept row among the kept rows; -1 for key -1."""
    position = np.full(int(key.max(initial=-1)) + 2, -1, dtype="int64")
    position[key[kept]] = np.arange(int(kept.sum()))
    return np.asarray(position[key])


MONTH_SPAN = 1 << 20  # more months than any calendar here
MISSING, UNCLEAR = -1, -2


class Links:
    """Identifiers of a parent table -> its row numbers, by month of submission where rows give one.

    Identifiers are used again in other months, so a row that knows its month looks nowhere else. Most belong to
    one row and one month: those are looked up in arrays, the others in `several`.
    """

    def __init__(self, identifier: pd.Series, month: np.ndarray, target: np.ndarray) -> None:
        usable = np.flatnonzero((identifier.to_numpy() >= 0) & (target >= 0))
        self.has_months = bool((month >= 0).any())
        key, month, target = identifier.to_numpy()[usable], month[usable], target[usable]
        size = int(identifier.max()) + 2 if len(identifier) else 1  # the last place answers for what is not known
        self.target, self.month = np.full(size, MISSING), np.full(size, MISSING, dtype=month.dtype)
        self.target[key], self.month[key] = target, month
        self.is_several = np.zeros(size, dtype=bool)
        self.is_several[key[(self.target[key] != target) | (self.month[key] != month)]] = True
        odd = self.is_several[key]
        self.several = _one_target(key[odd].astype("int64") * MONTH_SPAN + month[odd], target[odd])
        self.alone = _one_target(key[odd], target[odd])

    def find(self, identifier: pd.Series, month: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(row number or -1, whether it could be more than one) for each row."""
        key = np.minimum(identifier.to_numpy(), len(self.target) - 1)
        anywhere = (month < 0) | (not self.has_months)
        found = np.where(anywhere | (self.month[key] == month), self.target[key], MISSING)
        odd = np.flatnonzero(self.is_several[key])
        found[odd] = _look_up(self.several, key[odd].astype("int64") * MONTH_SPAN + month[odd])
        weak = odd[(found[odd] == MISSING) & anywhere[odd]]
        found[weak] = _look_up(self.alone, key[weak])
        return np.where(found < 0, -1, found), found == UNCLEAR


def _one_target(key: np.ndarray, target: np.ndarray) -> pd.Series:
    """key -> its only target, or UNCLEAR where it has several."""
    pairs = pd.DataFrame({"key": key, "target": target}).drop_duplicates()
    several = pairs["key"].duplicated(keep=False)
    found = pairs.assign(target=pairs["target"].mask(several, UNCLEAR)).drop_duplicates("key")
    return found.set_index("key")["target"]


def _look_up(known: pd.Series, key: np.ndarray) -> np.ndarray:
    place = known.index.get_indexer(key)
    return np.where(place >= 0, np.append(known.to_numpy(), MISSING)[place], MISSING).astype("int64")

"""The puzzle that a reader has: all counts of a release and of those before it, and the sums between them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack
from scipy.sparse.csgraph import connected_components

from qi_analysis.attack import SEED, Known
from qi_analysis.cells import MOST, NOT_SHOWN, Cells

COUNT = ["name", "true"]  # what is counted, and how many there are: the same in two releases is one count


@dataclass(frozen=True)
class Said:
    """What is said of counts: each row is a whole less its parts, which is 0 to most.

    factors: (rows, counts). is_wide: sums over many months.
    """

    factors: csr_array
    most: np.ndarray
    is_wide: np.ndarray

    def take(self, rows: np.ndarray) -> "Said":
        """Some of the rows: their places, or True for each that is kept."""
        kept = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Said(self.factors[kept], self.most[kept], self.is_wide[kept])


@dataclass(frozen=True)
class Seen:
    """What readers know from earlier releases, each of which said what it said on its own day.

    counts: name, true, low, high, is_marked. terms: sums over many months, one line for each count in them: row, name,
    true, factor, most, is_wide.
    """

    counts: pd.DataFrame
    terms: pd.DataFrame


@dataclass(frozen=True)
class Puzzle:
    """The counts with what is known of them, one row for each, and the sums between them.

    counts: true, low, high (as shown now), seen_low, seen_high (before), order, is_marked and
    name (the first in the alphabet). place: for each name its row.
    """

    counts: pd.DataFrame
    place: pd.Series
    sums: Said

    def place_names(self, names: Iterable[str]) -> np.ndarray:
        """True at the rows of these names."""
        found = np.zeros(len(self.counts), dtype=bool)
        found[self.place[self.place.index.isin(list(names))]] = True
        return found

    def list_names(self, rows: np.ndarray) -> frozenset[str]:
        """The names of these rows."""
        return frozenset(self.place.index[rows[self.place.to_numpy()]])


def build_puzzle(cells: Cells, seen: Seen | None = None) -> Puzzle:
    """Names that always count the same are one count. With `seen`, earlier releases are a part of the puzzle."""
    counts = cells.build()
    counts = counts.assign(seen_low=0.0, seen_high=MOST, is_marked=counts["order"] < NOT_SHOWN)
    sums = build_sums(counts, cells)
    if seen is not None and not seen.counts.empty:
        counts, sums = _join_seen(counts, sums, seen)
    return _join_same(counts, sums)


def _join_seen(counts: pd.DataFrame, sums: Said, seen: Seen) -> tuple[pd.DataFrame, Said]:
    """A count that is no longer the same is a count of its own, and what was said of it is still true."""
    how = {"low": "max", "high": "min", "is_marked": "any"}
    before = seen.counts.groupby(COUNT).agg(how).rename(columns={"low": "seen_low", "high": "seen_high"})
    now, said_of = (pd.MultiIndex.from_frame(one[COUNT]) for one in (counts, seen.terms))
    gone = before[before.index.isin(said_of) & ~before.index.isin(now)].reset_index()
    every = pd.MultiIndex.from_frame(pd.concat([counts[COUNT], gone[COUNT]]))
    gone["name"] += " once " + gone["true"].astype("int64").astype(str)
    known = counts.drop(columns=["seen_low", "seen_high"]).join(before[["seen_low", "seen_high"]], on=COUNT)
    unsaid = {"low": 0.0, "high": MOST, "seen_low": 0.0, "seen_high": MOST, "order": NOT_SHOWN}
    return pd.concat([known, gone], ignore_index=True).fillna(unsaid), _stack(sums, _read_terms(seen.terms, every))


def _read_terms(terms: pd.DataFrame, counts: pd.MultiIndex) -> Said:
    column, row = counts.get_indexer(pd.MultiIndex.from_frame(terms[COUNT])), terms["row"].to_numpy(dtype="int64")
    _, first, row = np.unique(row, return_index=True, return_inverse=True)
    factors = csr_array((terms["factor"].to_numpy(dtype="float64"), (row, column)), (len(first), len(counts)))
    most, is_wide = (terms[name].to_numpy()[first] for name in ("most", "is_wide"))
    return Said(factors, most.astype("float64"), is_wide.astype(bool))


def _stack(now: Said, before: Said) -> Said:
    """Both, each sum once."""
    width = before.factors.shape[1]
    wider = csr_array((now.factors.data, now.factors.indices, now.factors.indptr), (now.factors.shape[0], width))
    marks = (
        np.random.default_rng(SEED).integers(1, 1 << 40, width).astype("float64")
    )  # a sum is told by that of its marks
    old = before.take(~np.isin(before.factors @ marks, wider @ marks))
    most, is_wide = (np.append(*both) for both in ((now.most, old.most), (now.is_wide, old.is_wide)))
    return Said(csr_array(vstack([wider, old.factors])), most, is_wide)


def _join_same(counts: pd.DataFrame, sums: Said) -> Puzzle:
    is_pair = (np.diff(sums.factors.indptr) == 2) & (sums.factors.sum(axis=1) == 0)
    pairs = abs(sums.take((sums.most == 0) & is_pair).factors)
    _, group = connected_components(csr_array(pairs.T @ pairs), directed=False)
    joined = counts.assign(order=counts["order"].where(counts["order"] < NOT_SHOWN)).groupby(group)
    smallest, largest = ("low", "seen_low", "order", "is_marked"), ("high", "seen_high", "name")
    merged = joined.agg(
        true=("true", "first"),
        **{name: (name, "max") for name in smallest}, **{name: (name, "min") for name in largest},
    )  # fmt: skip
    to_group = csr_array((np.ones(len(counts)), (np.arange(len(counts)), group)), (len(counts), len(merged)))
    factors = csr_array(sums.factors @ to_group)
    factors.eliminate_zeros()
    joint = replace(sums, factors=factors).take(np.diff(factors.indptr) > 0)
    return Puzzle(merged.fillna({"order": NOT_SHOWN}), pd.Series(group, counts["name"]), joint)


def build_sums(counts: pd.DataFrame, cells: Cells) -> Said:
    """What is said of these counts, in the order of `cells.sums`.

    Said of one kind are all of them exact or none is. Those with parts that are ever more than their whole are no sums,
    and of no use to a reader: they are left out.
    """
    if not cells.sums:
        return Said(csr_array((0, len(counts))), np.zeros(0), np.zeros(0, dtype=bool))
    sizes = np.array([len(one.wholes[0]) for one in cells.sums])
    starts = np.cumsum(sizes) - sizes
    names: list[str | None] = []
    rows, factors = [], []
    for start, size, one in zip(starts, sizes, cells.sums, strict=True):
        for sign, side in ((1.0, one.wholes), (-1.0, one.parts)):
            for named in side:
                names.extend(named)
                rows.append(np.arange(start, start + size))
                factors.append(np.full(size, sign))
    column = pd.Index(counts["name"].astype("object")).get_indexer(pd.Index(names, dtype="object"))
    row, factor, found = np.concatenate(rows), np.concatenate(factors), column >= 0
    has_whole = np.ones(sizes.sum(), dtype=bool)
    has_whole[row[~found & (factor > 0)]] = False
    found &= has_whole[row]
    matrix = csr_array((factor[found], (row[found], column[found])), (sizes.sum(), len(counts)))
    rest, group = matrix @ counts["true"].to_numpy(), np.repeat(np.arange(len(sizes)), sizes)
    is_sum = np.bincount(group, rest < 0, len(sizes)) == 0
    is_exact = (np.bincount(group, rest != 0, len(sizes)) == 0) & ~np.array([one.is_least for one in cells.sums])
    is_wide = np.repeat([one.is_wide for one in cells.sums], sizes)
    return Said(matrix, np.where(is_exact[group], 0.0, MOST), is_wide).take(has_whole & is_sum[group])


def build_known(puzzle: Puzzle, hidden: np.ndarray) -> Known:
    """What a reader knows when the counts of these rows are hidden besides the small ones."""
    counts, sums = puzzle.counts, puzzle.sums
    now = counts[["low", "high", "seen_low", "seen_high"]].to_numpy().T
    low = np.maximum(np.where(hidden, 0.0, now[0]), now[2])
    high = np.minimum(np.where(hidden, MOST, now[1]), now[3])
    is_marked = counts["is_marked"].to_numpy(dtype=bool)
    return Known(
        counts["true"].to_numpy(), low, high, is_marked, hidden & (high >= MOST), sums.factors, sums.most, sums.is_wide
    )

"""Secondary hiding: which counts are hidden for the sake of others, until the attack on all of them fails.

The order does not depend on any value: parts before totals, then by name. Hiding only takes away what a reader knows,
so the search ends, and a count that was safe stays safe.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from qi_analysis.attack import Known, find_exposed, find_parts
from qi_analysis.cells import INNER, MOST, NOT_SHOWN, TOTAL, Cells

MONTHLY = r"@\d{4}-\d\d"  # in the name of what is counted by month


@dataclass(frozen=True)
class Puzzle:
    """The counts with what is known of them, one row for each, and the sums between them.

    counts: true, low, high, order and name (the first in the alphabet). place: for each name its row.
    """

    counts: pd.DataFrame
    place: pd.Series
    sums: csr_array
    most: np.ndarray  # of whole less parts, which is at least 0
    is_wide: np.ndarray  # sums over many months

    def place_names(self, names: Iterable[str]) -> np.ndarray:
        """True at the rows of these names."""
        found = np.zeros(len(self.counts), dtype=bool)
        found[self.place[self.place.index.isin(list(names))]] = True
        return found

    def take(self, rows: np.ndarray) -> "Puzzle":
        """The same counts with some of the sums."""
        kept = np.flatnonzero(rows)
        return replace(self, sums=self.sums[kept], most=self.most[kept], is_wide=self.is_wide[kept])


def find_hidden(
    cells: Cells, earlier: pd.DataFrame | None = None, start: frozenset[str] = frozenset()
) -> frozenset[str]:
    """The names to hide besides the small counts, so that every hidden count of 1 to 7 keeps 3 possible values.

    First each month and each table by itself, so that a month is hidden alike in every release; then the sums over many
    months; last what readers have seen before. earlier: name, true, low and high of the counts of earlier releases: where
    a count is still the same, they know it as it was shown then, whatever is hidden now. start: hidden in any case.
    """
    seen = build_puzzle(_join_earlier(cells.build(), earlier), cells)
    puzzle = replace(seen, counts=seen.counts.assign(seen_low=0.0, seen_high=MOST))
    hidden = _hide(puzzle.take(~puzzle.is_wide), puzzle.place_names(start))
    hidden = _hide(puzzle, hidden)
    if (seen.counts["seen_high"] < MOST).any():
        hidden = _hide(seen, hidden)
    return frozenset(puzzle.place.index[hidden[puzzle.place.to_numpy()]])


def _hide(puzzle: Puzzle, hidden: np.ndarray) -> np.ndarray:
    """More and more hidden until nothing is exposed, or nothing is left to hide."""
    hidden, exposed = hidden.copy(), None
    while True:
        known = build_known(puzzle, hidden)
        exposed = find_exposed(known, exposed)  # what is safe stays safe: only what was exposed is looked at again
        chosen = _choose(puzzle, known, exposed)
        if not len(chosen):
            return hidden
        hidden[chosen] = True


def count_exposed(cells: Cells, earlier: pd.DataFrame | None = None) -> int:
    """How many hidden counts of 1 to 7 a reader could narrow down to fewer than 3 values."""
    puzzle = build_puzzle(_join_earlier(cells.build(), earlier), cells)
    return int(find_exposed(build_known(puzzle, puzzle.place_names(cells.hidden))).sum())


def protect_table(counts: pd.DataFrame) -> pd.DataFrame:
    """A table of counts with its totals, as it may be shown: missing where hidden.

    counts: whole numbers, one way (one column) or two ways. Rounded to 5, 1 to 7 hidden, totals from the true totals,
    and as much more hidden as needed. The last row, and with several columns the last column, is "total".
    """
    table = pd.concat([counts, counts.sum().to_frame("total").T])
    if len(counts.columns) > 1:
        table["total"] = table.sum(axis=1)
    cells = Cells()
    _show_table(table, cells)
    return _show_table(table, Cells(find_hidden(cells)))


def _show_table(table: pd.DataFrame, cells: Cells) -> pd.DataFrame:
    parts = [name for name in table if name != "total"]
    names = {name: pd.Series([f"{row}|{name}" for row in table.index], table.index) for name in table}
    for named in names.values():
        cells.add_sums(named.tail(1), [[one] for one in named.iloc[:-1]])
    if "total" in names:
        cells.add_sums(names["total"], [names[name] for name in parts])
    order = np.where(table.index == "total", TOTAL, INNER)
    return pd.DataFrame(
        {name: cells.show(names[name], table[name], order if name in parts else TOTAL) for name in table}
    )


def _join_earlier(counts: pd.DataFrame, earlier: pd.DataFrame | None) -> pd.DataFrame:
    """The counts with what readers know of them already: seen_low and seen_high."""
    if earlier is None or earlier.empty:
        return counts.assign(seen_low=0.0, seen_high=MOST)
    seen = counts[["name", "true"]].merge(earlier, on=["name", "true"])
    bounds = seen.groupby("name").agg(seen_low=("low", "max"), seen_high=("high", "min"))
    return counts.join(bounds, on="name").fillna({"seen_low": 0.0, "seen_high": MOST})


def build_puzzle(counts: pd.DataFrame, cells: Cells) -> Puzzle:
    """Names that always count the same are one count."""
    sums, most, is_wide = _build_sums(counts, cells)
    is_same = (most == 0) & (np.diff(sums.indptr) == 2)
    pairs = abs(sums[np.flatnonzero(is_same)])
    _, group = connected_components(csr_array(pairs.T @ pairs), directed=False)
    joined = counts.assign(order=counts["order"].where(counts["order"] < NOT_SHOWN)).groupby(group)
    smallest, largest = ("low", "seen_low"), ("high", "seen_high")
    merged = joined.agg(
        name=("name", "min"), true=("true", "first"), order=("order", "max"),
        **{name: (name, "max") for name in smallest}, **{name: (name, "min") for name in largest},
    )  # fmt: skip
    to_group = csr_array((np.ones(len(counts)), (np.arange(len(counts)), group)), (len(counts), len(merged)))
    sums = csr_array(sums @ to_group)
    sums.eliminate_zeros()
    kept = np.flatnonzero(np.diff(sums.indptr))
    return Puzzle(
        merged.fillna({"order": NOT_SHOWN}), pd.Series(group, counts["name"]), sums[kept], most[kept], is_wide[kept]
    )


def _build_sums(counts: pd.DataFrame, cells: Cells) -> tuple[csr_array, np.ndarray, np.ndarray]:
    """(factors, most, is_wide): one row for each sum, whole less parts, which is 0 to most.

    Sums that were added together are all of them exact or none is. Those with parts that are ever more than their whole
    are no sums, and of no use to a reader: they are left out.
    """
    if not cells.sums:
        return csr_array((0, len(counts))), np.zeros(0), np.zeros(0, dtype=bool)
    sizes = np.array([len(wholes) for wholes, _, _ in cells.sums])
    starts = np.cumsum(sizes) - sizes
    names: list[str | None] = []
    rows, factors = [], []
    for start, (wholes, parts, _) in zip(starts, cells.sums, strict=True):
        every: list[list[str | None]] = [list(wholes), *parts]
        for place, named in enumerate(every):
            names.extend(named)
            rows.append(np.arange(start, start + len(wholes)))
            factors.append(np.full(len(wholes), -1.0 if place else 1.0))
    column = pd.Index(counts["name"].astype("object")).get_indexer(pd.Index(names, dtype="object"))
    row, factor, found = np.concatenate(rows), np.concatenate(factors), column >= 0
    has_whole = np.zeros(sizes.sum(), dtype=bool)
    has_whole[row[found & (factor > 0)]] = True
    found &= has_whole[row]
    matrix = csr_array((factor[found], (row[found], column[found])), (sizes.sum(), len(counts)))
    rest, group = matrix @ counts["true"].to_numpy(), np.repeat(np.arange(len(sizes)), sizes)
    is_sum = np.bincount(group, rest < 0, len(sizes)) == 0
    is_exact = np.bincount(group, rest != 0, len(sizes)) == 0
    kept = np.flatnonzero(has_whole & is_sum[group])
    is_wide = np.repeat([wide for _, _, wide in cells.sums], sizes)
    return matrix[kept], np.where(is_exact[group], 0.0, MOST)[kept], is_wide[kept]


def build_known(puzzle: Puzzle, hidden: np.ndarray) -> Known:
    """What a reader knows when the counts of these rows are hidden besides the small ones."""
    counts = puzzle.counts
    now = counts[["low", "high", "seen_low", "seen_high"]].to_numpy().T
    low = np.maximum(np.where(hidden, 0.0, now[0]), now[2])
    high = np.minimum(np.where(hidden, MOST, now[1]), now[3])
    is_marked = (counts["order"] < NOT_SHOWN).to_numpy()
    is_extra = hidden & (high >= MOST)
    return Known(counts["true"].to_numpy(), low, high, is_marked, is_extra, puzzle.sums, puzzle.most, puzzle.is_wide)


def _choose(puzzle: Puzzle, known: Known, exposed: np.ndarray) -> np.ndarray:
    """In each part with an exposed count the first shown one, in the order of hiding, that shares a sum with it.

    Where none is left, the first of those that hang together with it. Sums over many months spare the months: there what a release shows of its own comes first.
    """
    counts = puzzle.counts
    can = ~known.is_hidden & (counts["order"] < NOT_SHOWN).to_numpy() & (counts["seen_high"] >= MOST).to_numpy()
    spared = counts["name"].str.contains(MONTHLY) & known.is_wide.any()
    ranked = counts.assign(spared=spared)[can].sort_values(["spared", "order", "name"]).index.to_numpy()
    rank = np.full(len(counts), len(counts))
    rank[ranked] = np.arange(len(ranked))
    shares, parts = abs(puzzle.sums), (find_parts(known, ~known.is_wide), find_parts(known))
    chosen: dict[int, int] = {}  # part -> count
    for one in np.flatnonzero(exposed):
        near = np.unique(shares[shares[:, [one]].nonzero()[0]].nonzero()[1])
        for places in (near, *(np.flatnonzero(part == part[one]) for part in parts)):  # the nearest that has one
            first = int(places[np.argmin(rank[places])]) if len(places) else int(one)
            if rank[first] < len(counts):
                mine = int(parts[0][one])
                chosen[mine] = min(first, chosen.get(mine, first), key=lambda place: rank[place])
                break
    return np.array(sorted(chosen.values()), dtype=int)

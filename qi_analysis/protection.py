"""Secondary hiding: which counts are hidden for the sake of others, until the attack on all of them fails.

The order does not depend on any value: parts before totals, then by name. Hiding only takes away what a reader knows,
so the search ends, and a count that was safe stays safe.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from qi_analysis.attack import Reader, find_exposed
from qi_analysis.cells import INNER, MOST, NOT_SHOWN, TOTAL, Cells
from qi_analysis.puzzle import Puzzle, Seen, build_known, build_puzzle

MONTHLY = r"@\d{4}-\d\d"  # in the name of what is counted by month


def find_hidden(cells: Cells, seen: Seen | None = None, start: frozenset[str] = frozenset()) -> frozenset[str]:
    """The names to hide besides the small counts, so that every hidden count of 1 to 7 keeps 3 possible values.

    First each month and each table by itself, so that a month is hidden alike in every release; then the sums over many
    months; last all that readers have seen before. Where a count is still the same, they know it as it was shown then,
    whatever is hidden now. start: hidden in any case.
    """
    puzzle = build_puzzle(cells)
    hidden = _hide(replace(puzzle, sums=puzzle.sums.take(~puzzle.sums.is_wide)), puzzle.place_names(start))
    names = puzzle.list_names(_hide(puzzle, hidden))
    if seen is None or seen.counts.empty:
        return names
    puzzle = build_puzzle(cells, seen)
    return puzzle.list_names(_hide(puzzle, puzzle.place_names(names)))


def _hide(puzzle: Puzzle, hidden: np.ndarray) -> np.ndarray:
    """More and more hidden until nothing is exposed, or nothing is left to hide. What is safe stays safe."""
    rank, reader = _rank(puzzle), Reader(build_known(puzzle, hidden))
    for place in reader.list_unsure():
        while reader.is_exposed(place):
            can = reader.find_reasons(place) & ~reader.known.is_hidden & (rank < len(rank))
            if not can.any():
                break
            hidden = hidden.copy()
            hidden[np.flatnonzero(can)[np.argmin(rank[can])]] = True
            reader.learn(build_known(puzzle, hidden))
    return hidden


def _rank(puzzle: Puzzle) -> np.ndarray:
    """The order of hiding, in which no value has a part; what cannot be hidden any more comes after all.

    With sums over many months, what a review shows of its own comes before the months. Parts, then totals, then by name.
    """
    counts = puzzle.counts
    can = (counts["order"] < NOT_SHOWN) & (counts["seen_high"] >= MOST)
    spared = counts["name"].str.contains(MONTHLY) & puzzle.sums.is_wide.any()
    ranked = counts.assign(spared=spared)[can].sort_values(["spared", "order", "name"]).index.to_numpy()
    rank = np.full(len(counts), len(counts))
    rank[ranked] = np.arange(len(ranked))
    return rank


def count_exposed(cells: Cells, seen: Seen | None = None) -> int:
    """How many hidden counts of 1 to 7, of this release or those before, a reader could narrow to fewer than 3 values."""
    puzzle = build_puzzle(cells, seen)
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

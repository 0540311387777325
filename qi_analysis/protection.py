"""Secondary hiding: which counts are hidden for the sake of others, until the attack on all of them fails.

The order does not depend on any value: parts before totals, then by name. Hiding only takes away what a reader knows,
so the search ends, and a count that was safe stays safe.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from qi_analysis.attack import Known, find_exposed, find_parts
from qi_analysis.cells import INNER, MOST, NOT_SHOWN, TOTAL, Cells
from qi_analysis.puzzle import Puzzle, Seen, build_known, build_puzzle

MONTHLY = r"@\d{4}-\d\d"  # in the name of what is counted by month
NOWHERE = -1


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
    """More and more hidden until nothing is exposed, or nothing is left to hide."""
    known, order = build_known(puzzle, hidden), np.zeros(0, dtype=int)
    exposed = first = find_exposed(known)
    while len(chosen := _choose(puzzle, known, exposed)):
        order = np.append(order, chosen)
        hidden = hidden | np.isin(np.arange(len(hidden)), chosen)
        known = build_known(puzzle, hidden)
        exposed = find_exposed(known, exposed)  # what is safe stays safe: only what was exposed is looked at again
    return _show_again(puzzle, hidden, order, first) if puzzle.sums.is_wide.any() and len(order) else hidden


def _show_again(puzzle: Puzzle, hidden: np.ndarray, places: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Without those of these places that were hidden in vain. among: the counts that may be exposed."""
    fewer = hidden & ~np.isin(np.arange(len(hidden)), places)
    if not find_exposed(build_known(puzzle, fewer), among).any():
        return fewer
    if len(places) == 1:
        return hidden
    half = len(places) // 2
    return _show_again(puzzle, _show_again(puzzle, hidden, places[half:], among), places[:half], among)


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


def _choose(puzzle: Puzzle, known: Known, exposed: np.ndarray) -> np.ndarray:
    """For each part with exposed counts one that is shown, of those nearest to them, the first in the order of hiding.

    Near is what shares a sum with them, then what shares one with that. Said over many months spare the months: there
    what a release shows of its own comes first.
    """
    counts = puzzle.counts
    can = ~known.is_hidden & (counts["order"] < NOT_SHOWN).to_numpy() & (counts["seen_high"] >= MOST).to_numpy()
    spared = counts["name"].str.contains(MONTHLY) & known.is_wide.any()
    ranked = counts.assign(spared=spared)[can].sort_values(["spared", "order", "name"]).index.to_numpy()
    rank = np.full(len(counts), len(counts))
    rank[ranked] = np.arange(len(ranked))
    shares, part = abs(puzzle.sums.factors), find_parts(known, ~known.is_wide)
    shared, is_free = csr_array(shares.T), known.low < known.high
    chosen = {
        _find_nearest(exposed & (part == one), rank, (shares, shared), is_free) for one in np.unique(part[exposed])
    }
    return np.array(sorted(chosen - {NOWHERE}), dtype=int)


def _find_nearest(near: np.ndarray, rank: np.ndarray, links: tuple[csr_array, csr_array], is_free: np.ndarray) -> int:
    """The place with the first rank among those that the fewest sums away from `near`; NOWHERE where none is left."""
    shares, shared = links
    reached = near
    while True:
        wider = reached | (shared @ (shares @ (reached & is_free).astype(float)) > 0)
        first = int(np.argmin(np.where(wider, rank, len(rank))))
        if wider[first] and rank[first] < len(rank):
            return first
        if (wider == reached).all():
            return NOWHERE
        reached = wider

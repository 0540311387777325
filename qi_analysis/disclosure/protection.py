"""What a reader knows, the attack on it, and what is hidden so that it fails.

What could be worked out from what is shown: every hidden small count is attacked before it is released.

Whoever reads a release knows each shown count to within its rounding, and which counts add up to which. An integer
program (HiGHS, through scipy) finds the smallest and the largest value that a hidden count could have. A true count
of 1 to 7 must keep at least 3 possible values; less, and it is exposed. Decision 11; the harsher of two readers is
taken: one who takes the mark for any number, and one who knows the rule and takes a mark for 1 to 7 wherever
nothing else has been hidden for it.

The puzzle that a reader has: all counts of a release and of those before it, and the sums between them.

Secondary hiding: which counts are hidden for the sake of others, until the attack on all of them fails.

The order does not depend on any value: parts before totals, then by name. Hiding only takes away what a reader knows,
so the search ends, and a count that was safe stays safe.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, vstack
from scipy.sparse.csgraph import connected_components

from qi_analysis.disclosure.counts import INNER, LARGEST_HIDDEN, MOST, NOT_SHOWN, TOTAL, CountBook

FEWEST_VALUES = 3

SWEEPS = 40  # solutions tried for all counts at once, at most, before single ones are looked at
SEED = 11
NO_PRICE = 1e-9

Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Known:
    """What a reader knows of some counts: one place for each count.

    true: the counts. low, high: what is shown, as the smallest and largest count it can stand for; 0 and MOST where
    nothing is shown. is_marked: it stands in a table, as a mark where it is hidden. is_extra: hidden for the sake of
    another count. sums: (n sums, n counts), the factors of counts whose sum lies between 0 and most of that row.
    is_wide: sums that tie many small groups of sums together, such as those of a year.
    """

    true: Floats
    low: Floats
    high: Floats
    is_marked: Bools
    is_extra: Bools
    sums: csr_array
    most: Floats
    is_wide: Bools

    @property
    def is_hidden(self) -> Bools:
        """Where nothing is shown."""
        return self.high >= MOST

    @property
    def is_small(self) -> Bools:
        """Hidden counts of 1 to 7."""
        return self.is_hidden & (self.true >= 1) & (self.true <= LARGEST_HIDDEN)


def find_exposed(known: Known) -> Bools:
    """True for each hidden count of 1 to 7 that keeps fewer than FEWEST_VALUES possible values.

    Raises ValueError when the true counts do not fit what is said of them: then the sums are wrong, and nothing is proven.
    """
    reader = Reader(known)
    exposed = np.zeros(len(known.true), dtype=bool)
    for place in reader.list_unsure():
        exposed[place] = reader.is_exposed(place)
    return exposed


def _check_truth(known: Known) -> None:
    total = known.sums @ known.true
    fits = (known.low <= known.true).all() and (known.true <= known.high).all()
    if not fits or (total < -1e-9).any() or (total > known.most + 1e-9).any():
        raise ValueError("The true counts do not fit what is said of them.")


def find_parts(known: Known, rows: Bools | None = None) -> Places:
    """Which counts hang together by sums (of these rows); one that is shown exactly ties nothing together."""
    chosen = known.sums if rows is None else known.sums[np.flatnonzero(rows)]
    free = (known.low < known.high).astype(float)
    linked = abs(chosen).multiply(free[np.newaxis, :]).tocsr()
    _, part = connected_components(csr_array(linked.T @ linked), directed=False)
    return np.asarray(part)


class Reader:
    """One who looks for the values that the hidden counts of 1 to 7 could have.

    What was found possible stays possible when more is hidden, so it is kept. Raises ValueError as find_exposed does.
    """

    def __init__(self, known: Known) -> None:
        self.least, self.most = np.full(len(known.true), np.inf), np.full(len(known.true), -np.inf)
        self.learn(known)
        self._sweep()

    def learn(self, known: Known) -> None:
        """Less is shown from now on."""
        _check_truth(known)
        self.known, self.part = known, find_parts(known)
        self.near = find_parts(known, ~known.is_wide)
        has_sum = np.asarray(abs(known.sums).sum(axis=0)).ravel() > 0
        self.wanted = known.is_small & has_sum
        has_extra = np.isin(self.near, self.near[known.is_extra])
        self.by_rule = known.is_small & known.is_marked & ~has_extra  # 1 to 7, for one who knows the rule

    def list_unsure(self) -> Places:
        """The small counts for which no values far enough apart have been found yet."""
        return np.flatnonzero(self.wanted & self._is_unsure())

    def is_exposed(self, place: int) -> bool:
        """Whether the count at this place keeps fewer than FEWEST_VALUES possible values."""
        if self._is_unsure()[place]:
            for values in self._measure(place, self.part, self._every_row()):
                self._note(*values)
        return bool(self._is_unsure()[place])

    def find_reasons(self, place: int) -> Bools:
        """The counts that give the one at this place away: those whose limits bind where it is smallest or largest.

        By the few sums near to it where they alone expose it, else by all. A limit binds when it has a price, as linear
        programs say. Where it is the rule of marks that binds, whatever is near to the mark gives the count away.
        """
        few = ~self.known.is_wide
        values = [found[kept == place].item() for kept, found in self._measure(place, self.near, few)]
        is_near = values[1] - values[0] + 1 < FEWEST_VALUES
        binding = (
            self._find_binding(place, self.near, few)
            if is_near
            else self._find_binding(place, self.part, self._every_row())
        )
        return binding | np.isin(self.near, self.near[binding & self.by_rule])

    def _every_row(self) -> Bools:
        return np.ones(len(self.known.most), dtype=bool)

    def _is_unsure(self) -> Bools:
        return np.asarray(self.most - self.least + 1 < FEWEST_VALUES)

    def _sweep(self) -> None:
        """All counts at once, every small one as 1 to 7: what is found there is possible for every reader."""
        low = np.where(self.known.is_small, 1.0, self.known.low)
        high = np.where(self.known.is_small, LARGEST_HIDDEN, self.known.high)
        rng, in_vain, left = np.random.default_rng(SEED), 0, len(self.list_unsure())
        for number in range(SWEEPS):
            if not left or in_vain > 2:
                return
            unsure = self.wanted & self._is_unsure()
            signs = np.full(len(low), 1.0 - 2 * number) if number < 2 else rng.normal(size=len(low))
            kept = np.flatnonzero(np.isin(self.part, self.part[unsure]) & (low < high))
            self._note(kept, self._solve(kept, (signs * unsure)[kept], low[kept], high[kept], self._every_row()))
            still = len(self.list_unsure())
            in_vain, left = (in_vain + 1 if still == left else 0), still

    def _measure(self, place: int, part: Places, rows: Bools) -> list[tuple[Places, Floats]]:
        """Counts and their values where the one at this place is smallest, and where it is largest."""
        low, high = self._list_limits(place)
        kept = np.flatnonzero((part == part[place]) & (low < high))
        return [(kept, self._solve(kept, sign * (kept == place), low[kept], high[kept], rows)) for sign in (1.0, -1.0)]

    def _list_limits(self, place: int) -> tuple[Floats, Floats]:
        low = np.where(self.by_rule, 1.0, self.known.low)
        high = np.where(self.by_rule, LARGEST_HIDDEN, self.known.high)
        low[place], high[place] = 1.0, LARGEST_HIDDEN
        return low, high

    def _find_binding(self, place: int, part: Places, rows: Bools) -> Bools:
        known, (low, high) = self.known, self._list_limits(place)
        free = np.flatnonzero((part == part[place]) & (low < high))
        chosen = np.flatnonzero((np.diff(csr_array(known.sums[:, free]).indptr) > 0) & rows)
        kept = np.flatnonzero(abs(known.sums[chosen]).sum(axis=0))
        sums, is_exact = csr_array(known.sums[chosen][:, kept]), known.most[chosen] == 0
        loose, most = sums[~is_exact], known.most[chosen][~is_exact]
        binding = np.zeros(len(part), dtype=bool)
        for sign in (1.0, -1.0):
            found = linprog(
                sign * (kept == place), csr_array(vstack([loose, -loose])), np.append(most, 0 * most),
                sums[is_exact], np.zeros(is_exact.sum()), np.column_stack([low[kept], high[kept]]), "highs",
            )  # fmt: skip
            binding[kept[abs(found.lower.marginals) + abs(found.upper.marginals) > NO_PRICE]] = True
        return binding

    def _solve(self, kept: Places, weights: Floats, low: Floats, high: Floats, rows: Bools) -> Floats:
        known = self.known
        others = known.true.copy()
        others[kept] = 0.0  # the others are shown exactly, or have no bearing on the counts that are looked at
        sums = csr_array(known.sums[:, kept])
        chosen = np.flatnonzero((np.diff(sums.indptr) > 0) & rows)
        told = known.sums[chosen] @ others
        limits = LinearConstraint(sums[chosen], -told, known.most[chosen] - told)
        found = milp(weights, constraints=limits, bounds=Bounds(low, high), integrality=np.ones(len(kept)))
        if found.x is None:
            raise ValueError("The attack found no counts that fit.")
        return np.asarray(np.round(found.x))

    def _note(self, kept: Places, values: Floats) -> None:
        fits = self.wanted[kept] & (values >= 1) & (values <= LARGEST_HIDDEN)
        self.least[kept[fits]] = np.minimum(self.least[kept[fits]], values[fits])
        self.most[kept[fits]] = np.maximum(self.most[kept[fits]], values[fits])


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


def build_puzzle(book: CountBook, seen: Seen | None = None) -> Puzzle:
    """Names that always count the same are one count. With `seen`, earlier releases are a part of the puzzle."""
    counts = book.build()
    counts = counts.assign(seen_low=0.0, seen_high=MOST, is_marked=counts["order"] < NOT_SHOWN)
    sums = build_sums(counts, book)
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


def build_sums(counts: pd.DataFrame, book: CountBook) -> Said:
    """What is said of these counts, in the order of `book.sums`.

    Said of one kind are all of them exact or none is. Those with parts that are ever more than their whole are no sums,
    and of no use to a reader: they are left out.
    """
    if not book.sums:
        return Said(csr_array((0, len(counts))), np.zeros(0), np.zeros(0, dtype=bool))
    sizes = np.array([len(one.wholes[0]) for one in book.sums])
    starts = np.cumsum(sizes) - sizes
    names: list[str | None] = []
    rows, factors = [], []
    for start, size, one in zip(starts, sizes, book.sums, strict=True):
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
    is_exact = (np.bincount(group, rest != 0, len(sizes)) == 0) & ~np.array([one.is_least for one in book.sums])
    is_wide = np.repeat([one.is_wide for one in book.sums], sizes)
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


MONTHLY = r"@\d{4}-\d\d"  # in the name of what is counted by month


def find_hidden(book: CountBook, seen: Seen | None = None, start: frozenset[str] = frozenset()) -> frozenset[str]:
    """The names to hide besides the small counts, so that every hidden count of 1 to 7 keeps 3 possible values.

    First each month and each table by itself, so that a month is hidden alike in every release; then the sums over many
    months; last all that readers have seen before. Where a count is still the same, they know it as it was shown then,
    whatever is hidden now. start: hidden in any case.
    """
    puzzle = build_puzzle(book)
    hidden = _hide(replace(puzzle, sums=puzzle.sums.take(~puzzle.sums.is_wide)), puzzle.place_names(start))
    names = puzzle.list_names(_hide(puzzle, hidden))
    if seen is None or seen.counts.empty:
        return names
    puzzle = build_puzzle(book, seen)
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


def count_exposed(book: CountBook, seen: Seen | None = None) -> int:
    """How many hidden counts of 1 to 7, of this release or those before, a reader could narrow to fewer than 3 values."""
    puzzle = build_puzzle(book, seen)
    return int(find_exposed(build_known(puzzle, puzzle.place_names(book.hidden))).sum())


def protect_table(counts: pd.DataFrame) -> pd.DataFrame:
    """A table of counts with its totals, as it may be shown: missing where hidden.

    counts: whole numbers, one way (one column) or two ways. Rounded to 5, 1 to 7 hidden, totals from the true totals,
    and as much more hidden as needed. The last row, and with several columns the last column, is "total".
    """
    table = pd.concat([counts, counts.sum().to_frame("total").T])
    if len(counts.columns) > 1:
        table["total"] = table.sum(axis=1)
    book = CountBook()
    _show_table(table, book)
    return _show_table(table, CountBook(find_hidden(book)))


def _show_table(table: pd.DataFrame, book: CountBook) -> pd.DataFrame:
    parts = [name for name in table if name != "total"]
    names = {name: pd.Series([f"{row}|{name}" for row in table.index], table.index) for name in table}
    for named in names.values():
        book.add_sums(named.tail(1), [[one] for one in named.iloc[:-1]])
    if "total" in names:
        book.add_sums(names["total"], [names[name] for name in parts])
    order = np.where(table.index == "total", TOTAL, INNER)
    return pd.DataFrame(
        {name: book.show(names[name], table[name], order if name in parts else TOTAL) for name in table}
    )

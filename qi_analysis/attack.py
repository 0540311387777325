"""What could be worked out from what is shown: every hidden small count is attacked before it is released.

Whoever reads a release knows each shown count to within its rounding, and which counts add up to which. An integer
program (HiGHS, through scipy) finds the smallest and the largest value that a hidden count could have. A true count
of 1 to 7 must keep at least 3 possible values; less, and it is exposed. Decision 11; the harsher of two readers is
taken: one who takes the mark for any number, and one who knows the rule and takes a mark for 1 to 7 wherever
nothing else has been hidden for it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, vstack
from scipy.sparse.csgraph import connected_components

from qi_analysis.cells import MOST
from qi_analysis.disclosure import LARGEST_HIDDEN

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
    return part


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
        return self.most - self.least + 1 < FEWEST_VALUES

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
        return np.round(found.x)

    def _note(self, kept: Places, values: Floats) -> None:
        fits = self.wanted[kept] & (values >= 1) & (values <= LARGEST_HIDDEN)
        self.least[kept[fits]] = np.minimum(self.least[kept[fits]], values[fits])
        self.most[kept[fits]] = np.maximum(self.most[kept[fits]], values[fits])

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
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from qi_analysis.cells import MOST
from qi_analysis.disclosure import LARGEST_HIDDEN

FEWEST_VALUES = 3

SWEEPS = 40  # solutions tried for all counts at once, at most, before single ones are looked at
SEED = 11

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


def find_exposed(known: Known, among: Bools | None = None) -> Bools:
    """True for each hidden count of 1 to 7 (among these) that keeps fewer than FEWEST_VALUES possible values.

    Raises ValueError when the true counts do not fit what is said of them: then the sums are wrong, and nothing is proven.
    """
    _check_truth(known)
    reader = _Reader(known, among)
    near = find_parts(known, ~known.is_wide)
    if among is None:
        reader.sweep()
    exposed = reader.measure(near, ~known.is_wide)  # what few sums give away, all of them together do
    rest = np.flatnonzero(reader.is_unsure & ~exposed)
    return exposed | reader.measure(np.where(np.isin(np.arange(len(near)), rest), np.arange(len(near)), -1), None)


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


class _Reader:
    """One who looks for the values that the small counts could have."""

    def __init__(self, known: Known, among: Bools | None) -> None:
        self.known, self.part = known, find_parts(known)
        has_sum = np.asarray(abs(known.sums).sum(axis=0)).ravel() > 0
        wanted = known.is_small & has_sum & (True if among is None else among)
        self.wanted = wanted
        near = find_parts(known, ~known.is_wide)
        has_extra = np.isin(near, near[known.is_extra])
        self.by_rule = known.is_small & known.is_marked & ~has_extra  # 1 to 7, for one who knows the rule
        self.least = np.full(len(wanted), np.inf)
        self.most = np.full(len(wanted), -np.inf)

    @property
    def is_unsure(self) -> Bools:
        """Small counts for which no values far enough apart have been found yet."""
        return self.wanted & (self.most - self.least + 1 < FEWEST_VALUES)

    def sweep(self) -> None:
        """All counts at once, every small one as 1 to 7: what is found there is possible for every reader."""
        low = np.where(self.known.is_small, 1.0, self.known.low)
        high = np.where(self.known.is_small, LARGEST_HIDDEN, self.known.high)
        rng, in_vain, left = np.random.default_rng(SEED), 0, self.is_unsure.sum()
        for number in range(SWEEPS):
            if not left or in_vain > 2:
                return
            unsure = self.is_unsure
            signs = np.full(len(low), 1.0 - 2 * number) if number < 2 else rng.normal(size=len(low))
            kept = np.flatnonzero(np.isin(self.part, self.part[unsure]) & (low < high))
            self._note(kept, self._solve(kept, (signs * unsure)[kept], low[kept], high[kept], None))
            in_vain, left = (in_vain + 1 if self.is_unsure.sum() == left else 0), self.is_unsure.sum()

    def measure(self, part: Places, rows: Bools | None) -> Bools:
        """The counts that are not sure yet, one in each part at a time, by the sums of these rows (None: all)."""
        exposed, done = np.zeros(len(part), dtype=bool), part < 0
        while (unsure := np.flatnonzero(self.is_unsure & ~done)).size:
            _, first = np.unique(part[unsure], return_index=True)
            batch = unsure[first] if rows is not None else unsure[:1]
            least, most = self._measure(batch, part, rows)
            exposed[batch] = most - least + 1 < FEWEST_VALUES
            done[batch] = True
        return exposed

    def _measure(self, batch: Places, part: Places, rows: Bools | None) -> tuple[Floats, Floats]:
        low = np.where(self.by_rule, 1.0, self.known.low)
        high = np.where(self.by_rule, LARGEST_HIDDEN, self.known.high)
        low[batch], high[batch] = 1.0, LARGEST_HIDDEN
        near = self.part if rows is None else part
        kept = np.flatnonzero(np.isin(near, near[batch]) & (low < high))
        weights = np.isin(kept, batch).astype(float)
        found = [self._solve(kept, sign * weights, low[kept], high[kept], rows) for sign in (1, -1)]
        if rows is None:
            for values in found:
                self._note(kept, values)
        return found[0][weights > 0], found[1][weights > 0]

    def _solve(self, kept: Places, weights: Floats, low: Floats, high: Floats, rows: Bools | None) -> Floats:
        known = self.known
        others = known.true.copy()
        others[kept] = 0.0  # the others are shown exactly, or have no bearing on the counts that are looked at
        sums = csr_array(known.sums[:, kept])
        chosen = np.flatnonzero((np.diff(sums.indptr) > 0) & (True if rows is None else rows))
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

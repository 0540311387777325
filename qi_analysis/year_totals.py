"""Totals of 12 months, review after review: each window of months that moves on tells something of a hidden month.

When a month of a whole-service total is hidden, the total of 12 months less the 11 that are shown would give it
away, the more so with every review that follows. So the totals are gone through in the order in which they were
published, from the same results, and one that would tell too much is hidden.
"""

import pandas as pd

from qi_analysis.cells import EXACT, MOST, NOT_SHOWN, TOTAL, Cells
from qi_analysis.disclosure import is_small, round_count
from qi_analysis.periods import Period
from qi_analysis.protection import count_exposed
from qi_analysis.result_cells import COMPLETED_LI, ENDED_LI, FINISHED, TREATED, YEAR, name_year

FAMILIES = ((ENDED_LI, COMPLETED_LI), (TREATED, FINISHED))  # whole and part, both shown exactly by month


def find_hidden_years(counts: pd.DataFrame, period: Period) -> frozenset[str]:
    """The names of this period's totals of 12 months that must be hidden. counts: those of a release (Cells.build)."""
    known = counts.set_index("name")
    hidden: set[str] = set()
    for whole, part in FAMILIES:
        months = _take_months(known, (whole, part), period)
        if (months["high"] >= MOST).any() and not _goes_through(months, (whole, part), period):
            hidden |= {name_year(whole, period), name_year(part, period)}
    return frozenset(hidden)


def _take_months(known: pd.DataFrame, family: tuple[str, str], period: Period) -> pd.DataFrame:
    """The months that this total and the 11 before it rest on."""
    every = [period.plus(back).id for back in range(1 - 2 * YEAR + 1, 1)]
    return known.reindex([f"{base}@{month}" for base in family for month in every]).dropna(subset=["true"])


def _goes_through(months: pd.DataFrame, family: tuple[str, str], period: Period) -> bool:
    """Whether the latest total may be shown, when those before it were shown wherever that told nothing."""
    cells = Cells()
    cells.parts.append(months.assign(order=EXACT).reset_index())
    whole, part = ({month.split("@")[1]: month for month in months.index if month.startswith(one)} for one in family)
    rests = pd.Series({at: months["true"][whole[at]] - months["true"][part[at]] for at in whole if at in part})
    cells.note(family[0] + " less@" + rests.index, rests, rests.astype("float64") * float("nan"), NOT_SHOWN)
    cells.add_sums(
        [whole[at] for at in rests.index], [[part[at] for at in rests.index], family[0] + " less@" + rests.index]
    )
    shown = True
    for back in range(1 - YEAR, 1):
        trial = Cells(parts=list(cells.parts), sums=list(cells.sums))
        _show_total(trial, months, family, period.plus(back))
        shown = count_exposed(trial) == 0
        cells = trial if shown else cells
    return shown


def _show_total(cells: Cells, months: pd.DataFrame, family: tuple[str, str], period: Period) -> None:
    every = [period.plus(back).id for back in range(1 - YEAR, 1)]
    totals = pd.Series([months["true"].reindex([f"{one}@{month}" for month in every]).sum() for one in family])
    is_hidden = is_small(pd.Series([*totals, totals[0] - totals[1]])).any()
    names = [name_year(one, period) for one in family]
    cells.note(names, totals, round_count(totals) * (float("nan") if is_hidden else 1.0), TOTAL)
    cells.add_sums(names, [[f"{one}@{month}" for one in family] for month in every])

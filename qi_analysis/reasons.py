"""Why do people leave? Recorded reasons by size, and how people who left early were, for page 7; protected.

Counted: LI episodes that ended in the last 12 months without being completed, stepped up or ended by death. An
end code says how a referral ended, in the words of whoever closed it; it is not what the person would say.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from qi_analysis.cells import TOTAL, Cells
from qi_analysis.disclosure import LARGEST_HIDDEN, SMALLEST_BASE
from qi_analysis.flags import ENDED
from qi_analysis.periods import Period
from qi_analysis.result_cells import COMPLETED_LI, ENDED_LI, LEFT_LI, name_year
from qi_analysis.workings import Workings

MONTHS = 12
NOT_RECORDED, OTHERS = "not recorded or not known", "other reasons together"
REASONS = {  # end code: in words for a reader; the national names are in data/reference/end_codes.csv
    "10": "not suitable for treatment here, no further action or back to the referrer",
    "11": "signposted elsewhere by agreement",
    "12": "ended by agreement after advice and support",
    "13": "referred to another therapy service by agreement",
    "14": "decided not to take up the treatment offered",
    "16": "left during the assessment",
    "46": "ended as planned, too few sessions to count as completed",
    "47": "left before the practitioner had planned",
    "48": "ended by the service before the person wished",
    "50": "recorded as not assessed",
}
LEFT_EARLY = ("dropped_out", "declined")
REASON_TOTAL, SCORE_TOTAL = "reasons total", "scores total"  # the names of two counts
STATES = ("better", "not_better", "cannot_tell")


def build_reasons(workings: Workings, cells: Cells | None = None) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """(tables reasons and reasons_scores, the facts of the page). Every count goes through `cells`."""
    cells = cells or Cells()
    ended = build_ended(workings)
    first = workings.period.plus(1 - MONTHS)
    exits = ended["exit"]
    left = ended[exits.isin(LEFT_EARLY).to_numpy()]
    tables = {"reasons": build_reason_counts(ended, cells), "reasons_scores": build_score_counts(left, cells)}
    _add_year(cells, workings.period)
    return tables, {"months": [first.words, workings.period.words]}


def _add_year(cells: Cells, period: Period) -> None:
    """The totals are what the monthly results say of the year: everyone who ended, less who completed; who left."""
    ended, completed, left = (name_year(one, period) for one in (ENDED_LI, COMPLETED_LI, LEFT_LI))
    cells.add_sums([ended], [[completed], [REASON_TOTAL]], is_wide=True)
    cells.add_sums([left], [[SCORE_TOTAL]], is_wide=True)


def build_ended(workings: Workings, months: int = MONTHS) -> pd.DataFrame:
    """LI episodes of the headline denominator that ended in the months to the period, with `exit`, their category."""
    referrals = workings.pathways.referrals
    exits = referrals[f"exit_{workings.record.completion.team_choice}"]
    first, last = _month_span(workings.period, months)
    chosen = (referrals["is_li"] & exits.isin(ENDED) & referrals["li_end"].between(first, last)).to_numpy()
    return referrals[chosen].assign(exit=exits[chosen])


def _month_span(period: Period, months: int) -> tuple[pd.Timestamp, pd.Timestamp]:
    return pd.Timestamp(period.plus(1 - months).start), pd.Timestamp(period.end)


def build_reason_counts(ended: pd.DataFrame, cells: Cells | None = None) -> pd.DataFrame:
    """reason, people, total, share, running_share: "not recorded" first, then by size, small reasons together last.

    Reasons of 1 to 7 people are counted together. people and total are rounded to 5; a sum of 1 to 7 is hidden.
    share and running_share (this row and those above) come from the rounded numbers and stop at 1. Reasons of the
    same size stand in alphabetical order. No row for "not recorded" only when nobody ended without completing.
    """
    reason = _name_reasons(ended[(ended["exit"] != "completed").to_numpy()])
    counts = reason.value_counts().astype("float64")
    small = (counts <= LARGEST_HIDDEN) & (counts.index != NOT_RECORDED)
    named = counts[~small].drop(NOT_RECORDED, errors="ignore").sort_index().sort_values(ascending=False, kind="stable")
    known = {NOT_RECORDED: counts.get(NOT_RECORDED, 0.0)} if len(counts) else {}
    rest = {OTHERS: counts[small].sum()} if small.any() else {}
    every = pd.concat([pd.Series(part, dtype="float64") for part in (known, named, rest)])
    people, total = _show_parts(cells or Cells(), "reasons." + every.index.astype("object"), every, REASON_TOTAL)
    base = total if total >= SMALLEST_BASE else np.nan
    share = (people / base).clip(upper=1)
    running = (people.fillna(0).cumsum() / base).clip(upper=1)
    frame = pd.DataFrame({"people": people, "total": total, "share": share, "running_share": running})
    return frame.rename_axis("reason").reset_index()


def _show_parts(cells: Cells, names: Sequence[str], parts: pd.Series, total: str) -> tuple[pd.Series, float]:
    """Parts and their total as they may be shown."""
    cells.add_sums([total], [[name] for name in names])
    return cells.show(names, parts), float(cells.show([total], pd.Series([parts.sum()]), TOTAL).iloc[0])


def _name_reasons(left: pd.DataFrame) -> pd.Series:
    """The recorded reason of each episode in words; an ending that counts as not known has none."""
    words = left["end_code"].astype("object").map(REASONS)
    is_unknown = left["exit"].eq("unknown").to_numpy()
    return words.fillna("another recorded reason").mask(is_unknown, NOT_RECORDED)


def build_score_counts(left: pd.DataFrame, cells: Cells | None = None) -> pd.DataFrame:
    """state, people, total, share of people who left early: better, not_better, cannot_tell (rounded to 5).

    Better is reliable improvement between the first and last recorded scores of the referral: PHQ-9 down by at
    least 6 or GAD-7 by at least 4, and neither up by as much. Without two scores of one questionnaire we cannot
    tell. Shares come from the rounded numbers, on at least 20 people.
    """
    paired, improved = left["is_paired"].to_numpy(dtype=bool), left["improved"].to_numpy(dtype=bool)
    counts = pd.Series([(paired & improved).sum(), (paired & ~improved).sum(), (~paired).sum()], dtype="float64")
    people, total = _show_parts(cells or Cells(), [f"scores.{state}" for state in STATES], counts, SCORE_TOTAL)
    share = (people / (total if total >= SMALLEST_BASE else np.nan)).clip(upper=1)
    return pd.DataFrame({"state": STATES, "people": people, "total": total, "share": share})

"""Caseness, recovery and reliable change from PHQ-9 and GAD-7 (M179 to M195).

First and last recorded score of each questionnaire; a first score counts only with a later last one. A person
with one questionnaire paired is judged on that one.
"""

import numpy as np
import pandas as pd

from qi_analysis.codes import GAD7, PHQ9, REFERENCE, read_rows


def _thresholds() -> dict[str, tuple[float, float]]:
    """tool -> (caseness at or above, reliable change), from data/reference/outcome_measures.csv."""
    rows = {row["snomed"]: row for row in read_rows(REFERENCE / "outcome_measures.csv")}
    return {
        tool: (float(rows[tool]["caseness_at_or_above"]), float(rows[tool]["reliable_change"])) for tool in (PHQ9, GAD7)
    }


def add_outcomes(referrals: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Adds is_paired, at_caseness, not_at_caseness, recovered, improved, deteriorated and unchanged, all true or false.

    scores: referral, tool, score in order of recording within referral and tool.
    """
    n = len(referrals)
    shape = (2, n)
    paired, case_first, case_last, fell, rose = (np.zeros(shape, dtype=bool) for _ in range(5))
    for row, (tool, (caseness, change)) in enumerate(_thresholds().items()):
        chosen = scores[(scores["tool"] == tool).to_numpy()]
        owner, start, count = np.unique(chosen["referral"].to_numpy(), return_index=True, return_counts=True)
        value = chosen["score"].to_numpy()
        both = count > 1
        who, first, last = owner[both], value[start[both]], value[(start + count - 1)[both]]
        paired[row, who] = True
        case_first[row, who], case_last[row, who] = first >= caseness, last >= caseness
        fell[row, who], rose[row, who] = first - last >= change, last - first >= change
    any_pair, at_caseness = paired.any(axis=0), case_first.any(axis=0)
    improved = fell.any(axis=0) & ~rose.any(axis=0)
    deteriorated = rose.any(axis=0) & ~fell.any(axis=0)
    return referrals.assign(
        is_paired=any_pair,
        at_caseness=at_caseness,
        not_at_caseness=any_pair & ~at_caseness,
        recovered=at_caseness & ~case_last.any(axis=0),
        improved=improved,
        deteriorated=deteriorated,
        unchanged=any_pair & ~improved & ~deteriorated,
    )

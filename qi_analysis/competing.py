"""Competing risks: the share of people to whom each kind of end has happened by a day.

The estimator is that of Aalen and Johansen. The ends exclude one another, and people still in treatment are
censored on the day they were last looked at. One Kaplan-Meier curve for each end would treat the other ends as
if they could still be followed by it, and say too much for every one of them.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

NOT_ENDED = -1
NOBODY = 1e-12  # a share of people left in treatment that is none but for the arithmetic


def build_incidence(days: np.ndarray, end: np.ndarray, names: Sequence[str], at: np.ndarray) -> pd.DataFrame:
    """One row for each day of `at`: day, at_risk, and for each name the share (0 to 1) with that end by then.

    days: whole days each person was followed, 0 or more. end: the place of their end in `names`, or NOT_ENDED.
    at_risk counts the people followed so far and not ended before that day. Ends of a day come before what is
    censored on it. A share is missing after the last day that anyone was followed to, unless everyone had ended by then.
    Source: Aalen and Johansen 1978; the same figures as CumIncidenceRight of statsmodels 0.15.
    """
    distinct, place = np.unique(days, return_inverse=True)
    ends = np.zeros((len(names), len(distinct)))
    has_ended = end != NOT_ENDED
    np.add.at(ends, (end[has_ended], place[has_ended]), 1)
    followed = np.sort(days)
    at_risk = len(days) - np.searchsorted(followed, distinct, side="left")
    left = np.cumprod(1 - ends.sum(axis=0) / at_risk)
    share = np.cumsum(np.append(1.0, left)[:-1] * ends / at_risk, axis=1)
    upto = np.searchsorted(distinct, at, side="right")
    share = np.column_stack([np.zeros(len(names)), share])[:, upto]
    still = len(days) - np.searchsorted(followed, at, side="left")
    is_known = (still > 0) | bool(len(left) and left[-1] < NOBODY)
    columns = {name: np.where(is_known, share[number], np.nan) for number, name in enumerate(names)}
    return pd.DataFrame({"day": at, "at_risk": still, **columns})

"""Referrals open at the end of a month, as it then stood: waiting (M038) and by days since treatment (M019 to M022)."""

import numpy as np
import pandas as pd

from qi_analysis.contacts import months_of
from qi_analysis.pathways import Pathways

OPEN_BANDS = {
    "open_within_60_days": (0, 60),
    "open_61_to_90_days": (61, 90),
    "open_91_to_120_days": (91, 120),
    "open_over_120_days": (121, np.inf),
}


def calculate_open(numerator: str, pathways: Pathways, first: int, n_months: int) -> dict[str, np.ndarray]:
    """Referrals open at the end of each month as it then stood: waiting (M038), or by days since treatment."""
    if numerator == "waiting_for_treatment":
        known = pathways.referrals[pathways.referrals["is_known"].to_numpy()]
        left = known[["ended_on", "first_treatment_on"]].min(axis=1)
        count = _running(known["received_on"], first, n_months) - _running(left, first, n_months)
    else:
        low, high = OPEN_BANDS[numerator]
        month, days = _last_treatments(pathways, first, n_months)
        count = np.bincount(month[(days >= low) & (days <= high)], minlength=n_months).astype("float64")
    return {"numerator": count, "denominator": np.full(n_months, np.nan), "value": count}


def _running(days: pd.Series, first: int, n_months: int) -> np.ndarray:
    """How many of the days lie in or before each month."""
    month = np.maximum(months_of(days.dropna()) - first, 0)
    return np.cumsum(np.bincount(month[month < n_months], minlength=n_months)).astype("float64")


def _last_treatments(pathways: Pathways, first: int, n_months: int) -> tuple[np.ndarray, np.ndarray]:
    """(month, days from the last treatment to its end) for each referral open and treated at a month's end."""
    chosen = pathways.contacts[pathways.contacts["is_treatment"].to_numpy()]
    referral, on = chosen["referral"].to_numpy(), chosen["contact_on"].to_numpy()
    order = np.lexsort((on, referral))
    referral, on = referral[order], on[order]
    ended = months_of(pathways.referrals["ended_on"])
    last = np.where(ended < 0, first + n_months, ended)[referral]
    follows = np.append(referral[1:] == referral[:-1], False)
    month = months_of(pd.Series(on))
    replaced = np.where(follows, np.append(month[1:], 0), first + n_months)
    begin = np.maximum(month - first, 0)
    times = np.maximum(np.minimum(np.minimum(last, replaced) - first, n_months) - begin, 0)
    step = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    at = np.repeat(begin, times) + step
    ends = ((at + first + 1 - 1970 * 12).astype("datetime64[M]")).astype("datetime64[D]") - np.timedelta64(1, "D")
    days = (ends - np.repeat(on.astype("datetime64[D]"), times)).astype("int64")
    return at, days

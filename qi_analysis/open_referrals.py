"""What was open at the end of a month, as it then stood.

Referrals: waiting (M038) and by days since treatment (M019 to M022). LI episodes: those with no contact for long.
"""

import numpy as np
import pandas as pd

from qi_analysis.contacts import months_of
from qi_analysis.pathways import Pathways
from qi_analysis.sequences import order_key

OPEN_BANDS = {
    "open_within_60_days": (0, 60),
    "open_61_to_90_days": (61, 90),
    "open_91_to_120_days": (91, 120),
    "open_over_120_days": (121, np.inf),
}
IDLE_DAYS = {"li_open_idle_60": 60, "li_open_idle_120": 120}  # more than so many days


def calculate_open(pathways: Pathways, first: int, n_months: int) -> dict[str, np.ndarray]:
    """Referrals open at the end of each month as it then stood: waiting (M038), and by days since treatment.

    first: the first month, as year * 12 + month - 1. Each name gives one number a month.
    """
    known = pathways.referrals[pathways.referrals["is_known"].to_numpy()]
    left = np.fmin(known["ended_on"].to_numpy(), known["first_treatment_on"].to_numpy())
    waiting = _running(known["received_on"].to_numpy(), first, n_months) - _running(left, first, n_months)
    month, days = _last_treatments(pathways, first, n_months)
    edges = [low for low, _ in OPEN_BANDS.values()]
    band = np.searchsorted(edges, days, side="right") - 1  # -1: a treatment after the end of the month
    inside = band >= 0
    cells = np.bincount(month[inside] * len(edges) + band[inside], minlength=n_months * len(edges))
    numbers = cells.reshape(n_months, len(edges)).astype("float64")
    return {"waiting_for_treatment": waiting} | {name: numbers[:, place] for place, name in enumerate(OPEN_BANDS)}


def _running(days: np.ndarray, first: int, n_months: int) -> np.ndarray:
    """How many of the days lie in or before each month."""
    month = np.maximum(months_of(pd.Series(days[~np.isnat(days)])) - first, 0)
    return np.cumsum(np.bincount(month[month < n_months], minlength=n_months)).astype("float64")


def _last_treatments(pathways: Pathways, first: int, n_months: int) -> tuple[np.ndarray, np.ndarray]:
    """(month, days from the last treatment to its end) for each referral open and treated at a month's end."""
    chosen = pathways.contacts[pathways.contacts["is_treatment"].to_numpy()]
    events = (chosen["referral"].to_numpy(), chosen["contact_on"].to_numpy())
    return _since_last(events, months_of(pathways.referrals["ended_on"]), first, n_months)


def calculate_open_episodes(pathways: Pathways, first: int, n_months: int) -> dict[str, np.ndarray]:
    """LI episodes open at the end of each month as it then stood, and those idle: no seen contact for over 60 or 120 days.

    first: the first month, as year * 12 + month - 1. Each name gives one number a month. A step-up ends an episode
    from the month on in which it was known. The day LI began counts as a contact.
    """
    referrals, contacts = pathways.referrals, pathways.contacts
    known = np.fmin(referrals["ended_on"].to_numpy(), referrals["step_up_known_on"].to_numpy())
    start = referrals["li_start"].to_numpy()
    begun = np.flatnonzero(~np.isnat(start))
    referral, on = contacts["referral"].to_numpy(), contacts["contact_on"].to_numpy()
    seen = contacts["is_seen"].to_numpy() & (on > start[referral])
    events = (np.append(begun, referral[seen]), np.append(start[begun], on[seen]))
    month, days = _since_last(events, months_of(pd.Series(known)), first, n_months)
    counts = {"li_open": month} | {name: month[days > least] for name, least in IDLE_DAYS.items()}
    return {name: np.bincount(at, minlength=n_months).astype("float64") for name, at in counts.items()}


def _since_last(
    events: tuple[np.ndarray, np.ndarray], ended: np.ndarray, first: int, n_months: int
) -> tuple[np.ndarray, np.ndarray]:
    """(month, days from the last event to its end) for each referral that has had one and is open at a month's end.

    events: (referral, day) of each. ended: for each referral the month it ended, negative where it has not.
    """
    referral, on = events
    order = np.argsort(order_key(referral, on, np.zeros(len(on))), kind="stable")
    referral, on = referral[order], on[order]
    last = np.where(ended < 0, first + n_months, ended)[referral]
    follows = np.append(referral[1:] == referral[:-1], False)
    month = months_of(pd.Series(on))
    replaced = np.where(follows, np.append(month[1:], 0), first + n_months)
    begin = np.maximum(month - first, 0)
    times = np.maximum(np.minimum(np.minimum(last, replaced) - first, n_months) - begin, 0)
    step = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    at = np.repeat(begin, times) + step
    months = (np.arange(n_months) + first + 1 - 1970 * 12).astype("datetime64[M]")
    ends = months.astype("datetime64[D]").astype("int64") - 1
    return at, ends[at] - np.repeat(on.astype("datetime64[D]").astype("int64"), times)

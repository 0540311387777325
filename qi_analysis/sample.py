"""The shipped synthetic extract: invented referrals to a service of the size and habits of the real one.

Nobody in it exists. What happens (who is referred, seen, treated and how it ends) is drawn here; how it is
submitted month by month, with the faults of a real extract, is in sample_rows. Sizes and shares come from
data/reference/calibration.csv (RWS, 2021-22) or are named below. Days are counted from 1 January 1970.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from qi_analysis.errors import RecordProblem
from qi_analysis.periods import Period
from qi_analysis.sample_care import (
    ASSESSED_ONLY_SHARE,
    HI,
    LI,
    Block,
    Known,
    build_endings,
    build_extra,
    build_missed,
    build_quiet_month,
    build_visits,
)  # fmt: skip
from qi_analysis.sample_layout import Span, write_headers
from qi_analysis.sample_rows import write_block
from qi_analysis.sample_therapy import build_logs, build_scores, build_therapies

FIRST_MONTH = Period(2021, 1)
REFERENCE = Path(__file__).parents[1] / "data" / "reference"
AGE_BANDS = {  # of demographics_age, from and to
    "Under 18": (16, 18),
    "18 to 25": (18, 26),
    "26 to 64": (26, 65),
    "65 to 74": (65, 75),
    "75 to 89": (75, 90),
    "90 and over": (90, 96),
}
IMD = "demographics_imd_as_published"
REFERRALS_A_MONTH = 535  # report of 2021-22: about 6,500 a year
RETURN_SHARE, OVERLAP_SHARE = 0.063, 0.016  # leave 5% and 1% once impossible pairs are dropped
REFERRALS_BAND = (440, 630)  # kept inside this band in every month but December


def write_sample(
    folder: Path, *, seed: int = 2021, months: int = 30, size: int = 1, first: Period = FIRST_MONTH
) -> None:
    """Write the synthetic extract in the national layout, one UTF-8 CSV per table.

    `size` 1 to 100 multiplies the number of referrals (1: about 535 a month). It is so many blocks, each with
    its own seed and written at once, so that memory does not grow. The same arguments give the same bytes.
    Tables of the same names are replaced. Raises RecordProblem for any other size or for no months.
    """
    if size not in range(1, 101):
        raise RecordProblem("The size of the synthetic extract is not a whole number from 1 to 100. Choose one.")
    if months < 1:
        raise RecordProblem("The synthetic extract has no months. Ask for 1 or more.")
    known, span = read_calibration(), Span(first, months)
    folder.mkdir(parents=True, exist_ok=True)
    write_headers(folder, span)
    for number in range(size):
        rng = np.random.Generator(np.random.PCG64([seed, number]))
        write_block(folder, build_block(rng, span, known, number), rng)


def read_calibration(path: Path = REFERENCE / "calibration.csv") -> Known:
    """The figures for this service, 2021-22 where there are years: (topic, item) to value."""
    rows = pd.read_csv(path, dtype={"item": str})
    rows = rows[rows.org.isin(["RWS", "RWS-like"]) & rows.period.isin(["2021-22", "2021-22..2024-25", "-"])]
    rows = rows[~rows.measure.isin(["finished_per_referral", "recovery_pct"])]
    rows = rows[rows.topic != "therapy_outcomes"]
    return dict(zip(zip(rows.topic, rows["item"], strict=True), rows.value, strict=True))


def build_block(rng: np.random.Generator, span: Span, known: Known, number: int) -> Block:
    """One service's worth of referrals, with their contacts and internet-therapy logs."""
    referrals = _build_referrals(rng, span, known)
    visits = build_visits(rng, span, referrals, known)
    referrals, visits = build_quiet_month(span, referrals, visits)
    referrals = build_endings(rng, span, referrals, visits)
    missed = build_missed(rng, referrals, visits, known)
    extra = build_extra(rng, referrals, visits, known)
    contacts = pd.concat([visits, missed, extra], ignore_index=True)
    contacts["day"] = span.clinic_days[contacts.pop("place")]
    late = rng.random(len(contacts)) < known["generator_parameter", "p_late_but_seen_of_attended"]
    contacts["attendance"] = np.where(contacts.attendance.eq(5) & late, 6, contacts.attendance)
    contacts = contacts.sort_values(["referral", "day"], kind="stable", ignore_index=True)
    contacts = build_therapies(rng, referrals, contacts, known)
    referrals, contacts = build_scores(rng, referrals, contacts)
    contacts = contacts[contacts.day <= span.end].reset_index(drop=True)
    referrals["person"] = _calculate_people(rng, referrals)
    return Block(number, span, known, referrals, contacts, build_logs(rng, span, referrals, visits))


def _build_received(rng: np.random.Generator, span: Span, known: Known) -> np.ndarray:
    """Sorted received days: seasonal months (December low), few at week-ends."""
    calendar = [(span.first.month + step - 1) % 12 + 1 for step in range(span.months)]
    season = np.array([known["seasonal_index", f"referrals_month_{month:02d}"] for month in calendar])
    lowest = np.where(season < 0.8, 0, REFERRALS_BAND[0])
    numbers = np.clip(rng.poisson(REFERRALS_A_MONTH * season), lowest, REFERRALS_BAND[1])
    days = np.arange(span.start, span.end + 1)
    weight = np.append(0, np.cumsum(np.where((days + 3) % 7 >= 5, 0.3, 1.0)))
    month = np.repeat(np.arange(span.months), numbers)
    edges = weight[span.month_starts - span.start]
    low, high = edges[month], edges[month + 1]
    place = np.searchsorted(weight, low + rng.random(len(month)) * (high - low), side="right") - 1
    return np.sort(days[np.minimum(place, len(days) - 1)])


def _build_referrals(rng: np.random.Generator, span: Span, known: Known) -> pd.DataFrame:
    """One row per referral: what becomes of it and how many LI and HI sessions it is to have."""
    received = _build_received(rng, span, known)
    n = len(received)
    li = known["generator_parameter", "li_starters_per_month"] / REFERRALS_A_MONTH
    not_seen, finished = (known["funnel", f"{name}_share_of_ended"] for name in ("not_seen", "finished"))
    shares = [not_seen, ASSESSED_ONLY_SHARE, 1 - not_seen - finished - ASSESSED_ONLY_SHARE, li, finished - li]
    kind = rng.choice(5, n, p=shares)
    doses = [known["li_sessions_attended_distribution", item] for item in (*"12345678", "9_or_more")]
    n_li = np.where(kind == LI, rng.choice(9, n, p=doses) + 1, 0)
    n_li = np.where(n_li == 9, n_li + rng.geometric(0.6, n) - 1, n_li)
    stepped_up = (kind == LI) & (rng.random(n) < known["generator_parameter", "p_stepped_up_given_li_first"])
    course, after_li = 1 + rng.negative_binomial(2, 0.175, n), 2 + rng.negative_binomial(2, 0.25, n)
    n_hi = np.select([kind == HI, stepped_up], [course, after_li])  # means near 10 and 8
    n_down = np.where((kind == HI) & (n_hi >= 4) & (rng.random(n) < 0.03), rng.integers(2, 5, n), 0)
    columns = {"received": received, "kind": kind, "n_li": n_li, "n_hi": n_hi, "n_down": n_down}
    return pd.DataFrame(columns).assign(age=_build_ages(rng, n, known), decile=_build_deciles(rng, n, known))


def _build_ages(rng: np.random.Generator, n: int, known: Known) -> np.ndarray:
    """Age in years at referral; within 26 to 64 the younger are the more common."""
    share = np.array([known["demographics_age", name] for name in AGE_BANDS])
    band = rng.choice(len(share), n, p=share / share.sum())
    low, high = np.array(list(AGE_BANDS.values()))[band].T
    return low + (high - low) * rng.random(n) ** np.where(low == 26, 1.5, 1.0)


def _build_deciles(rng: np.random.Generator, n: int, known: Known) -> np.ndarray:
    """Deprivation deciles as the field has them, 1 = most deprived (published tables count the other way)."""
    published = {item: value for (topic, item), value in known.items() if topic == IMD and item[:2].isdigit()}
    share, rank = np.array(list(published.values())), np.array([int(item[:2]) for item in published])
    return (11 - rank)[rng.choice(len(rank), n, p=share / share.sum())]


def _calculate_people(rng: np.random.Generator, referrals: pd.DataFrame) -> np.ndarray:
    """Which person each referral belongs to: mostly its own; some come back within 90 days, a few overlap."""
    n = len(referrals)
    received, left, luck = referrals.received.to_numpy(), referrals.left.to_numpy(), rng.random(n)
    by_left = np.argsort(left, kind="stable")
    low, high = (np.searchsorted(left[by_left], received - days) for days in (90, 0))
    back = by_left[np.minimum(low + np.floor(rng.random(n) * (high - low)).astype(int), n - 1)]
    beside = np.maximum(np.arange(n) - 1 - np.floor(rng.random(n) * 1000).astype(int), 0)
    returns = (luck < RETURN_SHARE) & (high > low)
    open_beside = (left[beside] > received) & (received[beside] < received)
    overlaps = (luck > 1 - OVERLAP_SHARE) & open_beside
    donor = np.select([returns, overlaps], [back, beside], np.arange(n))
    again = donor != np.arange(n)
    usable = again & ~again[donor] & ~referrals.clean & ~pd.Series(donor).where(again).duplicated()
    return np.where(usable, donor, np.arange(n))

"""What happens in the synthetic extract: visits, endings and missed appointments.

Days are counted from 1 January 1970. A place is a position among the clinic days (week-days outside the
Christmas closure), on which all intervals are laid out. Figures come from calibration.csv or are named here.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from qi_analysis.sample_layout import NEVER, Rng, Span

NOT_SEEN, ASSESSED, ONCE, LI, HI = range(5)  # what becomes of a referral
FIRST, LOW, HIGH, DOWN = range(4)  # stretches of a pathway: assessment, LI, HI, LI after HI
ASSESSED_ONLY_SHARE = 0.007  # seen but not treated (M074 over M056)
QUIET_MONTH = 7  # in this month (counted from 0) only 3 people start LI, when 20 months or more are asked for
FEW_STARTERS = 3
END_CODES = ("46", "47", "14", "11", "10", "12", "16", "48", "50", "95", "17", "49", "45")  # 45: retired
# fmt: off
END_MIX = np.array([  # chosen so that all endings together come near end_code_share_of_ended
    # 46   47    14    11    10    12    16     48     50    95     17      49      45
    [0.00, 0.00, 0.60, 0.17, 0.18, 0.01, 0.020, 0.000, 0.01, 0.007, 0.0015, 0.0000, 0.0015],  # not seen
    [0.06, 0.05, 0.48, 0.23, 0.14, 0.01, 0.010, 0.000, 0.00, 0.012, 0.0015, 0.0000, 0.0015],  # seen once
    [0.17, 0.38, 0.34, 0.06, 0.02, 0.01, 0.005, 0.010, 0.00, 0.002, 0.0000, 0.0015, 0.0015],  # 1 LI session
    [0.66, 0.21, 0.09, 0.02, 0.00, 0.01, 0.000, 0.006, 0.00, 0.002, 0.0000, 0.0010, 0.0010],  # 2 or 3
    [0.85, 0.10, 0.03, 0.01, 0.00, 0.00, 0.000, 0.006, 0.00, 0.002, 0.0000, 0.0010, 0.0010],  # 4 or more
    [0.68, 0.24, 0.06, 0.01, 0.00, 0.00, 0.000, 0.006, 0.00, 0.002, 0.0000, 0.0010, 0.0010],  # HI
])
MISSED_AT_THE_END = np.array([  # chance of 0, 1, 2 missed appointments after the last visit, rows as END_MIX
    [0.45, 0.40, 0.15], [0.70, 0.25, 0.05], [0.30, 0.50, 0.20],
    [0.30, 0.50, 0.20], [0.40, 0.45, 0.15], [0.30, 0.50, 0.20],
])
# fmt: on
YOUNG_LEAVE, DEPRIVED_LEAVE, OLD_STAY = 0.10, 0.08, 0.25  # shares whose 46 becomes 47, or the other way round
# Median days from last contact to discharge for each row of END_MIX, then for a mutually agreed ending.
# People who stop coming stay open for longer, so that time from start to end hardly depends on the exit.
# Around days_last_li_contact_to_discharge_median (21).
DAYS_TO_DISCHARGE, DAYS_WHEN_AGREED = np.array([20, 24, 52, 46, 24, 24]), 11
BESIDE_A_VISIT = 0.04  # an employment or review contact 1 to 3 days after a session
FOLLOWED_UP = 0.004  # of sessions: a follow-up after discharge
FORGOTTEN_SHARE, FORGOTTEN_DAYS = 0.03, 180  # the long right tail
HI_MEDIANS = (54, 8)  # days to the first HI session and between them; near M123 to M126 and M351
MISSED_BEFORE_A_VISIT = 0.135  # chance of a missed appointment before each that is kept
Known = dict[tuple[str, str], float]


@dataclass(frozen=True)
class Block:
    """One service's worth of referrals, contacts and logs."""

    number: int
    span: Span
    known: Known
    referrals: pd.DataFrame
    contacts: pd.DataFrame
    logs: pd.DataFrame

    def fault_rate(self, item: str) -> float:
        """How often a fault is made, as calibration.csv has it."""
        return self.known["defect_injection_rate", item]


def draw_rows(rng: Rng, shares: np.ndarray) -> np.ndarray:
    """One column number for each row of shares (rows need not add up to 1 exactly)."""
    edges = np.cumsum(shares, axis=1)
    return (rng.random((len(shares), 1)) * edges[:, -1:] > edges).sum(axis=1)


def build_visits(rng: Rng, span: Span, referrals: pd.DataFrame, known: Known) -> pd.DataFrame:
    """One row per kept appointment, placed on clinic days; waits and intervals are log-normal."""
    seen = (referrals.kind > NOT_SEEN).astype(int)
    counts = np.stack([seen, referrals.n_li, referrals.n_hi, referrals.n_down], axis=1).ravel()
    cell = np.repeat(np.arange(len(counts)), counts)
    referral, stretch = np.divmod(cell, 4)
    step = np.arange(len(cell)) - np.repeat(np.cumsum(counts) - counts, counts)
    gap = _build_gaps(rng, stretch, step, known)
    total = np.cumsum(gap)
    before = (total - gap)[np.flatnonzero(np.append(True, np.diff(referral) > 0))]
    start = np.searchsorted(span.clinic_days, referrals.received)[referral]
    place = start + total - np.repeat(before, np.unique(referral, return_counts=True)[1])
    kind = referrals.kind.to_numpy()[referral]
    first_type = np.where((kind == ASSESSED) | ((kind != ONCE) & (rng.random(len(cell)) < 0.03)), 1, 3)
    app_type = np.where(stretch == FIRST, first_type, np.where(rng.random(len(cell)) < 0.05, 5, 2))
    columns = {"referral": referral, "stretch": stretch, "step": step, "gap": gap, "app_type": app_type}
    return pd.DataFrame(columns).assign(place=np.minimum(place, span.last_place), attendance=5)


def _build_gaps(rng: Rng, stretch: np.ndarray, step: np.ndarray, known: Known) -> np.ndarray:
    """Clinic days since the visit before, or since the referral; log-normal around the medians."""
    wait = known["sessions_waits_outcomes", "median_days_referral_to_first_treatment"]
    to_li = known["generator_parameter", "days_assessment_to_first_li_median"]
    between = known["generator_parameter", "days_between_li_sessions_median"]
    first, later = np.array([wait, to_li, HI_MEDIANS[0], 20]), np.array([0, between, HI_MEDIANS[1], between])
    spread = np.where(step > 0, 0.45, np.array([0.8, 0.8, 0.75, 0.5])[stretch])
    days = np.where(step > 0, later[stretch], first[stretch]) * np.exp(spread * rng.standard_normal(len(step)))
    days = np.where(stretch == FIRST, np.minimum(days, 70), np.maximum(days, 5))
    return np.rint(days * 5 / 7).astype(int)


def build_quiet_month(span: Span, referrals: pd.DataFrame, visits: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leave 3 LI starters in one month: its other starters are seen once only. Marks who must stay clean."""
    referrals, day = referrals.assign(clean=False), span.clinic_days[visits.place]
    if span.months < 20:
        return referrals, visits
    low = (visits.stretch == LOW) & (span.month_of(day) == QUIET_MONTH)
    starters = visits.referral[low & (visits.step == 0)].to_numpy()
    lost = np.isin(np.arange(len(referrals)), starters[FEW_STARTERS:])
    referrals = referrals.assign(clean=np.isin(np.arange(len(referrals)), visits.referral[low]))
    referrals.loc[lost, ["kind", "n_li", "n_hi"]] = [ONCE, 0, 0]
    return referrals, visits[~(lost[visits.referral] & (visits.stretch > FIRST))]


def build_endings(rng: Rng, span: Span, referrals: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """Add the row of END_MIX, the end code and the day of discharge (NEVER when after the extract)."""
    n = len(referrals)
    last = visits.groupby("referral").place.max().reindex(range(n)).to_numpy()
    last = np.where(np.isnan(last), np.searchsorted(span.clinic_days, referrals.received), last).astype(int)
    kind, n_li = referrals.kind, referrals.n_li
    cases = [kind == NOT_SEEN, kind <= ONCE, referrals.n_hi > 0, n_li == 1, n_li <= 3]
    group = np.select(cases, [0, 1, 5, 2, 3], 4)
    code = draw_rows(rng, END_MIX[group])
    luck, treated = rng.random(n), group >= 2
    likely = YOUNG_LEAVE * (referrals.age < 26) + DEPRIVED_LEAVE * (referrals.decile <= 4)
    leaves = treated & (code == 0) & (luck < likely)
    stays = treated & (code == 1) & (referrals.age >= 65) & (luck < OLD_STAY)
    code = np.select([leaves, stays], [1, 0], code)
    median = np.where((code == 0) & treated, DAYS_WHEN_AGREED, DAYS_TO_DISCHARGE[group])
    forgotten = (rng.random(n) < FORGOTTEN_SHARE) * rng.exponential(FORGOTTEN_DAYS, n)
    days = median * np.exp(0.7 * rng.standard_normal(n)) + forgotten
    end = np.minimum(last + np.maximum(np.rint(days * 5 / 7).astype(int), 3), span.last_place)
    left = np.where(span.clinic_days[end] > span.end, NEVER, span.clinic_days[end])
    return referrals.assign(group=group, end_code=code, last=last, end=end, left=left)


def build_missed(rng: Rng, referrals: pd.DataFrame, visits: pd.DataFrame, known: Known) -> pd.DataFrame:
    """Appointments not kept: between kept ones, and after the last one of people who left."""
    repeats = np.where(visits.gap >= 2, rng.geometric(1 - MISSED_BEFORE_A_VISIT, len(visits)) - 1, 0)
    between = visits.loc[visits.index.repeat(repeats)]
    back = 1 + np.floor(rng.random(len(between)) * (between.gap - 1)).astype(int)
    names = ("p_dna_li_session", "p_cancel_patient_li_session", "p_cancel_provider_li_session")
    often = [known["generator_parameter", name] for name in names]
    chances = np.array([*often, known["attendance_share_of_appointments", "7"]])
    how = rng.choice([3, 2, 4, 7], len(between), p=chances / chances.sum())
    between = between.assign(place=between.place - back, attendance=how)
    times = np.where(referrals.end_code == 0, 0, draw_rows(rng, MISSED_AT_THE_END[referrals.group]))
    tail = np.repeat(np.arange(len(referrals)), times)
    ends = referrals.iloc[tail].reset_index(drop=True)
    after = np.floor(rng.random(len(tail)) * 0.6 * (ends.end - ends["last"] - 1)).astype(int)
    stretch = np.array([FIRST, LOW, LOW, LOW, LOW, HIGH])[ends.group]
    columns = {"referral": tail, "stretch": stretch, "place": ends["last"] + 1 + after}
    how = rng.choice([3, 2, 4], len(tail), p=[0.72, 0.25, 0.03])
    tails = pd.DataFrame(columns).assign(app_type=np.where(stretch == FIRST, 3, 2), attendance=how, step=99, gap=0)
    return pd.concat([between, tails])


def build_extra(rng: Rng, referrals: pd.DataFrame, visits: pd.DataFrame, known: Known) -> pd.DataFrame:
    """Employment support, reviews, and contacts after discharge: follow-ups (06) and, a fault, treatment."""
    treated = visits[visits.stretch > FIRST]
    beside = treated[rng.random(len(treated)) < BESIDE_A_VISIT]
    kind, later = rng.choice([10, 4], len(beside), p=[0.6, 0.4]), rng.integers(1, 4, len(beside))
    beside = beside.assign(place=beside.place + later, app_type=kind)
    fault = known["defect_injection_rate", "contact_after_discharge_not_type_06"]
    luck, clean = rng.random(len(treated)), referrals.clean.to_numpy()[treated.referral]
    after = treated[(luck < 2 * fault + FOLLOWED_UP) & ~clean]
    kind = np.where(luck[(luck < 2 * fault + FOLLOWED_UP) & ~clean] < 2 * fault, 2, 6)
    place = referrals.end.to_numpy()[after.referral] + rng.integers(5, 40, len(after))
    return pd.concat([beside, after.assign(place=place, app_type=kind)]).assign(step=99)

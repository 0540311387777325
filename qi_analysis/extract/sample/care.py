"""The people of the synthetic extract: visits, therapies and endings.

What happens in the synthetic extract: visits, endings and missed appointments.

Days are counted from 1 January 1970. A place is a position among the clinic days (week-days outside the
Christmas closure), on which all intervals are laid out. Figures come from calibration.csv or are named here.

The people of the synthetic extract: local numbers, NHS numbers that cannot exist, and characteristics.

What is done in the visits of the synthetic extract: therapies, scores and internet-therapy logs.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from qi_analysis.extract.sample.layout import (
    CODE_CHANGE,
    NEVER,
    Rng,
    Span,
    build_dates,
    build_ids,
    build_marked,
    build_text,
    write_rows,
)

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
    return np.asarray((rng.random((len(shares), 1)) * edges[:, -1:] > edges).sum(axis=1))


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
    return np.asarray(np.rint(days * 5 / 7).astype(int))


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


STRIDE = 1_000_000  # room for the numbers of one block
LANGUAGES = {"en": 0.93, "pl": 0.02, "es": 0.01, "fa": 0.01, "ar": 0.01, "pt": 0.01, "fr": 0.01}  # invented
BORN_ABOUT_1900 = 0.0005  # share of people with an impossible age
ETHNIC_CODES = "ABCDEFGHJKLMNPRS"
ETHNIC_ITEMS = (  # names of demographics_ethnicity in the order of ETHNIC_CODES
    "White: British", "White: Irish", "White: Any other White background", "Mixed: White and Black Caribbean",
    "Mixed: White and Black African", "Mixed: White and Asian", "Mixed: Any other Mixed background",
    "Asian or Asian British: Indian", "Asian or Asian British: Pakistani",
    "Asian or Asian British: Bangladeshi",
    "Asian or Asian British: Any other Asian background", "Black or Black British: Caribbean",
    "Black or Black British: African", "Black or Black British: Any other Black background",
    "Other Ethnic Groups: Chinese", "Other Ethnic Groups: Any Other Ethnic Group",
)  # fmt: skip


def build_referral_ids(block: Block, referral: np.ndarray, month: np.ndarray) -> pa.Array:
    """ServiceRequestId: R and a number; S and an unrelated one for all submitted under the new code."""
    return _build_local_ids(block, "RS", referral, month)


def build_patient_ids(block: Block, person: np.ndarray, month: np.ndarray) -> pa.Array:
    """LocalPatientId: P and a number; Q and an unrelated one under the new code."""
    return _build_local_ids(block, "PQ", person, month)


def _build_local_ids(block: Block, letters: str, place: np.ndarray, month: np.ndarray) -> pa.Array:
    shuffle = np.random.Generator(np.random.PCG64([block.number, ord(letters[0])]))
    old, new = shuffle.permutation(len(block.referrals)), shuffle.permutation(len(block.referrals))
    after = month >= block.span.month_number(CODE_CHANGE)
    number = block.number * STRIDE + 1 + np.where(after, new[place], old[place])
    return pc.binary_join_element_wise(build_text(list(letters), after), build_ids("", number), "")


def _build_nhs_numbers(block: Block, rng: Rng) -> list[str]:
    """Ten digits, the last never the right check digit. Test patients begin with 999; a tenth have spaces."""
    n = len(block.referrals)
    number = block.number * STRIDE + np.arange(n)
    body = number * 48_271 % 99_999_989 + 400_000_000
    clean = np.isin(np.arange(n), block.referrals.person[block.referrals.clean])
    test = ~clean & (rng.random(n) < block.fault_rate("test_patient"))
    body = np.where(test, 999_000_000 + block.number * 10_000 + np.cumsum(test), body)
    digits = body[:, None] // 10 ** np.arange(8, -1, -1) % 10
    right = (11 - (digits * np.arange(10, 1, -1)).sum(axis=1) % 11) % 11  # 10: no digit is right
    wrong = (right + 1 + rng.integers(0, 9, n) * (right < 10)) % 10
    plain = (body * 10 + wrong).astype(str)
    spaced = rng.random(n) < block.fault_rate("nhs_number_with_spaces")
    return [f"{t[:3]} {t[3:6]} {t[6:]}" if s else t for t, s in zip(plain, spaced, strict=True)]


def _build_traits(block: Block, rng: Rng) -> dict[str, tuple[list[str], np.ndarray]]:
    """Gender, ethnic category and language of each person, as codes and the place of each person's code."""
    known, n = block.known, len(block.referrals)
    genders = [known["demographics_gender", item] for item in ("Male", "Female", "Indeterminate")]
    gender = np.array([*genders, 0.002, block.fault_rate("gender_invalid_code")])
    unstated = known["demographics_ethnicity", "Not stated/Not known/Invalid: All"]
    stated = [known["demographics_ethnicity", item] for item in ETHNIC_ITEMS]
    ethnic = np.array([*stated, 0.6 * unstated, 0.2 * unstated, 0.2 * unstated])
    language = np.array(list(LANGUAGES.values()))
    places = [rng.choice(len(share), n, p=share / share.sum()) for share in (gender, ethnic, language)]
    places[1] = np.where(places[1] == len(ethnic) - 1, -1, places[1])  # the last share is missing altogether
    return {
        "gender": (["1", "2", "9", "X", "7"], places[0]),
        "ethnic": ([*ETHNIC_CODES, "Z", "99"], places[1]),
        "language": (list(LANGUAGES), np.where(rng.random(n) < 0.04, -1, places[2])),
    }


def write_people(folder: Path, block: Block, filed: pd.DataFrame, rng: Rng) -> None:
    """One patient row for each person, month and file (the columns of `filed`) with a referral."""
    people = filed.drop_duplicates()
    person, month = people.person.to_numpy(), people.month.to_numpy()
    referrals, traits, n = block.referrals, _build_traits(block, rng), len(block.referrals)
    born = referrals.received.to_numpy() - np.rint(referrals.age.to_numpy() * 365.25).astype(int)
    born = np.where(rng.random(n) < BORN_ABOUT_1900, rng.integers(-25_550, -25_000, n), born)
    decile = referrals.decile.to_numpy()
    unknown = rng.random(n) < block.known["demographics_imd_as_published", "Not stated/Not known/Invalid"]
    postcodes = [f"XX{d} {u}AA" for d in range(1, 11) for u in range(1, 6)]  # there is no area XX
    columns = [
        build_patient_ids(block, person, month),
        build_text(_build_nhs_numbers(block, rng), person),
        build_dates(rng, born[person]),
        build_text(postcodes, (decile - 1)[person] * 5 + person % 5),
        build_text(traits["gender"][0], traits["gender"][1][person]),
        build_marked(rng, traits["ethnic"][0], traits["ethnic"][1][person], 0.5),
        build_marked(rng, traits["language"][0], traits["language"][1][person], 0.3),
        build_marked(rng, [str(d) for d in range(1, 11)], np.where(unknown, -1, decile - 1)[person], 0.5),
        build_ids("N", block.number * STRIDE + 1 + person),
    ]
    write_rows(folder, "IDS001MPI", columns, (block.span, month, people.refresh.to_numpy()))


THERAPIES = {  # LI first, then HI, then employment support; codes of therapy_types.csv
    "702545008": "psychoeducation",
    "748051000000105": "guided self-help, book",
    "748101000000105": "non-guided self-help, book",
    "748041000000107": "guided self-help, computer",
    "1026111000000108": "other LI",
    "975131000000104": "community signposting",
    "304891004": "cognitive behaviour therapy",
    "1129471000000105": "couple therapy",
    "286711000000107": "counselling",
    "449030000": "eye movement desensitisation and reprocessing",
    "933221000000107": "mindfulness",
    "1026131000000100": "other HI",
    "1098051000000103": "employment support",
}
PSYCHOEDUCATION, SIGNPOSTING, CBT, EMPLOYMENT = 0, 5, 6, 12  # places in THERAPIES
LI_THERAPIES = 6
LI_ITEMS = ("psychoed_peer", "gsh_book", "nongsh_book", "gsh_computer", "other_li")  # of li_appointment_mix
HI_MIX = (0.62, 0.04, 0.17, 0.05, 0.04, 0.08)  # invented: mostly cognitive behaviour therapy
ASSESSED_AS_LI, SIGNPOSTED = 0.42, 0.02  # of assessments; the rest are coded as cognitive behaviour therapy
STRAY_HI = 0.05  # share of LI courses of 3 or more sessions in which the second is a single HI contact
LOGS_A_PERSON, LOGGING_SHARE = 24, {LI: 0.14, HI: 0.42}  # together about 600 logs a month


def build_therapies(rng: Rng, referrals: pd.DataFrame, contacts: pd.DataFrame, known: Known) -> pd.DataFrame:
    """Add the therapy (place in THERAPIES) and its intensity (0 LI, 1 HI); a course mostly keeps to one.

    Assessments are coded HI in over half of the cases, which is why few people had LI only by the date rule.
    """
    li = np.array([known["li_appointment_mix", item] for item in LI_ITEMS])
    n, count = len(referrals), len(contacts)
    referral, stretch = contacts.referral.to_numpy(), contacts.stretch.to_numpy()
    usual_li, usual_hi = rng.choice(len(li), n, p=li / li.sum()), rng.choice(len(HI_MIX), n, p=HI_MIX)
    other_li = rng.choice(len(li), count, p=li / li.sum())
    as_li = np.where(rng.random(count) < 0.9, usual_li[referral], other_li)
    luck = rng.random(count)
    first = np.select([luck < ASSESSED_AS_LI, luck > 1 - SIGNPOSTED], [as_li, SIGNPOSTING], CBT)
    may_stray = ((referrals.n_hi == 0) & (referrals.n_li >= 3) & ~referrals.clean).to_numpy()
    strays = may_stray & (rng.random(n) < STRAY_HI)
    stray = strays[referral] & (stretch == LOW) & contacts.step.eq(1).to_numpy()
    cases = [contacts.app_type == 10, stretch == FIRST, (stretch == HIGH) | stray]
    therapy = np.select(cases, [EMPLOYMENT, first, LI_THERAPIES + usual_hi[referral]], as_li)
    return contacts.assign(therapy=therapy, intensity=(therapy >= LI_THERAPIES).astype(int))


def build_scores(rng: Rng, referrals: pd.DataFrame, contacts: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add PHQ-9 and GAD-7: at referral, and at each contact on a curve that levels off; completers gain more.

    Sizes are chosen to come near M185 to M195 of sessions_waits_outcomes (half recover, two thirds improve).
    """
    n, shared = len(referrals), rng.standard_normal(len(referrals))
    gain = np.where(referrals.end_code == 0, 1.15, 0.35) * np.clip(rng.normal(1, 0.8, n), -1, 2.6)
    start = {
        name: mean + sd * (0.83 * shared + 0.56 * rng.standard_normal(n))
        for name, mean, sd in (("phq", 12.9, 5.8), ("gad", 11.9, 4.9))
    }
    seen = contacts.attendance.isin([5, 6]).astype(int)
    order = (seen.groupby(contacts.referral).cumsum() - seen).to_numpy()
    referral, worn = contacts.referral.to_numpy(), 1 - np.exp(-order / 2.2)
    for name, drop, top in (("phq", 10.0, 27), ("gad", 9.7, 21)):
        score = start[name][referral] - drop * gain[referral] * worn + rng.normal(0, 2.0, len(contacts))
        contacts = contacts.assign(**{name: np.clip(np.rint(score), 0, top).astype(int)})
    return referrals.assign(**start), contacts


def build_logs(rng: Rng, span: Span, referrals: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """Weekly logs of a share of those in treatment, from the first session on while the referral is open."""
    start = visits[visits.stretch > FIRST].groupby("referral").place.min()
    kind = referrals.kind.to_numpy()[start.index]
    chosen = rng.random(len(start)) < np.where(kind == LI, LOGGING_SHARE[LI], LOGGING_SHARE[HI])
    start = start[chosen & ~referrals.clean.to_numpy()[start.index]]
    often = rng.geometric(1 / LOGS_A_PERSON, len(start))
    referral = np.repeat(start.index.to_numpy(), often)
    week = np.arange(len(referral)) - np.repeat(np.cumsum(often) - often, often)
    day = span.clinic_days[start.to_numpy()].repeat(often) + 7 * week
    logs = pd.DataFrame({"referral": referral, "day": day, "minutes": rng.integers(5, 60, len(day))})
    return logs[day <= np.minimum(referrals.left.to_numpy()[referral] - 6, span.end)]

"""The synthetic extract, submission by submission.

The contact, activity and score tables of the synthetic extract, with their faults.

The synthetic extract as it is submitted: referrals, patients and logs, month by month, with their faults.

The faults and their rates are those of defect_injection_rate in data/reference/calibration.csv; what goes
beyond them is a named constant. Each fault is described where it is made.

The shipped synthetic extract: invented referrals to a service of the size and habits of the real one.

Nobody in it exists. What happens (who is referred, seen, treated and how it ends) is drawn here; how it is
submitted month by month, with the faults of a real extract, is in sample_rows. Sizes and shares come from
data/reference/calibration.csv (RWS, 2021-22) or are named below. Days are counted from 1 January 1970.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from qi_analysis.errors import RecordProblem
from qi_analysis.extract.sample.care import (
    ASSESSED_ONLY_SHARE,
    EMPLOYMENT,
    END_CODES,
    HI,
    LI,
    LI_THERAPIES,
    PSYCHOEDUCATION,
    STRIDE,
    THERAPIES,
    Block,
    Known,
    build_endings,
    build_extra,
    build_logs,
    build_missed,
    build_patient_ids,
    build_quiet_month,
    build_referral_ids,
    build_scores,
    build_therapies,
    build_visits,
    write_people,
)
from qi_analysis.extract.sample.layout import (
    BOTH_FILES,
    CODE_CHANGE,
    NEVER,
    NEW_CODE,
    OLD_CODE,
    Rng,
    Span,
    build_dates,
    build_ids,
    build_marked,
    build_submissions,
    build_text,
    write_headers,
    write_rows,
)
from qi_analysis.periods import Period
from qi_analysis.storage import REFERENCE

LATE_CONTACT, CORRECTED = 0.03, 0.005  # in months with two files: what the Refresh adds, and what it corrects
LEFT_OUT = 0.001  # contacts of a Primary that its Refresh lacks
EMPLOYMENT_BESIDE = 0.01  # share of coded contacts with a second activity, employment support
SCORED = 0.9  # share of coded contacts with PHQ-9 and GAD-7
UNPLANNED = 0.01  # half of them without an attendance code
PHQ9, GAD7 = "720433000", "445455005"  # outcome_measures.csv
TIMES = [f"{hour:02d}:{minute:02d}" for hour in range(8, 20) for minute in (0, 15, 30, 45)]
Filed = tuple[Span, np.ndarray, np.ndarray]


def write_care(folder: Path, block: Block, rng: Rng) -> None:
    """Append contacts, their activities and their scores."""
    contacts, filed = _build_submitted(block, rng)
    contacts["clean"] = block.referrals.clean.to_numpy()[contacts.referral]
    _write_contacts(folder, block, contacts, filed, rng)
    _write_activities(folder, block, contacts, filed, rng)


def _build_submitted(block: Block, rng: Rng) -> tuple[pd.DataFrame, Filed]:
    """The contacts as submitted: late ones only in the Refresh of their month, a few left out of it again."""
    row, month, refresh = build_submissions(block.span, block.span.month_of(block.contacts.day.to_numpy()))
    both = (month >= block.span.months - 1 - BOTH_FILES) & (month < block.span.months - 1)
    luck = rng.random(len(block.contacts))[row]
    keep = ~(both & np.where(refresh, luck > 1 - LEFT_OUT, luck < LATE_CONTACT))
    row, month, refresh = row[keep], month[keep], refresh[keep]
    return block.contacts.iloc[row].assign(number=row), (block.span, month, refresh)


def _write_contacts(folder: Path, block: Block, contacts: pd.DataFrame, filed: Filed, rng: Rng) -> None:
    """The contact rows: padded and unpadded codes, contacts dated in the future, and exact duplicates."""
    span, month, refresh = filed
    n, luck = len(contacts), rng.random((4, len(block.contacts)))[:, contacts.number]
    # A date typed a year late, in the last 12 months only, so that it lies after the end of the extract.
    future = (luck[0] < block.fault_rate("attended_contact_in_future")) & (span.months - month <= 12)
    future &= contacts.attendance.isin([5, 6]).to_numpy() & ~contacts.clean.to_numpy()
    corrected = ~refresh & (month < span.months - 1) & (luck[1] < CORRECTED)
    attendance = np.where(corrected, 3, contacts.attendance)
    unplanned = (luck[2] < UNPLANNED) & (attendance == 5)
    code = np.where(unplanned & (luck[2] < UNPLANNED / 2), -1, attendance)
    # A contact after discharge keeps the number under which its referral ended.
    known_as = np.minimum(month, span.month_of(block.referrals.left.to_numpy()[contacts.referral]))
    columns = [
        build_ids("C", block.number * STRIDE * 10 + 1 + contacts.number.to_numpy()),
        build_referral_ids(block, contacts.referral.to_numpy(), known_as),
        build_dates(rng, contacts.day.to_numpy() + 366 * future),
        build_text(TIMES, (luck[3] * len(TIMES)).astype(int)),
        build_text(["Y", "N"], unplanned),
        _build_padded(rng, code, 1 - block.fault_rate("attendance_code_zero_padded")),
        build_ids("", _calculate_minutes(contacts)),
        _build_padded(rng, contacts.app_type.to_numpy(), block.fault_rate("appointment_type_unpadded")),
        *_build_settings(block, contacts, rng),
    ]
    twice = np.flatnonzero(rng.random(n) < block.fault_rate("duplicate_contact_rows"))
    again = np.sort(np.append(np.arange(n), twice))
    columns = [column.take(pa.array(again)) for column in columns]
    write_rows(folder, "IDS201CareContact", columns, (span, month[again], refresh[again]))


def _build_padded(rng: Rng, code: np.ndarray, bare: float) -> pa.Array:
    """Codes as text, a share of them bare (2) and the others padded (02); a negative code is left empty."""
    place = np.where(rng.random(len(code)) < bare, code, code + 11)
    return build_text([*map(str, range(11)), *(f"{n:02d}" for n in range(11))], np.where(code < 0, -1, place))


def _calculate_minutes(contacts: pd.DataFrame) -> np.ndarray:
    """Length of a contact: 45 minutes for an assessment, 35 for LI, 55 for HI, none when nobody was seen."""
    seen, first = contacts.attendance.isin([5, 6]), contacts.app_type.isin([1, 3])
    return np.select([~seen, first, contacts.intensity == 1], [0, 45, 55], 35)


def _build_settings(block: Block, contacts: pd.DataFrame, rng: Rng) -> list[pa.Array]:
    """How a contact was held: medium (codes of v2.1), alone or in a group, interpreter."""
    known, n = block.known, len(block.contacts)
    items = ("face_to_face", "telephone", "video", "text_based", "other")
    medium = np.array([known["medium_share_of_attended", item] for item in items])
    medium = rng.choice(len(items), n, p=medium / medium.sum())
    medium = np.where(rng.random(n) < block.fault_rate("medium_missing"), -1, medium)
    in_class = (block.contacts.therapy == PSYCHOEDUCATION) & (rng.random(n) < 0.3)
    mode = np.where(rng.random(n) < 0.02, -1, in_class)
    interpreter = rng.choice([-1, 0, 1, 2, 3], n, p=[0.70, 0.28, 0.012, 0.004, 0.004])
    number = contacts.number.to_numpy()
    return [
        build_marked(rng, ["01", "02", "11", "10", "98"], medium[number], 0.2),
        build_text(["1", "3"], mode[number]),
        build_marked(rng, [*"4123"], interpreter[number], 0.02),
    ]


def _write_activities(folder: Path, block: Block, contacts: pd.DataFrame, filed: Filed, rng: Rng) -> None:
    """One activity for each seen contact that kept its code, a few with employment support; then scores."""
    span, month, refresh = filed
    luck = rng.random((3, len(block.contacts)))[:, contacts.number]
    clean, seen = contacts.clean.to_numpy(), contacts.attendance.isin([5, 6]).to_numpy()
    lost = (luck[0] < block.fault_rate("attended_contact_without_activity_code")) & ~clean
    coded = np.flatnonzero(seen & ~lost)
    beside = np.flatnonzero(seen & ~lost & ~clean & (luck[1] < EMPLOYMENT_BESIDE))
    row = np.append(coded, beside)
    second = np.arange(len(row)) >= len(coded)
    therapy = np.where(second, EMPLOYMENT, contacts.therapy.to_numpy()[row])
    number = block.number * STRIDE * 10 + 1 + contacts.number.to_numpy()[row]
    activity = pc.binary_join_element_wise(build_text(["A", "B"], second), build_ids("", number), "")
    worker = contacts.referral.to_numpy()[row] % 20 + np.where(therapy < LI_THERAPIES, 1, 21)
    columns = [activity, build_ids("C", number), build_ids("T", worker), build_text(list(THERAPIES), therapy)]
    write_rows(folder, "IDS202CareActivity", columns, (span, month[row], refresh[row]))
    scored = np.flatnonzero(~second & (luck[2][row] < SCORED) & (contacts.app_type.to_numpy()[row] <= 5))
    row = row[scored]
    columns = [
        pa.concat_arrays([activity.take(pa.array(scored))] * 2),
        build_text([PHQ9, GAD7], np.repeat([0, 1], len(row))),
        build_ids("", np.append(contacts.phq.to_numpy()[row], contacts.gad.to_numpy()[row])),
    ]
    filed = span, np.tile(month[row], 2), np.tile(refresh[row], 2)
    write_rows(folder, "IDS607CodedScoreActivity", columns, filed)


CODES_LOST = (0.20, 2)  # share of end codes missing, and for how many months from the change of code
EARLY_47_BECOMES_48 = 0.10  # from the change of code on, this share of code 47 is coded 48
LATE_END_CODE = 0.05  # end codes that only the Refresh has, in months with two files
SOURCES = {"B1": 0.79, "A1": 0.13, "A3": 0.03, "P1": 0.02, "B2": 0.01, "C1": 0.01, "D1": 0.01}  # M002, M003


def write_block(folder: Path, block: Block, rng: Rng) -> None:
    """Append the rows of one block to every table."""
    _write_referrals(folder, block, rng)
    write_care(folder, block, rng)
    _write_logs(folder, block, rng)


def _build_codes(block: Block, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """End code (place in END_CODES, -1 for missing) and day of discharge as recorded, with their faults."""
    referrals = block.referrals
    n, code, left = len(referrals), referrals.end_code.to_numpy(), referrals.left.to_numpy()
    since = block.span.month_of(left) - block.span.month_number(CODE_CHANGE)
    dirty = ~referrals.clean.to_numpy()
    relabelled = (code == END_CODES.index("47")) & (since >= 0) & (rng.random(n) < EARLY_47_BECOMES_48)
    code = np.where(relabelled, END_CODES.index("48"), code)
    share, months = CODES_LOST
    usual = block.fault_rate("missing_end_code_when_discharged")
    code = np.where(rng.random(n) < np.where((since >= 0) & (since < months), share, usual), -1, code)
    luck = rng.random(n)
    undated = luck < block.fault_rate("end_code_without_end_date")
    before = luck > 1 - block.fault_rate("end_date_before_referral")
    recorded = np.select(
        [dirty & undated, dirty & before],
        [NEVER, referrals.received.to_numpy() - rng.integers(3, 20, n)],
        left,
    )
    return np.where(left == NEVER, -1, code), np.where(left == NEVER, NEVER, recorded)


def _write_referrals(folder: Path, block: Block, rng: Rng) -> None:
    """Each referral in each month it is open, its ending only in the month it ends; then patients, scores."""
    span, referrals = block.span, block.referrals
    code, left = _build_codes(block, rng)
    first = span.month_of(referrals.received.to_numpy())
    ended = referrals.left.to_numpy() != NEVER
    last = np.where(ended, span.month_of(referrals.left.to_numpy()), span.months - 1)
    often = last - first + 1
    referral = np.repeat(np.arange(len(referrals)), often)
    month = np.arange(len(referral)) - np.repeat(np.cumsum(often) - often - first, often)
    row, month, refresh = build_submissions(span, month)
    referral = referral[row]
    final = ended[referral] & (month == last[referral])
    late = ~refresh & (month < span.months - 1) & (rng.random(len(row)) < LATE_END_CODE)
    source = rng.choice(len(SOURCES), len(referrals), p=list(SOURCES.values()))
    received, person = referrals.received.to_numpy()[referral], referrals.person.to_numpy()[referral]
    columns = [
        build_referral_ids(block, referral, month),
        build_patient_ids(block, person, month),
        build_text(["36L"], np.zeros(len(row))),
        build_dates(rng, received),
        build_marked(rng, list(SOURCES), np.where(rng.random(len(row)) < 0.003, -1, source[referral]), 0.5),
        build_marked(rng, list(END_CODES), np.where(final & ~late, code[referral], -1), 0.4 * final),
        build_dates(rng, np.where(final, left[referral], NEVER)),
        build_text([OLD_CODE, NEW_CODE], month >= span.month_number(CODE_CHANGE)),
    ]
    write_rows(folder, "IDS101Referral", columns, (span, month, refresh))
    filed = pd.DataFrame({"person": person, "month": month, "refresh": refresh})
    write_people(folder, block, filed, rng)
    _write_referral_scores(folder, block, rng)


def _write_referral_scores(folder: Path, block: Block, rng: Rng) -> None:
    """PHQ-9 and GAD-7 from the self-referral form of about three in ten referrals, dated the day received."""
    asked = np.flatnonzero(rng.random(len(block.referrals)) < 0.3)
    day = block.referrals.received.to_numpy()[asked]
    row, month, refresh = build_submissions(block.span, block.span.month_of(day))
    start = block.referrals.iloc[asked[row]]
    phq, gad = (start[name] + rng.normal(0, 1.5, len(row)) for name in ("phq", "gad"))
    scores = np.append(np.clip(np.rint(phq), 0, 27), np.clip(np.rint(gad), 0, 21))
    columns = [
        pa.concat_arrays([build_referral_ids(block, asked[row], month)] * 2),
        build_text([PHQ9, GAD7], np.repeat([0, 1], len(row))),
        build_ids("", scores),
        pa.concat_arrays([build_dates(rng, day[row])] * 2),
    ]
    filed = block.span, np.tile(month, 2), np.tile(refresh, 2)
    write_rows(folder, "IDS606CodedScoreReferral", columns, filed)


def _write_logs(folder: Path, block: Block, rng: Rng) -> None:
    """Weekly logs of internet-enabled therapy, submitted in the month they begin."""
    row, month, refresh = build_submissions(block.span, block.span.month_of(block.logs.day.to_numpy()))
    logs = block.logs.iloc[row]
    columns = [
        build_referral_ids(block, logs.referral.to_numpy(), month),
        build_dates(rng, logs.day.to_numpy()),
        build_dates(rng, logs.day.to_numpy() + 6),
        build_text(["01"], np.zeros(len(row))),
        build_ids("", logs.minutes.to_numpy()),
    ]
    write_rows(folder, "IDS205InternetTherLog", columns, (block.span, month, refresh))


FIRST_MONTH = Period(2021, 1)
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
    return np.asarray(low + (high - low) * rng.random(n) ** np.where(low == 26, 1.5, 1.0))


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

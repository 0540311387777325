"""The synthetic extract as it is submitted: referrals, patients and logs, month by month, with their faults.

The faults and their rates are those of defect_injection_rate in data/reference/calibration.csv; what goes
beyond them is a named constant. Each fault is described where it is made.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from qi_analysis.sample_care import END_CODES, Block
from qi_analysis.sample_contacts import GAD7, PHQ9, write_care
from qi_analysis.sample_layout import (
    CODE_CHANGE,
    NEVER,
    NEW_CODE,
    OLD_CODE,
    Rng,
    build_dates,
    build_ids,
    build_marked,
    build_submissions,
    build_text,
    write_rows,
)
from qi_analysis.sample_people import build_patient_ids, build_referral_ids, write_people

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

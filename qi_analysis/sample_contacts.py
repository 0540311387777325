"""The contact, activity and score tables of the synthetic extract, with their faults."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from qi_analysis.sample_care import Block
from qi_analysis.sample_layout import (
    BOTH_FILES,
    Rng,
    Span,
    build_dates,
    build_ids,
    build_marked,
    build_submissions,
    build_text,
    write_rows,
)
from qi_analysis.sample_people import STRIDE, build_referral_ids
from qi_analysis.sample_therapy import EMPLOYMENT, LI_THERAPIES, PSYCHOEDUCATION, THERAPIES

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

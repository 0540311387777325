"""From raw tables to canonical ones. Every rule is named in definitions/cleaning_rules.csv and counted.

Each step works within one person, so an extract cut by person into any number of parts gives the same tables,
put together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from qi_analysis.account import Account
from qi_analysis.contacts import build_activities, build_contacts, build_logs, build_scores, note_contacts
from qi_analysis.extract import Extract, find_field
from qi_analysis.people import build_people
from qi_analysis.record import Record
from qi_analysis.referrals import build_referrals
from qi_analysis.typed import build_typed, find_extract_date

KEY_FIELD = {
    "people": "patient_id",
    "referrals": "referral_id",
    "contacts": "referral_id",
    "activities": "contact_id",
    "logs": "referral_id",
    "referral_scores": "referral_id",
    "activity_scores": "activity_id",
}
TOTALS = ("total", "grand total", "end of")
BOOKKEEPING = ("file", "line", "month", "stamp", "is_refresh")


@dataclass(frozen=True)
class Tables:
    """The canonical tables. `person`, `referral` and `contact` in them are row numbers of the table they point to.

    keys: the local identifiers in row order, kept apart from everything that is analysed.
    """

    referrals: pd.DataFrame  # person, received_on, discharged_on, end_code, source, age, ..., waits_usable
    contacts: pd.DataFrame  # referral, contact_on, contact_time, planned, attendance, type, medium
    activities: pd.DataFrame  # contact, therapy
    logs: pd.DataFrame  # referral, started_on, ended_on
    scores: pd.DataFrame  # referral, tool, scored_on, score
    extract_date: date
    keys: Mapping[str, pd.Series]


def build_tables(extract: Extract, record: Record, extract_date: date | None = None) -> tuple[Tables, Account]:
    """Clean an extract. Raises QiError if the rows ledger does not close.

    extract_date: the day the extract speaks for, where it is known from a larger extract of which this is a part.
    """
    account = Account(extract.files)
    typed = build_typed(extract, account)
    day = extract_date or find_extract_date(extract, typed)
    for (file, rule, table), rows in extract.rejected.groupby(["file", "rule", "table"]):
        account.rows_in[file] += len(rows)
        account.set_aside(rows, rule, table)
    typed = {name: _drop_odd_rows(frame, name, extract, account) for name, frame in typed.items()}
    if "header" in typed:
        account.count_used(typed["header"])
    has_people = "people" in typed
    people = build_people(typed["people" if has_people else "referrals"], "people" if has_people else "referrals", account)
    referrals, lookup = build_referrals(typed["referrals"], people, record, day, account)
    contacts, contact_of_row = build_contacts(typed["contacts"], referrals, lookup, account)
    activities, links = build_activities(typed, contact_of_row, account)
    logs = build_logs(typed.get("logs"), lookup, account)
    scores = build_scores(typed, lookup, contacts, contact_of_row, links, account)
    contacts = note_contacts(contacts, activities, referrals, day, account)
    keys = {"referral": referrals.pop("key"), "patient": referrals.pop("patient"), "contact": contacts.pop("key")}
    account.build_ledger()
    return Tables(referrals, contacts, activities, logs, scores, day, keys), account


def _drop_odd_rows(frame: pd.DataFrame, table: str, extract: Extract, account: Account) -> pd.DataFrame:
    """Set aside rows of totals, empty rows and headings that stand again inside a file: they are no records."""
    name = KEY_FIELD.get(table)
    if name is None or name not in frame or frame.empty:
        return frame
    content = [c for c in frame if c not in BOOKKEEPING]
    filled = sum(frame[c].notna().to_numpy().astype("int8") for c in content)
    sparse = filled <= max(1, len(content) // 3)
    text = pc.utf8_lower(pa.array(frame[name].astype("str").where(pd.Series(sparse, frame.index)), pa.large_string()))
    starts = [pc.starts_with(text, pattern).fill_null(False).to_numpy(zero_copy_only=False) for pattern in TOTALS]
    written = set(find_field(name).headings) | ({name} if extract.columns is None else _local_headings(extract, name))
    heading = frame[name].isin(list(written)).to_numpy(dtype=bool)
    rules = {"total_row": np.logical_or.reduce(starts), "blank_row": filled == 0, "repeated_heading": heading}
    lost = np.zeros(len(frame), dtype=bool)
    for rule, mask in rules.items():
        account.set_aside(frame[mask & ~lost], rule, table)
        lost |= mask
    return frame[~lost].reset_index(drop=True) if lost.any() else frame


def _local_headings(extract: Extract, name: str) -> set[str]:
    assert extract.columns is not None
    parts = (extract.columns.referrals.columns, extract.columns.appointments.columns)
    return {name} | {heading for part in parts for heading, ours in part.items() if ours == name}

"""From raw tables to canonical ones. Every rule is named in definitions/cleaning_rules.csv and counted.

Each step works within one person, so an extract cut by person into any number of parts gives the same tables,
put together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd
import pyarrow as pa

from qi_analysis.account import Account
from qi_analysis.contacts import build_activities, build_contacts, build_logs, note_contacts
from qi_analysis.extract import Extract
from qi_analysis.people import build_people
from qi_analysis.referrals import build_referrals
from qi_analysis.scores import Owners, build_scores
from qi_analysis.settings import Record
from qi_analysis.typed import build_typed, find_extract_date


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
    """Clean an extract. Raises QiError if the rows ledger does not close, DataProblem if a file cannot be used.

    extract_date: the day the extract speaks for, where it is known from a larger extract of which this is a part.
    """
    account = Account(extract.files)
    typed, texts = build_typed(extract, account)
    day = extract_date or find_extract_date(extract, typed)
    for (file, rule, table), rows in extract.rejected.groupby(["file", "rule", "table"]):
        account.rows_in[file] += len(rows)
        account.set_aside(rows, str(rule), str(table))
    del extract  # the text is no longer needed: a caller that keeps no hold of it gets its memory back
    if "header" in typed:
        account.count_used(typed["header"])
    patients = "people" if "people" in typed else "referrals"
    people = build_people(typed[patients], texts, patients, account)
    referrals, lookup = build_referrals(typed["referrals"], people, record, day, account)
    contacts, contact_of_row = build_contacts(typed["contacts"], referrals, lookup, account)
    activities, links = build_activities(typed, contact_of_row, account)
    logs = build_logs(typed.get("logs"), lookup, account)
    scores = build_scores(typed, Owners(lookup, contacts, contact_of_row, links), account)
    contacts = note_contacts(contacts, activities, referrals, day, account)
    numbers = {"referral": referrals.pop("key"), "patient": referrals.pop("patient"), "contact": contacts.pop("key")}
    keys = {name: _list_texts(texts.get(f"{name}_id"), number) for name, number in numbers.items()}
    account.build_ledger()
    account.check_used()
    return Tables(referrals, contacts, activities, logs, scores, day, keys), account


def _list_texts(texts: pa.Array | None, number: pd.Series) -> pd.Series:
    """The local identifiers behind numbers; empty texts where the extract has none."""
    if texts is None:
        return pd.Series("", number.index, dtype="str")
    return pd.Series(texts.take(pa.array(number.to_numpy(), mask=number.to_numpy() < 0)), number.index, dtype="str")

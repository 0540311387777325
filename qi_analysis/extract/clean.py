"""From raw tables to canonical ones, and the checks that stop a review.

Every rule is named in definitions/cleaning_rules.csv and counted. Each step works within one person, so an extract cut by
person into any number of parts gives the same tables, put together. A month that is missing, or far smaller than the
one before, is never drawn as a fall: it stops the review.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from qi_analysis.dataset import Rule
from qi_analysis.errors import DataProblem
from qi_analysis.extract.columns import build_typed, find_extract_date
from qi_analysis.extract.contacts import (
    Owners,
    build_activities,
    build_contacts,
    build_logs,
    build_scores,
    months_of,
    note_contacts,
)
from qi_analysis.extract.ledger import Account
from qi_analysis.extract.referrals import build_people, build_referrals
from qi_analysis.extract.sources import Extract
from qi_analysis.periods import Period, build_periods, describe_day
from qi_analysis.record.settings import Record

ENOUGH_TO_JUDGE = 30  # rows in the median month; in smaller data an empty month can be chance
FAR_SMALLER = 0.25  # of the month before, or of the mean of the months before and after
QUIET_DAYS, NEARLY_ALL = 10, 0.95  # days at a month's end with under 5% of its records: longer than any holiday
EARLIEST = Period(2008, 1)


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
    """The canonical tables of an extract, and what became of every row.

    Every rule is named in definitions/cleaning_rules.csv and counted.

    Parameters
    ----------
    extract : Extract
        Of `read_extract`.
    record : Record
        Of `read_record`: which provider codes are one service, which months are known gaps.
    extract_date : datetime.date, optional
        The day the extract speaks for, where it is known from a larger extract of which this is a part.

    Returns
    -------
    Tables
        referrals, contacts, activities, logs and scores, one row each; docs/data_dictionary.md has their columns.
    Account
        `.build_ledger()`: rows in = used + merged + set aside, for each file.

    Raises
    ------
    DataProblem
        When a file cannot be used: most of its rows are set aside.
    QiError
        When the ledger of rows does not close, which is a fault of the program.

    Examples
    --------
    >>> import qi_analysis as qi
    >>> tables, account = qi.build_tables(qi.read_extract("data/raw"), qi.read_record("project"))
    >>> len(tables.referrals) == tables.referrals.index.nunique(), int(account.build_ledger()["rows_in"].min()) > 0
    (True, True)
    """
    account = Account(extract.files)
    typed, texts = build_typed(extract, account)
    day = extract_date or find_extract_date(extract, typed)
    for (file, rule, table), rows in extract.rejected.groupby(["file", "rule", "table"]):
        account.rows_in[file] += len(rows)
        account.set_aside(rows, Rule(rule), str(table))
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


# The months that can be reviewed.
def find_periods(tables: Tables) -> list[Period]:
    """The whole months the extract speaks for, oldest first: from the first received referral to the extract date."""
    received = tables.referrals["received_on"]
    usual = received[(received >= pd.Timestamp(EARLIEST.start)) & (received <= pd.Timestamp(tables.extract_date))]
    if usual.empty:
        return []
    first = Period(usual.min().year, usual.min().month)
    last = Period(tables.extract_date.year, tables.extract_date.month)
    return [period for period in build_periods(first, last) if period.end <= tables.extract_date]


def check_period(tables: Tables, period: Period, gaps: Mapping[str, str]) -> None:
    """Raises DataProblem when the period cannot be reviewed from this extract, saying what to do."""
    periods = find_periods(tables)
    if not periods:
        raise DataProblem("The extract holds no referral with a usable received date. Is it the right export?")
    if period not in periods:
        raise DataProblem(
            f"There is no whole month of data for {period.words}: the extract speaks for {periods[0].id} to "
            f"{periods[-1].id} (taken on {describe_day(tables.extract_date)}). Choose one of those, or export again."
        )
    days = {"contacts": tables.contacts["contact_on"], "referrals received": tables.referrals["received_on"]}
    for name, column in days.items():
        _check_months(name, column, periods, period, gaps)


def _check_months(name: str, days: pd.Series, periods: list[Period], period: Period, gaps: Mapping[str, str]) -> None:
    first = periods[0].year * 12 + periods[0].month - 1
    month = months_of(days) - first
    inside = (month >= 0) & (month < len(periods))
    counts = np.bincount(month[inside], minlength=len(periods))
    if np.median(counts) < ENOUGH_TO_JUDGE:
        return
    late = days[inside].dt.day.groupby(month[inside]).quantile(NEARLY_ALL).reindex(range(len(periods)), fill_value=0)
    judged = [n for n, one in enumerate(periods) if one.id not in gaps]
    for place, number in enumerate(judged):
        month_of, count = periods[number], counts[number]
        if month_of > period:
            return
        around = [counts[n] for n in judged[max(0, place - 1) : place + 2] if n != number]
        usual = max(around[0], sum(around) / len(around)) if place else 0
        if count < FAR_SMALLER * usual:
            _stop(month_of, f"no {name}" if count == 0 else f"far fewer {name} than the months around it")
        if count >= ENOUGH_TO_JUDGE and month_of.end.day - late[number] > QUIET_DAYS:
            _stop(month_of, f"next to no {name} after day {late[number]:.0f}")


def _stop(month: Period, what: str) -> None:
    raise DataProblem(
        f"{month.words} has {what}: is a file missing or cut short? Export it again, or, if the "
        f"month is known to be lost, add it to project.toml as [[accepted_gaps]] with month = "
        f'"{month.id}" and a reason.'
    )


def data_date(tables: Tables, period: Period) -> date:
    """The last day a review of the period knows of."""
    return min(tables.extract_date, period.end)

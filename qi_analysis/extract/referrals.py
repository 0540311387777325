"""People and referrals, one row each.

People: one row per patient identifier, who is a test patient, and which identifiers are one person.

Referrals: one row each, the latest submission, its chain joined and its dates made sense of.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from qi_analysis.dataset import INVALID, Rule
from qi_analysis.extract.columns import check_nhs_numbers
from qi_analysis.extract.duplicates import merge_rows, note_primary_only, set_aside_rows
from qi_analysis.extract.identifiers import find_latest, narrow_rank, number_texts
from qi_analysis.extract.ledger import Account
from qi_analysis.record.settings import Record

DETAILS = ("gender", "ethnicity", "deprivation", "birth_date", "age")
TEST_NAME = r"(?i)^\s*(?:zzz|x{2,}\s*test|donotuse|(?:test(?:ing|[\s_-]?patient)?|dummy(?:[\s_-]?patient)?)[\s\d_-]*$)"
TEST_KEY = r"(?i)^(?:zzz|test)"
DUMMY_NHS = "999"
TEN_DIGITS = r"^[0-9]{10}$"


@dataclass(frozen=True)
class People:
    """People by number: which number a patient identifier has, and per number its person, details and test mark."""

    number: np.ndarray  # of each patient identifier; -1 where it has no row, and at the end for identifier -1
    person: np.ndarray
    is_test: np.ndarray
    details: pd.DataFrame

    def find(self, patient: pd.Series) -> np.ndarray:
        """The number of each patient identifier, -1 where it is not known."""
        return np.asarray(self.number[patient.to_numpy()])


@dataclass(frozen=True)
class _Numbers:
    """NHS numbers: per row the number of its digits, and per distinct digits whether they are valid or a dummy."""

    row: np.ndarray  # -1: missing
    is_valid: np.ndarray
    is_dummy: np.ndarray


def build_people(rows: pd.DataFrame, texts: Mapping[str, pa.Array], table: str, account: Account) -> People:
    """One number per patient identifier. `table` is "people", or "referrals" for a local export without one.

    A test patient has a test name, an identifier that begins with ZZZ or TEST, or a dummy NHS number (999...).
    NHS numbers, names and birth dates are looked at here and go no further. `texts` are the identifiers.
    """
    key = rows["patient_id"].to_numpy()
    nhs = _read_nhs(rows, texts, account)
    is_test = np.append(_mark(texts["patient_id"], TEST_KEY), False)
    is_test[key[_find_tests(rows, nhs)]] = True
    is_test[-1] = False
    if table == "people":
        good = set_aside_rows(rows, {Rule.NO_KEY: key < 0, Rule.TEST_PATIENT: is_test[key]}, table, account)
        kept = merge_rows(rows, np.where(good, key, -1), table, account)
        account.count_used(rows[["file"]].take(np.flatnonzero(kept)))
    latest = find_latest(key, narrow_rank(rows["stamp"].to_numpy()))[:-1]
    known = np.flatnonzero(latest >= 0)
    number = np.full(len(texts["patient_id"]) + 1, -1)
    number[known] = np.arange(len(known))
    order = latest[known]
    details = rows[[name for name in DETAILS if name in rows]].take(order).reset_index(drop=True)
    if "gender" in details:
        account.note(Rule.GENDER_INVALID, "people", int((details["gender"] == INVALID).sum()), "gender")
    valid = np.where(np.append(nhs.is_valid, False)[nhs.row], nhs.row, -1)
    links = [rows["person_id"].to_numpy()[order]] if "person_id" in rows else []
    return People(number, _link(len(known), [*links, valid[order]]), is_test[known], details)


def _mark(texts: pa.Array, pattern: str) -> np.ndarray:
    """True for each text that matches; False where there is none."""
    return np.asarray(pc.match_substring_regex(texts, pattern).fill_null(False).to_numpy(zero_copy_only=False))


def _read_nhs(rows: pd.DataFrame, texts: Mapping[str, pa.Array], account: Account) -> _Numbers:
    """The NHS numbers of the rows that have a patient identifier, without the spaces and hyphens in them."""
    nothing = np.zeros(0, dtype=bool)
    if "nhs_number" not in rows:
        return _Numbers(np.full(len(rows), -1), nothing, nothing)
    written = texts["nhs_number"]
    row = np.where(rows["patient_id"] >= 0, rows["nhs_number"], -1)
    counts = np.bincount(row + 1, minlength=len(written) + 1)[1:]
    tidy = np.flatnonzero(~_mark(written, TEN_DIGITS))
    digits = pd.Series(written.to_pandas(), dtype="str")
    digits.iloc[tidy] = digits.iloc[tidy].str.replace(r"(?:\.0$|[\s\u00a0-])", "", regex=True)
    changed = ~pc.equal(written, pa.array(digits, pa.large_string())).to_numpy(zero_copy_only=False)
    account.note(Rule.NHS_NUMBER_TIDIED, "people", int(counts[changed].sum()), "nhs_number")
    good = check_nhs_numbers(digits).to_numpy()
    account.note(Rule.NHS_NUMBER_CHECK_FAILED, "people", int(counts[~good].sum()), "nhs_number")
    same, first = pd.factorize(digits) if changed.any() else (np.arange(len(digits)), digits)
    dummy = digits.str.startswith(DUMMY_NHS).to_numpy() & (digits.str.len() == 10).to_numpy()
    is_valid, is_dummy = np.zeros(len(first), dtype=bool), np.zeros(len(first), dtype=bool)
    is_valid[same], is_dummy[same] = good, dummy
    return _Numbers(np.append(same, -1)[row], is_valid, is_dummy)


def _find_tests(rows: pd.DataFrame, nhs: _Numbers) -> np.ndarray:
    """True for rows with a dummy NHS number or a test name."""
    test = np.append(nhs.is_dummy, False)[nhs.row]
    for name in ("surname", "forename"):
        if name in rows:
            (number,), names, _ = number_texts([rows[name]])
            test |= np.append(pd.Series(names.to_pandas(), dtype="str").str.contains(TEST_NAME, regex=True), False)[
                number
            ]
    return np.asarray(test)


def _link(n: int, links: list[np.ndarray]) -> np.ndarray:
    """A person number for each patient identifier: one Person_ID, or one valid NHS number, is one person."""
    label = np.arange(n)
    for link in links * 2:  # twice, so that a Person_ID and an NHS number together can link three identifiers
        known = link >= 0
        lowest = np.full(int(link.max(initial=-1)) + 1, n)
        np.minimum.at(lowest, link[known], label[known])
        label[known] = lowest[link[known]]
    return label


PROGRAMME_BEGAN = pd.Timestamp("2008-01-01")
OLDEST_AGE = 110
CHAIN_DAYS = 30
KEPT = ("received_on", "discharged_on", "end_code", "source", "provider", "file", "line")


@dataclass(frozen=True)
class Lookup:
    """Referral identifier -> row of the referral (-1: none), and which identifiers belong to test patients.

    The last place of each array answers for identifiers without a referral and for the missing one, -1.
    """

    position: np.ndarray
    is_test: np.ndarray

    def find(self, identifier: pd.Series) -> tuple[np.ndarray, np.ndarray]:
        """(row of the referral or -1, is it a test patient's) for each row."""
        place = np.minimum(identifier.to_numpy(), len(self.position) - 1)
        return self.position[place], self.is_test[place]


def build_referrals(
    rows: pd.DataFrame, people: People, record: Record, extract_date: date, account: Account
) -> tuple[pd.DataFrame, Lookup]:
    """One row per referral with person, dates, ending and details; and the lookup for what belongs to it.

    waits_usable is False where a wait cannot be worked out (a discharge before the referral, or a received date
    before the programme began). `key` and `patient` are the local identifiers, to be stored apart.
    """
    key = rows["referral_id"].to_numpy()
    patient = people.find(rows["patient_id"])
    is_test = np.zeros(int(key.max(initial=-1)) + 2, dtype=bool)
    is_test[key[(patient >= 0) & np.append(people.is_test, False)[patient] & (key >= 0)]] = True
    rules = {
        Rule.NO_KEY: key < 0,
        Rule.TEST_PATIENT: is_test[key],
        Rule.NO_DATE: rows["received_on"].isna().to_numpy(),
    }
    good = set_aside_rows(rows, rules, "referrals", account)
    kept = merge_rows(rows, np.where(good, key, -1), "referrals", account)
    note_primary_only(rows, kept, "referrals", account)
    account.note(Rule.PERSON_NOT_FOUND, "referrals", int((patient[kept] < 0).sum()), "patient_id")
    referrals = _build_latest(rows.take(np.flatnonzero(kept)).reset_index(drop=True), patient[kept], people)
    root, referrals = _join_chains(referrals, record, account)
    position = np.full(len(is_test), -1)
    position[key[kept]] = root
    account.count_used(referrals)
    referrals = _settle_dates(referrals.drop(columns=["file", "line"]), extract_date, account)
    _note_other_chains(referrals, account)
    return referrals, Lookup(position, is_test)


def _build_latest(latest: pd.DataFrame, patient: np.ndarray, people: People) -> pd.DataFrame:
    details = people.details.take(np.where(patient >= 0, patient, 0)) if len(people.details) else people.details
    details = details.reset_index(drop=True).where(pd.Series(patient >= 0))
    person = np.append(people.person, -1)[patient]
    person = np.where(person < 0, len(people.person) + np.arange(len(latest)), person)
    columns = latest[[name for name in KEPT if name in latest]]
    frame = pd.concat([columns, details], axis=1)
    return _add_age(frame.assign(person=person, key=latest["referral_id"], patient=latest["patient_id"]))


def _add_age(referrals: pd.DataFrame) -> pd.DataFrame:
    """Age in whole years on the day the referral was received; else the age that was supplied."""
    age = referrals.get("age", pd.Series(np.nan, referrals.index))
    if "birth_date" in referrals:
        born, seen = pd.to_datetime(referrals["birth_date"]).dt, referrals["received_on"].dt
        before = (seen.month < born.month) | ((seen.month == born.month) & (seen.day < born.day))
        age = (seen.year - born.year - before).where(referrals["birth_date"].notna(), age)
    return referrals.drop(columns="birth_date", errors="ignore").assign(age=age)


def _join_chains(referrals: pd.DataFrame, record: Record, account: Account) -> tuple[np.ndarray, pd.DataFrame]:
    """(for each referral the number of the one it is now part of, the referrals that are left).

    A joined referral keeps the received date and identity of its first part and takes the ending of its last.
    """
    rank = {code.code: n for n, code in enumerate(record.service_codes)}
    provider = referrals["provider"].map(rank) if "provider" in referrals else pd.Series(np.nan, referrals.index)
    code = provider.astype("float64").fillna(-1).to_numpy()
    person, received = referrals["person"].to_numpy(), referrals["received_on"].to_numpy()
    order = np.lexsort((code, received, person))
    joins = np.zeros(len(order), dtype=bool)
    if len(order):
        joins[1:] = _joins_previous(referrals.take(order), code[order], record)
    group = np.cumsum(~joins) - 1
    first, last = order[~joins], order[np.append(~joins[1:], True)] if len(order) else order
    joined = referrals.copy()
    for name in ("discharged_on", "end_code"):
        joined[name] = joined[name].where(~np.isin(np.arange(len(order)), first[first != last]))
        joined.iloc[first, joined.columns.get_loc(name)] = referrals[name].iloc[last]
    same_day = np.append(False, received[order][1:] == received[order][:-1]) if len(order) else joins
    account.merge(referrals.take(order[joins & same_day]), Rule.PROVIDER_CODE_CHANGE, "referrals")
    account.merge(referrals.take(order[joins & ~same_day]), Rule.CHAIN_JOINED, "referrals")
    number = np.full(len(order), -1, dtype="int64")
    number[np.sort(first)] = np.arange(len(first))
    root = np.empty(len(order), dtype="int64")
    root[order] = number[first[group]]
    return root, joined.take(np.sort(first)).reset_index(drop=True)


def _joins_previous(ordered: pd.DataFrame, code: np.ndarray, record: Record) -> np.ndarray:
    """For each referral after the first in order of person and date: is it a part of the one before it?"""
    chains = record.completion.chains
    before, after = ordered.iloc[:-1], ordered.iloc[1:]
    same = before["person"].to_numpy() == after["person"].to_numpy()
    gap = _days(after["received_on"], before["discharged_on"])
    joins = np.zeros(len(after), dtype=bool)
    if chains.provider_code_change:
        same_day = after["received_on"].to_numpy() == before["received_on"].to_numpy()
        joins |= same_day & (code[:-1] >= 0) & (code[1:] > code[:-1])
    if chains.re_referral_days:
        joins |= (gap >= 0) & (gap <= chains.re_referral_days)
    if chains.stepped_from_other_referral and "source" in after:
        joins |= (after["source"] == "N1").to_numpy()
    return np.asarray(same & joins)


def _days(later: pd.Series, earlier: pd.Series) -> np.ndarray:
    """Whole days between two columns row by row; NaN where a date is missing."""
    return np.asarray((later.to_numpy() - earlier.to_numpy()) / np.timedelta64(1, "D"))


def _settle_dates(referrals: pd.DataFrame, extract_date: date, account: Account) -> pd.DataFrame:
    """Dates that cannot be are not used, and each such referral is counted under its rule."""
    received, discharged = referrals["received_on"], referrals["discharged_on"]
    backwards = discharged < received
    too_early = received < PROGRAMME_BEGAN
    discharged = discharged.mask(backwards)
    no_code = referrals["end_code"].isna()
    notes = {
        Rule.DISCHARGE_BEFORE_REFERRAL: backwards,
        Rule.RECEIVED_BEFORE_PROGRAMME: too_early,
        Rule.RECEIVED_AFTER_EXTRACT: received > pd.Timestamp(extract_date),
        Rule.END_CODE_WITHOUT_DISCHARGE: ~no_code & discharged.isna() & ~backwards,
        Rule.END_CODE_MISSING: no_code & discharged.notna(),
    }
    for rule, mask in notes.items():
        account.note(rule, "referrals", int(mask.sum()))
    odd_age = (referrals["age"] <= 0) | (referrals["age"] > OLDEST_AGE)
    account.note(Rule.AGE_IMPLAUSIBLE, "referrals", int(odd_age.sum()), "age")
    return referrals.assign(
        discharged_on=discharged,
        end_code=referrals["end_code"].where(discharged.notna()),
        age=referrals["age"].mask(odd_age),
        waits_usable=~(backwards | too_early),
    )


def _note_other_chains(referrals: pd.DataFrame, account: Account) -> None:
    """Count overlapping referrals, re-referrals within 30 days and referrals from another step; all are kept."""
    ordered = referrals.sort_values(["person", "received_on"], kind="stable")
    same = ordered["person"].to_numpy()[1:] == ordered["person"].to_numpy()[:-1]
    gap = _days(ordered["received_on"].iloc[1:], ordered["discharged_on"].iloc[:-1])
    account.note(Rule.OVERLAPPING_REFERRALS, "referrals", int((same & ~(gap >= 0)).sum()))
    account.note(Rule.RE_REFERRED, "referrals", int((same & (gap >= 0) & (gap <= CHAIN_DAYS)).sum()))
    if "source" in referrals:
        account.note(Rule.STEPPED_FROM_OTHER_REFERRAL, "referrals", int((referrals["source"] == "N1").sum()))

"""People: one row per patient identifier, who is a test patient, and which identifiers are one person."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from qi_analysis.account import Account
from qi_analysis.codes import INVALID
from qi_analysis.extract import PERSON_FIELDS
from qi_analysis.keys import build_key, find_key, keep_latest
from qi_analysis.merge import merge_rows, set_aside_rows
from qi_analysis.repair import check_nhs_numbers

DETAILS = ("gender", "ethnicity", "deprivation", "birth_date", "age")
TEST_NAME = r"(?i)^\s*(?:zzz|x{2,}\s*test|donotuse|(?:test(?:ing|[\s_-]?patient)?|dummy(?:[\s_-]?patient)?)[\s\d_-]*$)"
TEST_KEY = r"(?i)^(?:zzz|test)"
DUMMY_NHS = "999"


@dataclass(frozen=True)
class People:
    """Patient identifiers as numbers: `known` texts, and per number its person, details and test mark."""

    known: pa.Array
    person: np.ndarray
    is_test: np.ndarray
    details: pd.DataFrame

    def find(self, column: pd.Series) -> np.ndarray:
        """The number of each written patient identifier, -1 where it is not known."""
        return find_key(column, self.known)


def build_people(rows: pd.DataFrame, table: str, account: Account) -> People:
    """One number per patient identifier. `table` is "people", or "referrals" for a local export without one.

    A test patient has a test name, an identifier that begins with ZZZ or TEST, or a dummy NHS number (999...).
    NHS numbers, names and birth dates are looked at here and go no further.
    """
    own_table = table == "people"
    rows = rows[[n for n in (*PERSON_FIELDS, "file", "line", "stamp", "is_refresh", "month") if n in rows]]
    missing = rows["patient_id"].isna().to_numpy()
    if own_table and missing.any():
        account.set_aside(rows[missing], "no_key", table)
    rows = rows[~missing].reset_index(drop=True)
    key, known = build_key(rows["patient_id"])
    nhs, valid_nhs = _read_nhs(rows, account)
    is_test = np.zeros(len(known), dtype=bool)
    is_test[key[_find_tests(rows, nhs)]] = True
    if own_table:
        good = set_aside_rows(rows, {"test_patient": is_test[key]}, table, account)
        kept = merge_rows(rows[good], key[good], table, account)
        account.count_used(rows[good][kept])
    latest = keep_latest(key, rows["stamp"].to_numpy() * len(rows) + np.arange(len(rows)))
    order = np.flatnonzero(latest)[np.argsort(key[latest])]
    details = rows.iloc[order].reset_index(drop=True)
    if "gender" in details:
        account.note("gender_invalid", "people", int((details["gender"] == INVALID).sum()), "gender")
    person = _link(details.get("person_id"), valid_nhs.iloc[order].reset_index(drop=True))
    return People(known, person, is_test, details[[name for name in DETAILS if name in details]])


def _read_nhs(rows: pd.DataFrame, account: Account) -> tuple[pd.Series, pd.Series]:
    """(the digits, the digits where they are a valid NHS number)."""
    if "nhs_number" not in rows:
        nothing = pd.Series(None, rows.index, dtype="str")
        return nothing, nothing
    written = rows["nhs_number"]
    digits = written.str.replace(r"(?:\.0$|[\s\u00a0-])", "", regex=True)
    account.note("nhs_number_tidied", "people", int(((digits != written) & written.notna()).sum()), "nhs_number")
    good = check_nhs_numbers(digits)
    account.note("nhs_number_check_failed", "people", int((~good & digits.notna()).sum()), "nhs_number")
    return digits, digits.where(good)


def _find_tests(rows: pd.DataFrame, nhs: pd.Series) -> np.ndarray:
    test = rows["patient_id"].str.contains(TEST_KEY, regex=True)
    test |= (nhs.str.startswith(DUMMY_NHS) & (nhs.str.len() == 10)).fillna(False)
    for name in ("surname", "forename"):
        if name in rows:
            test |= rows[name].str.contains(TEST_NAME, regex=True).fillna(False)
    return test.to_numpy(dtype=bool)


def _link(person_id: pd.Series | None, nhs: pd.Series) -> np.ndarray:
    """A person number for each patient identifier: one Person_ID, or one valid NHS number, is one person."""
    label = np.arange(len(nhs))
    links = [link for link in (person_id, nhs) if link is not None and link.notna().any()]
    for link in links * 2:  # twice, so that a Person_ID and an NHS number together can link three identifiers
        known = link.notna().to_numpy()
        group, _ = build_key(link[known])
        label[known] = pd.Series(label[known]).groupby(group).transform("min").to_numpy()
    return label

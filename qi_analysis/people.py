"""People: one row per patient identifier, who is a test patient, and which identifiers are one person."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from qi_analysis.account import Account
from qi_analysis.codes import INVALID
from qi_analysis.keys import find_latest, narrow_rank, number_texts
from qi_analysis.merge import merge_rows, set_aside_rows
from qi_analysis.repair import check_nhs_numbers

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
        return self.number[patient.to_numpy()]


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
        good = set_aside_rows(rows, {"no_key": key < 0, "test_patient": is_test[key]}, table, account)
        kept = merge_rows(rows, np.where(good, key, -1), table, account)
        account.count_used(rows[["file"]].take(np.flatnonzero(kept)))
    latest = find_latest(key, narrow_rank(rows["stamp"].to_numpy()))[:-1]
    known = np.flatnonzero(latest >= 0)
    number = np.full(len(texts["patient_id"]) + 1, -1)
    number[known] = np.arange(len(known))
    order = latest[known]
    details = rows[[name for name in DETAILS if name in rows]].take(order).reset_index(drop=True)
    if "gender" in details:
        account.note("gender_invalid", "people", int((details["gender"] == INVALID).sum()), "gender")
    valid = np.where(np.append(nhs.is_valid, False)[nhs.row], nhs.row, -1)
    links = [rows["person_id"].to_numpy()[order]] if "person_id" in rows else []
    return People(number, _link(len(known), [*links, valid[order]]), is_test[known], details)


def _mark(texts: pa.Array, pattern: str) -> np.ndarray:
    """True for each text that matches; False where there is none."""
    return pc.match_substring_regex(texts, pattern).fill_null(False).to_numpy(zero_copy_only=False)


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
    account.note("nhs_number_tidied", "people", int(counts[changed].sum()), "nhs_number")
    good = check_nhs_numbers(digits).to_numpy()
    account.note("nhs_number_check_failed", "people", int(counts[~good].sum()), "nhs_number")
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
    return test


def _link(n: int, links: list[np.ndarray]) -> np.ndarray:
    """A person number for each patient identifier: one Person_ID, or one valid NHS number, is one person."""
    label = np.arange(n)
    for link in links * 2:  # twice, so that a Person_ID and an NHS number together can link three identifiers
        known = link >= 0
        lowest = np.full(int(link.max(initial=-1)) + 1, n)
        np.minimum.at(lowest, link[known], label[known])
        label[known] = lowest[link[known]]
    return label

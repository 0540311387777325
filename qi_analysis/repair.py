"""From written text to typed columns: dates, codes, numbers and times, with every repair counted.

Work is done on the distinct values of a column and spread over its rows, so a column of ten million dates costs
as much as its few thousand different days. Dates are read as ISO, day first, spreadsheet day numbers
between 20000 and 60000; a day that does not exist is missing, never guessed.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from qi_analysis.codes import BLANKS, CodeList, read_value
from qi_analysis.keys import tidy_texts

Counts = dict[str, int]  # cleaning rule -> number of rows it touched
SERIAL_FIRST, SERIAL_LAST = 20000, 60000
SERIAL_DAY_0 = date(1899, 12, 30)
NO_DAYS = (date(1900, 1, 1), date(1899, 12, 30), date(1899, 12, 31))  # written where there is no date
PLAIN_FIRST, PLAIN_LAST = np.datetime64("1900-01-02", "s"), np.datetime64("9999-01-01", "s")
_TIME = r"(?P<t>[t ]+\d{1,2}[:.]\d\d.*)?"
_ISO = r"^\d{4}-\d\d-\d\d$"
_YEAR_FIRST = re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})" + _TIME, re.ASCII)
_COMPACT = re.compile(r"(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)(?P<t>)", re.ASCII)
_YEAR_LAST = re.compile(r"(?P<d>\d{1,2})[-/. ](?P<m>\d{1,2})[-/. ](?P<y>\d{4}|\d{2})" + _TIME, re.ASCII)
_MONTH_WORD = re.compile(r"(?P<d>\d{1,2})[-/. ](?P<m>[a-z]{3})[a-z]*[-/. ,]+(?P<y>\d{4}|\d{2})" + _TIME, re.ASCII)
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?", re.ASCII)
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|(?i:[+-]?inf)"
_CLOCK = r"^(?:\d[\d/.-]*[t ]+)?(\d{1,2})[:.](\d\d)(?::\d\d(?:\.\d+)?)?\s*(?:([ap])\.?m\.?)?(?:z|[+-]\d\d:?\d\d)?$"
_WORDS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def _weights(column: pd.Series) -> tuple[pd.Index, np.ndarray, np.ndarray]:
    """The distinct values of a text column as categories, the rows' positions in them (-1: empty), the counts."""
    as_category = column if isinstance(column.dtype, pd.CategoricalDtype) else column.astype("category")
    values = as_category.cat.categories
    rows = as_category.cat.codes.to_numpy()
    return values, rows, np.bincount(rows[rows >= 0], minlength=len(values))


def _counts(rules: Iterable[str], counts: np.ndarray) -> Counts:
    found: Counts = {}
    for rule, n in zip(rules, counts.tolist(), strict=True):
        if rule and n:
            found[rule] = found.get(rule, 0) + n
    return found


def _find_day(year: str, month: int, day: str, last_year: int) -> date | None:
    """A day, or None where there is none. Two-digit years after last_year belong to the century before it."""
    number = int(year)
    if len(year) == 2:
        number += 2000 if number + 2000 <= last_year else 1900
    try:
        return date(number, month, int(day))
    except ValueError:
        return None


def _read_day(text: str, form: str, last_year: int) -> tuple[date | None, str, bool]:
    """(the day written in one text, the cleaning rule that tells how it was read, whether it could be two days)."""
    if found := _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text):
        day = _find_day(found["y"], int(found["m"]), found["d"], last_year)
        return day, "date_with_time" if found["t"] else "", False
    if found := _YEAR_LAST.fullmatch(text):
        first, second = ("m", "d") if form == "m/d/Y" else ("d", "m")
        day = _find_day(found["y"], int(found[second]), found[first], last_year)
        is_iso, numbers = form == "ISO", (int(found["d"]), int(found["m"]))
        rule = "date_day_first" if is_iso else "date_with_time" if found["t"] else ""
        rule = "date_two_digit_year" if len(found["y"]) == 2 else rule
        return day, rule, is_iso and max(numbers) <= 12 and numbers[0] != numbers[1]
    if (found := _MONTH_WORD.fullmatch(text)) and found["m"] in _WORDS:
        return _find_day(found["y"], _WORDS.index(found["m"]) + 1, found["d"], last_year), "date_day_first", False
    if _SERIAL.fullmatch(text) and SERIAL_FIRST <= float(text) <= SERIAL_LAST:
        return SERIAL_DAY_0 + timedelta(days=int(float(text))), "date_excel_serial", False
    return None, "date_unreadable", False


def _read_odd_day(text: str, form: str, last_year: int) -> tuple[date | None, str, bool]:
    """As _read_day, with markers for nothing and stand-ins for no date."""
    day, rule, two_days = _read_day(text, form, last_year)
    if day in NO_DAYS or ("9999" in text and ("31" in text or "12" in text)):
        return None, "date_sentinel", False
    if text in BLANKS:
        return None, "blank_marker" if text else "", False
    return (day, rule, two_days) if day else (None, "date_unreadable", False)


def read_dates(column: pd.Series, form: str = "ISO", last_year: int = 2100) -> tuple[pd.Series, Counts]:
    """A text column as datetime64[s] dates, with counts of the repairs.

    form: the column's declared form, one of settings.DATE_FORMS. A date in another form is still read (day first) and
    counted; 1 January 1900 and 31 December 9999 are stand-ins for no date; what cannot be read is missing.
    last_year decides the century of two-digit years.
    """
    values, rows, counts = _weights(column)
    text = pd.Series(values.astype("str"), dtype="str").str.strip().str.lower()
    days = np.array(pd.to_datetime(text, format="%Y-%m-%d", errors="coerce"), dtype="datetime64[s]")
    is_plain = text.str.match(_ISO).to_numpy(dtype=bool) & (days >= PLAIN_FIRST) & (days < PLAIN_LAST)
    odd = np.flatnonzero(~is_plain)
    read = [_read_odd_day(value, form, last_year) for value in text.iloc[odd]]
    days[odd] = np.array([day for day, _, _ in read], dtype="datetime64[s]")
    found = _counts([rule for _, rule, _ in read], counts[odd])
    two_days = int(counts[odd[[could_be for _, _, could_be in read]]].sum()) if read else 0
    spread = np.append(days, np.datetime64("NaT", "s"))
    return pd.Series(spread[rows], column.index), found | ({"date_could_be_two_days": two_days} if two_days else {})


def read_codes(column: pd.Series, code_list: CodeList, own: Mapping[str, str]) -> tuple[pd.Series, Counts]:
    """A text column as categories of the code list ("invalid" for what is no code, missing for blanks)."""
    values, rows, counts = _weights(column)
    read = [read_value(str(value), code_list, own) for value in values]
    codes = pd.Categorical([code for code, _ in read])
    spread = np.append(codes.codes, -1)[rows]
    result = pd.Series(pd.Categorical.from_codes(spread, categories=codes.categories), column.index)
    return result, _counts([rule for _, rule in read], counts)


def list_distinct(column: pd.Series) -> pd.Series:
    """The distinct texts of a column, once each."""
    values, _, counts = _weights(column)
    return pd.Series(values[counts > 0], dtype="str")


def read_names(column: pd.Series) -> tuple[pd.Series, Counts]:
    """A text column of few different names (a provider, a submission) as categories, tidied like identifiers."""
    values, rows, counts = _weights(column)
    tidied, is_marker = tidy_texts(pa.array(values.astype("str").array, pa.large_string()))
    names = pd.Categorical(tidied.to_pandas())
    spread = np.append(names.codes, -1)[rows]
    result = pd.Series(pd.Categorical.from_codes(spread, dtype=names.dtype), column.index)
    return result, {"blank_marker": int(counts[is_marker].sum())}


def read_numbers(column: pd.Series) -> tuple[pd.Series, Counts]:
    """A text column as float64; text that is no number is missing and counted."""
    values, rows, counts = _weights(column)
    text = pd.Series(values.astype("str"), dtype="str").str.strip()
    number = pd.to_numeric(text.where(text.str.fullmatch(_NUMBER)), errors="coerce").astype("float64")
    blank = text.str.lower().isin(BLANKS)
    rules = pd.Series("", index=text.index).mask(number.isna(), "number_unreadable").mask(blank, "blank_marker")
    rules = rules.mask(text == "", "")
    return pd.Series(np.append(number.to_numpy(), np.nan)[rows], column.index), _counts(rules, counts)


def read_times(column: pd.Series) -> tuple[pd.Series, Counts]:
    """Times of day as minutes after midnight (float64): 09:30, 09:30:00, 2:30 PM, or a spreadsheet's part of a day.

    A date before the time is left off. Hours over 23 (24:00 too), minutes over 59 and other texts are missing.
    """
    values, rows, counts = _weights(column)
    text = pd.Series(values.astype("str"), dtype="str").str.strip().str.lower()
    part = text.str.extract(_CLOCK)
    hour, half = pd.to_numeric(part[0]), part[2]
    twelve = hour.between(1, 12)
    hour = hour.where(half.isna(), (hour % 12 + 12 * (half == "p")).where(twelve))
    minute = pd.to_numeric(part[1])
    minutes = (hour * 60 + minute).where((hour <= 23) & (minute <= 59))
    share = pd.to_numeric(text.where(text.str.fullmatch(r"0?\.\d+")), errors="coerce")
    minutes = minutes.fillna((share * 24 * 60).round()).to_numpy(dtype="float64")
    blank = text.isin(BLANKS)
    rules = pd.Series("", index=text.index).mask(np.isnan(minutes), "time_unreadable").mask(blank, "blank_marker")
    rules = rules.mask(text == "", "")
    return pd.Series(np.append(minutes, np.nan)[rows], column.index), _counts(rules, counts)


def check_nhs_numbers(digits: pd.Series) -> pd.Series:
    """Whether each text is ten digits whose last is the modulus-11 check digit (NHS data dictionary)."""
    texts = pa.array(digits.astype("str"), pa.large_string())
    is_ten = pc.match_substring_regex(texts, "^[0-9]{10}$").fill_null(False).to_numpy(zero_copy_only=False)
    number = pc.cast(texts.filter(pa.array(is_ten)), pa.int64()).to_numpy(zero_copy_only=False)
    figures = [number // 10**place % 10 for place in range(9, -1, -1)]
    check = (11 - sum(weight * figure for weight, figure in zip(range(10, 1, -1), figures[:-1], strict=True)) % 11) % 11
    is_right = np.zeros(len(digits), dtype=bool)
    is_right[is_ten] = (check == figures[-1]) & (number > 0)
    return pd.Series(is_right, digits.index)

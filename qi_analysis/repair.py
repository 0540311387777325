"""From written text to typed columns: dates, codes, numbers and times, with every repair counted.

Work is done on the distinct values of a column and spread over its rows, so a column of ten million dates costs
as much as its few thousand different days. Dates follow domain rules: ISO, day first, spreadsheet day numbers
between 20000 and 60000; a day that does not exist is missing, never guessed.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from qi_analysis.codes import BLANKS, CodeList, read_value
from qi_analysis.keys import tidy_texts

Counts = dict[str, int]  # cleaning rule -> number of rows it touched
DATE_FORMS = ("ISO", "d/m/Y", "m/d/Y")
SERIAL_FIRST, SERIAL_LAST = 20000, 60000
SERIAL_DAY_0 = pd.Timestamp("1899-12-30")
_TIME = r"(?:[t ]+\d{1,2}[:.]\d\d.*)?"
_YEAR_FIRST = r"^(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?P<t>" + _TIME + r")$"
_COMPACT = r"^(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)(?P<t>)$"
_YEAR_LAST = r"^(?P<a>\d{1,2})[-/. ](?P<b>\d{1,2})[-/. ](?P<y>\d{4}|\d{2})(?P<t>" + _TIME + r")$"
_MONTH_WORD = r"^(?P<d>\d{1,2})[-/. ](?P<w>[a-z]{3})[a-z]*[-/. ,]+(?P<y>\d{4}|\d{2})(?P<t>" + _TIME + r")$"
_WORDS = dict(
    zip(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        range(1, 13),
        strict=True,
    )
)


def _weights(column: pd.Series) -> tuple[pd.Index, np.ndarray, np.ndarray]:
    """The distinct values of a text column as categories, the rows' positions in them (-1: empty), the counts."""
    as_category = column if isinstance(column.dtype, pd.CategoricalDtype) else column.astype("category")
    values = as_category.cat.categories
    rows = as_category.cat.codes.to_numpy()
    return values, rows, np.bincount(rows[rows >= 0], minlength=len(values))


def _counts(rules: pd.Series, counts: np.ndarray) -> Counts:
    found = pd.Series(counts, index=rules.to_numpy()).groupby(level=0).sum()
    return {rule: int(n) for rule, n in found.items() if rule and n}


def _assemble(year: pd.Series, month: pd.Series, day: pd.Series) -> pd.Series:
    """Dates from number columns; a day that does not exist becomes missing."""
    parts = pd.DataFrame({"year": year, "month": month, "day": day}, dtype="float64")
    return pd.to_datetime(parts, errors="coerce").astype("datetime64[s]")


def _century(year: pd.Series, last_year: int) -> pd.Series:
    """Two-digit years belong to this century unless that lies after last_year; then to the one before."""
    number = pd.to_numeric(year, errors="coerce")
    short = year.str.len() == 2
    number = number.mask(short, number + 2000)
    return number.mask(short & (number > last_year), number - 100)


def _read_parts(text: pd.Series, form: str, last_year: int) -> pd.DataFrame:
    """Each distinct text as a date (or missing), with the cleaning rule that tells how it was read."""
    nothing = pd.Series(pd.NaT, text.index, dtype="datetime64[s]")
    out = pd.DataFrame({"date": nothing, "rule": "", "two_days": False}, index=text.index)
    for pattern in (_YEAR_FIRST, _COMPACT):
        part = text.str.extract(pattern)
        hit = part["y"].notna()
        dates = _assemble(*(pd.to_numeric(part[c], errors="coerce") for c in "ymd"))
        out.loc[hit, "date"] = dates[hit]
        out.loc[hit & (part["t"].fillna("") != ""), "rule"] = "date_with_time"
    part = text.str.extract(_YEAR_LAST)
    hit = part["y"].notna()
    a, b = (pd.to_numeric(part[c], errors="coerce") for c in "ab")
    day, month = (b, a) if form == "m/d/Y" else (a, b)
    out.loc[hit, "date"] = _assemble(_century(part["y"], last_year), month, day)[hit]
    out.loc[hit, "rule"] = "" if form != "ISO" else "date_day_first"
    out.loc[hit & (form == "ISO") & (a <= 12) & (b <= 12) & (a != b), "two_days"] = True
    out.loc[hit & (part["t"].fillna("") != "") & (out["rule"] == ""), "rule"] = "date_with_time"
    out.loc[hit & (part["y"].str.len() == 2), "rule"] = "date_two_digit_year"
    part = text.str.extract(_MONTH_WORD)
    hit = part["y"].notna()
    dates = _assemble(_century(part["y"], last_year), part["w"].map(_WORDS), pd.to_numeric(part["d"]))
    out.loc[hit, "date"] = dates[hit]
    out.loc[hit, "rule"] = "date_day_first"
    serial = pd.to_numeric(text.where(text.str.fullmatch(r"\d{5}(?:\.\d+)?")), errors="coerce")
    hit = serial.between(SERIAL_FIRST, SERIAL_LAST)
    days = (SERIAL_DAY_0 + pd.to_timedelta(np.floor(serial[hit]), unit="D")).astype("datetime64[s]")
    out.loc[hit, "date"] = days
    out.loc[hit, "rule"] = "date_excel_serial"
    return out


def read_dates(column: pd.Series, form: str = "ISO", last_year: int = 2100) -> tuple[pd.Series, Counts]:
    """A text column as datetime64[s] dates, with counts of the repairs.

    form: the column's declared form, one of DATE_FORMS. A date in another form is still read (day first) and
    counted; 1 January 1900 and 31 December 9999 are stand-ins for no date; what cannot be read is missing.
    last_year decides the century of two-digit years.
    """
    values, rows, counts = _weights(column)
    text = pd.Series(values.astype("str"), dtype="str").str.strip().str.lower()
    read = _read_parts(text, form, last_year)
    blank, empty = text.isin(BLANKS), text == ""
    sentinel = (text.str.contains("9999") & text.str.contains("31|12")) | read["date"].dt.strftime("%F").isin(
        ["1900-01-01", "1899-12-30", "1899-12-31"]
    )
    read.loc[read["date"].isna(), "rule"] = "date_unreadable"
    read.loc[blank, "rule"] = "blank_marker"
    read.loc[empty, "rule"] = ""
    read.loc[sentinel, ["date", "rule", "two_days"]] = [pd.NaT, "date_sentinel", False]
    two_days = int(counts[read["two_days"] & read["date"].notna()].sum())
    spread = np.append(read["date"].to_numpy(dtype="datetime64[s]"), np.datetime64("NaT", "s"))
    found = _counts(read["rule"], counts) | ({"date_could_be_two_days": two_days} if two_days else {})
    return pd.Series(spread[rows], column.index), found


def read_codes(column: pd.Series, code_list: CodeList, own: Mapping[str, str]) -> tuple[pd.Series, Counts]:
    """A text column as categories of the code list ("invalid" for what is no code, missing for blanks)."""
    values, rows, counts = _weights(column)
    read = [read_value(str(value), code_list, own) for value in values]
    codes = pd.Categorical([code for code, _ in read])
    spread = np.append(codes.codes, -1)[rows]
    result = pd.Series(pd.Categorical.from_codes(spread, categories=codes.categories), column.index)
    return result, _counts(pd.Series([rule for _, rule in read], dtype="object"), counts)


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
    number = pd.to_numeric(text, errors="coerce").astype("float64")
    blank = text.str.lower().isin(BLANKS)
    rules = pd.Series("", index=text.index).mask(number.isna(), "number_unreadable").mask(blank, "blank_marker")
    rules = rules.mask(text == "", "")
    return pd.Series(np.append(number.to_numpy(), np.nan)[rows], column.index), _counts(rules, counts)


def read_times(column: pd.Series) -> tuple[pd.Series, Counts]:
    """Times such as 09:30 or 09:30:00 as minutes after midnight (float64); others missing, markers counted."""
    values, rows, counts = _weights(column)
    text = pd.Series(values.astype("str"), dtype="str")
    part = text.str.extract(r"(?:^|[ T])(\d{1,2})[:.](\d\d)")
    minutes = pd.to_numeric(part[0]) * 60 + pd.to_numeric(part[1])
    blank = text.str.strip().str.lower().isin(BLANKS - {""})
    rules = pd.Series("", index=text.index).mask(blank, "blank_marker")
    return pd.Series(np.append(minutes.to_numpy(dtype="float64"), np.nan)[rows], column.index), _counts(rules, counts)


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

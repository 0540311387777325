"""Text to typed columns, every repair counted.

Whether the dates of a column can be told apart: 03/04/2022 is two days, and no column is guessed.

The day stands first where the column itself shows it, or columns.toml says it. Else the dates that could be two
days count as missing, and where they are more than a few the extract is refused.

Before and after a column gets its type: characters nobody sees, dates nobody can tell, columns nobody can read.

From written text to typed columns: dates, codes, numbers and times, with every repair counted.

Work is done on the distinct values of a column and spread over its rows, so a column of ten million dates costs
as much as its few thousand different days. Dates are read as ISO, day first, spreadsheet day numbers
between 20000 and 60000; a day that does not exist is missing, never guessed.

Raw text to typed raw tables: every field gets its type once, and every row its place in submission order.
"""

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from qi_analysis.dataset import (
    BLANKS,
    INVALID,
    CodeList,
    Rule,
    find_field,
    old_therapy_codes,
    plain_label,
    read_code_lists,
    read_table_fields,
    read_tables_text,
    read_value,
)
from qi_analysis.errors import DataProblem
from qi_analysis.extract.identifiers import mark_damaged, number_texts, tidy_texts
from qi_analysis.extract.ledger import Account
from qi_analysis.extract.readers import UNSEEN
from qi_analysis.extract.sources import Extract
from qi_analysis.periods import Period, period_of

A_FEW = 0.05  # of a file's filled cells of a column
SHORT_DATE = r"^\s*(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})(?!\d)"
YEARS_APART = 3  # two-digit years of an extract lie so close together; days of a month do not
DAYS_SEEN = 12


@dataclass(frozen=True)
class ShortDates:
    """The dates of one file's column in which day and month are numbers: masks over its rows."""

    is_day_first: np.ndarray  # the first number is over 12
    is_month_first: np.ndarray  # the second is
    is_either: np.ndarray  # neither is, and they differ
    has_year_first: bool  # two-digit years seem to stand first


def find_short_dates(column: pd.Series) -> ShortDates | None:
    """None where the column holds no such date. Works on the distinct texts."""
    as_category = column if isinstance(column.dtype, pd.CategoricalDtype) else column.astype("category")
    texts = pd.Series(as_category.cat.categories.astype("str"), dtype="str")
    part = texts.str.extract(SHORT_DATE)
    rows = as_category.cat.codes.to_numpy()
    used = np.zeros(len(texts) + 1, dtype=bool)
    used[rows] = True
    part = part[used[:-1]].reindex(part.index)
    if part[0].isna().all():
        return None
    first, second = pd.to_numeric(part[0]), pd.to_numeric(part[1])
    short = part[2].str.len() == 2
    years, days = first[short], pd.to_numeric(part.loc[short, 2])
    year_first = bool(len(years)) and years.max() - years.min() <= YEARS_APART and days.nunique() > DAYS_SEEN

    def spread(mask: pd.Series) -> np.ndarray:
        return np.asarray(np.append(mask.to_numpy(dtype=bool), False)[rows])

    day, month = (first > 12) & (second <= 12), (second > 12) & (first <= 12)
    return ShortDates(
        spread(day), spread(month), spread((first <= 12) & (second <= 12) & (first != second)), year_first
    )


def find_fault(dates: ShortDates, form: str, filled: int) -> tuple[str, np.ndarray] | None:
    """(why the column cannot be read, the rows that show it) or None. form: ISO where none was declared."""
    n_day, n_month, n_either = (int(mask.sum()) for mask in (dates.is_day_first, dates.is_month_first, dates.is_either))
    if form == "d/m/Y" and n_month > n_day:
        return "its dates seem to be month first, and columns.toml says d/m/Y", dates.is_month_first
    if form == "m/d/Y" and n_day > n_month:
        return "its dates seem to be day first, and columns.toml says m/d/Y", dates.is_day_first
    if form != "ISO":
        return None
    if dates.has_year_first:
        return "its two-digit years seem to stand first", dates.is_day_first | dates.is_month_first | dates.is_either
    if is_unclear(dates) and n_either + n_month > A_FEW * filled and n_either:
        return "its dates could be day first or month first", dates.is_either
    return None


def is_unclear(dates: ShortDates) -> bool:
    """Whether the column does not show that its days stand first."""
    n_day, n_month = int(dates.is_day_first.sum()), int(dates.is_month_first.sum())
    return n_day == 0 or n_month > A_FEW * (n_day + n_month)


FULL_WIDTH = "\uff01-\uff5e"
MOST = 0.5  # of a needed column's filled cells
ENOUGH = 10  # filled cells before a column is judged as a whole
UNREADABLE = (Rule.DATE_UNREADABLE, Rule.CODE_INVALID, Rule.THERAPY_DAMAGED, Rule.NUMBER_UNREADABLE)
DATE_HELP = "Write dates as year-month-day, or say their form in columns.toml"


def take_out_unseen(extract: Extract, account: Account) -> None:
    """Take out what nobody sees (zero width, direction marks) and write full-width letters plainly; counted.

    The extract's columns are replaced.
    """
    for table, frame in extract.tables.items():
        for name in frame.columns.drop(["file", "line"]):
            plain = _take_out(frame[name])
            if plain is not None:
                changed = (plain.astype("str") != frame[name].astype("str")) & frame[name].notna()
                account.note(Rule.UNSEEN_TAKEN_OUT, table, int(changed.sum()), name)
                extract.tables[table] = extract.tables[table].assign(**{name: plain})


def _take_out(column: pd.Series) -> pd.Series | None:
    """The column without what cannot be seen; None where there is nothing of it."""
    is_category = isinstance(column.dtype, pd.CategoricalDtype)
    texts = column.cat.categories if is_category else column
    written = pa.array(texts.astype("str").array, pa.large_string())
    if pc.all(pc.string_is_ascii(written)).as_py() is not False:
        return None
    hides = pc.match_substring_regex(written, f"[{UNSEEN}{FULL_WIDTH}]")
    if not pc.any(hides).as_py():
        return None
    plain = pc.replace_substring_regex(pc.utf8_normalize(written, "NFKC"), f"[{UNSEEN}]", "")
    plain = pc.if_else(hides, plain, written)
    if not is_category:
        return pd.Series(plain.to_pandas().to_numpy(), column.index, dtype="str")
    spread = plain.take(pa.array(column.cat.codes.to_numpy(), mask=column.cat.codes.to_numpy() < 0))
    return pd.Series(spread.to_pandas().to_numpy(), column.index, dtype="str").astype("category")


def settle_dates(raw: pd.DataFrame, table: str, name: str, extract: Extract) -> tuple[pd.Series, int]:
    """(the column without the dates that could be two days and nothing tells which, how many they were).

    Raises DataProblem where such dates are more than a few of a file's, or go against the declared form.
    """
    column, unclear = raw[name], np.zeros(len(raw), dtype=bool)
    if find_short_dates(column) is None:
        return column, 0
    files = raw["file"].to_numpy()
    form = extract.forms.get(name, "ISO")
    for number in np.unique(files):
        rows = np.flatnonzero(files == number)
        dates = find_short_dates(column.iloc[rows])
        if dates is None:
            continue
        fault = find_fault(dates, form, int(column.iloc[rows].notna().sum()))
        if fault is not None:
            what, shown = fault
            raise DataProblem(f"{_describe_place(raw.iloc[rows[shown]], (table, name), extract)}: {what}. {DATE_HELP}.")
        if form == "ISO" and is_unclear(dates):
            unclear[rows[dates.is_either]] = True
    return (column.mask(unclear), int(unclear.sum())) if unclear.any() else (column, 0)


def check_readable(column: pd.Series, counts: Mapping[Rule, int], place: tuple[str, str], extract: Extract) -> None:
    """Raises DataProblem when most of what stands in a needed column could not be read."""
    table, name = place
    bad = sum(counts.get(rule, 0) for rule in UNREADABLE)
    raw = extract.tables[table]
    if bad < ENOUGH or not _is_needed(table, name, extract) or bad <= MOST * int(raw[name].notna().sum()):
        return
    lost = (column == INVALID) if isinstance(column.dtype, pd.CategoricalDtype) else column.isna()
    rows = raw[(lost & raw[name].notna()).to_numpy(dtype=bool)]
    help_ = DATE_HELP if find_field(name).kind == "date" else "Export its codes or labels again, or map them"
    where = _describe_place(rows, place, extract)
    raise DataProblem(f"{where}: most of this column cannot be read, from this line on. {help_}.")


def _is_needed(table: str, name: str, extract: Extract) -> bool:
    if extract.layout == "national":
        return read_table_fields()[table][name].required if name in read_table_fields()[table] else False
    return name in read_tables_text()["local"]["appointments" if table == "contacts" else table]["required"]


def _describe_place(rows: pd.DataFrame, place: tuple[str, str], extract: Extract) -> str:
    """File, line and column of the first of some rows."""
    table, name = place
    first = rows.iloc[0]
    return f"{extract.files[int(first['file'])]}, line {int(first['line'])}, column {extract.find_heading(table, name)}"


Counts = dict[Rule, int]  # cleaning rule -> number of rows it touched
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


def _counts(rules: Iterable[str | None], counts: np.ndarray) -> Counts:
    found: Counts = {}
    for rule, n in zip(rules, counts.tolist(), strict=True):
        if rule and n:
            found[Rule(rule)] = found.get(Rule(rule), 0) + n
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


def _read_day(text: str, form: str, last_year: int) -> tuple[date | None, Rule | None, bool]:
    """(the day written in one text, the cleaning rule that tells how it was read, whether it could be two days)."""
    if found := _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text):
        day = _find_day(found["y"], int(found["m"]), found["d"], last_year)
        return day, Rule.DATE_WITH_TIME if found["t"] else None, False
    if found := _YEAR_LAST.fullmatch(text):
        first, second = ("m", "d") if form == "m/d/Y" else ("d", "m")
        day = _find_day(found["y"], int(found[second]), found[first], last_year)
        is_iso, numbers = form == "ISO", (int(found["d"]), int(found["m"]))
        rule = Rule.DATE_DAY_FIRST if is_iso else Rule.DATE_WITH_TIME if found["t"] else None
        rule = Rule.DATE_TWO_DIGIT_YEAR if len(found["y"]) == 2 else rule
        return day, rule, is_iso and max(numbers) <= 12 and numbers[0] != numbers[1]
    if (found := _MONTH_WORD.fullmatch(text)) and found["m"] in _WORDS:
        return _find_day(found["y"], _WORDS.index(found["m"]) + 1, found["d"], last_year), Rule.DATE_DAY_FIRST, False
    if _SERIAL.fullmatch(text) and SERIAL_FIRST <= float(text) <= SERIAL_LAST:
        return SERIAL_DAY_0 + timedelta(days=int(float(text))), Rule.DATE_EXCEL_SERIAL, False
    return None, Rule.DATE_UNREADABLE, False


def _read_odd_day(text: str, form: str, last_year: int) -> tuple[date | None, Rule | None, bool]:
    """As _read_day, with markers for nothing and stand-ins for no date."""
    day, rule, two_days = _read_day(text, form, last_year)
    if day in NO_DAYS or ("9999" in text and ("31" in text or "12" in text)):
        return None, Rule.DATE_SENTINEL, False
    if text in BLANKS:
        return None, Rule.BLANK_MARKER if text else None, False
    return (day, rule, two_days) if day else (None, Rule.DATE_UNREADABLE, False)


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
    return pd.Series(spread[rows], column.index), found | ({Rule.DATE_COULD_BE_TWO_DAYS: two_days} if two_days else {})


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
    return result, {Rule.BLANK_MARKER: int(counts[is_marker].sum())}


def read_numbers(column: pd.Series) -> tuple[pd.Series, Counts]:
    """A text column as float64; text that is no number is missing and counted."""
    values, rows, counts = _weights(column)
    text = pd.Series(values.astype("str"), dtype="str").str.strip()
    number = pd.to_numeric(text.where(text.str.fullmatch(_NUMBER)), errors="coerce").astype("float64")
    blank = text.str.lower().isin(BLANKS)
    rules = pd.Series("", index=text.index).mask(number.isna(), Rule.NUMBER_UNREADABLE).mask(blank, Rule.BLANK_MARKER)
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
    rules = pd.Series("", index=text.index).mask(np.isnan(minutes), Rule.TIME_UNREADABLE).mask(blank, Rule.BLANK_MARKER)
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


MONTH_ID_ZERO = 22802  # Unique_MonthID counts months from April 1900; plus this it is year * 12 + month - 1
MONTHS = 1 << 20  # no month has a higher number
REFRESH = "R"
ENOUGH_REFERRALS = 0.05  # of the median month: fewer received in a month and it is not the extract's last
LATEST_YEAR_AHEAD = 1  # discharges come after the last referral
LATEST_YEAR = 2068  # where no received date tells
NUMBERED = ("patient_id", "person_id", "nhs_number", "referral_id", "contact_id", "activity_id")
Columns = dict[str, np.ndarray | pd.Series]


def build_typed(extract: Extract, account: Account) -> tuple[dict[str, pd.DataFrame], dict[str, pa.Array]]:
    """(each raw table with typed columns plus file, line and stamp, the texts of the identifiers in NUMBERED).

    stamp is the order in which rows were submitted. Identifiers in NUMBERED are numbers (-1: missing), the
    same in every table.
    """
    take_out_unseen(extract, account)
    last_year = _latest_year(extract)
    numbers, texts = _number_identifiers(extract, account)
    typed: dict[str, pd.DataFrame] = {}
    for name in sorted(extract.tables, key=lambda name: name != "header"):  # the header says when the others came
        account.count_in(extract.tables[name])
        columns = numbers.pop(name) | _type_columns(name, extract, account, last_year)
        frame = pd.DataFrame({field: columns[field] for field in extract.tables[name]}, copy=False)
        typed[name] = _add_stamp(frame, typed.get("header"), name, account)
    return typed, texts


def _number_identifiers(extract: Extract, account: Account) -> tuple[dict[str, Columns], dict[str, pa.Array]]:
    """(table -> field -> the number of each row's identifier, field -> the identifiers by number)."""
    numbers: dict[str, Columns] = {table: {} for table in extract.tables}
    owners = {name: [table for table, raw in extract.tables.items() if name in raw] for name in NUMBERED}
    columns = {name: [extract.tables[table][name] for table in tables] for name, tables in owners.items() if tables}
    with ThreadPoolExecutor(pa.cpu_count()) as pool:
        found = dict(zip(columns, pool.map(number_texts, columns.values()), strict=True))
    for name, (parts, known, blanks) in found.items():
        damaged = mark_damaged(known, parts)
        for table, part, blank, lost in zip(owners[name], parts, blanks, damaged, strict=True):
            numbers[table][name] = np.where(lost, -1, part).astype(part.dtype) if lost.any() else part
            account.note(Rule.BLANK_MARKER, table, blank, name)
            account.note(Rule.IDENTIFIER_DAMAGED, table, int(lost.sum()), name)
    return numbers, {name: texts for name, (_, texts, _) in found.items()}


def find_extract_date(extract: Extract, typed: dict[str, pd.DataFrame]) -> date:
    """The day the extract speaks for: the header's last period end, the setting, or the last month with referrals."""
    if extract.columns is not None and extract.columns.extract_date is not None:
        return extract.columns.extract_date
    header = typed.get("header")
    if header is not None and "period_end" in header:
        ends = header["period_end"]
        said = ends.dt.year * 12 + ends.dt.month - 1
        ends = ends[(said == header["month"]) | (header["month"] < 0)]  # an end in another month is a slip
        if ends.notna().any():
            latest: date = ends.max().date()
            return latest
    stamps = typed["referrals"]["month"]
    if stamps.max() > 0:
        return _month_period(int(stamps.max())).end
    received = typed["referrals"]["received_on"].dropna()
    months = received.dt.year * 12 + received.dt.month - 1
    counts = months.value_counts()
    enough = counts[counts >= max(1, ENOUGH_REFERRALS * counts.median())]
    return _month_period(int(enough.index.max())).end if len(enough) else period_of(date(2000, 1, 1)).end


def _month_period(month: int) -> Period:
    return Period(month // 12, month % 12 + 1)


def _latest_year(extract: Extract) -> int:
    """The latest year of the received dates: a two-digit year after it belongs to the century before."""
    distinct = list_distinct(extract.tables["referrals"].get("received_on", pd.Series(dtype="str")))
    long = pd.to_numeric(distinct.str.extract(r"((?:19|20)\d\d)")[0], errors="coerce")
    short = pd.to_numeric(distinct.str.extract(r"\D(\d\d)(?:\s.*)?$")[0], errors="coerce") + 2000
    usual = long.fillna(short)
    usual = usual[usual.between(2008, 2100)]
    return int(usual.quantile(0.99)) + LATEST_YEAR_AHEAD if len(usual) else LATEST_YEAR


def _type_columns(table: str, extract: Extract, account: Account, last_year: int) -> Columns:
    """file, line and every field that is not in NUMBERED."""
    raw = extract.tables[table]
    columns = {"file": raw["file"].astype("int16"), "line": raw["line"]}
    for name in raw.columns.drop(["file", "line"]):
        if name not in NUMBERED:
            plain = raw[name]
            if find_field(name).kind == "date":
                plain, unclear = settle_dates(raw, table, name, extract)
                account.note(Rule.DATE_UNCLEAR, table, unclear, name)
            columns[name], counts = _type_column(plain, name, extract, last_year)
            check_readable(columns[name], counts, (table, name), extract)
            account.note_all(counts, table, name)
    return columns


def _type_column(column: pd.Series, name: str, extract: Extract, last_year: int) -> tuple[pd.Series, Counts]:
    spec = find_field(name)
    if spec.kind == "date":
        return read_dates(column, extract.forms.get(name, "ISO"), last_year)
    if spec.kind == "code":
        own = {plain_label(label): code for label, code in extract.labels.get(name, {}).items()}
        if spec.list == "therapy" and extract.columns is not None and extract.columns.therapy_scheme == "v1.5":
            own = old_therapy_codes() | own
        return read_codes(column, read_code_lists()[spec.list], own)
    if spec.kind == "number":
        return read_numbers(column)
    if spec.kind == "time":
        return read_times(column)
    return read_names(column) if spec.kind == "id" else (column.astype("str"), {})


def _add_stamp(frame: pd.DataFrame, header: pd.DataFrame | None, table: str, account: Account) -> pd.DataFrame:
    """month (year * 12 + month - 1 of the submission, -1 unknown), stamp (its order) and provider where known."""
    month = _submission_month(frame)
    if header is not None and (header["month"] >= 0).any():
        strange = (month >= 0) & ~np.isin(month, header["month"].to_numpy())
        account.note(Rule.MONTH_NOT_IN_HEADER, table, int(strange.sum()), "month_id")
        month = np.where(strange, -1, month).astype("int32")
    if header is not None and "submission_id" in frame and "submission_id" in header:
        known = header.dropna(subset="submission_id").drop_duplicates("submission_id").set_index("submission_id")
        if (month < 0).any():
            month = np.where(
                month >= 0, month, _look_up(known["month"], frame["submission_id"]).fillna(-1).astype("int32")
            )
        for name in ("provider", "file_type"):
            if name not in frame and name in known:
                frame = frame.assign(**{name: _look_up(known[name], frame["submission_id"])})
    is_refresh = np.zeros(len(frame), dtype=bool)
    if "file_type" in frame:
        kind = frame["file_type"].cat
        refresh = [str(text).strip().upper().startswith(REFRESH) for text in kind.categories]
        is_refresh = np.append(np.array(refresh, dtype=bool), False)[kind.codes]
    stamp = (month + 1) * 2 + is_refresh
    if "updated_at" in frame:
        stamp = frame["updated_at"].astype("int64").where(frame["updated_at"].notna(), 0).to_numpy()
    return frame.assign(month=month, is_refresh=is_refresh, stamp=stamp)


def _look_up(known: pd.Series, submission: pd.Series) -> pd.Series:
    """What the header says of each row's submission."""
    found = known.reindex(submission.cat.categories).array
    return pd.Series(found.take(submission.cat.codes, allow_fill=True), submission.index)


def _submission_month(frame: pd.DataFrame) -> np.ndarray:
    month = np.full(len(frame), -1, dtype="int32")
    if "month_id" in frame:
        number = frame["month_id"].to_numpy() + MONTH_ID_ZERO
        month = np.where((number >= 0) & (number < MONTHS), number, -1).astype("int32")
    if "period_start" in frame:
        start = (frame["period_start"].dt.year * 12 + frame["period_start"].dt.month - 1).fillna(-1).astype("int32")
        month = np.where(month >= 0, month, start)
    return month

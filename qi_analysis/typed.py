"""Raw text to typed raw tables: every field gets its type once, and every row its place in submission order."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from qi_analysis.account import Account
from qi_analysis.codes import old_therapy_codes, plain_label, read_code_lists
from qi_analysis.extract import Extract
from qi_analysis.keys import mark_damaged, number_texts
from qi_analysis.periods import Period, period_of
from qi_analysis.readable import check_readable, settle_dates, take_out_unseen
from qi_analysis.repair import list_distinct, read_codes, read_dates, read_names, read_numbers, read_times
from qi_analysis.table_fields import find_field

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
            account.note("blank_marker", table, blank, name)
            account.note("identifier_damaged", table, int(lost.sum()), name)
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
            return ends.max().date()
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
                account.note("date_unclear", table, unclear, name)
            columns[name], counts = _type_column(plain, name, extract, last_year)
            check_readable(columns[name], counts, (table, name), extract)
            account.note_all(counts, table, name)
    return columns


def _type_column(column: pd.Series, name: str, extract: Extract, last_year: int) -> tuple[pd.Series, dict[str, int]]:
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
        account.note("month_not_in_header", table, int(strange.sum()), "month_id")
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

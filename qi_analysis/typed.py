"""Raw text to typed raw tables: every field gets its type once, and every row its place in submission order."""

from datetime import date

import numpy as np
import pandas as pd

from qi_analysis.account import Account
from qi_analysis.codes import old_therapy_codes, plain_label, read_code_lists
from qi_analysis.extract import Extract
from qi_analysis.keys import tidy_key
from qi_analysis.periods import Period, period_of
from qi_analysis.repair import read_codes, read_dates, read_numbers, read_times
from qi_analysis.table_fields import find_field

MONTH_ID_ZERO = 22802  # Unique_MonthID counts months from April 1900; plus this it is year * 12 + month - 1
REFRESH = "R"
ENOUGH_REFERRALS = 0.05  # of the median month: fewer received in a month and it is not the extract's last
LATEST_YEAR_AHEAD = 1  # discharges come after the last referral
LATEST_YEAR = 2068  # where no received date tells


def build_typed(extract: Extract, account: Account) -> dict[str, pd.DataFrame]:
    """Each raw table with typed columns plus file, line and stamp (the order in which rows were submitted)."""
    last_year = _latest_year(extract)
    typed = {}
    for name, raw in extract.tables.items():
        account.count_in(raw)
        typed[name] = _type_table(raw, name, extract, account, last_year)
    header = typed.get("header")
    return {name: _add_stamp(frame, header) for name, frame in typed.items()}


def find_extract_date(extract: Extract, typed: dict[str, pd.DataFrame]) -> date:
    """The day the extract speaks for: the header's last period end, the setting, or the last month with referrals."""
    if extract.columns is not None and extract.columns.extract_date is not None:
        return extract.columns.extract_date
    header = typed.get("header")
    if header is not None and "period_end" in header and header["period_end"].notna().any():
        return header["period_end"].max().date()
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
    text = extract.tables["referrals"].get("received_on", pd.Series(dtype="str")).astype("str")
    distinct = pd.Series(text.unique(), dtype="str")
    long = pd.to_numeric(distinct.str.extract(r"((?:19|20)\d\d)")[0], errors="coerce")
    short = pd.to_numeric(distinct.str.extract(r"\D(\d\d)(?:\s.*)?$")[0], errors="coerce") + 2000
    usual = long.fillna(short)
    usual = usual[usual.between(2008, 2100)]
    return int(usual.quantile(0.99)) + LATEST_YEAR_AHEAD if len(usual) else LATEST_YEAR


def _type_table(raw: pd.DataFrame, table: str, extract: Extract, account: Account, last_year: int) -> pd.DataFrame:
    columns = {}
    for name in raw.columns:
        if name in ("file", "line"):
            columns[name] = raw[name]
            continue
        columns[name], counts = _type_column(raw[name], name, extract, last_year)
        account.note_all(counts, table, name)
    return pd.DataFrame(columns)


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
    if spec.kind == "id":
        tidied, n_blank = tidy_key(column)
        return tidied, {"blank_marker": n_blank}
    return column.astype("str"), {}


def _add_stamp(frame: pd.DataFrame, header: pd.DataFrame | None) -> pd.DataFrame:
    """month (year * 12 + month - 1 of the submission, -1 unknown), stamp (its order) and provider where known."""
    frame = frame.assign(month=_submission_month(frame))
    if header is not None and "submission_id" in frame and "submission_id" in header and header is not frame:
        known = header.assign(month=_submission_month(header)).dropna(subset="submission_id")
        known = known.drop_duplicates("submission_id").set_index("submission_id")
        found = frame["submission_id"].map(known["month"]).fillna(-1).astype("int64")
        frame = frame.assign(month=frame["month"].where(frame["month"] >= 0, found))
        if "provider" not in frame and "provider" in known:
            frame = frame.assign(provider=frame["submission_id"].map(known["provider"]))
        if "file_type" not in frame and "file_type" in known:
            frame = frame.assign(file_type=frame["submission_id"].map(known["file_type"]))
    is_refresh = np.zeros(len(frame), dtype=bool)
    if "file_type" in frame:
        kind = frame["file_type"].astype("category")
        refresh = [n for n, text in enumerate(kind.cat.categories) if str(text).strip().upper().startswith(REFRESH)]
        is_refresh = np.isin(kind.cat.codes.to_numpy(), refresh)
    stamp = (frame["month"].to_numpy() + 1) * 2 + is_refresh
    if "updated_at" in frame:
        stamp = frame["updated_at"].astype("int64").where(frame["updated_at"].notna(), 0).to_numpy()
    return frame.assign(is_refresh=is_refresh, stamp=stamp.astype("int64"))


def _submission_month(frame: pd.DataFrame) -> pd.Series:
    month = pd.Series(-1, frame.index, dtype="int64")
    if "month_id" in frame:
        month = (frame["month_id"] + MONTH_ID_ZERO).fillna(-1).astype("int64")
    if "period_start" in frame:
        start = (frame["period_start"].dt.year * 12 + frame["period_start"].dt.month - 1).fillna(-1).astype("int64")
        month = month.where(month >= 0, start)
    return month

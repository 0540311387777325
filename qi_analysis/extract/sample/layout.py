"""The files of the synthetic extract: their columns, their submissions and how a value is written as text."""

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from qi_analysis.periods import Period

SYSTEM = "qi_analysis synthetic sample"
OLD_CODE, NEW_CODE, CODE_CHANGE = "RWK4C", "RQY58", Period(2022, 12)
BOTH_FILES = 6  # the months before the last for which Primary and Refresh are both in the extract
MONTH_ID = 70 * 12 - 2  # Unique_MonthID counts from April 1900: what to add to months since January 1970
FIRST_DAY, LAST_DAY = -27_000, 29_000  # the days that can be written: 1896 to 2049
EXCEL_SERIAL, DAY_FIRST = 0.002, 0.01  # date_as_excel_serial, date_month_day_swapped_risk
NULLS = ("NULL", "N/A", "*", "-", "#N/A", "Unknown", " ")
LAYOUT = {
    "IDS000Header": "DatSetVer,OrgIDProv,OrgIDSubmit,PrimSystemInUse,ReportingPeriodStartDate,"
    "ReportingPeriodEndDate,DateTimeDatSetCreate,UniqueSubmissionID,Unique_MonthID,File_Type",
    "IDS001MPI": "LocalPatientId,NHSNumber,PersonBirthDate,Postcode,Gender,EthnicCategory,"
    "LanguageCodePreferred,IndicesOfDeprivationDecile,Person_ID,UniqueSubmissionID,Unique_MonthID,File_Type",
    "IDS101Referral": "ServiceRequestId,LocalPatientId,OrgIDComm,ReferralRequestReceivedDate,"
    "SourceOfReferralIAPT,EndCode,ServDischDate,OrgIDProv,UniqueSubmissionID,Unique_MonthID,File_Type",
    "IDS201CareContact": "CareContactId,ServiceRequestId,CareContDate,CareContTime,PlannedCareContIndicator,"
    "AttendOrDNACode,ClinContDurOfCareCont,AppType,ConsMechanism,CareContPatientTherMode,"
    "InterpreterPresentInd,UniqueSubmissionID,Unique_MonthID,File_Type",
    "IDS202CareActivity": "CareActId,CareContactId,CarePersLocalId,CodeProcAndProcStatus,UniqueSubmissionID,"
    "Unique_MonthID,File_Type",
    "IDS205InternetTherLog": "ServiceRequestId,StartDateIntEnabledTherLog,EndDateIntEnabledTherLog,"
    "IntEnabledTherProg,DurationIntEnabledTher,UniqueSubmissionID,Unique_MonthID,File_Type",
    "IDS606CodedScoreReferral": "ServiceRequestId,CodedAssToolType,PersScore,AssToolCompDate,"
    "UniqueSubmissionID,Unique_MonthID,File_Type",
    "IDS607CodedScoreActivity": "CareActId,CodedAssToolType,PersScore,UniqueSubmissionID,Unique_MonthID,File_Type",
}
Rng = np.random.Generator
NEVER = 999_999  # the day of what has not happened by the end of the extract


@dataclass(frozen=True)
class Span:
    """The months of an extract."""

    first: Period
    months: int

    @cached_property
    def month_starts(self) -> np.ndarray:
        """First day of each month, and of the month after the last."""
        months = np.datetime64(self.first.start, "M") + np.arange(self.months + 1)
        return months.astype("datetime64[D]").astype(int)

    @property
    def start(self) -> int:
        """The first day, in days since 1970."""
        return int(self.month_starts[0])

    @property
    def end(self) -> int:
        """The last day, in days since 1970."""
        return int(self.month_starts[-1]) - 1

    @cached_property
    def clinic_days(self) -> np.ndarray:
        """Days on which people are seen, also after the end: week-days, not from 24 December to 1 January."""
        days = np.arange(self.start, self.end + 1200)
        dates = days.astype("datetime64[D]")
        months = dates.astype("datetime64[M]")
        month, day = months.astype(int) % 12 + 1, (dates - months).astype(int) + 1
        closed = ((month == 12) & (day >= 24)) | ((month == 1) & (day == 1))
        return np.asarray(days[((days + 3) % 7 < 5) & ~closed])

    @property
    def last_place(self) -> int:
        """The last place a plan may reach; later ones are moved here, far beyond the end of the extract."""
        return len(self.clinic_days) - 100

    def month_of(self, days: np.ndarray) -> np.ndarray:
        """Months since the first month (0 for the first)."""
        return np.searchsorted(self.month_starts, days, side="right") - 1

    def month_number(self, period: Period) -> int:
        """A calendar month as months since the first month."""
        return (period.year - self.first.year) * 12 + period.month - self.first.month


def write_headers(folder: Path, span: Span) -> None:
    """Start every table with its header line and write the submissions, one row per month and file."""
    for name, columns in LAYOUT.items():
        (folder / f"{name}.csv").write_bytes(f"{columns}\n".encode())
    month = np.arange(span.months)
    _, month, refresh = build_submissions(span, month)
    periods = [span.first.plus(int(step)) for step in month]
    provider = [_find_provider(period) for period in periods]
    made = [
        f"{period.plus(2 if late else 1).start.replace(day=20)}T12:00:00"
        for period, late in zip(periods, refresh, strict=True)
    ]
    version, system = ["2.1"] * len(month), [SYSTEM] * len(month)
    start, end = [str(period.start) for period in periods], [str(period.end) for period in periods]
    table = [pa.array(values) for values in (version, provider, provider, system, start, end, made)]
    write_rows(folder, "IDS000Header", table, (span, month, refresh))


def _find_provider(period: Period) -> str:
    return NEW_CODE if period >= CODE_CHANGE else OLD_CODE


def build_submissions(span: Span, month: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For rows of the given months: which row, which month, and whether it stands in a Refresh.

    The last month has a Primary only, the 6 before it both files, earlier months only their Refresh.
    """
    last = span.months - 1
    twice = np.flatnonzero((month < last) & (month >= last - BOTH_FILES))
    row = np.append(np.arange(len(month)), twice)
    refresh = np.append(month < last, np.zeros(len(twice), bool))
    order = np.lexsort((row, refresh, month[row]))
    return row[order], month[row][order], refresh[order]


def write_rows(folder: Path, name: str, columns: list[Any], filed: tuple[Span, np.ndarray, np.ndarray]) -> None:
    """Append rows, closed by the columns that say in which submission they stand."""
    span, month, refresh = filed
    number = span.first.year * 12 + span.first.month - 1 - 1970 * 12 + month  # months since January 1970
    closing = [
        build_ids("", 70_000 + 2 * month + refresh),
        build_ids("", number + MONTH_ID),
        build_text(["Primary", "Refresh"], refresh),
    ]
    table = pa.table([*columns, *closing], names=LAYOUT[name].split(","))
    with (folder / f"{name}.csv").open("ab") as file:
        csv.write_csv(table, file, csv.WriteOptions(include_header=False, quoting_style="none"))


def build_ids(prefix: str, numbers: np.ndarray) -> pa.Array:
    """Whole numbers as text, after a prefix (which may be empty)."""
    text = pc.cast(pa.array(np.asarray(numbers, np.int64)), pa.string())
    return pc.binary_join_element_wise(prefix, text, "") if prefix else text


def build_text(values: list[str], place: np.ndarray) -> pa.Array:
    """The values at the given places; a negative place is left empty."""
    place = np.asarray(place, np.int64)
    return pa.array(values, pa.string()).take(pa.array(place, mask=place < 0))


def build_marked(rng: Rng, values: list[str], place: np.ndarray, share: float | np.ndarray) -> pa.Array:
    """As build_text, but a share of the empty ones says so in text (NULL, N/A, *, ...)."""
    marked = (place < 0) & (rng.random(len(place)) < share)
    marker = len(values) + rng.integers(0, len(NULLS), len(place))
    return build_text([*values, *NULLS], np.where(marked, marker, place))


def build_dates(rng: Rng, days: np.ndarray) -> pa.Array:
    """Days as text: mostly ISO, some d/m/Y, a few Excel serials; NEVER is left empty."""
    luck = rng.random(len(days))
    form = np.where(luck < EXCEL_SERIAL, 2, np.where(luck < EXCEL_SERIAL + DAY_FIRST, 1, 0))
    place = form * (LAST_DAY - FIRST_DAY) + days - FIRST_DAY
    return _build_date_forms().take(pa.array(np.where(days == NEVER, 0, place), mask=days == NEVER))


@cache
def _build_date_forms() -> pa.Array:
    days = np.arange(FIRST_DAY, LAST_DAY)
    iso = np.datetime_as_string(days.astype("datetime64[D]"))
    british = [f"{text[8:]}/{text[5:7]}/{text[:4]}" for text in iso]
    return pa.array([*iso, *british, *(days + 25_569).astype(str)], pa.string())

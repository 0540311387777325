"""What people and programs do to a table, drawn as tables of cases: read the same, counted, or refused by name.

Every row is used, merged or set aside in each case, and no message holds a value of a row.
"""

import csv
import gzip
import io
import os
import re
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest
from clean_extract import (
    AS_AT,
    COLUMNS,
    Row,
    Tables,
    Writer,
    build_clean_extract,
    list_columns,
    write_csv,
    write_national,
)
from mess import (
    ACTIVITIES,
    ACTIVITY_SCORES,
    CONTACTS,
    LOCAL_COLUMNS,
    PEOPLE,
    REFERRALS,
    build_local,
    write_parquet,
    write_typed_parquet,
    write_workbook,
)
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from repository import PROJECT

from qi_analysis.errors import DataProblem, QiError, RecordProblem
from qi_analysis.extract.clean import build_tables, check_period
from qi_analysis.extract.columns import read_times
from qi_analysis.extract.ledger import Account
from qi_analysis.extract.sources import check_headings, find_sources, read_extract
from qi_analysis.measures.pathways import build_pathways
from qi_analysis.measures.results import build_results
from qi_analysis.periods import Period, parse_period, period_of
from qi_analysis.record.read_settings import read_record

SECRET = "Xq7Wv"  # stands in every identifier and in planted cells
SPOILT = f"{REFERRALS}.csv"
RECEIVED, ENDED, HELD = "ReferralRequestReceivedDate", "ServDischDate", "CareContDate"
DATES = ((REFERRALS, RECEIVED), (REFERRALS, ENDED), (CONTACTS, HELD))
Change = Callable[[str, int], str]  # of a cell and its row's number
Spoil = Callable[[Path], object]
Answer = tuple[pd.DataFrame, Account]


@pytest.fixture(scope="session")
def small() -> Tables:
    tables = build_clean_extract(5, 25)
    for row in (row for rows in tables.values() for row in rows):
        row |= {
            name: f"{SECRET}{row[name]}" for name in ("ServiceRequestId", "CareContactId", "CareActId") if row.get(name)
        }
    return tables


@pytest.fixture(scope="session")
def whole(small, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    write_national(small, folder)
    return folder


@pytest.fixture(scope="session")
def before(whole) -> Answer:
    return run(whole)


@pytest.fixture
def raw(whole, tmp_path) -> Path:
    shutil.copytree(whole, tmp_path / "raw")
    return tmp_path / "raw"


def run(raw: Path, project: Path = PROJECT) -> Answer:
    """From files to results; the ledger closes or this raises."""
    record = read_record(project)
    tables, account = build_tables(read_extract(raw, record.columns), record)
    pathways = build_pathways(tables, record.completion, AS_AT)
    return build_results(pathways, record.completion, period_of(AS_AT), record.measures), account


def count(account: Account, rule: str) -> int:
    quality = account.build_quality()
    return int(quality.loc[quality["rule"] == rule, "rows"].sum())


def check_message(problem: QiError, *words: str) -> None:
    text = str(problem)
    assert [word for word in words if word not in text] == []
    assert SECRET not in text and "Error" not in text
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert text.rstrip().endswith((".", "?"))


# --- How a case is made -----------------------------------------------------------------------------------


def cells(places: tuple[tuple[str, str], ...], change: Change) -> Spoil:
    """Change the cells of some columns; blank ones stay."""

    def spoil(raw: Path) -> None:
        for table, heading in places:
            rows = list(csv.DictReader(io.StringIO((raw / f"{table}.csv").read_text(encoding="utf-8"))))
            changed = [row | {heading: change(row[heading], n)} if row[heading] else row for n, row in enumerate(rows)]
            write_csv(raw / table, list(rows[0]), changed)

    return spoil


def column(table: str, heading: str, change: Callable[[str], str]) -> Spoil:
    return cells(((table, heading),), lambda value, _: change(value))


def one(table: str, heading: str, value: str) -> Spoil:
    """Plant a value in the fourth row."""
    return cells(((table, heading),), lambda old, n: value if n == 3 else old)


def text(change: Callable[[str], str], encoding: str = "utf-8", name: str = SPOILT) -> Spoil:
    return lambda raw: (raw / name).write_bytes(change((raw / name).read_text(encoding="utf-8")).encode(encoding))


def lines(change: Callable[[int, str], str]) -> Spoil:
    return text(lambda whole: "\n".join(change(n, line) if line else line for n, line in enumerate(whole.split("\n"))))


def content(body: bytes) -> Spoil:
    return lambda raw: (raw / SPOILT).write_bytes(body)


def rename(name: str, table: str = REFERRALS) -> Spoil:
    return lambda raw: (raw / f"{table}.csv").rename(raw / name)


def rewritten(writer: Writer, table: str = REFERRALS, suffix: str = "") -> Spoil:
    """The table in another format, under the ending that format has, or another."""

    def spoil(raw: Path) -> None:
        rows = list(csv.DictReader(io.StringIO((raw / f"{table}.csv").read_text(encoding="utf-8"))))
        (raw / f"{table}.csv").unlink()
        writer(raw / table, list_columns(table, rows), rows)
        if suffix:
            next(raw.glob(f"{table}.*")).rename(raw / f"{table}{suffix}")

    return spoil


def workbook(change: Callable[[openpyxl.Workbook], object]) -> Spoil:
    def spoil(raw: Path) -> None:
        rewritten(write_workbook)(raw)
        book = openpyxl.load_workbook(raw / f"{REFERRALS}.xlsx")
        change(book)
        book.save(raw / f"{REFERRALS}.xlsx")

    return spoil


def parquet(heading: str, change: Callable[[list], pa.Array], as_heading: str = "") -> Spoil:
    """A column of a Parquet file replaced, or another added beside it."""

    def spoil(raw: Path) -> None:
        rewritten(write_typed_parquet)(raw)
        path = raw / f"{REFERRALS}.parquet"
        held = pa_parquet.read_table(path)
        new = change(held[heading].to_pylist())
        place = held.column_names.index(heading)
        table = held.append_column(as_heading, new) if as_heading else held.set_column(place, heading, new)
        pa_parquet.write_table(table, path)

    return spoil


def as_day(form: str) -> Change:
    return lambda value, _: date.fromisoformat(value).strftime(form)


def early_day(value: str, _: int) -> str:
    """No day is after the 12th, so nothing tells day from month."""
    day = date.fromisoformat(value)
    return day.replace(day=(day.day - 1) % 12 + 1).strftime("%d/%m/%Y")


def clock(form: str) -> Callable[[str], str]:
    return lambda value: datetime.strptime(value, "%H:%M:%S").strftime(form)


# --- The same figures -------------------------------------------------------------------------------------

IDS = ((CONTACTS, "ServiceRequestId"),)


def write_bare_days(book: openpyxl.Workbook, shift: int = 0) -> None:
    for cell in (cell for row in book["Data"].iter_rows(min_row=4) for cell in row):
        if isinstance(cell.value, datetime):
            cell.value, cell.number_format = (cell.value - datetime(1899, 12, 30)).days - shift, "General"


def write_texts(book: openpyxl.Workbook) -> None:
    for cell in (cell for row in book["Data"].iter_rows(min_row=4) for cell in row):
        cell.value = str(cell.value) if isinstance(cell.value, int) else cell.value


SAME: dict[str, Spoil] = {
    "UTF-16 without a mark": text(str, "utf-16-le"),
    "UTF-32": text(str, "utf-32"),
    "two byte-order marks": text(lambda whole: "\ufeff\ufeff" + whole),
    "a byte-order mark inside": lines(lambda n, line: "\ufeff" * (n == 5) + line),
    "three kinds of line end": text(lambda whole: "".join(line + ("\r\n", "\n", "\r")[n % 3] for n, line in enumerate(whole.splitlines()))),
    "sep= as a spreadsheet writes it": text(lambda whole: "sep=;\n" + whole.replace(",", ";")),
    "a delimiter at each end": lines(lambda n, line: line + "," * (n > 0)),
    "a numbered column without a heading": lines(lambda n, line: f"{n or ''},{line}"),
    "headings with what nobody sees": text(lambda whole: whole.replace("ServiceRequestId", "\u200bService\u00adRequest\u00a0Id\u200e", 1)),
    "headings in full width": text(lambda whole: whole.replace("EndCode", "ＥｎｄＣｏｄｅ", 1)),
    "an unused column twice": lines(lambda n, line: line + (",1,2" if n else ",More,More")),
    "a workbook named .csv": rewritten(write_workbook, suffix=".csv"),
    "a Parquet file named .xlsx": rewritten(write_parquet, suffix=".xlsx"),
    "a CSV named .xlsx": rename(f"{REFERRALS}.xlsx"),
    ".CSV in capitals": rename(f"{REFERRALS}.CSV"),
    "bare day numbers in cells": workbook(write_bare_days),
    "numbers as text in cells": workbook(write_texts),
    "days counted from 1904, as dates": workbook(lambda book: setattr(book, "epoch", CALENDAR_MAC_1904)),
    "a sheet name that is a tag": workbook(lambda book: setattr(book["Data"], "title", "<b>$x$")),
    "a cell far to the right": workbook(lambda book: book["Data"].cell(5, 16_000, "x")),
    "codes as fractions": parquet("EndCode", lambda held: pa.array([float(v) if v else None for v in held])),
    "codes as bytes": parquet("EndCode", lambda held: pa.array(held, pa.string()).cast(pa.binary())),
    "dates with a time zone": parquet(RECEIVED, lambda held: pa.array(pd.to_datetime(pd.Series(held)).dt.tz_localize("Europe/London"))),
    "day first, and it shows": cells(DATES, as_day("%d/%m/%Y")),
    "14-Jun-22": cells(DATES, as_day("%d-%b-%y")),
    "day numbers": cells(DATES, lambda value, _: str((date.fromisoformat(value) - date(1899, 12, 30)).days)),
    "a time zone after the time": cells(DATES, as_day("%Y-%m-%d 23:59:59+01:00")),
    "zero width in identifiers": cells(IDS, lambda value, n: "\u200b" * (n % 2) + value[:4] + "\u200d" * (n % 3) + value[4:]),
    "full-width digits in identifiers": cells(IDS, lambda value, _: value.translate({48 + d: 0xFF10 + d for d in range(10)})),
    "no-break spaces around codes": column(CONTACTS, "AppType", lambda value: f"\u00a0{value}\u00a0"),
    "leading zeros lost": column(CONTACTS, "AppType", lambda value: value.lstrip("0")),
    "times with AM and PM": column(CONTACTS, "CareContTime", clock("%I:%M %p")),
    "times as parts of a day": column(CONTACTS, "CareContTime", lambda value: str((int(value[:2]) * 60 + int(value[3:5])) / 1440)),
    "months of submission in words": column(REFERRALS, "Unique_MonthID", lambda _: "August"),
    "one month of submission far ahead": one(REFERRALS, "Unique_MonthID", "9999"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", SAME)
def test_the_same_table_in_another_dress_gives_the_same_figures(name, raw, before):
    SAME[name](raw)
    results, account = run(raw)
    assert results.equals(before[0])
    assert account.build_ledger()["rows_in"].tolist() == before[1].build_ledger()["rows_in"].tolist()


def test_a_thousand_copies_of_a_row_are_one_row(raw, before):
    text(lambda whole: whole + (whole.split("\n")[1] + "\n") * 1000, name=f"{CONTACTS}.csv")(raw)
    results, account = run(raw)
    assert results.equals(before[0])
    assert count(account, "exact_duplicate") >= 1000


# --- Counted ----------------------------------------------------------------------------------------------

COUNTED: dict[str, tuple[Spoil, str, int]] = {
    "one date that could be two days": (one(CONTACTS, HELD, "03/04/2022"), "date_unclear", 1),
    "a time that is none": (one(CONTACTS, "CareContTime", "24:00"), "time_unreadable", 1),
    "a time in words": (one(CONTACTS, "CareContTime", f"nine {SECRET}"), "time_unreadable", 1),
    "an identifier in powers of ten": (one(CONTACTS, "ServiceRequestId", "1.23E+09"), "identifier_damaged", 1),
    "an identifier with what nobody sees": (one(CONTACTS, "ServiceRequestId", f"\u200b{SECRET}"), "unseen_taken_out", 1),
    "a month of submission no header has": (one(REFERRALS, "Unique_MonthID", "9999"), "month_not_in_header", 1),
    "an underscore in a score": (one(ACTIVITY_SCORES, "PersScore", "1_2"), "number_unreadable", 1),
    "no attendance": (column(CONTACTS, "AttendOrDNACode", lambda _: ""), "attendance_missing", 100),
    "no type": (column(CONTACTS, "AppType", lambda _: ""), "type_missing", 100),
    "a formula for an ethnic category": (one(PEOPLE, "EthnicCategory", f"=cmd|'{SECRET}'!A0"), "code_invalid", 1),
    "a tag for a gender": (one(PEOPLE, "Gender", f"<script>{SECRET}</script>"), "code_invalid", 1),
    "an error in a cell": (workbook(lambda book: book["Data"].cell(7, 4, "#REF!")), "date_unreadable", 1),
    "merged cells": (workbook(lambda book: book["Data"].merge_cells("A6:A8")), "no_key", 2),
    "an empty stretch in a sheet": (workbook(lambda book: book["Data"].insert_rows(8, 3)), "blank_row", 3),
    "headings again in capitals": (text(lambda whole: whole + whole.split("\n")[0].upper() + "\n"), "repeated_heading", 1),
    "a total at the end": (text(lambda whole: whole + "Total" + "," * (len(COLUMNS[REFERRALS]) - 1) + "\n"), "total_row", 1),
    "a file cut off in a row": (text(lambda whole: whole[:-25]), "wrong_number_of_fields", 1),
    "a delimiter that changes": (lines(lambda n, line: line.replace(",", ";") if n % 9 == 1 else line), "wrong_number_of_fields", 30),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTED)
def test_what_cannot_be_used_is_counted_under_its_rule(name, raw, before):
    spoil, rule, at_least = COUNTED[name]
    spoil(raw)
    _, account = run(raw)
    assert count(account, rule) >= count(before[1], rule) + at_least
    assert SECRET not in account.build_quality().to_csv() + account.build_set_aside().to_csv()


@pytest.mark.parametrize(
    ("written", "minutes"),
    [("2:30 PM", 870), ("12:00 am", 0), ("12:15 p.m.", 735), ("09.05", 545), ("2022-06-14 09:30:00", 570), ("0.5", 720), ("09:30Z", 570),
     ("13:00 PM", None), ("24:00", None), ("12:60", None), ("0930", None), ("-1:00", None), ("9:5", None)],
)  # fmt: skip
def test_times_are_read_or_missing(written, minutes):
    read, counts = read_times(pd.Series([written]))
    assert (None if pd.isna(read[0]) else read[0]) == minutes
    assert counts == ({} if minutes is not None else {"time_unreadable": 1})


# --- Refused ----------------------------------------------------------------------------------------------


def link(target: str) -> Spoil:
    def spoil(raw: Path) -> None:
        (raw / SPOILT).rename(raw.parent / "outside.csv")
        (raw / SPOILT).symlink_to(raw.parent / target)

    return spoil


def copy_sheet(state: str) -> Spoil:
    return workbook(lambda book: setattr(book.copy_worksheet(book["Data"]), "sheet_state", state))


def write_days_from_1904(book: openpyxl.Workbook) -> None:
    write_bare_days(book, 1462)
    book.epoch = CALENDAR_MAC_1904


def add_part(name: str, body: bytes) -> Spoil:
    """Another part in a workbook."""

    def spoil(raw: Path) -> None:
        rewritten(write_workbook)(raw)
        with zipfile.ZipFile(raw / f"{REFERRALS}.xlsx", "a", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
            for number in range(11):
                book.writestr(f"{number}{name}", body)

    return spoil


def pack(raw: Path) -> None:
    with zipfile.ZipFile(raw / f"{REFERRALS}.zip", "w") as archive:
        archive.write(raw / SPOILT, SPOILT)
    (raw / SPOILT).unlink()


def store(raw: Path) -> None:
    (raw / SPOILT).unlink()
    with sqlite3.connect(raw / SPOILT) as base:
        base.execute("create table referrals (a)")


def make_pipe(raw: Path) -> None:
    (raw / SPOILT).unlink()
    os.mkfifo(raw / SPOILT)


def grow_parquet(raw: Path) -> None:
    """A few kilobytes that unpack to 20 GB."""
    (raw / SPOILT).unlink()
    cell = pa.DictionaryArray.from_arrays(pa.array([0] * 2000, pa.int32()), ["y" * 1_000_000])
    pa_parquet.write_table(
        pa.table(dict.fromkeys(COLUMNS[REFERRALS], cell)), raw / f"{REFERRALS}.parquet", compression="zstd"
    )


BOOK, COLUMN_FILE = f"{REFERRALS}.xlsx", f"{REFERRALS}.parquet"
VISIT_FILE = f"{CONTACTS}.csv"
REFUSED: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    "a link outside": (link("outside.csv"), (SPOILT, "link")),
    "a link to a folder": (link("."), (SPOILT, "link")),
    "a link to nothing": (link("nowhere"), (SPOILT, "link")),
    "a pipe": (make_pipe, (SPOILT, "not a file")),
    "a packed file": (lambda raw: (raw / SPOILT).write_bytes(gzip.compress((raw / SPOILT).read_bytes())), (SPOILT, "Unpack")),
    "an archive": (pack, (f"{REFERRALS}.zip", "Save it")),
    "an old workbook": (content(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4000)), (SPOILT, "password")),
    "a database": (store, (SPOILT, "database")),
    "a web page": (content(f"<html><td>{SECRET}".encode()), (SPOILT, "web page")),
    "a PDF": (content(b"%PDF-1.4\n" + SECRET.encode()), (SPOILT, "PDF")),
    "an ending nobody reads": (rename(f"{REFERRALS}.xls"), (f"{REFERRALS}.xls", ".xlsx")),
    "an optional table nobody reads": (rename(f"{ACTIVITY_SCORES}.ods", ACTIVITY_SCORES), (f"{ACTIVITY_SCORES}.ods",)),
    "headings only": (text(lambda whole: whole.split("\n")[0]), (SPOILT, "no record")),
    "cut off inside quotation marks": (
        text(lambda whole: ',"'.join(whole.rstrip("\n").rsplit(",", 1))), (SPOILT, "line", "quotation mark"),
    ),
    "a heading that is a tag": (text(lambda whole: whole.replace("EndCode", f"<b>\x1b[31m{SECRET}", 1)), (SPOILT, "EndCode")),
    "the table in two sheets": (copy_sheet("visible"), (BOOK, "two sheets")),
    "the table in a hidden sheet too": (copy_sheet("veryHidden"), (BOOK, "hidden")),
    "a formula never calculated": (
        workbook(lambda book: book["Data"].cell(6, 4, "=DATE(2022,2,1)")), (BOOK, "line 6", RECEIVED, "formula"),
    ),
    "bare days from 1904": (workbook(write_days_from_1904), (BOOK, RECEIVED, "1904")),
    "a workbook that unpacks to 1.1 GB": (add_part("big.bin", bytes(100_000_000)), (BOOK, "1 GB")),
    "a workbook with entities": (add_part("more.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a/>'), (BOOK, "declaration")),
    "a Parquet file that unpacks to 20 GB": (grow_parquet, (COLUMN_FILE, "8 GB")),
    "a Parquet file with a heading twice": (parquet("EndCode", pa.array, "end code"), (COLUMN_FILE, "EndCode")),
    "day or month first, nothing tells": (cells(((CONTACTS, HELD),), early_day), (VISIT_FILE, "line 2", HELD, "month first")),
    "month first": (cells(DATES, as_day("%m/%d/%Y")), (SPOILT, RECEIVED, "month first")),
    "both in one column": (
        cells(DATES, lambda value, n: as_day("%d/%m/%Y" if n % 2 else "%m/%d/%Y")(value, n)), (SPOILT, RECEIVED, "month first"),
    ),
    "two-digit years first": (cells(DATES, as_day("%y/%m/%d")), (SPOILT, RECEIVED, "years")),
    "seconds since 1970": (
        cells(DATES, lambda value, _: str(int(datetime.fromisoformat(value).timestamp()))), (SPOILT, "line 2", RECEIVED),
    ),
    "attendance in no known words": (column(CONTACTS, "AttendOrDNACode", lambda _: SECRET), (VISIT_FILE, "line 2", "AttendOrDNACode")),
    "therapies in powers of ten": (
        column(ACTIVITIES, "CodeProcAndProcStatus", lambda _: "7.48E+14"), (f"{ACTIVITIES}.csv", "CodeProcAndProcStatus"),
    ),
    "identifiers in powers of ten": (column(CONTACTS, "ServiceRequestId", lambda _: "1.23E+09"), (VISIT_FILE, "identifier")),
    "identifiers rounded to 15 digits": (
        cells(((CONTACTS, "CareContactId"),), lambda _, n: f"{10**14 + n // 9}00"), (VISIT_FILE, "identifier"),
    ),
    "contacts of another extract": (column(CONTACTS, "ServiceRequestId", lambda value: value[::-1]), (VISIT_FILE, "referral")),
    "every row shifted by a comma": (lines(lambda n, line: "0," * (n > 0) + line), (SPOILT, "line 2", "fields")),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_what_could_be_anything_is_refused_by_name(name, raw):
    spoil, words = REFUSED[name]
    spoil(raw)
    with pytest.raises(DataProblem) as caught:
        run(raw)
    check_message(caught.value, *words)


def test_a_heading_is_printed_without_what_a_terminal_obeys(raw):
    lines(lambda n, line: line + (",1" if n else f",\x1b[31m{'x' * 500}"))(raw)
    source = next(one for one in find_sources(raw, None)[1] if one.path.name == SPOILT)
    _, _, others = check_headings(source)
    assert all(heading.isprintable() and len(heading) <= 80 for heading in others)


# --- The local export -------------------------------------------------------------------------------------

VISITS = "Appointments 2022"
LOCAL_CASES: dict[str, tuple[str, Callable[[str], str], str | tuple[str, ...]]] = {
    "month first, day first is said": ("Day", lambda day: f"{day[3:5]}/{day[:2]}/{day[6:]}", (VISITS, "columns.toml says d/m/Y")),
    "outcomes in no known words": ("Outcome", lambda _: SECRET, (VISITS, "Outcome")),
    "a score out of range": ("PHQ-9", lambda _: "99", "score_unusable"),
    "a score and a half": ("GAD-7", lambda score: f"{score}.5", "score_unusable"),
}  # fmt: skip


@pytest.mark.parametrize("name", LOCAL_CASES)
def test_a_local_export_is_held_to_the_same_rules(name, small, tmp_path):
    heading, change, wanted = LOCAL_CASES[name]
    for file, rows in build_local(small).items():
        spoilt: list[Row] = [row | {heading: change(row[heading])} if row.get(heading) else row for row in rows]
        write_csv(tmp_path / file, list(dict.fromkeys(key for row in rows for key in row)), spoilt)
    project = copy_record(tmp_path)
    if isinstance(wanted, str):
        assert count(run(tmp_path, project)[1], wanted) > 0
        return
    with pytest.raises(DataProblem) as caught:
        run(tmp_path, project)
    check_message(caught.value, *wanted)


# --- The record -------------------------------------------------------------------------------------------


def copy_record(folder: Path) -> Path:
    """The project's record with a map of the local export."""
    project = folder / "project"
    shutil.copytree(PROJECT, project)
    (project / "columns.toml").write_text(LOCAL_COLUMNS, encoding="utf-8")
    return project


def setting(pattern: str, line: str) -> Callable[[bytes], bytes]:
    def change(old: bytes) -> bytes:
        new, found = re.subn(pattern, lambda _: line, old.decode(), count=1, flags=re.M)
        assert found
        return new.encode()

    return change


def last(more: str) -> Callable[[bytes], bytes]:
    return lambda old: old + more.encode()


RECORD_CASES: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("project.toml", last("\na = " + "[" * 10_000), ""),
    ("completion.toml", last("\na = " + "9" * 5000), ""),
    ("columns.toml", last("\na = " + "{b=" * 10_000), ""),
    ("measures.toml", lambda _: b"#" * 2_000_000, ""),
    ("project.toml", lambda old: b"phases = 5\n" + old, "phases"),
    ("project.toml", lambda old: b"accepted_gaps = [1]\n" + old, "accepted_gaps"),
    ("project.toml", last('\n[[accepted_gaps]]\nmonth = "2022-13"\nreason = "x"\n'), "2022-09"),
    ("project.toml", setting("^title.*$", "title = 5"), "title"),
    ("project.toml", setting("^started.*$", 'started = "soon"'), "started"),
    ("project.toml", setting("^min_denominator.*$", "min_denominator = -1"), "min_denominator"),
    ("project.toml", setting("^time_limit_seconds.*$", "time_limit_seconds = 0"), "time_limit_seconds"),
    ("completion.toml", setting("^version.*$", "version = -5"), "version"),
    ("completion.toml", setting("^highest_unknown_share.*$", "highest_unknown_share = nan"), "highest_unknown_share"),
    ("completion.toml", setting("^min_closed_share.*$", "min_closed_share = 90"), "min_closed_share"),
    ("completion.toml", setting("^fixed_horizon_weeks.*$", "fixed_horizon_weeks = -26"), "fixed_horizon_weeks"),
    ("completion.toml", setting("^inactivity_days.*$", "inactivity_days = 99999999999999999999"), "inactivity_days"),
    ("completion.toml", setting("^planned_end_codes.*$", "planned_end_codes = []"), "planned_end_codes"),
    ("completion.toml", setting("^planned_end_codes.*$", 'planned_end_codes = ["46", "47"]'), "planned_end_codes"),
    ("completion.toml", setting("^planned_end_codes.*$", 'planned_end_codes = ["ZZ"]'), "planned_end_codes"),
    ("columns.toml", setting('^file = "ref.*$', 'file = "../../referrals"'), "without a folder"),
    ("columns.toml", setting('^file = "ref.*$', 'file = "/referrals"'), "without a folder"),
    ("columns.toml", setting('^file = "ref.*$', 'file = "a\\u0000b"'), "file"),
    ("columns.toml", setting('^file = "ref.*$', 'file = ""'), "file"),
    ("columns.toml", setting('^"Referral No" = .*$', '"Referral No" = 5'), "columns"),
    ("columns.toml", setting('^"Referral No" = .*$', '"Referral No" = ["referral_id"]'), "columns"),
    ("columns.toml", setting('^"Received" = ', '"" = '), "heading"),
    ("columns.toml", setting('^received_on = "d/m/Y"$', 'end_code = "d/m/Y"'), "end_code"),
    ("columns.toml", setting('^"Finished as planned" = "46"$', '"Finished as planned" = ["46"]'), "end_code"),
    ("columns.toml", setting("^extract_date.*$", "extract_date = 9999-12-31"), "extract_date"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(RECORD_CASES)), ids=lambda n: f"{RECORD_CASES[n][0]} {n}")
def test_a_hostile_record_is_refused_by_name(number, tmp_path):
    name, change, word = RECORD_CASES[number]
    project = copy_record(tmp_path)
    (project / name).write_bytes(change((project / name).read_bytes()))
    with pytest.raises(RecordProblem) as caught:
        read_record(project)
    check_message(caught.value, name, word)


@pytest.mark.parametrize("name", ["project.toml", "completion.toml", "measures.toml", "columns.toml"])
def test_a_folder_in_the_place_of_a_file_of_the_record_is_named(name, tmp_path):
    project = copy_record(tmp_path)
    (project / name).unlink()
    (project / name).mkdir()
    with pytest.raises(RecordProblem) as caught:
        read_record(project)
    check_message(caught.value, name)


@pytest.mark.parametrize(
    "period",
    ["", " 2022-08", "2022-8", "2022-13", "2022-08\n", "../../x", "latest;rm", "9999-12", "２０２２-08", "x" * 9999],
)
def test_a_period_is_a_month_or_refused(period):
    with pytest.raises(RecordProblem) as caught:
        parse_period(period)
    assert "2022-08" in str(caught.value) and len(str(caught.value)) < 100


# --- Months that are missing or cut short -----------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "heading", "is_lost", "words"),
    [
        (CONTACTS, HELD, lambda day, n: day.startswith("2021-04"), "far fewer contacts"),
        (CONTACTS, HELD, lambda day, n: day.startswith("2021-04") and n % 10 > 0, "far fewer contacts"),
        (CONTACTS, HELD, lambda day, n: "2021-07-16" <= day <= "2021-07-31", "after day 15"),
        (REFERRALS, RECEIVED, lambda day, n: day.startswith("2021-05"), "far fewer referrals received"),
    ],
)
def test_a_month_that_is_missing_or_cut_short_stops_the_review(table, heading, is_lost, words, small_extract, tmp_path):
    shutil.copytree(small_extract, tmp_path / "raw")
    rows = list(csv.DictReader(io.StringIO((small_extract / f"{table}.csv").read_text(encoding="utf-8"))))
    write_csv(
        tmp_path / "raw" / table, list(rows[0]), [row for n, row in enumerate(rows) if not is_lost(row[heading], n)]
    )
    tables, _ = build_tables(read_extract(tmp_path / "raw", None), read_record(PROJECT))
    with pytest.raises(DataProblem) as caught:
        check_period(tables, Period(2021, 7), {})
    check_message(caught.value, words, "accepted_gaps")


def test_one_header_of_the_far_future_moves_no_date(raw):
    one("IDS000Header", "ReportingPeriodEndDate", (AS_AT + timedelta(days=30_000)).isoformat())(raw)
    tables, _ = build_tables(read_extract(raw, None), read_record(PROJECT))
    assert tables.extract_date == AS_AT

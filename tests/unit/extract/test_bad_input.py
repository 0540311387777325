"""Files and settings that cannot be used: each ends in one sentence a person can act on, or is counted.

A message names the file and what to do, and never holds a value from a row. Nothing else may ever be raised.
"""

import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest
from clean_extract import AS_AT, COLUMNS, Tables, build_clean_extract, write_national
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from mess import (
    ACTIVITIES,
    CONTACTS,
    LOCAL_COLUMNS,
    LOGS,
    PEOPLE,
    REFERRALS,
    Dress,
    choose_writer,
    write_local,
    write_parquet,
    write_workbook,
)
from repository import PROJECT

from qi_analysis.errors import DataProblem, QiError, RecordProblem
from qi_analysis.extract.clean import build_tables
from qi_analysis.extract.ledger import Account
from qi_analysis.extract.sources import read_extract
from qi_analysis.measures.pathways import build_pathways
from qi_analysis.measures.results import build_results
from qi_analysis.periods import period_of
from qi_analysis.record.read_settings import read_record

Spoil = Callable[[Path], None]
SECRET = "Xq7Wv"  # stands in cells and must never stand in a message


@pytest.fixture(scope="session")
def small() -> Tables:
    """A small clean extract whose identifiers all hold a word that no message may repeat."""
    tables = build_clean_extract(5, 25)
    for rows in tables.values():
        for row in rows:
            for name in ("ServiceRequestId", "CareContactId", "CareActId", "LocalPatientId", "Postcode"):
                if row.get(name):
                    row[name] = f"{SECRET}{row[name]}"
    return tables


@pytest.fixture(scope="session")
def national(small, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("national")
    write_national(small, folder)
    return folder


@pytest.fixture
def raw(national, tmp_path) -> Path:
    """A copy of the small national extract that a test may spoil."""
    shutil.copytree(national, tmp_path / "raw")
    return tmp_path / "raw"


@pytest.fixture(scope="session")
def before(national) -> Account:
    """The account of the small extract as it is."""
    return run(national)


@pytest.fixture
def project(tmp_path) -> Path:
    """A copy of the project's record, without columns.toml."""
    folder = tmp_path / "project"
    folder.mkdir()
    for path in PROJECT.iterdir():
        if path.is_file() and path.name != "columns.toml":
            shutil.copy(path, folder)
    return folder


def clean(raw: Path) -> Account:
    """From files to clean tables."""
    return build_tables(read_extract(raw, None), read_record(PROJECT))[1]


def run(raw: Path, project: Path = PROJECT) -> Account:
    """The whole way from files to results."""
    record = read_record(project)
    tables, account = build_tables(read_extract(raw, record.columns), record)
    pathways = build_pathways(tables, record.completion, AS_AT)
    build_results(pathways, record.completion, period_of(AS_AT))
    return account


def check_message(problem: QiError, *words: str) -> None:
    """One sentence for a person: it holds the words, something to do, and no value."""
    text = str(problem)
    for word in words:
        assert word in text
    assert SECRET not in text
    assert "Traceback" not in text and "Error" not in text and "{" not in text
    assert text.rstrip().endswith((".", "?"))
    assert len(text.split()) >= 6


def count_rule(account: Account, rule: str) -> int:
    quality = account.build_quality()
    return int(quality.loc[quality["rule"] == rule, "rows"].sum())


def test_the_small_extract_itself_is_fine(raw):
    assert run(raw).build_ledger()["used"].sum() > 0


# --- Files that stop the run ------------------------------------------------------------------------

REFERRAL_FILE, CONTACT_FILE = f"{REFERRALS}.csv", f"{CONTACTS}.csv"


def edit(name: str, change: Callable[[str], str]) -> Spoil:
    def spoil(raw: Path) -> None:
        path = raw / name
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    return spoil


def overwrite(name: str, content: bytes) -> Spoil:
    return lambda raw: (raw / name).write_bytes(content) and None


def cut_short(writer, table: str, suffix: str) -> Spoil:
    def spoil(raw: Path) -> None:
        path = as_other_format(raw, writer, table).with_suffix(suffix)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])

    return spoil


def as_other_format(raw: Path, writer, table: str) -> Path:
    """The table of a fresh small extract in another format instead of its CSV."""
    (raw / f"{table}.csv").unlink()
    tables = build_clean_extract(5, 25)
    write_national({table: tables[table]}, raw, writer=writer)
    return raw / table


def break_workbook(raw: Path) -> None:
    """A sound zip whose sheet is no XML any more."""
    path = as_other_format(raw, write_workbook, LOGS).with_suffix(".xlsx")
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts = {name: body[: len(body) // 2] if "sheet2" in name else body for name, body in parts.items()}
    write_zip(path, parts)


def write_zip(path: Path, parts: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as book:
        for name, body in parts.items():
            book.writestr(name, body)


def make_zip_of_text(raw: Path) -> None:
    (raw / REFERRAL_FILE).unlink()
    write_zip(raw / f"{REFERRALS}.xlsx", {"letter.txt": SECRET.encode()})


def make_protected_workbook(raw: Path) -> None:
    """A workbook with a password, or an old .xls, begins like this."""
    (raw / REFERRAL_FILE).unlink()
    (raw / f"{REFERRALS}.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 4000)


def make_nested_parquet(raw: Path) -> None:
    """A column of lists where text is expected."""
    (raw / CONTACT_FILE).unlink()
    columns = {name: pa.array([["a"], [SECRET]]) for name in COLUMNS[CONTACTS]}
    pa_parquet.write_table(pa.table(columns), raw / f"{CONTACTS}.parquet")


def make_folder(raw: Path) -> None:
    (raw / REFERRAL_FILE).unlink()
    (raw / REFERRAL_FILE).mkdir()


def make_broken_link(raw: Path) -> None:
    (raw / REFERRAL_FILE).unlink()
    (raw / REFERRAL_FILE).symlink_to(raw / "moved away.csv")


def make_second_format(raw: Path) -> None:
    write_national({REFERRALS: build_clean_extract(5, 25)[REFERRALS]}, raw, writer=write_parquet)


def keep_only_referrals(raw: Path) -> None:
    for path in raw.iterdir():
        if path.name != REFERRAL_FILE:
            path.unlink()


def bury_headings(raw: Path) -> None:
    path = raw / REFERRAL_FILE
    path.write_text("a line of text\n" * 60 + path.read_text(encoding="utf-8"), encoding="utf-8")


def open_quotation_mark(raw: Path) -> None:
    """A quotation mark in the middle of the file is never closed: all rows after it would be one cell."""
    path = raw / CONTACT_FILE
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[10] = lines[10].replace(f"{SECRET}C", f'"{SECRET}C', 1)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def drop_line(number: int) -> Callable[[str], str]:
    return lambda text: "\n".join(line for n, line in enumerate(text.split("\n")) if n != number)


def double_heading(text: str) -> str:
    lines = [line for line in text.split("\n") if line]
    return "\n".join([lines[0] + ",EndCode", *(line + ",46" for line in lines[1:])])


STOPS: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    "no files": (lambda raw: [path.unlink() for path in raw.iterdir()] and None, ("data/raw",)),
    "no folder": (shutil.rmtree, ("raw",)),
    "only referrals": (keep_only_referrals, ("IDS201",)),
    "empty file": (overwrite(REFERRAL_FILE, b""), (REFERRAL_FILE, "empty")),
    "only spaces": (overwrite(REFERRAL_FILE, b" \n\n  \n"), (REFERRAL_FILE,)),
    "no heading row": (edit(REFERRAL_FILE, drop_line(0)), (REFERRAL_FILE, "ServiceRequestId")),
    "heading row too far down": (bury_headings, (REFERRAL_FILE, "ServiceRequestId")),
    "heading twice": (edit(REFERRAL_FILE, double_heading), (REFERRAL_FILE, "EndCode")),
    "heading missing": (
        edit(CONTACT_FILE, lambda text: text.replace("AttendOrDNACode", "Something")), (CONTACT_FILE, "AttendOrDNACode"),
    ),
    "heading misspelt": (
        edit(REFERRAL_FILE, lambda text: text.replace("ServDischDate", "ServDischargeDate")),
        (REFERRAL_FILE, "ServDischDate", "ServDischargeDate"),
    ),
    "heading missing in another table": (
        edit(f"{ACTIVITIES}.csv", lambda text: text.replace("CodeProcAndProcStatus", "Code")),
        (f"{ACTIVITIES}.csv", "CodeProcAndProcStatus"),
    ),
    "two formats of one table": (make_second_format, (REFERRAL_FILE, f"{REFERRALS}.parquet")),
    "parquet cut short": (cut_short(write_parquet, REFERRALS, ".parquet"), (f"{REFERRALS}.parquet",)),
    "workbook cut short": (cut_short(write_workbook, LOGS, ".xlsx"), (f"{LOGS}.xlsx",)),
    "workbook broken inside": (break_workbook, (f"{LOGS}.xlsx",)),
    "workbook that is another zip": (make_zip_of_text, (f"{REFERRALS}.xlsx",)),
    "workbook with a password": (make_protected_workbook, (f"{REFERRALS}.xlsx",)),
    "parquet of lists": (make_nested_parquet, (f"{CONTACTS}.parquet",)),
    "a CSV that is a workbook": (overwrite(REFERRAL_FILE, b"PK\x03\x04" + bytes(range(256)) * 40), (REFERRAL_FILE,)),
    "a CSV that is a picture": (overwrite(CONTACT_FILE, b"\x89PNG\r\n\x1a\n" + b"\x00\xff" * 3000), (CONTACT_FILE,)),
    "a file of NUL bytes": (overwrite(CONTACT_FILE, b"\x00" * 5000), (CONTACT_FILE,)),
    "half a UTF-16 file": (overwrite(CONTACT_FILE, "A;B\nC".encode("utf-16")[:-1]), (CONTACT_FILE,)),
    "a folder with a file's name": (make_folder, (REFERRAL_FILE,)),
    "a link to nothing": (make_broken_link, (REFERRAL_FILE,)),
    "a quotation mark never closed": (open_quotation_mark, (CONTACT_FILE, "quotation mark")),
}  # fmt: skip


@pytest.mark.parametrize("name", STOPS)
def test_a_file_that_cannot_be_used_stops_the_run_with_its_name(name, raw):
    spoil, words = STOPS[name]
    spoil(raw)
    with pytest.raises(DataProblem) as caught:
        run(raw)
    check_message(caught.value, *words)


# --- Content that is set aside and counted ----------------------------------------------------------


def change_line(name: str, number: int, change: Callable[[list[str]], list[str]]) -> Spoil:
    """Change the fields of one line of a CSV without quotation marks."""

    def change_text(text: str) -> str:
        lines = text.split("\n")
        lines[number] = ",".join(change(lines[number].split(",")))
        return "\n".join(lines)

    return edit(name, change_text)


def set_field(table: str, number: int, heading: str, value: str) -> Spoil:
    place = COLUMNS[table].index(heading)
    return change_line(f"{table}.csv", number, lambda cells: [*cells[:place], value, *cells[place + 1 :]])


COUNTED: dict[str, tuple[Spoil, str]] = {
    "30 February received": (set_field(REFERRALS, 3, "ReferralRequestReceivedDate", "2022-02-30"), "date_unreadable"),
    "30 February, day first": (set_field(CONTACTS, 3, "CareContDate", "30/02/2022"), "no_date"),
    "words for a date": (set_field(CONTACTS, 3, "CareContDate", "next Tuesday"), "date_unreadable"),
    "13th month": (set_field(CONTACTS, 3, "CareContDate", "2022-13-01"), "date_unreadable"),
    "a date of 40 digits": (set_field(CONTACTS, 3, "CareContDate", "2" * 40), "date_unreadable"),
    "words for a month": (set_field(CONTACTS, 3, "Unique_MonthID", "June"), "number_unreadable"),
    "words for a score": (set_field("IDS607CodedScoreActivity", 3, "PersScore", "high"), "number_unreadable"),
    "a score without end": (set_field("IDS607CodedScoreActivity", 3, "PersScore", "inf"), "score_out_of_range"),
    "NUL in a code": (set_field(CONTACTS, 3, "AttendOrDNACode", "5\x00"), "code_invalid"),
    "a code of 2,000 letters": (set_field(CONTACTS, 3, "AppType", "Z" * 2000), "code_invalid"),
    "a formula for a code": (set_field(REFERRALS, 3, "SourceOfReferralIAPT", "=1+1"), "code_invalid"),
    "a therapy rounded by a spreadsheet": (
        set_field(ACTIVITIES, 3, "CodeProcAndProcStatus", "1.02611E+15"), "therapy_damaged",
    ),
    "a therapy whose last digit was lost": (
        set_field(ACTIVITIES, 3, "CodeProcAndProcStatus", "1026111000000100"), "therapy_damaged",
    ),
    "a field too few": (change_line(CONTACT_FILE, 3, lambda cells: cells[:-2]), "wrong_number_of_fields"),
    "a thousand fields too many": (change_line(CONTACT_FILE, 3, lambda cells: cells * 80), "wrong_number_of_fields"),
    "no identifier": (set_field(CONTACTS, 3, "ServiceRequestId", "NULL"), "no_key"),
    "an identifier that means unknown": (set_field(CONTACTS, 3, "ServiceRequestId", "UNKNOWN"), "no_key"),
    "a birth date in the future": (set_field(PEOPLE, 3, "PersonBirthDate", "2052-01-01"), ""),
    "a line of commas": (change_line(CONTACT_FILE, 3, lambda cells: [""] * len(cells)), "blank_row"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTED)
def test_a_bad_value_is_counted_and_the_run_goes_on(name, raw, before):
    spoil, rule = COUNTED[name]
    spoil(raw)
    account = clean(raw)
    assert account.build_ledger()["rows_in"].tolist() == before.build_ledger()["rows_in"].tolist()
    if rule:
        assert count_rule(account, rule) == count_rule(before, rule) + 1


@pytest.mark.parametrize("value", ["inf", "-inf", "1e30", "-5", "1455.5", "99999999999999999999", "nan"])
def test_a_month_that_cannot_be_does_not_stop_the_run(raw, before, value):
    """The number of the month decides which row is later."""
    set_field(REFERRALS, 3, "Unique_MonthID", value)(raw)
    assert clean(raw).build_ledger().equals(before.build_ledger())


@pytest.mark.parametrize("place", ["in a column that is read", "in a column that is not read"])
def test_a_huge_cell_is_read_or_refused_by_name(raw, place):
    heading = "CareContactId" if place.endswith("is read") else "ClinContDurOfCareCont"
    set_field(CONTACTS, 3, heading, "y" * 3_000_000)(raw)
    try:
        account = run(raw)
    except DataProblem as problem:
        check_message(problem, CONTACT_FILE)
    else:
        assert account.build_ledger()["rows_in"].sum() > 0


@pytest.mark.slow
@pytest.mark.parametrize("table", COLUMNS)
def test_a_table_with_headings_only_is_named_or_counts_nothing(small, table, tmp_path):
    write_national(small | {table: []}, tmp_path)
    try:
        account = run(tmp_path)
    except DataProblem as problem:
        check_message(problem, table)
    else:
        ledger = account.build_ledger().set_index("file")
        assert ledger.loc[f"{table}.csv", "rows_in"] == 0


@pytest.mark.parametrize(
    "table", ["IDS000Header", PEOPLE, LOGS, "IDS606CodedScoreReferral", "IDS607CodedScoreActivity"]
)
def test_a_table_that_may_be_missing_may_be_missing(raw, table):
    (raw / f"{table}.csv").unlink()
    assert run(raw).build_ledger()["used"].sum() > 0


@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx"])
def test_a_header_file_without_known_headings_is_named_or_left_out(raw, suffix):
    (raw / "IDS000Header.csv").unlink()
    writer = {"csv": Dress().write, "parquet": write_parquet, "xlsx": write_workbook}[suffix]
    writer(raw / "IDS000Header", ["One", "Two"], [{"One": "1", "Two": "2"}])
    try:
        run(raw)
    except DataProblem as problem:
        check_message(problem, "IDS000Header")


@pytest.mark.slow
@pytest.mark.parametrize("table", COLUMNS)
def test_an_empty_column_is_no_fault(small, table, tmp_path):
    """Each optional column of the table blank in every row, all at once."""
    needed = {"LocalPatientId", "ServiceRequestId", "CareContactId", "CareActId", "ReferralRequestReceivedDate",
              "CareContDate", "StartDateIntEnabledTherLog", "UniqueSubmissionID", "Unique_MonthID", "File_Type"}  # fmt: skip
    blank = [{name: value if name in needed else "" for name, value in row.items()} for row in small[table]]
    write_national(small | {table: blank}, tmp_path)
    assert run(tmp_path).build_ledger()["rows_in"].sum() == sum(len(rows) for rows in small.values())


def test_dates_of_the_wrong_millennium_touch_nobody_else(small, tmp_path):
    """A log, a contact and a score of the year 22 must not disturb the order of other people's contacts."""
    write_national(small, tmp_path / "before")
    before = list_counts(tmp_path / "before")
    owners = {row["ServiceRequestId"] for row in small[LOGS]}
    strange = [
        row | {"StartDateIntEnabledTherLog": "0022-06-14", "EndDateIntEnabledTherLog": "0022-06-20"}
        for row in small[LOGS]
    ]
    write_national(small | {LOGS: small[LOGS] + strange}, tmp_path / "after")
    after = list_counts(tmp_path / "after")
    assert owners and before.keys() == after.keys()
    assert {key for key in before if before[key] != after[key]} <= owners


def list_counts(folder: Path) -> dict[str, tuple[str, ...]]:
    """For each referral what was worked out of its order of events."""
    record = read_record(PROJECT)
    tables, _ = build_tables(read_extract(folder, None), record)
    referrals = build_pathways(tables, record.completion, AS_AT).referrals
    names = ["first_treatment_on", "last_treatment_on", "n_treatments", "n_li", "step_up_on", "first_stage", "second_stage",
             "stage_1_began_on", "stage_2_began_on"]  # fmt: skip
    rows = referrals[names].astype("str").itertuples(index=False, name=None)
    return dict(zip(tables.keys["referral"], rows, strict=True))


@pytest.fixture(scope="session")
def with_junk(national, tmp_path_factory) -> Callable[[str, bytes], Path]:
    """The small extract with one file overwritten."""

    def write(name: str, junk: bytes) -> Path:
        raw = tmp_path_factory.mktemp("junk") / "raw"
        shutil.copytree(national, raw)
        (raw / name).write_bytes(junk)
        return raw

    return write


@pytest.mark.slow
@settings(max_examples=25, deadline=None, derandomize=True, phases=[Phase.generate])
@given(junk=st.binary(max_size=400), name=st.sampled_from([REFERRAL_FILE, CONTACT_FILE, "IDS000Header.csv"]))
def test_any_bytes_at_all_are_refused_by_name(with_junk, junk, name):
    try:
        run(with_junk(name, junk))
    except DataProblem as problem:
        check_message(problem, name)


WORST = ("", "NULL", "0", "-1", "2022-02-30", "99999999999", "31/12/9999", "\u200b", "é", "'", "=1", "1e400", "None",
         "TRUE", "44317", "0001-01-01", "9998-01-01", "05/06/07", "x" * 300, "\ufffd", " ", "ServiceRequestId")  # fmt: skip


@pytest.fixture(scope="session")
def spoil_at_random(small, tmp_path_factory) -> Callable[[int, float], tuple[Path, dict[str, int]]]:
    """The small extract with a share of its cells replaced by the worst that people write; and its rows by file."""

    def write(seed: int, share: float) -> tuple[Path, dict[str, int]]:
        draw = random.Random(seed)
        folder = tmp_path_factory.mktemp("values")
        spoiled = {
            table: [{k: draw.choice(WORST) if draw.random() < share else v for k, v in row.items()} for row in rows]
            for table, rows in small.items()
        }
        return folder, {f"{table}.csv": n for table, n in write_national(spoiled, folder).items()}

    return write


@pytest.mark.slow
@settings(max_examples=12, deadline=None, derandomize=True, phases=[Phase.generate])
@given(seed=st.integers(0, 10_000), share=st.floats(0.01, 0.3))
def test_any_values_at_all_are_counted(spoil_at_random, seed, share):
    """Every row is still accounted for."""
    folder, rows = spoil_at_random(seed, share)
    try:
        ledger = run(folder).build_ledger()
    except DataProblem as problem:
        check_message(problem)
    else:
        assert dict(zip(ledger["file"], ledger["rows_in"], strict=True)) == rows


# --- The local export and the record ------------------------------------------------------------------


@pytest.fixture
def local(small, tmp_path) -> Path:
    write_local(small, tmp_path / "local")
    return tmp_path / "local"


def test_the_small_local_export_is_fine(local, project):
    (project / "columns.toml").write_text(LOCAL_COLUMNS, encoding="utf-8")
    assert run(local, project).build_ledger()["used"].sum() > 0


def replace(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


MAP_FAULTS: dict[str, tuple[Callable[[str], str], type[QiError], tuple[str, ...]]] = {
    "no such name": (replace('= "contact_on"', '= "contact_day"'), RecordProblem, ("columns.toml", "contact_day")),
    "no such part": (replace("[appointments]", "[visits]"), RecordProblem, ("columns.toml", "visits")),
    "no appointments": (lambda text: text[: text.index("[appointments]")], RecordProblem, ("columns.toml", "appointments")),
    "no form of dates": (replace('received_on = "d/m/Y"', 'received_on = "d.m.y"'), RecordProblem, ("received_on", "d/m/Y")),
    "no TOML": (replace("[referrals]", "[referrals"), RecordProblem, ("columns.toml", "line")),
    "a heading twice": (
        replace('"Client No" =', '"Referral No" = "patient_id"\n"Client No" ='), RecordProblem, ("columns.toml",),
    ),
    "a date in quotation marks": (
        replace("extract_date = 2022-08-31", 'extract_date = "soon"'), RecordProblem, ("columns.toml", "extract_date"),
    ),
    "no such therapy scheme": (
        replace("[settings]", '[settings]\ntherapy_scheme = "v9"'), RecordProblem, ("therapy_scheme", "snomed"),
    ),
    "a label without quotation marks": (
        replace('"Finished as planned" = "46"', '"Finished as planned" = 46'), RecordProblem, ("columns.toml", "end_code"),
    ),
    "a label for no code": (
        replace('"Finished as planned" = "46"', '"Finished as planned" = "466"'), RecordProblem, ("columns.toml", "end_code"),
    ),
    "labels for a field without codes": (
        replace("[referrals.labels.end_code]", "[referrals.labels.received_on]"), RecordProblem, ("columns.toml", "received_on"),
    ),
    "two headings for one name": (
        replace('"Person" = "person_id"', '"Person" = "patient_id"'), RecordProblem, ("columns.toml", "patient_id"),
    ),
    "a column list that is a word": (
        replace("[referrals.columns]", 'columns = "all"\n\n[referrals.others]'), RecordProblem, ("columns.toml",),
    ),
    "a heading that is not in the file": (
        replace('"Received" =', '"Date received" ='), DataProblem, ("Referrals 2022.csv", "Date received"),
    ),
    "a needed name that is not mapped": (replace('"Outcome" = "attendance"\n', ""), DataProblem, ("Appointments 2022.csv", "attendance")),
    "a file that is not there": (replace('file = "referrals"', 'file = "patients"'), DataProblem, ("patients", "referrals")),
    "a pattern for both files": (replace('file = "referrals"', 'file = "*2022"'), DataProblem, ("*2022", "2 files")),
}  # fmt: skip


@pytest.mark.parametrize("name", MAP_FAULTS)
def test_a_fault_in_the_column_map_is_named(name, local, project):
    change, kind, words = MAP_FAULTS[name]
    (project / "columns.toml").write_text(change(LOCAL_COLUMNS), encoding="utf-8")
    with pytest.raises(kind) as caught:
        run(local, project)
    check_message(caught.value, *words)


def test_a_local_export_without_a_column_map_is_told_what_to_do(local, project):
    with pytest.raises(DataProblem) as caught:
        run(local, project)
    check_message(caught.value, "columns.toml", "columns.example.toml")


def test_a_column_map_in_the_letters_of_windows_is_read(local, project):
    (project / "columns.toml").write_bytes(LOCAL_COLUMNS.replace("Kind", "Kïnd").encode("cp1252"))
    with pytest.raises(DataProblem) as caught:
        run(local, project)
    check_message(caught.value, "Kïnd")


@pytest.mark.parametrize("file", ["referrals", "appointments"])
def test_a_local_file_with_headings_only_is_named_or_counts_nothing(file, local, project):
    (project / "columns.toml").write_text(LOCAL_COLUMNS, encoding="utf-8")
    path = local / f"{file.title()} 2022.csv"
    path.write_text(path.read_text(encoding="utf-8").split("\n")[0] + "\n", encoding="utf-8")
    try:
        run(local, project)
    except DataProblem as problem:
        check_message(problem, path.name)


@pytest.mark.parametrize("missing", ["project.toml", "completion.toml", "measures.toml"])
def test_a_missing_part_of_the_record_is_named(missing, raw, project):
    (project / missing).unlink()
    with pytest.raises(RecordProblem) as caught:
        run(raw, project)
    check_message(caught.value, missing)


def test_typed_files_of_mixed_formats_are_fine(small, tmp_path):
    """One table as workbook, one as Parquet, the rest as CSV."""
    writer = choose_writer({LOGS: write_workbook, ACTIVITIES: write_parquet}, Dress().write)
    rows = write_national(small, tmp_path, writer=writer)
    assert run(tmp_path).build_ledger()["rows_in"].sum() == sum(rows.values())

"""Cleaning held to a second answer: the clean extract as it is, and after each kind of mess.

The plain answer of plain.py is worked out on clean files; the analysis must give the same from the messy ones,
say in its data-quality table exactly what was done to them, and account for every row.
"""

import dataclasses
import random
from collections import Counter
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from zlib import crc32

import pandas as pd
import pytest
from clean_extract import (
    AS_AT,
    CODE_CHANGE,
    EARLIER_CODE,
    LATER_CODE,
    Tables,
    build_clean_extract,
    build_version_20,
    copy_tables,
    write_csv,
    write_national,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from mess import (
    ACTIVITIES,
    CONTACTS,
    FILE_MESSES,
    LOCAL_COLUMNS,
    OUR_TABLE,
    PEOPLE,
    REFERRALS,
    ROW_MESSES_HARMLESS,
    ROW_MESSES_OF_FACTS,
    Dress,
    Mess,
    add_orphans,
    build_local,
    choose_writer,
    drop_what_is_not_local,
    move_activities_in_refresh,
    space_nhs_numbers,
    write_files,
    write_late_accents,
    write_local,
    write_mixed_encodings,
    write_parquet,
    write_typed_parquet,
    write_without_last_newline,
    write_workbook,
)
from plain import Triple, plain_results
from repository import PROJECT

from qi_analysis.extract.clean import Tables as CleanTables
from qi_analysis.extract.clean import build_tables
from qi_analysis.extract.ledger import Account
from qi_analysis.extract.sources import Extract, read_extract
from qi_analysis.measures.pathways import Pathways, build_pathways
from qi_analysis.measures.results import build_results
from qi_analysis.periods import period_of
from qi_analysis.record.read_settings import read_record
from qi_analysis.record.settings import Record, ServiceCode

Results = dict[tuple[str, str, str], Triple]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What the analysis made of a folder."""

    results: Results
    tables: CleanTables
    account: Account

    @property
    def ledger(self) -> pd.DataFrame:
        return self.account.build_ledger().set_index("file")

    @property
    def counts(self) -> Counter[tuple[str, str, str]]:
        quality = self.account.build_quality()
        keys = zip(quality["rule"], quality["table"], quality["field"], strict=True)
        return Counter(dict(zip(keys, quality["rows"], strict=True)))


@pytest.fixture(scope="session")
def record() -> Record:
    """The project's record, with the day on which the generated service changed its code."""
    codes = (
        ServiceCode(EARLIER_CODE, date(2018, 4, 1), date(2022, 2, 28)),
        ServiceCode(LATER_CODE, CODE_CHANGE),
    )
    return dataclasses.replace(read_record(PROJECT), service_codes=codes, columns=None)


@pytest.fixture(scope="session")
def clean() -> Tables:
    return build_clean_extract()


@pytest.fixture(scope="session")
def plain(clean, tmp_path_factory) -> Results:
    """The plain answer to the clean extract."""
    return answer_plainly(clean, tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="session")
def clean_outcome(clean, record, tmp_path_factory) -> Outcome:
    folder = tmp_path_factory.mktemp("clean")
    write_national(clean, folder)
    return analyse(folder, record)


def answer_plainly(tables: Tables, folder: Path, as_at: date = AS_AT) -> Results:
    write_national(tables, folder)
    return plain_results(folder, as_at)


def analyse(folder: Path, record: Record, as_at: date = AS_AT) -> Outcome:
    tables, account = build_tables(read_extract(folder, record.columns), record)
    pathways = build_pathways(tables, record.completion, as_at)
    return Outcome(list_results(pathways, record, as_at), tables, account)


def list_results(pathways: Pathways, record: Record, as_at: date = AS_AT) -> Results:
    table = build_results(pathways, record.completion, period_of(as_at), record.measures)
    months = table["interval_start"].dt.strftime("%Y-%m")
    numbers = table[["numerator", "denominator", "value"]]
    triples = numbers.astype("object").where(numbers.notna(), None).itertuples(index=False, name=None)
    return dict(zip(zip(table["measure_id"], table["clock"], months, strict=True), triples, strict=True))


def list_differences(found: Results, expected: Results) -> list[str]:
    """Every figure that is not the same, in words; empty when the two agree."""

    def same(one: float | None, other: float | None) -> bool:
        return one == other or (one is not None and other is not None and abs(one - other) < 1e-9)

    lines = [f"only one of the two has {key}" for key in found.keys() ^ expected.keys()]
    for key in found.keys() & expected.keys():
        if not all(map(same, found[key], expected[key])):
            lines.append(f"{key}: found {found[key]}, expected {expected[key]}")
    return sorted(lines)[:20]


def list_changes(found: Outcome, before: Outcome) -> dict[tuple[str, str, str], int]:
    """(rule, table, field) -> how many rows more or fewer than before, where it is not the same."""
    keys = found.counts.keys() | before.counts.keys()
    now, then = found.counts, before.counts
    return {key: now[key] - then[key] for key in keys if now[key] != then[key]}


def check_ledger(outcome: Outcome, rows_written: dict[str, int]) -> None:
    """Every row that was written is in the ledger, and the row closes."""
    ledger = outcome.ledger
    assert dict(zip(ledger.index, ledger["rows_in"], strict=True)) == rows_written
    assert (ledger["rows_in"] == ledger["used"] + ledger["merged"] + ledger["set_aside"]).all()
    aside = outcome.account.build_set_aside().groupby("file").size()
    assert dict(ledger["set_aside"][ledger["set_aside"] > 0]) == dict(aside)


def name_files(rows: dict[str, int], suffix: str = "csv") -> dict[str, int]:
    return {f"{table}.{suffix}": number for table, number in rows.items()}


# --- The clean extract ------------------------------------------------------------------------------


def test_the_clean_extract_holds_what_it_should(clean, plain):
    """Not an empty test: every measure that version 2.1 can fill is met somewhere, as is every exit."""
    assert 500 <= len({row["ServiceRequestId"] for row in clean[REFERRALS]}) <= 900
    met = {key[:2] for key, (numerator, _, value) in plain.items() if numerator or value}
    assert {key[:2] for key in plain} - met == {("M1003", "national")}


def test_the_clean_extract_gives_the_plain_answer(clean_outcome, plain, clean):
    assert list_differences(clean_outcome.results, plain) == []
    check_ledger(clean_outcome, {f"{table}.csv": len(rows) for table, rows in clean.items()})


@pytest.mark.parametrize("as_at", [date(2022, 3, 31), date(2021, 10, 31)])
def test_an_earlier_view_gives_the_plain_answer(clean, record, tmp_path, as_at):
    expected = answer_plainly(clean, tmp_path, as_at)
    assert list_differences(analyse(tmp_path, record, as_at).results, expected) == []


@pytest.mark.parametrize("seed", [2, 3])
def test_other_clean_extracts_give_the_plain_answer(record, tmp_path, seed):
    expected = answer_plainly(build_clean_extract(seed, 250), tmp_path)
    assert list_differences(analyse(tmp_path, record).results, expected) == []


def test_a_clean_extract_needs_no_repair(clean_outcome):
    quality = clean_outcome.account.build_quality()
    assert set(quality.loc[quality["treatment"] == "repaired", "rule"]) == set()


# --- One mess at a time -----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def after_mess(clean, record, tmp_path_factory) -> Callable[[str], tuple[Outcome, Mess, dict[str, int]]]:
    """What the analysis makes of the clean extract after a harmless mess, worked out once for each."""

    @cache
    def analyse_mess(name: str) -> tuple[Outcome, Mess, dict[str, int]]:
        folder = tmp_path_factory.mktemp(name)
        mess = ROW_MESSES_HARMLESS[name](clean, random.Random(7))
        written = name_files(write_national(mess.tables, folder))
        return analyse(folder, record), mess, written

    return analyse_mess


@pytest.mark.parametrize("name", ROW_MESSES_HARMLESS)
def test_a_harmless_mess_changes_no_result(name, after_mess, plain, clean_outcome):
    outcome, mess, written = after_mess(name)
    assert list_differences(outcome.results, plain) == []
    check_ledger(outcome, written)
    assert list_changes(outcome, clean_outcome) == {key: n for key, n in mess.counts.items() if n}


@pytest.mark.parametrize("name", ROW_MESSES_OF_FACTS)
def test_a_mess_of_facts_gives_the_plain_answer_to_them(name, clean, plain, clean_outcome, record, tmp_path):
    mess = ROW_MESSES_OF_FACTS[name](clean, random.Random(7))
    written = name_files(write_national(mess.tables, tmp_path))
    expected = plain_results(tmp_path, AS_AT)
    assert list_differences(expected, plain), "the mess must change something, or it proves nothing"
    outcome = analyse(tmp_path, record)
    assert list_differences(outcome.results, expected) == []
    check_ledger(outcome, written)
    assert list_changes(outcome, clean_outcome) == {key: n for key, n in mess.counts.items() if n}


def test_an_activity_corrected_to_another_contact_belongs_to_that_contact(clean, plain, record, tmp_path):
    mess = move_activities_in_refresh(clean, random.Random(7))
    expected = answer_plainly(mess.tables, tmp_path)
    assert list_differences(expected, plain)
    assert list_differences(analyse(tmp_path, record).results, expected) == []


NATIONAL = list(OUR_TABLE)[1:]
N_ROUNDS = -(-2 * len(FILE_MESSES) // len(NATIONAL))  # each dress is worn by two tables


@pytest.mark.parametrize("round_number", range(N_ROUNDS))
def test_a_mess_of_files_changes_no_result(round_number, clean, plain, clean_outcome, record, tmp_path):
    """Every table in another dress, in the next round in the next ones."""
    names = [list(FILE_MESSES)[(round_number * len(NATIONAL) + n) % len(FILE_MESSES)] for n in range(len(NATIONAL))]
    worn = dict(zip(NATIONAL, names, strict=True))
    writers = {table: FILE_MESSES[name].write for table, name in worn.items()}
    rows = write_national(clean, tmp_path, writer=choose_writer(writers, write_csv))
    outcome = analyse(tmp_path, record)
    assert list_differences(outcome.results, plain) == [], worn
    added = {table: FILE_MESSES[name].counts for table, name in worn.items()}
    written = {t: n + (sum(added[t].values()) if t in added else 0) for t, n in rows.items()}
    check_ledger(outcome, name_files(written))
    expected = {(rule, OUR_TABLE[t], ""): n for t, counts in added.items() for rule, n in counts.items() if n}
    assert list_changes(outcome, clean_outcome) == expected, worn


@pytest.mark.parametrize("writer", [write_late_accents, write_without_last_newline, write_mixed_encodings])
def test_an_odd_text_file_changes_no_result(writer, clean, plain, clean_outcome, record, tmp_path):
    rows = write_national(clean, tmp_path, writer=writer)
    outcome = analyse(tmp_path, record)
    assert list_differences(outcome.results, plain) == []
    check_ledger(outcome, name_files(rows))
    assert list_changes(outcome, clean_outcome) == {}


@pytest.mark.parametrize("writer", [write_parquet, write_typed_parquet])
def test_parquet_changes_no_result(writer, clean, plain, clean_outcome, record, tmp_path):
    rows = write_national(clean, tmp_path, writer=writer)
    outcome = analyse(tmp_path, record)
    assert list_differences(outcome.results, plain) == []
    check_ledger(outcome, name_files(rows, "parquet"))
    assert list_changes(outcome, clean_outcome) == {}


def test_a_workbook_changes_no_result(clean, plain, clean_outcome, record, tmp_path):
    """Three tables as workbooks with typed cells: numbers lost their zeros in front, which is counted."""
    as_books = (REFERRALS, CONTACTS, "IDS205InternetTherLog")
    rows = write_national(clean, tmp_path, writer=choose_writer(dict.fromkeys(as_books, write_workbook), write_csv))
    outcome = analyse(tmp_path, record)
    assert list_differences(outcome.results, plain) == []
    check_ledger(outcome, {f"{t}.{'xlsx' if t in as_books else 'csv'}": n for t, n in rows.items()})
    padded = {("type", "AppType"), ("medium", "ConsMechanism")}
    expected = {
        ("code_tidied", "contacts", ours): sum(row[heading].startswith("0") for row in clean[CONTACTS])
        for ours, heading in padded
    }
    assert list_changes(outcome, clean_outcome) == expected


def test_version_20_names_and_mediums(clean, record, tmp_path):
    """Other names for source and medium; telemedicine is M1003 there, and video, M1018, is empty."""
    older = build_version_20(clean)
    rows = write_national(older, tmp_path / "v20", names="v2.0")
    outcome = analyse(tmp_path / "v20", record)
    check_ledger(outcome, name_files(rows))
    newer = copy_tables(clean)
    for row in newer[CONTACTS]:
        row["ConsMechanism"] = {"12": "98", "13": "98"}.get(row["ConsMechanism"], row["ConsMechanism"])
    expected = answer_plainly(newer, tmp_path / "plain")
    for (measure, clock, month), triple in list(expected.items()):
        if measure == "M1018":
            expected["M1003", clock, month] = triple
            expected["M1018", clock, month] = (0, None, 0)
    assert list_differences(outcome.results, expected) == []


def test_a_table_in_several_files_changes_no_result(clean, plain, record, tmp_path):
    """Referrals and contacts each in two files, one of which lacks an optional column."""
    write_national(clean, tmp_path)
    for table in (REFERRALS, CONTACTS):
        (tmp_path / f"{table}.csv").unlink()
        rows = [dict(row) for row in clean[table]]
        half = len(rows) // 2
        write_national({table: rows[:half]}, tmp_path)
        (tmp_path / f"{table}.csv").rename(tmp_path / f"{table} part 1.csv")
        for row in rows[half:]:
            row.pop("InterpreterPresentInd", None)
        write_national({table: rows[half:]}, tmp_path)
        (tmp_path / f"{table}.csv").rename(tmp_path / f"{table} part 2.csv")
    outcome = analyse(tmp_path, record)
    assert list_differences(outcome.results, plain) == []
    assert outcome.ledger["rows_in"].sum() == sum(len(rows) for rows in clean.values())


# --- Lines, ages and breakdowns ---------------------------------------------------------------------


def test_lines_of_rows_set_aside_are_those_an_editor_shows(clean, record, tmp_path):
    """With titles, blank lines and line breaks in quotes before them."""
    mess = add_orphans(clean, random.Random(3))
    dress = Dress(titles=("A report", ""), n_blank_lines=4, note="one\ntwo", n_short_rows=3, n_headings=2)
    write_national(mess.tables, tmp_path, writer=dress.write)
    aside = analyse(tmp_path, record).account.build_set_aside()
    lines = (tmp_path / f"{CONTACTS}.csv").read_text().splitlines()
    strays = aside[(aside["file"] == f"{CONTACTS}.csv") & (aside["rule"] == "referral_not_found")]
    assert len(strays) == 15
    for line in strays["line"]:
        assert ",?" in lines[line - 1]
    for rule, start in (("repeated_heading", "CareContactId,"), ("wrong_number_of_fields", "1,1,1")):
        found = aside[(aside["file"] == f"{CONTACTS}.csv") & (aside["rule"] == rule)]
        assert [line for line in found["line"] if lines[line - 1].startswith(start)] == list(found["line"])


def test_ages_are_those_of_the_birth_date_on_the_day_received(clean, clean_outcome):
    """Also for the two parts of a joined referral, and never a bad one."""
    born = {row["LocalPatientId"]: date.fromisoformat(row["PersonBirthDate"]) for row in clean[PEOPLE]}
    patient = {row["ServiceRequestId"]: row["LocalPatientId"] for row in clean[REFERRALS]}
    referrals = clean_outcome.tables.referrals
    for key, received, age in zip(
        clean_outcome.tables.keys["referral"], referrals["received_on"], referrals["age"], strict=True
    ):
        day = born[patient[key]]
        had_birthday = (received.month, received.day) >= (day.month, day.day)
        assert age == received.year - day.year - (not had_birthday)


@pytest.mark.parametrize(
    "name",
    [
        "spoil_genders",
        "spoil_ages",
        "write_only_two_digit_years",
        "write_days_first",
        "write_labels",
        "mark_blanks",
    ],
)
def test_only_spoiled_details_are_lost(name, after_mess, clean_outcome):
    """What a person is like stays known for everyone whose details were not spoiled."""
    found = after_mess(name)[0].tables
    before = clean_outcome.tables
    spoiled = {"spoil_genders": "gender", "spoil_ages": "age"}.get(name)
    for detail in ("gender", "ethnicity", "deprivation", "age", "source"):
        new = dict(zip(found.keys["referral"], found.referrals[detail].astype("object"), strict=True))
        old = dict(zip(before.keys["referral"], before.referrals[detail].astype("object"), strict=True))
        assert new.keys() == old.keys()
        lost = {key for key in old if not (new[key] == old[key] or (pd.isna(new[key]) and pd.isna(old[key])))}
        if detail != spoiled:
            assert lost == set()
        else:
            assert lost
            assert all(pd.isna(new[key]) or new[key] == "invalid" for key in lost)


def test_the_keys_lead_back_to_the_rows(clean, clean_outcome):
    """Row numbers of the clean tables and the identifiers kept apart say the same."""
    tables = clean_outcome.tables
    known = {(row["ServiceRequestId"], row["CareContactId"], row["CareContDate"]) for row in clean[CONTACTS]}
    later = {row["ServiceRequestId"].replace("N", "R") for row in clean[REFERRALS] if row["ServiceRequestId"][0] == "N"}
    referral = tables.keys["referral"].to_numpy()[tables.contacts["referral"].to_numpy()]
    assert len(referral)
    for key, contact, day in zip(referral, tables.keys["contact"], tables.contacts["contact_on"], strict=True):
        names = {key} | ({key.replace("R", "N")} if key in later else set())
        assert any((name, contact, f"{day:%Y-%m-%d}") in known for name in names)


def test_an_attendance_of_tomorrow_has_not_happened(after_mess):
    """Seen after the extract was taken: still an appointment, but neither attended nor missed."""
    contacts = after_mess("add_future_contacts")[0].tables.contacts
    later = contacts[contacts["contact_on"] > pd.Timestamp(AS_AT)]
    assert len(later) == 12
    assert later["attendance"].isna().all()


# --- Everything at once -----------------------------------------------------------------------------

IN_ORDER = (  # rows first, then what values look like
    "add_orphans", "add_orphans_of_other_months", "add_rows_without_keys", "add_rows_without_dates",
    "add_unusable_scores", "add_future_contacts", "conflict_in_favour", "spoil_genders", "spoil_ages",
    "spoil_nhs_numbers", "add_test_patients", "drop_refresh_rows", "duplicate_rows", "dresses_of_dates",
    "dresses_of_codes", "mark_blanks", "write_sentinels", "blank_with_spaces", "space_nhs_numbers",
    "space_identifiers", "shuffle_rows",
)  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
def test_all_messes_at_once(clean, plain, record, tmp_path, seed):
    """Facts first, for the plain answer; then every harmless mess of rows, then the worst of files."""
    draw = random.Random(seed)
    tables = clean
    for mess in ROW_MESSES_OF_FACTS.values():
        tables = mess(tables, draw).tables
    expected = answer_plainly(tables, tmp_path / "plain")
    assert list_differences(expected, plain)
    for name in IN_ORDER:
        tables = ROW_MESSES_HARMLESS[name](tables, draw).tables
    dress = FILE_MESSES["everything"]
    rows = write_national(tables, tmp_path / "messy", writer=dress.write)
    outcome = analyse(tmp_path / "messy", record)
    assert list_differences(outcome.results, expected) == []
    added = sum(dress.counts.values())
    check_ledger(outcome, {f"{t}.csv": n + added * (t != "IDS000Header") for t, n in rows.items()})


# --- A local export ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def local_record(record, tmp_path_factory) -> Record:
    return change_map(record, str, tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def local_plain(clean, tmp_path_factory) -> Results:
    return answer_plainly(drop_what_is_not_local(clean), tmp_path_factory.mktemp("local_plain"))


def test_a_local_export_gives_the_plain_answer(clean, local_plain, local_record, tmp_path):
    """All but what it cannot carry: logs, scores outside an appointment, earlier submissions."""
    rows = write_local(clean, tmp_path)
    outcome = analyse(tmp_path, local_record)
    assert list_differences(outcome.results, local_plain) == []
    check_ledger(outcome, rows)
    counts = outcome.counts
    assert counts["label_read_as_code", "referrals", "end_code"] > 50
    assert counts["contact_per_activity", "contacts", ""] == rows["Appointments 2022.csv"] - len(
        {(r["Unique_MonthID"], r["ServiceRequestId"], r["CareContactId"]) for r in clean[CONTACTS]}
    )
    assert not any(rule.startswith("date_") for rule, _, _ in counts)


@pytest.mark.parametrize("name", ["totals", "repeated_headings", "everything"])
def test_a_messy_local_export_gives_the_plain_answer(name, clean, local_plain, local_record, tmp_path):
    dress = FILE_MESSES[name]
    rows = write_local(clean, tmp_path, dress)
    outcome = analyse(tmp_path, local_record)
    assert list_differences(outcome.results, local_plain) == []
    check_ledger(outcome, {name: number + sum(dress.counts.values()) for name, number in rows.items()})


def test_a_local_export_without_identifiers_of_persons_links_by_nhs_number(clean, local_plain, local_record, tmp_path):
    """Tidied NHS numbers join the parts before and after the change of code."""
    mess = space_nhs_numbers(clean, random.Random(5))
    write_local(mess.tables, tmp_path)
    path = tmp_path / "Referrals 2022.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("Person,", "Nobody's column,", 1), encoding="utf-8")
    assert list_differences(analyse(tmp_path, local_record).results, local_plain) == []


def change_map(record: Record, change: Callable[[str], str], folder: Path) -> Record:
    """The record with a column map that differs from LOCAL_COLUMNS."""
    for path in PROJECT.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    (folder / "columns.toml").write_text(change(LOCAL_COLUMNS), encoding="utf-8")
    return dataclasses.replace(read_record(folder), service_codes=record.service_codes)


def without_numbers(files: Tables) -> tuple[Tables, Callable[[str], str]]:
    """No identifiers of appointments: date and time tell them apart."""
    rows = [{key: value for key, value in row.items() if key != "Appointment No"} for row in files["Appointments 2022"]]
    return files | {"Appointments 2022": rows}, lambda text: text.replace('"Appointment No" = "contact_id"\n', "")


def month_first(files: Tables) -> tuple[Tables, Callable[[str], str]]:
    """Dates as written in the United States, and said so in the column map."""

    def turn(value: str) -> str:
        return f"{value[3:5]}/{value[:2]}/{value[6:]}" if value[2:3] == "/" else value

    turned = {name: [{k: turn(v) for k, v in row.items()} for row in rows] for name, rows in files.items()}
    return turned, lambda text: text.replace("d/m/Y", "m/d/Y")


def two_digit_therapies(files: Tables) -> tuple[Tables, Callable[[str], str]]:
    """Therapies in the two digits of version 1.5, in which 46 and 47 are therapies and end codes alike."""
    old = {"748051000000105": "20", "748101000000105": "21", "748041000000107": "22", "748091000000102": "23",
           "748061000000108": "25", "199314001": "26", "702545008": "27", "1026111000000108": "28",
           "1098051000000103": "29", "1127281000000100": "40", "1129471000000105": "42", "842901000000108": "43",
           "286711000000107": "44", "314034001": "45", "449030000": "46", "933221000000107": "47",
           "1026131000000100": "48", "304891004": "50", "228557008": "50", "443730003": "51"}  # fmt: skip
    names = ("Therapy", "Therapy (second)")
    rows = [{k: old.get(v, v) if k in names else v for k, v in row.items()} for row in files["Appointments 2022"]]
    return files | {"Appointments 2022": rows}, lambda text: text.replace(
        "[settings]", '[settings]\ntherapy_scheme = "v1.5"'
    )


@pytest.mark.parametrize("form", [without_numbers, month_first, two_digit_therapies])
def test_another_form_of_local_export_gives_the_plain_answer(form, clean, local_plain, record, tmp_path):
    files, change = form(build_local(clean))
    (tmp_path / "project").mkdir()
    own = change_map(record, change, tmp_path / "project")
    rows = write_files(files, tmp_path / "raw", Dress().write)
    outcome = analyse(tmp_path / "raw", own)
    assert list_differences(outcome.results, local_plain) == []
    check_ledger(outcome, rows)
    assert not any(rule.startswith("date_") for rule, _, _ in outcome.counts)


def test_a_local_export_as_workbooks_gives_the_plain_answer(clean, local_plain, local_record, tmp_path):
    """With a cover sheet, title rows and cells that are dates, times and numbers."""
    rows = write_files(build_local(clean), tmp_path, write_workbook)
    outcome = analyse(tmp_path, local_record)
    assert list_differences(outcome.results, local_plain) == []
    check_ledger(outcome, {name.replace(".csv", ".xlsx"): number for name, number in rows.items()})
    assert not any(rule.startswith("date_") for rule, _, _ in outcome.counts)


@pytest.mark.parametrize("is_stamped", [True, False])
def test_an_appointment_recorded_twice_in_a_local_export(is_stamped, clean, record, tmp_path):
    """With the time of the last change the later row wins; without it the attended one does."""
    files = build_local(clean)
    rows = files["Appointments 2022"]
    chosen = [row for row in rows if row["Outcome"] == "Came" and not row["Therapy (second)"]][:400:10]
    stamp = {"Changed": "2022-08-01 09:00:00"} if is_stamped else {}
    later = [
        row | {"Outcome": "No show"} | ({"Changed": "2022-08-02 10:30:00"} if is_stamped else {}) for row in chosen
    ]
    files["Appointments 2022"] = later + [row | stamp for row in rows]
    (tmp_path / "project").mkdir()
    own = change_map(
        record, lambda text: text.replace('"Day" =', '"Changed" = "updated_at"\n"Day" ='), tmp_path / "project"
    )
    write_files(files, tmp_path / "raw", Dress().write)
    outcome = analyse(tmp_path / "raw", own)
    assert outcome.counts["conflicting_attendance", "contacts", "attendance"] == len(chosen) > 20
    attended = outcome.tables.contacts["attendance"].isin(["5", "6"]).sum()
    write_files(files | {"Appointments 2022": rows}, tmp_path / "before", Dress().write)
    before = analyse(tmp_path / "before", own).tables.contacts["attendance"].isin(["5", "6"]).sum()
    assert before - attended == (len(chosen) if is_stamped else 0)


# --- In parts ---------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def clean_extract(clean, tmp_path_factory) -> Extract:
    folder = tmp_path_factory.mktemp("parts")
    write_national(clean, folder)
    return read_extract(folder, None)


@pytest.fixture(scope="session")
def person_of(clean) -> dict[tuple[str, str], str]:
    """(table, identifier with its month where it has one) -> person."""
    person = {row["LocalPatientId"]: row["Person_ID"] for row in clean[PEOPLE]}
    owner = {("referral_id", row["ServiceRequestId"]): person[row["LocalPatientId"]] for row in clean[REFERRALS]}
    owner |= {("patient_id", local): one for local, one in person.items()}
    for row in clean[CONTACTS]:
        owner["contact_id", row["Unique_MonthID"] + row["CareContactId"]] = owner[
            "referral_id", row["ServiceRequestId"]
        ]
    for row in clean[ACTIVITIES]:
        contact = owner["contact_id", row["Unique_MonthID"] + row["CareContactId"]]
        owner["activity_id", row["Unique_MonthID"] + row["CareActId"]] = contact
    return owner


KEY_OF = {"people": "patient_id", "activities": "contact_id", "activity_scores": "activity_id"}


def cut_extract(extract: Extract, person_of: dict[tuple[str, str], str], chosen: Callable[[str], bool]) -> Extract:
    """The rows of the chosen persons; the header goes with each part."""
    parts = {}
    for name, frame in extract.tables.items():
        key = KEY_OF.get(name, "referral_id")
        if name == "header":
            parts[name] = frame
            continue
        month = frame["month_id"].astype("str") if key in ("contact_id", "activity_id") else ""
        owners = (month + frame[key].astype("str")).map(lambda text, key=key: person_of[key, text])
        parts[name] = frame[owners.map(chosen).to_numpy(dtype=bool)].reset_index(drop=True)
    return dataclasses.replace(extract, tables=parts)


def join_pathways(parts: list[Pathways]) -> Pathways:
    """One set of pathways from several, with row numbers that go on where the one before stopped."""
    referrals, contacts, therapies, logs = [], [], [], []
    n_referrals = n_contacts = n_persons = 0
    for part in parts:
        referrals.append(part.referrals.assign(person=part.referrals["person"] + n_persons))
        shifted = part.contacts["referral"] + n_referrals
        contacts.append(part.contacts.assign(number=part.contacts["number"] + n_contacts, referral=shifted))
        therapies.append(part.therapies.assign(referral=part.therapies["referral"] + n_referrals))
        logs.append(part.logs.assign(referral=part.logs["referral"] + n_referrals))
        n_referrals += len(part.referrals)
        n_contacts += int(part.contacts["number"].max() + 1) if len(part.contacts) else 0
        n_persons += int(part.referrals["person"].max() + 1) if len(part.referrals) else 0
    joined = [pd.concat(frames, ignore_index=True) for frames in (referrals, contacts, therapies, logs)]
    for frame in joined:
        for name in frame.columns[frame.dtypes == "object"]:
            frame[name] = frame[name].astype("category")
    return Pathways(*joined, parts[0].as_at)


@pytest.fixture(scope="session")
def put_together(clean_extract, person_of, record) -> Callable[[Callable[[str], int], int], Results]:
    """The results of k parts, cleaned one by one; bucket gives the part of a person."""

    def run(bucket: Callable[[str], int], k: int) -> Results:
        parts = []
        for number in range(k):
            part = cut_extract(clean_extract, person_of, lambda person, number=number: bucket(person) == number)
            tables, _ = build_tables(part, record, AS_AT)
            parts.append(build_pathways(tables, record.completion, AS_AT))
        return list_results(join_pathways(parts), record)

    return run


@pytest.mark.parametrize("k", [2, 5])
def test_parts_by_person_put_together_are_the_whole(k, put_together, plain):
    assert list_differences(put_together(lambda person: crc32(person.encode()) % k, k), plain) == []


@settings(max_examples=2, deadline=None)
@given(k=st.integers(2, 6), salt=st.text("abc", max_size=3))
def test_parts_cut_anyhow_are_the_whole(put_together, plain, k, salt):
    assert list_differences(put_together(lambda person: crc32((salt + person).encode()) % k, k), plain) == []


def test_a_part_may_be_one_person_or_nobody(put_together, plain, person_of):
    """One person alone, everyone else together, and an empty part."""
    one = sorted(set(person_of.values()))[3]
    assert list_differences(put_together(lambda person: int(person == one), 3), plain) == []

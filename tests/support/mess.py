"""Mess, one kind at a time: what real extracts do to a clean one, and how cleaning must count it.

A mess of rows takes clean tables and a random generator and gives a Mess: the changed tables and, for each
(rule, table, field), how many more rows the data-quality table must show than for the clean extract.
A mess of files is a writer for clean_extract.write_national, with the rows it adds to every file.
"""

import csv
import datetime
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import StringIO
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pa_parquet
from clean_extract import (
    AS_AT,
    HI,
    LI,
    N_MONTHS,
    PHQ9,
    SENT,
    Row,
    Tables,
    Writer,
    build_nhs_number,
    copy_tables,
    month_id,
)

Counts = Counter[tuple[str, str, str]]  # (rule, table, field) -> rows
PEOPLE, REFERRALS, CONTACTS = "IDS001MPI", "IDS101Referral", "IDS201CareContact"
ACTIVITIES, LOGS = "IDS202CareActivity", "IDS205InternetTherLog"
REFERRAL_SCORES, ACTIVITY_SCORES = "IDS606CodedScoreReferral", "IDS607CodedScoreActivity"
OUR_TABLE = {
    "IDS000Header": "header", PEOPLE: "people", REFERRALS: "referrals", CONTACTS: "contacts", ACTIVITIES: "activities",
    LOGS: "logs", REFERRAL_SCORES: "referral_scores", ACTIVITY_SCORES: "activity_scores",
}  # fmt: skip
LAST_MONTH = month_id(N_MONTHS - 1)  # the only month without a Refresh: each row stands once

CODES = {  # national table and heading -> our field
    (CONTACTS, "AttendOrDNACode"): "attendance",
    (CONTACTS, "AppType"): "type",
    (CONTACTS, "ConsMechanism"): "medium",
    (CONTACTS, "PlannedCareContIndicator"): "planned",
    (CONTACTS, "InterpreterPresentInd"): "interpreter",
    (CONTACTS, "CareContPatientTherMode"): "mode",
    (REFERRALS, "EndCode"): "end_code",
    (REFERRALS, "SourceOfReferralIAPT"): "source",
    (PEOPLE, "Gender"): "gender",
    (PEOPLE, "EthnicCategory"): "ethnicity",
    (PEOPLE, "IndicesOfDeprivationDecile"): "deprivation",
    (ACTIVITIES, "CodeProcAndProcStatus"): "therapy",
    (REFERRAL_SCORES, "CodedAssToolType"): "tool",
    (ACTIVITY_SCORES, "CodedAssToolType"): "tool",
}
DATES = {
    (PEOPLE, "PersonBirthDate"): "birth_date",
    (REFERRALS, "ReferralRequestReceivedDate"): "received_on",
    (REFERRALS, "ServDischDate"): "discharged_on",
    (CONTACTS, "CareContDate"): "contact_on",
    (LOGS, "StartDateIntEnabledTherLog"): "started_on",
    (LOGS, "EndDateIntEnabledTherLog"): "ended_on",
    (REFERRAL_SCORES, "AssToolCompDate"): "scored_on",
}
IDS = {
    (PEOPLE, "NHSNumber"): "nhs_number",
    (PEOPLE, "Person_ID"): "person_id",
    (REFERRALS, "OrgIDProv"): "provider",
}


@dataclass
class Mess:
    """The tables after the mess, and the counts that must be added by it."""

    tables: Tables
    counts: Counts = field(default_factory=Counter)


RowMess = Callable[[Tables, random.Random], Mess]


# --- Helpers ----------------------------------------------------------------------------------------


def is_test_row(row: Row) -> bool:
    return row.get("LocalPatientId", "").startswith(("ZZZ", "TEST")) or row.get("NHSNumber", "").startswith("999")


def find_test_referrals(tables: Tables) -> set[str]:
    patients = {row["LocalPatientId"] for row in tables[PEOPLE] if is_test_row(row)}
    return {row["ServiceRequestId"] for row in tables[REFERRALS] if row["LocalPatientId"] in patients}


def real_rows(tables: Tables, table: str) -> list[Row]:
    """Rows that are not about test patients and hold no invalid code."""
    tests = find_test_referrals(tables)
    patients = {row["LocalPatientId"] for row in tables[REFERRALS] if row["ServiceRequestId"] in tests}
    contacts = {
        (r["Unique_MonthID"], r["CareContactId"][1:]) for r in tables[CONTACTS] if r["ServiceRequestId"] in tests
    }

    def is_real(row: Row) -> bool:
        number = row.get("CareContactId", row.get("CareActId", "?"))[1:6]
        return (
            row.get("ServiceRequestId") not in tests
            and row.get("LocalPatientId") not in patients
            and (row["Unique_MonthID"], number) not in contacts
            and row.get("EndCode") != "99"
        )

    return [row for row in tables[table] if is_real(row)]


def single_pathways(tables: Tables) -> list[tuple[str, list[Row]]]:
    """(referral id, its rows) where the person has that one referral and it stands under one code only."""
    person = {row["LocalPatientId"]: row["Person_ID"] for row in tables[PEOPLE]}
    by_person: dict[str, set[str]] = defaultdict(set)
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in real_rows(tables, REFERRALS):
        by_person[person[row["LocalPatientId"]]].add(row["ServiceRequestId"])
        rows[row["ServiceRequestId"]].append(row)
    invalid = {row["ServiceRequestId"] for row in tables[REFERRALS] if row["EndCode"] == "99"}
    alone = [next(iter(ids)) for ids in by_person.values() if len(ids) == 1]
    return [(one, rows[one]) for one in alone if one not in invalid]


def ended_singles(tables: Tables) -> list[tuple[str, list[Row]]]:
    """Single pathways whose latest row holds a discharge and an end code."""

    def latest(rows: list[Row]) -> Row:
        return max(rows, key=lambda r: (int(r["Unique_MonthID"]), r["File_Type"]))

    return [
        (one, rows)
        for one, rows in single_pathways(tables)
        if latest(rows)["ServDischDate"] and latest(rows)["EndCode"]
    ]


def change(
    tables: Tables, where: dict[tuple[str, str], str], rule: str, dress: Callable[[str, str], str], draw: random.Random,
    share: float = 0.5,
) -> Mess:  # fmt: skip
    """Dress about a share of the values that are there; those that change are counted under the rule."""
    mess = Mess(copy_tables(tables))
    for (table, heading), ours in where.items():
        for row in mess.tables[table]:
            value = row[heading]
            if value and draw.random() < share and dress(value, ours) != value:
                row[heading] = dress(value, ours)
                mess.counts[rule, OUR_TABLE[table], ours] += 1
    return mess


def add_contact(tables: Tables, referral: str, day: date, **values: str) -> Row:
    """An attended LI contact of the last submission, with its activity; returns the contact."""
    number = len(tables[CONTACTS])
    sent = next({n: r[n] for n in SENT} for r in tables[REFERRALS] if r["Unique_MonthID"] == LAST_MONTH)
    contact = dict.fromkeys(tables[CONTACTS][0], "") | sent | {
        "CareContactId": f"X{number:05d}", "ServiceRequestId": referral, "CareContDate": day.isoformat(),
        "CareContTime": "09:00:00", "PlannedCareContIndicator": "Y", "AttendOrDNACode": "5", "AppType": "02",
        "ConsMechanism": "01",
    } | values  # fmt: skip
    activity = {
        "CareActId": f"Y{number:05d}",
        "CareContactId": f"X{number:05d}",
        "CodeProcAndProcStatus": LI[0],
    }
    tables[CONTACTS].append(contact)
    tables[ACTIVITIES].append(dict.fromkeys(tables[ACTIVITIES][0], "") | sent | activity)
    return contact


def add_score(tables: Tables, contact: Row, score: str) -> None:
    """A PHQ-9 score at a contact made by add_contact."""
    activity = {
        "CareActId": contact["CareContactId"].replace("X", "Y"),
        "CodedAssToolType": PHQ9,
        "PersScore": score,
    }
    tables[ACTIVITY_SCORES].append(activity | {name: contact[name] for name in SENT})


def insert(rows: list[Row], new: Iterable[Row], draw: random.Random) -> None:
    for row in new:
        rows.insert(draw.randrange(len(rows) + 1), row)


# --- Dress of codes and labels: the facts are the same -------------------------------------------------


def pad_codes(tables: Tables, draw: random.Random) -> Mess:
    def dress(value: str, ours: str) -> str:
        is_short = ours in ("attendance", "gender", "deprivation", "interpreter", "mode") and value.isdigit()
        return draw.choice(("0", "00")) + value if is_short else value

    return change_once(tables, dress, draw)


def unpad_codes(tables: Tables, draw: random.Random) -> Mess:
    return change_once(tables, lambda value, ours: value.lstrip("0") if ours in ("type", "medium") else value, draw)


def space_codes(tables: Tables, draw: random.Random) -> Mess:
    return change_once(tables, lambda v, _: draw.choice((f" {v}", f"{v} ", f"  {v}\t", f"\u00a0{v}")), draw)


def float_codes(tables: Tables, draw: random.Random) -> Mess:
    return change_once(tables, lambda value, _: f"{int(value)}.0" if value.isdigit() else value, draw)


def quote_codes(tables: Tables, draw: random.Random) -> Mess:
    """An apostrophe in front keeps a spreadsheet from reading a number."""
    return change_once(tables, lambda value, _: "'" + value, draw)


def lower_codes(tables: Tables, draw: random.Random) -> Mess:
    return change_once(tables, lambda value, _: value.lower(), draw)


def change_once(tables: Tables, dress: Callable[[str, str], str], draw: random.Random) -> Mess:
    """Like change for all code fields, for dresses that draw; an invalid end code stays as it is."""
    known: dict[tuple[str, str, float], str] = {}

    def fixed(value: str, ours: str) -> str:
        key = (value, ours, round(draw_at[0]))
        return known.setdefault(key, value if value == "99" and ours == "end_code" else dress(value, ours))

    draw_at = [0.0]
    mess = Mess(copy_tables(tables))
    for (table, heading), ours in CODES.items():
        for row in mess.tables[table]:
            draw_at[0] = draw.randrange(5)
            value = row[heading]
            if value and draw.random() < 0.5 and fixed(value, ours) != value:
                row[heading] = fixed(value, ours)
                mess.counts["code_tidied", OUR_TABLE[table], ours] += 1
    return mess


LABELS: dict[str, dict[str, tuple[str, ...]]] = {
    "attendance": {
        "5": ("Attended", "ATTENDED", " attended  on time"),
        "6": ("Arrived late but was seen", "Attended late"),
        "7": ("Arrived late and could not be seen",),
        "2": ("Cancelled by patient", "Patient Cancelled"),
        "3": ("DNA", "Did not attend", "did Not  Attend"),
        "4": ("Cancelled by provider",),
    },
    "type": {
        "01": ("Assessment",),
        "02": ("Treatment", "treatment "),
        "03": ("Assessment and treatment", "Assessment & Treatment"),
        "04": ("Review only",),
        "05": ("Review and Treatment",),
        "06": ("Follow-up", "Follow\u2013up"),
        "10": ("Employment support",),
    },
    "end_code": {
        "46": ("Mutually agreed completion", "Mutually agreed completion of treatment", "Completed treatment"),
        "47": ("Dropped out of treatment", "Drop-out"),
        "14": ("Suitable but declined treatment", "Declined"),
        "50": ("Not assessed",),
        "13": ("Referred to another therapy service",),
    },
    "medium": {
        "01": ("Face to face", "FACE TO FACE"),
        "02": ("Telephone",),
        "11": ("Video consultation", "Video"),
        "05": ("Email",),
        "98": ("Other",),
    },
    "planned": {"Y": ("Planned", "Yes"), "N": ("No", "Unplanned")},
    "gender": {"1": ("Male",), "2": ("Female", "female"), "X": ("Not known",)},
    "ethnicity": {"A": ("British",), "R": ("Chinese",), "Z": ("Not stated",), "D": ("White and Black Caribbean",)},
    "source": {"B1": ("Self", "Self referral", "Self-Referral"), "A1": ("GP",), "N1": ("Stepped up",)},
    "therapy": {
        "748051000000105": ("Guided self-help (book)", "Guided Self Help - Book"),
        "702545008": ("Psychoeducation",),
        "304891004": ("CBT", "Cognitive behaviour therapy"),
        "1098051000000103": ("Employment support",),
        "286711000000107": ("Counselling",),
    },
    "tool": {"720433000": ("PHQ-9", "phq9"), "445455005": ("GAD-7",)},
}  # fmt: skip


def write_labels(tables: Tables, draw: random.Random) -> Mess:
    """Words where the data set has codes."""
    mess = Mess(copy_tables(tables))
    for (table, heading), ours in CODES.items():
        for row in mess.tables[table]:
            options = LABELS.get(ours, {}).get(row[heading])
            if options and draw.random() < 0.7:
                row[heading] = draw.choice(options)
                mess.counts["label_read_as_code", OUR_TABLE[table], ours] += 1
    return mess


BLANK_MARKERS = ("NULL", "null", "N/A", "n/a", "*", "-", "#N/A", "Unknown", "UNKNOWN", " NULL ")


def mark_blanks(tables: Tables, draw: random.Random) -> Mess:
    """Markers for no value in codes and dates that are empty."""
    return mark(tables, CODES | DATES, draw)


def mark(tables: Tables, where: dict[tuple[str, str], str], draw: random.Random) -> Mess:
    mess = Mess(copy_tables(tables))
    for (table, heading), ours in where.items():
        for row in mess.tables[table]:
            if row[heading] == "" and draw.random() < 0.5:
                row[heading] = draw.choice(BLANK_MARKERS)
                mess.counts["blank_marker", OUR_TABLE[table], ours] += 1
    return mess


def mark_blank_identifiers(tables: Tables, draw: random.Random) -> Mess:
    """The same in identifiers and times: they too are repairs and must be counted."""
    emptied = copy_tables(tables)
    for row in emptied[PEOPLE]:
        if draw.random() < 0.3 and not is_test_row(row):
            row["NHSNumber"] = ""
    return mark(emptied, {(PEOPLE, "NHSNumber"): "nhs_number", (CONTACTS, "CareContTime"): "contact_time"}, draw)


def blank_with_spaces(tables: Tables, draw: random.Random) -> Mess:
    """Whitespace is nothing, in every kind of field; nobody needs to be told."""
    mess = Mess(copy_tables(tables))
    for table, heading in CODES | DATES | IDS | {(CONTACTS, "CareContTime"): "contact_time"}:
        for row in mess.tables[table]:
            if row[heading] == "":
                row[heading] = draw.choice(("", " ", "   ", "\t"))
    return mess


# --- Dress of dates and identifiers --------------------------------------------------------------------


def read_day(text: str) -> date | None:
    """A date of the clean extract; None for what another mess has put there."""
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
    return day if day and day.year > 1900 else None


def is_two_days(day: date) -> bool:
    return day.day <= 12 and day.month != day.day


def write_days_as(
    tables: Tables,
    draw: random.Random,
    rule: str,
    forms: tuple[str, ...],
    is_ambiguous: bool,
    share: float = 0.6,
) -> Mess:
    mess = Mess(copy_tables(tables))
    for (table, heading), ours in DATES.items():
        for row in mess.tables[table]:
            day = read_day(row[heading])
            if day and draw.random() < share:
                row[heading] = re.sub(r"~0?", "", day.strftime(draw.choice(forms)))
                mess.counts[rule, OUR_TABLE[table], ours] += 1
                if is_ambiguous and is_two_days(day):
                    mess.counts["date_could_be_two_days", OUR_TABLE[table], ours] += 1
    return mess


def write_days_first(tables: Tables, draw: random.Random) -> Mess:
    forms = ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "~%d/~%m/%Y", "%d/%m/%Y 00:00", " %d/%m/%Y ")
    return write_days_as(tables, draw, "date_day_first", forms, True)


def write_month_words(tables: Tables, draw: random.Random) -> Mess:
    return write_days_as(tables, draw, "date_day_first", ("%d-%b-%Y", "~%d %B %Y", "%d %b %Y", "%d-%b-%y"), False)


def write_two_digit_years(tables: Tables, draw: random.Random) -> Mess:
    return write_days_as(tables, draw, "date_two_digit_year", ("%d/%m/%y", "%d-%m-%y"), True)


def write_only_two_digit_years(tables: Tables, draw: random.Random) -> Mess:
    """Not one year in four digits in the whole extract: birth dates must not land in the future."""
    return write_days_as(tables, draw, "date_two_digit_year", ("%d/%m/%y",), True, share=1.1)


def write_times_of_day(tables: Tables, draw: random.Random) -> Mess:
    forms = (
        "%Y-%m-%d 00:00:00",
        "%Y-%m-%dT09:30:00",
        "%Y-%m-%dT00:00:00Z",
        "%Y-%m-%d 00:00:00.000",
        "%Y/%m/%d 09:30",
    )
    return write_days_as(tables, draw, "date_with_time", forms, False)


def write_serial_days(tables: Tables, draw: random.Random) -> Mess:
    def dress(value: str, _: str) -> str:
        day = read_day(value)
        if day is None or day.year < 1955:
            return value
        serial = (day - date(1899, 12, 30)).days
        return f"{serial}{('', '.0', '.375')[serial % 3]}"

    where = {place: ours for place, ours in DATES.items() if ours != "birth_date"}  # births lie before day 20000
    return change(tables, where, "date_excel_serial", dress, draw)


def write_sentinels(tables: Tables, draw: random.Random) -> Mess:
    """Stand-in dates where there is no discharge."""
    mess = Mess(copy_tables(tables))
    options = (
        "1900-01-01",
        "9999-12-31",
        "31/12/9999",
        "01/01/1900",
        "1900-01-01 00:00:00",
        "31/12/9999 00:00",
    )
    for row in mess.tables[REFERRALS]:
        if row["ServDischDate"] == "" and draw.random() < 0.5:
            row["ServDischDate"] = draw.choice(options)
            mess.counts["date_sentinel", "referrals", "discharged_on"] += 1
    return mess


def write_ymd_forms(tables: Tables, draw: random.Random) -> Mess:
    """Other ways to write the year first are no repair."""
    mess = write_days_as(tables, draw, "", ("%Y/%m/%d", "%Y%m%d", " %Y-%m-%d", "%Y-%m-%d "), False)
    return Mess(mess.tables)


def space_nhs_numbers(tables: Tables, draw: random.Random) -> Mess:
    def dress(value: str, _: str) -> str:
        if not value.isdigit():
            return value
        separator = (" ", "-", "\u00a0")[int(value) % 3]
        return separator.join((value[:3], value[3:6], value[6:]))

    return change(tables, {(PEOPLE, "NHSNumber"): "nhs_number"}, "nhs_number_tidied", dress, draw)


def space_identifiers(tables: Tables, draw: random.Random) -> Mess:
    """Spaces around identifiers must not break a link."""
    mess = Mess(copy_tables(tables))
    for rows in mess.tables.values():
        for row in rows:
            for heading in (
                "ServiceRequestId",
                "CareContactId",
                "CareActId",
                "LocalPatientId",
                "Person_ID",
                "OrgIDProv",
            ):
                if row.get(heading) and draw.random() < 0.3:
                    row[heading] = draw.choice((f" {row[heading]}", f"{row[heading]} ", f"{row[heading]}\t"))
    return mess


def float_identifiers(tables: Tables, draw: random.Random) -> Mess:
    """Identifiers that are numbers lost their form in some tables: 100123 in one, 100123.0 in another."""
    mess = Mess(copy_tables(tables))
    for table, rows in mess.tables.items():
        ending = ".0" if table in (CONTACTS, REFERRAL_SCORES) else ""
        for row in rows:
            if "ServiceRequestId" in row:
                row["ServiceRequestId"] = "".join(re.findall(r"\d", row["ServiceRequestId"].replace("N", "9"))) + ending
    return mess


# --- Rows too many: the facts are the same ----------------------------------------------------------------


def duplicate_rows(tables: Tables, draw: random.Random) -> Mess:
    """Exact duplicates anywhere in the files, one or two of a row."""
    mess = Mess(copy_tables(tables))
    for table, ours in OUR_TABLE.items():
        if ours == "header":
            continue
        rows = real_rows(mess.tables, table)
        chosen = draw.sample(rows, min(40, len(rows)))
        copies = [dict(row) for n, row in enumerate(chosen) for _ in range(1 + n % 2)]
        insert(mess.tables[table], copies, draw)
        mess.counts["exact_duplicate", ours, ""] += len(copies)
    return mess


def shuffle_rows(tables: Tables, draw: random.Random) -> Mess:
    """The order of rows means nothing where submissions say which is later."""
    mess = Mess(copy_tables(tables))
    for rows in mess.tables.values():
        draw.shuffle(rows)
    return mess


def drop_refresh_rows(tables: Tables, draw: random.Random) -> Mess:
    """A Refresh that lacks contacts: those of the Primary that say the same are kept and counted."""
    mess = Mess(copy_tables(tables))
    told = {frozenset(content(row)) for row in mess.tables[CONTACTS] if row["File_Type"] == "Primary"}
    tests = find_test_referrals(tables)
    lost = [
        row for row in mess.tables[CONTACTS]
        if row["File_Type"] == "Refresh" and row["ServiceRequestId"] not in tests and frozenset(content(row)) in told
    ]  # fmt: skip
    lost = draw.sample(lost, 50)
    mess.tables[CONTACTS] = [row for row in mess.tables[CONTACTS] if not any(row is one for one in lost)]
    mess.counts["kept_from_primary", "contacts", ""] += len(lost)
    mess.counts["resubmitted", "contacts", ""] -= len(lost)
    return mess


def content(row: Row) -> list[tuple[str, str]]:
    """A row without what says which file it was in; the month stays."""
    return [(name, value) for name, value in row.items() if name not in ("UniqueSubmissionID", "File_Type")]


def drop_submission_fields(tables: Tables, draw: random.Random) -> Mess:
    """Only the header says which month and file a submission was."""
    mess = Mess(copy_tables(tables))
    for table, rows in mess.tables.items():
        for row in rows if table != "IDS000Header" else []:
            del row["Unique_MonthID"], row["File_Type"]
    return mess


def drop_provider(tables: Tables, draw: random.Random) -> Mess:
    """Only the header says which code of the service sent a referral."""
    mess = Mess(copy_tables(tables))
    for row in mess.tables[REFERRALS]:
        del row["OrgIDProv"]
    return mess


def add_orphans(tables: Tables, draw: random.Random) -> Mess:
    """Rows of referrals and contacts that are not in the extract."""
    mess = Mess(copy_tables(tables))
    for table, heading, rule in (
        (CONTACTS, "ServiceRequestId", "referral_not_found"),
        (LOGS, "ServiceRequestId", "referral_not_found"),
        (REFERRAL_SCORES, "ServiceRequestId", "referral_not_found"),
        (ACTIVITIES, "CareContactId", "contact_not_found"),
        (ACTIVITY_SCORES, "CareActId", "contact_not_found"),
    ):
        rows = draw.sample(real_rows(tables, table), 15)
        strays = [row | {heading: f"?{n}"} for n, row in enumerate(rows)]
        insert(mess.tables[table], strays, draw)
        mess.counts[rule, OUR_TABLE[table], ""] += len(strays)
    return mess


def add_orphans_of_other_months(tables: Tables, draw: random.Random) -> Mess:
    """Activities whose contact id stands only in another month: contact numbers begin again every month.

    Giving them to that other contact would move a therapy, and a score, to another person.
    """
    mess = Mess(copy_tables(tables))
    months: dict[str, set[str]] = defaultdict(set)
    for row in tables[CONTACTS]:
        months[row["CareContactId"]].add(row["Unique_MonthID"])
    used = {(row["CareActId"], row["Unique_MonthID"]) for row in tables[ACTIVITIES]}
    rows = [row for row in real_rows(tables, ACTIVITIES) if len(months[row["CareContactId"]]) == 1]
    for row in rows:
        other = next(
            (month_id(n) for n in range(N_MONTHS) if month_id(n) != row["Unique_MonthID"]
             and (row["CareActId"], month_id(n)) not in used), None,
        )  # fmt: skip
        if other is None or mess.counts["contact_not_found", "activities", ""] == 20:
            continue
        used.add((row["CareActId"], other))
        therapy = HI[0] if row["CodeProcAndProcStatus"] in LI else LI[0]
        stray = row | {"Unique_MonthID": other, "CodeProcAndProcStatus": therapy, "File_Type": "Primary",
                       "UniqueSubmissionID": find_submission(tables, other)}  # fmt: skip
        score = {"CareActId": row["CareActId"], "CodedAssToolType": PHQ9, "PersScore": "27"}
        mess.tables[ACTIVITIES].append(stray)
        mess.tables[ACTIVITY_SCORES].append(score | {name: stray[name] for name in SENT})
        mess.counts["contact_not_found", "activities", ""] += 1
        mess.counts["contact_not_found", "activity_scores", ""] += 1
    return mess


def find_submission(tables: Tables, month: str) -> str:
    return next(row["UniqueSubmissionID"] for row in tables["IDS000Header"] if row["Unique_MonthID"] == month)


def add_rows_without_keys(tables: Tables, draw: random.Random) -> Mess:
    """Rows whose identifier is a marker for nothing."""
    mess = Mess(copy_tables(tables))
    for table, heading in (
        (PEOPLE, "LocalPatientId"), (REFERRALS, "ServiceRequestId"), (CONTACTS, "ServiceRequestId"),
        (CONTACTS, "CareContactId"), (ACTIVITIES, "CareContactId"), (LOGS, "ServiceRequestId"),
        (REFERRAL_SCORES, "ServiceRequestId"), (ACTIVITY_SCORES, "CareActId"),
    ):  # fmt: skip
        rows = draw.sample(real_rows(tables, table), 6)
        insert(mess.tables[table], [row | {heading: "" if n % 2 else " "} for n, row in enumerate(rows)], draw)
        mess.counts["no_key", OUR_TABLE[table], ""] += 6
    return mess


def add_rows_without_dates(tables: Tables, draw: random.Random) -> Mess:
    """Rows with a day that does not exist, or with none: they cannot be placed in a month."""
    mess = Mess(copy_tables(tables))
    days = ("2022-02-30", "31/04/2022", "soon", "", "2022-13-01", "0")
    for (table, heading), ours in DATES.items():
        if ours in ("contact_on", "received_on", "started_on", "scored_on"):
            rows = [dict(r) for r in draw.sample(real_rows(tables, table), len(days))]
            for n, (row, day) in enumerate(zip(rows, days, strict=True)):
                row.update({heading: day, "CareContactId": f"Q{n}"} if table == CONTACTS else {heading: day})
                row.update({"ServiceRequestId": f"Q{n}"} if table == REFERRALS else {})
            insert(mess.tables[table], rows, draw)
            mess.counts["no_date", OUR_TABLE[table], ""] += len(days)
            mess.counts["date_unreadable", OUR_TABLE[table], ours] += sum(day != "" for day in days)
    return mess


def add_unusable_scores(tables: Tables, draw: random.Random) -> Mess:
    """Scores out of range, missing or in words, and scores of a questionnaire that no measure uses."""
    mess = Mess(copy_tables(tables))
    for table, ours in ((REFERRAL_SCORES, "referral_scores"), (ACTIVITY_SCORES, "activity_scores")):
        rows = draw.sample(real_rows(tables, table), 8)
        for row, score in zip(rows, ("28", "-1", "", "7.5", "high", "99", "N/A", "1e3"), strict=True):
            insert(mess.tables[table], [row | {"PersScore": score, "CodedAssToolType": PHQ9}], draw)
        mess.counts["score_out_of_range", ours, ""] += 8
        mess.counts["number_unreadable", ours, "score"] += 1
        mess.counts["blank_marker", ours, "score"] += 1
        others = [row | {"CodedAssToolType": "450326007", "PersScore": "9"} for row in rows]
        insert(mess.tables[table], others, draw)
        mess.counts["other_questionnaire", ours, ""] += len(others)
    return mess


def add_future_contacts(tables: Tables, draw: random.Random) -> Mess:
    """Contacts marked attended on days after the extract was taken."""
    mess = Mess(copy_tables(tables))
    for n, referral in enumerate(draw.sample(find_open(tables), 12)):
        add_contact(mess.tables, referral, AS_AT + timedelta(days=1 + n * 3))
    mess.counts["not_yet_due", "contacts", ""] += 12
    return mess


def find_open(tables: Tables) -> list[str]:
    """Referrals that were sent in the last month and are not ended."""
    last = [row for row in real_rows(tables, REFERRALS) if row["Unique_MonthID"] == LAST_MONTH]
    return [row["ServiceRequestId"] for row in last if row["ServDischDate"] == ""]


def conflict_in_favour(tables: Tables, draw: random.Random) -> Mess:
    """An attended contact is also marked as missed in the same submission: attended wins, before or after."""
    return add_conflicts(tables, draw, ("5", "6"), ("3", "2", "4", "7"))


def add_conflicts(tables: Tables, draw: random.Random, told: tuple[str, ...], also: tuple[str, ...]) -> Mess:
    mess = Mess(copy_tables(tables))
    rows = [row for row in real_rows(tables, CONTACTS) if row["Unique_MonthID"] == LAST_MONTH]
    rows = [row for row in rows if row["AttendOrDNACode"] in told and row["PlannedCareContIndicator"] == "Y"]
    chosen = draw.sample(rows, min(12, len(rows)))
    insert(mess.tables[CONTACTS], [row | {"AttendOrDNACode": draw.choice(also)} for row in chosen], draw)
    mess.counts["conflicting_rows", "contacts", ""] += len(chosen)
    mess.counts["conflicting_attendance", "contacts", "attendance"] += len(chosen)
    return mess


# --- People ------------------------------------------------------------------------------------------------


def spoil_genders(tables: Tables, draw: random.Random) -> Mess:
    mess = Mess(copy_tables(tables))
    patients = draw.sample(sorted({row["LocalPatientId"] for row in real_rows(tables, PEOPLE)}), 20)
    for row in mess.tables[PEOPLE]:
        if row["LocalPatientId"] in patients:
            row["Gender"] = "Q7"[patients.index(row["LocalPatientId"]) % 2]
            mess.counts["code_invalid", "people", "gender"] += 1
    mess.counts["gender_invalid", "people", "gender"] += len(patients)
    return mess


def spoil_ages(tables: Tables, draw: random.Random) -> Mess:
    """Born on the day of the referral (age 0), or in the 1880s."""
    mess = Mess(copy_tables(tables))
    chosen = draw.sample(single_pathways(mess.tables), 20)
    born = {rows[0]["LocalPatientId"]: rows[0]["ReferralRequestReceivedDate"] for _, rows in chosen[:10]}
    born |= {rows[0]["LocalPatientId"]: "1885-07-09" for _, rows in chosen[10:]}
    for row in mess.tables[PEOPLE]:
        row["PersonBirthDate"] = born.get(row["LocalPatientId"], row["PersonBirthDate"])
    mess.counts["age_implausible", "referrals", "age"] += len(chosen)
    return mess


def spoil_nhs_numbers(tables: Tables, draw: random.Random) -> Mess:
    """A wrong check digit, a short number, words: not used to link, and nobody is lost."""
    mess = Mess(copy_tables(tables))
    wrong: dict[str, str] = {}
    numbers = sorted({row["NHSNumber"] for row in real_rows(tables, PEOPLE)})
    for n, number in enumerate(draw.sample(numbers, 20)):
        wrong[number] = (f"{number[:9]}{(int(number[9]) + 1) % 10}", number[:9], "0000000000", "not known")[n % 4]
    for row in mess.tables[PEOPLE]:
        if row["NHSNumber"] in wrong:
            row["NHSNumber"] = wrong[row["NHSNumber"]]
            mess.counts["nhs_number_check_failed", "people", "nhs_number"] += 1
            if row["NHSNumber"] == "not known":
                mess.counts["nhs_number_tidied", "people", "nhs_number"] += 1
    return mess


TEST_NAMES = (
    "Test",
    "TEST PATIENT",
    "ZZZTest",
    "Zzz-smith",
    "Test-Patient",
    "Dummy",
    "testing",
    "XXTESTPATIENT-TKHF",
)
REAL_NAMES = (
    "Testa",
    "Forrest",
    "Tester-Jones",
    "Contest",
    "Lee",
    "O'Hara",
    "Zza",
    "Dummett",
    "Mc Test-Smith",
)


def add_test_patients(tables: Tables, draw: random.Random) -> Mess:
    """Test patients known by name, identifier or dummy NHS number, each with a referral and contacts.

    Everybody has a surname; some real ones look a little like test names and must stay.
    """
    mess = Mess(copy_tables(tables))
    for row in mess.tables[PEOPLE]:
        row["PersonFamilyName"] = REAL_NAMES[int(row["Person_ID"][1:]) % len(REAL_NAMES)]
    kinds = [("name", name) for name in TEST_NAMES] + [
        ("id", ""),
        ("nhs", "9990000000"),
        ("nhs", "999 000 0018"),
    ]
    for n, (kind, word) in enumerate(kinds):
        add_test_patient(mess, n, kind, word)
    return mess


def add_test_patient(mess: Mess, n: int, kind: str, word: str) -> None:
    person = dict(real_rows(mess.tables, PEOPLE)[-1])
    referral = dict(
        next(r for r in real_rows(mess.tables, REFERRALS) if r["LocalPatientId"] == person["LocalPatientId"])
    )
    person |= {
        "LocalPatientId": f"ZZZ{n}" if kind == "id" else f"W{n}",
        "Person_ID": f"W{n}",
        "NHSNumber": word if kind == "nhs" else build_nhs_number(5000 + n),
        "PersonFamilyName": word if kind == "name" else "Lee",
    }
    mess.tables[PEOPLE].append(person)
    mess.tables[REFERRALS].append(referral | {"LocalPatientId": person["LocalPatientId"], "ServiceRequestId": f"W{n}"})
    contact = add_contact(mess.tables, f"W{n}", AS_AT - timedelta(days=2))
    add_score(mess.tables, contact, "20")
    for table in ("people", "referrals", "contacts"):
        mess.counts["test_patient", table, ""] += 1
    mess.counts["contact_not_found", "activities", ""] += 1
    mess.counts["contact_not_found", "activity_scores", ""] += 1
    if kind == "nhs":
        mess.counts["nhs_number_check_failed", "people", "nhs_number"] += word == "9990000000"
        mess.counts["nhs_number_tidied", "people", "nhs_number"] += " " in word


# --- Facts that change: the plain answer to the changed extract is the right one ---------------------------


def date_contacts_before_referral(tables: Tables, draw: random.Random) -> Mess:
    """Contacts of the last submission moved to before their referral, with their activities and scores."""
    mess = Mess(copy_tables(tables))
    received = {row["ServiceRequestId"]: row["ReferralRequestReceivedDate"] for row in tables[REFERRALS]}
    held = {row["CareContactId"] for row in tables[ACTIVITIES] if row["Unique_MonthID"] == LAST_MONTH}
    rows = [
        row for row in real_rows(mess.tables, CONTACTS)
        if row["Unique_MonthID"] == LAST_MONTH and row["CareContactId"] in held and row["AttendOrDNACode"] in ("5", "6")
    ]  # fmt: skip
    chosen = draw.sample(rows, 20)
    for row in chosen:
        day = date.fromisoformat(received[row["ServiceRequestId"]]) - timedelta(days=draw.choice((1, 3, 40)))
        row["CareContDate"] = day.isoformat()
    moved = {row["CareContactId"][1:] for row in chosen}
    for table in (ACTIVITIES, ACTIVITY_SCORES):
        rows = [row for row in tables[table] if row["Unique_MonthID"] == LAST_MONTH and row["CareActId"][1:6] in moved]
        mess.counts["contact_not_found", OUR_TABLE[table], ""] += len(rows)
    mess.counts["contact_before_referral", "contacts", ""] += len(chosen)
    return mess


def date_contacts_after_discharge(tables: Tables, draw: random.Random) -> Mess:
    """New contacts after the discharge: LI sessions with scores, and follow-ups, which need no flag."""
    mess = Mess(copy_tables(tables))
    ended = [one for one, rows in ended_singles(tables) if max(r["ServDischDate"] for r in rows) < "2022-07-25"]
    for n, referral in enumerate(draw.sample(ended, 20)):
        is_follow_up = n % 4 == 3
        day = AS_AT - timedelta(days=n)
        contact = add_contact(mess.tables, referral, day, AppType="06" if is_follow_up else "02")
        add_score(mess.tables, contact, str(n))
        mess.counts["contact_after_discharge", "contacts", ""] += not is_follow_up
    return mess


def discharge_before_referral(tables: Tables, draw: random.Random) -> Mess:
    mess = Mess(copy_tables(tables))
    chosen = draw.sample(ended_singles(mess.tables), 20)
    for _, rows in chosen:
        for row in rows:
            if row["ServDischDate"]:
                received = date.fromisoformat(row["ReferralRequestReceivedDate"])
                row["ServDischDate"] = (received - timedelta(days=9)).isoformat()
    mess.counts["discharge_before_referral", "referrals", ""] += len(chosen)
    return mess


def receive_in_the_1940s(tables: Tables, draw: random.Random) -> Mess:
    mess = Mess(copy_tables(tables))
    born = {row["LocalPatientId"]: row["PersonBirthDate"] for row in tables[PEOPLE]}
    young = [one for one in single_pathways(mess.tables) if born[one[1][0]["LocalPatientId"]] > "1950"]
    chosen = draw.sample(young, 10)
    for _, rows in chosen:
        for row in rows:
            row["ReferralRequestReceivedDate"] = "1947-03-05"
    mess.counts["received_before_programme", "referrals", ""] += len(chosen)
    mess.counts["age_implausible", "referrals", "age"] += len(chosen)
    return mess


def receive_in_the_year_22(tables: Tables, draw: random.Random) -> Mess:
    """A received date and contacts whose century was never typed: kept, out of waits, and nobody else is touched."""
    mess = Mess(copy_tables(tables))
    chosen = draw.sample(single_pathways(mess.tables), 10)
    for referral, rows in chosen:
        for row in rows:
            row["ReferralRequestReceivedDate"] = "0022-03-05"
        for step in range(3):
            add_contact(mess.tables, referral, date(22, 6, 14 + step))
    mess.counts["received_before_programme", "referrals", ""] += len(chosen)
    mess.counts["age_implausible", "referrals", "age"] += len(chosen)
    return mess


def drop_discharge_dates(tables: Tables, draw: random.Random) -> Mess:
    """An end code stays behind without its date: the referral counts as open."""
    mess = Mess(copy_tables(tables))
    chosen = draw.sample(ended_singles(mess.tables), 20)
    for _, rows in chosen:
        for row in rows:
            row["ServDischDate"] = ""
    mess.counts["end_code_without_discharge", "referrals", ""] += len(chosen)
    return mess


def drop_end_codes(tables: Tables, draw: random.Random) -> Mess:
    mess = Mess(copy_tables(tables))
    chosen = draw.sample(ended_singles(mess.tables), 20)
    for _, rows in chosen:
        for row in rows:
            row["EndCode"] = ""
    mess.counts["end_code_missing", "referrals", ""] += len(chosen)
    return mess


def retire_end_codes(tables: Tables, draw: random.Random) -> Mess:
    """End codes of before 2020 in a version 2.1 file are invalid, however much 42 once meant completed."""
    mess = Mess(copy_tables(tables))
    for n, (_, rows) in enumerate(draw.sample(ended_singles(mess.tables), 20)):
        for row in rows:
            if row["EndCode"]:
                row["EndCode"] = ("40", "41", "42", "43", "44", "45", "15", "97", "98")[n % 9]
                mess.counts["code_invalid", "referrals", "end_code"] += 1
    return mess


def write_old_mediums(tables: Tables, draw: random.Random) -> Mess:
    """Codes of version 2.0 in a version 2.1 column are not guessed at."""
    older = {"11": "03", "09": "06", "10": "08"}
    mess = Mess(copy_tables(tables))
    for row in mess.tables[CONTACTS]:
        if row["ConsMechanism"] in older and draw.random() < 0.7:
            row["ConsMechanism"] = older[row["ConsMechanism"]]
            mess.counts["code_invalid", "contacts", "medium"] += 1
    return mess


def conflict_against(tables: Tables, draw: random.Random) -> Mess:
    """A missed contact is also marked as attended in the same submission: attended wins, and has no activity."""
    mess = add_conflicts(tables, draw, ("2", "3", "4", "7"), ("5", "6"))
    mess.counts["no_activity", "contacts", ""] = mess.counts["conflicting_rows", "contacts", ""]
    return mess


def move_activities_in_refresh(tables: Tables, draw: random.Random) -> Mess:
    """A Refresh corrects which contact of the month an activity belongs to: the latest row is the truth."""
    mess = Mess(copy_tables(tables))
    rows = [row for row in real_rows(mess.tables, ACTIVITIES) if row["File_Type"] == "Refresh"]
    told = {(row["CareActId"], row["Unique_MonthID"]) for row in tables[ACTIVITIES] if row["File_Type"] == "Primary"}
    rows = [
        row for row in rows if (row["CareActId"], row["Unique_MonthID"]) in told and row["CareActId"].endswith("-0")
    ]
    by_month = defaultdict(list)
    for row in rows:
        by_month[row["Unique_MonthID"]].append(row)
    for month_rows in by_month.values():
        first, second = month_rows[0], month_rows[1]
        first["CareContactId"], second["CareContactId"] = second["CareContactId"], first["CareContactId"]
    return mess


def mix(messes: tuple[RowMess, ...]) -> RowMess:
    """Messes that dress the values of rows, each on its own share of the rows, so that columns are mixed."""

    def mess(tables: Tables, draw: random.Random) -> Mess:
        whole = Mess(copy_tables(tables))
        for n, one in enumerate(messes):
            part = one({table: rows[n :: len(messes)] for table, rows in tables.items()}, draw)
            whole.counts += part.counts
            for table, rows in part.tables.items():
                whole.tables[table][n :: len(messes)] = rows
        return whole

    return mess


DRESSES_OF_CODES = (pad_codes, unpad_codes, space_codes, float_codes, quote_codes, lower_codes, write_labels)
DRESSES_OF_DATES = (
    write_days_first, write_month_words, write_two_digit_years, write_times_of_day, write_serial_days, write_ymd_forms,
)  # fmt: skip
ROW_MESSES_HARMLESS: dict[str, RowMess] = {
    "dresses_of_codes": mix(DRESSES_OF_CODES),
    "dresses_of_dates": mix(DRESSES_OF_DATES),
} | {
    f.__name__: f
    for f in (
        write_labels, write_days_first, write_only_two_digit_years, write_serial_days, mark_blanks,
        mark_blank_identifiers, blank_with_spaces, write_sentinels, space_nhs_numbers, space_identifiers,
        float_identifiers, duplicate_rows,
        shuffle_rows, drop_refresh_rows, drop_submission_fields, drop_provider, add_orphans, add_orphans_of_other_months,
        add_rows_without_keys, add_rows_without_dates, add_unusable_scores, add_future_contacts, conflict_in_favour,
        spoil_genders, spoil_ages, spoil_nhs_numbers, add_test_patients,
    )
}  # fmt: skip
ROW_MESSES_OF_FACTS: dict[str, RowMess] = {
    f.__name__: f
    for f in (
        date_contacts_before_referral, date_contacts_after_discharge, discharge_before_referral, receive_in_the_1940s, receive_in_the_year_22,
        drop_discharge_dates, drop_end_codes, retire_end_codes, write_old_mediums, conflict_against,
    )
}  # fmt: skip


# --- Mess of files -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dress:
    """How a text file is written. Rows of the header table get no totals and no second headings."""

    encoding: str = "utf-8"
    delimiter: str = ","
    newline: str = "\n"
    quoting: int = csv.QUOTE_MINIMAL
    heading: Callable[[str], str] = str
    titles: tuple[str, ...] = ()
    totals: tuple[str, ...] = ()  # {} stands for the delimiters of a whole row
    n_headings: int = 0  # how often the headings stand again inside
    n_blank_lines: int = 0
    n_empty_rows: int = 0  # rows of delimiters only
    n_short_rows: int = 0  # rows cut off half-way, as many with a field too many
    note: str = ""  # a last column that nobody reads, with this in every third row
    ending: str = ""  # what stands after the last field of a line

    @property
    def counts(self) -> Counter[str]:
        """rule -> rows that are added to a file."""
        return Counter(
            total_row=len(self.totals),
            repeated_heading=self.n_headings,
            blank_row=self.n_empty_rows,
            wrong_number_of_fields=2 * self.n_short_rows,
        )

    def write(self, path: Path, columns: list[str], rows: list[Row]) -> None:
        is_header = path.name.startswith("IDS000")
        lines = [self.line(self.values(row, columns, n)) for n, row in enumerate(rows)]
        heading = self.line([self.heading(name) for name in columns + (["Notes"] if self.note else [])])
        if not is_header:
            self.insert_rows(lines, heading, len(columns) + bool(self.note))
            lines += [
                total.replace("{}", self.delimiter * (len(columns) - 1 + bool(self.note))) for total in self.totals
            ]
        text = self.newline.join([*self.titles, heading, *lines]) + self.newline
        path.with_suffix(".csv").write_bytes(text.encode(self.encoding))

    def values(self, row: Row, columns: list[str], number: int) -> list[str]:
        notes = [self.note if number % 3 == 0 else ""] if self.note else []
        return [row.get(name, "") for name in columns] + notes

    def line(self, values: list[str]) -> str:
        out = StringIO()
        csv.writer(out, delimiter=self.delimiter, quoting=self.quoting, lineterminator="\n").writerow(values)
        return out.getvalue().removesuffix("\n") + self.ending

    def insert_rows(self, lines: list[str], heading: str, width: int) -> None:
        """Odd rows and blank lines at even distances."""
        odd = [heading] * self.n_headings + [self.delimiter * (width - 1)] * self.n_empty_rows
        odd += [self.delimiter.join("1" * (width // 2))] * self.n_short_rows
        odd += [self.delimiter.join("1" * (width + 1))] * self.n_short_rows + [""] * self.n_blank_lines
        step = len(lines) // (len(odd) + 1)
        for n, line in enumerate(odd, start=1):
            lines.insert(n * step, line)


def heading_words(name: str) -> str:
    """ServiceRequestId as "Service Request Id"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)


ACCENTS = "Café Zoë – naïve £5"
TITLES = ("Talking therapies extract", "", '"Made on","1 September 2022"', "")
FILE_MESSES: dict[str, Dress] = {
    "utf8_mark": Dress(encoding="utf-8-sig"),
    "utf16": Dress(encoding="utf-16"),
    "utf16_big_endian_without_mark": Dress(encoding="utf-16-be"),
    "utf8_accents": Dress(note=ACCENTS),
    "windows_1252_accents": Dress(encoding="cp1252", note=ACCENTS),
    "windows_1252_semicolons": Dress(encoding="cp1252", note=ACCENTS, delimiter=";", newline="\r\n"),
    "semicolons": Dress(delimiter=";"),
    "tabs": Dress(delimiter="\t"),
    "bars": Dress(delimiter="|"),
    "windows_lines": Dress(newline="\r\n"),
    "old_mac_lines": Dress(newline="\r"),
    "all_quoted": Dress(quoting=csv.QUOTE_ALL),
    "upper_case_headings": Dress(heading=str.upper),
    "lower_case_headings": Dress(heading=str.lower),
    "spaced_headings": Dress(heading=lambda name: f" {heading_words(name)} "),
    "underscored_headings": Dress(heading=lambda name: heading_words(name).replace(" ", "_")),
    "titles": Dress(titles=TITLES),
    "titles_in_utf16": Dress(titles=TITLES, encoding="utf-16"),
    "totals": Dress(totals=("Total{}", "Total rows: 123", "End of report")),
    "total_row_of_full_width": Dress(totals=("Grand total{}",)),
    "blank_lines": Dress(n_blank_lines=7),
    "empty_rows": Dress(n_empty_rows=5),
    "repeated_headings": Dress(n_headings=3),
    "repeated_headings_in_lower_case": Dress(n_headings=3, heading=str.lower),
    "repeated_headings_after_titles": Dress(n_headings=2, titles=TITLES, n_blank_lines=2),
    "short_and_long_rows": Dress(n_short_rows=4),
    "empty_last_column": Dress(ending=","),
    "line_breaks_in_quotes": Dress(note='first line\nsecond, "quoted"\r\nthird'),
    "line_breaks_and_titles": Dress(note="a\nb", titles=TITLES, n_blank_lines=3, encoding="cp1252"),
    "everything": Dress(
        encoding="cp1252", delimiter=";", newline="\r\n", heading=str.upper, titles=TITLES, totals=("Total{}", "Total: 5"),
        n_headings=2, n_blank_lines=3, n_empty_rows=2, n_short_rows=2, note=f"{ACCENTS}\n;\n",
    ),
}  # fmt: skip


def write_late_accents(path: Path, columns: list[str], rows: list[Row]) -> None:
    """Windows-1252, but the first accented letter stands far from the beginning of the file."""
    noted = [row | {"Notes": ACCENTS if n == len(rows) - 1 else "x" * 100} for n, row in enumerate(rows)]
    Dress(encoding="cp1252").write(path, [*columns, "Notes"], noted)


def write_without_last_newline(path: Path, columns: list[str], rows: list[Row]) -> None:
    Dress().write(path, columns, rows)
    whole = path.with_suffix(".csv")
    whole.write_bytes(whole.read_bytes().removesuffix(b"\n"))


def write_mixed_encodings(path: Path, columns: list[str], rows: list[Row]) -> None:
    """Windows-1252 beside UTF-8 in one file, as in exports that were joined: one byte belongs to neither."""
    noted = [row | {"Notes": "caf~ ^" if n == 5 else ""} for n, row in enumerate(rows)]
    Dress().write(path, [*columns, "Notes"], noted)
    whole = path.with_suffix(".csv")
    whole.write_bytes(whole.read_bytes().replace(b"~", b"\xe9").replace(b"^", b"\xc3\x81"))


def to_cell(name: str, value: str) -> object:
    """A value as a spreadsheet holds it: dates, times and numbers as such, identifiers as text."""
    if not value or name.endswith(("Id", "No")) or name in ("Person_ID", "EthnicCategory"):
        return value or None
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return datetime.datetime.fromisoformat(value)
    if re.fullmatch(r"\d\d/\d\d/\d{4}", value):
        return datetime.datetime.strptime(value, "%d/%m/%Y")
    if re.fullmatch(r"\d\d:\d\d:\d\d", value):
        return datetime.time.fromisoformat(value)
    return int(value) if value.isdigit() else value


def write_workbook(path: Path, columns: list[str], rows: list[Row]) -> None:
    """A workbook with a cover sheet, two title rows, a merged cell and typed cells."""
    book = openpyxl.Workbook()
    cover = book.active
    cover.title = "About"
    cover.append(["Talking therapies extract"])
    sheet = book.create_sheet("Data")
    sheet.append(["Talking therapies extract"])
    sheet.append([])
    sheet.append(columns)
    for row in rows:
        sheet.append([to_cell(name, row.get(name, "")) for name in columns])
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=3)
    book.save(path.with_suffix(".xlsx"))


def write_parquet(path: Path, columns: list[str], rows: list[Row]) -> None:
    """All text, as most programs write it; the first column as categories."""
    table = pa.table({name: pa.array([row.get(name) or None for row in rows], pa.string()) for name in columns})
    table = table.set_column(0, columns[0], table[columns[0]].dictionary_encode())
    pa_parquet.write_table(table, path.with_suffix(".parquet"))


def write_typed_parquet(path: Path, columns: list[str], rows: list[Row]) -> None:
    """Dates as dates, times as times, scores and months as whole numbers."""
    kinds = {"PersScore": pa.int64(), "Unique_MonthID": pa.int32(), "CareContTime": pa.time32("s")}
    arrays = {}
    for name in columns:
        cells = [to_cell(name, row.get(name, "")) for row in rows]
        if any(isinstance(cell, datetime.datetime) for cell in cells):
            arrays[name] = pa.array([cell and cell.date() for cell in cells], pa.date32())
        elif name in kinds:
            arrays[name] = pa.array(cells, kinds[name])
        else:
            arrays[name] = pa.array([row.get(name) or None for row in rows], pa.string())
    pa_parquet.write_table(pa.table(arrays), path.with_suffix(".parquet"))


def choose_writer(by_table: dict[str, Writer], otherwise: Writer) -> Writer:
    """One writer for some tables, another for the rest."""

    def write(path: Path, columns: list[str], rows: list[Row]) -> None:
        by_table.get(path.name, otherwise)(path, columns, rows)

    return write


# --- A local export ----------------------------------------------------------------------------------------


LOCAL_COLUMNS = """
[settings]
extract_date = 2022-08-31

[referrals]
file = "referrals"

[referrals.columns]
"Referral No" = "referral_id"
"Client No" = "patient_id"
"Person" = "person_id"
"NHS number" = "nhs_number"
"Received" = "received_on"
"Ended" = "discharged_on"
"Reason for ending" = "end_code"
"Referred by" = "source"
"Service" = "provider"
"Sex" = "gender"
"Ethnic group" = "ethnicity"
"Born" = "birth_date"

[referrals.dates]
received_on = "d/m/Y"
discharged_on = "d/m/Y"
birth_date = "d/m/Y"

[referrals.labels.end_code]
"Finished as planned" = "46"
"Stopped coming" = "47"
"Said no thank you" = "14"

[appointments]
file = "appointments*"

[appointments.columns]
"Appointment No" = "contact_id"
"Referral No" = "referral_id"
"Day" = "contact_on"
"Start" = "contact_time"
"Booked" = "planned"
"Outcome" = "attendance"
"Kind" = "type"
"How" = "medium"
"Therapy" = "therapy_1"
"Therapy (second)" = "therapy_2"
"PHQ-9" = "phq9"
"GAD-7" = "gad7"

[appointments.dates]
contact_on = "d/m/Y"

[appointments.labels.attendance]
"Came" = "5"
"No show" = "3"
"""
LOCAL_LABELS = {
    "end_code": {"46": "Finished as planned", "47": "Stopped coming", "14": "Said no thank you"},
    "attendance": {"5": "Came", "3": "No show", "2": "Cancelled by patient", "6": "Attended late"},
    "type": {"01": "Assessment", "02": "Treatment", "03": "Assessment and treatment"},
    "medium": {"01": "Face to face", "02": "Telephone", "11": "Video"},
    "therapy": {"702545008": "Psychoeducation", "304891004": "CBT"},
}


def local_day(text: str) -> str:
    return date.fromisoformat(text).strftime("%d/%m/%Y") if text else ""


def local_label(kind: str, code: str) -> str:
    return LOCAL_LABELS[kind].get(code, code)


def find_latest(rows: list[Row], *names: str) -> list[Row]:
    """The last submitted row of each key, as a local system would hold it today."""
    latest: dict[tuple[str, ...], Row] = {}
    for row in sorted(rows, key=lambda r: (int(r["Unique_MonthID"]), r["File_Type"])):
        latest[tuple(row[name] for name in names)] = row
    return list(latest.values())


def drop_what_is_not_local(tables: Tables) -> Tables:
    """A local export of two files holds no internet-therapy logs and no scores outside an appointment."""
    return tables | {LOGS: [], REFERRAL_SCORES: []}


def build_local_referrals(tables: Tables) -> list[Row]:
    patients = {row["LocalPatientId"]: row for row in find_latest(tables[PEOPLE], "LocalPatientId")}
    rows = []
    for row in find_latest(tables[REFERRALS], "ServiceRequestId"):
        patient = patients[row["LocalPatientId"]]
        rows.append({
            "Referral No": row["ServiceRequestId"], "Client No": row["LocalPatientId"], "Person": patient["Person_ID"],
            "NHS number": patient["NHSNumber"], "Received": local_day(row["ReferralRequestReceivedDate"]),
            "Ended": local_day(row["ServDischDate"]), "Reason for ending": local_label("end_code", row["EndCode"]),
            "Referred by": row["SourceOfReferralIAPT"], "Service": row["OrgIDProv"], "Sex": patient["Gender"],
            "Ethnic group": patient["EthnicCategory"], "Born": local_day(patient["PersonBirthDate"]),
        })  # fmt: skip
    return rows


def number_of(identifier: str) -> int:
    """The running number in a contact's or an activity's identifier."""
    found = re.search(r"\d{5}", identifier)
    return int(found[0]) if found else 0


def build_local_appointments(tables: Tables) -> list[Row]:
    """Two therapies of one appointment stand in two rows (even contact numbers) or in two columns."""
    therapies: dict[tuple[str, int], list[str]] = defaultdict(list)
    scores: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    for row in find_latest(tables[ACTIVITIES], "Unique_MonthID", "CareActId"):
        therapies[row["Unique_MonthID"], number_of(row["CareContactId"])].append(row["CodeProcAndProcStatus"])
    for row in find_latest(tables[ACTIVITY_SCORES], "Unique_MonthID", "CareActId", "CodedAssToolType"):
        scores[row["Unique_MonthID"], number_of(row["CareActId"])][row["CodedAssToolType"]] = row["PersScore"]
    rows = []
    for row in find_latest(tables[CONTACTS], "Unique_MonthID", "ServiceRequestId", "CareContactId"):
        contact = (row["Unique_MonthID"], number_of(row["CareContactId"]))
        done = [local_label("therapy", code) for code in therapies[contact]]
        whole = {
            "Appointment No": row["CareContactId"], "Referral No": row["ServiceRequestId"],
            "Day": local_day(row["CareContDate"]), "Start": row["CareContTime"][:5],
            "Booked": row["PlannedCareContIndicator"], "Outcome": local_label("attendance", row["AttendOrDNACode"]),
            "Kind": local_label("type", row["AppType"]), "How": local_label("medium", row["ConsMechanism"]),
            "PHQ-9": scores[contact].get(PHQ9, ""), "GAD-7": scores[contact].get("445455005", ""),
        }  # fmt: skip
        if len(done) > 1 and contact[1] % 2 == 0:
            rows += [whole | {"Therapy": therapy, "Therapy (second)": ""} for therapy in done]
        else:
            both = [*done, "", ""]
            rows.append(whole | {"Therapy": both[0], "Therapy (second)": both[1]})
    return rows


def build_local(tables: Tables) -> Tables:
    """The two files of a local export, to be read with LOCAL_COLUMNS.

    What they cannot carry: see drop_what_is_not_local; and which submission a row came from.
    """
    return {
        "Referrals 2022": build_local_referrals(tables),
        "Appointments 2022": build_local_appointments(tables),
    }


def write_local(tables: Tables, folder: Path, dress: Dress | None = None) -> dict[str, int]:
    """Write the extract as a local export; file name -> rows."""
    return write_files(build_local(tables), folder, (dress or Dress()).write)


def write_files(files: Tables, folder: Path, writer: Writer) -> dict[str, int]:
    """Write the files of a local export; file name (.csv) -> rows."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        writer(folder / name, list(dict.fromkeys(key for row in rows for key in row)), rows)
    return {f"{name}.csv": len(rows) for name, rows in files.items()}

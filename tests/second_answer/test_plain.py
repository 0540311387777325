"""The plain answer held to cases worked by hand: the rows are drawn, the answer follows from the text."""

import csv
from datetime import date
from pathlib import Path

import pytest
from plain import Triple, plain_results

THERAPY_CODES = {
    "LI": "702545008",
    "book": "748051000000105",
    "HI": "304891004",
    "signposting": "975131000000104",
    "support": "1098051000000103",
}
TOOLS = {"PHQ-9": "720433000", "GAD-7": "445455005"}
Results = dict[tuple[str, str, str], Triple]


def month_id(day: str) -> str:
    """Months counted from April 1900, as the national layout has it: July 2024 is 1492."""
    year, month = int(day[:4]), int(day[5:7])
    return str((year - 1900) * 12 + month - 3)


def read_drawing(text: str) -> list[dict[str, str]]:
    """The rows of a drawn table; a dash is nothing."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return [dict(zip(lines[0], ("" if c == "-" else c for c in line), strict=True)) for line in lines[1:]]


def write_rows(folder: Path, name: str, rows: list[dict[str, str]]) -> None:
    if rows:
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def write_referrals(folder: Path, rows: list[dict[str, str]]) -> None:
    patients, referrals = [], []
    for row in rows:
        patient = row.get("patient", "P-" + row["referral"])
        sent = {
            "Unique_MonthID": month_id(row.get("sent", "2022-12")),
            "File_Type": row.get("file", "Primary"),
        }
        patients.append(
            {
                "LocalPatientId": patient,
                "NHSNumber": row.get("nhs", "4000000004"),
                "EthnicCategory": row.get("ethnicity", "A"),
                "Person_ID": row.get("person", "N-" + patient),
                **sent,
            }
        )
        referrals.append(
            {
                "ServiceRequestId": row["referral"],
                "LocalPatientId": patient,
                "ReferralRequestReceivedDate": row["received"],
                "SourceOfReferralIAPT": row.get("source", "B1"),
                "EndCode": row.get("ending", ""),
                "ServDischDate": row.get("discharged", ""),
                "OrgIDProv": row.get("provider", "RWK4C"),
                **sent,
            }
        )
    write_rows(folder, "IDS001MPI", patients)
    write_rows(folder, "IDS101Referral", referrals)


def write_contacts(folder: Path, rows: list[dict[str, str]]) -> None:
    contacts, activities, scores = [], [], []
    for number, row in enumerate(rows, start=1):
        contact = row.get("contact", f"C{number}")
        sent = {"Unique_MonthID": month_id(row["on"]), "File_Type": row.get("file", "Primary")}
        contacts.append(
            {
                "CareContactId": contact,
                "ServiceRequestId": row["referral"],
                "CareContDate": row["on"],
                "CareContTime": row.get("time", ""),
                "PlannedCareContIndicator": row.get("planned", "Y"),
                "AttendOrDNACode": row.get("attendance", "5"),
                "AppType": row.get("type", "02"),
                "ConsMechanism": row.get("mechanism", "01"),
                **sent,
            }
        )
        therapies = [THERAPY_CODES[t] for t in row.get("therapy", "LI").split("+") if t]
        for step, code in enumerate(therapies):
            activity = {"CareActId": f"A{number}-{step}", "CareContactId": contact}
            activities.append({**activity, "CodeProcAndProcStatus": code, **sent})
        for tool, snomed in TOOLS.items():
            if row.get(tool):
                score = {"CareActId": f"A{number}-0", "CodedAssToolType": snomed}
                scores.append({**score, "PersScore": row[tool], **sent})
    write_rows(folder, "IDS201CareContact", contacts)
    write_rows(folder, "IDS202CareActivity", activities)
    write_rows(folder, "IDS607CodedScoreActivity", scores)


def write_logs(folder: Path, rows: list[dict[str, str]]) -> None:
    logs = [
        {
            "ServiceRequestId": row["referral"],
            "StartDateIntEnabledTherLog": row["from"],
            "EndDateIntEnabledTherLog": row["to"],
            "IntEnabledTherProg": "Programme",
            "Unique_MonthID": month_id(row["to"]),
            "File_Type": "Primary",
        }
        for row in rows
    ]
    write_rows(folder, "IDS205InternetTherLog", logs)


@pytest.fixture
def answer(tmp_path):
    """Writes the drawn tables as an extract and gives the plain answer to them."""

    def run(referrals: str, contacts: str = "", logs: str = "", as_at: str = "2022-12-31") -> Results:
        write_referrals(tmp_path, read_drawing(referrals))
        if contacts:
            write_contacts(tmp_path, read_drawing(contacts))
        if logs:
            write_logs(tmp_path, read_drawing(logs))
        return plain_results(tmp_path, date.fromisoformat(as_at))

    return run


def total(results: Results, measure: str, clock: str) -> float:
    """The numerators of a measure added over all months."""
    return sum(triple[0] for key, triple in results.items() if key[:2] == (measure, clock))


# --- LI episodes ------------------------------------------------------------------------------------


def test_two_sessions_and_an_agreed_ending_is_completed_in_the_month_it_ended(answer):
    results = answer(
        """
        referral | received   | discharged | ending
        R1       | 2022-01-03 | 2022-03-04 | 46
        R2       | 2022-01-03 | 2022-03-04 | 47
        R3       | 2022-01-03 | 2022-03-04 | 46
        """,
        """
        referral | on
        R1       | 2022-01-10
        R1       | 2022-01-17
        R2       | 2022-01-10
        R2       | 2022-01-17
        R3       | 2022-01-10
        """,
    )
    assert results["li_completion", "end", "2022-03"] == (1, 3, 1 / 3)
    assert results["li_completion", "start", "2022-01"] == (1, 3, 1 / 3)
    assert results["li_planned_ending", "end", "2022-03"] == (2, 3, 2 / 3)
    assert results["li_exit_short_planned", "end", "2022-03"] == (1, None, 1)
    assert results["li_drop_out", "end", "2022-03"] == (1, 3, 1 / 3)
    assert results["li_one_session_loss", "end", "2022-03"] == (1, 3, 1 / 3)
    assert results["li_sessions_mean", "end", "2022-03"] == (5, 3, 5 / 3)


def test_definitions_differ_only_in_what_completes(answer):
    """R1: 3 sessions, agreed. R2: 4, dropped out. R3: 6, no end code. All by definition i."""
    sessions = [("R1", 3), ("R2", 4), ("R3", 6)]
    drawn = [f"{name} | 2022-01-{10 + step}" for name, number in sessions for step in range(number)]
    results = answer(
        """
        referral | received   | discharged | ending
        R1       | 2022-01-03 | 2022-03-04 | 46
        R2       | 2022-01-03 | 2022-03-04 | 47
        R3       | 2022-01-03 | 2022-03-04 | -
        """,
        "\n".join(["referral | on", *drawn]),
    )
    expected = {"i": 3, "ii": 1, "iii_4": 2, "iii_5": 1, "iii_6": 1, "iv": 2}
    for definition, number in expected.items():
        assert results[f"li_completion_{definition}", "end", "2022-03"] == (number, 3, number / 3)
    assert results["li_unknown_ending", "end", "2022-03"] == (1, 3, 1 / 3)
    assert results["li_completion_known", "end", "2022-03"] == (1, 2, 1 / 2)
    assert results["li_dose_4", "end", "2022-03"] == (2, 3, 2 / 3)


def test_step_up_ends_li_on_the_first_of_two_hi_contacts(answer):
    """The contact without a therapy code does not break the run. LI after the step-up is not counted."""
    results = answer(
        """
        referral | received   | discharged | ending
        R1       | 2022-01-03 | 2022-06-30 | 46
        """,
        """
        referral | on         | therapy
        R1       | 2022-01-10 | LI
        R1       | 2022-01-17 | LI
        R1       | 2022-02-07 | HI
        R1       | 2022-02-14 | -
        R1       | 2022-03-07 | HI
        R1       | 2022-03-14 | LI
        """,
    )
    assert results["li_exit_stepped_up", "end", "2022-02"] == (1, None, 1)
    assert results["li_step_up", "end", "2022-02"] == (1, 1, 1.0)
    assert results["li_planned_ending", "end", "2022-02"] == (1, 1, 1.0)
    assert results["li_completion", "end", "2022-02"] == (0, 0, None)
    assert total(results, "li_exit_completed", "end") == 0
    assert total(results, "li_sessions_mean", "end") == 0


def test_one_stray_hi_contact_is_ignored(answer):
    results = answer(
        """
        referral | received   | discharged | ending
        R1       | 2022-01-03 | 2022-03-04 | 46
        """,
        """
        referral | on         | therapy
        R1       | 2022-01-10 | HI
        R1       | 2022-01-17 | LI
        R1       | 2022-01-24 | HI
        R1       | 2022-01-31 | LI
        """,
    )
    assert results["li_started", "start", "2022-01"] == (1, None, 1)
    assert results["li_completion", "end", "2022-03"] == (1, 1, 1.0)
    assert total(results, "li_step_up", "end") == 0


def test_two_hi_contacts_first_is_a_step_down_and_not_an_li_start(answer):
    results = answer(
        """
        referral | received   | discharged | ending
        R1       | 2022-01-03 | 2022-06-30 | 46
        """,
        """
        referral | on         | therapy
        R1       | 2022-01-10 | HI
        R1       | 2022-01-17 | HI
        R1       | 2022-02-07 | LI
        R1       | 2022-02-14 | LI
        """,
    )
    assert results["li_step_down", "start", "2022-02"] == (1, None, 1)
    assert total(results, "li_started", "start") == 0
    assert total(results, "li_exit_completed", "end") == 0


def test_a_contact_holding_both_is_li_and_then_hi(answer):
    """Only one HI contact lies before the first LI; the HI of the shared contact opens the run."""
    results = answer(
        """
        referral | received   | discharged | ending
        R1       | 2022-01-03 | 2022-06-30 | 46
        """,
        """
        referral | on         | therapy
        R1       | 2022-01-10 | HI
        R1       | 2022-02-07 | LI+HI
        R1       | 2022-03-07 | HI
        """,
    )
    assert results["li_started", "start", "2022-02"] == (1, None, 1)
    assert results["li_exit_stepped_up", "end", "2022-02"] == (1, None, 1)
    assert total(results, "li_step_down", "start") == 0


def test_death_after_a_step_up_is_deceased_in_the_month_of_the_step_up(answer):
    results = answer(
        """
        referral | received   | discharged | ending
        R1       | 2022-01-03 | 2022-04-29 | 49
        """,
        """
        referral | on         | therapy
        R1       | 2022-01-10 | LI
        R1       | 2022-02-07 | HI
        R1       | 2022-02-14 | HI
        """,
    )
    assert results["li_exit_deceased", "end", "2022-02"] == (1, None, 1)
    assert results["li_step_up", "end", "2022-02"] == (0, 0, None)
    assert total(results, "li_exit_deceased", "end") == 1
    assert results["li_completion_26w", "start", "2022-01"] == (0, 0, None)


def test_assessment_and_treatment_is_no_session_but_li_beside_employment_support_is(answer):
    """R1 has one type 03 contact and one session; R2's support contact is an LI session, no treatment."""
    results = answer(
        """
        referral | received   | discharged | ending
        R1       | 2022-01-03 | 2022-03-04 | 46
        R2       | 2022-01-03 | 2022-03-04 | 46
        """,
        """
        referral | on         | type | therapy
        R1       | 2022-01-10 | 03   | LI
        R1       | 2022-01-17 | 05   | LI
        R2       | 2022-01-10 | 02   | LI
        R2       | 2022-01-17 | 02   | LI+support
        R2       | 2022-01-24 | 02   | signposting
        """,
    )
    assert results["li_sessions_mean", "end", "2022-03"] == (3, 2, 1.5)
    assert results["M141", "national", "2022-03"] == (4, 2, 2.0)
    assert results["M120", "national", "2022-03"] == (5, 2, 2.5)
    assert results["M099", "national", "2022-01"] == (1, None, 1)
    assert results["M346", "national", "2022-01"] == (1, None, 1)


def test_the_182nd_day_is_inside_26_weeks(answer):
    """From 10 January, day 182 is 11 July: R1 ends in time, R2 a day late; R3 steps up, R5 dies on it.

    R4 is open: its fourth session lies on that day, its fifth a day later.
    """
    results = answer(
        """
        referral | received   | discharged | ending
        R1       | 2022-01-03 | 2022-07-11 | 46
        R2       | 2022-01-03 | 2022-07-12 | 46
        R3       | 2022-01-03 | 2022-07-29 | 46
        R4       | 2022-01-03 | -          | -
        R5       | 2022-01-03 | 2022-07-11 | 49
        """,
        """
        referral | on         | therapy
        R1       | 2022-01-10 | LI
        R1       | 2022-01-17 | LI
        R2       | 2022-01-10 | LI
        R2       | 2022-01-17 | LI
        R3       | 2022-01-10 | LI
        R3       | 2022-07-11 | HI
        R3       | 2022-07-18 | HI
        R4       | 2022-01-10 | LI
        R4       | 2022-01-17 | LI
        R4       | 2022-01-24 | LI
        R4       | 2022-07-11 | LI
        R4       | 2022-07-12 | LI
        R5       | 2022-01-10 | LI
        """,
    )
    assert results["li_completion_26w", "start", "2022-01"] == (1, 3, 1 / 3)
    assert results["li_dose_4_26w", "start", "2022-01"] == (1, 3, 1 / 3)
    assert results["li_dose_5_26w", "start", "2022-01"] == (0, 3, 0.0)
    assert results["li_completion_26w_with_step_up", "start", "2022-01"] == (1, 4, 1 / 4)
    assert results["li_closed", "start", "2022-01"] == (4, 5, 4 / 5)
    assert results["li_exit_open", "start", "2022-01"] == (1, None, 1)
    assert results["li_completion", "start", "2022-01"] == (2, 2, 1.0)


def test_a_starter_enters_the_horizon_on_the_182nd_day(answer):
    """The view is on 31 July: 30 January was 182 days ago, 31 January 181."""
    results = answer(
        """
        referral | received   | discharged | ending
        R1       | 2022-01-03 | -          | -
        R2       | 2022-01-03 | -          | -
        """,
        """
        referral | on
        R1       | 2022-01-30
        R2       | 2022-01-31
        """,
        as_at="2022-07-31",
    )
    assert results["li_started", "start", "2022-01"] == (2, None, 2)
    assert results["li_completion_26w", "start", "2022-01"] == (0, 1, 0.0)


# --- National measures ------------------------------------------------------------------------------


def test_waits_and_gaps_on_their_edges(answer):
    """R1 waits 42 days, gap 28. R2 waits 43 days and is treated twice on one day: gap 0."""
    results = answer(
        """
        referral | received   | discharged | ending
        R1       | 2022-01-03 | 2022-04-29 | 46
        R2       | 2022-01-03 | 2022-04-29 | 47
        """,
        """
        referral | on         | type | therapy | planned | attendance
        R1       | 2022-02-14 | 03   | LI      | Y       | 5
        R1       | 2022-03-14 | 02   | LI      | Y       | 6
        R2       | 2022-02-15 | 02   | LI      | Y       | 5
        R2       | 2022-02-15 | 05   | LI      | N       | -
        R2       | 2022-02-22 | 02   | LI      | Y       | 3
        """,
    )
    assert results["M036", "national", "2022-02"] == (1, None, 1)
    assert results["M048", "national", "2022-02"] == (85, 2, 42.5)
    assert results["M049", "national", "2022-02"] == (None, 2, 42.5)
    assert results["M053", "national", "2022-04"] == (1, 2, 0.5)
    assert results["M184", "national", "2022-02"] == (1, None, 1)
    assert results["M184", "national", "2022-03"] == (1, None, 1)
    assert results["M121", "national", "2022-02"] == (1, None, 1)
    assert results["M123", "national", "2022-03"] == (1, 1, 1.0)
    assert results["M351", "national", "2022-04"] == (28, 2, 14.0)
    assert results["M082", "national", "2022-02"] == (4, None, 4)
    assert results["M084", "national", "2022-02"] == (1, None, 1)
    assert results["M097", "national", "2022-02"] == (3, None, 3)
    assert results["M023", "national", "2022-02"] == (1, None, 1)


def test_endings_by_number_of_treatments(answer):
    """Not seen, seen by a log only, seen not treated, treated once, finished; one code is retired."""
    results = answer(
        """
        referral | received   | discharged | ending
        R1       | 2022-01-03 | 2022-02-04 | 50
        R2       | 2022-01-03 | 2022-02-04 | 42
        R3       | 2022-01-03 | 2022-02-04 | -
        R4       | 2022-01-03 | 2022-02-04 | 47
        R5       | 2022-01-03 | 2022-02-04 | 46
        """,
        """
        referral | on         | type
        R3       | 2022-01-10 | 01
        R4       | 2022-01-10 | 02
        R5       | 2022-01-10 | 02
        R5       | 2022-01-17 | 02
        """,
        """
        referral | from       | to
        R2       | 2022-01-10 | 2022-01-16
        """,
    )
    national = {key[0]: triple for key, triple in results.items() if key[1:] == ("national", "2022-02")}
    assert [national[m][0] for m in ("M056", "M073", "M074", "M075", "M076")] == [5, 1, 2, 1, 1]
    assert [national[m][0] for m in ("M071", "M072", "M153")] == [1, 1, 3]
    assert national["M081"] == (1, 2, 0.5)
    assert national["M288"] == (1, 2, 50.0)
    assert national["M080"] == (2, 5, 0.4)
    assert national["M028"] == (4, None, 4)


def test_the_stage_rule_ignores_one_single_and_excludes_several(answer):
    """R1: one HI, then LI LI, then HI HI. R2: LI HI before LI LI. R3: a log makes HI with one contact."""
    results = answer(
        """
        referral | received   | discharged | ending
        R1       | 2022-01-03 | 2022-06-30 | 46
        R2       | 2022-01-03 | 2022-06-30 | 46
        R3       | 2022-01-03 | 2022-06-30 | 46
        """,
        """
        referral | on         | type | therapy
        R1       | 2022-01-10 | 03   | HI
        R1       | 2022-01-17 | 02   | LI
        R1       | 2022-01-24 | 02   | signposting
        R1       | 2022-02-21 | 02   | HI
        R1       | 2022-02-28 | 02   | HI
        R2       | 2022-01-10 | 03   | LI
        R2       | 2022-01-17 | 02   | HI
        R2       | 2022-01-24 | 02   | LI
        R2       | 2022-01-31 | 02   | LI
        R3       | 2022-01-10 | 03   | -
        R3       | 2022-01-17 | 02   | HI
        """,
        """
        referral | from       | to
        R3       | 2022-01-20 | 2022-01-26
        """,
    )
    assert results["M353", "national", "2022-06"] == (1, None, 1)
    assert results["M348", "national", "2022-06"] == (7, 1, 7.0)
    assert results["M350", "national", "2022-06"] == (28, 1, 28.0)
    assert results["M366", "national", "2022-06"] == (1, 1, 1.0)
    assert results["M352", "national", "2022-06"] == (1, None, 1)
    assert results["M347", "national", "2022-06"] == (7, 1, 7.0)
    assert results["M343", "national", "2022-01"] == (1, None, 1)


def test_a_first_score_without_a_last_one_does_not_make_a_case(answer):
    """R1: PHQ-9 is not paired, GAD-7 is below 8: not at caseness. R2 recovers reliably.

    R3 has no pair: its second score belongs to a contact after discharge.
    """
    results = answer(
        """
        referral | received   | discharged | ending | ethnicity
        R1       | 2022-01-03 | 2022-02-04 | 46     | H
        R2       | 2022-01-03 | 2022-02-04 | 46     | H
        R3       | 2022-01-03 | 2022-02-04 | 46     | A
        """,
        """
        referral | on         | PHQ-9 | GAD-7
        R1       | 2022-01-10 | 20    | 7
        R1       | 2022-01-17 | -     | 3
        R2       | 2022-01-10 | 15    | 7
        R2       | 2022-01-17 | 9     | 7
        R3       | 2022-01-10 | 15    | -
        R3       | 2022-01-17 | -     | -
        R3       | 2022-02-07 | 5     | -
        """,
    )
    assert results["M179", "national", "2022-02"] == (1, None, 1)
    assert results["M180", "national", "2022-02"] == (1, 3, 1 / 3)
    assert results["M186", "national", "2022-02"] == (2, 3, 2 / 3)
    assert results["M192", "national", "2022-02"] == (1, 2, 0.5)
    assert results["M195", "national", "2022-02"] == (1, 2, 0.5)
    assert results["M207", "national", "2022-02"] == (1, 1, 1.0)
    assert results["M206", "national", "2022-02"] == (0, 1, 0.0)
    assert results["M187", "national", "2022-02"] == (0, None, 0)


def test_a_rise_on_the_other_measure_is_no_improvement(answer):
    """R1 falls 6 on PHQ-9 and rises 3 on GAD-7: improved. R2 rises 4: neither. R3 rises 4: worse."""
    results = answer(
        """
        referral | received   | discharged | ending
        R1       | 2022-01-03 | 2022-02-04 | 46
        R2       | 2022-01-03 | 2022-02-04 | 46
        R3       | 2022-01-03 | 2022-02-04 | 46
        """,
        """
        referral | on         | PHQ-9 | GAD-7
        R1       | 2022-01-10 | 12    | 2
        R1       | 2022-01-17 | 6     | 5
        R2       | 2022-01-10 | 12    | 2
        R2       | 2022-01-17 | 6     | 6
        R3       | 2022-01-10 | 12    | 2
        R3       | 2022-01-17 | 7     | 6
        """,
    )
    assert results["M185", "national", "2022-02"] == (1, None, 1)
    assert results["M189", "national", "2022-02"] == (1, None, 1)
    assert results["M187", "national", "2022-02"] == (1, None, 1)
    assert results["M191", "national", "2022-02"] == (3, None, 3)
    assert results["M193", "national", "2022-02"] == (1, None, 1)


# --- Structure and dates ----------------------------------------------------------------------------


def test_contradictory_dates(answer):
    """Before the referral: nowhere. After discharge: an appointment only. Discharged first: still open.

    An end code without a date says nothing, death included (R3).
    """
    results = answer(
        """
        referral | received   | discharged | ending
        R1       | 2022-01-10 | 2022-02-04 | 46
        R2       | 2022-01-10 | 2022-01-03 | 46
        R3       | 2022-01-10 | -          | 49
        R4       | 1948-05-01 | -          | -
        """,
        """
        referral | on         | type
        R1       | 2022-01-03 | 02
        R1       | 2022-01-17 | 02
        R1       | 2022-02-07 | 02
        R1       | 2022-02-14 | 06
        R2       | 2022-01-17 | 02
        R3       | 2022-02-15 | 02
        R4       | 2022-01-17 | 02
        """,
    )
    assert min(month for _, _, month in results) == "2022-01"
    assert results["M001", "national", "2022-01"] == (3, None, 3)
    assert results["M082", "national", "2022-01"] == (3, None, 3)
    assert results["M082", "national", "2022-02"] == (3, None, 3)
    assert results["M031", "national", "2022-01"] == (3, None, 3)
    assert results["M048", "national", "2022-01"] == (7, 1, 7.0)
    assert total(results, "M056", "national") == 1
    assert results["M075", "national", "2022-02"] == (1, None, 1)
    assert results["li_one_session_loss", "end", "2022-02"] == (1, 1, 1.0)
    assert results["M038", "national", "2022-01"] == (1, None, 1)
    assert results["M019", "national", "2022-02"] == (3, None, 3)
    assert total(results, "li_exit_open", "start") == 3


def test_a_view_knows_nothing_later(answer):
    """At the end of February R1 is open with one session, R2 has not come, R1's step-up is unknown."""
    results = answer(
        """
        referral | received   | discharged | ending
        R1       | 2022-01-10 | 2022-03-04 | 46
        R2       | 2022-03-01 | -          | -
        """,
        """
        referral | on         | therapy
        R1       | 2022-01-17 | LI
        R1       | 2022-03-01 | HI
        R1       | 2022-03-02 | HI
        """,
        as_at="2022-02-28",
    )
    assert max(month for _, _, month in results) == "2022-02"
    assert total(results, "M001", "national") == 1
    assert total(results, "M082", "national") == 1
    assert results["li_exit_open", "start", "2022-01"] == (1, None, 1)
    assert results["li_completion", "start", "2022-01"] == (0, 0, None)


def test_resubmitted_rows_collapse(answer):
    """The latest month wins, then Refresh; a Primary row its Refresh lacks stays; ids recur by month.

    Twice in one file, the attended row wins (C3).
    """
    results = answer(
        """
        referral | received   | discharged | ending | sent    | file
        R1       | 2022-01-03 | 2022-02-25 | 47     | 2022-02 | Refresh
        R1       | 2022-01-03 | 2022-02-24 | 46     | 2022-02 | Primary
        R1       | 2022-01-03 | -          | -      | 2022-01 | Refresh
        """,
        """
        referral | contact | on         | attendance | file
        R1       | C1      | 2022-01-10 | 5          | Refresh
        R1       | C1      | 2022-01-10 | 3          | Primary
        R1       | C2      | 2022-01-17 | 5          | Primary
        R1       | C1      | 2022-02-07 | 5          | Primary
        R1       | C3      | 2022-02-14 | 5          | Primary
        R1       | C3      | 2022-02-14 | 3          | Primary
        """,
    )
    assert results["M001", "national", "2022-01"] == (1, None, 1)
    assert results["M082", "national", "2022-01"] == (2, None, 2)
    assert results["M084", "national", "2022-01"] == (0, None, 0)
    assert results["M344", "national", "2022-02"] == (1, None, 1)
    assert results["M141", "national", "2022-02"] == (4, 1, 4.0)


def test_a_change_of_provider_code_is_one_pathway(answer):
    """Received once, contacts of both parts, the ending of the later; without the change R3 stays apart."""
    results = answer(
        """
        referral | patient | person | received   | discharged | ending | provider
        R1       | P1      | N1     | 2022-10-03 | 2022-11-30 | 13     | RWK4C
        R2       | Q1      | N1     | 2022-10-03 | 2022-12-30 | 46     | RQY58
        R3       | Q1      | N1     | 2022-10-04 | -          | -      | RQY58
        """,
        """
        referral | on
        R1       | 2022-10-10
        R2       | 2022-12-05
        """,
    )
    assert results["M001", "national", "2022-10"] == (2, None, 2)
    assert total(results, "M056", "national") == 1
    assert results["M076", "national", "2022-12"] == (1, None, 1)
    assert results["li_completion", "end", "2022-12"] == (1, 1, 1.0)


def test_test_patients_are_nowhere(answer):
    results = answer(
        """
        referral | patient | nhs        | received
        R1       | P1      | 9990000000 | 2022-01-03
        R2       | ZZZ1    | 4000000004 | 2022-01-03
        R3       | TEST-9  | 4000000004 | 2022-01-03
        R4       | P4      | 9434765919 | 2022-01-03
        """,
        """
        referral | on
        R1       | 2022-01-10
        R2       | 2022-01-10
        R3       | 2022-01-10
        R4       | 2022-01-10
        """,
    )
    assert results["M001", "national", "2022-01"] == (1, None, 1)
    assert results["M082", "national", "2022-01"] == (1, None, 1)


def test_a_mechanism_not_on_the_list_is_unknown_and_an_unseen_contact_has_none(answer):
    results = answer(
        """
        referral | received
        R1       | 2022-01-03
        """,
        """
        referral | on         | mechanism | attendance
        R1       | 2022-01-10 | 11        | 5
        R1       | 2022-01-11 | 03        | 5
        R1       | 2022-01-12 | -         | 6
        R1       | 2022-01-13 | 11        | 3
        """,
    )
    found = {m: results[m, "national", "2022-01"][0] for m in ("M1018", "M1003", "M1009")}
    assert found == {"M1018": 1, "M1003": 0, "M1009": 2}


def test_every_measure_has_every_month(answer):
    """From the first received month to the view, gaps and empty months included."""
    results = answer(
        """
        referral | received
        R1       | 2021-11-30
        """,
        as_at="2022-02-28",
    )
    months = ["2021-11", "2021-12", "2022-01", "2022-02"]
    measures = {(measure, clock) for measure, clock, _ in results}
    assert set(results) == {(*measure, month) for measure in measures for month in months}
    assert {clock for _, clock in measures} == {"national", "end", "start", "contact", "month_end"}
    assert results["M056", "national", "2022-01"] == (0, None, 0)
    assert results["M081", "national", "2022-01"] == (0, 0, None)
    assert results["M049", "national", "2022-01"] == (None, 0, None)

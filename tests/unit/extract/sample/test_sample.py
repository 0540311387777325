"""The synthetic extract: the same bytes each time, plausible volumes, and every fault that it promises."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qi_analysis.errors import RecordProblem
from qi_analysis.extract.sample.generate import read_calibration, write_sample
from qi_analysis.periods import Period

LI = {"702545008", "748051000000105", "748101000000105", "748041000000107", "1026111000000108"}
HI = {"304891004", "1129471000000105", "286711000000107", "449030000", "933221000000107", "1026131000000100"}
FILED = ["Unique_MonthID", "File_Type"]
JANUARY_2021 = 1450  # Unique_MonthID
CHANGE = JANUARY_2021 + 23
LAYOUT = {
    "IDS000Header": 10,
    "IDS001MPI": 12,
    "IDS101Referral": 11,
    "IDS201CareContact": 14,
    "IDS202CareActivity": 7,
    "IDS205InternetTherLog": 8,
    "IDS606CodedScoreReferral": 7,
    "IDS607CodedScoreActivity": 6,
}


@pytest.fixture(scope="module")
def folder(shipped_extract):
    return shipped_extract


@pytest.fixture(scope="module")
def tables(folder):
    return {name: pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False) for name in LAYOUT}


@pytest.fixture(scope="module")
def pathways(tables):
    """The latest row of each referral; parts before and after the change of code share person and date."""
    people = latest(tables["IDS001MPI"], "LocalPatientId")[["LocalPatientId", "Person_ID", "NHSNumber"]]
    rows = latest(tables["IDS101Referral"], "ServiceRequestId").merge(people, on="LocalPatientId")
    rows["received"], rows["left"] = days(rows.ReferralRequestReceivedDate), days(rows.ServDischDate)
    return rows.sort_values("OrgIDProv", ascending=False)


@pytest.fixture(scope="module")
def contacts(tables, pathways):
    rows = latest(tables["IDS201CareContact"], "CareContactId")
    rows = rows.merge(pathways[["ServiceRequestId", "Person_ID", "NHSNumber", "received"]], on="ServiceRequestId")
    ends = pathways.groupby(["Person_ID", "received"], as_index=False).left.last()
    rows = rows.merge(ends, on=["Person_ID", "received"])
    codes = latest(tables["IDS202CareActivity"], "CareActId").groupby("CareContactId").CodeProcAndProcStatus
    rows = rows.join(codes.agg(set).rename("codes"), on="CareContactId")
    rows["day"], rows["attendance"] = days(rows.CareContDate), rows.AttendOrDNACode.str.lstrip("0")
    return rows


def latest(table, key):
    """The row of the latest month, its Refresh before its Primary ("Primary" sorts first)."""
    return table.sort_values(FILED, kind="stable").drop_duplicates(key, keep="last")


def days(text):
    iso = pd.to_datetime(text.where(text.str.match(r"\d{4}-")), format="%Y-%m-%d")
    british = pd.to_datetime(text.where(text.str.contains("/")), format="%d/%m/%Y")
    serial = pd.to_timedelta(pd.to_numeric(text.where(text.str.fullmatch(r"\d{5}"))), unit="D")
    return iso.fillna(british).fillna(pd.Timestamp("1899-12-30") + serial)


def li_starters(contacts):
    """First LI session of each pathway without a run of two HI contacts before it, counted with loops."""
    seen = contacts.attendance.isin(["5", "6"]) | (contacts.PlannedCareContIndicator == "N")
    inside = (contacts.day >= contacts.received) & ~(contacts.day > contacts.left)
    usual = contacts.AppType.str.zfill(2).isin(["02", "05"]) & ~contacts.NHSNumber.str.startswith("999")
    sessions = contacts[seen & inside & usual & contacts.codes.notna()].sort_values("day", kind="stable")
    starts = []
    for _, course in sessions.groupby(["Person_ID", "received"]):
        high_in_a_row = 0
        for day, codes in zip(course.day, course.codes, strict=True):
            if codes & LI:
                starts += [day] if high_in_a_row < 2 else []
                break
            high_in_a_row = high_in_a_row + 1 if codes & HI else high_in_a_row
    return pd.Series(starts).dt.strftime("%Y-%m").value_counts().sort_index()


def fingerprints(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_same_arguments_give_the_same_bytes(folder, tmp_path):
    write_sample(tmp_path)
    write_sample(tmp_path)
    assert fingerprints(tmp_path) == fingerprints(folder)


def test_another_seed_gives_other_people(folder, tmp_path):
    write_sample(tmp_path, seed=7)
    assert set(fingerprints(tmp_path).values()).isdisjoint(
        value for name, value in fingerprints(folder).items() if name != "IDS000Header.csv"
    )


def test_a_larger_extract_begins_with_the_smaller_and_keeps_keys_apart(tmp_path):
    small, large = tmp_path / "small", tmp_path / "large"
    write_sample(small, months=3)
    write_sample(large, months=3, size=2)
    for name in LAYOUT:
        assert (large / f"{name}.csv").read_bytes().startswith((small / f"{name}.csv").read_bytes())
    rows = pd.read_csv(large / "IDS101Referral.csv", dtype=str)
    assert not rows.duplicated(["ServiceRequestId", *FILED]).any()
    assert rows.ServiceRequestId.nunique() == pytest.approx(2 * 3 * 546, rel=0.1)
    header = pd.read_csv(large / "IDS000Header.csv", dtype=str)
    assert header.UniqueSubmissionID.is_unique and len(header) == 5


@pytest.mark.parametrize("size", [0, -1, 101, 1.5])
def test_other_sizes_are_refused(size, tmp_path):
    with pytest.raises(RecordProblem, match="1 to 100"):
        write_sample(tmp_path / "new", size=size)
    assert not (tmp_path / "new").exists()


def test_no_months_are_refused(tmp_path):
    with pytest.raises(RecordProblem, match="months"):
        write_sample(tmp_path, months=0)


def test_other_months_are_written_and_no_contact_comes_before_its_referral(tmp_path):
    write_sample(tmp_path, months=2, first=Period(2024, 6))
    rows = pd.read_csv(tmp_path / "IDS101Referral.csv", dtype=str)
    assert set(rows.Unique_MonthID) == {"1491", "1492"} and set(rows.OrgIDProv) == {"RQY58"}
    received = days(latest(rows, "ServiceRequestId").set_index("ServiceRequestId").ReferralRequestReceivedDate)
    contacts = pd.read_csv(tmp_path / "IDS201CareContact.csv", dtype=str)
    assert (days(contacts.CareContDate) >= contacts.ServiceRequestId.map(received)).all()


def test_layout_and_marking_as_synthetic(folder, tables):
    assert {name: table.shape[1] for name, table in tables.items()} == LAYOUT
    assert set(tables["IDS000Header"].PrimSystemInUse) == {"qi_analysis synthetic sample"}
    assert tables["IDS001MPI"].Postcode.str.fullmatch(r"XX\d{1,2} \dAA").all()
    assert sum(path.stat().st_size for path in folder.iterdir()) < 40_000_000


def test_keys_are_unique_in_each_file_of_a_month(tables):
    keys = {
        "IDS000Header": ["UniqueSubmissionID"],
        "IDS001MPI": ["LocalPatientId"],
        "IDS101Referral": ["ServiceRequestId"],
        "IDS202CareActivity": ["CareActId"],
        "IDS205InternetTherLog": ["ServiceRequestId", "StartDateIntEnabledTherLog"],
        "IDS606CodedScoreReferral": ["ServiceRequestId", "CodedAssToolType"],
        "IDS607CodedScoreActivity": ["CareActId", "CodedAssToolType"],
    }
    for name, key in keys.items():
        assert not tables[name].duplicated([*key, *FILED]).any(), name
    rows = tables["IDS201CareContact"]
    assert rows.duplicated().mean() == pytest.approx(0.01, abs=0.003)
    assert not rows.drop_duplicates().duplicated(["CareContactId", *FILED]).any()


def test_rows_belong_to_their_parents(tables):
    referrals, contacts, activities = (tables[n] for n in ("IDS101Referral", "IDS201CareContact", "IDS202CareActivity"))
    assert parents(referrals, "LocalPatientId") == parents(tables["IDS001MPI"], "LocalPatientId")
    assert parents(activities, "CareContactId") <= parents(contacts, "CareContactId")
    assert parents(tables["IDS607CodedScoreActivity"], "CareActId") <= parents(activities, "CareActId")
    assert set(contacts.ServiceRequestId) <= set(referrals.ServiceRequestId)


def parents(table, key):
    return set(map(tuple, table[[key, *FILED]].to_numpy()))


def test_volumes_are_those_of_the_service(pathways, contacts, tables):
    received = pathways.drop_duplicates(["Person_ID", "received"]).received.dt.strftime("%Y-%m").value_counts()
    december = received.index.str.endswith("-12")
    assert received[~december].between(440, 630).all() and received[december].between(330, 470).all()
    steady = contacts[contacts.day.between("2021-07-01", "2023-06-30")]
    assert (steady.attendance == "3").mean() == pytest.approx(0.12, abs=0.03)
    assert (steady.ConsMechanism == "11").mean() == pytest.approx(0.68 * 0.95, abs=0.03)
    logs = latest(tables["IDS205InternetTherLog"], ["ServiceRequestId", "StartDateIntEnabledTherLog"])
    assert 450 < len(logs[logs.Unique_MonthID.astype(int) >= JANUARY_2021 + 6]) / 24 < 700
    first = contacts[contacts.AppType.str.zfill(2).isin(["01", "03"]) & contacts.attendance.isin(["5", "6"])]
    assert 400 < len(first.drop_duplicates(["Person_ID", "received"])) / 30 < 450


def test_endings_are_those_of_the_service(pathways):
    ended = pathways.drop_duplicates(["Person_ID", "received"], keep="last").dropna(subset="left")
    share = ended.EndCode.value_counts(normalize=True)
    assert 0.30 < share["14"] < 0.45 and 0.18 < share["46"] < 0.28 and 0.07 < share["47"] < 0.14
    assert 480 < len(ended[ended.left.between("2021-07-01", "2023-06-30")]) / 24 < 580
    still_open = pathways.drop_duplicates(["Person_ID", "received"], keep="last").left.isna().sum()
    assert still_open > 1000


def test_li_starters_and_the_month_with_only_three(contacts):
    starters = li_starters(contacts[contacts.day <= "2023-06-30"])
    assert starters["2021-08"] == 3
    usual = starters.drop(["2021-01", "2021-02", "2021-08", "2021-12", "2022-12"])
    assert usual.between(80, 150).all() and 100 < usual.mean() < 125


def test_code_change_gives_new_numbers_to_the_same_pathways(tables, pathways, contacts):
    rows = tables["IDS101Referral"]
    month = rows.Unique_MonthID.astype(int)
    assert set(rows.OrgIDProv[month < CHANGE]) == {"RWK4C"} and set(rows.OrgIDProv[month >= CHANGE]) == {"RQY58"}
    old, new = (
        set(rows[each][month < CHANGE]) & set(rows[each][month >= CHANGE])
        for each in ("ServiceRequestId", "LocalPatientId")
    )
    assert not old and not new
    twice = pathways[pathways.duplicated(["Person_ID", "received"], keep=False)]
    assert twice.groupby(["Person_ID", "received"]).OrgIDProv.agg(set).map(len).eq(2).all()
    assert twice.groupby("Person_ID").NHSNumber.nunique().eq(1).all()
    assert 1000 < len(twice) / 2 < 2000
    assert twice.left[twice.OrgIDProv == "RWK4C"].isna().all()
    later = contacts.Unique_MonthID.astype(int) >= CHANGE
    both = set(contacts.ServiceRequestId[~later]) & set(contacts.ServiceRequestId[later])
    shared = pathways[pathways.ServiceRequestId.isin(both)]  # only contacts after an earlier discharge
    assert (shared.left.notna() | shared.EndCode.ne("")).all()
    assert len(shared) < 60


def test_nhs_numbers_cannot_exist(tables):
    numbers = tables["IDS001MPI"].NHSNumber.str.replace(" ", "").drop_duplicates()
    assert numbers.str.fullmatch(r"\d{10}").all()
    digits = np.array([list(map(int, number)) for number in numbers])
    right = (11 - digits[:, :9] @ np.arange(10, 1, -1) % 11) % 11
    assert (right != digits[:, 9]).all()
    assert 3 <= numbers.str.startswith("999").sum() <= 40


def test_end_codes_go_missing_for_two_months(tables):
    rows = tables["IDS101Referral"]
    ended = latest(rows, "ServiceRequestId").query("ServDischDate != ''")
    missing = (~ended.EndCode.str.fullmatch(r"\d\d")).groupby(ended.Unique_MonthID.astype(int)).mean()
    assert list(missing.index[missing > 0.10]) == [CHANGE, CHANGE + 1]
    assert set(ended.EndCode) >= {"", "NULL", "N/A", "*", "-"}
    mix = pd.crosstab(ended.Unique_MonthID.astype(int) >= CHANGE, ended.EndCode)
    early = mix["48"] / (mix["47"] + mix["48"])
    assert 0.02 < early[True] - early[False] < 0.15


def test_primary_and_refresh(tables):
    rows = tables["IDS201CareContact"].drop_duplicates()
    kinds = rows.groupby(rows.Unique_MonthID.astype(int)).File_Type.agg(set)
    last = JANUARY_2021 + 29
    assert kinds[last] == {"Primary"} and kinds[last - 7] == {"Refresh"}
    assert all(kinds[last - back] == {"Primary", "Refresh"} for back in range(1, 7))
    both = rows[rows.Unique_MonthID.astype(int).between(last - 6, last - 1)]
    files = both.groupby("CareContactId").File_Type.agg(lambda each: "".join(sorted(each)))
    share = files.value_counts(normalize=True)
    assert share["Refresh"] == pytest.approx(0.03, abs=0.01) and 0 < share["Primary"] < 0.004


def test_values_are_written_in_mixed_forms(tables):
    dates = tables["IDS201CareContact"].CareContDate
    assert dates.str.contains("/").mean() == pytest.approx(0.01, abs=0.003)
    assert dates.str.fullmatch(r"\d{5}").mean() == pytest.approx(0.002, abs=0.001)
    assert tables["IDS201CareContact"].AttendOrDNACode.str.startswith("0").mean() == pytest.approx(0.03, abs=0.005)
    assert tables["IDS201CareContact"].AppType.isin(["2", "3"]).mean() == pytest.approx(0.03, abs=0.005)
    people = tables["IDS001MPI"]
    assert people.NHSNumber.str.contains(" ").mean() == pytest.approx(0.1, abs=0.02)
    assert {"NULL", "N/A", "*", "-"} <= set(people.LanguageCodePreferred)
    assert "7" in set(people.Gender)


def test_contradictions_are_present_and_rare(tables, pathways, contacts):
    assert 3 <= (pathways.left < pathways.received).sum() <= 50
    coded = pathways.EndCode.str.fullmatch(r"\d\d") & pathways.left.isna()
    assert 15 <= coded.sum() <= 100
    kind, seen = contacts.AppType.str.zfill(2), contacts.attendance.isin(["5", "6"])
    real = contacts[contacts.left >= contacts.received]
    assert 0.001 < ((real.day > real.left) & kind[real.index].ne("06")).mean() < 0.01
    assert contacts.codes[seen].isna().mean() == pytest.approx(0.03, abs=0.006)
    assert 5 <= (contacts.day > "2023-06-30").sum() <= 80


def test_people_come_back_and_overlap(pathways):
    rows = pathways.drop_duplicates(["Person_ID", "received"], keep="last").sort_values(["Person_ID", "received"])
    before = rows.groupby("Person_ID").left.shift()
    again = rows.Person_ID.duplicated()
    gap = (rows.received - before).dt.days
    assert (gap.between(1, 90)).mean() == pytest.approx(0.045, abs=0.015)
    assert (again & (before.isna() | (gap < 0))).mean() == pytest.approx(0.012, abs=0.006)


def test_scores_fall_from_first_to_last(tables):
    scores = latest(tables["IDS607CodedScoreActivity"], ["CareActId", "CodedAssToolType"])
    value = scores.PersScore.astype(int)
    assert value[scores.CodedAssToolType == "720433000"].between(0, 27).all()
    assert value[scores.CodedAssToolType == "445455005"].between(0, 21).all()
    start = tables["IDS606CodedScoreReferral"].PersScore.astype(int)
    assert start.mean() - value.mean() > 1


def test_calibration_is_read_from_the_reference_table():
    known = read_calibration()
    assert known["generator_parameter", "li_starters_per_month"] == 115
    assert known["defect_injection_rate", "test_patient"] == 0.001
    assert known["seasonal_index", "referrals_month_12"] < 0.8


def test_nothing_outside_the_folder_is_needed(tmp_path: Path):
    write_sample(tmp_path / "new" / "raw", months=1)
    assert sorted(path.stem for path in (tmp_path / "new" / "raw").iterdir()) == sorted(LAYOUT)

"""The definitions once more, in loops anyone can check: the second answer to the same questions.

It reads a clean extract in the national layout (CSV, ISO dates, correct codes), shares no code with
the analysis and is never quick. Where the analysis and this file disagree, one of them is wrong.
Each function states one definition; read it beside docs/decisions.md and the national measure list.
"""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from statistics import median

Row = dict[str, str]
Triple = tuple[float | None, float | None, float | None]  # numerator, denominator, value

# --- Code lists -------------------------------------------------------------------------------------

MISSING = {"", "NULL", "N/A", "#N/A", "*", "-", "UNKNOWN"}
SENTINEL_DAYS = {date(1900, 1, 1), date(9999, 12, 31)}  # written by systems that cannot leave a date blank
FIRST_PLAUSIBLE_YEAR = 1950  # a received date before this is out of waits
FIRST_REPORTED_YEAR = 2008  # a received date before this opens no month
EARLIER_PROVIDER, LATER_PROVIDER = "RWK4C", "RQY58"  # one service, new code in December 2022

SEEN = {"5", "6"}
ASSESSMENT_TYPES = {"01", "03"}
TREATMENT_TYPES = {"02", "03", "05"}
SESSION_TYPES = {"02", "05"}  # LI sessions, and the HI contacts that make a step-up
FOLLOW_UP = "06"
EMPLOYMENT_SUPPORT = "1098051000000103"

LI_THERAPIES = {  # the eight LI therapies counted nationally
    "M090": {"748051000000105"},
    "M091": {"748101000000105"},
    "M092": {"748041000000107"},
    "M093": {"748091000000102"},
    "M095": {"748061000000108"},
    "M097": {"702545008"},
    "M098": {"1026111000000108"},
    "M346": {"975131000000104"},
}
HI_THERAPIES = {
    "M100": {"1127281000000100"},
    "M102": {"1129471000000105"},
    "M103": {"842901000000108"},
    "M104": {"286711000000107"},
    "M105": {"314034001"},
    "M106": {"449030000"},
    "M107": {"933221000000107"},
    "M108": {"1026131000000100"},
    "M110": {"304891004", "228557008"},
    "M111": {"443730003"},
}
SIGNPOSTING = "975131000000104"
POSTNATAL_COUNSELLING = "199314001"
LI_CODES = set().union(*LI_THERAPIES.values()) - {SIGNPOSTING}  # what an LI CBT session holds
HI_CODES = set().union(*HI_THERAPIES.values())
STAGE_LI_CODES = LI_CODES | {SIGNPOSTING, POSTNATAL_COUNSELLING}  # what the national stage rule calls LI

MECHANISMS = {  # ConsMechanism, version 2.1 list; M1003 (medium 03 of version 2.0) can hold nothing
    "M1001": "01",
    "M1002": "02",
    "M1003": None,
    "M1004": "04",
    "M1005": "05",
    "M1006": "09",
    "M1007": "10",
    "M1008": "98",
    "M1018": "11",
    "M1019": "12",
    "M1020": "13",
}
ATTENDANCE = {"M083": "2", "M084": "3", "M085": "4", "M086": "5", "M087": "6", "M088": "7"}
SOURCES = {
    "M002": "B1",
    "M003": "A1",
    "M004": "A2",
    "M005": "A3",
    "M006": "B2",
    "M007": "C1 C2 C3",
    "M008": "D1 D2",
    "M009": "E1 E2 E3 E4 E5 E6",
    "M010": "F1 F2 F3",
    "M011": "G1 G2 G3 G4",
    "M012": "H1 H2",
    "M013": "I1 I2",
    "M014": "P1",
    "M017": "M1 M2 M3 M4 M5 M6 M7 M8",
    "M018": "N1 N2 N4",
    "M287": "Q1",
    "M345": "A4",
}
END_CODES = {
    "M057": "10",
    "M058": "11",
    "M059": "12",
    "M060": "13",
    "M061": "14",
    "M062": "17",
    "M063": "95",
    "M066": "46",
    "M069": "49",
    "M070": "96",
    "M340": "16",
    "M341": "48",
    "M342": "50",
    "M344": "47",
}
ETHNIC_GROUPS = {"M206": "ABC", "M207": "HJKL", "M208": "MNP", "M209": "DEFG", "M210": "RS"}


@dataclass(frozen=True)
class Tool:
    """A questionnaire: highest possible score, caseness cut-off and reliable change, in points."""

    highest: int
    caseness: int
    change: int


TOOLS = {"720433000": Tool(27, 10, 6), "445455005": Tool(21, 8, 4)}  # PHQ-9 and GAD-7

COMPLETED = {"46"}
DECEASED = {"17", "49"}
DROPPED_OUT = {"47", "16"}
DECLINED = {"14"}
OTHER_END = {"10", "11", "12", "13", "48", "50"}
HEADLINE = {"completed", "short_planned", "dropped_out", "declined", "other_end", "unknown"}
DEFINITIONS = ("i", "ii", "iii_4", "iii_5", "iii_6", "iv")
TEAM_CHOICE = "ii"
HORIZON = timedelta(weeks=26)


# --- Records ----------------------------------------------------------------------------------------


@dataclass
class Contact:
    """One care contact: its month, referral and contact id make it one."""

    day: date
    time: str
    contact_id: str
    planned: str
    attendance: str
    app_type: str
    mechanism: str
    codes: set[str] = field(default_factory=set)
    scores: list[tuple[str, str]] = field(default_factory=list)  # tool, score as written

    @property
    def is_seen(self) -> bool:
        return self.attendance in SEEN or self.planned == "N"


@dataclass
class Log:
    """One weekly log of an internet-enabled therapy programme."""

    start: date | None
    end: date | None


@dataclass
class Pathway:
    """One request for help, seen as at a date: nothing later is in it."""

    pathway_id: str
    patient_id: str
    person_id: str
    provider: str
    received: date | None
    source: str
    ethnicity: str
    discharge: date | None
    end_code: str
    has_usable_wait: bool = True
    contacts: list[Contact] = field(default_factory=list)
    logs: list[Log] = field(default_factory=list)
    referral_scores: list[tuple[date, str, str]] = field(default_factory=list)

    def holds(self, contact: Contact) -> bool:
        """in_ref: received date <= contact date <= discharge date, if there is one."""
        if self.received is None or contact.day < self.received:
            return False
        return self.discharge is None or contact.day <= self.discharge

    @cached_property
    def assessments(self) -> list[date]:
        return [c.day for c in self.contacts if c.is_seen and self.holds(c) and c.app_type in ASSESSMENT_TYPES]

    @cached_property
    def treatments(self) -> list[date]:
        return [
            c.day
            for c in self.contacts
            if c.is_seen and self.holds(c) and c.app_type in TREATMENT_TYPES and EMPLOYMENT_SUPPORT not in c.codes
        ]

    @property
    def first_assessment(self) -> date | None:
        return self.assessments[0] if self.assessments else None

    @property
    def first_treatment(self) -> date | None:
        return self.treatments[0] if self.treatments else None

    @property
    def second_treatment(self) -> date | None:
        return self.treatments[1] if len(self.treatments) > 1 else None

    @property
    def n_contacts(self) -> int:
        """nC: every seen contact and every log, inside the referral or not."""
        return sum(c.is_seen for c in self.contacts) + len(self.logs)

    def wait_to(self, day: date | None) -> int | None:
        """Days from received to the day; nothing when a date is absent or cannot be trusted."""
        if day is None or self.received is None or not self.has_usable_wait:
            return None
        return (day - self.received).days


# --- Reading ----------------------------------------------------------------------------------------


def read_rows(folder: Path, name: str) -> list[Row]:
    """The rows of one table; none when the file is not there. Missing-value marks become ""."""
    path = folder / f"{name}.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [{k: (v or "").strip() for k, v in row.items() if k} for row in csv.DictReader(file)]
    return [{k: "" if v.upper() in MISSING else v for k, v in row.items()} for row in rows]


def read_day(text: str) -> date | None:
    """An ISO date, with or without a time; anything else is missing."""
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return None
    return None if day in SENTINEL_DAYS else day


def read_code(text: str, width: int) -> str:
    """A code with its leading zeros: "2" and "2.0" are "02" when the width is 2."""
    text = text.removesuffix(".0")
    return text.lstrip("0").zfill(width) if text else ""


def rank(row: Row) -> tuple[int, bool]:
    """Which of two rows is later: the reporting month, then Refresh over Primary."""
    month = row.get("Unique_MonthID", "")
    return (int(month) if month.isdigit() else 0, row.get("File_Type", "").lower() == "refresh")


def keep_latest(rows: Iterable[Row], key: Callable[[Row], tuple[str, ...]]) -> list[Row]:
    """One row per key. A key found only in a Primary stays. Of equal rows, the last one written."""
    kept: dict[tuple[str, ...], Row] = {}
    for row in rows:
        if key(row) not in kept or rank(row) >= rank(kept[key(row)]):
            kept[key(row)] = row
    return list(kept.values())


def keys(*names: str) -> Callable[[Row], tuple[str, ...]]:
    return lambda row: tuple(row.get(name, "") for name in names)


def attended_last(row: Row) -> bool:
    return read_code(row.get("AttendOrDNACode", ""), 1) in SEEN


def is_test_patient(local_id: str, nhs_number: str) -> bool:
    digits = nhs_number.replace(" ", "").replace("-", "")
    is_dummy = len(digits) == 10 and digits.isdigit() and digits.startswith("999")
    return is_dummy or local_id.upper().startswith(("ZZZ", "TEST"))


def read_pathways(folder: Path, as_at: date) -> list[Pathway]:
    """Every pathway as it stood on the day, without test patients."""
    patients = {r["LocalPatientId"]: r for r in keep_latest(read_rows(folder, "IDS001MPI"), keys("LocalPatientId"))}
    referrals: dict[str, Pathway] = {}
    for row in keep_latest(read_rows(folder, "IDS101Referral"), keys("ServiceRequestId")):
        patient = patients.get(row["LocalPatientId"], {})
        if not is_test_patient(row["LocalPatientId"], patient.get("NHSNumber", "")):
            referrals[row["ServiceRequestId"]] = build_pathway(row, patient)
    add_contacts(folder, referrals)
    add_logs(folder, referrals)
    add_referral_scores(folder, referrals)
    pathways = join_provider_change(list(referrals.values()))
    return [look_as_at(p, as_at) for p in pathways if p.received is None or p.received <= as_at]


def build_pathway(row: Row, patient: Row) -> Pathway:
    return Pathway(
        pathway_id=row["ServiceRequestId"],
        patient_id=row["LocalPatientId"],
        person_id=patient.get("Person_ID", ""),
        provider=row.get("OrgIDProv", ""),
        received=read_day(row["ReferralRequestReceivedDate"]),
        source=row.get("SourceOfReferralIAPT", ""),
        ethnicity=patient.get("EthnicCategory", ""),
        discharge=read_day(row["ServDischDate"]),
        end_code=row["EndCode"].removesuffix(".0"),
    )


def add_contacts(folder: Path, referrals: dict[str, Pathway]) -> None:
    """Contacts with their activities and activity scores, both joined inside one reporting month."""
    codes = defaultdict(set)
    activity_contact = {}
    activities = read_rows(folder, "IDS202CareActivity")
    for row in keep_latest(activities, keys("Unique_MonthID", "CareActId")):
        contact = (row["Unique_MonthID"], row["CareContactId"])
        codes[contact].add(row["CodeProcAndProcStatus"])
        activity_contact[row["Unique_MonthID"], row["CareActId"]] = contact

    scores = defaultdict(list)
    score_rows = read_rows(folder, "IDS607CodedScoreActivity")
    for row in keep_latest(score_rows, keys("Unique_MonthID", "CareActId", "CodedAssToolType")):
        scored = activity_contact.get((row["Unique_MonthID"], row["CareActId"]))
        scores[scored].append((row["CodedAssToolType"], row["PersScore"]))

    # Of two rows for one contact in one file, the attended one wins: it is put last.
    contacts = sorted(read_rows(folder, "IDS201CareContact"), key=attended_last)
    for row in keep_latest(contacts, keys("Unique_MonthID", "ServiceRequestId", "CareContactId")):
        day = read_day(row["CareContDate"])
        if day is None or row["ServiceRequestId"] not in referrals:
            continue
        contact = (row["Unique_MonthID"], row["CareContactId"])
        referrals[row["ServiceRequestId"]].contacts.append(
            Contact(
                day=day,
                time=row.get("CareContTime", ""),
                contact_id=row["CareContactId"],
                planned=row["PlannedCareContIndicator"].upper(),
                attendance=read_code(row["AttendOrDNACode"], 1),
                app_type=read_code(row["AppType"], 2),
                mechanism=read_code(row["ConsMechanism"], 2),
                codes=codes[contact],
                scores=scores[contact],
            )
        )


def add_logs(folder: Path, referrals: dict[str, Pathway]) -> None:
    dates = ("StartDateIntEnabledTherLog", "EndDateIntEnabledTherLog")
    one_log = keys("Unique_MonthID", "ServiceRequestId", *dates, "IntEnabledTherProg")
    for row in keep_latest(read_rows(folder, "IDS205InternetTherLog"), one_log):
        start = read_day(row["StartDateIntEnabledTherLog"])
        end = read_day(row["EndDateIntEnabledTherLog"])
        if row["ServiceRequestId"] in referrals and (start or end):
            referrals[row["ServiceRequestId"]].logs.append(Log(start, end))


def add_referral_scores(folder: Path, referrals: dict[str, Pathway]) -> None:
    rows = read_rows(folder, "IDS606CodedScoreReferral")
    for row in keep_latest(rows, keys("ServiceRequestId", "CodedAssToolType", "AssToolCompDate")):
        day = read_day(row["AssToolCompDate"])
        if row["ServiceRequestId"] in referrals and day:
            score = (day, row["CodedAssToolType"], row["PersScore"])
            referrals[row["ServiceRequestId"]].referral_scores.append(score)


def join_provider_change(pathways: list[Pathway]) -> list[Pathway]:
    """The old and the new code's referral of one person, received on one day, are one pathway.

    It keeps the earlier id and source; contacts, logs and scores of both; the ending of the later.
    """
    earlier: dict[tuple[str, date | None], list[Pathway]] = defaultdict(list)
    for pathway in sorted(pathways, key=lambda p: p.pathway_id):
        if pathway.provider == EARLIER_PROVIDER and pathway.person_id and pathway.received:
            earlier[pathway.person_id, pathway.received].append(pathway)
    joined = []
    for pathway in sorted(pathways, key=lambda p: p.pathway_id):
        candidates = earlier[pathway.person_id, pathway.received]
        if pathway.provider == LATER_PROVIDER and candidates:
            first = candidates.pop(0)
            first.contacts += pathway.contacts
            first.logs += pathway.logs
            first.referral_scores += pathway.referral_scores
            first.discharge, first.end_code = pathway.discharge, pathway.end_code
        else:
            joined.append(pathway)
    return joined


def look_as_at(pathway: Pathway, as_at: date) -> Pathway:
    """Take away what cannot be: contradictory dates, and everything after the day."""
    p = pathway
    if p.received and p.received.year < FIRST_PLAUSIBLE_YEAR:
        p.has_usable_wait = False
    if p.discharge and p.received and p.discharge < p.received:
        p.discharge, p.has_usable_wait = None, False
    if p.discharge and p.discharge > as_at:
        p.discharge = None
    if p.discharge is None:
        p.end_code = ""  # an end code without a date is ignored
    p.contacts = [c for c in p.contacts if c.day <= as_at and not (p.received and c.day < p.received)]
    p.contacts.sort(key=lambda c: (c.day, c.time, c.contact_id))
    p.logs = [log for log in p.logs if max(day for day in (log.start, log.end) if day) <= as_at]
    p.referral_scores = [s for s in p.referral_scores if s[0] <= as_at]
    return p


# --- Shapes of a result -----------------------------------------------------------------------------


def count(number: int) -> Triple:
    return (number, None, number)


def share(numerator: float, denominator: float) -> Triple:
    return (numerator, denominator, numerator / denominator if denominator else None)


def mean(numbers: list[int]) -> Triple:
    return share(sum(numbers), len(numbers))


def middle(numbers: list[int]) -> Triple:
    return (None, len(numbers), median(numbers) if numbers else None)


@dataclass(frozen=True)
class Month:
    """One calendar month."""

    start: date
    end: date

    def has(self, day: date | None) -> bool:
        return day is not None and self.start <= day <= self.end


def list_months(pathways: list[Pathway], as_at: date) -> list[Month]:
    """From the month of the first received date (2008 or later) to the month of the view."""
    received = [p.received for p in pathways if p.received and p.received.year >= FIRST_REPORTED_YEAR]
    months: list[Month] = []
    start = min(received).replace(day=1) if received else as_at + timedelta(days=1)
    while start <= as_at:
        following = (start + timedelta(days=32)).replace(day=1)
        months.append(Month(start, following - timedelta(days=1)))
        start = following
    return months


# --- National measures, one month at a time ---------------------------------------------------------


def received_measures(pathways: list[Pathway], month: Month) -> dict[str, Triple]:
    received = [p for p in pathways if month.has(p.received)]
    results = {"M001": count(len(received))}
    for measure, sources in SOURCES.items():
        results[measure] = count(sum(p.source in sources.split() for p in received))
    return results


def assessment_measures(pathways: list[Pathway], month: Month) -> dict[str, Triple]:
    assessed = [p for p in pathways if month.has(p.first_assessment)]
    waits = usable(p.wait_to(p.first_assessment) for p in assessed)
    return {
        "M023": count(len(assessed)),
        "M024": count(sum(0 <= days <= 28 for days in waits)),
        "M025": count(sum(29 <= days <= 56 for days in waits)),
        "M026": count(sum(57 <= days <= 90 for days in waits)),
        "M027": count(sum(days > 90 for days in waits)),
    }


def usable(numbers: Iterable[int | None]) -> list[int]:
    return [number for number in numbers if number is not None]


def access_measures(pathways: list[Pathway], month: Month) -> dict[str, Triple]:
    treated = [p for p in pathways if month.has(p.first_treatment)]
    waits = usable(p.wait_to(p.first_treatment) for p in treated)
    return {
        "M031": count(len(treated)),
        "M032": count(sum(0 <= days <= 28 for days in waits)),
        "M033": count(sum(29 <= days <= 56 for days in waits)),
        "M034": count(sum(57 <= days <= 90 for days in waits)),
        "M035": count(sum(days > 90 for days in waits)),
        "M036": count(sum(days <= 42 for days in waits)),
        "M037": count(sum(days <= 126 for days in waits)),
        "M048": mean(waits),
        "M049": middle(waits),
    }


def second_treatment_measures(pathways: list[Pathway], month: Month) -> dict[str, Triple]:
    second = [p.treatments for p in pathways if month.has(p.second_treatment)]
    gaps = [(days[1] - days[0]).days for days in second]
    to_28 = sum(gap <= 28 for gap in gaps)
    over_28 = sum(gap > 28 for gap in gaps)
    from_29_to_90 = sum(29 <= gap <= 90 for gap in gaps)
    over_90 = sum(gap > 90 for gap in gaps)
    return {
        "M184": count(len(gaps)),
        "M046": count(over_28),
        "M047": count(over_90),
        "M121": count(to_28),
        "M122": count(from_29_to_90),
        "M123": share(to_28, len(gaps)),
        "M124": share(over_28, len(gaps)),
        "M125": share(from_29_to_90, len(gaps)),
        "M126": share(over_90, len(gaps)),
    }


def open_measures(pathways: list[Pathway], month: Month) -> dict[str, Triple]:
    """What stood open on the last day of the month, knowing only what had happened by then."""
    waiting = 0
    idle_days = []
    for p in pathways:
        had_come = p.received is not None and p.received <= month.end
        had_gone = p.discharge is not None and p.discharge <= month.end
        if not had_come or had_gone:
            continue
        treatments = [day for day in p.treatments if day <= month.end]
        if treatments:
            idle_days.append((month.end - treatments[-1]).days)
        else:
            waiting += 1
    return {
        "M038": count(waiting),
        "M019": count(sum(days <= 60 for days in idle_days)),
        "M020": count(sum(61 <= days <= 90 for days in idle_days)),
        "M021": count(sum(91 <= days <= 120 for days in idle_days)),
        "M022": count(sum(days > 120 for days in idle_days)),
    }


def ending_measures(pathways: list[Pathway], month: Month) -> dict[str, Triple]:
    ended = [p for p in pathways if month.has(p.discharge)]
    n_ended = len(ended)
    n_once = sum(len(p.treatments) == 1 for p in ended)
    n_finished = sum(len(p.treatments) >= 2 for p in ended)
    n_untreated = sum(p.first_treatment is None for p in ended)
    results = {
        "M028": count(sum(p.first_assessment is None for p in ended)),
        "M056": count(n_ended),
        "M071": count(sum(p.end_code != "" and p.end_code not in END_CODES.values() for p in ended)),
        "M072": count(sum(p.end_code == "" for p in ended)),
        "M073": count(sum(p.n_contacts == 0 for p in ended)),
        "M074": count(sum(p.n_contacts > 0 and not p.treatments for p in ended)),
        "M075": count(n_once),
        "M076": count(n_finished),
        "M153": count(n_untreated),
        "M077": share(n_untreated, n_ended),
        "M078": share(n_once, n_ended),
        "M079": share(n_finished, n_ended),
        "M080": share(n_finished + n_once, n_ended),
        "M081": share(n_finished, n_ended - n_untreated),
    }
    for measure, code in END_CODES.items():
        results[measure] = count(sum(p.end_code == code for p in ended))
    _, treated, attrition = share(n_once, n_ended - n_untreated)
    results["M288"] = (n_once, treated, None if attrition is None else 100 * attrition)
    return results


def finishers_of(pathways: list[Pathway], month: Month) -> list[Pathway]:
    """M076: ended in the month with two or more treatment contacts."""
    return [p for p in pathways if month.has(p.discharge) and len(p.treatments) >= 2]


def finisher_measures(finished: list[Pathway]) -> dict[str, Triple]:
    waits = usable(p.wait_to(p.first_treatment) for p in finished)
    in_6_weeks = sum(days <= 42 for days in waits)
    in_18_weeks = sum(days <= 126 for days in waits)
    sizes = [len(p.treatments) for p in finished]
    spans = [(p.treatments[-1] - p.treatments[0]).days for p in finished]
    return {
        "M050": mean(waits),
        "M051": middle(waits),
        "M052": count(in_6_weeks),
        "M053": share(in_6_weeks, len(finished)),
        "M054": count(in_18_weeks),
        "M055": share(in_18_weeks, len(finished)),
        "M089": count(sum(sizes)),
        "M112": mean(therapy_counts(finished, list(HI_THERAPIES.values()))),
        "M113": mean(therapy_counts(finished, [HI_THERAPIES["M110"]])),
        "M120": mean(therapy_counts(finished, list(LI_THERAPIES.values()))),
        "M141": mean(sizes),
        "M142": middle(sizes),
        "M351": share(sum(spans), sum(size - 1 for size in sizes)),
    }


def therapy_counts(finished: list[Pathway], therapies: list[set[str]]) -> list[int]:
    """Per finisher with any: the counts of each therapy added up (two on one contact count twice)."""
    totals = []
    for p in finished:
        contacts = [c for c in p.contacts if is_therapy_appointment(c) and p.holds(c)]
        totals.append(sum(bool(therapy & c.codes) for therapy in therapies for c in contacts))
    return [total for total in totals if total > 0]


def is_therapy_appointment(contact: Contact) -> bool:
    return contact.is_seen and contact.app_type in TREATMENT_TYPES


def appointment_measures(pathways: list[Pathway], month: Month) -> dict[str, Triple]:
    """Contacts by their own date, whether or not they lie inside the referral; logs by their end."""
    contacts = [c for p in pathways for c in p.contacts if month.has(c.day)]
    seen = [c for c in contacts if c.is_seen]
    results = {"M082": count(len(contacts))}
    for measure, code in ATTENDANCE.items():
        results[measure] = count(sum(c.attendance == code for c in contacts))
    for measure, codes in (LI_THERAPIES | HI_THERAPIES).items():
        results[measure] = count(sum(is_therapy_appointment(c) and bool(codes & c.codes) for c in contacts))
    for measure, mechanism in MECHANISMS.items():
        results[measure] = count(sum(c.mechanism == mechanism for c in seen))
    results["M1009"] = count(sum(c.mechanism not in MECHANISMS.values() for c in seen))
    results["M099"] = count(sum(EMPLOYMENT_SUPPORT in c.codes for c in contacts))
    results["M343"] = count(sum(month.has(log.end) for p in pathways for log in p.logs))
    return results


# --- Outcomes of finishers --------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """The true-or-blank flags of one finisher; all blank without a paired questionnaire."""

    not_at_caseness: bool = False
    improved: bool = False
    deteriorated: bool = False
    unchanged: bool = False
    recovered: bool = False


def paired_scores(pathway: Pathway) -> list[tuple[Tool, int, int]]:
    """First and last recorded score of each questionnaire that was recorded at least twice."""
    recorded = [(day, "", tool, score) for day, tool, score in pathway.referral_scores]
    for contact in pathway.contacts:
        is_after = pathway.discharge is not None and contact.day > pathway.discharge
        if not is_after or contact.app_type == FOLLOW_UP:
            recorded += [(contact.day, contact.time, tool, score) for tool, score in contact.scores]
    pairs = []
    for code, tool in TOOLS.items():
        rows = sorted((r for r in recorded if r[2] == code), key=lambda r: r[:2])
        scores = usable(read_score(score, tool) for _, _, _, score in rows)
        if len(scores) >= 2:
            pairs.append((tool, scores[0], scores[-1]))
    return pairs


def read_score(text: str, tool: Tool) -> int | None:
    text = text.removesuffix(".0")
    return int(text) if text.isdigit() and int(text) <= tool.highest else None


def judge(pathway: Pathway) -> Outcome:
    """Caseness, recovery and reliable change on PHQ-9 and GAD-7, or on the only one that is paired."""
    pairs = paired_scores(pathway)
    if not pairs:
        return Outcome()
    was_case = any(first >= tool.caseness for tool, first, _ in pairs)
    is_case = any(last >= tool.caseness for tool, _, last in pairs)
    fell = any(first - last >= tool.change for tool, first, last in pairs)
    rose = any(last - first >= tool.change for tool, first, last in pairs)
    return Outcome(
        not_at_caseness=not was_case,
        improved=fell and not rose,
        deteriorated=rose and not fell,
        unchanged=fell == rose,
        recovered=was_case and not is_case,
    )


def outcome_measures(finished: list[Pathway]) -> dict[str, Triple]:
    outcomes = [(p, judge(p)) for p in finished]
    n_not_case = sum(o.not_at_caseness for _, o in outcomes)
    n_case = len(finished) - n_not_case
    n_improved = sum(o.improved for _, o in outcomes)
    n_deteriorated = sum(o.deteriorated for _, o in outcomes)
    n_recovered = sum(o.recovered for _, o in outcomes)
    n_reliable = sum(o.recovered and o.improved for _, o in outcomes)
    results = {
        "M179": count(n_not_case),
        "M180": share(n_not_case, len(finished)),
        "M185": count(n_improved),
        "M186": share(n_improved, len(finished)),
        "M187": count(sum(o.unchanged for _, o in outcomes)),
        "M189": count(n_deteriorated),
        "M1010": share(n_deteriorated, len(finished)),
        "M191": count(n_recovered),
        "M192": share(n_recovered, n_case),
        "M193": count(n_reliable),
        "M195": share(n_reliable, n_case),
    }
    for measure, letters in ETHNIC_GROUPS.items():
        group = [o for p, o in outcomes if p.ethnicity in list(letters)]
        reliable = sum(o.recovered and o.improved for o in group)
        results[measure] = share(reliable, sum(not o.not_at_caseness for o in group))
    return results


# --- The national stage rule ------------------------------------------------------------------------


def therapy_items(pathway: Pathway, types: set[str], low: set[str]) -> list[tuple[date, str]]:
    """Seen contacts inside the referral as a row of LI and HI; one that holds both is LI, then HI."""
    items = []
    for contact in pathway.contacts:  # already in order of day, time and contact id
        if contact.is_seen and pathway.holds(contact) and contact.app_type in types:
            if contact.codes & low:
                items.append((contact.day, "LI"))
            if contact.codes & HI_CODES:
                items.append((contact.day, "HI"))
    return items


@dataclass
class Run:
    """Consecutive items of one intensity."""

    intensity: str
    first: date
    last: date
    length: int = 1


def stages_of(pathway: Pathway) -> list[Run]:
    """Runs of two or more. None of them if several unsettled items come before the first run."""
    items = therapy_items(pathway, TREATMENT_TYPES, STAGE_LI_CODES)
    items += [(log.start, "HI") for log in pathway.logs if log.start]
    runs: list[Run] = []
    for day, intensity in sorted(items, key=lambda item: item[0]):  # keeps the order within a day
        if runs and runs[-1].intensity == intensity:
            runs[-1].last = day
            runs[-1].length += 1
        else:
            runs.append(Run(intensity, day, day))
    n_unsettled = 0
    while n_unsettled < len(runs) and runs[n_unsettled].length == 1:
        n_unsettled += 1
    return [] if n_unsettled > 1 else [run for run in runs if run.length >= 2]


def stage_measures(finished: list[Pathway]) -> dict[str, Triple]:
    """Among finishers assessed no later than first treated: days to the first stage, and moves."""
    to_first: dict[str, list[int]] = {"LI": [], "HI": []}
    up: list[int] = []
    down: list[int] = []
    for p in finished:
        if p.first_assessment is None or p.first_assessment > p.treatments[0]:
            continue
        stages = stages_of(p)
        if stages:
            to_first[stages[0].intensity].append((stages[0].first - p.first_assessment).days)
        if len(stages) > 1 and stages[0].intensity != stages[1].intensity:
            moves = up if stages[1].intensity == "HI" else down
            moves.append((stages[1].first - stages[0].last).days)
    to_li = to_first["LI"]
    return {
        "M347": mean(to_first["HI"]),
        "M348": mean(to_li),
        "M349": mean(down),
        "M350": mean(up),
        "M352": count(len(to_first["HI"])),
        "M353": count(len(to_li)),
        "M354": count(len(down)),
        "M355": count(len(up)),
        "M357": count(sum(days < 29 for days in to_li)),
        "M359": count(sum(days <= 90 for days in to_li)),
        "M360": count(sum(days < 29 for days in up)),
        "M361": count(sum(days <= 90 for days in up)),
        "M363": share(sum(days < 29 for days in to_li), len(to_li)),
        "M365": share(sum(days <= 90 for days in to_li), len(to_li)),
        "M366": share(sum(days < 29 for days in up), len(up)),
        "M367": share(sum(days <= 90 for days in up), len(up)),
    }


def national_measures(pathways: list[Pathway], month: Month) -> dict[str, Triple]:
    finished = finishers_of(pathways, month)
    return (
        received_measures(pathways, month)
        | open_measures(pathways, month)
        | assessment_measures(pathways, month)
        | access_measures(pathways, month)
        | second_treatment_measures(pathways, month)
        | ending_measures(pathways, month)
        | appointment_measures(pathways, month)
        | finisher_measures(finished)
        | outcome_measures(finished)
        | stage_measures(finished)
    )


# --- LI episodes ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Episode:
    """The LI part of one pathway."""

    sessions: list[date]  # the LI sessions that count, in order; the first is the LI start
    step_up: date | None
    discharge: date | None
    end_code: str
    n_treatments: int

    @property
    def start(self) -> date:
        return self.sessions[0]

    @property
    def end(self) -> date | None:
        return self.step_up or self.discharge

    @property
    def n_li(self) -> int:
        return len(self.sessions)

    def meets(self, definition: str) -> bool:
        """The rule for having completed, once the episode is closed."""
        planned = self.end_code in COMPLETED and self.n_li >= 2
        return {
            "i": self.n_treatments >= 2,
            "ii": planned,
            "iii_4": self.n_li >= 4,
            "iii_5": self.n_li >= 5,
            "iii_6": self.n_li >= 6,
            "iv": planned or self.n_li >= 6,
        }[definition]

    def category(self, definition: str) -> str:
        """How it stands: the first that fits."""
        if self.end_code in DECEASED:
            return "deceased"
        if self.step_up:
            return "stepped_up"
        if self.discharge is None:
            return "open"
        if self.meets(definition):
            return "completed"
        if self.end_code in COMPLETED:
            return "short_planned"
        if self.end_code in DROPPED_OUT:
            return "dropped_out"
        if self.end_code in DECLINED:
            return "declined"
        return "other_end" if self.end_code in OTHER_END else "unknown"


def episode_items(pathway: Pathway) -> list[tuple[date, str]]:
    return therapy_items(pathway, SESSION_TYPES, LI_CODES)


def first_li_at(items: list[tuple[date, str]]) -> int | None:
    """The position of the first LI session."""
    intensities = [intensity for _, intensity in items]
    return intensities.index("LI") if "LI" in intensities else None


def build_episode(pathway: Pathway) -> Episode | None:
    """None without an LI session, or when two HI contacts in a row came before the first one."""
    items = episode_items(pathway)
    first = first_li_at(items)
    if first is None or first >= 2:
        return None
    step_up_at = len(items)
    for at in range(first + 1, len(items) - 1):
        if items[at][1] == "HI" and items[at + 1][1] == "HI":
            step_up_at = at
            break
    return Episode(
        sessions=[day for day, intensity in items[:step_up_at] if intensity == "LI"],
        step_up=items[step_up_at][0] if step_up_at < len(items) else None,
        discharge=pathway.discharge,
        end_code=pathway.end_code,
        n_treatments=len(pathway.treatments),
    )


def step_down_day(pathway: Pathway) -> date | None:
    """The first LI session of someone with a run of two HI contacts before it."""
    items = episode_items(pathway)
    first = first_li_at(items)
    return items[first][0] if first is not None and first >= 2 else None


def li_measures(episodes: list[Episode]) -> dict[str, Triple]:
    """The rates of one month's episodes, whichever clock chose them."""
    by_category: dict[str, list[Episode]] = defaultdict(list)
    for episode in episodes:
        by_category[episode.category(TEAM_CHOICE)].append(episode)
    n = {name: len(group) for name, group in by_category.items()}
    n = {name: n.get(name, 0) for name in (*HEADLINE, "stepped_up", "deceased")}
    headline = [episode for name in HEADLINE for episode in by_category[name]]
    total = len(headline)

    results = {f"li_exit_{name}": count(number) for name, number in n.items()}
    for definition in DEFINITIONS:
        completed = sum(e.category(definition) == "completed" for e in episodes)
        results[f"li_completion_{definition}"] = share(completed, total)
    for sessions in (4, 5, 6):
        results[f"li_dose_{sessions}"] = share(sum(e.n_li >= sessions for e in headline), total)
    planned = n["completed"] + n["short_planned"] + n["stepped_up"]
    results["li_completion"] = share(n["completed"], total)
    results["li_planned_ending"] = share(planned, total + n["stepped_up"])
    results["li_drop_out"] = share(n["dropped_out"] + n["declined"], total)
    results["li_one_session_loss"] = share(sum(e.n_li == 1 for e in headline), total)
    results["li_step_up"] = share(n["stepped_up"], total + n["stepped_up"])
    results["li_completion_known"] = share(n["completed"], total - n["unknown"])
    results["li_unknown_ending"] = share(n["unknown"], total)
    results["li_sessions_mean"] = mean([e.n_li for e in headline])
    return results


def start_measures(started: list[Episode], as_at: date) -> dict[str, Triple]:
    """What only the month of LI start can be asked."""
    n_open = sum(e.category(TEAM_CHOICE) == "open" for e in started)
    results = {
        "li_started": count(len(started)),
        "li_exit_open": count(n_open),
        "li_closed": share(len(started) - n_open, len(started)),
    }
    reached = [e for e in started if as_at - e.start >= HORIZON]
    alive = [e for e in reached if not (e.end_code in DECEASED and is_in_horizon(e, e.discharge))]
    judged = [e for e in alive if not is_in_horizon(e, e.step_up)]
    for definition in DEFINITIONS:
        done = sum(is_completed_in_horizon(e, definition) for e in judged)
        results[f"li_completion_26w_{definition}"] = share(done, len(judged))
    results["li_completion_26w"] = results[f"li_completion_26w_{TEAM_CHOICE}"]
    done = sum(is_completed_in_horizon(e, TEAM_CHOICE) for e in alive)
    results["li_completion_26w_with_step_up"] = share(done, len(alive))
    for sessions in (4, 5, 6):
        dosed = sum(sum(is_in_horizon(e, day) for day in e.sessions) >= sessions for e in judged)
        results[f"li_dose_{sessions}_26w"] = share(dosed, len(judged))
    return results


def is_in_horizon(episode: Episode, day: date | None) -> bool:
    """Within 26 weeks of the LI start, the 182nd day included."""
    return day is not None and day - episode.start <= HORIZON


def is_completed_in_horizon(episode: Episode, definition: str) -> bool:
    return episode.category(definition) == "completed" and is_in_horizon(episode, episode.end)


# --- The team's own measures (project/measures.toml) ------------------------------------------------

Treated = list[tuple[Pathway, Episode]]
FOUR_WEEKS = timedelta(days=28)
BOOKED = {"2", "3", "4", "5", "6", "7"}


def is_within(later: date | None, earlier: date) -> bool:
    """Up to 28 days later."""
    return later is not None and later - earlier <= FOUR_WEEKS


def block_end_measures(ended: Treated) -> dict[str, Triple]:
    """Second sessions, and how people were, by the month LI ended."""
    twice = [e for _, e in ended if e.n_li >= 2]
    results = {"wait_to_second": share(sum(is_within(e.sessions[1], e.start) for e in twice), len(twice))}
    for group, exits in (("completers", {"completed"}), ("leavers", {"dropped_out", "declined"})):
        paired = [judge(p) for p, e in ended if e.category(TEAM_CHOICE) in exits and paired_scores(p)]
        cases = [outcome for outcome in paired if not outcome.not_at_caseness]
        results[f"improvement_{group}"] = share(sum(o.improved for o in paired), len(paired))
        results[f"recovery_{group}"] = share(sum(o.recovered and o.improved for o in cases), len(cases))
    return results


def block_start_measures(started: Treated, as_at: date) -> dict[str, Triple]:
    """The second session and the wait for the first, by the month LI began."""
    judged = []
    for _, episode in started:
        died = episode.end_code in DECEASED and is_within(episode.discharge, episode.start)
        if as_at - episode.start >= FOUR_WEEKS and not died and not is_within(episode.step_up, episode.start):
            judged.append(episode)
    came = [e for e in judged if e.n_li >= 2 and is_within(e.sessions[1], e.start)]
    assessed = [(p.first_assessment, e) for p, e in started if p.first_assessment and p.first_assessment <= e.start]
    return {
        "second_contact": share(len(came), len(judged)),
        "wait_to_first": share(sum(is_within(e.start, day) for day, e in assessed), len(assessed)),
    }


def is_booking(contact: Contact, episode: Episode) -> bool:
    """An appointment of the episode after the day it began and up to the day it ended, not known to be HI."""
    is_high = bool(contact.codes & HI_CODES) and not contact.codes & LI_CODES
    is_inside = contact.day > episode.start and (episode.end is None or contact.day <= episode.end)
    return contact.attendance in BOOKED and is_inside and not is_high


def booking_measures(treated: Treated, month: Month) -> dict[str, Triple]:
    booked = [c for p, e in treated for c in p.contacts if month.has(c.day) and is_booking(c, e)]
    codes = {"missed_appointments": "3", "patient_cancellations": "2", "provider_cancellations": "4"}
    return {name: share(sum(c.attendance == code for c in booked), len(booked)) for name, code in codes.items()}


def step_up_known(pathway: Pathway) -> date | None:
    """The day of the second of two HI contacts in a row after the first LI session."""
    items = episode_items(pathway)
    first = first_li_at(items)
    for at in range((first or 0) + 1, len(items) - 1):
        if items[at][1] == "HI" and items[at + 1][1] == "HI":
            return items[at + 1][0]
    return None


def idle_measures(treated: Treated, month: Month) -> dict[str, Triple]:
    """People in LI on the last day of the month, knowing only what had happened by then."""
    days = []
    for pathway, episode in treated:
        over = [day for day in (episode.discharge, step_up_known(pathway)) if day and day <= month.end]
        if episode.start <= month.end and not over:
            seen = [c.day for c in pathway.contacts if c.is_seen and c.day <= month.end]
            days.append((month.end - max(seen)).days)
    return {f"idle_{limit}": share(sum(n > limit for n in days), len(days)) for limit in (60, 120)}


# --- The answer -------------------------------------------------------------------------------------


def plain_results(folder: Path, as_at: date) -> dict[tuple[str, str, str], Triple]:
    """Every measure of every month: (measure_id, clock, "YYYY-MM") to numerator, denominator, value."""
    pathways = read_pathways(folder, as_at)
    treated = [(p, episode) for p in pathways if (episode := build_episode(p))]
    stepped_down = [day for p in pathways if (day := step_down_day(p))]
    results = {}
    for month in list_months(pathways, as_at):
        started = [(p, e) for p, e in treated if month.has(e.start)]
        ended = [(p, e) for p, e in treated if month.has(e.end)]
        began = [e for _, e in started]
        at_start = li_measures(began) | start_measures(began, as_at) | block_start_measures(started, as_at)
        at_start["li_step_down"] = count(sum(month.has(day) for day in stepped_down))
        by_clock = {
            "national": national_measures(pathways, month),
            "end": li_measures([e for _, e in ended]) | block_end_measures(ended),
            "start": at_start,
            "contact": booking_measures(treated, month),
            "month_end": idle_measures(treated, month),
        }
        for clock, measures in by_clock.items():
            for measure, triple in measures.items():
                results[measure, clock, f"{month.start:%Y-%m}"] = triple
    return results

"""A clean national extract in plain Python: small, drawn from a seed, and rich in ways a referral can go.

It shares nothing with the analysis or with its synthetic sample. Every referral follows one of SCENARIOS, a
word in which each letter is one event (see EVENTS). The extract is what a service would hold after fifteen
monthly submissions: a Primary file for each month and a Refresh for each but the last.
"""

import csv
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

Row = dict[str, str]
Tables = dict[str, list[Row]]
Writer = Callable[[Path, list[str], list[Row]], None]

FIRST_YEAR, FIRST_MONTH, N_MONTHS = 2021, 6, 15
AS_AT = date(2022, 8, 31)
CODE_CHANGE = date(2022, 3, 1)
EARLIER_CODE, LATER_CODE = "RWK4C", "RQY58"

SENT = ["UniqueSubmissionID", "Unique_MonthID", "File_Type"]
COLUMNS: dict[str, list[str]] = {
    "IDS000Header": ["DatSetVer", "OrgIDProv", "OrgIDSubmit", "PrimSystemInUse", "ReportingPeriodStartDate",
                     "ReportingPeriodEndDate", "DateTimeDatSetCreate", *SENT],
    "IDS001MPI": ["LocalPatientId", "NHSNumber", "PersonBirthDate", "Postcode", "Gender", "EthnicCategory",
                  "LanguageCodePreferred", "IndicesOfDeprivationDecile", "Person_ID", *SENT],
    "IDS101Referral": ["ServiceRequestId", "LocalPatientId", "OrgIDComm", "ReferralRequestReceivedDate",
                       "SourceOfReferralIAPT", "EndCode", "ServDischDate", "OrgIDProv", *SENT],
    "IDS201CareContact": ["CareContactId", "ServiceRequestId", "CareContDate", "CareContTime",
                          "PlannedCareContIndicator", "AttendOrDNACode", "ClinContDurOfCareCont", "AppType",
                          "ConsMechanism", "CareContPatientTherMode", "InterpreterPresentInd", *SENT],
    "IDS202CareActivity": ["CareActId", "CareContactId", "CarePersLocalId", "CodeProcAndProcStatus", *SENT],
    "IDS205InternetTherLog": ["ServiceRequestId", "StartDateIntEnabledTherLog", "EndDateIntEnabledTherLog",
                              "IntEnabledTherProg", "DurationIntEnabledTher", *SENT],
    "IDS606CodedScoreReferral": ["ServiceRequestId", "CodedAssToolType", "PersScore", "AssToolCompDate", *SENT],
    "IDS607CodedScoreActivity": ["CareActId", "CodedAssToolType", "PersScore", *SENT],
}  # fmt: skip
VERSION_20_HEADINGS = {"SourceOfReferralIAPT": "SourceOfReferralMH", "ConsMechanism": "ConsMediumUsed"}
VERSION_20_MEDIUMS = {"11": "03", "09": "06", "10": "08", "12": "98", "13": "98"}

LI = ("748051000000105", "748101000000105", "748041000000107", "748091000000102", "748061000000108",
      "702545008", "1026111000000108")  # fmt: skip
HI = ("1127281000000100", "1129471000000105", "842901000000108", "286711000000107", "314034001", "449030000",
      "933221000000107", "1026131000000100", "304891004", "228557008", "443730003")  # fmt: skip
SIGNPOSTING, POSTNATAL, SUPPORT = "975131000000104", "199314001", "1098051000000103"
PHQ9, GAD7 = "720433000", "445455005"
END_CODES = ("46", "47", "46", "14", "48", "46", "10", "11", "12", "13", "16", "17", "47", "95", "49", "96", "50",
             "46", "47", "", "99", "46")  # fmt: skip
SOURCES = ("B1", "A1", "B1", "A2", "A3", "A4", "B2", "C1", "C2", "C3", "D1", "D2", "E1", "E5", "F1", "G3", "G4",
           "H1", "I2", "M5", "M7", "N1", "N2", "N4", "P1", "Q1", "")  # fmt: skip
ETHNIC = ("A", "A", "B", "C", "D", "E", "F", "G", "H", "J", "K", "L", "M", "N", "P", "R", "S", "Z", "99", "")
MECHANISMS = ("01", "02", "04", "05", "09", "10", "11", "12", "13", "98", "02", "11", "")

# letter -> (appointment type, attendance, planned, therapies: L one LI, H one HI, or a code)
EVENTS: dict[str, tuple[str, str, str, str]] = {
    "a": ("01", "5", "Y", ""),  # assessment
    "t": ("03", "5", "Y", "L"),  # assessment and treatment, LI
    "T": ("03", "5", "Y", ""),  # assessment and treatment, nothing coded
    "l": ("02", "5", "Y", "L"),  # LI session
    "r": ("05", "6", "Y", "L"),  # review and treatment, late but seen
    "h": ("02", "5", "Y", "H"),
    "b": ("02", "5", "Y", "LH"),  # LI and HI on one contact
    "m": ("02", "5", "Y", "LL"),  # two LI therapies on one contact
    "e": ("10", "5", "Y", SUPPORT),  # employment support
    "E": ("02", "5", "Y", "L" + SUPPORT),
    "s": ("02", "5", "Y", SIGNPOSTING),
    "p": ("02", "5", "Y", POSTNATAL),
    "n": ("02", "5", "Y", ""),  # treatment, nothing coded
    "v": ("04", "5", "Y", ""),  # review only
    "u": ("02", "3", "N", "L"),  # not planned: counts as attended
    "U": ("02", "", "N", "L"),
    "d": ("02", "3", "Y", ""),
    "c": ("02", "2", "Y", ""),
    "k": ("02", "4", "Y", ""),
    "x": ("02", "7", "Y", ""),
    "7": ("07", "5", "Y", "L"),  # a valid type that is no treatment
    "f": ("06", "5", "Y", ""),  # follow-up after the discharge
    "g": ("", "", "", ""),  # a log of an internet-enabled programme
}
SCENARIOS = (
    "", "d", "cd", "a", "T", "t", "ad", "tl", "al", "tll", "allll", "tllll", "tlllll", "tllllll", "tllllllll",
    "tldlcl", "tlxlkll", "thhhhh", "ahhhhhhh", "tllhh", "tllhnhl", "tlhlhl", "htll", "hllhl", "thhll", "ahhhlll",
    "tbl", "tbhl", "lbbhh", "teel", "tlEl", "taes", "tuul", "tUl", "uu", "tggg", "gg", "tlggl", "tllgghh", "tpll",
    "tssl", "trl", "trrrrr", "tvll", "llf", "tllllff", "nnn", "tnn", "tmm", "7lll", "lhhll", "tlllhhh", "ahlllll",
    "hhh", "hlh", "l", "aldd", "lllllll", "ahhllhh", "tllphh",
)  # fmt: skip


@dataclass
class Visit:
    """One contact as it truly was, with how its Primary file told it."""

    day: date
    time: str
    letter: str
    attendance: str
    therapies: list[str]
    mechanism: str
    scores: dict[str, int]
    first_told: str = "same"  # same | absent | cancelled | other_therapy | primary_only


@dataclass
class Referral:
    """One request for help under one code of the service."""

    referral_id: str
    patient_id: str
    provider: str
    received: date
    source: str
    discharge: date | None
    end_code: str
    first_month: int
    last_month: int
    is_told_late: bool = False
    visits: list[Visit] = field(default_factory=list)
    logs: list[tuple[date, date, str]] = field(default_factory=list)
    scores: list[tuple[date, str, int]] = field(default_factory=list)


def month_number(day: date) -> int:
    """0 for the first month of the extract."""
    return (day.year - FIRST_YEAR) * 12 + day.month - FIRST_MONTH


def month_start(number: int) -> date:
    index = FIRST_YEAR * 12 + FIRST_MONTH - 1 + number
    return date(index // 12, index % 12 + 1, 1)


def month_id(number: int) -> str:
    """Months counted from April 1900: July 2024 is 1492."""
    start = month_start(number)
    return str((start.year - 1900) * 12 + start.month - 3)


def build_nhs_number(number: int) -> str:
    """Ten digits with a right check digit, made from a running number."""
    for stem in range(400000000 + number * 11, 400000000 + number * 11 + 11):
        digits = [int(d) for d in str(stem)]
        check = 11 - sum(d * w for d, w in zip(digits, range(10, 1, -1), strict=True)) % 11
        if check % 11 != 10:
            return f"{stem}{check % 11}"
    raise AssertionError("eleven stems in a row have no check digit")


class Draw:
    """Draws the extract; the same seed gives the same tables."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.patients: dict[str, Row] = {}
        self.referrals: list[Referral] = []
        self.number = 0

    def pick(self, options: tuple[str, ...]) -> str:
        return self.random.choice(options)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def add_person(self, number: int, test: str = "") -> None:
        """A person, their patient identifiers and one to three referrals."""
        details = {
            "NHSNumber": f"999{number:07d}" if test == "nhs" else build_nhs_number(number),
            "PersonBirthDate": (date(1940, 1, 1) + timedelta(days=self.random.randrange(23_000))).isoformat(),
            "Postcode": "TW1 1AA",
            "Gender": self.pick(("1", "2", "2", "2", "9", "X", "")),
            "EthnicCategory": self.pick(ETHNIC),
            "LanguageCodePreferred": "en",
            "IndicesOfDeprivationDecile": str(self.random.randint(1, 10)),
            "Person_ID": f"P{number:05d}",
        }
        stem = {"zzz": "ZZZ", "test": "TEST"}.get(test, "")
        for code, letter in ((EARLIER_CODE, "L"), (LATER_CODE, "M")):
            local = f"{stem}{letter}{number:05d}"
            self.patients[local] = {"LocalPatientId": local, **details, "code": code}
        last_day = (AS_AT - month_start(0)).days
        for step in range(1 if test else self.random.choice((1, 1, 1, 1, 2, 3))):
            received = month_start(0) + timedelta(days=self.random.randrange(last_day))
            if all(r.received != received for r in self.referrals if r.patient_id[-5:] == f"{number:05d}"):
                self.add_referral(f"{stem}L{number:05d}", received, f"{number:05d}-{step}")

    def add_referral(self, patient_id: str, received: date, stem: str) -> None:
        """A referral along the next scenario, cut in two where the service's code changed."""
        word = SCENARIOS[self.number % len(SCENARIOS)]
        self.number += 1
        discharge, end_code, events = self.draw_course(word, received)
        whole = Referral(
            "R" + stem, patient_id, EARLIER_CODE, received, self.pick(SOURCES), discharge, end_code,
            month_number(received), N_MONTHS - 1, self.chance(0.15),
        )  # fmt: skip
        for day, letter in events:
            if letter == "g":
                whole.logs.append((day - timedelta(days=6), day, self.pick(("01", "02"))))
            else:
                whole.visits.append(self.draw_visit(day, letter, whole))
        self.add_times(whole.visits)
        if events and self.chance(0.4):
            for tool, top in ((PHQ9, 27), (GAD7, 21)):
                whole.scores.append((received, tool, self.random.randint(0, top)))
                if events[-1][0] > received:
                    whole.scores.append((events[-1][0], tool, self.random.randint(0, top)))
        if discharge is not None:
            whole.last_month = month_number(discharge)
        self.referrals += self.split(whole)

    def draw_course(self, word: str, received: date) -> tuple[date | None, str, list[tuple[date, str]]]:
        """(discharge or None, end code, dated events), all of it before the extract was taken."""
        day = received
        events = []
        for letter in word.replace("f", ""):
            same_day = bool(events) and letter != "g" and events[-1][1] != "g" and self.chance(0.05)
            gaps = (1, 5, 7, 7, 7, 14, 14, 21, 35, 100) if events else (0, 1, 3, 7, 14, 20, 32, 45, 62, 75, 95)
            day += timedelta(days=0 if same_day else self.random.choice(gaps))
            events.append((day, letter))
        end = day + timedelta(days=self.random.choice((0, 0, 3, 10, 30, 60)))
        is_open = end > AS_AT or self.chance(0.1)
        for letter in word[len(word.rstrip("f")) :] if not is_open else "":
            events.append((max(day, end) + timedelta(days=self.random.randint(20, 40)), letter))
            day = events[-1][0]
        events = [event for event in events if event[0] <= AS_AT]
        code = END_CODES[self.random.randrange(len(END_CODES))]
        return (None, "", events) if is_open else (end, code, events)

    def draw_visit(self, day: date, letter: str, referral: Referral) -> Visit:
        kinds = EVENTS[letter][3]
        therapies = [kinds.lstrip("LH")] if kinds.lstrip("LH") else []
        therapies += self.random.sample(LI, kinds.count("L")) + self.random.sample(HI, kinds.count("H"))
        scores = {}
        if therapies and self.chance(0.75):
            worst = max(3, 24 - 3 * len(referral.visits))
            tools = ((PHQ9, 27), (GAD7, 21)) if self.chance(0.8) else ((PHQ9, 27),)
            scores = {tool: min(top, self.random.randint(max(0, worst - 12), worst)) for tool, top in tools}
        told = "same"
        if month_number(day) < N_MONTHS - 1 and self.chance(0.25):
            told = self.pick(("absent", "cancelled", "other_therapy", "primary_only"))
        return Visit(day, "", letter, EVENTS[letter][1], therapies, self.pick(MECHANISMS), scores, told)

    def add_times(self, visits: list[Visit]) -> None:
        """Times rise within a day; a day with one visit may have none."""
        for at, visit in enumerate(visits):
            same = sum(other.day == visit.day for other in visits[:at])
            alone = sum(other.day == visit.day for other in visits) == 1
            visit.time = (
                "" if alone and self.chance(0.1) else f"{9 + same:02d}:{self.random.choice((0, 15, 30)):02d}:00"
            )

    def split(self, whole: Referral) -> list[Referral]:
        """The referral itself, or its two parts: under the later code with a new identifier from the change on."""
        if whole.received >= CODE_CHANGE:
            whole.provider, whole.patient_id = LATER_CODE, whole.patient_id.replace("L", "M")
            return [whole]
        if whole.discharge is not None and whole.discharge < CODE_CHANGE:
            return [whole]
        later = Referral(
            whole.referral_id.replace("R", "N"), whole.patient_id.replace("L", "M"), LATER_CODE, whole.received,
            whole.source, whole.discharge, whole.end_code, month_number(CODE_CHANGE), whole.last_month,
            whole.is_told_late, [v for v in whole.visits if v.day >= CODE_CHANGE],
            [log for log in whole.logs if log[1] >= CODE_CHANGE], [s for s in whole.scores if s[0] >= CODE_CHANGE],
        )  # fmt: skip
        whole.discharge, whole.end_code, whole.last_month = None, "", month_number(CODE_CHANGE) - 1
        whole.visits = [v for v in whole.visits if v.day < CODE_CHANGE]
        whole.logs = [log for log in whole.logs if log[1] < CODE_CHANGE]
        whole.scores = [score for score in whole.scores if score[0] < CODE_CHANGE]
        return [whole, later]


class Submissions:
    """Tells the draw month by month, as the service would have sent it."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.tables: Tables = {name: [] for name in COLUMNS}
        self.contact_ids = self.number_contacts()

    def number_contacts(self) -> dict[int, str]:
        """Contact numbers begin again every month, so each is used in many months."""
        numbers = [0] * N_MONTHS
        found = {}
        for referral in self.draw.referrals:
            for visit in referral.visits:
                numbers[month_number(visit.day)] += 1
                found[id(visit)] = f"{numbers[month_number(visit.day)]:05d}"
        return found

    def add(self, table: str, sent: Row, **values: str) -> None:
        row = {name: values.get(name, "") for name in COLUMNS[table] if name not in SENT}
        self.tables[table].append(row | {name: sent[name] for name in SENT})

    def send(self, month: int, file_type: str) -> None:
        sent = {
            "UniqueSubmissionID": f"{20_000 + month * 2 + (file_type == 'Refresh')}",
            "Unique_MonthID": month_id(month),
            "File_Type": file_type,
        }
        start, end = month_start(month), month_start(month + 1) - timedelta(days=1)
        code = EARLIER_CODE if start < CODE_CHANGE else LATER_CODE
        self.add(
            "IDS000Header", sent, DatSetVer="2.1", OrgIDProv=code, OrgIDSubmit=code, PrimSystemInUse="a system",
            ReportingPeriodStartDate=start.isoformat(), ReportingPeriodEndDate=end.isoformat(),
            DateTimeDatSetCreate=f"{end + timedelta(days=20)} 09:00:00",
        )  # fmt: skip
        for local, patient in self.draw.patients.items():
            if any(r.patient_id == local and r.first_month <= month <= r.last_month for r in self.draw.referrals):
                self.add("IDS001MPI", sent, **{k: v for k, v in patient.items() if k != "code"})
        for referral in self.draw.referrals:
            if referral.first_month <= month <= referral.last_month:
                self.send_referral(referral, month, sent)
            for visit in referral.visits:
                if month_number(visit.day) == month:
                    self.send_visit(referral, visit, sent)
            self.send_logs_and_scores(referral, month, sent)

    def send_referral(self, referral: Referral, month: int, sent: Row) -> None:
        """The discharge stands only in its month; a late one only in the Refresh, with another code before."""
        told = referral.discharge is not None and month_number(referral.discharge) == month
        late = told and referral.is_told_late and month < N_MONTHS - 1 and sent["File_Type"] == "Primary"
        hides = late and referral.referral_id[-1] == "0"
        self.add(
            "IDS101Referral", sent, ServiceRequestId=referral.referral_id, LocalPatientId=referral.patient_id,
            OrgIDComm="36L", ReferralRequestReceivedDate=referral.received.isoformat(),
            SourceOfReferralIAPT=referral.source, OrgIDProv=referral.provider,
            ServDischDate=referral.discharge.isoformat() if referral.discharge and told and not hides else "",
            EndCode="" if not told or hides else "95" if late else referral.end_code,
        )  # fmt: skip

    def send_visit(self, referral: Referral, visit: Visit, sent: Row) -> None:
        is_primary = sent["File_Type"] == "Primary"
        told = visit.first_told if is_primary else "same"
        if told == "absent" or (not is_primary and visit.first_told == "primary_only"):
            return
        number = self.contact_ids[id(visit)]
        kind, _, planned, _ = EVENTS[visit.letter]
        self.add(
            "IDS201CareContact", sent, CareContactId="C" + number, ServiceRequestId=referral.referral_id,
            CareContDate=visit.day.isoformat(), CareContTime=visit.time, PlannedCareContIndicator=planned,
            AttendOrDNACode="2" if told == "cancelled" else visit.attendance, ClinContDurOfCareCont="35",
            AppType=kind, ConsMechanism=visit.mechanism, CareContPatientTherMode="1", InterpreterPresentInd="4",
        )  # fmt: skip
        for step, therapy in enumerate(visit.therapies):
            other = LI[0] if therapy in HI else HI[0]
            self.add(
                "IDS202CareActivity", sent, CareActId=f"A{number}-{step}", CareContactId="C" + number,
                CarePersLocalId="W01", CodeProcAndProcStatus=other if told == "other_therapy" else therapy,
            )  # fmt: skip
        for tool, score in visit.scores.items():
            self.add(
                "IDS607CodedScoreActivity",
                sent,
                CareActId=f"A{number}-0",
                CodedAssToolType=tool,
                PersScore=str(score),
            )

    def send_logs_and_scores(self, referral: Referral, month: int, sent: Row) -> None:
        for start, end, programme in referral.logs:
            if month_number(end) == month:
                self.add(
                    "IDS205InternetTherLog", sent, ServiceRequestId=referral.referral_id,
                    StartDateIntEnabledTherLog=start.isoformat(), EndDateIntEnabledTherLog=end.isoformat(),
                    IntEnabledTherProg=programme, DurationIntEnabledTher="30",
                )  # fmt: skip
        for day, tool, score in referral.scores:
            if month_number(day) == month:
                self.add(
                    "IDS606CodedScoreReferral", sent, ServiceRequestId=referral.referral_id, CodedAssToolType=tool,
                    PersScore=str(score), AssToolCompDate=day.isoformat(),
                )  # fmt: skip


def build_clean_extract(seed: int = 1, people: int = 360) -> Tables:
    """table -> rows, every value text. `people` persons and nine test patients."""
    draw = Draw(seed)
    for number in range(people):
        draw.add_person(number)
    for number, test in enumerate(("zzz", "test", "nhs") * 3, start=people):
        draw.add_person(number, test)
    submissions = Submissions(draw)
    for month in range(N_MONTHS):
        submissions.send(month, "Primary")
        if month < N_MONTHS - 1:
            submissions.send(month, "Refresh")
    return submissions.tables


def copy_tables(tables: Tables) -> Tables:
    """A copy whose rows can be changed."""
    return {name: [dict(row) for row in rows] for name, rows in tables.items()}


def build_version_20(tables: Tables) -> Tables:
    """The same extract with the mediums of version 2.0; message boards and chat rooms become "other"."""
    older = copy_tables(tables)
    for row in older["IDS201CareContact"]:
        row["ConsMechanism"] = VERSION_20_MEDIUMS.get(row["ConsMechanism"], row["ConsMechanism"])
    return older


def list_columns(table: str, rows: list[Row]) -> list[str]:
    """The table's columns in order, then any that were added, without those taken away."""
    written = dict.fromkeys(name for row in rows for name in row)
    known = [name for name in COLUMNS[table] if name in written or not rows]
    return known + [name for name in written if name not in COLUMNS[table]]


def write_csv(path: Path, columns: list[str], rows: list[Row]) -> None:
    """One table as a plain CSV in UTF-8; `path` has no suffix."""
    with path.with_suffix(".csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([row.get(name, "") for name in columns] for row in rows)


def write_national(tables: Tables, folder: Path, *, names: str = "v2.1", writer: Writer = write_csv) -> dict[str, int]:
    """Write one file per table; names: v2.1 or v2.0 headings. Returns table -> number of rows written."""
    folder.mkdir(parents=True, exist_ok=True)
    older = VERSION_20_HEADINGS if names == "v2.0" else {}
    for table, rows in tables.items():
        columns = list_columns(table, rows)
        headed = [{older.get(name, name): value for name, value in row.items()} for row in rows] if older else rows
        writer(folder / table, [older.get(name, name) for name in columns], headed)
    return {table: len(rows) for table, rows in tables.items()}

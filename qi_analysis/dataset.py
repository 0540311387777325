"""The national data set as text files define it: tables and fields (definitions/tables.toml), and code lists.

The code lists are read from data/reference. Each says its width (for padding), its codes and the words that stand for
them. Nothing here guesses: a value that is neither a code nor a known label is INVALID.
"""

import csv
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto
from functools import cache
from pathlib import Path
from typing import Any

from qi_analysis.storage import DEFINITIONS, REFERENCE

LABELS = DEFINITIONS / "labels.csv"
INVALID = "invalid"
BLANKS = frozenset({"", "null", "n/a", "na", "*", "-", "--", "#n/a", "nan", "none", "unknown", "<null>", "nat"})
EMPLOYMENT_SUPPORT = "1098051000000103"  # never a treatment
SHEET_DIGITS = 15  # a spreadsheet keeps so many
PHQ9, GAD7 = "720433000", "445455005"
SCORE_MAXIMUM = {PHQ9: 27, GAD7: 21}
TABLES = DEFINITIONS / "tables.toml"


class Rule(StrEnum):
    """The rules of cleaning, in the order of definitions/cleaning_rules.csv, which says what each does and why."""

    BLANK_MARKER = auto()
    CODE_TIDIED = auto()
    LABEL_READ_AS_CODE = auto()
    CODE_INVALID = auto()
    THERAPY_DAMAGED = auto()
    DATE_DAY_FIRST = auto()
    DATE_EXCEL_SERIAL = auto()
    DATE_WITH_TIME = auto()
    DATE_TWO_DIGIT_YEAR = auto()
    DATE_SENTINEL = auto()
    DATE_COULD_BE_TWO_DAYS = auto()
    DATE_UNREADABLE = auto()
    NUMBER_UNREADABLE = auto()
    EXACT_DUPLICATE = auto()
    RESUBMITTED = auto()
    CONTACT_PER_ACTIVITY = auto()
    CONFLICTING_ROWS = auto()
    CONFLICTING_ATTENDANCE = auto()
    KEPT_FROM_PRIMARY = auto()
    PROVIDER_CODE_CHANGE = auto()
    CHAIN_JOINED = auto()
    NO_KEY = auto()
    NO_DATE = auto()
    REFERRAL_NOT_FOUND = auto()
    CONTACT_NOT_FOUND = auto()
    CONTACT_UNCLEAR = auto()
    TEST_PATIENT = auto()
    CONTACT_BEFORE_REFERRAL = auto()
    SCORE_OUT_OF_RANGE = auto()
    OTHER_QUESTIONNAIRE = auto()
    TOTAL_ROW = auto()
    BLANK_ROW = auto()
    REPEATED_HEADING = auto()
    WRONG_NUMBER_OF_FIELDS = auto()
    CONTACT_AFTER_DISCHARGE = auto()
    DISCHARGE_BEFORE_REFERRAL = auto()
    NOT_YET_DUE = auto()
    END_CODE_MISSING = auto()
    END_CODE_WITHOUT_DISCHARGE = auto()
    NO_ACTIVITY = auto()
    RECEIVED_BEFORE_PROGRAMME = auto()
    RECEIVED_AFTER_EXTRACT = auto()
    OVERLAPPING_REFERRALS = auto()
    RE_REFERRED = auto()
    STEPPED_FROM_OTHER_REFERRAL = auto()
    NHS_NUMBER_TIDIED = auto()
    NHS_NUMBER_CHECK_FAILED = auto()
    AGE_IMPLAUSIBLE = auto()
    GENDER_INVALID = auto()
    UNSEEN_TAKEN_OUT = auto()
    DATE_UNCLEAR = auto()
    MONTH_NOT_IN_HEADER = auto()
    TIME_UNREADABLE = auto()
    IDENTIFIER_DAMAGED = auto()
    SCORE_UNUSABLE = auto()
    ATTENDANCE_MISSING = auto()
    TYPE_MISSING = auto()
    PERSON_NOT_FOUND = auto()


# Code lists, and how a written value becomes a code.
@dataclass(frozen=True)
class CodeList:
    """One list: its codes (text), the width to pad to (0: strip leading zeros), and label -> code."""

    name: str
    codes: frozenset[str]
    width: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    open_ended: bool = False  # other codes are legal in the field and simply of no interest


def read_rows(path: Path) -> list[dict[str, str]]:
    """A reference CSV as text rows."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def is_blank(text: str) -> bool:
    """Whether a value is one of the closed list of markers for nothing."""
    return text.strip().casefold() in BLANKS


def plain_label(text: str) -> str:
    """A label as it is compared: case folded, spaces squeezed, dashes alike."""
    text = unicodedata.normalize("NFKC", text)
    return re.sub(r"\s+", " ", text.replace("\u2013", "-")).strip().casefold()


def _list(name: str, rows: Iterable[Mapping[str, str]], width: int = 0, **more: bool) -> CodeList:
    rows = list(rows)
    labels = {plain_label(row["name"]): row["code"] for row in rows if row.get("name")}
    labels |= {plain_label(r["label"]): r["code"] for r in read_rows(LABELS) if r["list"] == name}
    return CodeList(name, frozenset(row["code"] for row in rows), width, labels, **more)


def _therapies() -> list[dict[str, str]]:
    rows = read_rows(REFERENCE / "therapy_types.csv")
    snomed = [row for row in rows if row["scheme"] == "snomed"]
    used = set(old_therapy_codes().values())
    old = [r | {"code": f"v1.5:{r['code']}"} for r in rows if r["scheme"] == "v1.5_numeric"]
    return snomed + [row for row in old if row["code"] in used]


@cache
def read_code_lists() -> dict[str, CodeList]:
    """Every code list by its name in definitions/tables.toml."""
    other = read_rows(REFERENCE / "other_codes.csv")
    medium = read_rows(REFERENCE / "consultation_mediums.csv")
    end_codes = read_rows(REFERENCE / "end_codes.csv")
    tools = [{"code": r["snomed"], "name": r["tool"]} for r in read_rows(REFERENCE / "outcome_measures.csv")]
    deciles = [{"code": str(n), "name": ""} for n in range(1, 11)]

    def named(field_name: str) -> list[dict[str, str]]:
        return [row for row in other if row["field"] == field_name]

    lists = [
        _list("end_code", [r for r in end_codes if "v2" in r["scheme"]], 2),
        _list("attendance", read_rows(REFERENCE / "attendance_codes.csv")),
        _list("type", read_rows(REFERENCE / "appointment_types.csv"), 2),
        _list("medium", [r for r in medium if r["version"] == "v2.1"], 2),
        _list("medium_v20", [r for r in medium if r["version"] == "v2.0"], 2),
        _list("source", read_rows(REFERENCE / "referral_sources.csv")),
        _list("ethnicity", read_rows(REFERENCE / "ethnic_categories.csv")),
        _list("gender", named("Gender")),
        _list("planned", named("PlannedCareContIndicator")),
        _list("interpreter", named("InterpreterPresentInd")),
        _list("mode", named("CareContPatientTherMode")),
        _list("deprivation", deciles),
        _list("tool", tools, open_ended=True),
        _list("therapy", _therapies(), open_ended=True),
    ]
    return {one.name: one for one in lists}


@cache
def old_therapy_codes() -> dict[str, str]:
    """v1.5 two-digit therapy code -> the code used here (its SNOMED successor, or "v1.5:24")."""
    rows = read_rows(REFERENCE / "therapy_types.csv")
    new = {r["v15_code"]: r["code"] for r in rows[::-1] if r["scheme"] == "snomed" and r["v15_code"]}
    old = [row for row in rows if row["scheme"] == "v1.5_numeric"]
    same = {r["code"]: new.get(r["code"], f"v1.5:{r['code']}") for r in old}
    return same | {r["code"]: EMPLOYMENT_SUPPORT for r in old if r["is_treatment"] == "N"}


def _is_rounded(code: str, code_list: CodeList) -> bool:
    """A long code whose digits after the 15th became zeros in a spreadsheet."""
    head, tail = code[:SHEET_DIGITS], code[SHEET_DIGITS:]
    return bool(tail) and not tail.strip("0") and any(known.startswith(head) for known in code_list.codes)


def read_value(text: str, code_list: CodeList, own_labels: Mapping[str, str]) -> tuple[str | None, Rule | None]:
    """One written value -> (code, the cleaning rule that was applied or None).

    None for a blank; INVALID for a value that is neither a code nor a label of the list. For an open-ended
    list other codes are legal and come back as None with no rule.
    """
    own = own_labels.get(plain_label(text))
    if own is not None:
        return own, Rule.LABEL_READ_AS_CODE
    if is_blank(text):
        return None, Rule.BLANK_MARKER if text.strip() else None
    code = re.sub(r"\.0+$", "", text.strip().strip("'")).upper()
    if code_list.name == "therapy":
        if re.fullmatch(r"\d\.\d+E\+?\d+", code):
            return INVALID, Rule.THERAPY_DAMAGED
        if re.fullmatch(r"\d{1,2}", code):
            return INVALID, Rule.CODE_INVALID  # a v1.5 number in a field of SNOMED codes
        code = code.split(":")[0].strip() if code[:1].isdigit() else code.lower()
        if code not in code_list.codes and _is_rounded(code, code_list):
            return INVALID, Rule.THERAPY_DAMAGED
    elif code.isdigit():
        code = code.zfill(code_list.width) if code_list.width else (code.lstrip("0") or "0")
        code = code[-code_list.width :] if code_list.width and not code[: -code_list.width].strip("0") else code
    if code in code_list.codes:
        return code, None if code == text else Rule.CODE_TIDIED
    label = code_list.labels.get(plain_label(text))
    if label is not None:
        return label, Rule.LABEL_READ_AS_CODE
    return (None, None) if code_list.open_ended else (INVALID, Rule.CODE_INVALID)


# Tables and fields: what each is called, its kind and its code list.
@dataclass(frozen=True)
class Field:
    """One field of a table: its national headings, its kind and its code list."""

    headings: tuple[str, ...]
    kind: str
    list: str = ""
    required: bool = False


@cache
def read_table_fields() -> dict[str, dict[str, Field]]:
    """table -> field -> Field, with the submission fields in every national table."""
    text = tomllib.loads(TABLES.read_text(encoding="utf-8"))
    extra = _fields(text["submission"]["fields"])
    return {name: _fields(block["fields"]) | extra for name, block in text.items() if "national" in block}


@cache
def read_tables_text() -> dict[str, Any]:
    """definitions/tables.toml as it stands."""
    return tomllib.loads(TABLES.read_text(encoding="utf-8"))


def _fields(block: Mapping[str, Any]) -> dict[str, Field]:
    return {name: Field(**{**spec, "headings": tuple(spec["headings"])}) for name, spec in block.items()}


def find_field(name: str) -> Field:
    """The kind and code list of a field name, wherever it stands; local names included."""
    for fields in read_table_fields().values():
        if name in fields:
            return fields[name]
    if name.startswith("therapy_"):
        return find_field("therapy")
    return Field((), "date" if name == "updated_at" else "number")

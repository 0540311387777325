"""What a value of the record may be: numbers within reason, codes of their list, months that are months."""

from typing import Any

from qi_analysis.codes import read_code_lists
from qi_analysis.faults import Faults
from qi_analysis.settings import ColumnMap, Completion, LocalFile, Settings

LONGEST_TEXT = 200
SOME_WEEKS = (0, 520)
GROUPS = ("planned_end_codes", "drop_out_end_codes", "declined_end_codes", "deceased_end_codes", "unknown_end_codes")


def check_completion(place: str, completion: Completion, faults: Faults) -> None:
    """Numbers and end codes of completion.toml."""
    within = {
        "version": (completion.version, 1, 1000), "inactivity_days": (completion.inactivity_days, 1, 3650),
        "min_li_sessions_to_enter": (completion.min_li_sessions_to_enter, 1, 100),
        "highest_unknown_share": (completion.highest_unknown_share, 0, 1),
        "min_weeks": (completion.settled.min_weeks, *SOME_WEEKS),
        "fixed_horizon_weeks": (completion.settled.fixed_horizon_weeks, 1, SOME_WEEKS[1]),
        "min_closed_share": (completion.settled.min_closed_share, 0, 1),
        "re_referral_days": (completion.chains.re_referral_days, 0, 3650),
    }  # fmt: skip
    for name, (value, low, high) in within.items():
        _check_within(f"{place}, {name}", value, low, high, faults)
    _check_end_codes(place, completion, faults)


def _check_within(place: str, value: Any, low: float, high: float, faults: Faults) -> None:
    """A number from low to high; what is no number has been told."""
    if isinstance(value, (int, float)) and not low <= value <= high:
        faults.stop(place, f"this must lie between {low:g} and {high:g}.")


def _check_end_codes(place: str, completion: Completion, faults: Faults) -> None:
    seen: dict[str, str] = {}
    for name in GROUPS:
        codes = getattr(completion, name)
        if not isinstance(codes, tuple) or not all(isinstance(code, str) for code in codes):
            continue  # told already
        if not codes and name == "planned_end_codes":
            faults.stop(f"{place}, {name}", "no end code is planned. Name at least one.")
        for code in codes:
            if code not in read_code_lists()["end_code"].codes:
                faults.stop(
                    f"{place}, {name}", "one of these is no end code. The codes are in data/reference/end_codes.csv."
                )
            elif code in seen:
                faults.stop(f"{place}, {name}", f"end code {code} stands in {seen[code]} too. Keep it in one of them.")
            seen.setdefault(code, name)


def check_settings(settings: Settings, faults: Faults) -> None:
    """Numbers of [settings] in project.toml."""
    _check_within("project.toml, min_denominator", settings.min_denominator, 1, 1000, faults)
    _check_within("project.toml, time_limit_seconds", settings.time_limit_seconds, 10, 86_400, faults)


def check_title(title: str, faults: Faults) -> None:
    """The title is one short line of text."""
    if not title.strip():
        faults.stop("project.toml, title", "this is empty. Fill it in.")
    elif len(title) > LONGEST_TEXT or not title.isprintable():
        faults.stop("project.toml, title", f"this must be one line of text of up to {LONGEST_TEXT} letters.")


def check_texts(local: LocalFile, place: str, faults: Faults) -> bool:
    """Whether headings, date forms and file name of a local export are texts, and the name that of a file alone."""
    before = len(faults)
    if (
        not isinstance(local.file, str)
        or not 0 < len(local.file.strip()) <= LONGEST_TEXT
        or not local.file.isprintable()
    ):
        faults.stop(f"{place}] file", "this must be how the file's name begins, in quotation marks.")
    elif "/" in local.file or "\\" in local.file or local.file.startswith("."):
        faults.stop(f"{place}] file", "this must be the name of a file in data/raw, without a folder.")
    if not all(isinstance(name, str) for name in local.columns.values()):
        faults.stop(f"{place}.columns]", "each of our names must stand in quotation marks.")
    if not all(heading.strip() for heading in local.columns):
        faults.stop(f"{place}.columns]", "a heading is empty. Write the heading of your export.")
    return len(faults) == before


def check_extract_date(columns: ColumnMap, place: str, faults: Faults) -> None:
    """The day an export was made lies in the programme's time."""
    day = columns.extract_date
    if day is not None and hasattr(day, "year") and not 2008 <= day.year <= 2100:
        faults.stop(f"{place}, extract_date", "this must be a day from 2008 to 2100.")

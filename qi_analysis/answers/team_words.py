"""The team's own words as a page may show them: no personal detail, no small number of people, roles for names.

The record is typed by people. Whatever looks like a personal detail is left out and said to be; numbers of 1 to 7 people
become "fewer than 8", as a test on so few could tell who they are.
"""

import re
from collections.abc import Collection
from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from functools import cache
from typing import Any

from qi_analysis.disclosure.counts import LARGEST_HIDDEN, ROUND_TO, SMALLEST_BASE
from qi_analysis.phrases import describe_tenths
from qi_analysis.record.personal_details import find_details, looks_like_name
from qi_analysis.record.team import Cycle, Finding, Idea, TeamRecord

NOT_SHOWN = "(not shown: it may hold a personal detail)"
NO_ROLE = "a role that is not in team.toml"
SMALL = "[1-7]|one|two|three|four|five|six|seven"
PEOPLE = (
    "people|persons?|patients?|clients?|service[ -]users?|individuals?|women|men|adults?|carers?|cases|referrals?|starters"
    "|leavers|completers|episodes?|residents|students|staff members"
)
ONLY_ONE = re.compile(r"\b(only) (?:one|1) person\b", re.I)  # of the team: what hangs on one seat
FEW_PEOPLE = re.compile(rf"(?<![\d.,/-])\b(?:{SMALL}) ((?:[a-z'-]+ ){{0,2}}(?:{PEOPLE}))\b", re.I)
OUT_OF = re.compile(r"(?<![\d.,/-])\b(\d+) (?:out )?of (?:the |about |all )?(\d+)\b(?![.,/-]?\d|%)")
COUNT = re.compile(rf"(?<![\d.,/-])\b(\d+) ((?:[a-z'-]+ ){{0,2}}(?:{PEOPLE}))\b", re.I)
MARKUP = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|^ *#+ +|^ *\[[^\]]+\]: .*$|<(https?:[^>]*)>", re.M)
ROLES = {"role", "owner", "raised_by", "teller", "successor"}
PWP = re.compile(r"\bPWP(s?)\b")
SESSION = re.compile(r"\bsession(s?)\b")  # a word of the team's, not of the plain edition
INITIALS = re.compile(r"\bLI(?: CBT)?\b")
FEWER = f"fewer than {LARGEST_HIDDEN + 1}"
PLANNED_DAYS = 62  # a test that begins so soon after the review's month is told as planned
KINDS = {  # whose perspective a role brings: words of the role, the first that fits
    "service user or carer": ("service user", "carer", "patient", "lived experience", "expert by experience", "family"),
    "administrator": ("admin", "reception", "booking"),
    "analyst": ("analyst", "data", "informat"),
    "clinician": ("pwp", "practitioner", "therapist", "clinic", "nurse", "psycholog", "supervisor", "counsellor", "trainee"),
    "manager or coach": ("manager", "sponsor", "director", "lead", "coach", "chair", "head"),
}  # fmt: skip


@cache
def clean_words(text: str) -> str:
    """A text of the record (Markdown) as it may be shown: links and headings as plain words.

    A text that holds what looks like a personal detail is left out as a whole.
    """
    if find_details(text):
        return NOT_SHOWN
    return _spell(_hide_few(MARKUP.sub(_take_words, text).strip()))


def _spell(text: str) -> str:
    return PWP.sub(r"psychological wellbeing practitioner\1", text)


def _take_words(found: re.Match[str]) -> str:
    return str(found[1] or found[2] or "")


def _hide_few(text: str) -> str:
    text = ONLY_ONE.sub(r"\1 one role", text)
    return OUT_OF.sub(
        _hide_small, FEW_PEOPLE.sub(lambda found: f"{FEWER} {re.sub(r'persons?', 'people', found[1])}", text)
    )


def clean_plainly(text: str) -> str:
    """The same for the plain edition: shares in tens of people, counts of people rounded to 5, no initials of ours."""
    text = COUNT.sub(_round_count, OUT_OF.sub(_tell_tenths, clean_words(text)))
    return SESSION.sub(r"appointment\1", INITIALS.sub("Low Intensity CBT", text))


def _round_count(found: re.Match[str]) -> str:
    number = int(found[1])
    return (
        found[0] if number % ROUND_TO == 0 or number <= LARGEST_HIDDEN + 1 else f"about {_nearest(number)} {found[2]}"
    )


def _nearest(number: int) -> int:
    return ROUND_TO * round(number / ROUND_TO)


def _tell_tenths(found: re.Match[str]) -> str:
    top, bottom = int(found[1]), int(found[2])
    if top > bottom or bottom < SMALLEST_BASE:
        return "some of them" if bottom > LARGEST_HIDDEN else found[0]
    return describe_tenths(top, bottom).removesuffix(" of the")


def _hide_small(found: re.Match[str]) -> str:
    """ "3 of 40" as "few of 40" and "37 of 40" as "most of 40": neither side may be 1 to 7 in a group of more than 7."""
    top, bottom = int(found[1]), int(found[2])
    if bottom <= LARGEST_HIDDEN or top > bottom:
        return found[0]
    if 0 < top <= LARGEST_HIDDEN:
        return f"few of {bottom}"
    return f"most of {bottom}" if 0 < bottom - top <= LARGEST_HIDDEN else found[0]


def mark_tested(team: TeamRecord, day: date) -> TeamRecord:
    """The record with every idea whose test has begun by a day told as being tested, though its status still is "idea"."""
    begun = {cycle.idea for cycle in team.cycles if cycle.start <= day}
    drivers = tuple(
        replace(driver, ideas=tuple(_mark(idea, begun) for idea in driver.ideas)) for driver in team.drivers
    )
    return replace(team, drivers=drivers)


def _mark(idea: Idea, begun: Collection[str]) -> Idea:
    return replace(idea, status="testing") if idea.status == "idea" and idea.id in begun else idea


def protect_words(value: Any) -> Any:
    """A part of the record with numbers of 1 to 7 people hidden in every text, and no person's name where a role belongs."""
    if isinstance(value, str):
        return _spell(_hide_few(value))
    if isinstance(value, tuple):
        return tuple(protect_words(one) for one in value)
    if not is_dataclass(value) or isinstance(value, type | Finding):
        return value
    told = {one.name: getattr(value, one.name) for one in fields(value)}
    roles = {name: NO_ROLE for name in ROLES & told.keys() if looks_like_name(told[name])}
    return replace(value, **{name: protect_words(one) for name, one in told.items()} | roles)


def name_role(team: TeamRecord, written: str) -> str:
    """A role in words for an id, "" for none. What reads like a person's name is not shown."""
    found = team.team.find_role(written)
    if found is None:
        return NO_ROLE if looks_like_name(written) else clean_words(written)
    return NO_ROLE if looks_like_name(found.role) else clean_words(found.role)


def find_kind(role: str) -> str:
    """Whose perspective a role in words brings, such as "clinician"; a role that fits none is its own kind."""
    known = role.lower()
    return next((kind for kind, words in KINDS.items() if any(word in known for word in words)), known)


def list_cycles(cycles: Collection[Cycle], day: date) -> list[Cycle]:
    """The tests known as at a day in order of time: those begun, and those that begin within PLANNED_DAYS of it."""
    known = [cycle for cycle in cycles if cycle.start <= day + timedelta(days=PLANNED_DAYS)]
    return sorted(known, key=lambda cycle: (cycle.start, cycle.id))


def describe_state(cycle: Cycle, day: date) -> str:
    """planned, running or finished as at a day; a test that ended only later was running, whatever was decided then."""
    return "running" if cycle.start <= day and cycle.end and cycle.end > day else cycle.describe_state(day)

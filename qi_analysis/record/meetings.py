"""When the team meets: the words of team.toml as days, and as a calendar that any mail program can read."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.rrule import FR, MO, MONTHLY, SA, SU, TH, TU, WE, WEEKLY, rrule
from icalendar import Calendar, Event

from qi_analysis.record.new_entry import build_slug
from qi_analysis.record.team import Reviews

PLACE_IN_MONTH = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
WEEKDAYS = {"monday": MO, "tuesday": TU, "wednesday": WE, "thursday": TH, "friday": FR, "saturday": SA, "sunday": SU}
MEETS = re.compile(
    rf"(?:(?:the )?({'|'.join(PLACE_IN_MONTH)}) )?({'|'.join(WEEKDAYS)})s?(?: of (?:the|each|every) month)?(?:(?:,| at)? ?([01]?\d|2[0-3])[:.]([0-5]\d))?",
    re.IGNORECASE,
)
LENGTH = timedelta(hours=1)
MOST = 12  # meetings in one calendar
ZONE = "Europe/London"
STEPS = {"week": (WEEKLY, 1), "fortnight": (WEEKLY, 2), "month": (MONTHLY, 1), "quarter": (MONTHLY, 3)}


@dataclass(frozen=True)
class Rule:
    """What `meets` says: the place in the month ("first" to "last", "" for none), the weekday, the time when there is one."""

    nth: str
    weekday: str
    at: time | None


def read_meets(text: str) -> Rule | None:
    """The rule in words such as "third Tuesday 10:00" or "every Tuesday at 14:30"; None when no weekday is named."""
    found = MEETS.search(" ".join(text.split()))
    if found is None:
        return None
    at = time(int(found[3]), int(found[4])) if found[3] else None
    return Rule((found[1] or "").lower(), found[2].lower(), at)


def describe_meetings(reviews: Reviews) -> str:
    """When the team meets, in words: "every month, third Tuesday 10:00"."""
    return f"every {reviews.every}, {reviews.meets}" if reviews.meets else f"every {reviews.every}"


def list_meetings(reviews: Reviews, first: date) -> tuple[date, ...]:
    """The next 12 meetings: the one on `first`, whatever the rule says, then those of the rule after it.

    Only `first` when `meets` cannot be read, or has no place in the month for a monthly or quarterly meeting.
    """
    rule = read_meets(reviews.meets)
    if rule is None or reviews.every not in STEPS:
        return (first,)
    return (first, *islice((day for day in _follow(rule, reviews.every, first) if day > first), MOST - 1))


def find_usual(reviews: Reviews, day: date) -> date | None:
    """The day on or after `day` on which the team usually meets; None when `meets` cannot be read."""
    rule = read_meets(reviews.meets)
    return None if rule is None or reviews.every not in STEPS else next(_follow(rule, reviews.every, day), None)


def _follow(rule: Rule, every: str, start: date) -> Iterator[date]:
    frequency, step = STEPS[every]
    weekday = WEEKDAYS[rule.weekday]
    if frequency == MONTHLY:
        if not rule.nth:
            return
        weekday = weekday(PLACE_IN_MONTH[rule.nth])
    for moment in rrule(
        frequency, interval=step, byweekday=weekday, dtstart=datetime.combine(start, time()), count=MOST * 2
    ):
        yield moment.date()


def render_calendar(reviews: Reviews, title: str, first: date) -> str:
    """The calendar (RFC 5545) of the reviews from `first` on, and of the days on which the papers go out.

    It holds no person. The same record and day give the same bytes: ids come from title and day, the stamp from `first`.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//qi_analysis//reviews//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    rule, slug = read_meets(reviews.meets), build_slug(title)
    days = list_meetings(reviews, first)
    for day in days:
        at = rule.at if rule else None
        start = datetime.combine(day, at, ZoneInfo(ZONE)) if at else day
        words = {
            "summary": f"Review: {title}",
            "description": "Read the newest review first.",
            "location": reviews.join,
        }
        calendar.add_component(_build_event(f"{slug}-review-{day}", start, words, first))
        if reviews.papers_days_before:
            words = {"summary": f"Papers go out: {title}", "description": "Make the meeting page and send the papers."}
            before = day - timedelta(days=reviews.papers_days_before)
            calendar.add_component(_build_event(f"{slug}-papers-{day}", before, words, first))
    calendar.add_missing_timezones(date(first.year, 1, 1), date(days[-1].year + 1, 1, 1))
    return str(calendar.to_ical().decode("utf-8"))


def _build_event(name: str, start: date, words: Mapping[str, str], stamp: date) -> Event:
    event = Event()
    event.add("uid", name)
    event.add("dtstamp", datetime.combine(stamp, time(), ZoneInfo("UTC")))
    event.add("dtstart", start)
    event.add("dtend", start + (LENGTH if isinstance(start, datetime) else timedelta(days=1)))
    for key, text in words.items():
        if text:
            event.add(key, text)
    return event

"""Review periods, which are calendar months, and days as people write them in the record and as words."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from qi_analysis.errors import RecordProblem

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip
SHORT_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
ISO = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
DAY_FIRST = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4}|\d{2})")
NAMED = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[ -]([A-Za-z]{3,9})[ -](\d{4}|\d{2})")
TIME = re.compile(r"[T ]\d{1,2}:\d{2}(:\d{2})?$")
LOOKS_LIKE = re.compile(r"\d{1,4}[/.\-]\d{1,2}[/.\-]\d{1,4}")


@dataclass(frozen=True, order=True)
class Period:
    """One calendar month, such as August 2022 (`id` "2022-08"). Periods sort by time."""

    year: int
    month: int

    @property
    def id(self) -> str:
        """As in names of folders: 2022-08."""
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def start(self) -> date:
        """Its first day."""
        return date(self.year, self.month, 1)

    @property
    def end(self) -> date:
        """Its last day."""
        return self.plus(1).start - timedelta(days=1)

    @property
    def words(self) -> str:
        """As people say it: August 2022."""
        return f"{MONTHS[self.month - 1]} {self.year}"

    def plus(self, months: int) -> "Period":
        """The period so many months later (earlier when negative)."""
        index = self.year * 12 + self.month - 1 + months
        return Period(index // 12, index % 12 + 1)


def parse_period(text: str) -> Period:
    """Read "2022-08". Raises RecordProblem for anything else, without repeating it."""
    found = re.fullmatch(r"((?:19|20)\d\d)-(0[1-9]|1[0-2])", text)
    if not found:
        raise RecordProblem("The period is not a month. Write it as year and month, such as 2022-08.")
    return Period(int(found[1]), int(found[2]))


def period_of(day: date) -> Period:
    """The month a day lies in."""
    return Period(day.year, day.month)


def build_periods(first: Period, last: Period) -> list[Period]:
    """Every month from first to last, both included; empty when last comes before first."""
    months = (last.year - first.year) * 12 + last.month - first.month
    return [first.plus(step) for step in range(months + 1)]


def describe_day(day: date) -> str:
    """A day in words: 14 June 2022."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


# Days as people write them, and in short words.
def read_day(text: str) -> date | None:
    """A date as a spreadsheet or a person writes it, None for anything else.

    2022-06-14, 14/06/2022 (also with full stops, hyphens or two digits of the year) or 14 June 2022; the day always stands
    before the month. A time of day behind it is left out.
    """
    text = TIME.sub("", text.strip())
    if found := ISO.fullmatch(text):
        year, month, day = (int(part) for part in found.groups())
    elif found := DAY_FIRST.fullmatch(text):
        day, month, year = (int(part) for part in found.groups())
    elif (found := NAMED.fullmatch(text)) and found[2][:3].lower() in SHORT_MONTHS:
        day, month, year = int(found[1]), SHORT_MONTHS.index(found[2][:3].lower()) + 1, int(found[3])
    else:
        return None
    try:
        return date(year if year > 99 else 2000 + year, month, day)
    except ValueError:
        return None


def is_two_days(text: str) -> bool:
    """Whether a written date would be another day with the month first: 06/07/2022, not 06/06/2022 nor 14/06/2022."""
    found = DAY_FIRST.fullmatch(TIME.sub("", text.strip()))
    return found is not None and int(found[1]) <= 12 and int(found[2]) <= 12 and int(found[1]) != int(found[2])


def looks_like_day(text: str) -> bool:
    """Whether a text is meant as a date in figures, existing or not: 31/02/2022."""
    return LOOKS_LIKE.fullmatch(text.strip()) is not None


def plain_day(value: object) -> date | None:
    """The day of a date or of a date with a time; None for anything else."""
    return value.date() if isinstance(value, datetime) else value if isinstance(value, date) else None


def describe_day_short(day: date) -> str:
    """A day in short words: 4 Oct 2021."""
    return f"{day.day} {SHORT_MONTHS[day.month - 1].capitalize()} {day.year}"

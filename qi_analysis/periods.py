"""Review periods: calendar months, from text to dates and back to words."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from qi_analysis.errors import RecordProblem

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True, order=True)
class Period:
    """One calendar month, such as August 2022 (`id` "2022-08"). Periods sort by time."""

    year: int
    month: int

    @property
    def id(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def start(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def end(self) -> date:
        return self.plus(1).start - timedelta(days=1)

    @property
    def words(self) -> str:
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

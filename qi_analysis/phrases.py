"""Numbers and months in words, and a measure's own wording: the small parts every sentence is made of.

Counts always travel with their share; what is hidden or missing is said in words, never as a blank or a zero.
"""

from dataclasses import dataclass
from datetime import date
from math import floor, isnan

from qi_analysis.errors import RecordProblem
from qi_analysis.periods import period_of

HIDDEN = "hidden to protect privacy"
UNKNOWN = "we cannot tell"
DIRECTIONS = ("up", "down", "either")
UNITS = ("share", "number", "days", "count")


@dataclass(frozen=True)
class MeasureWords:
    """A measure's own wording. Raises RecordProblem for a wrong `good`, `unit` or `people`.

    name: what is measured, such as "People completing LI CBT"
    people: what follows "In June 2022, ", with {share} ("6 of every 10") or {value} in it
    higher, lower: a signal in each direction, as a chart title
    good: up, down or either
    better, worse: how the two verdicts open; ", and it is unlikely to be chance." follows
    unit: share (0 to 1), number (printed with one decimal), days or count
    """

    name: str
    people: str
    higher: str
    lower: str
    good: str = "up"
    better: str = "We are getting better"
    worse: str = "More people are leaving than usual"
    unit: str = "share"

    def __post_init__(self) -> None:
        if self.good not in DIRECTIONS:
            raise RecordProblem(f"Wording of {self.name}: good must be one of {', '.join(DIRECTIONS)}.")
        if self.unit not in UNITS:
            raise RecordProblem(f"Wording of {self.name}: unit must be one of {', '.join(UNITS)}.")
        if "{share}" not in self.people and "{value}" not in self.people:
            raise RecordProblem(f"Wording of {self.name}: people must hold {{share}} or {{value}}.")


LI_COMPLETION_WORDS = MeasureWords(
    name="People completing LI CBT",
    people="{share} people whose LI CBT ended had completed it",
    higher="More people than usual are completing LI CBT",
    lower="Fewer people than usual are completing LI CBT",
)


def describe_month(day: date) -> str:
    """The month of a day in words: June 2022."""
    return period_of(day).words


def describe_months(first: date, last: date) -> str:
    """A stretch of months: January to August 2022, November 2021 to May 2022, or one month."""
    start, end = describe_month(first), describe_month(last)
    if start == end:
        return end
    return f"{start.split()[0] if first.year == last.year else start} to {end}"


def calculate_nearest(number: float) -> int:
    """The nearest whole number; halves go up (a billionth short of a half counts as one)."""
    return floor(number + 0.5 + 1e-9)


def describe_tenths(numerator: float, denominator: float) -> str:
    """A share as "6 of every 10" (halves go up), never rounded to none or all; "we cannot tell" when missing.

    Nobody in the denominator counts as missing.
    """
    if isnan(numerator) or isnan(denominator) or denominator == 0:
        return UNKNOWN
    if numerator in (0, denominator):
        return "none of the" if numerator == 0 else "all of the"
    tenths = calculate_nearest(10 * numerator / denominator)
    if tenths == 0:
        return "fewer than 1 of every 10"
    return "more than 9 of every 10" if tenths == 10 else f"{tenths} of every 10"


def describe_share(numerator: float, denominator: float) -> str:
    """A share of people with its two counts: "6 of every 10 people (58 of 97)".

    "we cannot tell" when a count is missing or nobody was counted.
    """
    tenths = describe_tenths(numerator, denominator)
    return UNKNOWN if tenths == UNKNOWN else f"{tenths} people ({describe_counts(numerator, denominator)})"


def describe_counts(numerator: float, denominator: float) -> str:
    """Two counts: "58 of 97", thousands with a comma."""
    return f"{numerator:,.0f} of {denominator:,.0f}"


def describe_value(value: float, unit: str = "share") -> str:
    """A value in its unit: 60%, 4.3, 14 days or 1,250; halves go up; "we cannot tell" when missing."""
    if isnan(value):
        return UNKNOWN
    if unit == "share":
        return f"{calculate_nearest(100 * value)}%"
    if unit == "number":
        return f"{calculate_nearest(10 * value) / 10:.1f}"
    whole = f"{calculate_nearest(value):,}"
    return f"{whole} {'day' if whole == '1' else 'days'}" if unit == "days" else whole


def upper_first(text: str) -> str:
    """The text with its first letter large, the rest as it is."""
    return text[:1].upper() + text[1:]


def lower_first(text: str) -> str:
    """The text with its first letter small, unless it opens with initials such as LI."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]

"""What the packs of the team's record are built from, and the words they share: what is missing, dates, roles, tests."""

import re
from dataclasses import dataclass
from datetime import date

from qi_analysis.periods import MONTHS, describe_day
from qi_analysis.phrases import lower_first
from qi_analysis.release import Release
from qi_analysis.settings import Measure, Record
from qi_analysis.team_record_values import Cycle, Role, TeamRecord

# What is missing, and how to add it.
MISSING = {
    "target": (
        "The team has not set a target yet.",
        "Agree one at a review. Then write target and by into project/project.toml.",
    ),
    "review": ("No review has been published yet.", "Make one with: qi run latest"),
    "roles": (
        "The roles of the team are not written yet.",
        "Add one with: qi new role. They stand in project/team.toml.",
    ),
    "meets": (
        "It is not written when the team meets.",
        'Write meets = "third Tuesday 10:00" under [reviews] in project/team.toml.',
    ),
    "join": (
        "It is not written how to join.",
        "Write join and how to take part under [reviews] in project/team.toml.",
    ),
    "training": (
        "The steps of training are not written yet.",
        "Write training_ladder and its steps into project/team.toml.",
    ),
    "ideas": (
        "No idea for a change is written yet.",
        "Add one with: qi new idea. Ideas stand in project/drivers.toml.",
    ),
    "cycles": ("No test of change is written yet.", "Add one with: qi new cycle. Each test is a file in project/pdsa."),
    "actions": ("No action is written yet.", "Add one with: qi new action. Each is a line of project/actions.csv."),
    "decisions": (
        "No other decision is written yet.",
        "Write the date and what was decided into project/decisions.md, and why.",
    ),
    "handover": (
        "The team has written no notes of its own for a successor.",
        "Write project/handover.md. What do you know that stands nowhere else?",
    ),
    "stories": (
        "There is no story that may be shown here.",
        "Ask someone for theirs, and for consent. Add it with: qi new story",
    ),
    "feedback": ("No feedback is written yet.", "Write what readers said, and what you did, into project/feedback.csv."),
}  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SHORT = "LI is Low Intensity. CBT is cognitive behavioural therapy, a talking therapy. QI is quality improvement."
TRIED = "We tried this and it did not help."


@dataclass(frozen=True)
class Sources:
    """Everything a pack may use.

    release: the protected figures of the newest published review, None when there is none. review: where its page is,
    such as "2022-08/completion_review.html" below reports/. pages: the questions it answers. day: the day the pack is for.
    """

    record: Record
    team: TeamRecord
    day: date
    release: Release | None = None
    review: str = ""
    pages: tuple[str, ...] = ()

    @property
    def is_synthetic(self) -> bool:
        """Whether something in the pack is made up: its figures or the example record."""
        return self.team.is_example or (self.release is not None and self.release.facts["data_kind"] != "service")

    @property
    def measure(self) -> Measure:
        """The measure of the aim."""
        return next(one for one in self.record.measures if one.id == self.record.aim.measure)

    @property
    def current_roles(self) -> tuple[Role, ...]:
        """The roles that have not ended by the day."""
        return tuple(role for role in self.team.team.roles if role.until is None or role.until >= self.day)


def describe_missing(part: str) -> str:
    """What is missing and how to add it, in two sentences."""
    return " ".join(MISSING[part])


def describe_span(cycle: Cycle) -> str:
    """When a test runs: "4 October 2021 to 29 October 2021", "from 4 October 2021" while its end is not known."""
    start = describe_day(cycle.start)
    return f"{start} to {describe_day(cycle.end)}" if cycle.end is not None else f"from {start}"


def describe_test(cycle: Cycle) -> str:
    """A test in one line: its title, when, and at what scale."""
    scale = f", {cycle.scale}" if cycle.scale else ""
    return f"{cycle.title} ({describe_span(cycle)}{scale})"


def describe_failed(cycle: Cycle) -> str:
    """What a test that was given up has taught: "We tried this and it did not help. We learned that ..." """
    learned = " ".join(cycle.study.split("\n\n")[0].split())
    if not learned:
        return f"{TRIED} What we learned is not written yet. One sentence under Study is enough."
    if "we learned" in learned.lower():
        return learned if "did not help" in learned else f"{TRIED} {learned}"
    return f"{TRIED} We learned that {_continue(learned)}"


def _continue(sentence: str) -> str:
    """A sentence that goes on after "that": its first letter small unless it opens with a name or with Markdown."""
    opening = re.match(r"[A-Za-z]+", sentence)
    return sentence if not opening or opening[0] in (*MONTHS, *WEEKDAYS, "I") else lower_first(sentence)


def choose_cycles(sources: Sources, *states: str) -> tuple[Cycle, ...]:
    """The tests in one of the states (planned, running, finished) as at the day, in the order of the record."""
    return tuple(cycle for cycle in sources.team.cycles if cycle.describe_state(sources.day) in states)

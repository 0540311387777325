"""The values that the team's own record becomes: frozen, with the meaning of each; and which stories may be shown.

read_team.py reads them from project/. Every part is optional: what the team has not written is an empty tuple or an empty
text, never an error. `place` says where something stands, as a sentence names it: "pdsa/01", "actions.csv, row 3".
"""

import re
from dataclasses import dataclass, field
from datetime import date

STOP, WARN, NOTE = "STOP", "WARN", "NOTE"
LEVELS = (STOP, WARN, NOTE)
IDEA_STATUS = ("idea", "testing", "adopted", "adapted", "abandoned")
DECISIONS = ("adopt", "adapt", "abandon", "running")
ACTION_STATUS = ("open", "doing", "done", "dropped")
CONSENTS = ("none", "team", "plain")
EVERY = ("week", "fortnight", "month", "quarter")
EDITIONS = ("team", "plain", "analyst")
JOBS = ("lead", "report")
SHOWN_IN = {"team": ("team", "plain"), "analyst": ("team", "plain"), "plain": ("plain",)}


@dataclass(frozen=True)
class Finding:
    """One thing to tell about the record.

    level: STOP (no report), WARN (report made, told on page 13), NOTE (told to the editor only). place: the file with its
    line or part, such as "drivers.toml, line 6". message: the whole sentence for a person, the place in it where it helps.
    """

    level: str
    place: str
    message: str


@dataclass(frozen=True)
class Role:
    """One seat in the team: a role, never a person's name. does: the jobs it can do, of JOBS ("lead", "report")."""

    id: str
    role: str
    since: date | None = None
    until: date | None = None
    successor: str = ""
    channel: str = ""
    training: tuple[str, ...] = ()
    does: tuple[str, ...] = field(default=(), metadata={"choices": JOBS})
    place: str = ""

    @property
    def short(self) -> str:
        """The role without what stands in brackets: "project lead" of "project lead (PWP)"."""
        return self.role.partition(" (")[0]

    def can(self, job: str) -> bool:
        """Whether it does a job of JOBS: as `does` says, else by the words of the role."""
        words = {"lead": ("lead", "manager"), "report": ("analyst", "data", "report")}
        return job in self.does or (not self.does and any(word in self.role.lower() for word in words.get(job, ())))


@dataclass(frozen=True)
class Reviews:
    """How often the team meets over the report, when (in words), how many days before it the papers go out, how to join."""

    every: str = field(default="month", metadata={"choices": EVERY})
    meets: str = ""
    papers_days_before: int = 0
    join: str = ""


@dataclass(frozen=True)
class Team:
    """team.toml: the roles, the steps of training in order, the reviews."""

    roles: tuple[Role, ...] = ()
    training_ladder: tuple[str, ...] = ()
    reviews: Reviews = Reviews()

    def find_role(self, role_id: str) -> Role | None:
        """The role of an id; None when there is none."""
        return next((role for role in self.roles if role.id == role_id), None)

    def name_role(self, role_id: str) -> str:
        """What a reader is shown for an id: the role in words, else the id as it was written."""
        found = self.find_role(role_id)
        return found.role if found else role_id


@dataclass(frozen=True)
class Idea:
    """A change idea. raised_by: a role id. measures: ids of measures.toml that would show it. status: of IDEA_STATUS."""

    id: str
    idea: str
    raised_by: str = ""
    status: str = field(default="idea", metadata={"choices": IDEA_STATUS})
    measures: tuple[str, ...] = ()
    note: str = ""
    place: str = ""


@dataclass(frozen=True)
class Driver:
    """What has to be true for the aim to be met, and the ideas for it."""

    driver: str
    ideas: tuple[Idea, ...] = ()


@dataclass(frozen=True)
class Predicted:
    """A prediction in numbers, so that a report can compare: shares from 0 to 1, or numbers."""

    measure: str
    from_: float
    to: float


@dataclass(frozen=True)
class Cycle:
    """One test of an idea: pdsa/*.md. end: None while nobody knows. plan, do, study, act: Markdown, "" while empty.

    file: its name without folder. The measures' ids are those of measures.toml; owner is a role id; decision of DECISIONS.
    """

    id: str
    title: str
    start: date
    end: date | None = None
    idea: str = ""
    scale: str = ""
    measures: tuple[str, ...] = ()
    prediction: str = ""
    predicted: Predicted | None = None
    owner: str = ""
    decision: str = field(default="running", metadata={"choices": DECISIONS})
    plan: str = ""
    do: str = ""
    study: str = ""
    act: str = ""
    file: str = ""
    place: str = ""

    def describe_state(self, day: date) -> str:
        """planned, running or finished as at a day: finished once its end has passed or it has a decision."""
        if self.start > day:
            return "planned"
        return "finished" if self.decision != "running" or (self.end is not None and self.end < day) else "running"

    @property
    def people(self) -> int | None:
        """How many people the test is on: the number before "people" in its scale; None where there is none."""
        found = re.search(r"(\d+)\s+(?:people|persons?|patients?|service users?|clients?)\b", self.scale)
        return int(found[1]) if found else None


@dataclass(frozen=True)
class Story:
    """A story of a service user or member of staff: stories/*.md. teller is a role in words, about holds ids of cycles.

    consent: none, team (team and analyst editions) or plain (every edition). has_personal_detail: the text holds something
    like a phone number. Which may be shown is for list_stories alone to say.
    """

    day: date = field(metadata={"key": "date"})
    teller: str
    text: str
    consent: str = field(default="none", metadata={"choices": CONSENTS})
    consent_on: date | None = None
    consent_ends: date | None = None
    about: tuple[str, ...] = ()
    file: str = ""
    has_personal_detail: bool = False
    place: str = ""


@dataclass(frozen=True)
class Action:
    """A row of actions.csv. owner: a role id. raised_at: the review it was raised at, as written. status: ACTION_STATUS."""

    id: str
    action: str
    owner: str = ""
    due: date | None = None
    status: str = "open"
    done_on: date | None = None
    raised_at: str = ""
    note: str = ""
    place: str = ""

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do it."""
        return self.status in ("open", "doing")


@dataclass(frozen=True)
class Feedback:
    """A row of feedback.csv: what a reader thought of an edition, and what the team did about it."""

    day: date
    edition: str = ""
    useful: int | None = None
    clear: int | None = None
    comment: str = ""
    what_we_did: str = ""


@dataclass(frozen=True)
class DecisionNote:
    """A dated heading of decisions.md and the text under it (Markdown)."""

    day: date
    title: str
    text: str = ""


@dataclass(frozen=True)
class TeamRecord:
    """Everything the team has written beside project.toml, completion.toml, measures.toml and events.csv.

    handover: the text of handover.md (Markdown). is_example: this is the example that is shipped, not the team's; whatever
    shows it must say so. findings: what is to be told about it, STOP first.
    """

    team: Team = Team()
    drivers: tuple[Driver, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    stories: tuple[Story, ...] = ()
    actions: tuple[Action, ...] = ()
    feedback: tuple[Feedback, ...] = ()
    decisions: tuple[DecisionNote, ...] = ()
    handover: str = ""
    is_example: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def ideas(self) -> tuple[Idea, ...]:
        """The ideas of every driver, in the order of the file."""
        return tuple(idea for driver in self.drivers for idea in driver.ideas)


# Which stories may be shown: the one judgement that every page and pack asks.
def list_stories(record: TeamRecord, edition: str, as_at: date, today: date | None = None) -> tuple[Story, ...]:
    """The stories that may be shown in an edition (team, plain, analyst) of the review as at a day, newest first.

    A story needs a consent for that edition, given and not ended by the later of the two days: an old review that is made
    again must not show a story whose consent has ended since. One without a date of consent or of its end is never shown,
    nor one that holds a personal detail, nor one told after `as_at`. Any other edition: none. `today`: the clock's.
    """
    wanted, day = SHOWN_IN.get(edition, ()), max(as_at, today or date.today())
    shown = [
        story
        for story in record.stories
        if story.consent in wanted
        and not story.has_personal_detail
        and story.day <= as_at
        and story.consent_on is not None
        and story.consent_ends is not None
        and story.consent_on <= day <= story.consent_ends
    ]
    return tuple(sorted(shown, key=lambda story: story.day, reverse=True))

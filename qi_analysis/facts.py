"""The facts of a release: one frozen class for each page or question, so that a misspelt fact is found before a page is made.

They hold words and settings for pages, never a row or a small count. Field by field they are what facts.json holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

Texts = tuple[str, ...]


@dataclass(frozen=True)
class MeasureFacts:
    """The aim's measure, from its block."""

    id: str
    name: str
    why: str
    plain: str
    chart: str


@dataclass(frozen=True)
class PhaseFacts:
    """A phase of the record: a date as it is and in words, and the reason."""

    on: str
    words: str
    reason: str


@dataclass(frozen=True)
class EventFacts:
    """An event of the record with its letter on charts."""

    on: str
    letter: str
    what: str
    could_affect: str


@dataclass(frozen=True)
class DefinitionFacts:
    """The definition of "completed" in use."""

    version: int
    agreed_words: str
    reason: str
    choice: str
    name: str


@dataclass(frozen=True)
class SettledFacts:
    """When a month of starters is settled."""

    min_weeks: int
    min_closed_share: float
    fixed_horizon_weeks: int


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The settings and dates of a review, as words where they are printed."""

    period: str
    period_words: str
    as_at_words: str
    data_date: str
    data_date_words: str
    data_kind: Literal["synthetic", "service"]
    project: str
    started_words: str
    population: str
    direction: str
    target: float | None
    target_by_words: str
    examples: tuple[Mapping[str, Any], ...]  # as the team writes them in measures.toml
    rules: str
    min_denominator: int
    protection: str
    definition: DefinitionFacts
    settled_rule: SettledFacts
    highest_unknown_share: float


@dataclass(frozen=True)
class VerdictFacts:
    """The state by name, its sentence and the reasons."""

    state: str
    sentence: str
    reasons: Texts


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The sentences of the headline: the verdict from the true numbers, the rest from the released ones."""

    verdict: VerdictFacts
    people_sentence: str
    target_sentence: str
    chart_title: str
    chart_alt: str


@dataclass(frozen=True)
class PlainFacts:
    """The sentences of the plain edition."""

    verdict: str
    people: str
    changed: str
    target: str
    question: str
    population: str
    chart_title: str
    chart_alt: str


@dataclass(frozen=True)
class OpenFacts:
    """People still in treatment, and those of them without a contact for so many days; None where hidden."""

    people: float | None
    idle: float | None
    days: int


@dataclass(frozen=True)
class RecordingFacts:
    """Has the way endings are recorded changed? See RecordingAlarm of answers/trust.py."""

    is_open: bool
    what: str
    watch: Texts


@dataclass(frozen=True)
class ChangeFacts:
    """The date that the page of leaving compares before and after."""

    on_words: str
    what: str
    window: int
    weeks: int
    is_early: bool
    completed_could_be_chance: bool
    left_early_could_be_chance: bool


@dataclass(frozen=True)
class LeavingFacts:
    """When do people leave? months: the first and the last settled one, nothing where there is none."""

    months: Texts
    n_months: int
    since_words: str
    last_words: str
    weeks: int
    change: ChangeFacts | None


@dataclass(frozen=True)
class ReasonsFacts:
    """Why do people leave? months: the first and the last."""

    months: tuple[str, str]


@dataclass(frozen=True)
class CharacteristicFacts:
    """What is told of one characteristic. state: compared, shown or missing; differs: None where it is not judged."""

    id: str
    name: str
    state: str
    differs: bool | None
    says: Texts


@dataclass(frozen=True)
class FairnessFacts:
    """Is it fair? months: the first and the last."""

    months: tuple[str, str]
    n_judged: int
    characteristics: tuple[CharacteristicFacts, ...]


@dataclass(frozen=True)
class ChartFacts:
    """One small chart of a process or balancing measure in words."""

    id: str
    name: str
    why: str
    plain: str
    good: str
    month_by: str
    statistic: str
    title: str
    reasons: Texts
    alt: str
    people: str


@dataclass(frozen=True)
class KindFacts:
    """The measures of one kind: those with a chart, and the names of the others."""

    charts: tuple[ChartFacts, ...]
    more: Texts


@dataclass(frozen=True)
class SuggestionFacts:
    """The chart in use of a measure, the one that would suit it, and phases that may be missing."""

    id: str
    name: str
    chart: str
    suggested: str
    reason: str
    phases: Texts


@dataclass(frozen=True)
class CheckFacts:
    """One check and how to pass it."""

    name: str
    passed: bool
    how: str


@dataclass(frozen=True)
class AimFacts:
    """The time left, and whether the aim can be measured."""

    weeks_left: str
    checks: tuple[CheckFacts, ...]


@dataclass(frozen=True)
class IdeaFacts:
    """An idea of the driver diagram with the ids of its tests."""

    id: str
    idea: str
    plain: str
    status: str
    raised_by: str
    tests: Texts


@dataclass(frozen=True)
class DriverFacts:
    """A driver with its ideas."""

    driver: str
    ideas: tuple[IdeaFacts, ...]


@dataclass(frozen=True)
class PerspectivesFacts:
    """rows: whose perspective, ideas raised, ideas tried. missing: perspectives on the team that raised none."""

    rows: tuple[tuple[str, int, int], ...]
    missing: Texts


@dataclass(frozen=True, kw_only=True)
class CycleFacts:
    """A test of change as it stood at the end of the month. state: planned, running or finished."""

    id: str
    number: int
    title: str
    plain_title: str
    state: str
    idea: str
    owner: str
    on: str
    start: str
    end: str
    scale: str
    prediction: str
    measures: Texts
    result: Texts
    learning: str
    plain_learning: str
    next: str
    decision: str


@dataclass(frozen=True)
class RampFacts:
    """The linked tests of one idea."""

    idea: str
    steps: Texts


@dataclass(frozen=True)
class StoryFacts:
    """A story with its teller's role and the tests it is about."""

    words: str
    teller: str
    about: str


@dataclass(frozen=True)
class ActionFacts:
    """An action; due and done are "" where there is no date."""

    id: str
    action: str
    owner: str
    due: str
    done: str
    state: str


@dataclass(frozen=True)
class ActionsFacts:
    """Who is doing what by when? any: whether the record holds an action at all."""

    due: tuple[ActionFacts, ...]
    late: tuple[ActionFacts, ...]
    done: tuple[ActionFacts, ...]
    later: tuple[ActionFacts, ...]
    undated: tuple[ActionFacts, ...]
    next_review: str
    any: bool


@dataclass(frozen=True)
class RoleFacts:
    """A role on the team; texts are "" where nothing is recorded."""

    role: str
    since: str
    until: str
    successor: str
    training: Texts


@dataclass(frozen=True)
class StepFacts:
    """A step of training with the roles that have done it and those that have not."""

    step: str
    done: Texts
    not_yet: Texts


@dataclass(frozen=True)
class ScoreFacts:
    """The progress score that the team has set, and when."""

    score: str
    on: str


@dataclass(frozen=True)
class EvidenceFacts:
    """A step of the progress score, what would show it, and whether the record does."""

    step: str
    what: str
    seen: bool


@dataclass(frozen=True)
class MethodFacts:
    """Are we working well as a QI team?"""

    checks: tuple[CheckFacts, ...]
    roles: tuple[RoleFacts, ...]
    ladder: tuple[StepFacts, ...]
    partnership: Texts
    score: ScoreFacts | None
    evidence: tuple[EvidenceFacts, ...]


@dataclass(frozen=True)
class FeedbackFacts:
    """You said, we did."""

    said: str
    did: str
    month: str
    edition: str


@dataclass(frozen=True)
class Snapshot:
    """The record as at the end of the month, by part: {id: status}. Ids and statuses only, for a manifest."""

    is_example: bool
    definitions: Mapping[str, str]
    roles: Mapping[str, str]
    ideas: Mapping[str, str]
    tests: Mapping[str, str]
    stories: Mapping[str, str]
    actions: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class TeamFacts:
    """Everything that the pages of the record show. stories: by edition, team or plain."""

    is_example: bool
    aim: AimFacts
    drivers: tuple[DriverFacts, ...]
    perspectives: PerspectivesFacts
    cycles: tuple[CycleFacts, ...]
    ramps: tuple[RampFacts, ...]
    stories: Mapping[str, tuple[StoryFacts, ...]]
    actions: ActionsFacts
    method: MethodFacts
    feedback: tuple[FeedbackFacts, ...]
    reply_to: str
    snapshot: Snapshot


@dataclass(frozen=True)
class NewFacts:
    """What is new since an earlier review, "" for the first one: moved figures, and sentences by part of the record."""

    since: str = ""
    figures: Texts = ()
    parts: Mapping[str, Texts] = field(default_factory=dict)


@dataclass(frozen=True)
class MadeFrom:
    """What a review was made from."""

    fingerprints: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""


@dataclass(frozen=True)
class ProxyWords:
    """What one chart of published figures shows: its title and alt text, and one text for each question.

    latest: the last 12 published months against the 12 before. comparator: against England.
    signal: what the rules find in the last 6 published months. project: before the project against after.
    """

    title: str
    alt: str
    means: str
    note: str
    latest: str
    comparator: str
    signal: str
    project: str
    code_change: str
    gaps: str

    @property
    def sentences(self) -> Texts:
        """The texts that are not empty, in the order of the page."""
        found = (self.means, self.latest, self.comparator, self.signal, self.project)
        return tuple(text for text in (*found, self.code_change, self.gaps, self.note) if text)


@dataclass(frozen=True, kw_only=True)
class ProxyFacts(ProxyWords):
    """The same with its id, how services differ, and the licence."""

    id: str
    spread: str
    licence: str


@dataclass(frozen=True, kw_only=True)
class StandingFacts:
    """The funnel of services of one year in words, and the kind of its limits."""

    year: str
    kind: str
    service: str
    title: str
    name: str
    alt: str
    sentences: Texts
    method: Texts
    means: str
    licence: str


@dataclass(frozen=True, kw_only=True)
class PublishedFacts:
    """The words of the published figures. standing: None without a funnel in benchmark.toml."""

    benchmark: tuple[ProxyFacts, ...] = ()
    standing: StandingFacts | None = None


@dataclass(frozen=True, kw_only=True)
class Marked:
    """What the marks of a chart come from."""

    measure: MeasureFacts
    events: tuple[EventFacts, ...]
    phases: tuple[PhaseFacts, ...]
    team: TeamFacts


@dataclass(frozen=True, kw_only=True)
class Facts(Terms, Headline, Marked, PublishedFacts):
    """All facts of one review. measure_charts: by kind, process or balancing. The last four are known once it is published."""

    left_out_months: Texts
    measure_charts: Mapping[str, KindFacts]
    settled_to: str
    open: OpenFacts
    recording: RecordingFacts
    time_to_signal: str
    false_alarms: str
    leaving: LeavingFacts
    reasons: ReasonsFacts
    fairness: FairnessFacts
    plain: PlainFacts
    suggestions: tuple[SuggestionFacts, ...]
    revision: int = 1
    moved: tuple[Texts, ...] = ()
    new: NewFacts = NewFacts()
    made_from: MadeFrom = MadeFrom()


@cache
def _read_hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def build_typed(kind: Any, value: Any) -> Any:
    """A value of JSON as what a type says: its own class where that is one of ours, lists as tuples.

    Raises TypeError, ValueError or KeyError for a field too few or too many.
    """
    origin, args = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _read_hints(kind)
        return kind(**{name: build_typed(hints[name], one) for name, one in value.items()})
    if origin is tuple:
        kinds = args[:1] * len(value) if args[-1] is ... else args
        return tuple(build_typed(one, part) for one, part in zip(kinds, value, strict=True))
    if origin is Mapping:
        return {name: build_typed(args[1], one) for name, one in value.items()}
    if origin is UnionType:
        return None if value is None else build_typed(args[0], value)
    return value

"""The values that the settings become: frozen, with the meaning of each. read_settings.py reads them from project/."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from qi_analysis.record.team import Finding

KINDS = ("outcome", "process", "balancing")
GOOD = ("up", "down", "either")
RULES = ("making_data_count", "anhoej", "ihi")
PROTECTION = ("team", "plain")
DATE_FORMS = ("ISO", "d/m/Y", "m/d/Y")  # of a column of a local export
DIRECTIONS = ("increase", "decrease")
EPISODE_RULES = ("li_first", "national_stage", "date_only", "last_therapy")
STEP_UP_RULES = ("two_consecutive_hi", "first_hi")
INTERNET_LOGS = ("separate", "li", "hi")
THERAPY_SCHEMES = ("snomed", "v1.5")


@dataclass(frozen=True)
class Definition:
    """One meaning of "completed": see project/completion.toml."""

    name: str
    planned_end: bool = False
    min_sessions: int = 0
    enough_sessions: int = 0
    min_treatment_contacts: int = 0


@dataclass(frozen=True)
class Settled:
    """When a month of LI starters is settled, and the fixed horizon, in weeks."""

    min_weeks: int = 26
    min_closed_share: float = 0.90
    fixed_horizon_weeks: int = 26


@dataclass(frozen=True)
class Chains:
    """Which chains of referrals are joined into one."""

    provider_code_change: bool = True
    re_referral_days: int = 0
    stepped_from_other_referral: bool = False


@dataclass(frozen=True)
class Completion:
    """project/completion.toml: every switch of the LI episode and of "completed"."""

    version: int
    agreed_on: date
    reason: str
    team_choice: str
    li_codes: tuple[str, ...]
    li_session_types: tuple[str, ...]
    count_assessment_treatment_as_session: bool
    internet_logs: str = field(metadata={"choices": INTERNET_LOGS})
    unplanned_contacts_count: bool
    episode_rule: str = field(metadata={"choices": EPISODE_RULES})
    min_li_sessions_to_enter: int
    step_up_rule: str = field(metadata={"choices": STEP_UP_RULES})
    inactivity_days: int
    planned_end_codes: tuple[str, ...]
    drop_out_end_codes: tuple[str, ...]
    declined_end_codes: tuple[str, ...]
    deceased_end_codes: tuple[str, ...]
    unknown_end_codes: tuple[str, ...]
    highest_unknown_share: float
    settled: Settled
    definitions: Mapping[str, Definition]
    chains: Chains


@dataclass(frozen=True)
class Aim:
    """What the team wants to change; target and date are empty until the team has agreed them."""

    measure: str
    population: str
    direction: str = field(metadata={"choices": DIRECTIONS})
    baseline: tuple[date, date] | None = None
    target: float | None = None
    by: date | None = None


@dataclass(frozen=True)
class Phase:
    """The limits start again at a date, for a reason."""

    from_: date
    reason: str


@dataclass(frozen=True)
class ServiceCode:
    """One code of the service and the days it was in use, both included."""

    code: str
    from_: date
    to: date | None = None

    @property
    def last(self) -> date:
        """The last of its days; the end of time while it is in use."""
        return self.to or date.max


@dataclass(frozen=True)
class Event:
    """Something dated that could explain a change on a chart."""

    date: date
    letter: str
    what: str
    could_affect: str


@dataclass(frozen=True)
class Measure:
    """One block of project/measures.toml. higher and lower: chart titles for a signal in each direction."""

    id: str
    name: str
    kind: str = field(metadata={"choices": KINDS})
    numerator: str
    denominator: str
    month_by: str
    good: str = field(metadata={"choices": GOOD})
    chart: str
    why: str
    plain: str
    owner: str
    review_on: date
    higher: str = ""
    lower: str = ""
    examples: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Settings:
    """[settings] of project.toml."""

    rules: str = field(default="making_data_count", metadata={"choices": RULES})
    min_denominator: int = 8
    protection: str = field(default="team", metadata={"choices": PROTECTION})
    time_limit_seconds: int = 600


@dataclass(frozen=True)
class LocalFile:
    """How one file of a local export is read."""

    file: str
    columns: Mapping[str, str]
    dates: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class ColumnMap:
    """project/columns.toml: a local export of two files."""

    referrals: LocalFile
    appointments: LocalFile
    extract_date: date | None = None
    therapy_scheme: str = field(default="snomed", metadata={"choices": THERAPY_SCHEMES})


@dataclass(frozen=True)
class Record:
    """Everything in project/ that a run needs. findings: what is to be told about it, none of which stops a run."""

    title: str
    started: date
    status: str
    aim: Aim
    scope: Mapping[str, str]
    settings: Settings
    phases: tuple[Phase, ...]
    service_codes: tuple[ServiceCode, ...]
    accepted_gaps: Mapping[str, str]
    completion: Completion
    measures: tuple[Measure, ...]
    events: tuple[Event, ...]
    columns: ColumnMap | None
    findings: tuple[Finding, ...] = ()

    @property
    def aim_measure(self) -> Measure:
        """The measure of the aim."""
        return next(one for one in self.measures if one.id == self.aim.measure)

"""The team's record and the settings, read once from project/ into frozen values.

All faults are listed together, each with file, place, what is wrong and what to do; unknown keys are refused
with the nearest known one. Nothing here looks at data.
"""

import csv
import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

from qi_analysis.errors import RecordProblem

RULES = ("making_data_count", "anhoej", "ihi")
EPISODE_RULES = ("li_first", "national_stage", "date_only", "last_therapy")


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
    internet_logs: str
    unplanned_contacts_count: bool
    episode_rule: str
    min_li_sessions_to_enter: int
    step_up_rule: str
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
    direction: str
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
    """One code of the service and the days it was in use."""

    code: str
    from_: date
    to: date | None = None


@dataclass(frozen=True)
class Event:
    """Something dated that could explain a change on a chart."""

    date: date
    letter: str
    what: str
    could_affect: str


@dataclass(frozen=True)
class Measure:
    """One block of project/measures.toml."""

    id: str
    name: str
    kind: str
    numerator: str
    denominator: str
    month_by: str
    good: str
    chart: str
    why: str
    plain: str
    owner: str
    review_on: date
    examples: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Settings:
    """[settings] of project.toml."""

    rules: str = "making_data_count"
    min_denominator: int = 8
    protection: str = "team"
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
    therapy_scheme: str = "snomed"


@dataclass(frozen=True)
class Record:
    """Everything in project/ that a run needs."""

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


class _Faults(list[str]):
    """The faults found so far, and the checks that add to them."""

    def known(self, place: str, given: Iterable[str], allowed: Iterable[str]) -> None:
        allowed = list(allowed)
        for key in given:
            if key not in allowed:
                near = difflib.get_close_matches(key, allowed, 1)
                hint = f"Did you mean {near[0]!r}?" if near else "Known here: " + ", ".join(sorted(allowed)) + "."
                self.append(f"{place}: {key!r} is not a key I know. {hint}")

    def one_of(self, place: str, value: Any, allowed: Iterable[str]) -> None:
        allowed = list(allowed)
        if value not in allowed:
            self.append(f"{place} must be one of {', '.join(allowed)}.")

    def build(self, kind: type, place: str, table: Any, **fixed: Any) -> Any:
        """A frozen value of `kind` from a TOML table; faults are added and None returned when it cannot be made."""
        if not isinstance(table, dict):
            self.append(f"{place}: this must be a table of keys and values.")
            return None
        slots = {f.name.rstrip("_"): f for f in fields(kind) if f.name not in fixed}
        self.known(place, table, slots)
        values = dict(fixed)
        for name, slot in slots.items():
            if name not in table:
                if slot.default is slot.default_factory:  # both MISSING
                    self.append(f"{place}: {name!r} is missing. Add the line.")
                continue
            value = table[name]
            if not _fits(value, str(slot.type)):
                self.append(f"{place}, {name}: {_wanted(str(slot.type))}")
            values[slot.name] = tuple(value) if isinstance(value, list) else value
        try:
            return kind(**values)
        except TypeError:
            return None


def _wanted(kind: str) -> str:
    words = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text in quotation marks"}
    if "tuple" in kind:
        return "this must be a list of texts in square brackets."
    if kind.startswith("datetime.date") or kind.startswith("<class 'datetime.date'") or "date" in kind:
        return "this must be a date such as 2022-06-14, without quotation marks."
    found = next((text for name, text in words.items() if name in kind), "another kind of value")
    return f"this must be {found}."


def _fits(value: Any, kind: str) -> bool:
    kind = kind.replace("<class '", "").replace("'>", "")
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind.startswith("float"):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "str":
        return isinstance(value, str)
    if "date" in kind and "tuple" not in kind:
        return isinstance(value, date) and not isinstance(value, datetime)
    if kind.startswith("tuple[str"):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return True


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file (UTF-8, with or without a byte-order mark). Raises RecordProblem with line and column."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as fault:
        place = str(fault).rpartition("(")[2].rstrip(")").removeprefix("at ")
        raise RecordProblem(
            f"{path.name}, {place}: I cannot read this. Text needs quotation marks at both ends, "
            "a key may stand only once, and a date must exist."
        ) from None
    except UnicodeDecodeError:
        raise RecordProblem(f"{path.name}: the file is not saved as UTF-8. Save it again with that encoding.") from None
    except OSError:
        raise RecordProblem(f"There is no {path.name} in the project folder. Copy it from the repository.") from None


def _read_completion(path: Path, faults: _Faults) -> Completion | None:
    table = read_toml(path)
    definitions = table.get("definitions", {})
    built = {
        name: faults.build(Definition, f"{path.name}, [definitions.{name}]", block) for name, block in definitions.items()
    }
    completion = faults.build(
        Completion,
        path.name,
        {key: value for key, value in table.items() if key not in ("settled", "definitions", "chains")},
        settled=faults.build(Settled, f"{path.name}, [settled]", table.get("settled", {})),
        chains=faults.build(Chains, f"{path.name}, [chains]", table.get("chains", {})),
        definitions=built,
    )
    if completion is not None:
        faults.one_of(f"{path.name}: team_choice", completion.team_choice, definitions)
        faults.one_of(f"{path.name}: internet_logs", completion.internet_logs, ("separate", "li", "hi"))
        faults.one_of(f"{path.name}: episode_rule", completion.episode_rule, EPISODE_RULES)
        faults.one_of(f"{path.name}: step_up_rule", completion.step_up_rule, ("two_consecutive_hi", "first_hi"))
    return completion


def _read_measures(path: Path, faults: _Faults) -> tuple[Measure, ...]:
    blocks = read_toml(path)
    measures = []
    for name, block in blocks.items():
        place = f"{path.name}, [{name}]"
        measure = faults.build(Measure, place, block, id=name)
        if measure is not None:
            faults.one_of(f"{place}: kind", measure.kind, ("outcome", "process", "balancing"))
            faults.one_of(f"{place}: month_by", measure.month_by, ("end", "start"))
            faults.one_of(f"{place}: good", measure.good, ("up", "down"))
            measures.append(measure)
    return tuple(measures)


def read_day(text: str) -> date | None:
    """A date in a CSV of the record: 2022-06-14 or 14/06/2022; None for anything else."""
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text.strip(), form).date()
        except ValueError:
            continue
    return None


def _read_events(path: Path, faults: _Faults) -> tuple[Event, ...]:
    if not path.exists():
        return ()
    rows = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines())
    events = []
    for number, row in enumerate(rows, start=2):
        day = read_day(row.get("date") or "")
        if day is None or None in row or any(row.get(k) is None for k in ("letter", "what", "could_affect")):
            faults.append(f"{path.name}, line {number}: a line needs date,letter,what,could_affect and a date that exists.")
        else:
            events.append(Event(day, row["letter"], row["what"], row["could_affect"]))
    return tuple(sorted(events, key=lambda event: event.date))


def _read_columns(path: Path, faults: _Faults) -> ColumnMap | None:
    if not path.exists():
        return None
    table = read_toml(path)
    faults.known(path.name, table, ("settings", "referrals", "appointments"))
    parts = {}
    for part in ("referrals", "appointments"):
        parts[part] = faults.build(LocalFile, f"{path.name}, [{part}]", table.get(part, {}))
        for name, form in (parts[part].dates.items() if parts[part] else ()):
            faults.one_of(f"{path.name}, [{part}.dates] {name}", form, ("ISO", "d/m/Y", "m/d/Y"))
    columns: ColumnMap | None = faults.build(ColumnMap, f"{path.name}, [settings]", table.get("settings", {}), **parts)
    if columns is not None:
        faults.one_of(f"{path.name}, therapy_scheme", columns.therapy_scheme, ("snomed", "v1.5"))
    return columns


def _read_aim(table: dict[str, Any], faults: _Faults) -> Aim | None:
    table = dict(table)
    baseline = table.pop("baseline", None)
    if baseline is not None:
        if not isinstance(baseline, dict) or not all(isinstance(baseline.get(k), date) for k in ("from", "to")):
            faults.append("project.toml, [aim] baseline: write { from = 2020-05-01, to = 2021-04-30 }.")
            baseline = None
        elif baseline["from"] > baseline["to"]:
            faults.append("project.toml, [aim] baseline: it ends before it begins. Swap the two dates.")
            baseline = None
        else:
            baseline = (baseline["from"], baseline["to"])
    aim: Aim | None = faults.build(Aim, "project.toml, [aim]", table, baseline=baseline)
    if aim is not None and isinstance(aim.target, (int, float)) and not 0 <= aim.target <= 1:
        faults.append(f"project.toml, target: write 70% as 0.70. You wrote {aim.target:g}.")
    return aim


def read_record(folder: Path) -> Record:
    """Read project/. Raises RecordProblem naming every fault at once, one to a line."""
    faults = _Faults()
    if not (folder / "project.toml").exists():
        raise RecordProblem(
            "There is no project.toml. Copy the template, fill in the title and start date, and run the check again."
        )
    table = read_toml(folder / "project.toml")
    top = ("title", "started", "status", "aim", "scope", "settings", "phases", "service_codes", "accepted_gaps")
    faults.known("project.toml", table, top)
    for name in ("title", "started", "aim"):
        if name not in table:
            faults.append(f"project.toml: {name!r} is missing. Add the line.")
    gaps = {str(gap.get("month")): str(gap.get("reason", "")) for gap in table.get("accepted_gaps", [])}
    aim = _read_aim(table.get("aim", {}), faults)
    settings = faults.build(Settings, "project.toml, [settings]", table.get("settings", {}))
    if settings is not None:
        faults.one_of("project.toml, rules", settings.rules, RULES)
        faults.one_of("project.toml, protection", settings.protection, ("team", "plain"))
    phases = [faults.build(Phase, "project.toml, [[phases]]", block) for block in table.get("phases", [])]
    codes = [faults.build(ServiceCode, "project.toml, [[service_codes]]", b) for b in table.get("service_codes", [])]
    completion = _read_completion(folder / "completion.toml", faults)
    measures = _read_measures(folder / "measures.toml", faults)
    events = _read_events(folder / "events.csv", faults)
    columns = _read_columns(folder / "columns.toml", faults)
    if aim is not None and aim.measure not in [measure.id for measure in measures]:
        near = difflib.get_close_matches(aim.measure, [measure.id for measure in measures], 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        faults.append(f"project.toml, aim: the measure {aim.measure!r} is not in measures.toml.{hint}")
    if faults or aim is None or completion is None or settings is None:
        raise RecordProblem("\n".join(faults))
    return Record(
        title=table["title"], started=table["started"], status=table.get("status", "testing"), aim=aim,
        scope=table.get("scope", {}), settings=settings, phases=tuple(phases), service_codes=tuple(codes),
        accepted_gaps=gaps, completion=completion, measures=measures, events=events, columns=columns,
    )  # fmt: skip

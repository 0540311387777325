"""The settings in project/ read once into frozen values: project, completion, measures, columns, events.

All faults are listed together, each with file, place, what is wrong and what to do; unknown keys are refused with the
nearest known one. Numbers must lie within reason, codes must be in their list, months must be months. Nothing here looks
at data.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from qi_analysis.dataset import find_field, old_therapy_codes, read_code_lists
from qi_analysis.errors import RecordProblem
from qi_analysis.periods import describe_day_short, plain_day
from qi_analysis.record.checks import check_aim, check_measure_ids, describe_share_wanted
from qi_analysis.record.files import Source, read_list, read_source
from qi_analysis.record.findings import PER_CENT, Faults, Place, describe_share
from qi_analysis.record.measure_blocks import MONTH_BY, check_examples_form, check_measure
from qi_analysis.record.read_team import check_order, check_team_record, read_team_record
from qi_analysis.record.settings import (
    DATE_FORMS,
    Aim,
    Chains,
    ColumnMap,
    Completion,
    Definition,
    Event,
    LocalFile,
    Measure,
    Phase,
    Record,
    ServiceCode,
    Settings,
    Settled,
)
from qi_analysis.record.team import STOP, Finding, TeamRecord

LONGEST_TEXT = 200
SOME_WEEKS = (0, 520)
GROUPS = ("planned_end_codes", "drop_out_end_codes", "declined_end_codes", "deceased_end_codes", "unknown_end_codes")
STATUS = ("planning", "testing", "implementing", "sustaining", "closed")
TOP = ("title", "started", "status", "aim", "scope", "settings", "phases", "service_codes", "accepted_gaps")
TEMPLATE = "There is no project.toml. Copy the template, fill in the title and start date, and run the check again."
NOT_THERE = "There is no {} in the project folder. Copy it from the repository."


# All settings at once.
@dataclass(frozen=True)
class Collected:
    """What could be read of the settings and what is to be told: the record is None when something stops it.

    charts: id of each block of measures.toml -> its chart, None when the file cannot be read. completion, measures: for the
    worked examples, which can be followed when these two are whole.
    """

    faults: Faults
    record: Record | None = None
    charts: Mapping[str, str] | None = None
    completion: Completion | None = None
    measures: tuple[Measure, ...] = ()
    events: tuple[Event, ...] = ()


def read_record(folder: Path | str) -> Record:
    """The settings in project/, read once into frozen values.

    Parameters
    ----------
    folder : path or str
        The folder project/ of a project.

    Returns
    -------
    Record
        Title, aim, `.completion` (what "completed" means), `.measures`, phases, events, columns and settings.

    Raises
    ------
    RecordProblem
        Naming every fault at once, one to a line.

    Examples
    --------
    >>> import qi_analysis as qi
    >>> record = qi.read_record("project")
    >>> record.completion.team_choice, record.completion.definitions["ii"].min_sessions
    ('ii', 2)
    """
    collected = collect_record(Path(folder))
    if collected.record is None:
        raise RecordProblem(_list_stops(collected.faults))
    return collected.record


def read_whole_record(folder: Path) -> tuple[Record, TeamRecord]:
    """Read project/, the settings and the team's own part. Raises RecordProblem naming every STOP of both at once.

    What is to be told as at a day is not among the findings of the team's part yet, though today's consent is judged. The
    example is not read.
    """
    collected = collect_record(folder)
    team = read_team_record(folder, collected.charts)
    stops = _list_stops([*collected.faults, *check_team_record(team, None, date.today()).findings])
    if collected.record is None or stops:
        raise RecordProblem(stops)
    return collected.record, team


def _list_stops(found: Iterable[Finding]) -> str:
    return "\n".join(dict.fromkeys(one.message for one in found if one.level == STOP))


def collect_record(folder: Path) -> Collected:
    """Read the settings in project/: what could be read and every fault of every file. Never raises."""
    faults = Faults()
    source = read_source(folder / "project.toml", faults, TEMPLATE)
    parts = read_project(source, faults) if source else {}
    phases = read_phases(source, faults) if source else ()
    completion = _read_completion(_read_needed(folder / "completion.toml", faults), faults)
    blocks = _read_needed(folder / "measures.toml", faults)
    measures = _read_measures(blocks, faults, completion)
    charts = {name: _find_chart(block) for name, block in blocks.table.items()} if blocks else None
    events = _read_events(folder / "events.csv", charts, faults)
    columns = read_columns(folder / "columns.toml", faults)
    aim, project = parts.get("aim"), parts.get("project")
    if aim is not None and charts is not None:
        check_measure_ids("project.toml, aim", [aim.measure], charts, faults)
    check_aim(aim, measures, faults)
    stopped = {one.place.partition(",")[0] for one in faults if one.level == STOP}
    followed = None if "measures.toml" in stopped else completion
    rest = Collected(faults, None, charts, followed, measures, events)
    if stopped or aim is None or project is None or completion is None:
        return rest
    record = Record(
        title=project.title, started=project.started, status=project.status, aim=aim, scope=project.scope,
        settings=parts["settings"], phases=phases, service_codes=parts["codes"],
        accepted_gaps={gap.month: gap.reason for gap in parts["gaps"]}, completion=completion, measures=measures,
        events=events, columns=columns, findings=faults.sort_levels(),
    )  # fmt: skip
    return replace(rest, record=record)


def _find_chart(block: Any) -> str:
    return str(block.get("chart", "")) if isinstance(block, dict) else ""


def _read_needed(path: Path, faults: Faults) -> Source | None:
    return read_source(path, faults, NOT_THERE.format(path.name))


# project.toml: the title, the aim, the phases and the settings.
@dataclass(frozen=True)
class _Project:
    """The keys of project.toml that stand above every heading, and its scope."""

    title: str
    started: date
    status: str = field(default="testing", metadata={"choices": STATUS})
    scope: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Gap:
    """A month known to be missing from the data."""

    month: str
    reason: str = ""


def read_project(source: Source, faults: Faults) -> dict[str, Any]:
    """The parts of project.toml by the name they have in Record; a part is None when it is wrong."""
    place, table = source.place(), source.table
    told = source.lost | faults.known(place, table, TOP)
    if "aim" not in table and "aim" not in told:
        faults.stop("project.toml", '"aim" is missing. Add the part [aim].')
    top = {key: table[key] for key in ("title", "started", "status", "scope") if key in table}
    settings = faults.build(Settings, source.place("settings", 0, "[settings]"), table.get("settings", {}))
    if settings is not None:
        check_settings(settings, faults)
    project = faults.build(_Project, Place("project.toml", "", {}, frozenset(told)), top)
    if project is not None:
        check_title(project.title, faults)
    aim = _read_aim(source, faults) if "aim" in table else None
    if project is not None and aim is not None:
        check_order("project.toml, by", project.started, aim.by, faults)
    codes = _build_all(ServiceCode, source, "service_codes", faults)
    for code in codes:
        check_order(f"project.toml, service code {code.code}", code.from_, code.to, faults)
    for first, second in pairwise(sorted(codes, key=lambda code: code.from_)):
        if first.last >= second.from_:
            both = f"{first.code} is still in use when {second.code} begins ({describe_day_short(second.from_)})."
            faults.warn("project.toml, service_codes", f"{both} Look at the days.")
    gaps = _build_all(_Gap, source, "accepted_gaps", faults)
    for gap in gaps:
        if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", gap.month):
            faults.stop("project.toml, [[accepted_gaps]], month", "write the month as 2022-09.")
        elif not gap.reason.strip():
            faults.stop(
                "project.toml, accepted_gaps", f"say why {gap.month} is missing from the data, or remove the gap."
            )
    return {"project": project, "settings": settings, "aim": aim, "codes": codes, "gaps": gaps}


def check_title(title: str, faults: Faults) -> None:
    """The title is one short line of text."""
    if not title.strip():
        faults.stop("project.toml, title", "this is empty. Fill it in.")
    elif len(title) > LONGEST_TEXT or not title.isprintable():
        faults.stop("project.toml, title", f"this must be one line of text of up to {LONGEST_TEXT} letters.")


def check_settings(settings: Settings, faults: Faults) -> None:
    """Numbers of [settings] in project.toml."""
    _check_within("project.toml, min_denominator", settings.min_denominator, 1, 1000, faults)
    _check_within("project.toml, time_limit_seconds", settings.time_limit_seconds, 10, 86_400, faults)


def _read_aim(source: Source, faults: Faults) -> Aim | None:
    table, place = source.table.get("aim", {}), source.place("aim", 0, "[aim]")
    if not isinstance(table, dict):
        return faults.build(Aim, place, table)  # type: ignore[no-any-return]
    baseline, target = table.get("baseline"), table.get("target", 0)
    if isinstance(target, str) and (written := PER_CENT.fullmatch(target)):
        share = describe_share(float(written[1]))
        faults.stop("project.toml, target", f'write {written[1]}% as {share}. You wrote "{target.strip()}".')
        table = {**table, "target": 0.5}  # some share, so that no more is told about it
    rest = {key: value for key, value in table.items() if key != "baseline"}
    aim: Aim | None = faults.build(Aim, place, rest, baseline=_read_baseline(baseline, faults))
    if aim is not None and aim.target is not None and not 0 <= aim.target <= 1:
        faults.stop("project.toml, target", describe_share_wanted(aim.target))
    return aim


def _read_baseline(written: Any, faults: Faults) -> tuple[date, date] | None:
    """The two days of the baseline; None when it is left out or wrong (told)."""
    place = "project.toml, [aim] baseline"
    if written is None:
        return None
    faults.told.add("baseline")
    if not isinstance(written, dict) or set(written) != {"from", "to"}:
        faults.stop(place, "write { from = 2020-05-01, to = 2021-04-30 }.")
        return None
    days = [
        faults.read_date(place, one) if isinstance(one, str) else plain_day(one)
        for one in (written["from"], written["to"])
    ]
    if not all(isinstance(one, (str, date)) for one in written.values()):
        faults.stop(place, "write { from = 2020-05-01, to = 2021-04-30 }.")
    if days[0] is None or days[1] is None:
        return None
    if days[0] > days[1]:
        faults.stop(place, "it ends before it begins. Swap the two dates.")
    return days[0], days[1]


def _build_all(kind: type, source: Source, name: str, faults: Faults) -> tuple[Any, ...]:
    """Every block under [[name]]."""
    blocks = source.list_blocks(name, faults, f"[[{name}]]")
    return tuple(built for place, block in blocks if (built := faults.build(kind, place, block)) is not None)


def read_phases(source: Source, faults: Faults) -> tuple[Phase, ...]:
    """The phases; one without a reason is told and left out, so that limits never change without one."""
    phases = []
    for place, block in source.list_blocks("phases", faults, "[[phases]]"):
        given = {"reason": "", **block} if isinstance(block, dict) else block
        phase: Phase | None = faults.build(Phase, place, given)
        if phase is not None and phase.reason.strip():
            phases.append(phase)
        elif phase is not None:
            day = describe_day_short(phase.from_)
            faults.warn("project.toml, phases", f"say why the limits change on {day}, or remove the phase.")
    days = [phase.from_ for phase in phases]
    for twice in sorted({one for one in days if days.count(one) > 1}):
        faults.stop("project.toml, phases", f"two begin on {describe_day_short(twice)}. Keep one of them.")
    return tuple(phases)


# completion.toml, measures.toml and events.csv.
def _read_completion(source: Source | None, faults: Faults) -> Completion | None:
    if source is None:
        return None
    table, name = source.table, source.name
    definitions = table.get("definitions", {})
    if not isinstance(definitions, dict):
        faults.stop(f"{name}, definitions", "this must be a table of keys and values.")
        definitions = {}
    built = {
        one: faults.build(Definition, source.place(f"definitions.{one}", 0, f"[definitions.{one}]"), block)
        for one, block in definitions.items()
    }
    parts = {"settled": Settled, "chains": Chains}
    fixed = {
        key: faults.build(kind, source.place(key, 0, f"[{key}]"), table.get(key, {})) for key, kind in parts.items()
    }
    rest = {key: value for key, value in table.items() if key not in ("definitions", *parts)}
    completion: Completion | None = faults.build(Completion, source.place(), rest, definitions=built, **fixed)
    if completion is not None:
        faults.one_of(f"{name}, team_choice", completion.team_choice, definitions)
        if completion.settled is not None and completion.chains is not None:
            check_completion(name, completion, faults)
    return completion


def check_completion(place: str, completion: Completion, faults: Faults) -> None:
    """Numbers and end codes of completion.toml."""
    within = {
        "version": (completion.version, 1, 1000), "inactivity_days": (completion.inactivity_days, 1, 3650),
        "min_li_sessions_to_enter": (completion.min_li_sessions_to_enter, 1, 100),
        "highest_unknown_share": (completion.highest_unknown_share, 0, 1),
        "min_weeks": (completion.settled.min_weeks, *SOME_WEEKS),
        "fixed_horizon_weeks": (completion.settled.fixed_horizon_weeks, 1, SOME_WEEKS[1]),
        "min_closed_share": (completion.settled.min_closed_share, 0, 1),
        "re_referral_days": (completion.chains.re_referral_days, 0, 3650),
    }  # fmt: skip
    for name, (value, low, high) in within.items():
        _check_within(f"{place}, {name}", value, low, high, faults)
    _check_end_codes(place, completion, faults)


def _check_within(place: str, value: Any, low: float, high: float, faults: Faults) -> None:
    """A number from low to high; what is no number has been told."""
    if isinstance(value, (int, float)) and not low <= value <= high:
        faults.stop(place, f"this must lie between {low:g} and {high:g}.")


def _check_end_codes(place: str, completion: Completion, faults: Faults) -> None:
    seen: dict[str, str] = {}
    for name in GROUPS:
        codes = getattr(completion, name)
        if not isinstance(codes, tuple) or not all(isinstance(code, str) for code in codes):
            continue  # told already
        if not codes and name == "planned_end_codes":
            faults.stop(f"{place}, {name}", "no end code is planned. Name at least one.")
        for code in codes:
            if code not in read_code_lists()["end_code"].codes:
                faults.stop(
                    f"{place}, {name}", "one of these is no end code. The codes are in data/reference/end_codes.csv."
                )
            elif code in seen:
                faults.stop(f"{place}, {name}", f"end code {code} stands in {seen[code]} too. Keep it in one of them.")
            seen.setdefault(code, name)


def _read_measures(source: Source | None, faults: Faults, completion: Completion | None) -> tuple[Measure, ...]:
    measures: list[Measure] = []
    for name, block in source.table.items() if source else ():
        place = f"measures.toml, [{name}]"
        measure = faults.build(Measure, source.place(name, 0, f"[{name}]"), block, id=name) if source else None
        if measure is not None:
            faults.one_of(f"{place}, month_by", measure.month_by, MONTH_BY)
            faults.stop_all(check_examples_form(measure, place))
            if completion is not None and measure.month_by in MONTH_BY:
                faults.stop_all(check_measure(measure, place, completion.definitions))
            if measure.name in [one.name for one in measures]:
                faults.stop(place, "another block has this name. Give each a name of its own.")
            measures.append(measure)
    return tuple(measures)


def _read_events(path: Path, charts: Mapping[str, str] | None, faults: Faults) -> tuple[Event, ...]:
    events, rows = [], defaultdict(list)
    for row in read_list(path, faults, STOP):
        blank = next((heading for heading in ("date", "letter", "what", "could_affect") if not row[heading]), "")
        if blank:
            faults.stop(row.place, f'"{blank}" is empty. A row needs date,letter,what,could_affect.')
        elif not re.fullmatch("[A-Za-z]{1,2}", row["letter"]):
            faults.stop(f"{row.place}, letter", "write one or two letters, such as B.")
        rows[row["letter"]].append(row.place)
        ids = [one for one in re.split(r"[\s,;]+", row["could_affect"]) if one and one != "all"]
        check_measure_ids(f"{row.place}, could_affect", ids if charts is not None else (), charts or (), faults)
        day = row.day("date", faults)
        if day is not None:
            events.append(Event(day, row["letter"], row["what"], row["could_affect"]))
    for letter, places in rows.items():
        if letter and len(places) > 1:
            both = f"Two events are both called {letter} ({' and '.join(places)}). Give one of them a new letter."
            faults.tell(STOP, places[0], both)
    return tuple(sorted(events, key=lambda event: event.date))


# columns.toml: how the two files of a local export are read.
def read_columns(path: Path, faults: Faults) -> ColumnMap | None:
    """The column map; None when there is none or it cannot be read (told)."""
    source = read_source(path, faults)
    if source is None:
        return None
    table, name = source.table, source.name
    faults.known(source.place(), table, ("settings", "referrals", "appointments"))
    parts = {}
    for part in ("referrals", "appointments"):
        parts[part] = faults.build(LocalFile, source.place(part, 0, f"[{part}]"), table.get(part, {}))
        if parts[part] is not None:
            _check_local(parts[part], f"{name}, [{part}", faults)
    place = source.place("settings", 0, "[settings]")
    columns: ColumnMap | None = faults.build(ColumnMap, place, table.get("settings", {}), **parts)
    if columns is not None:
        check_extract_date(columns, f"{name}, [settings]", faults)
    return columns


def check_extract_date(columns: ColumnMap, place: str, faults: Faults) -> None:
    """The day an export was made lies in the programme's time."""
    day = columns.extract_date
    if day is not None and hasattr(day, "year") and not 2008 <= day.year <= 2100:
        faults.stop(f"{place}, extract_date", "this must be a day from 2008 to 2100.")


def _check_local(local: LocalFile, place: str, faults: Faults) -> None:
    """The three tables of one file of a local export: headings to our names, date forms, labels to codes."""
    for name, table in (("columns", local.columns), ("dates", local.dates), ("labels", local.labels)):
        if not isinstance(table, dict):
            faults.stop(f"{place}] {name}", f"this must be a table, headed {place.split(', ')[1]}.{name}].")
            return
    if not check_texts(local, place, faults):
        return
    for name in [ours for ours in set(local.columns.values()) if list(local.columns.values()).count(ours) > 1]:
        faults.stop(f"{place}.columns]", f"two headings are given the name {name!r}. Keep one of them.")
    for name, form in local.dates.items():
        faults.one_of(f"{place}.dates] {name}", form, DATE_FORMS)
        if name in local.columns.values() and find_field(name).kind != "date":
            faults.stop(f"{place}.dates] {name}", "this name holds no date. Take the line out.")
    lists = read_code_lists()
    for name, labels in local.labels.items():
        kind = find_field(name)
        if kind.kind != "code" or not isinstance(labels, dict):
            faults.stop(f"{place}.labels.{name}]", f"{name!r} is not one of our names that hold codes.")
            continue
        codes = lists[kind.list].codes | set(old_therapy_codes().values() if kind.list == "therapy" else ())
        for number, code in enumerate(labels.values(), 1):
            if not isinstance(code, str) or code not in codes:
                what = f"label {number} must stand for a code of the list, in quotation marks."
                faults.stop(f"{place}.labels.{name}]", what)


def check_texts(local: LocalFile, place: str, faults: Faults) -> bool:
    """Whether headings, date forms and file name of a local export are texts, and the name that of a file alone."""
    before = len(faults)
    if (
        not isinstance(local.file, str)
        or not 0 < len(local.file.strip()) <= LONGEST_TEXT
        or not local.file.isprintable()
    ):
        faults.stop(f"{place}] file", "this must be how the file's name begins, in quotation marks.")
    elif "/" in local.file or "\\" in local.file or local.file.startswith("."):
        faults.stop(f"{place}] file", "this must be the name of a file in data/raw, without a folder.")
    if not all(isinstance(name, str) for name in local.columns.values()):
        faults.stop(f"{place}.columns]", "each of our names must stand in quotation marks.")
    if not all(heading.strip() for heading in local.columns):
        faults.stop(f"{place}.columns]", "a heading is empty. Write the heading of your export.")
    return len(faults) == before

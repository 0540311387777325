"""The team's record and the settings, read once from project/ into frozen values.

All faults are listed together, each with file, place, what is wrong and what to do; unknown keys are refused
with the nearest known one. Nothing here looks at data.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from qi_analysis.column_map import read_columns
from qi_analysis.errors import RecordProblem
from qi_analysis.faults import Faults
from qi_analysis.measure_names import MONTH_BY, check_examples_form, check_measure
from qi_analysis.project_file import read_phases, read_project
from qi_analysis.record_limits import check_completion
from qi_analysis.record_lists import read_list
from qi_analysis.record_text import Source, read_source
from qi_analysis.settings import (
    Chains,
    Completion,
    Definition,
    Event,
    Measure,
    Record,
    Settled,
)
from qi_analysis.team_checks import check_measure_ids
from qi_analysis.team_dates import check_aim
from qi_analysis.team_record import check_team_record, read_team_record
from qi_analysis.team_record_values import STOP, Finding, TeamRecord

TEMPLATE = "There is no project.toml. Copy the template, fill in the title and start date, and run the check again."
NOT_THERE = "There is no {} in the project folder. Copy it from the repository."


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


def read_record(folder: Path) -> Record:
    """Read the settings in project/. Raises RecordProblem naming every fault at once, one to a line."""
    collected = collect_record(folder)
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

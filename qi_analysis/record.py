"""The team's record and the settings, read once from project/ into frozen values.

All faults are listed together, each with file, place, what is wrong and what to do; unknown keys are refused
with the nearest known one. Nothing here looks at data.
"""

import csv
import difflib
from datetime import date, datetime
from pathlib import Path
from typing import Any

from qi_analysis.codes import old_therapy_codes, read_code_lists
from qi_analysis.errors import RecordProblem
from qi_analysis.faults import Faults, check_size, read_toml
from qi_analysis.measure_names import MONTH_BY, check_examples_form, check_measure
from qi_analysis.record_limits import (
    check_completion,
    check_extract_date,
    check_gaps,
    check_settings,
    check_texts,
    check_title,
)
from qi_analysis.settings import (
    EPISODE_RULES,
    RULES,
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
from qi_analysis.table_fields import find_field


def _read_completion(path: Path, faults: Faults) -> Completion | None:
    table = read_toml(path)
    definitions = table.get("definitions", {})
    built = {
        name: faults.build(Definition, f"{path.name}, [definitions.{name}]", block)
        for name, block in definitions.items()
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
        if completion.settled is not None and completion.chains is not None:
            check_completion(path.name, completion, faults)
    return completion


def _read_measures(path: Path, faults: Faults, completion: Completion | None) -> tuple[Measure, ...]:
    blocks = read_toml(path)
    measures: list[Measure] = []
    for name, block in blocks.items():
        place = f"{path.name}, [{name}]"
        measure = faults.build(Measure, place, block, id=name)
        if measure is not None:
            faults.one_of(f"{place}: kind", measure.kind, ("outcome", "process", "balancing"))
            faults.one_of(f"{place}: month_by", measure.month_by, MONTH_BY)
            faults.one_of(f"{place}: good", measure.good, ("up", "down", "either"))
            faults += check_examples_form(measure, place)
            if completion is not None and measure.month_by in MONTH_BY:
                faults += check_measure(measure, place, completion.definitions)
            if measure.name in [one.name for one in measures]:
                faults.append(f"{place}: another block has this name. Give each a name of its own.")
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


def _read_events(path: Path, faults: Faults) -> tuple[Event, ...]:
    if not path.exists():
        return ()
    check_size(path)
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except UnicodeDecodeError:
        faults.append(f"{path.name}: the file is not saved as UTF-8. Save it again with that encoding.")
        return ()
    except (OSError, csv.Error):
        faults.append(f"{path.name}: this cannot be read as a table. Save it again as CSV with commas.")
        return ()
    events = []
    for number, row in enumerate(rows, start=2):
        day = read_day(row.get("date") or "")
        if day is None or None in row or any(row.get(k) is None for k in ("letter", "what", "could_affect")):
            faults.append(
                f"{path.name}, line {number}: a line needs date,letter,what,could_affect and a date that exists."
            )
        else:
            events.append(Event(day, row["letter"], row["what"], row["could_affect"]))
    return tuple(sorted(events, key=lambda event: event.date))


def _read_columns(path: Path, faults: Faults) -> ColumnMap | None:
    if not path.exists():
        return None
    table = read_toml(path)
    faults.known(path.name, table, ("settings", "referrals", "appointments"))
    parts = {}
    for part in ("referrals", "appointments"):
        parts[part] = faults.build(LocalFile, f"{path.name}, [{part}]", table.get(part, {}))
        if parts[part] is not None:
            _check_local(parts[part], f"{path.name}, [{part}", faults)
    columns: ColumnMap | None = faults.build(ColumnMap, f"{path.name}, [settings]", table.get("settings", {}), **parts)
    if columns is not None:
        faults.one_of(f"{path.name}, therapy_scheme", columns.therapy_scheme, ("snomed", "v1.5"))
        check_extract_date(columns, f"{path.name}, [settings]", faults)
    return columns


def _check_local(local: LocalFile, place: str, faults: Faults) -> None:
    """The three tables of one file of a local export: headings to our names, date forms, labels to codes."""
    for name, table in (("columns", local.columns), ("dates", local.dates), ("labels", local.labels)):
        if not isinstance(table, dict):
            faults.append(f"{place}] {name}: this must be a table, headed {place.split(', ')[1]}.{name}].")
            return
    if not check_texts(local, place, faults):
        return
    for name in [ours for ours in set(local.columns.values()) if list(local.columns.values()).count(ours) > 1]:
        faults.append(f"{place}.columns]: two headings are given the name {name!r}. Keep one of them.")
    for name, form in local.dates.items():
        faults.one_of(f"{place}.dates] {name}", form, ("ISO", "d/m/Y", "m/d/Y"))
        if name in local.columns.values() and find_field(name).kind != "date":
            faults.append(f"{place}.dates] {name}: this name holds no date. Take the line out.")
    lists = read_code_lists()
    for name, labels in local.labels.items():
        kind = find_field(name)
        if kind.kind != "code" or not isinstance(labels, dict):
            faults.append(f"{place}.labels.{name}]: {name!r} is not one of our names that hold codes.")
            continue
        codes = lists[kind.list].codes | set(old_therapy_codes().values() if kind.list == "therapy" else ())
        for number, code in enumerate(labels.values(), 1):
            if not isinstance(code, str) or code not in codes:
                faults.append(
                    f"{place}.labels.{name}]: label {number} must stand for a code of the list, in quotation marks."
                )


def _read_aim(table: dict[str, Any], faults: Faults) -> Aim | None:
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


TOP = ("title", "started", "status", "aim", "scope", "settings", "phases", "service_codes", "accepted_gaps")


def _read_project(
    table: dict[str, Any], faults: Faults
) -> tuple[Aim | None, Settings | None, list[Phase], list[ServiceCode]]:
    faults.known("project.toml", table, TOP)
    for name in ("title", "started", "aim"):
        if name not in table:
            faults.append(f"project.toml: {name!r} is missing. Add the line.")
    if "started" in table and (not isinstance(table["started"], date) or isinstance(table["started"], datetime)):
        faults.append("project.toml, started: this must be a date such as 2022-06-14, without quotation marks.")
    faults.tables("project.toml, scope", [table.get("scope", {})])
    if not isinstance(table.get("status", ""), str):
        faults.append("project.toml, status: this must be text in quotation marks.")
    settings = faults.build(Settings, "project.toml, [settings]", table.get("settings", {}))
    if settings is not None:
        faults.one_of("project.toml, rules", settings.rules, RULES)
        faults.one_of("project.toml, protection", settings.protection, ("team", "plain"))
        check_settings(settings, faults)
    check_title(table, faults)
    blocks = {name: faults.tables(f"project.toml, {name}", table.get(name, [])) for name in ("phases", "service_codes")}
    phases = [faults.build(Phase, "project.toml, [[phases]]", block) for block in blocks["phases"]]
    codes = [faults.build(ServiceCode, "project.toml, [[service_codes]]", block) for block in blocks["service_codes"]]
    return _read_aim(table.get("aim", {}), faults), settings, phases, codes


def _check_aim(aim: Aim | None, measures: tuple[Measure, ...], faults: Faults) -> None:
    known = [measure.id for measure in measures]
    if aim is not None and aim.measure not in known:
        near = difflib.get_close_matches(aim.measure, known, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        faults.append(f"project.toml, aim: the measure {aim.measure!r} is not in measures.toml.{hint}")


def read_record(folder: Path) -> Record:
    """Read project/. Raises RecordProblem naming every fault at once, one to a line."""
    faults = Faults()
    if not (folder / "project.toml").exists():
        raise RecordProblem(
            "There is no project.toml. Copy the template, fill in the title and start date, and run the check again."
        )
    table = read_toml(folder / "project.toml")
    aim, settings, phases, codes = _read_project(table, faults)
    gaps = check_gaps(faults.tables("project.toml, accepted_gaps", table.get("accepted_gaps", [])), faults)
    completion = _read_completion(folder / "completion.toml", faults)
    measures = _read_measures(folder / "measures.toml", faults, completion)
    events = _read_events(folder / "events.csv", faults)
    columns = _read_columns(folder / "columns.toml", faults)
    _check_aim(aim, measures, faults)
    if faults or aim is None or completion is None or settings is None:
        raise RecordProblem("\n".join(faults))
    return Record(
        title=table["title"], started=table["started"], status=table.get("status", "testing"), aim=aim,
        scope=table.get("scope", {}), settings=settings, phases=tuple(phases), service_codes=tuple(codes),
        accepted_gaps=gaps, completion=completion, measures=measures, events=events, columns=columns,
    )  # fmt: skip

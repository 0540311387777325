"""project/project.toml: the title, the aim, the phases and the settings, each told when it is wrong."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

from qi_analysis.days import describe_day_short, plain_day
from qi_analysis.faults import PER_CENT, Faults, Place, describe_share
from qi_analysis.record_limits import check_settings, check_title
from qi_analysis.record_text import Source
from qi_analysis.settings import Aim, Phase, ServiceCode, Settings
from qi_analysis.team_checks import describe_share_wanted
from qi_analysis.team_parts import check_order

STATUS = ("planning", "testing", "implementing", "sustaining", "closed")
TOP = ("title", "started", "status", "aim", "scope", "settings", "phases", "service_codes", "accepted_gaps")


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
        if first.to is None or first.to >= second.from_:
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

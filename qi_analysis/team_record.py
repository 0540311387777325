"""The team's own record, read from project/ into frozen values, with everything that is to be told about it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from qi_analysis.faults import Faults
from qi_analysis.record_prose import clean_prose, read_decisions
from qi_analysis.record_text import check_details, is_there, read_text
from qi_analysis.settings import Record
from qi_analysis.team_checks import PARTS, check_files, check_ids, check_links
from qi_analysis.team_dates import check_cycles, check_due, check_future, check_movement, check_stories, check_team
from qi_analysis.team_parts import read_actions, read_cycles, read_drivers, read_feedback, read_stories, read_team
from qi_analysis.team_record_values import TeamRecord

EXAMPLE = "example"


def read_team_record(folder: Path, charts: Mapping[str, str] | None = None, allow_example: bool = False) -> TeamRecord:
    """The record in project/. Never raises: faults are its findings, and a missing part is empty.

    charts: the chart of each id of measures.toml; None when they are not known, then no id is judged. allow_example: with no
    part of a record of its own, the example in project/example is read (is_example), as only synthetic data may show it.
    """
    is_example = allow_example and not has_parts(folder) and has_parts(folder / EXAMPLE)
    faults, home = Faults(), folder / EXAMPLE if is_example else folder
    check_files(folder, faults)
    team = TeamRecord(
        team=read_team(home / "team.toml", faults),
        drivers=read_drivers(home / "drivers.toml", faults),
        cycles=read_cycles(home / "pdsa", faults),
        stories=read_stories(home / "stories", faults),
        actions=read_actions(home / "actions.csv", faults),
        feedback=read_feedback(home / "feedback.csv", faults),
        decisions=read_decisions(home / "decisions.md", faults),
        handover=_read_handover(home / "handover.md", faults),
        is_example=is_example,
    )
    check_ids(team, faults)
    check_links(team, charts, faults)
    return replace(team, findings=faults.sort_levels())


def has_parts(folder: Path) -> bool:
    """Whether a folder holds any part of a team's record; an empty folder is none."""
    return any(any(path.glob("*.md")) if path.is_dir() else path.exists() for path in (folder / part for part in PARTS))


def _read_handover(path: Path, faults: Faults) -> str:
    text = read_text(path, path.name, faults) if is_there(path) else None
    if text is not None:
        check_details(text.split("\n"), path.name, faults)
    return clean_prose((text or "").split("\n"))


def check_team_record(
    team: TeamRecord, record: Record | None, day: date, today: date | None = None, last_review: date | None = None
) -> TeamRecord:
    """The same record with what is to be told about it as at a day among its findings, STOP first.

    record: its findings come first; None when it cannot be read. Consent is judged as at the later of
    `day` and `today` (the clock's). last_review: the day to which the last published review looked.
    """
    faults = Faults([*(record.findings if record else ()), *team.findings])
    latest = max(day, today or date.today())
    if record is not None:
        check_due(record.aim, day, faults)
    check_stories(team, latest, faults)
    check_future(team, latest, faults)
    check_cycles(team, day, faults)
    check_team(team, day, faults)
    check_movement(team, last_review, day, faults)
    return replace(team, findings=faults.sort_levels())

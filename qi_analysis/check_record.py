"""The whole record checked at once: the settings, the worked examples and the team's own part, told together."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from qi_analysis.faults import Faults
from qi_analysis.record import collect_record
from qi_analysis.settings import Record
from qi_analysis.team_record import check_team_record, read_team_record
from qi_analysis.team_record_values import LEVELS, STOP, Finding, TeamRecord
from qi_analysis.worked_examples import check_examples

MEANINGS = {
    "STOP": "no review is made until these are put right",
    "WARN": "the review is made and says so on its last pages",
    "NOTE": "for you only",
}


@dataclass(frozen=True)
class Checked:
    """The record (None when the settings cannot be read), the team's part, and what is to be told, STOP first."""

    record: Record | None
    team: TeamRecord
    findings: tuple[Finding, ...]

    @property
    def stops(self) -> bool:
        """Whether there would be no review."""
        return any(one.level == STOP for one in self.findings)


def check_record(folder: Path, day: date, last_review: date | None = None) -> Checked:
    """Everything that is to be told about project/ as at a day. Never raises for what is written there.

    last_review: the day to which the last published review looked, None when there is none.
    """
    collected = collect_record(folder)
    faults = Faults(collected.faults)
    if collected.completion is not None:
        faults.stop_all(check_examples(collected.measures, collected.completion))
    team = read_team_record(folder, collected.charts)
    team = check_team_record(team, None, day, day, last_review)
    faults += team.findings
    return Checked(collected.record, team, faults.sort_levels())


def describe_findings(findings: tuple[Finding, ...]) -> list[str]:
    """The findings as lines, grouped by level with what the level means, each beginning with its level."""
    lines = []
    for level in LEVELS:
        found = [one for one in findings if one.level == level]
        if found:
            lines += [f"{level} ({len(found)}): {MEANINGS[level]}", *(f"{level}  {one.message}" for one in found), ""]
    return lines

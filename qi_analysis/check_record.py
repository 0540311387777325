"""The whole record checked at once: the settings, the worked examples and the team's own part, told together."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from qi_analysis.benchmark_settings import read_benchmark_settings
from qi_analysis.errors import RecordProblem
from qi_analysis.faults import Faults
from qi_analysis.fingerprint import digest_code, digest_file
from qi_analysis.gate_allow import read_allowed
from qi_analysis.gate_words import may_name
from qi_analysis.meeting_days import list_meetings
from qi_analysis.places import Places
from qi_analysis.publish import find_last_review, write_whole
from qi_analysis.record import Collected, collect_record
from qi_analysis.record_prose import list_prose, read_prose
from qi_analysis.settings import Record
from qi_analysis.team_record import check_team_record, read_team_record
from qi_analysis.team_record_values import LEVELS, STOP, Finding, TeamRecord

CAPITAL = "a word with a capital letter may be somebody's name. Read the line once more before sharing."
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


def check_record(places: Places, day: date) -> Checked:
    """Everything that is to be told about project/ as at a day. Never raises for what is written there."""
    collected = collect_record(places.record)
    faults = Faults(collected.faults)
    faults.stop_all(_check_examples(places, collected))
    faults.stop_all(_check_others(places.record))
    team = read_team_record(places.record, collected.charts)
    team = check_team_record(team, collected.record, day, day, find_last_review(places.reports))
    faults += team.findings
    _note_capitals(places.record / "stories", faults)
    reviews = team.team.reviews
    if reviews.meets and len(list_meetings(reviews, day)) == 1:
        faults.warn("team.toml, reviews, meets", 'I cannot tell the days. Write such as "third Tuesday 10:00".')
    return Checked(collected.record, team, faults.sort_levels())


def _note_capitals(folder: Path, faults: Faults) -> None:
    """Note the lines of stories with a word that may be a name; only a person can tell, so it stops nothing."""
    for path, name in list_prose(folder).items():
        prose = read_prose(path, name, Faults())  # its faults have been told
        for number, line in enumerate(prose.body, prose.first) if prose else ():
            if may_name(line):
                faults.note(f"{name}, line {number}", CAPITAL)


def _check_others(folder: Path) -> Iterator[str]:
    """What is wrong in allow.toml and benchmark.toml, which a run reads later."""
    benchmark = folder / "benchmark.toml"
    for path, read in ((folder, read_allowed), (benchmark, read_benchmark_settings)):
        try:
            if path.exists():
                read(path)
        except RecordProblem as problem:
            yield from str(problem).split("\n")


def _check_examples(places: Places, collected: Collected) -> list[str]:
    """The worked examples that do not hold; what was found is kept, as it takes seconds, until code or files change."""
    if collected.completion is None:
        return []
    files = [digest_file(places.record / name) for name in ("completion.toml", "measures.toml")]
    key = hashlib.sha256(" ".join([digest_code(), *files]).encode()).hexdigest()
    kept = places.processed / "worked_examples.json"
    try:
        known = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if known.get("key") != key:
        from qi_analysis.worked_examples import check_examples

        known = {"key": key, "faults": check_examples(collected.measures, collected.completion)}
        places.processed.mkdir(parents=True, exist_ok=True)
        write_whole(kept, json.dumps(known))
    return list(known["faults"])


def describe_findings(findings: tuple[Finding, ...]) -> list[str]:
    """The findings as lines, grouped by level with what the level means, each beginning with its level."""
    lines = []
    for level in LEVELS:
        found = [one for one in findings if one.level == level]
        if found:
            lines += [f"{level} ({len(found)}): {MEANINGS[level]}", *(f"{level}  {one.message}" for one in found), ""]
    return lines

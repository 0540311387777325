"""`qi check`: the whole record checked at once, and read back in a paragraph.

The settings, the worked examples and the team's own part are told together; whoever wrote them sees in the paragraph that
they were understood.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from qi_analysis.benchmark.settings import collect_benchmark_settings
from qi_analysis.errors import RecordProblem
from qi_analysis.gate.shapes import read_allowed
from qi_analysis.gate.vocabulary import may_name
from qi_analysis.periods import describe_day
from qi_analysis.phrases import describe_value, lower_first
from qi_analysis.record.files import list_prose, read_prose
from qi_analysis.record.findings import Faults
from qi_analysis.record.meetings import list_meetings
from qi_analysis.record.personal_details import find_details
from qi_analysis.record.read_settings import Collected, collect_record
from qi_analysis.record.read_team import check_team_record, read_team_record
from qi_analysis.record.settings import Record
from qi_analysis.record.team import LEVELS, NOTE, STOP, WARN, Action, Cycle, Finding, TeamRecord
from qi_analysis.run.provenance import digest_code, digest_file, digest_text
from qi_analysis.run.publish import find_last_review
from qi_analysis.storage import Places, write_whole

CAPITAL = "a word with a capital letter may be somebody's name. Read the line once more before sharing."
MEANINGS = {
    "STOP": "no review is made until these are put right",
    "WARN": "the review is made and says so on its last pages",
    "NOTE": "for you only",
}
MOST_NAMED = 8


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
    faults += _check_others(places.record)
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


def _check_others(folder: Path) -> list[Finding]:
    """What is wrong in allow.toml and benchmark.toml, which a run reads later; no page tells their warnings."""
    faults, benchmark = Faults(), folder / "benchmark.toml"
    try:
        read_allowed(folder)
    except RecordProblem as problem:
        faults.stop_all(str(problem).split("\n"))
    if benchmark.exists():
        collect_benchmark_settings(benchmark, faults)
    return [replace(one, level=NOTE) if one.level == WARN else one for one in faults]


def _check_examples(places: Places, collected: Collected) -> list[str]:
    """The worked examples that do not hold; what was found is kept, as it takes seconds, until code or files change."""
    if collected.completion is None:
        return []
    files = [digest_file(places.record / name) for name in ("completion.toml", "measures.toml")]
    key = digest_text(" ".join([digest_code(places), *files]))
    kept = places.processed / "worked_examples.json"
    try:
        known = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if known.get("key") != key:
        from qi_analysis.measures.worked_examples import check_examples  # pandas, once for each change

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


# The record read back.
def describe_record(record: Record, team: TeamRecord, day: date) -> str:
    """The counts, the aim, the roles, what is being tested and what is due next, as at a day."""
    return " ".join([describe_counts(team, day), *_describe(record, team, day)])


def describe_counts(team: TeamRecord, day: date) -> str:
    """How much there is: "The record reads well: 2 drivers, 5 ideas, 3 cycles (1 running), 4 open actions." """
    running = sum(cycle.describe_state(day) == "running" for cycle in team.cycles)
    still = sum(action.is_open for action in team.actions)
    parts = (
        _count(len(team.drivers), "driver"),
        _count(len(team.ideas), "idea"),
        _count(len(team.cycles), "cycle") + f" ({running} running)" * bool(team.cycles),
        _count(still, "open action"),
    )
    return f"The record reads well: {', '.join(parts)}."


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _describe(record: Record, team: TeamRecord, day: date) -> Iterator[str]:
    yield _describe_aim(record)
    roles = [role.short for role in team.team.roles if role.until is None or role.until >= day]
    if roles:
        yield f"On the team: {_join(roles)}."
    tested = [_name_cycle(cycle) for cycle in team.cycles if cycle.describe_state(day) == "running"]
    if tested:
        yield f"Being tested now: {_join(tested)}."
    due = sorted((action for action in team.actions if action.is_open and action.due), key=lambda one: str(one.due))
    late = [action for action in due if action.due and action.due < day]
    coming = [action for action in due if action not in late]
    if late:
        yield f"{_count_actions(len(late))} past the day and still open."
    if coming:
        yield f"Due next: {_name_action(coming[0], team)}."
    if team == TeamRecord(findings=team.findings):
        yield "There are no roles, ideas, tests, stories or actions yet. Begin with: qi new role"


def _count_actions(number: int) -> str:
    """The beginning of a sentence about so many actions: "1 action is", "4 actions are"."""
    return "1 action is" if number == 1 else f"{number} actions are"


def _describe_aim(record: Record) -> str:
    aim = record.aim
    names = {measure.id: measure.name for measure in record.measures}
    words = f"The aim is to {aim.direction} this: {lower_first(names.get(aim.measure, aim.measure))}"
    target = f", to {describe_value(aim.target)}" if aim.target is not None else ""
    by = f" by {describe_day(aim.by)}" if aim.by else ""
    return f"{words}{target}{by}. It is for {aim.population}."


def _name_cycle(cycle: Cycle) -> str:
    return f"{_safe(cycle.title)} ({cycle.id}, since {describe_day(cycle.start)})"


def _name_action(action: Action, team: TeamRecord) -> str:
    words = f"{_safe(action.action)} ({action.id}), {describe_day(action.due) if action.due else ''}"
    return f"{words}, {team.team.name_role(action.owner)}" if action.owner else words


def _safe(text: str) -> str:
    """Words of the record, unless they look like a personal detail."""
    return "one with a personal detail" if find_details(text) else text.strip().rstrip(".")


def _join(parts: list[str]) -> str:
    shown = parts[:MOST_NAMED] if len(parts) > MOST_NAMED + 1 else parts
    more = [f"{len(parts) - len(shown)} more"] if len(shown) < len(parts) else []
    return ", ".join(shown + more)

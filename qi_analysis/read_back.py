"""The record read back in a paragraph, so that whoever wrote it sees that it was understood."""

from collections.abc import Iterator
from datetime import date

from qi_analysis.periods import describe_day
from qi_analysis.personal import find_details
from qi_analysis.phrases import describe_value, lower_first
from qi_analysis.settings import Record
from qi_analysis.team_record_values import Action, Cycle, TeamRecord

MOST_NAMED = 8


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
        yield f"{upper_count(len(late))} past the day and still open."
    if coming:
        yield f"Due next: {_name_action(coming[0], team)}."
    if team == TeamRecord(findings=team.findings):
        yield "There are no roles, ideas, tests, stories or actions yet. Begin with: qi new role"


def upper_count(number: int) -> str:
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

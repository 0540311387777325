"""`qi new`: one command for each kind of entry, with an option for each question."""

import inspect
import sys
from collections.abc import Callable
from datetime import date
from typing import Annotated

import typer

from qi_analysis.entry_kinds import Kind, Known, Question, answer_questions, read_kinds

HELP = "Add a measure, cycle, idea, story, action, event or role. Asks what is missing; with options it asks nothing."


def build_new() -> typer.Typer:
    """The command `new` with its kinds."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=HELP)
    for kind in read_kinds().values():
        group.command(kind.name, help=kind.says)(_build_command(kind))
    return group


def _build_command(kind: Kind) -> Callable[..., None]:
    def command(**given: str | None) -> None:
        _add(kind, given)

    hints = {one.name: Annotated[str | None, typer.Option(help=one.asks)] for one in kind.fields}
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(name, keyword, default=None, annotation=hint) for name, hint in hints.items()]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = hints
    return command


def _add(kind: Kind, given: dict[str, str | None]) -> None:
    """Ask, write, check, and say where it appears."""
    from qi_analysis.new_entry import write_entry
    from qi_analysis.places import find_places
    from qi_analysis.record import collect_record
    from qi_analysis.team_record import check_team_record, has_parts, read_team_record

    places = find_places()
    was_empty = not has_parts(places.record)
    collected = collect_record(places.record)
    known = Known(collected, read_team_record(places.record, collected.charts))
    values = answer_questions(kind, given, known, _ask if sys.stdin.isatty() and sys.stdout.isatty() else None)
    written = write_entry(places.record, kind.name, values, known)
    typer.echo(f"Written: {written.id} in project/{written.file}")
    collected = collect_record(places.record)
    team = check_team_record(read_team_record(places.record, collected.charts), collected.record, date.today())
    found = [*collected.faults, *team.findings]
    for one in dict.fromkeys(found):
        if one.place.startswith(written.place) and not one.message.startswith("The aim"):
            typer.echo(f"{one.level}  {one.message}")
    stops = len({one.message for one in found if one.level == "STOP"})
    if stops:
        typer.echo(
            f"Before the next review {stops} lines of the record must be put right. See them with: qi check --record"
        )
    if was_empty and has_parts(places.record):
        typer.echo("From now on your own record is shown, never the example.")
    typer.echo(f"This appears {kind.appears}.")


def _ask(question: Question) -> str:
    words = question.asks if question.needed else f"{question.asks} (may stay empty)"
    answer: str = typer.prompt(words, default="", show_default=False, prompt_suffix=" ")
    return answer

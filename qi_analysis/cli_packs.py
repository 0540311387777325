"""The commands that make packs from the team's record: handover, welcome, case-study, meeting, export."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from qi_analysis.pack_sources import Sources

commands = typer.Typer()
ON = typer.Option("--on", help="The day it is for, such as 2022-06-14 or 14/06/2022; otherwise today.")


@commands.command()
def handover(on: Annotated[str, ON] = "") -> None:
    """Write the hand-over pack: what, why, how, who, what is open, and the first week of a successor."""
    from qi_analysis.pack_handover import TITLE, build_handover
    from qi_analysis.pack_page import render_pack

    sources = _read(on)
    _write({"handover.html": render_pack(TITLE, build_handover(sources), sources)}, sources)
    typer.echo("Open it in a browser and go through it with whoever takes over.")


@commands.command()
def welcome(
    role: Annotated[
        list[str], typer.Argument(help="service user, clinician, administrator, coach, or an id of team.toml.")
    ],
    on: Annotated[str, ON] = "",
) -> None:
    """Write the pack for someone who joins, in plain words, with the next step of training."""
    from qi_analysis.new_entry import build_slug
    from qi_analysis.pack_page import render_pack
    from qi_analysis.pack_welcome import build_welcome, find_role

    sources = _read(on)
    joining, kind = find_role(sources, " ".join(role))
    title = f"Welcome to the team: {joining.role}"
    name = f"welcome-{build_slug(joining.id or joining.role)}.html"
    _write({name: render_pack(title, build_welcome(sources, joining, kind), sources)}, sources)
    typer.echo("Read it together. Ask what is missing, and what you should change.")


@commands.command("case-study")
def case_study(on: Annotated[str, ON] = "") -> None:
    """Write the draft of a case study in Markdown, with marks where the team has to write."""
    from qi_analysis.pack_case_study import render_case_study

    sources = _read(on)
    text = render_case_study(sources)
    _write({"case-study.md": text}, sources)
    typer.echo(
        f"{text.count('[The team writes: ')} places are marked for the team to write. Copy the file before you do."
    )


@commands.command()
def meeting(day: Annotated[str, typer.Argument(help="Such as 2022-06-14 or 14/06/2022.")]) -> None:
    """Write the page of a meeting, and the calendar of reviews from that day on."""
    from qi_analysis.meeting_days import render_calendar
    from qi_analysis.pack_meeting import build_meeting, describe_usual
    from qi_analysis.pack_page import render_pack

    sources = _read(day)
    when = sources.day.isoformat()
    page = render_pack("Meeting of the team", build_meeting(sources), sources)
    calendar = render_calendar(sources.team.team.reviews, sources.record.title, sources.day)
    _write({f"meeting-{when}.html": page, "reviews.ics": calendar}, sources)
    if usual := describe_usual(sources):
        typer.echo(usual)
    typer.echo("Send the page with the papers. Open reviews.ics to put the meetings into a calendar.")


@commands.command()
def export(
    to: Annotated[str, typer.Argument(help="Where the texts are for: life-qi.")], on: Annotated[str, ON] = ""
) -> None:
    """Write texts to copy into another platform, and the chart table to upload there."""
    from qi_analysis.errors import RecordProblem
    from qi_analysis.life_qi import CHART, build_life_qi
    from qi_analysis.pack_sources import describe_missing
    from qi_analysis.packs import LIFE_QI, take_away_old

    if to != LIFE_QI:
        raise RecordProblem(f"There is one export: {LIFE_QI}. Type: qi export {LIFE_QI}")
    sources = _read(on)
    written = _write({f"{LIFE_QI}/{name}": text for name, text in build_life_qi(sources).items()}, sources)
    take_away_old(written[0].parent, written)
    typer.echo("Copy each text into the field of its name.")
    has_chart = any(path.name == CHART for path in written)
    typer.echo(f"Upload {CHART} as the data of the chart." if has_chart else describe_missing("review"))


def _read(day: str) -> "Sources":
    from qi_analysis.packs import read_sources, read_written_day
    from qi_analysis.places import find_places

    return read_sources(find_places(), read_written_day(day) if day else None)


def _write(files: dict[str, str], sources: "Sources") -> list[Path]:
    from qi_analysis.packs import write_packs
    from qi_analysis.places import find_places

    places = find_places()
    written = write_packs(places, files, sources)
    if sources.team.is_example:
        typer.echo("This is the example record. Begin your own with: qi new role")
    if sources.is_synthetic:
        typer.echo("Synthetic data: no real person is in it.")
    for path in written:
        typer.echo(f"Written: {path.relative_to(places.root).as_posix()}")
    return written

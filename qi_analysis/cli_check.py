"""`qi check`: what is wrong in the record, and what was recognised in data/raw, before anything runs."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from qi_analysis.places import Places
    from qi_analysis.settings import Record


def check(
    record_only: Annotated[bool, typer.Option("--record", help="The record alone, not the extract.")] = False,
) -> None:
    """Say what is wrong in the record and what was recognised in data/raw, before anything runs."""
    from qi_analysis.places import find_places

    places = find_places()
    record = _check_record(places)
    if not record_only:
        _check_extract(places, record)


def _check_record(places: "Places") -> "Record":
    """Print what is to be told about the record, STOP first, then the record read back. Exits with 2 on a STOP."""
    from datetime import date

    from qi_analysis.check_record import check_record, describe_findings
    from qi_analysis.read_back import describe_record

    checked = check_record(places, date.today())
    for line in describe_findings(checked.findings):
        typer.echo(line)
    if checked.stops or checked.record is None:
        typer.echo("Put the lines marked STOP right and run the check again.", err=True)
        raise typer.Exit(2)
    typer.echo(describe_record(checked.record, checked.team, date.today()))
    typer.echo("Every worked example counts as it says.\n")
    return checked.record


def _check_extract(places: "Places", record: "Record") -> None:
    """Print what is recognised in data/raw. Exits with 1 when something that is needed is missing."""
    from qi_analysis.extract import check_headings, find_sources
    from qi_analysis.lock import hold_lock
    from qi_analysis.runs import choose_extract

    with nullcontext() if places.has_extract else hold_lock(places.processed):
        raw = choose_extract(places)
    layout, sources, unused = find_sources(raw, record.columns)
    where = "data/raw" if raw == places.raw else "data/raw is empty; the synthetic sample is used"
    typer.echo(f"Layout: {layout} ({where})")
    is_whole = True
    for source in sources:
        recognised, missing, others = check_headings(source)
        typer.echo(f"\n{source.path.name}: {source.table}")
        for line in recognised:
            typer.echo(f"  recognised  {line}")
        for line in missing:
            typer.echo(f"  missing     {line}")
        for line in others:
            typer.echo(f"  not used    {line}")
        is_whole &= not any("(needed)" in line for line in missing)
    for name in unused:
        typer.echo(f"\n{name}: not used")
    if not is_whole:
        typer.echo("\nSomething that is needed is missing. Rename the heading, or map it in project/columns.toml.")
        raise typer.Exit(1)
    typer.echo("\nEverything that is needed is there.")

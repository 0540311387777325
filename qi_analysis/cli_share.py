"""`qi share` and `qi gate`: what may leave the service."""

from pathlib import Path
from typing import Annotated

import typer


def share(
    period: Annotated[str, typer.Argument(help='A month such as 2022-08, or "latest".')] = "latest",
    edition: Annotated[str, typer.Option(help="team or plain.")] = "team",
    to: Annotated[Path | None, typer.Option(help="A new folder instead of reports/share/.")] = None,
) -> None:
    """Write a pack to share: page, page for paper, e-mail, text message, who gets what. Only what the gate let pass."""
    from qi_analysis.places import find_places
    from qi_analysis.share import share as write_pack

    places = find_places()
    pack = write_pack(places, period, edition, to)
    typer.echo(f"In the pack: {', '.join(pack.files)}.")
    typer.echo(pack.reading_age)
    if pack.is_synthetic:
        typer.echo("Synthetic data: no real person is in it.")
    typer.echo(f"Ready to send: {to or pack.folder.relative_to(places.root).as_posix()}")


def gate(
    file: Annotated[Path, typer.Argument(help="A finished page (.html) or a notebook (.ipynb).")],
    release: Annotated[Path | None, typer.Option(help="The release its numbers come from.")] = None,
) -> None:
    """Read a finished page or notebook, and say yes or name what must not be shared. Never repeats what it found."""
    from qi_analysis.gate import check_file
    from qi_analysis.gate_guard import find_guard

    guard, notes = find_guard(file, release)
    findings = check_file(file, guard)
    for note in notes:
        typer.echo(note, err=True)
    for finding in findings:
        typer.echo(str(finding), err=True)
    if findings:
        typer.echo("The gate is closed: this file may not be shared.", err=True)
        raise typer.Exit(3)
    typer.echo(f"The gate is open: {len(guard.list_checks())} checks passed.")

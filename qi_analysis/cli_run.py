"""`qi run`: make and publish reviews, with a log and a progress bar."""

import gc
import logging
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

RARE = (200_000, 20, 20)  # imports and tables make few cycles: looking for them less often saves a tenth


def run(
    period: Annotated[str, typer.Argument(help='A month such as 2022-08, or "latest".')] = "latest",
    every: Annotated[bool, typer.Option("--all", help="Every month with data.")] = False,
) -> None:
    """Make and publish a review (or all of them). Nothing is published unless everything held."""
    from qi_analysis.places import find_places
    from qi_analysis.runs import run as run_reviews

    gc.set_threshold(*RARE)
    places = find_places()
    _start_log(places.processed / "logs")
    bar = _Bar()
    outcomes = run_reviews(places, "all" if every else period, bar.start, bar.step)
    bar.close()
    failed = [outcome for outcome in outcomes if outcome.exit_code]
    for outcome in failed:
        typer.echo(f"Not published: {outcome.line}", err=True)
    if every:
        made = sum(outcome.is_new for outcome in outcomes)
        rest = len(outcomes) - made - len(failed)
        typer.echo(f"{made} reviews published, {rest} with nothing new, {len(failed)} not published.")
    if failed:
        raise typer.Exit(max(outcome.exit_code for outcome in failed))
    _say_where(places.reports)
    typer.echo(outcomes[-1].line)
    sys.stdout.flush()
    _log_reading_ages(places.reports, [outcome.period_id for outcome in outcomes if outcome.is_new])


def _log_reading_ages(reports: Path, period_ids: list[str]) -> None:
    """How old a reader of each new page must be, one line for each edition, for the editor. After the answer: it is slow."""
    from qi_analysis.publish import read_published
    from qi_analysis.reading_age import LIMITS, describe_reading_age

    published = read_published(reports)
    for period_id in period_ids:
        last = published[period_id][-1]
        for edition in LIMITS:
            page = (last.folder / last.manifest["editions"][edition]).read_text(encoding="utf-8")
            logging.getLogger("qi_analysis").info("%s: %s", period_id, describe_reading_age(page, edition))


def _say_where(reports: Path) -> None:
    typer.echo(f"Open {(reports / 'index.html').relative_to(reports.parent).as_posix()} in a browser.")


class _Bar:
    """A progress bar on the terminal, shown when there is more than one review to make."""

    def __init__(self) -> None:
        self.bar = None

    def start(self, number: int) -> None:
        if number > 1 and sys.stderr.isatty():
            from tqdm import tqdm

            self.bar = tqdm(total=number, unit="review", leave=False)

    def step(self, outcome: object) -> None:
        if self.bar is not None:
            self.bar.update(1)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


def _start_log(folder: Path) -> None:
    """One file a run; it holds stages, seconds and counts, never a value of a row."""
    logging.raiseExceptions = False  # a log that cannot be written is no reason to print where
    folder.mkdir(parents=True, exist_ok=True)
    name = datetime.now().strftime("%Y-%m-%d-%H%M%S-%f") + ".log"
    logging.basicConfig(filename=folder / name, level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    for noisy in ("papermill", "traitlets", "matplotlib", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    logging.captureWarnings(True)

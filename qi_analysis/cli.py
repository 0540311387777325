"""The command line. It and new_command.py alone print; everything else raises."""

import gc
import logging
import sys
import traceback
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qi_analysis.errors import QiError
from qi_analysis.new_command import build_new

if TYPE_CHECKING:
    from qi_analysis.places import Places
    from qi_analysis.settings import Record

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="From a raw extract to a published monthly review of LI CBT completion.",
)  # fmt: skip
app.add_typer(build_new(), name="new")
UNEXPECTED = 4
RARE = (200_000, 20, 20)  # imports and tables make few cycles: looking for them less often saves a tenth


@app.command()
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


@app.command()
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
    from qi_analysis.runs import choose_extract

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


@app.command("list")
def list_reviews() -> None:
    """List the published reviews, newest first."""
    from qi_analysis.places import find_places
    from qi_analysis.publish import read_published

    published = read_published(find_places().reports)
    if not published:
        typer.echo("No review has been published yet. Make one with: qi run latest")
    for period_id, revisions in reversed(published.items()):
        last = revisions[-1]
        kind = " [synthetic data]" if last.manifest["data_kind"] != "service" else ""
        typer.echo(
            f"{period_id}  revision {last.revision}  data to {last.manifest['data_date']}  {last.manifest['verdict']}{kind}"
        )


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="Where to write it; must be empty or missing.")],
    seed: Annotated[int, typer.Option(help="Another seed, other made-up people.")] = 2021,
    months: Annotated[int, typer.Option(help="How many months, from January 2021.")] = 30,
    size: Annotated[int, typer.Option(help="1 is a service of this size; up to 100 times as many.")] = 1,
) -> None:
    """Write a synthetic extract in the national layout."""
    from qi_analysis.errors import RecordProblem
    from qi_analysis.sample import write_sample

    if folder.exists() and any(folder.iterdir()):
        raise RecordProblem(f"{folder.name} is not empty. Name a new folder for the sample.")
    folder.mkdir(parents=True, exist_ok=True)
    write_sample(folder, seed=seed, months=months, size=size)
    typer.echo(f"Synthetic extract written: {months} months, size {size}.")


@app.command()
def lab() -> None:
    """Open the notebooks in JupyterLab, after making the latest review if there is none."""
    import subprocess

    from qi_analysis.errors import RecordProblem
    from qi_analysis.places import find_places
    from qi_analysis.runs import run as run_reviews

    places = find_places()
    try:
        import jupyterlab  # noqa: F401
    except ImportError:
        raise RecordProblem("JupyterLab is not installed here. Run: make lab") from None
    if not places.release("any").parent.exists():
        run_reviews(places, "latest", lambda number: None, lambda outcome: None)
    subprocess.run([sys.executable, "-m", "jupyterlab", str(places.notebooks)], check=False)


def _start_log(folder: Path) -> None:
    """One file a run; it holds stages, seconds and counts, never a value of a row."""
    folder.mkdir(parents=True, exist_ok=True)
    name = datetime.now().strftime("%Y-%m-%d-%H%M%S-%f") + ".log"
    logging.basicConfig(filename=folder / name, level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    for noisy in ("papermill", "traitlets", "matplotlib", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    logging.captureWarnings(True)


def _log_surprise(surprise: Exception) -> None:
    """Where an unexpected failure happened and of what kind; not its message, which could hold a value of a row."""
    places = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in traceback.extract_tb(surprise.__traceback__)]
    logging.getLogger("qi_analysis").error("unexpected %s at %s", type(surprise).__name__, " < ".join(reversed(places)))


def main() -> None:
    """The entry point: an expected failure is one line and its exit code, an unexpected one says so."""
    try:
        app(standalone_mode=True)
    except QiError as problem:
        typer.echo(str(problem), err=True)
        sys.exit(problem.exit_code)
    except Exception as surprise:
        _log_surprise(surprise)
        typer.echo(
            "Something unexpected went wrong, and nothing was published. The log in data/processed/logs says where.",
            err=True,
        )
        sys.exit(UNEXPECTED)


if __name__ == "__main__":
    main()

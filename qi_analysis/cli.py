"""The command line. It alone prints; everything else raises."""

import gc
import logging
import os
import sys
import traceback
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from qi_analysis.errors import QiError, describe_disk

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="From a raw extract to a published monthly review of LI CBT completion.",
)  # fmt: skip
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


@app.command()
def check() -> None:
    """Say what was recognised in data/raw and in the record, and what is missing, before anything runs."""
    from qi_analysis.extract import check_headings, find_sources
    from qi_analysis.lock import hold_lock
    from qi_analysis.places import find_places
    from qi_analysis.record import read_record
    from qi_analysis.runs import choose_extract, has_extract
    from qi_analysis.worked_examples import check_examples

    places = find_places()
    record = read_record(places.record)
    faults = check_examples(record.measures, record.completion)
    for fault in faults:
        typer.echo(fault, err=True)
    if faults:
        raise typer.Exit(2)
    typer.echo("The record reads well, and every worked example counts as it says.")
    with nullcontext() if has_extract(places) else hold_lock(places.processed):
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
    from qi_analysis.publish import check_published, read_published

    reports = find_places().reports
    for problem in check_published(reports):
        typer.echo(problem, err=True)
    published = read_published(reports)
    if not published:
        typer.echo("No review has been published yet. Make one with: qi run latest")
    for period_id, revisions in reversed(published.items()):
        last = revisions[-1]
        kind = " [synthetic data]" if last.manifest["data_kind"] != "service" else ""
        typer.echo(
            f"{period_id}  revision {last.revision}  data to {last.manifest['data_date']}  {last.manifest['verdict']}{kind}"
        )


@app.command()
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
    logging.raiseExceptions = False  # a log that cannot be written is no reason to print where
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


def _speak_utf8() -> None:
    """Start anew in UTF-8 where the locale would have file names in ASCII: not every library can open such names."""
    if sys.getfilesystemencoding() != "utf-8":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def main() -> None:
    """The entry point: an expected failure is one line and its exit code, an unexpected one says so."""
    _speak_utf8()
    try:
        app(standalone_mode=True)
    except QiError as problem:
        typer.echo(str(problem), err=True)
        sys.exit(problem.exit_code)
    except OSError as problem:
        _log_surprise(problem)
        typer.echo(describe_disk(problem), err=True)
        sys.exit(UNEXPECTED)
    except Exception as surprise:
        _log_surprise(surprise)
        typer.echo(
            "Something unexpected went wrong, and nothing was published. The log in data/processed/logs says where.",
            err=True,
        )
        sys.exit(UNEXPECTED)


if __name__ == "__main__":
    main()

"""The command line. It, the modules named cli_ and new_command.py alone print; everything else raises."""

import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from qi_analysis.cli_check import check
from qi_analysis.cli_packs import commands as pack_commands
from qi_analysis.cli_run import run
from qi_analysis.cli_share import gate, share
from qi_analysis.errors import QiError, describe_disk
from qi_analysis.new_command import build_new

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="From a raw extract to a published monthly review of LI CBT completion.",
)  # fmt: skip
app.add_typer(build_new(), name="new")
for command in (run, check, share, gate):
    app.command()(command)
app.registered_commands += pack_commands.registered_commands
UNEXPECTED = 4


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

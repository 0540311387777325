"""Every `qi` command. This module alone prints; everything else raises. An expected failure is one line and an exit code.

Commands stand in the order in which a user meets them: init, sample, check, run, list, share, gate, new (one command for
each kind of entry, with an option for each question), the packs made from the team's record, and lab. What only one
command needs is imported when it runs.
"""

import gc
import inspect
import logging
import os
import shlex
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qi_analysis.errors import QiError, describe_disk
from qi_analysis.record.new_entry import Kind, Known, Question, answer_questions, read_kinds
from qi_analysis.storage import Places, choose_places

if TYPE_CHECKING:
    from qi_analysis.packs.pack import Sources
    from qi_analysis.record.settings import Record

IN = Annotated[
    Path | None,
    typer.Option("--project", metavar="FOLDER", help="The project to work in; otherwise the one you are in."),
]
ON = typer.Option("--on", help="The day it is for, such as 2022-06-14 or 14/06/2022; otherwise today.")
RARE = (200_000, 20, 20)  # imports and tables make few cycles: looking for them less often saves a tenth
UNEXPECTED = 4
app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="From a raw extract to a published monthly review of LI CBT completion.",
)  # fmt: skip
new = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None,
    help="Add a measure, cycle, idea, story, action, event or role. Asks what is missing; with options it asks nothing.",
)  # fmt: skip
app.add_typer(new, name="new")


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="A new or empty folder.")]) -> None:
    """Make an empty project: settings, notebooks, templates and folders for data and reports."""
    from qi_analysis.storage import make_project

    make_project(folder)
    typer.echo(f"Made: {folder.name}. Put an extract into its data/raw, or leave that empty to try a synthetic one.")
    typer.echo(
        f"Then, from there: qi check, and qi run latest. From elsewhere: qi run --project {shlex.quote(str(folder))}"
    )


@app.command()
def sample(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Where to write it; must be empty or missing. Left out: data/raw of the project."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed, other made-up people.")] = 2021,
    months: Annotated[int, typer.Option(help="How many months, from January 2021.")] = 30,
    size: Annotated[int, typer.Option(help="1 is a service of this size; up to 100 times as many.")] = 1,
    project: IN = None,
) -> None:
    """Write a synthetic extract in the national layout."""
    from qi_analysis.errors import RecordProblem
    from qi_analysis.extract.sample.generate import write_sample

    folder = folder or choose_places(project).raw
    if folder.exists() and any(path.name != "README.md" for path in folder.iterdir()):
        raise RecordProblem(f"{folder.name} is not empty. Name a new folder for the sample.")
    folder.mkdir(parents=True, exist_ok=True)
    write_sample(folder, seed=seed, months=months, size=size)
    typer.echo(f"Synthetic extract written: {months} months, size {size}.")


@app.command()
def check(
    record_only: Annotated[bool, typer.Option("--record", help="The record alone, not the extract.")] = False,
    project: IN = None,
) -> None:
    """Say what is wrong in the record and what was recognised in data/raw, before anything runs."""
    places = choose_places(project)
    record = _check_record(places)
    if not record_only:
        _check_extract(places, record)


def _check_record(places: Places) -> "Record":
    """Print what is to be told about the record, STOP first, then the record read back. Exits with 2 on a STOP."""
    from qi_analysis.run.check_record import check_record, describe_findings, describe_record

    checked = check_record(places, date.today())
    for line in describe_findings(checked.findings):
        typer.echo(line)
    if checked.stops or checked.record is None:
        typer.echo("Put the lines marked STOP right and run the check again.", err=True)
        raise typer.Exit(2)
    typer.echo(describe_record(checked.record, checked.team, date.today()))
    typer.echo("Every worked example counts as it says.\n")
    return checked.record


def _check_extract(places: Places, record: "Record") -> None:
    """Print what is recognised in data/raw. Exits with 1 when something that is needed is missing."""
    from qi_analysis.extract.choose import choose_extract
    from qi_analysis.extract.sources import check_headings, find_sources
    from qi_analysis.storage import hold_lock

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


@app.command()
def run(
    period: Annotated[str, typer.Argument(help='A month such as 2022-08, or "latest".')] = "latest",
    every: Annotated[bool, typer.Option("--all", help="Every month with data.")] = False,
    project: IN = None,
) -> None:
    """Make and publish a review (or all of them). Nothing is published unless everything held."""
    from qi_analysis.run.batch import run as run_reviews

    gc.set_threshold(*RARE)
    places = choose_places(project)
    _start_log(places.processed / "logs")
    bar = _Bar()
    outcomes = run_reviews(places, "all" if every else period, bar.start, bar.step, _warn)
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
    typer.echo(f"Open {(places.reports / 'index.html').relative_to(places.root).as_posix()} in a browser.")
    typer.echo(outcomes[-1].line)
    sys.stdout.flush()
    _log_reading_ages(places.reports, [outcome.period_id for outcome in outcomes if outcome.is_new])


@app.command("list")
def list_reviews(project: IN = None) -> None:
    """List the published reviews, newest first."""
    from qi_analysis.run.publish import check_published, read_published

    reports = choose_places(project).reports
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
    project: IN = None,
) -> None:
    """Write a pack to share: page, page for paper, e-mail, text message, who gets what. Only what the gate let pass."""
    from qi_analysis.packs.share import share as write_pack

    places = choose_places(project)
    pack = write_pack(places, period, edition, to)
    typer.echo(f"In the pack: {', '.join(pack.files)}.")
    typer.echo(pack.reading_age)
    if pack.is_synthetic:
        typer.echo("Synthetic data: no real person is in it.")
    typer.echo(f"Ready to send: {to or pack.folder.relative_to(places.root).as_posix()}")


@app.command()
def gate(
    file: Annotated[Path, typer.Argument(help="A finished page (.html) or a notebook (.ipynb).")],
    release: Annotated[Path | None, typer.Option(help="The release its numbers come from.")] = None,
    project: IN = None,
) -> None:
    """Read a finished page or notebook, and say yes or name what must not be shared. Never repeats what it found."""
    from qi_analysis.gate.check import check_file, find_guard

    guard, notes = find_guard(file, release, project)
    findings = check_file(file, guard)
    for note in notes:
        typer.echo(note, err=True)
    for finding in findings:
        typer.echo(str(finding), err=True)
    if findings:
        typer.echo("The gate is closed: this file may not be shared.", err=True)
        raise typer.Exit(3)
    typer.echo(f"The gate is open: {len(guard.list_checks())} checks passed.")


# `qi new`, from the list of kinds in templates/record/kinds.toml.
def _build_command(kind: Kind) -> Callable[..., None]:
    def command(project: Path | None = None, **given: str | None) -> None:
        _add(kind, given, choose_places(project))

    hints: dict[str, Any] = {one.name: Annotated[str | None, typer.Option(help=one.asks)] for one in kind.fields}
    hints["project"] = IN
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(name, keyword, default=None, annotation=hint) for name, hint in hints.items()]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = hints
    return command


def _add(kind: Kind, given: dict[str, str | None], places: Places) -> None:
    """Ask, write, check, and say where it appears."""
    from qi_analysis.record.new_entry import write_entry
    from qi_analysis.record.read_settings import collect_record
    from qi_analysis.record.read_team import check_team_record, has_parts, read_team_record

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


for kind in read_kinds().values():
    new.command(kind.name, help=kind.says)(_build_command(kind))


# Packs made from the team's record.
@app.command()
def handover(on: Annotated[str, ON] = "", project: IN = None) -> None:
    """Write the hand-over pack: what, why, how, who, what is open, and the first week of a successor."""
    from qi_analysis.packs.handover import TITLE, build_handover
    from qi_analysis.packs.pack import render_pack

    places, sources = _read_sources(on, project)
    _write_packs({"handover.html": render_pack(TITLE, build_handover(sources), sources)}, places, sources)
    typer.echo("Open it in a browser and go through it with whoever takes over.")


@app.command()
def welcome(
    role: Annotated[
        list[str], typer.Argument(help="service user, clinician, administrator, coach, or an id of team.toml.")
    ],
    on: Annotated[str, ON] = "",
    project: IN = None,
) -> None:
    """Write the pack for someone who joins, in plain words, with the next step of training."""
    from qi_analysis.packs.pack import render_pack
    from qi_analysis.packs.welcome import build_welcome, find_role
    from qi_analysis.record.new_entry import build_slug

    places, sources = _read_sources(on, project)
    joining, kind = find_role(sources, " ".join(role))
    title = f"Welcome to the team: {joining.role}"
    name = f"welcome-{build_slug(joining.id or joining.role)}.html"
    _write_packs({name: render_pack(title, build_welcome(sources, joining, kind), sources)}, places, sources)
    typer.echo("Read it together. Ask what is missing, and what you should change.")


@app.command("case-study")
def case_study(on: Annotated[str, ON] = "", project: IN = None) -> None:
    """Write the draft of a case study in Markdown, with marks where the team has to write."""
    from qi_analysis.packs.case_study import render_case_study

    places, sources = _read_sources(on, project)
    text = render_case_study(sources)
    _write_packs({"case-study.md": text}, places, sources)
    typer.echo(
        f"{text.count('[The team writes: ')} places are marked for the team to write. Copy the file before you do."
    )


@app.command()
def meeting(day: Annotated[str, typer.Argument(help="Such as 2022-06-14 or 14/06/2022.")], project: IN = None) -> None:
    """Write the page of a meeting, and the calendar of reviews from that day on."""
    from qi_analysis.packs.meeting import build_meeting, describe_usual
    from qi_analysis.packs.pack import render_pack
    from qi_analysis.record.meetings import render_calendar

    places, sources = _read_sources(day, project)
    when = sources.day.isoformat()
    page = render_pack("Meeting of the team", build_meeting(sources), sources)
    calendar = render_calendar(sources.team.team.reviews, sources.record.title, sources.day)
    _write_packs({f"meeting-{when}.html": page, "reviews.ics": calendar}, places, sources)
    if usual := describe_usual(sources):
        typer.echo(usual)
    typer.echo("Send the page with the papers. Open reviews.ics to put the meetings into a calendar.")


@app.command()
def export(
    to: Annotated[str, typer.Argument(help="Where the texts are for: life-qi.")],
    on: Annotated[str, ON] = "",
    project: IN = None,
) -> None:
    """Write texts to copy into another platform, and the chart table to upload there."""
    from qi_analysis.errors import RecordProblem
    from qi_analysis.packs.life_qi import CHART, build_life_qi
    from qi_analysis.packs.pack import LIFE_QI, describe_missing, take_away_old

    if to != LIFE_QI:
        raise RecordProblem(f"There is one export: {LIFE_QI}. Type: qi export {LIFE_QI}")
    places, sources = _read_sources(on, project)
    written = _write_packs(
        {f"{LIFE_QI}/{name}": text for name, text in build_life_qi(sources).items()}, places, sources
    )
    take_away_old(written[0].parent, written)
    typer.echo("Copy each text into the field of its name.")
    has_chart = any(path.name == CHART for path in written)
    typer.echo(f"Upload {CHART} as the data of the chart." if has_chart else describe_missing("review"))


def _read_sources(day: str, project: Path | None) -> tuple[Places, "Sources"]:
    from qi_analysis.packs.pack import read_sources, read_written_day

    places = choose_places(project)
    return places, read_sources(places, read_written_day(day) if day else None)


def _write_packs(files: dict[str, str], places: Places, sources: "Sources") -> list[Path]:
    from qi_analysis.packs.pack import write_packs

    written = write_packs(places, files, sources)
    if sources.team.is_example:
        typer.echo("This is the example record. Begin your own with: qi new role")
    if sources.is_synthetic:
        typer.echo("Synthetic data: no real person is in it.")
    for path in written:
        typer.echo(f"Written: {path.relative_to(places.root).as_posix()}")
    return written


@app.command()
def lab(project: IN = None) -> None:
    """Open the notebooks in JupyterLab, after making the latest review if there is none."""
    import subprocess

    from qi_analysis.errors import RecordProblem
    from qi_analysis.run.batch import run as run_reviews

    places = choose_places(project)
    try:
        import jupyterlab  # noqa: F401
    except ImportError:
        raise RecordProblem("JupyterLab is not installed here. Run: make lab") from None
    if not places.release("any").parent.exists():
        run_reviews(places, "latest", lambda number: None, lambda outcome: None)
    subprocess.run([sys.executable, "-m", "jupyterlab", str(places.notebooks)], check=False)


# What a run says and logs.
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


def _log_reading_ages(reports: Path, period_ids: list[str]) -> None:
    """How old a reader of each new page must be, one line for each edition, for the editor. After the answer: it is slow."""
    if not period_ids:
        return
    from qi_analysis.packs.share import LIMITS, describe_reading_age
    from qi_analysis.run.publish import read_published

    published = read_published(reports)
    for period_id in period_ids:
        last = published[period_id][-1]
        for edition in LIMITS:
            page = (last.folder / last.manifest["editions"][edition]).read_text(encoding="utf-8")
            logging.getLogger("qi_analysis").info("%s: %s", period_id, describe_reading_age(page, edition))


def _warn(line: str) -> None:
    typer.echo(line, err=True)
    logging.getLogger("qi_analysis").warning(line)


# The entry point.
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


if __name__ == "__main__":
    main()

"""The packs of the team's record: reads what they are built from, passes each through the gate, writes it whole."""

import re
from collections.abc import Mapping
from datetime import date
from html import unescape
from pathlib import Path

from qi_analysis.days import read_day
from qi_analysis.errors import GateClosed, RecordProblem
from qi_analysis.fragments import Html
from qi_analysis.gate import open_gate
from qi_analysis.gate_guard import find_raw, read_guard
from qi_analysis.pack_page import Section, render_pack
from qi_analysis.pack_sources import Sources
from qi_analysis.periods import parse_period
from qi_analysis.places import Places
from qi_analysis.publish import Published, read_published
from qi_analysis.record import read_whole_record
from qi_analysis.record_words import mark_tested, protect_words
from qi_analysis.release import Release, read_release
from qi_analysis.team_record import read_team_record
from qi_analysis.whole import write_whole

FOLDER = "packs"
LIFE_QI = "life-qi"


def read_written_day(text: str) -> date:
    """A day as people type it: 2022-06-14 or 14/06/2022. Raises RecordProblem for anything else."""
    day = read_day(text)
    if day is None:
        raise RecordProblem("I cannot read that day. Write it as 2022-06-14 or 14/06/2022.")
    return day


def read_sources(places: Places, day: date | None = None) -> Sources:
    """The record, the newest published review and the day a pack is for. Raises RecordProblem for a faulty record.

    day: None is today; with the example record, which lies in the past, the last day of the newest review.
    """
    record, team = read_whole_record(places.record)
    published = _find_newest(places)
    release = _read_release(places, published)
    is_synthetic = release.facts["data_kind"] != "service" if release else not places.has_extract
    if is_synthetic:  # the only data beside which the example may stand
        team = read_team_record(places.record, {one.id: one.chart for one in record.measures}, allow_example=True)
    if day is None:
        day = parse_period(release.facts["period"]).end if release and team.is_example else date.today()
    team = protect_words(mark_tested(team, day))
    if release is None or published is None:
        return Sources(record, team, day)
    page = published.folder / published.manifest["pages"][0]
    return Sources(record, team, day, release, f"{published.folder.name}/{page.name}", _list_questions(page))


def _find_newest(places: Places) -> Published | None:
    """The last revision of the newest month that is published."""
    revisions = list(read_published(places.reports).values())
    return revisions[-1][-1] if revisions else None


def _read_release(places: Places, published: Published | None) -> Release | None:
    """The release behind a published review; None when it is gone or is that of a run that was not published."""
    if published is None:
        return None
    folder = places.release(published.manifest["period"])
    release = read_release(folder) if (folder / "facts.json").exists() else None
    return release if release and release.facts.get("revision") == published.revision else None


def _list_questions(page: Path) -> tuple[str, ...]:
    """The questions of a published review, from its list of contents."""
    contents = page.read_text(encoding="utf-8").partition("<nav")[2].partition("</nav>")[0] if page.exists() else ""
    return tuple(unescape(found) for found in re.findall(r"<li><a [^>]*>(.*?)</a></li>", contents))


def write_packs(places: Places, files: Mapping[str, str], sources: Sources) -> list[Path]:
    """Write packs below reports/packs in place of earlier ones, once the gate has let every one of them pass.

    files: name -> finished text. Pages are read by the gate as they are, other texts inside a page. Raises GateClosed
    naming the file; then nothing is written.
    """
    guard = read_guard(
        find_raw(places), places.record, sources.record.columns
    )  # no store: a record has numbers of its own
    for name, text in files.items():
        page = text if name.endswith(".html") else _wrap(name, text, sources)
        try:
            open_gate(page, guard)
        except GateClosed as closed:
            raise GateClosed(f"{name}: {closed} Look for it in project/, take it out and try again.") from None
    written = [places.reports / FOLDER / name for name in files]
    for path, text in zip(written, files.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
    return written


def _wrap(name: str, text: str, sources: Sources) -> str:
    """A text as a page, so that the gate can read it."""
    return render_pack(name, [Section("What does it say?", (Html("<pre>{}</pre>").format(text),))], sources)


def take_away_old(folder: Path, kept: list[Path]) -> None:
    """Take away the files of an earlier pack that the new one no longer has."""
    for path in set(folder.glob("*.*")) - set(kept):
        path.unlink()

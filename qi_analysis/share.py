"""The share pack: a page that the gate said yes to, with what is needed to send it, in one folder.

Nothing is worked out here, and nothing is shared that has no verdict of the gate for exactly these bytes.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from qi_analysis.editions import EDITIONS, Edition
from qi_analysis.errors import DataProblem, RecordProblem
from qi_analysis.gate import Guard, open_gate
from qi_analysis.gate_allow import read_allowed
from qi_analysis.gate_verdict import read_passed_page
from qi_analysis.places import Places
from qi_analysis.publish import Published, read_published
from qi_analysis.reading_age import describe_reading_age
from qi_analysis.share_words import describe_email, describe_text_message, read_readers, render_print, render_readers
from qi_analysis.whole import write_folder

REPORT = "report.html"
SHARED = ("team", "plain")


@dataclass(frozen=True)
class Pack:
    """Where the pack lies, what it holds, and the reading age of its page in a line for the editor."""

    folder: Path
    files: tuple[str, ...]
    reading_age: str
    is_synthetic: bool


def share(places: Places, wanted: str, edition: str = "team", to: Path | None = None) -> Pack:
    """Write the pack of the newest revision of a period ("latest": the newest period).

    It replaces an older pack in reports/share; a folder named in `to` must be empty or missing. Raises GateClosed
    when the page has no verdict, DataProblem when nothing was published, RecordProblem for what is not to be shared.
    """
    chosen, published = _choose_edition(edition), _choose_period(places, wanted)
    target = to or places.reports / "share" / f"{published.manifest['period']}-{chosen.name}"
    if to and to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise RecordProblem(f"{to.name} is not empty. Name a new folder for the pack.")
    page = read_passed_page(published.folder / chosen.page)
    files = build_pack(places, published, chosen, page)
    with write_folder(target) as folder:
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    age = describe_reading_age(page, chosen.name)
    return Pack(target, tuple(files), age, published.manifest["data_kind"] != "service")


def build_pack(places: Places, published: Published, edition: Edition, page: str) -> dict[str, str]:
    """file name -> text of every file of a pack. Raises GateClosed when the page for paper does not pass the gate."""
    printed = render_print(page)
    open_gate(printed, Guard(allowed=read_allowed(places.record)))  # its words were held against the extract before
    manifest = published.manifest
    readers = read_readers(places.record, date.fromisoformat(manifest["data_date"]))
    return {
        REPORT: page,
        "print.html": printed,
        "email.txt": describe_email(manifest, edition.name),
        "text-message.txt": describe_text_message(manifest, edition.name),
        "who-gets-what.csv": render_readers(readers),
    }


def _choose_edition(name: str) -> Edition:
    if name not in SHARED:
        raise RecordProblem(f"The edition to share is one of {', '.join(SHARED)}. The analyst edition stays here.")
    return next(edition for edition in EDITIONS if edition.name == name)


def _choose_period(places: Places, wanted: str) -> Published:
    published = read_published(places.reports)
    if not published:
        raise DataProblem("No review has been published yet. Make one with: qi run latest")
    period = max(published) if wanted == "latest" else wanted
    if period not in published:
        raise DataProblem(f"There is no published review of this month. There are: {', '.join(published)}.")
    return published[period][-1]

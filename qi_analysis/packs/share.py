"""The share pack: a page that the gate said yes to, with what is needed to send it, in one folder.

Nothing is worked out here, and nothing is shared that has no verdict of the gate for exactly these bytes. With the page
come an e-mail, a text message, a page for paper and who gets what, no address in any of them.

How old a reader must be to follow a page is the Flesch-Kincaid grade of its words plus 5, section by section. Words are
headings, paragraphs, list items, captions of charts and the pairs of a summary; tables, charts, code and links of the
contents are left out.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from textstat import textstat

from qi_analysis.errors import DataProblem, RecordProblem
from qi_analysis.gate.check import Guard, open_gate
from qi_analysis.gate.shapes import read_allowed
from qi_analysis.periods import describe_day, parse_period
from qi_analysis.record.findings import Faults
from qi_analysis.record.read_team import read_team
from qi_analysis.record.team import Role, Team
from qi_analysis.report.editions import EDITIONS, Edition
from qi_analysis.run.publish import Published, read_passed_page, read_published
from qi_analysis.storage import Places, write_folder

AGE_OF_GRADE = 5  # school grade 4 is read at 9
LIMITS = {"team": 14.0, "plain": 11.0}  # the oldest reader each section of an edition may need
BLOCKS = {"h1", "h2", "h3", "p", "li", "figcaption", "dd", "blockquote"}
LEFT_OUT = {"table", "svg", "style", "nav", "pre", "summary", "title"}
EMAIL_WORDS, MESSAGE_LETTERS = 150, 300  # both stay under it
PAPER = (
    "@media print{section:has(figure){break-before:page}.facts,.notes{break-inside:avoid}}"
    "nav,.skip{display:none}.banner{position:static}.body{display:block}"
)
PUBLIC = ("service user", "patient", "carer", "public")  # roles that get the plain edition
ADDRESS = re.compile(r"@|\d{5}|\d[\d ]{8,}")
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


# The words of a share pack.
@dataclass(frozen=True)
class Reader:
    """Who gets which edition, and by which kind of way."""

    role: str
    edition: str
    channel: str


USUAL_READERS = (
    Reader("service user", "plain", "personal e-mail, or on paper"),
    Reader("psychological wellbeing practitioner", "team", "NHS e-mail"),
    Reader("administrator", "team", "NHS e-mail"),
    Reader("coach", "team", "work e-mail"),
    Reader("sponsor", "team", "work e-mail"),
)


def render_print(page: str) -> str:
    """The page for paper: every folded part open, a question with a chart begins on a new sheet."""
    return re.sub(r"<details\b", "<details open", page).replace("</style>", f"{PAPER}</style>", 1)


def describe_email(manifest: Mapping[str, Any], edition: str) -> str:
    """The e-mail that goes with a page, under 150 words: what is attached, the verdict, how to open it and to answer."""
    period = parse_period(manifest["period"]).words
    synthetic = ["This is a trial. The data are synthetic: no real person is in them.\n"] * _is_synthetic(manifest)

    def write(verdict: str) -> str:
        lines = [
            f"Subject: Review of {period}: {manifest['project']}\n",
            "Hello,\n",
            f"Here is our review of {period}. In short:\n",
            f"{verdict}\n",
            *synthetic,
            "Two files are attached. report.html is the review. print.html is the same, for paper.",
            "Save report.html and open it in any browser, on a phone too. It needs no internet and no account.\n",
            "What do you think? Please reply: what is clear, what is not, and what is missing?\n",
            f"Figures up to {describe_day(date.fromisoformat(manifest['data_date']))}. Revision {manifest['revision']}.",
        ]
        return "\n".join(lines) + "\n"

    return _fit(
        [write(verdict) for verdict in _list_verdicts(manifest, edition)], EMAIL_WORDS, lambda t: len(t.split())
    )


def describe_text_message(manifest: Mapping[str, Any], edition: str) -> str:
    """A text message under 300 characters."""
    period = parse_period(manifest["period"]).words
    trial = " Synthetic data: no real person." * _is_synthetic(manifest)
    texts = [
        f"Low Intensity CBT, {period}: {verdict} The full page comes by e-mail or on paper. Tell us what you think.{trial}\n"
        for verdict in _list_verdicts(manifest, edition)
    ]
    return _fit(texts, MESSAGE_LETTERS, len)


def _is_synthetic(manifest: Mapping[str, Any]) -> bool:
    return bool(manifest["data_kind"] != "service")


def _list_verdicts(manifest: Mapping[str, Any], edition: str) -> list[str]:
    """The verdict in the edition's words, then shorter ones for when it is too long."""
    verdict = manifest["plain_verdict"] if edition == "plain" else manifest["verdict"]
    return [verdict, manifest["plain_verdict"], "The answer is at the top of the page."]


def _fit(texts: Sequence[str], limit: int, measure: Any) -> str:
    return next(text for text in texts if measure(text) < limit or text is texts[-1])


def read_readers(record: Path, on: date) -> tuple[Reader, ...]:
    """Who gets what: the roles of team.toml that have not ended on that day, else the usual ones.

    Service users, patients, carers and the public get the plain edition, all others the team's. Raises RecordProblem
    when a channel holds an address or a number instead of a kind, or when the file cannot be read.
    """
    path, faults = record / "team.toml", Faults()
    team = read_team(path, faults) if path.exists() else Team()
    if faults.stops:
        raise RecordProblem("\n".join(faults.stops))
    readers = [_build_reader(role) for role in team.roles if role.until is None or role.until >= on]
    return tuple(dict.fromkeys(readers)) or USUAL_READERS


def _build_reader(role: Role) -> Reader:
    name, channel = role.role, role.channel or "ask them"
    if ADDRESS.search(channel) or ADDRESS.search(name):
        raise RecordProblem("team.toml, roles: a role or channel holds an address. Write its kind, such as NHS e-mail.")
    return Reader(name, "plain" if any(word in name.lower() for word in PUBLIC) else "team", channel)


def render_readers(readers: Sequence[Reader]) -> str:
    """The list as CSV: role, edition, channel; nothing in it is taken for a formula by a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["role", "edition", "channel"])
    writer.writerows([[_disarm(reader.role), reader.edition, _disarm(reader.channel)] for reader in readers])
    return text.getvalue()


def _disarm(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


# How old a reader must be.
class _Sections(HTMLParser):
    """The sentences of each <section> by its id, those before the first by the id of <main>."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[str, list[str]] = {}
        self.section = ""
        self.words: list[str] = []
        self.outside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BLOCKS - {"dd"} or tag == "section":
            self.end_block()
        if tag in ("main", "section"):
            self.section = dict(attrs).get("id") or ""
        self.outside += tag in LEFT_OUT

    def handle_endtag(self, tag: str) -> None:
        self.outside -= tag in LEFT_OUT
        if tag in BLOCKS or tag == "section":
            self.end_block()
        elif tag == "dt" and self.section:
            self.words.append(": ")  # a name and its words are read as one sentence
        if tag in ("main", "section"):
            self.section = ""

    def handle_data(self, data: str) -> None:
        if self.section and not self.outside:
            self.words.append(data)

    def end_block(self) -> None:
        text = " ".join("".join(self.words).split())
        self.words = []
        if text:
            self.found.setdefault(self.section, []).append(text if text[-1] in ".!?" else f"{text}.")


def build_sections(page: str) -> dict[str, str]:
    """section id -> its words, each heading, paragraph or item ending as a sentence. Empty sections are left out."""
    reader = _Sections()
    reader.feed(page)
    reader.close()
    return {section: " ".join(sentences) for section, sentences in reader.found.items()}


def calculate_reading_age(text: str) -> float:
    """The age at which a text can be read: its Flesch-Kincaid grade plus 5, never under 5; 5 for no words."""
    return float(max(textstat.flesch_kincaid_grade(text), 0) + AGE_OF_GRADE) if text.strip() else float(AGE_OF_GRADE)


def describe_reading_age(page: str, edition: str) -> str:
    """One line for the editor: the reading age of the whole page, and which sections are above the edition's limit."""
    sections = build_sections(page)
    ages = {section: calculate_reading_age(text) for section, text in sections.items()}
    whole = calculate_reading_age(" ".join(sections.values()))
    hard = [f"{section} ({age:.0f})" for section, age in ages.items() if age > LIMITS[edition]]
    told = f"above {LIMITS[edition]:.0f} in {', '.join(hard)}" if hard else f"no page above {LIMITS[edition]:.0f}"
    return f"Reading age of the {edition} edition: {whole:.0f}; {told}."

"""The words of a share pack: e-mail, text message, the page for paper, and who gets what. No address in any of them."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from qi_analysis.errors import RecordProblem
from qi_analysis.faults import Faults
from qi_analysis.periods import describe_day, parse_period
from qi_analysis.team_parts import read_team
from qi_analysis.team_record_values import Role, Team

EMAIL_WORDS, MESSAGE_LETTERS = 150, 300  # both stay under it
PAPER = (
    "@media print{section:has(figure){break-before:page}.facts,.notes{break-inside:avoid}}"
    "nav,.skip{display:none}.banner{position:static}.body{display:block}"
)
PUBLIC = ("service user", "patient", "carer", "public")  # roles that get the plain edition
ADDRESS = re.compile(r"@|\d{5}|\d[\d ]{8,}")


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

"""What a page may say although it has the shape of something private: help lines, the service's own office, known places."""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from qi_analysis.errors import RecordProblem
from qi_analysis.faults import Faults
from qi_analysis.record_text import read_source

ALLOW_LIST = "allow.toml"
KINDS = ("phone", "email", "postcode", "link", "word", "date")


@dataclass(frozen=True)
class Allowed:
    """The signed allow-list: values by kind, as they are written."""

    values: tuple[tuple[str, str], ...] = ()

    def strip(self, text: str) -> str:
        """The text without the phone numbers, mail addresses, postcodes and dates that are allowed."""
        for kind, value in self.values:
            if kind in ("phone", "email", "postcode"):
                text = self._pattern(kind, value).sub(" ", text)
        return text

    def list_kind(self, kind: str) -> tuple[str, ...]:
        """The values of one kind."""
        return tuple(value for one, value in self.values if one == kind)

    @staticmethod
    def _pattern(kind: str, value: str) -> re.Pattern[str]:
        """A number however it is grouped; anything else as it stands, in any case."""
        if kind == "email":
            return re.compile(rf"(?<![\w.+-]){re.escape(value)}(?![\w-])", re.I)
        body = r"[ \-.]?".join(re.escape(one) for one in value.replace(" ", ""))
        return re.compile(rf"(?<![\w.+-]){body}(?!\w)", re.I)


def read_allowed(folder: Path) -> Allowed:
    """The allow-list of a record's folder; an empty one when there is none. Raises RecordProblem for a faulty one.

    Every entry says its kind, the value, what it is, who agreed to it (a role) and when.
    """
    path = folder / ALLOW_LIST
    if not path.exists():
        return Allowed()
    faults = Faults()
    source = read_source(path, faults)
    entries = source.table.get("allow", []) if source else []
    if faults.stops or not isinstance(entries, list):
        raise RecordProblem(
            "\n".join(faults.stops) or f"{ALLOW_LIST}: write [[allow]], with two brackets on each side."
        )
    values = []
    for number, entry in enumerate(entries, 1):
        place = f"{ALLOW_LIST}, entry {number}"
        entry = entry if isinstance(entry, dict) else {}
        missing = [name for name in ("kind", "value", "what", "agreed_by", "agreed_on") if not entry.get(name)]
        if missing or set(entry) - {"kind", "value", "what", "agreed_by", "agreed_on"}:
            raise RecordProblem(
                f"{place}: each entry has kind, value, what, agreed_by (a role) and agreed_on, and nothing else."
            )
        if entry["kind"] not in KINDS or not isinstance(entry["agreed_on"], date):
            raise RecordProblem(f"{place}: kind must be one of {', '.join(KINDS)}, and agreed_on a date.")
        values.append((entry["kind"], str(entry["value"])))
    return Allowed(tuple(values))

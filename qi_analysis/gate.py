"""The gate: reads the finished page, decodes it, then looks, and must say yes before the page gets its name. It fails closed.

It reports the kind of a finding and its place and never repeats what it found.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from qi_analysis.errors import GateClosed
from qi_analysis.gate_allow import Allowed
from qi_analysis.gate_decode import decode_pieces
from qi_analysis.gate_digests import find_digests
from qi_analysis.gate_html import read_html
from qi_analysis.gate_known import Known, find_known
from qi_analysis.gate_look import find_shapes
from qi_analysis.gate_names import find_names
from qi_analysis.gate_notebook import read_notebook
from qi_analysis.gate_numbers import find_counts
from qi_analysis.gate_records import find_records
from qi_analysis.gate_store import Store
from qi_analysis.gate_text import DECODED, TOO_DEEP, Finding, Reading, cap

LARGEST_PAGE = 16_000_000  # bytes
SUFFIXES = (".html", ".htm", ".ipynb")
OURS = re.compile(r"<meta name=.robots. content=.noindex.", re.I)
CHECKS = (
    "it can be decoded", "size", "content-security policy", "scripts, forms and frames", "loading from outside", "links", "NHS numbers",
    "postcodes, e-mail addresses and phone numbers", "birth dates", "paths and user names", "tracebacks", "tables of records",
    "small counts in tables", "small counts in words", "extremes of single people",
)  # fmt: skip
WITH_EXTRACT = ("identifiers of the extract", "names of the extract", "notes of the extract", "digests of identifiers")
WITH_STORE = ("numbers against the release",)


@dataclass(frozen=True)
class Guard:
    """What a page is held against: the people of the extract, the numbers of the release, what the team allows."""

    known: Known = Known()
    store: Store | None = None
    allowed: Allowed = Allowed()

    def list_checks(self) -> tuple[str, ...]:
        """The names of the checks that are made."""
        return CHECKS + (WITH_EXTRACT if self.known.is_complete else ()) + (WITH_STORE if self.store else ())


def check_page(data: bytes, guard: Guard, must_have_policy: bool = True) -> list[Finding]:
    """Everything that must not be on a finished HTML page, as kind and place; an empty list lets it pass."""
    reading = Reading()
    text = _decode(data, reading)
    has_policy = read_html(reading, text, links=guard.allowed.list_kind("link"))
    if not has_policy and (must_have_policy or OURS.search(text)):
        reading.fault("no content-security policy", "the head")
    return _judge(reading, guard)


def check_notebook(data: bytes, guard: Guard) -> list[Finding]:
    """Everything that must not be in a notebook, as kind and place."""
    reading = Reading()
    if not read_notebook(reading, _decode(data, reading), guard.allowed.list_kind("link")):
        reading.fault(DECODED, "the whole file is no notebook")
    return _judge(reading, guard)


def _decode(data: bytes, reading: Reading) -> str:
    if len(data) > LARGEST_PAGE:
        reading.fault("more than 16 MB", "the whole file")
        return ""
    coding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = data.decode(coding, "replace")
    if "\ufffd" in text or "\0" in text:
        reading.fault(DECODED, "the whole file is not clean UTF-8")
    return text.replace("\0", "")


def _judge(reading: Reading, guard: Guard) -> list[Finding]:
    """Decode what is wrapped, then look. Whatever surprises the gate counts against the page."""
    try:
        decode_pieces(reading)
        found = find_shapes(reading, guard.allowed) | find_counts(reading, guard.store) | find_records(reading)
        found |= find_known(reading, guard.known) | find_names(reading, guard.known)
        found |= find_digests(reading, guard.known)
    except (RecursionError, MemoryError, ValueError, OverflowError, IndexError, KeyError, TypeError, AttributeError):
        return cap({*reading.faults, Finding(TOO_DEEP, "the whole file")})
    return cap(found | reading.faults)


def check_file(path: Path, guard: Guard) -> list[Finding]:
    """The findings of a page or notebook on disk. Raises GateClosed when it is of another kind or cannot be read."""
    if path.suffix.lower() not in SUFFIXES:
        raise GateClosed("The gate reads finished pages (.html) and notebooks (.ipynb). Name one of these.")
    try:
        data = path.read_bytes()
    except OSError:
        raise GateClosed("The file cannot be read, so it may not be shared. Check its name and place.") from None
    if path.suffix.lower() == ".ipynb":
        return check_notebook(data, guard)
    return check_page(data, guard, must_have_policy=False)


def open_gate(page: str, guard: Guard) -> int:
    """How many checks a finished page has passed. Raises GateClosed, naming kind and place of each finding, unless all."""
    findings = check_page(page.encode("utf-8"), guard)
    if findings:
        told = "; ".join(map(str, findings))
        raise GateClosed(f"Not published: the finished page holds {told}. The last good report stays.")
    return len(guard.list_checks())

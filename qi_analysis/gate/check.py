"""The gate: reads the finished page, decodes it, then looks, and must say yes before the page gets its name.

It fails closed. It reports the kind of a finding and its place and never repeats what it found. What a page is held
against is found where the page and its project lie.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from qi_analysis.errors import GateClosed, QiError, RecordProblem
from qi_analysis.gate.decode import decode_pieces, read_notebook
from qi_analysis.gate.html import read_html
from qi_analysis.gate.numbers import Store, build_store, find_counts
from qi_analysis.gate.people import Known, build_known, find_digests, find_known, find_names
from qi_analysis.gate.pieces import DECODED, TOO_DEEP, Finding, Reading, cap
from qi_analysis.gate.private_columns import read_private
from qi_analysis.gate.shapes import Allowed, find_records, find_shapes, read_allowed
from qi_analysis.periods import parse_period
from qi_analysis.record.read_settings import read_record
from qi_analysis.record.settings import ColumnMap
from qi_analysis.release import read_release
from qi_analysis.storage import Places, choose_places, find_places

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
NO_PROJECT = "There is no project here: identifiers, names and released numbers are not compared."
NO_EXTRACT = "There is no extract at hand: identifiers and names are not compared."
NO_RELEASE = "There is no release at hand: numbers are not compared with it."


@dataclass(frozen=True)
class Guard:
    """What a page is held against: the people of the extract, the numbers of the release, what the team allows."""

    known: Known = Known()
    store: Store | None = None
    allowed: Allowed = Allowed()

    def list_checks(self) -> tuple[str, ...]:
        """The names of the checks that are made."""
        return CHECKS + (WITH_EXTRACT if self.known.is_complete else ()) + (WITH_STORE if self.store else ())


def check_page(data: bytes, guard: Guard | None = None, must_have_policy: bool = True) -> list[Finding]:
    """Everything that must not be on a finished HTML page; an empty list lets it pass.

    Parameters
    ----------
    data : bytes
        The page as it lies on disk.
    guard : Guard, optional
        What it is held against: the people of the extract, the numbers of the release, what the team allows. Left out,
        shapes, counts and addresses are looked for, and no person of an extract is known.
    must_have_policy : bool, optional
        Whether a page without a content-security policy is refused.

    Returns
    -------
    list of Finding
        Kind and place of each; never what was found.

    Examples
    --------
    >>> import qi_analysis as qi
    >>> [str(finding) for finding in qi.check_page(b"<p>Telephone 020 7946 0018</p>", must_have_policy=False)]
    ['a phone number: line 1']
    """
    guard, reading = guard or Guard(), Reading()
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


# What a page is held against.
def read_guard(raw: Path, record: Path, columns: ColumnMap | None) -> Guard:
    """The people of an extract and the allow-list of a record. Raises RecordProblem for a faulty allow-list."""
    allowed = read_allowed(record)
    days = set(allowed.list_kind("date"))
    known = build_known(
        read_private(raw, columns), allowed.list_kind("word"), days, lambda: read_private(raw, columns).identifiers
    )
    return Guard(known, None, allowed)


def find_guard(file: Path, release: Path | None, project: Path | None = None) -> tuple[Guard, list[str]]:
    """(what a file is held against, what could not be found): the project named, else of the current folder or the file.

    Raises DataProblem when the release that is named is none, RecordProblem when the project is none.
    """
    places = choose_places(project) if project else _find_project(file)
    store = build_store(read_release(release)) if release else None
    if places is None:
        return Guard(store=store), [NO_PROJECT]
    guard = read_guard(find_raw(places), places.record, read_columns(places))
    store = store or _find_store(places, file)
    notes = ([] if guard.known.is_complete else [NO_EXTRACT]) + ([] if store else [NO_RELEASE])
    return replace(guard, store=store), notes


def _find_project(file: Path) -> Places | None:
    for start in (Path.cwd(), file.resolve().parent):
        try:
            return find_places(start)
        except RecordProblem:
            continue
    return None


def find_raw(places: Places) -> Path:
    """data/raw, or the synthetic sample when it is empty; nothing is written here."""
    return places.raw if places.has_extract else places.sample


def read_columns(places: Places) -> ColumnMap | None:
    """The headings of a local export; a record that cannot be read does not keep the gate from looking."""
    try:
        return read_record(places.record).columns
    except QiError:
        return None


def _find_store(places: Places, file: Path) -> Store | None:
    """The release of the month that a page is about: of its folder, else of its title, else the newest there is."""
    folder = places.release("any").parent
    made = sorted(path for path in folder.glob("20??-??") if (path / "facts.json").exists())
    if not made:
        return None
    own = [path for path in made if path.name == file.resolve().parent.name[:7]]
    title = _read_title(file)
    about = [path for path in made if parse_period(path.name).words in title]
    return build_store(read_release((own or about or made)[-1]))


def _read_title(file: Path) -> str:
    try:
        with file.open(encoding="utf-8", errors="replace") as handle:
            head = handle.read(4_000)
    except OSError:
        return ""
    return head.partition("<title>")[2].partition("</title>")[0]

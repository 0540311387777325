"""What a page is held against, found where the page and its project lie."""

from dataclasses import replace
from pathlib import Path

from qi_analysis.errors import QiError, RecordProblem
from qi_analysis.gate import Guard
from qi_analysis.gate_allow import read_allowed
from qi_analysis.gate_extract import read_private
from qi_analysis.gate_known import build_known
from qi_analysis.gate_store import Store, build_store
from qi_analysis.periods import parse_period
from qi_analysis.places import Places, find_places
from qi_analysis.record import read_record
from qi_analysis.release import read_release
from qi_analysis.settings import ColumnMap

NO_PROJECT = "There is no project here: identifiers, names and released numbers are not compared."
NO_EXTRACT = "There is no extract at hand: identifiers and names are not compared."
NO_RELEASE = "There is no release at hand: numbers are not compared with it."


def read_guard(raw: Path, record: Path, columns: ColumnMap | None) -> Guard:
    """The people of an extract and the allow-list of a record. Raises RecordProblem for a faulty allow-list."""
    allowed = read_allowed(record)
    days = set(allowed.list_kind("date"))
    known = build_known(
        read_private(raw, columns), allowed.list_kind("word"), days, lambda: read_private(raw, columns).identifiers
    )
    return Guard(known, None, allowed)


def find_guard(file: Path, release: Path | None) -> tuple[Guard, list[str]]:
    """(what a file is held against, what could not be found): the project of the current folder, or else of the file.

    Raises DataProblem when the release that is named is none.
    """
    places = _find_project(file)
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

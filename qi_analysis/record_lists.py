"""The dated lists of the record: CSV files as a spreadsheet or an editor saves them, row by row.

Commas, semicolons or tabs; headings in any case; empty rows and columns at the end are passed over. Rows are numbered as a
spreadsheet numbers them: the headings are row 1.
"""

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from pathlib import Path

from qi_analysis.faults import Faults, find_near
from qi_analysis.personal import find_details, quote
from qi_analysis.record_text import is_there, read_text
from qi_analysis.team_record_values import WARN

DELIMITERS = ",;\t"
SHAPES = {
    "events.csv": ("date", "letter", "what", "could_affect"),
    "actions.csv": ("id", "action", "owner", "due", "status", "done_on", "raised_at", "note"),
    "feedback.csv": ("date", "edition", "useful_1_to_5", "clear_1_to_5", "comment", "what_we_did"),
}
NEEDED = {
    "events.csv": ("date", "letter", "what", "could_affect"),
    "actions.csv": ("id", "action"),
    "feedback.csv": ("date",),
}
OTHERWISE = {"actions.csv": ("owner", "due", "status")}  # without the column: told once, not in every row


@dataclass(frozen=True)
class Row:
    """One row of a list: its place in words, and the text under each heading ("" where there is none)."""

    place: str
    number: int
    cells: Mapping[str, str]

    def __getitem__(self, heading: str) -> str:
        return self.cells.get(heading, "")

    def day(self, heading: str, faults: Faults) -> date | None:
        """The date under a heading, None when empty or wrong (told)."""
        return faults.read_date(f"{self.place}, {heading}", self[heading]) if self[heading] else None


def find_delimiter(text: str, known: Collection[str]) -> str:
    """The sign between the cells of a list: the one that gives most of the known headings; a comma when none does."""
    head = [line for line in text.split("\n")[:2] if line.strip() and not line.lower().startswith("sep=")][:1]
    first = head[0] if head else ""
    return max(DELIMITERS, key=lambda sign: len({name_heading(cell) for cell in first.split(sign)} & set(known)))


def name_heading(cell: str) -> str:
    """A heading as it is known: "Done on" is done_on."""
    return "_".join(cell.strip().strip('"').lower().replace("-", " ").split())


def read_list(path: Path, faults: Faults, level: str = WARN) -> tuple[Row, ...]:
    """The rows of events.csv, actions.csv or feedback.csv; none when it is missing, empty or cannot be read (told).

    level: how a heading that nobody knows is told.
    """
    name, known = path.name, SHAPES[path.name]
    text = read_text(path, name, faults) if is_there(path) else None
    if text is None or not text.strip():
        return ()
    delimiter = find_delimiter(text, known)
    rows = list(_split(text, delimiter, name, faults))
    if rows and len(rows[0][1]) == 1 and rows[0][1][0].lower().startswith("sep="):
        rows = rows[1:]
    if not rows:
        return ()
    headings = [name_heading(cell) for cell in rows[0][1]]
    if not _check_headings(headings, name, faults, level):
        return ()
    kept = [
        _read_row(name, number, headings, cells, faults) for number, cells in rows[1:] if any(map(str.strip, cells))
    ]
    return tuple(row for row in kept if row is not None)


def _split(text: str, delimiter: str, name: str, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    """(row, cells); tells a quotation mark that is opened and never closed with the row where it stands."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    while True:
        number += 1
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            ended = "unexpected end" in str(fault)
            what = (
                "is opened and never closed"
                if ended
                else "stands inside a cell. Write it twice and quote the whole cell"
            )
            faults.stop(
                f"{name}, row {number}", f"a quotation mark {what}." + (" Add the second one." if ended else "")
            )
            if ended:
                return


def _check_headings(headings: list[str], name: str, faults: Faults, level: str) -> bool:
    """Whether the rows can be read under these headings."""
    known, place = SHAPES[name], f"{name}, row 1"
    if not set(headings) & set(known):
        faults.stop(place, f"this must be the row of headings: {','.join(known)}")
        return False
    for heading in dict.fromkeys(headings):
        if heading and heading not in known:
            hint = find_near(heading, known) or f" Known here: {', '.join(known)}."
            faults.tell(level, place, f"{place}: {quote(heading)} is not a field I know.{hint}")
        elif heading and headings.count(heading) > 1:
            faults.stop(place, f'the heading "{heading}" stands here twice. Keep one of the columns.')
    missing = [heading for heading in NEEDED[name] if heading not in headings]
    if missing:
        faults.stop(place, f'the heading "{missing[0]}" is missing. The first row needs {",".join(known)}.')
    for heading in OTHERWISE.get(name, ()):
        if heading not in headings:
            faults.warn(place, f'the heading "{heading}" is missing. Add the column.')
    return not missing


def _read_row(name: str, number: int, headings: list[str], cells: list[str], faults: Faults) -> Row | None:
    place = f"{name}, row {number}"
    more = cells[len(headings) :]  # empty ones are a spreadsheet's, unless a comma within a text moved all cells on
    if any(cell.strip() for cell in more) or (more and any(cell.startswith(" ") for cell in cells)):
        faults.stop(place, "there are more cells than headings. Put text that holds a comma in quotation marks.")
        return None
    unheaded = [cell for heading, cell in zip(headings, cells, strict=False) if not heading and cell.strip()]
    if unheaded:
        faults.warn(place, "a cell stands under no heading. Give the column a heading or empty the cell.")
    for kind in find_details(" | ".join(cells)):
        faults.tell(WARN, place, f"{place} looks like {kind}. Remove it before sharing.")
    pairs = zip_longest(headings, cells[: len(headings)], fillvalue="")
    return Row(place, number, {heading: cell.strip() for heading, cell in pairs if heading})

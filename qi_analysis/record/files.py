"""The record's files, TOML, CSV and Markdown, as any editor saves them, with line numbers.

Notepad, Word and Excel are read: byte-order marks, Windows line ends and letters, curly quotation marks around a text,
04/10/2021 and 70% typed without them. What is mended is told as a NOTE; a line that cannot be read is told and
left out, so that the rest of its file and of the record is still looked at.

The dated lists are CSV files with commas, semicolons or tabs; headings in any case; empty rows and columns at the end are
passed over. Rows are numbered as a spreadsheet numbers them: the headings are row 1. Prose is Markdown with a TOML header
between two +++ lines, or with dated headings; comments and the hints of the templates count as nothing written.
"""

import csv
import io
import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from qi_analysis.periods import looks_like_day, read_day
from qi_analysis.record.findings import Faults, Place, find_near
from qi_analysis.record.personal_details import find_details, quote
from qi_analysis.record.team import STOP, WARN, DecisionNote
from qi_analysis.storage import TEMPLATES

LAYOUT = "I cannot read this line. Text needs quotation marks at both ends."
NO_SIGN = "I cannot read this line. It needs a name, the sign = and a value."
POINT = "a number is written with a point, such as 0.70."
SMALL = "write true or false in small letters."
TWICE = "this stands here for a second time. Keep one of the two."
SPACE = "the name before = holds a space. Write _ in its place."
BRACES = "write { and } and all between them on one line."
COMMA = "take out the comma at the end."
BRACKETS = "a heading has the same brackets on both sides, such as [aim] or [[roles]]."
LONG = "a number is far too long. Take it out."
BACKSLASH = "a backslash in a text must be written twice (\\\\). Or write / instead."
UNCLOSED = "a list, a table or a text is opened and never closed. Add the missing bracket or quotation marks."
KEY = re.compile(r"""\s*["']?([\w-]+)["']?\s*=""")
HEADING = re.compile(r"\s*\[\[?\s*([\w.\"' -]+?)\s*\]\]?\s*(?:#.*)?")
BROKEN_HEADING = re.compile(r"\s*\[{0,3}\s*([\w.-]+)\s*\]{0,3}\s*(?:#.*)?")
BARE = re.compile(
    r"(=\s*)(\d{1,4}[/.\-]\d{1,2}[/.\-]\d{1,4}|\d{1,2} [A-Za-z]{3,9} \d{4}|\d+(?:\.\d+)?\s?%)(?=\s*(?:[,}#\]]|$))"
)
DOUBLE, SINGLE = re.compile("[\u201c\u201d\u201e\u201f\u2033]"), re.compile("[\u2018\u2019\u201a\u201b]")
OPENS = re.compile(r"(?:^|[=\[,])\s*([\"'\u201c\u201d\u201e\u201f\u2033\u2018\u2019\u201a\u201b])")
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")  # signs that make a text run the other way
LARGEST_FILE = 1_000_000  # bytes
MOST_LINES_TOLD = 20  # of one file that cannot be read
LOST = re.compile(r"""\s*["']?([\w-]+)["']?\s*[=:\s]""")
ID = re.compile(r"\s*id\s*=\W*([\w-]+)")
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
RECORD_TEMPLATES = TEMPLATES / "record"
FENCE = "+++"
SECTIONS = ("plan", "do", "study", "act")
SECTION = re.compile(r"(?:#{1,6}|(?=\*\*))\s*(.+?)\s*#*\s*")
DATED = re.compile(r"#{1,6}\s*(\d{1,2} [A-Za-z]+ \d{4}|\d[\d/.\-]*)(?:[\s:,]+(.*?))?\s*#*\s*")
SHORT = re.compile(r"\d{4}-\d{2}(?![\d])|\d+")
UNDATED = "a decision begins with its date. Write ## 2023-02-14 and then what was decided."
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


# Text and TOML, with every unreadable line told.
@dataclass(frozen=True)
class Source:
    """A file, or the header of one, as a table, with the line of every key under its heading.

    name: how the file is called in a sentence. lines: (heading, its number from 0) -> key -> line, "" for the heading's.
    lost: keys of lines that could not be read.
    """

    name: str
    table: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[tuple[str, int], Mapping[str, int]] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()

    def place(self, heading: str = "", number: int = 0, part: str = "") -> Place:
        """The place of the block under a heading (the keys above every heading: "")."""
        return Place(self.name, part, self.lines.get((heading, number), {}), self.lost)

    def list_blocks(self, name: str, faults: Faults, part: str = "") -> Iterator[tuple[Place, Any]]:
        """Every block under [[name]] with its place (its number, where it has no heading); tells a heading with one bracket only."""
        blocks = self.table.get(name, [])
        if not isinstance(blocks, list):
            faults.stop(self.place(name).line(), f"write [[{name}]], with two brackets on each side.")
            blocks = []
        for number, block in enumerate(blocks):
            counted = "" if (name, number) in self.lines else f"[[{name}]] {number + 1}"
            yield self.place(name, number, part or counted), block


def read_text(path: Path, name: str, faults: Faults) -> str | None:
    """A file as text with plain line ends; None, and told, when it cannot be opened or is no text.

    UTF-8 and UTF-16, with or without a byte-order mark; anything else is read in the letters of Windows and noted.
    """
    try:
        if path.is_file() and path.stat().st_size > LARGEST_FILE:
            faults.give_up(name, "the file is over 1 MB, far more than a record needs. Is it the right file?")
            return None
        raw = path.read_bytes()
    except OSError:
        is_folder = path.is_dir()
        what = (
            "this is a folder. Put a file" if is_folder else "I cannot open this file. Close it elsewhere, or put one"
        )
        faults.give_up(name, f"{what} of this name in its place.")
        return None
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
        if "\ufffd" not in text and "\0" not in text:
            faults.note(name, "read in the letters of Windows. Save it as UTF-8 to be certain of every letter.")
    if "\0" in text or "\ufffd" in text:
        kind = "CSV UTF-8 (comma delimited)" if path.suffix == ".csv" else "plain text (UTF-8)"
        faults.give_up(name, f"this is not a file of text. Save it again as {kind}.")
        return None
    return re.sub(r"\r\r\n|\r\n|\r|\x85|\u2028|\u2029", "\n", TURNING.sub("", text))


def is_there(path: Path) -> bool:
    """Whether something has the name of a file; a link that leads nowhere has."""
    return path.exists() or path.is_symlink()


def read_source(path: Path, faults: Faults, needed: str = "") -> Source | None:
    """A TOML file; None when it is not there or holds nothing that can be read. needed: what to say when it is missing."""
    if not is_there(path):
        if needed:
            faults.tell(STOP, path.name, needed)
        return None
    text = read_text(path, path.name, faults)
    if text is None:
        return None
    check_details(text.split("\n"), path.name, faults)
    return parse_source(text, path.name, path.name, faults)


def check_details(lines: Iterable[str], name: str, faults: Faults) -> None:
    """Tell every line that looks like a personal detail; what only shows across lines is told for the whole file."""
    lines, found = list(lines), set[str]()
    for number, line in enumerate(lines, 1):
        for kind in find_details(line) if line.strip() else ():
            faults.tell(WARN, name, f"{name}, line {number} looks like {kind}. Remove it before sharing.")
            found.add(kind)
    for kind in set(find_details("\n".join(lines))) - found:
        faults.tell(WARN, name, f"{name} looks like {kind} across two lines. Remove it before sharing.")


def parse_source(text: str, name: str, file: str, faults: Faults) -> Source | None:
    """TOML as a Source; faults are told with their line. name: in sentences; file: where a line is named."""
    source = _parse(text.split("\n"), name, file, faults)
    if source is None:
        faults.unread.add(name)
    return source


def _parse(lines: list[str], name: str, file: str, faults: Faults) -> Source | None:
    lost = set[str]()
    faults.ids |= {found[1] for line in lines if (found := ID.match(line))}
    for _ in range(MOST_LINES_TOLD):
        try:
            return Source(name, tomllib.loads("\n".join(lines)), _index(lines), frozenset(lost))
        except RecursionError:
            faults.stop(file, "brackets stand inside each other too deeply. Take some out.")
            return None
        except ValueError as fault:  # tomllib's own, and numbers of thousands of digits
            found = re.search(r"at line (\d+)", str(fault))
            if found is None or int(found[1]) > len(lines):
                faults.stop(file, LONG if "digits" in str(fault) else UNCLOSED)
                return None
            number = int(found[1])
            if mend(lines, number, file, faults):
                continue
            faults.stop(f"{file}, line {number}", explain(str(fault), lines[number - 1]))
            if close_heading(lines, number):
                continue
            key = LOST.match(lines[number - 1])
            if not key:  # the middle of a list: what follows would be read wrongly
                return None
            lost.add(key[1])
            faults.told.add(key[1])
            take_out(lines, number)
    return None


def _index(lines: list[str]) -> dict[tuple[str, int], dict[str, int]]:
    """(heading, number) -> key -> its line."""
    found: dict[tuple[str, int], dict[str, int]] = {("", 0): {}}
    counts: Counter[str] = Counter()
    at = ("", 0)
    for number, line in enumerate(lines, 1):
        if heading := HEADING.fullmatch(line):
            name = heading[1].replace('"', "").replace("'", "")
            at = (name, counts[name])
            counts[name] += 1
            found[at] = {"": number}
        elif key := KEY.match(line):
            found[at].setdefault(key[1], number)
    return found


def find_heading(lines: list[str], name: str, number: int) -> int:
    """How many lines stand before the end of the block under a heading, blocks inside it included, comments below it not.

    All lines when there is no such heading.
    """
    starts = [(at, match[1]) for at, line in enumerate(lines) if (match := HEADING.fullmatch(line))]
    found = [at for at, heading in starts if heading == name]
    if number >= len(found):
        return len(lines)
    end = next((at for at, heading in starts if at > found[number] and not heading.startswith(f"{name}.")), len(lines))
    while end > found[number] and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return end


# One line of TOML that cannot be read: what is wrong with it, and whether it can be mended or has to be left out.
def mend(lines: list[str], number: int, file: str, faults: Faults) -> bool:
    """Whether a line could be mended in `lines`: curly quotation marks around texts, bare dates and shares."""
    line = lines[number - 1]
    mended = BARE.sub(lambda found: f'{found[1]}"{found[2]}"', line)
    if mended == line:
        mended = _straighten(line)
        if mended != line:
            faults.note(
                f"{file}, line {number}", 'curly quotation marks are read as straight ones. Type straight ones (").'
            )
    lines[number - 1] = mended
    return mended != line


def _straighten(line: str) -> str:
    """A line whose texts stand in curly quotation marks, with straight ones; single ones inside a text stay."""
    opened = {found[1] for found in OPENS.finditer(line)}
    if any(DOUBLE.match(mark) for mark in opened) or ('"' in opened and line.count('"') % 2):
        return DOUBLE.sub('"', line)
    if any(SINGLE.match(mark) for mark in opened) and not DOUBLE.search(line):
        return re.sub(
            r"([=\[,]\s*)[\u2018\u2019\u201a\u201b]|[\u2018\u2019\u201a\u201b](?=\s*(?:[,\]}#]|$))", r"\1'", line
        )
    return line


def explain(fault: str, line: str) -> str:
    """What is wrong with a line that cannot be read, and what to do."""
    if re.search(r"overwrite|twice|Duplicate|mutate|redefine", fault):
        return TWICE
    if re.search("Unescaped|hex|Escaped", fault):
        return BACKSLASH
    if line.count("{") > line.count("}"):
        return BRACES
    if re.search(r"=\s*[-+]?[\d.,]*\d[\d.,]*\s*(per ?cent\s*)?(#|$)", line) and re.search(r"[.,]|cent", line):
        return POINT
    if re.search(r"=\s*(True|False|TRUE|FALSE|yes|no|Yes|No)\b", line):
        return SMALL
    if BROKEN_HEADING.fullmatch(line) and re.search(r"[\[\]]", line):
        return BRACKETS
    if re.match(r"\s*\w+(?: +\w+)+\s*=", line):
        return SPACE
    if re.search(r"=.*,\s*(#|$)", line) and line.count('"') % 2 == 0:
        return COMMA
    return LAYOUT if "=" in line or line.lstrip().startswith(("[", '"')) else NO_SIGN


def close_heading(lines: list[str], number: int) -> bool:
    """Whether a line was a heading with a bracket too few, which has them all in `lines` now."""
    line = lines[number - 1]
    if not (found := BROKEN_HEADING.fullmatch(line)) or not re.search(r"[\[\]]", line):
        return False
    lines[number - 1] = f"[[{found[1]}]]" if "[[" in line or "]]" in line else f"[{found[1]}]"
    return lines[number - 1] != line.partition("#")[0].strip()


def take_out(lines: list[str], number: int) -> None:
    """Empty a line of `lines`, and those after it that go on with its text or its braces."""
    line = lines[number - 1]
    end = "}" if line.count("{") > line.count("}") else '"' if line.count('"') % 2 else ""
    lines[number - 1] = ""
    for at in range(number, len(lines) if end else 0):
        if end in lines[at] and not (end == '"' and KEY.match(lines[at])):
            lines[number : at + 1] = [""] * (at + 1 - number)
            return
        if not lines[at].strip() or HEADING.fullmatch(lines[at]) or (end == '"' and KEY.match(lines[at])):
            return


# The dated lists, row by row.
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


# Prose with a header, and decisions under dated headings.
@dataclass(frozen=True)
class Prose:
    """A file of prose: its header and its text. first: the line on which the text begins."""

    source: Source
    body: tuple[str, ...]
    first: int
    file: str
    has_personal_detail: bool = False


@cache
def read_hints() -> frozenset[str]:
    """The hints that templates hold in round brackets."""
    lines = (
        line for path in RECORD_TEMPLATES.glob("*.md.j2") for line in path.read_text(encoding="utf-8").splitlines()
    )
    return frozenset(line.strip() for line in lines if line.startswith("("))


def list_prose(folder: Path) -> dict[Path, str]:
    """The Markdown files of a folder of the record -> how each is called in a sentence: pdsa/01, or pdsa/01-welcome-call."""
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() == ".md" and not path.name.startswith("."))
    files = [path for path in files if path.stem.lower() != "readme"]
    short = [found[0] if (found := SHORT.match(path.stem)) else path.stem for path in files]
    names = [one if short.count(one) == 1 else path.stem for one, path in zip(short, files, strict=True)]
    return {path: f"{folder.name}/{name}" for path, name in zip(files, names, strict=True)}


def read_prose(path: Path, name: str, faults: Faults) -> Prose | None:
    """A file with a header; None, and told, when there is no header that can be read."""
    text = read_text(path, name, faults)
    if text is None:
        return None
    lines = text.split("\n")
    fences = [number for number, line in enumerate(lines) if line.strip() == FENCE]
    if not fences or any(line.strip() for line in lines[: fences[0]]):
        faults.give_up(name, "the header is missing. The file begins with a line +++, then lines such as id, then +++.")
        return None
    if len(fences) == 1:
        faults.stop(f"{name}, line {fences[0] + 1}", "the header has no end. Put a line +++ below its last line.")
        faults.unread.add(name)
        return None
    header = "\n".join([""] * (fences[0] + 1) + lines[fences[0] + 1 : fences[1]])
    check_details(lines, name, faults)
    source = parse_source(header, name, name, faults)
    body = tuple(lines[fences[1] + 1 :])
    return None if source is None else Prose(source, body, fences[1] + 2, path.name, bool(find_details(text)))


def clean_prose(lines: Iterable[str]) -> str:
    """What was written: without comments, hints and empty lines around."""
    text = COMMENT.sub("", "\n".join(lines))
    return "\n".join(line.rstrip() for line in text.split("\n") if line.strip() not in read_hints()).strip()


def split_sections(prose: Prose, name: str, faults: Faults) -> Mapping[str, str]:
    """plan, do, study and act as written, "" where empty; tells a heading that seems to be one of them mistyped."""
    found: dict[str, list[str]] = {section: [] for section in SECTIONS}
    at = found["plan"]
    for number, line in enumerate(prose.body, prose.first):
        heading = SECTION.fullmatch(line.strip())
        word = heading[1].strip(" :*").lower() if heading else ""
        if word in found:
            at = found[word]
            continue
        if heading and line.startswith("#") and find_near(word, SECTIONS):
            place = f"{name}, line {number}"
            hint = find_near(word, SECTIONS)
            faults.tell(WARN, place, f"{place}: {quote(heading[1])} is not a heading I know.{hint}")
        at.append(line)
    return {section: clean_prose(lines) for section, lines in found.items()}


def read_decisions(path: Path, faults: Faults) -> tuple[DecisionNote, ...]:
    """The dated headings of decisions.md with the text under each, in the order of the file; fenced blocks are examples."""
    text = read_text(path, path.name, faults) if is_there(path) else None
    if text is None:
        return ()
    check_details(text.split("\n"), path.name, faults)
    before = len(faults)
    found = tuple(_split_decisions(COMMENT.sub(_keep_lines, text), path.name, faults))
    if not found and len(faults) == before and any(line.strip()[:1] not in ("", "#") for line in text.split("\n")):
        faults.warn(path.name, UNDATED)
    return found


def _keep_lines(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


def _split_decisions(text: str, name: str, faults: Faults) -> Iterator[DecisionNote]:
    day, title, body, fence = None, "", list[str](), ""
    for number, line in enumerate(text.split("\n"), 1):
        mark = line.strip()[:3]
        if mark in ("```", "~~~") and fence in ("", mark):
            fence = "" if fence else mark
        if fence or not (re.match(r"#{2,6}\s", line) or DATED.fullmatch(line.strip())):
            body.append(line)
            continue
        if day is not None:
            yield DecisionNote(day, title, clean_prose(body))
        day, title, body = *_read_heading(line.strip(), f"{name}, line {number}", faults), []
    if day is not None:
        yield DecisionNote(day, title, clean_prose(body))


def _read_heading(line: str, place: str, faults: Faults) -> tuple[date | None, str]:
    """The day and the words of a heading; (None, "") and told when it has no date."""
    found = DATED.fullmatch(line)
    if found and (read_day(found[1]) or looks_like_day(found[1])):
        return faults.read_date(place, found[1]), found[2] or ""
    faults.warn(place, UNDATED)
    return None, ""

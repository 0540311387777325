"""The files of the record as text and as TOML, from whatever editor saved them, with every unreadable line told.

Notepad, Word and Excel are read: byte-order marks, Windows line ends and letters, curly quotation marks around a text,
04/10/2021 and 70% typed without them. What is mended is told as a NOTE; a line that cannot be read is told and
left out, so that the rest of its file and of the record is still looked at.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qi_analysis.faults import Faults, Place
from qi_analysis.personal import find_details
from qi_analysis.record_lines import HEADING, KEY, LONG, UNCLOSED, close_heading, explain, mend, take_out
from qi_analysis.team_record_values import STOP, WARN

TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")  # signs that make a text run the other way
LARGEST_FILE = 1_000_000  # bytes
MOST_LINES_TOLD = 20  # of one file that cannot be read
LOST = re.compile(r"""\s*["']?([\w-]+)["']?\s*[=:\s]""")
ID = re.compile(r"\s*id\s*=\W*([\w-]+)")


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
        """Every block under [[name]] with its place; tells a heading with one bracket only."""
        blocks = self.table.get(name, [])
        if not isinstance(blocks, list):
            faults.stop(self.place(name).line(), f"write [[{name}]], with two brackets on each side.")
            blocks = []
        for number, block in enumerate(blocks):
            yield self.place(name, number, part), block


def read_text(path: Path, name: str, faults: Faults) -> str | None:
    """A file as text with plain line ends; None, and told, when it cannot be opened or is no text.

    UTF-8 and UTF-16, with or without a byte-order mark; anything else is read in the letters of Windows and noted.
    """
    try:
        if path.is_file() and path.stat().st_size > LARGEST_FILE:
            faults.stop(name, "the file is over 1 MB, far more than a record needs. Is it the right file?")
            faults.unread.add(name)
            return None
        raw = path.read_bytes()
    except OSError:
        what = (
            "this is a folder. Put a file"
            if path.is_dir()
            else "I cannot open this file. Close it elsewhere, or put one"
        )
        faults.stop(name, f"{what} of this name in its place.")
        faults.unread.add(name)
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
        faults.stop(name, f"this is not a file of text. Save it again as {kind}.")
        faults.unread.add(name)
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

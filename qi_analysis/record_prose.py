"""The prose of the record: Markdown files with a TOML header between two +++ lines, and dated headings.

Comments and the hints of the templates count as nothing written.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from qi_analysis.days import looks_like_day, read_day
from qi_analysis.faults import Faults, find_near
from qi_analysis.personal import find_details, quote
from qi_analysis.record_text import Source, check_details, is_there, parse_source, read_text
from qi_analysis.team_record_values import WARN, DecisionNote

TEMPLATES = Path(__file__).parent / "templates" / "record"
FENCE = "+++"
SECTIONS = ("plan", "do", "study", "act")
SECTION = re.compile(r"(?:#{1,6}|(?=\*\*))\s*(.+?)\s*#*\s*")
DATED = re.compile(r"#{1,6}\s*(\d{1,2} [A-Za-z]+ \d{4}|\d[\d/.\-]*)(?:[\s:,]+(.*?))?\s*#*\s*")
SHORT = re.compile(r"\d{4}-\d{2}(?![\d])|\d+")
UNDATED = "a decision begins with its date. Write ## 2023-02-14 and then what was decided."
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


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
    lines = (line for path in TEMPLATES.glob("*.md.j2") for line in path.read_text(encoding="utf-8").splitlines())
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
        faults.stop(name, "the header is missing. The file begins with a line +++, then lines such as id, then +++.")
        faults.unread.add(name)
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

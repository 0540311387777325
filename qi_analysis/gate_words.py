"""The words that pages of this project are made of: a name or note among them tells of nobody yet."""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from qi_analysis.gate_text import fold

CAPITAL = re.compile(r"\b[A-Z][a-z]+\b")
ENDING = re.compile("(?:fully|ings?|ed|e?s|ly|d)$")  # of a word whose stem is in the list
OF_SERVICES = "wellbeing"  # what names of services are made of


@cache
def read_vocabulary() -> frozenset[str]:
    """The words that pages of this project are made of, and easy words of English: a name among them is no name yet."""
    return frozenset(read_own_words().split()) | _read_easy_words()


@cache
def read_own_words() -> str:
    """All words of the package and its reference data, in a row."""
    package = Path(__file__).parent
    files = [p for p in package.rglob("*") if p.suffix in (".py", ".j2", ".csv", ".toml", ".css")]
    files += (package.parent / "data" / "reference").glob("*.csv")
    text = fold(" ".join(path.read_text(encoding="utf-8", errors="replace") for path in files))
    return " ".join(re.findall(r"[^\W_]+", text))


def may_name(line: str) -> bool:
    """Whether a word of a line of prose begins with a capital letter and is none that this project or easy English has."""
    known = _read_prose_words()
    found = {word.lower() for word in CAPITAL.findall(line)}
    return any(word not in known and ENDING.sub("", word) not in known for word in found)


@cache
def _read_prose_words() -> frozenset[str]:
    """Easy words of English, and those of the package's lists and templates; read in a few hundredths of a second."""
    package = Path(__file__).parent
    files = [p for folder in ("definitions", "templates") for p in (package / folder).rglob("*") if p.is_file()]
    text = " ".join(path.read_text(encoding="utf-8", errors="replace") for path in files)
    return frozenset(re.findall("[a-z]+", f"{text.lower()} {OF_SERVICES}")) | _read_easy_words()


def _read_easy_words() -> set[str]:
    found = find_spec("textstat")  # found and not imported: only its list is wanted
    path = Path(found.origin).parent / "resources" / "en" / "easy_words.txt" if found and found.origin else None
    return set(path.read_text(encoding="utf-8").split()) if path and path.exists() else set()

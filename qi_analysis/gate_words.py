"""The words that pages of this project are made of: a name or note among them tells of nobody yet."""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from qi_analysis.gate_text import fold

CAPITAL = re.compile(r"\b[A-Z][a-z]+\b")
ENDING = re.compile("(?:ings?|ed|e?s|ly|d)$")  # of a word whose stem is in the list


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
    known = read_vocabulary()
    found = {fold(word) for word in CAPITAL.findall(line)}
    return any(word not in known and ENDING.sub("", word) not in known for word in found)


def _read_easy_words() -> set[str]:
    found = find_spec("textstat")  # found and not imported: only its list is wanted
    path = Path(found.origin).parent / "resources" / "en" / "easy_words.txt" if found and found.origin else None
    return set(path.read_text(encoding="utf-8").split()) if path and path.exists() else set()

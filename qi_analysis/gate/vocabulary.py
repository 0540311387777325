"""The words that pages of this project are made of: a name or note among them tells of nobody yet.

The lists are kept as text, so that what the gate finds changes only when somebody changes a list.
"""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from qi_analysis.gate.pieces import fold
from qi_analysis.storage import DEFINITIONS, REFERENCE, TEMPLATES

WORDS, PHRASES = DEFINITIONS / "ordinary_words.txt", DEFINITIONS / "ordinary_phrases.txt"
CAPITAL = re.compile(r"\b[A-Z][a-z]+\b")
ENDING = re.compile("(?:fully|ings?|ed|e?s|ly|d)$")  # of a word whose stem is in the list
OF_SERVICES = "wellbeing"  # what names of services are made of


@cache
def read_vocabulary() -> frozenset[str]:
    """The words that pages of this project are made of, and easy words of English: a name among them is no name yet."""
    return frozenset(_read_row(WORDS).split()) | frozenset(_read_reference().split()) | _read_easy_words()


def is_ordinary(words: list[str]) -> bool:
    """Whether a few words in a row are a phrase that pages of this project are made of, or one of its words."""
    phrase = " ".join(words)
    return phrase in read_vocabulary() or phrase in _read_row(PHRASES) or phrase in _read_reference()


@cache
def _read_row(path: Path) -> str:
    return " ".join(re.findall(r"[^\W_]+", fold(path.read_text(encoding="utf-8"))))


@cache
def _read_reference() -> str:
    """All words of the published figures and code lists, in a row: pages print them."""
    return " ".join(_read_row(path) for path in sorted(REFERENCE.glob("*.csv")))


def may_name(line: str) -> bool:
    """Whether a word of a line of prose begins with a capital letter and is none that this project or easy English has."""
    known = _read_prose_words()
    found = {word.lower() for word in CAPITAL.findall(line)}
    return any(word not in known and ENDING.sub("", word) not in known for word in found)


@cache
def _read_prose_words() -> frozenset[str]:
    """Easy words of English, and those of the package's lists and templates; read in a few hundredths of a second."""
    files = [p for p in (*DEFINITIONS.rglob("*"), *TEMPLATES.rglob("*")) if p.is_file() and p not in (WORDS, PHRASES)]
    text = " ".join(path.read_text(encoding="utf-8", errors="replace") for path in files)
    return frozenset(re.findall("[a-z]+", f"{text.lower()} {OF_SERVICES}")) | _read_easy_words()


def _read_easy_words() -> set[str]:
    found = find_spec("textstat")  # found and not imported: only its list is wanted
    path = Path(found.origin).parent / "resources" / "en" / "easy_words.txt" if found and found.origin else None
    return set(path.read_text(encoding="utf-8").split()) if path and path.exists() else set()

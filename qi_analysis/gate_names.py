"""Names of the extract on a page: in both orders, split, in capitals, in addresses; ordinary words are no names by themselves."""

import calendar
import re

from qi_analysis.gate_known import TITLES, Known, join_pair
from qi_analysis.gate_text import Finding, Piece, Reading, fold, list_names
from qi_analysis.gate_words import read_vocabulary

NAME = "a name of the extract"
MONTH_NAMES = {name.lower() for name in calendar.month_name if name}
NEAR = 3  # words between which a forename and a surname belong together
READ = ("text", "cell", "words")  # where a name has its capital


def find_names(reading: Reading, known: Known) -> set[Finding]:
    """Full names in both orders, a title with a surname, and surnames alone that are no words of the language."""
    if not len(known.hashes.get("surname", ())):
        return set()
    tokens = {piece: list_names(piece.text) for piece in reading.pieces if piece.kind not in ("style", "path")}
    every = {one for names in tokens.values() for one in names}
    glued = known.find("glued", every) - read_vocabulary()
    lasts, firsts = known.find("surname", every), known.find("forename", every)
    common = read_vocabulary() | known.words
    found = set()
    for piece, names in tokens.items():
        if (
            not glued.isdisjoint(names)
            or any(one in lasts for one in names)
            and _holds_name(piece, names, (firsts, lasts, common), known)
        ):
            found.add(Finding(NAME, piece.place))
    return found


def _holds_name(piece: Piece, names: list[str], sets: tuple[set[str], set[str], frozenset[str]], known: Known) -> bool:
    firsts, lasts, common = sets
    pairs = set()
    for at, one in enumerate(names):
        if one not in lasts:
            continue
        if (
            at
            and names[at - 1] in TITLES
            and re.search(rf"\b{names[at - 1].title()}\b\W+{_as_written(one)}", fold_case(piece.text))
        ):
            return True
        if one not in common and len(one) >= 4 and _is_capital(one, piece):
            return True
        near = range(max(0, at - NEAR), min(len(names), at + NEAR + 1))
        others = [n for n in near if n != at and names[n] in firsts]
        pairs |= {join_pair(one, names[n]) for n in others if abs(n - at) <= 2 or not {one, names[n]} <= common}
    sure = known.find("pair", pairs)
    return any(not set(pair.split()) <= common or _stands_together(pair, piece) for pair in sure)


def _is_capital(word: str, piece: Piece) -> bool:
    """Whether a word stands with a capital where people read it; in data any form counts."""
    if piece.kind not in (*READ, "code"):
        return True
    return bool(re.search(rf"{_as_written(word)}|\b[a-z][._-]?{word}\b", fold_case(piece.text)))


def _as_written(word: str) -> str:
    """A pattern for a surname with its capital, in any other case and with or without apostrophes."""
    apostrophe = "['\u2019`]?"
    return rf"(?<![^\W_]){word[0].upper()}{apostrophe}(?i:{apostrophe.join(word[1:])})(?![^\W_])"


def fold_case(text: str) -> str:
    """The text without accents, with its capitals."""
    return text if text.isascii() else "".join(fold(one).upper() if one.isupper() else fold(one) for one in text)


def _stands_together(pair: str, piece: Piece) -> bool:
    one, other = pair.split()
    text = fold_case(piece.text)
    forms = (
        [rf"(?:{word.capitalize()}|{word.upper()})" for word in (one, other)] if piece.kind in READ else [one, other]
    )
    flags = 0 if piece.kind in READ else re.I
    if {one, other} <= MONTH_NAMES:  # "April, May" is a list, "April May" may be somebody
        return bool(re.search(rf"(?<!, )\b(?:{forms[0]} {forms[1]}|{forms[1]} {forms[0]})\b(?!,)", text, flags))
    gap = r"[\W_]{1,4}(?:[A-Z][A-Za-z.'-]*[\W_]{1,3})?"  # a middle name may stand between
    return bool(re.search(rf"\b{forms[0]}{gap}{forms[1]}\b|\b{forms[1]}{gap}{forms[0]}\b", text, flags))

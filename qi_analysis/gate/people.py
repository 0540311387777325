"""The people of the extract as keyed hashes, and whether a page holds anything of theirs.

The page's words are hashed and looked up, never the other way round, so the time does not grow with the extract. The key is
random and lives as long as the process. SipHash of pandas is the keyed hash; nothing of it is ever written.

Digests of identifiers (MD5, SHA-1, SHA-256 and SHA-512, in hex or base64) are only worked out for a page that holds
something like a digest, from the extract read once more, and nothing is kept. Names are found in both orders, split, in
capitals, in addresses; ordinary words are no names by themselves.
"""

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from qi_analysis.gate.pieces import Finding, Piece, Reading, fold, list_names
from qi_analysis.gate.private_columns import Private
from qi_analysis.gate.shapes import A_DATE, BIRTH, PHONE, POSTCODE, list_ten_digits
from qi_analysis.gate.vocabulary import is_ordinary, read_vocabulary
from qi_analysis.periods import MONTHS

KEY = secrets.token_hex(8)  # 16 characters, as SipHash wants
IDENTIFIER, NOTE = "an identifier of the extract", "a note of the extract"
TOKEN = re.compile(r"[^\W_]+(?:[-/_.:|][^\W_]+)*")
COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b")
SOME_POSTCODE = re.compile(r"\b[A-Za-z]{1,2}\d[\dA-Za-z]?[ -]{0,2}\d[A-Za-z]{2}\b")
SOME_PHONE = re.compile(r"(?<![\w.])\+?\(?\d[\d ().-]{5,18}\d(?![\w])")
EPOCH = re.compile(r"(?<![\d.])(-?\d{7,10})(?:000)?(?![\d.])")
SPACED = re.compile(
    r"(?<![^\W_])[A-Za-z]{1,4}(?: \d+)+(?![^\W_])|(?<![\w.,])\d{2,}(?: \d{2,})+(?![\w.,])"
)  # an identifier with spaces
THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3}){2,}(?![\d,]|\.\d)")
GLUED_NUMBER = re.compile(r"[A-Za-z]{1,6}(\d{6,})[A-Za-z]{0,3}|0+([1-9]\d{5,})")
PARTS = re.compile(r"[A-Z]+\d+|[A-Z]?[a-z]*\d+|\d+")  # of a word that an identifier is glued to
TITLES = {"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "rev"}
LATEST_BIRTH = "2015"  # a page's own dates are later than any birth that matters
NO_BIRTH = {"1900-01-01", "1899-12-30", "1970-01-01"}  # what programs write for an empty date
SHINGLE = 5  # words of a note in a row
SHORT_NOTE = 13  # letters
SHORTEST, SHORTEST_NUMBER, SHORTEST_WORD = 4, 6, 8  # characters of an identifier, of one in digits or letters only
MONTH_NUMBERS = {name[:3].lower(): number for number, name in enumerate(MONTHS, 1)}
DIGEST = "a digest of an identifier"
DIGESTS: dict[int, tuple[Any, ...]] = {  # by characters in hex; 16 are the beginning of a longer one
    16: (hashlib.md5, hashlib.sha1, hashlib.sha256),
    32: (hashlib.md5,),
    40: (hashlib.sha1,),
    64: (hashlib.sha256,),
    128: (hashlib.sha512,),
}
IN_HEX = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{16,128}(?![0-9A-Za-z])")
IN_BASE64 = re.compile(
    r"(?<![\w+/-])(?=[\w+/-]*\d)(?=[\w+/-]*[a-z])(?=[\w+/-]*[A-Z])(?:[\w+/-]{22}(?:==)?|[\w+/-]{27}=?|[\w+/-]{43}=?|[\w+/-]{86}(?:==)?)(?![\w+/=-])"
)
BEGINNING = 16
NAME = "a name of the extract"
MONTH_NAMES = {name.lower() for name in MONTHS}
NEAR = 3  # words between which a forename and a surname belong together
READ = ("text", "cell", "words")  # where a name has its capital


def _hash(texts: Iterable[str]) -> np.ndarray:
    values = texts if isinstance(texts, np.ndarray) else np.array(list(texts), dtype=object)
    return pd.util.hash_array(values, hash_key=KEY, categorize=False) if len(values) else np.array([], dtype="uint64")


@dataclass(frozen=True, repr=False)
class Known:
    """Sorted keyed hashes by kind: identifier, birth, postcode, phone, surname, forename, pair, note."""

    hashes: dict[str, np.ndarray] = field(default_factory=dict)
    read_again: Callable[[], Iterable[Any]] = tuple  # the columns of identifiers, once more for a page with digests
    words: frozenset[str] = frozenset()  # names that the team allows as words
    is_complete: bool = False  # whether an extract was at hand

    def find(self, kind: str, texts: Iterable[str]) -> set[str]:
        """Those of the texts that the extract holds."""
        known, asked = self.hashes.get(kind), list(texts)
        if known is None or not len(known) or not asked:
            return set()
        wanted = _hash(asked)
        near = known[np.minimum(np.searchsorted(known, wanted), len(known) - 1)]
        return {text for text, is_known in zip(asked, near == wanted, strict=True) if is_known}


def plain_identifier(text: str) -> str:
    """An identifier as it is compared: letters and digits, no case, no .0 of a spreadsheet."""
    if text.isalnum():
        return text.casefold()
    return re.sub(r"[\W_]+", "", re.sub(r"^\s*(\d+)\.0+\s*$", r"\1", text)).casefold()


def build_known(
    private: Private,
    words: Iterable[str] = (),
    days: Iterable[str] = (),
    read_again: Callable[[], Iterable[Any]] = tuple,
) -> Known:
    """The private columns of an extract as keyed hashes; `words` and `days` are allowed though somebody has them.

    read_again: gives the columns of identifiers once more, so that none of them is kept.
    """
    given = private.texts
    parts: dict[str, set[str]] = {
        "birth": {day for one in given.get("birth", []) for day in list_days(one) if day < LATEST_BIRTH}
        - NO_BIRTH
        - set(days),
        "postcode": {plain_identifier(one) for one in given.get("postcode", [])} - {""},
        "phone": {_plain_phone(one) for one in given.get("phone", []) if len(_plain_phone(one)) >= 7},
        "note": {part for one in given.get("note", []) for part in _list_shingles(one)},
    }
    names = [(list_names(first), list_names(last)) for first, last in private.names]
    names += [_split_name(one) for one in given.get("name", [])]
    parts["surname"] = {last[-1] for _, last in names if last} | {last[0] for _, last in names if last}
    parts["forename"] = {first[0] for first, _ in names if first}
    parts["pair"] = {join_pair(first[0], end) for first, last in names if first and last for end in (last[0], last[-1])}
    parts["glued"] = {
        "".join(pair.split()[::way]) for pair in parts["pair"] for way in (1, -1) if len(pair) > SHORTEST_WORD
    }
    hashes = {kind: np.unique(_hash(texts)) for kind, texts in parts.items()}
    identifiers = pc.unique(pa.chunked_array(private.identifiers, pa.large_string()))
    hashes["identifier"] = np.unique(_hash(_list_telling(identifiers).to_numpy(zero_copy_only=False)))
    return Known(hashes, read_again, frozenset(fold(word) for word in words), private.is_read)


def _list_telling(identifiers: pa.Array) -> pa.Array:
    """Identifiers as plain_identifier writes them, those long enough not to be a word, year or count of the page itself."""
    plain = pc.replace_substring_regex(pc.utf8_trim_whitespace(identifiers), r"^(\d+)\.0+$", r"\1")
    plain = pc.unique(pc.utf8_lower(pc.replace_substring_regex(plain, r"[^\pL\pN]+", "")))
    shapes = rf"^\d{{{SHORTEST_NUMBER},}}$|^.*[^\d].*\d.*$|^.*\d.*[^\d].*$|^.{{{SHORTEST_WORD},}}$"
    long_enough = pc.greater_equal(pc.utf8_length(plain), SHORTEST)
    return plain.filter(pc.and_(long_enough, pc.match_substring_regex(plain, shapes)))


def join_pair(one: str, other: str) -> str:
    """Forename and surname as they are looked up, in whichever order they stand."""
    return " ".join(sorted((one, other)))


def _split_name(text: str) -> tuple[list[str], list[str]]:
    """(forenames, surname) of a full name, which stands first where a comma follows it."""
    last, comma, first = text.partition(",")
    if comma:
        return list_names(first), list_names(last)
    names = [one for one in list_names(text) if one not in TITLES]
    return names[:1], names[1:]


def _plain_phone(text: str) -> str:
    return re.sub(r"^(?:(?:00)?44)?0?", "", re.sub(r"\D", "", text.replace("(0)", "")))


def list_days(text: str) -> list[str]:
    """The days a date can mean, as 2022-08-31: day first and month first, spreadsheet day numbers too."""
    if re.fullmatch(r"\d{4,5}(?:\.0)?", text.strip()):
        return [(pd.Timestamp("1899-12-30") + pd.Timedelta(days=int(float(text)))).strftime("%Y-%m-%d")]
    numbers = [int(one) for one in re.findall(r"\d+", text)[:3]]
    word = re.search(r"[a-z]{3,}", text.lower())
    if re.fullmatch(r"\d{8}", text.strip()):
        numbers = [int(text[:4]), int(text[4:6]), int(text[6:8])]
    if word and word[0][:3] in MONTH_NUMBERS and len(numbers) >= 2:
        trials = [(numbers[1], MONTH_NUMBERS[word[0][:3]], numbers[0])]
    elif len(numbers) < 3:
        return []
    elif numbers[0] > 31:
        trials = [(numbers[0], numbers[1], numbers[2])]
    else:
        trials = [(numbers[2], numbers[1], numbers[0]), (numbers[2], numbers[0], numbers[1])]
    full = [
        (year + (1900 if 30 < year < 100 else 2000 if year < 100 else 0), month, day) for year, month, day in trials
    ]
    return [f"{year:04}-{month:02}-{day:02}" for year, month, day in full if 1 <= month <= 12 and 1 <= day <= 31]


def _list_shingles(text: str) -> Iterator[str]:
    """Words of a note, five in a row from every word on; a shorter one whole, unless it is a phrase of our own."""
    words = list_names(text)
    if len(words) < SHINGLE and len("".join(words)) >= SHORT_NOTE and not is_ordinary(words):
        yield " ".join(words)
    for at in range(len(words) - SHINGLE + 1):
        yield " ".join(words[at : at + SHINGLE])


def find_known(reading: Reading, known: Known) -> set[Finding]:
    """Everything on a page that belongs to somebody of the extract."""
    pieces = [piece for piece in reading.pieces if piece.kind != "path"]
    found = _look_up(pieces, known, "identifier", IDENTIFIER, _list_tokens)
    found |= _look_up(pieces, known, "birth", BIRTH, _list_births)
    found |= _look_up(pieces, known, "postcode", POSTCODE, _list_postcodes)
    found |= _look_up(pieces, known, "phone", PHONE, _list_phones)
    found |= _look_up(pieces, known, "note", NOTE, _list_note_parts)
    return found


def _look_up(
    pieces: list[Piece], known: Known, kind: str, finding: str, take: Callable[[Piece], Iterable[str]]
) -> set[Finding]:
    if not len(known.hashes.get(kind, ())):
        return set()
    places: dict[str, set[str]] = {}
    for piece in pieces:
        for text in take(piece):
            places.setdefault(text, set()).add(piece.place)
    return {Finding(finding, place) for text in known.find(kind, places) for place in places[text]}


def _list_births(piece: Piece) -> Iterator[str]:
    """The days of a text, also as seconds and milliseconds since 1970."""
    for hit in A_DATE.finditer(piece.text):
        yield from list_days(hit[0])
    for hit in EPOCH.finditer(piece.text):
        if int(hit[1]) % 86_400 == 0:
            yield (pd.Timestamp("1970-01-01") + pd.Timedelta(seconds=int(hit[1]))).strftime("%Y-%m-%d")


def _list_postcodes(piece: Piece) -> Iterator[str]:
    yield from map(plain_identifier, SOME_POSTCODE.findall(piece.text))


def _list_phones(piece: Piece) -> Iterator[str]:
    yield from map(_plain_phone, SOME_PHONE.findall(piece.text))


def _list_tokens(piece: Piece) -> Iterator[str]:
    text = COLOUR.sub(" ", piece.text) if piece.kind == "style" else piece.text
    for hit in TOKEN.findall(text):
        yield plain_identifier(hit)
        if glued := GLUED_NUMBER.fullmatch(hit):
            yield glued[1] or glued[2]
        if not hit.isalnum():
            parts = re.split(r"[-/_.:|]", hit)
            yield from map(plain_identifier, parts)
            yield from (plain_identifier(one + other) for one, other in zip(parts, parts[1:], strict=False))
        if hit.isalnum() and not hit.isdigit() and not hit.isalpha():
            yield from map(plain_identifier, PARTS.findall(hit))
            if re.fullmatch(r"(?:0x)?[0-9a-fA-F]{6,9}", hit):
                yield str(int(hit, 16))
    yield from (plain_identifier(hit) for hit in (*SPACED.findall(text), *THOUSANDS.findall(text)))
    yield from list_ten_digits(piece)


def _list_note_parts(piece: Piece) -> Iterator[str]:
    words = list_names(piece.text)
    for length in range(1, SHINGLE + 1):
        for at in range(len(words) - length + 1):
            yield " ".join(words[at : at + length])


# Digests of identifiers.
def find_digests(reading: Reading, known: Known) -> set[Finding]:
    """Every digest of an identifier of the extract on a page."""
    places: dict[str, set[str]] = {}
    kinds = set()
    for piece in reading.pieces:
        if piece.kind != "path":
            for text in _list_written(piece):
                places.setdefault(text[:BEGINNING], set()).add(piece.place)
                kinds |= set(DIGESTS[len(text)])
    if not places:
        return set()
    columns = known.read_again()
    found = {one for column in columns for text in column for one in _list_digests(str(text), kinds) if one in places}
    return {Finding(DIGEST, place) for one in found for place in places[one]}


def _list_written(piece: Piece) -> Iterator[str]:
    for text in IN_HEX.findall(piece.text):
        if len(text) in DIGESTS:
            yield text.lower()
    for text in IN_BASE64.findall(piece.text):
        try:
            yield base64.urlsafe_b64decode(text.rstrip("=").replace("+", "-").replace("/", "_") + "==").hex()
        except (ValueError, binascii.Error):
            continue


def _list_digests(identifier: str, kinds: set[Any]) -> Iterator[str]:
    """The beginnings of the digests of an identifier in every form of it."""
    plain = identifier if identifier.isalnum() else re.sub(r"[\W_]", "", identifier)
    forms = {identifier, identifier.upper(), identifier.lower(), plain}
    if plain.isdigit() and len(plain) == 10:
        forms |= {f"{plain[:3]} {plain[3:6]} {plain[6:]}", f"{plain[:3]}-{plain[3:6]}-{plain[6:]}"}
    for form in forms:
        data = form.encode()
        yield from (kind(data, usedforsecurity=False).hexdigest()[:BEGINNING] for kind in kinds)


# Names.
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

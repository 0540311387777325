"""What is wrapped inside text: escapes, character codes, hex, base64, packed arrays, JSON. Wrappings may hold wrappings."""

import base64
import binascii
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import unquote

from qi_analysis.gate_html import read_html
from qi_analysis.gate_packed import MOST_VALUES, check_chart, list_arrays, read_binary
from qi_analysis.gate_text import DECODED, DEEPEST, TOO_DEEP, Piece, Reading, Table
from qi_analysis.gate_unpack import is_packed, is_picture_or_font, read_bytes
from qi_analysis.gate_written import read_written

ESCAPES = re.compile(
    r"\\u\{([0-9a-fA-F]{1,6})\}|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\x([0-9a-fA-F]{2})|=([0-9A-F]{2})|\\(?P<octal>[0-7]{2,3})"
)
CSS_ESCAPES = re.compile(r"\\([0-9a-fA-F]{1,6})\s?")
BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{6,}={0,2}(?![A-Za-z0-9+/=])")
WRAPPED = re.compile(r"(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/]{12,}[ \t]*\r?\n\s*)+[A-Za-z0-9+/]+={0,2}")
BASE32 = re.compile(r"(?<![A-Za-z0-9])(?:[A-V0-9]{12,}|[A-Z2-7]{12,}|[a-z2-7]{12,})={0,6}(?![A-Za-z0-9=])")
BASE85 = re.compile(r"(?<!\S)(?:<~)?[!-~]{15,}(?!\S)")
BITS = re.compile(r"(?<![\d.])(?:[01]{8}[ ,]?){5,}(?!\d)")
UTF7 = re.compile(r"\+[A-Za-z0-9/+]{8,}-")
UUENCODED = re.compile(r"^begin \d{3} ", re.M)
APART = re.compile(r"(?<![\w])(?:[A-Za-z\d] ){5,}[A-Za-z\d](?![\w])")
HEX = re.compile(r"(?<![0-9A-Za-z])(?:0x|\\\\x)?((?:[0-9a-fA-F]{2}){4,})(?![0-9A-Za-z])")
HEX_LIST = re.compile(
    r"(?:(?:0x|%|\\x)?[0-9a-fA-F]{2}[ ,:;-]{1,2}){5,}(?:0x|%|\\x)?[0-9a-fA-F]{2}\b|\b(?:[0-9a-fA-F]{4} ){3,}[0-9a-fA-F]{2,4}\b"
)
CODES = re.compile(r"(?<![\d.])(?:\d{2,3}\s*[,;]\s*){5,}\d{2,3}(?![\d.])")
DATA_ADDRESS = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w-]+=[^;,]*)*)(;base64)?,([^\"'<>)]*)", re.I)
LONG_BLOB = 100  # characters that look like base64 and are neither text nor a known wrapping
DIGIT_WORDS = dict(
    zip(
        ["oh", "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
        "00123456789",
        strict=True,
    )
)
SPELLED = re.compile(rf"\b(?:(?:{'|'.join(DIGIT_WORDS)})[\s,-]+){{9}}(?:{'|'.join(DIGIT_WORDS)})\b", re.I)


def decode_pieces(reading: Reading) -> None:
    """Add to a reading what its pieces hold in wrapped form, again and again until nothing is wrapped.

    Depth and size are bounded; what is deeper or larger, or cannot be decoded, is a fault.
    """
    done = 0
    seen: set[str] = set()
    while done < len(reading.pieces):
        piece = reading.pieces[done]
        done += 1
        if piece.kind in ("path", "row", "joined") or (piece.text in seen and piece.depth):
            continue
        seen.add(piece.text)
        for name, text in _unwrap_text(piece):
            _add(reading, piece, name, text)
        read_written(reading, piece)
        _unwrap_json(reading, piece)
        _unwrap_blobs(reading, piece)


def _add(reading: Reading, piece: Piece, name: str, text: str) -> None:
    if text == piece.text:
        return
    if piece.depth >= DEEPEST:
        reading.fault(TOO_DEEP, piece.place)
        return
    place = piece.place if piece.place.endswith(name) else f"{piece.place}, {name}"
    reading.add("data", place, text, piece.depth + 1)
    if re.search(r"</?[a-z][\w-]*[\s>]", text, re.I) and piece.kind not in ("script", "code"):
        read_html(reading, text, f"{place}, ", piece.depth + 1)


def _unwrap_text(piece: Piece) -> Iterator[tuple[str, str]]:
    text = piece.text
    if "%" in text and re.search(r"%[0-9a-fA-F]{2}", text):
        yield "percent escapes", unquote(text, errors="replace")
    if "&" in text and (again := html.unescape(text)) != text:
        yield "character references", again
    if "\\" in text or "=" in text:
        yield "escapes", ESCAPES.sub(_escaped, text)
    if piece.kind in ("style", "data") and "\\" in text:
        yield "escapes", CSS_ESCAPES.sub(lambda hit: _character(int(hit[1], 16)), text)
    for hit in SPELLED.finditer(text) if piece.kind != "path" else ():
        yield "words", "".join(DIGIT_WORDS[word] for word in re.findall(r"[a-z]+", hit[0].lower()))
    if piece.kind in ("script", "style", "code", "attribute", "comment", "data"):
        joined = re.sub(r"[\"'`][\s\\]*[+\s][\s\\]*[\"'`]", "", text)
        if joined != text:
            yield "joined text", joined
    for hit in APART.finditer(text):
        yield "letters apart", hit[0].replace(" ", "")
    if UTF7.search(text) and text.isascii():
        yield "UTF-7", text.encode().decode("utf-7", "replace")
    for hit in CODES.finditer(text):
        numbers = [int(one) for one in re.findall(r"\d+", hit[0])]
        if all(32 <= one < 256 for one in numbers):
            yield "character codes", "".join(map(chr, numbers))


def _escaped(hit: re.Match[str]) -> str:
    octal = hit["octal"]
    return _character(int(octal, 8) if octal else int(next(one for one in hit.groups() if one), 16))


def _character(number: int) -> str:
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "?"


def _unwrap_json(reading: Reading, piece: Piece) -> None:
    text = piece.text.strip()
    if piece.kind not in ("script", "attribute", "comment", "data", "output", "text") or text[:1] not in ("{", "["):
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    read_json(reading, value, piece.place, piece.depth + 1)
    check_chart(reading, value, piece.place)


def read_json(reading: Reading, value: object, place: str, depth: int = 0) -> None:
    """Every text and number of a JSON value as a piece of its own, each list of numbers as one, and lists of records as tables."""
    waiting, seen = [(value, place, 0)], 0
    while waiting and (seen := seen + 1) < MOST_VALUES:
        one, where, level = waiting.pop()
        if level > 60:
            reading.fault(TOO_DEEP, where)
            continue
        if isinstance(one, dict):
            reading.add("data", where, " ".join(map(str, one)), depth)
            plain = [str(part) for part in one.values() if isinstance(part, (str, int, float))]
            reading.add("row", where, " | ".join(plain), depth)
            if len(one) > 1 and all(isinstance(part, list) for part in one.values()):
                _add_records(reading, [dict.fromkeys(one, "")], where)
            waiting += [(part, where, level + 1) for part in one.values()]
        elif isinstance(one, list):
            plain = [str(part) for part in one if isinstance(part, (int, float, str))]
            reading.add("data", where, "\n".join(plain), depth)
            _add_records(reading, one, where)
            waiting += [(part, where, level + 1) for part in one if isinstance(part, (dict, list))]
        elif isinstance(one, (str, int, float)):
            reading.add("data", where, str(one), depth)
    if waiting:
        reading.fault(TOO_DEEP, place)


def _add_records(reading: Reading, values: list[object], place: str) -> None:
    """A list of records as a table, so that it is judged as one."""
    records = [one for one in values[:MOST_VALUES] if isinstance(one, dict)]
    if records:
        names = list(dict.fromkeys(str(name) for one in records[:100] for name in one))
        rows = [[str(one.get(name, "")) for name in names] for one in records]
        reading.tables.append(Table(place, names, rows, is_printed=False))


def _unwrap_blobs(reading: Reading, piece: Piece) -> None:
    """Everything written as base64 or hex."""
    text, place, depth = piece.text, piece.place, piece.depth + 1
    for hit in DATA_ADDRESS.finditer(text):
        _read_address(reading, hit, place, depth)
    text = DATA_ADDRESS.sub(" ", text)
    for numbers in list_arrays(text):
        reading.add("data", f"{place}, packed array", numbers, depth)
    for hit in WRAPPED.finditer(text):
        _read_base64(reading, re.sub(r"\s", "", hit[0]), place, depth)
    for hit in BASE64.finditer(text):
        _read_base64(reading, hit[0], place, depth)
    for hit in BASE32.finditer(text):
        _read_base32(reading, hit[0].rstrip("="), place, depth)
    if UUENCODED.search(text):
        reading.fault(DECODED, place)
    for hit in BASE85.finditer(text) if piece.kind not in ("script", "style", "words") else ():
        _read_base85(reading, hit[0], place, depth)
    for hit in BITS.finditer(text):
        read_binary(reading, bytes(int(one, 2) for one in re.findall(r"[01]{8}", hit[0])), f"{place}, bits", depth)
    for hit in HEX.finditer(text):
        read_binary(reading, bytes.fromhex(hit[1]), f"{place}, hex", depth)
    for hit in HEX_LIST.finditer(text):
        digits = re.findall(r"[0-9a-fA-F]{2}", re.sub(r"0x|\\x|%", "", hit[0]))
        read_binary(reading, bytes(int(one, 16) for one in digits), f"{place}, hex", depth)


def _read_address(reading: Reading, hit: re.Match[str], place: str, depth: int) -> None:
    """A data: address: it must be a picture or a font that is known, or be decoded."""
    kind = (hit[1] or "text/plain").lower()
    where = f"{place}, data address"
    content = unquote(hit[4])
    if not hit[3]:
        reading.add("data", where, content, depth)
        if "svg" in kind or "html" in kind or "xml" in kind:
            read_html(reading, content, f"{where}, ", depth)
        return
    try:
        coded = re.sub(r"\s|=+$", "", content)
        data = base64.b64decode(coded + "=" * (-len(coded) % 4), altchars=_alphabet(coded), validate=True)
    except (ValueError, binascii.Error):
        reading.fault(DECODED, where)
        return
    if not read_bytes(reading, data, where, depth) and not is_picture_or_font(data):
        reading.fault(DECODED, where)


def _alphabet(coded: str) -> bytes | None:
    """The last two characters of base64 where they are those for addresses."""
    return b"-_" if "-" in coded or "_" in coded else None


def _read_base64(reading: Reading, text: str, place: str, depth: int) -> None:
    body = text.rstrip("=")
    if len(body) % 4 == 1 or (body.isalpha() and body.islower()):
        return
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=_alphabet(body))
    except (ValueError, binascii.Error):
        return
    known = read_binary(reading, data, f"{place}, base64", depth)
    looks = (
        len(body) >= LONG_BLOB and re.search(r"[a-z]", body) and re.search(r"[A-Z]", body) and re.search(r"\d", body)
    )
    if not known and looks and not is_picture_or_font(data):
        reading.fault(DECODED, place)


def _read_base32(reading: Reading, body: str, place: str, depth: int) -> None:
    for decode in (base64.b32decode, base64.b32hexdecode):
        try:
            read_binary(reading, decode(body.upper() + "=" * (-len(body) % 8)), f"{place}, base32", depth)
        except (ValueError, binascii.Error):
            continue


def _read_base85(reading: Reading, body: str, place: str, depth: int) -> None:
    """Text in base85 of either alphabet; bytes of another kind hardly ever come out as text."""
    for decode, coded in ((base64.b85decode, body), (base64.a85decode, body.removeprefix("<~").removesuffix("~>"))):
        try:
            data = decode(coded)
        except ValueError:
            continue
        if data.isascii() and data.decode().isprintable():
            reading.add("data", f"{place}, base85", data.decode(), depth)
        elif is_packed(data):
            read_bytes(reading, data, f"{place}, base85", depth)

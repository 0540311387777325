"""What is wrapped or written as data, as pieces of text: escapes, blobs, JSON, written tables, notebooks.

Wrappings may hold wrappings: escapes, character codes, hex, base64, packed arrays, JSON. Tables may be written out as
text: in Markdown, in CSV, or printed with spaces between their columns.
"""

import base64
import binascii
import html
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from qi_analysis.gate.html import check_address, read_html
from qi_analysis.gate.pieces import BREAK, DECODED, DEEPEST, TOO_DEEP, Piece, Reading, Table
from qi_analysis.gate.unpack import (
    MOST_VALUES,
    check_chart,
    is_packed,
    is_picture_or_font,
    list_arrays,
    read_binary,
    read_bytes,
)

CUTS = (r"\s*\|\s*", r",", r"\t", r" {2,}")
RULE = re.compile(r"[|:+=\s-]*")
MOST_LINES, LONGEST_LINE, LONGEST_NAME = 2_000, 2_000, 40
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
DIGIT_WORDS = {"oh": "0"} | {word: str(digit) for digit, word in enumerate(
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
)}  # fmt: skip
SPELLED = re.compile(rf"\b(?:(?:{'|'.join(DIGIT_WORDS)})[\s,-]+){{9}}(?:{'|'.join(DIGIT_WORDS)})\b", re.I)
CELL_KEYS = {"source", "metadata", "attachments", "outputs", "id", "cell_type"}
MARKDOWN_ADDRESS = re.compile(r"(!?)\[[^\]\n]*\]\(\s*<?([^\s)>]+)|^ {0,3}()\[[^\]\n]+\]:\s*<?(\S+)", re.M)
KNOWN_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf")


# What is wrapped inside text.
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
            _add_text(reading, piece, name, text)
        read_written(reading, piece)
        _unwrap_json(reading, piece)
        _unwrap_blobs(reading, piece)


def _add_text(reading: Reading, piece: Piece, name: str, text: str) -> None:
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


# Tables that are written out as text.
def read_written(reading: Reading, piece: Piece) -> None:
    """Add the tables of a text to a reading: lines that follow each other and have the same number of cells, two at least."""
    if piece.kind not in ("text", "cell", "output", "comment", "data") or "\n" not in piece.text:
        return
    lines = [
        line for line in piece.text.splitlines()[:MOST_LINES] if len(line) < LONGEST_LINE and not RULE.fullmatch(line)
    ]
    for cut in CUTS:
        rows = [
            [cell.strip(" \"'`*") for cell in re.split(cut, line.strip(" |" if "|" in cut else " "))] for line in lines
        ]
        start = 0
        for at in range(1, len(rows) + 1):
            if at < len(rows) and len(rows[at]) - len(rows[start]) in (0, 1):  # an index has no heading
                continue
            if at - start > 1 and len(rows[start]) > 1 and all(len(name) < LONGEST_NAME for name in rows[start]):
                _add_table(reading, piece.place, rows[start], rows[start + 1 : at])
            start = at


def _add_table(reading: Reading, place: str, names: list[str], rows: list[list[str]]) -> None:
    longest = max(map(len, rows))
    headings = [*[""] * (longest - len(names)), *names]
    reading.tables.append(Table(place, headings, rows, is_printed=False))


# A notebook: sources, outputs of every kind, attachments, widget state and metadata.
def read_notebook(reading: Reading, text: str, links: tuple[str, ...] = ()) -> bool:
    """Add everything a notebook holds to a reading. False when the text is no notebook."""
    try:
        notebook = json.loads(text, object_pairs_hook=_refuse_twice)
        cells = notebook["cells"]
        metadata = notebook.get("metadata", {})
        for number, cell in enumerate(cells, 1):
            _read_cell(reading, cell, f"cell {number}", links)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    run = metadata.get("papermill") if isinstance(metadata, dict) else None
    if isinstance(run, dict) and run.get("exception"):
        reading.fault("a run that failed", "the notebook's metadata")
    read_json(reading, {name: part for name, part in notebook.items() if name != "cells"}, "the notebook's metadata")
    _check_owner(reading, metadata, "the notebook's metadata")
    return True


def _refuse_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. Raises ValueError where a name stands twice: the first of the two would not be read."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError
    return values


def _check_owner(reading: Reading, metadata: Any, place: str) -> None:
    names = {"author", "authors", "user", "username", "user_name", "login", "owner", "creator", "executed_by"}
    if isinstance(metadata, dict) and any(part for name, part in metadata.items() if str(name).lower() in names):
        reading.fault("a user name", place)
    for part in metadata.values() if isinstance(metadata, dict) else ():
        if isinstance(part, dict):
            _check_owner(reading, part, place)


def _read_cell(reading: Reading, cell: dict[str, Any], place: str, links: tuple[str, ...]) -> None:
    source = _join(cell.get("source", ""))
    if cell.get("cell_type") == "markdown":
        reading.add("text", place, re.sub(r"\*\*|__|`", BREAK, source))
        _check_markdown(reading, source, place, links)
        if "<" in source:
            read_html(reading, source, f"{place}, ", 1, links)
    else:
        reading.add("code", f"{place}, source", source)
    read_json(reading, cell.get("metadata", {}), f"{place}, metadata")
    _check_owner(reading, cell.get("metadata", {}), f"{place}, metadata")
    if cell.get("id"):
        reading.add("data", f"{place}, id", str(cell["id"]))
    for name, bundle in (cell.get("attachments") or {}).items():
        reading.add("data", f"{place}, attachment", str(name))
        _read_bundle(reading, bundle, f"{place}, attachment", links)
    outputs = cell.get("outputs") or []
    for number, output in enumerate(outputs, 1):
        _read_output(reading, output, f"{place}, output {number}", links)
    said = [_join(output.get("text", "")) for output in outputs if output.get("output_type") == "stream"]
    reading.add("output", f"{place}, outputs", "".join(said))
    read_json(reading, {name: part for name, part in cell.items() if name not in CELL_KEYS}, f"{place}, other keys")


def _check_markdown(reading: Reading, source: str, place: str, links: tuple[str, ...]) -> None:
    """Pictures and links of Markdown, as those of a page."""
    for picture, address, _, reference in MARKDOWN_ADDRESS.findall(source):
        tag, name = ("img", "src") if picture else ("a", "href")
        fault = check_address(tag, name, address or reference, links or ("\0",))
        if fault and not address.startswith("attachment:"):
            reading.fault(fault, place)


def _join(source: Any) -> str:
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _read_output(reading: Reading, output: dict[str, Any], place: str, links: tuple[str, ...]) -> None:
    kind = output.get("output_type")
    if kind == "error":
        reading.fault("an error", place)
        words = [str(output.get("ename", "")), str(output.get("evalue", "")), _join(output.get("traceback") or [])]
        reading.add("output", place, "\n".join(words))
    elif kind == "stream":
        if output.get("name") == "stderr" and _join(output.get("text", "")).strip():
            reading.fault("words on stderr", place)
        reading.add("output", place, _join(output.get("text", "")))
    else:
        _read_bundle(reading, output.get("data") or {}, place, links)
        rest = {name: part for name, part in output.items() if name not in ("data", "output_type")}
        read_json(reading, rest, f"{place}, metadata")


def _read_bundle(reading: Reading, bundle: dict[str, Any], place: str, links: tuple[str, ...]) -> None:
    """One output or attachment in each of its forms."""
    for kind, value in bundle.items():
        if kind in ("text/html", "image/svg+xml"):
            read_html(reading, _join(value), f"{place}, ", 0, links)
        elif "javascript" in kind:
            reading.fault("a script", place)
            reading.add("script", place, _join(value))
        elif kind in KNOWN_PICTURES or kind.startswith(("image/", "audio/", "video/", "font/")):
            _read_picture(reading, _join(value), place)
        elif isinstance(value, (dict, list)) and not (isinstance(value, list) and kind.startswith("text/")):
            read_json(reading, value, place)
            check_chart(reading, value, place)
        else:
            if kind.startswith("application/") and not kind.endswith("json"):
                reading.fault(DECODED, place)
            reading.add("output", place, _join(value))


def _read_picture(reading: Reading, text: str, place: str) -> None:
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, binascii.Error):
        reading.fault(DECODED, place)
        return
    if not read_bytes(reading, data, place, 1) and not is_picture_or_font(data):
        reading.fault(DECODED, place)

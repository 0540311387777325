"""Packed bytes and arrays as text, never more than the bounds allow.

Bytes: gzip, zlib, zip and workbooks, text of pictures and of documents other than PDF. Arrays: typed arrays of charts, and
bytes of unknown kind that read as numbers of people might.
"""

import base64
import binascii
import bz2
import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from qi_analysis.gate.html import read_html
from qi_analysis.gate.pieces import DECODED, DEEPEST, TOO_DEEP, Reading

LARGEST_MEMBER = 4_000_000  # bytes of one packed part once unpacked
MOST_MEMBERS = 200
PRINTABLE = re.compile(rb"[\t\n\r\x20-\x7e]*")
READABLE = re.compile(rb"[\t\n\r\x20-\x7e]{6,}")
TELLING = re.compile(rb"[\w .@/:,-]{10,}")  # words inside bytes that are no text
LONG_NUMBER = re.compile(rb"\d[\d -]{8,}\d")
WIDE = re.compile(rb"(?:[\x20-\x7e]\0){6,}")
DOCUMENTS = (
    b"%PDF", b"\xd0\xcf\x11\xe0", b"7z\xbc\xaf", b"Rar!", b"ARROW1", b"PAR1", b"SQLite format 3", b"(\xb5/\xfd",
)  # fmt: skip
PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ\x00", *DOCUMENTS)
FONTS = (b"wOFF", b"wOF2", b"OTTO", b"\x00\x01\x00\x00", b"true", b"ttcf")
PICTURES = (b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"\x00\x00\x01\x00")
PNG = b"\x89PNG\r\n\x1a\n"
DRAWING = (  # chunks of a PNG
    b"IDAT", b"PLTE", b"IHDR", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"bKGD", b"pHYs", b"sBIT", b"hIST", b"fdAT",
    b"acTL", b"fcTL", b"tIME",
)  # fmt: skip
TYPES = {"f8": "d", "f4": "f", "i8": "q", "u8": "Q", "i4": "i", "u4": "I", "i2": "h", "u2": "H", "i1": "b", "u1": "B"}
LONG_NAMES = {"float64": "f8", "float32": "f4", "int64": "i8", "uint64": "u8", "int32": "i4", "uint32": "u4", "int16": "i2",
              "uint16": "u2", "int8": "i1", "uint8": "u1"}  # fmt: skip
DTYPE, BDATA = r"[\"']?dtype[\"']?\s*:\s*[\"']([|<>=]?[a-z]+\d+)[\"']", r"[\"']?bdata[\"']?\s*:\s*[\"']([^\"']+)[\"']"
PACKED_ARRAY = re.compile(rf"{DTYPE}[^{{}}]{{0,200}}?{BDATA}", re.S)
PACKED_AGAIN = re.compile(rf"{BDATA}[^{{}}]{{0,200}}?{DTYPE}", re.S)
CHART_KEYS = {"customdata", "ids", "hovertemplate", "hovertext", "selectedpoints"}
MOST_VALUES = 200_000
FEWEST_DIGITS = 10  # numbers of one digit each, which may be one number


def read_bytes(reading: Reading, data: bytes, place: str, depth: int) -> bool:
    """Read text, archives and pictures' own words into a reading; False when the bytes are none of these."""
    if depth > DEEPEST:
        reading.fault(TOO_DEEP, place)
        return True
    if data.startswith(PNG):
        _read_png(reading, data, place, depth)
    elif data.startswith(b"PK\x03\x04"):
        _read_zip(reading, data, place, depth)
    elif data.startswith(b"\x1f\x8b"):
        _inflate(reading, data, 31, f"{place}, gzip", depth)
    elif data[:1] == b"\x78" and len(data) > 6 and (data[0] * 256 + data[1]) % 31 == 0:
        return _inflate(reading, data, 15, f"{place}, zlib", depth)
    elif data.startswith((b"BZh", b"\xfd7zXZ\x00")):
        _decompress(reading, data, place, depth)
    elif data.startswith(DOCUMENTS):
        reading.fault(DECODED, f"{place}, a document")
    elif is_picture_or_font(data):
        if not data.startswith(FONTS):
            _read_strings(reading, data, f"{place}, picture", depth)
        for digits in LONG_NUMBER.findall(data):  # the words of a font tell of who drew it
            reading.add("data", f"{place}, font", digits.decode("ascii"), depth)
    elif data[:1] == b"\x80" and data[1:2] in (b"\2", b"\3", b"\4", b"\5") and data.endswith(b"."):
        reading.fault(DECODED, f"{place}, a pickle")
    else:
        text = _as_text(data)
        if text is None:
            for words in TELLING.findall(data):
                reading.add("data", place, words.decode("ascii", "replace"), depth)
            return _inflate_bare(reading, data, place, depth)
        reading.add("data", place, text, depth)
        if re.search(r"<[a-z!/][^>]*>", text, re.I):
            read_html(reading, text, f"{place}, ", depth)
    return True


def is_picture_or_font(data: bytes) -> bool:
    """Whether the bytes begin as a picture or font does; such bytes are drawn and hold no text that can be read out."""
    return data.startswith((PNG, *FONTS, *PICTURES)) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


def is_packed(data: bytes) -> bool:
    """Whether the bytes begin as an archive or document does."""
    return data.startswith(PACKED)


def _as_text(data: bytes) -> str | None:
    """Bytes that are text, in UTF-8 or UTF-16; None for others."""
    if PRINTABLE.fullmatch(data):
        return data.decode("ascii")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or (
        len(data) >= 8 and 3 * data.count(0) >= len(data) and len(data) % 2 == 0
    ):
        coding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-16-le" if data[1] == 0 else "utf-16-be"
        wide = data.decode(coding, "replace")
        return wide if all(one.isprintable() or one.isspace() for one in wide) and "\ufffd" not in wide else None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if all(one.isprintable() or one.isspace() for one in text) else None


def _read_strings(reading: Reading, data: bytes, place: str, depth: int) -> None:
    """The words inside bytes, of one or two bytes a letter, and an archive that hangs behind a picture."""
    for words in READABLE.findall(data) + [wide.replace(b"\0", b"") for wide in WIDE.findall(data)]:
        reading.add("data", place, words.decode("ascii"), depth)
    if (at := data.find(b"PK\x03\x04")) > 0:
        _read_zip(reading, data[at:], place, depth)


def _decompress(reading: Reading, data: bytes, place: str, depth: int) -> None:
    stream = bz2.BZ2Decompressor() if data.startswith(b"BZh") else lzma.LZMADecompressor()
    try:
        plain = stream.decompress(data, LARGEST_MEMBER)
    except (OSError, EOFError, ValueError, lzma.LZMAError):
        plain = b""
    if not plain or not read_bytes(reading, plain, place, depth + 1) or not stream.eof:
        reading.fault(DECODED, place)


def _inflate_bare(reading: Reading, data: bytes, place: str, depth: int) -> bool:
    """Deflated bytes without a head; only whole ones that hold text count, as other bytes hardly ever do."""
    stream = zlib.decompressobj(-15)
    try:
        text = _as_text(stream.decompress(data, LARGEST_MEMBER))
    except zlib.error:
        return False
    if not text or len(text) < 6 or not stream.eof:
        return False
    reading.add("data", place, text, depth)
    return True


def _inflate(reading: Reading, data: bytes, window: int, place: str, depth: int) -> bool:
    """Deflated bytes, whole or cut short. False when they are none at all."""
    stream = zlib.decompressobj(window)
    try:
        plain = stream.decompress(data, LARGEST_MEMBER)
    except zlib.error:
        if window == 31:
            reading.fault(DECODED, place)
        return window == 31
    if stream.unconsumed_tail:
        reading.fault(TOO_DEEP, place)
    if plain and not read_bytes(reading, plain, place, depth + 1):
        reading.fault(DECODED, place)
    return True


def _read_zip(reading: Reading, data: bytes, place: str, depth: int) -> None:
    """Every part of an archive or workbook; the text of its XML with a space where tags stood."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if len(parts) > MOST_MEMBERS or sum(part.file_size for part in parts) > 4 * LARGEST_MEMBER:
                reading.fault(TOO_DEEP, f"{place}, archive")
                return
            reading.add("data", f"{place}, archive", archive.comment.decode("latin-1"), depth)
            for number, part in enumerate(parts, 1):
                where = f"{place}, archive, part {number}"
                reading.add("data", where, part.filename, depth)
                with archive.open(part) as handle:
                    plain = handle.read(LARGEST_MEMBER + 1)
                _read_member(reading, plain, where, depth)
    except (zipfile.BadZipFile, RuntimeError, zlib.error, OSError, EOFError, ValueError, struct.error):
        reading.fault(DECODED, f"{place}, archive")


def _read_member(reading: Reading, plain: bytes, place: str, depth: int) -> None:
    if plain.lstrip().startswith(b"<"):
        text = plain.decode("utf-8", "replace")
        creator = re.search(r"<(?:dc:creator|cp:lastModifiedBy)>([^<]+)<", text)
        if creator and creator[1] != "openpyxl":
            reading.fault("a user name", f"{place}, metadata")
        reading.add("data", place, re.sub(r"<[^>]*>", " ", text), depth + 1)
        reading.add("data", place, re.sub(r"<[^>]*>", "", text), depth + 1)
    elif plain and not read_bytes(reading, plain, place, depth + 1) and not is_picture_or_font(plain):
        reading.fault(DECODED, place)


def _read_png(reading: Reading, data: bytes, place: str, depth: int) -> None:
    """The chunks of a PNG that are not drawing, and whatever follows its end."""
    at, name = len(PNG), b"IEND" if len(data) == len(PNG) else b""
    while at + 8 <= len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        if name == b"iCCP":
            _read_profile(reading, body, f"{place}, picture", depth)
        elif name not in DRAWING:
            _read_chunk(reading, body, f"{place}, picture", depth)
        at += 12 + length
        if name == b"IEND":
            break
    if name != b"IEND":
        reading.fault(DECODED, f"{place}, a picture that is cut short")
    rest = data[at:].lstrip(b"\0")
    if rest and not read_bytes(reading, rest, f"{place}, after the picture", depth + 1):
        reading.fault(DECODED, f"{place}, after the picture")


def _read_profile(reading: Reading, body: bytes, place: str, depth: int) -> None:
    """The words of a colour profile, which is no text itself."""
    name, _, packed = body.partition(b"\0")
    try:
        plain = zlib.decompressobj().decompress(packed[1:], LARGEST_MEMBER)
    except zlib.error:
        plain = packed
    _read_strings(reading, name + b"\n" + plain, place, depth)


def _read_chunk(reading: Reading, body: bytes, place: str, depth: int) -> None:
    word, _, rest = body.partition(b"\0")
    if word in (b"Author", b"Creator", b"Artist", b"Owner") and rest.strip(b"\0"):
        reading.fault("a user name", f"{place}, metadata")
    _read_strings(reading, body, place, depth)
    reading.add("data", place, body.replace(b"\0", b" ").decode("utf-8", "replace"), depth)
    start = body.find(b"\x78")
    while 0 <= start < 200:
        if _inflate(reading, body[start:], 15, place, depth):
            break
        start = body.find(b"\x78", start + 1)


# Numbers packed as bytes.
def list_arrays(text: str) -> Iterator[str]:
    """The numbers of every typed array of a text, one a line."""
    for hit in PACKED_ARRAY.finditer(text):
        yield read_packed(hit[1], hit[2])
    for hit in PACKED_AGAIN.finditer(text):
        yield read_packed(hit[2], hit[1])


def read_packed(kind: str, packed: str) -> str:
    """The numbers of a typed array, one a line; empty when it is none."""
    plain = kind.strip("|<>=")
    code = TYPES.get(LONG_NAMES.get(plain, plain))
    try:
        data = base64.b64decode(packed + "==")
    except (ValueError, binascii.Error):
        return ""
    return _write(_list_values(data, (">" if kind.startswith(">") else "<") + code)) if code else ""


def _list_values(data: bytes, code: str) -> tuple[float, ...]:
    number = min(len(data) // struct.calcsize(code), MOST_VALUES)
    return struct.unpack_from(f"{code[0]}{number}{code[1]}", data)


def _write(values: tuple[float, ...]) -> str:
    return "\n".join(f"{one:.0f}" if float(one).is_integer() and abs(one) < 1e16 else str(one) for one in values)


def read_binary(reading: Reading, data: bytes, place: str, depth: int) -> bool:
    """Whether the bytes were text, a known wrapping or an array; they are read if so."""
    if len(data) >= FEWEST_DIGITS and max(data) < 10:
        reading.add("data", f"{place}, packed array", _write(tuple(data)), depth)
    if read_bytes(reading, data, place, depth):
        return True
    found = False
    for code in ("<d", "<q", ">d", ">q", "<f", "<i", ">i", "<h", ">h", "<b"):
        size = struct.calcsize(code)
        if len(data) % size or len(data) < min(8, FEWEST_DIGITS * size):
            continue
        values = _list_values(data, code)
        are_digits = len(values) >= FEWEST_DIGITS and all(one in range(10) for one in values)
        are_identifiers = size == 4 and code[1] == "i" and all(9_999 < one < 10**8 for one in values)
        if are_digits or are_identifiers or (size == 8 and all(one == 0 or 1e-4 < abs(one) < 1e13 for one in values)):
            reading.add("data", f"{place}, packed array", _write(values), depth)  # other bytes hardly ever are so
            found = True
    return found


def check_chart(reading: Reading, value: Any, place: str) -> None:
    """Data of a chart that is drawn in the browser: rows behind points, and small counts."""
    waiting, left = [value], 100_000
    while waiting and (left := left - 1):
        one = waiting.pop()
        if isinstance(one, dict):
            if any(one.get(name) for name in CHART_KEYS):
                reading.fault("data behind the points of a chart", place)
            for name in ("y", "values", "z", "n", "count", "counts", "people"):
                part = one.get(name)
                if isinstance(part, dict):
                    written = read_packed(str(part.get("dtype")), str(part.get("bdata")))
                    part = [int(n) for n in written.split() if n.isdigit()]
                numbers = part if isinstance(part, list) else [part]
                if any(isinstance(n, int) and not isinstance(n, bool) and 0 < n <= 7 for n in numbers):
                    reading.fault("a count of 1 to 7 in the data of a chart", place)
            waiting += one.values()
        elif isinstance(one, list):
            waiting += [part for part in one if isinstance(part, (dict, list))]

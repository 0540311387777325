"""Numbers packed as bytes: typed arrays of charts, and bytes of unknown kind that read as numbers of people might."""

import base64
import binascii
import re
import struct
from collections.abc import Iterator
from typing import Any

from qi_analysis.gate_text import Reading
from qi_analysis.gate_unpack import read_bytes

TYPES = {"f8": "d", "f4": "f", "i8": "q", "u8": "Q", "i4": "i", "u4": "I", "i2": "h", "u2": "H", "i1": "b", "u1": "B"}
LONG_NAMES = {"float64": "f8", "float32": "f4", "int64": "i8", "uint64": "u8", "int32": "i4", "uint32": "u4", "int16": "i2",
              "uint16": "u2", "int8": "i1", "uint8": "u1"}  # fmt: skip
DTYPE, BDATA = r"[\"']?dtype[\"']?\s*:\s*[\"']([|<>=]?[a-z]+\d+)[\"']", r"[\"']?bdata[\"']?\s*:\s*[\"']([^\"']+)[\"']"
PACKED = re.compile(rf"{DTYPE}[^{{}}]{{0,200}}?{BDATA}", re.S)
PACKED_AGAIN = re.compile(rf"{BDATA}[^{{}}]{{0,200}}?{DTYPE}", re.S)
CHART_KEYS = {"customdata", "ids", "hovertemplate", "hovertext", "selectedpoints"}
MOST_VALUES = 200_000
FEWEST_DIGITS = 10  # numbers of one digit each, which may be one number


def list_arrays(text: str) -> Iterator[str]:
    """The numbers of every typed array of a text, one a line."""
    for hit in PACKED.finditer(text):
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
            reading.add(
                "data", f"{place}, packed array", _write(values), depth
            )  # bytes of another kind hardly ever are
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
                    part = [
                        int(n)
                        for n in read_packed(str(part.get("dtype")), str(part.get("bdata"))).split()
                        if n.isdigit()
                    ]
                numbers = part if isinstance(part, list) else [part]
                if any(isinstance(n, int) and not isinstance(n, bool) and 0 < n <= 7 for n in numbers):
                    reading.fault("a count of 1 to 7 in the data of a chart", place)
            waiting += one.values()
        elif isinstance(one, list):
            waiting += [part for part in one if isinstance(part, (dict, list))]

"""A notebook as pieces of text: sources, outputs of every kind, attachments, widget state and metadata."""

import base64
import binascii
import json
from typing import Any

from qi_analysis.gate_decode import read_json
from qi_analysis.gate_html import read_html
from qi_analysis.gate_text import DECODED, Reading
from qi_analysis.gate_unpack import is_picture_or_font, read_bytes

CHART_KEYS = {"customdata", "ids", "hovertemplate", "hovertext", "selectedpoints"}
KNOWN_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf")


def read_notebook(reading: Reading, text: str, links: tuple[str, ...] = ()) -> bool:
    """Add everything a notebook holds to a reading. False when the text is no notebook."""
    try:
        notebook = json.loads(text)
        cells = notebook["cells"]
        metadata = notebook.get("metadata", {})
        for number, cell in enumerate(cells, 1):
            _read_cell(reading, cell, f"cell {number}", links)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    if (
        isinstance(metadata, dict)
        and isinstance(metadata.get("papermill"), dict)
        and metadata["papermill"].get("exception")
    ):
        reading.fault("a run that failed", "the notebook's metadata")
    read_json(reading, {name: part for name, part in notebook.items() if name != "cells"}, "the notebook's metadata")
    _check_owner(reading, metadata, "the notebook's metadata")
    return True


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
        reading.add("text", place, source)
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
    for number, output in enumerate(cell.get("outputs") or [], 1):
        _read_output(reading, output, f"{place}, output {number}", links)


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
        read_json(reading, output.get("metadata", {}), f"{place}, metadata")


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
            _check_chart(reading, value, place)
        else:
            reading.add("output", place, _join(value))


def _read_picture(reading: Reading, text: str, place: str) -> None:
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, binascii.Error):
        reading.fault(DECODED, place)
        return
    if not read_bytes(reading, data, place, 1) and not is_picture_or_font(data):
        reading.fault(DECODED, place)


def _check_chart(reading: Reading, value: Any, place: str) -> None:
    """Data of a chart that is drawn in the browser: rows behind points, and small counts."""
    waiting, left = [value], 100_000
    while waiting and (left := left - 1):
        one = waiting.pop()
        if isinstance(one, dict):
            if any(one.get(name) for name in CHART_KEYS):
                reading.fault("data behind the points of a chart", place)
            for name in ("y", "values", "z", "n", "count", "counts", "people"):
                part = one.get(name)
                numbers = part if isinstance(part, list) else [part]
                if any(isinstance(n, int) and not isinstance(n, bool) and 0 < n <= 7 for n in numbers):
                    reading.fault("a count of 1 to 7 in the data of a chart", place)
            waiting += one.values()
        elif isinstance(one, list):
            waiting += [part for part in one if isinstance(part, (dict, list))]

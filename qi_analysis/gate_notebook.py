"""A notebook as pieces of text: sources, outputs of every kind, attachments, widget state and metadata."""

import base64
import binascii
import json
import re
from typing import Any

from qi_analysis.gate_decode import read_json
from qi_analysis.gate_html import read_html
from qi_analysis.gate_packed import check_chart
from qi_analysis.gate_tags import check_address
from qi_analysis.gate_text import BREAK, DECODED, Reading
from qi_analysis.gate_unpack import is_picture_or_font, read_bytes

CELL_KEYS = {"source", "metadata", "attachments", "outputs", "id", "cell_type"}
MARKDOWN_ADDRESS = re.compile(r"(!?)\[[^\]\n]*\]\(\s*<?([^\s)>]+)|^ {0,3}()\[[^\]\n]+\]:\s*<?(\S+)", re.M)
KNOWN_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf")


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
    if (
        isinstance(metadata, dict)
        and isinstance(metadata.get("papermill"), dict)
        and metadata["papermill"].get("exception")
    ):
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
        fault = (
            None
            if address.startswith("attachment:")
            else check_address(tag, name, address or reference, links or ("\0",))
        )
        if fault:
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
        read_json(
            reading,
            {name: part for name, part in output.items() if name not in ("data", "output_type")},
            f"{place}, metadata",
        )


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

"""Adding to a file of the record without touching what is there: its encoding, its line ends, its comments, its commas."""

import codecs
import csv
import io
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qi_analysis.errors import RecordProblem
from qi_analysis.record_lists import SHAPES, find_delimiter, name_heading
from qi_analysis.record_text import find_heading


@dataclass(frozen=True)
class Form:
    """How a file is written: its text with plain line ends, its encoding, its line end."""

    text: str = ""
    encoding: str = "utf-8"
    line_end: str = "\n"


def read_form(path: Path) -> Form:
    """The form of a file; an empty one in UTF-8 when there is none. Raises RecordProblem when it is no text."""
    if not path.exists():
        return Form()
    try:
        raw = path.read_bytes()
        encoding = _find_encoding(raw)
        text = raw.decode(encoding)
    except (OSError, UnicodeDecodeError):
        raise RecordProblem(
            f"{path.name}: I cannot read this file, so nothing was added. Run: qi check --record"
        ) from None
    return Form(text.replace("\r\n", "\n"), encoding, "\r\n" if "\r\n" in text else "\n")


def _find_encoding(raw: bytes) -> str:
    if raw[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    if raw.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def write_form(path: Path, form: Form, text: str) -> None:
    """Replace a file by a text in its own form, in one step. Raises RecordProblem when it cannot be written."""
    aside = path.with_name(f".{path.name}.building")
    try:
        raw = text.replace("\n", form.line_end).encode(form.encoding)
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as handle:
            handle.write(raw)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(aside, path)
    except UnicodeEncodeError:
        raise RecordProblem(
            f"{path.name} is in the letters of Windows, which lack one of yours. Save it as UTF-8 first."
        ) from None
    except OSError:
        aside.unlink(missing_ok=True)
        raise RecordProblem(f"{path.name} cannot be written. Close it in other programs and try again.") from None


def add_row(path: Path, cells: Mapping[str, str]) -> None:
    """Add a row to a list under its own headings; a list that is missing or empty is begun.

    Raises RecordProblem when a cell has no heading to stand under.
    """
    form, known = read_form(path), SHAPES[path.name]
    text = form.text if form.text.strip() else ",".join(known) + "\n"
    delimiter = find_delimiter(text, known)
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    head = rows[1] if rows[0] and rows[0][0].lower().startswith("sep=") else rows[0]
    headings = [name_heading(cell) for cell in head]
    lacking = [name for name, cell in cells.items() if cell and name not in headings]
    if lacking:
        raise RecordProblem(f'{path.name}, row 1: the heading "{lacking[0]}" is missing. Add the column.')
    row = io.StringIO()
    csv.writer(row, delimiter=delimiter, lineterminator="\n").writerow([cells.get(name, "") for name in headings])
    write_form(path, form, text.rstrip("\n") + "\n" + row.getvalue())


def add_block(path: Path, block: str, after: tuple[str, int] | None = None) -> None:
    """Add lines to a TOML file, at its end or below the last line of the block under a heading (its name and number).

    Raises RecordProblem when the file cannot be read, or could not be read any more with the new lines.
    """
    form = read_form(path)
    lines = form.text.rstrip("\n").split("\n") if form.text.strip() else []
    at = find_heading(lines, *after) if after else len(lines)
    gap = [""] if lines else []
    text = "\n".join([*lines[:at], *gap, *block.rstrip("\n").split("\n"), *lines[at:]]) + "\n"
    try:
        tomllib.loads(form.text.removeprefix("\ufeff"))
    except ValueError:
        raise RecordProblem(f"{path.name} cannot be read yet, so nothing was added. Run: qi check --record") from None
    try:
        tomllib.loads(text)
    except ValueError:
        raise RecordProblem(
            f"{path.name} is laid out in a way that I cannot add to. Add these lines yourself:\n{block}"
        ) from None
    write_form(path, form, text)


def add_file(path: Path, text: str) -> None:
    """Write a new file. Raises RecordProblem when there is one of that name."""
    if path.exists():
        raise RecordProblem(f"{path.parent.name}/{path.name} is there already. Choose another title.")
    write_form(path, Form(), text)

"""Tables that are written out as text: of Markdown, CSV, or printed with spaces between their columns."""

import re

from qi_analysis.gate_text import Piece, Reading, Table

CUTS = (r"\s*\|\s*", r",", r"\t", r" {2,}")
RULE = re.compile(r"[|:+=\s-]*")
MOST_LINES, LONGEST_LINE, LONGEST_NAME = 2_000, 2_000, 40


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
                _add(reading, piece.place, rows[start], rows[start + 1 : at])
            start = at


def _add(reading: Reading, place: str, names: list[str], rows: list[list[str]]) -> None:
    longest = max(map(len, rows))
    headings = [*[""] * (longest - len(names)), *names]
    reading.tables.append(Table(place, headings, rows, is_printed=False))

"""What a file really is, by its first bytes: a name can be wrong, and some things must not be opened at all."""

import zipfile
from pathlib import Path

from qi_analysis.errors import DataProblem

HEAD_BYTES = 512
OTHERS = {
    b"\xd0\xcf\x11\xe0": "is an old workbook (.xls) or one with a password. Save it as .xlsx without a password",
    b"\x1f\x8b": "is compressed. Unpack it and put the table itself in data/raw",
    b"BZh": "is compressed. Unpack it and put the table itself in data/raw",
    b"\xfd7zXZ": "is compressed. Unpack it and put the table itself in data/raw",
    b"7z\xbc\xaf": "is compressed. Unpack it and put the table itself in data/raw",
    b"(\xb5/\xfd": "is compressed. Unpack it and put the table itself in data/raw",
    b"PARE": "is an encrypted Parquet file. Export it without encryption",
    b"%PDF": "is a PDF, not a table. Export the table as CSV",
    b"\x89PNG": "is a picture, not a table. Export the table as CSV",
    b"\xff\xd8\xff": "is a picture, not a table. Export the table as CSV",
    b"SQLite format 3": "is a database, not a table. Export the table as CSV",
    b"<": "is a web page or XML, not a table. Export the table as CSV",
}


def read_kind(path: Path) -> str:
    """workbook, parquet or text, whatever the name says. Raises DataProblem for anything that is no table."""
    if path.is_symlink():
        raise DataProblem(f"{path.name}: this is a link to another place. Put a copy of the file itself in data/raw.")
    if not path.is_file():
        raise DataProblem(f"{path.name}: this is a folder or a device, not a file. Put the file itself in its place.")
    with path.open("rb") as handle:
        head = handle.read(HEAD_BYTES)
    if not head:
        raise DataProblem(f"{path.name}: the file is empty. Export it again.")
    for mark, what in OTHERS.items():
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(mark) or head.startswith(mark):
            raise DataProblem(f"{path.name}: the file {what}.")
    if head.startswith(b"PK\x03\x04"):
        return _read_archive_kind(path)
    if head.startswith(b"PAR1"):
        return "parquet"
    if path.suffix.lower() in (".xlsx", ".parquet") and not _is_text(head):
        raise DataProblem(f"{path.name}: the file is damaged or cut short. Export it again.")
    return "text"


def _read_archive_kind(path: Path) -> str:
    if not zipfile.is_zipfile(path):
        raise DataProblem(f"{path.name}: the file is damaged or cut short. Export it again.")
    with zipfile.ZipFile(path) as parts:
        if "xl/workbook.xml" in parts.namelist():
            return "workbook"
    raise DataProblem(f"{path.name}: the file is an archive, not a workbook. Unpack it and put the table in data/raw.")


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as fault:
        return fault.start > HEAD_BYTES - 4  # a letter cut in two by the end of the head
    return "\x00" not in text

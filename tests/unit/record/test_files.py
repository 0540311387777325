"""The files of the record, from whatever editor saved them."""

import shutil

import pytest
from plain_record import FILES, read, tell

from qi_analysis.record.read_team import read_team_record

PARTS = [name for name in FILES if "/" not in name] + ["pdsa", "stories"]


@pytest.mark.parametrize("part", PARTS)
def test_a_missing_part_is_no_fault(part, record):
    path = record / part
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    stops = [one for one in read(record) if one.level == "STOP"]
    assert stops == []


@pytest.mark.parametrize(
    ("name", "level", "sentence"),
    [
        (
            "action.csv",
            "WARN",
            'action.csv is not a file of the record, so it is not read. Did you mean "actions.csv"?',
        ),
        ("notes.docx", "NOTE", "notes.docx is not a file of the record, so it is not read."),
        (
            "pdsa/03-more.md.txt",
            "WARN",
            "pdsa/03-more.md.txt is not read. Save it as plain text, under a name that ends in .md.",
        ),
    ],
)
def test_a_file_that_is_not_read_is_told(name, level, sentence, record):
    (record / name).write_text("text", encoding="utf-8")
    assert tell(record) == [f"{level} {sentence}"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_files_of_notepad_are_read(encoding, record):
    plain = read_team_record(record, None)
    for name in FILES:
        path = record / name
        path.write_bytes(path.read_text(encoding="utf-8").replace("\n", "\r\n").encode(encoding))
    assert read_team_record(record, None) == plain


def test_a_link_that_leads_nowhere_is_told(record):
    (record / "actions.csv").unlink()
    (record / "actions.csv").symlink_to(record / "gone.csv")
    wanted = "I cannot open this file. Close it elsewhere, or put one of this name in its place."
    assert tell(record) == [f"STOP actions.csv: {wanted}"]


def test_letters_of_windows_are_read_and_noted(record):
    path = record / "actions.csv"
    path.write_bytes(path.read_text(encoding="utf-8").replace("Ask the team", "Ask the café’s team").encode("cp1252"))
    assert read_team_record(record, None).actions[0].action == "Ask the café’s team"
    assert tell(record) == [
        "NOTE actions.csv: read in the letters of Windows. Save it as UTF-8 to be certain of every letter."
    ]


def test_a_file_that_is_no_text_is_named(record):
    (record / "actions.csv").write_bytes(b"PK\x03\x04\x00\x00\x81")
    assert tell(record) == [
        "STOP actions.csv: this is not a file of text. Save it again as CSV UTF-8 (comma delimited)."
    ]

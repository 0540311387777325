"""The worked example of docs/map_an_export.md, taken from the page itself, as a small project on disk."""

import re
import shutil
from datetime import date
from pathlib import Path

from repository import ROOT

from qi_analysis.extract.clean import Tables, build_tables
from qi_analysis.extract.ledger import Account
from qi_analysis.extract.sources import read_extract
from qi_analysis.measures.pathways import Pathways, build_pathways
from qi_analysis.record.read_settings import read_record
from qi_analysis.record.settings import Record

PAGE = ROOT / "docs" / "map_an_export.md"
AS_AT = date(2022, 7, 31)  # the day the page names


def read_blocks() -> dict[str, str]:
    """Name -> text of every fenced block of the page that has a name."""
    return dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M))


def write_example(root: Path) -> None:
    """Write the example's project: the shipped record with the page's column map, and its two files."""
    blocks = read_blocks()
    shutil.copytree(ROOT / "project", root / "project")
    (root / "notebooks").mkdir()
    raw = root / "data" / "raw"
    raw.mkdir(parents=True)
    for name, text in blocks.items():
        if name.endswith(".csv"):
            (raw / name).write_text(text, encoding="utf-8")
    (root / "project" / "columns.toml").write_text(blocks["columns.toml"], encoding="utf-8")


def run_example(root: Path) -> tuple[Record, Tables, Account, Pathways]:
    """Read, clean and follow the example as at AS_AT."""
    write_example(root)
    record = read_record(root / "project")
    tables, account = build_tables(read_extract(root / "data" / "raw", record.columns), record)
    return record, tables, account, build_pathways(tables, record.completion, AS_AT)

"""The release: the protected aggregates of one review, in a folder of their own. The review notebook opens only this.

Tables are CSV and words are JSON, so that anyone can read what is about to be shared. No row, identifier, path or
small count is ever written here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from qi_analysis.errors import DataProblem
from qi_analysis.storage import write_folder

DATES = ("interval_start", "interval_end")


@dataclass(frozen=True)
class Release:
    """`facts`: words and settings of the review; `tables`: its protected tables by name."""

    facts: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]

    def __repr__(self) -> str:
        return f"<release of {self.facts.get('period_words', 'a review')}>"


def write_release(folder: Path, release: Release) -> None:
    """Write a release, whole or not at all; it takes the place of an older one."""
    with write_folder(folder) as building:
        for name, table in release.tables.items():
            table.to_csv(building / f"{name}.csv", index=False, lineterminator="\n", date_format="%Y-%m-%d")
        text = json.dumps(release.facts, indent=1, ensure_ascii=False, sort_keys=True)
        (building / "facts.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def read_release(folder: Path) -> Release:
    """Open a release. Raises DataProblem when there is none."""
    if not (folder / "facts.json").exists():
        raise DataProblem("There is no release for this period yet. Make it first with: qi run latest")
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    tables = {path.stem: _read_table(path) for path in sorted(folder.glob("*.csv"))}
    return Release(facts, tables)


def _read_table(path: Path) -> pd.DataFrame:
    columns = pd.read_csv(path, nrows=0).columns
    dates = [name for name in DATES if name in columns]
    text = {name: "str" for name in ("rules", "signal", "measure_id", "clock") if name in columns}
    table = pd.read_csv(path, parse_dates=dates, dtype=text, keep_default_na=False, na_values={
        name: [""] for name in columns if name not in text})  # fmt: skip
    return table

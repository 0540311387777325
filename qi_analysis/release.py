"""The release: the protected aggregates of one review, in a folder of their own. The review notebook opens only this.

Tables are CSV and words are JSON, so that anyone can read what is about to be shared. No row, identifier, path or
small count is ever written here.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import pandas as pd

from qi_analysis.errors import DataProblem
from qi_analysis.facts import Facts, PublishedFacts, build_typed
from qi_analysis.storage import write_folder

F = TypeVar("F", bound=PublishedFacts)
DATES = ("interval_start", "interval_end")


@dataclass(frozen=True)
class PublishedFigures:
    """The release of the published figures, the same for every review: their words, and their tables by name."""

    facts: PublishedFacts
    tables: Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Release(PublishedFigures):
    """`facts`: words and settings of the review; `tables`: its protected tables by name; the published figures with them."""

    facts: Facts

    def __repr__(self) -> str:
        return f"<release of {self.facts.period_words}>"


def write_release(folder: Path, release: PublishedFigures) -> None:
    """Write a release, whole or not at all; it takes the place of an older one."""
    with write_folder(folder) as building:
        for name, table in release.tables.items():
            table.to_csv(building / f"{name}.csv", index=False, lineterminator="\n", date_format="%Y-%m-%d")
        text = json.dumps(asdict(release.facts), indent=1, ensure_ascii=False, sort_keys=True)
        (building / "facts.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def read_release(folder: Path) -> Release:
    """Open a release. Raises DataProblem when there is none, or one of another version."""
    return Release(*_read(folder, Facts))


def read_published_figures(folder: Path) -> PublishedFigures:
    """Open the release of the published figures. Raises DataProblem as `read_release` does."""
    return PublishedFigures(*_read(folder, PublishedFacts))


def _read(folder: Path, kind: type[F]) -> tuple[F, dict[str, pd.DataFrame]]:
    if not (folder / "facts.json").exists():
        raise DataProblem("There is no release for this period yet. Make it first with: qi run latest")
    try:
        facts = build_typed(kind, json.loads((folder / "facts.json").read_text(encoding="utf-8")))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise DataProblem(
            "The release of this period is not one of this version. Make it anew: qi run latest"
        ) from None
    return facts, {path.stem: _read_table(path) for path in sorted(folder.glob("*.csv"))}


def _read_table(path: Path) -> pd.DataFrame:
    columns = pd.read_csv(path, nrows=0).columns
    dates = [name for name in DATES if name in columns]
    text = {name: "str" for name in ("rules", "signal", "measure_id", "clock") if name in columns}
    table = pd.read_csv(path, parse_dates=dates, dtype=text, keep_default_na=False, na_values={
        name: [""] for name in columns if name not in text})  # fmt: skip
    return table

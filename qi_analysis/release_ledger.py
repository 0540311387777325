"""The ledger: every count that any release has shown, so that a new release never gives an old one away.

One file for each period in the workshop. It holds true counts, so it never leaves it.
"""

import os
from pathlib import Path

import pandas as pd

from qi_analysis.cells import MOST, Cells
from qi_analysis.errors import DataProblem
from qi_analysis.whole import BUILDING, sync_folder

COLUMNS = ["name", "true", "low", "high"]
OF_MONTHS = "@"  # in the names of counts that say which months they are of; the others belong to one review


def read_ledger(folder: Path, period_id: str) -> pd.DataFrame:
    """name, true, low, high of the counts shown so far that a release of this period could show again; empty if none.

    Raises DataProblem for a file that cannot be read: without it nobody knows what readers know.
    """
    known = [_read(path) for path in sorted(folder.glob("*.parquet"))]
    if not known:
        return pd.DataFrame(columns=COLUMNS)
    every = pd.concat(known, ignore_index=True).drop_duplicates()
    return every.assign(name=every["name"].str.removesuffix(f"{OF_MONTHS}review {period_id}"))


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path, columns=COLUMNS)
    except (OSError, ValueError):
        raise DataProblem(
            f"data/processed/{path.parent.name}/{path.name} cannot be read. It holds what earlier reports have shown. Put "
            "it back from a copy; or, if that report was never shared, delete the file and the report."
        ) from None


def write_ledger(folder: Path, period_id: str, cells: Cells) -> None:
    """Add the counts that a release shows to those its period has shown before; the file is replaced in one step."""
    counts = cells.build()
    has_months = counts["name"].str.contains(OF_MONTHS, regex=False)
    counts["name"] = counts["name"].where(has_months, counts["name"] + f"{OF_MONTHS}review {period_id}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{period_id}.parquet"
    before = _read(path) if path.exists() else None
    table = pd.concat(
        [one for one in (before, counts.loc[counts["high"] < MOST, COLUMNS]) if one is not None], ignore_index=True
    )
    table = table.drop_duplicates()
    aside = path.with_name(f".{path.name}{BUILDING}")
    table.to_parquet(aside, index=False)
    os.replace(aside, path)
    sync_folder(folder)

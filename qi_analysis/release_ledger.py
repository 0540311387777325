"""The ledger: every count that any release has shown, so that a new release never gives an old one away.

One file for each period in the workshop. It holds true counts, so it never leaves it.
"""

import os
from pathlib import Path

import pandas as pd

from qi_analysis.cells import MOST, Cells
from qi_analysis.whole import BUILDING, sync_folder

COLUMNS = ["name", "true", "low", "high"]
OTHER_PERIODS = "@"  # in the names of counts that more than one release can show: those of a month or of a year


def read_ledger(folder: Path) -> pd.DataFrame:
    """name, true, low, high of the counts shown so far; empty when nothing was. A file that cannot be read is left out."""
    tables = [_read(path) for path in sorted(folder.glob("*.parquet"))]
    known = [table for table in tables if table is not None]
    return pd.concat(known, ignore_index=True).drop_duplicates() if known else pd.DataFrame(columns=COLUMNS)


def _read(path: Path) -> pd.DataFrame | None:
    try:
        return pd.read_parquet(path, columns=COLUMNS)
    except (OSError, ValueError):
        return None


def write_ledger(folder: Path, period_id: str, cells: Cells) -> None:
    """Add the counts that a release shows to those its period has shown before; the file is replaced in one step."""
    counts = cells.build()
    is_kept = (counts["high"] < MOST) & counts["name"].str.contains(OTHER_PERIODS, regex=False)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{period_id}.parquet"
    before = _read(path) if path.exists() else None
    table = pd.concat([one for one in (before, counts.loc[is_kept, COLUMNS]) if one is not None], ignore_index=True)
    table = table.drop_duplicates()
    aside = path.with_name(f".{path.name}{BUILDING}")
    table.to_parquet(aside, index=False)
    os.replace(aside, path)
    sync_folder(folder)

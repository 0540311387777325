"""The ledger: every count that any release has shown, and the sums it was part of, so that none gives an old one away.

One file for each period in the workshop. It holds true counts, so it never leaves it.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from qi_analysis.disclosure.counts import MOST, NOT_SHOWN, CountBook
from qi_analysis.disclosure.protection import COUNT, Seen, build_sums
from qi_analysis.errors import DataProblem
from qi_analysis.storage import BUILDING, sync_folder

COUNTS = [*COUNT, "low", "high", "is_marked"]
TERMS = ["row", *COUNT, "factor", "most", "is_wide"]
ONE_COUNT = -1  # the row of a line that is a count and not a term of a sum
MOST_OPEN = 24  # a sum of more counts that are not known exactly says next to nothing of one of them
FEW_OPEN = 9  # the same for a sum within a month
MOVING = "episodes."  # counts that change from review to review, as what comes later tells how LI went on
NEWEST = 3  # reviews whose sums within a month are still attacked; older ones cost more than they tell
OF_MONTHS = "@"  # in the names of counts that say which months they are of; the others belong to one review


def read_ledger(folder: Path, period_id: str) -> Seen:
    """What releases have shown so far, with the names that a release of this period gives to its counts.

    Raises DataProblem for a file that cannot be read: without it nobody knows what readers know.
    """
    files = [_read(path) for path in sorted(folder.glob("*.parquet"))]
    files[:-NEWEST] = [one[(one["row"] == ONE_COUNT) | one["is_wide"].astype(bool)] for one in files[:-NEWEST]]
    lines = _number(files) if files else _empty()
    lines = lines.assign(name=lines["name"].str.removesuffix(f"{OF_MONTHS}review {period_id}"))
    is_count = lines["row"] == ONE_COUNT
    return Seen(lines.loc[is_count, COUNTS].drop_duplicates(), lines.loc[~is_count, TERMS])


def _empty() -> pd.DataFrame:
    return pd.DataFrame(columns=[*dict.fromkeys([*COUNTS, *TERMS])])


def _number(files: list[pd.DataFrame]) -> pd.DataFrame:
    """One table of them, the rows of sums numbered through."""
    every = pd.concat(files, keys=range(len(files)), names=["file", "line"]).reset_index()
    is_term = every["row"] != ONE_COUNT
    every.loc[is_term, "row"] = every[is_term].groupby(["file", "row"]).ngroup()
    return every


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path, columns=list(_empty()))
    except (OSError, ValueError):
        raise DataProblem(
            f"data/processed/{path.parent.name}/{path.name} cannot be read. It holds what earlier reports have shown. Put "
            "it back from a copy; or, if that report was never shared, delete the file and the report."
        ) from None


def write_ledger(folder: Path, period_id: str, book: CountBook, seen: Seen | None = None) -> None:
    """Add what a release shows and says to what its period has shown before; the file is replaced in one step.

    seen: the ledger so far. Sums that stand in it already are not written again.
    """
    lines = _build_lines(book, seen)
    has_months = lines["name"].str.contains(OF_MONTHS, regex=False)
    lines["name"] = lines["name"].where(has_months, lines["name"] + f"{OF_MONTHS}review {period_id}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{period_id}.parquet"
    table = _number([_read(path), lines]) if path.exists() else lines
    aside = path.with_name(f".{path.name}{BUILDING}")
    table[list(_empty())].to_parquet(aside, index=False)
    os.replace(aside, path)
    sync_folder(folder)


def _build_lines(book: CountBook, seen: Seen | None) -> pd.DataFrame:
    """The counts that a release shows or sums up, and the terms of the sums that are new and can tell more later on.

    Those are the sums over many months, and within a month those of counts that move: the others are said again.
    """
    counts = book.build().assign(row=ONE_COUNT, is_marked=lambda table: table["order"] < NOT_SHOWN)
    sums, is_open = build_sums(counts, book), (counts["low"] < counts["high"]).to_numpy(dtype="float64")
    number_open = abs(sums.factors) @ is_open
    can_move = abs(sums.factors) @ counts["name"].str.startswith(MOVING).to_numpy(dtype="float64") > 0
    sums = sums.take(np.where(sums.is_wide, number_open <= MOST_OPEN, can_move & (number_open <= FEW_OPEN)))
    factors = sums.factors.tocoo()
    row, place = factors.coords
    said = {"row": row, "factor": factors.data, "most": sums.most[row], "is_wide": sums.is_wide[row]}
    terms = counts[COUNT].iloc[place].reset_index(drop=True).assign(**said)
    kept = (counts["high"] < MOST) | np.isin(np.arange(len(counts)), place)
    if seen is not None and len(seen.terms):
        terms = terms[~_mark(terms).isin(_mark(seen.terms))]
    return pd.concat([counts.loc[kept, ["row", *COUNTS]], terms], ignore_index=True)


def _mark(terms: pd.DataFrame) -> pd.Series:
    """A number for each term that is the same wherever the same sum stands."""
    one = pd.util.hash_pandas_object(terms[[*COUNT, "factor", "most"]].astype({"name": "object"}), index=False)
    return one.groupby(terms["row"].to_numpy()).transform("sum")

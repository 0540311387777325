"""The same record in several rows: which row wins, and why the others went. Used for every table."""

import numpy as np
import pandas as pd

from qi_analysis.account import Account
from qi_analysis.keys import join_keys, keep_latest, number_rows

BOOKKEEPING = ("file", "line")


def set_aside_rows(rows: pd.DataFrame, rules: dict[str, np.ndarray], table: str, account: Account) -> np.ndarray:
    """Set rows aside, each under the first rule whose mask it meets; True for the rows that stay."""
    good = np.ones(len(rows), dtype=bool)
    for rule, mask in rules.items():
        hit = good & mask
        if hit.any():
            account.set_aside(rows[hit], rule, table)
            good &= ~mask
    return good


def merge_rows(
    rows: pd.DataFrame, key: np.ndarray, table: str, account: Account, tie: np.ndarray | None = None
) -> np.ndarray:
    """One row per key: the latest submission, then the higher `tie` (0 or 1), then the later row.

    The other rows are merged: "resubmitted" when an earlier submission was replaced, "exact_duplicate" when a
    row of the same submission repeats it, "conflicting_rows" when it disagrees. True for the rows kept.
    """
    stamp = rows["stamp"].to_numpy()
    rank = stamp * 2 + (0 if tie is None else tie.astype("int64"))
    kept = keep_latest(key, rank * len(rows) + np.arange(len(rows)))
    if kept.all():
        return kept
    older = ~kept & (stamp < stamp[kept][number_rows(key, kept)])
    tied = ~kept & ~older
    repeated = np.zeros(len(rows), dtype=bool)
    same_submission = pd.Series(join_keys(key, stamp)).duplicated(keep=False).to_numpy()
    if same_submission.any():
        repeated = _find_repeats(rows, same_submission)
    account.merge(rows[~kept & repeated], "exact_duplicate", table)
    account.merge(rows[older & ~repeated], "resubmitted", table)
    account.merge(rows[tied & ~repeated], "conflicting_rows", table)
    return kept


def _find_repeats(rows: pd.DataFrame, among: np.ndarray) -> np.ndarray:
    """Rows that repeat another row in every field; of each set the last is the original."""
    content = [name for name in rows if name not in BOOKKEEPING]
    repeated = np.zeros(len(rows), dtype=bool)
    repeated[np.flatnonzero(among)] = rows[among].duplicated(content, keep="last").to_numpy()
    return repeated


def note_primary_only(rows: pd.DataFrame, kept: np.ndarray, table: str, account: Account) -> None:
    """Count kept rows of a Primary whose month also has a Refresh, in which they are missing."""
    month, refresh = rows["month"].to_numpy(), rows["is_refresh"].to_numpy()
    alone = kept & ~refresh & (month >= 0) & np.isin(month, np.unique(month[refresh]))
    account.note("kept_from_primary", table, int(alone.sum()))

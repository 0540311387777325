"""The same record in several rows: which row wins, and why the others went. Used for every table."""

import numpy as np
import pandas as pd

from qi_analysis.dataset import Rule
from qi_analysis.extract.identifiers import find_latest, mark_shared, narrow_rank
from qi_analysis.extract.ledger import Account

BOOKKEEPING = ("file", "line")


def set_aside_rows(rows: pd.DataFrame, rules: dict[Rule, np.ndarray], table: str, account: Account) -> np.ndarray:
    """Set rows aside, each under the first rule whose mask it meets; True for the rows that stay."""
    good = np.ones(len(rows), dtype=bool)
    for rule, mask in rules.items():
        hit = good & mask
        if hit.any():
            account.set_aside(pick_places(rows, hit), rule, table)
            good &= ~mask
    return good


def pick_places(rows: pd.DataFrame, mask: np.ndarray) -> pd.DataFrame:
    """file and line of some rows: all that the account wants to know."""
    return rows[list(BOOKKEEPING)].take(np.flatnonzero(mask))


def merge_rows(
    rows: pd.DataFrame, key: np.ndarray, table: str, account: Account, tie: np.ndarray | None = None
) -> np.ndarray:
    """One row per key: the latest submission, then the higher `tie` (0 or 1), then the later row.

    The other rows are merged: "resubmitted" when an earlier submission was replaced, "exact_duplicate" when a
    row of the same submission repeats it, "conflicting_rows" when it disagrees. True for the rows kept. Rows
    with key -1 take no part.
    """
    stamp = narrow_rank(rows["stamp"].to_numpy())
    latest = find_latest(key, stamp) if tie is None else find_latest(key, stamp, tie)
    kept = np.zeros(len(rows), dtype=bool)
    kept[latest[latest >= 0]] = True
    lost = ~kept & (key >= 0)
    if not lost.any():
        return kept
    older = lost & (stamp < stamp[latest[key]])
    repeated = lost & _find_repeats(rows, mark_shared(key, stamp))
    account.merge(pick_places(rows, repeated), Rule.EXACT_DUPLICATE, table)
    account.merge(pick_places(rows, older & ~repeated), Rule.RESUBMITTED, table)
    account.merge(pick_places(rows, lost & ~older & ~repeated), Rule.CONFLICTING_ROWS, table)
    return kept


def _find_repeats(rows: pd.DataFrame, among: np.ndarray) -> np.ndarray:
    """Rows that repeat another row in every field; of each set the last is the original."""
    repeated = np.zeros(len(rows), dtype=bool)
    if among.any():
        content = [name for name in rows if name not in BOOKKEEPING]
        place = np.flatnonzero(among)
        repeated[place] = rows[content].take(place).duplicated(keep="last").to_numpy()
    return repeated


def note_primary_only(rows: pd.DataFrame, kept: np.ndarray, table: str, account: Account) -> None:
    """Count kept rows of a Primary whose month also has a Refresh, in which they are missing."""
    month, refresh = rows["month"].to_numpy(), rows["is_refresh"].to_numpy()
    has_refresh = np.zeros(int(month.max(initial=-1)) + 2, dtype=bool)
    has_refresh[month[refresh]] = True
    has_refresh[-1] = False  # for month -1
    account.note(Rule.KEPT_FROM_PRIMARY, table, int((kept & ~refresh & has_refresh[month]).sum()))

"""From written identifiers to the rows of another table, month by month: identifiers are used again in other months."""

import numpy as np
import pandas as pd

from qi_analysis.keys import build_key, find_key

MONTH_SPAN = 1 << 16  # more months than any calendar here
MISSING, UNCLEAR = -1, -2


class Links:
    """Written identifiers of a parent table -> its row numbers, by month of submission where rows give one.

    Identifiers are used again in other months, so a row that knows its month looks nowhere else.
    """

    def __init__(self, identifier: pd.Series, month: np.ndarray, target: np.ndarray) -> None:
        key, self.known = build_key(identifier)
        usable = (key >= 0) & (target >= 0)
        self.has_months = bool((month >= 0).any())
        self.by_month = _one_target(key[usable] * MONTH_SPAN + month[usable], target[usable])
        self.alone = _one_target(key[usable], target[usable])

    def find(self, identifier: pd.Series, month: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(row number or -1, whether it could be more than one) for each row."""
        key = find_key(identifier, self.known)
        found = _look_up(self.by_month, key * MONTH_SPAN + month)
        if not self.has_months or (month < 0).any():
            weak = (found == MISSING) & ((month < 0) | (not self.has_months))
            found[weak] = _look_up(self.alone, key[weak])
        found[key < 0] = MISSING
        return np.where(found < 0, -1, found), found == UNCLEAR


def _one_target(key: np.ndarray, target: np.ndarray) -> pd.Series:
    """key -> its only target, or UNCLEAR where it has several."""
    pairs = pd.DataFrame({"key": key, "target": target}).drop_duplicates()
    several = pairs["key"].duplicated(keep=False)
    found = pairs.assign(target=pairs["target"].mask(several, UNCLEAR)).drop_duplicates("key")
    return found.set_index("key")["target"]


def _look_up(known: pd.Series, key: np.ndarray) -> np.ndarray:
    place = known.index.get_indexer(key)
    return np.where(place >= 0, np.append(known.to_numpy(), MISSING)[place], MISSING).astype("int64")

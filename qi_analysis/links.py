"""From identifiers to the rows of another table, month by month: identifiers are used again in other months."""

import numpy as np
import pandas as pd

MONTH_SPAN = 1 << 20  # more months than any calendar here
MISSING, UNCLEAR = -1, -2


class Links:
    """Identifiers of a parent table -> its row numbers, by month of submission where rows give one.

    Identifiers are used again in other months, so a row that knows its month looks nowhere else. Most belong to
    one row and one month: those are looked up in arrays, the others in `several`.
    """

    def __init__(self, identifier: pd.Series, month: np.ndarray, target: np.ndarray) -> None:
        usable = np.flatnonzero((identifier.to_numpy() >= 0) & (target >= 0))
        self.has_months = bool((month >= 0).any())
        key, month, target = identifier.to_numpy()[usable], month[usable], target[usable]
        size = int(identifier.max()) + 2 if len(identifier) else 1  # the last place answers for what is not known
        self.target, self.month = np.full(size, MISSING), np.full(size, MISSING, dtype=month.dtype)
        self.target[key], self.month[key] = target, month
        self.is_several = np.zeros(size, dtype=bool)
        self.is_several[key[(self.target[key] != target) | (self.month[key] != month)]] = True
        odd = self.is_several[key]
        self.several = _one_target(key[odd].astype("int64") * MONTH_SPAN + month[odd], target[odd])
        self.alone = _one_target(key[odd], target[odd])

    def find(self, identifier: pd.Series, month: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(row number or -1, whether it could be more than one) for each row."""
        key = np.minimum(identifier.to_numpy(), len(self.target) - 1)
        anywhere = (month < 0) | (not self.has_months)
        found = np.where(anywhere | (self.month[key] == month), self.target[key], MISSING)
        odd = np.flatnonzero(self.is_several[key])
        found[odd] = _look_up(self.several, key[odd].astype("int64") * MONTH_SPAN + month[odd])
        weak = odd[(found[odd] == MISSING) & anywhere[odd]]
        found[weak] = _look_up(self.alone, key[weak])
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

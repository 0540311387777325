"""What may be seen: small counts and rounding, and every count of a release by its name.

Decision 11 of docs/decisions.md: small counts are hidden before anything is drawn, printed or stored outside the workshop.
Whole-service monthly totals are exact unless the numerator, its complement or the denominator is 1 to 7; every other
number is hidden from 1 to 7 and rounded to the nearest 5, and its share is worked out from the rounded numbers alone.

A count has a name that says what is counted: the same people in two tables are one count. Counts are noted while the
tables of a release are built, and are attacked together before anything is written.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

LARGEST_HIDDEN = 7  # counts of 1 to 7 are hidden
ROUND_TO = 5
SMALLEST_BASE = 20  # no share on fewer
SHARE_STATISTICS = ("share", "percent")
MOST = 1_000_000.0  # a count that is not shown is below this
# The order in which counts are hidden for others; the last never stand in a table.
INNER, TOTAL, EXACT, NOT_SHOWN = 0, 1, 2, 9
Order = int | npt.NDArray[np.integer]  # of all counts or of each
COLUMNS = ["name", "true", "low", "high", "order"]
Columns = list[list[str | None]]


def is_small(counts: pd.Series) -> pd.Series:
    """True for counts of 1 to 7."""
    return (counts > 0) & (counts <= LARGEST_HIDDEN)


def round_count(counts: pd.Series) -> pd.Series:
    """To the nearest 5; small counts are missing."""
    return (np.floor(counts / ROUND_TO + 0.5) * ROUND_TO).mask(is_small(counts))


def calculate_released_share(part: float, whole: float) -> float:
    """A share of rounded counts; missing where part, rest or whole is 1 to 7, or on a rounded whole below 20."""
    counts = pd.Series([part, whole, whole - part], dtype="float64")
    if is_small(counts).any() or not round_count(counts)[1] >= SMALLEST_BASE:
        return np.nan
    rounded = round_count(counts)
    return float(min(rounded[0] / rounded[1], 1.0))


def protect_results(results: pd.DataFrame, statistic: pd.Series, is_exact: pd.Series) -> pd.DataFrame:
    """Tidy results as they may be released, with is_hidden.

    statistic: measure_id -> count, share, percent, mean, median, ratio or sum. is_exact: True for the rows of
    whole-service totals that are released exactly. A zero stays a zero. Means and medians rest on at least 20. Where only
    numerator or complement is small, the denominator still stands, unless the total would have been exact.
    """
    kind = results["measure_id"].map(statistic)
    is_exact = is_exact.reindex(results.index, fill_value=False).astype(bool)
    is_share = kind.isin(SHARE_STATISTICS)
    is_count = kind.isin(["count", "sum"])
    top, bottom = results["numerator"], results["denominator"]
    rest = (bottom - top).where(is_share)
    hidden = is_small(bottom) | (is_small(top) & (is_share | is_count)) | is_small(rest)
    everyone = is_share & (bottom < SMALLEST_BASE) & ((top == 0) | (top == bottom)) & (bottom > 0)
    other = ~is_share & ~is_count
    hidden |= (
        everyone
        | (other & (bottom < SMALLEST_BASE) & (bottom > 0))
        | (~is_exact & is_share & (bottom < SMALLEST_BASE) & (bottom > 0))
    )
    rounded_top = round_count(top).where(~is_exact, top)
    rounded_bottom = round_count(bottom).where(~is_exact, bottom)
    times = np.where(kind == "percent", 100.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(rounded_bottom > 0, times * rounded_top / rounded_bottom, np.nan)
    value = pd.Series(np.where(is_share | kind.isin(["mean", "ratio"]), share, rounded_top), results.index)
    value = value.where(kind != "median", results["value"].round(0))
    released = results.assign(numerator=rounded_top, denominator=rounded_bottom, value=value)
    released[["numerator", "value"]] = released[["numerator", "value"]].mask(hidden, axis=0)
    released["denominator"] = released["denominator"].mask(hidden & (is_exact | is_small(bottom)))
    return released.assign(is_hidden=hidden.to_numpy(dtype=bool))


# Every count of a release: what it is, how it is shown, and so what a reader knows of it.
@dataclass(frozen=True)
class Sums:
    """Sums of one kind, one in each row: the wholes hold the parts, and (is_least) it may be more.

    wholes, parts: for each of them its names, one for each row; None where it is not in a sum. is_wide: sums over many
    months, each of which has sums of its own.
    """

    wholes: Columns
    parts: Columns
    is_wide: bool = False
    is_least: bool = False


class CountBook:
    """The counts of one release and the sums they belong to. It is altered while the tables are made.

    A function that takes a book writes the counts of its table into it; the counts of a book made for one table are lost.
    hidden: the names that are hidden for the sake of others. moved: those shown exactly before that are rounded from now on.
    """

    def __init__(self, hidden: frozenset[str] = frozenset(), moved: frozenset[str] = frozenset()) -> None:
        self.hidden, self.moved = hidden, moved
        self.sums: list[Sums] = []
        self._parts: list[pd.DataFrame] = []

    def copy(self) -> "CountBook":
        """Another book with the same in it, to try something out in."""
        book = CountBook(self.hidden, self.moved)
        book.sums, book._parts = list(self.sums), list(self._parts)
        return book

    def show(
        self, names: Iterable[str], counts: pd.Series, order: Order = INNER, also: pd.Series | None = None
    ) -> pd.Series:
        """Write down counts and return them as they may be shown.

        Rounded to 5, missing where they are 1 to 7, hidden for others, or `also` is True.
        """
        named = pd.Series(list(names), counts.index, dtype="object")
        shown = round_count(counts.astype("float64")).mask(named.isin(self.hidden))
        shown = shown if also is None else shown.mask(also)
        self.note(named, counts, shown, order)
        return shown

    def show_shares(
        self, tops: Iterable[str], bottoms: Iterable[str], counts: pd.DataFrame, order: Order = INNER
    ) -> pd.DataFrame:
        """The same for numerator and denominator; both are missing where one of them or the rest is 1 to 7."""
        tops, bottoms, rest = list(tops), list(bottoms), counts["denominator"] - counts["numerator"]
        also = is_small(rest) | is_small(counts["numerator"]) | is_small(counts["denominator"])
        rests = [f"{bottom} less {top}" for top, bottom in zip(tops, bottoms, strict=True)]
        self.note(rests, rest, rest * np.nan, NOT_SHOWN)
        self.add_sums(bottoms, [tops, rests])
        shown = {
            "numerator": self.show(tops, counts["numerator"], order, also),
            "denominator": self.show(bottoms, counts["denominator"], order, also),
        }
        return pd.DataFrame(shown, counts.index)

    def note(
        self, names: Iterable[str], counts: pd.Series, shown: pd.Series, order: Order = INNER, exact: bool = False
    ) -> None:
        """Write down counts and how they are shown: rounded to 5, exactly, or (missing) not at all."""
        low, high = _read_back(shown.to_numpy(dtype="float64"), exact)
        columns = {"name": list(names), "true": counts.to_numpy(dtype="float64").round(), "low": low, "high": high}
        self._parts.append(pd.DataFrame(columns).assign(order=order).dropna(subset=["true"]))

    def note_built(self, counts: pd.DataFrame) -> None:
        """Write down counts as `build` tells them."""
        self._parts.append(counts[COLUMNS])

    def add_sums(
        self,
        wholes: Iterable[str],
        parts: Iterable[Iterable[str | None]],
        is_wide: bool = False,
        is_least: bool = False,
    ) -> None:
        """Each whole is the sum of its parts (see Sums). A part that is not among the counts is left out."""
        self.add(Sums([list(wholes)], [list(one) for one in parts], is_wide, is_least))

    def add(self, sums: Sums) -> None:
        """The same for sums of several wholes."""
        self.sums.append(sums)

    def build(self) -> pd.DataFrame:
        """One row for each count: name, true, low, high (the smallest and largest it can be), order.

        A name noted with two counts stays with the first; the other has nothing to do with it and is never hidden for others.
        """
        if not self._parts:
            return pd.DataFrame(columns=COLUMNS)
        every = pd.concat(self._parts, ignore_index=True)
        is_other = every["true"] != every.groupby("name")["true"].transform("first")
        every["name"] += pd.Series(np.where(is_other, " but " + every["true"].astype(str), ""))
        stands = every["order"].where((every["order"] < NOT_SHOWN) & ~is_other)
        by_name = every.assign(order=stands).groupby("name", sort=True)
        bounds = by_name.agg(true=("true", "first"), low=("low", "max"), high=("high", "min"), order=("order", "max"))
        return bounds.fillna({"order": NOT_SHOWN}).reset_index()


def _read_back(shown: np.ndarray, exact: bool) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and largest whole counts that are shown as these."""
    reach = 0 if exact else ROUND_TO // 2
    low = np.where(shown > 0, np.maximum(shown - reach, 0 if exact else LARGEST_HIDDEN + 1), 0.0)
    high = np.where(shown > 0, shown + reach, 0.0)
    hidden = np.isnan(shown)
    return np.where(hidden, 0.0, low), np.where(hidden, MOST, high)

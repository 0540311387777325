"""What may be seen: small counts are hidden before anything is drawn, printed or stored outside the workshop.

Decision 11 of docs/decisions.md. Whole-service monthly totals are exact unless the numerator, its complement
or the denominator is 1 to 7; every other number is hidden from 1 to 7 and rounded to the nearest 5, and its
share is worked out from the rounded numbers alone.
"""

import numpy as np
import pandas as pd

LARGEST_HIDDEN = 7  # counts of 1 to 7 are hidden
ROUND_TO = 5
SMALLEST_BASE = 20  # no share on fewer
SHARE_STATISTICS = ("share", "percent")


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

"""Shares compared, and ends that compete.

Shares: Wilson intervals, differences with their intervals, one test for many groups, Holm's correction. Sources: Wilson
1927; Newcombe 1998 (method 10, difference of two shares); Holm 1979.

Competing risks: the share of people to whom each kind of end has happened by a day, by the estimator of Aalen and
Johansen. The ends exclude one another, and people still in treatment are censored on the day they were last looked at.
One Kaplan-Meier curve for each end would treat the other ends as if they could still be followed by it, and say too
much for every one of them.
"""

from collections.abc import Sequence
from itertools import combinations
from statistics import NormalDist

import numpy as np
import pandas as pd

LEVEL = 0.95
DRAWS = 4_999  # permutations of a test: p has steps of 1 in 5,000
SEED = 20_210_501  # the same counts always give the same p
NOT_ENDED = -1
NOBODY = 1e-12  # a share of people left in treatment that is none but for the arithmetic


def calculate_wilson(
    numerator: np.ndarray, denominator: np.ndarray, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """(lower, upper) limits of shares of 0 to 1, two-sided; missing where a count is missing or nobody was counted."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    top, n = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
    n = np.where(n > 0, n, np.nan)
    middle = (top + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(top * (n - top) / n + z**2 / 4)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def calculate_difference(
    first: tuple[float, float], second: tuple[float, float], level: float = LEVEL
) -> tuple[float, float, float]:
    """(difference, lower, upper) of two shares, each (numerator, denominator), first less second (-1 to 1)."""
    top, n = np.array([first, second], dtype=float).T
    share = top / n
    lower, upper = calculate_wilson(top, n, level)
    difference = float(share[0] - share[1])
    down = float(np.hypot(share[0] - lower[0], upper[1] - share[1]))
    up = float(np.hypot(upper[0] - share[0], share[1] - lower[1]))
    return difference, difference - down, difference + up


def calculate_widest(numerator: np.ndarray, denominator: np.ndarray) -> tuple[int, int, float, float, float]:
    """(place of the highest share, place of the lowest, their difference, lower, upper).

    The interval holds for every pair of groups at once (Bonferroni), because the pair was picked for being the
    furthest apart. Equal shares: the first group in order. Raises ValueError for fewer than two groups.
    """
    if len(numerator) < 2:
        raise ValueError("a difference needs two groups")
    share = np.asarray(numerator, dtype=float) / np.asarray(denominator, dtype=float)
    high, low = int(np.argmax(share)), int(np.argmin(share))
    low = low if low != high else 1
    pairs = len(list(combinations(range(len(share)), 2)))
    pair = [(float(numerator[place]), float(denominator[place])) for place in (high, low)]
    return high, low, *calculate_difference(pair[0], pair[1], 1 - (1 - LEVEL) / pairs)


def calculate_chance(numerator: np.ndarray, denominator: np.ndarray) -> float:
    """How often chance alone makes groups differ at least so much (p of a permutation test, 0 to 1).

    Pearson's chi-square of groups by outcome, against DRAWS random assignments of the same outcomes to groups of
    the same sizes. Exact in the long run, small groups included; the same counts always give the same p. 1 when
    everyone has one outcome.
    """
    top, n = np.asarray(numerator, dtype="int64"), np.asarray(denominator, dtype="int64")
    share = top.sum() / n.sum()
    if share in (0, 1):
        return 1.0
    draws = np.random.default_rng(SEED).multivariate_hypergeometric(n, int(top.sum()), size=DRAWS)
    spread = np.vstack([top, draws]) - n * share
    distance = (spread**2 / n).sum(axis=1)  # proportional to chi-square
    return float(np.mean(distance >= distance[0] * (1 - 1e-12)))


def calculate_holm(chances: np.ndarray) -> np.ndarray:
    """The same p values corrected for their number (Holm), in the order given."""
    chances = np.asarray(chances, dtype=float)
    order = np.argsort(chances, kind="stable")
    steps = np.maximum.accumulate(chances[order] * np.arange(len(chances), 0, -1))
    corrected = np.empty(len(chances))
    corrected[order] = np.minimum(steps, 1)
    return corrected


# Competing risks.
def build_incidence(days: np.ndarray, end: np.ndarray, names: Sequence[str], at: np.ndarray) -> pd.DataFrame:
    """One row for each day of `at`: day, at_risk, and for each name the share (0 to 1) with that end by then.

    days: whole days each person was followed, 0 or more. end: the place of their end in `names`, or NOT_ENDED.
    at_risk counts the people followed so far and not ended before that day. Ends of a day come before what is
    censored on it. A share is missing after the last day that anyone was followed to, unless everyone had ended by then.
    Source: Aalen and Johansen 1978; the same figures as CumIncidenceRight of statsmodels 0.15.
    """
    distinct, place = np.unique(days, return_inverse=True)
    ends = np.zeros((len(names), len(distinct)))
    has_ended = end != NOT_ENDED
    np.add.at(ends, (end[has_ended], place[has_ended]), 1)
    followed = np.sort(days)
    at_risk = len(days) - np.searchsorted(followed, distinct, side="left")
    left = np.cumprod(1 - ends.sum(axis=0) / at_risk)
    share = np.cumsum(np.append(1.0, left)[:-1] * ends / at_risk, axis=1)
    upto = np.searchsorted(distinct, at, side="right")
    share = np.column_stack([np.zeros(len(names)), share])[:, upto]
    still = len(days) - np.searchsorted(followed, at, side="left")
    is_known = (still > 0) | bool(len(left) and left[-1] < NOBODY)
    columns = {name: np.where(is_known, share[number], np.nan) for number, name in enumerate(names)}
    return pd.DataFrame({"day": at, "at_risk": still, **columns})

"""Runs: packing points that count, lengths of runs, and the runs analysis about the centre line.

Arrays are (segments, points); a segment is one phase of one series.
"""

import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

from qi_analysis.spc_grid import Bools, Floats, Ints


@dataclass(frozen=True)
class RunsAnalysis:
    """One number per segment, as columns; `in_long_run` is per point.

    The limits are those of the Anhoej rules whatever the method; NaN without a useful point.
    """

    n_useful: Ints
    longest_run: Floats
    longest_run_max: Floats
    n_crossings: Floats
    n_crossings_min: Floats
    long_run: Bools
    few_crossings: Bools
    in_long_run: Bools


@dataclass(frozen=True)
class Packing:
    """Moves the cells that count to the left of each row, and results back to where they belong."""

    order: Ints
    kept: Bools

    def pack(self, array: np.ndarray) -> np.ndarray:
        """The kept cells first, zeros (or False) after them."""
        moved = np.take_along_axis(array, self.order, axis=1)
        return np.where(self.kept, moved, np.zeros((), dtype=array.dtype))

    def unpack(self, packed: np.ndarray) -> np.ndarray:
        """Back in place; cells that were left out hold zero (or False)."""
        spread = np.zeros_like(packed)
        np.put_along_axis(spread, self.order, np.where(self.kept, packed, np.zeros((), packed.dtype)), axis=1)
        return spread


def build_packing(counts: Bools) -> Packing:
    """A packing that keeps the cells marked True, in order."""
    order = np.argsort(~counts, axis=1, kind="stable")
    return Packing(order, np.take_along_axis(counts, order, axis=1))


def calculate_run_lengths(marks: np.ndarray) -> Ints:
    """For each cell the length of the unbroken run of equal marks it lies in; 0 where the mark is 0."""
    starts = np.ones(marks.shape, dtype=bool)
    starts[:, 1:] = marks[:, 1:] != marks[:, :-1]
    ids = np.cumsum(starts.ravel()) - 1
    lengths = np.bincount(ids, minlength=1)[ids].reshape(marks.shape) if marks.size else starts.astype(int)
    return np.where(marks != 0, lengths, 0)


def build_windows(hits: Bools, allowed: Bools, window: int, needed: int) -> Bools:
    """Cells in any stretch of so many neighbours, all allowed, that holds at least `needed` hits."""
    width = hits.shape[1] - window + 1
    fired = np.zeros(hits.shape, dtype=bool)
    if width <= 0:
        return fired
    found, whole = np.zeros((len(hits), width), dtype=int), np.ones((len(hits), width), dtype=bool)
    for step in range(window):
        found += hits[:, step : step + width]
        whole &= allowed[:, step : step + width]
    for step in range(window):
        fired[:, step : step + width] |= whole & (found >= needed)
    return fired


def calculate_crossings_min(n_useful: int) -> int:
    """5% quantile of Binomial(n_useful - 1, 0.5): fewer crossings than this are a signal (Chen 2010)."""
    trials, needed, total = n_useful - 1, 0.05, 0
    for crossings in range(trials + 1):
        total += math.comb(trials, crossings)
        if total / 2**trials >= needed:
            return crossings
    return 0


def build_runs_analysis(side: Ints, counted: Bools, method: str) -> RunsAnalysis:
    """Runs about the centre line, given the side of each point and which points count.

    Useful points have a value, are not ghosts and are not on the centre line. A run longer than
    round(log2 n) + 3 (Schilling 2012) or fewer crossings than the limit are a signal; without a useful
    point there is none. Source: Anhoej & Olesen 2014, doi 10.1371/journal.pone.0113825. With the method
    "bestbox" or "cutbox" and 10 to 100 useful points the critical values are those of Anhoej &
    Wentzel-Larsen 2020, doi 10.1371/journal.pone.0233920.
    """
    packing = build_packing(counted & (side != 0))
    packed = packing.pack(side)
    lengths = calculate_run_lengths(packed)
    useful = packing.kept.sum(axis=1, keepdims=True)
    crossings = ((packed[:, 1:] != packed[:, :-1]) & packing.kept[:, 1:]).sum(axis=1, keepdims=True)
    longest = lengths.max(axis=1, initial=0, keepdims=True)
    sizes, place = np.unique(useful, return_inverse=True)
    fewest = np.array([calculate_crossings_min(int(n)) for n in sizes])[place].reshape(useful.shape)
    limit = np.round(np.log2(np.maximum(useful, 1))).astype(int) + 3
    run_limit, inside = _judge(method, (useful, crossings, longest), (fewest, limit))
    long = (longest > run_limit) & (useful > 0)
    few = ~inside & (useful > 0) & ((crossings < fewest) | ~long)
    runs, most, crossed, least = (np.where(useful == 0, np.nan, found) for found in (longest, limit, crossings, fewest))
    marks = packing.unpack(lengths > run_limit)
    return RunsAnalysis(useful, runs, most, crossed, least, long, few, marks)


def _judge(method: str, found: tuple[Ints, ...], limits: tuple[Ints, Ints]) -> tuple[Ints, Bools]:
    """The longest run allowed, and whether (useful, crossings, longest) lie inside the rules."""
    useful, crossings, longest = found
    fewest, limit = limits
    if method == "anhoej":
        return limit, (crossings >= fewest) & (longest <= limit)
    boxes = read_boxes()
    own = boxes.reindex(useful.ravel()).to_numpy().reshape(*useful.shape, boxes.shape[1])
    least, most, least_border, most_border = np.moveaxis(own, -1, 0)
    in_box = (crossings >= least) & (longest <= most)
    cut = (crossings > least) & (longest < most)
    cut |= (crossings == least) & (longest <= most_border)
    cut |= (crossings >= least_border) & (longest <= most)
    inside = np.where(np.isnan(least_border) | (method == "bestbox"), in_box, cut)
    known = ~np.isnan(least)
    plain = (crossings >= fewest) & (longest <= limit)
    return np.where(known, most, limit), np.where(known, inside, plain)


@cache
def read_boxes() -> pd.DataFrame:
    """Critical values of the best box and cut box by number of useful points (10 to 100)."""
    with (files("qi_analysis") / "definitions" / "runs_boxes.csv").open(encoding="utf-8") as source:
        return pd.read_csv(source, index_col="n_useful").astype(float)

"""The page "Is it fair?", from a release and from nothing else."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from qi_analysis.fragments import Html, render_notes, render_table
from qi_analysis.page_words import count, hidden_or, or_words, percent
from qi_analysis.phrases import HIDDEN, describe_share, lower_first, upper_first
from qi_analysis.release import Release

TOO_FEW = "too few people to show"
SMALLEST_SHOWN = 30  # people in a group with a rate


def show_fairness(release: Release) -> Html:
    """Is it fair? In short, then one table for each characteristic with its sentences."""
    facts, table = release.facts["fairness"], release.tables["fairness"]
    span = f"{facts['months'][0]} to {facts['months'][1]}"
    parts = [render_notes(_describe_all(facts, table, span), "In short")]
    for one in facts["characteristics"]:
        rows = table[table["characteristic"] == one["id"]]
        if len(rows):
            parts.append(render_table(_build_rows(rows), f"{one['name']}: completed, of LI CBT ended {span}"))
        parts.append(render_notes(one["says"], one["name"]))
    return Html("".join(parts + [render_notes(_explain())]))


def _build_rows(rows: pd.DataFrame) -> pd.DataFrame:
    words = [HIDDEN if people >= SMALLEST_SHOWN else TOO_FEW for people in rows["denominator"]]
    ranges = [
        f"{percent(low)} to {percent(high)}"
        for low, high in zip(rows["lower"].fillna(0), rows["upper"].fillna(0), strict=True)
    ]
    is_known = rows["lower"].notna()
    return pd.DataFrame(
        {
            "Group": [upper_first(group) for group in rows["group"]],
            "Completed": or_words(rows["numerator"], words, count),
            "LI ended": [hidden_or(n) for n in rows["denominator"]],
            "Share": or_words(rows["value"], words, percent),
            "Could be, allowing for chance": np.where(is_known, ranges, words),
        }
    )


def _describe_all(facts: Any, table: pd.DataFrame, span: str) -> list[str]:
    """Everyone's rate; where groups differ by more than chance; where we cannot tell."""
    everyone = table[table["characteristic"] == "everyone"].iloc[0]
    lines = [_describe_everyone(everyone["numerator"], everyone["denominator"], span)]
    by_state: dict[object, list[str]] = {True: [], False: [], None: []}
    for one in facts["characteristics"]:
        by_state[one["differs"]].append(one["name"])
    if by_state[True]:
        lines.append(f"Groups differ by more than we would expect by chance: {_list(by_state[True])}.")
    if by_state[False]:
        lines.append(f"Groups differ by no more than we would expect by chance: {_list(by_state[False])}.")
    if by_state[None]:
        lines.append(f"We cannot tell: {_list(by_state[None])}.")
    return lines


def _describe_everyone(completed: float, ended: float, span: str) -> str:
    if ended == 0:
        return f"Nobody's LI CBT ended from {span}."
    if pd.isna(completed):
        return f"How many whose LI CBT ended from {span} had completed it is {HIDDEN}."
    return f"{upper_first(describe_share(completed, ended))} whose LI CBT ended from {span} had completed it."


def _list(names: Sequence[str]) -> str:
    return "; ".join(lower_first(name) for name in names)


def _explain() -> list[str]:
    return [
        "Groups stand in a fixed order and are not ranked: with groups of this size most differences come and go.",
        "Whether groups differ is judged once for each characteristic, with stricter lines the more we look at (a "
        "permutation test, corrected by Holm's method; 5% for all together).",
        "The widest difference was picked because it is the widest, so its range allows for every pair of groups.",
        "What is not recorded is a group of its own and is never guessed. It takes no part in the test.",
        f"Counts are rounded to the nearest 5, and shares and ranges come from the rounded counts. Counts of 1 to 7 are {HIDDEN}.",
    ]

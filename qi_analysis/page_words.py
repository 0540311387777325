"""How numbers are written on a page: counts, per cents, and words where a number is hidden."""

from collections.abc import Callable

import pandas as pd

from qi_analysis.phrases import HIDDEN


def or_words(values: pd.Series, words: list[str], show: Callable[[float], str]) -> list[str]:
    """Each value as `show` writes it, the words of its row where it is missing."""
    return [word if pd.isna(value) else show(value) for value, word in zip(values, words, strict=True)]


def hidden_or(value: float) -> str:
    """A count, or that it is hidden."""
    return HIDDEN if pd.isna(value) else count(value)


def count(value: float) -> str:
    """1,234."""
    return f"{value:,.0f}"


def percent(value: float) -> str:
    """A share of 0 to 1 as a whole per cent, halves up: 62%."""
    return f"{int(value * 100 + 0.5)}%"


def decimal(value: float) -> str:
    """One decimal: 4.3."""
    return f"{value:.1f}"


def dashed(definition: str) -> str:
    """The id of a definition as it is printed: iii-4."""
    return definition.replace("_", "-")

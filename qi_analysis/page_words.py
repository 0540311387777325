"""How numbers are written on a page: counts, per cents, and words where a number is hidden."""

from collections.abc import Callable

import pandas as pd

from qi_analysis.phrases import HIDDEN


def or_words(values: pd.Series, words: list[str], show: Callable[[float], str]) -> list[str]:
    return [word if pd.isna(value) else show(value) for value, word in zip(values, words, strict=True)]


def hidden_or(value: float) -> str:
    return HIDDEN if pd.isna(value) else count(value)


def count(value: float) -> str:
    return f"{value:,.0f}"


def percent(value: float) -> str:
    return f"{int(value * 100 + 0.5)}%"


def decimal(value: float) -> str:
    return f"{value:.1f}"


def dashed(definition: str) -> str:
    return definition.replace("_", "-")

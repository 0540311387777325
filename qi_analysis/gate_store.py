"""The numbers that a release holds: a number of people on a page must be one of them."""

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from qi_analysis.release import Release

NUMBER = r"\d{1,3}(?:,\d{3})+|\d+"
LARGEST_HIDDEN = 7
SMALLEST_NATIONAL = 10_000
NOT_RELEASED = "a number of people that the release does not hold"


@dataclass(frozen=True)
class Store:
    """The numbers that a release holds, and the rows of its longest table. Without a release nothing is compared."""

    numbers: frozenset[int]
    longest: int


def build_store(release: Release) -> Store:
    """Every whole number of a release: of its tables, its facts and its sentences."""
    numbers: set[int] = set()
    for table in release.tables.values():
        for name in table.select_dtypes("number"):
            column = table[name].dropna()
            numbers |= set(column[column % 1 == 0].astype("int64").tolist())
        if "is_settled" in table:  # a sentence of the page takes the last 12 settled months together
            settled = table[table["is_settled"].astype(bool)]
            for last in (settled.tail(12), settled.dropna(subset=["numerator", "denominator"]).tail(12)):
                numbers |= {int(last[name].sum()) for name in ("numerator", "denominator")}
        for name in table.select_dtypes(["object", "string"]):
            numbers |= {one for text in set(table[name].dropna().astype("str")) for one in list_numbers(text)}
    numbers |= read_national_counts()
    waiting: list[Any] = [release.facts]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, (list, tuple)):
            waiting += one
        elif one is not None:
            numbers |= set(list_numbers(str(one)))
    return Store(frozenset(numbers), max((len(table) for table in release.tables.values()), default=0))


@cache
def read_national_counts() -> frozenset[int]:
    """The counts published for England, those larger than any of one service: they are everybody's to quote."""
    path = Path(__file__).parents[1] / "data" / "reference" / "service_monthly.csv"
    if not path.is_file():
        return frozenset()
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    values = [row["value"] for row in rows if row.get("org_type") == "England" and row.get("statistic") == "count"]
    return frozenset(int(one) for one in values if one.isdecimal() and int(one) >= SMALLEST_NATIONAL)


def list_numbers(text: str) -> list[int]:
    """The whole numbers of a text."""
    return [as_number(one) for one in re.findall(NUMBER, text) if len(one) < 16]


def as_number(text: str) -> int:
    """A whole number as it is written; one too long to be of people is a very large one."""
    return int(text.replace(",", "")) if len(text) < 16 else 10**15

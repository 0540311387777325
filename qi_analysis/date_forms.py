"""Whether the dates of a column can be told apart: 03/04/2022 is two days, and no column is guessed.

The day stands first where the column itself shows it, or columns.toml says it. Else the dates that could be two
days count as missing, and where they are more than a few the extract is refused.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

A_FEW = 0.05  # of a file's filled cells of a column
SHORT_DATE = r"^\s*(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})(?!\d)"
YEARS_APART = 3  # two-digit years of an extract lie so close together; days of a month do not
DAYS_SEEN = 12


@dataclass(frozen=True)
class ShortDates:
    """The dates of one file's column in which day and month are numbers: masks over its rows."""

    is_day_first: np.ndarray  # the first number is over 12
    is_month_first: np.ndarray  # the second is
    is_either: np.ndarray  # neither is, and they differ
    has_year_first: bool  # two-digit years seem to stand first


def find_short_dates(column: pd.Series) -> ShortDates | None:
    """None where the column holds no such date. Works on the distinct texts."""
    as_category = column if isinstance(column.dtype, pd.CategoricalDtype) else column.astype("category")
    texts = pd.Series(as_category.cat.categories.astype("str"), dtype="str")
    part = texts.str.extract(SHORT_DATE)
    rows = as_category.cat.codes.to_numpy()
    used = np.zeros(len(texts) + 1, dtype=bool)
    used[rows] = True
    part = part[used[:-1]].reindex(part.index)
    if part[0].isna().all():
        return None
    first, second = pd.to_numeric(part[0]), pd.to_numeric(part[1])
    short = part[2].str.len() == 2
    years, days = first[short], pd.to_numeric(part.loc[short, 2])
    year_first = bool(len(years)) and years.max() - years.min() <= YEARS_APART and days.nunique() > DAYS_SEEN

    def spread(mask: pd.Series) -> np.ndarray:
        return np.append(mask.to_numpy(dtype=bool), False)[rows]

    day, month = (first > 12) & (second <= 12), (second > 12) & (first <= 12)
    return ShortDates(
        spread(day), spread(month), spread((first <= 12) & (second <= 12) & (first != second)), year_first
    )


def find_fault(dates: ShortDates, form: str, filled: int) -> tuple[str, np.ndarray] | None:
    """(why the column cannot be read, the rows that show it) or None. form: ISO where none was declared."""
    n_day, n_month, n_either = (int(mask.sum()) for mask in (dates.is_day_first, dates.is_month_first, dates.is_either))
    if form == "d/m/Y" and n_month > n_day:
        return "its dates seem to be month first, and columns.toml says d/m/Y", dates.is_month_first
    if form == "m/d/Y" and n_day > n_month:
        return "its dates seem to be day first, and columns.toml says m/d/Y", dates.is_day_first
    if form != "ISO":
        return None
    if dates.has_year_first:
        return "its two-digit years seem to stand first", dates.is_day_first | dates.is_month_first | dates.is_either
    if is_unclear(dates) and n_either + n_month > A_FEW * filled and n_either:
        return "its dates could be day first or month first", dates.is_either
    return None


def is_unclear(dates: ShortDates) -> bool:
    """Whether the column does not show that its days stand first."""
    n_day, n_month = int(dates.is_day_first.sum()), int(dates.is_month_first.sum())
    return n_day == 0 or n_month > A_FEW * (n_day + n_month)

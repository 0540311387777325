"""The counts of the monthly results as a reader sees them, and which of them add up to which (definitions/sums.csv).

The name of a count says what is counted, by which date and in which month, so that the same people counted for two
measures are one count: "episodes.li_end.li_ended@2022-08".

When a month of a whole-service total is hidden, the total of 12 months less the 11 that are shown would give it away, the
more so with every review that follows. So the totals are gone through in the order in which they were published, from the
same results, and one that would tell too much is hidden.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from qi_analysis.dataset import read_rows
from qi_analysis.disclosure.counts import (
    EXACT,
    INNER,
    MOST,
    NOT_SHOWN,
    SHARE_STATISTICS,
    TOTAL,
    CountBook,
    Sums,
    is_small,
    round_count,
)
from qi_analysis.disclosure.protection import count_exposed
from qi_analysis.measures.flags import OPEN_BANDS
from qi_analysis.measures.results import MeasureDefinition
from qi_analysis.periods import Period
from qi_analysis.storage import DEFINITIONS

SUMS = DEFINITIONS / "sums.csv"
COUNTED = ("count", *SHARE_STATISTICS)  # statistics whose numerator is a number of people or appointments
ANY, AT_LEAST = "*", ">="
YEAR = 12  # months of what is shown for a year
ENDED_LI, COMPLETED_LI = "episodes.li_end.li_ended", "episodes.li_end.li_completed"
LEFT_LI = "episodes.li_end.li_left"
TREATED, FINISHED = "referrals.ended_on.treated", "referrals.ended_on.finished"
TREATED_FIRST, WAITING = "referrals.first_treatment_on.all", "referrals.as_at.waiting_for_treatment"
FLOWS = (  # who comes, who is open at a month's end, who leaves
    ("referrals.received_on.all", (WAITING,), (TREATED_FIRST, "referrals.ended_on.not_treated")),
    (TREATED_FIRST, tuple(f"referrals.as_at.{band}" for band in OPEN_BANDS), (TREATED,)),
)
FAMILIES = ((ENDED_LI, COMPLETED_LI), (TREATED, FINISHED))  # whole and part, both shown exactly by month


@dataclass(frozen=True)
class CountNames:
    """For each row of results the names of its numerator and denominator, "" where there is no such count."""

    top: np.ndarray
    bottom: np.ndarray


def build_count_names(results: pd.DataFrame, definitions: Sequence[MeasureDefinition]) -> CountNames:
    """The names, for results of these definitions.

    A numerator is counted among its denominator. Where one word gives different counts among different denominators,
    the name says among whom.
    """
    tops = _name_tops(results, [one for one in definitions if one.statistic in COUNTED])
    bottoms = {_key(one): _name(one, one.denominator) for one in definitions if one.denominator}
    keys = (results["measure_id"].astype("object") + " " + results["clock"].astype("object")).tolist()
    month = ("@" + results["interval_start"].dt.strftime("%Y-%m")).tolist()
    named = (
        np.array([names[key] + at if key in names else "" for key, at in zip(keys, month, strict=True)], dtype="object")
        for names in (tops, bottoms)
    )
    return CountNames(*named)


def _name_tops(results: pd.DataFrame, definitions: Sequence[MeasureDefinition]) -> dict[str, str]:
    counts = {
        f"{id_} {clock}": tuple(one) for (id_, clock), one in results.groupby(["measure_id", "clock"])["numerator"]
    }
    different: dict[str, set[tuple[float, ...]]] = {}
    for one in definitions:
        different.setdefault(_name_top(one), set()).add(counts.get(_key(one), ()))
    among = {_key(one): f" among {one.denominator}" if one.denominator else "" for one in definitions}
    return {
        _key(one): _name_top(one) + (among[_key(one)] if len(different[_name_top(one)]) > 1 else "")
        for one in definitions
    }


def _key(one: MeasureDefinition) -> str:
    return f"{one.measure_id} {one.clock}"


def _name(one: MeasureDefinition, counted: str) -> str:
    return f"{one.table}.{one.month_by}.{counted}"


def _name_top(one: MeasureDefinition) -> str:
    codes = f":{'+'.join(one.codes)}" if one.codes else ""
    return _name(one, f"{one.numerator}{codes}")


def note_results(
    book: CountBook, results: pd.DataFrame, released: pd.DataFrame, names: CountNames, exact: pd.Series
) -> None:
    """Note in the book every numerator, denominator and complement of the results. exact: the rows that are shown exactly."""
    is_exact = exact.to_numpy(dtype=bool)
    wholes = _list_wholes()
    for named, column in ((names.top, "numerator"), (names.bottom, "denominator")):
        for chosen in (is_exact, ~is_exact):
            kept = chosen & (named != "") & results[column].notna().to_numpy()
            is_whole = pd.Series(named[kept], dtype="object").str.split("@").str[0].isin(wholes)
            order = EXACT if chosen is is_exact else np.where(is_whole, TOTAL, INNER)
            book.note(named[kept], results.loc[kept, column], released.loc[kept, column], order, chosen is is_exact)
    both = (names.top != "") & (names.bottom != "")
    rest = (results["denominator"] - results["numerator"])[both]
    rests = names.bottom[both] + " less " + names.top[both]
    book.note(rests, rest, rest * np.nan, NOT_SHOWN)
    book.add_sums(names.bottom[both], [names.top[both], rests])


def hide_results(released: pd.DataFrame, names: CountNames, hidden: frozenset[str]) -> pd.DataFrame:
    """Released results without the counts of these names, and without the values worked out from them."""
    top, bottom = (np.isin(one, list(hidden)) for one in (names.top, names.bottom))
    columns = {"numerator": top | bottom, "denominator": bottom, "value": top | bottom}
    masked = {name: released[name].mask(is_hidden) for name, is_hidden in columns.items()}
    return released.assign(**masked, is_hidden=released["is_hidden"] | top | bottom)


@cache
def _list_wholes() -> frozenset[str]:
    """Names without their month of what is the sum of something."""
    rows = read_rows(SUMS)
    return frozenset(
        f"{row['table']}.{by}.{one}" for row in rows for by in _months_by(row) for one in row["wholes"].split()
    )


def _months_by(row: dict[str, str]) -> tuple[str, ...]:
    known = {"episodes": ("li_end", "li_start"), "bookings": ("contact_on",), "open_episodes": ("as_at",)}
    return known[row["table"]] if row["month_by"] == ANY else (row["month_by"],)


def add_result_sums(book: CountBook, names: CountNames, choice: str) -> None:
    """Add to the book the sums of definitions/sums.csv for every month of the results. choice: the team's definition of completed."""
    known = {name for name in {*names.top, *names.bottom} if name}
    bases = sorted({name.split("@")[0] for name in known})
    months = sorted({name.split("@")[1] for name in known})
    for row in read_rows(SUMS):
        for by in _months_by(row):
            start = f"{row['table']}.{by}."
            wholes, parts = (
                [_in_months(one, months) for one in _list_parts(row[side].format(choice=choice).split(), start, bases)]
                for side in ("wholes", "parts")
            )
            book.add(Sums(wholes, parts, is_least=row["sign"] == AT_LEAST))


def add_clock_sums(book: CountBook, names: CountNames) -> None:
    """Add to the book that over all months as many people are counted by the month LI ended as by the month it began.

    The number itself stands in no table.
    """
    true = book.build().set_index("name")["true"]
    words: dict[str, dict[str, list[str]]] = {}
    for name in dict.fromkeys([*names.top, *names.bottom]):
        if name.startswith("episodes."):
            _, clock, word = name.split("@")[0].split(".", 2)
            words.setdefault(word, {}).setdefault(clock, []).append(name)
    for word, clocks in words.items():
        if len(clocks) == 2:
            total = pd.Series([true.reindex(clocks["li_start"]).sum()])
            book.note([f"every {word}"], total, total * np.nan, NOT_SHOWN)
            for months in clocks.values():
                book.add_sums([f"every {word}"], [[one] for one in months], is_wide=True)


def add_open_flows(book: CountBook, names: CountNames) -> None:
    """Add to the book that who is open at a month's end was open a month before or came since, unless they left since.

    Nobody was open before the first month, if the true counts bear that out.
    """
    months = sorted({name.split("@")[1] for name in names.top if name.startswith(WAITING)})
    for came, still, left in FLOWS:
        for at, before in ((months[1:], months[:-1]), (months[:1], [])):
            wholes = [_in_months(came, at), *(_in_months(one, before) for one in still if before)]
            book.add(Sums(wholes, [_in_months(one, at) for one in (*left, *still)], is_wide=True))


def name_completed(definition: str, choice: str) -> str:
    """The name of those who completed by a definition; by the team's choice it is the one the others build on."""
    return COMPLETED_LI if definition == choice else f"{COMPLETED_LI}_{definition}"


def name_year(base: str, period: Period) -> str:
    """The name of a count over the 12 months to a period."""
    return f"{base}@{YEAR} to {period.id}"


def add_year_sums(book: CountBook, names: CountNames, period: Period) -> None:
    """Add to the book for everything counted by month that a count of 12 months is the sum of its months."""
    bases = sorted({name.split("@")[0] for name in {*names.top, *names.bottom} if name})
    months = [period.plus(back).id for back in range(1 - YEAR, 1)]
    book.add_sums(
        [name_year(base, period) for base in bases], [[f"{base}@{month}" for base in bases] for month in months], True
    )


def _list_parts(parts: Iterable[str], start: str, bases: Sequence[str]) -> Iterable[str]:
    """The parts by name; "source:*" stands for every code of it that is counted."""
    for part in parts:
        wanted = start + part
        yield from [base for base in bases if base.startswith(wanted[:-1])] if part.endswith(ANY) else [wanted]


def _in_months(base: str, months: Sequence[str]) -> list[str | None]:
    return [f"{base}@{month}" for month in months]


# Totals of 12 months, review after review.
def find_hidden_years(counts: pd.DataFrame, period: Period) -> frozenset[str]:
    """The names of this period's totals of 12 months that must be hidden. counts: those of a release (CountBook.build)."""
    known = counts.set_index("name")
    hidden: set[str] = set()
    for whole, part in FAMILIES:
        months = _take_months(known, (whole, part), period)
        if (months["high"] >= MOST).any() and not _goes_through(months, (whole, part), period):
            hidden |= {name_year(whole, period), name_year(part, period)}
    return frozenset(hidden)


def _take_months(known: pd.DataFrame, family: tuple[str, str], period: Period) -> pd.DataFrame:
    """The months that this total and the 11 before it rest on."""
    every = [period.plus(back).id for back in range(1 - 2 * YEAR + 1, 1)]
    return known.reindex([f"{base}@{month}" for base in family for month in every]).dropna(subset=["true"])


def _goes_through(months: pd.DataFrame, family: tuple[str, str], period: Period) -> bool:
    """Whether the latest total may be shown, when those before it were shown wherever that told nothing."""
    book = CountBook()
    book.note_built(months.assign(order=EXACT).reset_index())
    whole, part = ({month.split("@")[1]: month for month in months.index if month.startswith(one)} for one in family)
    rests = pd.Series({at: months["true"][whole[at]] - months["true"][part[at]] for at in whole if at in part})
    book.note(family[0] + " less@" + rests.index, rests, rests.astype("float64") * float("nan"), NOT_SHOWN)
    book.add_sums(
        [whole[at] for at in rests.index], [[part[at] for at in rests.index], family[0] + " less@" + rests.index]
    )
    shown = True
    for back in range(1 - YEAR, 1):
        trial = book.copy()
        _show_total(trial, months, family, period.plus(back))
        shown = count_exposed(trial) == 0
        book = trial if shown else book
    return shown


def _show_total(book: CountBook, months: pd.DataFrame, family: tuple[str, str], period: Period) -> None:
    every = [period.plus(back).id for back in range(1 - YEAR, 1)]
    totals = pd.Series([months["true"].reindex([f"{one}@{month}" for month in every]).sum() for one in family])
    is_hidden = is_small(pd.Series([*totals, totals[0] - totals[1]])).any()
    names = [name_year(one, period) for one in family]
    book.note(names, totals, round_count(totals) * (float("nan") if is_hidden else 1.0), TOTAL)
    book.add_sums(names, [[f"{one}@{month}" for one in family] for month in every])

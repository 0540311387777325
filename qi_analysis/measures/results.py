"""Definitions of measures, and pathways counted by month into one tidy table of results.

A definition (a line of definitions/measures.csv or a block of the team's own) says what is counted, over what, and by which
date; flags.py says what its words mean. Shape of the results: measure_id, clock, interval_start, interval_end, numerator,
denominator, value.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from qi_analysis.dataset import INVALID, read_rows
from qi_analysis.extract.contacts import months_of
from qi_analysis.measures.flags import (
    FLAGS,
    build_bookings,
    build_episode_flags,
    calculate_open,
    calculate_open_episodes,
)
from qi_analysis.measures.pathways import Pathways
from qi_analysis.periods import Period, build_periods
from qi_analysis.record.measure_blocks import CLOCKS, MEASURES, build_names, find_statistic
from qi_analysis.record.settings import Completion, Measure
from qi_analysis.storage import REFERENCE

DATE_CLOCKS = {"li_end": "end", "li_start": "start", "li_first_session_on": "start"}  # every other date: national
TABLE_CLOCKS = {"bookings": "contact", "open_episodes": "month_end"}
RESULT_COLUMNS = ["measure_id", "clock", "interval_start", "interval_end", "numerator", "denominator", "value"]
EARLIEST = Period(2008, 1)
OLD_MEDIUMS = ("03", "06", "08")  # codes of version 2.0 that mean something else now


@dataclass(frozen=True)
class MeasureDefinition:
    """One measure by one month; name and words of national measures come from data/reference."""

    measure_id: str
    statistic: str  # count | share | percent | mean | median | ratio | sum
    table: str  # referrals | episodes | contacts | therapies | logs | bookings | open_episodes
    month_by: str
    numerator: str
    codes: tuple[str, ...]
    denominator: str
    name: str
    says: str

    @property
    def clock(self) -> str:
        """Which clock its months go by."""
        return TABLE_CLOCKS.get(self.table) or DATE_CLOCKS.get(self.month_by, "national")


@cache
def read_definitions() -> tuple[MeasureDefinition, ...]:
    """Every measure that is always worked out, in the order of the file."""
    national = {row["measure_id"]: row for row in read_rows(REFERENCE / "national_measures.csv")}
    definitions = []
    for row in read_rows(MEASURES):
        known = national.get(row["measure_id"], {})
        words = {"name": row["name"] or known["description"], "says": row["says"] or known["construction"]}
        rest = {
            name: row[name] for name in ("measure_id", "statistic", "table", "month_by", "numerator", "denominator")
        }
        definitions.append(MeasureDefinition(**rest, **words, codes=tuple(row["codes"].split())))
    return tuple(definitions)


def build_definitions(measures: Sequence[Measure], completion_ids: Iterable[str]) -> tuple[MeasureDefinition, ...]:
    """Every measure that is always worked out, then the blocks that are not among them.

    completion_ids: the ids of the definitions of "completed". Raises KeyError for a name that is not known: the
    record checks names when it is read.
    """
    standing, names = read_definitions(), build_names(completion_ids)
    known = {(one.measure_id, one.clock) for one in standing}
    blocks = [one for one in measures if (one.id, one.month_by) not in known]
    return (
        *standing,
        *(_build_definition(one, find_statistic(one, names), names[one.numerator].table) for one in blocks),
    )


def _build_definition(measure: Measure, statistic: str, table: str) -> MeasureDefinition:
    return MeasureDefinition(
        measure_id=measure.id, statistic=statistic, table=table, month_by=CLOCKS[table][measure.month_by],
        numerator=measure.numerator, codes=(), denominator=measure.denominator, name=measure.name, says=measure.plain,
    )  # fmt: skip


# The counts by month.
class _Counter:
    """Counts one table by month: `columns(name)` gives a flag or number column, `months` the calendar months."""

    def __init__(self, frame: pd.DataFrame, first: int, n_months: int, columns: Callable[[str], np.ndarray]) -> None:
        self.frame, self.first, self.n_months, self.columns = frame, first, n_months, columns
        self._months: dict[str, np.ndarray] = {}

    def months(self, month_by: str) -> np.ndarray:
        """The interval number of each row, n_months where it has none."""
        if month_by not in self._months:
            month = months_of(self.frame[month_by]) - self.first
            self._months[month_by] = np.where((month >= 0) & (month < self.n_months), month, self.n_months)
        return self._months[month_by]

    def total(self, month_by: str, values: np.ndarray) -> np.ndarray:
        """Sum of a flag or number column by month (missing numbers count nothing)."""
        weights = None if values.dtype == bool else np.nan_to_num(values.astype("float64"))
        months = self.months(month_by)
        if weights is None:
            return np.bincount(months[values], minlength=self.n_months + 1)[: self.n_months].astype("float64")
        return np.bincount(months, weights=weights, minlength=self.n_months + 1)[: self.n_months]

    def median(self, month_by: str, values: np.ndarray, among: np.ndarray) -> np.ndarray:
        months = self.months(month_by)
        found = pd.Series(values[among]).groupby(months[among]).median()
        return np.asarray(found.reindex(range(self.n_months)).to_numpy())


def build_results(
    pathways: Pathways, completion: Completion, period: Period, measures: Sequence[Measure] = ()
) -> pd.DataFrame:
    """Every measure for every month from the first received one to the period, zero counts included.

    The constructions are those of data/reference/national_measures.csv and definitions/measures.csv.

    Parameters
    ----------
    pathways : Pathways
        Of `build_pathways`, as at the end of the period.
    completion : Completion
        `record.completion`.
    period : Period
        The last month to count.
    measures : sequence of Measure, optional
        The team's own blocks, `record.measures`; those that are not worked out anyway come last, in their order.

    Returns
    -------
    pandas.DataFrame
        measure_id, clock, interval_start, interval_end, numerator, denominator, value. Counts: value = numerator, no
        denominator. Shares (0 to 1, percents 0 to 100) and means: value = numerator / denominator, empty on a
        denominator of zero. Medians: denominator = how many, no numerator.

    Examples
    --------
    >>> import qi_analysis as qi
    >>> project = qi.open_project()
    >>> results = qi.build_results(project.pathways, project.record.completion, project.period)
    >>> results.columns.tolist()
    ['measure_id', 'clock', 'interval_start', 'interval_end', 'numerator', 'denominator', 'value']
    """
    definitions = build_definitions(measures, completion.definitions)
    known = pathways.referrals[pathways.referrals["is_known"].to_numpy()]
    first = _first_period(known["received_on"], period)
    periods = build_periods(first, period)
    start = first.year * 12 + first.month - 1
    counters = _build_counters(pathways, known, completion, start, len(periods))
    at_month_ends = calculate_open(pathways, start, len(periods))
    tables = {one.table for one in definitions}
    if "open_episodes" in tables:
        at_month_ends |= calculate_open_episodes(pathways, start, len(periods))
    if "bookings" in tables:
        bookings = build_bookings(pathways)
        counters["bookings"] = _Counter(bookings, start, len(periods), _flags_of(bookings))
    numbers = [
        _at_month_ends(one, at_month_ends) if one.month_by == "as_at" else _calculate(one, counters[one.table])
        for one in definitions
    ]
    return _assemble(definitions, numbers, periods)


def _assemble(
    definitions: Sequence[MeasureDefinition], numbers: list[dict[str, np.ndarray]], periods: list[Period]
) -> pd.DataFrame:
    """One row per measure and month, in the order of the definitions."""
    n = len(periods)
    days = {"interval_start": [p.start for p in periods], "interval_end": [p.end for p in periods]}
    columns: dict[str, np.ndarray] = {
        "measure_id": np.repeat([one.measure_id for one in definitions], n),
        "clock": np.repeat([one.clock for one in definitions], n),
    }
    columns |= {
        name: np.tile(np.array(values, dtype="datetime64[s]"), len(definitions)) for name, values in days.items()
    }
    columns |= {name: np.concatenate([one[name] for one in numbers]) for name in ("numerator", "denominator", "value")}
    return pd.DataFrame(columns)[RESULT_COLUMNS]


def _first_period(received: pd.Series, period: Period) -> Period:
    usual = received[received >= pd.Timestamp(EARLIEST.start)]
    if usual.empty:
        return period
    return min(Period(usual.min().year, usual.min().month), period)


def _build_counters(
    pathways: Pathways, known: pd.DataFrame, completion: Completion, first: int, n_months: int
) -> dict[str, _Counter]:
    episodes = known[known["is_li"].to_numpy()]
    as_at = pd.Timestamp(pathways.as_at)
    episode_flags = build_episode_flags(episodes, completion, as_at)
    contacts = pathways.contacts.assign(medium_seen=_medium_as_counted(pathways.contacts))
    return {
        "referrals": _Counter(known, first, n_months, _flags_of(known)),
        "episodes": _Counter(episodes, first, n_months, lambda name: episode_flags[name]),
        "contacts": _Counter(contacts, first, n_months, _flags_of(contacts)),
        "therapies": _Counter(pathways.therapies, first, n_months, _flags_of(pathways.therapies)),
        "logs": _Counter(pathways.logs, first, n_months, _flags_of(pathways.logs)),
    }


def _flags_of(frame: pd.DataFrame) -> Callable[[str], np.ndarray]:
    return cache(lambda name: FLAGS[name](frame) if name in FLAGS else frame[name].to_numpy())


def _medium_as_counted(contacts: pd.DataFrame) -> pd.Series:
    """The mechanism of seen contacts, read with its own version's list; "unknown" where missing or not in it."""
    names = ["unknown"]
    number, is_missing = np.zeros(len(contacts), dtype="int64"), np.ones(len(contacts), dtype=bool)
    for column, renamed in (("medium", ()), ("medium_v20", OLD_MEDIUMS)):
        if column in contacts:
            codes = contacts[column].cat
            known = [
                f"v2.0:{code}" if code in renamed else "unknown" if code == INVALID else code
                for code in codes.categories
            ]
            names = list(dict.fromkeys([*names, *known]))
            ours = np.array([names.index(name) for name in known] + [0])
            number = np.where(is_missing, ours[codes.codes], number)
            is_missing = is_missing & (codes.codes.to_numpy() < 0)
    number[~contacts["is_seen"].to_numpy()] = -1
    return pd.Series(pd.Categorical.from_codes(number, categories=names), contacts.index)


def _numerator(definition: MeasureDefinition, counter: _Counter) -> np.ndarray:
    if not definition.codes:
        return counter.columns(definition.numerator)
    frame = counter.frame
    if definition.table == "therapies":
        chosen = frame["measure"].isin(definition.codes).to_numpy()
        return np.asarray(
            chosen & (counter.columns("therapy_appointment") if definition.numerator == "therapy_appointment" else True)
        )
    if definition.numerator not in frame:
        return np.zeros(len(frame), dtype=bool)
    return np.asarray(frame[definition.numerator].isin(definition.codes).to_numpy())


def _calculate(definition: MeasureDefinition, counter: _Counter) -> dict[str, np.ndarray]:
    """numerator, denominator and value by month for one measure."""
    by = definition.month_by
    values = _numerator(definition, counter)
    if definition.statistic == "count":
        return _as_counts(counter.total(by, values))
    among = counter.columns(definition.denominator)
    bottom = counter.total(by, among)
    if definition.statistic == "ratio":
        return _divide(counter.total(by, values), bottom)
    if definition.statistic == "median":
        value = counter.median(by, values, among)
        return {"numerator": np.full(len(value), np.nan), "denominator": bottom, "value": value}
    top = counter.total(by, np.where(among, values, 0) if values.dtype != bool else values & among)
    if definition.statistic == "sum":
        return _as_counts(top)
    return _divide(top, bottom, 100 if definition.statistic == "percent" else 1)


def _at_month_ends(definition: MeasureDefinition, numbers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Numbers as they stood at the end of each month: a count, or a share of another such number."""
    top = numbers[definition.numerator]
    return _divide(top, numbers[definition.denominator]) if definition.denominator else _as_counts(top)


def _as_counts(count: np.ndarray) -> dict[str, np.ndarray]:
    return {"numerator": count, "denominator": np.full(len(count), np.nan), "value": count}


def _divide(top: np.ndarray, bottom: np.ndarray, times: int = 1) -> dict[str, np.ndarray]:
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(bottom > 0, times * top / bottom, np.nan)
    return {"numerator": top, "denominator": bottom, "value": value}

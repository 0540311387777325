"""Checks that stop a review: a month that is missing, or far smaller than the one before, is never drawn as a fall."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from qi_analysis.clean import Tables
from qi_analysis.contacts import months_of
from qi_analysis.errors import DataProblem
from qi_analysis.periods import Period, build_periods, describe_day

ENOUGH_TO_JUDGE = 30  # rows in the median month; in smaller data an empty month can be chance
FAR_SMALLER = 0.25  # of the month before, or of the mean of the months before and after
QUIET_DAYS, NEARLY_ALL = 10, 0.95  # days at a month's end with under 5% of its records: longer than any holiday
EARLIEST = Period(2008, 1)


def find_periods(tables: Tables) -> list[Period]:
    """The whole months the extract speaks for, oldest first: from the first received referral to the extract date."""
    received = tables.referrals["received_on"]
    usual = received[(received >= pd.Timestamp(EARLIEST.start)) & (received <= pd.Timestamp(tables.extract_date))]
    if usual.empty:
        return []
    first = Period(usual.min().year, usual.min().month)
    last = Period(tables.extract_date.year, tables.extract_date.month)
    return [period for period in build_periods(first, last) if period.end <= tables.extract_date]


def check_period(tables: Tables, period: Period, gaps: Mapping[str, str]) -> None:
    """Raises DataProblem when the period cannot be reviewed from this extract, saying what to do."""
    periods = find_periods(tables)
    if not periods:
        raise DataProblem("The extract holds no referral with a usable received date. Is it the right export?")
    if period not in periods:
        raise DataProblem(
            f"There is no whole month of data for {period.words}: the extract speaks for {periods[0].id} to "
            f"{periods[-1].id} (taken on {describe_day(tables.extract_date)}). Choose one of those, or export again."
        )
    days = {"contacts": tables.contacts["contact_on"], "referrals received": tables.referrals["received_on"]}
    for name, column in days.items():
        _check_months(name, column, periods, period, gaps)


def _check_months(name: str, days: pd.Series, periods: list[Period], period: Period, gaps: Mapping[str, str]) -> None:
    first = periods[0].year * 12 + periods[0].month - 1
    month = months_of(days) - first
    inside = (month >= 0) & (month < len(periods))
    counts = np.bincount(month[inside], minlength=len(periods))
    if np.median(counts) < ENOUGH_TO_JUDGE:
        return
    late = days[inside].dt.day.groupby(month[inside]).quantile(NEARLY_ALL).reindex(range(len(periods)), fill_value=0)
    judged = [n for n, one in enumerate(periods) if one.id not in gaps]
    for place, number in enumerate(judged):
        month_of, count = periods[number], counts[number]
        if month_of > period:
            return
        around = [counts[n] for n in judged[max(0, place - 1) : place + 2] if n != number]
        usual = max(around[0], sum(around) / len(around)) if place else 0
        if count < FAR_SMALLER * usual:
            _stop(month_of, f"no {name}" if count == 0 else f"far fewer {name} than the months around it")
        if count >= ENOUGH_TO_JUDGE and month_of.end.day - late[number] > QUIET_DAYS:
            _stop(month_of, f"next to no {name} after day {late[number]:.0f}")


def _stop(month: Period, what: str) -> None:
    raise DataProblem(
        f"{month.words} has {what}: is a file missing or cut short? Export it again, or, if the "
        f"month is known to be lost, add it to project.toml as [[accepted_gaps]] with month = "
        f'"{month.id}" and a reason.'
    )


def data_date(tables: Tables, period: Period) -> date:
    """The last day a review of the period knows of."""
    return min(tables.extract_date, period.end)

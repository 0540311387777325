"""How soon a chart would show a rise, and how often it shows one that is not there: both by simulation.

The time to a signal is simulated here, each time from the same seed. The rates of false alarms are simulated once by
benchmarks/false_alarms.py and kept in definitions/false_alarms.csv.
"""

import math
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from qi_analysis.codes import read_rows
from qi_analysis.errors import RecordProblem
from qi_analysis.phrases import calculate_nearest
from qi_analysis.signals import build_settled
from qi_analysis.wording import describe_time_to_signal

FALSE_ALARMS = Path(__file__).parent / "definitions" / "false_alarms.csv"
SEED = 20210501
SERIES = 4000  # the middle of so many series is known to within a month
BLOCK, LONGEST = 6, 60  # months simulated at a time, and at most
SHIFT = 7  # months in a row above the centre line
RISE, BASELINE_MONTHS, YEAR = 0.10, 12, 12

Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]


@cache
def calculate_months_to_signal(
    people_a_month: int, baseline: float, rise: float = RISE, baseline_months: int = BASELINE_MONTHS
) -> float:
    """The median number of months after a lasting rise until a P chart shows it, by simulation; the same each time.

    `baseline` and `rise` are shares of 0 to 1; every month has the same number of people. Each series has its own
    simulated baseline months and then months at baseline + rise. Only upward signals of those later months count:
    a month beyond 3 sigma, a run of 7 above the centre line, two of three beyond 2 sigma with the third above the
    centre. Sigma holds the uncertainty of the month and that of the baseline. Infinite when more than half of the
    series show nothing within 60 months. Raises ValueError for no people, no baseline months, or shares that
    leave 0 to 1 (there is no room for the rise).
    """
    if people_a_month < 1 or baseline_months < 1 or not 0 < baseline < baseline + rise <= 1 + 1e-9:
        raise ValueError("There must be people, months, and room for the rise between 0 and 1.")
    rng = np.random.default_rng(SEED)
    total = baseline_months * people_a_month
    centre = rng.binomial(total, baseline, (SERIES, 1)) / total
    sigma = np.sqrt(centre * (1 - centre) * (1 / people_a_month + 1 / total))
    distance, share = np.zeros((SERIES, 0)), min(baseline + rise, 1.0)
    while distance.shape[1] < LONGEST:
        months = rng.binomial(people_a_month, share, (SERIES, BLOCK)) / people_a_month
        distance = np.hstack([distance, _measure(months - centre, sigma)])
        shown = _mark_upward(distance).cumsum(axis=1) > 0
        if 2 * shown[:, -1].sum() > SERIES:
            return float(np.argmax(2 * shown.sum(axis=0) > SERIES) + 1)
    return math.inf


def _measure(difference: Floats, sigma: Floats) -> Floats:
    """Differences in sigma; where a baseline holds all or none, sigma is 0 and any difference is beyond it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(difference / sigma, nan=0.0, posinf=99.0, neginf=-99.0)


def _mark_upward(distance: Floats) -> Bools:
    """(series, months): an upward signal ends at this month, given distances from the centre in sigma."""
    above, near = distance > 1e-9, distance > 2
    marks = distance > 3
    marks[:, 2:] |= (_count_ending(near, 3) >= 2) & (_count_ending(above, 3) == 3)
    marks[:, SHIFT - 1 :] |= _count_ending(above, SHIFT) == SHIFT
    return marks


def _count_ending(hits: Bools, months: int) -> npt.NDArray[np.integer]:
    """How many of so many months are hits, for each stretch that lies within the series, by its last month."""
    running = np.pad(hits.cumsum(axis=1), ((0, 0), (1, 0)))
    return running[:, months:] - running[:, :-months]


def describe_months_to_signal(chart_table: pd.DataFrame) -> str:
    """How long a rise of 10 points would take to show, with the numbers of a released chart table of a P chart.

    People a month: the median denominator of the last 12 settled drawn months; baseline: their latest centre line.
    "" when no month has figures, or when the level leaves no room for a rise of 10 points.
    """
    recent = build_settled(chart_table).dropna(subset=["denominator", "centre"]).tail(YEAR)
    if recent.empty:
        return ""
    people = calculate_nearest(float(recent["denominator"].median()))
    baseline = round(float(recent["centre"].iloc[-1]), 4)
    if not 0 < baseline <= 1 - RISE or people < 1:
        return ""
    months = calculate_months_to_signal(people, baseline)
    if math.isinf(months):
        years = LONGEST // YEAR
        return f"With about {people} people a month, a rise of 10 points could take more than {years} years to show."
    return describe_time_to_signal(people, months)


def read_false_alarm_rate(rules: str, people_a_month: float) -> float:
    """The share of charts on which nothing changed that show a signal within a year, for the nearest simulated size.

    From definitions/false_alarms.csv: a P chart at a steady 55%, limits from its first 12 months, read every month for
    the next 12. Raises RecordProblem for a rule set that was not simulated.
    """
    rows = [row for row in read_rows(FALSE_ALARMS) if row["rules"] == rules and row["months"] == str(YEAR)]
    if not rows:
        raise RecordProblem(f"There is no rate of false alarms for the rules {rules!r} in false_alarms.csv.")
    nearest = min(rows, key=lambda row: abs(math.log(float(row["n"]) / max(people_a_month, 1))))
    return float(nearest["rate_per_year"])


def describe_false_alarms(rules: str, people_a_month: float) -> str:
    """The rate of false alarms of a chart as a sentence for the method page."""
    rate = calculate_nearest(100 * read_false_alarm_rate(rules, people_a_month))
    return (
        f"Where nothing has changed, about {rate} of every 100 charts like this one still show a signal at some time in "
        "the first year after the baseline."
    )

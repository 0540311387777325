"""Are verdicts right? Series with a known truth, read month by month as a team would read them.

    python benchmarks/verdicts.py

takes about two minutes. Every verdict is taken twice: with every signal of the chart, and with those that
`confirmation.build_confirmed` lets count, as the product's verdict does. The first 12 months are the baseline. The
chart table and the verdict are made anew after every later month; a signal counts while its last point is in the
latest 6 months. Where nothing changed, a series is false if any of its 12
readings says BETTER or WORSE. Where completion rose by 10 points after the baseline, the reading counts that first says
BETTER. The target, at 45 people a month: at most 10% false, a rise found in a median of at most 8 months.
"""

import argparse
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
from series import BASELINE, build_counts, read_monthly

from qi_analysis.answers.chart_advice import calculate_months_to_signal
from qi_analysis.charts.verdict import WINDOW_MONTHS, build_confirmed, build_verdict
from qi_analysis.phrases import LI_COMPLETION_WORDS

RULES = ("making_data_count", "ihi", "anhoej")
PEOPLE = (25, 45, 80)
YEAR, LONGEST = 12, 24
CHECKED = 20  # series whose every reading is also put through build_verdict one by one
Narrow = Callable[[pd.DataFrame], pd.DataFrame]


def keep_all(table: pd.DataFrame) -> pd.DataFrame:
    """Every signal of the chart counts."""
    return table


WAYS: dict[str, Narrow] = {"every signal of the chart": keep_all, "confirmed signals": build_confirmed}


def build_states(people: int, rise: float, rules: str, months: int, series: int) -> dict[str, npt.NDArray]:
    """For each way to narrow signals the states of (series, months) readings."""
    counts = build_counts(people, rise, months, series)
    found: dict[str, list] = {way: [] for way in WAYS}
    for table in read_monthly(counts, people, rules, BASELINE + 1):
        for way, narrow in WAYS.items():
            narrowed = narrow(table)
            states = judge_all(narrowed, series)
            if narrow is build_confirmed:  # what build_verdict itself does
                check_same(narrowed, states, series)
            found[way].append(states)
    return {way: np.array(states).T for way, states in found.items()}


def judge_all(table: pd.DataFrame, series: int) -> npt.NDArray:
    """The state of every series at once, by the rule of build_verdict."""
    window = table["signal"].to_numpy().reshape(series, -1)[:, -WINDOW_MONTHS:]
    good, bad, neutral = ((window == side).any(axis=1) for side in ("good", "bad", "neutral"))
    return np.select([good & bad, good, bad, neutral], ["MIXED", "BETTER", "WORSE", "CHANGED"], "STEADY")


def check_same(table: pd.DataFrame, states: npt.NDArray, series: int) -> None:
    """Raises AssertionError unless build_verdict says the same of the first series, one by one."""
    for number in range(min(CHECKED, series)):
        one = table[(table["measure_id"] == number).to_numpy()].reset_index(drop=True)
        said = build_verdict(one, LI_COMPLETION_WORDS).state
        if said != states[number]:
            raise AssertionError(f"series {number}: {said}, not {states[number]}")


def calculate_false_share(states: npt.NDArray) -> float:
    """The share of series with any reading that says BETTER or WORSE."""
    return float(np.isin(states, ["BETTER", "WORSE"]).any(axis=1).mean())


def calculate_median_months(states: npt.NDArray) -> float:
    """The median month of the first reading that says BETTER; infinite when most never do."""
    hit = states == "BETTER"
    return float(np.median(np.where(hit.any(axis=1), hit.argmax(axis=1) + 1.0, np.inf)))


def main() -> None:
    """Print one row for each rule set, way and number of people."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=4000)
    series = parser.parse_args().series
    print(
        "| Rules | Signals that count | People | False in 12 months | False readings | Median months to find a rise |"
    )
    print("|---|---|---|---|---|---|")
    for rules in RULES:
        for people in PEOPLE:
            steady = build_states(people, 0.0, rules, YEAR, series)
            risen = build_states(people, 0.10, rules, LONGEST, series)
            for way in WAYS:
                false, months = calculate_false_share(steady[way]), calculate_median_months(risen[way])
                readings = np.isin(steady[way], ["BETTER", "WORSE"]).mean()
                print(f"| `{rules}` | {way} | {people} | {false:.1%} | {readings:.1%} | {months:g} |", flush=True)
    told = {people: calculate_months_to_signal(people, 0.55) for people in PEOPLE}
    print(f"Told to the team as the time a rise would take: {told}")


if __name__ == "__main__":
    main()

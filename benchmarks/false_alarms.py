"""How often a chart shows a signal although nothing changed, for each rule set and size of service.

    python benchmarks/false_alarms.py

writes qi_analysis/definitions/false_alarms.csv, which the method page quotes, and prints the table of
docs/false_alarms.md. 4,000 seeded series for each line, under a minute. --series makes it quicker and less exact.
"""

import argparse
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from series import BASELINE, build_counts, read_monthly

TARGET = Path(__file__).parents[1] / "qi_analysis" / "definitions" / "false_alarms.csv"
RULES = ("making_data_count", "ihi", "anhoej")
PEOPLE = (10, 25, 45, 115)
MONTHS = (12, 18, 24)


def build_alarms(people: int, rules: str, months: int, series: int) -> npt.NDArray[np.bool_]:
    """(series, months): a reading of the chart that marks a point which the reading before did not mark.

    The reading before the first is that at the end of the baseline.
    """
    counts = build_counts(people, 0.0, months, series)
    before, alarms = None, []
    for table in read_monthly(counts, people, rules, BASELINE):
        marks = (table["signal"] != "").to_numpy().reshape(series, -1)
        if before is not None:
            new = marks.copy()
            new[:, :-1] &= ~before
            alarms.append(new.any(axis=1))
        before = marks
    return np.array(alarms).T


def calculate_rates(alarms: npt.NDArray[np.bool_]) -> dict[str, float]:
    """at_least_one: share of series with an alarm in these months; rate_per_year: the same for 12 months at an even
    rate; signals_per_year: stretches of readings with an alarm, for 12 months."""
    months = alarms.shape[1]
    share = float(alarms.any(axis=1).mean())
    began = alarms & ~np.pad(alarms, ((0, 0), (1, 0)))[:, :-1]
    return {
        "at_least_one": round(share + 1e-9, 3),
        "rate_per_year": round(1 - (1 - share) ** (12 / months) + 1e-9, 3),
        "signals_per_year": round(float(began.sum(axis=1).mean()) * 12 / months, 3),
    }


def build_table(series: int) -> pd.DataFrame:
    """One row for each rule set, number of people a month and length."""
    rows = []
    for rules, people in product(RULES, PEOPLE):
        alarms = build_alarms(people, rules, max(MONTHS), series)
        rows += [{"rules": rules, "n": people, "months": m, **calculate_rates(alarms[:, :m])} for m in MONTHS]
    return pd.DataFrame(rows)


def render_markdown(table: pd.DataFrame) -> str:
    """The table of docs/false_alarms.md."""
    lines = [
        "| Rules | People a month | Months after the baseline | At least one signal | Per year | Signals per year |",
        "|---|---|---|---|---|---|",
    ]
    for row in table.itertuples():
        shares = f"{row.at_least_one:.1%} | {row.rate_per_year:.1%} | {row.signals_per_year:.2f}"
        lines.append(f"| `{row.rules}` | {row.n} | {row.months} | {shares} |")
    return "\n".join(lines)


def main() -> None:
    """Simulate, write the CSV, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=4000)
    table = build_table(parser.parse_args().series)
    table.to_csv(TARGET, index=False, lineterminator="\n")
    print(render_markdown(table))


if __name__ == "__main__":
    main()

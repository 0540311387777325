"""The figures of the packs that leave the team: from the release alone, and protected like the plain edition.

Counts of 1 to 7 are hidden, others are rounded to 5, shares come from the rounded counts and none rests on fewer than
20 people (decision 11), whatever the team edition shows.
"""

import pandas as pd

from qi_analysis.disclosure import protect_results
from qi_analysis.page_words import count, percent
from qi_analysis.phrases import HIDDEN, describe_month, describe_months, describe_tenths
from qi_analysis.release import Release


def build_protected_chart(release: Release) -> pd.DataFrame:
    """The months of the headline chart, every number of them protected strictly; is_hidden keeps what was hidden before."""
    chart = release.tables["chart"]
    kind = pd.Series("share" if release.facts["measure"]["chart"] in ("p", "pp", "ip") else "count", ["chart"])
    plain = protect_results(chart.assign(measure_id="chart"), kind, pd.Series(False, chart.index))
    is_hidden = plain["is_hidden"] | chart["is_hidden"].astype(bool)
    return plain.assign(is_hidden=is_hidden, denominator=plain["denominator"].mask(is_hidden))


def describe_latest(release: Release) -> str:
    """The latest settled month in people: "In June 2023, about 6 of every 10 people had: about 60 of 95." """
    chart = build_protected_chart(release)
    settled = chart[chart["is_settled"].astype(bool) & chart["is_drawn"].astype(bool)]
    if settled.empty:
        return "There is no month yet with figures we can show."
    row = settled.iloc[-1]
    month = describe_month(row["interval_start"])
    if pd.isna(row["value"]):
        return f"The figure for {month} is {HIDDEN}."
    if pd.isna(row["denominator"]):
        return f"In {month} it was about {count(row['value'])}."
    tenths = describe_tenths(row["numerator"], row["denominator"]).removesuffix(" of the")
    return f"In {month} it was about {tenths}. That is about {count(row['numerator'])} of {count(row['denominator'])}."


def describe_baseline(release: Release) -> str:
    """Where the team began: "Before, it was 52% on average (January to December 2021)."; nothing without a baseline."""
    chart = release.tables["chart"]
    base = chart[chart["is_drawn"].astype(bool) & chart["in_baseline"].astype(bool) & chart["centre"].notna()]
    if base.empty or base["centre"].iloc[-1] > 1:
        return ""
    months = describe_months(base["interval_start"].min(), base["interval_start"].max())
    return f"At the start it was {percent(base['centre'].iloc[-1])} on average ({months})."

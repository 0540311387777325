"""All measures at a glance: one row a measure, ranked by what needs attention, verdicts as words and as data.

Signals and verdicts come from the true numbers, every number from the released ones. The verdict of a row is that of
the measure's last month in use; the verdict of the review also counts signals that are up to 6 months old.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from qi_analysis.phrases import HIDDEN
from qi_analysis.settings import Measure
from qi_analysis.spc import ChartSpec, build_chart_table
from qi_analysis.spc_spec import RATIO_CHARTS, SMALLEST_BASELINE

ATTENTION = ("concerning", "failing", "neutral", "improving", "common_cause", "hidden", "early")  # the ranking
KINDS = ("outcome", "process", "balancing")  # the order within a rank
VARIATION_WORDS = {
    "concerning": "worse, unlikely to be chance",
    "improving": "better, unlikely to be chance",
    "neutral": "a change, unlikely to be chance",
    "common_cause": "usual ups and downs",
    "hidden": HIDDEN,
    "early": "too early to say",
}
ASSURANCE_WORDS = {
    "passing": "we expect to reach the target every month",
    "failing": "we do not expect to reach the target without a change",
    "hit_or_miss": "chance decides whether a month reaches the target",
    "none": "no target set",
    "early": "too early to say",
}
COLUMNS = [
    "rank", "attention", "measure_id", "name", "kind", "good", "statistic", "interval_start", "numerator", "denominator",
    "value", "is_hidden", "variation", "variation_words", "assurance", "assurance_words", "target", "since", "rules",
    "n_months",
]  # fmt: skip


def build_measure_charts(
    results: pd.DataFrame, measures: Sequence[Measure], statistics: Mapping[str, str], spec: ChartSpec
) -> pd.DataFrame:
    """The chart table of every measure: the rows of its id and its month_by, its own chart and good direction.

    statistics: measure_id -> count, share, percent, mean, median, ratio or sum. spec: rules, baseline, phases, target
    ({measure_id: target}) and min_denominator for all; the last does not apply to a count, which has no
    denominator. A percent (0 to 100) on a ratio chart is multiplied by 100. Measures that ask for the same are
    worked out in one call. Raises ChartProblem (a ValueError) for a chart that cannot be made.
    """
    groups: dict[tuple[object, ...], list[Measure]] = {}
    specs = {one.id: _build_spec(one, statistics.get(one.id, ""), spec) for one in measures}
    for one in measures:
        own = specs[one.id]
        groups.setdefault((own.chart, own.good, own.multiply, own.min_denominator), []).append(one)
    parts = [build_chart_table(_select(results, group), specs[group[0].id]) for group in groups.values()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["measure_id"])


def _build_spec(measure: Measure, statistic: str, spec: ChartSpec) -> ChartSpec:
    is_count = statistic in ("count", "sum")
    return replace(
        spec,
        chart=measure.chart,
        good=measure.good,
        multiply=100 if statistic == "percent" and measure.chart in RATIO_CHARTS else spec.multiply,
        min_denominator=0 if is_count else spec.min_denominator,
    )


def _select(results: pd.DataFrame, measures: Sequence[Measure]) -> pd.DataFrame:
    """The rows of each measure on its own clock, in the order of the results."""
    wanted = pd.DataFrame({"measure_id": [one.id for one in measures], "clock": [one.month_by for one in measures]})
    return results.merge(wanted, on=["measure_id", "clock"])


def build_glance(
    charts: pd.DataFrame, released: pd.DataFrame, measures: Sequence[Measure], statistics: Mapping[str, str]
) -> pd.DataFrame:
    """One row for each measure, ranked by what needs attention, as a release holds it (columns: COLUMNS).

    charts: chart tables of the true numbers, for instance of `build_measure_charts`, with at most one series a
    measure. released: the same results as they may be shared (numerator, denominator, value, is_hidden). statistics: as
    there. A measure without a month in use has a row without numbers.

    rank: 1 first. attention orders it: concerning variation, a target not expected to be reached, a change without a
    good direction, improving, usual ups and downs, hidden, too early; then outcome, process, balancing; then the order
    given. early: fewer than 12 months in use. hidden: the last month is hidden, so its signal is too. since: the first
    month of the unbroken signal that the last month is part of; empty without a signal. The last month in use is
    the last that is drawn and settled.
    """
    if not measures:
        return pd.DataFrame(columns=COLUMNS)
    last = _build_last(charts)
    table = pd.DataFrame(
        {
            "measure_id": [one.id for one in measures],
            "name": [one.name for one in measures],
            "kind": [one.kind for one in measures],
            "good": [one.good for one in measures],
            "clock": [one.month_by for one in measures],
            "statistic": [statistics.get(one.id, "") for one in measures],
        }
    ).merge(last, on="measure_id", how="left")
    numbers = released[["measure_id", "clock", "interval_start", "numerator", "denominator", "value", "is_hidden"]]
    table = table.merge(numbers, on=["measure_id", "clock", "interval_start"], how="left")
    return _rank(_add_verdicts(table))


def _build_last(charts: pd.DataFrame) -> pd.DataFrame:
    """The last month in use of each series: its verdicts, when its signal began, how many months there are."""
    names = ["measure_id", "interval_start", "variation", "assurance", "target", "rules"]
    if charts.empty:
        kinds = {"measure_id": "str", "interval_start": "datetime64[us]", "target": float, "since": "datetime64[us]"}
        return pd.DataFrame(columns=[*names, "since", "n_months"]).astype(kinds)
    used = charts[charts["is_drawn"].astype(bool) & ~charts["is_excluded"].astype(bool)]
    used = used.sort_values(["measure_id", "interval_start"], kind="stable", ignore_index=True)
    state = used[["measure_id", "phase", "signal"]]
    run = (state != state.shift()).any(axis=1).cumsum()
    since = used.groupby(run)["interval_start"].transform("first").where(used["signal"] != "")
    counted = used.assign(since=since, n_months=used.groupby("measure_id").cumcount() + 1)
    return counted.drop_duplicates("measure_id", keep="last")[[*names, "since", "n_months"]]


def _add_verdicts(table: pd.DataFrame) -> pd.DataFrame:
    """variation and assurance with their words: early and hidden where they rule the others out."""
    months = table["n_months"].fillna(0).astype(int)
    early, hidden = months < SMALLEST_BASELINE, table["is_hidden"].eq(True)
    has_signal = ~(early | hidden)
    variation = table["variation"].mask(hidden, "hidden").mask(early, "early")
    has_target = table["target"].notna() & (table["assurance"] != "none")
    assurance = table["assurance"].mask(early & has_target, "early").where(has_target, "none")
    return table.assign(
        n_months=months,
        is_hidden=hidden,
        variation=variation,
        variation_words=variation.map(VARIATION_WORDS),
        assurance=assurance,
        assurance_words=assurance.map(ASSURANCE_WORDS),
        since=table["since"].where(has_signal),
        rules=table["rules"].where(has_signal, "").fillna(""),
    )


def _rank(table: pd.DataFrame) -> pd.DataFrame:
    """Sorted by attention, kind and the order given, numbered from 1."""
    is_failing = (table["assurance"] == "failing") & (table["variation"] != "concerning")
    attention = table["variation"].mask(is_failing, "failing")
    place = attention.map({name: number for number, name in enumerate(ATTENTION)})
    kind = table["kind"].map({name: number for number, name in enumerate(KINDS)}).fillna(len(KINDS))
    order = np.lexsort((np.arange(len(table)), kind, place))
    ranked = table.assign(attention=attention).iloc[order].reset_index(drop=True)
    return ranked.assign(rank=np.arange(1, len(ranked) + 1))[COLUMNS]

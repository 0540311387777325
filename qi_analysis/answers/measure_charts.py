"""All measures: their charts, their words and their order by what needs a look.

Signals and verdicts come from the true numbers, everything that is drawn or printed from the released ones. The verdict
of a measure's row at a glance is that of its last month in use; the verdict of the review also counts signals that are
up to 6 months old.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from qi_analysis.answers.workshop import Workings
from qi_analysis.charts.style import build_marks
from qi_analysis.charts.verdict import build_verdict, describe_chart, describe_people, describe_title
from qi_analysis.facts import ChartFacts, KindFacts, Marked
from qi_analysis.measures.results import build_definitions
from qi_analysis.periods import Period
from qi_analysis.phrases import HIDDEN, LI_COMPLETION_WORDS, MeasureWords
from qi_analysis.record.measure_blocks import MeasureName, build_names, find_statistic
from qi_analysis.record.settings import KINDS, Measure, Record
from qi_analysis.spc.chart import build_chart_table
from qi_analysis.spc.spec import RATIO_CHARTS, SMALLEST_BASELINE, ChartSpec

ATTENTION = ("concerning", "failing", "neutral", "improving", "common_cause", "hidden", "early")  # the ranking
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
UNITS = {"share": "share", "mean": "number", "count": "count"}
COUNTED = {"people": "people", "appointments": "LI appointments"}
CHART_COLUMNS = [
    "measure_id", "interval_start", "numerator", "denominator", "value", "is_hidden", "is_settled", "phase", "in_baseline",
    "is_drawn", "centre", "lower", "upper", "signal", "rules", "variation", "assurance", "trial", "target",
]  # fmt: skip
NUMBERS = ["numerator", "denominator", "value"]
FROM_TRUE = ("signal", "rules", "variation", "assurance")
CHART_KINDS = ("process", "balancing")  # the kinds that have a page of charts
MOST_CHARTS = 4  # on such a page
WEEK_DAYS = 7
ENDED = np.inf  # known only when LI has ended: the month is settled as the months of starters are


# The charts of the team's measures.
@dataclass(frozen=True)
class MeasureCharts:
    """rows: the true results of every block; true and shown: chart tables; left_out: months of the aim not drawn."""

    rows: pd.DataFrame
    true: pd.DataFrame
    shown: pd.DataFrame
    left_out: list[str]

    def take(self, measure: Measure) -> tuple[pd.DataFrame, pd.DataFrame]:
        """(chart table of the true numbers, chart table as released) of one measure."""
        true, shown = (frame[frame["measure_id"] == measure.id] for frame in (self.true, self.shown))
        return true.reset_index(drop=True), shown.reset_index(drop=True)


def build_charts(workings: Workings, released: pd.DataFrame, cohort: pd.DataFrame) -> MeasureCharts:
    """The charts of every block. cohort: interval_start and is_settled of the months of LI starters.

    A month of starters that is not settled for the names of its block is drawn, and outside every rule; so are the
    first 26 weeks (the fixed horizon) of the data for what is counted at a month's end. A month listed as a known gap is
    left out, and of the aim a month in which too many endings are not known.
    """
    record, statistics = workings.record, find_statistics(workings.record)
    refused = _find_refused(workings)
    rows, shown = (_build_rows(workings, frame, cohort, refused) for frame in (workings.results, released))
    spec = _build_shared_spec(record)
    charts = [build_measure_charts(frame, record.measures, statistics, spec) for frame in (rows, shown)]
    drawn = charts[1].assign(**{name: charts[0][name] for name in FROM_TRUE})
    hidden = drawn["is_hidden"].astype(bool)
    drawn.loc[hidden, ["lower", "upper"]] = np.nan
    drawn.loc[hidden, ["signal", "rules"]] = ""
    months = [Period(day.year, day.month).words for day in refused]
    return MeasureCharts(rows, charts[0], drawn[CHART_COLUMNS], months)


def find_statistics(record: Record) -> dict[str, str]:
    """measure_id -> count, share, percent, mean, median, ratio or sum, of every measure, the team's blocks included."""
    definitions = build_definitions(record.measures, record.completion.definitions)
    return {one.measure_id: one.statistic for one in definitions}


def _build_shared_spec(record: Record) -> ChartSpec:
    """What all charts share; chart and good direction are each measure's own."""
    return ChartSpec(
        rules=record.settings.rules,
        baseline=record.aim.baseline,
        phases=[phase.from_ for phase in record.phases],
        target=None if record.aim.target is None else {record.aim.measure: record.aim.target},
        min_denominator=record.settings.min_denominator,
    )


def _find_refused(workings: Workings) -> pd.Series:
    """The months of the aim's measure in which the share of endings not known is above the limit."""
    record, results = workings.record, workings.results
    aim = record.aim_measure
    on_clock = results[results["clock"] == aim.month_by].set_index("interval_start")
    own = on_clock.loc[on_clock["measure_id"] == aim.id, "denominator"]
    unknown = on_clock.loc[on_clock["measure_id"] == "li_unknown_ending", "value"].reindex(own.index)
    refused = (unknown > record.completion.highest_unknown_share) & (own >= record.settings.min_denominator)
    return own.index[refused.to_numpy()].to_series()


def _build_rows(workings: Workings, numbers: pd.DataFrame, cohort: pd.DataFrame, refused: pd.Series) -> pd.DataFrame:
    """The rows of every block on its own clock with is_settled; numbers are empty in months left out."""
    record = workings.record
    blocks = pd.DataFrame([(one.id, one.month_by) for one in record.measures], columns=["measure_id", "clock"])
    blocks["_known_after"] = _list_known_after(record)
    rows = numbers.merge(blocks, on=["measure_id", "clock"])
    age = (pd.Timestamp(workings.period.end) - rows["interval_end"]).dt.days
    settled = rows["interval_start"].isin(cohort.loc[cohort["is_settled"], "interval_start"])
    is_known = (age >= rows["_known_after"]).where(rows["_known_after"] < ENDED, settled)
    is_gap = rows["interval_start"].dt.strftime("%Y-%m").isin(list(record.accepted_gaps))
    is_gap |= (rows["measure_id"] == record.aim.measure) & rows["interval_start"].isin(refused)
    rows[NUMBERS] = rows[NUMBERS].mask(is_gap)
    is_judged = is_known.where(rows["clock"] == "start", True).where(
        rows["clock"] != "month_end", _is_filled(workings, rows)
    )
    return rows.assign(is_settled=is_judged.astype(bool)).drop(columns="_known_after")


def _is_filled(workings: Workings, rows: pd.DataFrame) -> pd.Series:
    """Whether data had been there for the fixed horizon at a month's end.

    Before that, people who began LI before the data begin are missing from those open, and they are the idle ones.
    """
    first = workings.pathways.referrals["li_start"].min()
    return rows["interval_end"] - first >= pd.Timedelta(weeks=workings.record.completion.settled.fixed_horizon_weeks)


def _list_known_after(record: Record) -> list[float]:
    """For each block how many days after a month of starters its figure is known, ENDED when it waits for endings."""
    names = build_names(record.completion.definitions)
    horizon = float(record.completion.settled.fixed_horizon_weeks * WEEK_DAYS)
    days = {"": 0.0, "horizon": horizon, "ended": ENDED}

    def known(name: str) -> float:
        after = names[name].known_after
        return days[after] if after in days else float(after)

    return [max(known(one.numerator), known(one.denominator or one.numerator)) for one in record.measures]


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
    specs = {one.id: _build_measure_spec(one, statistics.get(one.id, ""), spec) for one in measures}
    for one in measures:
        own = specs[one.id]
        groups.setdefault((own.chart, own.good, own.multiply, own.min_denominator), []).append(one)
    parts = [build_chart_table(select_rows(results, group), specs[group[0].id]) for group in groups.values()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["measure_id"])


def _build_measure_spec(measure: Measure, statistic: str, spec: ChartSpec) -> ChartSpec:
    is_count = statistic in ("count", "sum")
    return replace(
        spec,
        chart=measure.chart,
        good=measure.good,
        multiply=100 if statistic == "percent" and measure.chart in RATIO_CHARTS else spec.multiply,
        min_denominator=0 if is_count else spec.min_denominator,
    )


def select_rows(results: pd.DataFrame, measures: Sequence[Measure]) -> pd.DataFrame:
    """The rows of each measure on its own clock, in the order of the results."""
    wanted = pd.DataFrame({"measure_id": [one.id for one in measures], "clock": [one.month_by for one in measures]})
    return results.merge(wanted, on=["measure_id", "clock"])


def take_shown(charts: MeasureCharts, facts: Mapping[str, KindFacts]) -> pd.DataFrame:
    """The released chart tables of the measures that have a chart on a page, in one table."""
    ids = [one.id for kind in CHART_KINDS for one in facts[kind].charts]
    return charts.shown[charts.shown["measure_id"].isin(ids)].reset_index(drop=True)


# The wording of a measure and its chart, from its block of project/measures.toml.
def build_measure_words(measure: Measure, names: Mapping[str, MeasureName]) -> MeasureWords:
    """Name, direction and titles of a block; the headline has words of its own.

    Without `higher` and `lower` in the block the titles are its name with "higher than usual" and "lower than usual".
    The people sentence answers the block's plain question.
    """
    if measure.id == "li_completion":
        return LI_COMPLETION_WORDS
    higher = measure.higher or f"{measure.name}: higher than usual"
    lower = measure.lower or f"{measure.name}: lower than usual"
    better, worse = (lower, higher) if measure.good == "down" else (higher, lower)
    unit = UNITS[find_statistic(measure, names)]
    kind = names[measure.denominator or measure.numerator].kind
    answer = f"{{share}} {COUNTED[kind]}" if unit == "share" else "{value}"
    return MeasureWords(
        name=measure.name, people=f"the answer was {answer}", higher=higher, lower=lower, good=measure.good,
        better=better, worse=worse, unit=unit,
    )  # fmt: skip


def build_measure_facts(record: Record, charts: MeasureCharts, marked: Marked) -> dict[str, KindFacts]:
    """For the pages of process and balancing measures: by kind the first four, and the names of the others.

    marked: what the marks of the charts come from. The aim has its own page. Title and reasons come from the true
    numbers, all other sentences from the released ones.
    """
    names = build_names(record.completion.definitions)
    facts = {}
    for kind in CHART_KINDS:
        blocks = [one for one in record.measures if one.kind == kind and one.id != record.aim.measure]
        told = tuple(_describe_measure(one, charts, names, marked) for one in blocks[:MOST_CHARTS])
        facts[kind] = KindFacts(told, tuple(one.name for one in blocks[MOST_CHARTS:]))
    return facts


def _describe_measure(
    measure: Measure, charts: MeasureCharts, names: Mapping[str, MeasureName], marked: Marked
) -> ChartFacts:
    true, shown = charts.take(measure)
    words = build_measure_words(measure, names)
    verdict = build_verdict(true, words)
    marks = [f"{sign}: {what}" for sign, what in build_marks(marked, measure.id, shown)[1]]
    return ChartFacts(
        id=measure.id,
        name=measure.name,
        why=measure.why,
        plain=measure.plain,
        good=measure.good,
        month_by=measure.month_by,
        statistic=find_statistic(measure, names),
        title=describe_title(shown, words, verdict),
        reasons=tuple(verdict.reasons),
        alt=describe_chart(shown, words, verdict, measure.chart, marks),
        people=describe_people(shown, words),
    )


# All measures at a glance: one row a measure, ranked by what needs attention, verdicts as words and as data.
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
    rows = [(one.id, one.name, one.kind, one.good, one.month_by, statistics.get(one.id, "")) for one in measures]
    table = pd.DataFrame(rows, columns=["measure_id", "name", "kind", "good", "clock", "statistic"])
    table = table.merge(last, on="measure_id", how="left")
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

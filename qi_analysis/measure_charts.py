"""The charts of the team's measures: signals from the true numbers, everything that is drawn from the released ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from qi_analysis.chart_keys import build_marks
from qi_analysis.glance import build_measure_charts
from qi_analysis.measure_definitions import build_definitions
from qi_analysis.measure_names import MeasureName, build_names, find_statistic
from qi_analysis.measure_words import build_measure_words
from qi_analysis.periods import Period
from qi_analysis.settings import Measure, Record
from qi_analysis.spc import ChartSpec
from qi_analysis.wording import build_verdict, describe_chart, describe_people, describe_title
from qi_analysis.workings import Workings

CHART_COLUMNS = [
    "measure_id", "interval_start", "numerator", "denominator", "value", "is_hidden", "is_settled", "phase", "in_baseline",
    "is_drawn", "centre", "lower", "upper", "signal", "rules", "variation", "assurance", "trial", "target",
]  # fmt: skip
NUMBERS = ["numerator", "denominator", "value"]
FROM_TRUE = ("signal", "rules", "variation", "assurance")
KINDS = ("process", "balancing")  # the kinds that have a page of charts
MOST_CHARTS = 4  # on such a page
WEEK_DAYS = 7
ENDED = np.inf  # known only when LI has ended: the month is settled as the months of starters are


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


def find_statistics(record: Record) -> dict[str, str]:
    """measure_id -> count, share, percent, mean, median, ratio or sum, of every measure, the team's blocks included."""
    definitions = build_definitions(record.measures, record.completion.definitions)
    return {one.measure_id: one.statistic for one in definitions}


def build_charts(workings: Workings, released: pd.DataFrame, cohort: pd.DataFrame) -> MeasureCharts:
    """The charts of every block. cohort: interval_start and is_settled of the months of LI starters.

    A month of starters that is not settled for the names of its block is drawn, and outside every rule; so are the
    first 26 weeks (the fixed horizon) of the data for what is counted at a month's end. A month listed as a known gap is left out, and of the aim a month in which too many endings are not known.
    """
    record, statistics = workings.record, find_statistics(workings.record)
    refused = _find_refused(workings)
    rows, shown = (_build_rows(workings, frame, cohort, refused) for frame in (workings.results, released))
    spec = _build_spec(record)
    charts = [build_measure_charts(frame, record.measures, statistics, spec) for frame in (rows, shown)]
    drawn = charts[1].assign(**{name: charts[0][name] for name in FROM_TRUE})
    hidden = drawn["is_hidden"].astype(bool)
    drawn.loc[hidden, ["lower", "upper"]] = np.nan
    drawn.loc[hidden, ["signal", "rules"]] = ""
    months = [Period(day.year, day.month).words for day in refused]
    return MeasureCharts(rows, charts[0], drawn[CHART_COLUMNS], months)


def _build_spec(record: Record) -> ChartSpec:
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
    aim = next(one for one in record.measures if one.id == record.aim.measure)
    on_clock = results[results["clock"] == aim.month_by].set_index("interval_start")
    own = on_clock.loc[on_clock["measure_id"] == aim.id, "denominator"]
    unknown = on_clock.loc[on_clock["measure_id"] == "li_unknown_ending", "value"].reindex(own.index)
    refused = (unknown > record.completion.highest_unknown_share) & (own >= record.settings.min_denominator)
    return own.index[refused.to_numpy()].to_series()


def _build_rows(workings: Workings, numbers: pd.DataFrame, cohort: pd.DataFrame, refused: pd.Series) -> pd.DataFrame:
    """The rows of every block on its own clock with is_settled; numbers are empty in months left out."""
    record = workings.record
    blocks = pd.DataFrame(
        {
            "measure_id": [one.id for one in record.measures],
            "clock": [one.month_by for one in record.measures],
            "_known_after": _list_known_after(record),
        }
    )
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


def build_measure_facts(record: Record, charts: MeasureCharts, marked: Mapping[str, Any]) -> dict[str, Any]:
    """For the pages of process and balancing measures: {kind: {charts: facts of the first four, more: other names}}.

    marked: the facts that marks come from (chart_keys.build_marks). The aim has its own page. Title and reasons come from the true numbers, all other sentences from the released ones.
    """
    names = build_names(record.completion.definitions)
    facts = {}
    for kind in KINDS:
        blocks = [one for one in record.measures if one.kind == kind and one.id != record.aim.measure]
        told = [_describe_measure(one, charts, names, marked) for one in blocks[:MOST_CHARTS]]
        facts[kind] = {"charts": told, "more": [one.name for one in blocks[MOST_CHARTS:]]}
    return facts


def _describe_measure(
    measure: Measure, charts: MeasureCharts, names: Mapping[str, MeasureName], marked: Mapping[str, Any]
) -> dict[str, Any]:
    true, shown = charts.take(measure)
    words = build_measure_words(measure, names)
    verdict = build_verdict(true, words)
    marks = [f"{sign}: {what}" for sign, what in build_marks(marked, measure.id, shown)[1]]
    return {
        "id": measure.id,
        "name": measure.name,
        "why": measure.why,
        "plain": measure.plain,
        "good": measure.good,
        "month_by": measure.month_by,
        "statistic": find_statistic(measure, names),
        "title": describe_title(shown, words, verdict),
        "reasons": list(verdict.reasons),
        "alt": describe_chart(shown, words, verdict, measure.chart, marks),
        "people": describe_people(shown, words),
    }


def take_shown(charts: MeasureCharts, facts: Mapping[str, Any]) -> pd.DataFrame:
    """The released chart tables of the measures that have a chart on a page, in one table."""
    ids: Sequence[str] = [one["id"] for kind in KINDS for one in facts[kind]["charts"]]
    return charts.shown[charts.shown["measure_id"].isin(ids)].reset_index(drop=True)

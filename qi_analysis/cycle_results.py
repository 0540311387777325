"""What became of a test's prediction: the predicted measure over the test's months against the 12 months before it.

Measured on the results' own monthly numbers. The judgement is taken from the true ones (Newcombe's interval of the
difference of two shares, Wilson's of the measured share); what is printed is added up from the released ones alone. A
figure of the whole service cannot judge a test on few of its people, and says so. Nothing here claims a cause.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from qi_analysis.measure_charts import MeasureCharts
from qi_analysis.phrases import HIDDEN, describe_counts, describe_months, describe_value
from qi_analysis.proportions import calculate_difference, calculate_wilson
from qi_analysis.settings import Measure
from qi_analysis.team_record_values import Cycle, Predicted

MONTHS_BEFORE = 12
FEWEST_PEOPLE = 20  # on fewer no share is told
WHOLE_SHARE = 0.5  # the share of the people counted that a test must reach for the service's figure to judge it
BINOMIAL = ("p", "run")  # charts of shares whose spread is that of chance
NO_NUMBER = "The prediction has no number that a report can read, so it is not compared."
NO_MEASURE = "No measure is named, so nothing can be measured."


@dataclass(frozen=True)
class Span:
    """The months of one measure over a stretch of time: what may be printed of them, and what is true."""

    true: pd.DataFrame
    shown: pd.DataFrame

    @property
    def months(self) -> str:
        days = self.true["interval_start"]
        return describe_months(days.min(), days.max())

    def describe(self, unit: str) -> str:
        """ "65% (65 of 100)" from the released months; hidden when none of them is shown."""
        known = self.shown.dropna(subset=["numerator"]) if unit == "share" else self.shown.dropna(subset=["value"])
        if known.empty:
            return HIDDEN
        if unit != "share":
            return describe_value(float(known["value"].mean()), unit)
        top, bottom = float(known["numerator"].sum()), float(known["denominator"].sum())
        return f"{describe_value(top / bottom)} ({describe_counts(top, bottom)})" if bottom else HIDDEN

    def count(self) -> tuple[float, float]:
        """(numerator, denominator) of all its months, the true ones."""
        return float(self.true["numerator"].sum()), float(self.true["denominator"].sum())


def build_result(cycle: Cycle, charts: MeasureCharts, units: Mapping[str, tuple[Measure, str]], day: date) -> list[str]:
    """Sentences: what was predicted, what was measured, and how sure one can be. units: id -> (measure, unit).

    A test without a measure, without a settled month or on too few people says so instead.
    """
    wanted = cycle.predicted.measure if cycle.predicted else next(iter(cycle.measures), "")
    if wanted not in units:
        return [NO_MEASURE]
    measure, unit = units[wanted]
    during, before = _cut_spans(cycle, charts, measure, day)
    told = [_describe_predicted(cycle.predicted, measure, unit)] if cycle.predicted else [NO_NUMBER]
    if during.true.empty:
        return [*told, f"Measured: no month of this test is settled yet for “{measure.name}”."]
    so_far = "" if cycle.end and cycle.end <= day else " so far"
    usual = before.describe(unit) if len(before.true) else "not known"
    span = f", {before.months}" if len(before.true) else ""
    told.append(f"Measured in {during.months}{so_far}: {during.describe(unit)}; usual before{span}: {usual}.")
    by_counts = unit == "share" and measure.chart in BINOMIAL
    return [*told, *_judge(cycle, (during, before), by_counts)]


def _describe_predicted(predicted: Predicted, measure: Measure, unit: str) -> str:
    low, high = (describe_value(value, unit) for value in (predicted.from_, predicted.to))
    return f"Predicted for “{measure.name}”: from {low} to {high}."


def _cut_spans(cycle: Cycle, charts: MeasureCharts, measure: Measure, day: date) -> tuple[Span, Span]:
    """(the test's months, up to 12 settled months before it). Months that are not settled or not known are left out."""
    true, shown = charts.take(measure)
    last = min(cycle.end or day, day)
    starts = true["interval_start"]
    known = true["is_settled"].astype(bool) & true["value"].notna()
    first = pd.Timestamp(cycle.start.replace(day=1))
    during = known & (starts >= first) & (starts <= pd.Timestamp(last))
    before = known & (starts < first)
    before &= before[::-1].cumsum()[::-1] <= MONTHS_BEFORE
    return Span(true[during], shown[during]), Span(true[before], shown[before])


def _judge(cycle: Cycle, spans: tuple[Span, Span], by_counts: bool) -> list[str]:
    """How sure one can be, in one or two sentences. by_counts: the two counts say how much is chance."""
    during, before = spans
    if cycle.people is not None and cycle.people < FEWEST_PEOPLE:
        few = "Fewer than 8" if cycle.people < 8 else f"{cycle.people}"
        return [f"{few} people: too few to tell. The figure of the whole service cannot judge a test on so few."]
    if before.true.empty:
        return ["There is no month before it to compare with."]
    if not by_counts:
        return [_judge_number(during)]
    counts, usual = during.count(), before.count()
    if min(counts[1], usual[1]) < FEWEST_PEOPLE:
        return [f"Fewer than {FEWEST_PEOPLE} were counted: too few to tell."]
    if cycle.people is not None and cycle.people < WHOLE_SHARE * counts[1]:
        return [
            f"The test was on {cycle.people} people, fewer than half of those counted. "
            "The figure of the whole service cannot judge it."
        ]
    judged = [_judge_share(cycle.predicted, counts, usual)]
    if cycle.people is None:
        judged.append("How many people the test reached is not written, so this is the whole service.")
    return judged


def _judge_share(predicted: Predicted | None, counts: tuple[float, float], usual: tuple[float, float]) -> str:
    """Chance or not, and how it stands to the prediction, from true counts."""
    difference, lower, upper = calculate_difference(counts, usual)
    if lower <= 0 <= upper:
        return f"The difference could be chance{_compare_missed(predicted, counts)}."
    way = "higher" if difference > 0 else "lower"
    if predicted is None:
        return f"This is {way} than before, and chance alone is unlikely to make such a difference."
    if np.sign(predicted.to - predicted.from_) != np.sign(difference):
        return f"It went the other way: {way} than before, and chance alone is unlikely to make such a difference."
    reached = "as far as predicted" if _is_reached(predicted, counts) else "less far than predicted"
    return (
        f"It moved as predicted, {reached}: {way} than before, and chance alone is unlikely to make such a difference."
    )


def _compare_missed(predicted: Predicted | None, counts: tuple[float, float]) -> str:
    return "" if predicted is None or _is_reached(predicted, counts) else ", and it is less far than predicted"


def _is_reached(predicted: Predicted, counts: tuple[float, float]) -> bool:
    """Whether the figure reached what was predicted, or may have: it lies in the interval of the measured share."""
    lower, upper = (float(limit[0]) for limit in calculate_wilson(np.array([counts[0]]), np.array([counts[1]])))
    return upper >= predicted.to if predicted.to >= predicted.from_ else lower <= predicted.to


def _judge_number(during: Span) -> str:
    """A wait, a mean, a count, or a share that varies more than chance: inside or outside the chart's usual range."""
    value, lower, upper = (float(during.true[name].mean()) for name in ("value", "lower", "upper"))
    if np.isnan([lower, upper]).any():
        return "There is no usual range yet, so we cannot tell."
    return (
        "It is inside the usual range, so the difference could be chance."
        if lower <= value <= upper
        else "It is outside the usual range, which chance alone is unlikely to do."
    )

"""The facts of a review: its settings and dates as they are printed, and the sentences of the headline."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from qi_analysis.checks import data_date
from qi_analysis.periods import describe_day
from qi_analysis.settings import Measure
from qi_analysis.wording import (
    MeasureWords,
    Verdict,
    describe_chart,
    describe_people,
    describe_target,
    describe_title,
)
from qi_analysis.workings import Workings


def build_facts(workings: Workings, measure: Measure) -> dict[str, Any]:
    """Settings and dates of the review, as words where they are printed."""
    record, period, completion = workings.record, workings.period, workings.record.completion
    return {
        "period": period.id,
        "period_words": period.words,
        "as_at_words": describe_day(period.end),
        "data_date": data_date(workings.tables, period).isoformat(),
        "data_date_words": describe_day(data_date(workings.tables, period)),
        "data_kind": "synthetic" if workings.is_synthetic else "service",
        "project": record.title,
        "started_words": describe_day(record.started),
        "population": record.aim.population,
        "direction": record.aim.direction,
        "target": record.aim.target,
        "target_by_words": describe_day(record.aim.by) if record.aim.by else "",
        "measure": {name: getattr(measure, name) for name in ("id", "name", "why", "plain", "chart")},
        "examples": [dict(example) for example in measure.examples],
        "rules": record.settings.rules,
        "min_denominator": record.settings.min_denominator,
        "protection": record.settings.protection,
        "phases": [
            {"on": p.from_.isoformat(), "words": describe_day(p.from_), "reason": p.reason} for p in record.phases
        ],
        "events": [
            {"on": e.date.isoformat(), "letter": e.letter, "what": e.what, "could_affect": e.could_affect}
            for e in record.events
        ],
        "definition": {
            "version": completion.version,
            "agreed_words": describe_day(completion.agreed_on),
            "reason": completion.reason,
            "choice": completion.team_choice,
            "name": completion.definitions[completion.team_choice].name,
        },
        "settled_rule": asdict(completion.settled),
        "highest_unknown_share": completion.highest_unknown_share,
    }


def build_words(
    workings: Workings,
    named: tuple[Measure, MeasureWords],
    chart: pd.DataFrame,
    verdict: Verdict,
    marks: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """The sentences of the headline: the verdict from the true numbers, the rest from the released ones.

    named: its measure with its words. marks: the key of its chart.
    """
    aim, (measure, words) = workings.record.aim, named
    return {
        "verdict": {
            "state": str(verdict.state),
            "sentence": verdict.sentence,
            "reasons": list(verdict.reasons),
        },
        "people_sentence": describe_people(chart, words),
        "target_sentence": describe_target(chart, words, aim.target, aim.by),
        "chart_title": describe_title(chart, words, verdict),
        "chart_alt": describe_chart(chart, words, verdict, measure.chart, [f"{sign}: {what}" for sign, what in marks]),
    }

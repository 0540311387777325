"""From results to a release: what a review says and shows, protected, as tables and sentences.

Verdicts and signals come from the true numbers; everything that is drawn or printed comes from the released ones.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from qi_analysis.detection import describe_false_alarms, describe_months_to_signal
from qi_analysis.disclosure import protect_results, round_count
from qi_analysis.fairness import build_fairness
from qi_analysis.glance import build_glance, build_measure_charts
from qi_analysis.leaving import build_leaving
from qi_analysis.measures import read_definitions
from qi_analysis.periods import Period
from qi_analysis.reasons import build_reasons
from qi_analysis.recording import build_recording_alarm
from qi_analysis.release import Release
from qi_analysis.review_facts import build_facts, build_words
from qi_analysis.settings import Measure, Record
from qi_analysis.spc import ChartSpec, build_chart_table
from qi_analysis.suggestion import build_suggestion_facts
from qi_analysis.trust import build_completeness, build_ledger, build_quality, build_strip
from qi_analysis.wording import LI_COMPLETION_WORDS, State, Verdict, build_verdict
from qi_analysis.workings import Workings

# Whole-service totals that are released exactly unless small; everything else is rounded to 5.
EXACT = ("li_completion", "M001", "M031", "M056", "M076", "M081", "M082")
STRIP = (
    "M081",
    "li_completion_ii",
    "li_completion_iii_4",
    "li_completion_iii_5",
    "li_completion_iii_6",
    "li_completion_iv",
)
STRIP_MONTHS = 12
CHART_COLUMNS = [
    "measure_id", "interval_start", "numerator", "denominator", "value", "is_hidden", "is_settled", "phase", "in_baseline",
    "is_drawn", "centre", "lower", "upper", "signal", "rules", "variation", "assurance", "trial", "target",
]  # fmt: skip


def build_release(workings: Workings, published: Release, checked_on: Sequence[date] = ()) -> Release:
    """The protected aggregates and sentences of a review, the published figures with them.

    checked_on: the days on which the team has checked a change of recording (recording.read_recording_checks).
    """
    record = workings.record
    measure = next(block for block in record.measures if block.id == record.aim.measure)
    released = build_released_results(workings)
    cohort = build_settled_months(workings)
    answers = {
        "leaving": build_leaving(workings, cohort),
        "reasons": build_reasons(workings),
        "fairness": build_fairness(workings),
    }
    true_chart, chart, left_out = _build_headline(workings, released, measure)
    alarm = build_recording_alarm(workings, checked_on)
    verdict = build_verdict(true_chart, LI_COMPLETION_WORDS, [alarm.sentence] if alarm.is_open else [])
    tables = _build_tables(workings, released, cohort) | dict(published.tables)
    tables |= {"chart": chart, "glance": _build_glance(workings, released, measure, true_chart)}
    for answer, _ in answers.values():
        tables |= answer
    facts = build_facts(workings, measure) | build_words(workings, measure, chart, verdict)
    facts |= {
        "left_out_months": left_out,
        "settled_to": _last_settled(cohort),
        "open": _count_open(workings),
        "recording": {"is_open": alarm.is_open, "what": alarm.what, "watch": list(alarm.watch)},
        **_describe_chance(workings.record, chart, verdict),
        **{name: told for name, (_, told) in answers.items()},
        "suggestions": build_suggestion_facts(workings.results, record.measures, record),
        **published.facts,
    }
    return Release(facts, tables)


def _build_tables(workings: Workings, released: pd.DataFrame, cohort: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables that need nothing but the results and the rows."""
    return {
        "results": released,
        "cohort": _build_cohort(workings, released, cohort),
        "ledger": build_ledger(workings),
        "quality": build_quality(workings.account),
        "completeness": build_completeness(workings),
        "strip": build_strip(workings),
    }


def _describe_chance(record: Record, chart: pd.DataFrame, verdict: Verdict) -> dict[str, str]:
    """How long until a rise would show (where there is no clear change), and how often chance looks like a change."""
    wanted = verdict.state in (State.STEADY, State.EARLY)
    people = chart["denominator"].median()
    return {
        "time_to_signal": describe_months_to_signal(chart) if wanted else "",
        "false_alarms": "" if pd.isna(people) else describe_false_alarms(record.settings.rules, people),
    }


def _build_glance(
    workings: Workings, released: pd.DataFrame, measure: Measure, true_chart: pd.DataFrame
) -> pd.DataFrame:
    """All measures at a glance; the headline's row is that of its own chart."""
    record = workings.record
    statistics = {one.measure_id: one.statistic for one in read_definitions()}
    target = None if record.aim.target is None else {measure.id: record.aim.target}
    spec = replace(_chart_spec(record, measure), target=target)
    rest = [one for one in record.measures if one.id != measure.id]
    charts = [true_chart, build_measure_charts(workings.results, rest, statistics, spec)]
    return build_glance(pd.concat(charts, ignore_index=True), released, record.measures, statistics)


def build_released_results(workings: Workings) -> pd.DataFrame:
    """Every result as it may be shared: decision 11, whole-service totals of EXACT exact unless small."""
    definitions = {one.measure_id: one for one in read_definitions()}
    statistic = pd.Series({name: one.statistic for name, one in definitions.items()})
    strict = workings.record.settings.protection == "plain"
    exact = pd.Series({name: name in EXACT and not strict for name in definitions})
    return protect_results(workings.results, statistic, exact)


def build_settled_months(workings: Workings) -> pd.DataFrame:
    """interval_start, n_started, n_open, is_settled for each month of LI starters.

    Settled: at least min_weeks since the month ended and at least min_closed_share of its episodes closed.
    """
    results, rule = workings.results, workings.record.completion.settled
    closed = results[results["measure_id"] == "li_closed"]
    age = pd.Timestamp(workings.period.end) - closed["interval_end"]
    settled = (age >= pd.Timedelta(weeks=rule.min_weeks)) & (closed["value"] >= rule.min_closed_share)
    return pd.DataFrame(
        {
            "interval_start": closed["interval_start"],
            "n_started": closed["denominator"],
            "n_open": closed["denominator"] - closed["numerator"],
            "is_settled": settled,
        }
    ).reset_index(drop=True)


def _count_open(workings: Workings) -> dict[str, float | None]:
    """People still in LI treatment, and those of them with no seen contact for inactivity_days; rounded to 5."""
    referrals, contacts = workings.pathways.referrals, workings.pathways.contacts
    choice = f"exit_{workings.record.completion.team_choice}"
    is_open = (referrals[choice] == "open").to_numpy()
    seen = contacts[contacts["is_seen"].to_numpy()]
    last = seen.groupby("referral")["contact_on"].max().reindex(np.arange(len(referrals)))
    idle = pd.Timestamp(workings.period.end) - last > pd.Timedelta(days=workings.record.completion.inactivity_days)
    counts = round_count(pd.Series([is_open.sum(), (is_open & idle.to_numpy()).sum()], dtype="float64"))
    known = [None if pd.isna(number) else float(number) for number in counts]
    return {"people": known[0], "idle": known[1], "days": workings.record.completion.inactivity_days}


def _last_settled(cohort: pd.DataFrame) -> str:
    settled = cohort.loc[cohort["is_settled"], "interval_start"]
    return Period(settled.max().year, settled.max().month).words if len(settled) else "no month yet"


def _select(results: pd.DataFrame, measure_id: str, clock: str) -> pd.DataFrame:
    chosen = results[(results["measure_id"] == measure_id) & (results["clock"] == clock)]
    return chosen.reset_index(drop=True)


def _chart_spec(record: Record, measure: Measure) -> ChartSpec:
    return ChartSpec(
        chart=measure.chart,
        rules=record.settings.rules,
        good=measure.good,
        baseline=record.aim.baseline,
        phases=[phase.from_ for phase in record.phases],
        target=record.aim.target,
        min_denominator=record.settings.min_denominator,
    )


def _build_headline(
    workings: Workings, released: pd.DataFrame, measure: Measure
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """(chart table of the true numbers, chart table as released, months left out because endings are not known)."""
    record, spec = workings.record, _chart_spec(workings.record, measure)
    true = _select(workings.results, measure.id, measure.month_by)
    unknown = _select(workings.results, "li_unknown_ending", measure.month_by)["value"]
    enough = true["denominator"] >= record.settings.min_denominator
    refused = ((unknown > record.completion.highest_unknown_share) & enough).to_numpy()
    gap = true["interval_start"].dt.strftime("%Y-%m").isin(list(record.accepted_gaps)).to_numpy()
    shown = _select(released, measure.id, measure.month_by)
    numbers = ["numerator", "denominator", "value"]
    for frame in (true, shown):
        frame.loc[refused | gap, numbers] = np.nan
    true_chart = build_chart_table(true.assign(is_settled=True), spec)
    chart = build_chart_table(shown.assign(is_settled=True), spec)
    for name in ("signal", "rules", "variation", "assurance"):
        chart[name] = true_chart[name]
    chart.loc[chart["is_hidden"].astype(bool), ["lower", "upper", "signal", "rules"]] = [
        np.nan,
        np.nan,
        "",
        "",
    ]
    months = [Period(day.year, day.month).words for day in true.loc[refused, "interval_start"]]
    return true_chart, chart[CHART_COLUMNS], months


def _build_cohort(workings: Workings, released: pd.DataFrame, settled: pd.DataFrame) -> pd.DataFrame:
    """The start-month view: share completed of those whose LI has ended, and within 26 weeks; settled or not."""
    shown = _select(released, "li_completion", "start").assign(is_settled=settled["is_settled"])
    spec = ChartSpec(
        chart="run", good="up", min_denominator=workings.record.settings.min_denominator, baseline_points=None
    )
    chart = build_chart_table(shown, spec)
    chart[["lower", "upper"]] = np.nan
    chart[["signal", "rules"]] = ""
    chart["in_baseline"] = False
    horizon = _select(released, "li_completion_26w", "start")
    names = {"numerator": "numerator_26w", "denominator": "denominator_26w", "value": "value_26w"}
    return chart[CHART_COLUMNS].assign(
        **{new: horizon[old] for old, new in names.items()},
        n_started=round_count(settled["n_started"]),
        n_open=round_count(settled["n_open"]),
    )

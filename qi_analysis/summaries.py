"""From results to a release: what a review says and shows, protected, as tables and sentences.

Verdicts and signals come from the true numbers; everything that is drawn or printed comes from the released ones.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from qi_analysis.chart_keys import build_marks
from qi_analysis.detection import describe_false_alarms, describe_months_to_signal
from qi_analysis.disclosure import protect_results, round_count
from qi_analysis.fairness import build_fairness
from qi_analysis.glance import build_glance
from qi_analysis.leaving import build_leaving
from qi_analysis.measure_charts import CHART_COLUMNS, build_charts, build_measure_facts, find_statistics, take_shown
from qi_analysis.measure_names import build_names
from qi_analysis.measure_words import build_measure_words
from qi_analysis.periods import Period
from qi_analysis.reasons import build_reasons
from qi_analysis.record_release import build_record
from qi_analysis.recording import build_recording_alarm
from qi_analysis.release import Release
from qi_analysis.review_facts import build_facts, build_words
from qi_analysis.settings import Record
from qi_analysis.spc import ChartSpec, build_chart_table
from qi_analysis.suggestion import build_suggestion_facts
from qi_analysis.trust import build_completeness, build_ledger, build_quality, build_strip, build_strip_pairs
from qi_analysis.wording import State, Verdict, build_verdict
from qi_analysis.workings import Workings

# Whole-service totals that are released exactly unless small; everything else is rounded to 5.
EXACT = ("li_completion", "M001", "M031", "M056", "M076", "M081", "M082")


def build_release(workings: Workings, published: Release, checked_on: Sequence[date] = ()) -> Release:
    """The protected aggregates and sentences of a review, the published figures with them.

    checked_on: the days on which the team has checked a change of recording (recording.read_recording_checks).
    """
    record = workings.record
    measure = next(block for block in record.measures if block.id == record.aim.measure)
    released = build_released_results(workings)
    cohort = build_settled_months(workings)
    charts = build_charts(workings, released, cohort)
    answers = {
        "leaving": build_leaving(workings, cohort),
        "reasons": build_reasons(workings),
        "fairness": build_fairness(workings),
    }
    true_chart, chart = charts.take(measure)
    words = build_measure_words(measure, build_names(record.completion.definitions))
    alarm = build_recording_alarm(workings, checked_on)
    verdict = build_verdict(true_chart, words, [alarm.sentence] if alarm.is_open else [])
    facts = build_facts(workings, measure) | {"team": build_record(workings, charts, str(verdict.state))}
    blocks = build_measure_facts(record, charts, facts)
    tables = _build_tables(workings, released, cohort) | dict(published.tables)
    tables |= {
        "chart": chart,
        "measure_charts": take_shown(charts, blocks),
        "glance": build_glance(charts.true, released, record.measures, find_statistics(record)),
    }
    tables |= {name: table for answer, _ in answers.values() for name, table in answer.items()}
    facts |= build_words(workings, (measure, words), chart, verdict, build_marks(facts, measure.id, chart)[1]) | {
        "left_out_months": charts.left_out,
        "measure_charts": blocks,
        "settled_to": _last_settled(cohort),
        "open": _count_open(workings),
        "recording": {"is_open": alarm.is_open, "what": alarm.what, "watch": list(alarm.watch)},
        **_describe_chance(workings.record, chart, verdict),
        **{name: told for name, (_, told) in answers.items()},
        "suggestions": build_suggestion_facts(charts.rows, record.measures, record),
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
        "strip_pairs": build_strip_pairs(workings),
    }


def _describe_chance(record: Record, chart: pd.DataFrame, verdict: Verdict) -> dict[str, str]:
    """How long until a rise would show (where there is no clear change), and how often chance looks like a change."""
    wanted = verdict.state in (State.STEADY, State.EARLY)
    people = chart["denominator"].median()
    return {
        "time_to_signal": describe_months_to_signal(chart) if wanted else "",
        "false_alarms": "" if pd.isna(people) else describe_false_alarms(record.settings.rules, people),
    }


def build_released_results(workings: Workings) -> pd.DataFrame:
    """Every result as it may be shared: decision 11, whole-service totals of EXACT exact unless small."""
    statistic = pd.Series(find_statistics(workings.record))
    strict = workings.record.settings.protection == "plain"
    exact = pd.Series({name: name in EXACT and not strict for name in statistic.index})
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

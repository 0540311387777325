"""From results to a release: what a review says and shows, protected, as tables and sentences.

Verdicts and signals come from the true numbers; everything that is drawn or printed comes from the released ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from qi_analysis.cells import TOTAL, Cells
from qi_analysis.chart_keys import build_marks
from qi_analysis.detection import describe_false_alarms, describe_months_to_signal
from qi_analysis.disclosure import protect_results
from qi_analysis.fairness import build_fairness
from qi_analysis.glance import build_glance
from qi_analysis.leaving import build_leaving
from qi_analysis.measure_charts import CHART_COLUMNS, build_charts, build_measure_facts, find_statistics, take_shown
from qi_analysis.measure_definitions import build_definitions
from qi_analysis.measure_names import build_names
from qi_analysis.measure_words import build_measure_words
from qi_analysis.periods import Period
from qi_analysis.plain_release import build_plain
from qi_analysis.protection import find_hidden
from qi_analysis.puzzle import Seen
from qi_analysis.reasons import build_reasons
from qi_analysis.record_release import build_record
from qi_analysis.recording import build_recording_alarm
from qi_analysis.release import Release
from qi_analysis.result_cells import (
    add_clock_sums,
    add_open_flows,
    add_result_sums,
    add_year_sums,
    build_count_names,
    hide_results,
    note_results,
)
from qi_analysis.review_facts import build_facts, build_words
from qi_analysis.settings import Record
from qi_analysis.spc import ChartSpec, build_chart_table
from qi_analysis.suggestion import build_suggestion_facts
from qi_analysis.trust import build_completeness, build_ledger, build_quality, build_strip, build_strip_pairs
from qi_analysis.wording import State, Verdict, build_verdict
from qi_analysis.workings import Workings
from qi_analysis.year_totals import find_hidden_years

# Whole-service totals that are released exactly unless small; everything else is rounded to 5.
EXACT = ("li_completion", "M001", "M031", "M056", "M076", "M081", "M082")

IDLE = "li_open_idle_120"


@dataclass(frozen=True)
class Counted:
    """Everything of a release that shows a count of its own; words and charts are made from it.

    answers: the tables and facts of the pages on leaving, reasons and fairness. still: people in treatment.
    """

    released: pd.DataFrame
    settled: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    answers: Mapping[str, tuple[dict[str, pd.DataFrame], dict[str, Any]]]
    still: Mapping[str, float | None]
    cells: Cells


def build_counted(workings: Workings, seen: Seen | None = None) -> Counted:
    """Counts as they may be shown: hidden until nobody can work out a small one (protection.find_hidden).

    seen: what earlier releases have shown, as read_ledger reads it.
    """
    cells = _count(workings, Cells()).cells
    moved = find_moved(cells.build(), None if seen is None else seen.counts)
    if moved:
        cells = _count(workings, Cells(moved=moved)).cells
    years = find_hidden_years(cells.build(), workings.period)
    return _count(workings, Cells(find_hidden(cells, seen, years), moved))


def find_moved(counts: pd.DataFrame, earlier: pd.DataFrame | None) -> frozenset[str]:
    """The names of counts that an earlier release showed exactly and that are another number now."""
    if earlier is None or earlier.empty:
        return frozenset()
    exact = earlier[earlier["low"] == earlier["high"]].merge(counts[["name", "true"]], on="name")
    return frozenset(exact.loc[(exact["true_x"] != exact["true_y"]) & (exact["true_x"] > 0), "name"])


def _count(workings: Workings, cells: Cells) -> Counted:
    released = build_released_results(workings, cells)
    settled = build_settled_months(workings)
    answers = {
        "leaving": build_leaving(workings, settled, cells),
        "reasons": build_reasons(workings, cells),
        "fairness": build_fairness(workings, cells),
    }
    tables = {
        "results": released,
        "cohort": _build_cohort(workings, released, settled, cells),
        "ledger": build_ledger(workings, cells),
        "quality": build_quality(workings.account, cells),
        "completeness": build_completeness(workings),
        "strip": build_strip(workings, cells),
        "strip_pairs": build_strip_pairs(workings, cells),
    }
    return Counted(released, settled, tables, answers, _count_open(workings, settled, cells), cells)


def build_release(
    workings: Workings, published: Release, checked_on: Sequence[date] = (), counted: Counted | None = None
) -> Release:
    """The protected aggregates and sentences of a review, the published figures with them.

    checked_on: the days on which the team has checked a change of recording (recording.read_recording_checks).
    counted: the counts as they may be shown, if they have been worked out before.
    """
    record, counted = workings.record, counted or build_counted(workings)
    measure = next(block for block in record.measures if block.id == record.aim.measure)
    charts = build_charts(workings, counted.released, counted.settled)
    true_chart, chart = charts.take(measure)
    words = build_measure_words(measure, build_names(record.completion.definitions))
    alarm = build_recording_alarm(workings, checked_on)
    verdict = build_verdict(true_chart, words, [alarm.sentence] if alarm.is_open else [])
    answers = {**counted.answers, "plain": build_plain(workings, counted.settled, verdict, counted.released)}
    facts = build_facts(workings, measure) | {"team": build_record(workings, charts, str(verdict.state))}
    blocks = build_measure_facts(record, charts, facts)
    tables = {**counted.tables, **published.tables, "chart": chart, "measure_charts": take_shown(charts, blocks)}
    tables["glance"] = build_glance(charts.true, counted.released, record.measures, find_statistics(record))
    tables |= {name: table for answer, _ in answers.values() for name, table in answer.items()}
    facts |= build_words(workings, (measure, words), chart, verdict, build_marks(facts, measure.id, chart)[1]) | {
        "left_out_months": charts.left_out,
        "measure_charts": blocks,
        "settled_to": _last_settled(counted.settled),
        "open": counted.still,
        "recording": {"is_open": alarm.is_open, "what": alarm.what, "watch": list(alarm.watch)},
        **_describe_chance(workings.record, chart, verdict),
        **{name: told for name, (_, told) in answers.items()},
        "suggestions": build_suggestion_facts(charts.rows, record.measures, record),
        **published.facts,
    }
    return Release(facts, tables)


def _describe_chance(record: Record, chart: pd.DataFrame, verdict: Verdict) -> dict[str, str]:
    """How long until a rise would show (where there is no clear change), and how often chance looks like a change."""
    wanted = verdict.state in (State.STEADY, State.EARLY)
    people = chart["denominator"].median()
    return {
        "time_to_signal": describe_months_to_signal(chart) if wanted else "",
        "false_alarms": "" if pd.isna(people) else describe_false_alarms(record.settings.rules, people),
    }


def build_released_results(workings: Workings, cells: Cells | None = None) -> pd.DataFrame:
    """Every result as it may be shared: decision 11, whole-service totals of EXACT exact unless small.

    Totals by the month LI began are rounded, since they change with every review until all have ended, and so is an exact
    total that was shown before and has changed: the difference of two exact numbers is a small count. Every count goes
    through `cells`; one that is hidden for the sake of others takes its value with it.
    """
    record, results, cells = workings.record, workings.results, cells or Cells()
    names = build_count_names(results, build_definitions(record.measures, record.completion.definitions))
    is_moved = np.isin(names.top, list(cells.moved)) | np.isin(names.bottom, list(cells.moved))
    may_be = record.settings.protection != "plain"
    is_exact = results["measure_id"].isin(EXACT) & (results["clock"] != "start") & ~is_moved & may_be
    released = protect_results(results, pd.Series(find_statistics(record)), is_exact)
    released = hide_results(released, names, cells.hidden)
    note_results(cells, results, released, names, is_exact)
    add_result_sums(cells, names, record.completion.team_choice)
    add_clock_sums(cells, names)
    add_open_flows(cells, names)
    add_year_sums(cells, names, workings.period)
    return released


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


def _count_open(workings: Workings, settled: pd.DataFrame, cells: Cells) -> dict[str, float | None]:
    """People still in LI treatment, and those of them with no seen contact for inactivity_days; rounded to 5."""
    referrals, contacts = workings.pathways.referrals, workings.pathways.contacts
    choice = f"exit_{workings.record.completion.team_choice}"
    is_open = (referrals[choice] == "open").to_numpy()
    seen = contacts[contacts["is_seen"].to_numpy()]
    last = seen.groupby("referral")["contact_on"].max().reindex(np.arange(len(referrals)))
    idle = pd.Timestamp(workings.period.end) - last > pd.Timedelta(days=workings.record.completion.inactivity_days)
    named = [f"open_episodes.as_at.{flag}@{workings.period.id}" for flag in ("li_open", IDLE)]
    cells.add_sums(named[:1], [named[1:]], is_least=True)
    cells.add_sums(named[:1], [[name] for name in _name_months("li_exit_open", settled)], is_wide=True)
    counts = cells.show(named, pd.Series([is_open.sum(), (is_open & idle.to_numpy()).sum()]), TOTAL)
    known = [None if pd.isna(number) else float(number) for number in counts]
    return {"people": known[0], "idle": known[1], "days": workings.record.completion.inactivity_days}


def _last_settled(cohort: pd.DataFrame) -> str:
    settled = cohort.loc[cohort["is_settled"], "interval_start"]
    return Period(settled.max().year, settled.max().month).words if len(settled) else "no month yet"


def _select(results: pd.DataFrame, measure_id: str, clock: str) -> pd.DataFrame:
    chosen = results[(results["measure_id"] == measure_id) & (results["clock"] == clock)]
    return chosen.reset_index(drop=True)


def _name_months(flag: str, settled: pd.DataFrame) -> list[str]:
    return list(f"episodes.li_start.{flag}@" + settled["interval_start"].dt.strftime("%Y-%m"))


def _build_cohort(workings: Workings, released: pd.DataFrame, settled: pd.DataFrame, cells: Cells) -> pd.DataFrame:
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
        n_started=cells.show(_name_months("li_started", settled), settled["n_started"], TOTAL),
        n_open=cells.show(_name_months("li_exit_open", settled), settled["n_open"]),
    )

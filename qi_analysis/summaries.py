"""From results to a release: what a review says and shows, protected, as tables and sentences.

Verdicts and signals come from the true numbers; everything that is drawn or printed comes from the released ones.
"""

from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qi_analysis.account import Account
from qi_analysis.benchmark import (
    LICENCE,
    build_benchmark,
    build_benchmark_chart,
    build_provider_spread,
    build_yearly_totals,
    describe_proxy,
    describe_spread,
    read_benchmark_settings,
)
from qi_analysis.checks import data_date
from qi_analysis.clean import Tables
from qi_analysis.codes import REFERENCE
from qi_analysis.disclosure import SMALLEST_BASE, protect_results, round_count
from qi_analysis.measures import read_definitions
from qi_analysis.pathways import Pathways
from qi_analysis.periods import Period, describe_day
from qi_analysis.record import Measure, Record
from qi_analysis.release import Release
from qi_analysis.spc import ChartSpec, build_chart_table
from qi_analysis.wording import (
    LI_COMPLETION_WORDS,
    Verdict,
    build_verdict,
    describe_chart,
    describe_people,
    describe_target,
    describe_title,
)

# Whole-service totals that are released exactly unless small; everything else is rounded to 5.
EXACT = ("li_completion", "M001", "M031", "M056", "M076", "M081", "M082")
STRIP = ("M081", "li_completion_ii", "li_completion_iii_4", "li_completion_iii_5", "li_completion_iii_6", "li_completion_iv")
STRIP_MONTHS = 12
CHART_COLUMNS = [
    "measure_id", "interval_start", "numerator", "denominator", "value", "is_hidden", "is_settled", "phase", "in_baseline",
    "is_drawn", "centre", "lower", "upper", "signal", "rules", "variation", "assurance", "trial", "target",
]  # fmt: skip
COMPLETENESS = {
    "end code of discharges": ("referrals", "end_code", "ended_on"),
    "source of referral": ("referrals", "source", ""),
    "gender": ("referrals", "gender", ""),
    "ethnic category": ("referrals", "ethnicity", ""),
    "deprivation": ("referrals", "deprivation", ""),
    "age": ("referrals", "age", ""),
    "attendance of contacts": ("contacts", "attendance", ""),
    "type of contacts": ("contacts", "type", ""),
    "how seen contacts took place": ("contacts", "medium", "is_seen"),
}
MOST_BLANK = 0.20  # more and the breakdown is not available


@dataclass(frozen=True)
class Workings:
    """Everything of one review that stays in the workshop."""

    record: Record
    period: Period
    tables: Tables
    account: Account
    pathways: Pathways
    results: pd.DataFrame
    is_synthetic: bool
    file_tables: list[str]


def build_release(workings: Workings, project: Path) -> Release:
    """The protected aggregates and sentences of a review."""
    record, period = workings.record, workings.period
    measure = next(block for block in record.measures if block.id == record.aim.measure)
    released = build_released_results(workings)
    cohort = build_settled_months(workings)
    true_chart, chart, left_out = _build_headline(workings, released, measure)
    verdict = build_verdict(true_chart, LI_COMPLETION_WORDS)
    tables = {
        "results": released,
        "chart": chart,
        "cohort": _build_cohort(workings, released, cohort),
        "ledger": _build_ledger(workings),
        "quality": _build_quality(workings.account),
        "completeness": _build_completeness(workings),
        "strip": _build_strip(workings),
        **_build_benchmark_tables(project)[0],
    }
    facts = _facts(workings, measure) | _words(workings, chart, verdict)
    facts |= {
        "left_out_months": left_out,
        "settled_to": _last_settled(cohort),
        "benchmark": _build_benchmark_tables(project)[1],
    }
    return Release(facts, tables)


def build_released_results(workings: Workings) -> pd.DataFrame:
    """Every result as it may be shared: settled 11, whole-service totals of EXACT exact unless small."""
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
    chart.loc[chart["is_hidden"].astype(bool), ["lower", "upper", "signal", "rules"]] = [np.nan, np.nan, "", ""]
    months = [Period(day.year, day.month).words for day in true.loc[refused, "interval_start"]]
    return true_chart, chart[CHART_COLUMNS], months


def _build_cohort(workings: Workings, released: pd.DataFrame, settled: pd.DataFrame) -> pd.DataFrame:
    """The start-month view: share completed of those whose LI has ended, and within 26 weeks; settled or not."""
    shown = _select(released, "li_completion", "start").assign(is_settled=settled["is_settled"])
    spec = ChartSpec(chart="run", good="up", min_denominator=workings.record.settings.min_denominator, baseline_points=None)
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


def _build_ledger(workings: Workings) -> pd.DataFrame:
    """Rows in, used, merged and set aside by file, rounded to 5; files are named by what they hold."""
    ledger = workings.account.build_ledger()
    counts = ["rows_in", "used", "merged", "set_aside"]
    return ledger[counts].apply(round_count).assign(table=workings.file_tables)[["table", *counts]]


def _build_quality(account: Account) -> pd.DataFrame:
    """Each cleaning rule that was used, with the rounded number of rows it touched in all fields of a table."""
    quality = account.build_quality()
    by_table = ["rule", "table", "treatment", "says", "why"]
    total = quality.groupby(by_table, sort=False, as_index=False)["rows"].sum()
    return total.assign(rows=round_count(total["rows"]))


def _build_completeness(workings: Workings) -> pd.DataFrame:
    """The share of blanks in each field over the 12 months to the period, in whole per cent on at least 20."""
    rows = []
    last = pd.Timestamp(workings.period.end)
    first = pd.Timestamp(workings.period.plus(1 - STRIP_MONTHS).start)
    frames = {"referrals": workings.pathways.referrals, "contacts": workings.pathways.contacts}
    days = {"referrals": "received_on", "contacts": "contact_on"}
    for words, (table, field, only) in COMPLETENESS.items():
        frame = frames[table]
        by = only if only.endswith("_on") else days[table]
        chosen = frame[frame[by].between(first, last).to_numpy()]
        if only and not only.endswith("_on"):
            chosen = chosen[chosen[only].to_numpy()]
        blank = chosen[field].isna().mean() if field in chosen and len(chosen) else np.nan
        share = np.floor(blank * 100 + 0.5) / 100 if len(chosen) >= SMALLEST_BASE else np.nan
        rows.append({"field": words, "blank_share": share, "is_recorded": field in frame})
    return pd.DataFrame(rows).assign(is_usable=lambda t: t["is_recorded"] & ~(t["blank_share"] > MOST_BLANK))


def _build_strip(workings: Workings) -> pd.DataFrame:
    """The definitions side by side over the last 12 months by end month, counts rounded to 5, the choice marked."""
    first = pd.Timestamp(workings.period.plus(1 - STRIP_MONTHS).start)
    results = workings.results
    chosen = results[results["clock"].isin(["end", "national"]) & (results["interval_start"] >= first)]
    total = chosen[chosen["measure_id"].isin(STRIP)].groupby("measure_id")[["numerator", "denominator"]].sum()
    total = total.reindex(list(STRIP)).apply(round_count)
    share = (total["numerator"] / total["denominator"]).where(total["denominator"] >= SMALLEST_BASE)
    choice = f"li_completion_{workings.record.completion.team_choice}"
    names = {one.measure_id: one.name for one in read_definitions()}
    return total.assign(
        value=share, name=[names[key] for key in total.index], is_choice=[key == choice for key in total.index]
    ).reset_index()


@cache
def _build_benchmark_tables(project: Path) -> tuple[dict[str, pd.DataFrame], list[dict[str, Any]]]:
    """(benchmark_points, benchmark_years; the words of each published proxy). Published figures, already protected."""
    settings = read_benchmark_settings(project / "benchmark.toml")
    results = build_benchmark(settings, REFERENCE)
    spread = build_provider_spread(settings, REFERENCE)
    parts, words = [], []
    columns = [name for name in CHART_COLUMNS if name not in ("is_hidden", "is_settled")]
    for proxy in settings.proxies:
        chart = build_benchmark_chart(results, proxy, settings)
        other = results[(results["measure_id"] == proxy.id) & (results["org"] == "comparator")]
        parts.append(chart[columns].assign(comparator=other["value"].to_numpy()))
        said = describe_proxy(chart, results, proxy, settings)
        words.append(asdict(said) | {"id": proxy.id, "spread": describe_spread(spread, proxy), "licence": LICENCE})
    years = build_yearly_totals(settings, REFERENCE)
    return {"benchmark_points": pd.concat(parts, ignore_index=True), "benchmark_years": years}, words


def _facts(workings: Workings, measure: Measure) -> dict[str, Any]:
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
        "measure": {"id": measure.id, "name": measure.name, "why": measure.why, "plain": measure.plain, "chart": measure.chart},
        "examples": [dict(example) for example in measure.examples],
        "rules": record.settings.rules,
        "min_denominator": record.settings.min_denominator,
        "protection": record.settings.protection,
        "phases": [{"on": p.from_.isoformat(), "words": describe_day(p.from_), "reason": p.reason} for p in record.phases],
        "events": [{"on": e.date.isoformat(), "letter": e.letter, "what": e.what} for e in record.events],
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


def _words(workings: Workings, chart: pd.DataFrame, verdict: Verdict) -> dict[str, Any]:
    """The sentences of the headline: the verdict from the true numbers, the rest from the released ones."""
    aim, words = workings.record.aim, LI_COMPLETION_WORDS
    marks = [f"{event.letter}: {event.what}" for event in workings.record.events]
    return {
        "verdict": {"state": str(verdict.state), "sentence": verdict.sentence, "reasons": list(verdict.reasons)},
        "people_sentence": describe_people(chart, words),
        "target_sentence": describe_target(chart, words, aim.target, aim.by),
        "chart_title": describe_title(chart, words, verdict),
        "chart_alt": describe_chart(chart, words, verdict, workings.record.measures[0].chart, marks),
    }

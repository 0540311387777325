"""From results to a release: counts protected, sentences written, the plain edition made.

Verdicts and signals come from the true numbers; everything that is drawn or printed comes from the released ones. In the
plain edition, whatever the team edition shows, counts of 1 to 7 are hidden, others rounded to 5, shares worked out from
these and none on fewer than 20 people (decision 11).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from qi_analysis.answers.chart_advice import build_suggestion_facts, describe_false_alarms, describe_months_to_signal
from qi_analysis.answers.fairness import build_fairness
from qi_analysis.answers.leaving import build_leaving, build_reasons
from qi_analysis.answers.measure_charts import (
    CHART_COLUMNS,
    NUMBERS,
    build_charts,
    build_glance,
    build_measure_facts,
    build_measure_words,
    find_statistics,
    take_shown,
)
from qi_analysis.answers.team import build_record
from qi_analysis.answers.trust import (
    build_completeness,
    build_ledger,
    build_quality,
    build_recording_alarm,
    build_strip,
    build_strip_pairs,
)
from qi_analysis.answers.workshop import Workings
from qi_analysis.charts.style import AXES, Key, Look, build_look, build_marks
from qi_analysis.charts.verdict import (
    State,
    Verdict,
    build_verdict,
    describe_chart,
    describe_people,
    describe_target,
    describe_title,
)
from qi_analysis.disclosure.counts import TOTAL, CountBook, protect_results
from qi_analysis.disclosure.protection import Seen, find_hidden
from qi_analysis.disclosure.result_counts import (
    add_clock_sums,
    add_open_flows,
    add_result_sums,
    add_year_sums,
    build_count_names,
    find_hidden_years,
    hide_results,
    note_results,
)
from qi_analysis.extract.clean import data_date
from qi_analysis.facts import (
    DefinitionFacts,
    EventFacts,
    Facts,
    FairnessFacts,
    Headline,
    LeavingFacts,
    Marked,
    MeasureFacts,
    OpenFacts,
    PhaseFacts,
    PlainFacts,
    ReasonsFacts,
    RecordingFacts,
    SettledFacts,
    TeamFacts,
    Terms,
    VerdictFacts,
)  # fmt: skip
from qi_analysis.measures.results import build_definitions
from qi_analysis.periods import Period, describe_day
from qi_analysis.phrases import HIDDEN, MeasureWords, describe_month, describe_tenths, upper_first
from qi_analysis.record.measure_blocks import build_names, find_statistic
from qi_analysis.record.settings import Measure, Record
from qi_analysis.release import PublishedFigures, Release
from qi_analysis.spc.chart import build_chart_table
from qi_analysis.spc.spec import ChartSpec

HEADLINE = "li_completion"  # has a people sentence of its own
PLAIN_WORDS = {  # the team's words and what stands for them, the longer ones first
    r"\bLI CBT\b": "Low Intensity CBT",
    r"\bLI\b": "Low Intensity CBT",
    r"\bHI\b": "longer therapy",
    r"\bsession(s?)\b": r"appointment\1",
    r"\bsettled month(s?)\b": r"month\1",
}
CHANGED = {
    State.EARLY: "We need more months to see that.",
    State.CANNOT_SAY: "We cannot tell until we have checked the figures.",
}
NOTHING_CHANGED = "We saw only the usual ups and downs."
VERDICTS = {
    State.MIXED: "The picture is mixed. Some months were better than usual, and some were worse.",
    State.CHANGED: "This has changed, and it is unlikely to be chance.",
}
# Whole-service totals that are released exactly unless small; everything else is rounded to 5.
EXACT = ("li_completion", "M001", "M031", "M056", "M076", "M081", "M082")
IDLE = "li_open_idle_120"


@dataclass(frozen=True)
class Counted:
    """Everything of a release that shows a count of its own; words and charts are made from it.

    still: people in treatment.
    """

    released: pd.DataFrame
    settled: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    leaving: LeavingFacts
    reasons: ReasonsFacts
    fairness: FairnessFacts
    still: OpenFacts
    book: CountBook


# The whole release, and one chart on true numbers for the workshop.
def build_release(
    workings: Workings, published: PublishedFigures, checked_on: Sequence[date] = (), counted: Counted | None = None
) -> Release:
    """The protected aggregates and sentences of a review, the published figures with them.

    checked_on: the days on which the team has checked a change of recording (trust.read_recording_checks).
    counted: the counts as they may be shown, if they have been worked out before.
    """
    record, counted = workings.record, counted or build_counted(workings)
    measure = record.aim_measure
    charts = build_charts(workings, counted.released, counted.settled)
    true_chart, chart = charts.take(measure)
    words = build_measure_words(measure, build_names(record.completion.definitions))
    alarm = build_recording_alarm(workings, checked_on)
    verdict = build_verdict(true_chart, words, [alarm.sentence] if alarm.is_open else [])
    marked = build_marked(workings, build_record(workings, charts, str(verdict.state)))
    headline = build_headline(workings, words, chart, verdict, build_marks(marked, measure.id, chart)[1])
    blocks = build_measure_facts(record, charts, marked)
    plain_tables, plain = build_plain(workings, counted.settled, verdict, counted.released)
    time_to_signal, false_alarms = _describe_chance(record, chart, verdict)
    tables = {**counted.tables, **published.tables, **plain_tables, "chart": chart}
    tables["measure_charts"] = take_shown(charts, blocks)
    tables["glance"] = build_glance(charts.true, counted.released, record.measures, find_statistics(record))
    facts = Facts(
        **vars(build_terms(workings)),
        **vars(headline),
        **vars(marked),
        **vars(published.facts),
        left_out_months=tuple(charts.left_out),
        measure_charts=blocks,
        settled_to=_last_settled(counted.settled),
        open=counted.still,
        recording=RecordingFacts(alarm.is_open, alarm.what, alarm.watch),
        time_to_signal=time_to_signal,
        false_alarms=false_alarms,
        leaving=counted.leaving,
        reasons=counted.reasons,
        fairness=counted.fairness,
        plain=plain,
        suggestions=build_suggestion_facts(charts.rows, record.measures, record),
    )
    return Release(facts, tables)


def _describe_chance(record: Record, chart: pd.DataFrame, verdict: Verdict) -> tuple[str, str]:
    """How long until a rise would show (where there is no clear change), and how often chance looks like a change."""
    wanted = verdict.state in (State.STEADY, State.EARLY)
    people = chart["denominator"].median()
    return (
        describe_months_to_signal(chart) if wanted else "",
        "" if pd.isna(people) else describe_false_alarms(record.settings.rules, people),
    )


def _last_settled(cohort: pd.DataFrame) -> str:
    settled = cohort.loc[cohort["is_settled"], "interval_start"]
    return Period(settled.max().year, settled.max().month).words if len(settled) else "no month yet"


def draw_exactly(workings: Workings, measure: Measure) -> tuple[pd.DataFrame, Look, Key]:
    """(chart table, look, key) of one measure on the true numbers: for the workshop, drawn as its page draws it."""
    record = workings.record
    charts = build_charts(workings, workings.results.assign(is_hidden=False), build_settled_months(workings))
    true, shown = charts.take(measure)
    words = build_measure_words(measure, build_names(record.completion.definitions))
    verdict = build_verdict(true, words)
    marked = build_marked(workings, build_record(workings, charts, str(verdict.state)))
    marks, key = build_marks(marked, measure.id, shown)
    alt = describe_chart(shown, words, verdict, measure.chart, [f"{sign}: {what}" for sign, what in key])
    is_aim = measure.id == record.aim.measure
    unit = AXES[find_statistic(measure, build_names(record.completion.definitions))]
    return shown, build_look(measure.id, alt, is_aim=is_aim, unit=unit, target=record.aim.target, marks=marks), key


# Every count of a release, as it may be shown.
def build_counted(workings: Workings, seen: Seen | None = None) -> Counted:
    """Counts as they may be shown: hidden until nobody can work out a small one (protection.find_hidden).

    seen: what earlier releases have shown, as read_ledger reads it.
    """
    book = _count(workings, CountBook()).book
    moved = find_moved(book.build(), None if seen is None else seen.counts)
    if moved:
        book = _count(workings, CountBook(moved=moved)).book
    years = find_hidden_years(book.build(), workings.period)
    return _count(workings, CountBook(find_hidden(book, seen, years), moved))


def find_moved(counts: pd.DataFrame, earlier: pd.DataFrame | None) -> frozenset[str]:
    """The names of counts that an earlier release showed exactly and that are another number now."""
    if earlier is None or earlier.empty:
        return frozenset()
    exact = earlier[earlier["low"] == earlier["high"]].merge(counts[["name", "true"]], on="name")
    return frozenset(exact.loc[(exact["true_x"] != exact["true_y"]) & (exact["true_x"] > 0), "name"])


def _count(workings: Workings, book: CountBook) -> Counted:
    released = build_released_results(workings, book)
    settled = build_settled_months(workings)
    leaving_tables, leaving = build_leaving(workings, settled, book)
    reasons_tables, reasons = build_reasons(workings, book)
    fairness_tables, fairness = build_fairness(workings, book)
    tables = (
        leaving_tables
        | reasons_tables
        | fairness_tables
        | {
            "results": released,
            "cohort": _build_cohort(workings, released, settled, book),
            "ledger": build_ledger(workings, book),
            "quality": build_quality(workings.account, book),
            "completeness": build_completeness(workings),
            "strip": build_strip(workings, book),
            "strip_pairs": build_strip_pairs(workings, book),
        }
    )
    still = _count_open(workings, settled, book)
    return Counted(released, settled, tables, leaving, reasons, fairness, still, book)


def build_released_results(workings: Workings, book: CountBook | None = None) -> pd.DataFrame:
    """Every result as it may be shared: decision 11, whole-service totals of EXACT exact unless small.

    Totals by the month LI began are rounded, since they change with every review until all have ended, and so is an exact
    total that was shown before and has changed: the difference of two exact numbers is a small count. Every count is
    noted in `book`; one that is hidden for the sake of others takes its value with it.
    """
    record, results, book = workings.record, workings.results, book or CountBook()
    names = build_count_names(results, build_definitions(record.measures, record.completion.definitions))
    is_moved = np.isin(names.top, list(book.moved)) | np.isin(names.bottom, list(book.moved))
    may_be = record.settings.protection != "plain"
    is_exact = results["measure_id"].isin(EXACT) & (results["clock"] != "start") & ~is_moved & may_be
    released = protect_results(results, pd.Series(find_statistics(record)), is_exact)
    released = hide_results(released, names, book.hidden)
    note_results(book, results, released, names, is_exact)
    add_result_sums(book, names, record.completion.team_choice)
    add_clock_sums(book, names)
    add_open_flows(book, names)
    add_year_sums(book, names, workings.period)
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


def _count_open(workings: Workings, settled: pd.DataFrame, book: CountBook) -> OpenFacts:
    """People still in LI treatment, and those of them with no seen contact for inactivity_days; rounded to 5."""
    referrals, contacts = workings.pathways.referrals, workings.pathways.contacts
    choice = f"exit_{workings.record.completion.team_choice}"
    is_open = (referrals[choice] == "open").to_numpy()
    seen = contacts[contacts["is_seen"].to_numpy()]
    last = seen.groupby("referral")["contact_on"].max().reindex(np.arange(len(referrals)))
    idle = pd.Timestamp(workings.period.end) - last > pd.Timedelta(days=workings.record.completion.inactivity_days)
    named = [f"open_episodes.as_at.{flag}@{workings.period.id}" for flag in ("li_open", IDLE)]
    book.add_sums(named[:1], [named[1:]], is_least=True)
    book.add_sums(named[:1], [[name] for name in _name_months("li_exit_open", settled)], is_wide=True)
    counts = book.show(named, pd.Series([is_open.sum(), (is_open & idle.to_numpy()).sum()]), TOTAL)
    known = [None if pd.isna(number) else float(number) for number in counts]
    return OpenFacts(known[0], known[1], workings.record.completion.inactivity_days)


def _name_months(flag: str, settled: pd.DataFrame) -> list[str]:
    return list(f"episodes.li_start.{flag}@" + settled["interval_start"].dt.strftime("%Y-%m"))


def _build_cohort(workings: Workings, released: pd.DataFrame, settled: pd.DataFrame, book: CountBook) -> pd.DataFrame:
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
        n_started=book.show(_name_months("li_started", settled), settled["n_started"], TOTAL),
        n_open=book.show(_name_months("li_exit_open", settled), settled["n_open"]),
    )


def _select(results: pd.DataFrame, measure_id: str, clock: str) -> pd.DataFrame:
    chosen = results[(results["measure_id"] == measure_id) & (results["clock"] == clock)]
    return chosen.reset_index(drop=True)


# The facts of a review: its settings and dates as they are printed, its marks, the sentences of the headline.
def build_terms(workings: Workings) -> Terms:
    """Settings and dates of the review, as words where they are printed."""
    record, period, completion = workings.record, workings.period, workings.record.completion
    measure, data_to = record.aim_measure, data_date(workings.tables, period)
    return Terms(
        period=period.id,
        period_words=period.words,
        as_at_words=describe_day(period.end),
        data_date=data_to.isoformat(),
        data_date_words=describe_day(data_to),
        data_kind="synthetic" if workings.is_synthetic else "service",
        project=record.title,
        started_words=describe_day(record.started),
        population=record.aim.population,
        direction=record.aim.direction,
        target=record.aim.target,
        target_by_words=describe_day(record.aim.by) if record.aim.by else "",
        examples=tuple(dict(example) for example in measure.examples),
        rules=record.settings.rules,
        min_denominator=record.settings.min_denominator,
        protection=record.settings.protection,
        definition=DefinitionFacts(
            version=completion.version,
            agreed_words=describe_day(completion.agreed_on),
            reason=completion.reason,
            choice=completion.team_choice,
            name=completion.definitions[completion.team_choice].name,
        ),
        settled_rule=SettledFacts(**asdict(completion.settled)),
        highest_unknown_share=completion.highest_unknown_share,
    )


def build_marked(workings: Workings, team: TeamFacts) -> Marked:
    """What the marks of the charts come from."""
    record, measure = workings.record, workings.record.aim_measure
    return Marked(
        measure=MeasureFacts(measure.id, measure.name, measure.why, measure.plain, measure.chart),
        events=tuple(EventFacts(one.date.isoformat(), one.letter, one.what, one.could_affect) for one in record.events),
        phases=tuple(PhaseFacts(one.from_.isoformat(), describe_day(one.from_), one.reason) for one in record.phases),
        team=team,
    )


def build_headline(
    workings: Workings, words: MeasureWords, chart: pd.DataFrame, verdict: Verdict, marks: Sequence[tuple[str, str]]
) -> Headline:
    """The sentences of the headline: the verdict from the true numbers, the rest from the released ones.

    words: those of its measure. marks: the key of its chart.
    """
    aim, kind = workings.record.aim, workings.record.aim_measure.chart
    return Headline(
        verdict=VerdictFacts(str(verdict.state), verdict.sentence, tuple(verdict.reasons)),
        people_sentence=describe_people(chart, words),
        target_sentence=describe_target(chart, words, aim.target, aim.by),
        chart_title=describe_title(chart, words, verdict),
        chart_alt=describe_chart(chart, words, verdict, kind, [f"{sign}: {what}" for sign, what in marks]),
    )


# The plain edition: the headline protected strictly, and its sentences in plain words.
def build_plain(
    workings: Workings, cohort: pd.DataFrame, verdict: Verdict, team: pd.DataFrame
) -> tuple[dict[str, pd.DataFrame], PlainFacts]:
    """(table plain_chart, the sentences of the plain edition).

    cohort: see build_settled_months. team: the results as the team edition shows them; what is hidden there is hidden here.
    """
    record = workings.record
    measure = record.aim_measure
    chart = _build_chart(workings, measure, cohort, team)
    words = _build_words(measure, build_measure_words(measure, build_names(record.completion.definitions)))
    return {"plain_chart": chart}, PlainFacts(
        verdict=describe_plain_verdict(verdict),
        people=describe_plain_people(chart)
        if measure.id == HEADLINE
        else describe_plainly(describe_people(chart, words)),
        changed=CHANGED.get(verdict.state) or describe_plainly(" ".join(verdict.reasons)) or NOTHING_CHANGED,
        target=describe_plainly(describe_target(chart, words, record.aim.target, record.aim.by)),
        question=describe_plainly(measure.plain),
        population=describe_plainly(record.aim.population),
        chart_title=describe_plainly(describe_title(chart, words, verdict)),
        chart_alt=describe_plainly(describe_chart(chart, words, verdict, "plain")),
    )


def _build_chart(workings: Workings, measure: Measure, cohort: pd.DataFrame, team: pd.DataFrame) -> pd.DataFrame:
    """The headline's chart table, every number of it protected strictly; signals are those of the true numbers."""
    needed = workings.results["measure_id"].isin([measure.id, "li_unknown_ending"])
    results = workings.results[needed].reset_index(drop=True)
    only = replace(workings, record=replace(workings.record, measures=(measure,)), results=results)
    statistic = pd.Series(find_statistics(workings.record))
    released = protect_results(results, statistic, pd.Series(False, index=results.index))
    is_hidden = team.loc[needed, "is_hidden"].to_numpy()
    released.loc[is_hidden, NUMBERS] = float("nan")
    released["is_hidden"] |= is_hidden
    return build_charts(only, released, cohort).take(measure)[1]


def _build_words(measure: Measure, words: MeasureWords) -> MeasureWords:
    """The words of the headline without initials."""
    told = {name: describe_plainly(getattr(words, name)) for name in ("people", "higher", "lower")}
    return replace(words, name=describe_plainly(measure.name), **told)


def describe_plainly(text: str) -> str:
    """A sentence with the team's short names written out: "LI CBT" is "Low Intensity CBT", a session an appointment."""
    for short, plain in PLAIN_WORDS.items():
        text = re.sub(short, plain, text)
    return text


def describe_plain_verdict(verdict: Verdict) -> str:
    """The verdict in short sentences. What nothing can be said of keeps its reason, without figures."""
    if verdict.state == State.CANNOT_SAY:
        why = " ".join(f"{upper_first(reason.partition(':')[0].rstrip('.'))}." for reason in verdict.reasons)
        return describe_plainly(f"We cannot say this month. {why}")
    return describe_plainly(VERDICTS.get(verdict.state, verdict.sentence))


def describe_plain_people(chart: pd.DataFrame) -> str:
    """The latest settled month in people, from the released numbers; says so when it is hidden or too small."""
    settled = chart[chart["is_settled"].astype(bool)]
    if settled.empty:
        return "We do not have a whole month of figures yet."
    row = settled.iloc[-1]
    month = describe_month(row["interval_start"])
    if bool(row["is_hidden"]):
        return f"The figure for {month} is {HIDDEN}."
    if pd.isna(row["value"]) or not row["is_drawn"]:
        return f"We cannot give a figure for {month}."
    told = f"In {month}, treatment ended for about {row['denominator']:,.0f} people."
    share = describe_tenths(row["numerator"], row["denominator"])
    return f"{told} About {row['numerator']:,.0f} of them had completed it. That is {share.removesuffix(' of the')}."

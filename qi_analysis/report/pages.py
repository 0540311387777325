"""The pages of the review: each function answers one question from a release, and from nothing else.

A notebook cell calls one of them and shows what it returns. Words and numbers were worked out before; here they
are put in order.
"""

import pandas as pd

from qi_analysis.charts.control_chart import render_control_chart
from qi_analysis.charts.style import Look, build_look, build_marks
from qi_analysis.facts import Facts
from qi_analysis.phrases import HIDDEN, describe_month, upper_first
from qi_analysis.release import Release
from qi_analysis.report.aim import (
    describe_need,
    describe_testing,
    show_aim,
    show_plain_aim,
    show_plain_answer,
    show_plain_completion,
    show_plain_leaving,
)
from qi_analysis.report.benchmark import show_benchmark, show_benchmark_years, show_standing
from qi_analysis.report.cycles import show_plain_tests, show_tests
from qi_analysis.report.html import (
    Html,
    count,
    dashed,
    list_ranges,
    or_words,
    percent,
    render_card,
    render_figure,
    render_notes,
)
from qi_analysis.report.leaving import show_leaving, show_reasons
from qi_analysis.report.measures import show_balancing, show_fairness, show_glance, show_process, show_suggestions
from qi_analysis.report.team import (
    show_actions,
    show_method,
    show_new,
    show_plain_new,
    show_plain_stories,
    show_stories,
)
from qi_analysis.report.trust import show_checks, show_numbers

__all__ = [
    "show_actions", "show_aim", "show_answer", "show_balancing", "show_benchmark", "show_benchmark_years", "show_chart_rules",
    "show_checks", "show_completion", "show_completion_chart", "show_fairness", "show_glance", "show_leaving", "show_method",
    "show_new", "show_plain_aim", "show_plain_answer", "show_plain_completion", "show_plain_leaving", "show_plain_new",
    "show_plain_stories", "show_plain_tests", "show_process", "show_published", "show_reasons", "show_standing",
    "show_starters_chart", "show_stories", "show_suggestions", "show_tests", "show_trust",
]  # fmt: skip
NOT_ENOUGH = "too few people to draw"
RULE_WORDS = {
    "making_data_count": "Making Data Count: a point outside the usual range; 7 points in a row on one side of the "
    "average; 7 points in a row rising or falling; 2 of 3 points close to the edge of the usual range",
    "ihi": "IHI: a point outside the usual range; 8 points in a row on one side of the average; 6 points in a row "
    "rising or falling; 2 of 3 points close to the edge of the usual range",
    "anhoej": "Anhoej: a run that is unusually long, or too few crossings of the median, for the number of points",
}


def show_answer(release: Release) -> Html:
    """Are we getting better? The verdict, the people sentence, three points and the dates."""
    facts = release.facts
    verdict = facts.verdict
    changed = (
        " ".join(upper_first(reason.rstrip(".")) + "." for reason in verdict.reasons)
        or "Nothing beyond the usual ups and downs."
    )
    if facts.time_to_signal:
        changed += f" {facts.time_to_signal}"
    points = [
        ("What changed", changed),
        ("What we are testing", describe_testing(facts)),
        ("What we need", describe_need(facts)),
    ]
    dates = [("Data to", facts.data_date_words), ("Months of starters settled to", facts.settled_to)]
    return render_card(verdict.sentence, facts.people_sentence, points, dates)


def show_completion(release: Release) -> Html:
    """Are more people completing? The control chart and how to read it."""
    return Html(show_completion_chart(release) + show_chart_rules(release))


def show_published(release: Release) -> Html:
    """What do the published figures say? Month by month, then year by year."""
    return Html(show_benchmark(release) + show_benchmark_years(release))


def show_completion_chart(release: Release) -> Html:
    """Are more people completing? The control chart by the month LI ended, with its table."""
    facts, chart = release.facts, release.tables["chart"]
    marks, key = build_marks(facts, facts.measure.id, chart)
    look = build_look(facts.measure.id, facts.chart_alt, is_aim=True, target=facts.target, marks=marks)
    about = "People completing LI CBT, by the month it ended"
    return render_figure(
        render_control_chart(chart, look), facts.chart_title + ".", about, _chart_table(chart, facts), key
    )


def _chart_table(chart: pd.DataFrame, facts: Facts) -> pd.DataFrame:
    left_out = set(facts.left_out_months)
    months = [describe_month(day) for day in chart["interval_start"]]
    state = [
        HIDDEN
        if hidden
        else "not drawn: too many endings are not known"
        if month in left_out
        else ""
        if drawn
        else NOT_ENOUGH
        for hidden, drawn, month in zip(chart["is_hidden"], chart["is_drawn"], months, strict=True)
    ]
    return pd.DataFrame(
        {
            "Month": months,
            "Completed": or_words(chart["numerator"], state, count),
            "LI ended": or_words(chart["denominator"], state, count),
            "Share": or_words(chart["value"], state, percent),
            "Usual range": list_ranges(chart["lower"], chart["upper"]),
            "Signal": [rules or "none" for rules in chart["rules"].fillna("")],
        }
    )


def show_chart_rules(release: Release) -> Html:
    """How to read the chart: what counts, which rules, which months are left out, which baseline."""
    facts, chart = release.facts, release.tables["chart"]
    base = chart.loc[chart["in_baseline"], "interval_start"]
    lines = [
        f"Counted: {facts.definition.name} (definition {dashed(facts.definition.choice)}, version "
        f"{facts.definition.version}).",
        "Each month counts the people whose LI CBT ended in it. People still in treatment are not counted as having "
        "left. People who were stepped up or who died are counted apart.",
        f"Rules: {RULE_WORDS[facts.rules]}.",
        f"A month with fewer than {facts.min_denominator} people is not drawn.",
    ]
    if len(base):
        span = f"{len(base)} months, {describe_month(base.min())} to {describe_month(base.max())}"
        lines.append(f"The average and the usual range come from {span}, and stay fixed after that.")
    if facts.left_out_months:
        why = f"more than {percent(facts.highest_unknown_share)} of endings are not known"
        lines.append(f"Not drawn, because {why}: {', '.join(facts.left_out_months)}.")
    lines += [text for text in (facts.false_alarms,) if text]
    still = facts.open
    people, idle = (HIDDEN if number is None else f"about {count(number)}" for number in (still.people, still.idle))
    lines.append(
        f"Still in LI treatment: {people}. With no contact for {still.days} days, so perhaps left without a "
        f"record of it: {idle}. They stay counted as in treatment."
    )
    return render_notes(lines)


def show_starters_chart(release: Release) -> Html:
    """The same question by the month LI began: unsettled months hollow, outside every rule."""
    cohort = release.tables["cohort"]
    settled = cohort[cohort["is_settled"] & cohort["value"].notna()]
    finding = _describe_cohort(settled)
    unsettled = int((~cohort["is_settled"]).sum())
    later = f"The last {unsettled} months are not settled yet."
    alt = f"Run chart of people completing LI CBT by the month they began. {finding} {later}"
    look = Look("starters", alt, size="small", centre="median")
    months = [describe_month(day) for day in cohort["interval_start"]]
    state = [HIDDEN if hidden else NOT_ENOUGH for hidden in cohort["is_hidden"]]
    table = pd.DataFrame(
        {
            "Month LI began": months,
            "Completed": or_words(cohort["numerator"], state, count),
            "Ended so far": or_words(cohort["denominator"], state, count),
            "Share": or_words(cohort["value"], state, percent),
            "Settled": ["yes" if settled else "not settled yet" for settled in cohort["is_settled"]],
            "Completed within 26 weeks": [
                _within(top, bottom, share)
                for top, bottom, share in zip(
                    cohort["numerator_26w"], cohort["denominator_26w"], cohort["value_26w"], strict=True
                )
            ],
        }
    )
    return render_figure(
        render_control_chart(cohort, look), finding, "People completing LI CBT, by the month it began", table
    )


def _describe_cohort(settled: pd.DataFrame) -> str:
    if settled.empty:
        return "No month of starters is settled yet."
    top, bottom = settled["numerator"].iloc[-12:].sum(), settled["denominator"].iloc[-12:].sum()
    months = min(12, len(settled))
    return (
        f"By the month people began: of the last {months} settled months, {percent(top / bottom)} completed "
        f"({count(top)} of {count(bottom)} whose LI CBT has ended)."
    )


def _within(top: float, bottom: float, share: float) -> str:
    return (
        "" if bottom == 0 else HIDDEN if pd.isna(share) else f"{percent(share)} (about {count(top)} of {count(bottom)})"
    )


def show_trust(release: Release) -> Html:
    """Can we trust these numbers? The rows behind them, what they mean, and whether each chart suits its measure."""
    return Html(show_numbers(release) + show_suggestions(release))

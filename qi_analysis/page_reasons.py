"""The page "Why do people leave?", from a release and from nothing else."""

from textwrap import fill
from typing import Any

import pandas as pd

from qi_analysis.bars import render_bars
from qi_analysis.chart_style import Look
from qi_analysis.fragments import Html, render_figure, render_notes, render_table
from qi_analysis.page_words import hidden_or, percent
from qi_analysis.phrases import HIDDEN, describe_counts, describe_share, upper_first
from qi_analysis.release import Release

NAME_LETTERS = 36  # letters of a reason on one line beside its bar
STATE_WORDS = {
    "better": "Left early, and better",
    "not_better": "Left early, and not better",
    "cannot_tell": "Left early, we cannot tell",
}


def show_reasons(release: Release) -> Html:
    """Why do people leave? Recorded reasons by size, then how those who left early were."""
    facts = release.facts["reasons"]
    reasons = show_reason_bars(release.tables["reasons"], facts)
    return Html(reasons + show_scores(release.tables["reasons_scores"], facts))


def show_reason_bars(reasons: pd.DataFrame, facts: Any) -> Html:
    """The reasons as bars with their table: "not recorded" first, then by size."""
    span = f"{facts['months'][0]} to {facts['months'][1]}"
    if reasons.empty:
        return render_notes([f"Nobody's LI CBT ended without being completed, {span}."], "Recorded reasons")
    values = reasons["people"].set_axis([fill(reason, NAME_LETTERS) for reason in reasons["reason"]])
    notes = [
        HIDDEN if pd.isna(people) else f"{people:,.0f}" + ("" if pd.isna(share) else f" ({percent(share)})")
        for people, share in zip(reasons["people"], reasons["share"], strict=True)
    ]
    finding = _find_reasons(reasons)
    svg = render_bars(
        values, notes, Look("leaving-reasons", f"Bars of recorded reasons by size, {span}. {finding}", unit="people")
    )
    table = pd.DataFrame(
        {
            "Recorded reason": [upper_first(reason) for reason in reasons["reason"]],
            "People": [hidden_or(n) for n in reasons["people"]],
            "Share": [HIDDEN if pd.isna(v) else percent(v) for v in reasons["share"]],
            "This and the rows above": [HIDDEN if pd.isna(v) else percent(v) for v in reasons["running_share"]],
        }
    )
    lines = [
        f"Everyone whose LI CBT ended from {span} without being completed: {hidden_or(reasons['total'].iloc[0])} people. "
        "People who were stepped up, who died or who are still in treatment are not among them.",
        "A reason is the end code of the referral, chosen by whoever closed it. It is not in the person's own words.",
        f"Counts are rounded to the nearest 5, so shares need not add up; counts of 1 to 7 are {HIDDEN}, and reasons that "
        "small are counted together.",
    ]
    return Html(render_figure(svg, finding, "Recorded reasons, by size", table) + render_notes(lines))


def _find_reasons(reasons: pd.DataFrame) -> str:
    """The finding: the largest recorded reason, and how often none is recorded."""
    total, missing = reasons["total"].iloc[0], reasons["people"].iloc[0]
    blank = HIDDEN if pd.isna(missing) or pd.isna(total) else describe_counts(missing, total)
    unknown = f"No reason is known for {blank}."
    if len(reasons) < 2 or pd.isna(reasons["people"].iloc[1]) or pd.isna(total):
        return unknown
    largest = reasons.iloc[1]
    words = f'The most common recorded reason is "{largest["reason"]}" ({describe_counts(largest["people"], total)}).'
    return f"{words} {unknown}"


def show_scores(scores: pd.DataFrame, facts: Any) -> Html:
    """Left and better, left and not better, cannot tell."""
    total = scores["total"].iloc[0]
    table = pd.DataFrame(
        {
            "How they were": [STATE_WORDS[state] for state in scores["state"]],
            "People": [hidden_or(n) for n in scores["people"]],
            "Share": [HIDDEN if pd.isna(v) else percent(v) for v in scores["share"]],
        }
    )
    better = scores.set_index("state")["people"]["better"]
    if pd.isna(better) or pd.isna(total) or not total:
        finding = f"How many people who left early were better is {HIDDEN}." if total != 0 else "Nobody left early."
    else:
        share = describe_share(better, total).replace(" people ", " people who left early ", 1)
        finding = f"{upper_first(share)} were better when they left."
    note = (
        "Better: the first and last recorded scores show reliable improvement (PHQ-9, for depression, down by 6 or "
        "more, or GAD-7, for anxiety, by 4 or "
        "more, and neither up by as much). Not better holds those with no such change and those who were worse. We cannot "
        "tell without two scores of one questionnaire."
    )
    caption = f"People who left early, {facts['months'][0]} to {facts['months'][1]}: how they were"
    return Html(
        render_notes([finding, "Leaving early is not always bad."], "How were they?")
        + render_table(table, caption, note)
    )

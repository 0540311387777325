"""The pages "When do people leave?" and "Why do people leave?", from a release and from nothing else."""

from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd

from qi_analysis.charts.bars import Part, render_bars, render_parts
from qi_analysis.charts.incidence import Curve, render_incidence
from qi_analysis.charts.style import BAND, INK, SHAPES, TARGET, Look
from qi_analysis.facts import ChangeFacts, LeavingFacts, ReasonsFacts
from qi_analysis.phrases import HIDDEN, calculate_nearest, describe_counts, describe_share, upper_first
from qi_analysis.release import Release
from qi_analysis.report.html import Html, hidden_or, percent, render_figure, render_notes, render_table

BLUE, ORANGE, PURPLE = (SHAPES[way][1] for way in ("good", "bad", "neutral"))
WHITE = "#ffffff"
PARTS = (
    Part("left_early", "left early after this session", ORANGE, "////"),
    Part("another_way", "ended in another way", PURPLE, "----"),
    Part("completed", "completed with this session", BLUE),
    Part("stepped_up", "stepped up", TARGET, "xxxx"),
    Part("open", "still in treatment, this was the latest", WHITE, "", INK),
    Part("next", "came to another session", BAND, "", INK),
)
CURVES = (
    Curve("share_completed", "completed", BLUE, "-", "o"),
    Curve("share_left_early", "left early", ORANGE, (0, (5, 2)), "s"),
    Curve("share_another_way", "ended another way", PURPLE, (0, (1, 1.5)), "^"),
    Curve("share_stepped_up", "stepped up", TARGET, (0, (6, 2, 1, 2)), "D"),
)
CHANGE_CURVES = (
    Curve("share_completed_after", "completed, after", BLUE, "-", "o"),
    Curve("share_completed_before", "completed, before", BLUE, (0, (1, 1.5)), "^"),
    Curve("share_left_early_after", "left early, after", ORANGE, "-", "s"),
    Curve("share_left_early_before", "left early, before", ORANGE, (0, (1, 1.5)), "D"),
)
MEANING = (
    "Left early: recorded as having left before it was planned, or as having decided not to take up the offer. Ended in "
    "another way: the ending is not known, is of another kind, or was planned but came too soon to count as completed."
)
FEWEST_WEEKS = 5  # weeks 0 to 4
ROUNDED = f"Counts are rounded to the nearest 5, so parts need not add up; counts of 1 to 7 are {HIDDEN} and not drawn."
NAME_LETTERS = 36  # letters of a reason on one line beside its bar
STATE_WORDS = {
    "better": "Left early, and better",
    "not_better": "Left early, and not better",
    "cannot_tell": "Left early, we cannot tell",
}


# When do people leave?
def show_leaving(release: Release) -> Html:
    """When do people leave? By session, by week since LI began, and before and after the latest change."""
    facts = release.facts.leaving
    weeks = release.tables["leaving_weeks"]
    sessions = show_sessions(release.tables["leaving_sessions"], facts)
    return Html(sessions + show_weeks(weeks[weeks["group"] == "all"], facts) + show_change(weeks, facts))


def show_sessions(sessions: pd.DataFrame, facts: LeavingFacts) -> Html:
    """Session by session: who came, who left early after it, who completed, who is still going."""
    if not facts.n_months:
        return render_notes(
            ["No month of people who began LI CBT is settled yet, so we cannot show this."], "By session"
        )
    about = "LI sessions: who came, and what came next"
    bars = sessions.set_axis(_name_sessions(sessions))
    alt = f"Bars of people by LI session. {_find_sessions(sessions)} {_find_last_leaving(sessions)}"
    svg = render_parts(bars, PARTS, Look("leaving-sessions", alt, unit="people"))
    columns = {"came": "Came", **{part.column: upper_first(part.words) for part in PARTS}}
    table = pd.DataFrame({words: [hidden_or(n) for n in sessions[name]] for name, words in columns.items()})
    table.insert(0, "LI session", _name_sessions(sessions))
    figure = render_figure(svg, _find_sessions(sessions), about, table)
    who = f"Everyone who began LI CBT in the {facts.n_months} latest settled months, {' to '.join(facts.months)}."
    still = (
        "People still in treatment are not counted as having left. Sessions after a step-up are not LI sessions here."
    )
    return Html(figure + render_notes([who, MEANING, still, ROUNDED]))


def _name_sessions(sessions: pd.DataFrame) -> list[str]:
    return [f"session {name}" for name in sessions["session"]]


def _find_sessions(sessions: pd.DataFrame) -> str:
    """The finding: how many came to a second session, how many left early after the first one."""
    came, after, left = sessions["came"].iloc[0], sessions["next"].iloc[0], sessions["left_early"].iloc[0]
    if pd.isna(came) or pd.isna(after):
        return f"How many came to a second session is {HIDDEN}."
    second = f"{describe_share(after, came)} who came to a first LI session came to a second."
    return second if pd.isna(left) else f"{second} About {left:,.0f} left early after the first one."


def _find_last_leaving(sessions: pd.DataFrame) -> str:
    left = sessions["left_early"].iloc[1:].sum()
    return f"About {left:,.0f} left early later." if left else ""


def show_weeks(weeks: pd.DataFrame, facts: LeavingFacts) -> Html:
    """Week by week since LI began: completed, left early, ended in another way, stepped up."""
    who = f"Everyone who began LI CBT from {facts.since_words} to {facts.last_words}."
    known = weeks[[curve.column for curve in CURVES]].notna().any(axis=1)
    weeks = weeks[: int(np.flatnonzero(known).max(initial=-1)) + 1]
    if len(weeks) < FEWEST_WEEKS:
        return render_notes([who, "Too few people have been followed for long enough to draw curves."], "By week")
    last = weeks.iloc[-1]
    told = ", ".join(f"{percent(last[c.column])} {c.words}" for c in CURVES if not pd.isna(last[c.column]))
    finding = f"{last['week']} weeks after they began: {told} (of about {last['people']:,.0f} people)."
    look = Look("leaving-weeks", f"Step curves by week since LI began. {finding}")
    svg = render_incidence(weeks, CURVES, {"all": weeks["at_risk"]}, look)
    how = (
        "The ends compete: who has completed cannot leave any more. People still in treatment are followed to "
        f"{facts.last_words} and not counted as having left (method of Aalen and Johansen). People who died are "
        "counted apart and not drawn."
    )
    estimate = (
        "While some are still in treatment a share is an estimate; the number beside it is that share of all who began."
    )
    figure = render_figure(svg, finding, "What has happened by each week since LI began", _table_weeks(weeks))
    return Html(figure + render_notes([who, how, estimate, MEANING, ROUNDED]))


def _table_weeks(weeks: pd.DataFrame) -> pd.DataFrame:
    """Each week with its shares and counts as drawn."""
    columns: dict[str, Any] = {"Week": [str(week) for week in weeks["week"]]}
    for curve in CURVES:
        pairs = zip(weeks[curve.column], weeks[curve.column.removeprefix("share_")], strict=True)
        name = upper_first(curve.words)
        columns[name] = [HIDDEN if pd.isna(share) else f"{percent(share)} ({people:,.0f})" for share, people in pairs]
    return pd.DataFrame(columns | {"Still in treatment": [hidden_or(n) for n in weeks["at_risk"]]})


def show_change(weeks: pd.DataFrame, facts: LeavingFacts) -> Html:
    """Before and after the latest change with equal follow-up; a sentence where no date allows it."""
    change = facts.change
    if change is None:
        words = (
            f"No phase, event or start of the project has 13 weeks of people before and after it who have been followed "
            f"for {facts.weeks} weeks. Dates come from the record: events and phases."
        )
        return render_notes([words], "Before and after")
    sides = {name: weeks[weeks["group"] == name].reset_index(drop=True) for name in ("before", "after")}
    keys = ["share_completed", "share_left_early"]
    drawn = sides["before"][["week"]].assign(**{f"{key}_{side}": sides[side][key] for side in sides for key in keys})
    finding = f"People who began before and after {change.on_words} ({change.what}), followed for {change.weeks} weeks."
    said = [_describe_sides(sides, change, name) for name in ("completed", "left_early")]
    last = drawn.iloc[-1]
    ends = [f"{c.words} {percent(last[c.column])}" for c in CHANGE_CURVES if not pd.isna(last[c.column])]
    where = f"before and after {change.on_words}"
    alt = f"Step curves by week since LI began, {where}. In week {last['week']:.0f}: {'; '.join(ends) or HIDDEN}."
    at_risk = {name: sides[name]["at_risk"] for name in sides}
    svg = render_incidence(drawn, CHANGE_CURVES, at_risk, Look("leaving-change", alt))
    table = pd.DataFrame({"Week": [str(week) for week in drawn["week"]]}).assign(
        **{upper_first(c.words): [hidden_or(v, percent) for v in drawn[c.column]] for c in CHANGE_CURVES},
        **{f"Still in treatment, {name}": [hidden_or(n) for n in sides[name]["at_risk"]] for name in sides},
    )
    about = "Before and after: completed and left early by week"
    return Html(render_figure(svg, finding, about, table) + render_notes([*said, *_warn(change)], "What this says"))


def _describe_sides(sides: dict[str, pd.DataFrame], change: ChangeFacts, name: str) -> str:
    """Both shares with their counts, the difference in points, and whether chance could make it."""
    last = {side: table.iloc[-1] for side, table in sides.items()}
    what = {"completed": "had completed", "left_early": "had left early"}[name]
    shares = {side: row[f"share_{name}"] for side, row in last.items()}
    if any(pd.isna(share) for share in shares.values()):
        return f"How many {what} is {HIDDEN} on one side."
    told = {
        side: f"{percent(shares[side])} ({describe_counts(last[side][name], last[side]['people'])})" for side in shares
    }
    points = calculate_nearest(100 * np.abs(shares["after"] - shares["before"]))
    difference = "1 point" if points == 1 else f"{points} points"
    by_chance = {"completed": change.completed_could_be_chance, "left_early": change.left_early_could_be_chance}[name]
    judged = "no more than we would expect by chance" if by_chance else "unlikely to be chance alone"
    before, after = (f"of those who began {side}, {told[side]} {what}" for side in ("before", "after"))
    return f"Within {change.weeks} weeks, {before}; {after}. A difference of {difference} is {judged}."


def _warn(change: ChangeFacts) -> list[str]:
    """What to keep in mind: timing is not cause, and who is missing."""
    lines = [
        f"Both groups began within {change.window} days of the date and are followed equally long. After is not because "
        "of: other things changed too. Those who began shortly before the date were partly treated after it.",
    ]
    if change.is_early:
        lines.append(
            "The people before are the first in the data; those who waited longer are missing among them. Take care."
        )
    return lines


# Why do people leave?
def show_reasons(release: Release) -> Html:
    """Why do people leave? Recorded reasons by size, then how those who left early were."""
    facts = release.facts.reasons
    reasons = show_reason_bars(release.tables["reasons"], facts)
    return Html(reasons + show_scores(release.tables["reasons_scores"], facts))


def show_reason_bars(reasons: pd.DataFrame, facts: ReasonsFacts) -> Html:
    """The reasons as bars with their table: "not recorded" first, then by size."""
    span = f"{facts.months[0]} to {facts.months[1]}"
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
            "Share": [hidden_or(v, percent) for v in reasons["share"]],
            "This and the rows above": [hidden_or(v, percent) for v in reasons["running_share"]],
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


def show_scores(scores: pd.DataFrame, facts: ReasonsFacts) -> Html:
    """Left and better, left and not better, cannot tell."""
    total = scores["total"].iloc[0]
    table = pd.DataFrame(
        {
            "How they were": [STATE_WORDS[state] for state in scores["state"]],
            "People": [hidden_or(n) for n in scores["people"]],
            "Share": [hidden_or(v, percent) for v in scores["share"]],
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
    caption = f"People who left early, {facts.months[0]} to {facts.months[1]}: how they were"
    return Html(
        render_notes([finding, "Leaving early is not always bad."], "How were they?")
        + render_table(table, caption, note)
    )

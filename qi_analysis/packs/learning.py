"""The pages of the notebook of learning: what we tried, what we learned, what comes next; from the release and the record.

Where the record lacks something the page says what and how to add it.
"""

from datetime import date

import pandas as pd

from qi_analysis.packs.pack import (
    describe_failed,
    describe_span,
    describe_test,
    render_list,
    render_missing,
    render_words,
)
from qi_analysis.periods import describe_day, parse_period
from qi_analysis.record.team import IDEA_STATUS, Cycle, TeamRecord
from qi_analysis.release import Release
from qi_analysis.report.html import Html, Pairs, render_card, render_notes, render_prose, render_table

NEXT = {
    "adopt": "We keep it.",
    "adapt": "We change it and try again.",
    "abandon": "We stop.",
    "running": "Still running.",
}
EXAMPLE = "This record is an example and made up. Write your own with: qi new role"


def show_tried(record: TeamRecord) -> Html:
    """What did we try, and what happened? A card for each test: predicted, seen, learned, next."""
    if not record.cycles:
        return render_missing("cycles")
    label = render_notes([EXAMPLE], "Example record") if record.is_example else Html("")
    cards = [
        render_card(cycle.title, f"{describe_span(cycle)}. {cycle.scale}".strip(), _list_points(cycle))
        for cycle in record.cycles
    ]
    return Html(label + Html("").join(cards))


def _list_points(cycle: Cycle) -> Pairs:
    return (
        ("We thought", cycle.prediction or "No prediction is written. Write it before you look at the result."),
        ("We saw", render_prose(cycle.do or "Not written yet.")),
        ("We learned", render_prose(cycle.study or "Not written yet. One sentence is enough.")),
        ("Next", f"{NEXT[cycle.decision]} {cycle.act}".strip()),
    )


def show_failed(record: TeamRecord) -> Html:
    """What did not help, and what did it teach us?"""
    if not record.cycles:
        return render_missing("cycles")
    given_up = [cycle for cycle in record.cycles if cycle.decision == "abandon"]
    if not given_up:
        return render_words("No test has been given up so far.")
    lines = [Html("<strong>{}.</strong> {}").format(describe_test(one), describe_failed(one)) for one in given_up]
    return render_list(lines)


def show_ideas(record: TeamRecord) -> Html:
    """Which ideas wait, run or have ended? Each with its driver, who raised it and its tests."""
    if not record.ideas:
        return render_missing("ideas")
    rows = [
        (idea.idea, idea.status, driver.driver, record.team.name_role(idea.raised_by), _list_tests(record, idea.id))
        for status in IDEA_STATUS
        for driver in record.drivers
        for idea in driver.ideas
        if idea.status == status
    ]
    frame = pd.DataFrame(rows, columns=["Idea", "Where it stands", "What it is for", "Raised by", "Tests"])
    return render_table(frame.replace("", "not written"), "Ideas for a change")


def _list_tests(record: TeamRecord, idea: str) -> str:
    return ", ".join(cycle.id for cycle in record.cycles if cycle.idea == idea) or "none yet"


def show_next(record: TeamRecord, review: Release) -> Html:
    """What comes next? Tests that run or are planned, ideas that nobody has tested, actions that are open."""
    day = parse_period(review.facts.period).end
    tested = {cycle.idea for cycle in record.cycles}
    lines = [f"Test: {describe_test(cycle)}" for cycle in record.cycles if cycle.describe_state(day) != "finished"]
    lines += [
        f"Not tested yet: {idea.idea}" for idea in record.ideas if idea.status == "idea" and idea.id not in tested
    ]
    lines += [f"To do: {action.action}{_describe_due(action.due)}" for action in record.actions if action.is_open]
    if lines:
        return render_list(lines)
    return render_missing(
        *(["cycles"] if not record.cycles else []), *(["actions"] if not record.actions else ["ideas"])
    )


def _describe_due(due: date | None) -> str:
    return f" (due {describe_day(due)})" if due else " (no date yet)"

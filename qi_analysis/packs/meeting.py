"""The page of one meeting: when, how to join, what to read, what to talk about, who does what by when."""

from collections.abc import Iterator
from datetime import timedelta

from qi_analysis.packs.pack import (
    SHORT,
    WEEKDAYS,
    Section,
    Sources,
    choose_cycles,
    describe_missing,
    render_actions,
    render_heading,
    render_list,
    render_missing,
    render_steps,
    render_words,
)
from qi_analysis.periods import describe_day
from qi_analysis.record.meetings import describe_meetings, find_usual, read_meets
from qi_analysis.record.team import Action
from qi_analysis.report.html import Html, render_facts

SINCE = timedelta(days=45)  # "done since last time" when the day of the last meeting is not known
LAST_QUESTIONS = (
    "What did we hear from service users?",
    "What do we stop, change or keep?",
    "What did we agree? Who does it, and by when?",
    "What was good about this meeting, and what would make the next one better?",
)


def build_meeting(sources: Sources) -> list[Section]:
    """The sections of the page for the meeting on the day of the sources."""
    return [
        Section("When do we meet, and how do you join?", _render_when(sources)),
        Section("What do you read before?", _render_papers(sources)),
        Section("What will we talk about?", (render_steps(list(_list_questions(sources))),)),
        Section("Who is doing what by when?", _render_actions(sources)),
        Section("What did we agree?", (render_words(describe_agreed()),)),
    ]


def describe_agreed() -> str:
    """Where the team writes down what it agrees."""
    return (
        "Write it down while you are together. The page what-we-agreed.md in project/templates asks the questions. "
        "A new action is a line of actions.csv. A new decision goes into decisions.md."
    )


def _render_when(sources: Sources) -> tuple[Html, ...]:
    reviews, day = sources.team.team.reviews, sources.day
    rule = read_meets(reviews.meets)
    at = f", {rule.at:%H:%M}" if rule and rule.at else ""
    facts = [("Day", f"{WEEKDAYS[day.weekday()]} {describe_day(day)}{at}")]
    facts += [("How to join", reviews.join)] if reviews.join else []
    facts += [("Usually", describe_meetings(reviews))] if reviews.meets else []
    missing = [part for part in ("meets", "join") if not getattr(reviews, part)]
    return (
        render_facts(facts),
        *([render_missing(*missing)] if missing else []),
        render_words(describe_usual(sources)),
        render_words(SHORT),
    )


def describe_usual(sources: Sources) -> str:
    """That the day is not the usual one, and which one is; nothing when it is or nobody can tell."""
    reviews, day = sources.team.team.reviews, sources.day
    usual = find_usual(reviews, day)
    if not reviews.meets or usual == day:
        return ""
    if usual is None:
        return f'The days after it are not known: write meets in team.toml like "third Tuesday 10:00", not "{reviews.meets}".'
    return f"This is not the usual day. The next usual day is {describe_day(usual)}."


def _render_papers(sources: Sources) -> tuple[Html, ...]:
    before = sources.team.team.reviews.papers_days_before
    out = f"The papers go out by {describe_day(sources.day - timedelta(days=before))}." if before else ""
    if sources.release is None:
        return (render_words(out), render_missing("review"))
    what = f"Read the review of {sources.release.facts.period_words}: reports/{sources.review}."
    return (render_words(what, out), render_words("It answers these questions:"), render_list(sources.pages))


def _list_questions(sources: Sources) -> Iterator[str]:
    yield "Are we getting better? What does the newest review say?" if sources.release else describe_missing("review")
    if sources.record.aim.target is None:
        yield "What is our target, and by when?"
    for cycle in choose_cycles(sources, "running"):
        yield f"What did we see in this test: {cycle.title}? What do we do next?"
    for cycle in choose_cycles(sources, "planned"):
        yield f"Are we ready to begin this test: {cycle.title}? What do we think will happen?"
    if not choose_cycles(sources, "running", "planned"):
        yield "Which idea do we test next, with how few people, and what do we think will happen?"
    for role in sources.current_roles:
        if role.until is not None and not role.successor and role.until <= sources.day + timedelta(days=90):
            yield f"Who takes over from the {role.short}, whose role ends on {describe_day(role.until)}?"
    yield from LAST_QUESTIONS


def _render_actions(sources: Sources) -> tuple[Html, ...]:
    actions = sources.team.actions
    if not actions:
        return (render_missing("actions"),)
    still = [action for action in actions if action.is_open]
    late = [action for action in still if action.due and action.due < sources.day]
    coming = sorted((action for action in still if action not in late), key=lambda one: (one.due is None, one.due))
    done = [action for action in actions if _is_fresh(action, sources)]
    ordered = coming + sorted(late, key=lambda one: str(one.due))
    shown = render_actions(ordered, sources) if ordered else render_words("No action is open.")
    names = [f"{action.action} ({describe_day(action.done_on)})" for action in done if action.done_on]
    return (shown, render_heading("Done since last time"), render_list(names)) if names else (shown,)


def _is_fresh(action: Action, sources: Sources) -> bool:
    return action.done_on is not None and sources.day - SINCE <= action.done_on <= sources.day

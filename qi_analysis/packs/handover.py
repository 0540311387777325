"""The hand-over pack: what a successor needs to go on, from the record and the newest review."""

from collections.abc import Iterator
from datetime import timedelta

import pandas as pd

from qi_analysis.packs.pack import (
    SHORT,
    Section,
    Sources,
    choose_cycles,
    describe_failed,
    describe_missing,
    describe_test,
    render_actions,
    render_heading,
    render_list,
    render_missing,
    render_notes_of_team,
    render_pairs,
    render_steps,
    render_words,
)
from qi_analysis.periods import describe_day
from qi_analysis.phrases import upper_first
from qi_analysis.record.team import Cycle, Role
from qi_analysis.report.html import Html, render_card, render_table

TITLE = "Hand-over pack"
ENDING_SOON = timedelta(days=90)
JOBS = {"lead": "leading the project", "report": "running the report"}
MOST_FEEDBACK = 5
RUN_STEPS = (
    "Put the new extract into data/raw. Take the old one away.",
    "Type qi check. It says what is understood and what is missing.",
    "Type make review. The last line it prints is the answer.",
    "Open reports/index.html and read the page with someone.",
    "Share only what is in reports. Share nothing from data.",
    "If it stops, the message says what to do. The last good report stays. More is in docs/run_a_month.md.",
)


def build_handover(sources: Sources) -> list[Section]:
    """The sections of the hand-over pack; what the record lacks is said where it would stand."""
    return [
        Section("What is this project, and why?", (_render_aim(sources), render_words(SHORT))),
        Section("What do the figures say?", _render_figures(sources)),
        Section("What is still open?", _render_open(sources)),
        Section("What did we learn from tests that did not help?", _render_failed(sources)),
        Section("How do you make the review each month?", (render_steps(RUN_STEPS),)),
        Section("Who is in the team, and whom do you ask about the data?", _render_people(sources)),
        Section("What can only one of us do?", (render_list(list(_list_single(sources))),)),
        Section("Whose time ends soon, and who follows?", _render_ending(sources)),
        Section("What was decided about the figures, and why?", _render_decisions(sources)),
        Section("What did readers tell us, and what did we do?", _render_feedback(sources)),
        Section("What else does the team want you to know?", _render_own(sources)),
        Section("What do you do in your first week?", (render_steps(list(_list_first_week(sources))),)),
    ]


def _render_aim(sources: Sources) -> Html:
    record, measure = sources.record, sources.measure
    change = "more" if record.aim.direction == "increase" else "less"
    aim = f"{upper_first(change)} of this: {measure.name}. It is for {record.aim.population}."
    target = (
        describe_missing("target")
        if record.aim.target is None or record.aim.by is None
        else f"{round(record.aim.target * 100)}% by {describe_day(record.aim.by)}"
    )
    points = [
        ("Why", measure.why),
        ("Target", target),
        ("What is in", record.scope.get("in", "not written yet")),
        ("What is not", record.scope.get("out", "not written yet")),
    ]
    facts = [("Began", describe_day(record.started)), ("Now", record.status)]
    return render_card(record.title, aim, points, facts)


def _render_figures(sources: Sources) -> tuple[Html, ...]:
    if sources.release is None:
        return (render_missing("review"),)
    facts = sources.release.facts
    return (
        render_words(facts.verdict.sentence, facts.people_sentence, facts.target_sentence),
        render_words(f"This is from the review of {facts.period_words}, in reports/{sources.review}."),
    )


def _render_open(sources: Sources) -> tuple[Html, ...]:
    still = [action for action in sources.team.actions if action.is_open]
    cycles = choose_cycles(sources, "running", "planned")
    tests = [_render_cycle(cycle, sources) for cycle in cycles] or [
        render_words("No test is running.") if sources.team.cycles else render_missing("cycles")
    ]
    actions = (
        render_actions(sorted(still, key=lambda action: (action.due is None, action.due)), sources)
        if still
        else render_words("No action is open.")
        if sources.team.actions
        else render_missing("actions")
    )
    waiting = [idea.idea for idea in sources.team.ideas if idea.status == "idea"]
    ideas = (render_heading("Ideas that wait"), render_list(waiting)) if waiting else ()
    return (render_heading("Tests"), *tests, render_heading("Actions"), actions, *ideas)


def _render_cycle(cycle: Cycle, sources: Sources) -> Html:
    owner = sources.team.team.name_role(cycle.owner) if cycle.owner else "nobody yet"
    predicted = cycle.prediction or "not written yet: write it before you look at the result"
    pairs = [
        ("Who", owner),
        ("We expect", predicted),
        ("Where it stands", f"It is {cycle.describe_state(sources.day)}."),
    ]
    return Html(render_words(f"{describe_test(cycle)}.") + render_pairs(pairs))


def _render_failed(sources: Sources) -> tuple[Html, ...]:
    given_up = [cycle for cycle in sources.team.cycles if cycle.decision == "abandon"]
    if not sources.team.cycles:
        return (render_missing("cycles"),)
    if not given_up:
        return (render_words("No test has been given up so far. If one does not help, write down what you learned."),)
    lines = [Html("<strong>{}.</strong> {}").format(describe_test(one), describe_failed(one)) for one in given_up]
    return (render_list(lines),)


def _render_people(sources: Sources) -> tuple[Html, ...]:
    if not sources.team.team.roles:
        return (render_missing("roles"), _render_owners(sources))
    roles = sources.current_roles
    frame = pd.DataFrame(
        {
            "Role": [role.role for role in roles],
            "Since": [describe_day(role.since) if role.since else "not written" for role in roles],
            "Reach them by": [role.channel or "not written" for role in roles],
            "Asked about": [_describe_jobs(role) for role in roles],
        }
    )
    return (render_table(frame, "The team now"), _render_owners(sources))


def _describe_jobs(role: Role) -> str:
    asked = {"lead": "the project", "report": "the data and the report"}
    return " and ".join(words for job, words in asked.items() if role.can(job)) or "their own part"


def _render_owners(sources: Sources) -> Html:
    measures = sources.record.measures
    frame = pd.DataFrame({"Measure": [one.name for one in measures], "Ask": [one.owner for one in measures]})
    return render_table(frame, "Whom to ask what a measure means")


def _list_single(sources: Sources) -> Iterator[str]:
    if not sources.team.team.roles:
        yield describe_missing("roles")
        return
    for job, words in JOBS.items():
        able = [role for role in sources.current_roles if role.can(job)]
        if not able:
            yield f"Nobody is down for {words}. Agree who does it at the next review."
        elif len(able) == 1:
            yield f"Only the {able[0].role} is down for {words}. Show a second person how it is done."
        else:
            yield f"{upper_first(words)} can be done by more than one person: {', '.join(role.role for role in able)}."


def _render_ending(sources: Sources) -> tuple[Html, ...]:
    if not sources.team.team.roles:
        return (render_missing("roles"),)
    lines = list(_list_ending(sources))
    return (render_list(lines) if lines else render_words("No role ends within the next 90 days."),)


def _list_ending(sources: Sources) -> Iterator[str]:
    roles = sources.team.team.roles
    followed = {role.id for role in roles if role.successor}
    for role in roles:
        if role.until is None or role.until > sources.day + ENDING_SOON:
            continue
        verb = "ended" if role.until < sources.day else "ends"
        words = f"The role of {role.role} {verb} on {describe_day(role.until)}."
        if role.id in followed:
            yield f"{words} Next comes: {sources.team.team.name_role(role.successor)}."
        else:
            yield f"{words} No successor is named. Agree one, then write successor in project/team.toml."


def _render_decisions(sources: Sources) -> tuple[Html, ...]:
    completion = sources.record.completion
    chosen = completion.definitions[completion.team_choice]
    lines = [
        f"{describe_day(completion.agreed_on)}: completed means {chosen.name} (version {completion.version}). "
        f"Why: {completion.reason}."
    ]
    for phase in sources.record.phases:
        lines.append(f"{describe_day(phase.from_)}: the limits of the chart start again. Why: {phase.reason}.")
    notes = [
        Html(render_heading(f"{describe_day(note.day)}: {note.title}") + render_notes_of_team(note.text))
        for note in sources.team.decisions
    ]
    return (render_list(lines), *(notes or [render_missing("decisions")]))


def _render_feedback(sources: Sources) -> tuple[Html, ...]:
    told = [one for one in sources.team.feedback if one.comment or one.what_we_did]
    latest = sorted(told, key=lambda one: one.day, reverse=True)[:MOST_FEEDBACK]
    lines = [
        f"{describe_day(one.day)}: {one.comment.rstrip('.') or 'no comment'}. "
        f"What we did: {one.what_we_did.rstrip('.') or 'not written yet'}."
        for one in latest
    ]
    return (render_list(lines) if lines else render_missing("feedback"),)


def _render_own(sources: Sources) -> tuple[Html, ...]:
    own = sources.team.handover
    return (render_notes_of_team(own) if own else render_missing("handover"),)


def _list_first_week(sources: Sources) -> Iterator[str]:
    yield (
        "Read the newest review with someone of the team." if sources.release else "Make a first review: qi run latest"
    )
    yield "Type qi check and read what it says about the record."
    yield "Make the review of last month again yourself. If nothing is new, it says so."
    for cycle in choose_cycles(sources, "running"):
        yield f"Ask how this test is going: {cycle.title}."
    late = [action for action in sources.team.actions if action.is_open and action.due and action.due < sources.day]
    for action in late:
        yield f"Ask what this needs: {action.action} ({describe_day(action.due)}, still open)."  # type: ignore[arg-type]
    yield "Meet the service user of the team. Ask what matters most to them."
    yield "Choose a second person who can make the report, and do it together once."
    yield "Read what the team has written into its own pages in project/templates."
    yield "Read docs/decisions.md. It says why the figures are counted as they are."

"""The page "What have we tested and learned?", from a release and from nothing else."""

from collections.abc import Sequence

import pandas as pd

from qi_analysis.charts.driver_diagram import MOST_IDEAS, STATUS, describe_idea, render_parts
from qi_analysis.facts import CycleFacts, DriverFacts, Facts, IdeaFacts, RampFacts, TeamFacts
from qi_analysis.phrases import upper_first
from qi_analysis.release import Release
from qi_analysis.report.aim import describe_plain_testing
from qi_analysis.report.html import (
    HOW,
    Html,
    flag_example,
    join_sentences,
    join_words,
    render_diagram,
    render_entry,
    render_folded,
    render_missing,
    render_notes,
    render_prose,
    render_table,
)

LATEST = 6  # finished tests with a card in full view; the earlier ones are folded away
MOST_RAMPS = 8
MOST_PLAIN = 4
ORDER = {"running": 0, "finished": 1, "planned": 2}
DECISIONS = {
    "adopt": "We take it up.",
    "adapt": "We change it and test again.",
    "abandon": "We stopped. We tried this and it did not help.",
    "running": "No decision is written yet.",
}
PLAIN_DECISIONS = {
    "adopt": "We kept it.",
    "adapt": "We are changing it, and will try again.",
    "abandon": "We stopped, because it did not help.",
    "running": "We have not decided yet.",
}
READING = [
    "The result is measured on the figures of the whole service, in whole months. It is compared with up to 12 months before.",
    "Counts other than those of the main measure are rounded to the nearest 5. Whether chance can explain a difference is judged on the exact ones.",
    "After is not because of: other things changed too. Of 20 tests without any effect, 1 would look like a change by chance.",
]
NO_DIAGRAM = "No driver diagram yet: what has to be true for the aim to be met, and which ideas could bring it about."
ADD_DIAGRAM = f"Write the drivers in project/drivers.toml, and add ideas with: qi new idea. {HOW}"
NO_TESTS = "No test is recorded yet."
ADD_TESTS = f"Add one with: qi new cycle. Write the prediction before you look at the result. {HOW}"
ASK = "Ask them: what would make it easier for people to stay?"
MEANING = {
    "testing": "We are trying it on a small scale.",
    "adopted": "It worked, and is now how we do it.",
    "adapted": "We changed it after a test, and use it so.",
    "idea": "Nobody has tried it yet.",
    "abandoned": "We tried it and it did not help.",
}


def show_tests(release: Release) -> Html:
    """What have we tested and learned? Driver diagram, ideas by status and perspective, a card for each test, ramps."""
    facts = release.facts
    team = facts.team
    return Html(
        flag_example(facts)
        + _show_diagram(facts)
        + _show_ideas(team)
        + _show_cards(team.cycles)
        + _show_ramps(team.ramps)
    )


def _show_diagram(facts: Facts) -> Html:
    drivers = facts.team.drivers
    if not drivers:
        return render_missing(NO_DIAGRAM, ADD_DIAGRAM)
    change = "More" if facts.direction == "increase" else "Fewer"
    aim = f"Aim: {change.lower()} of the {facts.population} complete it"
    branches = [_outline(one) for one in drivers]
    ideas = sum(len(one.ideas) for one in drivers)
    things = "1 thing has" if len(drivers) == 1 else f"{len(drivers)} things have"
    what = "1 idea" if ideas == 1 else f"{ideas} ideas"
    caption = f"{things} to be true for our aim; we have {what} for {'it' if len(drivers) == 1 else 'them'}."
    return render_diagram(caption, render_parts(aim, drivers), branches)


def _outline(driver: DriverFacts) -> tuple[str, list[str], list[str]]:
    order = list(STATUS)
    ideas = sorted(driver.ideas, key=lambda idea: order.index(idea.status))
    told = [_tell_idea(idea) for idea in ideas] or ["No idea yet."]
    shown = MOST_IDEAS - 1 if len(told) > MOST_IDEAS else MOST_IDEAS
    return driver.driver, told[:shown], told[shown:]


def _tell_idea(idea: IdeaFacts) -> str:
    raised = f" Raised by: {idea.raised_by}." if idea.raised_by else ""
    return f"{idea.idea.rstrip('.')}. {upper_first(describe_idea(idea))}.{raised}"


def _show_ideas(team: TeamFacts) -> Html:
    """Ideas by status, then by whose perspective raised them, with a prompt for who has raised none."""
    ideas = [idea for driver in team.drivers for idea in driver.ideas]
    if not ideas:
        return Html("")
    by_status = {one: [idea.idea for idea in ideas if idea.status == one] for one in STATUS}
    statuses = pd.DataFrame(
        {
            "Status": [upper_first(STATUS[one][0]) for one in by_status],
            "Which ideas": [
                f"{_count(len(found), 'idea')}. {join_sentences(found)}" if found else "none"
                for found in by_status.values()
            ],
            "What it means": [MEANING[one] for one in by_status],
        }
    )
    rows = team.perspectives.rows
    raised = pd.DataFrame(
        {
            "Perspective": [upper_first(kind) for kind, _, _ in rows],
            "Raised": [_count(number, "idea") for _, number, _ in rows],
            "Tried so far": [_count(tried, "idea") for _, _, tried in rows],
        }
    )
    missing = [f"No idea yet from: {join_words(team.perspectives.missing)}. {ASK}"]
    prompts = render_notes(missing, "Who has not been asked?") if team.perspectives.missing else Html("")
    return Html(
        render_table(statuses, "Ideas by status")
        + render_table(raised, "Ideas by whose perspective raised them")
        + prompts
    )


def _count(number: int, what: str) -> str:
    return "none" if number == 0 else f"{number} {what}{'' if number == 1 else 's'}"


def _show_cards(cycles: Sequence[CycleFacts]) -> Html:
    """A card for each test: those running, the latest finished and those planned in view, the earlier ones folded away."""
    if not cycles:
        return render_missing(NO_TESTS, ADD_TESTS)
    finished = [one for one in cycles if one.state == "finished"]
    earlier = finished[:-LATEST]
    shown = sorted((one for one in cycles if one not in earlier), key=lambda one: (ORDER[one.state], -one.number))
    cards = Html("").join(_show_card(one) for one in shown)
    folded = Html("").join(_show_card(one) for one in reversed(earlier))
    more = render_folded(folded, f"Earlier tests: {len(earlier)}") if earlier else Html("")
    return Html(cards + more + render_notes(READING, "How to read the results"))


def _show_card(one: CycleFacts) -> Html:
    prediction = one.prediction or "No prediction was written."
    pairs = [
        ("When", _describe_when(one)),
        ("How big", one.scale or "The scale is not written."),
        ("Idea", one.idea or "No idea of the driver diagram is named."),
        ("Prediction", prediction),
        ("Result", " ".join(one.result)),
    ]
    if one.state == "finished":
        pairs.append(("Learning", _prose(one.learning) or "Nothing is written yet. One sentence is enough."))
        decision = DECISIONS[one.decision]
        pairs.append(("Next", Html(_prose(decision) + _prose(one.next))))
    return render_entry(f"Test {one.number}: {one.title} ({one.id})", pairs)


def _prose(text: str) -> Html:
    return render_prose(text) if text else Html("")


def _describe_when(one: CycleFacts) -> str:
    if one.state == "planned":
        return f"Planned: begins on {one.start}."
    if one.state == "running":
        return f"Running since {one.start}" + (f", planned to end on {one.end}." if one.end else ".")
    return f"From {one.start} to {one.end}." if one.end else f"From {one.start}; the end is not written."


def _show_ramps(ramps: Sequence[RampFacts]) -> Html:
    """Linked tests of one idea, one after the other."""
    lines = [f"{one.idea}. {'. Then '.join(one.steps)}." for one in ramps]
    if len(lines) <= MOST_RAMPS:
        return render_notes(lines, "Ideas tested step by step")
    folded = render_folded(
        render_notes(lines[MOST_RAMPS:], "Further ideas"), f"{len(lines) - MOST_RAMPS} further ideas"
    )
    return Html(render_notes(lines[:MOST_RAMPS], "Ideas tested step by step") + folded)


def show_plain_tests(release: Release) -> Html:
    """The same in words, without codes: what we are trying, what we have learned, what we may try next."""
    facts = release.facts
    cycles = facts.team.cycles
    finished = [one for one in cycles if one.state == "finished"]
    now = render_notes([describe_plain_testing(facts)], "What we are trying out")
    learned = Html("").join(_show_plain_card(one) for one in finished[: -MOST_PLAIN - 1 : -1])
    more = len(finished) - MOST_PLAIN
    earlier = render_notes([f"We finished {more} other tests before these."], "Before that") if more > 0 else Html("")
    ideas = [one.plain for driver in facts.team.drivers for one in driver.ideas if one.status == "idea"]
    later = render_notes([f"{one.rstrip('.')}." for one in ideas[:MOST_PLAIN]], "What we may try next")
    told = learned or render_notes(["We have not finished a test yet."], "What we have learned")
    return Html(flag_example(facts) + now + told + earlier + later)


def _show_plain_card(one: CycleFacts) -> Html:
    learned = _prose(one.plain_learning) or "We have not written down yet what we learned."
    return render_entry(
        one.plain_title, [("What we learned", learned), ("What we did then", PLAIN_DECISIONS[one.decision])]
    )

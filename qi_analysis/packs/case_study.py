"""The draft of a case study in Markdown: what the record and the release say, and marks where the team has to write.

Nothing is invented. Figures come from the release alone, protected like the plain edition, because a case study leaves
the team. The team's own words are quoted as they stand.
"""

from collections.abc import Iterator

from qi_analysis.packs.pack import (
    SHORT,
    Sources,
    choose_cycles,
    describe_baseline,
    describe_failed,
    describe_latest,
    describe_missing,
    describe_test,
)
from qi_analysis.periods import describe_day
from qi_analysis.phrases import describe_month
from qi_analysis.record.team import Cycle, list_stories

ACTS = {
    "adopt": "We kept it.",
    "adapt": "We changed it and tried again.",
    "abandon": "We stopped it.",
    "running": "It is still running.",
}


def mark_gap(what: str) -> str:
    """The mark where the team writes something: "[The team writes: ...]"."""
    return f"[The team writes: {what}]"


def render_case_study(sources: Sources) -> str:
    """The draft, with a heading for each part of a story of improvement."""
    parts = {
        "The problem": _list_problem(sources),
        "Our aim": _list_aim(sources),
        "Who we are, and whose views we heard": _list_team(sources),
        "What we tried": _list_tried(sources),
        "What the figures say": _list_figures(sources),
        "What we learned": _list_learned(sources),
        "What comes next": _list_next(sources),
        "Thanks": _list_thanks(sources),
    }
    blocks = [f"# {sources.record.title}", *_list_labels(sources)]
    for heading, texts in parts.items():
        blocks += [f"## {heading}", *texts]
    return "\n\n".join(blocks) + "\n"


def _list_labels(sources: Sources) -> Iterator[str]:
    yield f"Draft of a case study, {describe_day(sources.day)}. Fill in what stands in square brackets, then take the brackets out."
    if sources.team.is_example:
        yield "**Example record.** The roles, tests and stories are made up."
    if sources.is_synthetic:
        yield "**Synthetic data.** No real people. Do not publish this draft."


def _list_problem(sources: Sources) -> Iterator[str]:
    measure = sources.measure
    yield measure.why or mark_gap("Why does this matter to people?")
    before = describe_baseline(sources.release) if sources.release else ""
    if before:
        yield f"We asked: {measure.plain} {before} {SHORT}"
    yield mark_gap("What was it like for service users and for staff before we began? How did we find out?")


def _list_aim(sources: Sources) -> Iterator[str]:
    aim = sources.record.aim
    change = "raise" if aim.direction == "increase" else "lower"
    if aim.target is None or aim.by is None:
        yield f"We wanted to {change} this: {sources.measure.name}. It was for {aim.population}."
        yield mark_gap("How much, and by when? The record has no target yet.")
    else:
        goal = f"to {round(aim.target * 100)}% by {describe_day(aim.by)}"
        yield f"We wanted to {change} this {goal}: {sources.measure.name}. It was for {aim.population}."
    yield f"We began on {describe_day(sources.record.started)}."


def _list_team(sources: Sources) -> Iterator[str]:
    roles = list(dict.fromkeys(role.short for role in sources.team.team.roles))
    yield (
        f"The team: {', '.join(roles)}."
        if roles
        else mark_gap(f"Who was in the team, by role? {describe_missing('roles')}")
    )
    raised = {sources.team.team.name_role(idea.raised_by) for idea in sources.team.ideas if idea.raised_by}
    if raised:
        yield f"Ideas came from: {', '.join(sorted(raised))}."
    yield mark_gap("How did service users shape the work? What did we hear from those who see it differently?")
    for story in list_stories(sources.team, "plain", sources.day):
        quoted = "\n".join(f"> {line}".rstrip() for line in story.text.strip().split("\n"))
        yield f"{quoted}\n>\n> {story.teller}, {describe_month(story.day)}"


def _list_tried(sources: Sources) -> Iterator[str]:
    drivers = [driver.driver for driver in sources.team.drivers]
    if drivers:
        yield "We thought these things had to be true:"
        yield "\n".join(f"- {driver}" for driver in drivers)
    if not sources.team.cycles:
        yield mark_gap(f"What did we test? {describe_missing('cycles')}")
    for cycle in sources.team.cycles:
        yield _describe_cycle(cycle)


def _describe_cycle(cycle: Cycle) -> str:
    predicted = cycle.prediction.rstrip(".") or mark_gap("What did we think would happen?")
    happened = cycle.do or mark_gap("What did we do, and what did we see?")
    return f"**{describe_test(cycle)}.** We thought: {predicted}. {ACTS[cycle.decision]}\n\n{happened}"


def _list_figures(sources: Sources) -> Iterator[str]:
    if sources.release is None:
        yield mark_gap(f"What do the figures say? {describe_missing('review')}")
        return
    facts = sources.release.facts
    yield f"{facts.verdict.sentence} {facts.measure.plain} {describe_latest(sources.release)}"
    yield (
        f"The figures run to {facts.data_date_words}. Counts are rounded to the nearest 5 and small ones are hidden. "
        "A change after a test is not proof that the test caused it."
    )
    yield mark_gap("Which chart do we show, and what did we watch so that nothing else got worse?")


def _list_learned(sources: Sources) -> Iterator[str]:
    learned = [cycle for cycle in sources.team.cycles if cycle.decision in ("adopt", "adapt")]
    for cycle in learned:
        yield f"**{cycle.title}.** {cycle.study or mark_gap('What did we learn?')}"
    given_up = [cycle for cycle in sources.team.cycles if cycle.decision == "abandon"]
    yield "### What did not help"
    for cycle in given_up:
        yield f"**{cycle.title}.** {describe_failed(cycle)}"
    if not given_up:
        yield mark_gap("What did we try that did not help, and what did it teach us?")
    yield mark_gap("What surprised us? What would we do another way?")


def _list_next(sources: Sources) -> Iterator[str]:
    running = [f"- {describe_test(cycle)}" for cycle in choose_cycles(sources, "running", "planned")]
    if running:
        yield "We are still testing:"
        yield "\n".join(running)
    yield mark_gap("How do we keep what works? Who looks after it, and how will we know if it slips?")


def _list_thanks(sources: Sources) -> Iterator[str]:
    roles = list(dict.fromkeys(role.short for role in sources.team.team.roles))
    yield f"Thanks to: {', '.join(roles)}." if roles else mark_gap("Whom do we thank, by role?")
    yield mark_gap("Who else helped?")

"""The team's record as facts of a release: ideas, tests with their results, stories, actions, method.

As at the end of the review's month: a test that began later, an action done later, a story told later is not known yet.
Every text goes through team_words.py; which stories may be shown is for record/team.py to say.

A test's result sets the predicted measure over the test's months against the 12 months before it, on the results' own
monthly numbers. The judgement is taken from the true ones (Newcombe's interval of the difference of two shares,
Wilson's of the measured share); what is printed is added up from the released ones alone. A figure of the whole service
cannot judge a test on few of its people, and says so. Nothing here claims a cause.

A progress score is never worked out: the evidence for each step is listed and the team sets the score.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from qi_analysis.answers.measure_charts import UNITS, MeasureCharts
from qi_analysis.answers.team_words import (
    clean_plainly,
    clean_words,
    describe_state,
    find_kind,
    list_cycles,
    mark_tested,
    name_role,
)
from qi_analysis.answers.whats_new import build_snapshot
from qi_analysis.answers.workshop import Workings
from qi_analysis.facts import (
    ActionFacts,
    ActionsFacts,
    AimFacts,
    CheckFacts,
    CycleFacts,
    DriverFacts,
    EvidenceFacts,
    FeedbackFacts,
    IdeaFacts,
    MethodFacts,
    PerspectivesFacts,
    RampFacts,
    RoleFacts,
    ScoreFacts,
    StepFacts,
    StoryFacts,
    TeamFacts,
)  # fmt: skip
from qi_analysis.periods import describe_day
from qi_analysis.phrases import HIDDEN, describe_counts, describe_month, describe_months, describe_value
from qi_analysis.record.measure_blocks import build_names, find_statistic
from qi_analysis.record.settings import KINDS, Aim, Measure, Record
from qi_analysis.record.team import JOBS, Action, Cycle, Idea, Predicted, Role, Story, TeamRecord, list_stories
from qi_analysis.spc.statistics import calculate_difference, calculate_wilson

MONTHS_BEFORE = 12
FEWEST_PEOPLE = 20  # on fewer no share is told
WHOLE_SHARE = 0.5  # the share of the people counted that a test must reach for the service's figure to judge it
BINOMIAL = ("p", "run")  # charts of shares whose spread is that of chance
NO_NUMBER = "The prediction has no number that a report can read, so it is not compared."
NO_MEASURE = "No measure is named, so nothing can be measured."
DIRECTION = re.compile(
    r"\d|\b(?:rise|fall|drop|more|fewer|less|increas\w*|decreas\w*|higher|lower|improv\w*|shorter|longer|better|reduc\w*)\b", re.I
)  # fmt: skip
PAST = re.compile(
    r"\b(?:\w{2,}ed|was|were|had|did|came|went|rose|fell|felt|said|told|made|took|got|found|saw|kept|left|thought|learnt|knew|gave|began)\b",
    re.I,
)  # fmt: skip
LADDER = {
    "pocket_qi": "Pocket QI",
    "tools_learn_and_apply": "learn-and-apply series",
    "improvement_leaders": "improvement leaders",
    "coaching": "coaching",
    "earlier_project": "an earlier project",
}
SCORE = re.compile(r"progress score\D{0,20}([0-5](?:\.[05])?)\b", re.I)
SERVICE_USER = "service user or carer"
MOST_STORIES = 2
MONTHS_TO_NEXT = {"quarter": 3}  # months to the next review; every other rhythm meets at least monthly


def build_record(workings: Workings, charts: MeasureCharts, verdict: str) -> TeamFacts:
    """Everything that the pages of the record show. verdict: its state, such as "BETTER", as evidence of progress."""
    record, day = workings.record, workings.period.end
    team = mark_tested(workings.team, day)
    cycles = list_cycles(team.cycles, day)
    return TeamFacts(
        is_example=team.is_example,
        aim=AimFacts(describe_weeks_left(record.aim, day), build_aim_checks(record)),
        drivers=_build_drivers(team, cycles),
        perspectives=_build_perspectives(team),
        cycles=_build_cycles(team, cycles, charts, record, day),
        ramps=_build_ramps(team, cycles, day),
        stories={edition: _build_stories(team, edition, day) for edition in ("team", "plain")},
        actions=_build_actions(workings),
        method=build_method(replace(workings, team=team), cycles, verdict),
        feedback=_build_feedback(team, day),
        reply_to=_name_reply(team),
        snapshot=build_snapshot(workings),
    )


def describe_weeks_left(aim: Aim, day: date) -> str:
    """How long until the aim's date: "70 weeks (to 31 December 2023)"; without a date, that there is none."""
    if aim.by is None:
        return "no date is set yet"
    if aim.by < day:
        return f"the date, {describe_day(aim.by)}, has passed"
    weeks = (aim.by - day).days // 7
    return f"{weeks} week{'' if weeks == 1 else 's'} (to {describe_day(aim.by)})"


def _build_cycles(
    team: TeamRecord, cycles: Sequence[Cycle], charts: MeasureCharts, record: Record, day: date
) -> tuple[CycleFacts, ...]:
    names = build_names(record.completion.definitions)
    units = {one.id: (one, UNITS[find_statistic(one, names)]) for one in record.measures}
    ideas = {idea.id: clean_words(idea.idea) for idea in team.ideas}

    def tell(number: int, cycle: Cycle) -> CycleFacts:
        state = describe_state(cycle, day)
        result = ["It has not begun."] if state == "planned" else build_result(cycle, charts, units, day)
        together = [] if state == "planned" else _describe_overlap(cycle, cycles, day)
        is_over = state == "finished"  # what was learned and decided is not told while a test runs
        return CycleFacts(
            id=clean_words(cycle.id),
            number=number,
            title=clean_words(cycle.title),
            plain_title=clean_plainly(cycle.title),
            state=state,
            idea=ideas.get(cycle.idea, ""),
            owner=name_role(team, cycle.owner),
            on=cycle.start.isoformat(),
            start=describe_day(cycle.start),
            end=describe_day(cycle.end) if cycle.end else "",
            scale=clean_words(cycle.scale),
            prediction=clean_words(cycle.prediction),
            measures=tuple(one for one in cycle.measures if one in units),
            result=(*result, *together),
            learning=clean_words(cycle.study) if is_over else "",
            plain_learning=clean_plainly(cycle.study) if is_over else "",
            next=clean_words(cycle.act) if is_over else "",
            decision=cycle.decision if is_over else "running",
        )

    return tuple(tell(number, cycle) for number, cycle in enumerate(cycles, 1))


def _describe_overlap(cycle: Cycle, cycles: Sequence[Cycle], day: date) -> list[str]:
    """Tests of other ideas that ran at the same time on the same measure: their effects cannot be told apart."""
    end = cycle.end or day
    others = [
        clean_words(one.id)
        for one in cycles
        if one.idea != cycle.idea
        and set(one.measures) & set(cycle.measures)
        and one.start <= min(end, day)
        and cycle.start <= (one.end or day)
    ]
    if not others:
        return []
    named = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
    return [f"At the same time on the same measure: {named}. Their effects cannot be told apart."]


def _build_drivers(team: TeamRecord, cycles: Sequence[Cycle]) -> tuple[DriverFacts, ...]:
    def tell(idea: Idea) -> IdeaFacts:
        return IdeaFacts(
            id=clean_words(idea.id),
            idea=clean_words(idea.idea),
            plain=clean_plainly(idea.idea),
            status=idea.status,
            raised_by=name_role(team, idea.raised_by),
            tests=tuple(clean_words(cycle.id) for cycle in cycles if cycle.idea == idea.id),
        )

    return tuple(DriverFacts(clean_words(one.driver), tuple(map(tell, one.ideas))) for one in team.drivers)


def _build_perspectives(team: TeamRecord) -> PerspectivesFacts:
    """Ideas by whose perspective raised them, and the perspectives on the team that have raised none."""
    kinds = [find_kind(name_role(team, idea.raised_by)) if idea.raised_by else "not recorded" for idea in team.ideas]
    on_team = list(dict.fromkeys(find_kind(name_role(team, role.id)) for role in team.team.roles))
    tried = [kind for kind, idea in zip(kinds, team.ideas, strict=True) if idea.status != "idea"]
    rows = tuple((kind, kinds.count(kind), tried.count(kind)) for kind in dict.fromkeys(kinds))
    return PerspectivesFacts(rows, tuple(kind for kind in on_team if kind not in kinds))


def _build_ramps(team: TeamRecord, cycles: Sequence[Cycle], day: date) -> tuple[RampFacts, ...]:
    """The linked tests of each idea that has two or more, in order of time, with their scale and decision."""
    words = {"adopt": "adopted", "adapt": "adapted", "abandon": "abandoned", "running": "no decision yet"}

    def tell(cycle: Cycle) -> str:
        state = describe_state(cycle, day)
        said = words[cycle.decision] if state == "finished" else state
        return f"{clean_words(cycle.id)}, {clean_words(cycle.scale) or 'scale not written'}: {said}"

    steps = {idea.id: [cycle for cycle in cycles if cycle.idea == idea.id] for idea in team.ideas}
    linked = [idea for idea in team.ideas if len(steps[idea.id]) > 1]
    return tuple(RampFacts(clean_words(idea.idea), tuple(map(tell, steps[idea.id]))) for idea in linked)


def _build_stories(team: TeamRecord, edition: str, day: date) -> tuple[StoryFacts, ...]:
    titles = {cycle.id: clean_words(cycle.title) for cycle in team.cycles}

    def tell(story: Story) -> StoryFacts:
        about = ", ".join(titles[one] for one in story.about if one in titles)
        teller = f"{name_role(team, story.teller)}, {describe_month(story.day)}"
        return StoryFacts(clean_words(story.text), teller, about)

    return tuple(tell(story) for story in list_stories(team, edition, day)[:MOST_STORIES])


def _build_actions(workings: Workings) -> ActionsFacts:
    """Actions as at the end of the month: due before the next review, late, due later, without a date, and done in it."""
    team, period = workings.team, workings.period
    following = period.plus(MONTHS_TO_NEXT.get(team.team.reviews.every, 1)).end
    done = [one for one in team.actions if one.status == "done" and one.done_on and one.done_on <= period.end]
    still = [one for one in team.actions if one.is_open or (one.done_on and one.done_on > period.end)]
    dated = sorted((one for one in still if one.due), key=lambda one: (one.due or following, one.id))

    def tell(actions: Iterable[Action]) -> tuple[ActionFacts, ...]:
        return tuple(_tell_action(team, one) for one in actions)

    return ActionsFacts(
        due=tell(one for one in dated if one.due and period.end < one.due <= following),
        late=tell(one for one in dated if one.due and one.due <= period.end),
        done=tell(sorted((one for one in done if one.done_on and one.done_on >= period.start), key=lambda one: one.id)),
        later=tell(one for one in dated if one.due and one.due > following),
        undated=tell(one for one in still if not one.due),
        next_review=describe_day(following),
        any=bool(team.actions),
    )


def _tell_action(team: TeamRecord, action: Action) -> ActionFacts:
    return ActionFacts(
        id=clean_words(action.id),
        action=clean_words(action.action),
        owner=name_role(team, action.owner) or "nobody yet",
        due=describe_day(action.due) if action.due else "",
        done=describe_day(action.done_on) if action.done_on else "",
        state="in progress" if action.status == "doing" else "open",
    )


def _build_feedback(team: TeamRecord, day: date) -> tuple[FeedbackFacts, ...]:
    """What readers said and what was done about it, the newest first; nothing where no answer is written yet."""
    told = [one for one in team.feedback if one.day <= day and one.comment and one.what_we_did]
    return tuple(
        FeedbackFacts(clean_plainly(one.comment), clean_plainly(one.what_we_did), describe_month(one.day), one.edition)
        for one in sorted(told, key=lambda one: one.day, reverse=True)
    )


def _name_reply(team: TeamRecord) -> str:
    """Who takes answers: the role that leads, else the first; by role and channel, never an address."""
    roles = team.team.roles
    found = next((role for role in roles if role.can("lead")), roles[0] if roles else None)
    if found is None:
        return "a member of the project team"
    channel = f", by {clean_words(found.channel)}" if found.channel else ""
    return f"the {name_role(team, found.id)}{channel}"


# What became of a test's prediction.
@dataclass(frozen=True)
class Span:
    """The months of one measure over a stretch of time: what may be printed of them, and what is true."""

    true: pd.DataFrame
    shown: pd.DataFrame

    @property
    def months(self) -> str:
        """The months it was measured over, in words."""
        days = self.true["interval_start"]
        return describe_months(days.min(), days.max())

    def describe(self, unit: str) -> str:
        """ "65% (65 of 100)" from the released months; hidden when none of them is shown."""
        known = self.shown.dropna(subset=["numerator"]) if unit == "share" else self.shown.dropna(subset=["value"])
        if known.empty:
            return HIDDEN
        if unit != "share":
            return describe_value(float(known["value"].mean()), unit)
        top, bottom = float(known["numerator"].sum()), float(known["denominator"].sum())
        return f"{describe_value(top / bottom)} ({describe_counts(top, bottom)})" if bottom else HIDDEN

    def count(self) -> tuple[float, float]:
        """(numerator, denominator) of all its months, the true ones."""
        return float(self.true["numerator"].sum()), float(self.true["denominator"].sum())


def build_result(cycle: Cycle, charts: MeasureCharts, units: Mapping[str, tuple[Measure, str]], day: date) -> list[str]:
    """Sentences: what was predicted, what was measured, and how sure one can be. units: id -> (measure, unit).

    A test without a measure, without a settled month or on too few people says so instead.
    """
    wanted = cycle.predicted.measure if cycle.predicted else next(iter(cycle.measures), "")
    if wanted not in units:
        return [NO_MEASURE]
    measure, unit = units[wanted]
    during, before = _cut_spans(cycle, charts, measure, day)
    told = [_describe_predicted(cycle.predicted, measure, unit)] if cycle.predicted else [NO_NUMBER]
    if during.true.empty:
        return [*told, f"Measured: no month of this test is settled yet for “{measure.name}”."]
    so_far = "" if cycle.end and cycle.end <= day else " so far"
    usual = before.describe(unit) if len(before.true) else "not known"
    span = f", {before.months}" if len(before.true) else ""
    told.append(f"Measured in {during.months}{so_far}: {during.describe(unit)}; usual before{span}: {usual}.")
    by_counts = unit == "share" and measure.chart in BINOMIAL
    return [*told, *_judge(cycle, (during, before), by_counts)]


def _describe_predicted(predicted: Predicted, measure: Measure, unit: str) -> str:
    low, high = (describe_value(value, unit) for value in (predicted.from_, predicted.to))
    return f"Predicted for “{measure.name}”: from {low} to {high}."


def _cut_spans(cycle: Cycle, charts: MeasureCharts, measure: Measure, day: date) -> tuple[Span, Span]:
    """(the test's months, up to 12 settled months before it). Months that are not settled or not known are left out."""
    true, shown = charts.take(measure)
    last = min(cycle.end or day, day)
    starts = true["interval_start"]
    known = true["is_settled"].astype(bool) & true["value"].notna()
    first = pd.Timestamp(cycle.start.replace(day=1))
    during = known & (starts >= first) & (starts <= pd.Timestamp(last))
    before = known & (starts < first)
    before &= before[::-1].cumsum()[::-1] <= MONTHS_BEFORE
    return Span(true[during], shown[during]), Span(true[before], shown[before])


def _judge(cycle: Cycle, spans: tuple[Span, Span], by_counts: bool) -> list[str]:
    """How sure one can be, in one or two sentences. by_counts: the two counts say how much is chance."""
    during, before = spans
    if cycle.people is not None and cycle.people < FEWEST_PEOPLE:
        few = "Fewer than 8" if cycle.people < 8 else f"{cycle.people}"
        return [f"{few} people: too few to tell. The figure of the whole service cannot judge a test on so few."]
    if before.true.empty:
        return ["There is no month before it to compare with."]
    if not by_counts:
        return [_judge_number(during)]
    counts, usual = during.count(), before.count()
    if min(counts[1], usual[1]) < FEWEST_PEOPLE:
        return [f"Fewer than {FEWEST_PEOPLE} were counted: too few to tell."]
    if cycle.people is not None and cycle.people < WHOLE_SHARE * counts[1]:
        return [
            f"The test was on {cycle.people} people, fewer than half of those counted. "
            "The figure of the whole service cannot judge it."
        ]
    judged = [_judge_share(cycle.predicted, counts, usual)]
    if cycle.people is None:
        judged.append("How many people the test reached is not written, so this is the whole service.")
    return judged


def _judge_share(predicted: Predicted | None, counts: tuple[float, float], usual: tuple[float, float]) -> str:
    """Chance or not, and how it stands to the prediction, from true counts."""
    difference, lower, upper = calculate_difference(counts, usual)
    if lower <= 0 <= upper:
        return f"The difference could be chance{_compare_missed(predicted, counts)}."
    way = "higher" if difference > 0 else "lower"
    if predicted is None:
        return f"This is {way} than before, and chance alone is unlikely to make such a difference."
    if np.sign(predicted.to - predicted.from_) != np.sign(difference):
        return f"It went the other way: {way} than before, and chance alone is unlikely to make such a difference."
    reached = "as far as predicted" if _is_reached(predicted, counts) else "less far than predicted"
    return (
        f"It moved as predicted, {reached}: {way} than before, and chance alone is unlikely to make such a difference."
    )


def _compare_missed(predicted: Predicted | None, counts: tuple[float, float]) -> str:
    return "" if predicted is None or _is_reached(predicted, counts) else ", and it is less far than predicted"


def _is_reached(predicted: Predicted, counts: tuple[float, float]) -> bool:
    """Whether the figure reached what was predicted, or may have: it lies in the interval of the measured share."""
    lower, upper = (float(limit[0]) for limit in calculate_wilson(np.array([counts[0]]), np.array([counts[1]])))
    return upper >= predicted.to if predicted.to >= predicted.from_ else lower <= predicted.to


def _judge_number(during: Span) -> str:
    """A wait, a mean, a count, or a share that varies more than chance: inside or outside the chart's usual range."""
    value, lower, upper = (float(during.true[name].mean()) for name in ("value", "lower", "upper"))
    if np.isnan([lower, upper]).any():
        return "There is no usual range yet, so we cannot tell."
    return (
        "It is inside the usual range, so the difference could be chance."
        if lower <= value <= upper
        else "It is outside the usual range, which chance alone is unlikely to do."
    )


# Are we working well as a QI team? Checks of the method, each with how to pass it; roles, training, evidence.
def build_method(workings: Workings, cycles: Sequence[Cycle], verdict: str) -> MethodFacts:
    """checks, roles, ladder, partnership and evidence of the record as at the end of the month."""
    team = workings.team
    return MethodFacts(
        checks=build_checks(workings, cycles),
        roles=tuple(_tell_role(team, role) for role in team.team.roles),
        ladder=_build_ladder(team),
        partnership=_build_partnership(team),
        score=_find_score(workings),
        evidence=_build_evidence(workings, cycles, verdict),
    )


def build_aim_checks(record: Record) -> tuple[CheckFacts, ...]:
    """Is the aim measurable? One line each for measure, baseline, target, date and population."""
    aim = record.aim
    return (
        CheckFacts("a measure", bool(aim.measure), "Set measure in project.toml."),
        CheckFacts("a baseline", True, "The first 12 months are taken, or the dates in project.toml."),
        CheckFacts(
            "a target", aim.target is not None, "Agree a target at the next review and write it in project.toml."
        ),
        CheckFacts("a date", aim.by is not None, "Agree a date at the next review and write it as by in project.toml."),
        CheckFacts("a population", bool(aim.population), "Say in project.toml who the aim is for."),
    )


def build_checks(workings: Workings, cycles: Sequence[Cycle]) -> tuple[CheckFacts, ...]:
    """The checks of the method. A check about tests is not passed without a test."""
    checks = (*_check_plan(workings), *_check_tests(workings, cycles), *_check_team(workings.team))
    return tuple(CheckFacts(name, bool(passed), how) for name, passed, how in checks)


def _check_plan(workings: Workings) -> list[tuple[str, bool, str]]:
    record = workings.record
    missing = [part.name for part in build_aim_checks(record) if not part.passed]
    kinds = {measure.kind for measure in record.measures}
    lacking = [kind for kind in KINDS if kind not in kinds]
    gaps = len(record.accepted_gaps)
    return [
        ("The aim has a measure, a baseline, a target and a date", not missing, f"Agree {' and '.join(missing) or 'nothing more'} and write it in project.toml."),
        ("There are outcome, process and balancing measures", not lacking, f"Add one of kind {' and '.join(lacking) or 'each'} to measures.toml."),
        ("The figures come at least monthly", not gaps, "Fill the months listed as accepted gaps in project.toml."),
    ]  # fmt: skip


def _check_tests(workings: Workings, cycles: Sequence[Cycle]) -> list[tuple[str, bool, str]]:
    """The checks about predictions, learning, linked tests and their growth."""
    finished = [one for one in cycles if describe_state(one, workings.period.end) == "finished"]
    vague = [one.id for one in cycles if not (one.predicted or DIRECTION.search(one.prediction))]
    open_ended = [one.id for one in finished if not PAST.search(one.study) or one.decision == "running"]
    by_idea: dict[str, list[Cycle]] = {}
    for one in cycles:
        by_idea.setdefault(one.idea, []).append(one)
    linked = [group for idea, group in by_idea.items() if idea and len(group) > 1]
    return [
        ("Each test has a prediction with a number or a direction", bool(cycles) and not vague, f"Write what you expect{_name(vague)} before you look at the result."),
        ("Each finished test says what was learned and decided", bool(finished) and not open_ended, f"Fill in Study, in the past tense, and the decision{_name(open_ended)}."),
        ("Ideas are tested in linked tests", bool(linked), "Test one idea a second time: change the idea or the scale after what you learned."),
        ("Tests grow in scale", any(_grows(group) for group in linked), 'Write "on 8 people" in scale, and plan the next test on more people.'),
    ]  # fmt: skip


def _name(ids: Sequence[str]) -> str:
    """ " for P1, P2 and 3 more", or nothing."""
    more = f" and {len(ids) - 4} more" if len(ids) > 4 else ""
    return f" for {', '.join(clean_words(one) for one in ids[:4])}{more}" if ids else ""


def _grows(group: Sequence[Cycle]) -> bool:
    people = [one.people for one in group if one.people is not None]
    return any(later > earlier for earlier, later in zip(people, people[1:], strict=False))


def _check_team(team: TeamRecord) -> list[tuple[str, bool, str]]:
    """A service user with a part in it, a second person for each job, and somebody to follow whoever leaves."""
    users = {role.id for role in team.team.roles if find_kind(role.role) == SERVICE_USER}
    takes_part = any(idea.raised_by in users for idea in team.ideas) or any(
        find_kind(story.teller) == SERVICE_USER or story.teller in users for story in team.stories
    )
    single = [job for job in JOBS if sum(role.can(job) for role in team.team.roles) < 2]
    leaving = [role for role in team.team.roles if role.until and not role.successor]
    who = f" for the {' and the '.join(name_role(team, role.id) for role in leaving)}" if leaving else ""
    return [
        ("A service user is on the team and has a part in ideas or stories", bool(users) and takes_part, "Ask a service user to join, and write their ideas down as theirs in drivers.toml."),
        ("Leading and reporting can each be done by a second person", not single, f"Name a second person for {' and '.join(single) or 'each job'} in team.toml."),
        ("Every role that ends has somebody to follow", bool(team.team.roles) and not leaving, f"Name a successor{who} in team.toml." if leaving else "Add the roles first, with the day each one ends."),
    ]  # fmt: skip


def _tell_role(team: TeamRecord, role: Role) -> RoleFacts:
    return RoleFacts(
        role=name_role(team, role.id),
        since=describe_day(role.since) if role.since else "",
        until=describe_day(role.until) if role.until else "",
        successor=name_role(team, role.successor),
        training=tuple(_name_step(step) for step in role.training),
    )


def _name_step(step: str) -> str:
    return LADDER.get(step, step.replace("_", " "))


def _build_ladder(team: TeamRecord) -> tuple[StepFacts, ...]:
    """Each step of training in order, with the roles that have done it and those that have not."""
    steps = team.team.training_ladder or tuple(LADDER)
    roles = team.team.roles
    return tuple(
        StepFacts(
            step=_name_step(step),
            done=tuple(name_role(team, role.id) for role in roles if step in role.training),
            not_yet=tuple(name_role(team, role.id) for role in roles if step not in role.training),
        )
        for step in (steps if roles else ())
    )


def _build_partnership(team: TeamRecord) -> tuple[str, ...]:
    """What people who use the service do in the project, in sentences."""
    users = {role.id for role in team.team.roles if find_kind(role.role) == SERVICE_USER}
    raised = [idea for idea in team.ideas if idea.raised_by in users]
    tested = sum(idea.status != "idea" for idea in raised)
    led = sum(cycle.owner in users for cycle in team.cycles)
    return (
        "A service user or carer is on the team." if users else "No service user or carer is on the team yet.",
        f"Ideas that they raised: {len(raised)}, of which tested: {tested}.",
        f"Tests that they lead: {led}. Actions that they hold: {sum(one.owner in users for one in team.actions)}.",
    )


def _find_score(workings: Workings) -> ScoreFacts | None:
    """The score the team has set: the latest heading of decisions.md that says "Progress score 2.5"; None without one."""
    found = [
        (note.day, SCORE.search(note.title)) for note in workings.team.decisions if note.day <= workings.period.end
    ]
    scored = [(day, hit[1]) for day, hit in sorted(found, key=lambda one: one[0]) if hit]
    return ScoreFacts(scored[-1][1], describe_day(scored[-1][0])) if scored else None


def _build_evidence(workings: Workings, cycles: Sequence[Cycle], verdict: str) -> tuple[EvidenceFacts, ...]:
    """The steps of a progress score from 0.5 to 5, each with whether the record holds evidence of it."""
    team, record = workings.team, workings.record
    finished = [one for one in cycles if describe_state(one, workings.period.end) == "finished"]
    adopted = [idea for idea in team.ideas if idea.status in ("adopted", "adapted")]
    steps = [
        ("0.5", "The project has begun", True),
        ("1.0", "There is a team and an aim", bool(team.team.roles)),
        ("1.5", "Ideas are collected", bool(team.ideas)),
        ("2.0", "A first test has begun", bool(cycles)),
        ("2.5", "Tests have finished and were learned from", any(one.study for one in finished)),
        ("3.0", "An idea has been taken up", bool(adopted)),
        ("3.5", "The main measure is better than usual", verdict == "BETTER"),
        ("4.0", "The main measure is better and more than one idea is taken up", verdict == "BETTER" and len(adopted) > 1),
        ("4.5", "The gain is being kept", verdict == "BETTER" and record.status in ("sustaining", "closed")),
        ("5.0", "The gain is kept and has spread to others, which the record cannot show", False),
    ]  # fmt: skip
    return tuple(EvidenceFacts(step, what, bool(seen)) for step, what, seen in steps)

"""The team's own record as a release holds it: ideas, tests with their results, stories, actions, in words for pages.

As at the end of the review's month: a test that began later, an action done later, a story told later is not known yet.
Every text goes through record_words.py; which stories may be shown is for consent.py to say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from qi_analysis.consent import list_stories
from qi_analysis.cycle_results import build_result
from qi_analysis.measure_charts import MeasureCharts
from qi_analysis.measure_names import build_names, find_statistic
from qi_analysis.measure_words import UNITS
from qi_analysis.method_checks import build_aim_checks, build_method
from qi_analysis.periods import describe_day
from qi_analysis.phrases import describe_month
from qi_analysis.record_words import (
    clean_plainly,
    clean_words,
    describe_state,
    find_kind,
    list_cycles,
    mark_tested,
    name_role,
)
from qi_analysis.settings import Aim, Measure, Record
from qi_analysis.team_record_values import Action, Cycle, Story, TeamRecord
from qi_analysis.whats_new import build_snapshot
from qi_analysis.workings import Workings

MOST_STORIES = 2
MONTHS_TO_NEXT = {"quarter": 3}  # months to the next review; every other rhythm meets at least monthly


def build_record(workings: Workings, charts: MeasureCharts, verdict: str) -> dict[str, Any]:
    """Everything that the pages of the record show. verdict: its state, such as "BETTER", as evidence of progress."""
    record, day = workings.record, workings.period.end
    team = mark_tested(workings.team, day)
    cycles = list_cycles(team.cycles, day)
    tests = _build_cycles(team, cycles, charts, record, day)
    actions = _build_actions(workings)
    return {
        "is_example": team.is_example,
        "aim": {"weeks_left": describe_weeks_left(record.aim, day), "checks": build_aim_checks(record)},
        "drivers": _build_drivers(team, cycles),
        "perspectives": _build_perspectives(team),
        "cycles": tests,
        "ramps": _build_ramps(team, cycles, day),
        "stories": {edition: _build_stories(team, edition, day) for edition in ("team", "plain")},
        "actions": actions,
        "method": build_method(replace(workings, team=team), cycles, verdict),
        "feedback": _build_feedback(team, day),
        "reply_to": _name_reply(team),
        "snapshot": build_snapshot(workings),
    }


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
) -> list[dict[str, Any]]:
    names = build_names(record.completion.definitions)
    units = {one.id: (one, UNITS[find_statistic(one, names)]) for one in record.measures}
    ideas = {idea.id: clean_words(idea.idea) for idea in team.ideas}
    found = []
    for number, cycle in enumerate(cycles, 1):
        state = describe_state(cycle, day)
        told = {
            "number": number,
            "state": state,
            "idea": ideas.get(cycle.idea, ""),
            "owner": name_role(team, cycle.owner),
        }
        result = ["It has not begun."] if state == "planned" else build_result(cycle, charts, units, day)
        together = [] if state == "planned" else _describe_overlap(cycle, cycles, day)
        found.append(_tell_cycle(cycle, units) | told | {"result": result + together} | _tell_end(cycle, state))
    return found


def _tell_cycle(cycle: Cycle, units: Mapping[str, tuple[Measure, str]]) -> dict[str, Any]:
    """What a test is, whatever became of it."""
    return {
        "id": clean_words(cycle.id),
        "title": clean_words(cycle.title),
        "plain_title": clean_plainly(cycle.title),
        "on": cycle.start.isoformat(),
        "start": describe_day(cycle.start),
        "scale": clean_words(cycle.scale),
        "prediction": clean_words(cycle.prediction),
        "measures": [one for one in cycle.measures if one in units],
    }


def _tell_end(cycle: Cycle, state: str) -> dict[str, Any]:
    """What was learned and decided; nothing while a test runs."""
    is_over = state == "finished"
    return {
        "end": describe_day(cycle.end) if cycle.end else "",
        "learning": clean_words(cycle.study) if is_over else "",
        "plain_learning": clean_plainly(cycle.study) if is_over else "",
        "next": clean_words(cycle.act) if is_over else "",
        "decision": cycle.decision if is_over else "running",
    }


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


def _build_drivers(team: TeamRecord, cycles: Sequence[Cycle]) -> list[dict[str, Any]]:
    def tell(idea: Any) -> dict[str, Any]:
        return {
            "id": clean_words(idea.id),
            "idea": clean_words(idea.idea),
            "plain": clean_plainly(idea.idea),
            "status": idea.status,
            "raised_by": name_role(team, idea.raised_by),
            "tests": [clean_words(cycle.id) for cycle in cycles if cycle.idea == idea.id],
        }

    return [{"driver": clean_words(one.driver), "ideas": [tell(idea) for idea in one.ideas]} for one in team.drivers]


def _build_perspectives(team: TeamRecord) -> dict[str, Any]:
    """Ideas by whose perspective raised them, and the perspectives on the team that have raised none."""
    kinds = [find_kind(name_role(team, idea.raised_by)) if idea.raised_by else "not recorded" for idea in team.ideas]
    on_team = list(dict.fromkeys(find_kind(name_role(team, role.id)) for role in team.team.roles))
    rows = [
        [kind, kinds.count(kind), sum(one == kind and idea.status != "idea" for one, idea in zip(kinds, team.ideas, strict=True))]
        for kind in dict.fromkeys(kinds)
    ]  # fmt: skip
    return {"rows": rows, "missing": [kind for kind in on_team if kind not in kinds]}


def _build_ramps(team: TeamRecord, cycles: Sequence[Cycle], day: date) -> list[dict[str, Any]]:
    """The linked tests of each idea that has two or more, in order of time, with their scale and decision."""
    words = {"adopt": "adopted", "adapt": "adapted", "abandon": "abandoned", "running": "no decision yet"}

    def tell(cycle: Cycle) -> str:
        state = describe_state(cycle, day)
        said = words[cycle.decision] if state == "finished" else state
        return f"{clean_words(cycle.id)}, {clean_words(cycle.scale) or 'scale not written'}: {said}"

    steps = {idea.id: [cycle for cycle in cycles if cycle.idea == idea.id] for idea in team.ideas}
    return [
        {"idea": clean_words(idea.idea), "steps": [tell(cycle) for cycle in steps[idea.id]]}
        for idea in team.ideas
        if len(steps[idea.id]) > 1
    ]


def _build_stories(team: TeamRecord, edition: str, day: date) -> list[dict[str, str]]:
    titles = {cycle.id: clean_words(cycle.title) for cycle in team.cycles}

    def tell(story: Story) -> dict[str, str]:
        about = ", ".join(titles[one] for one in story.about if one in titles)
        teller = f"{name_role(team, story.teller)}, {describe_month(story.day)}"
        return {"words": clean_words(story.text), "teller": teller, "about": about}

    return [tell(story) for story in list_stories(team, edition, day)[:MOST_STORIES]]


def _build_actions(workings: Workings) -> dict[str, Any]:
    """Actions as at the end of the month: due before the next review, late, due later, without a date, and done in it."""
    team, period = workings.team, workings.period
    following = period.plus(MONTHS_TO_NEXT.get(team.team.reviews.every, 1)).end
    done = [one for one in team.actions if one.status == "done" and one.done_on and one.done_on <= period.end]
    still = [one for one in team.actions if one.is_open or (one.done_on and one.done_on > period.end)]
    dated = sorted((one for one in still if one.due), key=lambda one: (one.due or following, one.id))
    groups = {
        "due": [one for one in dated if one.due and period.end < one.due <= following],
        "late": [one for one in dated if one.due and one.due <= period.end],
        "done": sorted((one for one in done if one.done_on and one.done_on >= period.start), key=lambda one: one.id),
        "later": [one for one in dated if one.due and one.due > following],
        "undated": [one for one in still if not one.due],
    }
    told = {name: [_tell_action(team, one) for one in group] for name, group in groups.items()}
    return {**told, "next_review": describe_day(following), "any": bool(team.actions)}


def _tell_action(team: TeamRecord, action: Action) -> dict[str, str]:
    return {
        "id": clean_words(action.id),
        "action": clean_words(action.action),
        "owner": name_role(team, action.owner) or "nobody yet",
        "due": describe_day(action.due) if action.due else "",
        "done": describe_day(action.done_on) if action.done_on else "",
        "state": "in progress" if action.status == "doing" else "open",
    }


def _build_feedback(team: TeamRecord, day: date) -> list[dict[str, str]]:
    """What readers said and what was done about it, the newest first; nothing where no answer is written yet."""
    told = [one for one in team.feedback if one.day <= day and one.comment and one.what_we_did]
    return [
        {
            "said": clean_plainly(one.comment),
            "did": clean_plainly(one.what_we_did),
            "month": describe_month(one.day),
            "edition": one.edition,
        }
        for one in sorted(told, key=lambda one: one.day, reverse=True)
    ]


def _name_reply(team: TeamRecord) -> str:
    """Who takes answers: the role that leads, else the first; by role and channel, never an address."""
    roles = team.team.roles
    found = next((role for role in roles if role.can("lead")), roles[0] if roles else None)
    if found is None:
        return "a member of the project team"
    channel = f", by {clean_words(found.channel)}" if found.channel else ""
    return f"the {name_role(team, found.id)}{channel}"

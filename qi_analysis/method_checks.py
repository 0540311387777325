"""Are we working well as a QI team? Checks of the method on the record, each with how to pass it; roles; training; evidence.

A progress score is never worked out: the evidence for each step is listed and the team sets the score.
"""

import re
from collections.abc import Sequence
from typing import Any

from qi_analysis.periods import describe_day
from qi_analysis.record_words import clean_words, describe_state, find_kind, name_role
from qi_analysis.settings import Record
from qi_analysis.team_record_values import JOBS, Cycle, Role, TeamRecord
from qi_analysis.workings import Workings

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
KINDS = ("outcome", "process", "balancing")


def build_aim_checks(record: Record) -> list[dict[str, Any]]:
    """Is the aim measurable? One line each for measure, baseline, target, date and population."""
    aim = record.aim
    parts = [
        ("a measure", bool(aim.measure), "Set measure in project.toml."),
        ("a baseline", True, "The first 12 months are taken, or the dates in project.toml."),
        ("a target", aim.target is not None, "Agree a target at the next review and write it in project.toml."),
        ("a date", aim.by is not None, "Agree a date at the next review and write it as by in project.toml."),
        ("a population", bool(aim.population), "Say in project.toml who the aim is for."),
    ]
    return [{"name": name, "passed": passed, "how": how} for name, passed, how in parts]


def build_method(workings: Workings, cycles: Sequence[Cycle], verdict: str) -> dict[str, Any]:
    """checks, roles, ladder, partnership and evidence of the record as at the end of the month."""
    team = workings.team
    return {
        "checks": build_checks(workings, cycles),
        "roles": [_tell_role(team, role) for role in team.team.roles],
        "ladder": _build_ladder(team),
        "partnership": _build_partnership(team),
        "score": _find_score(workings),
        "evidence": _build_evidence(workings, cycles, verdict),
    }


def build_checks(workings: Workings, cycles: Sequence[Cycle]) -> list[dict[str, Any]]:
    """name, passed and how to pass, for each check of the method. A check about tests is not passed without a test."""
    checks = [*_check_plan(workings), *_check_tests(workings, cycles), *_check_team(workings.team)]
    return [{"name": name, "passed": bool(passed), "how": how} for name, passed, how in checks]


def _check_plan(workings: Workings) -> list[tuple[str, bool, str]]:
    record = workings.record
    missing = [part["name"] for part in build_aim_checks(record) if not part["passed"]]
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


def _tell_role(team: TeamRecord, role: Role) -> dict[str, Any]:
    return {
        "role": name_role(team, role.id),
        "since": describe_day(role.since) if role.since else "",
        "until": describe_day(role.until) if role.until else "",
        "successor": name_role(team, role.successor),
        "training": [LADDER.get(step, step.replace("_", " ")) for step in role.training],
    }


def _build_ladder(team: TeamRecord) -> list[dict[str, Any]]:
    """Each step of training in order, with the roles that have done it and those that have not."""
    steps = team.team.training_ladder or tuple(LADDER)
    roles = team.team.roles
    return [
        {
            "step": LADDER.get(step, step.replace("_", " ")),
            "done": [name_role(team, role.id) for role in roles if step in role.training],
            "not_yet": [name_role(team, role.id) for role in roles if step not in role.training],
        }
        for step in (steps if roles else ())
    ]


def _build_partnership(team: TeamRecord) -> list[str]:
    """What people who use the service do in the project, in sentences."""
    users = {role.id for role in team.team.roles if find_kind(role.role) == SERVICE_USER}
    raised = [idea for idea in team.ideas if idea.raised_by in users]
    tested = sum(idea.status != "idea" for idea in raised)
    led = sum(cycle.owner in users for cycle in team.cycles)
    return [
        "A service user or carer is on the team." if users else "No service user or carer is on the team yet.",
        f"Ideas that they raised: {len(raised)}, of which tested: {tested}.",
        f"Tests that they lead: {led}. Actions that they hold: {sum(one.owner in users for one in team.actions)}.",
    ]


def _find_score(workings: Workings) -> dict[str, str] | None:
    """The score the team has set: the latest heading of decisions.md that says "Progress score 2.5"; None without one."""
    found = [
        (note.day, SCORE.search(note.title)) for note in workings.team.decisions if note.day <= workings.period.end
    ]
    scored = [(day, hit[1]) for day, hit in sorted(found, key=lambda one: one[0]) if hit]
    return {"score": scored[-1][1], "on": describe_day(scored[-1][0])} if scored else None


def _build_evidence(workings: Workings, cycles: Sequence[Cycle], verdict: str) -> list[dict[str, Any]]:
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
    return [{"step": step, "what": what, "seen": bool(seen)} for step, what, seen in steps]

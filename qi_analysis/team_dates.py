"""What is to be told about the team's record as at a day: tests, stories, roles, and whether anything moves."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations

from qi_analysis.days import describe_day_short, read_day
from qi_analysis.faults import Faults
from qi_analysis.periods import describe_day
from qi_analysis.phrases import describe_month
from qi_analysis.settings import Aim, Measure
from qi_analysis.team_record_values import NOTE, STOP, WARN, Cycle, Role, Story, TeamRecord

ENDING_SOON = timedelta(days=90)
LONGEST_TEST = 3  # months
FAR_YEARS = 5  # nobody plans a test, an action or a role for a year after these


def check_aim(aim: Aim | None, measures: Sequence[Measure], faults: Faults) -> None:
    """Tell what the aim and the measures still lack; of an aim or of measures that cannot be read nothing is told."""
    if measures and not any(measure.kind == "balancing" for measure in measures):
        message = "Nothing checks for harm. Pick one, for example waiting time to the second contact."
        faults.tell(WARN, "measures.toml", message)
    if aim is None:
        return
    parts = {"target": ("target", aim.target), "by": ("date", aim.by)}
    lacks = [word for key, (word, value) in parts.items() if value is None and key not in faults.told]
    if lacks:
        what = f"The aim has no {' or '.join(lacks)} yet."
        faults.tell(WARN, "project.toml", f"{what} The report will say so. Agree one at the next review.")
    if not aim.population.strip():
        faults.warn("project.toml, population", "say whom the aim is for, such as people who start LI CBT.")
    if aim.baseline is not None and aim.by is not None and aim.baseline[1] >= aim.by:
        ends = f"it ends on {describe_day_short(aim.baseline[1])}, and the aim is for {describe_day_short(aim.by)}."
        faults.warn("project.toml, [aim] baseline", f"{ends} Look at the years.")
    if aim.baseline is None and "baseline" not in faults.told:
        message = "The aim has no dates for its baseline, so the first 12 points are taken."
        faults.tell(NOTE, "project.toml", message)


def check_due(aim: Aim, day: date, faults: Faults) -> None:
    """Tell an aim whose date has passed."""
    if aim.by is not None and aim.by < day:
        passed = f"the date of the aim, {describe_day_short(aim.by)}, has passed."
        faults.warn("project.toml, by", f"{passed} Agree a new one at the next review.")


def check_stories(team: TeamRecord, day: date, faults: Faults) -> None:
    """Tell what the consent of each story does not allow, as at a day."""
    for story in team.stories:
        level, what = _judge_consent(story, day)
        if what:
            faults.tell(level, story.place, f"{story.place}: {what}")


def _judge_consent(story: Story, day: date) -> tuple[str, str]:
    if story.consent not in ("team", "plain"):  # anything unknown has been told
        return WARN, 'consent is "none", so it will not appear in any edition.' if story.consent == "none" else ""
    if story.consent_ends is not None and story.consent_ends < day:
        ended = describe_day_short(story.consent_ends)
        return STOP, f"consent ended on {ended}. Renew it or set consent to none."
    days = {"consent_on": story.consent_on, "consent_ends": story.consent_ends}
    missing = " and ".join(name for name, value in days.items() if value is None)
    if missing:
        return WARN, f"fill in {missing}. Until then it will not appear in any edition."
    if story.consent_on is not None and story.consent_on > day:
        begins = describe_day_short(story.consent_on)
        return WARN, f"consent begins on {begins}. Until then it will not appear in any edition."
    if story.consent == "team":
        return WARN, 'consent is "team", so it will not appear in the plain edition.'
    return NOTE, ""


def check_cycles(team: TeamRecord, day: date, faults: Faults) -> None:
    """Tell tests without a prediction, a Study or an end, long ones, and tests that hide each other's effect.

    A test without measures acts on those of its idea.
    """
    is_read = not any(one.level == STOP and one.place.startswith("drivers.toml") for one in faults)
    waiting = {idea.id for idea in team.ideas if is_read and idea.status == "idea"}
    stopped = {one.place.partition(",")[0] for one in faults if one.level == STOP}
    cycles = [cycle for cycle in team.cycles if cycle.place not in stopped]
    for cycle in cycles:
        for message in _judge_cycle(cycle, day):
            faults.tell(WARN, cycle.place, f"{cycle.id} {message}")
    for cycle in cycles:
        if cycle.start <= day and cycle.idea in waiting:
            message = f'{cycle.id} tests {cycle.idea}, whose status is still "idea". Write testing in drivers.toml.'
            faults.tell(NOTE, cycle.place, message)
            waiting.remove(cycle.idea)
    ideas = {idea.id: idea.measures for idea in team.ideas}
    acting = [replace(cycle, measures=cycle.measures or ideas.get(cycle.idea, ())) for cycle in cycles]
    for first, second in combinations(acting, 2):
        if months := find_overlap(first, second, day):
            message = (
                f"{first.id} and {second.id} act on the same measure in {months}. Their effects cannot be told apart."
            )
            faults.tell(WARN, first.place, message)


def _judge_cycle(cycle: Cycle, day: date) -> Iterator[str]:
    if not cycle.prediction.strip():
        yield "has no prediction. Write what you expect before you look at the result."
    if cycle.end is not None and cycle.end < day:
        ended = f"ended on {describe_day_short(cycle.end)} and"
        if not cycle.study:
            yield f"{ended} Study is empty. One sentence is enough."
        if cycle.decision == "running":
            yield f"{ended} has no decision. Write adopt, adapt or abandon."
    if cycle.end is None and cycle.decision != "running":
        yield "has a decision and no end. Write the day on which it ended."
    months = count_months(cycle.start, day - timedelta(days=1))
    if cycle.describe_state(day) == "running" and months >= LONGEST_TEST:
        yield f"has run for {count_months(cycle.start, day)} months. Is it still a test? Consider a smaller one."


def count_months(start: date, end: date) -> int:
    """Whole months between two days; 0 when the end is first."""
    months = (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)
    return max(0, months)


def find_overlap(first: Cycle, second: Cycle, day: date) -> str:
    """The months in words in which two tests of one measure ran side by side up to a day; "" when they did not."""
    start, end = max(first.start, second.start), min(first.end or day, second.end or day)
    if start > end or not set(first.measures) & set(second.measures):
        return ""
    months = [describe_month(start), describe_month(end)]
    return " to ".join(dict.fromkeys(months))


def check_team(team: TeamRecord, day: date, faults: Faults) -> None:
    """Tell roles that end without a successor, and jobs that hang on one role."""
    roles, stopped = team.team.roles, {one.place for one in faults if one.level == STOP}
    for role in (role for role in roles if role.place not in stopped):
        if role.successor == role.id:
            faults.warn(f"{role.place}, successor", "a role cannot follow itself. Name another one.")
        elif role.until is not None and role.until - day <= ENDING_SOON and not role.successor.strip():
            verb = "ends" if role.until >= day else "ended"
            message = f"The {role.short}'s role {verb} on {describe_day_short(role.until)} and no successor is named."
            faults.tell(WARN, role.place, message)
    here = [role for role in roles if _is_here(role, day)]
    is_read = not any(place.startswith("team.toml") for place in stopped)
    if is_read and sum(role.can("report") for role in here) == 1:
        faults.tell(WARN, "team.toml", "Only one person is down for running the report.")


def _is_here(role: Role, day: date) -> bool:
    return (role.since is None or role.since <= day) and (role.until is None or role.until >= day)


def check_future(team: TeamRecord, today: date, faults: Faults) -> None:
    """Tell what has been done or told on a day that is still to come, and plans for a day that is far away."""
    told = [(f"{action.place}, done_on", action.done_on) for action in team.actions]
    told += [(f"{story.place}, date", story.day) for story in team.stories]
    for place, day in told:
        if day is not None and day > today:
            faults.warn(place, f"{describe_day_short(day)} is still to come. Look at the year.")
    plans = [
        (f"{cycle.place}, {key}", day)
        for cycle in team.cycles
        for key, day in (("start", cycle.start), ("end", cycle.end))
    ]
    plans += [(f"{action.place}, due", action.due) for action in team.actions]
    plans += [(f"{role.place}, until", role.until) for role in team.team.roles]
    for place, day in plans:
        if day is not None and day.year > today.year + FAR_YEARS:
            faults.warn(place, f"{describe_day_short(day)} is far away. Look at the year.")


def check_movement(team: TeamRecord, last_review: date | None, day: date, faults: Faults) -> None:
    """Tell when nothing dated has happened since the last review; nothing to tell without one or without a record."""
    dates = list(_list_dates(team, day))
    if last_review is not None and dates and not team.is_example and max(dates) <= last_review:
        message = f"No cycle, story or action has changed since {describe_day(last_review)}."
        faults.tell(WARN, "project", message)


def _list_dates(team: TeamRecord, day: date) -> Iterator[date]:
    dates = [one for cycle in team.cycles for one in (cycle.start, cycle.end)]
    dates += [story.day for story in team.stories]
    dates += [one for action in team.actions for one in (action.done_on, read_day(action.raised_at))]
    return (one for one in dates if one is not None and one <= day)

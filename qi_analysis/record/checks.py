"""Whether the team's record holds together, and what is to be told about it as at a day."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path

from qi_analysis.periods import describe_day, describe_day_short, read_day
from qi_analysis.phrases import describe_month
from qi_analysis.record.files import list_prose
from qi_analysis.record.findings import Faults, describe_share, find_near
from qi_analysis.record.personal_details import looks_like_name, quote
from qi_analysis.record.settings import Aim, Measure
from qi_analysis.record.team import NOTE, STOP, WARN, Cycle, Role, Story, TeamRecord

SHARES = ("p", "pp", "ip")  # charts of measures whose values are shares
PARTS = ("team.toml", "drivers.toml", "pdsa", "stories", "actions.csv", "feedback.csv", "decisions.md", "handover.md")
FILES = ("project.toml", "completion.toml", "measures.toml", "benchmark.toml", "columns.toml", *PARTS, "events.csv")
OTHERS = ("allow.toml", "columns.example.toml", "example", "templates", "README.md")
MOST_NAMED = 8
TEMPORARY = ("~$", ".", "Thumbs.db", "desktop.ini")
ENDING_SOON = timedelta(days=90)
LONGEST_TEST = 3  # months
FAR_YEARS = 5  # nobody plans a test, an action or a role for a year after these


# Does it hold together? Files that are read, ids that are meant for each other, ids given twice.
def check_files(folder: Path, faults: Faults) -> None:
    """Tell every file that is not read: mistyped names, other endings, prose that is not Markdown."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name in (*FILES, *OTHERS) or path.name.startswith(TEMPORARY):
            continue
        hint = find_near(path.name, FILES)
        level = WARN if hint else NOTE
        faults.tell(level, path.name, f"{path.name} is not a file of the record, so it is not read.{hint}")
    for part in ("pdsa", "stories"):
        _check_folder(folder / part, faults)


def _check_folder(folder: Path, faults: Faults) -> None:
    if folder.exists() and not folder.is_dir():
        faults.give_up(folder.name, "this must be a folder that holds one file for each.")
        return
    read = list_prose(folder)
    for path in sorted(folder.iterdir()) if folder.exists() else ():
        if path not in read and not path.name.startswith(TEMPORARY) and path.stem.lower() != "readme":
            place = f"{folder.name}/{path.name}"
            advice = (
                "Move its files out of it."
                if path.is_dir()
                else "Save it as plain text, under a name that ends in .md."
            )
            faults.tell(WARN, place, f"{place} is not read. {advice}")


def check_ids(team: TeamRecord, faults: Faults) -> None:
    """Tell ids that are given twice."""
    _check_twice("cycles", [(cycle.id, cycle.file) for cycle in team.cycles], faults)
    _check_twice("ideas", [(idea.id, idea.place) for idea in team.ideas], faults)
    _check_twice("roles", [(role.id, role.place) for role in team.team.roles], faults)
    _check_twice("actions", [(action.id, action.place) for action in team.actions if action.id], faults)


def _check_twice(kind: str, given: Iterable[tuple[str, str]], faults: Faults) -> None:
    places = defaultdict(list)
    names = dict[str, str]()
    for one, place in given:
        places[names.setdefault(one.casefold(), one)].append(place)  # P1 and p1 would be one file of a pack
    for one, found in places.items():
        if len(found) > 1:
            count = f"Two {kind} are both" if len(found) == 2 else f"{len(found)} {kind} are all"
            name = one if quote(one).startswith('"') else "the same"
            message = f"{count} called {name} ({' and '.join(found)}). Give one of them a new id."
            faults.tell(STOP, found[0], message)


def check_links(team: TeamRecord, charts: Mapping[str, str] | None, faults: Faults) -> None:
    """Tell ids of measures, ideas, cycles and roles that lead nowhere. charts: id of a measure -> its chart, None unknown."""
    for place, ids in _list_measures(team) if charts is not None else ():
        check_measure_ids(place, ids, charts or (), faults)
    shares = {one for one, chart in (charts or {}).items() if chart in SHARES}
    for cycle in team.cycles:
        if cycle.predicted and cycle.predicted.measure in shares:
            _check_shares(f"{cycle.place}, predicted", (cycle.predicted.from_, cycle.predicted.to), faults)
        if cycle.idea:
            _check_known(
                f"{cycle.place}, idea", cycle.idea, [idea.id for idea in team.ideas], "an idea of drivers.toml", faults
            )
    known = [cycle.id for cycle in team.cycles] + [idea.id for idea in team.ideas]
    for story in team.stories:
        for one in story.about:
            _check_known(f"{story.place}, about", one, known, "the id of a cycle or an idea", faults)
    _check_roles(team, faults)


def _list_measures(team: TeamRecord) -> Iterator[tuple[str, Sequence[str]]]:
    yield from ((f"{idea.place}, measures", idea.measures) for idea in team.ideas)
    for cycle in team.cycles:
        yield f"{cycle.place}, measures", cycle.measures
        yield f"{cycle.place}, predicted", (cycle.predicted.measure,) if cycle.predicted else ()


def check_measure_ids(place: str, ids: Iterable[str], known: Collection[str], faults: Faults) -> None:
    """Tell ids that are not in measures.toml."""
    for one in ids:
        if one not in known:
            faults.stop(place, f"the measure {quote(one)} is not in measures.toml.{find_near(one, known)}")


def _check_shares(place: str, values: Iterable[float], faults: Faults) -> None:
    for value in values:
        if not 0 <= value <= 1:
            faults.stop(place, describe_share_wanted(value))


def describe_share_wanted(value: float) -> str:
    """What to write instead of a number that is no share: 0.70 for 70."""
    is_percent = 2 <= value <= 100  # 1.2 is a slip of another kind
    wanted = f"write {value:g}% as {describe_share(value)}" if is_percent else "write a share from 0 to 1, such as 0.70"
    return f"{wanted}. You wrote {value:g}."


def _check_known(place: str, one: str, known: Collection[str], what: str, faults: Faults) -> None:
    files = ("drivers.toml",) if "drivers" in what else ("drivers.toml", "pdsa")
    if one not in known and one not in faults.ids and not any(name.startswith(files) for name in faults.unread):
        some = f" Known are: {', '.join(sorted(set(known))[:MOST_NAMED])}." if known else ""
        faults.warn(place, f"{quote(one)} is not {what}.{find_near(one, known) or some}")


def _check_roles(team: TeamRecord, faults: Faults) -> None:
    """Tell owners, raisers and tellers that are no role, and those that read like a person's name."""
    roles = team.team.roles
    known = {name.casefold() for role in roles for name in (role.id, role.role, role.short)}
    for place, written, is_id in _list_roles(team):
        if looks_like_name(written) and (written.casefold() not in known or place.endswith(", role")):
            faults.warn(place, "this looks like a person's name. Write a role instead, such as lead.")
            continue
        if not written or written.casefold() in known or written in faults.ids or "team.toml" in faults.unread:
            continue
        near = find_near(written, [role.id for role in roles])
        if roles and (is_id or near):
            ids = near or f" Write one of {', '.join(role.id for role in roles)}, or add the role."
            faults.warn(place, f"{quote(written) if near else 'this'} is not a role of team.toml.{ids}")


def _list_roles(team: TeamRecord) -> Iterator[tuple[str, str, bool]]:
    """(place, the role as written, whether it must be an id): a teller may be anybody."""
    yield from ((f"{idea.place}, raised_by", idea.raised_by, True) for idea in team.ideas)
    yield from ((f"{cycle.place}, owner", cycle.owner, True) for cycle in team.cycles)
    yield from ((f"{story.place}, teller", story.teller, False) for story in team.stories)
    yield from ((f"{action.place}, owner", action.owner, True) for action in team.actions)
    yield from ((f"{role.place}, role", role.role, False) for role in team.team.roles if looks_like_name(role.role))
    yield from ((f"{role.place}, successor", role.successor, True) for role in team.team.roles)


# As at a day: the aim, tests, stories, roles, and whether anything moves.
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

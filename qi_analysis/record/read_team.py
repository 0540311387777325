"""The team's own record, read from project/ into frozen values, with everything that is to be told about it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from qi_analysis.periods import describe_day_short, looks_like_day
from qi_analysis.record.checks import (
    PARTS,
    check_cycles,
    check_due,
    check_files,
    check_future,
    check_ids,
    check_links,
    check_movement,
    check_stories,
    check_team,
)
from qi_analysis.record.files import (
    Prose,
    Row,
    check_details,
    clean_prose,
    is_there,
    list_prose,
    read_decisions,
    read_list,
    read_prose,
    read_source,
    read_text,
    split_sections,
)
from qi_analysis.record.findings import Faults, Place, find_near
from qi_analysis.record.personal_details import quote
from qi_analysis.record.settings import Record
from qi_analysis.record.team import (
    ACTION_STATUS,
    EDITIONS,
    WARN,
    Action,
    Cycle,
    Driver,
    Feedback,
    Idea,
    Predicted,
    Reviews,
    Role,
    Story,
    Team,
    TeamRecord,
)

MOST_DAYS_BEFORE = 60  # that papers go out before a meeting
EXAMPLE = "example"


def read_team_record(folder: Path, charts: Mapping[str, str] | None = None, allow_example: bool = False) -> TeamRecord:
    """The record in project/. Never raises: faults are its findings, and a missing part is empty.

    charts: the chart of each id of measures.toml; None when they are not known, then no id is judged. allow_example: with no
    part of a record of its own, the example in project/example is read (is_example), as only synthetic data may show it.
    """
    is_example = allow_example and not has_parts(folder) and has_parts(folder / EXAMPLE)
    faults, home = Faults(), folder / EXAMPLE if is_example else folder
    check_files(folder, faults)
    team = TeamRecord(
        team=read_team(home / "team.toml", faults),
        drivers=read_drivers(home / "drivers.toml", faults),
        cycles=read_cycles(home / "pdsa", faults),
        stories=read_stories(home / "stories", faults),
        actions=read_actions(home / "actions.csv", faults),
        feedback=read_feedback(home / "feedback.csv", faults),
        decisions=read_decisions(home / "decisions.md", faults),
        handover=_read_handover(home / "handover.md", faults),
        is_example=is_example,
    )
    check_ids(team, faults)
    check_links(team, charts, faults)
    return replace(team, findings=faults.sort_levels())


def has_parts(folder: Path) -> bool:
    """Whether a folder holds any part of a team's record; an empty folder is none."""
    return any(any(path.glob("*.md")) if path.is_dir() else path.exists() for path in (folder / part for part in PARTS))


def _read_handover(path: Path, faults: Faults) -> str:
    text = read_text(path, path.name, faults) if is_there(path) else None
    if text is not None:
        check_details(text.split("\n"), path.name, faults)
    return clean_prose((text or "").split("\n"))


def check_team_record(
    team: TeamRecord, record: Record | None, day: date, today: date | None = None, last_review: date | None = None
) -> TeamRecord:
    """The same record with what is to be told about it as at a day among its findings, STOP first.

    record: its findings come first; None when it cannot be read. Consent is judged as at the later of
    `day` and `today` (the clock's). last_review: the day to which the last published review looked.
    """
    faults = Faults([*(record.findings if record else ()), *team.findings])
    latest = max(day, today or date.today())
    if record is not None:
        check_due(record.aim, day, faults)
    check_stories(team, latest, faults)
    check_future(team, latest, faults)
    check_cycles(team, day, faults)
    check_team(team, day, faults)
    check_movement(team, last_review, day, faults)
    return replace(team, findings=faults.sort_levels())


# The parts, each from its own file: team, drivers, cycles, stories, actions, feedback.
def read_team(path: Path, faults: Faults) -> Team:
    """team.toml; an empty team when it is missing or cannot be read."""
    source = read_source(path, faults)
    if source is None:
        return Team()
    top = source.place()
    faults.known(top, source.table, ("training_ladder", "reviews", "roles"), WARN)
    reviews = faults.build(Reviews, source.place("reviews", 0, "reviews"), source.table.get("reviews", {}), WARN)
    if reviews is not None and not 0 <= reviews.papers_days_before <= MOST_DAYS_BEFORE:
        faults.stop("team.toml, reviews, papers_days_before", f"this must lie between 0 and {MOST_DAYS_BEFORE}.")
    ladder = source.table.get("training_ladder", [])
    if not isinstance(ladder, list) or not all(isinstance(step, str) for step in ladder):
        faults.stop(top.key("training_ladder"), "this must be a list of texts in square brackets.")
        ladder = []
    read = [_read_role(place, block, faults) for place, block in source.list_blocks("roles", faults)]
    roles = tuple(role for role in read if role)
    for role in roles:
        _check_training(role, ladder, faults)
    return Team(roles, tuple(ladder), reviews or Reviews())


def _check_training(role: Role, ladder: list[str], faults: Faults) -> None:
    """Tell steps that are near one of the ladder; others may be of training outside it."""
    for step in role.training:
        if step not in ladder and (near := find_near(step, ladder)):
            faults.warn(f"{role.place}, training", f"{quote(step)} is not a step of training_ladder.{near}")


def _read_role(place: Place, block: Any, faults: Faults) -> Role | None:
    role: Role | None = faults.build(Role, place, block, WARN, place=place.line())
    if role is None or not _has_id(role.id, place, faults):
        return None
    check_filled(place.key("role"), role.role, faults)
    check_order(place.line(), role.since, role.until, faults)
    return role


def _has_id(written: str, place: Place, faults: Faults) -> bool:
    if not written.strip():
        faults.stop(place.key("id"), "the id is empty. Give it one, such as lead, I1 or P1.")
    elif not re.fullmatch(r"[\w.-]+", written):
        faults.stop(place.key("id"), "an id has letters, figures and hyphens only, such as lead, I1 or P1.")
    return bool(written.strip())


def check_filled(place: str, text: str, faults: Faults) -> None:
    """Tell a text that is there and empty."""
    if not text.strip():
        faults.warn(place, "this is empty. Fill it in.")


def check_order(place: str, start: Any, end: Any, faults: Faults) -> None:
    """Tell an end that is before its start."""
    if start and end and end < start:
        days = f"the end ({describe_day_short(end)}) is before the start ({describe_day_short(start)})."
        faults.stop(place, days)


def read_drivers(path: Path, faults: Faults) -> tuple[Driver, ...]:
    """drivers.toml with the ideas under each driver; none when it is missing or cannot be read."""
    source = read_source(path, faults)
    if source is None:
        return ()
    faults.known(source.place(), source.table, ("drivers",), WARN)
    drivers, number = list[Driver](), 0
    for place, block in source.list_blocks("drivers", faults):
        given = block.get("ideas", []) if isinstance(block, dict) else []
        if not isinstance(given, list):
            faults.stop(place.line("ideas"), "write [[drivers.ideas]], with two brackets on each side.")
            given = []
        spots = [source.place("drivers.ideas", number + step) for step in range(len(given))]
        ideas = [_read_idea(spot, idea, faults) for spot, idea in zip(spots, given, strict=True)]
        number += len(given)
        whole = {**block, "ideas": [idea for idea in ideas if idea]} if isinstance(block, dict) else block
        driver = faults.build(Driver, place, whole, WARN)
        if driver is not None:
            check_filled(place.key("driver"), driver.driver, faults)
            drivers.append(driver)
    return tuple(drivers)


def _read_idea(place: Place, block: Any, faults: Faults) -> Idea | None:
    idea: Idea | None = faults.build(Idea, place, block, WARN, place=place.line())
    if idea is None or not _has_id(idea.id, place, faults):
        return None
    check_filled(place.key("idea"), idea.idea, faults)
    return idea


def read_cycles(folder: Path, faults: Faults) -> tuple[Cycle, ...]:
    """pdsa/*.md, in the order of their starts."""
    read = [_read_cycle(read_prose(path, name, faults), name, faults) for path, name in list_prose(folder).items()]
    return tuple(sorted((cycle for cycle in read if cycle), key=lambda cycle: (cycle.start, cycle.id)))


def _read_cycle(prose: Prose | None, name: str, faults: Faults) -> Cycle | None:
    if prose is None:
        return None
    place, table = prose.source.place(), dict(prose.source.table)
    predicted, sections = table.pop("predicted", None), split_sections(prose, name, faults)
    if predicted is not None and not isinstance(predicted, dict):
        faults.stop(f"{name}, predicted", 'write { measure = "second_contact", from = 0.60, to = 0.75 }.')
        predicted = None
    elif predicted is not None:
        predicted = faults.build(Predicted, Place(name, "predicted"), predicted, WARN)
    fixed = {"predicted": predicted, "file": prose.file, "place": name, **sections}
    cycle: Cycle | None = faults.build(Cycle, place, table, WARN, **fixed)
    if cycle is None or not _has_id(cycle.id, place, faults):
        return None
    check_filled(place.key("title"), cycle.title, faults)
    check_order(name, cycle.start, cycle.end, faults)
    return cycle


def read_stories(folder: Path, faults: Faults) -> tuple[Story, ...]:
    """stories/*.md, in the order of their dates."""
    read = [_read_story(read_prose(path, name, faults), name, faults) for path, name in list_prose(folder).items()]
    return tuple(sorted((story for story in read if story), key=lambda story: (story.day, story.file)))


def _read_story(prose: Prose | None, name: str, faults: Faults) -> Story | None:
    if prose is None:
        return None
    fixed = {"text": clean_prose(prose.body), "file": prose.file, "has_personal_detail": prose.has_personal_detail}
    fixed |= {"place": name}
    story: Story | None = faults.build(Story, prose.source.place(), prose.source.table, WARN, **fixed)
    if story is None:
        return None
    check_order(name, story.consent_on, story.consent_ends, faults)
    if not story.text:
        faults.warn(name, "the story is empty. Write the words, checked with the teller.")
    return story


def read_actions(path: Path, faults: Faults) -> tuple[Action, ...]:
    """actions.csv, in the order of the file."""
    return tuple(action for row in read_list(path, faults) if (action := _read_action(row, faults)))


def _read_action(row: Row, faults: Faults) -> Action | None:
    status = (row["status"] or "open").lower()
    faults.one_of(f"{row.place}, status", status, ACTION_STATUS)
    due, done_on = row.day("due", faults), row.day("done_on", faults)
    raised = row.day("raised_at", faults) if looks_like_day(row["raised_at"]) else None
    if raised and done_on and done_on < raised:
        done = f"{describe_day_short(done_on)} is before it was raised ({describe_day_short(raised)})."
        faults.warn(f"{row.place}, done_on", f"{done} Look at the years.")
    if not row["id"]:
        faults.warn(row.place, "the id is empty. Give it one, such as A1.")
    if not row["action"]:
        faults.warn(row.place, "what is to be done? Fill in the action.")
    is_open = status in ("open", "doing")
    if is_open and (_is_blank(row, "owner") or (_is_blank(row, "due"))):
        faults.warn(row.place, "who will do this, and by when?")
    if status == "done" and not row["done_on"]:
        faults.warn(row.place, "when was this done? Fill in done_on.")
    if is_open and done_on:
        faults.warn(
            row.place, f'there is a day in done_on, yet the status is "{status}". Write done, or empty done_on.'
        )
    words = (row["raised_at"], row["note"], row.place)
    return Action(row["id"], row["action"], row["owner"], due, status, done_on, *words)


def _is_blank(row: Row, heading: str) -> bool:
    """Whether a cell is empty in a column that is there; a missing column is told once."""
    return heading in row.cells and not row[heading]


def read_feedback(path: Path, faults: Faults) -> tuple[Feedback, ...]:
    """feedback.csv, in the order of the file; a row without a date that exists is told and left out."""
    return tuple(one for row in read_list(path, faults) if (one := _read_feedback(row, faults)))


def _read_feedback(row: Row, faults: Faults) -> Feedback | None:
    edition = row["edition"].lower()
    if edition:
        faults.one_of(f"{row.place}, edition", edition, EDITIONS)
    useful, clear = (_read_score(row, heading, faults) for heading in ("useful_1_to_5", "clear_1_to_5"))
    if not row["date"]:
        faults.stop(row.place, "the date is empty. Write the day on which it was said, such as 2022-06-14.")
    day = row.day("date", faults)
    return None if day is None else Feedback(day, edition, useful, clear, row["comment"], row["what_we_did"])


def _read_score(row: Row, heading: str, faults: Faults) -> int | None:
    written: Mapping[str, int] = {str(score): score for score in range(1, 6)}
    if row[heading] and row[heading] not in written:
        faults.warn(f"{row.place}, {heading}", f"write a whole number from 1 to 5. You wrote {quote(row[heading])}.")
    return written.get(row[heading])

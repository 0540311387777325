"""Does the team's record hold together? Ids that are meant for each other, and ids given twice."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from qi_analysis.faults import Faults, describe_share, find_near
from qi_analysis.personal import looks_like_name, quote
from qi_analysis.record_prose import list_prose
from qi_analysis.team_record_values import NOTE, STOP, WARN, TeamRecord

SHARES = ("p", "pp", "ip")  # charts of measures whose values are shares
PARTS = ("team.toml", "drivers.toml", "pdsa", "stories", "actions.csv", "feedback.csv", "decisions.md", "handover.md")
FILES = ("project.toml", "completion.toml", "measures.toml", "benchmark.toml", "columns.toml", *PARTS, "events.csv")
OTHERS = ("allow.toml", "columns.example.toml", "example", "templates", "README.md")
MOST_NAMED = 8
TEMPORARY = ("~$", ".", "Thumbs.db", "desktop.ini")


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
        faults.stop(folder.name, "this must be a folder that holds one file for each.")
        faults.unread.add(folder.name)
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

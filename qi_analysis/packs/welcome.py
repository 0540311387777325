"""The welcome pack: what the project is, for someone who joins, in plain words, with the training step that is missing."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from qi_analysis.errors import RecordProblem
from qi_analysis.packs.pack import (
    Section,
    Sources,
    choose_cycles,
    describe_latest,
    render_list,
    render_missing,
    render_pairs,
    render_steps,
    render_words,
)
from qi_analysis.periods import describe_day
from qi_analysis.phrases import describe_month, upper_first
from qi_analysis.record.findings import find_near
from qi_analysis.record.meetings import describe_meetings
from qi_analysis.record.team import Role, list_stories
from qi_analysis.report.html import Html, render_facts, render_quote
from qi_analysis.storage import DEFINITIONS

WELCOME = DEFINITIONS / "welcome.toml"
PLAIN_WORDS = {r"\bLI CBT\b": "Low Intensity CBT", r"\bLI\b": "Low Intensity", r"\bsession(s?)\b": r"appointment\1"}
NOBODY = "nobody is down for this yet. Ask at the next meeting"
GLOSSARY = (
    ("Aim", "What we want to change, for whom, by how much and by when."),
    ("Idea", "Something we could change. Anyone can bring one."),
    ("Test", "We try one idea with a few people. First we say what we think will happen."),
    ("Measure", "What we count each month to see if things get better."),
    ("Chart", "The months side by side. It shows if a change is more than the usual ups and downs."),
    ("QI", "Quality improvement. We make care better in small steps, and we count what changes."),
    ("Review", "The meeting where we read the charts and choose what comes next."),
)


def read_kinds() -> Mapping[str, Any]:
    """The kinds of people who join, each with its words."""
    return tomllib.loads(WELCOME.read_text(encoding="utf-8"))


def find_role(sources: Sources, written: str) -> tuple[Role, str]:
    """The role that joins and its kind, from an id of team.toml or a role in words.

    A role that is not in the record yet is made from the words. Raises RecordProblem for one that nothing knows.
    """
    kinds, wanted = read_kinds(), " ".join(written.replace("-", " ").replace("_", " ").lower().split())
    for role in sources.team.team.roles:
        if wanted in (role.id.lower(), role.role.lower(), role.short.lower()):
            return role, _find_kind(kinds, role.role)
    kind = _find_kind(kinds, wanted)
    if kind == "member" and wanted != kinds["member"]["name"]:
        names = [block["name"] for block in kinds.values()]
        ids = "".join(f", {role.id}" for role in sources.team.team.roles)
        raise RecordProblem(
            f"I do not know that role.{find_near(wanted, names)} Write one of: {', '.join(names)}{ids}."
        )
    return Role(id="", role=kinds[kind]["name"]), kind


def _find_kind(kinds: Mapping[str, Any], role: str) -> str:
    fitting = (kind for kind, block in kinds.items() if any(word in role.lower() for word in block["match"]))
    return next(fitting, "member")


def build_welcome(sources: Sources, role: Role, kind: str) -> list[Section]:
    """The sections of the welcome pack for a role of a kind (see find_role)."""
    words = read_kinds()[kind]
    return [
        Section("What are we trying to do?", _render_aim(sources)),
        Section("How are we doing?", _render_figures(sources)),
        Section("What is your part?", (render_words(words["part"]), render_list(words["asks"]))),
        Section("How do we work?", _render_work(sources)),
        Section("What is it like for people?", _render_stories(sources)),
        Section("Who is in the team?", _render_team(sources)),
        Section("When do we meet?", _render_meetings(sources)),
        Section("What can you learn?", _render_training(sources, role)),
        Section("What do you do first?", (render_steps(words["first"]),)),
        Section("Whom do you ask?", (render_list(list(_list_asked(sources))),)),
        Section("Which words will you hear?", (render_pairs(GLOSSARY),)),
    ]


def describe_plainly(text: str) -> str:
    """A text with the team's short names written out."""
    for short, plain in PLAIN_WORDS.items():
        text = re.sub(short, plain, text)
    return text


def _render_aim(sources: Sources) -> tuple[Html, ...]:
    aim = sources.record.aim
    about = "CBT is a talking therapy. It looks at what we think, feel and do. Low Intensity CBT is a short form of it."
    how = "It can be a book, a course, or talks by phone, by video or in person."
    wish = f"Our project is called: {describe_plainly(sources.record.title)}. It is for {describe_plainly(aim.population)}."
    pieces = [render_words(wish), render_words(about, how), render_words(describe_plainly(sources.measure.why))]
    if aim.target is None or aim.by is None:
        return (*pieces, render_missing("target"))
    return (
        *pieces,
        render_words(f"Our target is {round(aim.target * 100)} of every 100 people by {describe_day(aim.by)}."),
    )


def _render_figures(sources: Sources) -> tuple[Html, ...]:
    release = sources.release
    if release is None:
        return (render_missing("review"),)
    asked = describe_plainly(release.facts.measure.plain)
    verdict = release.facts.plain.verdict or describe_plainly(release.facts.verdict.sentence)
    return (render_words(verdict), render_words(f"We ask: {asked}", describe_latest(release)))


def _render_work(sources: Sources) -> tuple[Html, ...]:
    how = [
        "We pick one small change.",
        "We say what we think will happen.",
        "We try it with a few people.",
        "We look at what happened, and we write it down.",
        "We keep it, change it or stop it. All three teach us something.",
    ]
    running = choose_cycles(sources, "running")
    tests = [f"{describe_plainly(cycle.title)}, since {describe_day(cycle.start)}" for cycle in running]
    if not sources.team.cycles:
        return (render_steps(how), render_missing("cycles"))
    said = render_words("We are trying this now:") if tests else render_words("We are not trying anything just now.")
    return (render_steps(how), said, render_list(tests))


def _render_stories(sources: Sources) -> tuple[Html, ...]:
    """The newest story that everyone may read."""
    told = list_stories(sources.team, "plain", sources.day)
    if not told:
        return (render_missing("stories"),)
    return (render_quote(told[0].text, f"{upper_first(told[0].teller)}, {describe_month(told[0].day)}"),)


def _render_team(sources: Sources) -> tuple[Html, ...]:
    roles = sources.current_roles
    if not sources.team.team.roles:
        return (render_missing("roles"),)
    why = "We need many views. We have these roles:" if roles else "All roles that are written have ended."
    return (render_words(why), render_list([upper_first(role.short) for role in roles]))


def _render_meetings(sources: Sources) -> tuple[Html, ...]:
    reviews = sources.team.team.reviews
    missing = [part for part in ("meets", "join") if not getattr(reviews, part)]
    facts = [("We meet", describe_meetings(reviews))] if reviews.meets else []
    if reviews.meets and reviews.papers_days_before:
        facts.append(("You get the papers", f"{reviews.papers_days_before} days before"))
    facts += [("How to join", reviews.join)] if reviews.join else []
    shown = (render_facts(facts),) if facts else ()
    return (*shown, render_missing(*missing)) if missing else shown


def _render_training(sources: Sources, role: Role) -> tuple[Html, ...]:
    ladder = sources.team.team.training_ladder
    if not ladder:
        return (render_missing("training"),)
    todo = [step for step in ladder if step not in role.training]
    done = [name_step(step) for step in ladder if step in role.training]
    pairs = [
        (
            "Your next step",
            f"{name_step(todo[0])}." if todo else "You have done every step. You can help others learn.",
        ),
        ("Done already", ", ".join(done)),
        ("After that", ", ".join(name_step(step) for step in todo[1:])),
    ]
    return (render_pairs(pairs), render_words("Ask for a place when you are ready. Nobody has to do it all at once."))


def name_step(step: str) -> str:
    """A step of training in words: "Pocket QI" of "pocket_qi"."""
    words = upper_first(step.replace("_", " "))
    return re.sub(r"\bqi\b", "QI", words, flags=re.IGNORECASE)


def _list_asked(sources: Sources) -> Iterator[str]:
    for job, about in (("lead", "About the project"), ("report", "About the figures")):
        able = [role.short for role in sources.current_roles if role.can(job)]
        yield f"{about}: {' or '.join(able) or NOBODY}."
    for word, about in (("coach", "About how to test an idea"), ("advis", "About which chart or tool to use")):
        able = [role.short for role in sources.current_roles if word in role.role.lower()]
        yield f"{about}: {' or '.join(able) or NOBODY}."
    yield "About how you feel in the team: anyone you trust in it."

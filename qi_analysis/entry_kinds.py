"""What `qi new` asks for, and how an answer is read: the list in templates/record/kinds.toml."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any

from qi_analysis.days import read_day
from qi_analysis.errors import RecordProblem
from qi_analysis.faults import find_near
from qi_analysis.personal import find_details, looks_like_name
from qi_analysis.phrases import upper_first
from qi_analysis.record import Collected
from qi_analysis.record_prose import TEMPLATES
from qi_analysis.team_record_values import TeamRecord

Value = str | date | tuple[str, ...]
UNSEEN = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True)
class Question:
    """One question: the field, the words, whether it must be answered, the choices, how the answer is read."""

    name: str
    asks: str
    needed: bool = False
    choices: tuple[str, ...] = ()
    reads: str = "text"


@dataclass(frozen=True)
class Kind:
    """One kind of entry: what it is, where it is written, where it appears, what is asked."""

    name: str
    says: str
    file: str
    appears: str
    fields: tuple[Question, ...]


@dataclass(frozen=True)
class Known:
    """The record as it stands, that answers are held to."""

    collected: Collected
    team: TeamRecord


@cache
def read_kinds() -> Mapping[str, Kind]:
    """name -> kind, in the order of the file."""
    table = tomllib.loads((TEMPLATES / "kinds.toml").read_text(encoding="utf-8"))
    return {name: _build_kind(name, block) for name, block in table.items()}


def _build_kind(name: str, block: Mapping[str, Any]) -> Kind:
    fields = tuple(Question(**{**one, "choices": tuple(one.get("choices", ()))}) for one in block["fields"])
    return Kind(name, block["says"], block["file"], block["appears"], fields)


def answer_questions(
    kind: Kind, given: Mapping[str, str | None], known: Known, ask: Callable[[Question], str] | None
) -> dict[str, Value]:
    """Every field with its value; fields left empty are not in it.

    given: answers by field, None where there is none. ask: puts a question to a person, again until the answer can be read;
    None when nobody is there. Raises RecordProblem for an answer that cannot be read and for those that are needed and
    missing, all of a kind at once.
    """
    missing = [
        question.name for question in kind.fields if question.needed and not (given.get(question.name) or "").strip()
    ]
    if missing and ask is None:
        options = " ".join(f"--{name.replace('_', '-')} ..." for name in missing)
        raise RecordProblem(f"qi new {kind.name} needs more. Add: {options}")
    is_asked = bool(missing)  # with everything that is needed given, nothing more is asked
    values: dict[str, Value] = {}
    problems = list[str]()
    for question in kind.fields:
        answer = given.get(question.name)
        try:
            if answer is None and is_asked and ask is not None and not problems:
                value = _ask_until_read(question, known, ask)
            else:
                value = read_answer(question, answer or "", known)
        except RecordProblem as problem:
            problems.append(str(problem))
        else:
            values |= {question.name: value} if value else {}
    if problems:
        raise RecordProblem("\n".join(problems))
    return values


def _ask_until_read(question: Question, known: Known, ask: Callable[[Question], str]) -> Value:
    hint = ""
    while True:
        try:
            value = read_answer(question, ask(replace(question, asks=hint + question.asks)), known)
        except RecordProblem as problem:
            hint = f"{upper_first(str(problem).partition(': ')[2])}\n"
            continue
        if value or not question.needed:
            return value
        hint = "This one is needed.\n"


def read_answer(question: Question, answer: str, known: Known) -> Value:
    """The value of an answer, "" for an empty one. Raises RecordProblem with what to write instead."""
    text = UNSEEN.sub(" ", answer).strip()
    place = f"--{question.name.replace('_', '-')}"
    if not text:
        return ""
    if details := find_details(text):
        raise RecordProblem(
            f"{place}: this looks like {details[0]}. The record holds nothing that tells who a person is."
        )
    if question.choices:
        return _choose(place, text.lower(), question.choices)
    if question.reads == "day":
        day = read_day(text)
        if day is None:
            raise RecordProblem(f"{place}: this is not a date. Write it as 2022-06-14.")
        return day
    return _read_reference(question.reads, place, text, known)


def _choose(place: str, text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise RecordProblem(f"{place}: write one of {', '.join(choices)}.{find_near(text, choices)}")
    return text


def _read_reference(reads: str, place: str, text: str, known: Known) -> Value:
    """An answer that names something of the record, or plain text."""
    if reads in ("role", "teller") and looks_like_name(text):
        raise RecordProblem(f"{place}: this looks like a person's name. Write a role, such as lead.")
    roles = known.team.team.roles
    if reads == "role" and roles:
        ids = {name.casefold(): role.id for role in roles for name in (role.id, role.role, role.short)}
        if text.casefold() not in ids:
            others = f" Known are: {', '.join(role.id for role in roles)}. Add another first with: qi new role"
            raise RecordProblem(f"{place}: this is no role of team.toml.{find_near(text, ids) or others}")
        return ids[text.casefold()]
    if reads == "idea":
        return _find_known(place, text, [idea.id for idea in known.team.ideas], "an idea of drivers.toml")
    if reads.startswith("measures") and not (reads.endswith("all") and text == "all"):
        parts = [part for part in re.split(r"[\s,;]+", text) if part]
        charts = known.collected.charts
        return tuple(_find_known(place, one, list(charts or parts), "a measure of measures.toml") for one in parts)
    return text


def _find_known(place: str, one: str, ids: list[str], what: str) -> str:
    if one not in ids:
        some = f" Known are: {', '.join(ids)}." if ids else " There is none yet: leave it out, or add it first."
        raise RecordProblem(f"{place}: this is not {what}.{find_near(one, ids) or some}")
    return one

"""`qi new`: a measure, cycle, idea, story, action, event or role, asked for and written into the record.

What is asked for stands in templates/record/kinds.toml. An entry is written from its template into a file that is
otherwise untouched: its encoding, its line ends, its comments, its commas.
"""

import codecs
import csv
import io
import json
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from qi_analysis.errors import RecordProblem
from qi_analysis.periods import read_day
from qi_analysis.phrases import upper_first
from qi_analysis.record.checks import SHARES
from qi_analysis.record.files import RECORD_TEMPLATES, SHAPES, find_delimiter, find_heading, list_prose, name_heading
from qi_analysis.record.findings import describe_share, find_near
from qi_analysis.record.measure_blocks import CLOCKS, build_names, check_measure
from qi_analysis.record.personal_details import find_details, looks_like_name
from qi_analysis.record.read_settings import Collected
from qi_analysis.record.settings import Measure
from qi_analysis.record.team import TeamRecord
from qi_analysis.storage import write_whole

Value = str | date | tuple[str, ...]
UNSEEN = re.compile(r"[\x00-\x1f\x7f]+")
PREDICTED = re.compile(r"\bfrom (\d{1,2}|100) ?% to (\d{1,2}|100) ?%")


# What is asked for, and how an answer is read.
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
    table = tomllib.loads((RECORD_TEMPLATES / "kinds.toml").read_text(encoding="utf-8"))
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


# A new entry of each kind.
@dataclass(frozen=True)
class Written:
    """What was written: its id and the file below project/."""

    id: str
    file: str

    @property
    def place(self) -> str:
        """How the places of its findings begin: "pdsa/04", "actions.csv"."""
        found = re.match(r"pdsa/\d+|stories/\d{4}-\d{2}", self.file)
        return found[0] if found else self.file


def write_entry(folder: Path, kind: str, values: Mapping[str, Value], known: Known) -> Written:
    """Write one entry, whole or not at all. Raises RecordProblem when it cannot be added."""
    writers: dict[str, Callable[[Path, Mapping[str, Value], Known], Written]] = {
        "measure": _write_measure, "cycle": _write_cycle, "idea": _write_idea, "story": _write_story,
        "action": _write_action, "event": _write_event, "role": _write_role,
    }  # fmt: skip
    return writers[kind](folder, values, known)


def _write_action(folder: Path, values: Mapping[str, Value], known: Known) -> Written:
    number = next_id("A", (action.id for action in known.team.actions))
    add_row(folder / "actions.csv", {"id": number, "status": "open", **_as_cells(values)})
    return Written(number, "actions.csv")


def _write_event(folder: Path, values: Mapping[str, Value], known: Known) -> Written:
    letter = next_letter(event.letter for event in known.collected.events)
    add_row(folder / "events.csv", {"letter": letter, **_as_cells(values)})
    return Written(letter, "events.csv")


def _as_cells(values: Mapping[str, Value]) -> dict[str, str]:
    return {name: " ".join(value) if isinstance(value, tuple) else str(value) for name, value in values.items()}


def _write_role(folder: Path, values: Mapping[str, Value], known: Known) -> Written:
    used = {role.id for role in known.team.team.roles}
    wanted = build_slug(str(values["role"]).partition(" (")[0], "_")
    one = wanted if wanted not in used else next(f"{wanted}{n}" for n in range(2, 1000) if f"{wanted}{n}" not in used)
    add_block(folder / "team.toml", f"[[roles]]\n{render_lines({'id': one, **values})}")
    return Written(one, "team.toml")


def _write_idea(folder: Path, values: Mapping[str, Value], known: Known) -> Written:
    number = next_id("I", (idea.id for idea in known.team.ideas))
    rest = {name: value for name, value in values.items() if name != "driver"}
    block = f"[[drivers.ideas]]\n{render_lines({'id': number, **rest, 'status': 'idea'})}"
    names = [driver.driver.casefold() for driver in known.team.drivers]
    driver = str(values["driver"])
    if driver.casefold() in names:
        add_block(folder / "drivers.toml", block, ("drivers", names.index(driver.casefold())))
    else:
        add_block(folder / "drivers.toml", f"[[drivers]]\n{render_lines({'driver': driver})}\n{block}")
    return Written(number, "drivers.toml")


def _write_cycle(folder: Path, values: Mapping[str, Value], known: Known) -> Written:
    _check_order(values, "start", "end")
    number = next_id("P", (cycle.id for cycle in known.team.cycles))
    before = [int(found[0]) for path in list_prose(folder / "pdsa") if (found := re.match(r"\d{1,4}(?!\d)", path.stem))]
    name = f"{max(before, default=0) + 1:02d}-{build_slug(str(values['title']))}.md"
    header = render_lines({"id": number, **values, "decision": "running"}) + _render_predicted(values, known)
    add_file(folder / "pdsa" / name, f"+++\n{header}+++\n\n{_read_template('cycle')}")
    return Written(number, f"pdsa/{name}")


def _render_predicted(values: Mapping[str, Value], known: Known) -> str:
    """A prediction such as "from 60% to 75%" of the one measure, a share, as the line that a report compares; else nothing."""
    found = PREDICTED.findall(str(values.get("prediction", "")))
    named, charts = values.get("measures"), known.collected.charts or {}
    shares = [one for one in named if charts.get(one) in SHARES] if isinstance(named, tuple) else []
    if len(found) != 1 or len(shares) != 1:
        return ""
    start, end = (describe_share(float(share)) for share in found[0])
    return f'predicted = {{ measure = "{shares[0]}", from = {start}, to = {end} }}\n'


def _write_story(folder: Path, values: Mapping[str, Value], known: Known) -> Written:
    _check_order(values, "consent_on", "consent_ends")
    name = f"{str(values['date'])[:7]}-{build_slug(str(values['title']))}.md"
    header = render_lines({key: value for key, value in values.items() if key not in ("title", "words")})
    words = f"{values['words']}\n" if "words" in values else _read_template("story")
    add_file(folder / "stories" / name, f"+++\n{header}+++\n\n{words}")
    return Written(name, f"stories/{name}")


def _check_order(values: Mapping[str, Value], first: str, last: str) -> None:
    start, end = values.get(first), values.get(last)
    if isinstance(start, date) and isinstance(end, date) and end < start:
        raise RecordProblem(f"--{last.replace('_', '-')} is before --{first.replace('_', '-')}. Nothing was written.")


def _read_template(name: str) -> str:
    return (RECORD_TEMPLATES / f"{name}.md.j2").read_text(encoding="utf-8")


def _write_measure(folder: Path, values: Mapping[str, Value], known: Known) -> Written:
    one = build_slug(str(values["name"]), "_")
    definitions = known.collected.completion.definitions if known.collected.completion else {}
    names = build_names(definitions)
    table = names[str(values["numerator"])].table if values["numerator"] in names else "episodes"
    chart = "p" if "denominator" in values else "xmr"
    fields = {"denominator": "", "month_by": next(iter(CLOCKS[table])), "chart": chart, **values}
    place = f"measures.toml, [{one}]"
    faults = check_measure(Measure(id=one, **fields), place, definitions)  # type: ignore[arg-type]
    if one in (known.collected.charts or {}):
        faults.append(f"{place}: there is a measure of this name. Choose another name.")
    if faults:
        raise RecordProblem("\n".join(faults))
    add_block(folder / "measures.toml", f"[{one}]\n{render_lines(fields)}")
    return Written(one, "measures.toml")


def next_id(letter: str, used: Iterable[str]) -> str:
    """The next free id: P4 after P1 and P3."""
    numbers = [int(one[len(letter) :]) for one in used if re.fullmatch(rf"{letter}\d{{1,6}}", one)]
    return f"{letter}{max(numbers, default=0) + 1}"


def next_letter(used: Iterable[str]) -> str:
    """The next free letter of events: C after A and B, AA after Z."""
    numbers = [_number_of(one) for one in used if re.fullmatch("[A-Z]{1,2}", one)]
    number, letters = max(numbers, default=0) + 1, ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _number_of(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def build_slug(text: str, joint: str = "-") -> str:
    """A text as part of a file's name: small letters and digits."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return joint.join(re.findall("[a-z0-9]+", plain))[:40].strip(joint) or "new"


def render_lines(values: Mapping[str, Value]) -> str:
    """Fields as lines of TOML."""
    return "".join(f"{name} = {_render_value(value)}\n" for name, value in values.items())


def _render_value(value: Value) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


# Adding to a file without touching what is there.
@dataclass(frozen=True)
class Form:
    """How a file is written: its text with plain line ends, its encoding, its line end."""

    text: str = ""
    encoding: str = "utf-8"
    line_end: str = "\n"


def read_form(path: Path) -> Form:
    """The form of a file; an empty one in UTF-8 when there is none. Raises RecordProblem when it is no text."""
    if not path.exists():
        return Form()
    try:
        raw = path.read_bytes()
        encoding = _find_encoding(raw)
        text = raw.decode(encoding)
    except (OSError, UnicodeDecodeError):
        raise RecordProblem(
            f"{path.name}: I cannot read this file, so nothing was added. Run: qi check --record"
        ) from None
    return Form(text.replace("\r\n", "\n"), encoding, "\r\n" if "\r\n" in text else "\n")


def _find_encoding(raw: bytes) -> str:
    if raw[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    if raw.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def write_form(path: Path, form: Form, text: str) -> None:
    """Replace a file by a text in its own form, in one step. Raises RecordProblem when it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text, form.encoding, form.line_end)
    except UnicodeEncodeError:
        raise RecordProblem(
            f"{path.name} is in the letters of Windows, which lack one of yours. Save it as UTF-8 first."
        ) from None
    except OSError:
        raise RecordProblem(f"{path.name} cannot be written. Close it in other programs and try again.") from None


def add_row(path: Path, cells: Mapping[str, str]) -> None:
    """Add a row to a list under its own headings; a list that is missing or empty is begun.

    Raises RecordProblem when a cell has no heading to stand under.
    """
    form, known = read_form(path), SHAPES[path.name]
    text = form.text if form.text.strip() else ",".join(known) + "\n"
    delimiter = find_delimiter(text, known)
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    head = rows[1] if rows[0] and rows[0][0].lower().startswith("sep=") else rows[0]
    headings = [name_heading(cell) for cell in head]
    lacking = [name for name, cell in cells.items() if cell and name not in headings]
    if lacking:
        raise RecordProblem(f'{path.name}, row 1: the heading "{lacking[0]}" is missing. Add the column.')
    row = io.StringIO()
    csv.writer(row, delimiter=delimiter, lineterminator="\n").writerow([cells.get(name, "") for name in headings])
    write_form(path, form, text.rstrip("\n") + "\n" + row.getvalue())


def add_block(path: Path, block: str, after: tuple[str, int] | None = None) -> None:
    """Add lines to a TOML file, at its end or below the last line of the block under a heading (its name and number).

    Raises RecordProblem when the file cannot be read, or could not be read any more with the new lines.
    """
    form = read_form(path)
    lines = form.text.rstrip("\n").split("\n") if form.text.strip() else []
    at = find_heading(lines, *after) if after else len(lines)
    gap = [""] if lines else []
    text = "\n".join([*lines[:at], *gap, *block.rstrip("\n").split("\n"), *lines[at:]]) + "\n"
    try:
        tomllib.loads(form.text.removeprefix("\ufeff"))
    except ValueError:
        raise RecordProblem(f"{path.name} cannot be read yet, so nothing was added. Run: qi check --record") from None
    try:
        tomllib.loads(text)
    except ValueError:
        raise RecordProblem(
            f"{path.name} is laid out in a way that I cannot add to. Add these lines yourself:\n{block}"
        ) from None
    write_form(path, form, text)


def add_file(path: Path, text: str) -> None:
    """Write a new file. Raises RecordProblem when there is one of that name."""
    if path.exists():
        raise RecordProblem(f"{path.parent.name}/{path.name} is there already. Choose another title.")
    write_form(path, Form(), text)

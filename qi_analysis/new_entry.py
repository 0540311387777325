"""A new measure, cycle, idea, story, action, event or role, written into the record from its template."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from qi_analysis.entry_files import add_block, add_file, add_row
from qi_analysis.entry_kinds import Known, Value
from qi_analysis.errors import RecordProblem
from qi_analysis.faults import describe_share
from qi_analysis.measure_names import CLOCKS, build_names, check_measure
from qi_analysis.record_prose import TEMPLATES, list_prose
from qi_analysis.settings import Measure
from qi_analysis.team_checks import SHARES

PREDICTED = re.compile(r"\bfrom (\d{1,2}|100) ?% to (\d{1,2}|100) ?%")


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
    return (TEMPLATES / f"{name}.md.j2").read_text(encoding="utf-8")


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

"""What is to be told about the record, collected: each says file, place, what is wrong and what to do, all at once.

STOP: no report is made. WARN: it is made, and page 13 tells it. NOTE: for whoever edits the record.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

from qi_analysis.days import is_two_days, looks_like_day, plain_day, read_day
from qi_analysis.periods import describe_day
from qi_analysis.personal import quote
from qi_analysis.team_record_values import LEVELS, NOTE, STOP, WARN, Finding

EXPECTED = {  # the kind of a value -> what to do when another was written
    "int": "this must be a whole number.",
    "float": "this must be a number.",
    "bool": "this must be true or false.",
    "str": "this must be text in quotation marks.",
    "date": "this must be a date such as 2022-06-14, without quotation marks.",
    "tuple": "this must be a list of texts in square brackets.",
    "blocks": "this must be blocks, each under a heading in two square brackets.",
    "Mapping": "this must be a table of keys and values.",
}


def find_near(word: str, known: Iterable[str]) -> str:
    """' Did you mean "owner"?' with the nearest known word, "" when none is near."""
    small = {one.lower(): one for one in known}
    near = difflib.get_close_matches(word.lower(), list(small), 1)
    return f' Did you mean "{small[near[0]]}"?' if near else ""


@dataclass(frozen=True)
class Place:
    """Where a table of keys stands: the file, its part in words, and the lines of its keys (and of its heading, "").

    lost: keys of lines that could not be read and have been told already, so that they are not called missing.
    """

    file: str
    part: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()

    def line(self, key: str = "") -> str:
        """The file and the line of a key, of the heading where the key has none; the file and its part without lines."""
        number = self.lines.get(key) or self.lines.get("")
        return f"{self.file}, line {number}" if number else self.whole()

    def whole(self) -> str:
        """The file and its part."""
        return f"{self.file}, {self.part}" if self.part else self.file

    def key(self, name: str) -> str:
        """The file, its part or line, and the key."""
        return f"{self.whole()}, {name}" if self.part or not self.lines.get("") else f"{self.line(name)}, {name}"


class Faults(list[Finding]):
    """What was found so far, and the checks that add to it.

    ids: those that stand in the files, also in blocks that could not be read, so that nothing that names them is blamed.
    """

    def __init__(self, found: Iterable[Finding] = ()) -> None:
        super().__init__(found)
        self.ids: set[str] = set()

    def tell(self, level: str, place: str, message: str) -> None:
        """Add a finding whose message is a whole sentence."""
        self.append(Finding(level, place, message))

    def stop(self, place: str, what: str) -> None:
        """Something without which there is no report."""
        self.tell(STOP, place, f"{place}: {what}")

    def warn(self, place: str, what: str) -> None:
        """Something that page 13 tells."""
        self.tell(WARN, place, f"{place}: {what}")

    def note(self, place: str, what: str) -> None:
        """Something for the editor only."""
        self.tell(NOTE, place, f"{place}: {what}")

    def stop_all(self, messages: Iterable[str]) -> None:
        """Whole sentences, each a reason for no report."""
        for message in messages:
            self.tell(STOP, message.partition(":")[0], message)

    def sort_levels(self) -> tuple[Finding, ...]:
        """Everything, STOP first, each sentence once, in the order in which it was found."""
        return tuple(sorted(dict.fromkeys(self), key=lambda one: LEVELS.index(one.level)))

    def known(self, place: Place, given: Iterable[str], allowed: Iterable[str], level: str = STOP) -> None:
        """Tell the keys that nobody knows, with the nearest known one."""
        allowed = list(allowed)
        for key in given:
            if key not in allowed:
                hint = find_near(key, allowed) or f" Known here: {', '.join(sorted(allowed))}."
                where = place.line(key)
                self.tell(level, where, f"{where}: {quote(key)} is not a field I know.{hint}")

    def one_of(self, place: str, value: Any, allowed: Iterable[str]) -> None:
        """Tell a value that is not one of those allowed."""
        allowed = list(allowed)
        if value not in allowed:
            self.tell(STOP, place, f"{place} must be one of {', '.join(allowed)}.{find_near(str(value), allowed)}")

    def read_date(self, place: str, text: str) -> date | None:
        """The day of a text; tells a date that does not exist and one that could be two days."""
        day = read_day(text)
        if day is None:
            what = (
                f'"{text.strip()}" is not a date.' if looks_like_day(text) else "this is not a date. Write 2022-06-14."
            )
            self.stop(place, what)
        elif is_two_days(text):
            advice = f"read as {describe_day(day)}. Type {day.isoformat()} to be certain."
            self.tell(WARN, place, f'{place} "{text.strip()}": {advice}')
        return day

    def build(self, kind: type, place: Place, table: Any, level: str = STOP, /, **fixed: Any) -> Any:
        """A frozen value of `kind` from a table; None, with the reasons told, when it cannot be made.

        level: how an unknown key is told. fixed: fields that do not come from the table.
        """
        if not isinstance(table, dict):
            self.stop(place.whole(), EXPECTED["Mapping"])
            return None
        slots = {f.metadata.get("key", f.name.rstrip("_")): f for f in fields(kind) if f.name not in fixed}
        self.known(place, table, slots, level)
        values, is_whole = dict(fixed), True
        for name, slot in slots.items():
            if name in table:
                fits, values[slot.name] = self._read_value(place.key(name), table[name], str(slot.type))
                is_whole &= fits
            elif slot.default is slot.default_factory:  # both MISSING
                is_whole = False
                if name not in place.lost:
                    self.stop(place.line(), f'"{name}" is missing. Add the line.')
        return kind(**values) if is_whole else None

    def _read_value(self, place: str, value: Any, wanted: str) -> tuple[bool, Any]:
        """(whether a value is of the kind that a field wants, the value)."""
        kind = next(name for name in ("tuple", "Mapping", "date", "bool", "int", "float", "str") if name in wanted)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if kind == "date":
            day = self.read_date(place, value) if isinstance(value, str) else plain_day(value)
            if day is None and not isinstance(value, str):
                self.stop(place, EXPECTED[kind])
            return day is not None, day
        if kind == "tuple":
            value = [value] if isinstance(value, str) else value
            is_list = isinstance(value, list) and (
                not wanted.startswith("tuple[str") or all(isinstance(one, str) for one in value)
            )
            fits, value = is_list, tuple(value) if is_list else value
        else:
            fits = {
                "int": is_number and isinstance(value, int), "float": is_number, "bool": isinstance(value, bool),
                "str": isinstance(value, str), "Mapping": isinstance(value, dict),
            }[kind]  # fmt: skip
        if not fits:
            self.stop(place, EXPECTED["blocks" if wanted.startswith("tuple[collections") else kind])
        return fits, value

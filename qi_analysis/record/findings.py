"""What is to be told about the record, collected: each says file, place, what is wrong and what to do, all at once.

STOP: no report is made. WARN: it is made, and page 13 tells it. NOTE: for whoever edits the record.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

from rapidfuzz import fuzz, process

from qi_analysis.periods import describe_day, is_two_days, looks_like_day, plain_day, read_day
from qi_analysis.record.personal_details import quote
from qi_analysis.record.team import LEVELS, NOTE, STOP, WARN, Finding

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
NEAR = 60  # per cent of the letters of both words, in order, at least
PER_CENT = re.compile(r"\s*(\d{1,3}(?:\.\d{1,4})?)\s*%\s*")


def find_nearest(word: str, known: Iterable[str], plain: Callable[[str], str] = str.lower) -> str:
    """The nearest known word, "" when none is near. plain: what is compared of a word."""
    near = process.extractOne(word, list(known), scorer=fuzz.ratio, processor=plain, score_cutoff=NEAR)
    return near[0] if near else ""


def find_near(word: str, known: Iterable[str]) -> str:
    """' Did you mean "owner"?' with the nearest known word, "" when none is near."""
    near = find_nearest(word, known)
    return f' Did you mean "{near}"?' if near else ""


def describe_share(percent: float) -> str:
    """A share as it is written for so many per cent: 0.70 for 70, 0.625 for 62.5."""
    share = f"{percent / 100:g}"
    return share if len(share) > 3 else f"{percent / 100:.2f}"


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

    ids: those that stand in the files, also in blocks that could not be read, and unread: the files of which nothing could be
    read; so that nothing that names what stands there is blamed. told: keys that were mistyped or could not be read, so that
    they are not called missing.
    """

    def __init__(self, found: Iterable[Finding] = ()) -> None:
        super().__init__(found)
        self.ids: set[str] = set()
        self.unread: set[str] = set()
        self.told: set[str] = set()

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

    def give_up(self, file: str, what: str) -> None:
        """A file of which nothing can be read."""
        self.stop(file, what)
        self.unread.add(file)

    def stop_all(self, messages: Iterable[str]) -> None:
        """Whole sentences, each a reason for no report."""
        for message in messages:
            self.tell(STOP, message.partition(":")[0], message)

    @property
    def stops(self) -> list[str]:
        """The messages of the STOPs."""
        return [one.message for one in self if one.level == STOP]

    def sort_levels(self) -> tuple[Finding, ...]:
        """Everything, STOP first, each sentence once, in the order in which it was found."""
        return tuple(sorted(dict.fromkeys(self), key=lambda one: LEVELS.index(one.level)))

    def known(
        self, place: Place, given: Iterable[str], allowed: Iterable[str], level: str = STOP, needed: Iterable[str] = ()
    ) -> set[str]:
        """Tell the keys that nobody knows, with the nearest known one; gives these back.

        needed: keys without which there is no report. One of them mistyped is a STOP, and is not told to be missing too.
        """
        allowed, meant = list(allowed), {key: find_nearest(key, allowed) for key in given if key not in allowed}
        for key, near in meant.items():
            hint = f' Did you mean "{near}"?' if near else f" Known here: {', '.join(sorted(allowed))}."
            where = place.line(key)
            self.tell(STOP if near in needed else level, where, f"{where}: {quote(key)} is not a field I know.{hint}")
        self.told |= set(meant.values())
        return set(meant.values())

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
        """A frozen value of `kind` from a table; None, with the reasons told, when a needed key is missing or wrong.

        Any other key that is wrong is told and takes its default, so that the rest is still checked. level: how an unknown
        key is told. fixed: fields that do not come from the table. A field's metadata may name its "key" and its "choices".
        """
        if not isinstance(table, dict):
            self.stop(place.whole(), EXPECTED["Mapping"])
            return None
        slots = {f.metadata.get("key", f.name.rstrip("_")): f for f in fields(kind) if f.name not in fixed}
        needed = {name for name, slot in slots.items() if slot.default is slot.default_factory}  # both MISSING
        told = self.known(place, table, slots, level, needed - set(table)) | place.lost
        values = dict(fixed)
        for name, slot in slots.items():
            if name in table:
                fits, value = self._read_value(place.key(name), table[name], str(slot.type))
                if fits:
                    values[slot.name] = value
                    self._check_choices(place.key(name), value, slot.metadata.get("choices", ()))
                else:
                    self.told.add(name)
            elif name in needed and name not in told:
                self.stop(place.line(), f'"{name}" is missing. Add the line.')
        return kind(**values) if all(slots[name].name in values for name in needed) else None

    def _check_choices(self, place: str, value: Any, choices: Iterable[str]) -> None:
        """Tell a word, or words of a list, that are not among the choices; without any, every word will do."""
        for one in value if isinstance(value, tuple) else (value,):
            if choices:
                self.one_of(place, one, choices)

    def _read_value(self, place: str, value: Any, wanted: str) -> tuple[bool, Any]:
        """(whether a value is of the kind that a field wants, the value)."""
        kind = next(name for name in ("tuple", "Mapping", "date", "bool", "int", "float", "str") if name in wanted)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if kind == "float" and isinstance(value, str) and (written := PER_CENT.fullmatch(value)):
            self.stop(
                place, f'write {written[1]}% as {describe_share(float(written[1]))}. You wrote "{value.strip()}".'
            )
            return False, value
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

"""Faults of the record, collected: each says file, place, what is wrong and what to do, and all are told at once."""

import difflib
import tomllib
from collections.abc import Iterable
from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

from qi_analysis.errors import RecordProblem

LARGEST_FILE = 1_000_000  # bytes


class Faults(list[str]):
    """The faults found so far, and the checks that add to them."""

    def known(self, place: str, given: Iterable[str], allowed: Iterable[str]) -> None:
        allowed = list(allowed)
        for key in given:
            if key not in allowed:
                near = difflib.get_close_matches(key, allowed, 1)
                hint = f"Did you mean {near[0]!r}?" if near else "Known here: " + ", ".join(sorted(allowed)) + "."
                self.append(f"{place}: {key!r} is not a key I know. {hint}")

    def one_of(self, place: str, value: Any, allowed: Iterable[str]) -> None:
        allowed = list(allowed)
        if value not in allowed:
            self.append(f"{place} must be one of {', '.join(allowed)}.")

    def within(self, place: str, value: Any, low: float, high: float) -> None:
        """A number from low to high; what is no number is the business of `build`."""
        if isinstance(value, (int, float)) and not low <= value <= high:
            self.append(f"{place} must lie between {low:g} and {high:g}.")

    def tables(self, place: str, value: Any) -> list[Any]:
        """A list of [[tables]]; a fault and nothing for anything else."""
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return value
        self.append(f"{place}: this must be blocks, each headed with two square brackets.")
        return []

    def build(self, kind: type, place: str, table: Any, **fixed: Any) -> Any:
        """A frozen value of `kind` from a TOML table; faults are added and None returned when it cannot be made."""
        if not isinstance(table, dict):
            self.append(f"{place}: this must be a table of keys and values.")
            return None
        slots = {f.name.rstrip("_"): f for f in fields(kind) if f.name not in fixed}
        self.known(place, table, slots)
        values = dict(fixed)
        for name, slot in slots.items():
            if name not in table:
                if slot.default is slot.default_factory:  # both MISSING
                    self.append(f"{place}: {name!r} is missing. Add the line.")
                continue
            value = table[name]
            if not _fits(value, str(slot.type)):
                self.append(f"{place}, {name}: {_wanted(str(slot.type))}")
            values[slot.name] = tuple(value) if isinstance(value, list) else value
        try:
            return kind(**values)
        except TypeError:
            return None


def _wanted(kind: str) -> str:
    words = {
        "int": "a whole number",
        "float": "a number",
        "bool": "true or false",
        "str": "text in quotation marks",
    }
    if "tuple" in kind:
        return "this must be a list of texts in square brackets."
    if kind.startswith("datetime.date") or kind.startswith("<class 'datetime.date'") or "date" in kind:
        return "this must be a date such as 2022-06-14, without quotation marks."
    found = next((text for name, text in words.items() if name in kind), "another kind of value")
    return f"this must be {found}."


def _fits(value: Any, kind: str) -> bool:
    kind = kind.replace("<class '", "").replace("'>", "")
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind.startswith("float"):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "str":
        return isinstance(value, str)
    if "date" in kind and "tuple" not in kind:
        return isinstance(value, date) and not isinstance(value, datetime)
    if kind.startswith("tuple[str"):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return True


def check_size(path: Path) -> None:
    """Raises RecordProblem for a file of the record that is far longer than any record."""
    if path.is_file() and path.stat().st_size > LARGEST_FILE:
        raise RecordProblem(f"{path.name}: the file is over 1 MB, far more than a record needs. Is it the right file?")


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file (UTF-8, with or without a byte-order mark). Raises RecordProblem with line and column."""
    check_size(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as fault:
        place = str(fault).rpartition("(")[2].rstrip(")").removeprefix("at ")
        raise RecordProblem(
            f"{path.name}, {place}: I cannot read this. Text needs quotation marks at both ends, "
            "a key may stand only once, and a date must exist."
        ) from None
    except UnicodeDecodeError:
        raise RecordProblem(f"{path.name}: the file is not saved as UTF-8. Save it again with that encoding.") from None
    except (RecursionError, ValueError):
        raise RecordProblem(
            f"{path.name}: it holds brackets within brackets, or a number, beyond all use. Take them out."
        ) from None
    except OSError:
        raise RecordProblem(f"There is no {path.name} in the project folder. Copy it from the repository.") from None

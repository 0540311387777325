"""The tables and fields of definitions/tables.toml: what each is called, its kind and its code list."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TABLES = Path(__file__).parent / "definitions" / "tables.toml"


@dataclass(frozen=True)
class Field:
    """One field of a table: its national headings, its kind and its code list."""

    headings: tuple[str, ...]
    kind: str
    list: str = ""
    required: bool = False


@cache
def read_table_fields() -> dict[str, dict[str, Field]]:
    """table -> field -> Field, with the submission fields in every national table."""
    text = tomllib.loads(TABLES.read_text(encoding="utf-8"))
    extra = _fields(text["submission"]["fields"])
    return {name: _fields(block["fields"]) | extra for name, block in text.items() if "national" in block}


@cache
def read_tables_text() -> dict[str, Any]:
    """definitions/tables.toml as it stands."""
    return tomllib.loads(TABLES.read_text(encoding="utf-8"))


def _fields(block: Mapping[str, Any]) -> dict[str, Field]:
    return {name: Field(**{**spec, "headings": tuple(spec["headings"])}) for name, spec in block.items()}


def find_field(name: str) -> Field:
    """The kind and code list of a field name, wherever it stands; local names included."""
    for fields in read_table_fields().values():
        if name in fields:
            return fields[name]
    if name.startswith("therapy_"):
        return find_field("therapy")
    return Field((), "date" if name == "updated_at" else "number")

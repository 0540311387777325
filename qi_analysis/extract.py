"""From data/raw to raw tables: which files there are, which layout they are, and what their headings mean.

Two layouts: the national one (a file per table, named IDS101... and so on) and a local export of two files
described in project/columns.toml. Both end as the same tables of text with our field names.
"""

import difflib
import fnmatch
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from qi_analysis.errors import DataProblem, RecordProblem
from qi_analysis.reader import SUFFIXES, Headings, plain_heading, read_headings, read_raw_table
from qi_analysis.record import ColumnMap, LocalFile

TABLES = Path(__file__).parent / "definitions" / "tables.toml"
NEEDED = ("referrals", "contacts", "activities")  # national tables without which nothing can be worked out
PERSON_FIELDS = ("patient_id", "person_id", "nhs_number", "surname", "forename", "birth_date", "age", "gender",
    "ethnicity", "deprivation")  # fmt: skip
SYNTHETIC_SYSTEM = "qi_analysis synthetic sample"


@dataclass(frozen=True)
class Field:
    """One field of a table: its national headings, its kind and its code list."""

    headings: tuple[str, ...]
    kind: str
    list: str = ""
    required: bool = False


@dataclass(frozen=True)
class Source:
    """One file of the extract and the table it holds."""

    path: Path
    table: str
    headings: Headings
    required: Mapping[str, str]  # field -> heading as the analyst knows it


@dataclass(frozen=True)
class Extract:
    """The raw tables: `tables[name]` has our field names, `file` (number into `files`) and `line`."""

    layout: str  # national | local
    files: list[str]
    tables: dict[str, pd.DataFrame]
    rejected: pd.DataFrame  # file, line, rule, table
    file_tables: list[str]  # what each file holds, such as "IDS101 referrals"
    columns: ColumnMap | None = None
    is_synthetic: bool = False
    forms: Mapping[str, str] = field(default_factory=dict)  # field -> declared date form
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # field -> own label -> code


@cache
def read_table_fields() -> dict[str, dict[str, Field]]:
    """table -> field -> Field, with the submission fields in every national table."""
    text = tomllib.loads(TABLES.read_text(encoding="utf-8"))
    extra = _fields(text["submission"]["fields"])
    return {name: _fields(block["fields"]) | extra for name, block in text.items() if "national" in block}


@cache
def _tables_text() -> dict[str, Any]:
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


def find_sources(raw: Path, columns: ColumnMap | None) -> tuple[str, list[Source], list[str]]:
    """(layout, files by table, files not used). Raises DataProblem when data/raw holds no layout it knows."""
    files = [
        path for path in sorted(raw.iterdir()) if path.suffix.lower() in SUFFIXES and not path.name.startswith(("~", "."))
    ]
    numbers = {spec["national"]: name for name, spec in _tables_text().items() if "national" in spec}
    named = {path: re.search(r"IDS\s?_?(\d{3})", path.stem.upper()) for path in files}
    if any(named.values()):
        sources = [
            _national_source(path, numbers["IDS" + hit[1]])
            for path, hit in named.items()
            if hit and "IDS" + hit[1] in numbers
        ]
        _check_national(sources)
        used = {source.path for source in sources}
        return "national", sources, [path.name for path in files if path not in used]
    if columns is None:
        raise DataProblem(
            "data/raw holds no file named after a national table (IDS101..., IDS201..., IDS202...) and there is no "
            "project/columns.toml for a local export. Add the files, or copy columns.example.toml and fill it in."
        )
    sources = [_local_source(part, getattr(columns, part), files) for part in ("referrals", "appointments")]
    used = {source.path for source in sources}
    return "local", sources, [path.name for path in files if path not in used]


def _national_source(path: Path, table: str) -> Source:
    fields = read_table_fields()[table]
    known = {plain_heading(heading): name for name, spec in fields.items() for heading in spec.headings}
    long_text = frozenset(name for name, spec in fields.items() if spec.kind in ("id", "name") and name not in SHORT_IDS)
    required = {name: spec.headings[0] for name, spec in fields.items() if spec.required}
    return Source(path, table, Headings(known, long_text), required)


SHORT_IDS = ("submission_id", "file_type", "provider", "programme", "version", "system")


def _check_national(sources: list[Source]) -> None:
    for table in NEEDED:
        if not any(source.table == table for source in sources):
            name = _tables_text()[table]["national"]
            raise DataProblem(f"data/raw has no file for {name} ({table}). Add it; nothing can be counted without it.")
    for source in sources:
        for other in sources:
            if other.table == source.table and other.path.suffix.lower() != source.path.suffix.lower():
                raise DataProblem(f"{source.path.name} and {other.path.name} hold the same table. Keep one of them.")


def _local_source(part: str, local: LocalFile, files: list[Path]) -> Source:
    pattern = local.file.casefold()
    found = [path for path in files if fnmatch.fnmatch(path.name.casefold(), pattern + "*" * (not pattern.endswith("*")))]
    if len(found) != 1:
        number = "no file" if not found else f"{len(found)} files"
        raise DataProblem(f"data/raw holds {number} named {local.file!r} for the {part} of the local export. One is needed.")
    text = _tables_text()["local"][part]
    known = text["fields"]
    for name in list(local.columns.values()) + list(local.dates) + list(local.labels):
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f" Did you mean {near[0]!r}?" if near else f" Known here: {', '.join(known)}."
            raise RecordProblem(f"columns.toml, [{part}]: {name!r} is not one of our names.{hint}")
    own = {plain_heading(heading): name for heading, name in local.columns.items()}
    ours = {plain_heading(name): name for name in known if name not in local.columns.values()}
    long_text = frozenset(name for name in known if find_field(name).kind in ("id", "name") and name != "provider")
    headings = {name: heading for heading, name in local.columns.items()}
    return Source(found[0], part, Headings(own | ours, long_text), {n: headings.get(n, n) for n in text["required"]})


def check_headings(source: Source) -> tuple[list[str], list[str], list[str]]:
    """(recognised, missing, other) for one file, each missing heading with the nearest one that is there."""
    written = read_headings(source.path, source.headings)
    found = source.headings.find(written)
    recognised = [f"{written[column].strip()} = {name}" for name, column in found.items()]
    others = [cell.strip() for n, cell in enumerate(written) if n not in found.values() and cell.strip()]
    missing = []
    names = dict.fromkeys(source.headings.fields.values())
    for name in names:
        if name not in found and (name in source.required or source.table not in ("appointments",)):
            wanted = source.required.get(name) or next(h for h, n in _written(source).items() if n == name)
            near = difflib.get_close_matches(plain_heading(wanted), [plain_heading(cell) for cell in others], 1, 0.6)
            nearest = next((cell for cell in others if near and plain_heading(cell) == near[0]), None)
            need = "needed" if name in source.required else "optional"
            missing.append(f"{wanted} ({need})" + (f"; the nearest heading is {nearest!r}" if nearest else ""))
    return recognised, missing, others


def _written(source: Source) -> dict[str, str]:
    """Headings as the standard writes them -> our field names."""
    if source.table in read_table_fields():
        return {h: name for name, spec in read_table_fields()[source.table].items() for h in spec.headings}
    return {name: name for name in source.headings.fields.values()}


def read_extract(raw: Path, columns: ColumnMap | None) -> Extract:
    """Read every file of data/raw as text. Raises DataProblem for a missing heading, with the nearest one."""
    layout, sources, _ = find_sources(raw, columns)
    parts: dict[str, list[pd.DataFrame]] = {}
    rejected = []
    for number, source in enumerate(sources):
        table = read_raw_table(source.path, source.headings)
        absent = [name for name in source.required if name not in table.frame]
        if absent:
            _, missing, _ = check_headings(source)
            first = next(text for text in missing if text.startswith(source.required[absent[0]]))
            raise DataProblem(f"{source.path.name}: there is no column {first.replace(' (needed)', '')}. Rename it or map it.")
        parts.setdefault(source.table, []).append(table.frame.assign(file=number))
        rejected.append(table.rejected.assign(file=number, table=source.table))
    frames = {name: _join(frames) for name, frames in parts.items()}
    files = [source.path.name for source in sources]
    holds = [f"{_tables_text()[s.table]['national']} {s.table}" if layout == "national" else s.table for s in sources]
    lost = pd.concat(rejected, ignore_index=True).astype({"file": "int64", "line": "int64"})
    if layout == "national":
        synthetic = "header" in frames and frames["header"].get("system", pd.Series(dtype="str")).eq(SYNTHETIC_SYSTEM).any()
        return Extract(layout, files, frames, lost, holds, is_synthetic=bool(synthetic))
    assert columns is not None
    forms = dict(columns.referrals.dates) | dict(columns.appointments.dates)
    labels = dict(columns.referrals.labels) | dict(columns.appointments.labels)
    tables = {"referrals": frames["referrals"], "contacts": frames["appointments"]}
    return Extract(layout, files, tables, lost, holds, columns, forms=forms, labels=labels)


def _join(frames: list[pd.DataFrame]) -> pd.DataFrame:
    if len(frames) == 1:
        return frames[0]
    joined = pd.concat([f.astype({c: "str" for c in f if f[c].dtype == "category"}) for f in frames], ignore_index=True)
    return joined

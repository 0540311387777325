"""From data/raw to raw tables: which files there are, which layout they are, and what their headings mean.

Two layouts: the national one (a file per table, named IDS101... and so on) and a local export of two files described in
project/columns.toml. Both end as the same tables of text with our field names. Rows of a file that are no records
(totals, empty rows, headings that stand again) are set aside.
"""

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from qi_analysis.dataset import Rule, find_field, read_table_fields, read_tables_text
from qi_analysis.errors import DataProblem, RecordProblem
from qi_analysis.extract.readers import (
    SUFFIXES,
    TOTALS,
    Headings,
    RawTable,
    plain_heading,
    read_headings,
    read_raw_table,
)
from qi_analysis.extract.sample.layout import SYSTEM
from qi_analysis.record.findings import find_near, find_nearest
from qi_analysis.record.settings import ColumnMap, LocalFile

ODD_RULES = np.array(["", *map(str, (Rule.TOTAL_ROW, Rule.BLANK_ROW, Rule.REPEATED_HEADING))], dtype="object")
NEEDED = ("referrals", "contacts", "activities")  # national tables without which nothing can be worked out
LONGEST_HEADING = 80  # as it is printed
SHORT_IDS = ("submission_id", "file_type", "provider", "programme", "version", "system")


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

    def find_heading(self, table: str, name: str) -> str:
        """What a field is called where the extract comes from."""
        if self.columns is None:
            known = read_table_fields()
            return known[table][name].headings[0]
        part = self.columns.referrals if table == "referrals" else self.columns.appointments
        return next((heading for heading, own in part.columns.items() if own == name), name)


def read_extract(raw: Path | str, columns: ColumnMap | None = None) -> Extract:
    """Every file of an extract as text, in one of the two layouts of docs/map_an_export.md.

    Parameters
    ----------
    raw : path or str
        The folder of the extract, such as data/raw: CSV, XLSX or Parquet.
    columns : ColumnMap, optional
        `record.columns`: how a local export of two files is read; left out for the national tables.

    Returns
    -------
    Extract
        One frame of texts for each table, with file and line of every row.

    Raises
    ------
    DataProblem
        For a missing file or heading, with the nearest one, and for a file that cannot be read.

    Examples
    --------
    >>> import qi_analysis as qi
    >>> extract = qi.read_extract("data/raw")
    >>> "contacts" in extract.tables, extract.is_synthetic
    (True, True)
    """
    layout, sources, _ = find_sources(Path(raw), columns)
    parts: dict[str, list[pd.DataFrame]] = {}
    rejected = []
    written: dict[str, set[str]] = {}
    for number, source in enumerate(sources):
        table = _read_source(source)
        parts.setdefault(source.table, []).append(table.frame.assign(file=number))
        rejected.append(table.rejected.assign(file=number, table=source.table))
        written.setdefault(source.table, set()).update(table.headings)
    frames = {}
    for name, pieces in parts.items():
        frames[name], odd = reject_odd_rows(_join(pieces), written[name])
        rejected.append(odd.assign(table=name))
    files = [source.path.name for source in sources]
    lost = pd.concat(rejected, ignore_index=True).astype({"file": "int64", "line": "int64"})
    for source in sources:
        is_bare = frames[source.table].empty and source.table not in set(lost["table"])
        if is_bare and source.table in (*NEEDED, "appointments"):
            raise DataProblem(f"{source.path.name}: there are headings and no record under them. Export it again.")
    if layout == "national":
        names = read_tables_text()
        holds = [f"{names[source.table]['national']} {source.table}" for source in sources]
        system = frames["header"].get("system") if "header" in frames else None
        synthetic = system is not None and bool(system.eq(SYSTEM).any())
        return Extract(layout, files, frames, lost, holds, is_synthetic=synthetic)
    assert columns is not None
    forms = dict(columns.referrals.dates) | dict(columns.appointments.dates)
    labels = dict(columns.referrals.labels) | dict(columns.appointments.labels)
    tables = {"referrals": frames["referrals"], "contacts": frames["appointments"]}
    holds = [source.table for source in sources]
    return Extract(layout, files, tables, lost, holds, columns, forms=forms, labels=labels)


def _read_source(source: Source) -> RawTable:
    table = read_raw_table(source.path, source.headings)
    absent = [name for name in source.required if name not in table.frame]
    if absent:
        _, missing, _ = check_headings(source)
        first = next(text for text in missing if text.startswith(source.required[absent[0]]))
        need = first.replace(" (needed)", "")
        raise DataProblem(f"{source.path.name}: there is no column {need}. Rename it or map it.")
    if not set(table.frame.columns) - {"line"}:
        place = f"{source.path.name}: no heading of the {source.table} table is there."
        raise DataProblem(f"{place} Is it the right file?")
    return table


def _join(frames: list[pd.DataFrame]) -> pd.DataFrame:
    if len(frames) == 1:
        return frames[0]
    joined = pd.concat([f.astype({c: "str" for c in f if f[c].dtype == "category"}) for f in frames], ignore_index=True)
    return joined


def reject_odd_rows(frame: pd.DataFrame, written: set[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(the records, rows that are none with file, line and rule): totals, empty rows, headings that stand again."""
    content = [name for name in frame if name not in ("file", "line")]
    filled = np.zeros(len(frame), dtype="int8")
    for name in content:
        filled += frame[name].notna().to_numpy()
    rule = np.zeros(len(frame), dtype="int8")  # a place in ODD_RULES
    sparse = np.flatnonzero((filled > 0) & (filled <= max(1, len(content) // 3)))
    if len(sparse):
        first = frame[content].iloc[sparse].astype("str").bfill(axis=1).iloc[:, 0].str.strip().str.lower()
        rule[sparse[first.str.startswith(TOTALS).fillna(False).to_numpy(dtype=bool)]] = 1
    rule[filled == 0] = 2
    key = next((name for name in content if frame[name].dtype != "category"), content[0])
    again = [form(heading.strip()) for heading in written for form in (str, str.lower, str.upper)]
    rule[frame[key].isin(again + ["\ufeff" + heading for heading in again]).to_numpy(dtype=bool)] = 3
    odd = rule > 0
    if not odd.any():
        return frame, pd.DataFrame({"file": [], "line": [], "rule": []})
    rejected = frame.loc[odd, ["file", "line"]].assign(rule=ODD_RULES[rule[odd]])
    return frame[~odd].reset_index(drop=True), rejected


# Which files there are, and what their headings mean.
def find_sources(raw: Path, columns: ColumnMap | None) -> tuple[str, list[Source], list[str]]:
    """(layout, files by table, files not used). Raises DataProblem when data/raw holds no layout it knows."""
    if not raw.is_dir():
        raise DataProblem(f"There is no folder {raw.name} to read an extract from. Make it and put the files in it.")
    files = [
        path
        for path in sorted(raw.iterdir())
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(("~", "."))
    ]
    numbers = {spec["national"]: name for name, spec in read_tables_text().items() if "national" in spec}
    _check_other_kinds(raw, set(numbers))
    named = {path: re.search(r"IDS\s?_?(\d{3})(?!\d)", path.stem.upper()) for path in files}
    if any(named.values()):
        sources = [
            _national_source(path, numbers["IDS" + hit[1]])
            for path, hit in named.items()
            if hit and "IDS" + hit[1] in numbers
        ]
        _check_national(sources)
        return "national", sources, _list_unused(raw, sources)
    if columns is None:
        raise DataProblem(
            "data/raw holds no file named after a national table (IDS101..., IDS201..., IDS202...) and there is no "
            "project/columns.toml for a local export. Add the files, or copy columns.example.toml and fill it in."
        )
    sources = [_local_source(part, getattr(columns, part), files) for part in ("referrals", "appointments")]
    return "local", sources, _list_unused(raw, sources)


def _check_other_kinds(raw: Path, numbers: set[str]) -> None:
    """Raises DataProblem for a file named after a table that would be passed over because of its ending."""
    for path in sorted(raw.iterdir()):
        hit = re.search(r"IDS\s?_?(\d{3})(?!\d)", path.name.upper())
        is_passed_over = path.suffix.lower() not in SUFFIXES and not path.name.startswith(("~", "."))
        if hit and "IDS" + hit[1] in numbers and is_passed_over:
            kinds = ", ".join(SUFFIXES)
            raise DataProblem(
                f"{path.name}: files are read that end in {kinds}. Save it as one, or take it out of data/raw."
            )


def _list_unused(raw: Path, sources: list[Source]) -> list[str]:
    """Files that lie in data/raw and are not read, whatever their kind."""
    used = {source.path for source in sources} | {raw / "README.md"}
    return [path.name for path in sorted(raw.iterdir()) if path not in used and not path.name.startswith(".")]


def _national_source(path: Path, table: str) -> Source:
    fields = read_table_fields()[table]
    known = {plain_heading(heading): name for name, spec in fields.items() for heading in spec.headings}
    long_text = frozenset(
        name for name, spec in fields.items() if spec.kind in ("id", "name") and name not in SHORT_IDS
    )
    required = {name: spec.headings[0] for name, spec in fields.items() if spec.required}
    return Source(path, table, Headings(known, long_text), required)


def _check_national(sources: list[Source]) -> None:
    for table in NEEDED:
        if not any(source.table == table for source in sources):
            name = read_tables_text()[table]["national"]
            raise DataProblem(f"data/raw has no file for {name} ({table}). Add it; nothing can be counted without it.")
    for source in sources:
        for other in sources:
            if other.table == source.table and other.path.suffix.lower() != source.path.suffix.lower():
                raise DataProblem(f"{source.path.name} and {other.path.name} hold the same table. Keep one of them.")


def _local_source(part: str, local: LocalFile, files: list[Path]) -> Source:
    pattern = local.file.casefold()
    found = [
        path for path in files if fnmatch.fnmatch(path.name.casefold(), pattern + "*" * (not pattern.endswith("*")))
    ]
    if len(found) != 1:
        number = "no file" if not found else f"{len(found)} files"
        raise DataProblem(
            f"data/raw holds {number} named {local.file!r} for the {part} of the local export. One is needed."
        )
    text = read_tables_text()["local"][part]
    known = text["fields"]
    for name in list(local.columns.values()) + list(local.dates) + list(local.labels):
        if name not in known:
            hint = find_near(name, known) or f" Known here: {', '.join(known)}."
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
    recognised = [f"{_show(written[column])} = {name}" for name, column in found.items()]
    others = [_show(cell) for n, cell in enumerate(written) if n not in found.values() and cell.strip()]
    missing = []
    names = dict.fromkeys(source.headings.fields.values())
    for name in names:
        if name not in found and (name in source.required or source.table not in ("appointments",)):
            wanted = source.required.get(name) or next(h for h, n in _written(source).items() if n == name)
            nearest = find_nearest(wanted, others, plain_heading)
            need = "needed" if name in source.required else "optional"
            missing.append(f"{wanted} ({need})" + (f"; the nearest heading is {nearest!r}" if nearest else ""))
    return recognised, missing, others


def _show(heading: str) -> str:
    """A heading as it may be printed: short, without anything a terminal obeys."""
    return "".join(letter if letter.isprintable() else "?" for letter in heading.strip()[:LONGEST_HEADING])


def _written(source: Source) -> dict[str, str]:
    """Headings as the standard writes them -> our field names; for a local export our names stand for themselves."""
    own = read_table_fields().get(source.table, {})
    if set(source.headings.fields.values()) <= set(own):
        return {heading: name for name, spec in own.items() for heading in spec.headings}
    return {name: name for name in source.headings.fields.values()}

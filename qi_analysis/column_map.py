"""project/columns.toml: how the two files of a local export are read, and what is wrong with it."""

from pathlib import Path

from qi_analysis.codes import old_therapy_codes, read_code_lists
from qi_analysis.faults import Faults
from qi_analysis.record_limits import check_extract_date, check_texts
from qi_analysis.record_text import read_source
from qi_analysis.settings import DATE_FORMS, ColumnMap, LocalFile
from qi_analysis.table_fields import find_field


def read_columns(path: Path, faults: Faults) -> ColumnMap | None:
    """The column map; None when there is none or it cannot be read (told)."""
    source = read_source(path, faults)
    if source is None:
        return None
    table, name = source.table, source.name
    faults.known(source.place(), table, ("settings", "referrals", "appointments"))
    parts = {}
    for part in ("referrals", "appointments"):
        parts[part] = faults.build(LocalFile, source.place(part, 0, f"[{part}]"), table.get(part, {}))
        if parts[part] is not None:
            _check_local(parts[part], f"{name}, [{part}", faults)
    place = source.place("settings", 0, "[settings]")
    columns: ColumnMap | None = faults.build(ColumnMap, place, table.get("settings", {}), **parts)
    if columns is not None:
        check_extract_date(columns, f"{name}, [settings]", faults)
    return columns


def _check_local(local: LocalFile, place: str, faults: Faults) -> None:
    """The three tables of one file of a local export: headings to our names, date forms, labels to codes."""
    for name, table in (("columns", local.columns), ("dates", local.dates), ("labels", local.labels)):
        if not isinstance(table, dict):
            faults.stop(f"{place}] {name}", f"this must be a table, headed {place.split(', ')[1]}.{name}].")
            return
    if not check_texts(local, place, faults):
        return
    for name in [ours for ours in set(local.columns.values()) if list(local.columns.values()).count(ours) > 1]:
        faults.stop(f"{place}.columns]", f"two headings are given the name {name!r}. Keep one of them.")
    for name, form in local.dates.items():
        faults.one_of(f"{place}.dates] {name}", form, DATE_FORMS)
        if name in local.columns.values() and find_field(name).kind != "date":
            faults.stop(f"{place}.dates] {name}", "this name holds no date. Take the line out.")
    lists = read_code_lists()
    for name, labels in local.labels.items():
        kind = find_field(name)
        if kind.kind != "code" or not isinstance(labels, dict):
            faults.stop(f"{place}.labels.{name}]", f"{name!r} is not one of our names that hold codes.")
            continue
        codes = lists[kind.list].codes | set(old_therapy_codes().values() if kind.list == "therapy" else ())
        for number, code in enumerate(labels.values(), 1):
            if not isinstance(code, str) or code not in codes:
                what = f"label {number} must stand for a code of the list, in quotation marks."
                faults.stop(f"{place}.labels.{name}]", what)

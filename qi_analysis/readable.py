"""Before and after a column gets its type: characters nobody sees, dates nobody can tell, columns nobody can read."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from qi_analysis.account import Account
from qi_analysis.codes import INVALID
from qi_analysis.date_forms import find_fault, find_short_dates, is_unclear
from qi_analysis.errors import DataProblem
from qi_analysis.extract import Extract
from qi_analysis.headings import UNSEEN
from qi_analysis.table_fields import find_field, read_table_fields, read_tables_text

FULL_WIDTH = "\uff01-\uff5e"
MOST = 0.5  # of a needed column's filled cells
ENOUGH = 10  # filled cells before a column is judged as a whole
UNREADABLE = ("date_unreadable", "code_invalid", "therapy_damaged", "number_unreadable")
DATE_HELP = "Write dates as year-month-day, or say their form in columns.toml"


def take_out_unseen(extract: Extract, account: Account) -> None:
    """Take out what nobody sees (zero width, direction marks) and write full-width letters plainly; counted.

    The extract's columns are replaced.
    """
    for table, frame in extract.tables.items():
        for name in frame.columns.drop(["file", "line"]):
            plain = _take_out(frame[name])
            if plain is not None:
                changed = (plain.astype("str") != frame[name].astype("str")) & frame[name].notna()
                account.note("unseen_taken_out", table, int(changed.sum()), name)
                extract.tables[table] = extract.tables[table].assign(**{name: plain})


def _take_out(column: pd.Series) -> pd.Series | None:
    """The column without what cannot be seen; None where there is nothing of it."""
    is_category = isinstance(column.dtype, pd.CategoricalDtype)
    texts = column.cat.categories if is_category else column
    written = pa.array(texts.astype("str").array, pa.large_string())
    if pc.all(pc.string_is_ascii(written)).as_py() is not False:
        return None
    hides = pc.match_substring_regex(written, f"[{UNSEEN}{FULL_WIDTH}]")
    if not pc.any(hides).as_py():
        return None
    plain = pc.replace_substring_regex(pc.utf8_normalize(written, "NFKC"), f"[{UNSEEN}]", "")
    plain = pc.if_else(hides, plain, written)
    if not is_category:
        return pd.Series(plain.to_pandas().to_numpy(), column.index, dtype="str")
    spread = plain.take(pa.array(column.cat.codes.to_numpy(), mask=column.cat.codes.to_numpy() < 0))
    return pd.Series(spread.to_pandas().to_numpy(), column.index, dtype="str").astype("category")


def settle_dates(raw: pd.DataFrame, table: str, name: str, extract: Extract) -> tuple[pd.Series, int]:
    """(the column without the dates that could be two days and nothing tells which, how many they were).

    Raises DataProblem where such dates are more than a few of a file's, or go against the declared form.
    """
    column, unclear = raw[name], np.zeros(len(raw), dtype=bool)
    if find_short_dates(column) is None:
        return column, 0
    files = raw["file"].to_numpy()
    form = extract.forms.get(name, "ISO")
    for number in np.unique(files):
        rows = np.flatnonzero(files == number)
        dates = find_short_dates(column.iloc[rows])
        if dates is None:
            continue
        fault = find_fault(dates, form, int(column.iloc[rows].notna().sum()))
        if fault is not None:
            what, shown = fault
            raise DataProblem(f"{_describe_place(raw.iloc[rows[shown]], (table, name), extract)}: {what}. {DATE_HELP}.")
        if form == "ISO" and is_unclear(dates):
            unclear[rows[dates.is_either]] = True
    return (column.mask(unclear), int(unclear.sum())) if unclear.any() else (column, 0)


def check_readable(column: pd.Series, counts: dict[str, int], place: tuple[str, str], extract: Extract) -> None:
    """Raises DataProblem when most of what stands in a needed column could not be read."""
    table, name = place
    bad = sum(counts.get(rule, 0) for rule in UNREADABLE)
    raw = extract.tables[table]
    if bad < ENOUGH or not _is_needed(table, name, extract) or bad <= MOST * int(raw[name].notna().sum()):
        return
    lost = (column == INVALID) if isinstance(column.dtype, pd.CategoricalDtype) else column.isna()
    rows = raw[(lost & raw[name].notna()).to_numpy(dtype=bool)]
    help_ = DATE_HELP if find_field(name).kind == "date" else "Export its codes or labels again, or map them"
    where = _describe_place(rows, place, extract)
    raise DataProblem(f"{where}: most of this column cannot be read, from this line on. {help_}.")


def _is_needed(table: str, name: str, extract: Extract) -> bool:
    if extract.layout == "national":
        return read_table_fields()[table][name].required if name in read_table_fields()[table] else False
    return name in read_tables_text()["local"]["appointments" if table == "contacts" else table]["required"]


def _describe_place(rows: pd.DataFrame, place: tuple[str, str], extract: Extract) -> str:
    """File, line and column of the first of some rows."""
    table, name = place
    first = rows.iloc[0]
    return f"{extract.files[int(first['file'])]}, line {int(first['line'])}, column {extract.find_heading(table, name)}"

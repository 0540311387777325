"""The rows ledger and the data-quality table: every row is used, merged or set aside, and counted.

Rows in = used + merged + set aside, for each file, or the run stops.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from qi_analysis.dataset import Rule, read_rows
from qi_analysis.errors import DataProblem, QiError
from qi_analysis.storage import DEFINITIONS

RULES = DEFINITIONS / "cleaning_rules.csv"
HARMLESS = (
    Rule.OTHER_QUESTIONNAIRE,
    Rule.BLANK_ROW,
    Rule.TOTAL_ROW,
    Rule.REPEATED_HEADING,
    Rule.TEST_PATIENT,
)  # say nothing of a file
MOST, ENOUGH_ROWS = 0.5, 20
QUALITY_COLUMNS = ["rule", "table", "field", "rows", "treatment", "says", "why"]


class Account:
    """Collects what cleaning does to rows. `files` names the sources by their number in the `file` column."""

    def __init__(self, files: list[str]) -> None:
        self.files = files
        self.rows_in = np.zeros(len(files), dtype="int64")
        self.used = np.zeros(len(files), dtype="int64")
        self.merged = np.zeros(len(files), dtype="int64")
        self.aside: list[pd.DataFrame] = []
        self.notes: list[tuple[str, str, str, int]] = []

    def count_in(self, frame: pd.DataFrame) -> None:
        """Rows as they stand in the files."""
        self.rows_in += self._by_file(frame)

    def count_used(self, frame: pd.DataFrame) -> None:
        """Rows that became part of the canonical tables."""
        self.used += self._by_file(frame)

    def note(self, rule: Rule, table: str, count: int, field: str = "") -> None:
        """A repair or a flag: the rows stay in use."""
        if count:
            self.notes.append((str(rule), table, field, int(count)))

    def note_all(self, counts: Mapping[Rule, int], table: str, field: str) -> None:
        """Count several rules at one field, as `note` does each."""
        for rule, count in counts.items():
            self.note(rule, table, count, field)

    def merge(self, rows: pd.DataFrame, rule: Rule, table: str) -> None:
        """Rows that were merged into another row of the same record."""
        self.merged += self._by_file(rows)
        self.note(rule, table, len(rows))

    def set_aside(self, rows: pd.DataFrame, rule: Rule, table: str) -> None:
        """Rows that are kept out by one rule; file, line and rule are remembered, never a value."""
        if len(rows):
            self.aside.append(rows[["file", "line"]].assign(rule=str(rule), table=table))
            self.note(rule, table, len(rows))

    def _by_file(self, frame: pd.DataFrame) -> np.ndarray:
        return np.bincount(frame["file"].to_numpy(), minlength=len(self.files))

    def build_set_aside(self) -> pd.DataFrame:
        """file, line, table, rule: one row for each row set aside, in file order."""
        columns = ["file", "line", "table", "rule"]
        if not self.aside:
            return pd.DataFrame(columns=columns)
        rows = pd.concat(self.aside, ignore_index=True).sort_values(["file", "line"], kind="stable")
        names = np.array(self.files, dtype="object")
        return rows.assign(file=names[rows["file"].to_numpy()])[columns].reset_index(drop=True)

    def build_ledger(self) -> pd.DataFrame:
        """file, rows_in, used, merged, set_aside. Raises QiError if a file's rows do not add up."""
        aside = sum((self._by_file(rows) for rows in self.aside), np.zeros(len(self.files), dtype="int64"))
        ledger = pd.DataFrame(
            {"file": self.files, "rows_in": self.rows_in, "used": self.used, "merged": self.merged, "set_aside": aside}
        )
        broken = ledger["rows_in"] != ledger["used"] + ledger["merged"] + ledger["set_aside"]
        if broken.any():
            name = ledger.loc[broken, "file"].iloc[0]
            raise QiError(f"{name}: the rows ledger does not close. This is a fault in the program; please report it.")
        return ledger

    def check_used(self) -> None:
        """Raises DataProblem for a file most of whose rows were set aside: it does not fit the others, or its columns."""
        telling = [rows for rows in self.aside if rows["rule"].iloc[0] not in HARMLESS]
        lost = sum((self._by_file(rows) for rows in telling), np.zeros(len(self.files), dtype="int64"))
        wrong = np.flatnonzero((lost >= ENOUGH_ROWS) & (lost > MOST * self.rows_in))
        if not len(wrong):
            return
        file = int(wrong[0])
        own = pd.concat([rows[rows["file"] == file] for rows in telling])
        usual = own["rule"].mode().iloc[0]
        says = next(rule["says"] for rule in read_rows(RULES) if rule["rule"] == usual)
        raise DataProblem(
            f"{self.files[file]}, line {int(own['line'].min())}: most rows of this file cannot be used, mainly because "
            f"{says}. Check that its columns are right and that it belongs to the other files, and export it again."
        )

    def build_quality(self) -> pd.DataFrame:
        """rule, table, field, rows, treatment, says, why: one row for each rule that was used, by table and field."""
        rules = pd.DataFrame(read_rows(RULES))
        notes = pd.DataFrame(self.notes, columns=["rule", "table", "field", "rows"])
        total = notes.groupby(["rule", "table", "field"], as_index=False)["rows"].sum()
        order = {rule: n for n, rule in enumerate(rules["rule"])}
        total = total.merge(rules, on="rule", how="left", validate="many_to_one")
        if total["says"].isna().any():
            raise QiError(f"the cleaning rule {total.loc[total['says'].isna(), 'rule'].iloc[0]} has no text")
        ranked = total.sort_values(["rule", "table", "field"], key=lambda c: c.map(order) if c.name == "rule" else c)
        return ranked[QUALITY_COLUMNS].reset_index(drop=True)

"""Rows of a file that are no records: totals, empty rows, headings that stand again."""

import numpy as np
import pandas as pd

TOTALS = ("total", "grand total", "end of")
ODD_RULES = np.array(["", "total_row", "blank_row", "repeated_heading"], dtype="object")


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

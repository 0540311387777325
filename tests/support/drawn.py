"""LI episodes drawn as a table, as the workings of a review: the rows are in the test, the answer follows from them."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
from repository import ROOT

from qi_analysis.answers.workshop import Workings
from qi_analysis.extract.ledger import Account
from qi_analysis.measures.episodes import build_exits
from qi_analysis.measures.pathways import Pathways
from qi_analysis.periods import Period
from qi_analysis.record.read_settings import read_record
from qi_analysis.record.settings import Record

REVIEW = Period(2022, 12)
CODES = {
    "age": "float64", "gender": "category", "ethnicity": "category", "deprivation": "category", "source": "category",
}  # fmt: skip
FIRST_SESSION = ("medium", "medium_v20", "interpreter")


@cache
def read_shipped() -> Record:
    """The record as shipped, with no events and phases: a test draws its own."""
    return replace(read_record(ROOT / "project"), events=(), phases=())


def draw_rows(text: str) -> pd.DataFrame:
    """The rows of a drawn table as text; a dash is nothing; `people` repeats a row."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    frame = pd.DataFrame(lines[1:], columns=lines[0]).replace("-", None).astype("object")
    times = frame.pop("people").astype(int) if "people" in frame else pd.Series(1, frame.index)
    return frame.loc[frame.index.repeat(times)].reset_index(drop=True)


def build_workings(rows: pd.DataFrame, record: Record | None = None, period: Period = REVIEW) -> Workings:
    """Workings of episodes with columns start, end (discharge), sessions, code, and any of: stepped, scores, CODES.

    scores: better, same or worse. start and end are days; the defaults are one session and no end code. A first
    session has the medium, medium_v20 and interpreter of its row.
    """
    record = record or read_shipped()
    n, days = (
        len(rows),
        {name: pd.to_datetime(_column(rows, name)).astype("datetime64[s]") for name in ("end", "stepped")},
    )
    start = pd.to_datetime(rows["start"]).astype("datetime64[s]")
    scores = _column(rows, "scores")
    referrals = pd.DataFrame(
        {
            "is_li": True,
            "li_start": start,
            "li_end": days["stepped"].fillna(days["end"]),
            "ended_on": days["end"],
            "step_up_on": days["stepped"],
            "end_code": _column(rows, "code").astype("category"),
            "n_li": _column(rows, "sessions").fillna("1").astype(int),
            "n_treatments": 2,
            "is_paired": scores.notna(),
            "improved": scores == "better",
        }
    ).assign(**{name: rows[name].astype(kind) for name, kind in CODES.items() if name in rows})
    rules = record.completion.definitions
    exits = {f"exit_{name}": build_exits(referrals, rule, record.completion) for name, rule in rules.items()}
    known = {name: rows[name].astype("category") for name in FIRST_SESSION if name in rows}
    marks = dict.fromkeys(("is_seen", "is_attended", "in_referral", "has_li_cbt"), True)
    contacts = pd.DataFrame(
        {"referral": np.arange(n), "contact_on": start, "type": "02", "minute": 600.0, **marks, **known}
    )
    nothing = pd.DataFrame()
    pathways = Pathways(referrals.assign(**exits), contacts.assign(number=np.arange(n)), nothing, nothing, period.end)
    return Workings(record, period, None, Account(()), pathways, nothing, True, [])


def _column(rows: pd.DataFrame, name: str) -> pd.Series:
    return rows[name] if name in rows else pd.Series(None, rows.index, dtype="object")


def list_settled(first: str, last: str, not_settled: tuple[str, ...] = ()) -> pd.DataFrame:
    """Months from first to last as build_settled_months gives them."""
    months = pd.date_range(first, last, freq="MS").astype("datetime64[s]")
    return pd.DataFrame({"interval_start": months, "is_settled": ~months.strftime("%Y-%m").isin(not_settled)})


def find_small(table: pd.DataFrame) -> list[float]:
    """Counts of a released table that must not be there: 1 to 7, or no multiple of 5."""
    names = [name for name in table.columns if name in COUNTS]
    assert names
    values = table[names].to_numpy(dtype=float).ravel()
    values = values[~np.isnan(values)]
    return values[((values > 0) & (values < 8)) | (values % 5 != 0)].tolist()


COUNTS = {
    "came", "next", "open", "completed", "left_early", "another_way", "stepped_up", "people", "at_risk", "total",
    "numerator", "denominator",
}  # fmt: skip

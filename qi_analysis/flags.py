"""What the words in definitions/measures.csv mean: each names a column of true/false or of numbers.

A name is worked out when a measure asks for it. Rates are per referral; days are whole days. Source: national
measure constructions (data/reference/national_measures.csv). Names of LI episodes are in episode_flags.py.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd

from qi_analysis.codes import REFERENCE, read_rows

Flag = Callable[[pd.DataFrame], np.ndarray]
ENDED = (
    "completed",
    "short_planned",
    "dropped_out",
    "declined",
    "other_end",
    "unknown",
)  # the headline denominator
DAY = np.timedelta64(1, "D")


def days_between(frame: pd.DataFrame, first: str, last: str) -> np.ndarray:
    """Whole days from one date column to another; NaN where one is missing."""
    return (frame[last].to_numpy() - frame[first].to_numpy()) / DAY


def _band(first: str, last: str, low: float, high: float, wait: bool = False) -> Flag:
    def flag(frame: pd.DataFrame) -> np.ndarray:
        days = days_between(frame, first, last)
        usable = frame["waits_usable"].to_numpy() if wait else True
        return usable & (days >= low) & (days <= high)

    return flag


def _wait(low: float, high: float, last: str = "first_treatment_on") -> Flag:
    return _band("received_on", last, low, high, wait=True)


def _both(*names: str) -> Flag:
    return lambda frame: np.logical_and.reduce([FLAGS[name](frame) for name in names])


def _column(name: str) -> Flag:
    return lambda frame: frame[name].to_numpy()


def _at_least(name: str, low: float, high: float = np.inf) -> Flag:
    return lambda frame: frame[name].between(low, high).to_numpy()


def _present(name: str) -> Flag:
    return lambda frame: frame[name].notna().to_numpy()


def _absent(name: str) -> Flag:
    return lambda frame: frame[name].isna().to_numpy()


def _codes(name: str, *codes: str) -> Flag:
    return lambda frame: frame[name].isin(codes).to_numpy()


def _stage(first: str, second: str = "") -> Flag:
    def flag(frame: pd.DataFrame) -> np.ndarray:
        met = FLAGS["finished"](frame) & (days_between(frame, "first_assessment_on", "first_treatment_on") >= 0)
        met = met & (frame["first_stage"] == first).to_numpy()
        return met & (frame["second_stage"] == second).to_numpy() if second else met

    return flag


def _days(first: str, last: str) -> Flag:
    return lambda frame: days_between(frame, first, last)


@cache
def _ethnic_groups() -> dict[str, tuple[str, ...]]:
    rows = read_rows(REFERENCE / "ethnic_categories.csv")
    groups = {row["group5"].casefold() for row in rows}
    return {group: tuple(r["code"] for r in rows if r["group5"].casefold() == group) for group in groups}


def _of_group(name: str, group: str) -> Flag:
    def flag(frame: pd.DataFrame) -> np.ndarray:
        if "ethnicity" not in frame:
            return np.zeros(len(frame), dtype=bool)
        return FLAGS[name](frame) & frame["ethnicity"].isin(_ethnic_groups()[group]).to_numpy()

    return flag


FLAGS: dict[str, Flag] = {
    "all": lambda frame: np.ones(len(frame), dtype=bool),
    # open referrals by time since the last treatment, as at the end of the month looked at
    "waiting_for_treatment": lambda frame: (
        frame["ended_on"].isna().to_numpy() & frame["first_treatment_on"].isna().to_numpy()
    ),
    # waits
    "assessed_within_28_days": _wait(0, 28, "first_assessment_on"),
    "assessed_29_to_56_days": _wait(29, 56, "first_assessment_on"),
    "assessed_57_to_90_days": _wait(57, 90, "first_assessment_on"),
    "assessed_over_90_days": _wait(91, np.inf, "first_assessment_on"),
    "treated_within_28_days": _wait(0, 28),
    "treated_29_to_56_days": _wait(29, 56),
    "treated_57_to_90_days": _wait(57, 90),
    "treated_over_90_days": _wait(91, np.inf),
    "treated_within_6_weeks": _wait(0, 42),
    "treated_within_18_weeks": _wait(0, 126),
    "wait_days": _days("received_on", "first_treatment_on"),
    "wait_known": _wait(0, np.inf),
    "gap_within_28_days": _band("first_treatment_on", "second_treatment_on", 0, 28),
    "gap_29_to_90_days": _band("first_treatment_on", "second_treatment_on", 29, 90),
    "gap_over_28_days": _band("first_treatment_on", "second_treatment_on", 29, np.inf),
    "gap_over_90_days": _band("first_treatment_on", "second_treatment_on", 91, np.inf),
    # how referrals end
    "end_code_missing": _absent("end_code"),
    "not_assessed": _absent("first_assessment_on"),
    "not_seen": _at_least("n_seen", 0, 0),
    "not_treated": _absent("first_treatment_on"),
    "treated": _present("first_treatment_on"),
    "seen_not_treated": _both("seen", "not_treated"),
    "seen": _at_least("n_seen", 1),
    "treated_once": _at_least("n_treatments", 1, 1),
    "finished": _at_least("n_treatments", 2),
    "finished_wait_known": _both("finished", "wait_known"),
    "finished_within_6_weeks": _both("finished", "treated_within_6_weeks"),
    "finished_within_18_weeks": _both("finished", "treated_within_18_weeks"),
    "n_treatments": _column("n_treatments"),
    "li_count": _column("li_count"),
    "hi_count": _column("hi_count"),
    "cbt_count": _column("cbt_count"),
    "finished_with_li": lambda frame: FLAGS["finished"](frame) & (frame["li_count"] > 0).to_numpy(),
    "finished_with_hi": lambda frame: FLAGS["finished"](frame) & (frame["hi_count"] > 0).to_numpy(),
    "finished_with_cbt": lambda frame: FLAGS["finished"](frame) & (frame["cbt_count"] > 0).to_numpy(),
    "treatment_span_days": lambda frame: np.where(
        FLAGS["finished"](frame), days_between(frame, "first_treatment_on", "last_treatment_on"), 0
    ),
    "gaps_between_treatments": lambda frame: np.where(FLAGS["finished"](frame), frame["n_treatments"] - 1, 0),
    # outcomes
    "finished_not_at_caseness": lambda frame: FLAGS["finished"](frame) & frame["not_at_caseness"].to_numpy(),
    "finished_less_not_at_caseness": lambda frame: FLAGS["finished"](frame) & ~frame["not_at_caseness"].to_numpy(),
    "finished_improved": lambda frame: FLAGS["finished"](frame) & frame["improved"].to_numpy(),
    "finished_unchanged": lambda frame: FLAGS["finished"](frame) & frame["unchanged"].to_numpy(),
    "finished_deteriorated": lambda frame: FLAGS["finished"](frame) & frame["deteriorated"].to_numpy(),
    "finished_recovered": lambda frame: FLAGS["finished"](frame) & frame["recovered"].to_numpy(),
    "finished_reliably_recovered": lambda frame: FLAGS["finished_recovered"](frame) & frame["improved"].to_numpy(),
    # stages
    "hi_first": _stage("HI"),
    "li_first": _stage("LI"),
    "stepped_down_by_stage": _stage("HI", "LI"),
    "stepped_up_by_stage": _stage("LI", "HI"),
    "days_assessment_to_hi": _days("first_assessment_on", "stage_1_began_on"),
    "days_assessment_to_li": _days("first_assessment_on", "stage_1_began_on"),
    "days_step_down": _days("stage_1_ended_on", "stage_2_began_on"),
    "days_step_up": _days("stage_1_ended_on", "stage_2_began_on"),
    "li_first_within_28_days": lambda frame: FLAGS["li_first"](frame) & (FLAGS["days_assessment_to_li"](frame) < 29),
    "li_first_within_90_days": lambda frame: FLAGS["li_first"](frame) & (FLAGS["days_assessment_to_li"](frame) <= 90),
    "stepped_up_within_28_days": lambda frame: (
        FLAGS["stepped_up_by_stage"](frame) & (FLAGS["days_step_up"](frame) < 29)
    ),
    "stepped_up_within_90_days": lambda frame: (
        FLAGS["stepped_up_by_stage"](frame) & (FLAGS["days_step_up"](frame) <= 90)
    ),
    # contacts
    "therapy_appointment": lambda frame: (frame["is_seen"] & frame["type"].isin(["02", "03", "05"])).to_numpy(),
    "li_step_down": _column("is_step_down"),
    # LI bookings (bookings.py)
    "li_booked": lambda frame: np.ones(len(frame), dtype=bool),
    "li_attended": _codes("attendance", "5", "6"),
    "li_missed": _codes("attendance", "3"),
    "li_cancelled_by_patient": _codes("attendance", "2"),
    "li_cancelled_by_provider": _codes("attendance", "4"),
}
for _group in ("white", "asian", "black", "mixed", "other"):
    FLAGS[f"reliably_recovered_{_group}"] = _of_group("finished_reliably_recovered", _group)
    FLAGS[f"finished_less_not_at_caseness_{_group}"] = _of_group("finished_less_not_at_caseness", _group)

"""What the names in definitions/measures.csv and measure_names.csv mean: each is a column of true/false or of numbers.

A name is worked out when a measure asks for it. Rates are per referral; days are whole days. Sources: national measure
constructions (data/reference/national_measures.csv); for LI episodes docs/definitions.md.

LI bookings are the appointments of an LI episode that were made after an attended LI session. Whether a missed appointment
was for LI is seldom written on it. It is taken for LI when LI had begun and had not ended: the latest attended treatment
before it was LI. An appointment known to be HI (HI therapy and no LI) is none.

What was open at the end of a month is counted as it then stood: referrals waiting (M038) and by days since treatment (M019
to M022), and LI episodes with no contact for long.
"""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import pandas as pd

from qi_analysis.dataset import read_rows
from qi_analysis.extract.contacts import months_of
from qi_analysis.extract.event_order import order_key
from qi_analysis.measures.episodes import DOSES
from qi_analysis.measures.pathways import Pathways
from qi_analysis.record.settings import Completion
from qi_analysis.storage import REFERENCE

Flag = Callable[[pd.DataFrame], np.ndarray]
ENDED = ("completed", "short_planned", "dropped_out", "declined", "other_end", "unknown")  # the headline denominator
DAY = np.timedelta64(1, "D")
WEEK_DAYS = 7
SECOND_DAYS = 28  # to the second session, and from the assessment to the first
ATTENDANCE = ("2", "3", "4", "5", "6", "7")  # anything else is no booking that has come due
OPEN_BANDS = {
    "open_within_60_days": (0, 60),
    "open_61_to_90_days": (61, 90),
    "open_91_to_120_days": (91, 120),
    "open_over_120_days": (121, np.inf),
}
IDLE_DAYS = {"li_open_idle_60": 60, "li_open_idle_120": 120}  # more than so many days


# Names of referrals, contacts, logs and bookings.
def days_between(frame: pd.DataFrame, first: str, last: str) -> np.ndarray:
    """Whole days from one date column to another; NaN where one is missing."""
    return np.asarray((frame[last].to_numpy() - frame[first].to_numpy()) / DAY)


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
        return np.asarray(met & (frame["second_stage"] == second).to_numpy() if second else met)

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
        return np.asarray(FLAGS[name](frame) & frame["ethnicity"].isin(_ethnic_groups()[group]).to_numpy())

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
    # LI bookings (build_bookings)
    "li_booked": lambda frame: np.ones(len(frame), dtype=bool),
    "li_attended": _codes("attendance", "5", "6"),
    "li_missed": _codes("attendance", "3"),
    "li_cancelled_by_patient": _codes("attendance", "2"),
    "li_cancelled_by_provider": _codes("attendance", "4"),
}
for _group in ("white", "asian", "black", "mixed", "other"):
    FLAGS[f"reliably_recovered_{_group}"] = _of_group("finished_reliably_recovered", _group)
    FLAGS[f"finished_less_not_at_caseness_{_group}"] = _of_group("finished_less_not_at_caseness", _group)


# Names of LI episodes: one row for each.
def build_episode_flags(
    episodes: pd.DataFrame, completion: Completion, as_at: pd.Timestamp
) -> Mapping[str, np.ndarray]:
    """The named columns of LI episodes (rows with is_li): exits by the team's definition and by each other.

    li_ended is the headline denominator; open, stepped up and deceased people are outside it. The fixed
    horizon counts those who started at least so many days ago, less those who died or were stepped up within.
    """
    flags = _exit_flags(episodes[f"exit_{completion.team_choice}"])
    for name in completion.definitions:
        flags |= {
            f"{key}_{name}": value
            for key, value in _exit_flags(episodes[f"exit_{name}"]).items()
            if key in ("li_completed", "li_ended")
        }
    n_li = episodes["n_li"].to_numpy()
    flags["li_started"] = np.ones(len(episodes), dtype=bool)
    flags["n_li"] = n_li
    flags["li_second"] = n_li >= 2
    flags["li_one_session"] = flags["li_ended"] & (n_li == 1)
    for dose in DOSES:
        flags[f"li_dose_{dose}"] = flags["li_ended"] & (n_li >= dose)
    flags |= _horizon_flags(episodes, flags, completion, as_at)
    return flags | _early_flags(episodes, flags, as_at) | _outcome_flags(episodes, flags)


def _exit_flags(exits: pd.Series) -> dict[str, np.ndarray]:
    by = {name: (exits == name).to_numpy() for name in exits.cat.categories}
    ended = np.logical_or.reduce([by[name] for name in ENDED])
    return {f"li_exit_{name}": mask for name, mask in by.items()} | {
        "li_ended": ended,
        "li_completed": by["completed"],
        "li_planned": by["completed"] | by["short_planned"] | by["stepped_up"],
        "li_left": by["dropped_out"] | by["declined"],
        "li_unknown": by["unknown"],
        "li_stepped_up": by["stepped_up"],
        "li_ended_or_stepped_up": ended | by["stepped_up"],
        "li_ended_known": ended & ~by["unknown"],
        "li_closed": ~by["open"],
    }


def _horizon_flags(
    episodes: pd.DataFrame, flags: Mapping[str, np.ndarray], completion: Completion, as_at: pd.Timestamp
) -> dict[str, np.ndarray]:
    horizon = completion.settled.fixed_horizon_weeks * WEEK_DAYS
    start = episodes["li_start"].to_numpy()

    def within(name: str) -> np.ndarray:
        return np.asarray((episodes[name].to_numpy() - start) / DAY <= horizon)

    reached = (np.datetime64(as_at, "s") - start) / DAY >= horizon
    died = flags["li_exit_deceased"] & within("ended_on")
    kept = reached & ~died
    settled = kept & ~within("step_up_on")
    out = {"li_reached_26w": settled, "li_reached_26w_with_step_up": kept}
    out["li_completed_26w"] = settled & flags["li_completed"] & within("li_end")
    for name in completion.definitions:
        out[f"li_completed_26w_{name}"] = settled & flags[f"li_completed_{name}"] & within("li_end")
    for dose in DOSES:
        out[f"li_dose_{dose}_26w"] = settled & within(f"li_dose_{dose}_on")
    return out


def _early_flags(episodes: pd.DataFrame, flags: Mapping[str, np.ndarray], as_at: pd.Timestamp) -> dict[str, np.ndarray]:
    """The first 28 days of LI, and the wait from the first assessment to it."""
    start = episodes["li_start"].to_numpy()
    reached = (np.datetime64(as_at, "s") - start) / DAY >= SECOND_DAYS
    died = flags["li_exit_deceased"] & (days_between(episodes, "li_start", "ended_on") <= SECOND_DAYS)
    stepped_up = days_between(episodes, "li_start", "step_up_on") <= SECOND_DAYS
    wait = days_between(episodes, "first_assessment_on", "li_start")
    return {
        "li_reached_28d": reached & ~died & ~stepped_up,
        "li_second_28d": days_between(episodes, "li_start", "li_second_on") <= SECOND_DAYS,
        "li_assessed": wait >= 0,
        "li_first_28d": (wait >= 0) & (wait <= SECOND_DAYS),
    }


def _outcome_flags(episodes: pd.DataFrame, flags: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """How people were, by the first and last scores of the referral, apart for those who completed and who left."""
    case, paired = episodes["at_caseness"].to_numpy(), episodes["is_paired"].to_numpy()
    improved = episodes["improved"].to_numpy()
    out = {"li_reliably_improved": improved, "li_reliably_recovered": improved & episodes["recovered"].to_numpy()}
    for name in ("li_completed", "li_left"):
        out |= {f"{name}_at_caseness": flags[name] & case, f"{name}_paired": flags[name] & paired}
    return out


# LI bookings.
def build_bookings(pathways: Pathways) -> pd.DataFrame:
    """referral, contact_on and attendance of each LI booking.

    Dated after the day LI began and up to the day LI ended (the day of the review while it is open), attendance 2 to 7.
    """
    contacts, episodes = pathways.contacts, pathways.referrals
    referral, on = contacts["referral"].to_numpy(), contacts["contact_on"].to_numpy()
    start, end = episodes["li_start"].to_numpy()[referral], episodes["li_end"].to_numpy()[referral]
    inside = (on > start) & (np.isnat(end) | (on <= end))  # without a start the comparison is false
    is_hi = (contacts["has_hi"] & ~contacts["has_li_cbt"]).to_numpy()
    chosen = inside & ~is_hi & contacts["attendance"].isin(ATTENDANCE).to_numpy()
    return contacts.loc[chosen, ["referral", "contact_on", "attendance"]]


# What was open at the end of a month.
def calculate_open(pathways: Pathways, first: int, n_months: int) -> dict[str, np.ndarray]:
    """Referrals open at the end of each month as it then stood: waiting (M038), and by days since treatment.

    first: the first month, as year * 12 + month - 1. Each name gives one number a month.
    """
    known = pathways.referrals[pathways.referrals["is_known"].to_numpy()]
    left = np.fmin(known["ended_on"].to_numpy(), known["first_treatment_on"].to_numpy())
    waiting = _running(known["received_on"].to_numpy(), first, n_months) - _running(left, first, n_months)
    month, days = _last_treatments(pathways, first, n_months)
    edges = [low for low, _ in OPEN_BANDS.values()]
    band = np.searchsorted(edges, days, side="right") - 1  # -1: a treatment after the end of the month
    inside = band >= 0
    cells = np.bincount(month[inside] * len(edges) + band[inside], minlength=n_months * len(edges))
    numbers = cells.reshape(n_months, len(edges)).astype("float64")
    return {"waiting_for_treatment": waiting} | {name: numbers[:, place] for place, name in enumerate(OPEN_BANDS)}


def _running(days: np.ndarray, first: int, n_months: int) -> np.ndarray:
    """How many of the days lie in or before each month."""
    month = np.maximum(months_of(pd.Series(days[~np.isnat(days)])) - first, 0)
    return np.cumsum(np.bincount(month[month < n_months], minlength=n_months)).astype("float64")


def _last_treatments(pathways: Pathways, first: int, n_months: int) -> tuple[np.ndarray, np.ndarray]:
    """(month, days from the last treatment to its end) for each referral open and treated at a month's end."""
    chosen = pathways.contacts[pathways.contacts["is_treatment"].to_numpy()]
    events = (chosen["referral"].to_numpy(), chosen["contact_on"].to_numpy())
    return _since_last(events, months_of(pathways.referrals["ended_on"]), first, n_months)


def calculate_open_episodes(pathways: Pathways, first: int, n_months: int) -> dict[str, np.ndarray]:
    """LI episodes open at the end of each month as it then stood, and those idle: no seen contact for over 60 or 120 days.

    first: the first month, as year * 12 + month - 1. Each name gives one number a month. A step-up ends an episode
    from the month on in which it was known. The day LI began counts as a contact.
    """
    referrals, contacts = pathways.referrals, pathways.contacts
    known = np.fmin(referrals["ended_on"].to_numpy(), referrals["step_up_known_on"].to_numpy())
    start = referrals["li_start"].to_numpy()
    begun = np.flatnonzero(~np.isnat(start))
    referral, on = contacts["referral"].to_numpy(), contacts["contact_on"].to_numpy()
    seen = contacts["is_seen"].to_numpy() & (on > start[referral])
    events = (np.append(begun, referral[seen]), np.append(start[begun], on[seen]))
    month, days = _since_last(events, months_of(pd.Series(known)), first, n_months)
    counts = {"li_open": month} | {name: month[days > least] for name, least in IDLE_DAYS.items()}
    return {name: np.bincount(at, minlength=n_months).astype("float64") for name, at in counts.items()}


def _since_last(
    events: tuple[np.ndarray, np.ndarray], ended: np.ndarray, first: int, n_months: int
) -> tuple[np.ndarray, np.ndarray]:
    """(month, days from the last event to its end) for each referral that has had one and is open at a month's end.

    events: (referral, day) of each. ended: for each referral the month it ended, negative where it has not.
    """
    referral, on = events
    order = np.argsort(order_key(referral, on, np.zeros(len(on))), kind="stable")
    referral, on = referral[order], on[order]
    last = np.where(ended < 0, first + n_months, ended)[referral]
    follows = np.append(referral[1:] == referral[:-1], False)
    month = months_of(pd.Series(on))
    replaced = np.where(follows, np.append(month[1:], 0), first + n_months)
    begin = np.maximum(month - first, 0)
    times = np.maximum(np.minimum(np.minimum(last, replaced) - first, n_months) - begin, 0)
    step = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
    at = np.repeat(begin, times) + step
    months = (np.arange(n_months) + first + 1 - 1970 * 12).astype("datetime64[M]")
    ends = months.astype("datetime64[D]").astype("int64") - 1
    return at, ends[at] - np.repeat(on.astype("datetime64[D]").astype("int64"), times)

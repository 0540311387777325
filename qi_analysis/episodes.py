"""LI episodes: when LI CBT began and ended, how many sessions, whether the person was stepped up, how it ended.

docs/definitions.md says it in words; every switch is in project/completion.toml. One exit category for each definition of
"completed"; the first rule that fits wins, in the order of EXITS below.
"""

import numpy as np
import pandas as pd

from qi_analysis.codes import INVALID
from qi_analysis.sequences import Sequence
from qi_analysis.settings import Completion, Definition
from qi_analysis.stages import EVENT, HI, LI, build_items

# In the order in which they are tried: the first that fits is the exit category.
EXITS = (
    "deceased", "stepped_up", "open", "completed", "short_planned", "dropped_out", "declined", "unknown", "other_end",
)  # fmt: skip
DOSES = (4, 5, 6)  # sessions
STRAY_HI = 1  # HI sessions before the first LI session that are ignored


def add_episodes(
    referrals: pd.DataFrame, contacts: pd.DataFrame, logs: pd.DataFrame, completion: Completion
) -> pd.DataFrame:
    """Adds is_li, is_step_down, exit_<definition>, n_li and the days named in `columns`.

    li_end is the step-up date, else the discharge date, else missing (open). step_up_known_on is the day of the HI
    session that made it a step-up: the second of two where two are asked for. Exit categories are empty for
    referrals without an LI episode.
    """
    items = _build_sessions(contacts, logs, completion, len(referrals))
    first_li = items.first_where(items.kind == LI)
    has_li = first_li < len(items.day)
    is_li = has_li & _starts_with_li(items, first_li, referrals, completion)
    step = _find_step_up(items, first_li, completion)
    place = np.arange(len(items.day))
    counted = (items.kind == LI) & (place < np.repeat(step, items.count))
    n_li = items.count_where(counted)
    enough = n_li >= completion.min_li_sessions_to_enter
    started = items.spread(is_li, False) & enough
    nothing = np.datetime64("NaT", "s")
    step_up_on = np.where(started, items.day_at(step), nothing)
    ended = referrals["ended_on"].to_numpy()
    columns = {
        "is_li": started,
        "is_step_down": items.spread(has_li & ~is_li & (items.kind[items.start] == HI), False),
        "li_first_session_on": items.day_at(first_li),
        "li_start": np.where(started, items.day_at(first_li), nothing),
        "li_last": np.where(started, _last_counted(items, counted), nothing),
        "n_li": np.where(started, n_li, 0),
        "step_up_on": step_up_on,
        "step_up_known_on": np.where(started, items.day_at(_know_step_up(step, completion)), nothing),
        "li_end": np.where(started, np.where(np.isnat(step_up_on), ended, step_up_on), nothing),
    }
    nth = {"li_second_on": 2} | {f"li_dose_{dose}_on": dose for dose in DOSES}
    columns |= {name: np.where(started, _nth_counted(items, counted, n), nothing) for name, n in nth.items()}
    with_episode = referrals.assign(**columns)
    exits = {
        f"exit_{name}": build_exits(with_episode, rule, completion) for name, rule in completion.definitions.items()
    }
    return with_episode.assign(**exits)


def _build_sessions(contacts: pd.DataFrame, logs: pd.DataFrame, completion: Completion, n: int) -> Sequence:
    """LI and HI sessions in order of time: seen contacts of a session type inside the referral with a therapy."""
    types = list(completion.li_session_types) + ["03"] * completion.count_assessment_treatment_as_session
    seen = contacts["is_seen"] if completion.unplanned_contacts_count else contacts["is_attended"]
    chosen = (seen & contacts["in_referral"] & contacts["type"].isin(types)).to_numpy()
    sessions = contacts[[*EVENT, "has_li_cbt", "has_hi"]][chosen].rename(columns={"has_li_cbt": "has_li"})
    kinds = {"li": LI, "hi": HI}
    if completion.internet_logs in kinds:
        inside = logs[logs["in_referral"].to_numpy()]
        return build_items(sessions, inside, kinds[completion.internet_logs], n)
    return build_items(sessions, None, HI, n)


def _starts_with_li(
    items: Sequence, first_li: np.ndarray, referrals: pd.DataFrame, completion: Completion
) -> np.ndarray:
    """Per owner: does the referral count as an LI episode under the episode rule?"""
    if completion.episode_rule == "national_stage":
        return (referrals["first_stage"].to_numpy()[items.owner] == "LI").astype(bool)
    if completion.episode_rule == "date_only":
        return items.count_where(items.kind == HI)[items.owner] == 0
    if completion.episode_rule == "last_therapy":
        return items.kind[items.start + items.count - 1] == LI
    return first_li - items.start <= STRAY_HI


def _find_step_up(items: Sequence, first_li: np.ndarray, completion: Completion) -> np.ndarray:
    """Per owner the place of the HI session that begins the step-up after the first LI session."""
    size = len(items.day)
    hi = items.kind == HI
    begins = hi
    if completion.step_up_rule == "two_consecutive_hi":
        begins = np.zeros(size, dtype=bool)
        begins[:-1] = hi[:-1] & hi[1:] & (items.referral[:-1] == items.referral[1:])
    after = np.arange(size) > np.repeat(first_li, items.count)
    return items.first_where(begins & after)


def _know_step_up(step: np.ndarray, completion: Completion) -> np.ndarray:
    """Per owner the place of the session from which on the step-up is known."""
    return step + 1 if completion.step_up_rule == "two_consecutive_hi" else step


def _last_counted(items: Sequence, counted: np.ndarray) -> np.ndarray:
    if not len(items.owner):
        return items.day_at(items.start)
    place = np.where(counted, np.arange(len(counted)), -1)
    last = np.maximum.reduceat(place, items.start)
    return items.day_at(np.where(last < 0, len(items.day), last))


def _nth_counted(items: Sequence, counted: np.ndarray, n: int) -> np.ndarray:
    """The day of the nth counted session of each referral."""
    running = np.cumsum(counted)
    before = np.repeat(running[items.start] - counted[items.start], items.count) if len(items.owner) else running
    return items.day_at(items.first_where(counted & (running - before == n)))


def is_completed(referrals: pd.DataFrame, rule: Definition, completion: Completion) -> pd.Series:
    """Does the ending and the number of sessions meet a definition of "completed"? (project/completion.toml)"""
    met = pd.Series(False, referrals.index)
    if rule.planned_end:
        met |= referrals["end_code"].isin(completion.planned_end_codes) & (referrals["n_li"] >= rule.min_sessions)
    if rule.enough_sessions:
        met |= referrals["n_li"] >= rule.enough_sessions
    if rule.min_treatment_contacts:
        met |= referrals["n_treatments"] >= rule.min_treatment_contacts
    return met


def build_exits(referrals: pd.DataFrame, rule: Definition, completion: Completion) -> pd.Categorical:
    """The exit category of each LI episode under one definition; missing where there is no episode."""
    code = referrals["end_code"]
    unknown = code.isna() | (code == INVALID) | code.isin(completion.unknown_end_codes)
    closed = referrals["ended_on"].notna()
    fits = {
        "deceased": closed & code.isin(completion.deceased_end_codes),
        "stepped_up": referrals["step_up_on"].notna(),
        "open": ~closed,
        "completed": is_completed(referrals, rule, completion),
        "short_planned": code.isin(completion.planned_end_codes),
        "dropped_out": code.isin(completion.drop_out_end_codes),
        "declined": code.isin(completion.declined_end_codes),
        "unknown": unknown,
    }
    number = np.full(len(referrals), len(EXITS) - 1)
    for place in range(len(EXITS) - 2, -1, -1):
        number[fits[EXITS[place]].to_numpy()] = place
    number[~referrals["is_li"].to_numpy()] = -1
    return pd.Categorical.from_codes(number, categories=list(EXITS))

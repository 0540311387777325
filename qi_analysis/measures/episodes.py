"""Stages, LI episodes and outcomes of each referral.

The national stage rule (M347 to M367) says which intensity came first, and whether it was followed by the other. Items are
treatment contacts of type 02, 03 or 05 with a therapy, LI or HI (one that holds both gives an LI and then an HI item),
and internet-therapy logs as HI, dated by their start. A stage is a run of two or more items of one intensity. One item of
the other intensity before the first stage is ignored; more exclude it.

LI episodes: when LI CBT began and ended, how many sessions, whether the person was stepped up, how it ended.
docs/definitions.md says it in words; every switch is in project/completion.toml. There is one exit category for each
definition of "completed"; the first rule that fits wins, in the order of EXITS below.

Caseness, recovery and reliable change come from PHQ-9 and GAD-7 (M179 to M195), from the first and the last recorded score
of each questionnaire; a first score counts only with a later last one. A person with one questionnaire paired is judged
on that one.
"""

import numpy as np
import pandas as pd

from qi_analysis.dataset import GAD7, INVALID, PHQ9, read_rows
from qi_analysis.extract.event_order import EventSequence, Runs, build_runs, build_sequence
from qi_analysis.record.settings import Completion, Definition
from qi_analysis.storage import REFERENCE

LI, HI = 0, 1
STAGE_LENGTH = 2
EVENT = ("referral", "contact_on", "minute")
LARGEST_START = 1  # items of the other intensity that may stand before the first stage
# In the order in which they are tried: the first that fits is the exit category.
EXITS = (
    "deceased", "stepped_up", "open", "completed", "short_planned", "dropped_out", "declined", "unknown", "other_end",
)  # fmt: skip
DOSES = (4, 5, 6)  # sessions
STRAY_HI = 1  # HI sessions before the first LI session that are ignored


# The national stage rule.
def build_items(contacts: pd.DataFrame, logs: pd.DataFrame | None, log_kind: int, n: int) -> EventSequence:
    """LI and HI items in order of time for contacts with columns has_li and has_hi, logs added as one kind."""
    events = contacts[list(EVENT)]
    parts = [(events[contacts["has_li"].to_numpy()], LI), (events[contacts["has_hi"].to_numpy()], HI)]
    referral = [part["referral"].to_numpy() for part, _ in parts]
    day = [part["contact_on"].to_numpy() for part, _ in parts]
    minute = [part["minute"].to_numpy(dtype="float64") for part, _ in parts]
    kind = [np.full(len(part), which) for part, which in parts]
    if logs is not None:
        referral.append(logs["referral"].to_numpy())
        day.append(logs["started_on"].to_numpy())
        minute.append(np.full(len(logs), np.nan))
        kind.append(np.full(len(logs), log_kind))
    whole = [np.concatenate(part) for part in (referral, day, minute, kind)]
    return build_sequence(whole[0], whole[1], whole[2], whole[3], n)


def add_stages(referrals: pd.DataFrame, treatments: pd.DataFrame, logs: pd.DataFrame) -> pd.DataFrame:
    """first_stage ("LI", "HI" or ""), second_stage, and the days on which they began and ended."""
    items = build_items(treatments, logs, HI, len(referrals))
    runs = build_runs(items)
    stage = np.flatnonzero(runs.length >= STAGE_LENGTH)
    group = runs.group[stage]
    is_first = np.append(True, group[1:] != group[:-1]) if len(group) else np.zeros(0, dtype=bool)
    first = stage[is_first]
    owner = runs.group[first]
    settled = runs.start[first] - items.start[owner] <= LARGEST_START
    second = np.full(len(first), -1)
    follows = np.flatnonzero(is_first) + 1
    within = follows < len(stage)
    same = np.zeros(len(first), dtype=bool)
    same[within] = group[follows[within]] == owner[within]
    second[same] = stage[follows[same]]
    return referrals.assign(**_spread(items, runs, owner[settled], first[settled], second[settled]))


def _spread(
    items: EventSequence, runs: Runs, owner: np.ndarray, first: np.ndarray, second: np.ndarray
) -> dict[str, np.ndarray]:
    n, referral = items.n, items.owner[owner] if len(owner) else np.zeros(0, dtype="int64")
    names = np.array(["LI", "HI", ""], dtype="object")
    out = {name: np.full(n, "", dtype="object") for name in ("first_stage", "second_stage")}
    out["first_stage"][referral] = names[runs.kind[first]] if len(first) else []
    out["second_stage"][referral] = names[np.append(runs.kind, 2)[second]]
    days = np.append(items.day, np.datetime64("NaT", "s"))
    places = {
        "stage_1_began_on": runs.start[first],
        "stage_1_ended_on": runs.end[first],
        "stage_2_began_on": np.append(runs.start, len(items.day))[second],
    }
    for name, place in places.items():
        out[name] = np.full(n, np.datetime64("NaT", "s"))
        out[name][referral] = days[place]
    return out


# LI episodes.
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


def _build_sessions(contacts: pd.DataFrame, logs: pd.DataFrame, completion: Completion, n: int) -> EventSequence:
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
    items: EventSequence, first_li: np.ndarray, referrals: pd.DataFrame, completion: Completion
) -> np.ndarray:
    """Per owner: does the referral count as an LI episode under the episode rule?"""
    if completion.episode_rule == "national_stage":
        return np.asarray((referrals["first_stage"].to_numpy()[items.owner] == "LI").astype(bool))
    if completion.episode_rule == "date_only":
        return np.asarray(items.count_where(items.kind == HI)[items.owner] == 0)
    if completion.episode_rule == "last_therapy":
        return np.asarray(items.kind[items.start + items.count - 1] == LI)
    return np.asarray(first_li - items.start <= STRAY_HI)


def _find_step_up(items: EventSequence, first_li: np.ndarray, completion: Completion) -> np.ndarray:
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


def _last_counted(items: EventSequence, counted: np.ndarray) -> np.ndarray:
    if not len(items.owner):
        return items.day_at(items.start)
    place = np.where(counted, np.arange(len(counted)), -1)
    last = np.maximum.reduceat(place, items.start)
    return items.day_at(np.where(last < 0, len(items.day), last))


def _nth_counted(items: EventSequence, counted: np.ndarray, n: int) -> np.ndarray:
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


def _thresholds() -> dict[str, tuple[float, float]]:
    """tool -> (caseness at or above, reliable change), from data/reference/outcome_measures.csv."""
    rows = {row["snomed"]: row for row in read_rows(REFERENCE / "outcome_measures.csv")}
    return {
        tool: (float(rows[tool]["caseness_at_or_above"]), float(rows[tool]["reliable_change"])) for tool in (PHQ9, GAD7)
    }


# Outcomes.
def add_outcomes(referrals: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Adds is_paired, at_caseness, not_at_caseness, recovered, improved, deteriorated and unchanged, all true or false.

    scores: referral, tool, score in order of recording within referral and tool.
    """
    n = len(referrals)
    shape = (2, n)
    paired, case_first, case_last, fell, rose = (np.zeros(shape, dtype=bool) for _ in range(5))
    for row, (tool, (caseness, change)) in enumerate(_thresholds().items()):
        chosen = scores[(scores["tool"] == tool).to_numpy()]
        owner, start, count = np.unique(chosen["referral"].to_numpy(), return_index=True, return_counts=True)
        value = chosen["score"].to_numpy()
        both = count > 1
        who, first, last = owner[both], value[start[both]], value[(start + count - 1)[both]]
        paired[row, who] = True
        case_first[row, who], case_last[row, who] = first >= caseness, last >= caseness
        fell[row, who], rose[row, who] = first - last >= change, last - first >= change
    any_pair, at_caseness = paired.any(axis=0), case_first.any(axis=0)
    improved = fell.any(axis=0) & ~rose.any(axis=0)
    deteriorated = rose.any(axis=0) & ~fell.any(axis=0)
    return referrals.assign(
        is_paired=any_pair,
        at_caseness=at_caseness,
        not_at_caseness=any_pair & ~at_caseness,
        recovered=at_caseness & ~case_last.any(axis=0),
        improved=improved,
        deteriorated=deteriorated,
        unchanged=any_pair & ~improved & ~deteriorated,
    )

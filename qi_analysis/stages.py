"""The national stage rule (M347 to M367): which intensity came first, and whether it was followed by the other.

Items are treatment contacts of type 02, 03 or 05 with a therapy, LI or HI (one that holds both gives an LI and
then an HI item), and internet-therapy logs as HI, dated by their start. A stage is a run of two or more
items of one intensity. One item of the other intensity before the first stage is ignored; more exclude it.
"""

import numpy as np
import pandas as pd

from qi_analysis.sequences import Sequence, build_runs, build_sequence

LI, HI = 0, 1
STAGE_LENGTH = 2
EVENT = ("referral", "contact_on", "minute")
LARGEST_START = 1  # items of the other intensity that may stand before the first stage


def build_items(contacts: pd.DataFrame, logs: pd.DataFrame | None, log_kind: int, n: int) -> Sequence:
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


def _spread(items: Sequence, runs, owner: np.ndarray, first: np.ndarray, second: np.ndarray) -> dict[str, np.ndarray]:  # type: ignore[no-untyped-def]
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

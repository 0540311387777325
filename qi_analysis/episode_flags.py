"""What the names of LI episodes mean: each is a column of true/false or of numbers (definitions/measure_names.csv).

One row for each LI episode; days are whole days. Source: docs/definitions.md.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from qi_analysis.episodes import DOSES
from qi_analysis.flags import DAY, ENDED, days_between
from qi_analysis.settings import Completion

WEEK_DAYS = 7
SECOND_DAYS = 28  # to the second session, and from the assessment to the first


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
        return (episodes[name].to_numpy() - start) / DAY <= horizon

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

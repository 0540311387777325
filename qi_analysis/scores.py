"""Scores: PHQ-9 and GAD-7 recorded at referrals and at contacts, in order of recording, each once."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from qi_analysis.account import Account
from qi_analysis.codes import GAD7, PHQ9, SCORE_MAXIMUM
from qi_analysis.contacts import FOLLOW_UP
from qi_analysis.keys import build_key, join_keys
from qi_analysis.links import Links
from qi_analysis.merge import merge_rows, note_primary_only, set_aside_rows
from qi_analysis.referrals import Lookup

LATE = 2000.0  # minutes: after every time of day


def build_scores(
    typed: Mapping[str, pd.DataFrame], lookup: Lookup, contacts: pd.DataFrame, contact_of_row: np.ndarray,
    activity_links: "Links | None", account: Account,
) -> pd.DataFrame:  # fmt: skip
    """referral, tool, scored_on, score, is_contact: PHQ-9 and GAD-7 scores in order of recording, each once.

    is_contact: recorded at a contact that is no follow-up after the discharge (type 06).
    """
    parts = [_local_scores(typed["contacts"], contacts, contact_of_row)]
    if "referral_scores" in typed:
        rows = typed["referral_scores"]
        referral, is_test = lookup.find(rows["referral_id"])
        rules = {
            "no_key": rows["referral_id"].isna().to_numpy(),
            "test_patient": is_test,
            "referral_not_found": referral < 0,
        }
        kept = _keep_scores(rows, referral, rows["scored_on"], rules, "referral_scores", account)
        parts.append(kept.assign(minute=-1.0, is_contact=False))
    if "activity_scores" in typed and activity_links is not None:
        rows = typed["activity_scores"]
        contact, unclear = activity_links.find(rows["activity_id"], rows["month"].to_numpy())
        on = pd.Series(np.append(contacts["contact_on"].to_numpy(), np.datetime64("NaT", "s"))[contact], rows.index)
        referral = np.append(contacts["referral"].to_numpy(), -1)[contact]
        no_key = rows["activity_id"].isna().to_numpy()
        rules = {"no_key": no_key, "contact_unclear": unclear, "contact_not_found": contact < 0}
        kept = _keep_scores(rows, referral, on, rules, "activity_scores", account)
        parts.append(_add_contact(kept, contacts, contact[kept.index]))
    scores = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    scores = scores.sort_values(["referral", "tool", "scored_on", "minute"], kind="stable", ignore_index=True)
    return scores.drop(columns="minute")


def _add_contact(scores: pd.DataFrame, contacts: pd.DataFrame, contact: np.ndarray) -> pd.DataFrame:
    """The time of day a score was recorded (contacts without one last), and whether at a follow-up."""
    time = contacts["contact_time"].to_numpy()[contact] if "contact_time" in contacts else np.full(len(contact), np.nan)
    follow_up = (contacts["type"] == FOLLOW_UP).to_numpy()[contact]
    return scores.assign(minute=np.where(np.isnan(time), LATE, time), is_contact=~follow_up)


def _keep_scores(
    rows: pd.DataFrame,
    referral: np.ndarray,
    on: pd.Series,
    rules: dict[str, np.ndarray],
    table: str,
    account: Account,
) -> pd.DataFrame:
    tool = rows["tool"].astype("object")
    maximum = tool.map(SCORE_MAXIMUM).astype("float64")
    score = rows["score"]
    rules = rules | {
        "other_questionnaire": maximum.isna().to_numpy(),
        "score_out_of_range": ~(score.between(0, maximum) & (score == np.floor(score))).to_numpy(),
        "no_date": on.isna().to_numpy(),
    }
    good = set_aside_rows(rows, rules, table, account)
    owner = rows["activity_id" if table == "activity_scores" else "referral_id"][good]
    days = on[good].to_numpy().astype("datetime64[D]").astype("int64")
    key = join_keys(
        build_key(owner)[0],
        (tool[good] == PHQ9).to_numpy().astype("int64"),
        np.maximum(days, 0),
        referral[good],
    )
    kept = merge_rows(rows[good], key, table, account)
    note_primary_only(rows[good], kept, table, account)
    account.count_used(rows[good][kept])
    frame = pd.DataFrame({"referral": referral, "tool": tool.array, "scored_on": on.array, "score": score.array})
    return frame[good].iloc[np.flatnonzero(kept)]


def _local_scores(rows: pd.DataFrame, contacts: pd.DataFrame, contact_of_row: np.ndarray) -> pd.DataFrame:
    """Scores written in columns of the appointments of a local export."""
    parts = []
    for name, tool in (("phq9", PHQ9), ("gad7", GAD7)):
        if name in rows:
            score = rows[name].to_numpy()
            good = (contact_of_row >= 0) & (score >= 0) & (score <= SCORE_MAXIMUM[tool]) & (score == np.floor(score))
            contact = contact_of_row[good]
            part = pd.DataFrame({"contact": contact, "tool": tool, "score": score[good]}).drop_duplicates(
                "contact", keep="last"
            )
            on, referral = contacts["contact_on"].to_numpy(), contacts["referral"].to_numpy()
            part = part.assign(referral=referral[part["contact"]], scored_on=on[part["contact"]])
            parts.append(_add_contact(part, contacts, part["contact"].to_numpy()))
    if not parts:
        kinds = {"referral": "int64", "tool": "object", "scored_on": "datetime64[s]", "score": "float64"}
        kinds |= {"minute": "float64", "is_contact": "bool"}
        return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in kinds.items()})
    return pd.concat(parts)[["referral", "tool", "scored_on", "score", "minute", "is_contact"]]

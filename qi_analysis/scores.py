"""Scores: PHQ-9 and GAD-7 recorded at referrals and at contacts, in order of recording, each once."""

from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Owners:
    """Whom a score can belong to: referrals by identifier, contacts by raw row and by activity identifier."""

    referrals: Lookup
    contacts: pd.DataFrame
    contact_of_row: np.ndarray
    activities: Links | None


def build_scores(typed: Mapping[str, pd.DataFrame], owners: Owners, account: Account) -> pd.DataFrame:
    """referral, tool, scored_on, score, is_contact: PHQ-9 and GAD-7 scores in order of recording, each once.

    is_contact: recorded at a contact that is no follow-up after the discharge (type 06).
    """
    parts = [_local_scores(typed["contacts"], owners.contacts, owners.contact_of_row)]
    if "referral_scores" in typed:
        parts.append(_referral_scores(typed["referral_scores"], owners.referrals, account))
    if "activity_scores" in typed and owners.activities is not None:
        parts.append(_activity_scores(typed["activity_scores"], owners.activities, owners.contacts, account))
    scores = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    scores = scores.sort_values(["referral", "tool", "scored_on", "minute"], kind="stable", ignore_index=True)
    return scores.drop(columns="minute")


def _referral_scores(rows: pd.DataFrame, lookup: Lookup, account: Account) -> pd.DataFrame:
    referral, is_test = lookup.find(rows["referral_id"])
    no_key = rows["referral_id"].isna().to_numpy()
    good = set_aside_rows(
        rows,
        {"no_key": no_key, "test_patient": is_test, "referral_not_found": referral < 0},
        "referral_scores",
        account,
    )
    placed = rows[good].assign(referral=referral[good])
    return _keep_scores(placed, "referral_id", "referral_scores", account).assign(minute=-1.0, is_contact=False)


def _activity_scores(rows: pd.DataFrame, links: Links, contacts: pd.DataFrame, account: Account) -> pd.DataFrame:
    contact, unclear = links.find(rows["activity_id"], rows["month"].to_numpy())
    no_key = rows["activity_id"].isna().to_numpy()
    rules = {"no_key": no_key, "contact_unclear": unclear, "contact_not_found": contact < 0}
    good = set_aside_rows(rows, rules, "activity_scores", account)
    owner = contact[good]
    placed = rows[good].assign(
        contact=owner,
        scored_on=contacts["contact_on"].to_numpy()[owner],
        referral=contacts["referral"].to_numpy()[owner],
    )
    kept = _keep_scores(placed, "activity_id", "activity_scores", account)
    return _add_contact(kept, contacts, kept["contact"].to_numpy()).drop(columns="contact")


def _add_contact(scores: pd.DataFrame, contacts: pd.DataFrame, contact: np.ndarray) -> pd.DataFrame:
    """The time of day a score was recorded (contacts without one last), and whether at a follow-up."""
    time = contacts["contact_time"].to_numpy()[contact] if "contact_time" in contacts else np.full(len(contact), np.nan)
    follow_up = (contacts["type"] == FOLLOW_UP).to_numpy()[contact]
    return scores.assign(minute=np.where(np.isnan(time), LATE, time), is_contact=~follow_up)


def _keep_scores(rows: pd.DataFrame, identifier: str, table: str, account: Account) -> pd.DataFrame:
    """Scores of the two questionnaires within their range, the latest of each identifier, tool and day."""
    maximum = rows["tool"].astype("object").map(SCORE_MAXIMUM).astype("float64")
    score = rows["score"]
    rules = {
        "other_questionnaire": maximum.isna().to_numpy(),
        "score_out_of_range": ~(score.between(0, maximum) & (score == np.floor(score))).to_numpy(),
        "no_date": rows["scored_on"].isna().to_numpy(),
    }
    rows = rows[set_aside_rows(rows, rules, table, account)]
    days = rows["scored_on"].to_numpy().astype("datetime64[D]").astype("int64")
    is_phq9 = (rows["tool"] == PHQ9).to_numpy().astype("int64")
    key = join_keys(build_key(rows[identifier])[0], is_phq9, np.maximum(days, 0), rows["referral"].to_numpy())
    kept = merge_rows(rows, key, table, account)
    note_primary_only(rows, kept, table, account)
    account.count_used(rows[kept])
    wanted = ["referral", "tool", "scored_on", "score", *(["contact"] if "contact" in rows else [])]
    return rows[kept][wanted].astype({"tool": "object"})


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

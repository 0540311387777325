"""Scores: PHQ-9 and GAD-7 recorded at referrals and at contacts, in order of recording, each once."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from qi_analysis.account import Account
from qi_analysis.codes import GAD7, PHQ9, SCORE_MAXIMUM
from qi_analysis.contacts import FOLLOW_UP, number_days
from qi_analysis.keys import join_keys
from qi_analysis.links import Links
from qi_analysis.merge import merge_rows, note_primary_only, set_aside_rows
from qi_analysis.referrals import Lookup
from qi_analysis.sequences import order_key

TOOLS = pd.CategoricalDtype([GAD7, PHQ9])
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
    parts = [_local_scores(typed["contacts"], owners.contacts, owners.contact_of_row, account)]
    if "referral_scores" in typed:
        parts.append(_referral_scores(typed["referral_scores"], owners.referrals, account))
    if "activity_scores" in typed and owners.activities is not None:
        parts.append(_activity_scores(typed["activity_scores"], owners.activities, owners.contacts, account))
    scores = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    series = scores["referral"].to_numpy() * 2 + scores["tool"].cat.codes.to_numpy()
    order = np.argsort(
        order_key(series, scores["scored_on"].to_numpy(), scores["minute"].to_numpy() + 1), kind="stable"
    )
    return scores.drop(columns="minute").take(order).reset_index(drop=True)


def _referral_scores(rows: pd.DataFrame, lookup: Lookup, account: Account) -> pd.DataFrame:
    referral, is_test = lookup.find(rows["referral_id"])
    no_key = (rows["referral_id"] < 0).to_numpy()
    rules = {"no_key": no_key, "test_patient": is_test, "referral_not_found": referral < 0}
    kept, _ = _keep_scores(rows.assign(referral=referral), rules, "referral_scores", account)
    return kept.assign(minute=-1.0, is_contact=False)


def _activity_scores(rows: pd.DataFrame, links: Links, contacts: pd.DataFrame, account: Account) -> pd.DataFrame:
    contact, unclear = links.find(rows["activity_id"], rows["month"].to_numpy())
    no_key = (rows["activity_id"] < 0).to_numpy()
    rules = {"no_key": no_key, "contact_unclear": unclear, "contact_not_found": contact < 0}
    on = np.append(contacts["contact_on"].to_numpy(), np.datetime64("NaT", "s"))[contact]
    referral = np.append(contacts["referral"].to_numpy(), -1)[contact]
    kept, place = _keep_scores(rows.assign(referral=referral, scored_on=on), rules, "activity_scores", account)
    return _add_contact(kept, contacts, contact[place])


def _add_contact(scores: pd.DataFrame, contacts: pd.DataFrame, contact: np.ndarray) -> pd.DataFrame:
    """The time of day a score was recorded (contacts without one last), and whether at a follow-up."""
    time = contacts["contact_time"].to_numpy()[contact] if "contact_time" in contacts else np.full(len(contact), np.nan)
    follow_up = (contacts["type"] == FOLLOW_UP).to_numpy()[contact]
    return scores.assign(minute=np.where(np.isnan(time), LATE, time), is_contact=~follow_up)


def _keep_scores(
    rows: pd.DataFrame, rules: dict[str, np.ndarray], table: str, account: Account
) -> tuple[pd.DataFrame, np.ndarray]:
    """(scores of the two questionnaires within their range, the latest of each identifier, tool and day; their rows).

    rules: why rows with referral and scored_on are set aside before anything else.
    """
    known = rows["tool"].cat.categories
    maximum = np.append([SCORE_MAXIMUM.get(str(tool), np.nan) for tool in known], np.nan)[rows["tool"].cat.codes]
    score, on = rows["score"].to_numpy(), rows["scored_on"].to_numpy()
    rules = rules | {
        "other_questionnaire": np.isnan(maximum),
        "score_out_of_range": ~((score >= 0) & (score <= maximum) & (score == np.floor(score))),
        "no_date": np.isnat(on),
    }
    good = set_aside_rows(rows, rules, table, account)
    is_phq9, referral = (rows["tool"] == PHQ9).to_numpy(), rows["referral"].to_numpy()
    owner = rows["activity_id" if table == "activity_scores" else "referral_id"].to_numpy()
    key = np.full(len(rows), -1)
    key[good] = join_keys(owner[good].astype("int64") * 2 + is_phq9[good], number_days(on[good]), referral[good])
    kept = merge_rows(rows, key, table, account)
    note_primary_only(rows, kept, table, account)
    place = np.flatnonzero(kept)
    account.count_used(rows[["file"]].take(place))
    tool = pd.Categorical.from_codes(is_phq9[place].astype("int8"), dtype=TOOLS)
    return pd.DataFrame(
        {"referral": referral[place], "tool": tool, "scored_on": on[place], "score": score[place]}
    ), place


def _local_scores(
    rows: pd.DataFrame, contacts: pd.DataFrame, contact_of_row: np.ndarray, account: Account
) -> pd.DataFrame:
    """Scores written in columns of the appointments of a local export."""
    parts = []
    for name, tool in (("phq9", PHQ9), ("gad7", GAD7)):
        if name in rows:
            score = rows[name].to_numpy()
            usable = (score >= 0) & (score <= SCORE_MAXIMUM[tool]) & (score == np.floor(score))
            account.note("score_unusable", "contacts", int((~usable & ~np.isnan(score)).sum()), name)
            good = (contact_of_row >= 0) & usable
            contact = contact_of_row[good]
            part = pd.DataFrame({"contact": contact, "score": score[good]}).drop_duplicates("contact", keep="last")
            on, referral = contacts["contact_on"].to_numpy(), contacts["referral"].to_numpy()
            tools = pd.Categorical([tool] * len(part), dtype=TOOLS)
            part = part.assign(referral=referral[part["contact"]], tool=tools, scored_on=on[part["contact"]])
            parts.append(_add_contact(part, contacts, part["contact"].to_numpy()))
    if not parts:
        kinds = {"referral": "int64", "tool": TOOLS, "scored_on": "datetime64[s]", "score": "float64"}
        kinds |= {"minute": "float64", "is_contact": "bool"}
        return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in kinds.items()})
    return pd.concat(parts)[["referral", "tool", "scored_on", "score", "minute", "is_contact"]]

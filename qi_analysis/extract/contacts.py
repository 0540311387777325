"""Contacts, activities, internet-therapy logs and scores, one row each.

What belongs to a referral: contacts, activities, internet-therapy logs and scores, each row once.

Scores: PHQ-9 and GAD-7 recorded at referrals and at contacts, in order of recording, each once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from qi_analysis.dataset import GAD7, INVALID, PHQ9, SCORE_MAXIMUM, Rule
from qi_analysis.extract.duplicates import merge_rows, note_primary_only, set_aside_rows
from qi_analysis.extract.event_order import order_key
from qi_analysis.extract.identifiers import Links, join_keys, mark_first, number_rows
from qi_analysis.extract.ledger import Account
from qi_analysis.extract.referrals import Lookup

SEEN = ("5", "6")
FOLLOW_UP = "06"
KEPT = (
    "contact_on",
    "contact_time",
    "planned",
    "attendance",
    "type",
    "medium",
    "medium_v20",
    "interpreter",
    "mode",
)
THERAPY_COLUMNS = ("therapy_1", "therapy_2", "therapy_3", "therapy_4")


def months_of(days: pd.Series) -> np.ndarray:
    """Calendar months as year * 12 + month - 1; -1 where the date is missing."""
    months = days.to_numpy().astype("datetime64[M]").astype("int64") + 1970 * 12
    return np.where(days.isna(), -1, months)


def build_contacts(
    rows: pd.DataFrame, referrals: pd.DataFrame, lookup: Lookup, account: Account
) -> tuple[pd.DataFrame, np.ndarray]:
    """(one row per contact in file order, for each raw row the number of its contact or -1).

    A contact is one identifier of one referral in one calendar month: identifiers are used again in other
    months. Without identifiers every date and time of a referral is one contact. Of several rows the latest
    submission wins; with no time of submission the attended one. A contact before its referral is set aside.
    """
    referral, is_test = lookup.find(rows["referral_id"])
    written = rows["referral_id"].to_numpy()
    contact_id = _number_contacts(rows)
    rules = {
        Rule.NO_KEY: (written < 0) | (contact_id < 0),
        Rule.TEST_PATIENT: is_test,
        Rule.REFERRAL_NOT_FOUND: referral < 0,
        Rule.NO_DATE: rows["contact_on"].isna().to_numpy(),
    }
    good = set_aside_rows(rows, rules, "contacts", account)
    key = np.full(len(rows), -1)
    key[good] = join_keys(contact_id[good], months_of(rows["contact_on"][good]), written[good])
    kept = _merge_contacts(rows, key, rows["attendance"].isin(SEEN).to_numpy(), account)
    note_primary_only(rows, kept, "contacts", account)
    place = np.flatnonzero(kept)
    early = rows["contact_on"].to_numpy()[place] < referrals["received_on"].to_numpy()[referral[place]]
    stays = set_aside_rows(
        rows[["file", "line"]].take(place), {Rule.CONTACT_BEFORE_REFERRAL: early}, "contacts", account
    )
    numbers = np.append(np.where(stays, np.cumsum(stays) - 1, -1), -1)
    place = place[stays]
    account.count_used(rows[["file"]].take(place))
    contacts = rows[[name for name in KEPT if name in rows]].take(place).reset_index(drop=True)
    ids = rows["contact_id"].to_numpy()[place] if "contact_id" in rows else -1
    return contacts.assign(referral=referral[place], key=ids), numbers[number_rows(key, kept)]


def _number_contacts(rows: pd.DataFrame) -> np.ndarray:
    """The number of each identifier; without identifiers one per date and time."""
    if "contact_id" in rows:
        return np.asarray(rows["contact_id"].to_numpy())
    time = rows["contact_time"].fillna(-1).to_numpy() if "contact_time" in rows else np.zeros(len(rows))
    days = rows["contact_on"].to_numpy().astype("datetime64[D]").astype("int64")
    return join_keys(days, time.astype("int64"))


def _merge_contacts(rows: pd.DataFrame, key: np.ndarray, attended: np.ndarray, account: Account) -> np.ndarray:
    _note_conflicts(key, rows["attendance"].cat.codes.to_numpy(), account)
    therapies = [name for name in THERAPY_COLUMNS if name in rows]
    if not therapies:
        return merge_rows(rows, key, "contacts", account, tie=attended)
    # A local export can repeat the appointment for each activity: rows that differ only in therapy are one contact.
    among = np.flatnonzero(key >= 0)
    plain = rows.drop(columns=therapies)
    repeats, whole = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
    repeats[among] = plain.drop(columns=["file", "line"]).take(among).duplicated(keep="last")
    whole[among] = rows.drop(columns=["file", "line"]).take(among).duplicated(keep="last")
    account.merge(rows[repeats & ~whole], Rule.CONTACT_PER_ACTIVITY, "contacts")
    account.merge(rows[repeats & whole], Rule.EXACT_DUPLICATE, "contacts")
    return merge_rows(plain, np.where(repeats, -1, key), "contacts", account, tie=attended)


def _note_conflicts(key: np.ndarray, attendance: np.ndarray, account: Account) -> None:
    """Count contacts that were recorded with more than one attendance."""
    one = np.zeros(int(key.max(initial=-1)) + 2, dtype=attendance.dtype)
    one[key] = attendance
    differs = np.unique(key[(attendance != one[key]) & (key >= 0)])
    account.note(Rule.CONFLICTING_ATTENDANCE, "contacts", len(differs), "attendance")


def build_activities(
    typed: Mapping[str, pd.DataFrame], contact_of_row: np.ndarray, account: Account
) -> tuple[pd.DataFrame, Links | None]:
    """(contact, therapy: one row per activity with a therapy; links from activity identifiers to contacts)."""
    contacts = typed["contacts"]
    if "activities" not in typed:
        parts = [
            pd.DataFrame({"contact": contact_of_row, "therapy": contacts[name].astype("object")})
            for name in THERAPY_COLUMNS
            if name in contacts
        ]
        every = pd.concat(parts) if parts else pd.DataFrame({"contact": [], "therapy": []})
        return _distinct_therapies(every.astype({"contact": "int64", "therapy": "category"})), None
    rows = typed["activities"]
    links = Links(contacts["contact_id"], contacts["month"].to_numpy(), contact_of_row)
    contact, unclear = links.find(rows["contact_id"], rows["month"].to_numpy())
    rules = {
        Rule.NO_KEY: (rows["contact_id"] < 0).to_numpy(),
        Rule.CONTACT_UNCLEAR: unclear,
        Rule.CONTACT_NOT_FOUND: contact < 0,
    }
    good = set_aside_rows(rows, rules, "activities", account)
    key = np.full(len(rows), -1)
    key[good] = _activity_key(rows[good], contact[good])
    kept = merge_rows(rows, key, "activities", account)
    note_primary_only(rows, kept, "activities", account)
    place = np.flatnonzero(kept)
    account.count_used(rows[["file"]].take(place))
    every = pd.DataFrame({"contact": contact[place], "therapy": rows["therapy"].array.take(place)}, copy=False)
    if "activity_id" not in rows:
        return _distinct_therapies(every), None
    return _distinct_therapies(every), Links(rows["activity_id"], rows["month"].to_numpy(), np.where(kept, contact, -1))


def _activity_key(rows: pd.DataFrame, contact: np.ndarray) -> np.ndarray:
    """One number per activity: its identifier in its month; without a month also its contact, else contact and code."""
    therapy = rows["therapy"].cat.codes.to_numpy()
    if "activity_id" not in rows:
        return join_keys(contact, therapy)
    own, month = rows["activity_id"].to_numpy(), rows["month"].to_numpy()
    named = own >= 0
    return join_keys(own, month, np.where(named & (month >= 0), -1, contact), np.where(named, -1, therapy))


def _distinct_therapies(activities: pd.DataFrame) -> pd.DataFrame:
    known = activities["therapy"].notna() & (activities["therapy"] != INVALID) & (activities["contact"] >= 0)
    chosen = activities[known.to_numpy()]
    is_new = mark_first(join_keys(chosen["contact"].to_numpy(), chosen["therapy"].cat.codes.to_numpy()))
    return chosen[is_new].reset_index(drop=True)


def build_logs(rows: pd.DataFrame | None, lookup: Lookup, account: Account) -> pd.DataFrame:
    """referral, started_on, ended_on: one row per weekly log; a log without a start has no place."""
    if rows is None:
        empty = pd.Series([], dtype="datetime64[s]")
        return pd.DataFrame({"referral": pd.Series([], dtype="int64"), "started_on": empty, "ended_on": empty})
    referral, is_test = lookup.find(rows["referral_id"])
    ended = rows["ended_on"] if "ended_on" in rows else rows["started_on"].where(False)
    started = rows["started_on"]
    rules = {
        Rule.NO_KEY: (rows["referral_id"] < 0).to_numpy(),
        Rule.TEST_PATIENT: is_test,
        Rule.REFERRAL_NOT_FOUND: referral < 0,
        Rule.NO_DATE: started.isna().to_numpy(),
    }
    good = set_aside_rows(rows, rules, "logs", account)
    days = [number_days(column.to_numpy()[good]) for column in (started, ended)]
    programme = rows["programme"].cat.codes.to_numpy() if "programme" in rows else np.zeros(len(rows), dtype="int8")
    key = np.full(len(rows), -1)
    key[good] = join_keys(referral[good], *days, programme[good])
    kept = merge_rows(rows, key, "logs", account)
    note_primary_only(rows, kept, "logs", account)
    account.count_used(rows[["file"]].take(np.flatnonzero(kept)))
    table = pd.DataFrame({"referral": referral, "started_on": started.array, "ended_on": ended.array})
    return table[kept].reset_index(drop=True)


def number_days(days: np.ndarray) -> np.ndarray:
    """Days since 1970, at least 0 and 0 where missing: to tell rows apart."""
    return np.where(np.isnat(days), 0, np.maximum(days.astype("datetime64[D]").astype("int64"), 0))


def note_contacts(
    contacts: pd.DataFrame,
    activities: pd.DataFrame,
    referrals: pd.DataFrame,
    extract_date: date,
    account: Account,
) -> pd.DataFrame:
    """Flag contacts after the discharge, attended ones not yet due and attended ones with no activity.

    Returns the contacts with the attendance of those not yet due taken away.
    """
    discharged = referrals["discharged_on"].to_numpy()[contacts["referral"].to_numpy()]
    after = (contacts["contact_on"].to_numpy() > discharged) & (contacts["type"] != FOLLOW_UP).to_numpy()
    account.note(Rule.CONTACT_AFTER_DISCHARGE, "contacts", int(after.sum()))
    for name, rule in (("attendance", Rule.ATTENDANCE_MISSING), ("type", Rule.TYPE_MISSING)):
        account.note(rule, "contacts", int(contacts[name].isna().sum()), name)
    attended = contacts["attendance"].isin(SEEN).to_numpy()
    future = attended & (contacts["contact_on"] > pd.Timestamp(extract_date)).to_numpy()
    account.note(Rule.NOT_YET_DUE, "contacts", int(future.sum()))
    coded = np.zeros(len(contacts), dtype=bool)
    coded[activities["contact"].to_numpy()] = True
    account.note(Rule.NO_ACTIVITY, "contacts", int((attended & ~future & ~coded).sum()))
    return contacts.assign(attendance=contacts["attendance"].mask(future))


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
    rules = {Rule.NO_KEY: no_key, Rule.TEST_PATIENT: is_test, Rule.REFERRAL_NOT_FOUND: referral < 0}
    kept, _ = _keep_scores(rows.assign(referral=referral), rules, "referral_scores", account)
    return kept.assign(minute=-1.0, is_contact=False)


def _activity_scores(rows: pd.DataFrame, links: Links, contacts: pd.DataFrame, account: Account) -> pd.DataFrame:
    contact, unclear = links.find(rows["activity_id"], rows["month"].to_numpy())
    no_key = (rows["activity_id"] < 0).to_numpy()
    rules = {Rule.NO_KEY: no_key, Rule.CONTACT_UNCLEAR: unclear, Rule.CONTACT_NOT_FOUND: contact < 0}
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
    rows: pd.DataFrame, rules: dict[Rule, np.ndarray], table: str, account: Account
) -> tuple[pd.DataFrame, np.ndarray]:
    """(scores of the two questionnaires within their range, the latest of each identifier, tool and day; their rows).

    rules: why rows with referral and scored_on are set aside before anything else.
    """
    known = rows["tool"].cat.categories
    maximum = np.append([SCORE_MAXIMUM.get(str(tool), np.nan) for tool in known], np.nan)[rows["tool"].cat.codes]
    score, on = rows["score"].to_numpy(), rows["scored_on"].to_numpy()
    rules = rules | {
        Rule.OTHER_QUESTIONNAIRE: np.isnan(maximum),
        Rule.SCORE_OUT_OF_RANGE: ~((score >= 0) & (score <= maximum) & (score == np.floor(score))),
        Rule.NO_DATE: np.isnat(on),
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
            account.note(Rule.SCORE_UNUSABLE, "contacts", int((~usable & ~np.isnan(score)).sum()), name)
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

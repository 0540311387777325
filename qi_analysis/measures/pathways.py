"""Pathways: one row per referral as the world stood on a day (`as_at`), with everything that measures count.

Contacts, logs and scores after as_at do not exist; a discharge after it has not happened. The national rules
are those of docs/definitions.md; stages, LI episodes and outcomes are worked out in episodes.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
import pandas as pd

from qi_analysis.dataset import EMPLOYMENT_SUPPORT, read_rows
from qi_analysis.extract.clean import Tables
from qi_analysis.extract.event_order import build_sequence
from qi_analysis.extract.identifiers import join_keys, mark_first
from qi_analysis.measures.episodes import EVENT, add_episodes, add_outcomes, add_stages
from qi_analysis.record.settings import Completion
from qi_analysis.storage import REFERENCE

ASSESSMENT_TYPES = ("01", "03")
TREATMENT_TYPES = ("02", "03", "05")
DETAILS = ("person", "source", "provider", "gender", "ethnicity", "deprivation", "age")
LI_COUNTS = ("M090", "M091", "M092", "M093", "M095", "M097", "M098", "M346")  # the eight of M120
CBT_COUNT = "M110"


@dataclass(frozen=True)
class Pathways:
    """As at a day: referrals (one row each), contacts, therapies (contact by therapy measure) and logs."""

    referrals: pd.DataFrame
    contacts: pd.DataFrame
    therapies: pd.DataFrame
    logs: pd.DataFrame
    as_at: date


@cache
def therapy_codes(intensity: str) -> tuple[str, ...]:
    """The codes of one intensity (LI, HI) in data/reference/therapy_types.csv, v1.5 numbers included.

    A code that no v1.5 number stands behind (an alternative concept of the annual list) is left out.
    """
    rows = [row for row in read_rows(REFERENCE / "therapy_types.csv") if row["intensity"] == intensity]
    rows = [row for row in rows if row["appointment_count_measure"] or row["scheme"] != "snomed" or intensity == "LI"]
    return tuple(row["code"] if row["scheme"] == "snomed" else f"v1.5:{row['code']}" for row in rows)


@cache
def therapy_measures() -> dict[str, str]:
    """Therapy code -> the national measure that counts its appointments."""
    rows = read_rows(REFERENCE / "therapy_types.csv")
    return {r["code"]: r["appointment_count_measure"] for r in rows if r["code"] and r["appointment_count_measure"]}


def build_pathways(tables: Tables, completion: Completion, as_at: date) -> Pathways:
    """One row per referral as the world stood on a day: contacts after it do not exist, discharges after it are open.

    The stage measures M031 to M363 and the LI episode of docs/definitions.md are worked out here.

    Parameters
    ----------
    tables : Tables
        Of `build_tables`.
    completion : Completion
        `record.completion`: what counts as an LI session, an ending and "completed".
    as_at : datetime.date
        The day.

    Returns
    -------
    Pathways
        `.referrals`: received_on, ended_on and end_code (only if discharged by then), first_assessment_on, first, second
        and last_treatment_on, n_treatments, n_seen (contacts and logs), li_count, hi_count, cbt_count, stages, the LI
        episode with its exit category in each definition, and outcomes. Days are datetime64. is_known is False for
        referrals received later: they keep their row so that row numbers stay the same, and no measure counts them.
        `.contacts`, `.therapies` and `.logs` are the events behind them.

    Examples
    --------
    >>> from datetime import date
    >>> import qi_analysis as qi
    >>> record = qi.read_record("project")
    >>> tables, _ = qi.build_tables(qi.read_extract("data/raw"), record)
    >>> pathways = qi.build_pathways(tables, record.completion, date(2021, 5, 31))
    >>> bool((pathways.referrals["ended_on"].dropna() <= "2021-05-31").all())
    True
    """
    today = pd.Timestamp(as_at)
    referrals = _build_referrals(tables.referrals, today)
    contacts = _build_contacts(tables, referrals, completion, today)
    logs = _build_logs(tables.logs, referrals, today)
    therapies = _build_therapies(tables, contacts)
    referrals = _add_treatments(referrals, contacts, logs)
    referrals = _add_therapy_counts(referrals, therapies)
    treatments = contacts[[*EVENT, "has_li", "has_hi"]][contacts["is_treatment_type"].to_numpy()]
    referrals = add_stages(referrals, treatments, logs)
    referrals = add_episodes(referrals, contacts, logs, completion)
    referrals = add_outcomes(referrals, _build_scores(tables.scores, referrals, today))
    return Pathways(referrals, contacts, therapies, logs, as_at)


def _build_referrals(referrals: pd.DataFrame, today: pd.Timestamp) -> pd.DataFrame:
    ended = referrals["discharged_on"].where(referrals["discharged_on"] <= today)
    known = [name for name in DETAILS if name in referrals]
    return referrals[["received_on", "waits_usable", *known]].assign(
        ended_on=ended, end_code=referrals["end_code"].where(ended.notna()), is_known=referrals["received_on"] <= today
    )


def _in_referral(day: pd.Series, referral: pd.Series, referrals: pd.DataFrame, today: pd.Timestamp) -> np.ndarray:
    """received date <= day <= discharge date, or as_at while the referral is open."""
    last = referrals["ended_on"].fillna(today).to_numpy()[referral.to_numpy()]
    first = referrals["received_on"].to_numpy()[referral.to_numpy()]
    return np.asarray((day.to_numpy() >= first) & (day.to_numpy() <= last))


def _has_therapy(tables: Tables, codes: Iterable[str]) -> np.ndarray:
    """For each contact of the tables: has it an activity with one of these codes?"""
    has = np.zeros(len(tables.contacts), dtype=bool)
    wanted = tables.activities["therapy"].isin(list(codes)).to_numpy()
    has[tables.activities["contact"].to_numpy()[wanted]] = True
    return has


def _build_contacts(
    tables: Tables, referrals: pd.DataFrame, completion: Completion, today: pd.Timestamp
) -> pd.DataFrame:
    """Contacts until today with what they count as: seen, assessment, treatment, LI, HI. `number` is the key."""
    contacts = tables.contacts
    kind = contacts["type"]
    attended = contacts["attendance"].isin(["5", "6"]).to_numpy()
    seen = attended | (contacts["planned"] == "N").to_numpy() if "planned" in contacts else attended
    inside = _in_referral(contacts["contact_on"], contacts["referral"], referrals, today)
    treatment_type = seen & inside & kind.isin(TREATMENT_TYPES).to_numpy()
    marks = contacts.assign(
        number=np.arange(len(contacts)),
        is_attended=attended,
        is_seen=seen,
        in_referral=inside,
        is_assessment=seen & inside & kind.isin(ASSESSMENT_TYPES).to_numpy(),
        is_treatment_type=treatment_type,
        is_treatment=treatment_type & ~_has_therapy(tables, [EMPLOYMENT_SUPPORT]),
        has_li=_has_therapy(tables, therapy_codes("LI")),
        has_li_cbt=_has_therapy(tables, completion.li_codes),
        has_hi=_has_therapy(tables, therapy_codes("HI")),
        minute=contacts.get("contact_time", np.nan),
    )
    return marks[(contacts["contact_on"] <= today).to_numpy()]


def _build_logs(logs: pd.DataFrame, referrals: pd.DataFrame, today: pd.Timestamp) -> pd.DataFrame:
    """Logs that had ended by today (started, where no end is recorded); do they lie inside their referral?"""
    until = logs["ended_on"].fillna(logs["started_on"]).clip(lower=logs["started_on"])
    logs = logs[(until <= today).to_numpy()]
    return logs.assign(in_referral=_in_referral(logs["started_on"], logs["referral"], referrals, today))


def _build_scores(scores: pd.DataFrame, referrals: pd.DataFrame, today: pd.Timestamp) -> pd.DataFrame:
    """Scores until today; those of a contact after the discharge that is no follow-up are outside the pathway."""
    ended = referrals["ended_on"].to_numpy()[scores["referral"].to_numpy()]
    outside = scores["is_contact"].to_numpy() & (scores["scored_on"].to_numpy() > ended)
    return scores[(scores["scored_on"] <= today).to_numpy() & ~outside]


def _build_therapies(tables: Tables, contacts: pd.DataFrame) -> pd.DataFrame:
    """measure, referral, contact_on and marks: one row per contact and the measure that counts its therapy."""
    therapy = tables.activities["therapy"].cat
    names = sorted(set(therapy_measures().values()))
    ours = [names.index(therapy_measures()[code]) if code in therapy_measures() else -1 for code in therapy.categories]
    measure = np.array([*ours, -1])[therapy.codes]
    place = np.full(len(tables.contacts) + 1, -1)
    place[contacts["number"].to_numpy()] = np.arange(len(contacts))
    owner = place[tables.activities["contact"].to_numpy()]
    known = np.flatnonzero((measure >= 0) & (owner >= 0))
    known = known[mark_first(join_keys(owner[known], measure[known]))]
    wanted = ["referral", "contact_on", "is_seen", "is_treatment_type", "type"]
    chosen = contacts[wanted].take(owner[known]).reset_index(drop=True)
    return chosen.assign(measure=pd.Categorical.from_codes(measure[known], categories=names))


def _add_treatments(referrals: pd.DataFrame, contacts: pd.DataFrame, logs: pd.DataFrame) -> pd.DataFrame:
    n, dates = len(referrals), {}
    for name in ("assessment", "treatment"):
        chosen = contacts[list(EVENT)][contacts[f"is_{name}"].to_numpy()]
        kind = np.zeros(len(chosen), dtype="int64")
        events = build_sequence(
            chosen["referral"].to_numpy(), chosen["contact_on"].to_numpy(), chosen["minute"].to_numpy(), kind, n
        )
        dates[f"first_{name}_on"] = events.day_at(events.start)
    second = np.where(events.count > 1, events.start + 1, len(events.day))
    seen = np.bincount(contacts["referral"].to_numpy()[contacts["is_seen"].to_numpy()], minlength=n)
    return referrals.assign(
        **dates,
        second_treatment_on=events.day_at(second),
        last_treatment_on=events.day_at(events.start + events.count - 1),
        n_treatments=events.spread(events.count, 0),
        n_seen=seen + np.bincount(logs["referral"].to_numpy(), minlength=n),
    )


def _add_therapy_counts(referrals: pd.DataFrame, therapies: pd.DataFrame) -> pd.DataFrame:
    """li_count, hi_count, cbt_count: treatment contacts of the referral, summed over therapies (M120, M112, M113)."""
    inside = therapies[therapies["is_treatment_type"].to_numpy()]
    hi = {therapy_measures().get(code) for code in therapy_codes("HI")}
    counts = {}
    for name, wanted in (("li_count", LI_COUNTS), ("hi_count", hi), ("cbt_count", {CBT_COUNT})):
        chosen = inside["referral"].to_numpy()[inside["measure"].isin(list(wanted)).to_numpy()]
        counts[name] = np.bincount(chosen, minlength=len(referrals))
    return referrals.assign(**counts)

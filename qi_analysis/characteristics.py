"""Which group each LI episode belongs to: age, gender, ethnic group, deprivation, referral, delivery, interpreter.

What is not recorded stays not recorded: nothing is guessed from other fields. A field that the extract does not
have gives no column.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from qi_analysis.codes import REFERENCE, read_rows
from qi_analysis.workings import Workings

AGE_EDGES = (-np.inf, 17, 25, 64, 74, np.inf)  # the published bands; whole years when the referral was received


@dataclass(frozen=True)
class Characteristic:
    """id: the column of build_characteristics. groups: in the order in which they are printed, never by size.

    field: what to ask for where it is missing. missing: what the group without a value is called.
    """

    id: str
    name: str
    groups: tuple[str, ...]
    field: str
    missing: str = "not recorded"


CHARACTERISTICS = (
    Characteristic(
        "age",
        "Age",
        ("under 18", "aged 18 to 25", "aged 26 to 64", "aged 65 to 74", "aged 75 and over"),
        "age or birth date",
    ),
    Characteristic("gender", "Gender", ("women", "men", "another gender"), "gender"),
    Characteristic(
        "ethnicity",
        "Ethnic group",
        ("White British", "White, other", "Asian", "Black", "Mixed", "another ethnic group"),
        "ethnic category",
        "not stated or not recorded",
    ),
    Characteristic(
        "deprivation",
        "Deprivation of the area",
        ("fifth 1, most deprived", "fifth 2", "fifth 3", "fifth 4", "fifth 5, least deprived"),
        "deprivation decile",
    ),
    Characteristic("source", "Who referred", ("self", "GP", "another source"), "source of referral"),
    Characteristic(
        "delivery",
        "How the first LI session took place",
        ("in person", "phone", "video", "another way, such as text"),
        "consultation mechanism",
    ),
    Characteristic("interpreter", "Interpreter", ("needed", "not needed"), "interpreter present"),
)
GENDERS = {"2": "women", "1": "men", "9": "another gender"}
ETHNIC_GROUPS = {
    "White": "White, other",
    "Other": "another ethnic group",
    "Asian": "Asian",
    "Black": "Black",
    "Mixed": "Mixed",
}
DELIVERY = {"face_to_face": "in person", "telephone": "phone", "video": "video"}
INTERPRETER = {"1": "needed", "2": "needed", "3": "needed", "5": "needed", "4": "not needed"}
NOT_CODES = ("invalid", "")


def build_characteristics(workings: Workings, episodes: pd.DataFrame) -> pd.DataFrame:
    """One row for each of `episodes` (rows of pathways.referrals), one column for each characteristic that is known.

    Missing where nothing, "not stated" or a code outside its list is recorded. Delivery and interpreter are those
    of the first LI session; a first session that is an internet-therapy log has neither.
    """
    sessions = _find_first_sessions(workings).reindex(episodes.index)
    is_first = (sessions["contact_on"] == episodes["li_start"]).to_numpy()
    sessions = sessions.where(pd.Series(is_first, sessions.index))
    columns = {
        "age": _group_ages(episodes),
        "gender": _group_codes(episodes, "gender", GENDERS),
        "ethnicity": _group_codes(episodes, "ethnicity", _read_ethnic_groups()),
        "deprivation": _group_deprivation(episodes),
        "source": _group_sources(episodes),
        "delivery": _group_delivery(sessions),
        "interpreter": _group_codes(sessions, "interpreter", INTERPRETER),
    }
    groups = {one.id: list(one.groups) for one in CHARACTERISTICS}
    known = {name: pd.Categorical(column, groups[name]) for name, column in columns.items() if column is not None}
    return pd.DataFrame(known, index=episodes.index)


def _find_first_sessions(workings: Workings) -> pd.DataFrame:
    """The first LI session of each referral, indexed by referral: earliest day, then minute, then its row."""
    contacts, completion = workings.pathways.contacts, workings.record.completion
    types = list(completion.li_session_types) + ["03"] * completion.count_assessment_treatment_as_session
    seen = contacts["is_seen"] if completion.unplanned_contacts_count else contacts["is_attended"]
    is_session = seen & contacts["in_referral"] & contacts["has_li_cbt"] & contacts["type"].isin(types)
    fields = ["referral", "contact_on", "minute", "number", "medium", "medium_v20", "interpreter"]
    sessions = contacts.loc[is_session.to_numpy(), [name for name in fields if name in contacts]]
    ordered = sessions.sort_values(["contact_on", "minute", "number"], kind="stable")
    return ordered.drop_duplicates("referral").set_index("referral")


def _group_codes(frame: pd.DataFrame, field: str, groups: Mapping[str, str]) -> pd.Series | None:
    return frame[field].astype("object").map(dict(groups)) if field in frame else None


def _group_ages(episodes: pd.DataFrame) -> pd.Series | None:
    if "age" not in episodes or episodes["age"].isna().all():
        return None
    return pd.cut(episodes["age"], AGE_EDGES, labels=list(CHARACTERISTICS[0].groups)).astype("object")


def _read_ethnic_groups() -> dict[str, str]:
    """Code -> group; codes for "not stated" and "not known" are in no group."""
    rows = read_rows(REFERENCE / "ethnic_categories.csv")
    groups = {row["code"]: ETHNIC_GROUPS[row["group5"]] for row in rows if row["group5"] in ETHNIC_GROUPS}
    return groups | {"A": "White British"}


def _group_deprivation(episodes: pd.DataFrame) -> pd.Series | None:
    """Deciles in pairs: 1 and 2 (most deprived) are fifth 1."""
    fifths = next(one.groups for one in CHARACTERISTICS if one.id == "deprivation")
    return _group_codes(episodes, "deprivation", {str(decile): fifths[(decile - 1) // 2] for decile in range(1, 11)})


def _group_sources(episodes: pd.DataFrame) -> pd.Series | None:
    """B1 is self, A1 a GP; a carer, another practice or anybody else is another source."""
    if "source" not in episodes:
        return None
    code = episodes["source"].astype("object")
    known = code.notna() & ~code.isin(NOT_CODES)
    return code.map({"B1": "self", "A1": "GP"}).fillna("another source").where(known)


def _group_delivery(sessions: pd.DataFrame) -> pd.Series | None:
    """Each medium read by the list of its own version of the data set."""
    rows = read_rows(REFERENCE / "consultation_mediums.csv")
    fields = {"medium": "v2.1", "medium_v20": "v2.0"}
    parts = [
        sessions[field]
        .astype("object")
        .map(
            {
                r["code"]: DELIVERY.get(r["delivery_group"], "another way, such as text")
                for r in rows
                if r["version"] == version
            }
        )
        for field, version in fields.items()
        if field in sessions
    ]
    return parts[0].combine_first(parts[-1]) if parts else None

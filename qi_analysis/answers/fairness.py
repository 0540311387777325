"""Is it fair? Completion over 12 months by who people are and how they were seen, for page 8; protected.

Each LI episode belongs to groups: age, gender, ethnic group, deprivation, referral, delivery, interpreter. What is not
recorded stays not recorded: nothing is guessed from other fields. A field that the extract does not have gives no
column.

The rate is the headline rate: of the LI episodes that ended in the 12 months, the share completed. Groups of fewer
than 30 people are counted together. Whether groups differ is judged once for each characteristic, on the true
numbers, with Holm's correction for the number of characteristics judged; single groups are never ranked. What is
printed (counts, rates, intervals, the widest difference) comes from the released numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from qi_analysis.answers.leaving import MONTHS, build_ended
from qi_analysis.answers.workshop import Workings
from qi_analysis.dataset import read_rows
from qi_analysis.disclosure.counts import INNER, NOT_SHOWN, SMALLEST_BASE, TOTAL, CountBook, is_small
from qi_analysis.disclosure.result_counts import COMPLETED_LI, ENDED_LI, name_year
from qi_analysis.facts import CharacteristicFacts, FairnessFacts
from qi_analysis.phrases import calculate_nearest, describe_counts, describe_value
from qi_analysis.spc.statistics import calculate_chance, calculate_holm, calculate_widest, calculate_wilson
from qi_analysis.storage import REFERENCE

AGE_EDGES = (-np.inf, 17, 25, 64, 74, np.inf)  # the published bands; whole years when the referral was received
GENDERS = {"2": "women", "1": "men", "9": "another gender"}
ETHNIC_GROUPS = {name: name for name in ("Asian", "Black", "Mixed")}
ETHNIC_GROUPS |= {"White": "White, other", "Other": "another ethnic group"}
DELIVERY = {"face_to_face": "in person", "telephone": "phone", "video": "video"}
INTERPRETER = {"1": "needed", "2": "needed", "3": "needed", "5": "needed", "4": "not needed"}
NOT_CODES = ("invalid", "")
SMALLEST_GROUP = 30  # fewer people than that are counted together with other small groups
MOST_MISSING = 0.20  # with more not recorded, groups are not compared
CHANCE = 0.05
TOGETHER = "other groups together"
EVERYONE = "everyone"
NAME_OF_ALL, COMPLETED = f"fairness.{EVERYONE}.{EVERYONE}", " completed"  # names of counts


# Which group each LI episode belongs to.
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
    parts = []
    for field, version in fields.items():
        own = {row["code"]: row["delivery_group"] for row in rows if row["version"] == version}
        ways = {code: DELIVERY.get(group, "another way, such as text") for code, group in own.items()}
        parts.append(_group_codes(sessions, field, ways))
    known = [part for part in parts if part is not None]
    return known[0].combine_first(known[-1]) if known else None


# Whether groups differ.
@dataclass(frozen=True)
class Compared:
    """One characteristic. counts: numerator and denominator by group, true. chance: p, or None if not judged."""

    about: Characteristic
    counts: pd.DataFrame
    small: tuple[str, ...]
    why_not: str = ""
    chance: float | None = None


def build_fairness(workings: Workings, book: CountBook | None = None) -> tuple[dict[str, pd.DataFrame], FairnessFacts]:
    """(table fairness, the facts of the page: months and, for each characteristic, its state and sentences).

    Every count is noted in `book`.
    """
    ended = build_ended(workings)
    groups = build_characteristics(workings, ended)
    is_completed = ended["exit"].eq("completed").to_numpy()
    compared = _judge([_compare(about, groups, is_completed) for about in CHARACTERISTICS])
    everyone = pd.DataFrame(
        {"numerator": float(is_completed.sum()), "denominator": float(len(ended))}, index=[EVERYONE]
    )
    counts = {EVERYONE: everyone} | {one.about.id: one.counts for one in compared if len(one.counts)}
    tidy = pd.concat(counts, names=["characteristic", "group"]).reset_index()
    book = book or CountBook()
    table = build_released(tidy, book)
    for base, end in ((ENDED_LI, ""), (COMPLETED_LI, COMPLETED)):
        book.add_sums([name_year(base, workings.period)], [[NAME_OF_ALL + end]], is_wide=True)
    facts = FairnessFacts(
        months=(workings.period.plus(1 - MONTHS).words, workings.period.words),
        n_judged=sum(one.chance is not None for one in compared),
        characteristics=tuple(_describe(one, table[table["characteristic"] == one.about.id]) for one in compared),
    )
    return {"fairness": table}, facts


def _compare(about: Characteristic, groups: pd.DataFrame, is_completed: np.ndarray) -> Compared:
    """The true counts by group, small ones together, and why they cannot be compared, if so."""
    if about.id not in groups:
        return Compared(about, pd.DataFrame(), (), f"Not in this extract. To see it, add the field: {about.field}.")
    counts, small = join_small(build_counts(groups[about.id], is_completed), about.missing)
    missing = counts["denominator"].get(about.missing, 0) / max(counts["denominator"].sum(), 1)
    if missing == 1:
        return Compared(about, pd.DataFrame(), (), f"Recorded for nobody. To see it, record the field: {about.field}.")
    if missing > MOST_MISSING:
        why = f"{about.name} is not known for more than {MOST_MISSING:.0%} of people, so groups are shown and not compared."
        return Compared(about, counts, small, why)
    if (_keep_known(counts, about)["denominator"] >= SMALLEST_GROUP).sum() < 2:
        return Compared(
            about, counts, small, f"Fewer than two groups have {SMALLEST_GROUP} people, so we cannot compare."
        )
    return Compared(about, counts, small)


def build_counts(groups: pd.Series, is_completed: np.ndarray) -> pd.DataFrame:
    """numerator (completed) and denominator by group, in the order of the categories; the missing under NaN last."""
    frame = pd.DataFrame({"numerator": is_completed.astype("float64"), "denominator": 1.0, "group": groups.to_numpy()})
    frame["group"] = pd.Categorical(frame["group"], list(groups.cat.categories))
    return frame.groupby("group", observed=False, dropna=False)[["numerator", "denominator"]].sum()


def join_small(counts: pd.DataFrame, missing: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """(counts with groups of 1 to 29 people as "other groups together" before `missing`, the names of these groups).

    A single small group keeps its name: joined with nothing it would be the same number under another one. Groups
    without anybody are left out. People with no value stand last, are never joined, and are called `missing`.
    """
    known = counts[counts.index.notna() & (counts["denominator"] > 0)]
    known = known.set_axis(known.index.astype("object"))
    is_small = known["denominator"] < SMALLEST_GROUP
    parts = [known]
    if is_small.sum() > 1:
        parts = [known[~is_small], known[is_small].sum().to_frame(TOGETHER).T]
    absent = counts[counts.index.isna() & (counts["denominator"] > 0)]
    parts += [absent.set_axis([missing])] if len(absent) else []
    return pd.concat(parts).rename_axis("group"), tuple(known.index[is_small])


def _keep_known(counts: pd.DataFrame, about: Characteristic) -> pd.DataFrame:
    return counts.drop(about.missing, errors="ignore")


def _judge(compared: list[Compared]) -> list[Compared]:
    """One test for each characteristic that can be compared; the p values corrected for their number (Holm)."""
    judged = [place for place, one in enumerate(compared) if len(one.counts) and not one.why_not]
    known = [_keep_known(compared[place].counts, compared[place].about) for place in judged]
    chances = [calculate_chance(one["numerator"].to_numpy(), one["denominator"].to_numpy()) for one in known]
    corrected = dict(zip(judged, calculate_holm(np.array(chances)), strict=True))
    return [replace(one, chance=float(corrected[p])) if p in corrected else one for p, one in enumerate(compared)]


def build_released(counts: pd.DataFrame, book: CountBook | None = None) -> pd.DataFrame:
    """characteristic, group, numerator, denominator, value, lower, upper, is_hidden: decision 11 for a breakdown.

    value and its Wilson interval (95%) come from the rounded numbers. A group of fewer than 30 people has its
    number of people, if that is not hidden, and nothing else; so has one in which 1 to 7 completed or did not.
    """
    book, top, rest = book or CountBook(), counts["numerator"], counts["denominator"] - counts["numerator"]
    named = ("fairness." + counts["characteristic"] + "." + counts["group"]).astype("object")
    order = np.where(counts["characteristic"] == EVERYONE, TOTAL, INNER)
    people = book.show(named, counts["denominator"], order)
    few = counts["denominator"] < SMALLEST_GROUP
    numerator = book.show(named + COMPLETED, top, order, also=few | is_small(top) | is_small(rest) | people.isna())
    _add_sums(book, counts.assign(named=named, rest=rest))
    value = (numerator / people).where(people >= SMALLEST_BASE)
    lower, upper = calculate_wilson(numerator.to_numpy(), people.to_numpy())
    columns = {"numerator": numerator, "denominator": people, "value": value, "lower": lower, "upper": upper}
    return counts[["characteristic", "group"]].assign(**columns, is_hidden=numerator.isna())


def _add_sums(book: CountBook, counts: pd.DataFrame) -> None:
    """The groups of each characteristic are everyone; who completed and who did not are a group."""
    rests = counts["named"] + " not completed"
    book.note(rests, counts["rest"], counts["rest"] * np.nan, NOT_SHOWN)
    book.add_sums(counts["named"], [counts["named"] + COMPLETED, rests])
    for _, groups in counts[counts["characteristic"] != EVERYONE].groupby("characteristic"):
        for end in ("", COMPLETED):
            book.add_sums([NAME_OF_ALL + end], [[name + end] for name in groups["named"]])


def _describe(one: Compared, released: pd.DataFrame) -> CharacteristicFacts:
    """What is told of one characteristic: differs is True, False or None (not judged)."""
    differs = None if one.chance is None else bool(one.chance < CHANCE)
    gap = [] if differs is None else _describe_gap(one, released)
    said = [one.why_not] if one.why_not else [*gap, _describe_chance(differs)]
    few = [_describe_small(one.small)] if one.small and len(one.counts) else []
    state = "compared" if differs is not None else "shown" if len(one.counts) else "missing"
    return CharacteristicFacts(one.about.id, one.about.name, state, differs, (*said, *few))


def _describe_gap(one: Compared, released: pd.DataFrame) -> list[str]:
    """The widest difference between groups in words, from the released numbers, with an interval for any pair."""
    is_group = ~released["group"].isin([TOGETHER, one.about.missing]) & released["value"].notna()
    rows = released[is_group].reset_index(drop=True)
    if len(rows) < 2:
        return ["No two groups have figures that can be shown side by side."]
    high, low, gap, lower, upper = calculate_widest(rows["numerator"].to_numpy(), rows["denominator"].to_numpy())
    told = [
        f"{row.group} ({describe_value(row.value)}, {describe_counts(row.numerator, row.denominator)})"
        for row in (rows.loc[high], rows.loc[low])
    ]
    span = f"{_signed(lower)} to {_signed(upper)} points"
    widest = f"The widest difference is {describe_points(gap)}, between {told[0]} and {told[1]}."
    return [f"{widest} Allowing for chance it could be {span}."]


def describe_points(difference: float) -> str:
    """A difference of shares in words: 7 points, 1 point; halves go up."""
    whole = calculate_nearest(100 * abs(difference))
    return f"{whole} point" if whole == 1 else f"{whole} points"


def _signed(difference: float) -> str:
    whole = calculate_nearest(100 * difference)
    return f"minus {-whole}" if whole < 0 else f"{whole}"


def _describe_chance(differs: bool | None) -> str:
    if differs:
        return "Taken together, the groups differ by more than we would expect by chance."
    return "Taken together, the groups differ by no more than we would expect by chance."


def _describe_small(small: tuple[str, ...]) -> str:
    """Which groups are too small to stand on their own."""
    names = ", ".join(small)
    if len(small) == 1:
        return f"Fewer than {SMALLEST_GROUP} people, so no rate is shown: {names}."
    return f"Fewer than {SMALLEST_GROUP} people each, so they are counted together: {names}."

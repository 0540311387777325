"""The worked examples of project/measures.toml, followed through the same code as the data.

An example is one person. Days count from the day the referral was received. contacts: "day what", such as "0 LI" or
"14 missed". scores: "day questionnaire score". sessions = n stands for n weekly LI sessions from day 0. ended: the day
of discharge (left out: open; with an end_code, a week after the last contact). as_at: the day from which one
looks (left out: 280 days after everything). counts: yes, no, left out, "2 of 3", or an exit category.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pandas as pd

from qi_analysis.dataset import GAD7, PHQ9
from qi_analysis.extract.clean import Tables
from qi_analysis.measures.episodes import EXITS
from qi_analysis.measures.pathways import Pathways, build_pathways, therapy_codes
from qi_analysis.measures.results import build_results
from qi_analysis.periods import Period
from qi_analysis.record.measure_blocks import CONTACT, SCORE, WHAT
from qi_analysis.record.settings import Completion, Measure

LOOKED_AT = date(2022, 12, 31)  # the end of a month, as every review is
LATER = 280  # days
WEEK = 7
TOOLS = {"PHQ-9": PHQ9, "GAD-7": GAD7}
ONE_PERSON = {(1, 1): "yes", (0, 1): "no", (0, 0): "left out"}


def check_examples(measures: Sequence[Measure], completion: Completion) -> list[str]:
    """The examples that count as something else than they say, each with what it counts as; empty when all hold."""
    faults = []
    for measure in measures:
        for example in measure.examples:
            found = describe_counted(measure, example, completion)
            if found != example["counts"]:
                faults.append(
                    f'measures.toml, {measure.id}: "{example["says"]}" should count as {example["counts"]} but the rule says '
                    f"{found}."
                )
    return faults


def describe_counted(measure: Measure, example: Mapping[str, Any], completion: Completion) -> str:
    """What an example counts as: its exit category where it names one, else yes, no, left out or "a of b"."""
    pathways = build_example(example, completion)
    if example["counts"] in EXITS:
        exits = pathways.referrals[f"exit_{completion.team_choice}"]
        return str(exits.iloc[0])
    results = build_results(pathways, completion, Period(LOOKED_AT.year, LOOKED_AT.month), [measure])
    own = results[(results["measure_id"] == measure.id) & (results["clock"] == measure.month_by)]
    own = own.tail(1) if measure.month_by == "month_end" else own  # a person is open at many month ends
    top, bottom = own["numerator"].sum(), own["denominator"].sum()
    counted = (int(top), int(bottom if measure.denominator else top))
    return ONE_PERSON.get(counted, f"{counted[0]} of {counted[1]}")


def build_example(example: Mapping[str, Any], completion: Completion) -> Pathways:
    """The pathway of one example, as at its last day."""
    contacts = _list_contacts(example)
    days = [day for day, _ in contacts]
    ended = example.get("ended", max(days) + WEEK if "end_code" in example else None)
    as_at = example.get("as_at", max([*days, ended or 0]) + LATER)
    received = LOOKED_AT - timedelta(days=as_at)
    tables = Tables(
        referrals=_build_referral(received, ended, example.get("end_code", "")),
        contacts=_build_contacts(received, contacts),
        activities=_build_activities(contacts, completion),
        logs=pd.DataFrame(
            {"referral": _numbers([]), "started_on": _days(received, []), "ended_on": _days(received, [])}
        ),
        scores=_build_scores(received, example.get("scores", [])),
        extract_date=LOOKED_AT,
        keys={},
    )
    return build_pathways(tables, completion, LOOKED_AT)


def _list_contacts(example: Mapping[str, Any]) -> list[tuple[int, str]]:
    weekly = [(WEEK * number, "LI") for number in range(example.get("sessions", 0))]
    read = [CONTACT.fullmatch(text) for text in example.get("contacts", [])]
    return weekly + [(int(found[1]), found[2]) for found in read if found]


def _build_referral(received: date, ended: int | None, end_code: str) -> pd.DataFrame:
    discharged = pd.NaT if ended is None else pd.Timestamp(received + timedelta(days=ended))
    return pd.DataFrame(
        {
            "received_on": pd.Series([received], dtype="datetime64[s]"),
            "discharged_on": pd.Series([discharged], dtype="datetime64[s]"),
            "end_code": pd.Categorical([end_code or None]),
            "waits_usable": [True],
        }
    )


def _build_contacts(received: date, contacts: Sequence[tuple[int, str]]) -> pd.DataFrame:
    kinds = [WHAT[what] for _, what in contacts]
    return pd.DataFrame(
        {
            "contact_on": _days(received, [day for day, _ in contacts]),
            "attendance": pd.Categorical([attendance for attendance, _, _ in kinds]),
            "type": pd.Categorical([kind for _, kind, _ in kinds]),
            "referral": _numbers([0] * len(contacts)),
        }
    )


def _build_activities(contacts: Sequence[tuple[int, str]], completion: Completion) -> pd.DataFrame:
    codes = {"li": completion.li_codes[0], "hi": therapy_codes("HI")[0]}
    held = [(number, codes[WHAT[what][2]]) for number, (_, what) in enumerate(contacts) if WHAT[what][2]]
    return pd.DataFrame(
        {"contact": _numbers([number for number, _ in held]), "therapy": pd.Categorical([code for _, code in held])}
    )


def _build_scores(received: date, texts: Sequence[str]) -> pd.DataFrame:
    scores = [found.groups() for text in texts if (found := SCORE.fullmatch(text))]
    return pd.DataFrame(
        {
            "referral": _numbers([0] * len(scores)),
            "tool": pd.Categorical([TOOLS[tool] for _, tool, _ in scores]),
            "scored_on": _days(received, [int(day) for day, _, _ in scores]),
            "score": pd.Series([float(score) for _, _, score in scores], dtype="float64"),
            "is_contact": pd.Series([False] * len(scores), dtype="bool"),
        }
    )


def _days(received: date, days: Sequence[int]) -> pd.Series:
    return pd.Series([received + timedelta(days=day) for day in days], dtype="datetime64[s]")


def _numbers(numbers: Sequence[int]) -> pd.Series:
    return pd.Series(numbers, dtype="int64")

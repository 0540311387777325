"""A team's record and a published review as small as can be, for the tests of packs."""

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from drawn_facts import draw_facts
from repository import ROOT

from qi_analysis.packs.handover import TITLE, build_handover
from qi_analysis.packs.meeting import build_meeting
from qi_analysis.packs.pack import Sources, render_pack
from qi_analysis.packs.welcome import build_welcome, find_role
from qi_analysis.record.read_settings import read_record
from qi_analysis.record.team import (
    Action,
    Cycle,
    DecisionNote,
    Driver,
    Feedback,
    Idea,
    Reviews,
    Role,
    Story,
    Team,
    TeamRecord,
)
from qi_analysis.release import Release, write_release
from qi_analysis.storage import Places

DAY = date(2022, 8, 31)
REVIEWS = Reviews("month", "third Tuesday 10:00", 3, "in the group room, or by the link in the invitation")
ROLES = (
    Role("su1", "service user", date(2021, 5, 1), channel="personal e-mail", training=("pocket_qi",)),
    Role("lead", "project lead (PWP)", date(2021, 9, 1), date(2022, 9, 30), channel="NHS e-mail"),
    Role("analyst", "data analyst", date(2021, 9, 1), date(2022, 10, 31), successor="su1"),
)
CALL = Cycle(
    "P2", "Welcome call", date(2022, 8, 15), idea="I1", scale="one practitioner, 10 people", owner="lead",
    prediction="second contacts rise from 60% to 75%", plan="Ring two days before.",
)  # fmt: skip
LETTER = Cycle(
    "P1", "Reminder letter", date(2021, 10, 4), date(2021, 10, 29), idea="I2", scale="one clinic", owner="lead",
    prediction="fewer appointments are missed", decision="abandon", plan="Send a letter.", do="We sent them for a month.",
    study="The letters came too late.", act="Try a text message.",
)  # fmt: skip
TEAM = TeamRecord(
    team=Team(ROLES, ("pocket_qi", "tools_learn_and_apply", "coaching"), REVIEWS),
    drivers=(Driver("People know what to expect", (Idea("I1", "A call first", "su1", "testing"), Idea("I2", "A letter", "lead", "abandoned"), Idea("I3", "A leaflet"))),),
    cycles=(LETTER, CALL),
    stories=(
        Story(date(2022, 3, 8), "service user", "It helped to *know* who calls.", "plain", date(2022, 3, 8), date(2099, 3, 8)),
        Story(date(2022, 4, 8), "practitioner", "Only for the team.", "team", date(2022, 4, 8), date(2099, 3, 8)),
    ),
    actions=(
        Action("A1", "Write the words of the call", "lead", date(2022, 8, 10)),
        Action("A2", "Ask about text messages", "analyst", date(2022, 10, 1), "doing"),
        Action("A3", "Book the room", "lead", date(2022, 8, 20), "done", date(2022, 8, 19)),
    ),
    feedback=(Feedback(date(2022, 7, 20), "team", comment="The table is long", what_we_did="We folded it"),),
    decisions=(DecisionNote(date(2022, 2, 14), "we count step-ups apart", "Why: a step-up is not leaving."),),
    handover="## The shared folder\nThe deputy has access.",
)  # fmt: skip


def build_release() -> Release:
    """Four months: one hidden, one with a small complement, two plain."""
    chart = pd.DataFrame(
        {
            "measure_id": "li_completion",
            "interval_start": pd.date_range("2022-05-01", periods=4, freq="MS"),
            "numerator": [np.nan, 31, 52, 58],
            "denominator": [np.nan, 33, 88, 97],
            "value": [np.nan, 31 / 33, 52 / 88, 58 / 97],
            "is_hidden": [True, False, False, False],
            "is_settled": True,
            "is_drawn": [False, True, True, True],
            "in_baseline": [False, True, True, False],
            "centre": 0.55,
        }
    )
    facts = {
        "period": "2022-08",
        "period_words": "August 2022",
        "revision": 1,
        "data_kind": "service",
        "data_date_words": "31 August 2022",
        "measure": {"chart": "p", "plain": "Of the people whose LI CBT ended, how many had completed it?"},
        "verdict": {"sentence": "There is no clear change yet. The ups and downs are what we would expect by chance."},
        "people_sentence": "In August 2022, 6 of every 10 people whose LI CBT ended had completed it (58 of 97).",
        "target_sentence": "The team has not set a target yet.",
    }
    return Release(draw_facts(**facts), {"chart": chart})


def build_sources(team: TeamRecord = TEAM, release: Release | None = None) -> Sources:
    """The drawn record with the shipped aim and measures; with a release also the questions of its page."""
    record = read_record(ROOT / "project")
    if release is None:
        return Sources(record, team, DAY)
    return Sources(record, team, DAY, release, "2022-08/completion_review.html", ("Are we getting better?",))


def build_pages(sources: Sources) -> dict[str, str]:
    """Every pack that is a page, finished."""
    role, kind = find_role(sources, "service user")
    return {
        "handover": render_pack(TITLE, build_handover(sources), sources),
        "welcome": render_pack("Welcome to the team", build_welcome(sources, role, kind), sources),
        "meeting": render_pack("Meeting of the team", build_meeting(sources), sources),
    }


def write_project(folder: Path, with_example: bool = False, data_kind: str = "service") -> Places:
    """A project on disk with one published review and no record of its own."""
    left_out = shutil.ignore_patterns(".ipynb_checkpoints", *([] if with_example else ["example"]))
    for name in ("project", "notebooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=left_out)
    (folder / "data" / "raw").mkdir(parents=True)
    places, release = Places(folder), build_release()
    write_release(places.release("2022-08"), replace(release, facts=replace(release.facts, data_kind=data_kind)))
    published = places.reports / "2022-08"
    published.mkdir(parents=True)
    manifest = {"period": "2022-08", "revision": 1, "pages": ["completion_review.html"]}
    # what a published manifest needs to be whole, beside what packs read
    manifest |= {"title": "Review of August 2022", "verdict": "", "data_date": "2022-08-31", "data_kind": data_kind}
    manifest |= {"settings": {}, "results_sha256": ""}
    (published / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    page = '<nav><ol><li><a href="#page-1">Are we getting better?</a></li></ol></nav>'
    (published / "completion_review.html").write_text(page, encoding="utf-8")
    return places

"""What is new since the last review."""

import re
from dataclasses import asdict, replace
from datetime import date

import pandas as pd
from five_years import (
    build_team,
    draw_release,
    draw_workings,
)

from qi_analysis.answers.whats_new import Before, build_new, build_snapshot, find_before
from qi_analysis.facts import NewFacts
from qi_analysis.record.team import Action, Cycle, Driver, Idea, Predicted, Role, Story, Team, TeamRecord
from qi_analysis.report import pages

SECOND = "second_contact"


def read_words(fragment):
    """What a reader reads, with spaces put together."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", str(fragment))).replace("&#39;", "'").strip()


CYCLE = Cycle(
    "P1", "The call", date(2021, 10, 4), date(2021, 10, 29), measures=(SECOND,), scale="whole service, 100 people",
    predicted=Predicted(SECOND, 0.60, 0.75),
)  # fmt: skip
GROWING = (
    replace(CYCLE, idea="I1", scale="8 people", decision="adapt", study="Calls reached more people."),
    replace(
        CYCLE, id="P2", idea="I1", scale="30 people", decision="adopt", study="It went well.", start=date(2022, 1, 1)
    ),
)
GOOD = TeamRecord(
    Team((Role("su1", "service user"), Role("a", "analyst", does=("lead", "report")), Role("b", "deputy lead", does=("lead", "report")))),
    (Driver("d", (Idea("I1", "a call", "su1", "testing"),)),),
    GROWING,
)  # fmt: skip


def write_results(path, numbers):
    frame = pd.DataFrame(
        {
            "measure_id": "li_completion",
            "clock": "end",
            "interval_start": pd.date_range("2022-10-01", periods=len(numbers), freq="MS"),
        }
    )
    frame = frame.assign(
        interval_end=frame["interval_start"] + pd.offsets.MonthEnd(), numerator=numbers, denominator=100.0
    )
    frame["value"] = frame["numerator"] / 100
    frame.to_csv(path, index=False)
    return frame


def compare(old, new, folder, numbers=(60.0, 60.0, 60.0)):
    write_results(folder / "results.csv", (60.0, 60.0))
    now = write_results(folder / "now.csv", numbers)
    manifest = {
        "title": "Review of November 2022",
        "revision": 1,
        "period": "2022-11",
        "record": asdict(build_snapshot(draw_workings(old))),
    }
    return build_new(draw_workings(new), now, Before(manifest, folder / "results.csv"))


def test_the_first_report_says_that_it_is_the_first():
    assert build_new(draw_workings(TeamRecord()), pd.DataFrame(), None) == NewFacts()


def test_what_is_new_is_told_part_by_part(tmp_path):
    old = replace(GOOD, actions=(Action("A1", "Ring", status="open"),))
    idea = replace(GOOD.drivers[0].ideas[0], status="adopted")
    day = date(2022, 12, 8)
    new = replace(
        GOOD,
        team=Team((*GOOD.team.roles[:2], Role("c", "carer"))),
        drivers=(Driver("d", (idea, Idea("I2", "a letter"))),),
        cycles=(
            *GROWING,
            replace(CYCLE, id="P3", title="Evenings", start=date(2022, 12, 1), end=None, decision="running"),
        ),
        stories=(Story(day, "service user", "words", "team", day, date(2199, 1, 1), file="s"),),
        actions=(Action("A1", "Ring", status="done", done_on=day),),
    )
    told = compare(old, new, tmp_path, (60.0, 58.0, 70.0))
    assert told.since == "Review of November 2022, revision 1"
    assert list(told.figures) == ["November 2022: 58 of 100, before: 60 of 100."]
    assert {part: list(lines) for part, lines in told.parts.items()} == {
        "definitions": [],
        "roles": ["New: carer.", "No longer there: b."],
        "ideas": ["New: a letter (idea).", "a call: adopted, before: testing."],
        "tests": ["New: Evenings (running)."],
        "stories": ["New: a story of a service user."],
        "actions": ["Ring: done, before: open."],
    }
    words = read_words(pages.show_new(draw_release(new, new=told)))
    for line in ("Compared with: Review of November 2022", "New: a letter (idea).", "November 2022: 58 of 100"):
        assert line in words


def test_nothing_new_is_said_too(tmp_path):
    told = compare(GOOD, GOOD, tmp_path)
    assert "Nothing has changed." in read_words(pages.show_new(draw_release(GOOD, new=told)))


def test_the_example_is_not_compared_with_a_team_s_record(tmp_path):
    assert compare(replace(GOOD, is_example=True), GOOD, tmp_path).parts == {}


def test_five_years_of_changes_are_counted(tmp_path):
    parts = compare(TeamRecord(), build_team(), tmp_path).parts
    assert parts["ideas"][-1] == "And 194 more." and max(len(lines) for lines in parts.values()) == 7


def test_a_manifest_holds_no_word_of_the_record():
    snapshot = str(build_snapshot(draw_workings(build_team())))
    assert "P60" in snapshot and not re.search("letter|message|They rang", snapshot)


def test_the_review_to_compare_with_was_there_before_the_run(tmp_path):
    class Published:
        def __init__(self, name):
            self.folder, self.manifest = tmp_path / name, {"title": name}

    months = {"2022-10": [Published("o1"), Published("o2")], "2022-11": [Published("n")], "2023-01": [Published("j")]}
    chosen = [
        find_before(earlier, published, "2022-12")
        for earlier, published in (([], months), ([Published("d")], months), ([], {}))
    ]
    assert [one and one.manifest["title"] for one in chosen] == ["n", "d", None]

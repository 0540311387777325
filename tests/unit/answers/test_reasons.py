"""Why people leave: recorded reasons by size, and how those who left early were. The rows are drawn."""

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from drawn import build_workings, draw_rows, find_small
from drawn_facts import draw_facts
from matplotlib.figure import Figure

from qi_analysis.answers.leaving import (
    NOT_RECORDED,
    OTHERS,
    REASONS,
    build_reason_counts,
    build_reasons,
    build_score_counts,
)
from qi_analysis.charts.bars import plot_bars
from qi_analysis.dataset import read_rows
from qi_analysis.phrases import HIDDEN
from qi_analysis.release import Release, read_release, write_release
from qi_analysis.report.leaving import show_reasons
from qi_analysis.storage import REFERENCE

ENDINGS = """
    start      | end        | stepped    | sessions | code    | scores | people
    2022-01-10 | 2022-03-10 | -          | 2        | 47      | better | 40
    2022-01-10 | 2022-03-10 | -          | 3        | 47      | same   | 50
    2022-01-10 | 2022-12-31 | -          | 1        | 14      | -      | 25
    2022-01-10 | 2022-01-10 | -          | 1        | 16      | same   | 10
    2022-01-10 | 2022-03-10 | -          | 4        | -       | same   | 8
    2022-01-10 | 2022-03-10 | -          | 4        | invalid | same   | 2
    2022-01-10 | 2022-03-10 | -          | 1        | 46      | better | 15
    2022-01-10 | 2022-03-10 | -          | 3        | 12      | better | 4
    2022-01-10 | 2022-03-10 | -          | 3        | 48      | better | 6
    2022-01-10 | 2022-03-10 | -          | 6        | 46      | better | 90
    2022-01-10 | 2022-05-10 | 2022-04-01 | 3        | 47      | same   | 30
    2022-01-10 | 2022-03-10 | -          | 3        | 49      | same   | 20
    2022-01-10 | -          | -          | 3        | -       | same   | 60
    2021-06-10 | 2021-12-31 | -          | 3        | 47      | same   | 70
"""
WORDS = [NOT_RECORDED, REASONS["47"], REASONS["14"], REASONS["46"], REASONS["16"], OTHERS]


def count(text):
    return build_reasons(build_workings(draw_rows(text)))[0]


@pytest.fixture(scope="module")
def tables():
    return count(ENDINGS)


def test_not_recorded_comes_first_then_reasons_by_size_small_ones_together_last(tables):
    reasons = tables["reasons"]
    assert reasons["reason"].tolist() == WORDS
    assert reasons["people"].tolist() == [10, 90, 25, 15, 10, 10]


def test_completed_stepped_up_deceased_and_open_are_no_reasons_and_the_window_is_a_year(tables):
    assert set(tables["reasons"]["total"]) == {160}


def test_shares_come_from_the_rounded_numbers_and_run_on(tables):
    reasons = tables["reasons"]
    assert reasons["share"].tolist() == [people / 160 for people in reasons["people"]]
    assert reasons["running_share"].iloc[[0, 1, -1]].tolist() == [10 / 160, 100 / 160, 1]
    assert (reasons["running_share"].diff().dropna() >= 0).all()


def test_reasons_of_one_size_stand_in_alphabetical_order():
    rows = "start | end | code | people\n" + "\n".join(
        f"2022-01-01 | 2022-02-01 | {code} | 10" for code in ("48", "10", "47")
    )
    assert count(rows)["reasons"]["reason"].tolist()[1:] == sorted(REASONS[code] for code in ("48", "10", "47"))


def test_not_recorded_is_there_when_every_ending_has_a_reason():
    reasons = count("start | end | code | people\n2022-01-01 | 2022-02-01 | 47 | 30")["reasons"]
    assert reasons["reason"].tolist() == [NOT_RECORDED, REASONS["47"]] and reasons["people"].tolist() == [0, 30]


def test_small_counts_are_hidden_wherever_they_stand():
    rows = "start | end | code | people\n" + "\n".join(
        f"2022-01-01 | 2022-02-01 | {c} | {n}" for c, n in [("-", 3), ("47", 41), ("14", 2)]
    )
    table = count(rows)
    assert table["reasons"]["people"].isna().tolist() == [True, False, True]
    assert find_small(table["reasons"]) == [] and find_small(table["reasons_scores"]) == []
    page = show_reasons(Release(draw_facts(reasons={"months": ["January 2022", "December 2022"]}), table))
    assert f"No reason is known for {HIDDEN}." in page


def test_few_people_give_no_share():
    table = count("start | end | code | people\n2022-01-01 | 2022-02-01 | 47 | 12")["reasons"]
    assert table["share"].isna().all() and table["people"].tolist() == [0, 10]


def test_people_still_in_treatment_change_nothing(tables):
    more = "2022-01-10 | - | - | 3 | - | same | 100"
    for name, table in count(ENDINGS.rstrip() + "\n    " + more).items():
        pd.testing.assert_frame_equal(table, tables[name])


def test_the_order_of_rows_changes_nothing(tables):
    rows = draw_rows(ENDINGS)
    shuffled = rows.sample(frac=1, random_state=4).reset_index(drop=True)
    for name, table in build_reasons(build_workings(shuffled))[0].items():
        pd.testing.assert_frame_equal(table, tables[name])


def test_how_those_who_left_early_were(tables):
    scores = tables["reasons_scores"].set_index("state")
    assert scores["people"].to_dict() == {"better": 40, "not_better": 60, "cannot_tell": 25}
    assert set(scores["total"]) == {125} and scores["share"]["better"] == 40 / 125


def test_improvement_without_a_pair_of_scores_is_not_claimed():
    left = pd.DataFrame({"is_paired": [False] * 30, "improved": [True] * 30})
    assert build_score_counts(left)["people"].tolist() == [0, 0, 30]


def test_every_end_code_of_an_ended_episode_has_words():
    classes = {
        row["code"]: row["default_exit_class"]
        for row in read_rows(REFERENCE / "end_codes.csv")
        if "v2" in row["scheme"]
    }
    told = {code for code, kind in classes.items() if kind not in ("deceased", "unknown")}
    assert set(REASONS) == told


def test_nobody_gives_an_empty_table_and_a_sentence():
    tables = count("start | end | sessions | code | people\n2022-01-01 | 2022-02-01 | 3 | 46 | 30")
    assert tables["reasons"].empty and set(tables["reasons"]) == {"reason", "people", "total", "share", "running_share"}
    page = show_reasons(Release(draw_facts(reasons={"months": ["January 2022", "December 2022"]}), tables))
    assert "Nobody" in page and "Nobody left early." in page


def test_the_page_from_the_release_says_the_finding_and_draws_the_table(tables, tmp_path):
    facts = draw_facts(reasons={"months": ["January 2022", "December 2022"]})
    write_release(tmp_path / "release", Release(facts, tables))
    page = str(show_reasons(read_release(tmp_path / "release")))
    assert page == str(show_reasons(Release(facts, tables)))
    assert "&#34;left before the practitioner had planned&#34; (90 of 160). No reason is known for 10 of 160." in page
    assert "3 of every 10 people who left early (40 of 125) were better when they left." in page
    (picture,) = re.findall(r"<svg .*?</svg>", page, re.S)
    root = ElementTree.fromstring(picture)
    words = [element.text for element in root.iter("text")]
    assert "90 (56%)" in words and len(root.get("aria-label").split()) < 60
    assert "drop-out" not in page and "refused" not in page


def test_bars_are_as_long_as_their_numbers_and_the_unknown_has_its_own_pattern(tables):
    people = tables["reasons"].set_index("reason")["people"]
    bars = plot_bars(Figure().subplots(), people.mask(people == 25), [""] * len(people)).patches
    assert [bar.get_width() for bar in bars] == people.mask(people == 25).fillna(0).tolist()
    assert bars[0].get_hatch() and not any(bar.get_hatch() for bar in bars[1:])


def test_counting_alters_nothing():
    workings = build_workings(draw_rows(ENDINGS))
    before = workings.pathways.referrals.copy()
    build_reasons(workings)
    pd.testing.assert_frame_equal(workings.pathways.referrals, before)
    ended = before.assign(exit=before["exit_ii"])
    assert np.isfinite(build_reason_counts(ended)["people"]).all()

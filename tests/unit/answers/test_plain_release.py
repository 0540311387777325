"""The plain edition's numbers and sentences: protected strictly, the team's own verdict, short words."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from drawn import build_workings, draw_rows, find_small, list_settled
from drawn_facts import draw_facts

from qi_analysis.answers.build import build_plain, describe_plain_people, describe_plain_verdict, describe_plainly
from qi_analysis.charts.verdict import State, Verdict
from qi_analysis.release import Release
from qi_analysis.report.aim import show_plain_aim, show_plain_completion, show_plain_leaving

MONTHS = 24
STEADY = Verdict(State.STEADY, "There is no clear change yet.")
TURNS = pytest.mark.parametrize


def draw_workings(completed, ended):
    """Workings with so many people whose LI CBT ended in each of 24 months, and so many of them completed."""
    starts = pd.date_range("2021-01-01", periods=MONTHS, freq="MS")
    top, bottom = (np.resize(np.asarray(counts, dtype=float), MONTHS) for counts in (completed, ended))
    numbers = {"li_completion": (top, bottom), "li_unknown_ending": (0 * top, bottom)}
    rows = [
        pd.DataFrame(
            {
                "measure_id": name, "clock": "end", "interval_start": starts, "interval_end": starts + pd.offsets.MonthEnd(),
                "numerator": part, "denominator": whole, "value": part / whole,
            }
        )
        for name, (part, whole) in numbers.items()
    ]  # fmt: skip
    workings = build_workings(draw_rows("start | end | sessions | code\n2022-01-10 | 2022-06-10 | 7 | 46"))
    return replace(workings, results=pd.concat(rows, ignore_index=True))


def plain(completed, ended, verdict=STEADY):
    workings = draw_workings(completed, ended)
    nothing = pd.DataFrame({"is_hidden": False}, workings.results.index)
    tables, facts = build_plain(workings, list_settled("2021-01-01", "2022-12-01"), verdict, nothing)
    return tables["plain_chart"], facts


@TURNS(
    ("completed", "ended", "numerator", "denominator"),
    [
        (31, 46, 30, 45),
        (33, 48, 35, 50),
        (3, 46, None, 45),  # 1 to 7
        (44, 46, None, 45),  # the rest is 1 to 7
        (10, 19, None, 20),  # fewer than 20
        (0, 46, 0, 45),
    ],
)
def test_counts_are_hidden_or_rounded_whatever_the_team_s_edition_shows(completed, ended, numerator, denominator):
    chart, _ = plain(completed, ended)
    assert find_small(chart) == []
    last = chart.iloc[-1]
    assert last["denominator"] == denominator
    if numerator is None:
        assert last["is_hidden"] and chart[["numerator", "value", "lower"]].isna().all(axis=None)
    else:
        assert last["numerator"] == numerator and last["value"] == numerator / denominator


def test_usual_range_and_sentences_rest_on_released_numbers_alone():
    one, two = plain(31, 46), plain(29, 44)  # both are released as 30 of 45
    pd.testing.assert_frame_equal(one[0], two[0])
    assert one[1] == two[1]


def test_signals_are_those_of_the_true_numbers():
    true = [*[23] * 12, *[28] * 12]
    chart, _ = plain(true, 46)
    assert (chart["signal"].tail(6) == "good").any()


@TURNS(
    ("state", "sentence", "reasons", "told"),
    [
        (State.STEADY, "There is no clear change yet.", (), "There is no clear change yet."),
        (State.BETTER, "We are getting better, and it is unlikely to be chance.", ("x",), "We are getting better, and it is unlikely to be chance."),
        (State.EARLY, "It is too early to say. We have 7 settled months and need 12.", (), "It is too early to say. We have 7 months and need 12."),
        (State.CANNOT_SAY, "", ("the way endings are recorded changed in May 2022: endings without a code rose from 4% to 22%",), "We cannot say this month. The way endings are recorded changed in May 2022."),
        (State.MIXED, "The picture is mixed: a and b.", ("A.", "B."), "The picture is mixed. Some months were better than usual, and some were worse."),
    ],
)  # fmt: skip
def test_the_verdict_is_the_team_s_in_short_sentences(state, sentence, reasons, told):
    assert describe_plain_verdict(Verdict(state, sentence, reasons)) == told


@TURNS(
    ("state", "changed"),
    [
        (State.EARLY, "We need more months to see that."),
        (State.CANNOT_SAY, "We cannot tell until we have checked the figures."),
        (State.STEADY, "We saw only the usual ups and downs."),
    ],
)
def test_what_changed(state, changed):
    assert plain(31, 46, Verdict(state, "x"))[1].changed == changed


@TURNS(
    ("team", "told"),
    [
        ("LI CBT ended", "Low Intensity CBT ended"),
        ("People stepped up from LI to HI", "People stepped up from Low Intensity CBT to longer therapy"),
        ("a second session, then 3 sessions", "a second appointment, then 3 appointments"),
    ],
)
def test_short_names_are_written_out(team, told):
    assert describe_plainly(team) == told


def describe_last(**last):
    row = {"interval_start": pd.Timestamp("2022-06-01"), "is_settled": True, "is_hidden": False, "is_drawn": True}
    return describe_plain_people(pd.DataFrame([row | {"numerator": 60, "denominator": 95, "value": 60 / 95} | last]))


@TURNS(
    ("last", "told"),
    [
        ({}, "In June 2022, treatment ended for about 95 people. About 60 of them had completed it. That is 6 of every 10."),
        ({"is_hidden": True}, "The figure for June 2022 is hidden to protect privacy."),
        ({"value": np.nan}, "We cannot give a figure for June 2022."),
        ({"is_settled": False}, "We do not have a whole month of figures yet."),
    ],
)  # fmt: skip
def test_the_latest_month_is_told_in_people(last, told):
    assert describe_last(**last) == told


def build_release(completed, ended, came=(100, 80, 60, 40, 30, 20, 10, np.nan)):
    chart, facts = plain(completed, ended)
    leaving = {"n_months": 12, "months": ["January 2022", "December 2022"]}
    sessions = pd.DataFrame({"came": came})
    scores = pd.DataFrame({"state": ["better", "not_better"], "people": [15, 35], "total": [50, 50]})
    tables = {"plain_chart": chart, "leaving_sessions": sessions, "reasons_scores": scores}
    return Release(draw_facts(plain=facts, direction="increase", leaving=leaving), tables)


def words(html):
    return " ".join(re.sub("<[^>]+>", " ", str(html)).split())


def test_leaving_is_told_in_tens_and_with_how_people_were():
    told = words(show_plain_leaving(build_release(31, 46)))
    assert "8 of every 10 came to the second appointment." in told
    assert "4 of every 10 came to the fourth appointment." in told
    assert "Of those who left early, 3 of every 10 had better scores. Leaving early is not always bad." in told


@TURNS(
    ("came", "told"),
    [
        ([15] * 8, "too few people"),
        ([np.nan] * 8, "too few people"),
        ([100, np.nan, 60, 40, 30, 20, 10, 5], "How many came to the second appointment is hidden to protect privacy."),
        ([100, 100, 60, 40, 30, 0, 0, 0], "All came to the second appointment."),
    ],
)
def test_leaving_says_what_is_hidden_or_too_small(came, told):
    assert told in words(show_plain_leaving(build_release(31, 46, came)))


def test_a_service_too_small_for_any_figure_has_a_page_that_says_so():
    release = build_release(10, 19)
    assert "hidden to protect privacy" in words(show_plain_completion(release))
    assert "<svg" not in show_plain_completion(release)
    assert "The team has not set a target yet." in words(show_plain_aim(release))

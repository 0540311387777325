"""The words, read aloud. A chart is drawn as its monthly counts out of 100, from January 2021."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from qi_analysis.charts.verdict import (
    State,
    build_verdict,
    describe_chart,
    describe_people,
    describe_target,
    describe_time_to_signal,
    describe_title,
    find_signal,
)
from qi_analysis.errors import RecordProblem
from qi_analysis.phrases import (
    LI_COMPLETION_WORDS,
    MeasureWords,
    describe_months,
    describe_share,
    describe_tenths,
    describe_value,
)
from qi_analysis.spc.chart import build_chart_table
from qi_analysis.spc.spec import ChartSpec

WORDS = LI_COMPLETION_WORDS
USUAL = "55 52 58 54 56 53 57 55 52 58 55 55"  # the first twelve months: the baseline, 55 on average
SEVEN_ABOVE = "60 61 59 62 60 61 63"
SEVEN_BELOW = "50 49 51 48 50 49 47"
MISSED = MeasureWords(
    name="Appointments missed",
    people="{share} appointments were missed",
    higher="More appointments than usual are missed",
    lower="Fewer appointments than usual are missed",
    good="down",
    worse="More appointments are missed than usual",
)


def draw(counts, good="up", unsettled=0, rules="making_data_count", out_of=100):
    """A chart of so many out of 100 each month; "?" is a month without a figure."""
    numerator = [np.nan if count == "?" else float(count) for count in counts.split()]
    results = pd.DataFrame(
        {
            "measure_id": "li_completion",
            "interval_start": pd.date_range("2021-01-01", periods=len(numerator), freq="MS"),
            "numerator": numerator,
            "denominator": np.where(np.isnan(numerator), np.nan, out_of),
            "is_settled": [month < len(numerator) - unsettled for month in range(len(numerator))],
        }
    )
    results["value"] = results["numerator"] / results["denominator"]
    return build_chart_table(results, ChartSpec(chart="p", good=good, rules=rules, min_denominator=8))


def verdict(counts, words=WORDS, stop_reasons=(), **how):
    return build_verdict(draw(counts, good=words.good, **how), words, stop_reasons)


class TestVerdict:
    def test_eleven_settled_months_are_too_early_and_twelve_are_not(self):
        assert verdict(USUAL[:-3]).state is State.EARLY
        assert verdict(USUAL[:-3]).sentence == ("It is too early to say. We have 11 settled months and need 12.")
        assert verdict(USUAL).state is State.STEADY

    def test_one_month_is_said_as_one(self):
        assert "We have 1 settled month and need 12." in verdict("55").sentence

    def test_ups_and_downs_are_steady(self):
        assert verdict(f"{USUAL} 54 57 52 58").sentence == (
            "There is no clear change yet. The ups and downs are what we would expect by chance."
        )

    def test_seven_months_above_are_better(self):
        found = verdict(f"{USUAL} {SEVEN_ABOVE}")
        assert found.state is State.BETTER
        assert found.sentence == "We are getting better, and it is unlikely to be chance."
        assert found.reasons == ("7 months in a row, January to July 2022, were above the usual level.",)

    def test_six_months_above_are_not_enough(self):
        assert verdict(f"{USUAL} {SEVEN_ABOVE[:-3]}").state is State.STEADY

    def test_seven_months_below_are_worse(self):
        found = verdict(f"{USUAL} {SEVEN_BELOW}")
        assert found.state is State.WORSE
        assert found.sentence == "More people are leaving than usual, and it is unlikely to be chance."

    def test_the_good_direction_can_be_down(self):
        assert verdict(f"{USUAL} {SEVEN_BELOW}", MISSED).state is State.BETTER
        found = verdict(f"{USUAL} {SEVEN_ABOVE}", MISSED)
        assert found.sentence == "More appointments are missed than usual, and it is unlikely to be chance."

    def test_both_directions_within_six_months_are_mixed(self):
        found = verdict(f"{USUAL} {SEVEN_BELOW} 75")
        assert found.state is State.MIXED
        assert found.sentence == (
            "The picture is mixed: August 2022 was above the usual range and "
            "7 months in a row, January to July 2022, were below the usual level."
        )

    def test_a_signal_counts_for_six_months_and_no_longer(self):
        assert verdict(f"{USUAL} {SEVEN_ABOVE} 54 57 52 58 54").state is State.BETTER
        assert verdict(f"{USUAL} {SEVEN_ABOVE} 54 57 52 58 54 57").state is State.STEADY

    def test_months_not_settled_take_no_part(self):
        assert verdict(f"{USUAL} {SEVEN_ABOVE}", unsettled=1).state is State.STEADY
        assert verdict(USUAL, unsettled=1).state is State.EARLY

    def test_months_with_too_few_people_take_no_part(self):
        table = draw(USUAL)
        table.loc[3, "is_drawn"] = False
        assert build_verdict(table, WORDS).sentence.startswith("It is too early to say. We have 11")

    def test_a_failed_check_comes_before_everything(self):
        found = verdict(f"{USUAL} {SEVEN_ABOVE}", stop_reasons=["the way endings are recorded changed."])
        assert found.state is State.CANNOT_SAY
        assert found.sentence == "We cannot say this month, because the way endings are recorded changed."

    def test_where_neither_direction_is_good_a_signal_is_a_change(self):
        words = MeasureWords("Step-ups", "{share} people stepped up", "More step-ups", "Fewer", good="either")
        found = verdict(f"{USUAL} {SEVEN_ABOVE}", words)
        assert found.state is State.CHANGED
        assert "above the usual level" in found.sentence

    def test_limits_on_trial_are_said(self):
        table = draw(f"{USUAL} 54").assign(trial=True)
        assert "fewer than 12 months" in build_verdict(table, WORDS).reasons[-1]


class TestSignal:
    def test_a_month_outside_the_limits(self):
        assert find_signal(draw(f"{USUAL} 75"), WORDS, "good").text == "January 2022 was above the usual range"
        assert find_signal(draw(f"{USUAL} 75"), WORDS, "bad") is None

    def test_seven_months_rising(self):
        text = find_signal(draw(f"{USUAL} 48 50 52 54 56 58 60"), WORDS, "good").text
        assert text == "the figure rose each time over 7 months, January to July 2022"

    def test_two_of_three_near_the_edge(self):
        text = find_signal(draw(f"{USUAL} 67 56 67"), WORDS, "good").text
        assert text == "at least 2 of the 3 months to March 2022 were close to the top of the usual range"

    def test_a_run_over_a_gap_says_so(self):
        text = find_signal(draw(f"{USUAL} {SEVEN_ABOVE} ? {SEVEN_ABOVE}"), WORDS, "good").text
        assert text.startswith("14 months with figures in a row, January 2022 to March 2023")

    def test_a_rule_without_a_direction(self):
        slow = "50 51 50 52 51 50 53 60 61 59 60 61 60 62"
        table = draw(slow, rules="anhoej")
        assert "few crossings" in table["rules"].iloc[-1]
        assert "not what we would expect by chance" in find_signal(table, WORDS, "neutral").text


class TestPeople:
    def test_the_headline_read_aloud(self):
        table = draw("55 58", out_of=97)
        table["interval_start"] = [pd.Timestamp("2022-05-01"), pd.Timestamp("2022-06-01")]
        assert describe_people(table, WORDS) == (
            "In June 2022, 6 of every 10 people whose LI CBT ended had completed it (58 of 97)."
        )

    def test_the_latest_settled_month_is_told(self):
        text = describe_people(draw("55 58 90", unsettled=1), WORDS)
        assert text.startswith("In February 2021, 6 of every 10") and text.endswith("(58 of 100).")

    def test_hidden_numbers_are_said_in_words_and_not_skipped(self):
        table = draw("55 58").assign(is_hidden=[False, True])
        table.loc[1, ["numerator", "denominator", "value"]] = np.nan
        assert describe_people(table, WORDS) == "The figure for February 2021 is hidden to protect privacy."
        alt = describe_chart(table, WORDS, build_verdict(table, WORDS), "p")
        assert "latest settled month hidden to protect privacy." in alt and "nan" not in alt

    def test_missing_and_too_few_are_two_things(self):
        assert describe_people(draw("55 ?"), WORDS) == "For February 2021, we cannot tell."
        assert "too few people in February 2021" in describe_people(draw("3 3", out_of=5), WORDS)

    def test_nothing_settled(self):
        assert describe_people(draw("55", unsettled=1), WORDS) == "No month is settled yet."

    def test_a_mean_is_told_as_a_value(self):
        people = "people had {value} sessions on average"
        words = MeasureWords("Sessions", people, "More", "Fewer", unit="number")
        table = draw("55 58").assign(value=[4.0, 4.25])
        assert describe_people(table, words) == "In February 2021, people had 4.3 sessions on average."


@pytest.mark.parametrize(
    ("numerator", "denominator", "words"),
    [
        (58, 97, "6 of every 10 people (58 of 97)"),
        (55, 100, "6 of every 10 people (55 of 100)"),
        (0, 40, "none of the people (0 of 40)"),
        (40, 40, "all of the people (40 of 40)"),
        (1, 40, "fewer than 1 of every 10 people (1 of 40)"),
        (39, 40, "more than 9 of every 10 people (39 of 40)"),
        (1500, 2430, "6 of every 10 people (1,500 of 2,430)"),
        (0, 0, "we cannot tell"),
        (float("nan"), 40, "we cannot tell"),
    ],
)
def test_shares_in_people(numerator, denominator, words):
    assert describe_share(numerator, denominator) == words


def test_none_and_all_are_said_only_when_true():
    for denominator in range(1, 60):
        said = [describe_tenths(numerator, denominator) for numerator in range(denominator + 1)]
        assert [said.count("none of the"), said.count("all of the")] == [1, 1]
        assert not {"0 of every 10", "10 of every 10"} & set(said)


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [(0.595, "share", "60%"), (4.25, "number", "4.3"), (1, "days", "1 day"), (14.2, "days", "14 days"),
     (1250, "count", "1,250"), (float("nan"), "share", "we cannot tell")],
)  # fmt: skip
def test_values(value, unit, words):
    assert describe_value(value, unit) == words


def test_months():
    assert describe_months(date(2022, 1, 1), date(2022, 8, 1)) == "January to August 2022"
    assert describe_months(date(2021, 11, 1), date(2022, 5, 1)) == "November 2021 to May 2022"
    assert describe_months(date(2022, 5, 1), date(2022, 5, 31)) == "May 2022"


class TestTarget:
    def test_a_target_in_tenths(self):
        text = describe_target(draw("70 69 71 70 50 50 72"), WORDS, 0.70, date(2022, 12, 31))
        reached = "3 of the last 6 settled months reached it."
        assert text == f"Our aim is 7 of every 10 by 31 December 2022. {reached}"

    def test_a_target_between_tenths_and_months_not_settled(self):
        text = describe_target(draw("70 60 90", unsettled=1), WORDS, 0.65, None)
        assert text == "Our aim is 65 of every 100. 1 of the last 2 settled months reached it."

    def test_reached_means_below_where_down_is_good(self):
        assert "2 of the last 3" in describe_target(draw("10 12 9", good="down"), MISSED, 0.10, None)

    def test_no_target(self):
        assert describe_target(draw("70"), WORDS, None, None) == "The team has not set a target yet."


def test_time_to_signal():
    assert describe_time_to_signal(45, 6.8) == (
        "With about 45 people a month, a rise of 10 points would usually take about 7 months to show."
    )


class TestChart:
    def title(self, counts, words=WORDS, **how):
        return describe_title(draw(counts, words.good, **how), words, verdict(counts, words, **how))

    def test_titles_state_the_finding(self):
        assert self.title(USUAL) == "People completing LI CBT: no clear change to December 2021"
        assert self.title(f"{USUAL} {SEVEN_ABOVE}") == ("More people than usual are completing LI CBT, to July 2022")
        assert self.title(f"{USUAL} {SEVEN_ABOVE}", MISSED) == ("More appointments than usual are missed, to July 2022")
        assert self.title(f"{USUAL} {SEVEN_BELOW}", MISSED).startswith("Fewer appointments than usual")
        assert self.title("55 52") == "People completing LI CBT: too early to say"

    def test_one_month_out_of_range_is_told_as_one_month(self):
        assert self.title(f"{USUAL} 75 54") == ("People completing LI CBT: January 2022 was above the usual range")

    def test_alt_text_follows_the_pattern(self):
        table = draw(USUAL)
        alt = describe_chart(table, WORDS, build_verdict(table, WORDS), "p", ["1: welcome call, June 2021"])
        assert alt == (
            "P chart of people completing LI CBT by month, January to December 2021. No clear change. "
            "Usual range 40% to 70%; latest settled month 55% (55 of 100). Marks: 1: welcome call, June 2021."
        )

    @pytest.mark.parametrize("counts", [USUAL, f"{USUAL} {SEVEN_ABOVE}", f"{USUAL} {SEVEN_BELOW} 75", "55"])
    @pytest.mark.parametrize("n_marks", [0, 1, 3, 30])
    def test_alt_text_stays_under_sixty_words(self, counts, n_marks):
        marks = [f"{number}: a change idea with quite a few words in its name" for number in range(n_marks)]
        alt = describe_chart(draw(counts), WORDS, verdict(counts), "p", marks)
        assert len(alt.split()) < 60
        assert "latest settled month" in alt.lower() and "image of" not in alt
        assert not n_marks or "Marks:" in alt


@pytest.mark.parametrize("wrong", [{"good": "better"}, {"unit": "rate"}, {"people": "people completed"}])
def test_wording_that_cannot_be_used_is_refused(wrong):
    sound = {"name": "x", "people": "{share} people", "higher": "more", "lower": "fewer"}
    with pytest.raises(RecordProblem, match=f"{next(iter(wrong))} must"):
        MeasureWords(**{**sound, **wrong})

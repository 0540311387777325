"""How soon a rise shows, how often a chart cries wolf, and which signals a verdict may count."""

import math
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qi_analysis.answers.chart_advice import (
    FALSE_ALARMS,
    calculate_months_to_signal,
    describe_false_alarms,
    describe_months_to_signal,
    read_false_alarm_rate,
)
from qi_analysis.charts.verdict import build_confirmed, build_verdict, describe_unconfirmed
from qi_analysis.dataset import read_rows
from qi_analysis.errors import RecordProblem
from qi_analysis.phrases import LI_COMPLETION_WORDS
from qi_analysis.record.settings import RULES
from qi_analysis.spc.chart import build_chart_table
from qi_analysis.spc.spec import ChartSpec
from qi_analysis.storage import find_places

USUAL = "55 52 58 54 56 53 57 55 52 58 55 55"
CLEARLY_ABOVE = "60 61 59 62 60 61 63"
BARELY_ABOVE = "56 56 57 56 56 57 56"


def draw(counts, out_of=100, **how):
    """A P chart of monthly counts; "?" is a month without a figure. Several lists of counts make several series."""
    lists = [counts] if isinstance(counts, str) else counts
    return chart([[np.nan if c == "?" else float(c) for c in text.split()] for text in lists], out_of, **how)


def chart(series, out_of=100, **how):
    """A P chart of (series, months) counts."""
    numerator = np.array(series, dtype=float)
    days = pd.date_range("2021-01-01", periods=numerator.shape[1], freq="MS")
    results = pd.DataFrame(
        {
            "measure_id": np.repeat([f"series {number:04}" for number in range(len(numerator))], numerator.shape[1]),
            "interval_start": np.tile(days, len(numerator)),
            "numerator": numerator.ravel(),
            "denominator": np.where(np.isnan(numerator), np.nan, out_of).ravel(),
        }
    )
    results["value"] = results["numerator"] / results["denominator"]
    return build_chart_table(results, ChartSpec(**{"chart": "p", **how}))


def state(table):
    return build_verdict(table, LI_COMPLETION_WORDS).state


class TestMonthsToSignal:
    @pytest.mark.parametrize(("people", "months"), [(25, 9), (45, 7), (80, 4)])
    def test_reference_values(self, people, months):
        assert calculate_months_to_signal(people, 0.55) == months

    def test_against_a_plain_simulation(self):
        rng, found = np.random.default_rng(7), []
        for _ in range(1500):
            centre = rng.binomial(12 * 45, 0.55) / (12 * 45)
            sigma = math.sqrt(centre * (1 - centre) * (1 / 45 + 1 / 540))
            found.append(count_months(rng, centre, sigma))
        shares = [np.mean(np.array(found) <= months) for months in (3, 6, 7)]
        assert shares[1] < 0.5 < shares[2]
        assert calculate_months_to_signal(45, 0.55) == 7

    def test_the_same_each_time(self):
        first = calculate_months_to_signal(33, 0.4)
        calculate_months_to_signal.cache_clear()
        assert calculate_months_to_signal(33, 0.4) == first

    def test_more_people_never_take_longer_and_a_larger_rise_is_quicker(self):
        months = [calculate_months_to_signal(n, 0.55) for n in (10, 25, 45, 80, 200, 1000)]
        assert months == sorted(months, reverse=True) and months[-1] == 1
        assert calculate_months_to_signal(45, 0.55, 0.20) < 7 < calculate_months_to_signal(45, 0.55, 0.05)

    def test_a_rise_too_small_to_show_takes_for_ever(self):
        assert math.isinf(calculate_months_to_signal(5, 0.5, 0.005))

    @pytest.mark.parametrize("wrong", [(0, 0.5), (45, 0.0), (45, 0.95), (45, 0.5, -0.1), (45, 0.5, 0.1, 0)])
    def test_what_cannot_be_simulated(self, wrong):
        with pytest.raises(ValueError):
            calculate_months_to_signal(*wrong)

    def test_costs_a_report_little(self):
        calculate_months_to_signal.cache_clear()
        calculate_months_to_signal(46, 0.55)
        began = time.process_time()
        calculate_months_to_signal(44, 0.55)
        calculate_months_to_signal(44, 0.55)
        assert time.process_time() - began < 0.05


def count_months(rng, centre, sigma):
    """Months until the first upward signal, one by one."""
    distances: list[float] = []
    for month in range(1, 61):
        distances.append((rng.binomial(45, 0.65) / 45 - centre) / sigma)
        last3, last7 = distances[-3:], distances[-7:]
        pair = len(last3) == 3 and min(last3) > 0 and sum(d > 2 for d in last3) >= 2
        if distances[-1] > 3 or pair or (len(last7) == 7 and min(last7) > 0):
            return month
    return 61


class TestMonthsToSignalInWords:
    def test_from_the_teams_own_numbers(self):
        sentence = describe_months_to_signal(draw("25 24 26 23 25 24 26 25 24 26 25 25", out_of=45))
        assert (
            sentence == "With about 45 people a month, a rise of 10 points would usually take about 7 months to show."
        )

    def test_the_median_of_the_last_twelve_months_that_are_drawn(self):
        out_of = [400] * 3 + [40] * 5 + [45] + [50] * 6 + [5]
        counts = " ".join(f"{0.55 * n:.0f}" for n in out_of)
        table = draw(counts, out_of=np.array(out_of), min_denominator=8)
        assert describe_months_to_signal(table).startswith("With about 48 people a month")

    def test_nothing_to_say_without_figures_or_without_room(self):
        assert describe_months_to_signal(draw("? ? ?")) == ""
        assert describe_months_to_signal(draw("95 94 96 95")) == ""
        assert describe_months_to_signal(draw("0 0 0")) == ""

    def test_longer_than_anyone_waits(self):
        sentence = describe_months_to_signal(draw("1 1 1 1", out_of=2))
        assert sentence == "With about 2 people a month, a rise of 10 points could take more than 5 years to show."


class TestFalseAlarms:
    def test_every_rule_set_and_size_is_there(self):
        rows = {(r["rules"], int(r["n"]), int(r["months"])) for r in read_rows(FALSE_ALARMS)}
        assert rows == {(rules, n, months) for rules in RULES for n in (10, 25, 45, 115) for months in (12, 18, 24)}

    def test_the_page_prints_the_same_rates(self):
        page = (find_places().root / "docs" / "false_alarms.md").read_text(encoding="utf-8")
        for row in read_rows(FALSE_ALARMS):
            shares = " | ".join(f"{float(row[name]):.1%}" for name in ("at_least_one", "rate_per_year"))
            assert f"| `{row['rules']}` | {row['n']} | {row['months']} | {shares} |" in page

    def test_rates_are_those_of_a_fresh_simulation(self):
        rng = np.random.default_rng(11)
        table = chart(rng.binomial(45, 0.55, (600, 24)), out_of=45)
        later = table["interval_start"] >= "2022-01-01"
        share = (table["signal"] != "")[later].groupby(table["measure_id"]).any().mean()
        assert share == pytest.approx(read_false_alarm_rate("making_data_count", 45), abs=0.06)

    def test_the_nearest_size_is_quoted(self):
        sizes = {people: read_false_alarm_rate("ihi", people) for people in (10, 25, 45, 115)}
        assert read_false_alarm_rate("ihi", 1) == sizes[10] and read_false_alarm_rate("ihi", 0) == sizes[10]
        assert read_false_alarm_rate("ihi", 42) == sizes[45] and read_false_alarm_rate("ihi", 9000) == sizes[115]

    def test_rules_that_were_not_simulated_are_refused(self):
        with pytest.raises(RecordProblem, match="false_alarms.csv"):
            read_false_alarm_rate("nelson", 45)

    def test_in_words(self):
        rate = round(100 * read_false_alarm_rate("making_data_count", 45))
        assert describe_false_alarms("making_data_count", 45) == (
            f"Where nothing has changed, about {rate} of every 100 charts like this one still show a signal at some time "
            "in the first year after the baseline."
        )


class TestConfirmation:
    def test_a_clear_shift_counts(self):
        table = draw(f"{USUAL} {CLEARLY_ABOVE}")
        pd.testing.assert_frame_equal(build_confirmed(table), table, check_dtype=False)
        assert state(build_confirmed(table)) == "BETTER" and describe_unconfirmed(table) == ""

    def test_a_shift_of_a_hairs_breadth_does_not(self):
        table = draw(f"{USUAL} {BARELY_ABOVE}")
        assert table["in_shift"].any() and state(table) == "STEADY"
        confirmed = build_confirmed(table)
        assert state(confirmed) == "STEADY" and not confirmed["in_shift"].any()
        assert "does not count" in describe_unconfirmed(table)

    def test_the_distance_of_a_shift_worked_by_hand(self):
        judged = {}
        for out_of in (300, 1000, 1500, 2000, 2500, 5000):
            scaled = " ".join(str(round(float(c) / 100 * out_of)) for c in f"{USUAL} {BARELY_ABOVE}".split())
            table = draw(scaled, out_of=out_of)
            usual, run = table["value"][:12].mean(), table["value"][12:].mean()
            error = math.sqrt(usual * (1 - usual) * (1 / (7 * out_of) + 1 / (12 * out_of)))
            judged[out_of] = ((run - usual) / error > 2.33, state(build_confirmed(table)) == "BETTER")
        assert all(by_hand == ours for by_hand, ours in judged.values())
        assert {by_hand for by_hand, _ in judged.values()} == {True, False}

    def test_a_month_just_outside_does_not_count_and_one_far_outside_does(self):
        just, far = draw(f"{USUAL} 70"), draw(f"{USUAL} 71")  # 3 sigma: 69.9; with the baseline's own error: 70.5
        assert just["is_outside"].any() and state(just) == "STEADY"
        assert state(build_confirmed(far)) == "BETTER"

    def test_trends_two_of_three_and_signals_without_direction_stay(self):
        for counts in (f"{USUAL} 48 50 52 54 56 58 60", f"{USUAL} 67 56 67"):
            table = draw(counts)
            assert state(build_confirmed(table)) == state(table) == "BETTER"
        few = draw(" ".join(["60"] * 4 + ["50"] * 4 + ["60"] * 4 + ["50"] * 4 + ["60"] * 4), rules="anhoej")
        assert list(build_confirmed(few)["signal"]) == list(few["signal"]) and "neutral" in set(few["signal"])

    def test_a_month_whose_shift_falls_away_takes_the_direction_of_its_trend(self):
        table = draw(f"{USUAL} 61 60 59 58 57 56 55.6")
        assert (table["in_trend"] & table["in_shift"]).any()
        confirmed = build_confirmed(table)
        assert set(confirmed["signal"][confirmed["in_trend"]]) == {"bad"}

    def test_a_good_direction_down_is_kept(self):
        table = build_confirmed(draw(f"{USUAL} {CLEARLY_ABOVE}", good="down"))
        assert set(table["signal"]) == {"", "bad"}

    def test_each_series_is_judged_by_itself_whatever_stands_beside_it(self):
        counts = [f"{USUAL} {BARELY_ABOVE}", f"{USUAL} {CLEARLY_ABOVE}", f"{USUAL} 54 53 56 52 51 57 70"]
        together = build_confirmed(draw(counts))
        for number, text in enumerate(counts):
            own = together[together["measure_id"] == f"series {number:04}"]
            assert list(own["signal"]) == list(build_confirmed(draw(text))["signal"])

    def test_charts_without_limits_and_empty_charts_stay(self):
        run = draw(f"{USUAL} {BARELY_ABOVE}", chart="run")
        assert list(build_confirmed(run)["signal"]) == list(run["signal"])
        nothing = draw("? ? ?")
        assert list(build_confirmed(nothing)["signal"]) == ["", "", ""]

    @pytest.mark.slow
    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.integers(20, 90), min_size=12, max_size=30), st.sampled_from(RULES))
    def test_never_makes_a_signal_that_the_chart_does_not_have(self, counts, rules):
        table = draw(" ".join(map(str, counts)), rules=rules)
        before = table.copy(deep=True)
        confirmed = build_confirmed(table)
        pd.testing.assert_frame_equal(table, before)
        assert not (confirmed["is_outside"] & ~table["is_outside"]).any()
        assert not (confirmed["in_shift"] & ~table["in_shift"]).any()
        assert not ((confirmed["signal"] != "") & (table["signal"] == "")).any()

    @pytest.mark.slow
    def test_verdicts_on_a_known_truth(self):
        """As benchmarks/verdicts.py, shorter: at 45 people a month at most 10% false, a rise found within 8 months."""
        rng = np.random.default_rng(3)
        false, found = read_monthly(rng.binomial(45, 0.55, (400, 24))), read_monthly(build_risen(rng))
        assert (false != "").any(axis=1).mean() <= 0.12  # 10%, and what 400 series may be off by
        hit = found == "good"
        assert np.median(np.where(hit.any(axis=1), hit.argmax(axis=1) + 1, 99)) <= 8


def build_risen(rng):
    return rng.binomial(45, np.where(np.arange(24) < 12, 0.55, 0.65), (400, 24))


def read_monthly(counts):
    """The one side (good, bad, or "" for none or both) that counts at each of 12 monthly readings."""
    readings = []
    for months in range(13, 25):
        signal = (
            build_confirmed(chart(counts[:, :months], out_of=45))["signal"]
            .to_numpy()
            .reshape(len(counts), months)[:, -6:]
        )
        good, bad = (signal == "good").any(axis=1), (signal == "bad").any(axis=1)
        readings.append(np.select([good & ~bad, bad & ~good], ["good", "bad"], ""))
    return np.array(readings).T

"""The chart that suits a series and the levels that seem to have moved: suggestions, with their reason."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from repository import ROOT

from qi_analysis.answers.chart_advice import (
    build_phase_suggestions,
    build_suggested_charts,
    build_suggestion_facts,
)
from qi_analysis.record.read_settings import read_record
from qi_analysis.record.settings import Phase
from qi_analysis.spc.spec import ChartProblem


def build_series(numerator, denominator, measure_id="m"):
    top, bottom = np.broadcast_arrays(np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float))
    starts = pd.date_range("2021-01-01", periods=len(top), freq="MS")
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(bottom > 0, top / bottom, np.nan)
    return pd.DataFrame(
        {"measure_id": measure_id, "interval_start": starts, "numerator": top, "denominator": bottom, "value": value}
    )


def suggest(results):
    """The row of one series."""
    return build_suggested_charts(results).iloc[0]


def draw_shares(share, n, months, seed):
    """Months of people, each completing with the chance given for the month."""
    return np.random.default_rng(seed).binomial(n, np.broadcast_to(share, months))


def draw_many(series, months, n, spread):
    """Independent shares about 55% that vary between months by so much more than chance."""
    rng = np.random.default_rng(7)
    sigma = np.sqrt(0.55 * 0.45 / n * max(spread**2 - 1, 0))
    shares = np.clip(0.55 + sigma * rng.standard_normal((series, months)), 0, 1)
    counts = rng.binomial(n, shares)
    return pd.concat([build_series(row, n, f"m{number:03}") for number, row in enumerate(counts)])


def read_england():
    """England's recovered and finished at caseness by month: M191 over M076 less M179."""
    rows = pd.read_csv(ROOT / "data" / "reference" / "service_monthly.csv", dtype=str)
    rows = rows[(rows["org_type"] == "England") & rows["measure_id"].isin(["M191", "M076", "M179"])]
    wide = rows.assign(value=rows["value"].astype(float)).pivot(index="period", columns="measure_id", values="value")
    return build_series(wide["M191"], wide["M076"] - wide["M179"])


def test_england_s_recovery_rate_is_too_large_for_plain_limits():
    row = build_suggested_charts(read_england()).iloc[0]
    assert (row["months"], row["n_outside_p"], row["n_outside_pp"]) == (63, 26, 8)
    assert row["chart"] in ("pp", "ip")
    assert row["spread"] == pytest.approx(2.716, abs=0.001)
    assert row["reason"] == (
        "From month to month the share moves 2.7 times as much as chance explains with about 53,370 a month: "
        "26 of 63 months are outside plain P limits, 8 outside P' limits."
    )


def test_where_the_counts_explain_nothing_the_months_themselves_give_the_limits():
    months = np.arange(24)
    found = suggest(build_series(np.round((0.5 + 0.03 * np.cos(months * 2.4)) * 50_000), 50_000))
    assert found.chart == "ip" and "outside I' limits" in found.reason


@pytest.mark.parametrize("months", [12, 24, 60])
@pytest.mark.parametrize("n", [25, 45, 115])
def test_chance_alone_is_left_to_plain_limits(n, months):
    charts = build_suggested_charts(draw_many(200, months, n, 1))["chart"]
    assert (charts == "p").mean() >= 0.93


def test_wide_scatter_is_found():
    charts = build_suggested_charts(draw_many(100, 36, 400, 2))["chart"]
    assert charts.isin(["pp", "ip"]).mean() >= 0.95


def test_a_change_of_level_is_not_taken_for_wide_scatter():
    shares = np.repeat([0.45, 0.70], 15)
    found = suggest(build_series(draw_shares(shares, 300, 30, 3), 300))
    assert found.chart == "p"
    assert "the level has moved over time" in found.reason


def test_too_few_months_are_a_run_chart():
    found = suggest(build_series(draw_shares(0.5, 45, 11, 1), 45))
    assert (found.chart, found.reason) == ("run", "Only 11 months have a figure, and limits need 12.")
    assert suggest(build_series([5], [10])).reason.startswith("Only 1 month has a figure")


def test_means_medians_and_counts_have_limits_from_their_changes():
    mean = build_series(np.full(20, 95.0), 40)  # more sessions than people
    median = build_series(np.full(20, 5.0), 20).assign(numerator=np.nan, value=14.0)
    count = median.assign(denominator=np.nan)
    assert {suggest(one).chart for one in (mean, median, count)} == {"xmr"}


def test_a_statistic_decides_where_the_counts_cannot():
    rows = build_series(draw_shares(0.5, 45, 20, 2), 45)
    assert suggest(rows).chart == "p"
    assert suggest(rows.assign(statistic="mean")).chart == "xmr"
    assert suggest(rows.assign(statistic="percent")).chart == "p"


@pytest.mark.parametrize("count", [0, 40])
def test_nobody_or_everybody_in_every_month_has_no_limits(count):
    found = suggest(build_series(np.full(20, count), 40))
    assert found.chart == "run" and "rarer outcome" in found.reason


def test_months_left_out_do_not_count():
    rows = build_series(draw_shares(0.5, 45, 18, 4), 45)
    small = rows.assign(denominator=np.where(rows.index < 7, 5.0, 45.0), numerator=np.minimum(rows["numerator"], 5))
    assert build_suggested_charts(small, 8)["months"].iloc[0] == 11
    assert build_suggested_charts(rows.assign(is_settled=rows.index < 12))["months"].iloc[0] == 12
    gap = rows.assign(value=rows["value"].where(rows.index != 9), numerator=rows["numerator"].where(rows.index != 9))
    assert build_suggested_charts(gap)["months"].iloc[0] == 17
    assert suggest(gap).chart == "p"


def test_many_series_are_as_one_by_one_in_any_order():
    rows = draw_many(5, 24, 200, 1.6)
    whole = build_suggested_charts(rows.sample(frac=1, random_state=5)).set_index("measure_id")
    alone = {name: suggest(series) for name, series in rows.groupby("measure_id")}
    assert dict(zip(whole.index, whole["chart"], strict=True)) == {name: one.chart for name, one in alone.items()}
    assert list(whole["reason"]) == [one.reason for one in alone.values()]


def test_small_numbers_are_not_told():
    found = suggest(build_series(draw_shares(0.5, 9, 24, 6), 9))
    assert "with so few a month" in found.reason


def test_the_results_are_not_altered_and_must_be_tidy():
    rows = build_series(draw_shares(0.5, 45, 20, 2), 45)
    before = rows.copy()
    build_suggested_charts(rows, 8)
    build_phase_suggestions(rows)
    pd.testing.assert_frame_equal(rows, before)
    with pytest.raises(ChartProblem):
        build_suggested_charts(rows.drop(columns="value"))


def build_moved(before, after):
    wave = 0.01 * np.cos(np.arange(24) * 2.4)
    return build_series(np.round((np.repeat([before, after], 12) + wave) * 1000), 1000)


def test_a_level_that_moved_is_suggested_and_never_applied():
    row = build_phase_suggestions(build_moved(0.50, 0.62)).iloc[0]
    assert (row["start"].date(), row["direction"]) == (date(2022, 1, 1), "good")
    assert row["reason"] == (
        "From January 2022, 9 months in a row with a figure lay above the usual level before (from 50% to 62%). "
        "If you know the reason, record a phase from 2022-01-01 with it; nothing changes by itself."
    )


def test_a_decline_is_not_hidden_by_new_limits():
    worse = build_phase_suggestions(build_moved(0.62, 0.50))
    assert list(worse["direction"]) == ["bad"] and "new limits would hide it" in worse["reason"].iloc[0]
    assert list(build_phase_suggestions(build_moved(0.62, 0.50), {"m": "down"})["direction"]) == ["good"]
    assert list(build_phase_suggestions(build_moved(0.62, 0.50), "either")["direction"]) == ["neutral"]


def test_no_level_is_suggested_for_a_stable_or_a_short_series():
    assert build_phase_suggestions(build_moved(0.5, 0.5)).empty
    assert build_phase_suggestions(build_moved(0.5, 0.7).head(10)).empty
    assert build_phase_suggestions(build_moved(0.5, 0.7).head(0)).empty


def test_two_clocks_are_two_series():
    rows = build_moved(0.5, 0.62)
    both = pd.concat([rows.assign(clock="end"), build_moved(0.5, 0.5).assign(clock="start")])
    assert list(build_phase_suggestions(both)["clock"]) == ["end"]
    assert list(build_suggested_charts(both)["clock"]) == ["end", "start"]


def test_a_usual_count_is_not_told():
    rows = build_moved(0.5, 0.7)
    rows = rows.assign(value=np.round(rows["value"] * 10), numerator=np.nan, denominator=np.nan)
    assert (
        build_phase_suggestions(rows)["reason"]
        .iloc[0]
        .startswith("From January 2022, 9 months in a row with a figure lay above the usual level before. If")
    )


def test_facts_for_the_page_name_the_chart_in_use_and_start_at_the_last_phase():
    record = read_record(ROOT / "project")
    rows = build_moved(0.50, 0.62).assign(measure_id="li_completion", clock="end")
    facts = build_suggestion_facts(rows, record.measures, record)
    assert [(one.id, one.chart, len(one.phases)) for one in facts] == [("li_completion", "p", 1)]
    later = replace(record, phases=(Phase(date(2022, 1, 1), "known"),))
    assert build_suggestion_facts(rows, record.measures, later)[0].phases == ()


def test_facts_without_results_or_measures_are_empty():
    record = read_record(ROOT / "project")
    rows = build_moved(0.5, 0.5).assign(clock="end")
    assert build_suggestion_facts(rows, record.measures, record) == ()
    assert build_suggestion_facts(rows, [], record) == ()

"""All measures at a glance: ranked by what needs attention, verdicts in words and shape, the same as data."""

import re
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from drawn_facts import draw_facts

from qi_analysis.answers.measure_charts import (
    ASSURANCE_WORDS,
    COLUMNS,
    VARIATION_WORDS,
    build_glance,
    build_measure_charts,
)
from qi_analysis.charts.style import SHAPES
from qi_analysis.record.settings import Measure
from qi_analysis.release import Release, read_release, write_release
from qi_analysis.report.measures import SIGNS, TARGET_SIGNS, show_glance, show_suggestions
from qi_analysis.spc.chart import build_chart_table
from qi_analysis.spc.spec import ChartSpec

MONTHS = 24
MEASURE = Measure(
    id="", name="", kind="process", numerator="", denominator="", month_by="end", good="up", chart="p",
    why="", plain="", owner="", review_on=date(2027, 5, 1),
)  # fmt: skip
WAVE = np.tile([1, -1, 0, 2, -2], 5)[:MONTHS]
LEVELS = {  # of 100 people a month; the first 12 months are the baseline
    "steady": np.full(MONTHS, 50),
    "rising": np.repeat([50, 58], 12),
    "falling": np.repeat([50, 42], 12),
    "last_only": np.where(np.arange(MONTHS) == MONTHS - 1, 80, 50),
}


def new_measure(name, **changes):
    return replace(MEASURE, id=name, name=name.replace("_", " ").capitalize(), **changes)


def new_results(measure_id, numerator, denominator=100.0, clock="end"):
    months = len(numerator)
    top = np.asarray(numerator, dtype=float)
    bottom = np.broadcast_to(np.asarray(denominator, dtype=float), months)
    starts = pd.date_range("2021-01-01", periods=months, freq="MS")
    return pd.DataFrame(
        {
            "measure_id": measure_id, "clock": clock, "interval_start": starts, "numerator": top, "denominator": bottom,
            "value": np.where(np.isnan(bottom), top, top / bottom),
        }
    )  # fmt: skip


RESULTS = pd.concat([new_results(name, level + WAVE) for name, level in LEVELS.items()], ignore_index=True)


def look(measures, results=RESULTS, spec=None, **hidden):
    """The glance of some measures; `hidden` names the measures whose last month is hidden."""
    statistics = dict.fromkeys([one.id for one in measures], "share")
    charts = build_measure_charts(results, measures, statistics, spec or ChartSpec())
    last = results["interval_start"] == results["interval_start"].max()
    is_hidden = results["measure_id"].isin(list(hidden)) & last
    released = results.assign(is_hidden=is_hidden)
    released.loc[is_hidden, ["numerator", "denominator", "value"]] = np.nan
    return build_glance(charts, released, measures, statistics)


def read_cells(html):
    """Rows of cells of a page's table, as text."""
    rows = re.findall(r"<tr>(.*?)</tr>", str(html), re.S)[1:]
    return [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)] for row in rows]


def test_what_needs_attention_comes_first():
    measures = [
        new_measure("steady", kind="outcome"),
        new_measure("rising"),
        new_measure("last_only"),
        new_measure("falling", kind="balancing"),
        new_measure("unknown"),
    ]
    table = look(measures, spec=ChartSpec(target={"steady": 0.80, "falling": 0.2}))
    assert list(table["measure_id"]) == ["falling", "steady", "rising", "last_only", "unknown"]
    assert list(table["attention"]) == ["concerning", "failing", "improving", "improving", "early"]
    assert list(table["variation"]) == ["concerning", "common_cause", "improving", "improving", "early"]
    assert list(table["assurance"]) == ["passing", "failing", "none", "none", "none"]
    assert list(table["rank"]) == [1, 2, 3, 4, 5]


def test_within_a_rank_outcomes_come_first_then_the_order_given():
    kinds = {"a": "balancing", "b": "process", "c": "outcome", "d": "process"}
    results = pd.concat([new_results(name, LEVELS["steady"] + WAVE) for name in kinds])
    measures = [new_measure(name, kind=kind) for name, kind in kinds.items()]
    assert "".join(look(measures, results)["measure_id"]) == "cbda"


def test_the_good_direction_is_the_measure_s_own():
    table = look([new_measure("rising", good="down"), new_measure("falling", good="down")])
    assert dict(zip(table["measure_id"], table["variation"], strict=True)) == {
        "rising": "concerning",
        "falling": "improving",
    }


def test_since_is_the_first_month_of_the_unbroken_signal():
    measures = [new_measure(name) for name in ("rising", "last_only", "steady")]
    since = look(measures).set_index("measure_id")["since"]
    assert since["rising"] == pd.Timestamp("2022-01-01")
    assert since["last_only"] == pd.Timestamp("2022-12-01")
    assert pd.isna(since["steady"])


def test_a_signal_that_is_over_is_not_the_verdict():
    top = np.where(np.arange(MONTHS) == MONTHS - 2, 80, 50) + WAVE
    row = look([new_measure("m")], new_results("m", top)).iloc[0]
    assert (row["variation"], row["rules"]) == ("common_cause", "") and pd.isna(row["since"])


def test_numbers_are_the_released_ones_of_the_last_month_in_use():
    charts = build_chart_table(new_results("m", LEVELS["steady"] + WAVE), ChartSpec())
    released = new_results("m", np.full(MONTHS, 55.0), 105.0).assign(is_hidden=False)
    row = build_glance(charts, released, [new_measure("m")], {"m": "share"}).iloc[0]
    assert (row["numerator"], row["denominator"], row["interval_start"]) == (55, 105, pd.Timestamp("2022-12-01"))
    unsettled = new_results("m", LEVELS["last_only"] + WAVE).assign(is_settled=np.arange(MONTHS) < MONTHS - 3)
    row = build_glance(build_chart_table(unsettled, ChartSpec()), released, [new_measure("m")], {}).iloc[0]
    assert (row["interval_start"], row["variation"]) == (pd.Timestamp("2022-09-01"), "common_cause")


def test_a_hidden_last_month_hides_its_verdict():
    row = look([new_measure("last_only")], last_only=True).iloc[0]
    assert (row["variation"], row["rules"], row["variation_words"]) == ("hidden", "", "hidden to protect privacy")
    assert row[["numerator", "denominator", "value", "since"]].isna().all()


def test_fewer_than_twelve_months_are_too_early():
    rows = new_results("m", np.where(np.arange(11) == 10, 90, 50))
    row = look([new_measure("m")], rows, ChartSpec(target=0.8)).iloc[0]
    assert (row["variation"], row["assurance"], row["n_months"]) == ("early", "early", 11)


def test_a_change_without_a_good_direction_is_a_change():
    row = look([new_measure("rising", good="either")]).iloc[0]
    assert (row["attention"], row["variation_words"]) == ("neutral", "a change, unlikely to be chance")


def test_each_measure_has_its_own_chart_clock_and_scale():
    count = new_results("count", LEVELS["steady"] + WAVE, np.nan)
    percent = new_results("percent", LEVELS["steady"] + WAVE)
    other = new_results("percent", LEVELS["rising"] + WAVE, clock="start")
    results = pd.concat([count, percent.assign(value=percent["value"] * 100), other])
    measures = [new_measure("count", chart="xmr"), new_measure("percent")]
    statistics = {"count": "count", "percent": "percent"}
    charts = build_measure_charts(results, measures, statistics, ChartSpec(min_denominator=8))
    values = charts.groupby("measure_id")["value"].mean().round(1)
    assert values.to_dict() == {"count": 50.1, "percent": 50.1}
    assert charts["is_drawn"].all() and set(charts["clock"]) == {"end"}
    assert charts.loc[charts["measure_id"] == "count", "moving_range"].notna().any()


def test_no_measure_and_no_result_are_no_fault():
    assert look([]).empty and list(look([]).columns) == COLUMNS
    row = look([new_measure("unknown")]).iloc[0]
    assert (row["variation"], row["n_months"]) == ("early", 0) and pd.isna(row["value"])


def test_nothing_given_is_altered():
    results, measures = RESULTS.copy(), [new_measure("rising")]
    look(measures, results)
    pd.testing.assert_frame_equal(results, RESULTS)


@pytest.fixture
def release(tmp_path):
    """A release with every verdict, written and read again."""
    count = new_results("starters", np.full(MONTHS, 50) + WAVE, np.nan)
    results = pd.concat([RESULTS, count], ignore_index=True)
    names = ["steady", "rising", "falling", "last_only", "unknown"]
    measures = [*(new_measure(name) for name in names), new_measure("starters", chart="xmr")]
    statistics = dict.fromkeys(names, "share") | {"starters": "count"}
    charts = build_measure_charts(results, measures, statistics, ChartSpec(target={"steady": 0.8}))
    hidden = (results["measure_id"] == "last_only").to_numpy()
    table = build_glance(charts, results.assign(is_hidden=hidden), measures, statistics)
    fact = {"id": "rising", "name": "rising", "chart": "p", "suggested": "pp", "reason": "Why.", "phases": ["When."]}
    write_release(tmp_path / "release", Release(draw_facts(suggestions=[fact]), {"glance": table}))
    return read_release(tmp_path / "release")


def test_the_page_says_each_verdict_in_words_after_its_own_sign(release):
    cells = read_cells(show_glance(release))
    assert [row[0] for row in cells] == ["Falling", "Steady", "Rising", "Starters", "Last only", "Unknown"]
    assert cells[0][2:5] == ["44% (44 of 100), December 2022", "■ worse, unlikely to be chance", "December 2021"]
    assert cells[1][3:] == ["● usual ups and downs", "", "✗ we do not expect to reach the target without a change"]
    assert cells[2][3] == "◆ better, unlikely to be chance"
    assert cells[3][2] == "52, December 2022"
    assert cells[4][2:4] == ["hidden to protect privacy, December 2022", "– hidden to protect privacy"]
    assert cells[5][2:5] == ["no month with a figure yet", "○ too early to say", ""]


def test_shape_and_words_differ_for_every_verdict():
    assert len(set(SIGNS.values())) == len(SIGNS) == len(VARIATION_WORDS) == len(set(VARIATION_WORDS.values()))
    assert len(set(TARGET_SIGNS.values())) == len(TARGET_SIGNS) == len(set(ASSURANCE_WORDS.values()))
    assert set(SIGNS) == set(VARIATION_WORDS) and set(TARGET_SIGNS) == set(ASSURANCE_WORDS)
    on_charts = {"concerning": "bad", "improving": "good", "neutral": "neutral", "common_cause": ""}
    assert all(SHAPES[signal][2] == f"{SIGNS[name]} {VARIATION_WORDS[name]}" for name, signal in on_charts.items())


def test_no_cell_is_a_bare_small_number(release):
    cells = [cell for row in read_cells(show_glance(release)) for cell in row]
    assert not [cell for cell in cells if re.fullmatch(r"\s*\d\s*", cell)]


def test_a_screen_reader_hears_the_words_alone(release):
    html = str(show_glance(release))
    assert html.count('<span aria-hidden="true">') == 2 * len(read_cells(html))
    assert "&lt;span" not in html


def test_without_measures_the_page_says_how_to_add_one():
    assert "project/measures.toml" in show_glance(Release(draw_facts(), {}))
    assert "no measure with figures" in show_suggestions(Release(draw_facts(), {}))


def test_suggestions_name_the_chart_in_use_and_change_nothing(release):
    html = str(show_suggestions(release))
    assert read_cells(html)[0] == ["rising", "P chart", "P prime chart", "Why."]
    assert "Rising: When." in html and "changes nothing" in html
    steady = replace(release.facts.suggestions[0], suggested="p", phases=())
    html = str(show_suggestions(Release(draw_facts(suggestions=[steady]), {})))
    assert read_cells(html)[0][2] == "the same" and "No level has moved" in html

"""Charts: what is drawn is what was given, in shapes as well as colours, the same bytes every time."""

import re
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from pages import build_chart_months

from qi_analysis.charts.control_chart import plot_control_chart, render_comparison, render_control_chart
from qi_analysis.charts.style import INK, REFERENCE, SHAPES, SOFT, TARGET, Look, Mark

LOOK = Look("completion", "P chart of completion by month.")
ADDRESS = re.compile(r"https?:|xmlns|<\?xml|<!DOCTYPE|<metadata|<style|<script", re.IGNORECASE)


def draw(months, look=LOOK, references=None):
    """The axes a chart is drawn on, to look at what is there."""
    return plot_control_chart(Figure().subplots(), months, look, references)


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter("text")]


def points(axes):
    """The (position, value) pairs of all points, and how many are hollow."""
    dots = [item for item in axes.collections if len(item.get_offsets()) and len(item.get_paths()[0]) > 2]
    places = np.vstack([dot.get_offsets() for dot in dots])
    hollow = sum(len(dot.get_offsets()) for dot in dots if np.allclose(dot.get_facecolor()[0][:3], 1))
    return {(int(x), round(y, 6)) for x, y in places}, hollow


def expected_points(months):
    place = (months["interval_start"].dt.year - 2019) * 12 + months["interval_start"].dt.month - 9
    drawn = months["is_drawn"]
    return set(zip(place[drawn], months.loc[drawn, "value"].round(6), strict=True))


def test_the_picture_can_stand_inside_a_page():
    svg = render_control_chart(build_chart_months(), LOOK)
    root = ElementTree.fromstring(svg)
    assert root.tag == "svg" and root.get("role") == "img"
    assert root.get("aria-label") == LOOK.alt and root.get("viewBox")
    assert root.get("width") is None
    assert not ADDRESS.search(svg)
    assert "DejaVu Sans, Verdana, Arial, sans-serif" in svg


def test_the_same_table_gives_the_same_bytes():
    first = render_control_chart(build_chart_months(), LOOK)
    assert first == render_control_chart(build_chart_months(), LOOK)


def test_ids_carry_the_chart_s_own_and_everything_referred_to_exists():
    svg = render_control_chart(build_chart_months(), LOOK)
    ids = re.findall(r' id="([^"]+)"', svg)
    assert ids and len(ids) == len(set(ids)) and all(name.startswith("completion-") for name in ids)
    assert set(re.findall(r'href="#([^"]+)"', svg)) == set(ids)
    other = render_control_chart(build_chart_months(), replace(LOOK, chart_id="other"))
    assert not set(ids) & set(re.findall(r' id="([^"]+)"', other))


def test_only_the_points_given_are_drawn_and_unsettled_months_are_hollow():
    months = build_chart_months()
    drawn, hollow = points(draw(months))
    assert drawn == expected_points(months)
    assert hollow == 5


def test_a_hidden_value_leaves_no_trace():
    months = build_chart_months()
    hidden = months.assign(value=months["value"].where(months["is_drawn"], 0.99))
    assert render_control_chart(hidden, LOOK) == render_control_chart(months, LOOK)


def test_no_line_crosses_a_gap():
    line = draw(build_chart_months()).lines[0].get_ydata()
    assert set(np.flatnonzero(np.isnan(line))) == {7, 15, 16, 18}


def test_signals_differ_by_shape_and_by_colour():
    months = build_chart_months()
    dots = [dot for dot in draw(months).collections if len(dot.get_offsets()) and len(dot.get_paths()[0]) > 2]
    looks = {(len(dot.get_paths()[0].vertices), tuple(dot.get_facecolor()[0])) for dot in dots[:3]}
    assert len({shape for shape, _ in looks}) >= 2 and len({colour for _, colour in looks}) == 3
    words = " ".join(texts(render_control_chart(months, LOOK)))
    for meaning in ("usual ups and downs", "better", "worse", "not settled yet"):
        assert meaning in words


@pytest.mark.parametrize("colour", [INK, SOFT, TARGET, REFERENCE, *(colour for _, colour, _ in SHAPES.values())])
def test_points_and_words_stand_out_from_white(colour):
    parts = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    light = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [
        0.2126,
        0.7152,
        0.0722,
    ]
    assert 1.05 / (light + 0.05) >= 4.5


def test_the_key_names_only_what_is_drawn():
    calm = build_chart_months().assign(signal="", is_settled=True)
    words = " ".join(texts(render_control_chart(calm, LOOK)))
    assert "usual ups and downs" in words and "chance" not in words and "settled" not in words


def test_without_the_column_every_month_is_settled():
    months = build_chart_months().drop(columns="is_settled")
    assert points(draw(months))[1] == 0


def test_shares_share_one_axis_and_months_are_words():
    axes = draw(build_chart_months())
    assert axes.get_ylim() == (0, 1)
    assert [label.get_text() for label in axes.get_yticklabels()][::5] == ["0%", "100%"]
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels[-1] == "Aug 2022" and 3 <= len(labels) <= 7


@pytest.mark.parametrize(("n", "gap"), [(5, 1), (12, 2), (18, 3), (36, 6), (60, 12)])
def test_there_are_never_too_many_months_to_read(n, gap):
    ticks = draw(build_chart_months(n)).get_xticks()
    assert set(np.diff(ticks)) == {gap} and len(ticks) <= 6 and ticks[-1] == n - 1


def test_limits_are_steps_and_new_limits_a_dashed_line():
    axes = draw(build_chart_months())
    steps = axes.patches[1].get_data()
    assert len(steps.edges) == len(steps.values) + 1 == 37
    starts = [line.get_segments()[0][0][0] for line in axes.collections if len(line.get_paths()[0]) == 2]
    assert 19.5 in starts


def test_lines_are_named_at_their_ends_and_names_do_not_touch():
    months = build_chart_months()
    axes = draw(months, replace(LOOK, target=0.645))
    named = {text.get_text(): text.get_position()[1] for text in axes.texts if text.get_position()[0] == 1.015}
    assert {"average 64%", "target 64%"} <= set(named) and len(named) == 4
    points = 72 * axes.get_figure().get_figheight() * axes.get_position().height
    assert points * np.diff(sorted(named.values())).min() >= 9.5  # the size of their letters


def test_marks_are_drawn_in_range_only_and_stand_apart():
    signs = (
        Mark(date(2020, 10, 4), "1"),
        Mark(date(2020, 10, 20), "2"),
        Mark(date(2021, 6, 1), "A", "event"),
        Mark(date(2015, 1, 1), "9"),
        Mark(date(2023, 1, 1), "8"),
    )
    axes = draw(build_chart_months(), replace(LOOK, marks=signs))
    found = {text.get_text(): text.get_position() for text in axes.texts if len(text.get_text()) == 1}
    assert set(found) == {"1", "2", "A"}
    assert found["1"][1] != found["2"][1]
    assert found["1"][0] == pytest.approx(13 + 3 / 31 - 0.5)


def test_a_comparison_names_its_line():
    months = build_chart_months()
    england = pd.DataFrame({"interval_start": months["interval_start"], "value": 0.51})
    assert "England 51%" in texts(render_comparison(months, england, "England", LOOK))


def test_a_comparison_keeps_to_the_months_of_the_service():
    months = build_chart_months()
    later = pd.DataFrame({"interval_start": pd.date_range("2030-01-01", periods=3, freq="MS"), "value": 0.5})
    assert render_comparison(months, later, "England", LOOK) == render_control_chart(months, LOOK)


def test_a_run_chart_has_no_limits_to_draw():
    months = build_chart_months().assign(lower=np.nan, upper=np.nan)
    words = texts(render_control_chart(months, replace(LOOK, centre="median")))
    assert "median 64%" in words and not any(word.startswith("usual high") for word in words)


def test_other_units_start_at_nought_and_are_named():
    months = build_chart_months()
    scaled = months.assign(**{name: months[name] * 40 for name in ("value", "centre", "lower", "upper")})
    axes = draw(scaled, replace(LOOK, unit="days"))
    assert axes.get_ylabel() == "days" and axes.get_ylim()[0] == 0
    assert axes.get_ylim()[1] > scaled["upper"].max()


def test_a_chart_with_nothing_to_draw_is_still_a_chart():
    svg = render_control_chart(build_chart_months().assign(is_drawn=False), LOOK)
    assert "Aug 2022" in texts(svg)


def test_text_is_never_taken_for_mark_up():
    svg = render_control_chart(build_chart_months(), Look("c", 'a "quoted" <b> & $x$', title="<i> & $y_1$"))
    assert ElementTree.fromstring(svg).get("aria-label") == 'a "quoted" <b> & $x$'
    assert "<i> & $y_1$" in texts(svg)


@pytest.mark.parametrize("look", [Look("c", " "), Look("1 c", "alt"), Look('c"', "alt")])
def test_a_chart_without_words_or_with_a_bad_id_is_refused(look):
    with pytest.raises(ValueError):
        render_control_chart(build_chart_months(), look)


def test_two_measures_on_one_chart_are_refused():
    months = build_chart_months()
    with pytest.raises(ValueError):
        render_control_chart(pd.concat([months, months.assign(measure_id="other")]), LOOK)
    with pytest.raises(ValueError):
        render_control_chart(months.head(0), LOOK)


def test_drawing_alters_neither_the_table_nor_the_settings():
    import matplotlib

    months, settings = build_chart_months(), dict(matplotlib.rcParams)
    before = months.copy()
    render_control_chart(months, LOOK)
    pd.testing.assert_frame_equal(months, before)
    assert dict(matplotlib.rcParams) == settings

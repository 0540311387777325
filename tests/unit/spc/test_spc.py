"""Control charts: faults seen in other programs, edge cases, and properties that always hold."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qi_analysis.spc.chart import RebaseSpec, build_chart_table, build_suggested_phases
from qi_analysis.spc.funnel import FunnelSpec, build_funnel_table
from qi_analysis.spc.rules import calculate_crossings_min
from qi_analysis.spc.spec import ChartProblem, ChartSpec

FLAGS = ["is_outside", "in_shift", "in_trend", "in_two_of_three"]
WIGGLE = [50.0, 52, 49, 51, 48, 53, 50, 51, 49, 52, 50, 51]
NAN = float("nan")
MAIN_RULES = ["making_data_count", "anhoej", "ihi"]
ALL_RULES = [*MAIN_RULES, "wheeler", "nelson", "western_electric", "configurable"]


def series(values, *, measure_id="m", denominators=None, start="2021-01-01"):
    """A monthly series of values or, with denominators, of numerators."""
    values = np.asarray(values, dtype=float)
    below = np.full(len(values), NAN) if denominators is None else np.asarray(denominators, dtype=float)
    share = values if denominators is None else values / np.where(below > 0, below, NAN)
    months = pd.date_range(start, periods=len(values), freq="MS")
    return pd.DataFrame(
        {
            "measure_id": measure_id, "interval_start": months, "numerator": values,
            "denominator": below, "value": share,
        }
    )  # fmt: skip


def xmr(values, **options):
    return build_chart_table(series(values), ChartSpec(chart="xmr", **options))


def signals(table):
    return list(np.flatnonzero(table["signal"] != ""))


# Faults seen while running other programs


@pytest.mark.parametrize("rules", ALL_RULES)
def test_missing_value_inside_a_rise_neither_stops_nor_blanks_the_chart(rules):
    table = xmr([*WIGGLE, 50, 51, 52, NAN, 53, 54, 55, 56], rules=rules)
    assert table[["centre", "lower", "upper"]].notna().all(axis=None)
    assert not table.loc[15, FLAGS].any()
    assert not table.loc[15, "is_drawn"]


def test_missing_value_ends_a_run_under_making_data_count_and_is_passed_over_by_the_others():
    values = [*[52, 48] * 6, 52, 52, 52, 52, NAN, 52, 52, 52, 52]
    assert not xmr(values)["in_shift"].any()
    found = xmr(values, rules="ihi")["in_shift"]
    assert list(np.flatnonzero(found)) == [12, 13, 14, 15, 17, 18, 19, 20]


@pytest.mark.parametrize("rules", ALL_RULES)
@pytest.mark.parametrize("chart", ["run", "i", "xmr", "mr", "c", "g", "t", "p", "pp", "u", "up", "ip"])
def test_constant_series_has_no_signal(rules, chart):
    rows = series([0.1] * 24)
    if chart in ("p", "pp", "u", "up", "ip"):
        below = np.tile([10, 20, 30, 70], 6)
        rows = series(below * 3 / 10, denominators=below)
    table = build_chart_table(rows, ChartSpec(chart=chart, rules=rules))
    assert (table["signal"] == "").all()
    assert not table["runs_signal"].any()
    assert not table[FLAGS].any(axis=None)


def test_mean_of_equal_values_is_that_very_value():
    assert (xmr([0.1] * 24)["centre"] == 0.1).all()


def test_first_point_on_the_mean_is_no_shift():
    table = xmr([50, *[48, 52] * 8], baseline_points=None)
    assert table["side"].iloc[0] == 0
    assert signals(table) == []


def test_tie_inside_a_run_is_passed_over_and_the_first_point_kept_outside_making_data_count():
    values = [*[52, 48] * 6, 51, 51, 51, 51, 50, 51, 51, 51, 51]
    found = xmr(values, rules="ihi")["in_shift"]
    assert list(np.flatnonzero(found)) == [12, 13, 14, 15, 17, 18, 19, 20]
    assert not xmr(values)["in_shift"].any()


def test_screening_of_ranges_depends_only_on_the_specification():
    values = [*WIGGLE[:6], 90, *WIGGLE[6:]]
    screened, all_ranges = (xmr(values, ranges=word, baseline_points=None) for word in ("screened", "all"))
    assert (screened["upper"] < all_ranges["upper"]).all()
    pd.testing.assert_frame_equal(screened, xmr(values, baseline_points=None))


def test_baseline_and_phases_hold_together():
    values = [*WIGGLE, *[60.0] * 3, *np.array(WIGGLE) + 20, *[90.0] * 3]
    table = xmr(values, phases=("2022-04-01",))
    assert list(table["phase"].unique()) == [1, 2]
    assert table.groupby("phase")["in_baseline"].sum().tolist() == [12, 12]
    assert table.groupby("phase")["centre"].nunique().tolist() == [1, 1]
    assert table["centre"].iloc[0] == pytest.approx(np.mean(WIGGLE))
    assert table["centre"].iloc[-1] == pytest.approx(np.mean(WIGGLE) + 20)


def test_fewer_than_twelve_points_are_trial_limits_and_twelve_are_not():
    assert xmr(WIGGLE[:11])["trial"].all()
    assert not xmr(WIGGLE)["trial"].any()


@pytest.mark.parametrize(
    ("target", "icon"), [(39.0, "passing"), (61.0, "failing"), (50.0, "hit_or_miss"), (None, "none")]
)
def test_assurance_compares_the_target_with_the_limits(target, icon):
    assert set(xmr(WIGGLE, target=target)["assurance"]) == {icon}


def test_target_on_a_limit_is_hit_or_miss():
    limit = xmr(WIGGLE)["lower"].iloc[-1]
    assert set(xmr(WIGGLE, target=limit)["assurance"]) == {"hit_or_miss"}


def test_two_of_three_needs_all_three_on_one_side_and_none_outside():
    low, high = xmr(WIGGLE)[["centre", "upper"]].iloc[0]
    near, beyond = low + 0.8 * (high - low), high + 1
    assert signals(xmr([*WIGGLE, near, 51, near])) == [12, 14]
    assert signals(xmr([*WIGGLE, near, 48, near])) == []
    assert signals(xmr([*WIGGLE, near, 51, beyond])) == [14]


def test_funnel_limits_of_a_unit_do_not_depend_on_the_other_units_sizes():
    units = pd.DataFrame(
        {"unit": ["a", "b", "c", "d"], "numerator": [5, 50, 60, 55], "denominator": [10, 100, 120, 110]}
    )
    wider = pd.concat([units, pd.DataFrame({"unit": ["e"], "numerator": [5000], "denominator": [10000]})])
    for kind in ("p", "pr"):
        one, two = (build_funnel_table(rows, FunnelSpec(kind)) for rows in (units, wider))
        limits = [name for name in one if name.startswith(("lower", "upper"))]
        np.testing.assert_allclose(one[limits], two[limits].iloc[:4])


# Edge cases


@pytest.mark.parametrize("rules", MAIN_RULES)
@pytest.mark.parametrize("length", [0, 1, 2, 3])
@pytest.mark.parametrize("chart", ["run", "xmr", "mr", "p", "pp", "ip", "c", "g"])
def test_very_short_series_make_a_table_without_signals(rules, length, chart):
    rows = series([5.0, 6, 5][:length], denominators=[10, 12, 11][:length])
    table = build_chart_table(rows, ChartSpec(chart=chart, rules=rules))
    assert len(table) == length
    assert (table["signal"] == "").all() and table["trial"].all()


def test_p_limits_vary_with_n_and_stay_within_0_and_1():
    table = build_chart_table(series([2, 30, 1, 90] * 4, denominators=[3, 40, 1, 95] * 4), ChartSpec())
    assert table["lower"].between(0, 1).all() and table["upper"].between(0, 1).all()
    assert table["centre"].iloc[0] == pytest.approx(3 * 123 / (3 * 139))
    width = table["centre"] - table["lower"]
    assert width.iloc[3] == pytest.approx(3 * np.sqrt(123 / 139 * (1 - 123 / 139) / 95))


def test_zero_denominator_has_no_value_or_limits_and_leaves_the_others_alone():
    rows = series([5, 6, 0, 7] * 4, denominators=[10, 12, 0, 13] * 4)
    table = build_chart_table(rows, ChartSpec(baseline_points=None))
    empty = table["denominator"] == 0
    assert table.loc[empty, ["value", "lower", "upper"]].isna().all(axis=None)
    assert not table.loc[empty, "is_drawn"].any()
    kept = build_chart_table(rows[rows["denominator"] > 0], ChartSpec(baseline_points=None))
    np.testing.assert_allclose(table.loc[~empty, "upper"], kept["upper"])


def test_point_under_the_smallest_denominator_is_neither_drawn_nor_counted():
    rows = series([5, 6, 1, 7] * 4, denominators=[10, 12, 3, 13] * 4)
    table = build_chart_table(rows, ChartSpec(min_denominator=8))
    small = table["denominator"] == 3
    assert not table.loc[small, "is_drawn"].any()
    assert not table.loc[small, "in_baseline"].any()
    assert table["centre"].iloc[0] == pytest.approx(18 / 35)


def test_baseline_dates_take_the_place_of_the_first_points():
    table = xmr([*WIGGLE, *[60.0, 62] * 6], baseline=("2022-01-01", "2022-12-31"))
    assert list(np.flatnonzero(table["in_baseline"])) == list(range(12, 24))
    assert table["centre"].iloc[0] == 61


def test_unsettled_month_is_drawn_but_outside_lines_and_rules():
    rows = series([*WIGGLE, 50, 90]).assign(is_settled=[True] * 13 + [False])
    for rules in MAIN_RULES:
        table = build_chart_table(rows, ChartSpec(chart="xmr", rules=rules))
        assert table["is_drawn"].iloc[-1] and not table["is_outside"].iloc[-1]
        assert (table["variation"] == "common_cause").all()


def test_excluded_point_leaves_lines_and_runs():
    table = xmr([*WIGGLE[:5], 90, *WIGGLE[5:]], excluded=("2021-06-01",))
    assert table["is_excluded"].sum() == 1
    assert table["centre"].iloc[0] == pytest.approx(np.mean(WIGGLE))


def test_direction_meaning_and_rank_of_rules():
    values = [*WIGGLE, 70.0]
    meanings = {"up": ("good", "improving"), "down": ("bad", "concerning"), "either": ("neutral", "neutral")}
    for good, (word, icon) in meanings.items():
        table = xmr(values, good=good)
        assert table["signal"].iloc[-1] == word
        assert set(table["variation"]) == {icon}
    rising = xmr([*WIGGLE, 51, 52, 53, 54, 55, 56, 70])
    assert rising["rules"].iloc[-1] == "outside limits; trend; shift"


def test_few_crossings_have_no_direction_and_are_named_at_the_last_point():
    values = [*[48.0] * 6, *[52.0] * 6, *[48.0] * 6, *[52.0] * 6]
    table = build_chart_table(series(values), ChartSpec(chart="run", rules="anhoej", centre=50))
    assert table["runs_signal"].all() and not table["in_shift"].any()
    assert table["rules"].iloc[-1] == "few crossings"
    assert signals(table) == [23] and table["signal"].iloc[-1] == "neutral"


def test_anhoej_limits_at_known_lengths():
    assert [calculate_crossings_min(n) for n in (12, 24, 36, 60)] == [3, 8, 13, 23]
    table = build_chart_table(series([48.0, 52.0] * 30), ChartSpec(chart="run", rules="anhoej"))
    assert table["longest_run_max"].iloc[0] == 9


def test_ihi_run_chart_uses_six_for_a_shift_and_five_for_a_trend():
    spec = ChartSpec(chart="run", rules="ihi")
    assert (spec.shift_length, spec.trend_length) == (6, 5)
    assert (ChartSpec(chart="p", rules="ihi").shift_length, spec.rule_set.trend) == (8, 6)


def test_settings_per_series_apply_to_that_series_only():
    both = pd.concat([series([*WIGGLE, *WIGGLE], measure_id=name) for name in ("a", "b")])
    spec = ChartSpec(chart="xmr", phases={"b": ["2022-01-01"]}, target={"a": 10})
    table = build_chart_table(both, spec)
    assert table.groupby("measure_id")["phase"].max().to_dict() == {"a": 1, "b": 2}
    assert table.groupby("measure_id")["assurance"].first().to_dict() == {"a": "passing", "b": "none"}


def test_clocks_of_one_measure_are_two_series():
    both = pd.concat([series(WIGGLE).assign(clock=clock) for clock in ("end", "start")])
    assert len(build_chart_table(both, ChartSpec(chart="xmr"))) == 24


def test_phase_before_the_first_point_starts_no_phase():
    assert set(xmr(WIGGLE, phases=("2020-01-01", "2021-01-01"))["phase"]) == {1}


def test_times_with_a_zone_are_read():
    rows = series(WIGGLE)
    zoned = rows.assign(interval_start=rows["interval_start"].dt.tz_localize("Europe/London"))
    table = build_chart_table(zoned, ChartSpec(chart="xmr", phases=("2021-06-01",)))
    assert table["phase"].tolist() == [1] * 5 + [2] * 7


@pytest.mark.parametrize(
    "options",
    [
        {"chart": "pie"}, {"rules": "house"}, {"good": "better"}, {"ranges": "some"}, {"negative": "yes"},
        {"average": "mode"}, {"baseline_points": 8}, {"rules": "anhoej", "baseline_points": 0},
    ],
)  # fmt: skip
def test_unknown_settings_are_refused(options):
    with pytest.raises(ChartProblem):
        ChartSpec(**options)


def test_tables_that_cannot_be_charted_are_refused():
    rows = series(WIGGLE)
    faulty = [
        rows.drop(columns="value"), pd.concat([rows, rows.iloc[:1]]), rows.assign(interval_start=pd.NaT),
    ]  # fmt: skip
    for table in faulty:
        with pytest.raises(ChartProblem):
            build_chart_table(table, ChartSpec(chart="xmr"))
    with pytest.raises(ChartProblem):
        build_chart_table(series([1, 0, 2]), ChartSpec(chart="t"))


def test_arguments_are_not_altered():
    rows = series([5, 6, 0, 7] * 4, denominators=[10, 12, 0, 13] * 4).sample(frac=1, random_state=1)
    before = rows.copy()
    build_chart_table(rows, ChartSpec(multiply=100))
    pd.testing.assert_frame_equal(rows, before)


@pytest.mark.parametrize("options", [{"kind": "bar"}, {"limit": 90}, {"trim_by": 0.5}])
def test_unknown_funnels_are_refused(options):
    with pytest.raises(ChartProblem):
        FunnelSpec(**options)


def test_funnel_of_units_without_people_has_no_limits():
    units = pd.DataFrame({"unit": ["a", "b"], "numerator": [0, 1], "denominator": [0, NAN]})
    table = build_funnel_table(units, FunnelSpec())
    assert table[["value", "centre"]].isna().all(axis=None)
    with pytest.raises(ChartProblem):
        build_funnel_table(units.drop(columns="unit"), FunnelSpec())


def test_exact_limits_of_a_count_at_known_values():
    # chi-square tables: 3.246973 is the 2.5% point at 10 degrees of freedom, 23.336664 the 97.5% point at 12
    units = pd.DataFrame({"unit": list("ABC"), "numerator": [4, 5, 7], "denominator": [5.0, 5.0, 5.0]})
    table = build_funnel_table(units, FunnelSpec(kind="sr_cqc"))
    np.testing.assert_allclose(table["lower_95"], 3.246973 / 2 / 5, rtol=1e-6)
    np.testing.assert_allclose(table["upper_95"], 23.336664 / 2 / 5, rtol=1e-6)


def test_suggested_phase_starts_where_a_sustained_run_began():
    rows = series([*[48.0, 52.0] * 6, 50, *[53.0] * 9, 40])
    table = build_suggested_phases(rows, RebaseSpec(12, 9, "above"))
    assert table["median"].tolist() == [50, 53]
    assert table["start_date"].iloc[1] == pd.Timestamp("2022-02-01")
    assert len(build_suggested_phases(rows, RebaseSpec(12, 9, "below"))) == 1
    assert build_suggested_phases(rows.iloc[:5], RebaseSpec()).empty
    with pytest.raises(ChartProblem):
        RebaseSpec(direction="up")


# Figures that hold by simulation and by property


def test_false_alarms_on_charts_in_control_are_as_published():
    """1,000 normal series of 24 points, lines from the same points: share with at least one signal."""
    values = np.random.default_rng(20260101).normal(50, 5, (1000, 24))
    rows = pd.concat([series(row, measure_id=f"m{k:04d}") for k, row in enumerate(values)])
    expected = {"making_data_count": 0.19, "anhoej": 0.13, "nelson": 0.19}
    for rules, share in expected.items():
        table = build_chart_table(rows, ChartSpec(chart="xmr", rules=rules, baseline_points=None))
        alarmed = (table["signal"] != "").groupby(table["measure_id"]).any().mean()
        assert alarmed == pytest.approx(share, abs=0.035)


@st.composite
def share_series(draw):
    """Monthly numerators and denominators, some months missing."""
    length = draw(st.integers(1, 40))
    below = draw(st.lists(st.integers(0, 60), min_size=length, max_size=length))
    above = [draw(st.integers(0, n)) for n in below]
    gone = draw(st.lists(st.booleans(), min_size=length, max_size=length))
    return series([NAN if g and k % 3 == 0 else a for k, (a, g) in enumerate(zip(above, gone, strict=True))],
                  denominators=below)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(share_series(), st.sampled_from(["p", "xmr", "run"]), st.sampled_from(ALL_RULES), st.integers(0, 9))
def test_shuffling_rows_changes_nothing(rows, chart, rules, seed):
    spec = ChartSpec(chart=chart, rules=rules)
    shuffled = rows.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(build_chart_table(rows, spec), build_chart_table(shuffled, spec))


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(share_series(), st.sampled_from(ALL_RULES), st.integers(0, 40))
def test_adding_a_missing_month_never_adds_a_signal(rows, rules, place):
    place = min(place, len(rows))
    gap = rows.iloc[:1].assign(numerator=NAN, value=NAN)
    longer = pd.concat([rows.iloc[:place], gap, rows.iloc[place:]], ignore_index=True)
    longer["interval_start"] = pd.date_range("2021-01-01", periods=len(longer), freq="MS")
    before, after = (build_chart_table(table, ChartSpec(rules=rules)) for table in (rows, longer))
    assert not after.loc[place, FLAGS].any()
    kept = after.drop(index=place)[FLAGS].to_numpy(dtype=bool)
    assert not (kept & ~before[FLAGS].to_numpy(dtype=bool)).any()


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.floats(0.001, 1e6), st.integers(1, 50), st.sampled_from(ALL_RULES), st.sampled_from(["xmr", "t"]))
def test_constant_series_of_any_size_never_signals(value, length, rules, chart):
    table = build_chart_table(series([value] * length), ChartSpec(chart=chart, rules=rules))
    assert (table["signal"] == "").all() and not table[FLAGS].any(axis=None)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.sampled_from(["making_data_count", "anhoej"]))
def test_a_chart_does_not_depend_on_the_charts_beside_it(values, rules):
    spec = ChartSpec(chart="xmr", rules=rules)
    alone = build_chart_table(series(values), spec)
    others = pd.concat([series([5.0, 9] * 20, measure_id="a"), series(values), series([1.0], measure_id="z")])
    together = build_chart_table(others, spec)
    together = together[together["measure_id"] == "m"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, together)

"""Every golden case: the charts agree with the program whose conventions each rule set follows.

tests/golden/spc/README.md says where the figures come from. The folder is never rewritten by a test.
"""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from repository import GOLDEN

from qi_analysis.spc.chart import RebaseSpec, build_chart_table, build_suggested_phases
from qi_analysis.spc.funnel import FunnelSpec, build_funnel_table
from qi_analysis.spc.spec import ChartSpec

CASES = json.loads((GOLDEN / "spc" / "manifest.json").read_text(encoding="utf-8"))["cases"]
GOOD = {"increase": "up", "decrease": "down", "neutral": "either"}
PEER_RULES = {
    "outside limits": "outside", "trend": "trend", "two of three": "two_in_three", "shift": "shift", "": "",
}  # fmt: skip
PEER_POINTS = {"": "common_cause", "good": "improvement", "bad": "concern"}
PEER_ASSURANCE = {"passing": "pass", "failing": "fail", "hit_or_miss": "hit_or_miss", "none": ""}
COLUMNS = {
    "x": "interval_start", "facet": "measure_id", "y": "value", "cl": "centre", "lcl": "lower",
    "ucl": "upper", "lcl95": "lower_2s", "ucl95": "upper_2s", "n_obs": "n_points",
    "sigma_signal": "is_outside", "relative_to_mean": "side", "outside": "is_outside",
    "near_limits": "is_near", "shift": "in_shift", "trend": "in_trend", "two_in_three": "in_two_of_three",
    "mr": "moving_range", "mr_cl": "range_centre", "mr_ucl": "range_upper", "rule_1": "is_outside",
    "rule_2": "in_shift", "rule_3": "three_of_four", "mr_rule_1": "range_outside",
    "nelson_1": "is_outside", "nelson_2": "in_shift", "nelson_3": "in_trend", "nelson_5": "in_two_of_three",
    "nelson_4": "fourteen_alternating", "nelson_6": "four_of_five", "nelson_7": "fifteen_near",
    "nelson_8": "eight_away", "we_1": "is_outside", "we_2": "in_two_of_three", "we_3": "four_of_five",
    "we_4": "in_shift",
}  # fmt: skip
FUNNEL_COLUMNS = {
    "y": "value", "cl": "centre", "outlier": "is_outside", "sigma_signal": "is_outside", "lcl": "lower",
    "ucl": "upper", "lcl95": "lower_95", "ucl95": "upper_95", "lcl998": "lower_998", "ucl998": "upper_998",
    "od_lcl95": "od_lower_95", "od_ucl95": "od_upper_95", "od_lcl998": "od_lower_998",
    "od_ucl998": "od_upper_998",
}  # fmt: skip


def read_case(case: dict[str, Any]) -> pd.DataFrame:
    return pd.read_csv(GOLDEN / "spc" / case["input"])


def build_results(rows: pd.DataFrame) -> pd.DataFrame:
    """The input in the tidy shape of results."""
    start = rows["date"] if "date" in rows else rows["x"]
    measure = rows["facet"].astype(str) if "facet" in rows else pd.Series("m", index=rows.index)
    if "value" not in rows:
        rows = rows.assign(value=rows["numerator"] / rows["denominator"].replace(0, np.nan))
    return rows.assign(measure_id=measure, interval_start=start)


def list_starts(results: pd.DataFrame) -> dict[str, list[Any]]:
    """The first time of every later phase, for each series."""
    if "phase" not in results:
        return {}
    first = results.groupby(["measure_id", "phase"])["interval_start"].min()
    return {m: list(first[m][first[m].index > 1]) for m in first.index.unique("measure_id")}


def build_spec(case: dict[str, Any], results: pd.DataFrame) -> ChartSpec:
    options = case["options"]
    ghosts = results[results["exclude"] == 1] if "exclude" in results else results.iloc[:0]
    screen = options.get("screen_mr", options.get("screen_outliers"))
    lengths = {"shift_points": options.get("shift_n", 0), "trend_points": options.get("trend_n", 0)}
    wheeler = case["ruleset"] == "wheeler"
    centre = {"average": options.get("centre", "mean")} if wheeler else {"centre": options.get("cl")}
    median = "median" in (options.get("mr_average"), options.get("centre"))
    return ChartSpec(
        chart=case["chart"],
        rules=options.get("rules", case["ruleset"]),
        good=GOOD[options.get("improvement_direction", "neutral")],
        baseline_points=options.get("freeze", options.get("fix_after_n_points")),
        phases=options.get("rebase", list_starts(results)),
        excluded=list(ghosts["interval_start"].unique()),
        target=options.get("target"),
        range_average="median" if median else "mean",
        ranges={None: "", True: "screened", False: "all"}[screen],
        multiply=options.get("multiply", 1),
        negative="drawn" if options.get("y_neg", True) else "cut",
        runs_method=options.get("runs_method", "anhoej"),
        two_of_three_marks="three" if options.get("two_in_three_mark_all") else "two",
        decimals=3 if wheeler else None,
        **lengths,
        **centre,
    )


def name_as_peer(table: pd.DataFrame, case: dict[str, Any]) -> pd.DataFrame:
    """Our columns under the names, and with the words, of the golden tables."""
    named = table.assign(**{name: table[own] for name, own in COLUMNS.items() if own in table})
    if case["ruleset"] == "configurable":
        flags = {"outside": "outside", "shift": "shift", "trend": "trend", "two_in_three": "two_of_three"}
        return named.assign(**{name: table[f"{own}_direction"] for name, own in flags.items()})
    if case["ruleset"] != "making_data_count":
        return named
    height = np.where(table["direction"] > 0, "_high", "_low")
    neutral = "neutral" + pd.Series(height)
    point = np.where(table["signal"] == "neutral", neutral, table["signal"].map(PEER_POINTS))
    kept = table.assign(icon=np.where(np.isin(point, ["improvement", "concern"]), point + height, point))
    last = kept[kept["is_drawn"]].groupby("measure_id")["icon"].last()
    return named.assign(
        relative_to_mean=table["side"].where(table["is_drawn"]),
        special_cause=table["signal"] != "",
        rule=table["rules"].str.split("; ").str[0].map(PEER_RULES),
        point_type=point,
        short_group_warning=table.groupby(["measure_id", "phase"])["value"].transform("size") < 13,
        variation=table["measure_id"].map(last),
        assurance=table["assurance"].map(PEER_ASSURANCE),
    )


def build_ours(case: dict[str, Any]) -> pd.DataFrame:
    rows, options = read_case(case), case["options"]
    if case["chart"].endswith("_funnel") or case["ruleset"] == "funnel_overdispersion":
        method = case["chart"].removesuffix("_funnel").removeprefix("funnel_")
        sr = f"sr_{options['sr_method'].lower()}" if method == "sr" else method
        spec = FunnelSpec(sr, options.get("trim_by", 0.1), options.get("limit", 99))
        table = build_funnel_table(rows, spec)
        sigma = {"lcl95": "lower_2s", "ucl95": "upper_2s"} if "lower_2s" in table else {}
        names = FUNNEL_COLUMNS | sigma
        return table.assign(**{name: table[own] for name, own in names.items() if own in table})
    results = build_results(rows)
    if case["ruleset"] == "auto_rebase":
        spec = RebaseSpec(options["baseline_n"], options["run_length"], options["direction"])
        return build_suggested_phases(results, spec)
    return name_as_peer(build_chart_table(results, build_spec(case, results)), case)


def list_differences(case: dict[str, Any], ours: pd.DataFrame, expected: pd.DataFrame) -> list[str]:
    """Each field of each row that is not within the tolerance of the case."""
    keys = case["key"]
    ours = ours.assign(**{key: _as_key(ours[key]) for key in keys})
    expected = expected.assign(**{key: _as_key(expected[key]) for key in keys})
    assert sorted(map(tuple, ours[keys].values)) == sorted(map(tuple, expected[keys].values))
    kept = ours[[*keys, *case["fields"]]].rename(columns={name: f"{name}_ours" for name in case["fields"]})
    both = expected.merge(kept, on=keys, validate="one_to_one")
    lines = [name for name in ("y", "cl", "lcl", "ucl") if name in expected]
    largest = np.nanmax(np.abs(expected[lines].to_numpy(dtype=float)), initial=0.0) if lines else 0.0
    found = []
    for field in case["fields"]:
        own = both[f"{field}_ours"]
        good = _agrees(both[field], own, case, 0.0 if field in ("phi", "tau2") else largest)
        if case.get("lenient", {}).get(field) == "na_or_cl":
            good |= own.isna() | np.isclose(own, both["cl"])
        pairs = zip(own[~good], both[field][~good], strict=True)
        found += [f"{field}: {ours!r} and not {peer!r}" for ours, peer in pairs]
    return found


def _as_key(column: pd.Series) -> pd.Series:
    """Numbers and times by their value, not by how they are written; names as they are."""
    if pd.api.types.is_numeric_dtype(column):
        return column.astype(float)
    if str(column.iloc[0])[:4].isdigit():
        return pd.to_datetime(column)
    return column.astype(str)


def _agrees(wanted: pd.Series, own: pd.Series, case: dict[str, Any], largest: float) -> pd.Series:
    if wanted.dtype == bool or own.dtype == bool:
        return wanted.astype(bool) == own.astype(bool)
    if not pd.api.types.is_numeric_dtype(wanted) or not pd.api.types.is_numeric_dtype(own):
        return wanted.astype(object).fillna("").astype(str) == own.astype(object).fillna("").astype(str)
    size = np.maximum(wanted.abs(), largest)
    near = (wanted - own).abs() <= case["tolerance"]["abs"] + case["tolerance"]["rel"] * size
    return near | (wanted.isna() & own.isna()) | (wanted == own)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_chart_agrees_with_its_reference(case):
    if case.get("expects_error"):
        with pytest.raises(ValueError):
            build_ours(case)
        return
    expected = pd.read_csv(GOLDEN / "spc" / case["expected"])
    assert list_differences(case, build_ours(case), expected) == []

"""Where we stand: the funnel of services, its limits as the golden cases have them, and what it may say."""

import json
import math
import re
import shutil
from dataclasses import asdict, replace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from repository import GOLDEN, REFERENCE, ROOT

from qi_analysis.benchmark.settings import read_benchmark_settings
from qi_analysis.benchmark.standing import (
    build_curves,
    build_limits,
    build_provider_units,
    build_standing,
    build_standing_release,
    describe_standing,
    read_provider_years,
)
from qi_analysis.charts.funnel_chart import plot_funnel, render_funnel
from qi_analysis.charts.style import Look
from qi_analysis.errors import DataProblem, RecordProblem
from qi_analysis.release import read_published_figures, write_release
from qi_analysis.report.benchmark import show_standing
from qi_analysis.report.html import percent
from qi_analysis.spc.spec import ChartProblem

TEN_PERCENT = [case for case in json.loads((GOLDEN / "spc" / "manifest.json").read_text(encoding="utf-8"))["cases"]
               if case["chart"] == "funnel_pr" and case["options"].get("trim_by", 0.1) == 0.1]  # fmt: skip
LINES = [f"{side}{level}" for level in ("95", "998") for side in ("lcl", "ucl")]
OURS = dict(zip(LINES, ["lower_95", "upper_95", "lower_998", "upper_998"], strict=True))
HEADER = "period,org_type,org_code,org_name,measure,value,months_with_value\n"


@pytest.fixture(scope="module")
def settings():
    return read_benchmark_settings(ROOT / "project" / "benchmark.toml")


def change_funnel(settings, **changes):
    return replace(settings, funnel=replace(settings.funnel, **changes))


@pytest.mark.parametrize("case", TEN_PERCENT, ids=[case["id"] for case in TEN_PERCENT])
def test_limits_phi_and_tau_are_those_of_the_golden_funnels(case):
    units = pd.read_csv(GOLDEN / "spc" / case["input"])
    wanted = pd.read_csv(GOLDEN / "spc" / case["expected"]).set_index("unit").loc[units["unit"]]
    found = build_standing(units)
    for name in ("phi", "tau2"):
        assert found[name].to_numpy() == pytest.approx(wanted[name].to_numpy(), rel=2e-6)
    assert found["tau"].iloc[0] == pytest.approx(math.sqrt(wanted["tau2"].iloc[0]), rel=2e-6)
    for peer, own in OURS.items():
        assert found[own].to_numpy() == pytest.approx(wanted[peer].to_numpy(), abs=2e-6)
        assert found[f"od_{own}"].to_numpy() == pytest.approx(wanted[f"od_{peer}"].to_numpy(), abs=2e-6)
    limit = "beyond_998" if case["options"]["limit"] == 99 else "inside_95"
    outliers = (found["place_additive"] == limit) if limit == "beyond_998" else (found["place_additive"] != limit)
    assert outliers.tolist() == wanted["outlier"].astype(bool).tolist()


def test_limits_by_hand():
    row = build_limits([400], 0.5, 4.0, 0.0021).iloc[0]
    error = 1 / 40  # 1 / (2 sqrt 400)
    for kind, width in (("", error), ("od_", math.sqrt(error**2 + 0.0021)), ("mult_", 2 * error)):
        for name, q in (("95", 1.959963984540054), ("998", 3.090232306167813)):
            high = math.sin(math.pi / 4 + q * width) ** 2
            assert row[f"{kind}upper_{name}"] == pytest.approx(high)
            assert row[f"{kind}lower_{name}"] == pytest.approx(1 - high)


def test_without_over_dispersion_all_limits_are_the_plain_ones():
    row = build_limits([50, 5000], 0.3, 0.8, 0.0)
    for name in ("lower_95", "upper_998"):
        assert row[name].tolist() == row[f"od_{name}"].tolist() == row[f"mult_{name}"].tolist()
    assert build_limits([1], 0.5, 400.0, 0.0)["mult_upper_95"].iloc[0] == 1.0


def test_a_unit_without_a_value_has_no_place_and_leaves_the_others_alone():
    units = pd.read_csv(GOLDEN / "spc" / TEN_PERCENT[0]["input"])
    more = pd.concat([units, pd.DataFrame({"unit": ["x", "y"], "numerator": [np.nan, 3], "denominator": [50, 0]})])
    found = build_standing(more.reset_index(drop=True))
    assert found["place_additive"].tail(2).tolist() == ["", ""] and found["od_lower_95"].tail(2).isna().all()
    assert found["phi"].iloc[0] == build_standing(units)["phi"].iloc[0]
    with pytest.raises(ChartProblem):
        build_standing(more.tail(2))
    with pytest.raises(ChartProblem):
        build_standing(units.drop(columns="unit"))


def test_our_service_s_figures_are_the_published_ones(settings):
    known = {"2021-22": (1605, 2345), "2022-23": (1445, 2225), "2024-25": (1535, 2590), "2025-26": (1320, 2160)}
    for year, counts in known.items():
        units = build_provider_units(settings, REFERENCE, year)
        own = units[units["is_service"]]
        assert own[["numerator", "denominator"]].astype(int).values.tolist() == [list(counts)]
        assert own["is_kept"].all() and set(units["year"]) == {year}
    assert own["months"].iloc[0] == 11  # no June 2025


def test_two_codes_in_one_year_are_one_service(settings):
    units = build_provider_units(settings, REFERENCE, "2022-23")
    assert units["is_service"].sum() == 1 and not set(units["unit"]) & {"RWK4C", "RQY58"}
    assert units.loc[units["is_service"], "months"].iloc[0] == 12  # 8 and 4


def test_latest_is_the_last_year_with_enough_services(settings):
    assert set(build_provider_units(settings, REFERENCE, "latest")["year"]) == {"2025-26"}
    assert set(build_provider_units(settings, REFERENCE)["year"]) == {"2025-26"}
    assert set(build_provider_units(change_funnel(settings, year="2021-22"), REFERENCE)["year"]) == {"2021-22"}
    for year in ("2023-24", "2030-31"):
        with pytest.raises(RecordProblem, match="Choose another"):
            build_provider_units(settings, REFERENCE, year)


def write_years(folder, rows):
    text = HEADER + "".join(
        f"2021-22,Provider,{code},SOMEWHERE,{measure},{value},{months}\n" for code, measure, value, months in rows
    )
    (folder / "benchmarks_provider_year.csv").write_text(text, encoding="utf-8")
    return folder


def list_plain(number=32):
    """Services with 60 of 100 in all months."""
    counts = [("m066_end46_completed", 60), ("m344_end47_dropout", 40)]
    return [(f"P{place:02}", name, value, 12) for place in range(number) for name, value in counts]


def test_a_share_of_two_counts_that_cover_different_months_is_left_out(settings, tmp_path):
    odd = [("ODD", "m066_end46_completed", 300, 12), ("ODD", "m344_end47_dropout", 20, 4)]
    half = [
        ("HALF", "m066_end46_completed", 300, 12),
        ("SMALL", "m066_end46_completed", 49, 12),
        ("SMALL", "m344_end47_dropout", 50, 12),
    ]
    folder = write_years(tmp_path, list_plain() + odd + half)
    units = build_provider_units(settings, folder).set_index("unit")
    assert units.loc[["ODD", "HALF", "SMALL"], "is_kept"].tolist() == [False, False, False]
    assert pd.isna(units.loc["HALF", "denominator"]) and units["is_kept"].sum() == 32
    units = build_provider_units(change_funnel(settings, months="any"), folder).set_index("unit")
    assert units.loc[["ODD", "HALF", "SMALL"], "is_kept"].tolist() == [True, False, False]


def test_an_empty_value_is_missing_and_never_zero(settings, tmp_path):
    rows = [*list_plain(), ("GONE", "m066_end46_completed", "", 0), ("GONE", "m344_end47_dropout", 500, 12)]
    units = build_provider_units(settings, write_years(tmp_path, rows)).set_index("unit")
    assert not units.loc["GONE", "is_kept"] and pd.isna(units.loc["GONE", "numerator"])


def test_the_order_of_the_file_changes_nothing(settings, tmp_path):
    text = (REFERENCE / "benchmarks_provider_year.csv").read_text(encoding="utf-8").splitlines()
    mixed = [text[0], *np.random.default_rng(1).permutation(text[1:])]
    (tmp_path / "benchmarks_provider_year.csv").write_text("\n".join(mixed) + "\n", encoding="utf-8")
    one, two = (build_provider_units(settings, folder, "2024-25") for folder in (REFERENCE, tmp_path))
    pd.testing.assert_frame_equal(one, two)


def test_a_file_that_cannot_be_used_is_named(tmp_path):
    path = tmp_path / "benchmarks_provider_year.csv"
    with pytest.raises(DataProblem, match="There is no benchmarks_provider_year.csv"):
        read_provider_years(tmp_path)
    path.write_text("period,org_type\n2021-22,Provider\n", encoding="utf-8")
    with pytest.raises(DataProblem, match="no column org_code"):
        read_provider_years(tmp_path)
    path.write_text(HEADER + "2021-22,Provider,A,B,m066_x,many,12\n", encoding="utf-8")
    with pytest.raises(DataProblem, match="not a number"):
        read_provider_years(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('year = "latest"', 'year = "2024"', "year: this must be"),
        ('year = "latest"', "year = 2024", "must be text"),
        ('proxy = "end46_share"  ', 'proxy = "li_sessions_mean"  ', "proxy: this must be a share"),
        ('limits = "additive"', 'limits = "exact"', "limits must be one of"),
        ('months = "matching"', 'months = "all"', "months must be one of"),
        ('limits = "additive"', 'limit = "additive"', 'Did you mean "limits"'),
    ],
)
def test_settings_of_the_funnel_are_checked(tmp_path, old, new, says):
    text = (ROOT / "project" / "benchmark.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "benchmark.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(RecordProblem, match=re.escape(says)):
        read_benchmark_settings(tmp_path / "benchmark.toml")


def test_without_a_funnel_the_page_says_how_to_add_one(tmp_path):
    shutil.copytree(ROOT / "project", tmp_path / "project")
    path = tmp_path / "project" / "benchmark.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"\[funnel\]\n(?:\w+ = .*\n)+", "", text), encoding="utf-8")
    empty = build_standing_release(tmp_path / "project")
    assert empty.tables == {} and "Add [funnel]" in show_standing(empty)
    with pytest.raises(RecordProblem, match=r"there is no \[funnel\]"):
        build_provider_units(read_benchmark_settings(path), REFERENCE)


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """The shipped funnel, written and read again."""
    folder = tmp_path_factory.mktemp("funnel") / "release"
    write_release(folder, build_standing_release(ROOT / "project"))
    return read_published_figures(folder)


def test_the_year_is_a_plain_argument():
    words = build_standing_release(ROOT / "project", "2022-23").facts.standing
    assert words.year == "2022-23" and "(about 1,445 of 2,225)" in words.sentences[0]


def test_only_our_service_is_named(release):
    providers = pd.read_csv(REFERENCE / "benchmarks_provider_year.csv", dtype=str)
    providers = providers[providers["org_type"] == "Provider"]
    text = str(show_standing(release)) + "".join(table.to_csv() for table in release.tables.values())
    text += json.dumps(asdict(release.facts))
    found = set(re.findall(r"[\w']+(?: [\w']+)*", text)) & {*providers["org_code"], *providers["org_name"]}
    assert found == set()
    assert release.tables["standing"]["is_service"].sum() == 1


def test_the_words_give_the_numbers_and_what_a_funnel_cannot_say(release):
    words, points = release.facts.standing, release.tables["standing"]
    units = build_provider_units(read_benchmark_settings(ROOT / "project" / "benchmark.toml"), REFERENCE)
    funnel = build_standing(units[units["is_kept"]]).iloc[0]
    said, method = " ".join(words.sentences), " ".join(words.method)
    assert f"phi = {funnel['phi']:.2f}:" in method and f"tau = {funnel['tau']:.4f}:" in method
    assert "winsorised" in method and "arcsine" in method
    assert "6 of every 10 endings of these two kinds were agreed by both sides (about 1,320 of 2,160)" in said
    assert "It covers 11 of 12 months." in said
    outside = (points["place_plain"] == "beyond_998").sum()
    assert f"would leave {outside} of the {len(points)} services outside" in said
    assert "differs between services; being inside or outside says nothing about care by itself" in said
    assert "It cannot say why, and it is not a ranking." in said
    assert f"{(~units['is_kept']).sum()} services are not shown" in said
    assert words.licence in show_standing(release) and len(words.alt.split()) < 60


def test_only_endings_speak_of_end_codes(settings):
    missed = replace(settings.funnel, proxy=next(one for one in settings.proxies if one.id == "missed_share"))
    units = build_provider_units(replace(settings, funnel=missed), REFERENCE, "2024-25")
    words = describe_standing(build_standing(units[units["is_kept"]]), 0, missed, "Ours")
    said = " ".join(words.sentences)
    assert "The way care is recorded differs" in said and "End-code" not in said and "not shown" not in said


def test_a_service_outside_or_without_figures_is_told_as_such(settings):
    units = build_provider_units(settings, REFERENCE, "2024-25")
    units = units[units["is_kept"]]
    low = units.assign(numerator=units["numerator"].mask(units["is_service"], 500.0))
    words = describe_standing(build_standing(low), 0, settings.funnel, "Ours")
    assert words.title.endswith("our service is outside the 99.8% limits")
    assert any("outside the limits that hold about 998 of every 1,000 services" in text for text in words.sentences)
    assert any("the answer is different: between" in text for text in words.sentences)
    words = describe_standing(build_standing(units[~units["is_service"]]), 0, settings.funnel, "Ours")
    assert words.title.endswith("our service has no figure for both counts")
    assert words.sentences[0].startswith("We cannot show our service")


@pytest.mark.parametrize("kind", ["od_", "mult_"])
def test_what_is_drawn_is_what_is_given(release, kind):
    points, limits = release.tables["standing"], release.tables["standing_limits"]
    axes = plot_funnel(Figure().subplots(), points, limits, kind)
    others, ours = (item.get_offsets().data for item in axes.collections)
    assert sorted(map(tuple, others)) == sorted(
        points.loc[~points["is_service"], ["denominator", "value"]].itertuples(index=False, name=None)
    )
    assert ours.tolist() == points.loc[points["is_service"], ["denominator", "value"]].values.tolist()
    assert len(axes.collections[0].get_paths()[0].vertices) != len(axes.collections[1].get_paths()[0].vertices)
    names = ["centre", *(f"{kind}{side}_{level}" for level in ("95", "998") for side in ("lower", "upper"))]
    for line, name in zip(axes.lines, names, strict=True):
        assert line.get_xdata().tolist() == limits["size"].tolist()
        assert line.get_ydata().tolist() == limits[name].tolist()
    assert axes.get_ylim() == (0, 1)


def test_the_picture_has_words_and_agrees_with_its_table(release):
    html = str(show_standing(release))
    svg = ElementTree.fromstring(re.search(r"<svg.*?</svg>", html, re.S)[0])
    words = [text.text for text in svg.iter("text")]
    assert svg.get("role") == "img" and svg.get("aria-label") == release.facts.standing.alt
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)[1:]]
    own = next(row for row in rows if row[1])
    assert own[:2] == ["2,160 (our service)", "61% (1,320 of 2,160)"] and "our service 61%" in words
    assert f"all services {own[2]}" in words and {"300", "1,000", "3,000", "10,000"} <= {row[0] for row in rows} & set(
        words
    )
    row = release.tables["standing_limits"].query("size == 2160").iloc[0]
    assert own[3] == f"{percent(row['od_lower_95'])} to {percent(row['od_upper_95'])}"
    assert own[6] == f"{percent(row['mult_lower_998'])} to {percent(row['mult_upper_998'])}"
    last = release.tables["standing_limits"].iloc[-1]
    assert f"99.8% high {percent(last['od_upper_998'])}" in words


def test_the_same_funnel_gives_the_same_bytes_and_an_empty_one_is_refused(release):
    points, limits = release.tables["standing"], release.tables["standing_limits"]
    one, two = (render_funnel(points, limits, "od_", Look("a", "alt")) for _ in range(2))
    assert one == two
    with pytest.raises(ValueError):
        render_funnel(points.head(0), limits, "od_", Look("a", "alt"))


def test_curves_reach_from_the_smallest_to_the_largest_service(settings):
    units = build_provider_units(settings, REFERENCE, "2024-25")
    standing = build_standing(units[units["is_kept"]])
    curves = build_curves(standing)
    assert (curves["size"].min(), curves["size"].max()) == (
        standing["denominator"].min(),
        standing["denominator"].max(),
    )
    assert curves.loc[curves["is_listed"], "size"].tolist() == [300, 1000, 3000, 10000, 30000]
    assert 2590 in curves["size"].tolist()

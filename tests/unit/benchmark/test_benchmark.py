"""The published figures reproduced, and what the page says about them.

The expected numbers were worked out by hand from NHS England's monthly file and annual reports.
"""

import shutil
from datetime import date

import pandas as pd
import pytest
from repository import REFERENCE, ROOT

from qi_analysis.benchmark.figures import (
    LICENCE,
    build_benchmark,
    build_benchmark_chart,
    build_provider_spread,
    build_yearly_totals,
    describe_proxy,
    describe_spread,
)
from qi_analysis.benchmark.settings import read_benchmark_settings
from qi_analysis.errors import DataProblem, RecordProblem

SETTINGS = ROOT / "project" / "benchmark.toml"
LINE = "2021-01,Provider,RWK4C,M344,count,55\n"
YEARS = ["2021-22", "2022-23", "2023-24", "2024-25"]


def build_yearly_shares(results: pd.DataFrame) -> pd.DataFrame:
    """The proxies by financial year (April to March), of the months that were published.

    Columns org, org_name, measure_id, year ("2021-22"), numerator, denominator, months, value. A share is sum
    over sum; a published mean is the plain average of its months. `months` under 12: the year is not whole.
    """
    known = results[results["value"].notna()]
    start = known["interval_start"].dt.year - (known["interval_start"].dt.month < 4)
    year = start.astype(str) + "-" + ((start + 1) % 100).astype(str).str.zfill(2)
    grouped = known.assign(year=year).groupby(["org", "org_name", "measure_id", "year"])
    sums = grouped[["numerator", "denominator"]].sum(min_count=1)
    means = grouped["value"].agg(months="size", mean="mean")
    value = (sums["numerator"] / sums["denominator"]).fillna(means["mean"])
    return sums.assign(months=means["months"], value=value).reset_index()


def find_proxy(settings, proxy_id):
    return next(one for one in settings.proxies if one.id == proxy_id)


@pytest.fixture(scope="module")
def settings():
    return read_benchmark_settings(SETTINGS)


@pytest.fixture(scope="module")
def results(settings):
    return build_benchmark(settings, REFERENCE)


@pytest.fixture(scope="module")
def yearly(results):
    return build_yearly_shares(results).set_index(["org", "measure_id", "year"])


@pytest.mark.parametrize(
    ("org", "proxy", "expected"),
    [
        ("service", "end46_share", [68.4, 64.9, 65.5, 59.3]),
        ("comparator", "end46_share", [61.9, 60.4, 62.7, 63.7]),
        ("service", "missed_share", [11.8, 12.6, 12.0, 11.1]),
        ("comparator", "missed_share", [10.0, 9.9, 9.5, 9.0]),
        ("service", "finished_share", [50.8, 52.3, 48.8, 50.8]),
        ("comparator", "finished_share", [57.7, 55.7, 55.0, 57.0]),
        ("service", "treated_once_share", [38.3, 38.0, 41.4, 40.6]),
    ],
)
def test_published_shares_by_financial_year(yearly, org, proxy, expected):
    rows = yearly.loc[[(org, proxy, year) for year in YEARS]]
    assert (100 * rows["value"]).round(1).tolist() == expected
    assert (rows["months"] == 12).all()


def test_published_mean_of_li_sessions(yearly):
    rows = yearly.loc[[("service", "li_sessions_mean", year) for year in YEARS]]
    assert rows["value"].round(1).tolist() == [4.5, 4.1, 4.2, 4.3]
    assert rows[["numerator", "denominator"]].isna().all(axis=None)


def test_monthly_sums_are_those_of_the_yearly_file(yearly):
    row = yearly.loc[("service", "end46_share", "2021-22")]
    assert (row["numerator"], row["denominator"]) == (1605, 1605 + 740)
    both_codes = yearly.loc[("service", "missed_share", "2022-23")]
    assert (both_codes["numerator"], both_codes["denominator"]) == (2580 + 1025, 19730 + 8900)


def test_before_the_project_and_after(results):
    rows = results[(results["org"] == "service") & (results["measure_id"] == "end46_share")]
    rows = rows.set_index("interval_start")
    before, after = rows.loc["2021-01":"2021-04"], rows.loc["2021-05":"2022-03"]
    assert round(100 * before["numerator"].sum() / before["denominator"].sum(), 1) == 73.3
    assert round(100 * after["numerator"].sum() / after["denominator"].sum(), 1) == 68.0


def test_a_month_that_was_not_published_is_a_gap(results):
    assert len(results) == 2 * 5 * 63
    empty = results[results["value"].isna()]
    assert set(empty["org"]) == {"service"} and empty["measure_id"].nunique() == 5
    assert set(empty["interval_start"].dt.date) == {date(2025, 6, 1)}
    assert empty[["numerator", "denominator"]].isna().all(axis=None)


def test_results_have_the_tidy_shape(results):
    first = results.iloc[0]
    assert first["interval_start"].date() == date(2021, 1, 1)
    assert first["interval_end"].date() == date(2021, 1, 31)
    assert first["clock"] == "national"
    assert not results.duplicated(["org", "measure_id", "interval_start"]).any()


def test_limits_start_again_where_the_code_changed(results, settings):
    proxy = find_proxy(settings, "end46_share")
    chart = build_benchmark_chart(results, proxy, settings)
    first = chart.groupby("phase")["interval_start"].min().dt.date
    assert first.to_dict() == {1: date(2021, 1, 1), 2: date(2022, 12, 1)}
    gap = chart[chart["interval_start"] == "2025-06-01"].iloc[0]
    assert not gap["is_drawn"] and gap["signal"] == ""
    assert set(build_benchmark_chart(results, proxy, settings, "comparator")["phase"]) == {1}


def test_yearly_totals_are_those_of_the_annual_reports(settings):
    totals = build_yearly_totals(settings, REFERENCE).set_index(["org", "year"])
    england, service = totals.loc[("comparator", "2021-22")], totals.loc[("service", "2018-19")]
    assert (england["referrals"], england["finished"]) == (1812596, 664087)
    assert round(100 * england["recovery"], 1) == 50.2
    assert (service["referrals"], service["finished"]) == (205 + 6940, 210 + 1445)
    assert totals.loc[("service", "2022-23"), "recovered"] == 785 + 310


def test_spread_of_services(settings):
    spread = build_provider_spread(settings, REFERENCE).set_index(["measure_id", "year"])
    shares = (100 * spread.loc[("end46_share", "2024-25"), ["low", "middle", "high"]].astype(float)).round(0)
    assert shares.tolist() == [46, 66, 88]
    missed = 100 * spread.loc[("missed_share", "2024-25"), ["low", "middle", "high"]].astype(float)
    assert missed.round(1).tolist() == [5.5, 8.2, 12.5]
    assert ("end46_share", "2023-24") not in spread.index  # only the service's own row is shipped
    told = describe_spread(spread.reset_index(), find_proxy(settings, "end46_share"))
    assert told.startswith("In 2025-26, 8 of every 10 services lay between 49% and 83%, with 67% in the")


@pytest.fixture(scope="module")
def words(results, settings):
    return {
        proxy.id: describe_proxy(build_benchmark_chart(results, proxy, settings), results, proxy, settings)
        for proxy in settings.proxies
    }


class TestWords:
    def test_no_sustained_rise_after_the_project_began(self, words):
        told = words["end46_share"].project
        assert "Before the project began in May 2021 (January to April 2021): 73% (about 605 of 825)." in told
        assert "After it began, May 2021 to March 2022: 68% (about 1,455 of 2,140)." in told
        assert "That is 5 points lower. We see no sustained rise after May 2021." in told
        assert told.endswith("Dates alone do not tell us why.")

    def test_what_was_sustained_is_said_in_either_direction(self, words):
        missed = "below the level from before the project for 19 published months in a row, August 2024"
        assert missed in words["missed_share"].project
        assert "no sustained" not in words["missed_share"].project
        assert "no sustained fall after May 2021" in words["treated_once_share"].project
        assert "above the level from before the project for 47" in words["treated_once_share"].project

    def test_the_last_twelve_published_months(self, words):
        told = words["end46_share"].latest
        assert "March 2025 to March 2026: 62% (about 1,500 of 2,430)." in told
        assert "March 2024 to February 2025: 59% (about 1,475 of 2,505)." in told
        assert told.endswith("The last 12 are 3 points higher.")

    def test_england_in_the_same_months(self, words):
        told = words["end46_share"].comparator
        assert told.startswith("England in the same months: 64% (432,858 of 676,839).")
        assert "The service is 2 points lower." in told
        assert "England's own last 12 are about the same as its 12 before." in told

    def test_signals_good_bad_and_none(self, words):
        assert "a change for the worse" in words["end46_share"].signal
        assert "a change for the better" in words["missed_share"].signal
        assert "no clear change" in words["li_sessions_mean"].signal

    def test_the_code_is_a_label_and_the_gap_no_zero(self, words):
        for told in words.values():
            assert "changed in December 2022" in told.code_change
            assert "a change of label, not of care" in told.code_change
            assert told.gaps == "There is no published figure for June 2025. That is a gap, not a zero."

    def test_cause_is_never_claimed(self, words):
        everything = " ".join(text for told in words.values() for text in told.sentences)
        assert "because of" not in everything and "thanks to" not in everything
        assert "nan" not in everything.lower().split()

    def test_alt_text_is_short(self, words):
        assert all(len(told.alt.split()) < 60 for told in words.values())

    def test_licence(self):
        assert LICENCE.endswith("Open Government Licence v3.0") and "NHS England" in LICENCE


class TestReference:
    @pytest.fixture
    def folder(self, tmp_path):
        shutil.copy(REFERENCE / "service_monthly.csv", tmp_path)
        return tmp_path

    def add(self, folder, *lines):
        with (folder / "service_monthly.csv").open("a", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)

    def change(self, folder, old, new):
        path = folder / "service_monthly.csv"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), encoding="utf-8")

    def test_an_identical_double_row_is_collapsed(self, folder, settings, results):
        self.add(folder, "2021-01,Provider,RWK4C,M066,count,150")
        assert build_benchmark(settings, folder).equals(results)

    def test_a_conflict_is_refused_without_repeating_it(self, folder, settings):
        self.add(folder, "2021-01,Provider,RWK4C,M066,count,155")
        with pytest.raises(DataProblem, match="2021-01, RWK4C, M066: there are two different") as caught:
            build_benchmark(settings, folder)
        assert "155" not in str(caught.value)

    @pytest.mark.parametrize("mark", ["", "*", "-"])
    def test_suppressed_is_not_zero(self, folder, settings, mark):
        self.change(folder, LINE, LINE.replace("55", mark))
        rows = build_benchmark(settings, folder).set_index(["org", "measure_id", "interval_start"])
        row = rows.loc[("service", "end46_share", "2021-01-01")]
        assert row[["numerator", "denominator", "value"]].isna().all()

    def test_a_row_that_is_missing_is_not_zero(self, folder, settings):
        self.change(folder, LINE, "")
        rows = build_benchmark(settings, folder).set_index(["org", "measure_id", "interval_start"])
        assert rows.loc[("service", "end46_share", "2021-01-01")][["denominator", "value"]].isna().all()

    def test_each_month_is_read_under_the_code_in_use_then(self, folder, settings, results):
        self.add(folder, "2021-01,Provider,RQY58,M066,count,999")
        assert build_benchmark(settings, folder).equals(results)

    def test_text_in_place_of_a_number_is_refused(self, folder, settings):
        self.change(folder, LINE, LINE.replace("55", "secret"))
        with pytest.raises(DataProblem, match=r"service_monthly.csv, line \d+: the value is not") as caught:
            build_benchmark(settings, folder)
        assert "secret" not in str(caught.value)

    def test_a_period_in_another_style_is_refused(self, folder, settings):
        self.change(folder, LINE, LINE.replace("2021-01", "01/02/2021"))
        with pytest.raises(DataProblem, match=r"line \d+: the period is not like 2021-04"):
            build_benchmark(settings, folder)

    def test_a_file_that_cannot_be_read(self, folder, settings):
        (folder / "service_monthly.csv").write_bytes(b"period,value\n\xff\xfe,5\n")
        with pytest.raises(DataProblem, match="not a readable CSV file"):
            build_benchmark(settings, folder)

    def test_a_file_that_is_missing_or_lacks_a_column(self, folder, settings):
        (folder / "service_monthly.csv").write_text("period,value\n2021-01,5\n", encoding="utf-8")
        with pytest.raises(DataProblem, match="there is no column org_type"):
            build_benchmark(settings, folder)
        (folder / "service_monthly.csv").unlink()
        with pytest.raises(DataProblem, match=r"There is no service_monthly\.csv"):
            build_benchmark(settings, folder)


class TestSettings:
    def read(self, tmp_path, *changes):
        text = SETTINGS.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "benchmark.toml"
        path.write_text(text, encoding="utf-8")
        return read_benchmark_settings(path)

    def test_as_shipped(self, settings):
        assert [code.code for code in settings.codes] == ["RWK1G", "RWK4C", "RQY58"]
        assert settings.codes[1].last == date(2022, 11, 30) and settings.codes[2].from_ == date(2022, 12, 1)
        assert find_proxy(settings, "end46_share").measures == ("M066", "M344")
        assert find_proxy(settings, "missed_share").words.better.startswith("Fewer")
        assert "M153" in find_proxy(settings, "finished_share").note

    def test_the_page_chooses_and_orders(self, tmp_path):
        shown = '["end46_share", "finished_share", "treated_once_share", "missed_share", "li_sessions_mean"]'
        read = self.read(tmp_path, (shown, '["missed_share", "end46_share"]'))
        assert [proxy.id for proxy in read.proxies] == ["missed_share", "end46_share"]

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ('good = "up"', 'god = "up"', '"god" is not a field I know. Did you mean "good"?'),
            ('good = "up"', 'good = "better"', "line 48, good must be one of up, down, either."),
            ('unit = "share"', "", 'benchmark.toml, line 43: "unit" is missing. Add the line.'),
            ('"M066", "M344"', '"M066", "344"', "hold national measure ids such as M066"),
            ('numerator = ["M066"]', "", "give a numerator and a denominator, or a published mean"),
            ('published = "M120"', "", "give a numerator and a denominator, or a published mean"),
            ('"{share} endings of', '"endings of', "people must hold {share} or {value}"),
            ('page = ["end46_share"', 'page = ["end_46_share"', 'Did you mean "end46_share"?'),
            ('id = "finished_share"', 'id = "end46_share"', 'two proxies are both called "end46_share"'),
            ("from = 2022-12-01", "from = 2022-11-01", "codes: RQY58 starts before RWK4C ends"),
            ("to = 2022-11-30", "to = 2018-03-01", "code RWK4C: the end (1 Mar 2018) is before the start"),
            (
                "project_began = 2021-05-01",
                'project_began = "May"',
                "project_began: this is not a date. Write 2022-06-14.",
            ),
            ("2022-03-31", "2021-03-31", "first_look_ends: this must be after project_began"),
            ('org_type = "England"', 'orgtype = "England"', 'Did you mean "org_type"?'),
            ('name = "England"', "name = England", "line 13: I cannot read this line"),
            ("[comparator]", "[comparater]", '"comparater" is not a field I know. Did you mean "comparator"?'),
            ('id = "end46_share"', "", 'line 43: "id" is missing'),
        ],
    )
    def test_faults_are_said_in_words(self, tmp_path, old, new, message):
        with pytest.raises(RecordProblem) as caught:
            self.read(tmp_path, (old, new))
        told = str(caught.value)
        assert message in told
        assert all(line.startswith(("benchmark.toml, ", "benchmark.toml: ")) for line in told.splitlines())

    def test_faults_are_listed_together(self, tmp_path):
        with pytest.raises(RecordProblem) as caught:
            self.read(tmp_path, ('good = "up"', 'good = "better"'), ('page = ["end46', 'page = ["end47'))
        assert len(str(caught.value).splitlines()) == 2

    def test_no_file(self, tmp_path):
        with pytest.raises(RecordProblem, match=r"There is no benchmark\.toml"):
            read_benchmark_settings(tmp_path / "benchmark.toml")

    def test_a_measure_or_code_that_is_not_published(self, tmp_path):
        unknown = self.read(tmp_path, ('numerator = ["M066"]', 'numerator = ["M999"]'))
        with pytest.raises(RecordProblem, match="proxy end46_share: M999 is not among the figures"):
            build_benchmark(unknown, REFERENCE)
        nowhere = self.read(tmp_path, ('"RWK4C"', '"XXX1"'), ('"RQY58"', '"XXX2"'))
        with pytest.raises(RecordProblem, match="codes: none has a figure"):
            build_benchmark(nowhere, REFERENCE)

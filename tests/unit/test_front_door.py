"""The library as an analyst meets it: `import qi_analysis as qi`, from any folder, and the examples of docs/api.md."""

import doctest
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import qi_analysis as qi
from qi_analysis import cli
from qi_analysis.errors import RecordProblem
from qi_analysis.run.api_page import find_function, list_front_door, render_api_page
from qi_analysis.storage import make_project

ROOT = Path(__file__).parents[2]
FRONT_DOOR = {
    "open_project", "read_record", "read_extract", "build_tables", "build_pathways", "build_results", "ChartSpec",
    "build_chart_table", "render_control_chart", "load_review", "load_workshop", "load_record", "pages", "check_page",
}  # fmt: skip


def ask_fresh(code: str) -> str:
    """What a new interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_the_front_door_offers_what_an_analyst_needs():
    assert set(qi.__all__) >= FRONT_DOOR
    assert all(getattr(qi, name) is not None for name in qi.__all__)
    assert set(dir(qi)) >= FRONT_DOOR


def test_importing_it_loads_neither_pandas_nor_a_room():
    code = "import sys, qi_analysis; print(sorted(n for n in sys.modules if n.startswith(('pandas', 'numpy', 'qi_'))))"
    assert ask_fresh(code) == "['qi_analysis']"


def test_a_name_it_does_not_have_is_no_attribute():
    with pytest.raises(AttributeError, match="no attribute 'analyze'"):
        qi.analyze  # noqa: B018


def test_control_charts_have_a_front_door_of_their_own():
    from qi_analysis.spc import ChartSpec, build_chart_table

    assert (ChartSpec, build_chart_table) == (qi.ChartSpec, qi.build_chart_table)
    code = "import sys, qi_analysis.spc.spec; print('pandas' in sys.modules)"
    assert ask_fresh(code) == "False"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, small_extract):
    """A project made by `qi init` that holds the small extract."""
    places = make_project(tmp_path_factory.mktemp("elsewhere") / "service")
    for path in small_extract.iterdir():
        shutil.copy(path, places.raw / path.name)
    return places.root


@pytest.fixture(scope="module")
def opened(folder):
    return qi.open_project(folder)


def test_from_extract_to_chart_in_three_lines(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    project = qi.open_project(folder)
    chart = project.chart("li_completion")
    assert chart._repr_svg_().startswith("<svg ") and chart.svg in chart._repr_html_()
    assert "Synthetic data" in chart._repr_html_()
    assert chart.table["measure_id"].unique().tolist() == ["li_completion"]


def test_the_ledger_closes(opened):
    rows = opened.ledger
    assert (rows["rows_in"] == rows["used"] + rows["merged"] + rows["set_aside"]).all()
    assert len(opened.set_aside) == rows["set_aside"].sum()
    assert opened.quality["rows"].min() > 0


def test_each_step_is_worked_out_once(opened):
    for name in ("tables", "pathways", "results", "ledger", "record"):
        assert getattr(opened, name) is getattr(opened, name)


def test_the_steps_by_hand_give_the_same(opened, folder):
    record = qi.read_record(folder / "project")
    tables, _ = qi.build_tables(qi.read_extract(folder / "data" / "raw", record.columns), record)
    pathways = qi.build_pathways(tables, record.completion, date(2021, 7, 31))
    pd.testing.assert_frame_equal(pathways.referrals, opened.pathways.referrals)
    results = qi.build_results(pathways, record.completion, opened.period, record.measures)
    pd.testing.assert_frame_equal(results, opened.results)


@pytest.mark.parametrize(
    "day, month, known",
    [("2021-05", "2021-05", date(2021, 5, 31)), ("2021-05-20", "2021-04", date(2021, 5, 20)), (date(2021, 6, 30), "2021-06", date(2021, 6, 30))],
)  # fmt: skip
def test_as_at_another_day(opened, day, month, known):
    other = opened.as_at(day)
    assert other.tables is opened.tables
    assert (other.period.id, other.pathways.as_at) == (month, known)
    assert other.results["interval_start"].max() == pd.Timestamp(f"{month}-01")


def test_monthly_is_tidy_and_takes_the_clock_of_the_block(opened):
    months = opened.monthly("li_completion")
    assert months["clock"].unique().tolist() == ["end"] and months["interval_start"].is_monotonic_increasing
    assert opened.monthly("li_completion", "start")["clock"].unique().tolist() == ["start"]
    assert not opened.monthly("M031").empty


@pytest.mark.parametrize(
    "ask, words",
    [
        (lambda one: one.monthly("li_complet"), "no measure 'li_complet'. Did you mean \"li_completion\"?"),
        (lambda one: one.monthly("li_completion", "national"), "Choose one of: end, start."),
        (lambda one: one.chart("nothing_like_it"), "no measure 'nothing_like_it'."),
        (lambda one: one.as_at("soon"), "2022-08"),
    ],
)
def test_a_wrong_word_is_told(opened, ask, words):
    with pytest.raises(RecordProblem, match=re.escape(words)):
        ask(opened)


def test_a_measure_of_no_block_is_drawn_too(opened):
    chart = opened.chart("M031")
    assert chart.table["centre"].notna().any() and "M031" in chart.svg
    mine = opened.chart("li_completion", qi.ChartSpec(chart="run", baseline_points=None))
    assert mine.table["lower"].isna().all()


def test_a_month_that_qi_run_would_stop_for_is_told(folder, tmp_path):
    copy = tmp_path / "service"
    shutil.copytree(folder, copy)
    contacts = copy / "data" / "raw" / "IDS201CareContact.csv"
    lines = contacts.read_text().splitlines(keepends=True)
    contacts.write_text("".join(line for line in lines if "2021-06-" not in line))
    with pytest.warns(UserWarning, match="June 2021 has far fewer contacts"):
        assert not qi.open_project(copy).results.empty


def test_no_project_is_told(tmp_path):
    with pytest.raises(RecordProblem, match="is no qi_analysis project"):
        qi.open_project(tmp_path)


def run_qi(*words) -> tuple[int, str]:
    done = CliRunner().invoke(cli.app, [str(word) for word in words])
    return (done.exception.exit_code if isinstance(done.exception, RecordProblem) else done.exit_code), done.output


def list_commands() -> list[list[str]]:
    names = [command.name or command.callback.__name__ for command in cli.app.registered_commands]
    kinds = [command.name for command in cli.app.registered_groups[0].typer_instance.registered_commands]
    return [[name.replace("_", "-")] for name in names] + [["new", kind] for kind in kinds]


@pytest.mark.parametrize("words", [one for one in list_commands() if one != ["init"]], ids=" ".join)
def test_every_command_takes_a_project(words):
    code, output = run_qi(*words, "--help")
    assert code == 0 and "--project" in output


@pytest.mark.slow
def test_a_command_works_from_another_folder(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_qi("list", "--project", folder)[0] == 0
    code, output = run_qi("check", "--project", folder)
    assert code == 0 and "Everything that is needed is there." in output
    assert run_qi("list")[0] == run_qi("list", "--project", tmp_path)[0] == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_init_makes_an_empty_project_that_holds_together(tmp_path):
    folder = tmp_path / "a service"
    assert run_qi("init", folder)[0] == 0
    made = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {
        "project/project.toml",
        "project/completion.toml",
        "notebooks/02_completion_review.ipynb",
        ".gitignore",
    } <= made
    assert not qi.open_project(folder)._source.places.has_extract
    assert run_qi("check", "--record", "--project", folder)[0] == 0
    assert run_qi("init", folder)[0] == 2  # never over something


def test_init_in_the_folder_of_a_new_repository(tmp_path):
    (tmp_path / ".git").mkdir()
    assert run_qi("init", tmp_path)[0] == 0


def test_the_page_of_the_library_is_made_from_its_docstrings():
    assert (ROOT / "docs" / "api.md").read_text(encoding="utf-8") == render_api_page()


@pytest.mark.slow
def test_the_examples_run(published_july, monkeypatch):
    monkeypatch.chdir(published_july.root)
    runner = doctest.DocTestRunner()
    finder = doctest.DocTestFinder(recurse=False)
    for name, offered in list_front_door().items():
        for example in finder.find(find_function(offered), name, globs={}):
            runner.run(example)
    done = runner.summarize()
    assert done.failed == 0 and done.attempted > 40


def test_every_function_of_the_front_door_has_an_example():
    documented = {name: find_function(one).__doc__ or "" for name, one in list_front_door().items()}
    without = [name for name, text in documented.items() if name.startswith("qi.") and ">>>" not in text]
    assert without == []

"""The spine from raw files to published pages, run for real: what is published, when, and what a failure leaves."""

import json
import shutil

import nbformat
import pandas as pd
import pytest
from service import REVIEW, add_cell, change_notebook, copy, copy_with, go, qi, read_all, shorten

from qi_analysis.errors import DataProblem, GateClosed, RecordProblem, RunFailed
from qi_analysis.extract.sample.generate import write_sample
from qi_analysis.run.notebooks import check_parameters, run_notebook

PAGES = ["completion_review.html", "completion_review_analyst.html", "completion_review_plain.html"]
PUBLISHED = [*PAGES, "manifest.json", "results.csv", "verdict.json"]


def test_one_run_publishes_a_whole_review_and_a_second_says_nothing_new(project):
    shorten(project)
    (outcome,) = go(project)
    assert (outcome.period_id, outcome.exit_code, outcome.is_new) == ("2021-07", 0, True)
    assert "too early to say" in outcome.line
    assert sorted(p.name for p in (project.reports / "2021-07").iterdir()) == PUBLISHED
    before = read_all(project.reports)
    (again,) = go(project)
    assert "nothing new" in again.line and not again.is_new
    assert read_all(project.reports) == before


def test_a_review_says_what_is_new_since_the_last_one(published_july):
    manifest = json.loads((published_july.reports / "2021-06" / "manifest.json").read_text())
    assert manifest["record"]["definitions"]["li_completion"] == "li_completed/li_ended/end/p"
    first, second = (
        (published_july.reports / month / "completion_review.html").read_text(encoding="utf-8")
        for month in ("2021-06", "2021-07")
    )
    assert "This is the first report" in first and "This is the first report" not in second
    assert "Compared with: Review of June 2021, revision 1." in second


def test_the_manifest_says_what_the_review_was_made_from(published_july):
    manifest = json.loads((published_july.reports / "2021-07" / "manifest.json").read_text())
    assert manifest["data_kind"] == "synthetic" and manifest["revision"] == 1
    assert {one["holds"] for one in manifest["inputs"]} >= {"IDS101 referrals", "IDS201 contacts"}
    assert all(len(one["sha256"]) == 64 and one["rows_in"] > 0 for one in manifest["inputs"])
    assert manifest["versions"]["pandas"] == pd.__version__
    assert set(manifest["settings"]) == {"code", "record", "notebooks", "reference", "versions"}


def test_every_period_side_by_side_shows_the_figures_of_one_after_the_other(tmp_path):
    write_sample(tmp_path / "extract", months=4)
    fast, slow = (copy_with(tmp_path / name, tmp_path / "extract") for name in ("side by side", "one after the other"))
    shorten(fast)
    shorten(slow)
    outcomes = go(fast, "all")
    assert [o.period_id for o in outcomes] == [f"2021-{month:02d}" for month in range(1, 5)]
    assert all(o.exit_code == 0 and o.is_new for o in outcomes)
    for month in ("2021-01", "2021-02", "2021-03"):
        go(slow, month)
        shown = [places.reports / month / "results.csv" for places in (slow, fast)]
        assert shown[0].read_bytes() == shown[1].read_bytes()
    assert all(not o.is_new for o in go(fast, "all"))


def test_an_old_month_is_seen_as_it_stood(published_june):
    results = pd.read_csv(published_june.workshop("2021-06") / "results.csv")
    assert results["interval_end"].max() == "2021-06-30"
    pathways = pd.read_parquet(published_june.workshop("2021-06") / "pathways.parquet")
    assert pathways["ended_on"].max() <= pd.Timestamp("2021-06-30")


def test_changed_data_makes_a_second_revision_beside_the_first(after_july):
    first = read_all(after_july.reports / "2021-07")
    path = after_july.raw / "IDS101Referral.csv"
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    gone = rows["ReferralRequestReceivedDate"].eq("2021-05-04")
    assert gone.any()
    rows[~gone].to_csv(path, index=False)
    (outcome,) = go(after_july)
    assert outcome.is_new and "revision 2" in outcome.line
    assert read_all(after_july.reports / "2021-07") == first
    second = after_july.reports / "2021-07-revision-2"
    moved = json.loads((second / "manifest.json").read_text())["moved"]
    assert any(month == "May 2021" and "(M001)" in measure for month, measure, _, _ in moved)
    page = (second / "completion_review.html").read_text()
    assert "Months whose figure moved" in page and "Revision" in page
    index = (after_july.reports / "index.html").read_text()
    assert index.index("2021-07-revision-2/") < index.index('"2021-07/')


def test_new_data_that_moves_no_figure_publishes_nothing(after_july):
    before = read_all(after_july.reports)
    path = after_july.raw / "IDS101Referral.csv"
    path.write_bytes(path.read_bytes() + path.read_bytes().splitlines(keepends=True)[-1])
    (outcome,) = go(after_july)
    assert "no published figure moved" in outcome.line
    assert read_all(after_july.reports) == before


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "kernel died"),
        ("raise ValueError('9434765919')", "ended with ValueError"),
        ("import sys\nsys.exit()", "code cells ran|ended with"),
        ("import sys\nprint('old', file=sys.stderr)", "wrote a warning"),
        ("import os\nos._exit(0)", "kernel died"),
    ],
)
def test_a_notebook_that_does_not_run_to_its_end_publishes_nothing(service, source, words):
    before = read_all(service.reports)
    change_notebook(service, add_cell(source))
    with pytest.raises(RunFailed, match=words) as caught:
        go(service, "2021-07")
    assert "9434765919" not in str(caught.value)
    assert read_all(service.reports) == before


def test_a_cell_that_runs_too_long_is_a_failure(after_june, tmp_path):
    change_notebook(after_june, add_cell("import time\ntime.sleep(60)"))
    with pytest.raises(RunFailed, match="longer than 2 seconds"):
        run_notebook(after_june.notebooks / REVIEW, tmp_path, {"period": "2021-06"}, after_june.root, 2)


def edit_parameters(text):
    def change(notebook):
        cell = next(c for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
        cell.source = text

    return change


def drop_tag(notebook):
    for cell in notebook.cells:
        cell.metadata.pop("tags", None)


def never_read(notebook):
    for cell in notebook.cells:
        cell.source = cell.source.replace("load_review(period)", 'load_review("latest")')


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (edit_parameters('period = "latest"\nedition = "team"'), "'edition', which is no parameter"),
        (edit_parameters("edition = 'team'"), "'edition', which is no parameter"),
        (edit_parameters("period = 202206"), "must be str"),
        (edit_parameters("period = str(2022)"), "may only hold lines"),
        (drop_tag, "exactly one cell"),
        (never_read, "never read"),
    ],
)
def test_parameters_are_checked_by_name_and_type_before_anything_runs(project, change, words):
    change_notebook(project, change)
    with pytest.raises(RecordProblem, match=words):
        go(project)
    assert not list(project.reports.glob("2*"))


def test_a_parameter_that_is_not_known_or_of_another_type_is_refused(project):
    path = project.notebooks / REVIEW
    notebook = nbformat.read(path, 4)
    with pytest.raises(RecordProblem, match="not a parameter"):
        check_parameters(path, notebook, {"perod": "2021-07"})
    with pytest.raises(RecordProblem, match="must be str"):
        check_parameters(path, notebook, {"period": 202107})


def test_the_review_notebook_needs_the_release_and_nothing_else(after_july, tmp_path):
    shutil.rmtree(after_july.workshop("2021-07"))
    shutil.rmtree(after_july.raw)
    executed = run_notebook(after_july.notebooks / REVIEW, tmp_path, {"period": "2021-07"}, after_july.root, 120)
    assert executed.cells


def test_a_closed_gate_publishes_nothing(project):
    shorten(project)
    change_notebook(project, add_cell("from IPython.display import HTML\nHTML('<p>943 476 5919</p>')"))
    with pytest.raises(GateClosed, match="an NHS number") as caught:
        go(project)
    assert "943" not in str(caught.value)
    assert not list(project.reports.glob("2*"))


@pytest.mark.parametrize("wanted", ["2022-13", "202207", "../../2021-07", "latest "])
def test_a_period_that_is_no_month_is_refused(project, wanted):
    with pytest.raises(RecordProblem, match="not a month"):
        go(project, wanted)


def test_a_month_without_data_is_refused_with_those_there_are(project):
    with pytest.raises(DataProblem, match="2021-01 to 2021-07"):
        go(project, "2021-08")


def test_a_month_far_too_small_stops_the_run(project):
    path = project.raw / "IDS201CareContact.csv"
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    month = rows["CareContDate"].str.contains("2021-06|/06/2021")
    rows[~month].to_csv(path, index=False)
    with pytest.raises(DataProblem, match="June 2021 has"):
        go(project)
    assert not list(project.reports.glob("2*"))


@pytest.fixture(scope="module")
def commanded(short_june, tmp_path_factory):
    """How `qi run latest` ended, and its project; not to be changed."""
    places = copy(short_june, tmp_path_factory.mktemp("commanded") / "service")
    return qi(places, "run", "latest"), places


def test_the_command_ends_with_the_verdict_and_its_exit_code(commanded, tmp_path):
    done, project = commanded[0], copy(commanded[1], tmp_path / "service")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("July 2021: It is too early to say.")
    assert "2021-07  revision 1" in qi(project, "list").stdout
    assert qi(project, "run", "2025-01").returncode == 1
    assert qi(project, "run", "soon").returncode == 2
    (project.record / "project.toml").write_text("title = ")
    broken = qi(project, "run", "latest")
    assert broken.returncode == 2 and "project.toml" in broken.stderr
    assert "Traceback" not in broken.stderr + broken.stdout


def test_the_log_names_stages_and_no_value_of_a_row(commanded, small_extract):
    (log,) = (commanded[1].processed / "logs").iterdir()
    text = log.read_text()
    assert "cleaned in" in text and "published" in text
    people = pd.read_csv(small_extract / "IDS001MPI.csv", dtype=str)
    for column in ("LocalPatientId", "NHSNumber", "Postcode", "PersonBirthDate"):
        values = people[column].dropna().unique()
        assert not any(value in text.split() for value in values)


def test_check_says_what_was_recognised_and_the_nearest_heading(project):
    path = project.raw / "IDS101Referral.csv"
    text = path.read_text().replace("ReferralRequestReceivedDate", "ReferralReceivedDate", 1)
    path.write_text(text)
    done = qi(project, "check")
    assert done.returncode == 1
    assert "ServiceRequestId = referral_id" in done.stdout
    assert "ReferralRequestReceivedDate (needed); the nearest heading is 'ReferralReceivedDate'" in done.stdout
    stopped = qi(project, "run", "latest")
    assert stopped.returncode == 1 and "ReferralReceivedDate" in stopped.stderr


def test_what_is_stored_is_for_its_owner_and_holds_no_person(published_july, small_extract):
    workshop = published_july.workshop("2021-07")
    assert workshop.stat().st_mode & 0o777 == 0o700
    people = pd.read_csv(small_extract / "IDS001MPI.csv", dtype=str)
    secrets = (
        set(people["NHSNumber"].dropna()) | set(people["Postcode"].dropna()) | set(people["PersonBirthDate"].dropna())
    )
    for path in workshop.glob("*.parquet"):
        table = pd.read_parquet(path)
        for name in table.select_dtypes(["object", "string"]):
            assert not secrets & set(table[name].dropna().astype(str)), (path.name, name)
    ledger = pd.read_csv(workshop / "ledger.csv")
    assert (ledger["rows_in"] == ledger["used"] + ledger["merged"] + ledger["set_aside"]).all()
    aside = pd.read_csv(workshop / "set_aside.csv")
    assert list(aside) == ["file", "line", "table", "rule"]
    assert len(aside) == ledger["set_aside"].sum()


def test_the_newest_month_is_made_though_an_older_one_was_looked_at_with_the_same_data(service):
    (outcome,) = go(service, "latest")
    assert outcome.period_id == "2021-07" and outcome.is_new

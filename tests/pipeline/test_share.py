"""The share pack of a published review: what is in it, and what is refused."""

import json

import pytest
from service import copy
from typer.testing import CliRunner

from qi_analysis.cli import app
from qi_analysis.errors import DataProblem, GateClosed, RecordProblem
from qi_analysis.packs.share import share
from qi_analysis.run.publish import read_passed_page

PERIOD = "2021-06"
FILES = ["email.txt", "print.html", "report.html", "text-message.txt", "who-gets-what.csv"]
PAGES = {"team": "completion_review.html", "plain": "completion_review_plain.html"}


@pytest.fixture
def places(published_june, tmp_path):
    """A project of one's own with one published review that the gate let pass."""
    return copy(published_june, tmp_path / "service")


@pytest.mark.parametrize("edition", ["team", "plain"])
def test_a_pack_holds_the_page_as_published_and_what_is_needed_to_send_it(places, edition):
    pack = share(places, "latest", edition)
    assert pack.folder == places.reports / "share" / f"{PERIOD}-{edition}"
    assert sorted(path.name for path in pack.folder.iterdir()) == FILES
    assert (pack.folder / "report.html").read_bytes() == (places.reports / PERIOD / PAGES[edition]).read_bytes()
    assert pack.reading_age.startswith(f"Reading age of the {edition} edition: ")
    assert "ynthetic" in (pack.folder / "email.txt").read_text() and pack.is_synthetic


def test_sharing_again_gives_the_same_pack_and_leaves_what_was_published(places):
    before = {path.name: path.read_bytes() for path in (places.reports / PERIOD).iterdir()}
    first = share(places, PERIOD, "plain").folder
    (first / "old.txt").write_text("from an earlier pack")
    kept = {path.name: path.read_bytes() for path in first.iterdir() if path.name != "old.txt"}
    again = share(places, PERIOD, "plain").folder
    assert {path.name: path.read_bytes() for path in again.iterdir()} == kept
    assert {path.name: path.read_bytes() for path in (places.reports / PERIOD).iterdir()} == before
    assert not [path for path in again.parent.iterdir() if path.name.startswith(".")]


def test_a_folder_of_one_s_own_must_be_new(places, tmp_path):
    assert share(places, "latest", "team", tmp_path / "pack").folder == tmp_path / "pack"
    with pytest.raises(RecordProblem, match="pack is not empty"):
        share(places, "latest", "team", tmp_path / "pack")


def change_page(folder):
    page = folder / PAGES["team"]
    page.write_text(page.read_text(encoding="utf-8") + " ", encoding="utf-8")


def drop_verdict(folder):
    (folder / "verdict.json").unlink()


def write_other(text):
    return lambda folder: (folder / "verdict.json").write_text(text)


def take_from_other_page(folder):
    path = folder / "verdict.json"
    pages = json.loads(path.read_text())["pages"]
    path.write_text(json.dumps({"pages": {PAGES["team"]: pages[PAGES["plain"]]}}))


@pytest.mark.parametrize(
    "change",
    [
        drop_verdict, take_from_other_page, change_page, write_other("{"), write_other("[]"), write_other('{"pages": {}}'),
        write_other(json.dumps({"pages": {PAGES["team"]: {"checks": 9}}})), write_other(json.dumps({"pages": {PAGES["team"]: None}})),
    ],
)  # fmt: skip
def test_a_page_without_a_verdict_for_its_very_bytes_is_refused(places, tmp_path, change):
    folder = places.reports / PERIOD
    change(folder)
    with pytest.raises(GateClosed, match="the gate has no verdict"):
        share(places, PERIOD, "team", tmp_path / "pack")
    assert not (tmp_path / "pack").exists()


def test_a_page_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(GateClosed):
        read_passed_page(tmp_path / "report.html")


@pytest.mark.parametrize("edition", ["analyst", "", "Team"])
def test_other_editions_stay_here(places, edition):
    with pytest.raises(RecordProblem, match="one of team, plain"):
        share(places, PERIOD, edition)


@pytest.mark.parametrize("period", ["2021-05", "soon", "../2021-06"])
def test_only_a_published_month_is_shared(places, period):
    with pytest.raises(DataProblem, match=f"There are: {PERIOD}"):
        share(places, period)


def test_the_command_says_where_the_pack_is_and_refuses_with_exit_code_3(places, monkeypatch):
    monkeypatch.chdir(places.root)
    done = CliRunner().invoke(app, ["share", PERIOD, "--edition", "plain"])
    assert done.exit_code == 0
    assert done.output.splitlines()[-1] == f"Ready to send: reports/share/{PERIOD}-plain"
    assert "Reading age of the plain edition" in done.output and "Synthetic data" in done.output
    drop_verdict(places.reports / PERIOD)
    refused = CliRunner().invoke(app, ["share", PERIOD])
    assert isinstance(refused.exception, GateClosed) and refused.exception.exit_code == 3

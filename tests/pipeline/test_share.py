"""The share pack: what is in it, what is refused, and how long its words are."""

import csv
import json
from datetime import date

import pytest
from pages import write_verdict
from service import copy_project
from typer.testing import CliRunner

from qi_analysis.cli import app
from qi_analysis.errors import DataProblem, GateClosed, RecordProblem
from qi_analysis.extract.sample.generate import write_sample
from qi_analysis.packs.share import (
    USUAL_READERS,
    Reader,
    describe_email,
    describe_text_message,
    read_readers,
    render_print,
    render_readers,
    share,
)
from qi_analysis.run.batch import run
from qi_analysis.run.publish import read_passed_page

PERIOD = "2021-03"
FILES = ["email.txt", "print.html", "report.html", "text-message.txt", "who-gets-what.csv"]
PAGES = {"team": "completion_review.html", "plain": "completion_review_plain.html"}
MANIFEST = {
    "period": "2022-08", "project": "Helping more people complete Low Intensity CBT", "data_date": "2022-08-31", "revision": 2,
    "data_kind": "service", "verdict": "We are getting better, and it is unlikely to be chance.", "plain_verdict": "We are getting better.",
}  # fmt: skip
LONG = " ".join(["long"] * 200)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A project with one published review that the gate let pass."""
    places = copy_project(tmp_path_factory.mktemp("service"))
    write_sample(places.raw, months=3)
    run(places, "latest", lambda number: None, lambda outcome: None)
    return places


@pytest.fixture(autouse=True)
def verdict(places):
    """Every test starts from a whole verdict."""
    write_verdict(places.reports / PERIOD)


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
    page = (folder / PAGES["team"]).read_bytes()
    try:
        change(folder)
        with pytest.raises(GateClosed, match="the gate has no verdict"):
            share(places, PERIOD, "team", tmp_path / "pack")
    finally:
        (folder / PAGES["team"]).write_bytes(page)
    assert not (tmp_path / "pack").exists()


def test_a_page_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(GateClosed):
        read_passed_page(tmp_path / "report.html")


@pytest.mark.parametrize("edition", ["analyst", "", "Team"])
def test_other_editions_stay_here(places, edition):
    with pytest.raises(RecordProblem, match="one of team, plain"):
        share(places, PERIOD, edition)


@pytest.mark.parametrize("period", ["2021-02", "soon", "../2021-03"])
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


@pytest.mark.parametrize("edition", ["team", "plain"])
@pytest.mark.parametrize("kind", ["service", "synthetic"])
@pytest.mark.parametrize("verdict", [MANIFEST["verdict"], LONG])
def test_email_and_message_are_short_and_say_what_is_needed(edition, kind, verdict):
    manifest = MANIFEST | {"verdict": verdict, "plain_verdict": verdict, "data_kind": kind}
    email, message = describe_email(manifest, edition), describe_text_message(manifest, edition)
    assert len(email.split()) < 150 and len(message) < 300
    assert all(part in email for part in ("report.html", "no internet and no account", "Please reply", "Revision 2"))
    for text in (email, message):
        assert "August 2022" in text and ("ynthetic" in text) == (kind == "synthetic")
        assert "@" not in text and "http" not in text
        assert (MANIFEST["verdict"] in text) == (verdict != LONG)


def test_a_long_verdict_of_the_team_gives_way_to_the_plain_one():
    assert MANIFEST["plain_verdict"] in describe_text_message(MANIFEST | {"verdict": LONG}, "team")


def test_the_page_for_paper_is_the_same_page_unfolded():
    page = '<style>a</style><details><p>1</p></details><details class="folded"><p>2</p></details>'
    assert render_print(page).count("<details open") == 2
    assert (
        render_print(page).partition("</style>")[2].replace("<details open", "<details")
        == page.partition("</style>")[2]
    )


def draw_team(folder, text):
    (folder / "team.toml").write_text(text, encoding="utf-8")
    return read_readers(folder, date(2022, 8, 31))


def draw_roles(*roles):
    return "\n".join(f'[[roles]]\nid = "r{number}"\n{role}' for number, role in enumerate(roles))


@pytest.mark.parametrize(
    ("text", "readers"),
    [
        ("", USUAL_READERS),
        ("training_ladder = []", USUAL_READERS),
        (draw_roles('role = "service user"\nchannel = "on paper"'), (Reader("service user", "plain", "on paper"),)),
        (draw_roles('role = "coach"'), (Reader("coach", "team", "ask them"),)),
        (draw_roles('role = "coach"', 'role = "coach"'), (Reader("coach", "team", "ask them"),)),
        (draw_roles('role = "coach"\nuntil = 2022-08-30', 'role = "sponsor"\nuntil = 2022-08-31'), (Reader("sponsor", "team", "ask them"),)),
    ],
)  # fmt: skip
def test_roles_of_the_record_say_who_gets_what(tmp_path, text, readers):
    assert draw_team(tmp_path, text) == readers


def test_without_a_team_file_the_usual_readers_are_listed(tmp_path):
    assert read_readers(tmp_path, date(2022, 8, 31)) == USUAL_READERS


@pytest.mark.parametrize("text", ["roles = 3", "[[roles]]\n", "[[roles]]\nid = 'x'\nrole = 3"])
def test_a_team_that_cannot_be_read_is_refused(tmp_path, text):
    with pytest.raises(RecordProblem, match="team.toml"):
        draw_team(tmp_path, text)


@pytest.mark.parametrize("channel", ["a.person@example.org", "0208 555 0100", "07700900123"])
def test_an_address_is_no_channel(tmp_path, channel):
    with pytest.raises(RecordProblem, match="holds an address") as caught:
        draw_team(tmp_path, draw_roles(f'role = "coach"\nchannel = "{channel}"'))
    assert channel not in str(caught.value)


def test_nothing_in_the_list_is_a_formula():
    rows = list(csv.reader(render_readers([Reader("=1+1", "team", "+x")]).splitlines()))
    assert rows == [["role", "edition", "channel"], ["'=1+1", "team", "'+x"]]

"""The share pack's words: how long they are, what they say, and who gets what."""

import csv
from datetime import date

import pytest

from qi_analysis.errors import RecordProblem
from qi_analysis.packs.share import (
    USUAL_READERS,
    Reader,
    describe_email,
    describe_text_message,
    read_readers,
    render_print,
    render_readers,
)

MANIFEST = {
    "period": "2022-08", "project": "Helping more people complete Low Intensity CBT", "data_date": "2022-08-31", "revision": 2,
    "data_kind": "service", "verdict": "We are getting better, and it is unlikely to be chance.", "plain_verdict": "We are getting better.",
}  # fmt: skip
LONG = " ".join(["long"] * 200)


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

"""The team's own words, without details of a person or small numbers."""

import pytest

from qi_analysis.answers.team_words import (
    clean_plainly,
    clean_words,
    find_kind,
    name_role,
)
from qi_analysis.record.team import Role, Team, TeamRecord


@pytest.mark.parametrize(
    ("written", "shown", "plain"),
    [
        ("one practitioner, 8 people", "one practitioner, 8 people", "one practitioner, 8 people"),
        ("on 3 people", "on fewer than 8 people", "on fewer than 8 people"),
        ("more second sessions", "more second sessions", "more second appointments"),
        ("how LI CBT works", "how LI CBT works", "how Low Intensity CBT works"),
        ("what only one person can do", "what only one role can do", "what only one role can do"),
        ("ask one person", "ask fewer than 8 people", "ask fewer than 8 people"),
        ("the PWPs ring", "the psychological wellbeing practitioners ring", "the psychological wellbeing practitioners ring"),
        ("ask two of them", "ask two of them", "ask two of them"),
        ("five new patients came", "fewer than 8 new patients came", "fewer than 8 new patients came"),
        ("12 people came", "12 people came", "about 10 people came"),
        ("3 of 40 came", "few of 40 came", "few of 40 came"),
        ("37 of 40 came", "most of 40 came", "most of 40 came"),
        ("24 of 40 came", "24 of 40 came", "6 of every 10 came"),
        ("from 60% to 75% in 4 weeks", "from 60% to 75% in 4 weeks", "from 60% to 75% in 4 weeks"),
        ("see [here](https://a.b/c)", "see here", "see here"),
        ("## Big\nwords", "Big\nwords", "Big\nwords"),
        ("ring 020 7946 0999", "(not shown: it may hold a personal detail)", "(not shown: it may hold a personal detail)"),
        ("write to jo@example.org", "(not shown: it may hold a personal detail)", "(not shown: it may hold a personal detail)"),
    ],
)  # fmt: skip
def test_words_of_the_record_are_shown_without_details_or_small_numbers(written, shown, plain):
    assert (clean_words(written), clean_plainly(written)) == (shown, plain)


@pytest.mark.parametrize(
    ("role", "kind"),
    [
        ("service user", "service user or carer"),
        ("project lead (PWP)", "clinician"),
        ("admin team", "administrator"),
        ("data analyst", "analyst"),
        ("project lead", "manager or coach"),
        ("librarian", "librarian"),
    ],
)
def test_a_role_brings_a_perspective(role, kind):
    assert find_kind(role) == kind


def test_a_person_s_name_is_never_shown_for_a_role():
    team = TeamRecord(Team((Role("lead", "project lead"), Role("x", "Jane Smith"))))
    assert [name_role(team, one) for one in ("lead", "x", "Ann Jones", "")] == [
        "project lead", "a role that is not in team.toml", "a role that is not in team.toml", "",
    ]  # fmt: skip

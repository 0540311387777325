"""Which stories of the record may be shown, to whom and until when."""

from dataclasses import replace
from datetime import date

import pytest
from plain_record import DAY, STORY, change

from qi_analysis.record.read_team import read_team_record
from qi_analysis.record.team import Story, TeamRecord, list_stories

STORY_VALUE = Story(
    day=date(2022, 3, 8), teller="service user", text="words", consent="plain",
    consent_on=date(2022, 3, 8), consent_ends=date(2023, 3, 8),
)  # fmt: skip
SHOWN = [
    # what is changed, edition, the review's day, the clock's day, shown?
    ({}, "plain", date(2022, 3, 31), date(2022, 4, 1), True),
    ({}, "team", date(2022, 3, 31), date(2022, 4, 1), True),
    ({}, "analyst", date(2022, 3, 31), date(2022, 4, 1), True),
    ({}, "staff", date(2022, 3, 31), date(2022, 4, 1), False),
    ({}, "plain", date(2022, 3, 31), date(2023, 3, 8), True),
    ({}, "plain", date(2022, 3, 31), date(2023, 3, 9), False),
    ({}, "plain", date(2023, 3, 31), date(2022, 4, 1), False),
    ({}, "plain", date(2022, 2, 28), date(2022, 4, 1), False),
    ({"consent": "team"}, "plain", date(2022, 3, 31), date(2022, 4, 1), False),
    ({"consent": "team"}, "team", date(2022, 3, 31), date(2022, 4, 1), True),
    ({"consent": "none"}, "team", date(2022, 3, 31), date(2022, 4, 1), False),
    ({"consent": "Plain "}, "team", date(2022, 3, 31), date(2022, 4, 1), False),
    ({"consent_on": None}, "team", date(2022, 3, 31), date(2022, 4, 1), False),
    ({"consent_ends": None}, "team", date(2022, 3, 31), date(2022, 4, 1), False),
    ({"consent_on": date(2022, 5, 1)}, "team", date(2022, 3, 31), date(2022, 4, 1), False),
    ({"has_personal_detail": True}, "team", date(2022, 3, 31), date(2022, 4, 1), False),
]


@pytest.mark.parametrize(("changed", "edition", "as_at", "today", "shown"), SHOWN)
def test_a_story_is_shown_only_with_consent_for_the_edition_and_the_day(changed, edition, as_at, today, shown):
    story = replace(STORY_VALUE, **changed)
    assert list_stories(TeamRecord(stories=(story,)), edition, as_at, today) == ((story,) if shown else ())


@pytest.mark.parametrize(
    "words",
    [
        "Ring 07700 900123.",
        "Ring 020 7946\n0958.",
        "Write to a.b@example.org.",
        "TW9 1AB",
        "born 12 March 1985",
        "Mrs Example said",
    ],
)
def test_a_story_with_a_personal_detail_is_never_shown_and_the_detail_never_repeated(words, record):
    change(record, STORY, "It was short.", words)
    team = read_team_record(record, None)
    assert list_stories(team, "team", DAY, DAY) == ()
    assert [one.level for one in team.findings] == ["WARN"]
    assert not any(part in one.message for one in team.findings for part in words.split() if len(part) > 4)

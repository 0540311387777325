"""What `qi check` and the start of a run say of the record."""

from pathlib import Path

import pytest
from plain_record import CALL, DAY, SCRIPT, STORY, change, write_record

from qi_analysis.errors import RecordProblem
from qi_analysis.record.read_settings import read_record, read_whole_record
from qi_analysis.record.read_team import read_team_record
from qi_analysis.run.check_record import check_record, describe_counts, describe_record
from qi_analysis.run.review import prepare
from qi_analysis.storage import Places


@pytest.fixture
def record(tmp_path) -> Path:
    return write_record(tmp_path)


def test_a_run_is_refused_with_every_stop(record):
    change(record, SCRIPT, "2022-04-04", "2022-04-31")
    change(record, CALL, "end = 2021-10-29", "end = 2021-10-01")
    change(record, "project.toml", "target = 0.70", "target = 70")
    with pytest.raises(RecordProblem) as caught:
        read_whole_record(record)
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "project.toml, target", "pdsa/01", "pdsa/02, start",
    ]  # fmt: skip


@pytest.mark.slow
def test_the_check_notes_the_lines_of_stories_that_may_hold_a_name(record):
    change(record, STORY, "It was short.", "Priya rang twice.")
    found = [f"{one.level} {one.message}" for one in check_record(Places(record.parent), DAY).findings]
    assert found == [
        "NOTE stories/2022-03, line 10: a word with a capital letter may be somebody's name. Read the line once more before sharing."
    ]


def test_a_run_stops_for_the_team_s_record_before_any_data_is_read(record):
    change(record, SCRIPT, "2022-04-04", "2022-04-31")
    nowhere = record / "no data"
    with pytest.raises(RecordProblem, match=r'^pdsa/02, start: "2022-04-31" is not a date\.$'):
        prepare(Places(record.parent), nowhere, {}, {})


def test_the_record_is_read_back(record):
    team = read_team_record(record, None)
    assert describe_counts(team, DAY) == (
        "The record reads well: 1 driver, 1 idea, 2 cycles (1 running), 1 open action."
    )
    text = describe_record(read_record(record), team, DAY)
    assert "to 70% by 31 December 2022" in text
    assert "Being tested now: The words of the call (P2, since 4 April 2022)." in text
    assert "Due next: Ask the team (A1), 14 June 2022, project lead (PWP)." in text

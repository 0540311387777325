"""The team's own record as values: what it becomes, what the example is for, and five years of it."""

import shutil
from datetime import date, timedelta
from pathlib import Path

from plain_record import CALL, DAY, FILES, PROJECT, SCRIPT, tell

from qi_analysis.record.read_settings import collect_record
from qi_analysis.record.read_team import check_team_record, has_parts, read_team_record
from qi_analysis.record.team import TeamRecord


def test_without_a_record_of_its_own_there_is_nothing_to_tell(tmp_path):
    assert read_team_record(PROJECT, None) == TeamRecord()
    assert read_team_record(tmp_path / "nothing", None) == TeamRecord()


def test_a_record_becomes_these_values(record):
    team = read_team_record(record, None)
    call = team.cycles[0]
    assert (call.id, call.start, call.end, call.decision) == ("P1", date(2021, 10, 4), date(2021, 10, 29), "adapt")
    assert (call.plan, call.do, call.study, call.act) == (
        "One practitioner rings.", "It was done.", "Evenings reached more people.", "Adapt.",
    )  # fmt: skip
    assert call.predicted is not None and (call.predicted.from_, call.predicted.to) == (0.60, 0.75)
    assert [role.id for role in team.team.roles] == ["su1", "lead", "analyst"]
    assert team.team.name_role("lead") == "project lead (PWP)"
    assert [idea.id for idea in team.ideas] == ["I1"]
    assert team.stories[0].text == "The call helped.\nIt was short."
    assert [(one.id, one.due, one.note) for one in team.actions] == [
        ("A1", date(2022, 6, 14), ""), ("A2", date(2022, 4, 20), "so far, so good"),
    ]  # fmt: skip
    assert (team.feedback[0].useful, team.feedback[0].clear) == (4, 5)
    assert [(one.day, one.title, one.text) for one in team.decisions] == [
        (date(2022, 4, 12), "a monthly review", "Everybody comes.")
    ]
    assert team.handover == "# Handover\n\nRead the last review."
    states = [cycle.describe_state(DAY) for cycle in team.cycles]
    assert states == ["finished", "running"]


def test_the_example_fills_every_part_and_has_no_fault():
    collected = collect_record(PROJECT)
    team = read_team_record(PROJECT, collected.charts, allow_example=True)
    assert team.is_example and team.findings == ()
    empty = TeamRecord()
    assert all(getattr(team, part) != getattr(empty, part) for part in vars(empty) if part != "findings")
    for day in (date(2021, 1, 31), date(2023, 6, 30), date.today()):
        assert [one for one in check_team_record(team, None, day).findings if one.level == "STOP"] == []


def test_the_example_is_read_only_where_it_is_allowed_and_the_team_has_nothing(tmp_path, record):
    shutil.copytree(PROJECT / "example", record / "example")
    assert not read_team_record(record, None, allow_example=True).is_example
    assert not read_team_record(PROJECT, None).is_example
    assert has_parts(PROJECT / "example") and not has_parts(PROJECT)


def test_every_text_of_the_example_says_that_it_is_one():
    paths = [path for path in (PROJECT / "example").rglob("*") if path.is_file()]
    assert len(paths) >= 13
    for path in paths:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert any("EXAMPLE" in line or "Example" in line for line in lines[:2]), path.name
    team = read_team_record(PROJECT, None, allow_example=True)
    texts = [one.text for one in team.stories] + [one.action for one in team.actions] + [one.idea for one in team.ideas]
    texts += (
        [one.title for one in team.cycles]
        + [one.driver for one in team.drivers]
        + [one.title for one in team.decisions]
    )
    texts += [text for one in team.cycles for text in (one.plan, one.do, one.study, one.act) if text]
    assert [text for text in texts if "example" not in text.lower()] == []


def write_five_years(record: Path) -> None:
    """60 cycles, 200 ideas, 500 actions."""
    ideas = "".join(
        f'[[drivers.ideas]]\nid = "I{n}"\nidea = "idea {n}"\nraised_by = "su1"\nstatus = "testing"\n'
        for n in range(1, 201)
    )
    (record / "drivers.toml").write_text(f'[[drivers]]\ndriver = "all"\n{ideas}', encoding="utf-8")
    text = FILES[CALL]
    for n in range(1, 61):
        start = date(2017, 1, 2) + timedelta(days=30 * n)
        body = (
            text.replace('"P1"', f'"P{n}"')
            .replace("2021-10-04", str(start))
            .replace("2021-10-29", str(start + timedelta(20)))
        )
        (record / f"pdsa/{n:02d}-cycle.md").write_text(body, encoding="utf-8")
    for name in (CALL, SCRIPT):
        (record / name).unlink()
    rows = "".join(f"A{n},action {n},lead,2022-06-14,open,,,\n" for n in range(1, 501))
    (record / "actions.csv").write_text(FILES["actions.csv"].split("\n")[0] + "\n" + rows, encoding="utf-8")


def test_a_record_of_five_years_is_read_and_each_file_opened_once(record, monkeypatch):
    write_five_years(record)
    opened: list[Path] = []
    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(path) or read_bytes(path))
    team = read_team_record(record, None)
    assert (len(team.cycles), len(team.ideas), len(team.actions)) == (60, 200, 500)
    assert len(opened) == len(set(opened)) == 60 + 1 + len([name for name in FILES if "/" not in name])
    assert tell(record) == []

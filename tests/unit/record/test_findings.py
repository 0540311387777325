"""What is told about a record: each fault is one sentence with its place, and all of them are told at once."""

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_record import CALL, DAY, FILES, SCRIPT, STORY, change, read, tell, write_record

from qi_analysis.extract.readers import plain_heading
from qi_analysis.record.findings import find_nearest


def test_nothing_is_told_about_a_record_in_which_nothing_is_wrong(record):
    assert tell(record) == []


BROKEN = tomllib.loads((Path(__file__).parent / "broken.toml").read_text(encoding="utf-8"))["case"]


@pytest.mark.parametrize("case", BROKEN, ids=[case["name"] for case in BROKEN])
def test_a_broken_record_is_told_in_these_sentences(case, record):
    for one in case["changes"]:
        change(record, one["file"], one["from"], one["to"])
    assert tell(record) == sorted(case["told"])


def test_every_case_of_a_broken_record_has_its_own_name():
    assert len({case["name"] for case in BROKEN}) == len(BROKEN) >= 131


def test_no_project_file_hides_nothing_else(record):
    (record / "project.toml").unlink()
    change(record, SCRIPT, '"P2"', '"P1"')
    change(record, "measures.toml", 'good = "up"', 'good = "upp"')
    found = tell(record)
    assert (
        "STOP There is no project.toml. Copy the template, fill in the title and start date, and run the check again."
        in found
    )
    assert any("both called P1" in one for one in found) and any("good must be one of" in one for one in found)
    assert len(found) == 3


def test_one_fault_in_every_file_is_told_in_one_go(record):
    for name in ("team.toml", "drivers.toml", CALL, STORY, "completion.toml", "measures.toml", "project.toml"):
        path = record / name
        path.write_text(path.read_text(encoding="utf-8").replace(' = "', " = ", 1), encoding="utf-8")
    change(record, "actions.csv", "2022-06-14", "2022-06-31")
    change(record, "events.csv", "2021-05-01", "1 May")
    change(record, "feedback.csv", "2022-04-14", "")
    change(record, "decisions.md", "2022-04-12", "2022-04-31")
    files = {one.place.partition(",")[0] for one in read(record) if one.level == "STOP"}
    assert files == {
        "team.toml", "drivers.toml", "pdsa/01", "stories/2022-03", "completion.toml", "measures.toml", "project.toml",
        "actions.csv", "events.csv", "feedback.csv", "decisions.md",
    }  # fmt: skip


def test_nothing_since_the_last_review_is_told(record):
    assert tell(record, last_review=date(2022, 5, 12)) == [
        "WARN No cycle, story or action has changed since 12 May 2022."
    ]
    assert tell(record, last_review=date(2022, 4, 30)) == []


def test_no_balancing_measure_is_told(record):
    path = record / "measures.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace('kind = "balancing"', 'kind = "process"'), encoding="utf-8"
    )
    assert tell(record) == ["WARN Nothing checks for harm. Pick one, for example waiting time to the second contact."]


EVERY = [*FILES, "project.toml", "completion.toml", "measures.toml", "events.csv"]
VALUES = [
    "5",
    "-1",
    "1.5",
    "true",
    '"text"',
    '""',
    "[]",
    "[1, 2]",
    "{ a = 1 }",
    "2022-06-14",
    "nan",
    '"31/02/2022"',
    "[[]]",
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Path:
    return write_record(tmp_path_factory.mktemp("shared"))


def check_told(record: Path) -> None:
    """Nothing is raised, and what is told has a level, a place and a sentence on one line."""
    for one in read(record, last_review=DAY):
        assert one.level in ("STOP", "WARN", "NOTE") and one.place
        assert "\n" not in one.message and len(one.message) > 10
        assert not re.search(r"Traceback|Error\b|None\b|NoneType|<class|\bdict\b", one.message), one.message


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(EVERY),
    raw=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
)
def test_any_bytes_in_any_file_are_told_and_never_raised(shared, name, raw):
    path = shared / name
    before = path.read_bytes()
    try:
        for text in (raw, before[: len(before) // 2] + raw + before[len(before) // 2 :]):
            path.write_bytes(text)
            check_told(shared)
    finally:
        path.write_bytes(before)


@pytest.mark.slow
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(EVERY), data=st.data())
def test_any_line_changed_in_any_file_is_told_and_never_raised(shared, name, data):
    path = shared / name
    before = path.read_text(encoding="utf-8")
    lines = before.split("\n")
    number = data.draw(st.integers(0, len(lines) - 1))
    value = data.draw(st.sampled_from(VALUES))
    line = lines[number]
    swapped = f"{line.partition('=')[0]}= {value}" if "=" in line else line.replace(",", f",{value}", 1)
    lines[number : number + 1] = data.draw(st.sampled_from([[], [line, line], [swapped], [line[: len(line) // 2]]]))
    try:
        path.write_text("\n".join(lines), encoding="utf-8")
        check_told(shared)
    finally:
        path.write_text(before, encoding="utf-8")


KEYS = (
    "id",
    "title",
    "owner",
    "raised_by",
    "prediction",
    "could_affect",
    "training_ladder",
    "baseline",
    "target",
    "by",
)
HEADINGS = (
    "ReferralRequestReceivedDate",
    "Service Discharge Date",
    "Outcomes",
    "NHS Number",
    "Attended Or Did Not Attend",
)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("titel", "title"),  # two letters swapped
        ("predicton", "prediction"),  # one left out
        ("targett", "target"),  # one too many
        ("ownar", "owner"),  # another one
        ("Owner", "owner"),  # a capital letter
        ("raisedby", "raised_by"),  # without its sign
        ("could-affect", "could_affect"),  # another sign
        ("trainning_lader", "training_ladder"),  # two slips
        ("baseline_end", "baseline"),  # more than the key
        ("training", "training_ladder"),  # less than the key
        ("colour", ""),
        ("supervisor", ""),
        ("x", ""),
    ],
)
def test_the_nearest_key_is_found_and_none_for_another_word(word, meant):
    assert find_nearest(word, KEYS) == meant


@pytest.mark.parametrize(
    ("heading", "meant"),
    [
        ("ReferralReceivedDate", "ReferralRequestReceivedDate"),
        ("service_discharge-date", "Service Discharge Date"),
        ("Outcome", "Outcomes"),
        ("NHSNumber", "NHS Number"),
        ("Ethnic Category", ""),
    ],
)
def test_the_nearest_heading_is_found_however_it_is_spaced(heading, meant):
    assert find_nearest(heading, HEADINGS, plain_heading) == meant

"""A small record in which nothing is wrong, for tests to break. Roles only; every word in it is made up."""

import shutil
from datetime import date
from pathlib import Path

from repository import PROJECT

from qi_analysis.record.read_settings import collect_record
from qi_analysis.record.read_team import check_team_record, read_team_record
from qi_analysis.record.team import Finding

AIM = 'direction = "increase"          # increase | decrease\n'
AGREED = "target = 0.70\nby = 2022-12-31\nbaseline = { from = 2020-05-01, to = 2021-04-30 }\n"
DAY = date(2022, 5, 15)
CALL, SCRIPT, STORY = "pdsa/01-welcome-call.md", "pdsa/02-call-script.md", "stories/2022-03-trying-the-call.md"
FILES = {
    "team.toml": """\
[[roles]]
id = "su1"
role = "service user"

[[roles]]
id = "lead"
role = "project lead (PWP)"
since = 2021-05-01
does = ["lead", "report"]

[[roles]]
id = "analyst"
role = "analyst"
""",
    "drivers.toml": """\
[[drivers]]
driver = "People know what to expect"

[[drivers.ideas]]
id = "I1"
idea = "A call before the first contact"
raised_by = "su1"
status = "testing"
measures = ["second_contact"]
""",
    "pdsa/01-welcome-call.md": """\
+++
id = "P1"
idea = "I1"
title = "The call, one practitioner"
start = 2021-10-04
end = 2021-10-29
measures = ["second_contact"]
prediction = "rises from 60% to 75%"
predicted = { measure = "second_contact", from = 0.60, to = 0.75 }
owner = "lead"
decision = "adapt"
+++

## Plan
One practitioner rings.

## Do
It was done.

## Study
Evenings reached more people.

## Act
Adapt.
""",
    "pdsa/02-call-script.md": """\
+++
id = "P2"
title = "The words of the call"
start = 2022-04-04
measures = ["second_contact"]
prediction = "rises"
+++
## Plan
The same words for everybody.
""",
    "stories/2022-03-trying-the-call.md": """\
+++
date = 2022-03-08
teller = "service user"
consent = "plain"
consent_on = 2022-03-08
consent_ends = 2099-03-08
about = ["P1"]
+++
The call helped.
It was short.
""",
    "actions.csv": """\
id,action,owner,due,status,done_on,raised_at,note
A1,Ask the team,lead,2022-06-14,open,,2022-05-10,
A2,Thank the team,su1,2022-04-20,done,2022-04-19,2022-04-12,"so far, so good"
""",
    "feedback.csv": "date,edition,useful_1_to_5,clear_1_to_5,comment,what_we_did\n2022-04-14,team,4,5,clear,\n",
    "decisions.md": "# Decisions\n\n## 2022-04-12 a monthly review\nEverybody comes.\n",
    "handover.md": "# Handover\n\nRead the last review.\n",
}


def write_record(folder: Path) -> Path:
    """The record in a new folder project/ below a folder."""
    record = folder / "project"
    record.mkdir(parents=True)
    for name in ("project.toml", "completion.toml", "measures.toml", "events.csv"):
        shutil.copy(PROJECT / name, record / name)
    change(record, "project.toml", AIM, AIM + AGREED)
    for name, text in FILES.items():
        path = record / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return record


def change(record: Path, name: str, old: str, new: str) -> None:
    """Replace a text that must be there in one file."""
    path = record / name
    text = path.read_text(encoding="utf-8")
    assert old in text, (name, old)
    path.write_text(text.replace(old, new, 1), encoding="utf-8", newline="\n")


def read(record: Path, day: date = DAY, last_review: date | None = None) -> tuple[Finding, ...]:
    """Everything that is told about a record as at a day, settings and team."""
    collected = collect_record(record)
    team = read_team_record(record, collected.charts)
    team = check_team_record(team, collected.record, day, day, last_review)
    return tuple(dict.fromkeys([*collected.faults, *team.findings]))


def tell(record: Path, **options) -> list[str]:
    """The same as sentences, each with its level, in the order of the alphabet."""
    return sorted(f"{one.level} {one.message}" for one in read(record, **options))

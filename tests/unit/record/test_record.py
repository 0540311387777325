"""The team's record: each fault is one sentence with its place, and all of them are told at once."""

import re
import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_record import FILES, PROJECT, change, write_record

from qi_analysis.errors import RecordProblem
from qi_analysis.extract.readers import plain_heading
from qi_analysis.gate.vocabulary import may_name
from qi_analysis.record.findings import find_nearest
from qi_analysis.record.personal_details import find_details
from qi_analysis.record.read_settings import collect_record, read_record, read_whole_record
from qi_analysis.record.read_team import check_team_record, has_parts, read_team_record
from qi_analysis.record.team import Finding, Story, TeamRecord, list_stories
from qi_analysis.run.check_record import check_record, describe_counts, describe_record
from qi_analysis.run.review import prepare
from qi_analysis.storage import Places

DAY = date(2022, 5, 15)


def read(record: Path, day: date = DAY, last_review: date | None = None) -> tuple[Finding, ...]:
    """Everything that is told about a record as at a day, settings and team."""
    collected = collect_record(record)
    team = read_team_record(record, collected.charts)
    team = check_team_record(team, collected.record, day, day, last_review)
    return tuple(dict.fromkeys([*collected.faults, *team.findings]))


def tell(record: Path, **options) -> list[str]:
    return sorted(f"{one.level} {one.message}" for one in read(record, **options))


@pytest.fixture
def record(tmp_path) -> Path:
    return write_record(tmp_path)


def test_nothing_is_told_about_a_record_in_which_nothing_is_wrong(record):
    assert tell(record) == []


CALL, SCRIPT, STORY = "pdsa/01-welcome-call.md", "pdsa/02-call-script.md", "stories/2022-03-trying-the-call.md"
LAYOUT = "I cannot read this line. Text needs quotation marks at both ends."
# what is changed (file, from, to), and every sentence that is told
BROKEN = {
    # --- The table of messages ---------------------------------------------------------------------------
    "bad layout": (
        [("project.toml", 'status = "testing"', 'status = "testing')],
        [f"STOP project.toml, line 4: {LAYOUT}"],
    ),
    "measure of the aim": (
        [("project.toml", 'measure = "li_completion"', 'measure = "li_complete"')],
        ['STOP project.toml, aim: the measure "li_complete" is not in measures.toml. Did you mean "li_completion"?'],
    ),
    "impossible date": ([(CALL, "2021-10-29", '"31/02/2022"')], ['STOP pdsa/01, end: "31/02/2022" is not a date.']),
    "impossible date, bare": ([(CALL, "2021-10-29", "31/02/2022")], ['STOP pdsa/01, end: "31/02/2022" is not a date.']),
    "impossible date, year first": ([(CALL, "2021-10-29", "2022-02-31")], ['STOP pdsa/01, end: "2022-02-31" is not a date.']),
    "end before start": (
        [(CALL, "end = 2021-10-29", "end = 2021-10-01")],
        ["STOP pdsa/01: the end (1 Oct 2021) is before the start (4 Oct 2021)."],
    ),
    "two cycles of one id": (
        [(SCRIPT, 'id = "P2"', 'id = "P1"')],
        ["STOP Two cycles are both called P1 (01-welcome-call.md and 02-call-script.md). Give one of them a new id."],
    ),
    "target as per cent": (
        [("project.toml", "target = 0.70", "target = 70")],
        ["STOP project.toml, target: write 70% as 0.70. You wrote 70."],
    ),
    "target with the sign": (
        [("project.toml", "target = 0.70", 'target = "65%"')],
        ['STOP project.toml, target: write 65% as 0.65. You wrote "65%".'],
    ),
    "date that could be two days": (
        [("actions.csv", "2022-06-14", "06/07/2022")],
        ['WARN actions.csv, row 2, due "06/07/2022": read as 6 July 2022. Type 2022-07-06 to be certain.'],
    ),
    "no target": (
        [("project.toml", "target = 0.70\nby = 2022-12-31\n", "")],
        ["WARN The aim has no target or date yet. The report will say so. Agree one at the next review."],
    ),
    "no date of the aim": (
        [("project.toml", "by = 2022-12-31\n", "")],
        ["WARN The aim has no date yet. The report will say so. Agree one at the next review."],
    ),
    "no prediction": (
        [(SCRIPT, 'prediction = "rises"\n', "")],
        ["WARN P2 has no prediction. Write what you expect before you look at the result."],
    ),
    "no Study": (
        [(CALL, "Evenings reached more people.", "")],
        ["WARN P1 ended on 29 Oct 2021 and Study is empty. One sentence is enough."],
    ),
    "only the hint of the template in Study": (
        [(CALL, "Evenings reached more people.", "(How did the result compare with what you predicted? What did you learn?)")],
        ["WARN P1 ended on 29 Oct 2021 and Study is empty. One sentence is enough."],
    ),
    "no decision": (
        [(CALL, 'decision = "adapt"\n', "")],
        ["WARN P1 ended on 29 Oct 2021 and has no decision. Write adopt, adapt or abandon."],
    ),
    "overlapping cycles": (
        [(SCRIPT, "start = 2022-04-04", "start = 2021-10-18\nend = 2021-11-15\ndecision = \"adopt\"")],
        [
            "WARN P1 and P2 act on the same measure in October 2021. Their effects cannot be told apart.",
            "WARN P2 ended on 15 Nov 2021 and Study is empty. One sentence is enough.",
        ],
    ),
    "long cycle": (
        [(SCRIPT, "start = 2022-04-04", "start = 2021-12-10")],
        ["WARN P2 has run for 5 months. Is it still a test? Consider a smaller one."],
    ),
    "unknown key": (
        [("drivers.toml", "raised_by", "rasied_by")],
        ['WARN drivers.toml, line 7: "rasied_by" is not a field I know. Did you mean "raised_by"?'],
    ),
    "unknown key of the project": (
        [("project.toml", "target = 0.70", "targett = 0.70")],
        ['STOP project.toml, line 10: "targett" is not a field I know. Did you mean "target"?'],
    ),
    "role ending": (
        [("team.toml", "since = 2021-05-01", "until = 2022-07-30")],
        ["WARN The project lead's role ends on 30 Jul 2022 and no successor is named."],
    ),
    "role ending, with a successor": (
        [("team.toml", "since = 2021-05-01", 'until = 2022-07-30\nsuccessor = "analyst"')],
        [],
    ),
    "single point of failure": (
        [("team.toml", '["lead", "report"]', '["lead"]')],
        ["WARN Only one person is down for running the report."],
    ),
    "action without owner": ([("actions.csv", "lead,", ",")], ["WARN actions.csv, row 2: who will do this, and by when?"]),
    "action without a day": ([("actions.csv", "2022-06-14", "")], ["WARN actions.csv, row 2: who will do this, and by when?"]),
    "consent for the team": (
        [(STORY, 'consent = "plain"', 'consent = "team"')],
        ['WARN stories/2022-03: consent is "team", so it will not appear in the plain edition.'],
    ),
    "consent ended": (
        [(STORY, "2099-03-08", "2022-04-08")],
        ["STOP stories/2022-03: consent ended on 8 Apr 2022. Renew it or set consent to none."],
    ),
    "no consent": (
        [(STORY, 'consent = "plain"\n', "")],
        ['WARN stories/2022-03: consent is "none", so it will not appear in any edition.'],
    ),
    "no end of consent": (
        [(STORY, "consent_ends = 2099-03-08\n", "")],
        ["WARN stories/2022-03: fill in consent_ends. Until then it will not appear in any edition."],
    ),
    "personal detail": (
        [(STORY, "It was short.", "It was short. Ring 07700 900123.")],
        ["WARN stories/2022-03, line 10 looks like a phone number. Remove it before sharing."],
    ),
    "personal detail in a list": (
        [("actions.csv", "Ask the team", "Ask Mrs Example")],
        ["WARN actions.csv, row 2 looks like a person's name. Remove it before sharing."],
    ),
    "phase without reason": (
        [("project.toml", "# [[phases]]  ", "[[phases]]\nfrom = 2022-02-01\n#")],
        ["WARN project.toml, phases: say why the limits change on 1 Feb 2022, or remove the phase."],
    ),
    # --- Files from Notepad, Word and Excel ----------------------------------------------------------------
    "curly quotation marks": (
        [("drivers.toml", '"A call before the first contact"', "“A call before the first contact”")],
        ['NOTE drivers.toml, line 6: curly quotation marks are read as straight ones. Type straight ones (").'],
    ),
    "curly quotation marks in a list": (
        [(CALL, '["second_contact"]', "[“second_contact”]")],
        ['NOTE pdsa/01, line 7: curly quotation marks are read as straight ones. Type straight ones (").'],
    ),
    "curly quotation mark at one end": (
        [("drivers.toml", '"A call before the first contact"', '"A call before the first contact”')],
        ['NOTE drivers.toml, line 6: curly quotation marks are read as straight ones. Type straight ones (").'],
    ),
    "curly marks inside a text": ([("drivers.toml", "A call before", "A “call” we’d make before")], []),
    "a date as in a spreadsheet": ([(CALL, "2021-10-29", "29/10/2021")], []),
    "semicolons": ([("actions.csv", FILES["actions.csv"], FILES["actions.csv"].replace(",", ";"))], []),
    "tabs": ([("actions.csv", FILES["actions.csv"], FILES["actions.csv"].replace(",", "\t"))], []),
    "empty rows and columns at the end": (
        [("actions.csv", FILES["actions.csv"], FILES["actions.csv"].replace("\n", ",,\n") + ",,,,,,,,,\n\n")],
        [],
    ),
    "headings in other letters": ([("actions.csv", "done_on,raised_at", "Done on,RAISED AT")], []),
    # --- Layout ---------------------------------------------------------------------------------------------
    "two lines that cannot be read": (
        [("drivers.toml", '"People know', "People know"), ("drivers.toml", 'status = "testing"', "status = testing")],
        [f"STOP drivers.toml, line 2: {LAYOUT}", f"STOP drivers.toml, line 8: {LAYOUT}"],
    ),
    "a key twice": (
        [("drivers.toml", 'status = "testing"', 'status = "testing"\nstatus = "idea"')],
        ["STOP drivers.toml, line 9: this stands here for a second time. Keep one of the two."],
    ),
    "a backslash": (
        [("drivers.toml", "A call", "C:\\Users")],
        ["STOP drivers.toml, line 6: a backslash in a text must be written twice (\\\\). Or write / instead."],
    ),
    "a list without an end": (
        [("drivers.toml", '["second_contact"]', '["second_contact"')],
        [
            "STOP drivers.toml: a list, a table or a text is opened and never closed. "
            "Add the missing bracket or quotation marks.",
        ],
    ),
    "one bracket too few": (
        [("team.toml", FILES["team.toml"], '[roles]\nid = "lead"\nrole = "project lead"\n')],
        ["STOP team.toml, line 1: write [[roles]], with two brackets on each side."],
    ),
    "no header": (
        [(STORY, "+++\ndate", "date")],
        ["STOP stories/2022-03: the header is missing. The file begins with a line +++, then lines such as id, then +++."],
    ),
    "a header without end": (
        [(SCRIPT, '"rises"\n+++', '"rises"')],
        ["STOP pdsa/02, line 1: the header has no end. Put a line +++ below its last line."],
    ),
    "a heading mistyped": (
        [(CALL, "## Study", "## Studdy")],
        [
            'WARN P1 ended on 29 Oct 2021 and Study is empty. One sentence is enough.',
            'WARN pdsa/01, line 20: "Studdy" is not a heading I know. Did you mean "study"?',
        ],
    ),
    "more cells than headings": (
        [("actions.csv", '"so far, so good"', "so far, so good")],
        ["STOP actions.csv, row 3: there are more cells than headings. Put text that holds a comma in quotation marks."],
    ),
    "a quotation mark without end": (
        [("actions.csv", '"so far, so good"', '"so far, so good')],
        ["STOP actions.csv, row 3: a quotation mark is opened and never closed. Add the second one."],
    ),
    "no heading row": (
        [("actions.csv", "id,action,owner,due,status,done_on,raised_at,note\n", "")],
        ["STOP actions.csv, row 1: this must be the row of headings: id,action,owner,due,status,done_on,raised_at,note"],
    ),
    "a heading mistyped in a list": (
        [("actions.csv", "owner", "ownr")],
        [
            'WARN actions.csv, row 1: "ownr" is not a field I know. Did you mean "owner"?',
            'WARN actions.csv, row 1: the heading "owner" is missing. Add the column.',
        ],
    ),
    "no sign between name and value": (
        [("drivers.toml", "idea = ", "idea: ")],
        [
            "STOP drivers.toml, line 6: I cannot read this line. It needs a name, the sign = and a value.",
        ],
    ),
    "a comma in a number": (
        [("project.toml", "target = 0.70", "target = 0,70")],
        ["STOP project.toml, line 10: a number is written with a point, such as 0.70."],
    ),
    "a share as it is spoken": (
        [("project.toml", "target = 0.70", "target = 70%")],
        ['STOP project.toml, target: write 70% as 0.70. You wrote "70%".'],
    ),
    "true in large letters": (
        [("completion.toml", "planned_end = true", "planned_end = True")],
        ["STOP completion.toml, line 58: write true or false in small letters."],
    ),
    "a part twice": (
        [("project.toml", "[scope]", '[aim]\nmeasure = "li_completion"\n\n[scope]')],
        [
            "STOP project.toml, line 17: this stands here for a second time. Keep one of the two.",
        ],
    ),
    # --- Values ---------------------------------------------------------------------------------------------
    "a field missing": (
        [(SCRIPT, 'title = "The words of the call"\n', "")],
        ['STOP pdsa/02: "title" is missing. Add the line.'],
    ),
    "an id of a folder": (
        [(SCRIPT, '"P2"', '"../P2"')],
        ["STOP pdsa/02, id: an id has letters, figures and hyphens only, such as lead, I1 or P1."],
    ),
    "ids that differ in a capital letter": (
        [(SCRIPT, 'id = "P2"', 'id = "p1"')],
        ["STOP Two cycles are both called P1 (01-welcome-call.md and 02-call-script.md). Give one of them a new id."],
    ),
    "signs that turn a text round": ([(SCRIPT, "The words", "\u202eThe words\u202c")], []),
    "an empty id": ([(SCRIPT, '"P2"', '""')], ["STOP pdsa/02, id: the id is empty. Give it one, such as lead, I1 or P1."]),
    "a number for a text": ([(SCRIPT, '"P2"', "2")], ["STOP pdsa/02, id: this must be text in quotation marks."]),
    "a text for a list": ([(CALL, '["second_contact"]', '"second_contact"')], []),
    "no date at all": ([(SCRIPT, "2022-04-04", '"soon"')], ["STOP pdsa/02, start: this is not a date. Write 2022-06-14."]),
    "a status of an idea": (
        [("drivers.toml", '"testing"', '"tested"')],
        [
            "STOP drivers.toml, line 8, status must be one of idea, testing, adopted, adapted, abandoned. "
            'Did you mean "testing"?'
        ],
    ),
    "a status of an action": (
        [("actions.csv", ",open,", ",opne,")],
        ['STOP actions.csv, row 2, status must be one of open, doing, done, dropped. Did you mean "open"?'],
    ),
    "a status of the project": (
        [("project.toml", '"testing"', '"started"')],
        ["STOP project.toml, status must be one of planning, testing, implementing, sustaining, closed."],
    ),
    "done without a day": (
        [("actions.csv", "2022-04-19", "")],
        ["WARN actions.csv, row 3: when was this done? Fill in done_on."],
    ),
    "no title": ([("project.toml", 'title = "Helping', 'titel = "Helping')], [
        'STOP project.toml, line 2: "titel" is not a field I know. Did you mean "title"?',
    ]),
    "a share that is no whole per cent": (
        [("project.toml", "target = 0.70", "target = 62.5%")],
        ['STOP project.toml, target: write 62.5% as 0.625. You wrote "62.5%".'],
    ),
    "a share a little over 1": (
        [("project.toml", "target = 0.70", "target = 1.2")],
        ["STOP project.toml, target: write a share from 0 to 1, such as 0.70. You wrote 1.2."],
    ),
    "a number that begins with its point": (
        [("project.toml", "target = 0.70", "target = .70")],
        ["STOP project.toml, line 10: a number is written with a point, such as 0.70."],
    ),
    "a number in words": (
        [("project.toml", "target = 0.70", "target = 70 per cent")],
        ["STOP project.toml, line 10: a number is written with a point, such as 0.70."],
    ),
    "a date in words": ([("project.toml", "by = 2022-12-31", "by = 31 December 2022")], []),
    "the aim ends before the project begins": (
        [("project.toml", "by = 2022-12-31", "by = 2020-12-31")],
        [
            "STOP project.toml, by: the end (31 Dec 2020) is before the start (1 May 2021).",
            "WARN project.toml, [aim] baseline: it ends on 30 Apr 2021, and the aim is for 31 Dec 2020. Look at the years.",
        ],
    ),
    "a heading with a bracket too few, and another fault below it": (
        [("project.toml", "[aim]", "[aim"), ("project.toml", '"increase"', '"up"')],
        [
            "STOP project.toml, line 6: a heading has the same brackets on both sides, such as [aim] or [[roles]].",
            "STOP project.toml, [aim], direction must be one of increase, decrease.",
        ],
    ),
    "a part mistyped": (
        [("project.toml", "[aim]", "[aims]")],
        ['STOP project.toml: "aims" is not a field I know. Did you mean "aim"?'],
    ),
    "braces over two lines": (
        [("project.toml", "2020-05-01, to", "2020-05-01,\n  to")],
        ["STOP project.toml, line 12: write { and } and all between them on one line."],
    ),
    "a brace that is never closed": (
        [(CALL, "to = 0.75 }", "to = 0.75")],
        ["STOP pdsa/01, line 9: write { and } and all between them on one line."],
    ),
    "a text over two lines": (
        [("drivers.toml", "A call before", "A call\nbefore")],
        [f"STOP drivers.toml, line 6: {LAYOUT}"],
    ),
    "a comma at the end": (
        [("drivers.toml", 'status = "testing"', 'status = "testing",')],
        ["STOP drivers.toml, line 8: take out the comma at the end."],
    ),
    "a space in a name": (
        [("drivers.toml", "raised_by", "raised by")],
        ["STOP drivers.toml, line 7: the name before = holds a space. Write _ in its place."],
    ),
    "a number far too long": (
        [("team.toml", FILES["team.toml"], "x = " + "9" * 5000)],
        ["STOP team.toml: a number is far too long. Take it out."],
    ),
    "the heading of an idea mistyped": (
        [("drivers.toml", "[[drivers.ideas]]", "[[drivers.idea]]"), (CALL, 'idea = "I1"\n', "")],
        ['WARN drivers.toml, line 1: "idea" is not a field I know. Did you mean "ideas"?'],
    ),
    "a field that is needed mistyped": (
        [(SCRIPT, "start = ", "strat = ")],
        ['STOP pdsa/02, line 4: "strat" is not a field I know. Did you mean "start"?'],
    ),
    "the header of a test without its marks, named by a story": (
        [(CALL, "+++", "---")],
        ["STOP pdsa/01: the header is missing. The file begins with a line +++, then lines such as id, then +++."],
    ),
    "a prediction with the sign": (
        [(CALL, "to = 0.75", 'to = "75%"')],
        ['STOP pdsa/01, predicted, to: write 75% as 0.75. You wrote "75%".'],
    ),
    "headings in bold": ([(CALL, "## Study", "**Study:**"), (CALL, "## Act", "##Act")], []),
    "a decision under one sign": (
        [("decisions.md", "## 2022-04-12 a", "# 2022-04-31 a")],
        ['STOP decisions.md, line 3: "2022-04-31" is not a date.'],
    ),
    "raised on a day that is none": (
        [("actions.csv", FILES["actions.csv"], "id,action,owner,due,status,raised_at\nA1,x,lead,2022-06-14,open,31/02/2022\n")],
        ['STOP actions.csv, row 2, raised_at: "31/02/2022" is not a date.'],
    ),
    "done on a day to come": (
        [("actions.csv", "2022-04-19", "2202-04-19")],
        ["WARN actions.csv, row 3, done_on: 19 Apr 2202 is still to come. Look at the year."],
    ),
    "consent that begins later": (
        [(STORY, "consent_on = 2022-03-08", "consent_on = 2022-08-08")],
        ["WARN stories/2022-03: consent begins on 8 Aug 2022. Until then it will not appear in any edition."],
    ),
    "a successor mistyped": (
        [("team.toml", "since = 2021-05-01", 'until = 2022-07-30\nsuccessor = "analist"')],
        ['WARN team.toml, line 5, successor: "analist" is not a role of team.toml. Did you mean "analyst"?'],
    ),
    "a step of training mistyped": (
        [("team.toml", 'id = "su1"', 'id = "su1"\ntraining = ["Pocket Q1"]'), ("team.toml", "[[roles]]", 'training_ladder = ["Pocket QI"]\n[[roles]]')],
        ['WARN team.toml, line 2, training: "Pocket Q1" is not a step of training_ladder. Did you mean "Pocket QI"?'],
    ),
    "papers that go out after the meeting": (
        [("team.toml", "[[roles]]", "[reviews]\npapers_days_before = -3\n[[roles]]")],
        ["STOP team.toml, reviews, papers_days_before: this must lie between 0 and 60."],
    ),
    "an idea that waits though it is tested": (
        [("drivers.toml", '"testing"', '"idea"')],
        ['NOTE P1 tests I1, whose status is still "idea". Write testing in drivers.toml.'],
    ),
    "an empty title": (
        [("project.toml", '"Helping more people complete Low Intensity CBT"', '""')],
        ["STOP project.toml, title: this is empty. Fill it in."],
    ),
    "a start that is none": (
        [("project.toml", "started = 2021-05-01", "started = 2021-13-01")],
        ['STOP project.toml, started: "2021-13-01" is not a date.'],
    ),
    "a direction": (
        [("project.toml", '"increase"', '"up"')],
        ["STOP project.toml, [aim], direction must be one of increase, decrease."],
    ),
    "baseline the wrong way round": (
        [("project.toml", "2021-04-30 }\n#", "2019-04-30 }\n#")],
        ["STOP project.toml, [aim] baseline: it ends before it begins. Swap the two dates."],
    ),
    "a service code that ends first": (
        [("project.toml", "to = 2022-11-30", "to = 2017-11-30")],
        ["STOP project.toml, service code RWK4C: the end (30 Nov 2017) is before the start (1 Apr 2018)."],
    ),
    "a gap that is no month": (
        [("project.toml", "# [[accepted_gaps]]", '[[accepted_gaps]]\nmonth = "September"\n#')],
        ["STOP project.toml, [[accepted_gaps]], month: write the month as 2022-09."],
    ),
    "a gap without a reason": (
        [("project.toml", "# [[accepted_gaps]]", '[[accepted_gaps]]\nmonth = "2022-09"\n#')],
        ["STOP project.toml, accepted_gaps: say why 2022-09 is missing from the data, or remove the gap."],
    ),
    "a gap with an empty reason, and another": (
        [
            (
                "project.toml",
                "# [[accepted_gaps]]",
                '[[accepted_gaps]]\nmonth = "2022-09"\nreason = " "\n[[accepted_gaps]]\nmonth = "2022-9"\nreason = "lost"\n#',
            )
        ],
        [
            "STOP project.toml, [[accepted_gaps]], month: write the month as 2022-09.",
            "STOP project.toml, accepted_gaps: say why 2022-09 is missing from the data, or remove the gap.",
        ],
    ),
    "two phases of one day": (
        [
            (
                "project.toml",
                "# [[phases]]",
                '[[phases]]\nfrom = 2022-02-01\nreason = "x"\n[[phases]]\nfrom = 2022-02-01\nreason = "y"\n#',
            )
        ],
        ["STOP project.toml, phases: two begin on 1 Feb 2022. Keep one of them."],
    ),
    "service codes side by side": (
        [("project.toml", "to = 2022-11-30", "to = 2022-12-31")],
        ["WARN project.toml, service_codes: RWK4C is still in use when RQY58 begins (1 Dec 2022). Look at the days."],
    ),
    "an aim whose day has passed, before its baseline ends": (
        [("project.toml", "by = 2022-12-31", "by = 2022-05-14"), ("project.toml", "2021-04-30 }\n#", "2022-06-30 }\n#")],
        [
            "WARN project.toml, by: the date of the aim, 14 May 2022, has passed. Agree a new one at the next review.",
            "WARN project.toml, [aim] baseline: it ends on 30 Jun 2022, and the aim is for 14 May 2022. Look at the years.",
        ],
    ),
    "many faults in the settings": (
        [
            ("project.toml", '"testing"', '"tested"'),
            ("project.toml", '"increase"', '"up"'),
            ("project.toml", "target = 0.70", "target = true"),
            ("project.toml", "2022-12-31", '"next year"'),
            ("project.toml", '"making_data_count"', '"mdc"'),
            ("project.toml", "min_denominator = 8", "min_denominator = 0"),
            ("project.toml", 'protection = "team"', "protection = 5"),
            ("project.toml", "time_limit_seconds = 600", 'time_limit_seconds = "long"'),
        ],
        [
            "STOP project.toml, status must be one of planning, testing, implementing, sustaining, closed. "
            'Did you mean "testing"?',
            "STOP project.toml, [aim], direction must be one of increase, decrease.",
            "STOP project.toml, [aim], target: this must be a number.",
            "STOP project.toml, [aim], by: this is not a date. Write 2022-06-14.",
            "STOP project.toml, [settings], rules must be one of making_data_count, anhoej, ihi.",
            "STOP project.toml, min_denominator: this must lie between 1 and 1000.",
            "STOP project.toml, [settings], protection: this must be text in quotation marks.",
            "STOP project.toml, [settings], time_limit_seconds: this must be a whole number.",
        ],
    ),
    "many faults in a test": (
        [
            (CALL, "2021-10-29", "31/02/2022"),
            (CALL, '"I1"', '"I9"'),
            (CALL, '"adapt"', '"adapted"'),
            (CALL, 'measures = ["second_contact"]', 'measures = ["second_contac"]'),
            (CALL, 'owner = "lead"', 'owner = "leed"'),
        ],
        [
            'STOP pdsa/01, end: "31/02/2022" is not a date.',
            'STOP pdsa/01, decision must be one of adopt, adapt, abandon, running. Did you mean "adapt"?',
            'STOP pdsa/01, measures: the measure "second_contac" is not in measures.toml. Did you mean "second_contact"?',
            'WARN pdsa/01, idea: "I9" is not an idea of drivers.toml. Known are: I1.',
            'WARN pdsa/01, owner: "leed" is not a role of team.toml. Did you mean "lead"?',
        ],
    ),
    "a driver without words": (
        [("drivers.toml", '"People know what to expect"', '""')],
        ["WARN drivers.toml, line 2, driver: this is empty. Fill it in."],
    ),
    "a role that follows itself": (
        [("team.toml", "since = 2021-05-01", 'until = 2022-07-30\nsuccessor = "lead"')],
        ["WARN team.toml, line 5, successor: a role cannot follow itself. Name another one."],
    ),
    "plans of another century": (
        [
            (SCRIPT, "2022-04-04", "2202-04-04"),
            ("actions.csv", "2022-06-14", "2220-06-14"),
            ("team.toml", "since = 2021-05-01", "until = 2122-07-30"),
        ],
        [
            "WARN pdsa/02, start: 4 Apr 2202 is far away. Look at the year.",
            "WARN actions.csv, row 2, due: 14 Jun 2220 is far away. Look at the year.",
            "WARN team.toml, line 5, until: 30 Jul 2122 is far away. Look at the year.",
        ],
    ),
    "done before it was raised": (
        [("actions.csv", "2022-04-19", "2021-04-19")],
        ["WARN actions.csv, row 3, done_on: 19 Apr 2021 is before it was raised (12 Apr 2022). Look at the years."],
    ),
    "a comma in a text without quotation marks": (
        [("actions.csv", "A1,Ask the team,", "A1,Ask the team, twice,")],
        ["STOP actions.csv, row 2: there are more cells than headings. Put text that holds a comma in quotation marks."],
    ),
    "decisions without a day": (
        [("decisions.md", "## 2022-04-12 a monthly review", "We agreed:")],
        ["WARN decisions.md: a decision begins with its date. Write ## 2023-02-14 and then what was decided."],
    ),
    "a prediction in words": (
        [(CALL, '{ measure = "second_contact", from = 0.60, to = 0.75 }', '"75%"')],
        ['STOP pdsa/01, predicted: write { measure = "second_contact", from = 0.60, to = 0.75 }.'],
    ),
    "half a prediction": (
        [(CALL, ", to = 0.75 }", " }")],
        ['STOP pdsa/01, predicted: "to" is missing. Add the line.'],
    ),
    "a consent": (
        [(STORY, 'consent = "plain"', 'consent = "yes"')],
        [
            "STOP stories/2022-03, consent must be one of none, team, plain.",
        ],
    ),
    "a role with a name": (
        [("team.toml", '"service user"', '"Jo Example"')],
        ["WARN team.toml, line 1, role: this looks like a person's name. Write a role instead, such as lead."],
    ),
    "a role that ends first": (
        [("team.toml", "since = 2021-05-01", "since = 2021-05-01\nuntil = 2021-04-01")],
        [
            "STOP team.toml, line 5: the end (1 Apr 2021) is before the start (1 May 2021).",
        ],
    ),
    "an action without id": (
        [("actions.csv", "A1,", ",")],
        ["WARN actions.csv, row 2: the id is empty. Give it one, such as A1."],
    ),
    "an action due some day": (
        [("actions.csv", "2022-06-14", "soon")],
        ["STOP actions.csv, row 2, due: this is not a date. Write 2022-06-14."],
    ),
    "an event without letter": (
        [("events.csv", ",B,", ",,")],
        ['STOP events.csv, row 3: "letter" is empty. A row needs date,letter,what,could_affect.'],
    ),
    "a word for a letter": (
        [("events.csv", ",B,", ",move,")],
        ["STOP events.csv, row 3, letter: write one or two letters, such as B."],
    ),
    "a score out of range": (
        [("feedback.csv", "team,4", "team,9")],
        ['WARN feedback.csv, row 2, useful_1_to_5: write a whole number from 1 to 5. You wrote "9".'],
    ),
    "a prediction as per cent": (
        [(CALL, "to = 0.75", "to = 75")],
        ["STOP pdsa/01, predicted: write 75% as 0.75. You wrote 75."],
    ),
    "a decision without a day": (
        [("decisions.md", "## 2022-04-12 a", "## A")],
        ["WARN decisions.md, line 3: a decision begins with its date. Write ## 2023-02-14 and then what was decided."],
    ),
    "a decision on a day that is none": (
        [("decisions.md", "2022-04-12", "2022-04-31")],
        ['STOP decisions.md, line 3: "2022-04-31" is not a date.'],
    ),
    # --- Ids that lead nowhere ------------------------------------------------------------------------------
    "measure of a cycle": (
        [(SCRIPT, "second_contact", "second_contacts")],
        ['STOP pdsa/02, measures: the measure "second_contacts" is not in measures.toml. Did you mean "second_contact"?'],
    ),
    "measure of an idea": (
        [("drivers.toml", "second_contact", "second_contacts")],
        [
            'STOP drivers.toml, line 4, measures: the measure "second_contacts" is not in measures.toml. '
            'Did you mean "second_contact"?'
        ],
    ),
    "measure of an event": (
        [("events.csv", "began,all", "began,second")],
        ['STOP events.csv, row 2, could_affect: the measure "second" is not in measures.toml. Did you mean "second_contact"?'],
    ),
    "idea of a cycle": (
        [(CALL, 'idea = "I1"', 'idea = "I2"')],
        ['WARN pdsa/01, idea: "I2" is not an idea of drivers.toml. Known are: I1.'],
    ),
    "cycle of a story": (
        [(STORY, '["P1"]', '["P9"]')],
        ['WARN stories/2022-03, about: "P9" is not the id of a cycle or an idea. Known are: I1, P1, P2.'],
    ),
    "owner mistyped": (
        [("actions.csv", "lead,", "leed,")],
        ['WARN actions.csv, row 2, owner: "leed" is not a role of team.toml. Did you mean "lead"?'],
    ),
    "owner with a name": (
        [("actions.csv", "lead,", "Jo Example,")],
        ["WARN actions.csv, row 2, owner: this looks like a person's name. Write a role instead, such as lead."],
    ),
    "owner in words": ([("actions.csv", "lead,", "Project lead,")], []),
    "two events of one letter": (
        [("events.csv", ",B,", ",A,")],
        ["STOP Two events are both called A (events.csv, row 2 and events.csv, row 3). Give one of them a new letter."],
    ),
    "two actions of one id": (
        [("actions.csv", "A2,", "A1,")],
        ["STOP Two actions are both called A1 (actions.csv, row 2 and actions.csv, row 3). Give one of them a new id."],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_record_is_told_in_these_sentences(name, record):
    changes, wanted = BROKEN[name]
    for file, old, new in changes:
        change(record, file, old, new)
    assert tell(record) == sorted(wanted)


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


def test_a_run_is_refused_with_every_stop(record):
    change(record, SCRIPT, "2022-04-04", "2022-04-31")
    change(record, CALL, "end = 2021-10-29", "end = 2021-10-01")
    change(record, "project.toml", "target = 0.70", "target = 70")
    with pytest.raises(RecordProblem) as caught:
        read_whole_record(record)
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "project.toml, target", "pdsa/01", "pdsa/02, start",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "may"),
    [
        ("I was glad that Priya rang me.", True),
        ("Priya rang me.", True),
        ("My son Kieran came, too.", True),
        ("Evening calls helped. Nobody else rang, and Low Intensity CBT suits me.", False),
        ("Before Christmas the Richmond Wellbeing Service rang on a Tuesday.", False),
        ("I AM GLAD", False),
        ("", False),
    ],
)
def test_a_word_with_a_capital_letter_that_nobody_knows_may_be_a_name(line, may):
    assert may_name(line) is may


def test_the_check_notes_the_lines_of_stories_that_may_hold_a_name(record):
    change(record, STORY, "It was short.", "Priya rang twice.")
    found = [f"{one.level} {one.message}" for one in check_record(Places(record.parent), DAY).findings]
    assert found == [
        "NOTE stories/2022-03, line 10: a word with a capital letter may be somebody's name. Read the line once more before sharing."
    ]


def test_no_line_of_the_example_is_taken_for_a_name():
    lines = [
        line for path in (PROJECT / "example").rglob("*.md") for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert len(lines) > 50 and not any(may_name(line) for line in lines)


PARTS = [name for name in FILES if "/" not in name] + ["pdsa", "stories"]


@pytest.mark.parametrize("part", PARTS)
def test_a_missing_part_is_no_fault(part, record):
    path = record / part
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    stops = [one for one in read(record) if one.level == "STOP"]
    assert stops == []


def test_without_a_record_of_its_own_there_is_nothing_to_tell(tmp_path):
    assert read_team_record(PROJECT, None) == TeamRecord()
    assert read_team_record(tmp_path / "nothing", None) == TeamRecord()


@pytest.mark.parametrize(
    ("name", "level", "sentence"),
    [
        (
            "action.csv",
            "WARN",
            'action.csv is not a file of the record, so it is not read. Did you mean "actions.csv"?',
        ),
        ("notes.docx", "NOTE", "notes.docx is not a file of the record, so it is not read."),
        (
            "pdsa/03-more.md.txt",
            "WARN",
            "pdsa/03-more.md.txt is not read. Save it as plain text, under a name that ends in .md.",
        ),
    ],
)
def test_a_file_that_is_not_read_is_told(name, level, sentence, record):
    (record / name).write_text("text", encoding="utf-8")
    assert tell(record) == [f"{level} {sentence}"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_files_of_notepad_are_read(encoding, record):
    plain = read_team_record(record, None)
    for name in FILES:
        path = record / name
        path.write_bytes(path.read_text(encoding="utf-8").replace("\n", "\r\n").encode(encoding))
    assert read_team_record(record, None) == plain


def test_a_link_that_leads_nowhere_is_told(record):
    (record / "actions.csv").unlink()
    (record / "actions.csv").symlink_to(record / "gone.csv")
    wanted = "I cannot open this file. Close it elsewhere, or put one of this name in its place."
    assert tell(record) == [f"STOP actions.csv: {wanted}"]


def test_letters_of_windows_are_read_and_noted(record):
    path = record / "actions.csv"
    path.write_bytes(path.read_text(encoding="utf-8").replace("Ask the team", "Ask the café’s team").encode("cp1252"))
    assert read_team_record(record, None).actions[0].action == "Ask the café’s team"
    assert tell(record) == [
        "NOTE actions.csv: read in the letters of Windows. Save it as UTF-8 to be certain of every letter."
    ]


def test_a_file_that_is_no_text_is_named(record):
    (record / "actions.csv").write_bytes(b"PK\x03\x04\x00\x00\x81")
    assert tell(record) == [
        "STOP actions.csv: this is not a file of text. Save it again as CSV UTF-8 (comma delimited)."
    ]


def test_a_run_stops_for_the_team_s_record_before_any_data_is_read(record):
    change(record, SCRIPT, "2022-04-04", "2022-04-31")
    nowhere = record / "no data"
    with pytest.raises(RecordProblem, match=r'^pdsa/02, start: "2022-04-31" is not a date\.$'):
        prepare(Places(record.parent), nowhere, {}, {})


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


# --- What is read ---------------------------------------------------------------------------------------------


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


def test_the_record_is_read_back(record):
    team = read_team_record(record, None)
    assert describe_counts(team, DAY) == (
        "The record reads well: 1 driver, 1 idea, 2 cycles (1 running), 1 open action."
    )
    text = describe_record(read_record(record), team, DAY)
    assert "to 70% by 31 December 2022" in text
    assert "Being tested now: The words of the call (P2, since 4 April 2022)." in text
    assert "Due next: Ask the team (A1), 14 June 2022, project lead (PWP)." in text


# --- The example ------------------------------------------------------------------------------------------------


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


# --- Which stories may be shown -----------------------------------------------------------------------------------

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


DETAILS = {
    "07700 900123": "a phone number",
    "+44 7700 900123": "a phone number",
    "(020) 7946 0958": "a phone number",
    "7700 900123": "a phone number",
    "０７７００９００１２３": "a phone number",
    "077\u200b00900123": "a phone number",
    "O77OO 9OO123": "a phone number",
    "oh double seven double oh, nine double oh one two three": "a phone number",
    "zero seven seven zero zero nine zero zero one two three": "a phone number",
    "nine four three four seven six five nine one nine": "an NHS number",
    "someone@example.org": "an e-mail address",
    "943 476 5919": "an NHS number",
    "9434765919": "an NHS number",
    "943 476 5918": "an NHS number",
    "TW9 1AB": "a postcode",
    "tw91ab": "a postcode",
    "DOB: 3/4/1985": "a date of birth",
    "born on 3 April 1985": "a date of birth",
    "03/04/1985": "a date of birth",
    "Dr Example": "a person's name",
    "My name is Example": "a person's name",
    "my name's Example": "a person's name",
    "I'm Alex Example": "a person's name",
}
PLAIN = [
    "2022-03-08 to 2023-03-08", "14/06/2022 10:00", "codes 748051000000105 and 702545008", "P1 2nd week", "RWK4C to RQY58",
    "from 0.60 to 0.75", "58 of 97 people", "at 10:00 on 3 May 2022", "Miss the first appointment", "call 111", "A12, A13",
    "one, two, three, four, five, six", "one or two of three, four or five", "5 o'clock or 10 o'clock", "CO2 at 20 degrees",
]  # fmt: skip


@pytest.mark.parametrize("text", DETAILS)
def test_a_personal_detail_is_seen(text):
    assert find_details(f"so {text}, then") == [DETAILS[text]]


@pytest.mark.parametrize("text", PLAIN)
def test_what_tells_of_nobody_is_left_alone(text):
    assert find_details(text) == []


# --- Whatever is written ---------------------------------------------------------------------------------------

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


# --- Five years ---------------------------------------------------------------------------------------------------


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

"""Packs of the team's record: what each says, what it says when something is missing, and what may leave the team."""

import re
from dataclasses import replace
from datetime import date
from html import unescape

import nbformat
import pytest
from icalendar import Calendar
from nbclient import NotebookClient
from pack_example import (
    CALL,
    DAY,
    LETTER,
    REVIEWS,
    ROLES,
    ROOT,
    TEAM,
    build_pages,
    build_release,
    build_sources,
    write_project,
)
from textstat import textstat
from typer.testing import CliRunner

from qi_analysis.cli import app
from qi_analysis.errors import GateClosed, RecordProblem
from qi_analysis.packs import learning as page_learning
from qi_analysis.packs.case_study import render_case_study
from qi_analysis.packs.life_qi import build_life_qi
from qi_analysis.packs.pack import MISSING, describe_failed, describe_missing, read_sources, read_written_day
from qi_analysis.packs.welcome import build_welcome, find_role, read_kinds
from qi_analysis.record.meetings import list_meetings, render_calendar
from qi_analysis.record.team import Reviews, Role, Story, Team, TeamRecord
from qi_analysis.run.provenance import digest_record

EMPTY = TeamRecord()
BANNED = re.compile(
    r"drop-?outs?|dropped out|non-?compliant|refus|DNA|recently|significant|huge|cohort|censored|\bnull\b|NaN|&(?!\w+;)|!|e\.g\.",
    re.I,
)
OLDEST = {"handover": 14, "meeting": 14, "welcome": 11}


def read_text(page: str) -> str:
    """The words of a page without its head, tags in one line."""
    body = page.partition("<body>")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def list_sections(page: str) -> list[str]:
    """The sentences of each section; tables are not read aloud, a line without a stop ends as a sentence."""
    main = re.sub(r"<table.*?</table>", "", page.partition("<main")[2].partition("</main>")[0], flags=re.S)
    blocks = [re.split(r"</(?:h2|h3|p|li|dd)>", part) for part in main.split("<section")[1:]]
    told = [[" ".join(unescape(re.sub(r"<[^>]*>|^[^<]*>", " ", one)).split()) for one in part] for part in blocks]
    return [" ".join(line if line[-1] in ".?!:" else f"{line}." for line in part if line) for part in told]


@pytest.fixture(scope="module")
def full():
    return build_pages(build_sources(release=build_release()))


@pytest.fixture(scope="module")
def empty():
    return build_pages(build_sources(EMPTY))


@pytest.mark.parametrize(
    ("pack", "sentence"),
    [
        ("handover", "People who leave early seldom get the help they came for."),
        ("handover", "In August 2022, 6 of every 10 people whose LI CBT ended had completed it (58 of 97)."),
        ("handover", "Welcome call (from 15 August 2022, one practitioner, 10 people)."),
        ("handover", "due 10 August 2022, still open"),
        ("handover", "We tried this and it did not help. We learned that the letters came too late."),
        ("handover", "Type make review."),
        ("handover", "data analyst 1 September 2021 not written the data and the report"),
        ("handover", "Only the data analyst is down for running the report. Show a second person how it is done."),
        ("handover", "The role of project lead (PWP) ends on 30 September 2022. No successor is named."),
        ("handover", "The role of data analyst ends on 31 October 2022. Next comes: service user."),
        ("handover", "1 May 2021: completed means"),
        ("handover", "14 February 2022: we count step-ups apart Why: a step-up is not leaving."),
        ("handover", "The table is long. What we did: We folded it."),
        ("handover", "The shared folder The deputy has access."),
        ("handover", "Ideas that wait A leaflet"),
        ("handover", "Ask how this test is going: Welcome call."),
        ("welcome", "CBT is a talking therapy."),
        ("welcome", "In August 2022 it was about 6 of every 10. That is about 60 of 95."),
        ("welcome", "Welcome call, since 15 August 2022"),
        ("welcome", "It helped to know who calls. Service user, March 2022"),
        ("welcome", "Your next step Tools learn and apply. Done already Pocket QI After that Coaching"),
        ("welcome", "We meet every month, third Tuesday 10:00"),
        ("welcome", "About the figures: data analyst."),
        ("meeting", "Wednesday 31 August 2022, 10:00"),
        ("meeting", "This is not the usual day. The next usual day is 20 September 2022."),
        ("meeting", "The papers go out by 28 August 2022. It answers these questions: Are we getting better?"),
        ("meeting", "What did we see in this test: Welcome call? What do we do next?"),
        ("meeting", "Who takes over from the project lead, whose role ends on 30 September 2022?"),
        ("meeting", "Ask about text messages data analyst due 1 October 2022"),
        ("meeting", "Done since last time Book the room (19 August 2022)"),
    ],
)  # fmt: skip
def test_a_pack_says(full, pack, sentence):
    assert sentence in read_text(full[pack])


@pytest.mark.parametrize(
    ("pack", "parts"),
    [
        ("handover", "target review cycles actions roles decisions feedback handover"),
        ("welcome", "target review cycles stories roles meets join training"),
        ("meeting", "meets join review actions"),
    ],
)
def test_what_is_missing_is_said_with_how_to_add_it(empty, pack, parts):
    assert [part for part in parts.split() if describe_missing(part) not in read_text(empty[pack])] == []


@pytest.mark.parametrize("part", MISSING)
def test_every_missing_part_says_what_and_how(part):
    what, how = MISSING[part]
    assert what.endswith(".") and any(place in how for place in ("qi run", "qi new", "project/"))


@pytest.mark.parametrize("pack", ["handover", "welcome", "meeting"])
@pytest.mark.parametrize("record", ["full", "empty"])
def test_a_pack_is_easy_to_read_and_holds_no_banned_word(pack, record, request):
    page = request.getfixturevalue(record)[pack]
    ages = [textstat.flesch_kincaid_grade(section) + 5 for section in list_sections(page)]
    assert len(ages) >= 5 and [age for age in ages if age > OLDEST[pack]] == []
    assert BANNED.findall(read_text(page)) == []


def test_a_team_view_never_holds_what_only_the_team_may_read(full):
    assert "Only for the team." not in full["welcome"]
    assert "58 of 97" not in full["welcome"]


@pytest.mark.parametrize(
    ("study", "said"),
    [
        ("The letters came too late.", "We tried this and it did not help. We learned that the letters came too late."),
        ("LI staff were away.", "We tried this and it did not help. We learned that LI staff were away."),
        ("March was too busy.", "We tried this and it did not help. We learned that March was too busy."),
        ("We learned that it was late.", "We tried this and it did not help. We learned that it was late."),
        ("We tried this and it did not help. We learned that it was late.", "We tried this and it did not help. We learned that it was late."),
        ("", "We tried this and it did not help. What we learned is not written yet. One sentence under Study is enough."),
    ],
)  # fmt: skip
def test_a_test_that_was_given_up_is_told_as_learning(study, said):
    assert describe_failed(replace(LETTER, study=study)) == said


@pytest.mark.parametrize(
    ("until", "successor", "said"),
    [
        (None, "", "No role ends within the next 90 days."),
        (date(2022, 12, 1), "", "No role ends within the next 90 days."),
        (date(2022, 11, 29), "", "ends on 29 November 2022. No successor is named."),
        (date(2022, 11, 29), "deputy", "ends on 29 November 2022. Next comes: deputy lead."),
        (date(2022, 8, 30), "", "ended on 30 August 2022. No successor is named."),
    ],
)  # fmt: skip
def test_roles_that_end(until, successor, said):
    roles = (Role("lead", "project lead", until=until, successor=successor), Role("deputy", "deputy lead"))
    assert said in read_text(build_pages(build_sources(TeamRecord(team=Team(roles))))["handover"])


@pytest.mark.parametrize(
    ("written", "role", "kind"),
    [
        ("service user", "service user", "service_user"),
        ("Service-User", "service user", "service_user"),
        ("clinician", "clinician", "clinician"),
        ("administrator", "administrator", "administrator"),
        ("coach", "coach", "coach"),
        ("team member", "team member", "member"),
        ("lead", "project lead (PWP)", "clinician"),
        ("data analyst", "data analyst", "member"),
    ],
)
def test_a_role_that_joins(written, role, kind):
    found, found_kind = find_role(build_sources(), written)
    assert (found.role, found_kind) == (role, kind)
    assert len(build_welcome(build_sources(), found, found_kind)) == 11


def test_a_role_that_nothing_knows_is_told_with_the_nearest():
    with pytest.raises(RecordProblem, match='Did you mean "clinician"') as told:
        find_role(build_sources(), "clinicain")
    assert all(block["name"] in str(told.value) for block in read_kinds().values())


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ((), "Your next step Pocket QI. After that Tools learn and apply, Coaching"),
        (("tools_learn_and_apply",), "Your next step Pocket QI. Done already Tools learn and apply After that Coaching"),
        (("pocket_qi", "tools_learn_and_apply", "coaching"), "You have done every step. You can help others learn."),
    ],
)  # fmt: skip
def test_the_training_step_that_is_missing(done, said):
    roles = (replace(ROLES[0], training=done),)
    sources = build_sources(replace(TEAM, team=replace(TEAM.team, roles=roles)))
    assert said in read_text(build_pages(sources)["welcome"])


@pytest.mark.parametrize(
    ("every", "meets", "first", "days"),
    [
        ("month", "third Tuesday 10:00", "2022-06-21", "2022-06-21 2022-07-19 2022-08-16"),
        ("month", "the third Tuesday of the month, 10:00", "2022-06-14", "2022-06-14 2022-06-21 2022-07-19"),
        ("month", "last Friday", "2022-06-24", "2022-06-24 2022-07-29 2022-08-26"),
        ("quarter", "first Monday 9:30", "2022-06-06", "2022-06-06 2022-09-05 2022-12-05"),
        ("week", "Tuesday 10:00", "2022-06-14", "2022-06-14 2022-06-21 2022-06-28"),
        ("fortnight", "Tuesdays at 10:00", "2022-06-14", "2022-06-14 2022-06-28 2022-07-12"),
        ("month", "Tuesday 10:00", "2022-06-14", "2022-06-14"),
        ("month", "when we can", "2022-06-14", "2022-06-14"),
        ("month", "", "2022-06-14", "2022-06-14"),
    ],
)  # fmt: skip
def test_meetings_follow_the_words_of_the_team(every, meets, first, days):
    found = list_meetings(Reviews(every, meets), date.fromisoformat(first))
    assert " ".join(map(str, found[:3])) == days
    assert len(found) in (1, 12)


def test_the_calendar_is_read_back_as_it_was_meant():
    text = render_calendar(REVIEWS, "Helping more people complete Low Intensity CBT", date(2022, 6, 21))
    events = Calendar.from_ical(text).walk("VEVENT")
    meetings = [event for event in events if "-review-" in event["uid"]]
    papers = [event for event in events if "-papers-" in event["uid"]]
    assert (len(meetings), len(papers), len({event["uid"] for event in events})) == (12, 12, 24)
    assert meetings[0].decoded("dtstart").isoformat() == "2022-06-21T10:00:00+01:00"
    assert meetings[6].decoded("dtstart").isoformat() == "2022-12-20T10:00:00+00:00"
    assert (meetings[0].decoded("dtend") - meetings[0].decoded("dtstart")).seconds == 3600
    assert papers[0].decoded("dtstart") == date(2022, 6, 18)
    assert str(meetings[0]["location"]) == REVIEWS.join
    assert {event.decoded("dtstamp").date() for event in events} == {date(2022, 6, 21)}


def test_the_calendar_has_the_form_of_its_standard_and_no_people():
    text = render_calendar(replace(REVIEWS, join="x" * 200 + ", " + "y" * 50), "Title", date(2022, 6, 21))
    lines = text.split("\r\n")
    assert max(len(line.encode()) for line in lines) <= 75 and "\n" not in "".join(lines) and lines[-1] == ""
    assert not re.search("ATTENDEE|ORGANIZER|CONTACT", text)
    assert text == render_calendar(replace(REVIEWS, join="x" * 200 + ", " + "y" * 50), "Title", date(2022, 6, 21))


@pytest.mark.parametrize(("text", "day"), [("2022-06-14", date(2022, 6, 14)), ("14/06/2022", date(2022, 6, 14))])
def test_a_day_is_read(text, day):
    assert read_written_day(text) == day


@pytest.mark.parametrize("text", ["tomorrow", "31/02/2022", "2022-6"])
def test_a_day_that_does_not_exist_is_refused_without_repeating_it(text):
    with pytest.raises(RecordProblem, match="14/06/2022") as told:
        read_written_day(text)
    assert text not in str(told.value)


def test_the_case_study_has_the_headings_of_a_story_and_marks_every_gap():
    text = render_case_study(build_sources(release=build_release()))
    assert re.findall(r"^## (.+)$", text, re.M) == [
        "The problem", "Our aim", "Who we are, and whose views we heard", "What we tried", "What the figures say",
        "What we learned", "What comes next", "Thanks",
    ]  # fmt: skip
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        assert "[The team writes: " in part, part
    for said in (
        "We tried this and it did not help. We learned that the letters came too late.",
        "In August 2022 it was about 6 of every 10. That is about 60 of 95.",
        "> It helped to *know* who calls.",
        "Thanks to: service user, project lead, data analyst.",
    ):
        assert said in text
    assert "Only for the team." not in text and "58 of 97" not in text
    assert BANNED.findall(text) == []


def test_the_case_study_of_an_empty_record_is_marks_and_no_figures():
    text = render_case_study(build_sources(EMPTY))
    assert text.count("[The team writes: ") == 11
    assert not re.search(r"\d+%|\d of", text)


def test_life_qi_has_the_fields_of_a_cycle_in_order():
    files = build_life_qi(build_sources())
    assert files["cycle-p1.txt"] == (
        "Objective\nReminder letter. A letter\n\nWhen\n4 October 2021 to 29 October 2021\n\nWhere\none clinic\n\n"
        "Who\nproject lead (PWP)\n\nTasks\nSend a letter.\n\nPrediction\nfewer appointments are missed\n\n"
        "What happened\nWe sent them for a month.\n\nLearning\nThe letters came too late.\n\n"
        "Next\nAbandon. Try a text message.\n"
    )
    assert (
        "What happened\nNot written yet\n\nLearning\nNot written yet\n\nNext\nStill running.\n" in files["cycle-p2.txt"]
    )
    assert (
        files["drivers.txt"]
        == "People know what to expect\n- A call first (testing)\n- A letter (abandoned)\n- A leaflet (idea)\n"
    )
    assert (
        "Aim\nRaise this (the target is not agreed yet): People completing Low Intensity CBT." in files["charter.txt"]
    )
    assert "chart.csv" not in files


def test_the_chart_table_leaves_the_team_protected():
    assert build_life_qi(build_sources(release=build_release()))["chart.csv"] == (
        "period,numerator,denominator,value,note\n"
        "2022-05,,,,hidden to protect privacy\n"
        "2022-06,,,,hidden to protect privacy\n"  # 31 of 33: the other two would be known
        "2022-07,50,90,0.56,\n"
        "2022-08,60,95,0.63,\n"
    )


def test_made_up_records_and_figures_are_labelled_in_every_pack():
    release = build_release()
    made_up = replace(release, facts=replace(release.facts, data_kind="synthetic"))
    sources = build_sources(replace(TEAM, is_example=True), made_up)
    for text in (*build_pages(sources).values(), render_case_study(sources), *build_life_qi(sources).values()):
        assert "synthetic data" in text.lower() and ("example record" in text.lower() or text.startswith("period,"))
    for text in (*build_pages(build_sources(release=release)).values(), render_case_study(build_sources())):
        assert "synthetic" not in text.lower() and "example record" not in text.lower()


def run_command(folder, monkeypatch, *words):
    monkeypatch.chdir(folder)
    return CliRunner().invoke(app, list(words))


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (("handover",), "handover.html"),
        (("welcome", "service", "user"), "welcome-service-user.html"),
        (("case-study", "--on", "31/08/2022"), "case-study.md"),
        (("meeting", "14/06/2022"), "meeting-2022-06-14.html reviews.ics"),
        (("export", "life-qi"), "life-qi/charter.txt life-qi/drivers.txt life-qi/chart.csv"),
    ],
)
def test_a_command_writes_its_pack_and_says_where(tmp_path, monkeypatch, words, files):
    places = write_project(tmp_path)
    for _ in range(2):  # the second replaces the first
        result = run_command(tmp_path, monkeypatch, *words)
        assert (result.exit_code, result.exception) == (0, None)
    wanted = {f"reports/packs/{name}" for name in files.split()}
    assert {path.relative_to(tmp_path).as_posix() for path in places.reports.rglob("packs/**/*.*")} == wanted
    assert all(f"Written: {name}" in result.output for name in wanted)


def test_the_example_is_shown_with_synthetic_data_only_and_dated_by_the_review(tmp_path):
    sources = read_sources(write_project(tmp_path / "made_up", with_example=True, data_kind="synthetic"))
    assert (sources.team.is_example, sources.day) == (True, date(2022, 8, 31))
    sources = read_sources(write_project(tmp_path / "own", with_example=True))
    assert (sources.team.is_example, sources.pages) == (False, ("Are we getting better?",))


def test_a_review_that_was_not_published_is_not_used(tmp_path):
    places = write_project(tmp_path)
    facts = places.release("2022-08") / "facts.json"
    facts.write_text(facts.read_text(encoding="utf-8").replace('"revision": 1', '"revision": 2'), encoding="utf-8")
    assert read_sources(places).release is None


@pytest.mark.parametrize("words", [("handover",), ("meeting", "2022-06-14"), ("case-study",), ("export", "life-qi")])
def test_what_may_not_leave_stops_a_pack_and_keeps_the_earlier_one(tmp_path, monkeypatch, words):
    places = write_project(tmp_path)
    run_command(tmp_path, monkeypatch, *words)
    before = {path: path.read_bytes() for path in places.reports.rglob("packs/**/*.*")}
    roles = '[[roles]]\nid = "lead"\nrole = "project lead, lead@example.org"\n[reviews]\njoin = "write to lead@example.org"\n'
    (places.record / "team.toml").write_text(roles, encoding="utf-8")
    result = run_command(tmp_path, monkeypatch, *words)
    assert isinstance(result.exception, GateClosed) and "example.org" not in str(result.exception)
    assert {path: path.read_bytes() for path in places.reports.rglob("packs/**/*.*")} == before


@pytest.mark.parametrize("words", [("handover",), ("meeting", "2022-06-14")])
def test_few_people_in_the_words_of_the_team_stop_no_pack(tmp_path, monkeypatch, words):
    places = write_project(tmp_path)
    rows = "id,action,owner,due,status\nA1,Ask three people how the call was,lead,2022-06-10,open\n"
    (places.record / "actions.csv").write_text(rows, encoding="utf-8")
    assert run_command(tmp_path, monkeypatch, *words).exit_code == 0
    (page,) = places.reports.rglob("packs/*.html")
    assert "Ask fewer than 8 people how the call was" in page.read_text(encoding="utf-8")


def test_a_faulty_record_stops_a_pack_in_words(tmp_path, monkeypatch):
    places = write_project(tmp_path)
    (places.record / "team.toml").write_text("[[roles]]\nid = lead\n", encoding="utf-8")
    result = run_command(tmp_path, monkeypatch, "handover")
    assert isinstance(result.exception, RecordProblem) and "team.toml, line 2" in str(result.exception)


@pytest.mark.parametrize("page", sorted((ROOT / "project" / "templates").glob("*.md")), ids=lambda page: page.stem)
def test_a_page_of_the_team_asks_and_answers_nothing(page):
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert lines[0].startswith("This page is the team's own. It holds questions only.")
    assert [line for line in lines[1:] if not line.startswith("- ") or not line.endswith("?")] == []


def test_the_pages_of_the_team_make_no_new_revision(tmp_path):
    places = write_project(tmp_path)
    before = digest_record(places)
    (places.record / "templates" / "what-we-agreed.md").write_text("our answers", encoding="utf-8")
    assert digest_record(places) == before
    (places.record / "events.csv").write_text("changed", encoding="utf-8")
    assert digest_record(places) != before


@pytest.mark.parametrize(
    ("show", "said"),
    [
        (page_learning.show_tried, "We saw We sent them for a month. We learned The letters came too late. Next We stop. Try a text message."),
        (page_learning.show_failed, "We tried this and it did not help. We learned that the letters came too late."),
        (page_learning.show_ideas, "A call first testing People know what to expect service user P2"),
        (lambda record: page_learning.show_next(record, build_release()), "Test: Welcome call (from 15 August 2022, one practitioner, 10 people)"),
    ],
)  # fmt: skip
def test_the_notebook_of_learning_says(show, said):
    assert said in read_text(f"<body>{show(TEAM)}")
    assert "qi new " in show(EMPTY)


@pytest.mark.slow
def test_the_notebook_of_learning_runs_from_top_to_bottom(tmp_path):
    places = write_project(tmp_path)
    path = places.notebooks / "03_pdsa_learning.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if "show_answer" not in cell.source]  # needs a whole release
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(places.notebooks)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
    assert len(shown) == 4


def test_a_story_whose_consent_is_for_the_team_stays_in_the_team():
    told = Story(date(2022, 3, 8), "carer", "Kept inside.", "team", date(2022, 3, 8), date(2099, 1, 1))
    sources = build_sources(replace(TEAM, stories=(told,)))
    assert "Kept inside." not in render_case_study(sources) + build_pages(sources)["welcome"]
    assert told.day < DAY and CALL.describe_state(DAY) == "running"


def test_what_the_team_writes_is_shown_and_never_obeyed():
    hostile = "<script>alert('x')</script>"
    team = replace(
        TEAM, cycles=(replace(LETTER, title=hostile, study=hostile),), handover=hostile,
        actions=(replace(TEAM.actions[0], action=hostile),), team=replace(TEAM.team, reviews=replace(REVIEWS, join=hostile)),
    )  # fmt: skip
    for page in build_pages(build_sources(team)).values():
        assert "<script" not in page and "&lt;script&gt;" in page

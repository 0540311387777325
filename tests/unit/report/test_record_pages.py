"""The pages of the team's own record: what is said of a drawn record, what is said of a missing one, and that it is legible."""

import re
from dataclasses import asdict, replace
from datetime import date, timedelta
from html.parser import HTMLParser
from itertools import combinations

import pandas as pd
import pytest
from five_years import (
    END,
    REVIEW,
    build_cycles,
    build_team,
    draw_charts,
    draw_months,
    draw_release,
    draw_workings,
)

from qi_analysis.answers.team import build_checks, build_result, describe_weeks_left
from qi_analysis.answers.team_words import (
    NO_ROLE,
    clean_plainly,
    clean_words,
    describe_state,
    find_kind,
    list_cycles,
    mark_tested,
    name_role,
    protect_words,
)
from qi_analysis.answers.whats_new import Before, build_new, build_snapshot, find_before
from qi_analysis.charts.driver_diagram import NARROW, PAD, SIZE, SMALL, WIDE, build_parts, measure, render_parts, wrap
from qi_analysis.charts.style import AXIS_POINTS, LETTER_POINTS, SIGN_POINTS, Mark, arrange_marks, build_marks
from qi_analysis.facts import DriverFacts, NewFacts
from qi_analysis.phrases import HIDDEN
from qi_analysis.record.settings import Aim
from qi_analysis.record.team import Action, Cycle, DecisionNote, Driver, Idea, Predicted, Role, Story, Team, TeamRecord
from qi_analysis.report import pages
from qi_analysis.report.aim import describe_need, describe_plain_testing, describe_testing
from qi_analysis.report.html import (
    EXAMPLE,
    join_words,
    render_diagram,
    render_entry,
    render_flag,
    render_folded,
    render_slip,
)

HOSTILE = "<script>alert('x')</script>"
SECOND = "second_contact"
TEAM_PAGES = ("show_aim", "show_tests", "show_stories", "show_actions", "show_method", "show_new")
PLAIN_PAGES = ("show_plain_tests", "show_plain_stories", "show_plain_new")
RECORD_PAGES = tuple(name for name in TEAM_PAGES + PLAIN_PAGES if name != "show_aim")
BANNED = (
    "drop-out", "dropout", "non-compliant", "refused", "DNA", "patients failed", "cohort", "recently", "significant", "huge",
    "special cause", "intervention", "e.g.", "i.e.", " via ", "&amp;", "!",
)  # fmt: skip
JARGON = ("PDSA", "balancing measure", "baseline", "control limit", "LI ", "QI", "driver", "cycle", "denominator")


def read_words(fragment):
    """What a reader reads, with spaces put together."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", str(fragment))).replace("&#39;", "'").strip()


@pytest.fixture(scope="module")
def release():
    return draw_release(build_team())


@pytest.fixture(scope="module")
def empty():
    return draw_release(TeamRecord())


# --- the result of a test against its prediction --------------------------------------------------------

UNITS = {one.id: (one, "share") for one in draw_workings(TeamRecord()).record.measures}
USUAL = "usual before, October 2020 to September 2021: 60% (720 of 1,200)"
TOO_FEW = "too few to tell. The figure of the whole service cannot judge a test on so few."
CYCLE = Cycle(
    "P1", "The call", date(2021, 10, 4), date(2021, 10, 29), measures=(SECOND,), scale="whole service, 100 people",
    predicted=Predicted(SECOND, 0.60, 0.75),
)  # fmt: skip


def measure_test(cycle, top, bottom=100, shown=None):
    """The sentences of a test in October 2021 when `top` of `bottom` were counted, after a year of 60 of 100."""
    months = draw_months()
    is_test = months["interval_start"] == "2021-10-01"
    values = {"numerator": float(top), "denominator": float(bottom), "value": top / bottom}
    true = months.assign(**{name: months[name].mask(is_test, value) for name, value in values.items()})
    released = true if shown is None else shown(true, is_test)
    return build_result(cycle, draw_charts(true, released), UNITS, END)


@pytest.mark.parametrize(
    ("scale", "top", "bottom", "last"),
    [
        ("100 people", 65, 100, "The difference could be chance, and it is less far than predicted."),
        ("100 people", 66, 80, "It moved as predicted, as far as predicted: higher than before, and chance alone is "
                               "unlikely to make such a difference."),
        ("400 people", 272, 400, "It moved as predicted, less far than predicted: higher than before, and chance alone is "
                                 "unlikely to make such a difference."),
        ("100 people", 40, 100, "It went the other way: lower than before, and chance alone is unlikely to make such a "
                                "difference."),
        ("one practitioner, 8 people", 90, 100, f"8 people: {TOO_FEW}"),
        ("one practitioner, 3 people", 90, 100, f"Fewer than 8 people: {TOO_FEW}"),
        ("30 people", 90, 100, "The test was on 30 people, fewer than half of those counted. The figure of the whole service "
                               "cannot judge it."),
        ("100 people", 15, 19, "Fewer than 20 were counted: too few to tell."),
        ("every practitioner", 65, 100, "How many people the test reached is not written, so this is the whole service."),
    ],
)  # fmt: skip
def test_a_result_says_how_sure_one_can_be(scale, top, bottom, last):
    assert measure_test(replace(CYCLE, scale=scale), top, bottom)[2:][-1] == last


def test_a_result_tells_prediction_then_measurement_then_judgement():
    assert measure_test(CYCLE, 65) == [
        "Predicted for “Second LI session within 28 days”: from 60% to 75%.",
        f"Measured in October 2021: 65% (65 of 100); {USUAL}.",
        "The difference could be chance, and it is less far than predicted.",
    ]


def test_a_prediction_of_a_fall_is_judged_downwards():
    fall = replace(CYCLE, predicted=Predicted(SECOND, 0.60, 0.45))
    assert measure_test(fall, 45)[-1].startswith("It moved as predicted, as far as predicted: lower")
    assert measure_test(fall, 80)[-1].startswith("It went the other way: higher")


def test_what_is_printed_is_what_was_released_and_the_judgement_is_of_the_true_numbers():
    def round_up(true, is_test):
        return true.assign(numerator=true["numerator"].mask(is_test, 60.0))

    told = measure_test(CYCLE, 40, shown=round_up)
    assert "Measured in October 2021: 60% (60 of 100)" in told[1] and told[2].startswith("It went the other way")


def test_a_hidden_month_is_said_to_be_hidden():
    def hide(true, is_test):
        return true.assign(**{name: true[name].mask(is_test) for name in ("numerator", "denominator", "value")})

    assert f"Measured in October 2021: {HIDDEN}; {USUAL}." in measure_test(CYCLE, 65, shown=hide)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"predicted": None}, "The prediction has no number that a report can read, so it is not compared."),
        ({"predicted": None, "measures": ()}, "No measure is named, so nothing can be measured."),
        ({"predicted": Predicted("no_such", 0.6, 0.7)}, "No measure is named, so nothing can be measured."),
        ({"start": date(2022, 12, 20), "end": None}, "Measured in December 2022 so far: 60% (60 of 100)"),
        ({"start": date(2023, 1, 5), "end": None}, "no month of this test is settled yet"),
        ({"start": date(2018, 1, 5), "end": date(2018, 1, 25)}, "There is no month before it to compare with."),
    ],
)
def test_a_test_without_a_number_says_what_is_missing(change, told):
    assert told in " ".join(measure_test(replace(CYCLE, **change), 60))


def test_months_that_are_not_settled_take_no_part():
    months = draw_months()
    months["is_settled"] = months["interval_start"] != "2021-10-01"
    assert "no month of this test is settled yet" in build_result(CYCLE, draw_charts(months), UNITS, END)[1]


@pytest.mark.parametrize(("value", "told"), [(20, "inside the usual range"), (40, "outside the usual range")])
def test_a_number_is_judged_by_its_usual_range(value, told):
    months = draw_months().assign(value=float(value), lower=10.0, upper=30.0)
    units = {SECOND: (UNITS[SECOND][0], "number")}
    cycle = replace(CYCLE, predicted=Predicted(SECOND, 20, 15))
    said = build_result(cycle, draw_charts(months), units, END)
    assert "from 20.0 to 15.0" in said[0] and told in said[-1]


def test_a_share_that_varies_more_than_chance_is_judged_by_its_usual_range():
    months = draw_months().assign(value=0.74, numerator=740.0, denominator=1000.0)
    units = {SECOND: (replace(UNITS[SECOND][0], chart="pp"), "share")}
    assert build_result(CYCLE, draw_charts(months), units, END)[-1].startswith("It is inside the usual range")


def test_no_result_claims_a_cause():
    tops = range(0, 101, 5)
    said = " ".join(line for top in tops for line in measure_test(CYCLE, top))
    assert not re.search(r"\b(because|due to|led to|caused?|thanks to|works?|worked|effective)\b", said)


def test_tests_on_the_same_measure_at_the_same_time_cannot_be_told_apart():
    other = replace(CYCLE, id="P2", idea="I2", start=date(2021, 10, 20), end=date(2021, 11, 20))
    later = replace(CYCLE, id="P3", idea="I3", start=date(2022, 3, 1), end=date(2022, 3, 20))
    facts = draw_release(TeamRecord(cycles=(CYCLE, other, later))).facts.team.cycles
    apart = [[line for line in one.result if "told apart" in line] for one in facts]
    same = "At the same time on the same measure: {}. Their effects cannot be told apart."
    assert apart == [[same.format("P2")], [same.format("P1")], []]


# --- the team's own words ------------------------------------------------------------------------------


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


# --- as at the end of the month ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "decision", "state"),
    [
        ("2022-11-01", "2022-12-10", "adopt", "finished"),
        ("2022-11-01", "2022-12-10", "running", "finished"),
        ("2022-11-01", "2023-01-10", "adopt", "running"),
        ("2022-11-01", None, "running", "running"),
        ("2023-01-10", None, "running", "planned"),
        ("2023-06-10", None, "running", None),
    ],
)
def test_a_test_is_told_as_it_stood(start, end, decision, state):
    cycle = Cycle("P1", "", date.fromisoformat(start), date.fromisoformat(end) if end else None, decision=decision)
    assert [describe_state(one, END) for one in list_cycles([cycle], END)] == ([state] if state else [])


@pytest.mark.parametrize(
    ("status", "start", "told"),
    [("idea", "2022-11-01", "testing"), ("idea", "2023-01-10", "idea"), ("abandoned", "2022-11-01", "abandoned")],
)
def test_an_idea_whose_test_has_begun_does_not_wait(status, start, told):
    cycle = replace(CYCLE, idea="I1", start=date.fromisoformat(start), end=None)
    team = TeamRecord(drivers=(Driver("all", (Idea("I1", "A call", status=status),)),), cycles=(cycle,))
    facts = draw_release(team).facts.team
    assert [idea.status for idea in facts.drivers[0].ideas] == [told]
    assert mark_tested(team, END).ideas[0].status == told


def test_a_pack_holds_no_few_people_and_no_name_for_a_role():
    team = TeamRecord(
        team=Team((Role("lead", "project lead (PWP)", successor="Jo Example"),)),
        actions=(Action("A1", "Ask three people", "Jo Example", date(2022, 6, 14)),),
        handover="What only one person can do",
    )
    shown = protect_words(team)
    assert (shown.team.roles[0].role, shown.team.roles[0].successor, shown.actions[0].owner) == (
        "project lead (psychological wellbeing practitioner)", NO_ROLE, NO_ROLE,
    )  # fmt: skip
    assert (shown.actions[0].action, shown.actions[0].due) == ("Ask fewer than 8 people", date(2022, 6, 14))
    assert shown.handover == "What only one role can do"


def test_what_a_running_test_taught_later_is_not_told_yet():
    cycle = replace(CYCLE, start=date(2022, 12, 1), end=date(2023, 2, 1), decision="adopt", study="It was good.")
    (told,) = draw_release(TeamRecord(cycles=(cycle,))).facts.team.cycles
    assert (told.state, told.learning, told.decision) == ("running", "", "running")


@pytest.mark.parametrize(
    ("due", "status", "done", "group"),
    [
        ("2023-01-20", "open", None, "due"),
        ("2022-12-31", "doing", None, "late"),
        ("2023-03-01", "open", None, "later"),
        (None, "open", None, "undated"),
        ("2022-12-01", "done", "2022-12-05", "done"),
        ("2022-12-01", "done", "2022-11-05", None),
        ("2023-01-20", "done", "2023-01-10", "due"),
        ("2022-12-01", "dropped", None, None),
    ],
)
def test_actions_stand_where_they_belong(due, status, done, group):
    days = [date.fromisoformat(one) if one else None for one in (due, done)]
    actions = draw_release(
        TeamRecord(actions=(Action("A1", "Ring", "lead", days[0], status, days[1]),))
    ).facts.team.actions
    found = [name for name in ("due", "late", "later", "undated", "done") if getattr(actions, name)]
    assert found == ([group] if group else [])


def test_a_late_action_is_told_without_blame():
    release = draw_release(TeamRecord(actions=(Action("A1", "Ring the clinic", "", date(2022, 6, 3)),)))
    words = read_words(pages.show_actions(release))
    assert "Ring the clinic nobody yet due 3 June 2022, still open" in words
    assert not re.search(r"overdue|late\b|failed|should have", words)


def test_actions_due_soon_come_first_then_late_then_done(release):
    words = read_words(pages.show_actions(release))
    order = [words.index(name) for name in ("Due before the next review", "Past the due date", "Done since last time")]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("aim", "told"),
    [
        (Aim("m", "p", "increase"), "no date is set yet"),
        (Aim("m", "p", "increase", by=date(2023, 1, 14)), "2 weeks (to 14 January 2023)"),
        (Aim("m", "p", "increase", by=date(2023, 1, 7)), "1 week (to 7 January 2023)"),
        (Aim("m", "p", "increase", by=date(2022, 1, 7)), "the date, 7 January 2022, has passed"),
    ],
)
def test_weeks_left(aim, told):
    assert describe_weeks_left(aim, END) == told


# --- pages ---------------------------------------------------------------------------------------------


def test_the_aim_says_what_is_missing_until_the_team_has_a_target(release):
    words = read_words(pages.show_aim(release))
    for told in ("The team has not set a target yet.", "Baseline 60%", "Now 60% (60 of 100, December 2022)", "Usual range 45% to 75%",
                 "It has a measure, a baseline and a population.", "Not yet a target. Agree a target at the next review"):  # fmt: skip
        assert told in words


def test_the_aim_goes_from_the_baseline_to_the_target():
    release = draw_release(
        TeamRecord(), target=0.7, target_by_words="31 December 2023", target_sentence="Our aim is 7 of every 10."
    )
    words = read_words(pages.show_aim(release))
    assert "who complete it from 60% to 70%, by 31 December 2023." in words and "Our aim is 7 of every 10." in words


def test_one_line_holds_what_the_words_say():
    release = draw_release(TeamRecord(), target=0.7)
    (svg,) = re.findall(r"<svg.*?</svg>", str(pages.show_aim(release)))
    assert 'aria-label="A line from 0% to 100%. Now 60%, baseline 60%, target 70%; usual range 45% to 75%."' in svg
    assert re.findall(r"<text[^>]*>([^<]+)", svg) == [
        "0%",
        "100%",
        "now 60%",
        "baseline 60%",
        "target 70%",
        "usual range 45% to 75%",
    ]


def test_without_a_month_there_is_no_line():
    months = draw_months().assign(value=float("nan"))
    assert "<svg" not in pages.show_aim(draw_release(TeamRecord(), draw_charts(months)))


def test_page_1_names_what_is_tested_and_what_is_needed(release):
    facts = release.facts
    assert describe_testing(facts) == " ".join(f"{one.title}." for one in build_cycles()[-2:])
    assert describe_plain_testing(facts) == describe_testing(facts)
    need = describe_need(facts)
    for told in (
        "A target and a date, agreed by the team.",
        "Somebody to take on:",
        "past the due date.",
        "Ideas from: administrator.",
    ):
        assert told in need
    assert EXAMPLE not in need


def test_page_1_of_an_empty_record(empty):
    assert describe_testing(empty.facts) == "No test of change runs at present."
    assert describe_need(empty.facts) == "A target and a date, agreed by the team."


@pytest.mark.parametrize("name", RECORD_PAGES)
def test_a_missing_record_gives_a_page_that_says_so_and_how_to_add_it(empty, name):
    words = read_words(getattr(pages, name)(empty))
    assert re.search(r"\b(?:no|not|nothing|nobody|first report)\b", words, re.I)
    if name not in ("show_new", *PLAIN_PAGES):
        assert "qi new" in words and "docs/the_record.md" in words
    assert EXAMPLE not in words


@pytest.mark.parametrize("part", ["team", "drivers", "cycles", "stories", "actions", "feedback"])
def test_one_missing_part_breaks_no_page(part):
    nothing = getattr(TeamRecord(), part)
    release = draw_release(replace(build_team(), **{part: nothing}))
    assert all(read_words(getattr(pages, name)(release)) for name in TEAM_PAGES + PLAIN_PAGES)


@pytest.mark.parametrize("name", RECORD_PAGES)
def test_the_example_is_never_taken_for_the_team_s_own(name):
    release = draw_release(replace(build_team(), is_example=True))
    assert read_words(getattr(pages, name)(release)).startswith(EXAMPLE)
    assert "example, not the team's" in build_marks(release.facts, "li_completion", release.tables["chart"])[1][0][1]


@pytest.mark.parametrize("name", TEAM_PAGES + PLAIN_PAGES)
@pytest.mark.parametrize("which", ["release", "empty"])
def test_banned_words_are_absent(request, which, name):
    words = read_words(getattr(pages, name)(request.getfixturevalue(which)))
    assert [word for word in BANNED if word in words] == []
    assert not re.search(r"(?<!how )\bmany\b", words, re.I)
    assert [word for word in JARGON if word in words and name in PLAIN_PAGES] == []


class Sentences(HTMLParser):
    """The paragraphs, items and pairs of a page, each ending as a sentence; tables and pictures are left out."""

    def __init__(self, page):
        super().__init__()
        self.text, self.outside = "", 0
        self.feed(str(page))

    def handle_starttag(self, tag, attrs):
        self.outside += tag in ("table", "svg", "summary")

    def handle_endtag(self, tag):
        self.outside -= tag in ("table", "svg", "summary")
        if tag in ("p", "li", "dd", "h3", "figcaption") and not self.text.rstrip().endswith((".", "?")):
            self.text += ". "

    def handle_data(self, data):
        self.text += "" if self.outside else f"{data} "


@pytest.mark.parametrize(("name", "oldest"), [*((one, 14) for one in TEAM_PAGES), *((one, 11) for one in PLAIN_PAGES)])
@pytest.mark.parametrize("which", ["release", "empty"])
def test_a_page_can_be_read_at_its_age(request, which, name, oldest):
    from textstat import textstat

    text = Sentences(getattr(pages, name)(request.getfixturevalue(which))).text
    assert textstat.flesch_kincaid_grade(text) + 5 <= oldest


def test_everything_typed_is_text_on_every_page():
    def spoil(**fields):
        return {name: HOSTILE for name in fields}

    cycle = replace(
        CYCLE,
        id=HOSTILE,
        title=HOSTILE,
        scale=HOSTILE,
        prediction=HOSTILE,
        study=HOSTILE,
        act=HOSTILE,
        decision="adopt",
    )
    idea = Idea(HOSTILE, HOSTILE, HOSTILE, "testing")
    day = date(2022, 11, 1)
    story = Story(day, HOSTILE, HOSTILE, "plain", day, date(2199, 1, 1), (HOSTILE,), HOSTILE)
    role = Role("lead", HOSTILE, successor=HOSTILE, channel=HOSTILE, training=(HOSTILE,))
    actions = (Action(HOSTILE, HOSTILE, HOSTILE, date(2022, 6, 1)),)
    record = TeamRecord(Team((role,), (HOSTILE,)), (Driver(HOSTILE, (idea,)),), (cycle,), (story,), actions)
    release = draw_release(record)
    found = "".join(str(getattr(pages, name)(release)) for name in TEAM_PAGES + PLAIN_PAGES)
    assert "<script" not in found and "&lt;script" in found


# --- stories -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("consent", "ends", "in_team", "in_plain"),
    [
        ("plain", date(2199, 1, 1), True, True),
        ("team", date(2199, 1, 1), True, False),
        ("none", date(2199, 1, 1), False, False),
        ("plain", date(2023, 1, 31), False, False),
    ],
)
def test_a_story_is_shown_where_its_teller_agreed_and_no_longer(consent, ends, in_team, in_plain):
    day = date(2022, 11, 8)
    release = draw_release(
        TeamRecord(stories=(Story(day, "service user", "They *rang*.", consent, day, ends, file="s"),))
    )
    team, plain = (str(page(release)) for page in (pages.show_stories, pages.show_plain_stories))
    assert ["<em>rang</em>" in page for page in (team, plain)] == [in_team, in_plain]
    assert ("Service user, November 2022" in team) == in_team


def test_two_stories_at_most_the_newest_first():
    days = [date(2022, 8 + n, 8) for n in range(4)]
    stories = tuple(
        Story(one, "carer", f"Story of {one.month}.", "team", one, date(2199, 1, 1), file=str(one)) for one in days
    )
    words = read_words(pages.show_stories(draw_release(TeamRecord(stories=stories))))
    assert re.findall(r"Story of (\d+)", words) == ["11", "10"]


# --- method --------------------------------------------------------------------------------------------


def list_passed(team):
    return {one.name: one.passed for one in build_checks(draw_workings(team), list_cycles(team.cycles, END))}


GROWING = (
    replace(CYCLE, idea="I1", scale="8 people", decision="adapt", study="Calls reached more people."),
    replace(
        CYCLE, id="P2", idea="I1", scale="30 people", decision="adopt", study="It went well.", start=date(2022, 1, 1)
    ),
)
GOOD = TeamRecord(
    Team((Role("su1", "service user"), Role("a", "analyst", does=("lead", "report")), Role("b", "deputy lead", does=("lead", "report")))),
    (Driver("d", (Idea("I1", "a call", "su1", "testing"),)),),
    GROWING,
)  # fmt: skip


@pytest.mark.parametrize(
    ("check", "spoiled"),
    [
        ("Each test has a prediction with a number or a direction", replace(GOOD, cycles=(*GROWING, replace(CYCLE, id="P3", predicted=None, prediction="we will see")))),
        ("Each finished test says what was learned and decided", replace(GOOD, cycles=(*GROWING, replace(CYCLE, id="P3", decision="adopt", study="")))),
        ("Ideas are tested in linked tests", replace(GOOD, cycles=GROWING[:1])),
        ("Tests grow in scale", replace(GOOD, cycles=(GROWING[0], replace(GROWING[1], scale="8 people")))),
        ("A service user is on the team and has a part in ideas or stories", replace(GOOD, drivers=())),
        ("Leading and reporting can each be done by a second person", replace(GOOD, team=Team(GOOD.team.roles[:2]))),
        ("Every role that ends has somebody to follow", replace(GOOD, team=Team((*GOOD.team.roles, Role("c", "coach", until=date(2023, 5, 1)))))),
    ],
)  # fmt: skip
def test_a_check_of_the_method_passes_and_says_how(check, spoiled):
    assert list_passed(GOOD)[check] and not list_passed(spoiled)[check]
    words = read_words(pages.show_method(draw_release(spoiled)))
    assert f"{check} not yet" in words


def test_the_score_is_the_team_s_own_and_never_worked_out():
    notes = (
        DecisionNote(date(2022, 6, 1), "Progress score 2.0"),
        DecisionNote(date(2022, 9, 1), "Progress score: 2.5"),
    )
    later = DecisionNote(date(2023, 2, 1), "Progress score 4.0")
    words = read_words(pages.show_method(draw_release(replace(GOOD, decisions=(*notes, later)))))
    assert "The team set its score at 2.5 on 1 September 2022." in words
    assert "The team has not set a score yet." in read_words(pages.show_method(draw_release(GOOD)))


def test_who_follows_and_who_is_trained_is_told(release):
    words = read_words(pages.show_method(release))
    assert (
        "project lead (psychological wellbeing practitioner) since 1 January 2018, until 31 March 2023 nobody yet"
        in words
    )
    assert "Pocket QI service user" in words
    assert "Name a successor for the project lead (psychological wellbeing practitioner) in team.toml." in words


# --- what is new ---------------------------------------------------------------------------------------


def write_results(path, numbers):
    frame = pd.DataFrame(
        {
            "measure_id": "li_completion",
            "clock": "end",
            "interval_start": pd.date_range("2022-10-01", periods=len(numbers), freq="MS"),
        }
    )
    frame = frame.assign(
        interval_end=frame["interval_start"] + pd.offsets.MonthEnd(), numerator=numbers, denominator=100.0
    )
    frame["value"] = frame["numerator"] / 100
    frame.to_csv(path, index=False)
    return frame


def compare(old, new, folder, numbers=(60.0, 60.0, 60.0)):
    write_results(folder / "results.csv", (60.0, 60.0))
    now = write_results(folder / "now.csv", numbers)
    manifest = {
        "title": "Review of November 2022",
        "revision": 1,
        "period": "2022-11",
        "record": asdict(build_snapshot(draw_workings(old))),
    }
    return build_new(draw_workings(new), now, Before(manifest, folder / "results.csv"))


def test_the_first_report_says_that_it_is_the_first():
    assert build_new(draw_workings(TeamRecord()), pd.DataFrame(), None) == NewFacts()


def test_what_is_new_is_told_part_by_part(tmp_path):
    old = replace(GOOD, actions=(Action("A1", "Ring", status="open"),))
    idea = replace(GOOD.drivers[0].ideas[0], status="adopted")
    day = date(2022, 12, 8)
    new = replace(
        GOOD,
        team=Team((*GOOD.team.roles[:2], Role("c", "carer"))),
        drivers=(Driver("d", (idea, Idea("I2", "a letter"))),),
        cycles=(
            *GROWING,
            replace(CYCLE, id="P3", title="Evenings", start=date(2022, 12, 1), end=None, decision="running"),
        ),
        stories=(Story(day, "service user", "words", "team", day, date(2199, 1, 1), file="s"),),
        actions=(Action("A1", "Ring", status="done", done_on=day),),
    )
    told = compare(old, new, tmp_path, (60.0, 58.0, 70.0))
    assert told.since == "Review of November 2022, revision 1"
    assert list(told.figures) == ["November 2022: 58 of 100, before: 60 of 100."]
    assert {part: list(lines) for part, lines in told.parts.items()} == {
        "definitions": [],
        "roles": ["New: carer.", "No longer there: b."],
        "ideas": ["New: a letter (idea).", "a call: adopted, before: testing."],
        "tests": ["New: Evenings (running)."],
        "stories": ["New: a story of a service user."],
        "actions": ["Ring: done, before: open."],
    }
    words = read_words(pages.show_new(draw_release(new, new=told)))
    for line in ("Compared with: Review of November 2022", "New: a letter (idea).", "November 2022: 58 of 100"):
        assert line in words


def test_nothing_new_is_said_too(tmp_path):
    told = compare(GOOD, GOOD, tmp_path)
    assert "Nothing has changed." in read_words(pages.show_new(draw_release(GOOD, new=told)))


def test_the_example_is_not_compared_with_a_team_s_record(tmp_path):
    assert compare(replace(GOOD, is_example=True), GOOD, tmp_path).parts == {}


def test_five_years_of_changes_are_counted(tmp_path):
    parts = compare(TeamRecord(), build_team(), tmp_path).parts
    assert parts["ideas"][-1] == "And 194 more." and max(len(lines) for lines in parts.values()) == 7


def test_a_manifest_holds_no_word_of_the_record():
    snapshot = str(build_snapshot(draw_workings(build_team())))
    assert "P60" in snapshot and not re.search("letter|message|They rang", snapshot)


def test_the_review_to_compare_with_was_there_before_the_run(tmp_path):
    class Published:
        def __init__(self, name):
            self.folder, self.manifest = tmp_path / name, {"title": name}

    months = {"2022-10": [Published("o1"), Published("o2")], "2022-11": [Published("n")], "2023-01": [Published("j")]}
    chosen = [
        find_before(earlier, published, "2022-12")
        for earlier, published in (([], months), ([Published("d")], months), ([], {}))
    ]
    assert [one and one.manifest["title"] for one in chosen] == ["n", "d", None]


def test_the_slip_can_be_answered_without_an_address(release):
    page = pages.show_new(release)
    words = read_words(page)
    assert (
        "in an e-mail, say them by phone, or print this page" in words
        and "the project lead (psychological wellbeing practitioner), by NHS e-mail" in words
    )
    assert "The chart was hard to read We put the finding above it" in words
    assert not re.search(r"<(?:form|input|textarea)|@", str(page))


# --- legible after five years --------------------------------------------------------------------------


def find_branches(release):
    return release.facts.team.drivers


@pytest.mark.parametrize("form", [WIDE, NARROW], ids=["wide", "narrow"])
def test_no_box_of_the_diagram_touches_another_and_no_word_leaves_its_box(release, form):
    parts = build_parts("Aim: more of the people who start complete it", find_branches(release), form)
    assert len(parts) > 1
    for part in parts:
        for a, b in combinations(part.boxes, 2):
            apart = a.x + a.width < b.x or b.x + b.width < a.x or a.y + a.height < b.y or b.y + b.height < a.y
            assert apart
        for box in part.boxes:
            room = box.width - 2 * PAD - (22 if box.status else 0)
            assert all(measure(line, SIZE) <= room for line in box.lines)
            assert all(measure(line, SMALL) <= room for line in box.small)
            assert box.y >= 0 and box.y + box.height <= part.height
            assert box.x >= 0 and box.x + box.width <= form.width


def test_the_list_beside_the_diagram_holds_every_idea(release):
    words = read_words(pages.show_tests(release))
    ideas = [idea.idea for one in find_branches(release) for idea in one.ideas]
    assert len(ideas) == 200 and [idea for idea in ideas if f"{idea}." not in words] == []


def test_alternative_text_is_short_and_every_part_has_its_own(release):
    texts = [re.search(r'aria-label="([^"]+)"', svg)[1] for _, svg in render_parts("Aim", find_branches(release))]
    assert len(set(texts)) == len(texts) and max(len(text.split()) for text in texts) < 60


@pytest.mark.filterwarnings("error")  # a warning stops the notebook of the review
@pytest.mark.parametrize(
    "text",
    ["ring \N{TELEPHONE RECEIVER} \u7535\u8bdd", "x" * 400, "word " * 200, "", "W" * 30 + " " + "i" * 90, HOSTILE * 9],
)
def test_any_text_fits(text):
    lines = wrap(text, 120, SIZE)
    assert len(lines) <= 5 and all(measure(line, SIZE) <= 120 for line in lines)


def test_drivers_without_ideas_and_an_empty_tree_are_drawn():
    (part,) = build_parts("Aim", [DriverFacts("People know", ())])
    assert part.branches[0][0].small == ("no idea yet",)
    assert build_parts("Aim", []) == []


@pytest.mark.parametrize("n_months", [12, 24, 36, 60])
def test_signs_of_five_years_stand_apart(n_months):
    chart = draw_months(n_months)
    release = draw_release(build_team())
    marks, key = build_marks(release.facts, "li_completion", chart[chart["measure_id"] == "li_completion"])
    first = pd.Timestamp(REVIEW.start) - pd.DateOffset(months=n_months - 1)
    placed = arrange_marks(marks, first.year * 12 + first.month - 1, n_months)
    assert len(placed) == len(marks) == len(key) and max(row for _, row, _ in placed) < 2
    for (x, row, mark), (other_x, other_row, other) in combinations(placed, 2):
        halves = [(SIGN_POINTS + LETTER_POINTS * len(one.sign)) / 2 / AXIS_POINTS * n_months for one in (mark, other)]
        assert row != other_row or abs(x - other_x) >= sum(halves) - 1e-9
    numbers = [int(n) for sign, _ in key if sign[0].isdigit() for n in sign.split("-")]
    assert numbers == sorted(numbers) and numbers[-1] == 60


def test_a_chart_carries_the_events_and_tests_of_its_own_measure():
    events = [
        {"on": "2022-03-01", "letter": "B", "what": "a new letter", "could_affect": "second_contact, li_completion"},
        {"on": "2022-05-01", "letter": "C", "what": "a new phone", "could_affect": "missed_appointments"},
    ]
    phases = [{"on": "2022-06-01", "words": "1 June 2022", "reason": "a new system"}]
    release = draw_release(TeamRecord(cycles=(CYCLE,)), events=events, phases=phases)
    signs = {
        name: [sign for sign, _ in build_marks(release.facts, name, draw_months())[1]]
        for name in ("second_contact", "missed_appointments", "li_completion")
    }
    assert signs == {
        "second_contact": ["1", "B", "P1"], "missed_appointments": ["C", "P1"], "li_completion": ["1", "B", "P1"],
    }  # fmt: skip
    key = dict(build_marks(release.facts, "second_contact", draw_months())[1])
    assert key == {
        "1": "The call, from 4 October 2021",
        "B": "a new letter (March 2022)",
        "P1": "limits start again on 1 June 2022: a new system",
    }


def test_a_chart_without_months_has_no_marks(release):
    assert build_marks(release.facts, "li_completion", draw_months()[:0]) == ((), [])


def test_signs_that_would_touch_stand_on_another_row():
    marks = [Mark(date(2022, 1, 1) + timedelta(days=3 * n), str(n)) for n in range(4)]
    rows = [row for _, row, _ in arrange_marks(marks, 2022 * 12, 24)]
    assert rows == [0, 1, 2, 3]


def test_older_tests_are_folded_away_and_none_is_lost(release):
    page = str(pages.show_tests(release))
    assert len(re.findall(r'<article class="entry">', page)) == 60
    assert "Earlier tests: 52" in page


def test_linked_tests_are_told_one_after_the_other(release):
    words = read_words(pages.show_tests(release))
    assert "P1, one practitioner, 30 people: adapted. Then P2, one practitioner, 80 people: abandoned." in words


def test_perspectives_without_an_idea_are_asked_for(release):
    assert "No idea yet from: administrator. Ask them" in read_words(pages.show_tests(release))


@pytest.mark.parametrize(
    ("words", "told"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (list("abcde"), "a, b, c and 2 more")]
)
def test_lists_in_words_end(words, told):
    assert join_words(words) == told


def test_pieces_of_these_pages_escape_what_they_hold():
    pairs = [(HOSTILE, HOSTILE)]
    pieces = [
        render_flag(HOSTILE),
        render_entry(HOSTILE, pairs),
        render_folded(render_flag(HOSTILE), HOSTILE),
        render_slip([(HOSTILE, (HOSTILE,)), (HOSTILE, ())], HOSTILE),
        render_diagram(HOSTILE, render_parts(HOSTILE, [DriverFacts(HOSTILE, ())]), [(HOSTILE, [HOSTILE], [HOSTILE])]),
    ]
    assert not [piece for piece in pieces if "<script" in piece]
    with pytest.raises(ValueError, match="drawings made by this package"):
        render_diagram("x", [("a", "<img src=x>")], [])

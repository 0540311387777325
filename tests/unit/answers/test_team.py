"""The team's own record beside a review: what is said of a test, an action and the method, as at the end of the month."""

import re
from dataclasses import replace
from datetime import date

import pytest
from five_years import (
    END,
    build_team,
    draw_charts,
    draw_months,
    draw_release,
    draw_workings,
)

from qi_analysis.answers.team import build_checks, build_result, describe_weeks_left
from qi_analysis.answers.team_words import (
    NO_ROLE,
    describe_state,
    list_cycles,
    mark_tested,
    protect_words,
)
from qi_analysis.phrases import HIDDEN
from qi_analysis.record.settings import Aim
from qi_analysis.record.team import Action, Cycle, DecisionNote, Driver, Idea, Predicted, Role, Team, TeamRecord
from qi_analysis.report import pages

SECOND = "second_contact"


def read_words(fragment):
    """What a reader reads, with spaces put together."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", str(fragment))).replace("&#39;", "'").strip()


@pytest.fixture(scope="module")
def release():
    return draw_release(build_team())


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

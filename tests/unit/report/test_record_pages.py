"""The pages of the team's own record: what is said of a drawn record, what is said of a missing one, and that it can be read."""

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest
from five_years import (
    build_cycles,
    build_team,
    draw_charts,
    draw_months,
    draw_release,
)

from qi_analysis.charts.driver_diagram import render_parts
from qi_analysis.charts.style import build_marks
from qi_analysis.facts import DriverFacts
from qi_analysis.record.team import Action, Cycle, Driver, Idea, Predicted, Role, Story, Team, TeamRecord
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


CYCLE = Cycle(
    "P1", "The call", date(2021, 10, 4), date(2021, 10, 29), measures=(SECOND,), scale="whole service, 100 people",
    predicted=Predicted(SECOND, 0.60, 0.75),
)  # fmt: skip


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


def test_the_example_is_never_taken_for_the_team_s_own():
    release = draw_release(replace(build_team(), is_example=True))
    shown = {name: read_words(getattr(pages, name)(release)) for name in RECORD_PAGES}
    assert [name for name, words in shown.items() if not words.startswith(EXAMPLE)] == []
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


def test_who_follows_and_who_is_trained_is_told(release):
    words = read_words(pages.show_method(release))
    assert (
        "project lead (psychological wellbeing practitioner) since 1 January 2018, until 31 March 2023 nobody yet"
        in words
    )
    assert "Pocket QI service user" in words
    assert "Name a successor for the project lead (psychological wellbeing practitioner) in team.toml." in words


def test_the_slip_can_be_answered_without_an_address(release):
    page = pages.show_new(release)
    words = read_words(page)
    assert (
        "in an e-mail, say them by phone, or print this page" in words
        and "the project lead (psychological wellbeing practitioner), by NHS e-mail" in words
    )
    assert "The chart was hard to read We put the finding above it" in words
    assert not re.search(r"<(?:form|input|textarea)|@", str(page))


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

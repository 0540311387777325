"""When people leave: a case worked by hand, the same figures as two libraries, drawn tables, what is released."""

import re
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from drawn import build_workings, draw_rows, find_small, list_settled, read_shipped
from drawn_facts import draw_facts
from matplotlib.figure import Figure

from qi_analysis.answers.leaving import (
    ENDS,
    SHOWN,
    build_leaving,
    build_sessions,
    build_starters,
    build_weeks,
    find_change,
)
from qi_analysis.charts.bars import Part, plot_parts, render_bars, render_parts
from qi_analysis.charts.incidence import plot_incidence
from qi_analysis.charts.style import Look
from qi_analysis.extract.clean import build_tables
from qi_analysis.extract.sources import read_extract
from qi_analysis.measures.pathways import build_pathways
from qi_analysis.periods import Period
from qi_analysis.phrases import HIDDEN
from qi_analysis.record.settings import Event, Phase
from qi_analysis.release import Release, read_release, write_release
from qi_analysis.report.leaving import CURVES, PARTS, show_leaving
from qi_analysis.spc.statistics import NOT_ENDED, build_incidence

NAMES = ["completed", "left", "stepped_up", "died"]
LETTERS = {"-": NOT_ENDED, "c": 0, "l": 1, "s": 2, "d": 3}
WEEKS = np.arange(0, 9) * 7
# Ten people: the day they were last looked at and what happened (c completed, l left, s stepped up, d died, - in
# treatment). At risk on days 7, 14, 21, 28, 42: 10, 9, 7, 6, 3. Left in treatment after them: 9/10, 8/10, 24/35,
# 16/35, 16/105. Each step of a curve is what is left before the day, times ends of the day, over those at risk.
TEN = "7c 14l 14- 21c 28s 28l 35- 42c 42d 49-"
# Forty people, and the shares that statsmodels 0.15.0 (CumIncidenceRight) and scikit-survival 0.28.0
# (cumulative_incidence_competing_risks) both give for them at weeks 6, 12, 18 and 26.
FORTY = """42- 3- 159s 165l 105l 69c 27l 192c 60c 114- 126l 129s 141l 147- 30c 30c 120- 75d 36- 9s 144l 39- 90l 54l 141s
    42l 51c 30l 30s 189d 0s 147l 108c 141c 84l 111c 165c 180c 150- 105l"""
LIBRARIES = {
    6: [0.05131579, 0.07868421, 0.07631579, 0.0],
    12: [0.13635338, 0.13537594, 0.07631579, 0.02834586],
    18: [0.19304511, 0.25253885, 0.07631579, 0.02834586],
    26: [0.31083793, 0.39174854, 0.18340017, 0.02834586],
}
LOOK = Look("chart", "A chart.")


def draw_people(text):
    """(days, end) of people written as a day and a letter."""
    pairs = [(int(one[:-1]), LETTERS[one[-1]]) for one in text.split()]
    return np.array([day for day, _ in pairs]), np.array([end for _, end in pairs])


def draw_many(seed, n=200):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 200, n), rng.choice([NOT_ENDED, 0, 1, 2, 3], n, p=[0.2, 0.35, 0.25, 0.15, 0.05])


def test_ten_people_worked_by_hand():
    curve = build_incidence(*draw_people(TEN), NAMES, WEEKS)
    assert curve["at_risk"].tolist() == [10, 10, 9, 7, 6, 4, 3, 1, 0]
    assert curve["completed"][:8].to_numpy() == pytest.approx(
        [0, 1 / 10, 1 / 10, 3 / 14, 3 / 14, 3 / 14, 11 / 30, 11 / 30]
    )
    assert curve["left"][:8].to_numpy() == pytest.approx([0, 0, 1 / 10, 1 / 10, 3 / 14, 3 / 14, 3 / 14, 3 / 14])
    assert curve["stepped_up"][:8].to_numpy() == pytest.approx([0, 0, 0, 0, 4 / 35, 4 / 35, 4 / 35, 4 / 35])
    assert curve["died"][:8].to_numpy() == pytest.approx([0, 0, 0, 0, 0, 0, 16 / 105, 16 / 105])


def test_after_the_last_day_anyone_was_followed_to_we_cannot_tell():
    curve = build_incidence(*draw_people(TEN), NAMES, WEEKS)
    assert curve.loc[8, NAMES].isna().all()
    ended = build_incidence(*draw_people("7c 14l"), NAMES, WEEKS)
    assert ended.loc[8, NAMES].tolist() == [0.5, 0.5, 0, 0]


def test_nobody_gives_no_share():
    curve = build_incidence(np.array([], dtype=int), np.array([], dtype=int), NAMES, WEEKS)
    assert curve[NAMES].isna().all(axis=None) and (curve["at_risk"] == 0).all()


@pytest.mark.parametrize("week", LIBRARIES)
def test_the_same_figures_as_two_libraries(week):
    curve = build_incidence(*draw_people(FORTY), NAMES, np.array([week * 7]))
    assert curve[NAMES].iloc[0].to_numpy() == pytest.approx(LIBRARIES[week], abs=1e-8)


def test_without_censoring_a_share_is_a_plain_count():
    days, end = draw_many(1)
    days, end = days[end >= 0], end[end >= 0]
    curve = build_incidence(days, end, NAMES, WEEKS)
    for number, name in enumerate(NAMES):
        assert curve[name].to_numpy() == pytest.approx([np.mean((end == number) & (days <= day)) for day in WEEKS])


@pytest.mark.parametrize("seed", range(20))
def test_ends_exclude_one_another_and_never_say_more_than_kaplan_and_meier_for_each(seed):
    days, end = draw_many(seed, 60)
    at = np.arange(0, 150)
    curve = build_incidence(days, end, NAMES, at)[NAMES]
    assert (curve.sum(axis=1) <= 1 + 1e-9).all() and (curve.diff().dropna() >= -1e-12).all(axis=None)
    for number, name in enumerate(NAMES):
        alone = build_incidence(days, np.where(end == number, 0, NOT_ENDED), ["end"], at)["end"]
        assert (curve[name] <= alone + 1e-9).all()
    together = build_incidence(days, np.where(end >= 0, 0, NOT_ENDED), ["end"], at)["end"]
    assert curve.sum(axis=1).to_numpy() == pytest.approx(together.to_numpy())


@pytest.mark.parametrize("seed", range(20))
def test_someone_still_in_treatment_never_raises_the_share_that_ended(seed):
    days, end = draw_many(seed, 60)
    at = np.arange(0, 150)
    before = build_incidence(days, end, NAMES, at)[NAMES]
    began = build_incidence(np.append(days, 0), np.append(end, NOT_ENDED), NAMES, at[1:])[NAMES]
    first = int(days[end >= 0].min())
    just_begun = build_incidence(np.append(days, max(first - 1, 0)), np.append(end, NOT_ENDED), NAMES, at)[NAMES]
    longer = build_incidence(np.append(days, 90), np.append(end, NOT_ENDED), NAMES, at)[NAMES]
    if first > 0:
        pd.testing.assert_frame_equal(just_begun, before)
        pd.testing.assert_frame_equal(began, before[1:].reset_index(drop=True))
    assert (longer.sum(axis=1) <= before.sum(axis=1) + 1e-12).all()
    assert (longer[:91] <= before[:91] + 1e-12).all(axis=None)


def test_the_order_of_people_changes_nothing():
    days, end = draw_many(7)
    order = np.random.default_rng(3).permutation(len(days))
    pd.testing.assert_frame_equal(
        build_incidence(days, end, NAMES, WEEKS), build_incidence(days[order], end[order], NAMES, WEEKS)
    )


SESSIONS = """
    start      | end        | stepped    | sessions | code | people
    2022-01-10 | 2022-02-10 | -          | 1        | 47   | 40
    2022-01-10 | 2022-02-10 | -          | 1        | 46   | 10
    2022-01-12 | 2022-02-12 | -          | 1        | -    | 3
    2022-01-12 | 2022-03-12 | -          | 2        | 14   | 20
    2022-01-12 | 2022-03-12 | -          | 2        | 46   | 15
    2022-01-12 | 2022-03-12 | -          | 2        | 95   | 10
    2022-01-20 | 2022-08-20 | 2022-04-01 | 3        | 46   | 25
    2022-02-20 | -          | -          | 3        | -    | 30
    2022-02-20 | 2022-06-01 | -          | 4        | 49   | 10
    2022-02-20 | 2022-06-01 | -          | 8        | 46   | 50
    2022-02-20 | 2022-08-01 | -          | 11       | 47   | 15
"""


@pytest.fixture(scope="module")
def drawn():
    return build_workings(draw_rows(SESSIONS))


def test_each_session_tells_who_came_and_what_came_next(drawn):
    table = build_sessions(build_starters(drawn)).set_index("session")
    assert table["came"].tolist() == [230, 175, 130, 75, 65, 65, 65, 65]
    assert table["left_early"].tolist() == [40, 20, 0, 0, 0, 0, 0, 15]
    assert table["another_way"].tolist() == [15, 10, 0, 0, 0, 0, 0, 0]  # 10 planned after one session, 3 not recorded
    assert table["completed"].tolist() == [0, 15, 0, 0, 0, 0, 0, 50]
    assert table["stepped_up"].tolist() == [0, 0, 25, 0, 0, 0, 0, 0]
    assert table["open"].tolist() == [0, 0, 30, 0, 0, 0, 0, 0]
    assert table["next"].tolist() == [*table["came"][1:], 0]


def test_everyone_who_came_is_somewhere(drawn):
    starters = build_starters(drawn)
    counts = starters.assign(session=starters["n_li"].clip(upper=8)).groupby("session").size()
    ends = starters["end"].value_counts()
    assert counts.sum() == len(starters) == ends.sum() == 228
    assert ends[NOT_ENDED] == 30 and ends[list(ENDS).index("died")] == 10


def test_people_still_in_treatment_are_not_counted_as_having_left(drawn):
    more = draw_rows("start | end | sessions | code | people\n2022-02-20 | - | 2 | - | 50")
    before = build_sessions(build_starters(drawn))
    after = build_sessions(build_starters(build_workings(pd.concat([draw_rows(SESSIONS), more], ignore_index=True))))
    pd.testing.assert_frame_equal(after[list(SHOWN)], before[list(SHOWN)])
    assert (after["open"] - before["open"]).tolist() == [0, 50, 0, 0, 0, 0, 0, 0]


def test_small_counts_are_hidden_and_the_rest_rounded():
    rows = "start | end | sessions | code | people\n" + "\n".join(
        f"2022-01-10 | 2022-02-10 | {session} | {code} | {people}"
        for session, code, people in [(1, 47, 7), (1, 46, 8), (2, 46, 33), (2, 14, 1)]
    )
    table = build_sessions(build_starters(build_workings(draw_rows(rows))))
    assert np.isnan(table["left_early"][0]) and table["another_way"][0] == 10
    assert table["completed"][1] == 35 and np.isnan(table["left_early"][1])
    assert find_small(table) == []


def test_sessions_are_those_of_settled_months_and_weeks_those_since(drawn):
    settled = list_settled("2022-01-01", "2022-12-01", tuple(f"2022-{month:02d}" for month in range(2, 13)))
    tables, facts = build_leaving(drawn, settled)
    assert tables["leaving_sessions"]["came"][0] == 125 and facts.months == ("January 2022", "January 2022")
    everyone = tables["leaving_weeks"].query("group == 'all'")
    assert set(everyone["people"]) == {230} and facts.since_words == "1 January 2022"


def test_with_no_settled_month_the_weeks_of_the_last_year_stay(drawn):
    tables, facts = build_leaving(drawn, list_settled("2022-06-01", "2022-07-01", ("2022-06", "2022-07")))
    assert facts.n_months == 0 and tables["leaving_weeks"]["people"].iloc[0] == 230
    page = show_leaving(Release(draw_facts(leaving=facts), tables))
    assert "No month of people who began LI CBT is settled yet" in page


def test_weeks_are_released_as_counts_are(drawn):
    table = build_weeks(build_starters(drawn), 26, "all")
    assert len(table) == 27 and find_small(table) == []
    assert table["left_early"].iloc[-1] == 75 and table["share_left_early"].iloc[-1] == 75 / 230
    assert table["share_completed"].iloc[-1] == table["completed"].iloc[-1] / table["people"].iloc[-1]
    few = build_weeks(build_starters(drawn).head(12), 26, "all")
    assert few.filter(like="share").isna().all(axis=None) and find_small(few) == []


def starters_each_day(first, last, weeks_to_end=10, code="46"):
    days = pd.date_range(first, last)
    end = (days + pd.Timedelta(weeks=weeks_to_end)).strftime("%Y-%m-%d")
    return pd.DataFrame({"start": days.strftime("%Y-%m-%d"), "end": end, "sessions": "3", "code": code})


def with_marks(*events, phases=(), started=date(2021, 5, 1)):
    marks = tuple(Event(day, "X", what, could_affect) for day, what, could_affect in events)
    return replace(read_shipped(), events=marks, phases=phases, started=started)


def choose(record, rows=None):
    workings = build_workings(starters_each_day("2021-01-01", "2022-12-20") if rows is None else rows, record)
    return find_change(workings, build_starters(workings))


def test_the_latest_change_with_room_on_both_sides_is_chosen():
    too_late, fits = (date(2022, 6, 1), "too late", "all"), (date(2022, 2, 1), "fits", "all")
    early = (date(2021, 6, 1), "earlier", "all")
    change = choose(with_marks(too_late, fits, early))
    assert (change.what, change.window) == ("fits", 152)  # 1 February to 2 July: 26 weeks before 31 December
    assert choose(with_marks(early, phases=(Phase(date(2021, 12, 1), "a phase"),))).what == "a phase"


def test_a_change_that_could_not_affect_the_measure_is_passed_over():
    other, both = (date(2022, 2, 1), "other", "M001"), (date(2021, 11, 1), "ours", "M001; li_completion")
    assert choose(with_marks(other, both)).what == "ours"


def test_else_the_start_of_the_project_else_nothing():
    change = choose(with_marks())
    assert change.on == date(2021, 5, 1) and change.window == 120 and change.is_early
    assert choose(with_marks(started=date(2021, 2, 1))) is None  # a month of people before it
    assert choose(with_marks(started=date(2022, 9, 1))) is None  # nobody followed for 26 weeks yet
    assert choose(with_marks(), starters_each_day("2021-01-01", "2021-05-10")) is None  # 10 people after it
    assert choose(with_marks(), starters_each_day("2021-01-01", "2022-12-20").head(0)) is None


def test_both_sides_are_followed_equally_long():
    quick, slow = starters_each_day("2021-01-01", "2021-04-30", 26), starters_each_day("2021-05-01", "2021-12-31", 27)
    record = with_marks()
    tables, facts = build_leaving(
        build_workings(pd.concat([quick, slow], ignore_index=True), record), list_settled("2021-01-01", "2021-12-01")
    )
    last = tables["leaving_weeks"].groupby("group").tail(1).set_index("group")
    assert (
        last.loc["before", "completed"] == 120 and last.loc["after", "completed"] == 0
    )  # day 182 counts, 189 does not
    assert last.loc["after", "at_risk"] == last.loc["after", "people"] == 120
    assert facts.change.window == 120 and not facts.change.completed_could_be_chance
    assert facts.change.left_early_could_be_chance


@pytest.fixture(scope="module")
def sample(small_extract):
    """The tables and facts of a real run over the synthetic extract, as they come back from the release's files."""
    record = replace(read_shipped(), started=date(2021, 4, 5))
    tables, account = build_tables(read_extract(small_extract, record.columns), record)
    pathways = build_pathways(tables, record.completion, Period(2021, 7).end)
    workings = replace(
        build_workings(starters_each_day("2021-01-01", "2021-01-02"), record, Period(2021, 7)), pathways=pathways
    )
    return workings, *build_leaving(workings, list_settled("2021-01-01", "2021-07-01", ("2021-06", "2021-07")))


def test_the_synthetic_extract_gives_a_protected_page(sample, tmp_path):
    _, tables, facts = sample
    assert [find_small(table) for table in tables.values()] == [[], []]
    write_release(tmp_path / "release", Release(draw_facts(leaving=facts), tables))
    page = show_leaving(read_release(tmp_path / "release"))
    assert page == show_leaving(Release(draw_facts(leaving=facts), tables))
    assert page.count("<svg ") == 2 and "Dates come from the record" in page
    assert "drop-out" not in page and not re.search(r"\bnan\b", page)


def test_what_is_drawn_is_what_stands_in_the_table(sample):
    weeks = sample[1]["leaving_weeks"]
    axes = plot_incidence(Figure().subplots(), weeks, CURVES, {"all": weeks["at_risk"]})
    for curve, line in zip(CURVES, axes.lines[::2], strict=True):
        assert np.allclose(line.get_ydata(), weeks[curve.column], equal_nan=True)
    sessions = sample[1]["leaving_sessions"]
    bars = plot_parts(Figure().subplots(), sessions, PARTS).containers
    for part, container in zip(PARTS, bars, strict=True):
        assert [bar.get_width() for bar in container] == sessions[part.column].fillna(0).tolist()


def test_the_numbers_below_the_axis_are_those_of_the_table(drawn):
    weeks = build_weeks(build_starters(drawn), 26, "all")
    axes = plot_incidence(Figure().subplots(), weeks, CURVES, {"all": weeks["at_risk"]})
    below = [text.get_text() for text in axes.texts if text.get_text().isdigit()]
    assert below == [f"{weeks['at_risk'][week]:.0f}" for week in (0, 4, 8, 12, 16, 20, 24, 26)]


def test_hidden_numbers_are_words_and_gaps(drawn):
    weeks = build_weeks(build_starters(drawn), 26, "all").assign(at_risk=np.nan)
    weeks.loc[5, "share_completed"] = np.nan
    axes = plot_incidence(Figure().subplots(), weeks, CURVES, {"all": weeks["at_risk"]})
    assert [text.get_text() for text in axes.texts].count("hidden") == 8
    assert np.isnan(axes.lines[0].get_ydata()[5])


def test_parts_and_curves_differ_by_more_than_colour():
    assert len({part.hatch for part in PARTS if part.ink == "white"}) == 4
    assert len({str(curve.line) for curve in CURVES}) == len({curve.marker for curve in CURVES}) == 4


def test_charts_can_stand_inside_a_page_and_are_the_same_every_time(drawn):
    sessions = build_sessions(build_starters(drawn))
    svg = render_parts(sessions, PARTS, LOOK)
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img" and root.get("aria-label") == LOOK.alt
    words = {element.text for element in root.iter("text")}
    assert {part.words for part in PARTS} <= words and "175" in words
    assert svg == render_parts(sessions, PARTS, LOOK) and len(svg) < 40_000


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError):
        render_parts(pd.DataFrame({"a": []}), [Part("a", "a", "#005eb8")], LOOK)
    with pytest.raises(ValueError):
        render_bars(pd.Series([], dtype=float), [], LOOK)


def test_the_page_says_the_finding_with_its_numbers_and_its_alt_texts_are_short(drawn):
    record = with_marks((date(2022, 1, 15), "a welcome call", "all"))
    rows = pd.concat([starters_each_day("2021-09-01", "2022-06-30"), draw_rows(SESSIONS)], ignore_index=True)
    tables, facts = build_leaving(build_workings(rows, record), list_settled("2022-01-01", "2022-06-01"))
    page = show_leaving(Release(draw_facts(leaving=facts), tables))
    assert "who came to a first LI session came to a second. About 40 left early after the first one." in page
    assert "before and after 15 January 2022 (a welcome call), followed for 26 weeks" in page
    assert "After is not because of" in page and page.count("<svg ") == 3
    pictures = re.findall(r"<svg .*?</svg>", str(page), re.S)
    alts = [ElementTree.fromstring(picture).get("aria-label") for picture in pictures]
    assert all(len(alt.split()) < 60 for alt in alts)


def test_hidden_findings_are_said_in_words():
    rows = draw_rows("start | end | sessions | code | people\n2022-01-10 | 2022-02-10 | 2 | 46 | 6")
    tables, facts = build_leaving(build_workings(rows), list_settled("2022-01-01", "2022-03-01"))
    page = show_leaving(Release(draw_facts(leaving=facts), tables))
    assert (
        f"How many came to a second session is {HIDDEN}." in page
        and "Too few people have been followed for long enough" in page
    )

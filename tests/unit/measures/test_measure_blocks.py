"""A measure is a block of project/measures.toml: what its names count, which blocks are refused, what a new one shows."""

import re
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from clean_extract import build_clean_extract, write_national
from drawn import find_small
from plain import plain_results
from repository import ROOT
from service import copy_project

from qi_analysis.answers.build import build_release, build_released_results, build_settled_months
from qi_analysis.answers.measure_charts import MOST_CHARTS, build_charts, find_statistics
from qi_analysis.answers.workshop import Workings
from qi_analysis.errors import RecordProblem
from qi_analysis.extract.clean import build_tables
from qi_analysis.extract.sources import read_extract
from qi_analysis.facts import PublishedFacts
from qi_analysis.measures.flags import FLAGS, build_bookings, build_episode_flags, calculate_open_episodes
from qi_analysis.measures.pathways import build_pathways
from qi_analysis.measures.results import build_results
from qi_analysis.measures.worked_examples import LOOKED_AT, build_example, check_examples
from qi_analysis.periods import Period, period_of
from qi_analysis.record.measure_blocks import CLOCKS, build_names
from qi_analysis.record.read_settings import read_record
from qi_analysis.record.settings import Measure
from qi_analysis.release import PublishedFigures, Release
from qi_analysis.report.measures import GOOD, NOT_DRAWN, show_balancing, show_process

RECORD = read_record(ROOT / "project")
NAMES = build_names(RECORD.completion.definitions)
LAST = Period(2021, 7)
BLOCK = """
[{id}]
name = "{id}, our own"
kind = "process"
numerator = "li_attended"
denominator = "li_booked"
month_by = "contact"
good = "up"
chart = "p"
why = "Attended appointments are treatment."
plain = "Of the LI appointments after the first session, how many were attended?"
owner = "project lead"
review_on = 2027-05-01

"""

# --- What each name counts: one person a row, days from the referral -----------------------------------

EARLY = """
contacts                      | ended | code | as_at | li_reached_28d | li_second_28d | li_second
0 LI                          | -     | -    | 28    | 1              | 0             | 0
0 LI                          | -     | -    | 27    | 0              | 0             | 0
0 LI, 0 LI                    | -     | -    | 40    | 1              | 1             | 1
0 LI, 28 LI                   | -     | -    | 40    | 1              | 1             | 1
0 LI, 29 LI                   | -     | -    | 40    | 1              | 0             | 1
5 LI, 33 LI                   | -     | -    | 40    | 1              | 1             | 1
0 LI                          | 10    | 47   | 40    | 1              | 0             | 0
0 LI                          | 28    | 49   | 40    | 0              | 0             | 0
0 LI                          | 29    | 49   | 40    | 1              | 0             | 0
0 LI, 28 HI, 35 HI            | -     | -    | 40    | 0              | 0             | 0
0 LI, 29 HI, 35 HI            | -     | -    | 40    | 1              | 0             | 0
0 LI, 7 HI, 14 HI, 21 LI      | -     | -    | 40    | 0              | 0             | 0
0 LI, 7 HI, 14 LI             | -     | -    | 40    | 1              | 1             | 1
0 HI, 7 HI, 14 LI, 21 LI      | -     | -    | 90    | 0              | 0             | 0
"""
WAITS = """
contacts                      | ended | code | as_at | li_assessed | li_first_28d
0 assessment, 28 LI           | -     | -    | 40    | 1           | 1
0 assessment, 29 LI           | -     | -    | 40    | 1           | 0
0 assessment, 20 assessment, 40 LI | -  | -   | 40    | 1           | 0
5 assessment, 5 LI            | -     | -    | 40    | 1           | 1
5 LI, 6 assessment            | -     | -    | 40    | 0           | 0
5 LI                          | -     | -    | 40    | 0           | 0
"""
BOOKINGS = """
contacts                      | ended | code | as_at | li_booked | li_attended | li_missed | li_cancelled_by_patient | li_cancelled_by_provider
0 LI                          | -     | -    | 40    | 0         | 0           | 0         | 0                       | 0
0 LI, 7 LI, 14 missed         | -     | -    | 40    | 2         | 1           | 1         | 0                       | 0
0 LI, 7 cancelled, 9 cancelled by us, 14 late | - | - | 40 | 3    | 0           | 0         | 1                       | 1
0 missed, 0 LI, 0 missed      | -     | -    | 40    | 0         | 0           | 0         | 0                       | 0
0 LI, 50 missed               | -     | -    | 40    | 0         | 0           | 0         | 0                       | 0
0 LI, 20 missed, 21 missed    | 20    | 47   | 40    | 1         | 0           | 1         | 0                       | 0
0 LI, 7 HI, 14 missed         | -     | -    | 40    | 1         | 0           | 1         | 0                       | 0
0 LI, 7 HI, 14 HI, 14 missed  | -     | -    | 40    | 0         | 0           | 0         | 0                       | 0
0 HI, 7 HI, 14 LI, 21 missed  | -     | -    | 40    | 0         | 0           | 0         | 0                       | 0
"""
OPEN = """
contacts                      | ended | code | as_at | li_open | li_open_idle_60 | li_open_idle_120
0 LI                          | -     | -    | 60    | 1       | 0               | 0
0 LI                          | -     | -    | 61    | 1       | 1               | 0
0 LI                          | -     | -    | 120   | 1       | 1               | 0
0 LI                          | -     | -    | 121   | 1       | 1               | 1
0 LI, 61 missed               | -     | -    | 121   | 1       | 1               | 1
0 LI, 61 assessment           | -     | -    | 121   | 1       | 0               | 0
0 LI                          | 121   | 47   | 121   | 0       | 0               | 0
0 LI                          | 122   | 47   | 121   | 1       | 1               | 1
0 LI, 5 HI                    | -     | -    | 121   | 1       | 1               | 0
0 LI, 5 HI, 121 HI            | -     | -    | 121   | 0       | 0               | 0
0 LI, 5 HI, 122 HI            | -     | -    | 121   | 1       | 1               | 0
0 missed                      | -     | -    | 121   | 0       | 0               | 0
"""
SCORES = """
contacts                      | ended | code | scores                                     | li_reliably_recovered | li_reliably_improved | li_completed_at_caseness | li_left_at_caseness | li_completed_paired | li_left_paired
0 LI, 7 LI                    | 14    | 46   | 0 PHQ-9 15, 7 PHQ-9 9                      | 1 | 1 | 1 | 0 | 1 | 0
0 LI, 7 LI                    | 14    | 46   | 0 PHQ-9 15, 7 PHQ-9 10                     | 0 | 0 | 1 | 0 | 1 | 0
0 LI, 7 LI                    | 14    | 46   | 0 PHQ-9 9, 7 PHQ-9 3                       | 0 | 1 | 0 | 0 | 1 | 0
0 LI, 7 LI                    | 14    | 47   | 0 GAD-7 8, 7 GAD-7 4                       | 1 | 1 | 0 | 1 | 0 | 1
0 LI, 7 LI                    | 14    | 14   | 0 GAD-7 8, 7 GAD-7 5                       | 0 | 0 | 0 | 1 | 0 | 1
0 LI, 7 LI                    | 14    | 46   | 0 PHQ-9 12, 7 PHQ-9 6, 0 GAD-7 6, 7 GAD-7 10 | 0 | 0 | 1 | 0 | 1 | 0
0 LI, 7 LI                    | 14    | 46   | 0 PHQ-9 15                                 | 0 | 0 | 0 | 0 | 0 | 0
0 LI, 7 LI                    | 14    | 10   | 0 PHQ-9 15, 7 PHQ-9 4                      | 1 | 1 | 0 | 0 | 0 | 0
"""
TICK_WIDTH = "0.8"  # of the marks on the axes
FORM = ("contacts", "ended", "code", "as_at", "scores")


def read_cases(text: str) -> list[tuple[dict[str, object], dict[str, int]]]:
    """(the example, what each name counts of it) for each row of a drawn table; a dash is nothing."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    cases = []
    for line in lines[1:]:
        row = {name: cell for name, cell in zip(lines[0], line, strict=True) if cell != "-"}
        example = {"says": line[0], "counts": ""}
        example |= {key: row[key].split(", ") for key in ("contacts", "scores") if key in row}
        example |= {key: int(row[key]) for key in ("ended", "as_at") if key in row}
        example |= {"end_code": row["code"]} if "code" in row else {}
        cases.append((example, {name: int(cell) for name, cell in row.items() if name not in FORM}))
    return cases


def new_measure(numerator: str, denominator: str = "", **changes) -> Measure:
    month_by = next(iter(CLOCKS[NAMES[numerator].table]))
    words = dict.fromkeys(("name", "why", "plain", "owner"), "")
    month_by = "start" if month_by == "end" else month_by
    fixed = {"kind": "process", "good": "up", "chart": "xmr", "review_on": date(2027, 5, 1), "month_by": month_by}
    return Measure(id=f"own_{numerator}", numerator=numerator, denominator=denominator, **(words | fixed | changes))


ALL_CASES = [case for text in (EARLY, WAITS, BOOKINGS, OPEN, SCORES) for case in read_cases(text)]


@pytest.mark.parametrize(("example", "wanted"), ALL_CASES, ids=lambda value: value.get("says", ""))
def test_what_a_name_counts(example, wanted):
    measures, day = [new_measure(name) for name in wanted], period_of(LOOKED_AT)
    results = build_results(build_example(example, RECORD.completion), RECORD.completion, day, measures)
    found = {}
    for one in measures:
        rows = results[(results["measure_id"] == one.id) & (results["clock"] == one.month_by)]
        rows = rows.tail(1) if one.month_by == "month_end" else rows  # a person is open at many month ends
        found[one.numerator] = int(rows["numerator"].sum())
    assert found == wanted


def test_every_new_name_has_drawn_cases():
    drawn = {name for _, wanted in ALL_CASES for name in wanted}
    tables = {name for name, one in NAMES.items() if one.table != "episodes"}
    ours = {
        name for block in RECORD.measures if block.kind != "outcome" for name in (block.numerator, block.denominator)
    }
    assert tables | ours - {"li_stepped_up", "li_ended_or_stepped_up"} == drawn


# --- The names and the code that counts them -----------------------------------------------------------


@pytest.fixture(scope="module")
def tables(small_extract):
    return build_tables(read_extract(small_extract, None), RECORD)


@pytest.fixture(scope="module")
def pathways(tables):
    return build_pathways(tables[0], RECORD.completion, LAST.end)


def test_the_names_are_those_that_are_worked_out(pathways):
    by_table = {table: {name for name, one in NAMES.items() if one.table == table} for table in CLOCKS}
    episodes = pathways.referrals[pathways.referrals["is_li"].to_numpy()]
    assert by_table["episodes"] == set(build_episode_flags(episodes, RECORD.completion, pd.Timestamp(LAST.end)))
    assert by_table["open_episodes"] == set(calculate_open_episodes(pathways, 2021 * 12, 7))
    bookings = build_bookings(pathways)
    counted = {name: int(FLAGS[name](bookings).sum()) for name in by_table["bookings"]}
    assert counted["li_booked"] == len(bookings) > counted["li_attended"] > counted["li_missed"] > 0


def test_every_shipped_block_has_a_row_for_every_month(pathways):
    results = build_results(pathways, RECORD.completion, LAST, RECORD.measures)
    sizes = results.groupby(["measure_id", "clock"]).size()
    assert all(sizes[one.id, one.month_by] == 7 for one in RECORD.measures)
    own = results[results["measure_id"].isin([one.id for one in RECORD.measures])]
    assert (own["numerator"] <= own["denominator"]).all()
    assert own.groupby("measure_id")["denominator"].sum().min() > 0


def test_blocks_change_no_other_measure(pathways):
    alone = build_results(pathways, RECORD.completion, LAST)
    beside = build_results(pathways, RECORD.completion, LAST, RECORD.measures)
    pd.testing.assert_frame_equal(alone, beside.head(len(alone)))
    assert not beside.duplicated(["measure_id", "clock", "interval_start"]).any()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_the_plain_answer_agrees(seed, tmp_path):
    as_at = date(2022, 12, 31)
    write_national(build_clean_extract(seed, 150), tmp_path)
    record = replace(RECORD, columns=None)
    tables, _ = build_tables(read_extract(tmp_path, None), record)
    plain = plain_results(tmp_path, as_at)
    seen = build_results(
        build_pathways(tables, record.completion, as_at), record.completion, period_of(as_at), RECORD.measures
    )
    ids = {one.id for one in RECORD.measures}
    months = seen["interval_start"].dt.strftime("%Y-%m")
    ours = {
        (row.measure_id, row.clock, month): (row.numerator, row.denominator)
        for row, month in zip(seen.itertuples(), months, strict=True)
        if row.measure_id in ids
    }
    assert len(ours) > 14 * 20
    assert ours == {key: triple[:2] for key, triple in plain.items() if key[0] in ids}


def test_a_month_s_end_is_as_it_then_stood(tables, pathways):
    """What a later review says of a month's end is what the review of that month said."""
    now = calculate_open_episodes(pathways, 2021 * 12, 7)
    assert now["li_open_idle_60"][-1] > 0
    for month in range(1, 8):
        then = build_pathways(tables[0], RECORD.completion, Period(2021, month).end)
        seen = calculate_open_episodes(then, 2021 * 12, month)
        assert {name: numbers[-1] for name, numbers in seen.items()} == {
            name: numbers[month - 1] for name, numbers in now.items()
        }


def test_open_now_is_the_exit_category_open(pathways):
    now = calculate_open_episodes(pathways, 2021 * 12, 7)["li_open"][-1]
    assert now == (pathways.referrals[f"exit_{RECORD.completion.team_choice}"] == "open").sum() > 0


# --- Blocks that are refused ---------------------------------------------------------------------------


def read_with(tmp_path, old: str, new: str):
    """The record with one text of measures.toml changed."""
    places = copy_project(tmp_path / "refused")
    path = places.record / "measures.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return read_record(places.record)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"li_second_28d"', '"li_secnd_28d"', r'measures.toml, \[second_contact\] numerator: .* Did you mean "li_second_28d"\?'),
        ('"li_reached_28d"', '"reached"', r"\[second_contact\] denominator: 'reached' is not a name .*definitions.md"),
        ('"li_booked"', '"li_ended"', r"\[missed_appointments\].* not counted among the same things.*month_by"),
        ('month_by = "contact"', 'month_by = "end"', r'\[missed_appointments\] month_by: .* month_by = "contact"\. Write'),
        ('month_by = "contact"', 'month_by = "week"', r"\[missed_appointments\], month_by must be one of end, start, contact"),
        ('good = "down"', 'good = "low"', r"\[missed_appointments\], good must be one of up, down, either"),
        ('chart = "p"', 'chart = "c"', r"\[li_completion\] chart: this measure can be drawn as p, pp, ip, xmr, run"),
        ('"li_completed"', '"li_planned"', r"\[li_completion\]: .* numerator 'li_completed' over denominator 'li_ended'\. Write"),
        ("[second_contact]", "[M081]", r"\[M081\]: write the id in small letters"),
        ("[second_contact]", "[li_sessions_mean]", r"\[li_sessions_mean\]: .* choose another id"),
        ('"li_reached_28d"', '"n_li"', r"\[second_contact\]: 'n_li' is a number for each person"),
        ('"0 LI", "28 LI"', '"0 LI", "LI 28"', r"\[second_contact\] example 1: 'LI 28' cannot be read\. Write \"7 LI\""),
        ("as_at = 27", "asat = 27", r"\[second_contact\] example 5: 'asat' is not a key of an example"),
        ('says = "7 LI', 'said = "7 LI', r"\[li_completion\] example 1: an example needs says, counts"),
        ('name = "People stepped up from LI"', 'name = "People in LI with no contact for over 60 days"', r"\[idle_60\].*another block has this name"),
    ],
)  # fmt: skip
def test_a_block_that_cannot_be_counted_is_refused_with_what_to_do(tmp_path, old, new, words):
    with pytest.raises(RecordProblem) as caught:
        read_with(tmp_path, old, new)
    assert re.search(words, str(caught.value))


def test_a_standing_measure_by_a_month_it_is_not_counted_by_is_refused(tmp_path):
    with pytest.raises(RecordProblem, match="belongs to another measure"):
        read_with(tmp_path, "[second_contact]", "[li_step_down]")


def test_an_example_that_does_not_hold_is_named():
    (block,) = [one for one in RECORD.measures if one.id == "second_contact"]
    wrong = replace(block, examples=({**block.examples[0], "counts": "no"},))
    (fault,) = check_examples([wrong], RECORD.completion)
    assert "second_contact" in fault and "should count as no but the rule says yes." in fault
    assert check_examples([block], RECORD.completion) == []


def test_a_count_and_a_mean_can_be_blocks(pathways):
    blocks = [new_measure("li_started", month_by="start"), new_measure("n_li", "li_ended", month_by="end")]
    results = build_results(pathways, RECORD.completion, LAST, blocks)
    pairs = {("own_li_started", "start"): "li_started", ("own_n_li", "end"): "li_sessions_mean"}
    for (own, clock), standing in pairs.items():
        rows = results[results["clock"] == clock].set_index("measure_id")
        for column in ("numerator", "denominator", "value"):
            np.testing.assert_array_equal(rows.loc[own, column], rows.loc[standing, column])
    assert find_statistics(replace(RECORD, measures=tuple(blocks)))["own_n_li"] == "mean"


# --- What a block shows --------------------------------------------------------------------------------


def build_workings(tables, pathways, record=RECORD) -> Workings:
    results = build_results(pathways, record.completion, LAST, record.measures)
    files = [f"file {number}" for number in range(len(tables[1].build_ledger()))]
    return Workings(record, LAST, tables[0], tables[1], pathways, results, True, files)


@pytest.fixture(scope="module")
def workings(tables, pathways):
    return build_workings(tables, pathways)


@pytest.fixture(scope="module")
def release(workings):
    return build_release(workings, PublishedFigures(PublishedFacts(), {}))


@pytest.mark.slow
def test_a_new_block_is_a_text_edit(tmp_path, tables, pathways):
    """With nothing but a block in the text: results, a chart on its page, a row at a glance."""
    block = BLOCK.format(id="kept")
    record = read_with(tmp_path, "[second_contact]", block + "[second_contact]")
    workings = build_workings(tables, pathways, record)
    own = workings.results[workings.results["measure_id"] == "kept"]
    assert set(own["clock"]) == {"contact"} and own["numerator"].sum() > 0
    release = build_release(workings, PublishedFigures(PublishedFacts(), {}))
    assert "kept" in set(release.tables["glance"]["measure_id"])
    assert "kept" in set(release.tables["results"]["measure_id"])
    page = str(show_process(release))
    assert "kept, our own" in page and "Attended appointments are treatment." in page
    assert page.count("<svg ") <= MOST_CHARTS


@pytest.mark.slow
def test_the_first_four_of_each_kind_have_a_chart_and_the_rest_are_named(release):
    for kind, show in (("process", show_process), ("balancing", show_balancing)):
        blocks = [one for one in RECORD.measures if one.kind == kind]
        facts = release.facts.measure_charts[kind]
        assert [one.id for one in facts.charts] == [one.id for one in blocks[:4]]
        page = str(show(release))
        assert all(one.why in page for one in blocks[:4])
        assert all(one.name in page for one in blocks)
        assert page.count("why it matters") == 4
    assert set(release.tables["glance"]["measure_id"]) == {one.id for one in RECORD.measures}


def read_figures(page: str) -> list[tuple[str, str, list[list[str]]]]:
    """(alt text, picture, cells of the table) of every chart on a page."""
    found = []
    for figure in re.findall(r"<figure.*?</figure>", page, re.S):
        rows = re.findall(r"<tr>(.*?)</tr>", figure, re.S)[1:]
        cells = [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)] for row in rows]
        svg = re.search(r"<svg .*?</svg>", figure, re.S)[0]
        found.append((re.search(r'aria-label="([^"]+)"', svg)[1], svg, cells))
    return found


def read_heights(svg: str) -> list[float]:
    """The share of each point of a picture, from left to right, measured on its axes from 0 to 100%."""
    _, (foot, head) = re.findall(r'd="M [\d.]+ ([\d.]+)L [\d.]+ [\d.]+L [\d.]+ ([\d.]+)', svg)[:2]
    marks = re.findall(r'<use href="[^"]+" x="([\d.]+)" y="([\d.]+)" style="[^"]*stroke-width: ([\d.]+)', svg)
    dots = sorted((float(x), float(y)) for x, y, width in marks if width != TICK_WIDTH)
    return [(float(foot) - y) / (float(foot) - float(head)) for _, y in dots]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "show"), [("process", show_process), ("balancing", show_balancing)])
def test_every_chart_has_alt_text_and_a_table_that_agree_with_the_drawn_numbers(release, kind, show):
    shown = release.tables["measure_charts"]
    told = release.facts.measure_charts[kind].charts
    charts = [shown[shown["measure_id"] == one.id] for one in told]
    drawn = [(one, chart) for one, chart in zip(told, charts, strict=True) if chart["is_drawn"].any()]
    figures = read_figures(str(show(release)))
    assert len(figures) == len(drawn) >= 2
    for (facts, chart), (alt, svg, cells) in zip(drawn, figures, strict=True):
        hidden = chart["is_hidden"].astype(bool)
        last = chart[chart["is_settled"].astype(bool)].tail(1)
        assert alt == facts.alt.replace("'", "&#39;")
        if len(last):
            counts = f"({last['numerator'].iloc[0]:,.0f} of {last['denominator'].iloc[0]:,.0f})"
            assert ("hidden to protect privacy" if hidden[last.index[0]] else counts) in alt
        tops = [f"{n:,.0f}" for n in chart["numerator"]]
        assert [row[1] for row in cells] == [
            "hidden to protect privacy" if off else top for off, top in zip(hidden, tops, strict=True)
        ]
        assert [row[5] == "not settled yet" for row in cells] == [not ok for ok in chart["is_settled"]]
        heights = read_heights(svg)
        assert heights == pytest.approx(chart.loc[chart["is_drawn"].astype(bool), "value"].tolist(), abs=0.005)
        printed = [int(row[3].rstrip("%")) / 100 for row in cells if row[3].endswith("%")]
        assert printed == pytest.approx(heights, abs=0.011)


@pytest.mark.slow
def test_ids_of_charts_are_unique(release):
    ids = re.findall(r' id="([^"]+)"', str(show_process(release)) + str(show_balancing(release)))
    assert len(ids) == len(set(ids)) > 4


@pytest.mark.slow
def test_nothing_small_or_exact_is_released(release):
    assert find_small(release.tables["measure_charts"]) == []
    rows = release.tables["results"]
    ids = [one.id for one in RECORD.measures if one.id != "li_completion"]
    assert find_small(rows[rows["measure_id"].isin(ids)]) == []
    shares = rows[rows["measure_id"].isin(ids)].dropna(subset=["value"])
    np.testing.assert_allclose(shares["value"], shares["numerator"] / shares["denominator"])
    assert (shares["denominator"] >= 20).all()


@pytest.mark.slow
def test_months_in_which_not_everyone_can_be_judged_are_hollow(workings, release):
    start = ("second_contact", "wait_to_first")
    charts = build_charts(workings, release.tables["results"], build_settled_months(workings))
    settled = charts.true.set_index(["measure_id", "interval_start"])["is_settled"].unstack()
    assert settled.loc[start[0]].tolist() == [True] * 6 + [False]  # June ended 31 days before, July 0
    assert settled.loc[start[1]].all()
    assert settled.loc["missed_appointments"].all() and settled.loc["wait_to_second"].all()
    first = workings.pathways.referrals["li_start"].min()
    ends = [pd.Timestamp(Period(2021, month).end) for month in range(1, 8)]
    assert settled.loc["idle_60"].tolist() == [(end - first).days >= 182 for end in ends]
    assert not settled.loc["idle_60"].iloc[0]
    assert "outside every rule" in str(show_process(release))


@pytest.mark.slow
def test_an_ending_by_start_month_waits_until_the_month_is_settled(tables, pathways):
    late = new_measure("li_left", "li_ended", month_by="start", chart="p")
    record = replace(RECORD, measures=(*RECORD.measures, late))
    workings = build_workings(tables, pathways, record)
    cohort = build_settled_months(workings).assign(is_settled=[True, True, False, False, False, False, False])
    charts = build_charts(workings, build_released_results(workings), cohort)
    assert charts.take(late)[0]["is_settled"].tolist() == cohort["is_settled"].tolist()


def draw_series(workings, id_: str, share: np.ndarray, size: float = 100.0) -> Workings:
    """The workings with another series of 24 months for one measure."""
    clock = next(one.month_by for one in RECORD.measures if one.id == id_)
    starts = pd.date_range("2019-08-01", periods=24, freq="MS").astype("datetime64[s]")
    rows = pd.DataFrame(
        {
            "measure_id": id_, "clock": clock, "interval_start": starts, "interval_end": starts + pd.offsets.MonthEnd(),
            "numerator": share * size, "denominator": size, "value": share,
        }
    )  # fmt: skip
    rest = workings.results[workings.results["measure_id"] != id_]
    return replace(workings, results=pd.concat([rest, rows], ignore_index=True))


RISE = np.repeat([0.2, 0.4], 12) + np.tile([0.01, -0.01, 0.02, -0.02], 6)
# twelve months at 202 of 1,000 after a level of 200 are a shift; as released every month is 200 of 1,000
UNSEEN_RISE = np.concatenate([np.tile([0.199, 0.201], 6), np.full(12, 0.202)])


@pytest.fixture(scope="module")
def risen(workings) -> Release:
    """Three measures that rose."""
    for id_ in ("missed_appointments", "second_contact", "li_step_up"):
        workings = draw_series(workings, id_, RISE)
    return build_release(workings, PublishedFigures(PublishedFacts(), {}))


@pytest.fixture(scope="module")
def unseen(workings) -> Release:
    """One measure that rose less than rounding shows, and one that rose in numbers too small to be shown."""
    rounded = draw_series(workings, "missed_appointments", UNSEEN_RISE, 1000.0)
    return build_release(draw_series(rounded, "second_contact", RISE / 10), PublishedFigures(PublishedFacts(), {}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("id_", "signal", "title", "better"),
    [
        ("missed_appointments", "bad", "More LI appointments than usual are missed", "concerning"),
        ("second_contact", "good", "More people than usual have a second LI session", "improving"),
        ("li_step_up", "neutral", "People stepped up from LI: a change", "neutral"),
    ],
)
def test_signals_come_from_the_true_numbers_and_are_told_in_the_measure_s_own_words(risen, id_, signal, title, better):
    chart = risen.tables["measure_charts"].query("measure_id == @id_")
    settled = chart[chart["is_settled"]]
    assert settled["signal"].iloc[-1] == signal and set(chart["signal"].head(12)) == {""}
    told = [one for kind in risen.facts.measure_charts.values() for one in kind.charts if one.id == id_]
    assert told[0].title.startswith(title) and told[0].reasons
    assert risen.tables["glance"].set_index("measure_id").loc[id_, "variation"] == better


@pytest.mark.slow
def test_rounding_neither_makes_nor_unmakes_a_signal(unseen):
    chart = unseen.tables["measure_charts"].query("measure_id == 'missed_appointments'")
    assert set(chart["numerator"]) == {200.0}
    assert set(chart["signal"].tail(12)) == {"bad"} and "shift" in chart["rules"].iloc[-1]


@pytest.mark.slow
def test_a_signal_of_a_hidden_month_is_hidden(unseen):
    chart = unseen.tables["measure_charts"].query("measure_id == 'second_contact'")
    assert chart["is_hidden"].all() and set(chart["signal"]) == {""} and chart["upper"].isna().all()
    page = str(show_process(unseen))
    assert NOT_DRAWN in page


@pytest.mark.slow
def test_a_page_without_measures_says_how_to_add_one(tables, pathways):
    record = replace(RECORD, measures=RECORD.measures[:1])
    release = build_release(build_workings(tables, pathways, record), PublishedFigures(PublishedFacts(), {}))
    for kind, show in (("process", show_process), ("balancing", show_balancing)):
        page = str(show(release))
        assert "project/measures.toml" in page and f"kind = &#34;{kind}&#34;" in page
        assert "<svg" not in page


@pytest.mark.slow
def test_the_page_of_harm_says_which_way_it_watches(release):
    page = str(show_balancing(release))
    used = {one.good for one in [b for b in RECORD.measures if b.kind == "balancing"][:4]}
    assert used == {"up", "down", "either"}
    assert all(GOOD["balancing"][way] in page for way in used)
    assert "opposite" in page

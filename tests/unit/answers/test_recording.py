"""The recording-change alarm: what opens it, what does not, what closes it, and what it says."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from qi_analysis.answers.trust import (
    ENDING_WORDS,
    RecordingAlarm,
    build_endings,
    build_recording_alarm,
    find_alarm,
    read_recording_checks,
)
from qi_analysis.charts.verdict import State, build_verdict
from qi_analysis.dataset import read_rows
from qi_analysis.extract.clean import build_tables
from qi_analysis.extract.sources import read_extract
from qi_analysis.measures.episodes import EXITS
from qi_analysis.measures.pathways import build_pathways
from qi_analysis.periods import Period
from qi_analysis.phrases import LI_COMPLETION_WORDS
from qi_analysis.record.read_settings import read_record
from qi_analysis.storage import find_places

RECORD = read_record(find_places().record)
OUTCOME = ("46", "47", "16", "14")
USUAL = {"46": 60, "47": 20, "14": 10, "48": 2, "coded_unknown": 4, "missing": 4}


def shift(share=10, **moves):
    """The usual 100 endings of a month with some moved from one kind to another: shift(5, source="47", to="48")."""
    return USUAL | {moves["source"]: USUAL[moves["source"]] - share, moves["to"]: USUAL[moves["to"]] + share}


def table(*later, people=1.0, baseline=12):
    """12 usual months from January 2021 and then these, scaled; the first `baseline` months are the baseline."""
    endings = pd.DataFrame([USUAL] * 12 + list(later), dtype=float) * people
    endings.index = pd.date_range("2021-01-01", periods=len(endings), freq="MS")
    endings["unknown"] = endings["missing"] + endings["coded_unknown"]
    total = sum(endings[kind] for kind in USUAL)
    return endings.assign(total=total, in_baseline=np.arange(len(endings)) < baseline)


BLANK = shift(16, source="47", to="missing")


class TestWhatOpensIt:
    def test_nothing_when_nothing_moves(self):
        assert find_alarm(table(*[USUAL] * 12), OUTCOME) == RecordingAlarm()

    def test_two_months_in_a_row(self):
        assert not find_alarm(table(BLANK), OUTCOME).is_open
        assert not find_alarm(table(BLANK, USUAL, BLANK), OUTCOME).is_open
        assert find_alarm(table(USUAL, BLANK, BLANK), OUTCOME).is_open

    @pytest.mark.parametrize("kind", ["48", "missing", "coded_unknown"])
    def test_more_than_ten_points_and_not_ten(self, kind):
        ten, eleven = shift(10, source="46", to=kind), shift(11, source="46", to=kind)
        assert not find_alarm(table(ten, ten), OUTCOME).is_open
        assert find_alarm(table(eleven, eleven), OUTCOME).is_open

    def test_a_fall_counts_as_a_rise_does_and_both_ways_are_not_in_a_row(self):
        many = USUAL | {"46": 48, "48": 14}
        base = table(many, many)
        base.iloc[:12] = table(*[many] * 12).iloc[12:].assign(in_baseline=True).to_numpy()
        fallen = pd.concat([base.iloc[:12], table(USUAL, USUAL).iloc[12:]])
        alarm = find_alarm(fallen.astype({"in_baseline": bool}), OUTCOME)
        assert alarm.what == "endings earlier than the person asked for fell from 14%"
        up, down = shift(25, source="46", to="47"), shift(18, source="47", to="46")
        assert not find_alarm(table(up, down, up, down), OUTCOME).is_open

    def test_kinds_of_unknown_are_added_up(self):
        both = USUAL | {"46": 48, "missing": 10, "coded_unknown": 10}
        alarm = find_alarm(table(both, both), OUTCOME)
        assert alarm.what == "endings not known rose from 8% to 20%"

    def test_a_new_kind_of_ending_in_the_table(self):
        endings = table(*[USUAL | {"46": 45}] * 2).assign(invalid=[0.0] * 12 + [15.0] * 2)
        alarm = find_alarm(endings.assign(total=100.0), OUTCOME)
        assert alarm.what == "endings with a code that does not exist rose from 0% to 15%"

    def test_more_people_completing_is_no_change_of_recording_but_is_watched(self):
        better = shift(14, source="47", to="46")
        alarm = find_alarm(table(better, better), OUTCOME)
        assert not alarm.is_open and alarm.sentence == ""
        assert alarm.watch[0].startswith(
            "Endings by mutual agreement rose from 60% to 75%. This can be a change in how"
        )
        assert find_alarm(table(better, better, USUAL), OUTCOME).watch == ()

    def test_an_outcome_that_jumps_by_more_than_twenty_points_opens_it(self):
        jump = shift(25, source="46", to="47")
        alarm = find_alarm(table(jump, jump), OUTCOME)
        assert alarm.is_open and alarm.watch == ()

    def test_months_with_under_twenty_endings_are_passed_over(self):
        few = {kind: count * 0.19 for kind, count in BLANK.items()}
        assert not find_alarm(table(few, few, few), OUTCOME).is_open
        assert find_alarm(table(BLANK, few, BLANK), OUTCOME).is_open

    def test_without_a_baseline_of_twenty_there_is_none(self):
        assert find_alarm(table(BLANK, BLANK, people=0.01), OUTCOME) == RecordingAlarm()
        assert find_alarm(table(BLANK, BLANK, baseline=0), OUTCOME) == RecordingAlarm()

    @pytest.mark.slow
    def test_chance_seldom_opens_it(self):
        rng, kinds = np.random.default_rng(5), list(USUAL)
        opened = []
        for _ in range(150):
            endings = pd.DataFrame(rng.multinomial(45, np.array(list(USUAL.values())) / 100, 24), columns=kinds)
            endings.index = pd.date_range("2021-01-01", periods=24, freq="MS")
            endings["unknown"] = endings["missing"] + endings["coded_unknown"]
            opened.append(find_alarm(endings.assign(total=45, in_baseline=np.arange(24) < 12), OUTCOME).is_open)
        assert np.mean(opened) < 0.04


class TestWhatClosesIt:
    def test_it_stays_open_when_the_shares_come_back(self):
        assert find_alarm(table(BLANK, BLANK, *[USUAL] * 8), OUTCOME).is_open

    def test_a_check_after_the_second_month_closes_it_for_the_whole_run(self):
        endings = table(BLANK, BLANK, BLANK, BLANK)
        assert find_alarm(endings, OUTCOME, [date(2022, 2, 27)]).is_open
        assert not find_alarm(endings, OUTCOME, [date(2022, 2, 28)]).is_open

    def test_a_later_change_opens_it_again(self):
        endings = table(BLANK, BLANK, USUAL, BLANK, BLANK)
        assert find_alarm(endings, OUTCOME, [date(2022, 3, 14)]).since == date(2022, 4, 1)
        assert not find_alarm(endings, OUTCOME, [date(2022, 3, 14), date(2022, 6, 1)]).is_open

    @pytest.mark.parametrize(
        ("heading", "days"),
        [
            ("## 2023-02-14 recording change: endings without a code checked", [date(2023, 2, 14)]),
            ("# 14/02/2023 Recording change checked with the data manager\r", [date(2023, 2, 14)]),
            ("## 2023-02-14 recording change: endings without a code suspected", []),
            ("## 2023-02-14 recording change: not yet checked", []),
            ("## 2023-02-14 recording change: unchecked", []),
            ("## 2023-02-30 recording change: checked", []),
            ("## The recording change of 2023-02-14 was checked", []),
            ("2023-02-14 recording change: checked", []),
            ("## 2023-02-14 target of 70% checked", []),
            ("```\n## 2023-02-14 recording change: endings checked\n```", []),
        ],
    )
    def test_what_a_heading_must_hold(self, tmp_path, heading, days):
        (tmp_path / "decisions.md").write_text(f"\ufeff# Decisions\n\n{heading}\n\nWe looked.\n", encoding="utf-8")
        assert list(read_recording_checks(tmp_path)) == days

    def test_without_the_file_nothing_closes(self, tmp_path):
        assert list(read_recording_checks(tmp_path)) == []


class TestWhatItSays:
    def test_the_sentence_is_a_reason_for_the_verdict_to_stop(self):
        alarm = find_alarm(table(BLANK, BLANK), OUTCOME)
        assert alarm.sentence == "the way endings are recorded changed in January 2022: " + alarm.what
        assert alarm.what == "endings without a code rose from 4% to 20%"
        verdict = build_verdict(pd.DataFrame(), LI_COMPLETION_WORDS, [alarm.sentence])
        assert verdict.state is State.CANNOT_SAY
        assert verdict.sentence == f"We cannot say this month, because {alarm.sentence}."

    def test_the_earliest_change_is_told_and_of_those_the_largest(self):
        coded, both = shift(15, source="46", to="coded_unknown"), USUAL | {"46": 33, "48": 15, "missing": 18}
        assert "coded as not known" in find_alarm(table(coded, coded, both, both), OUTCOME).what
        assert "endings by mutual agreement fell from 60% to 33%" in find_alarm(table(both, both), OUTCOME).what

    def test_a_share_on_a_small_count_is_not_told(self):
        quarter = find_alarm(table(*[BLANK] * 2, people=0.25), OUTCOME)
        assert quarter.what == "endings without a code rose from 3% to 20%"
        tiny = table(*[shift(11, source="46", to="48")] * 2, people=0.25)
        assert find_alarm(tiny, OUTCOME).what == "endings earlier than the person asked for rose by more than 10 points"

    def test_every_code_of_an_ending_has_words(self):
        words = {row["kind"] for row in read_rows(ENDING_WORDS)}
        reference = read_rows(find_places().root / "data" / "reference" / "end_codes.csv")
        known = {row["code"] for row in reference if "v2" in row["scheme"]}
        completion = RECORD.completion
        gone = {*completion.deceased_end_codes, *completion.unknown_end_codes}
        assert words == known - gone | {"missing", "invalid", "coded_unknown", "unknown"}


@pytest.fixture(scope="module")
def make(shipped_extract):
    """A function from a period to the workings of the synthetic extract (30 months from January 2021)."""
    tables, _ = build_tables(read_extract(shipped_extract, None), RECORD)

    def build(period):
        pathways = build_pathways(tables, RECORD.completion, period.end)
        return SimpleNamespace(record=RECORD, period=period, pathways=pathways)

    return build


class TestSyntheticService:
    def test_the_change_of_december_2022_opens_it_in_january(self, make):
        assert not build_recording_alarm(make(Period(2022, 12))).is_open
        workings = make(Period(2023, 1))
        alarm = build_recording_alarm(workings)
        assert alarm.is_open and alarm.since == date(2022, 12, 1)
        assert alarm.sentence.startswith("the way endings are recorded changed in December 2022: endings ")
        assert not build_recording_alarm(workings, [date(2023, 2, 14)]).is_open

    def test_a_review_before_twelve_months_has_no_alarm(self, make):
        assert build_recording_alarm(make(Period(2021, 9))) == RecordingAlarm()

    def test_endings_are_the_denominator_of_completion(self, make):
        workings = make(Period(2022, 6))
        endings, choice = build_endings(workings), f"exit_{RECORD.completion.team_choice}"
        referrals = workings.pathways.referrals
        counted = referrals[referrals[choice].isin(set(EXITS) - {"deceased", "stepped_up", "open"})]
        monthly = counted.groupby(counted["li_end"].dt.to_period("M").dt.start_time).size()
        assert endings["total"][endings["total"] > 0].to_dict() == monthly.to_dict()
        own = endings.drop(columns=["total", "unknown"]).sum(axis=1)
        assert (own == endings["total"]).all() and endings.index[-1] == pd.Timestamp("2022-06-01")
        assert (endings["unknown"] <= endings["total"]).all() and endings["unknown"].sum() > 0

    def test_an_extract_without_endings(self, make):
        workings = make(Period(2022, 6))
        nobody = workings.pathways.referrals.assign(is_li=False)
        empty = SimpleNamespace(record=RECORD, period=workings.period, pathways=SimpleNamespace(referrals=nobody))
        assert build_recording_alarm(empty) == RecordingAlarm()

    def test_the_order_of_rows_changes_nothing(self, make):
        workings = make(Period(2023, 2))
        mixed = workings.pathways.referrals.sample(frac=1, random_state=1)
        shuffled = SimpleNamespace(record=RECORD, period=workings.period, pathways=SimpleNamespace(referrals=mixed))
        assert build_recording_alarm(shuffled) == build_recording_alarm(workings)

"""Signs of events and tests on a chart."""

from datetime import date, timedelta
from itertools import combinations

import pandas as pd
import pytest
from five_years import (
    REVIEW,
    build_team,
    draw_months,
    draw_release,
)

from qi_analysis.charts.style import AXIS_POINTS, LETTER_POINTS, SIGN_POINTS, Mark, arrange_marks, build_marks
from qi_analysis.record.team import Cycle, Predicted, TeamRecord

SECOND = "second_contact"


@pytest.fixture(scope="module")
def release():
    return draw_release(build_team())


CYCLE = Cycle(
    "P1", "The call", date(2021, 10, 4), date(2021, 10, 29), measures=(SECOND,), scale="whole service, 100 people",
    predicted=Predicted(SECOND, 0.60, 0.75),
)  # fmt: skip


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

"""A drawn record of 5 years (60 tests, 200 ideas, 500 actions) and drawn months, as the release a page is made from."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
from drawn import read_shipped
from drawn_facts import draw_facts

from qi_analysis.answers.measure_charts import MeasureCharts
from qi_analysis.answers.team import build_record
from qi_analysis.answers.workshop import Workings
from qi_analysis.extract.ledger import Account
from qi_analysis.periods import Period
from qi_analysis.record.team import (
    Action,
    Cycle,
    Driver,
    Feedback,
    Idea,
    Predicted,
    Reviews,
    Role,
    Story,
    Team,
    TeamRecord,
)
from qi_analysis.release import Release

REVIEW = Period(2022, 12)
END = REVIEW.end
MEASURES = ("second_contact", "missed_appointments", "li_completion")
WORDS = (
    "A call before the first contact",
    "A letter in plain words that says what will happen and whom to call when the day does not suit",
    "Evenings",
    "A text message two days before",
    "A call from somebody who has completed, offered after the second appointment and before the third",
)
STATUS = ("idea", "idea", "idea", "testing", "adopted", "adapted", "abandoned")


def draw_months(n_months: int = 60, numerator: float = 60, denominator: float = 100) -> pd.DataFrame:
    """Chart rows of every measure of the shipped record, the same figures each month, the last one that of the review."""
    months = pd.date_range(end=pd.Timestamp(REVIEW.start), periods=n_months, freq="MS").astype("datetime64[s]")
    one = pd.DataFrame(
        {
            "interval_start": months, "numerator": float(numerator), "denominator": float(denominator),
            "value": numerator / denominator, "is_settled": True, "is_hidden": False, "is_drawn": True, "phase": 1,
            "in_baseline": np.arange(n_months) < 12, "centre": 0.6, "lower": 0.45, "upper": 0.75, "signal": "", "rules": "",
        }
    )  # fmt: skip
    return pd.concat([one.assign(measure_id=measure.id) for measure in read_shipped().measures], ignore_index=True)


def draw_charts(true: pd.DataFrame, shown: pd.DataFrame | None = None) -> MeasureCharts:
    """Charts of drawn rows: what may be shown is the same unless it is given."""
    return MeasureCharts(true, true, true if shown is None else shown, [])


def draw_workings(team: TeamRecord, period: Period = REVIEW) -> Workings:
    """Workings of a record without rows: the pages of the record need none."""
    return Workings(read_shipped(), period, None, Account(()), None, None, True, [], team)


def draw_release(team: TeamRecord, charts: MeasureCharts | None = None, **facts: object) -> Release:
    """The release of a record: its own part, and as much of the rest as the pages of the record read."""
    charts = charts or draw_charts(draw_months())
    aim = read_shipped().aim
    told = {
        "team": build_record(draw_workings(team), charts, "STEADY"),
        "events": [{"on": "2021-05-01", "letter": "A", "what": "the project began", "could_affect": "all"}],
        "measure": {"id": aim.measure},
        "direction": aim.direction,
        "population": aim.population,
        "target_sentence": "The team has not set a target yet.",
    }
    return Release(draw_facts(**told | facts), {"chart": charts.shown[charts.shown["measure_id"] == aim.measure]})


def build_drivers() -> tuple[Driver, ...]:
    """10 drivers with 5 to 40 ideas each, 200 in all."""
    sizes = (25, 20, 30, 5, 40, 20, 10, 30, 15, 5)
    numbers = np.cumsum((0, *sizes))
    return tuple(
        Driver(
            f"People know what to expect, feel heard and can come: part {d}",
            tuple(
                Idea(
                    f"I{k}", f"{WORDS[k % 5]}, version {k}", ("su1", "lead", "analyst")[k % 3], STATUS[(3 * k + d) % 7]
                )
                for k in range(numbers[d], numbers[d + 1])
            ),
        )
        for d in range(len(sizes))
    )


def build_cycles(n: int = 60) -> tuple[Cycle, ...]:
    """A test a month for 5 years; the last two still run."""
    found = []
    for k in range(1, n + 1):
        start, measure = END - timedelta(days=10 + 30 * (n - k)), MEASURES[k % 3]
        over = k <= n - 2
        found.append(
            Cycle(
                f"P{k}", f"{WORDS[k % 5]}, step {k}", start, start + timedelta(days=20) if over else None, f"I{k // 3}",
                f"one practitioner, {(8, 30, 80, 200)[k % 4]} people", (measure,), "rises from 60% to 70%",
                Predicted(measure, 0.6, 0.7) if k % 2 else None, "lead",
                ("adopt", "adapt", "abandon")[k % 3] if over else "running", "", "", "It was quick and people came.", "Go on.",
            )
        )  # fmt: skip
    return tuple(found)


def build_actions() -> tuple[Action, ...]:
    """500 actions over 5 years; every tenth is still open, with the last 20."""
    days = [date(2018, 1, 1) + timedelta(days=int(k * 3.7)) for k in range(500)]
    is_done = [k % 10 > 0 and k < 480 for k in range(500)]
    return tuple(
        Action(f"A{k}", f"{WORDS[k % 5]}: step {k}", ("lead", "su1", "")[k % 3], day, "done" if done else "open", day if done else None)
        for k, (day, done) in enumerate(zip(days, is_done, strict=True))
    )  # fmt: skip


def build_team() -> TeamRecord:
    """The whole record of 5 years."""
    roles = (
        Role("su1", "service user", date(2018, 1, 1), training=("pocket_qi",)),
        Role("lead", "project lead (PWP)", date(2018, 1, 1), until=date(2023, 3, 31), channel="NHS e-mail"),
        Role("analyst", "analyst"),
        Role("admin", "admin team"),
    )
    day, ends = date(2022, 11, 8), date(2023, 11, 8)
    consent = {"consent": "plain", "consent_on": day, "consent_ends": date(2199, 1, 1)}
    stories = (
        Story(day, "service user", "They rang before I came.", about=("P1",), file="one", **consent),
        Story(day, "carer", "Nobody may read this.", consent="none", consent_on=day, consent_ends=ends, file="two"),
    )
    feedback = (
        Feedback(date(2022, 11, 30), "plain", 4, 4, "The chart was hard to read", "We put the finding above it"),
    )
    team = Team(roles, ("pocket_qi", "coaching"), Reviews())
    return TeamRecord(team, build_drivers(), build_cycles(), stories, build_actions(), feedback)

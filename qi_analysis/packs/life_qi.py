"""Texts to copy into Life QI, and the chart table to upload there.

Life QI is outside the team, so the figures are protected like those of the plain edition. What the record lacks is said
in its place. The names of the fields are those of the screens: charter, drivers, and for each cycle objective to next.
"""

import csv
import io
from collections.abc import Mapping

import pandas as pd

from qi_analysis.packs.pack import Sources, build_protected_chart, describe_span
from qi_analysis.periods import describe_day
from qi_analysis.phrases import HIDDEN
from qi_analysis.record.new_entry import build_slug
from qi_analysis.record.settings import KINDS
from qi_analysis.record.team import Cycle

CHART = "chart.csv"
COLUMNS = ("period", "numerator", "denominator", "value", "note")
NOT_WRITTEN = "Not written yet"


def build_life_qi(sources: Sources) -> dict[str, str]:
    """File name -> text: charter.txt, drivers.txt, a file for each cycle, and chart.csv when a review is published."""
    files = {"charter.txt": _render_charter(sources), "drivers.txt": _render_drivers(sources)}
    files |= {f"cycle-{build_slug(cycle.id)}.txt": render_cycle(cycle, sources) for cycle in sources.team.cycles}
    return files | ({CHART: render_chart_table(sources)} if sources.release else {})


def _render_fields(sources: Sources, fields: Mapping[str, str]) -> str:
    labels = ["Example record: made up.\n"] if sources.team.is_example else []
    labels += ["Synthetic data: no real people.\n"] if sources.is_synthetic else []
    return "\n".join([*labels, *(f"{name}\n{text.strip() or NOT_WRITTEN}\n" for name, text in fields.items())])


def _render_charter(sources: Sources) -> str:
    record, aim = sources.record, sources.record.aim
    measure = sources.measure
    change = "Raise" if aim.direction == "increase" else "Lower"
    target = f", to {round(aim.target * 100)}%" if aim.target is not None else " (the target is not agreed yet)"
    by = f" by {describe_day(aim.by)}" if aim.by else ""
    kinds = {kind: "; ".join(one.name for one in record.measures if one.kind == kind) for kind in KINDS}
    return _render_fields(
        sources,
        {
            "Title": record.title,
            "Aim": f"{change} this{target}{by}: {measure.name}. For {aim.population}.",
            "Why": measure.why,
            "In scope": record.scope.get("in", ""),
            "Out of scope": record.scope.get("out", ""),
            "Start": describe_day(record.started),
            "Team, by role": "; ".join(role.role for role in sources.current_roles),
            "Outcome measures": kinds["outcome"],
            "Process measures": kinds["process"],
            "Balancing measures": kinds["balancing"],
        },
    )


def _render_drivers(sources: Sources) -> str:
    fields = {
        driver.driver: "\n".join(f"- {idea.idea} ({idea.status})" for idea in driver.ideas) or "No idea yet"
        for driver in sources.team.drivers
    }
    return _render_fields(sources, fields or {"Drivers": ""})


def render_cycle(cycle: Cycle, sources: Sources) -> str:
    """The fields of one cycle, in the order of the screen."""
    ideas = {idea.id: idea.idea for idea in sources.team.ideas}
    act = {"adopt": "Adopt.", "adapt": "Adapt.", "abandon": "Abandon.", "running": "Still running."}[cycle.decision]
    return _render_fields(
        sources,
        {
            "Objective": ". ".join(part for part in (cycle.title, ideas.get(cycle.idea, "")) if part),
            "When": describe_span(cycle),
            "Where": cycle.scale,
            "Who": sources.team.team.name_role(cycle.owner) if cycle.owner else "",
            "Tasks": cycle.plan,
            "Prediction": cycle.prediction,
            "What happened": cycle.do,
            "Learning": cycle.study,
            "Next": f"{act} {cycle.act}",
        },
    )


def render_chart_table(sources: Sources) -> str:
    """The headline month by month: period, numerator, denominator, value, note. What is hidden is empty and says so."""
    assert sources.release is not None
    chart = build_protected_chart(sources.release)
    notes = [_describe_month(row, sources) for row in chart.to_dict("records")]
    columns = {
        "period": chart["interval_start"].dt.strftime("%Y-%m"),
        "numerator": chart["numerator"].astype("Int64"),
        "denominator": chart["denominator"].astype("Int64"),
        "value": chart["value"].round(2),
        "note": notes,
    }
    text = io.StringIO()
    pd.DataFrame(columns)[list(COLUMNS)].to_csv(text, index=False, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    return text.getvalue()


def _describe_month(row: Mapping[str, object], sources: Sources) -> str:
    """What a month's row needs beside its numbers: hidden or left out, events, a phase."""
    start, words = pd.Timestamp(row["interval_start"]), []
    if sources.is_synthetic:
        words.append("synthetic data")
    if row["is_hidden"]:
        words.append(HIDDEN)
    elif not row["is_drawn"]:
        words.append("not drawn on the team's chart")
    month = (start.year, start.month)
    words += [f"{one.letter}: {one.what}" for one in sources.record.events if (one.date.year, one.date.month) == month]
    words += [
        f"limits start again: {one.reason}"
        for one in sources.record.phases
        if (one.from_.year, one.from_.month) == month
    ]
    return "; ".join(words)

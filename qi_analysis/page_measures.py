"""The pages "Are our changes happening?" and "Is anything getting worse?", from a release and from nothing else."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from qi_analysis.chart_keys import build_marks
from qi_analysis.charts import Look, render_control_chart
from qi_analysis.fragments import Html, render_figure, render_notes
from qi_analysis.page_words import count, decimal, or_words, percent
from qi_analysis.phrases import HIDDEN, describe_month
from qi_analysis.release import Release

NOT_ENOUGH = "too few to draw"
NOT_SETTLED = "not settled yet"
MONTHS = {
    "end": "by the month LI ended",
    "start": "by the month LI began",
    "contact": "by the month of the appointment",
    "month_end": "as it stood at the month's end",
}
GOOD = {
    "process": {
        "up": "Higher is better.",
        "down": "Lower is better.",
        "either": "A change in either direction needs a look.",
    },
    "balancing": {
        "up": "Higher is better, so we watch for a fall.",
        "down": "Lower is better, so we watch for a rise.",
        "either": "We watch for a change in either direction.",
    },
}
UNITS = {"share": "share", "mean": "average", "count": "number"}
HOW_TO_ADD = 'To add one, write a block with kind = "{kind}" in project/measures.toml. docs/definitions.md lists what can be counted.'
NONE = {
    "process": "No process measure is set. It would show whether our changes reach people.",
    "balancing": "Nothing checks for harm yet. Pick at least one balancing measure.",
}
HOW_TO_READ = [
    "The rules and the usual range are worked out as on the chart of completion. A change counts only when it is "
    "unlikely to be chance.",
    f"Counts are rounded to the nearest 5, and shares come from the rounded counts. Counts of 1 to 7 are {HIDDEN}.",
]
OPPOSITE = "Here we look for the opposite of a success: a change for the worse that comes with our changes."
HOLLOW = (
    f"Hollow points are {NOT_SETTLED} and outside every rule: some people who began in that month cannot be judged yet. "
    "For figures at a month's end they are the first half year of the data, in which people who began earlier are missing."
)
NOT_DRAWN = f"No month can be drawn: there are too few, or the figure is {HIDDEN}."


def show_process(release: Release) -> Html:
    """Are our changes happening? A small chart for each of the first four process measures."""
    return _show_measures(release, "process", HOW_TO_READ)


def show_balancing(release: Release) -> Html:
    """Is anything getting worse? A small chart for each of the first four balancing measures, by the same rules."""
    return _show_measures(release, "balancing", [OPPOSITE, *HOW_TO_READ])


def _show_measures(release: Release, kind: str, notes: list[str]) -> Html:
    facts = release.facts["measure_charts"][kind]
    if not facts["charts"]:
        return render_notes([NONE[kind], HOW_TO_ADD.format(kind=kind)], "Nothing to show yet")
    table = release.tables["measure_charts"]
    charts = {one["id"]: table[table["measure_id"] == one["id"]] for one in facts["charts"]}
    figures = Html("").join(_show_chart(one, charts[one["id"]], kind, release.facts) for one in facts["charts"])
    hollow = [] if all(chart["is_settled"].all() for chart in charts.values()) else [HOLLOW]
    more = [f"In the table of all measures, without a chart: {'; '.join(facts['more'])}."] if facts["more"] else []
    return Html(figures + render_notes([*notes, *hollow, *more]))


def _show_chart(facts: Mapping[str, Any], chart: pd.DataFrame, kind: str, marked: Mapping[str, Any]) -> Html:
    """One chart with its finding, its numbers, and why it matters; words alone where no month can be drawn. marked: the facts."""
    title = f"{facts['name']}: why it matters"
    if not (chart["is_drawn"].astype(bool) & chart["value"].notna()).any():
        return render_notes([facts["why"], NOT_DRAWN], title)
    marks, key = build_marks(marked, facts["id"], chart)
    look = Look(facts["id"].replace("_", "-"), facts["alt"], size="small", unit=UNITS[facts["statistic"]], marks=marks)
    about = f"{facts['name']}, {MONTHS[facts['month_by']]}"
    numbers = build_numbers(chart, facts["statistic"])
    figure = render_figure(render_control_chart(chart, look), facts["title"] + ".", about, numbers, key)
    lines = [facts["why"], f"{facts['plain']} {facts['people']}", GOOD[kind][facts["good"]], *facts["reasons"]]
    return Html(figure + render_notes(lines, title))


def build_numbers(chart: pd.DataFrame, statistic: str) -> pd.DataFrame:
    """The numbers under a chart: month, counts, value, usual range, signal, and which months are not settled."""
    show = {"share": percent, "mean": decimal, "count": count}[statistic]
    state = [
        HIDDEN if hidden else "" if drawn else NOT_ENOUGH
        for hidden, drawn in zip(chart["is_hidden"].astype(bool), chart["is_drawn"].astype(bool), strict=True)
    ]
    columns = {"Month": [describe_month(day) for day in chart["interval_start"]]}
    if statistic != "count":
        columns |= {
            "Counted": or_words(chart["numerator"], state, count),
            "Of": or_words(chart["denominator"], state, count),
        }
    columns |= {
        UNITS[statistic].capitalize(): or_words(chart["value"], state, show),
        "Usual range": [
            "" if pd.isna(low) else f"{show(low)} to {show(high)}"
            for low, high in zip(chart["lower"], chart["upper"], strict=True)
        ],
        "Signal": [
            NOT_SETTLED if not settled else rules or "none"
            for settled, rules in zip(chart["is_settled"].astype(bool), chart["rules"].fillna(""), strict=True)
        ],
    }
    return pd.DataFrame(columns)

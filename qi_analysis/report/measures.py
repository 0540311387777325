"""The pages of process and balancing measures, of all measures at a glance, and of fairness; from a release alone."""

from collections.abc import Sequence

import pandas as pd

from qi_analysis.charts.control_chart import render_control_chart
from qi_analysis.charts.style import AXES, SHAPES, build_look, build_marks
from qi_analysis.charts.verdict import CHART_NAMES
from qi_analysis.facts import ChartFacts, FairnessFacts, Marked
from qi_analysis.phrases import HIDDEN, describe_month, describe_share, lower_first, upper_first
from qi_analysis.release import Release
from qi_analysis.report.html import (
    Html,
    count,
    decimal,
    hidden_or,
    list_ranges,
    or_words,
    percent,
    render_figure,
    render_folded,
    render_notes,
    render_table,
)

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
SIGNS = {  # the same shapes as on the charts
    "concerning": SHAPES["bad"][2][0],
    "improving": SHAPES["good"][2][0],
    "neutral": SHAPES["neutral"][2][0],
    "common_cause": SHAPES[""][2][0],
    "hidden": "\u2013",
    "early": "\u25cb",
}
TARGET_SIGNS = {"passing": "\u2713", "failing": "\u2717", "hit_or_miss": "?", "none": "\u2013", "early": "\u25cb"}
HOW_TO_READ_ALL = [
    "What needs attention comes first: a change for the worse, then a target we do not expect to reach, then any other "
    "change, then usual ups and downs.",
    "Each row is judged on its last month. The verdict on page 1 also counts changes seen in the last 6 months.",
    "A target is judged against the usual range: if all of the range reaches it, we expect every month to reach it.",
]
TOO_FEW = "too few people to show"
SMALLEST_SHOWN = 30  # people in a group with a rate


# The pages "Are our changes happening?" and "Is anything getting worse?".
def show_process(release: Release) -> Html:
    """Are our changes happening? A small chart for each of the first four process measures."""
    return _show_measures(release, "process", HOW_TO_READ)


def show_balancing(release: Release) -> Html:
    """Is anything getting worse? A small chart for each of the first four balancing measures, by the same rules."""
    return _show_measures(release, "balancing", [OPPOSITE, *HOW_TO_READ])


def _show_measures(release: Release, kind: str, notes: list[str]) -> Html:
    facts = release.facts.measure_charts[kind]
    if not facts.charts:
        return render_notes([NONE[kind], HOW_TO_ADD.format(kind=kind)], "Nothing to show yet")
    table = release.tables["measure_charts"]
    charts = {one.id: table[table["measure_id"] == one.id] for one in facts.charts}
    figures = Html("").join(_show_chart(one, charts[one.id], kind, release.facts) for one in facts.charts)
    hollow = [] if all(chart["is_settled"].all() for chart in charts.values()) else [HOLLOW]
    more = [f"In the table of all measures, without a chart: {'; '.join(facts.more)}."] if facts.more else []
    return Html(figures + render_notes([*notes, *hollow, *more]))


def _show_chart(facts: ChartFacts, chart: pd.DataFrame, kind: str, marked: Marked) -> Html:
    """One chart with its finding, its numbers, and why it matters; words alone where no month can be drawn. marked: the facts."""
    title = f"{facts.name}: why it matters"
    if not (chart["is_drawn"].astype(bool) & chart["value"].notna()).any():
        return render_notes([facts.why, NOT_DRAWN], title)
    marks, key = build_marks(marked, facts.id, chart)
    look = build_look(facts.id, facts.alt, is_aim=False, unit=AXES[facts.statistic], marks=marks)
    about = f"{facts.name}, {MONTHS[facts.month_by]}"
    numbers = build_numbers(chart, facts.statistic)
    figure = render_figure(render_control_chart(chart, look), facts.title + ".", about, numbers, key)
    lines = [facts.why, f"{facts.plain} {facts.people}", GOOD[kind][facts.good], *facts.reasons]
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
        AXES[statistic].capitalize(): or_words(chart["value"], state, show),
        "Usual range": list_ranges(chart["lower"], chart["upper"], show),
        "Signal": [
            NOT_SETTLED if not settled else rules or "none"
            for settled, rules in zip(chart["is_settled"].astype(bool), chart["rules"].fillna(""), strict=True)
        ],
    }
    return pd.DataFrame(columns)


# All measures at a glance, and the charts that are suggested for them.
def show_glance(release: Release) -> Html:
    """Where should we look first? Every measure with its last value, its verdict in shape and words, and since when."""
    rows = release.tables.get("glance")
    if rows is None or rows.empty:
        return render_notes(["There are no measures yet. Add a block to project/measures.toml."], "All measures")
    table = pd.DataFrame(
        {
            "Measure": rows["name"],
            "Kind": rows["kind"],
            "Last month": [_describe_last(row) for _, row in rows.iterrows()],
            "What it shows": _add_signs(rows["variation"], rows["variation_words"], SIGNS),
            "Since": ["" if pd.isna(day) else describe_month(day) for day in pd.to_datetime(rows["since"])],
            "Target": _add_signs(rows["assurance"], rows["assurance_words"], TARGET_SIGNS),
        }
    )
    return Html(render_table(table, "All measures, by what needs attention") + render_notes(HOW_TO_READ_ALL))


def _add_signs(codes: pd.Series, words: pd.Series, signs: dict[str, str]) -> pd.Series:
    """Each verdict in words after its sign; a screen reader hears the words alone."""
    cell = Html('<span aria-hidden="true">{}</span> {}')
    cells = [cell.format(signs[code], text) for code, text in zip(codes, words, strict=True)]
    return pd.Series(cells, index=codes.index, dtype=object)  # or they would become plain text


def _describe_last(row: pd.Series) -> str:
    """The last value with its counts and month; a number of people never stands alone."""
    if pd.isna(row["interval_start"]):
        return "no month with a figure yet"
    month = describe_month(row["interval_start"])
    if row["is_hidden"] or pd.isna(row["value"]):
        return f"{HIDDEN}, {month}"
    return f"{_describe_value(row)}, {month}"


def _describe_value(row: pd.Series) -> str:
    value, bottom = row["value"], row["denominator"]
    if row["statistic"] in ("share", "percent"):
        share = value / 100 if row["statistic"] == "percent" else value
        return f"{percent(share)} ({count(row['numerator'])} of {count(bottom)})"
    if row["statistic"] in ("count", "sum") or pd.isna(bottom):
        return count(value)
    kind = "middle value" if row["statistic"] == "median" else "average"
    shown = count(value) if row["statistic"] == "median" else decimal(value)
    return f"{shown} ({kind} of {count(bottom)})"


def show_suggestions(release: Release) -> Html:
    """Is each chart the right one, and has a level moved? Suggestions with their reason; nothing is applied."""
    facts = release.facts.suggestions
    if not facts:
        return render_notes(["There is no measure with figures yet."], "Charts suggested")
    table = pd.DataFrame(
        {
            "Measure": [one.name for one in facts],
            "Chart in use": [CHART_NAMES[one.chart] for one in facts],
            "Chart suggested": [
                "the same" if one.suggested == one.chart else CHART_NAMES[one.suggested] for one in facts
            ],
            "Why": [one.reason for one in facts],
        }
    )
    note = "A suggestion changes nothing. To take one up, change the line chart in project/measures.toml."
    lines = [f"{upper_first(one.name)}: {text}" for one in facts for text in one.phases]
    none = ["No level has moved for 9 months in a row since the last recorded phase."]
    levels = render_notes(lines or none, "Levels that may have moved")
    title = "The chart that suits each measure"
    return Html(render_folded(render_table(table, title, note), title) + levels)


# The page "Is it fair?".
def show_fairness(release: Release) -> Html:
    """Is it fair? In short, then one table for each characteristic with its sentences."""
    facts, table = release.facts.fairness, release.tables["fairness"]
    span = f"{facts.months[0]} to {facts.months[1]}"
    parts = [render_notes(_describe_all(facts, table, span), "In short")]
    for one in facts.characteristics:
        rows = table[table["characteristic"] == one.id]
        if len(rows):
            parts.append(render_table(_build_rows(rows), f"{one.name}: completed, of LI CBT ended {span}"))
        parts.append(render_notes(one.says, one.name))
    return Html("".join(parts + [render_notes(_explain())]))


def _build_rows(rows: pd.DataFrame) -> pd.DataFrame:
    words = [HIDDEN if people >= SMALLEST_SHOWN else TOO_FEW for people in rows["denominator"]]
    ranges = list_ranges(rows["lower"], rows["upper"])
    return pd.DataFrame(
        {
            "Group": [upper_first(group) for group in rows["group"]],
            "Completed": or_words(rows["numerator"], words, count),
            "LI ended": [hidden_or(n) for n in rows["denominator"]],
            "Share": or_words(rows["value"], words, percent),
            "Could be, allowing for chance": [span or word for span, word in zip(ranges, words, strict=True)],
        }
    )


def _describe_all(facts: FairnessFacts, table: pd.DataFrame, span: str) -> list[str]:
    """Everyone's rate; where groups differ by more than chance; where we cannot tell."""
    everyone = table[table["characteristic"] == "everyone"].iloc[0]
    lines = [_describe_everyone(everyone["numerator"], everyone["denominator"], span)]
    by_state: dict[object, list[str]] = {True: [], False: [], None: []}
    for one in facts.characteristics:
        by_state[one.differs].append(one.name)
    if by_state[True]:
        lines.append(f"Groups differ by more than we would expect by chance: {_list(by_state[True])}.")
    if by_state[False]:
        lines.append(f"Groups differ by no more than we would expect by chance: {_list(by_state[False])}.")
    if by_state[None]:
        lines.append(f"We cannot tell: {_list(by_state[None])}.")
    return lines


def _describe_everyone(completed: float, ended: float, span: str) -> str:
    if ended == 0:
        return f"Nobody's LI CBT ended from {span}."
    if pd.isna(completed):
        return f"How many whose LI CBT ended from {span} had completed it is {HIDDEN}."
    return f"{upper_first(describe_share(completed, ended))} whose LI CBT ended from {span} had completed it."


def _list(names: Sequence[str]) -> str:
    return "; ".join(lower_first(name) for name in names)


def _explain() -> list[str]:
    return [
        "Groups stand in a fixed order and are not ranked: with groups of this size most differences come and go.",
        "Whether groups differ is judged once for each characteristic, with stricter lines the more we look at (a "
        "permutation test, corrected by Holm's method; 5% for all together).",
        "The widest difference was picked because it is the widest, so its range allows for every pair of groups.",
        "What is not recorded is a group of its own and is never guessed. It takes no part in the test.",
        f"Counts are rounded to the nearest 5, and shares and ranges come from the rounded counts. Counts of 1 to 7 are {HIDDEN}.",
    ]

"""All measures at a glance, and the charts that are suggested for them, from a release and from nothing else."""

import pandas as pd

from qi_analysis.chart_style import SHAPES
from qi_analysis.fragments import Html, render_folded, render_notes, render_table
from qi_analysis.page_words import count, decimal, percent
from qi_analysis.phrases import HIDDEN, describe_month, upper_first
from qi_analysis.release import Release
from qi_analysis.wording import CHART_NAMES

SIGNS = {  # the same shapes as on the charts
    "concerning": SHAPES["bad"][2][0],
    "improving": SHAPES["good"][2][0],
    "neutral": SHAPES["neutral"][2][0],
    "common_cause": SHAPES[""][2][0],
    "hidden": "\u2013",
    "early": "\u25cb",
}
TARGET_SIGNS = {"passing": "\u2713", "failing": "\u2717", "hit_or_miss": "?", "none": "\u2013", "early": "\u25cb"}
HOW_TO_READ = [
    "What needs attention comes first: a change for the worse, then a target we do not expect to reach, then any other "
    "change, then usual ups and downs.",
    "Each row is judged on its last month. The verdict on page 1 also counts changes seen in the last 6 months.",
    "A target is judged against the usual range: if all of the range reaches it, we expect every month to reach it.",
]


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
    return Html(render_table(table, "All measures, by what needs attention") + render_notes(HOW_TO_READ))


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
    facts = release.facts.get("suggestions", [])
    if not facts:
        return render_notes(["There is no measure with figures yet."], "Charts suggested")
    table = pd.DataFrame(
        {
            "Measure": [one["name"] for one in facts],
            "Chart in use": [CHART_NAMES[one["chart"]] for one in facts],
            "Chart suggested": [
                "the same" if one["suggested"] == one["chart"] else CHART_NAMES[one["suggested"]] for one in facts
            ],
            "Why": [one["reason"] for one in facts],
        }
    )
    note = "A suggestion changes nothing. To take one up, change the line chart in project/measures.toml."
    lines = [f"{upper_first(one['name'])}: {text}" for one in facts for text in one["phases"]]
    none = ["No level has moved for 9 months in a row since the last recorded phase."]
    levels = render_notes(lines or none, "Levels that may have moved")
    title = "The chart that suits each measure"
    return Html(render_folded(render_table(table, title, note), title) + levels)

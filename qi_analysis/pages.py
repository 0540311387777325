"""The pages of the review: each function answers one question from a release, and from nothing else.

A notebook cell calls one of them and shows what it returns. Words and numbers were worked out before; here they
are put in order.
"""

from datetime import date
from typing import Any

import pandas as pd

from qi_analysis.charts import Look, Mark, render_comparison, render_control_chart
from qi_analysis.fragments import Html, render_card, render_facts, render_figure, render_notes, render_table
from qi_analysis.phrases import HIDDEN, describe_month
from qi_analysis.release import Release

NOT_ENOUGH = "too few people to draw"
EXIT_WORDS = {
    "completed": "completed",
    "short_planned": "planned ending, too few sessions to count as completed; not left early",
    "dropped_out": "left early",
    "declined": "decided not to take up the offer",
    "other_end": "ended in another way",
    "unknown": "ending not known",
    "stepped_up": "stepped up",
    "deceased": "died",
    "open": "still in treatment",
}
RULE_WORDS = {
    "making_data_count": "Making Data Count: a point outside the usual range; 7 points in a row on one side of the average; "
    "7 points in a row rising or falling; 2 of 3 points close to the edge of the usual range",
    "ihi": "IHI: a point outside the usual range; 8 points in a row on one side of the average; 6 points in a row rising or "
    "falling; 2 of 3 points close to the edge of the usual range",
    "anhoej": "Anhoej: a run that is unusually long, or too few crossings of the median, for the number of points",
}


def show_answer(release: Release) -> Html:
    """Are we getting better? The verdict, the people sentence, three points and the dates."""
    facts = release.facts
    verdict = facts["verdict"]
    changed = " ".join(verdict["reasons"]) or "Nothing beyond the usual ups and downs."
    need = "A target and a date, agreed by the team." if facts["target"] is None else "Nothing is asked for in the record."
    points = [
        ("What changed", changed),
        ("What we are testing", "No test of change has been recorded yet."),
        ("What we need", need),
    ]
    dates = [("Data to", facts["data_date_words"]), ("Months of starters settled to", facts["settled_to"])]
    return render_card(verdict["sentence"], facts["people_sentence"], points, dates)


def show_aim(release: Release) -> Html:
    """What are we aiming for, and where are we? Baseline, usual range, now and target."""
    facts, chart = release.facts, release.tables["chart"]
    drawn = chart[chart["is_drawn"] & chart["value"].notna()]
    base = drawn[drawn["in_baseline"]]
    pairs = [("Aim", _describe_aim(facts)), ("Target", facts["target_sentence"])]
    if len(base):
        first, last = base["interval_start"].min(), base["interval_start"].max()
        words = f"{_percent(base['centre'].iloc[-1])} ({describe_month(first)} to {describe_month(last)})"
        pairs.append(("Baseline", words))
    if len(drawn):
        latest = drawn.iloc[-1]
        pairs.append(("Now", f"{_percent(latest['value'])} ({_count(latest['numerator'])} of {_count(latest['denominator'])})"))
        pairs.append(("Usual range", f"{_percent(latest['lower'])} to {_percent(latest['upper'])}"))
    return render_facts(pairs)


def _describe_aim(facts: Any) -> str:
    change = "Raise" if facts["direction"] == "increase" else "Lower"
    sentence = f"{change} the share of {facts['population']} who complete it"
    return f"{sentence}, by {facts['target_by_words']}." if facts["target_by_words"] else f"{sentence}."


def show_completion_chart(release: Release) -> Html:
    """Are more people completing? The control chart by the month LI ended, with its table."""
    facts, chart = release.facts, release.tables["chart"]
    marks = tuple(Mark(date.fromisoformat(e["on"]), e["letter"], "event") for e in facts["events"])
    marks += tuple(Mark(date.fromisoformat(p["on"]), f"P{n}", "phase") for n, p in enumerate(facts["phases"], 1))
    look = Look("completion", facts["chart_alt"], target=facts["target"], marks=marks)
    key = [(e["letter"], f"{e['what']} ({describe_month(date.fromisoformat(e['on']))})") for e in facts["events"]]
    key += [(f"P{n}", f"limits start again on {p['words']}: {p['reason']}") for n, p in enumerate(facts["phases"], 1)]
    about = "People completing LI CBT, by the month it ended"
    return render_figure(render_control_chart(chart, look), facts["chart_title"] + ".", about, _chart_table(chart, facts), key)


def _chart_table(chart: pd.DataFrame, facts: Any) -> pd.DataFrame:
    left_out = set(facts["left_out_months"])
    months = [describe_month(day) for day in chart["interval_start"]]
    state = [
        HIDDEN if hidden else "not drawn: too many endings are not known" if month in left_out else "" if drawn else NOT_ENOUGH
        for hidden, drawn, month in zip(chart["is_hidden"], chart["is_drawn"], months, strict=True)
    ]
    return pd.DataFrame(
        {
            "Month": months,
            "Completed": _or_words(chart["numerator"], state, _count),
            "LI ended": _or_words(chart["denominator"], state, _count),
            "Share": _or_words(chart["value"], state, _percent),
            "Usual range": [
                "" if pd.isna(low) else f"{_percent(low)} to {_percent(high)}"
                for low, high in zip(chart["lower"], chart["upper"], strict=True)
            ],
            "Signal": [rules or "none" for rules in chart["rules"].fillna("")],
        }
    )


def show_chart_rules(release: Release) -> Html:
    """How to read the chart: what counts, which rules, which months are left out, which baseline."""
    facts, chart = release.facts, release.tables["chart"]
    base = chart.loc[chart["in_baseline"], "interval_start"]
    lines = [
        f"Counted: {facts['definition']['name']} (definition {_dashed(facts['definition']['choice'])}, version "
        f"{facts['definition']['version']}).",
        "Each month counts the people whose LI CBT ended in it. People still in treatment are not counted as having left. "
        "People who were stepped up or who died are counted apart.",
        f"Rules: {RULE_WORDS[facts['rules']]}.",
        f"A month with fewer than {facts['min_denominator']} people is not drawn.",
    ]
    if len(base):
        lines.append(f"The average and the usual range come from {len(base)} months, {describe_month(base.min())} to "
                     f"{describe_month(base.max())}, and stay fixed after that.")  # fmt: skip
    if facts["left_out_months"]:
        lines.append(f"Not drawn, because more than {_percent(facts['highest_unknown_share'])} of endings are not known: "
                     f"{', '.join(facts['left_out_months'])}.")  # fmt: skip
    return render_notes(lines)


def show_starters_chart(release: Release) -> Html:
    """The same question by the month LI began: unsettled months hollow, outside every rule."""
    cohort = release.tables["cohort"]
    settled = cohort[cohort["is_settled"] & cohort["value"].notna()]
    finding = _describe_cohort(settled)
    unsettled = int((~cohort["is_settled"]).sum())
    alt = f"Run chart of people completing LI CBT by the month they began. {finding} The last {unsettled} months are not settled yet."
    look = Look("starters", alt, size="small", centre="median")
    months = [describe_month(day) for day in cohort["interval_start"]]
    state = [HIDDEN if hidden else NOT_ENOUGH for hidden in cohort["is_hidden"]]
    table = pd.DataFrame(
        {
            "Month LI began": months,
            "Completed": _or_words(cohort["numerator"], state, _count),
            "Ended so far": _or_words(cohort["denominator"], state, _count),
            "Share": _or_words(cohort["value"], state, _percent),
            "Settled": ["yes" if settled else "not settled yet" for settled in cohort["is_settled"]],
            "Completed within 26 weeks": [
                _within(top, bottom, share)
                for top, bottom, share in zip(
                    cohort["numerator_26w"], cohort["denominator_26w"], cohort["value_26w"], strict=True
                )
            ],
        }
    )
    return render_figure(render_control_chart(cohort, look), finding, "People completing LI CBT, by the month it began", table)


def _describe_cohort(settled: pd.DataFrame) -> str:
    if settled.empty:
        return "No month of starters is settled yet."
    top, bottom = settled["numerator"].iloc[-12:].sum(), settled["denominator"].iloc[-12:].sum()
    months = min(12, len(settled))
    return (
        f"By the month people began: of the last {months} settled months, {_percent(top / bottom)} completed "
        f"({_count(top)} of {_count(bottom)} whose LI CBT has ended)."
    )


def _within(top: float, bottom: float, share: float) -> str:
    return "" if bottom == 0 else HIDDEN if pd.isna(share) else f"{_percent(share)} (about {_count(top)} of {_count(bottom)})"


def show_rows(release: Release) -> Html:
    """Can we trust these numbers? Every row in, used, merged and set aside, file by file."""
    ledger = release.tables["ledger"]
    names = {"rows_in": "Rows in", "used": "Used", "merged": "Merged", "set_aside": "Set aside"}
    columns = {words: [_hidden_or(n) for n in ledger[name]] for name, words in names.items()}
    note = (
        "Every row is used, merged with another row of the same record, or set aside with a reason. Counts are rounded to the "
        f"nearest 5; counts of 1 to 7 are {HIDDEN} and can be any number."
    )
    return render_table(pd.DataFrame({"File": ledger["table"], **columns}), "Rows in each file", note)


def show_repairs(release: Release) -> Html:
    """What was repaired, merged, set aside or flagged, and why."""
    quality = release.tables["quality"]
    table = pd.DataFrame(
        {
            "What": [says[:1].upper() + says[1:] for says in quality["says"]],
            "In": [name.replace("_", " ") for name in quality["table"]],
            "Rows": [_hidden_or(n) for n in quality["rows"]],
            "What we did": quality["treatment"],
            "Why": quality["why"],
        }
    )
    return render_table(table, "Repairs, merges, rows set aside and flags")


def show_completeness(release: Release) -> Html:
    """How often each field is blank in the last 12 months."""
    rows = release.tables["completeness"]
    blank = [_percent(share) if recorded else "not recorded" for share, recorded in zip(rows["blank_share"], rows["is_recorded"], strict=True)]
    usable = ["yes" if ok else "no: too often blank" for ok in rows["is_usable"]]
    table = pd.DataFrame({"Field": rows["field"], "Blank": blank, "Usable": usable})
    return render_table(table, "Blank fields, last 12 months", "A field that is blank in more than 20% is not used for a breakdown.")


def show_definitions(release: Release) -> Html:
    """The definitions of "completed" side by side, and the worked examples of the one in use."""
    strip, facts = release.tables["strip"], release.facts
    table = pd.DataFrame(
        {
            "Completed means": strip["name"],
            "People": [_hidden_or(n) for n in strip["numerator"]],
            "Of": [_hidden_or(n) for n in strip["denominator"]],
            "Share": [HIDDEN if pd.isna(v) else _percent(v) for v in strip["value"]],
            "In use": ["the team's choice" if choice else "" for choice in strip["is_choice"]],
        }
    )
    note = (
        f"Version {facts['definition']['version']}, since {facts['definition']['agreed_words']}: {facts['definition']['reason']}. "
        "Counts are rounded to the nearest 5. The first row is the national figure for all treatment, not LI alone."
    )
    strip_html = render_table(table, "Definitions side by side, last 12 months", note)
    examples = pd.DataFrame(
        {
            "Example": [example["says"] for example in facts["examples"]],
            "Counts as": [EXIT_WORDS.get(example["counts"], example["counts"]) for example in facts["examples"]],
        }
    )
    return Html(strip_html + render_table(examples, "Worked examples of the definition in use"))


def show_revisions(release: Release) -> Html:
    """The months whose figure moved since the last revision of this review."""
    moved = release.facts.get("moved", [])
    if not moved:
        words = "This is the first revision of this review." if release.facts.get("revision", 1) == 1 else "No figure has moved."
        return render_notes([words], "Revised months")
    table = pd.DataFrame(moved, columns=["Month", "Measure", "Before", "Now"])
    return render_table(table, "Months whose figure moved since the last revision")


def show_benchmark(release: Release) -> Html:
    """The service beside England for the published completion figures, one chart and its words each."""
    points = release.tables["benchmark_points"]
    parts = []
    for number, words in enumerate(release.facts["benchmark"]):
        service = points[points["measure_id"] == words["id"]]
        england = service[["interval_start"]].assign(value=service["comparator"])
        unit = "share" if service["denominator"].notna().any() else "average"
        marks = (Mark(date(2021, 5, 1), "A", "event"),)
        look = Look(f"benchmark-{number + 1}", words["alt"], unit=unit, size="small", marks=marks)
        svg = render_comparison(service, england, "England", look)
        table = _benchmark_table(service, england, unit)
        key = [("A", "the improvement project began (May 2021)")]
        parts.append(render_figure(svg, words["title"] + ".", words["title"].split(":")[0], table, key))
        said = [words[part] for part in ("means", "note", "latest", "comparator", "signal", "project", "gaps", "spread")]
        parts.append(render_notes([text for text in said if text], "What this says"))
    return Html("".join(parts))


def _benchmark_table(service: pd.DataFrame, england: pd.DataFrame, unit: str) -> pd.DataFrame:
    show = _percent if unit == "share" else _decimal
    return pd.DataFrame(
        {
            "Month": [describe_month(day) for day in service["interval_start"]],
            "The service": ["not published" if pd.isna(v) else show(v) for v in service["value"]],
            "Counts (rounded to 5)": [
                "" if pd.isna(bottom) else f"{_count(top)} of {_count(bottom)}"
                for top, bottom in zip(service["numerator"], service["denominator"], strict=True)
            ],
            "England": ["not published" if pd.isna(v) else show(v) for v in england["value"]],
        }
    )


def show_benchmark_years(release: Release) -> Html:
    """Yearly totals of the service and England, and the licence line."""
    years = release.tables["benchmark_years"]
    table = pd.DataFrame(
        {
            "Year and place": [f"{year}, {name}" for year, name in zip(years["year"], years["org_name"], strict=True)],
            "Referrals": [_count(n) for n in years["referrals"]],
            "Finished a course": [_count(n) for n in years["finished"]],
            "Recovery": [_percent(v) for v in years["recovery"]],
        }
    )
    words = release.facts["benchmark"][0]
    notes = render_notes([words["code_change"], words["licence"] + "."], "About these figures")
    return Html(render_table(table, "Published yearly totals, all treatments") + notes)


def _or_words(values: pd.Series, words: list[str], show: Any) -> list[str]:
    return [word if pd.isna(value) else show(value) for value, word in zip(values, words, strict=True)]


def _hidden_or(value: float) -> str:
    return HIDDEN if pd.isna(value) else _count(value)


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _percent(value: float) -> str:
    return f"{int(value * 100 + 0.5)}%"


def _decimal(value: float) -> str:
    return f"{value:.1f}"


def _dashed(definition: str) -> str:
    return definition.replace("_", "-")

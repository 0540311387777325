"""The pages of the plain edition: short sentences, whole tens of people, one chart; from a release and nothing else."""

import numpy as np
import pandas as pd

from qi_analysis.charts import Look, render_control_chart
from qi_analysis.fragments import Html, render_card, render_facts, render_figure, render_notes
from qi_analysis.page_aim import describe_plain_testing
from qi_analysis.page_words import count, or_words, percent
from qi_analysis.phrases import HIDDEN, calculate_nearest, describe_month, describe_months, describe_tenths, upper_first
from qi_analysis.release import Release

NO_FIGURE = "no figure this month"
SMALLEST_BASE = 20
ORDINALS = {2: "second", 3: "third", 4: "fourth", 6: "sixth"}  # the appointments that are told of


def show_plain_answer(release: Release) -> Html:
    """Are we getting better? The verdict, the latest month in people, three points and the dates."""
    facts, plain = release.facts, release.facts["plain"]
    need = "We need to agree a target and a date." if facts["target"] is None else "We ask for nothing this month."
    points = [
        ("What changed", plain["changed"]),
        ("What we are trying out", describe_plain_testing(facts)),
        ("What we need", need),
    ]
    return render_card(plain["verdict"], plain["people"], points, [("Figures up to", facts["data_date_words"])])


def show_plain_aim(release: Release) -> Html:
    """What are we aiming for, and where are we? In tens of people."""
    facts, chart = release.facts, release.tables["plain_chart"]
    change = "more" if facts["direction"] == "increase" else "fewer"
    pairs = [
        ("Our aim", f"We want {change} {facts['plain']['population']} to complete it."),
        ("Target", facts["plain"]["target"]),
    ]
    drawn = chart[chart["is_drawn"].astype(bool) & chart["value"].notna()]
    base = drawn[drawn["in_baseline"].astype(bool)]
    if len(base):
        months = describe_months(base["interval_start"].min(), base["interval_start"].max())
        pairs.append(("At first", f"{_tenths(base['centre'].iloc[-1])} ({months})"))
    if len(drawn):
        last = drawn.iloc[-1]
        pairs.append(("Now", f"{_tenths(last['value'])} ({describe_month(last['interval_start'])})"))
        pairs.append(("Usual range", f"{percent(last['lower'])} to {percent(last['upper'])}"))
    return render_facts(pairs)


def _tenths(share: float) -> str:
    return f"About {calculate_nearest(10 * share)} of every 10"


def show_plain_completion(release: Release) -> Html:
    """Are more people completing? One chart with its usual range, its table, and how to read it."""
    plain, chart = release.facts["plain"], release.tables["plain_chart"]
    if not chart["value"].notna().any():
        return render_notes([f"There are too few people in a month. Each figure is {HIDDEN}."], "No chart yet")
    look = Look("plain-completion", plain["chart_alt"], target=release.facts["target"])
    about = "People who completed, month by month"
    svg = render_control_chart(chart.assign(in_baseline=False), look)  # without the word baseline
    figure = render_figure(svg, plain["chart_title"] + ".", about, _chart_table(chart))
    lines = [
        plain["question"],
        "Each dot is one month. A higher dot means that more people completed.",
        "The grey band is the usual range. Dots move inside it by chance alone.",
        "A gap means that we have no figure for that month.",
        "People still in treatment are not counted as having left.",
        f"We round numbers to the nearest 5. Numbers from 1 to 7 are {HIDDEN}.",
    ]
    return Html(figure + render_notes(lines))


def _chart_table(chart: pd.DataFrame) -> pd.DataFrame:
    state = [HIDDEN if hidden else NO_FIGURE for hidden in chart["is_hidden"].astype(bool)]
    return pd.DataFrame(
        {
            "Month": [describe_month(day) for day in chart["interval_start"]],
            "Treatment ended": or_words(chart["denominator"], state, count),
            "Completed": or_words(chart["numerator"], state, count),
            "Of every 100": or_words(chart["value"], state, lambda share: percent(share).rstrip("%")),
            "Usual range": [
                "none" if pd.isna(low) else f"{percent(low)} to {percent(high)}"
                for low, high in zip(chart["lower"], chart["upper"], strict=True)
            ],
        }
    )


def show_plain_leaving(release: Release) -> Html:
    """When do people leave? How many of every 10 come to the next appointments, and how those who left were."""
    facts, sessions = release.facts["leaving"], release.tables["leaving_sessions"]
    came = sessions["came"].to_numpy(dtype=float)
    if not facts["n_months"] or not came[0] >= SMALLEST_BASE:
        return render_notes(["We have too few people to show this yet."], "Appointments")
    who = (
        f"We looked at about {count(came[0])} people. They began Low Intensity CBT from {' to '.join(facts['months'])}."
    )
    told = [_describe_coming(came, number) for number in ORDINALS]
    why = [
        "Some of the others had completed, or moved on to longer therapy.",
        "Some are still in treatment. We do not count them as having left.",
        f"{_describe_leavers(release)} Leaving early is not always bad.",
    ]
    return Html(render_notes([who, *told], "Of every 10 people") + render_notes(why, "Why some came no more"))


def _describe_coming(came: np.ndarray, number: int) -> str:
    if np.isnan(came[number - 1]):
        return f"How many came to the {ORDINALS[number]} appointment is {HIDDEN}."
    return upper_first(f"{_share(came[number - 1], came[0])} came to the {ORDINALS[number]} appointment.")


def _share(top: float, bottom: float) -> str:
    """6 of every 10, all or none."""
    return describe_tenths(top, bottom).removesuffix(" of the")


def _describe_leavers(release: Release) -> str:
    """How many of those who left early were better then, as the page of reasons has it."""
    scores = release.tables["reasons_scores"].set_index("state")
    better, total = scores["people"]["better"], scores["total"].iloc[0]
    if pd.isna(better) or pd.isna(total) or total < SMALLEST_BASE:
        return "For those who left early, we cannot tell how they were."
    return f"Of those who left early, {_share(better, total)} had better scores."

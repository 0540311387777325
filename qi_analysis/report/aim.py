"""The aim and its line, the points of page 1, and the pages of the plain edition; from a release and from nothing else.

The plain edition has short sentences, whole tens of people, one chart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from qi_analysis.charts.control_chart import render_control_chart
from qi_analysis.charts.driver_diagram import INK, SIZE, measure
from qi_analysis.charts.style import FONTS, Look
from qi_analysis.facts import CheckFacts, Facts
from qi_analysis.phrases import HIDDEN, calculate_nearest, describe_month, describe_months, describe_tenths, upper_first
from qi_analysis.release import Release
from qi_analysis.report.html import (
    EXAMPLE,
    Html,
    count,
    describe_range,
    join_sentences,
    join_words,
    list_ranges,
    or_words,
    percent,
    render_card,
    render_facts,
    render_figure,
    render_notes,
)

WIDTH, LEFT, ROW = 300.0, 30.0, 18.0  # narrow enough to be read on a telephone
BAND, GREEN, BLUE = "#e8edee", "#00703c", "#005eb8"
SHAPES = {  # around (0, 0), as high as the line is thick; what is now stands out
    "baseline": ("M0 -9V9", INK),
    "target": ("M0 -11V11M-4 -11H4M-4 11H4", GREEN),
    "now": ("M0 -7L7 0L0 7L-7 0Z", BLUE),
}
NO_FIGURE = "no figure this month"
SMALLEST_BASE = 20
ORDINALS = {2: "second", 3: "third", 4: "fourth", 6: "sixth"}  # the appointments that are told of


@dataclass(frozen=True)
class Point:
    """A share of 0 to 1 with its name: baseline, now or target."""

    name: str
    share: float

    @property
    def words(self) -> str:
        """Its name and share, such as "now 62%"."""
        return f"{self.name} {percent(self.share)}"


# The page "What are we aiming for, and where are we?".
def show_aim(release: Release) -> Html:
    """What are we aiming for, and where are we? Baseline, usual range, now, target and weeks left; is the aim measurable?"""
    facts, chart = release.facts, release.tables["chart"]
    drawn = chart[chart["is_drawn"] & chart["value"].notna()]
    base = drawn[drawn["in_baseline"]]
    centre = float(base["centre"].iloc[-1]) if len(base) else None
    pairs = [("Aim", _describe_aim(facts, centre)), ("Target", facts.target_sentence)]
    if len(base):
        first, last = base["interval_start"].min(), base["interval_start"].max()
        words = f"{percent(base['centre'].iloc[-1])} ({describe_month(first)} to {describe_month(last)})"
        pairs.append(("Baseline", words))
    usual = None
    if len(drawn):
        latest = drawn.iloc[-1]
        counts = f"{count(latest['numerator'])} of {count(latest['denominator'])}"
        now = f"{percent(latest['value'])} ({counts}, {describe_month(latest['interval_start'])})"
        pairs.append(("Now", now))
        if pd.notna(latest["lower"]):
            usual = (float(latest["lower"]), float(latest["upper"]))
            pairs.append(("Usual range", describe_range(*usual)))
    pairs.append(("Time left", facts.team.aim.weeks_left))
    known = {
        "now": float(drawn["value"].iloc[-1]) if len(drawn) else None,
        "baseline": centre,
        "target": facts.target,
    }
    points = [Point(name, share) for name, share in known.items() if share is not None]
    return Html(render_facts(pairs) + _show_line(points, usual) + _show_checks(facts.team.aim.checks))


def _show_line(points: list[Point], usual: tuple[float, float] | None) -> Html:
    """The same on one line; nothing while there is no month to draw."""
    if not points:
        return Html("")
    finding = upper_first(", ".join(point.words for point in points))
    span = f"; usual range {describe_range(*usual)}" if usual else ""
    rows = [(upper_first(point.name), percent(point.share)) for point in points]
    rows += [("Usual range", describe_range(*usual))] if usual else []
    about = "Where we are between none and all"
    svg = render_line(points, usual, f"A line from 0% to 100%. {finding}{span}.")
    return render_figure(svg, f"{finding}{span}.", about, pd.DataFrame(rows, columns=["Point", "Share"]))


def _describe_aim(facts: Facts, baseline: float | None) -> str:
    """The aim in one sentence: for whom, from where to where, by when, as far as the team has set it."""
    change = "Raise" if facts.direction == "increase" else "Lower"
    target = facts.target
    start = "" if baseline is None else f" from {percent(baseline)}"
    way = "" if target is None else f"{start} to {percent(target)}"
    by = f", by {facts.target_by_words}" if facts.target_by_words else ""
    return f"{change} the share of {facts.population} who complete it{way}{by}."


def _show_checks(checks: Sequence[CheckFacts]) -> Html:
    """What the aim has, and what it lacks with how to add it."""
    has = [one.name for one in checks if one.passed]
    lacks = [f"Not yet {one.name}. {one.how}" for one in checks if not one.passed]
    lines = [f"It has {join_words(has, len(has))}."] if has else []
    return render_notes([*lines, *lacks], "Can we measure the aim?")


# The points of page 1.
def describe_testing(facts: Facts) -> str:
    """What we are testing, for page 1: the tests that run, by title."""
    titles = [one.title for one in facts.team.cycles if one.state == "running"]
    return _describe_running(facts, titles) or "No test of change runs at present."


def describe_plain_testing(facts: Facts) -> str:
    """The same in plain words."""
    titles = [one.plain_title for one in facts.team.cycles if one.state == "running"]
    return _describe_running(facts, titles) or "We are not trying anything new at present."


def _describe_running(facts: Facts, titles: list[str]) -> str:
    return " ".join([EXAMPLE] * facts.team.is_example + [join_sentences(titles)]) if titles else ""


def describe_need(facts: Facts) -> str:
    """What we need, for page 1: a target, people for actions, decisions about tests, perspectives that are missing."""
    team = facts.team
    actions, needs = team.actions, []
    if facts.target is None:
        needs.append("A target and a date, agreed by the team.")
    record = []
    pending = (*actions.late, *actions.due, *actions.undated)
    unowned = [one.action for one in pending if one.owner == "nobody yet"]
    if unowned:
        record.append(f"Somebody to take on: {join_words(unowned)}.")
    undecided = [one.title for one in team.cycles if one.state == "finished" and one.decision == "running"]
    if undecided:
        record.append(f"A decision about: {join_words(undecided)}.")
    if actions.late:
        late = len(actions.late)
        record.append(f"A word about {late} action{'' if late == 1 else 's'} past the due date.")
    if team.perspectives.missing:
        record.append(f"Ideas from: {join_words(team.perspectives.missing)}.")
    example = [EXAMPLE] if record and team.is_example else []
    return " ".join([*needs, *example, *record]) or "Nothing is asked for in the record."


# The pages of the plain edition.
def show_plain_answer(release: Release) -> Html:
    """Are we getting better? The verdict, the latest month in people, three points and the dates."""
    facts, plain = release.facts, release.facts.plain
    need = "We need to agree a target and a date." if facts.target is None else "We ask for nothing this month."
    points = [
        ("What changed", plain.changed),
        ("What we are trying out", describe_plain_testing(facts)),
        ("What we need", need),
    ]
    return render_card(plain.verdict, plain.people, points, [("Figures up to", facts.data_date_words)])


def show_plain_aim(release: Release) -> Html:
    """What are we aiming for, and where are we? In tens of people."""
    facts, chart = release.facts, release.tables["plain_chart"]
    change = "more" if facts.direction == "increase" else "fewer"
    pairs = [
        ("Our aim", f"We want {change} {facts.plain.population} to complete it."),
        ("Target", facts.plain.target),
    ]
    drawn = chart[chart["is_drawn"].astype(bool) & chart["value"].notna()]
    base = drawn[drawn["in_baseline"].astype(bool)]
    if len(base):
        months = describe_months(base["interval_start"].min(), base["interval_start"].max())
        pairs.append(("At first", f"{_tenths(base['centre'].iloc[-1])} ({months})"))
    if len(drawn):
        last = drawn.iloc[-1]
        pairs.append(("Now", f"{_tenths(last['value'])} ({describe_month(last['interval_start'])})"))
        pairs.append(("Usual range", describe_range(last["lower"], last["upper"])))
    return render_facts(pairs)


def _tenths(share: float) -> str:
    return f"About {calculate_nearest(10 * share)} of every 10"


def show_plain_completion(release: Release) -> Html:
    """Are more people completing? One chart with its usual range, its table, and how to read it."""
    plain, chart = release.facts.plain, release.tables["plain_chart"]
    if not chart["value"].notna().any():
        return render_notes([f"There are too few people in a month. Each figure is {HIDDEN}."], "No chart yet")
    look = Look("plain-completion", plain.chart_alt, target=release.facts.target)
    about = "People who completed, month by month"
    svg = render_control_chart(chart.assign(in_baseline=False), look)  # without the word baseline
    figure = render_figure(svg, plain.chart_title + ".", about, _chart_table(chart))
    lines = [
        plain.question,
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
            "Usual range": list_ranges(chart["lower"], chart["upper"], none="none"),
        }
    )


def show_plain_leaving(release: Release) -> Html:
    """When do people leave? How many of every 10 come to the next appointments, and how those who left were."""
    facts, sessions = release.facts.leaving, release.tables["leaving_sessions"]
    came = sessions["came"].to_numpy(dtype=float)
    if not facts.n_months or not came[0] >= SMALLEST_BASE:
        return render_notes(["We have too few people to show this yet."], "Appointments")
    who = f"We looked at about {count(came[0])} people. They began Low Intensity CBT from {' to '.join(facts.months)}."
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


# The aim as one line from 0 to 100%: usual range, baseline, now and target, each with its label on a row of its own.
def render_line(points: Sequence[Point], usual: tuple[float, float] | None, alt: str) -> str:
    """The line as SVG. usual: the usual range, drawn as a band. The label of each point is under the line, one row each."""
    line = 24.0
    band = ""
    if usual:
        low, high = (_place(share) for share in usual)
        band = f'<rect x="{low:.1f}" y="{line - 8:g}" width="{high - low:.1f}" height="16" fill="{BAND}" stroke="#768692"/>'
    rows = [(_place(one.share), one.words) for one in points]
    if usual:
        rows.append((_place(sum(usual) / 2), f"usual range {describe_range(*usual)}"))
    labels = "".join(_label(x, line + 26 + ROW * row, words) for row, (x, words) in enumerate(rows))
    stems = "".join(f"M{x:.1f} {line:g}V{line + 14 + ROW * row:g}" for row, (x, _) in enumerate(rows[: len(points)]))
    axis = f'<path d="M{_place(0):g} {line:g}H{_place(1):g}" stroke="{INK}" stroke-width="1.5"/>'
    ends = _label(_place(0), 10, "0%") + _label(_place(1), 10, "100%")
    height = line + 34 + ROW * (len(rows) - 1)
    return (
        f'<svg class="chart brief" role="img" aria-label="{escape(alt)}" viewBox="0 0 {WIDTH + 2 * LEFT:g} {height:g}" '
        f'font-family="{FONTS}" font-size="{SIZE:g}" fill="{INK}">{band}{axis}{ends}'
        f'<path d="{stems}" fill="none" stroke="#768692" stroke-dasharray="2 2"/>'
        f"{''.join(_mark(one, line) for one in points)}{labels}</svg>"
    )


def _place(share: float) -> float:
    return LEFT + WIDTH * min(max(share, 0), 1)


def _mark(point: Point, y: float) -> str:
    shape, colour = SHAPES[point.name]
    fill = colour if point.name == "now" else "none"
    place = f"translate({_place(point.share):.1f} {y:g})"
    return f'<path d="{shape}" transform="{place}" fill="{fill}" stroke="{colour}" stroke-width="2.5"/>'


def _label(x: float, y: float, words: str) -> str:
    """Words centred at x, on a white ground that covers the stems of other rows, kept inside the picture."""
    half = measure(words, SIZE) / 2 + 3
    x = min(max(x, half), WIDTH + 2 * LEFT - half)
    ground = f'<rect x="{x - half:.1f}" y="{y - 11:g}" width="{2 * half:.1f}" height="15" fill="#ffffff"/>'
    return f'{ground}<text x="{x:.1f}" y="{y:g}" text-anchor="middle">{escape(words)}</text>'

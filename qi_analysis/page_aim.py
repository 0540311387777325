"""The page "What are we aiming for, and where are we?", from a release and from nothing else; the points of page 1."""

from typing import Any

import pandas as pd

from qi_analysis.aim_line import Point, render_line
from qi_analysis.fragments import Html, render_facts, render_figure, render_notes
from qi_analysis.page_record import EXAMPLE, join_sentences, join_words
from qi_analysis.page_words import count, percent
from qi_analysis.phrases import describe_month, upper_first
from qi_analysis.release import Release


def show_aim(release: Release) -> Html:
    """What are we aiming for, and where are we? Baseline, usual range, now, target and weeks left; is the aim measurable?"""
    facts, chart = release.facts, release.tables["chart"]
    drawn = chart[chart["is_drawn"] & chart["value"].notna()]
    base = drawn[drawn["in_baseline"]]
    centre = float(base["centre"].iloc[-1]) if len(base) else None
    pairs = [("Aim", _describe_aim(facts, centre)), ("Target", facts["target_sentence"])]
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
            pairs.append(("Usual range", f"{percent(usual[0])} to {percent(usual[1])}"))
    pairs.append(("Time left", facts["team"]["aim"]["weeks_left"]))
    known = {
        "now": float(drawn["value"].iloc[-1]) if len(drawn) else None,
        "baseline": centre,
        "target": facts["target"],
    }
    points = [Point(name, share) for name, share in known.items() if share is not None]
    return Html(render_facts(pairs) + _show_line(points, usual) + _show_checks(facts["team"]["aim"]["checks"]))


def _show_line(points: list[Point], usual: tuple[float, float] | None) -> Html:
    """The same on one line; nothing while there is no month to draw."""
    if not points:
        return Html("")
    finding = upper_first(", ".join(point.words for point in points))
    span = f"; usual range {percent(usual[0])} to {percent(usual[1])}" if usual else ""
    rows = [(upper_first(point.name), percent(point.share)) for point in points]
    rows += [("Usual range", f"{percent(usual[0])} to {percent(usual[1])}")] if usual else []
    about = "Where we are between none and all"
    svg = render_line(points, usual, f"A line from 0% to 100%. {finding}{span}.")
    return render_figure(svg, f"{finding}{span}.", about, pd.DataFrame(rows, columns=["Point", "Share"]))


def _describe_aim(facts: Any, baseline: float | None) -> str:
    """The aim in one sentence: for whom, from where to where, by when, as far as the team has set it."""
    change = "Raise" if facts["direction"] == "increase" else "Lower"
    target = facts["target"]
    way = (
        ""
        if target is None
        else f" to {percent(target)}"
        if baseline is None
        else f" from {percent(baseline)} to {percent(target)}"
    )
    by = f", by {facts['target_by_words']}" if facts["target_by_words"] else ""
    return f"{change} the share of {facts['population']} who complete it{way}{by}."


def _show_checks(checks: list[dict[str, Any]]) -> Html:
    """What the aim has, and what it lacks with how to add it."""
    has = [one["name"] for one in checks if one["passed"]]
    lacks = [f"Not yet {one['name']}. {one['how']}" for one in checks if not one["passed"]]
    lines = [f"It has {join_words(has, len(has))}."] if has else []
    return render_notes([*lines, *lacks], "Can we measure the aim?")


def describe_testing(facts: Any) -> str:
    """What we are testing, for page 1: the tests that run, by title."""
    running = [one["title"] for one in facts["team"]["cycles"] if one["state"] == "running"]
    if not running:
        return "No test of change runs at present."
    return " ".join([*([EXAMPLE] if facts["team"]["is_example"] else []), join_sentences(running)])


def describe_plain_testing(facts: Any) -> str:
    """The same in plain words."""
    running = [one["plain_title"] for one in facts["team"]["cycles"] if one["state"] == "running"]
    if not running:
        return "We are not trying anything new at present."
    return " ".join([*([EXAMPLE] if facts["team"]["is_example"] else []), join_sentences(running)])


def describe_need(facts: Any) -> str:
    """What we need, for page 1: a target, people for actions, decisions about tests, perspectives that are missing."""
    team = facts["team"]
    actions, needs = team["actions"], []
    if facts["target"] is None:
        needs.append("A target and a date, agreed by the team.")
    record = []
    unowned = [
        one["action"] for name in ("late", "due", "undated") for one in actions[name] if one["owner"] == "nobody yet"
    ]
    if unowned:
        record.append(f"Somebody to take on: {join_words(unowned)}.")
    undecided = [one["title"] for one in team["cycles"] if one["state"] == "finished" and one["decision"] == "running"]
    if undecided:
        record.append(f"A decision about: {join_words(undecided)}.")
    if actions["late"]:
        late = len(actions["late"])
        record.append(f"A word about {late} action{'' if late == 1 else 's'} past the due date.")
    if team["perspectives"]["missing"]:
        record.append(f"Ideas from: {join_words(team['perspectives']['missing'])}.")
    example = [EXAMPLE] if record and team["is_example"] else []
    return " ".join([*needs, *example, *record]) or "Nothing is asked for in the record."

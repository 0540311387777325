"""The page "Where do we stand?": the funnel of services, from a release and from nothing else."""

import io
import json
from functools import cache

import pandas as pd

from qi_analysis.chart_style import Look
from qi_analysis.fragments import Html, render_figure, render_notes
from qi_analysis.funnel_chart import render_funnel
from qi_analysis.page_words import count, percent
from qi_analysis.release import Release

KINDS = {"additive": "od_", "multiplicative": "mult_"}
HOW_TO_ADD = (
    'There is no funnel yet. Add [funnel] with year = "latest" and proxy = "end46_share" to project/benchmark.toml.'
)


def show_standing(release: Release) -> Html:
    """Where do we stand? Services of one year by size, limits widened for over-dispersion, our service marked."""
    words = release.facts.get("standing", {})
    if not words.get("year"):
        return render_notes([HOW_TO_ADD], "Where we stand")
    texts = [release.tables[name].to_csv(index=False) for name in ("standing", "standing_limits")]
    return _show_funnel(json.dumps(words), *texts)


@cache
def _show_funnel(words_text: str, points_text: str, limits_text: str) -> Html:
    """The chart, its table and its words. Drawn once in a process: it is the same in every review."""
    words = json.loads(words_text)
    points, limits = (pd.read_csv(io.StringIO(text)) for text in (points_text, limits_text))
    svg = render_funnel(points, limits, KINDS[words["kind"]], Look("standing", words["alt"]))
    figure = render_figure(
        svg, words["title"] + ".", words["name"] + ", by size of service", _build_rows(points, limits)
    )
    said = render_notes([words["means"], *words["sentences"]], "What this says")
    return Html(
        figure + said + render_notes([*words["method"], words["licence"] + "."], "How the limits were worked out")
    )


def _build_rows(points: pd.DataFrame, limits: pd.DataFrame) -> pd.DataFrame:
    """Both kinds of limits at a few round sizes and at our own, with our share."""
    own = points.loc[points["is_service"]]
    ours = dict(zip(own["denominator"], own["value"], strict=True))
    rows = limits[limits["is_listed"] | limits["size"].isin(list(ours))]
    values = [ours.get(size) for size in rows["size"]]
    counts = dict(zip(own["denominator"], own["numerator"], strict=True))
    table = {
        "Size of service": [count(size) + (" (our service)" if size in ours else "") for size in rows["size"]],
        "Our service": [
            "" if value is None else f"{percent(value)} ({count(counts[size])} of {count(size)})"
            for size, value in zip(rows["size"], values, strict=True)
        ],
        "All services": [percent(value) for value in rows["centre"]],
    }
    for words, kind in KINDS.items():
        for name, level in (("95", "95%"), ("998", "99.8%")):
            ends = zip(rows[f"{kind}lower_{name}"], rows[f"{kind}upper_{name}"], strict=True)
            table[f"{level} limits, {words}"] = [f"{percent(low)} to {percent(high)}" for low, high in ends]
    return pd.DataFrame(table)

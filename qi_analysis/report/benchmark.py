"""The pages of published figures and of the funnel of services, from a release and from nothing else."""

import io
from datetime import date
from functools import cache

import pandas as pd

from qi_analysis.charts.control_chart import render_comparison
from qi_analysis.charts.funnel_chart import render_funnel
from qi_analysis.charts.style import Look, Mark
from qi_analysis.facts import ProxyFacts, StandingFacts
from qi_analysis.phrases import describe_month
from qi_analysis.release import PublishedFigures
from qi_analysis.report.html import (
    Html,
    count,
    decimal,
    list_ranges,
    percent,
    render_figure,
    render_folded,
    render_notes,
    render_table,
)

KINDS = {"additive": "od_", "multiplicative": "mult_"}
HOW_TO_ADD = (
    'There is no funnel yet. Add [funnel] with year = "latest" and proxy = "end46_share" to project/benchmark.toml.'
)


# The page of published figures: the service beside England.
def show_benchmark(release: PublishedFigures) -> Html:
    """The service beside England for the published completion figures, one chart and its words each."""
    points = release.tables["benchmark_points"]
    parts = []
    for number, words in enumerate(release.facts.benchmark, 1):
        service = points[points["measure_id"] == words.id]
        parts.append(_show_proxy(number, words, service.to_csv(index=False)))
    return Html("".join(parts))


@cache
def _show_proxy(number: int, words: ProxyFacts, service_text: str) -> Html:
    """One chart and its words. Drawn once in a process: it is the same in every review."""
    service = pd.read_csv(io.StringIO(service_text), parse_dates=["interval_start"], keep_default_na=True)
    service = service.assign(signal=service["signal"].fillna(""), rules=service["rules"].fillna(""))
    england = service[["interval_start"]].assign(value=service["comparator"])
    unit = "share" if service["denominator"].notna().any() else "average"
    marks = (Mark(date(2021, 5, 1), "A", "event"),)
    look = Look(f"benchmark-{number}", words.alt, unit=unit, size="small", marks=marks)
    svg = render_comparison(service, england, "England", look)
    table = _benchmark_table(service, england, unit)
    key = [("A", "the improvement project began (May 2021)")]
    figure = render_figure(svg, words.title + ".", words.title.split(":")[0], table, key)
    said = [words.means, words.note, words.latest, words.comparator, words.signal, words.project, words.gaps]
    return Html(figure + render_notes([text for text in [*said, words.spread] if text], "What this says"))


def _benchmark_table(service: pd.DataFrame, england: pd.DataFrame, unit: str) -> pd.DataFrame:
    show = percent if unit == "share" else decimal
    return pd.DataFrame(
        {
            "Month": [describe_month(day) for day in service["interval_start"]],
            "The service": ["not published" if pd.isna(v) else show(v) for v in service["value"]],
            "Counts (rounded to 5)": [
                "" if pd.isna(bottom) else f"{count(top)} of {count(bottom)}"
                for top, bottom in zip(service["numerator"], service["denominator"], strict=True)
            ],
            "England": ["not published" if pd.isna(v) else show(v) for v in england["value"]],
        }
    )


def show_benchmark_years(release: PublishedFigures) -> Html:
    """Yearly totals of the service and England, and the licence line."""
    years = release.tables["benchmark_years"]
    table = pd.DataFrame(
        {
            "Year and place": [f"{year}, {name}" for year, name in zip(years["year"], years["org_name"], strict=True)],
            "Referrals": [count(n) for n in years["referrals"]],
            "Finished a course": [count(n) for n in years["finished"]],
            "Recovery": [percent(v) for v in years["recovery"]],
        }
    )
    words = release.facts.benchmark[0]
    notes = render_notes([words.code_change, words.licence + "."], "About these figures")
    title = "Published yearly totals, all treatments"
    return Html(render_folded(render_table(table, title), title) + notes)


# The page "Where do we stand?": the funnel of services.
def show_standing(release: PublishedFigures) -> Html:
    """Where do we stand? Services of one year by size, limits widened for over-dispersion, our service marked."""
    words = release.facts.standing
    if words is None:
        return render_notes([HOW_TO_ADD], "Where we stand")
    texts = [release.tables[name].to_csv(index=False) for name in ("standing", "standing_limits")]
    return _show_funnel(words, *texts)


@cache
def _show_funnel(words: StandingFacts, points_text: str, limits_text: str) -> Html:
    """The chart, its table and its words. Drawn once in a process: it is the same in every review."""
    points, limits = (pd.read_csv(io.StringIO(text)) for text in (points_text, limits_text))
    svg = render_funnel(points, limits, KINDS[words.kind], Look("standing", words.alt))
    figure = render_figure(svg, words.title + ".", words.name + ", by size of service", _build_rows(points, limits))
    said = render_notes([words.means, *words.sentences], "What this says")
    return Html(figure + said + render_notes([*words.method, words.licence + "."], "How the limits were worked out"))


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
            table[f"{level} limits, {words}"] = list_ranges(rows[f"{kind}lower_{name}"], rows[f"{kind}upper_{name}"])
    return pd.DataFrame(table)

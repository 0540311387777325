"""The page of published figures: the service beside England, from a release and from nothing else."""

import io
import json
from datetime import date
from functools import cache

import pandas as pd

from qi_analysis.charts import Look, Mark, render_comparison
from qi_analysis.fragments import Html, render_figure, render_folded, render_notes, render_table
from qi_analysis.page_words import count, decimal, percent
from qi_analysis.phrases import describe_month
from qi_analysis.release import Release


def show_benchmark(release: Release) -> Html:
    """The service beside England for the published completion figures, one chart and its words each."""
    points = release.tables["benchmark_points"]
    parts = []
    for number, words in enumerate(release.facts["benchmark"], 1):
        service = points[points["measure_id"] == words["id"]]
        parts.append(_show_proxy(number, json.dumps(words), service.to_csv(index=False)))
    return Html("".join(parts))


@cache
def _show_proxy(number: int, words_text: str, service_text: str) -> Html:
    """One chart and its words. Drawn once in a process: it is the same in every review."""
    words = json.loads(words_text)
    service = pd.read_csv(io.StringIO(service_text), parse_dates=["interval_start"], keep_default_na=True)
    service = service.assign(signal=service["signal"].fillna(""), rules=service["rules"].fillna(""))
    england = service[["interval_start"]].assign(value=service["comparator"])
    unit = "share" if service["denominator"].notna().any() else "average"
    marks = (Mark(date(2021, 5, 1), "A", "event"),)
    look = Look(f"benchmark-{number}", words["alt"], unit=unit, size="small", marks=marks)
    svg = render_comparison(service, england, "England", look)
    table = _benchmark_table(service, england, unit)
    key = [("A", "the improvement project began (May 2021)")]
    figure = render_figure(svg, words["title"] + ".", words["title"].split(":")[0], table, key)
    said = [words[part] for part in ("means", "note", "latest", "comparator", "signal", "project", "gaps", "spread")]
    return Html(figure + render_notes([text for text in said if text], "What this says"))


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


def show_benchmark_years(release: Release) -> Html:
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
    words = release.facts["benchmark"][0]
    notes = render_notes([words["code_change"], words["licence"] + "."], "About these figures")
    title = "Published yearly totals, all treatments"
    return Html(render_folded(render_table(table, title), title) + notes)

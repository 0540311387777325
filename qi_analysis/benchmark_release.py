"""The published figures as a release holds them: points, yearly totals, words. They were protected when published."""

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from qi_analysis.benchmark import (
    LICENCE,
    build_benchmark,
    build_benchmark_chart,
    build_provider_spread,
    build_yearly_totals,
    describe_proxy,
    describe_spread,
    read_benchmark_settings,
)
from qi_analysis.codes import REFERENCE
from qi_analysis.release import Release
from qi_analysis.standing_release import build_standing_release

COLUMNS = [
    "measure_id", "interval_start", "numerator", "denominator", "value", "phase", "in_baseline", "is_drawn", "centre",
    "lower", "upper", "signal", "rules", "variation", "assurance", "trial", "target",
]  # fmt: skip


def build_benchmark_release(project: Path) -> Release:
    """Tables benchmark_points and benchmark_years, and the words of each published proxy. They were protected."""
    settings = read_benchmark_settings(project / "benchmark.toml")
    results = build_benchmark(settings, REFERENCE)
    spread = build_provider_spread(settings, REFERENCE)
    parts, words = [], []
    for proxy in settings.proxies:
        chart = build_benchmark_chart(results, proxy, settings)
        other = results[(results["measure_id"] == proxy.id) & (results["org"] == "comparator")]
        parts.append(chart[COLUMNS].assign(comparator=other["value"].to_numpy()))
        said = describe_proxy(chart, results, proxy, settings)
        words.append(asdict(said) | {"id": proxy.id, "spread": describe_spread(spread, proxy), "licence": LICENCE})
    years = build_yearly_totals(settings, REFERENCE)
    tables = {"benchmark_points": pd.concat(parts, ignore_index=True), "benchmark_years": years}
    standing = build_standing_release(project)
    return Release({"benchmark": words, **standing.facts}, {**tables, **standing.tables})

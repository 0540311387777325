"""The published figures as one release: points, yearly totals, words; made once for all reviews, found again.

They were protected when published. They depend on the shipped reference data, the settings and the code alone, so those
name their folder in data/processed.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from qi_analysis.benchmark.figures import (
    LICENCE,
    build_benchmark,
    build_benchmark_chart,
    build_provider_spread,
    build_yearly_totals,
    describe_proxy,
    describe_spread,
)
from qi_analysis.benchmark.settings import read_benchmark_settings
from qi_analysis.benchmark.standing import build_standing_release
from qi_analysis.errors import DataProblem
from qi_analysis.facts import ProxyFacts
from qi_analysis.release import PublishedFigures, read_published_figures, write_release
from qi_analysis.storage import REFERENCE, Places, clear

COLUMNS = [
    "measure_id", "interval_start", "numerator", "denominator", "value", "phase", "in_baseline", "is_drawn", "centre",
    "lower", "upper", "signal", "rules", "variation", "assurance", "trial", "target",
]  # fmt: skip


def build_benchmark_release(project: Path) -> PublishedFigures:
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
        words.append(ProxyFacts(**vars(said), id=proxy.id, spread=describe_spread(spread, proxy), licence=LICENCE))
    years = build_yearly_totals(settings, REFERENCE)
    tables = {"benchmark_points": pd.concat(parts, ignore_index=True), "benchmark_years": years}
    standing = build_standing_release(project)
    facts = replace(standing.facts, benchmark=tuple(words))
    return PublishedFigures(facts, {**tables, **standing.tables})


def find_published_figures(places: Places, settings: Mapping[str, str]) -> Path:
    """The folder of their release, found or made: facts.benchmark and facts.standing, tables benchmark_points and benchmark_years.

    settings: the digests of fingerprint.build_settings_digests. Raises RecordProblem for wrong settings.
    """
    name = hashlib.sha256("".join(settings[part] for part in ("code", "record", "reference")).encode()).hexdigest()
    kept = places.processed / "published"
    folder = kept / name[:16]
    try:
        read_published_figures(folder)
    except (DataProblem, OSError, ValueError):  # there is none for these settings, or it is damaged
        clear([kept])
        write_release(folder, build_benchmark_release(places.record))
    return folder

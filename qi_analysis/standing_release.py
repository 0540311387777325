"""Where the service stands, as a release holds it: points without names, limits, and what the funnel says in words.

Published aggregates, protected when they were published. A service is outside or inside the limits; nothing here
ranks services or calls a place good or bad.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from qi_analysis.benchmark import LICENCE
from qi_analysis.benchmark_settings import FunnelSettings, Proxy, read_benchmark_settings
from qi_analysis.codes import REFERENCE
from qi_analysis.phrases import describe_counts, describe_tenths, describe_value, lower_first
from qi_analysis.release import Release
from qi_analysis.standing import build_curves, build_provider_units, build_standing

POINT_COLUMNS = [
    "is_service",
    "numerator",
    "denominator",
    "value",
    "place_plain",
    "place_additive",
    "place_multiplicative",
]
KINDS = {"additive": "od_", "multiplicative": "mult_"}
PLACE_WORDS = {
    "inside_95": "inside the limits that hold about 95 of every 100 services",
    "between": "between the limits that hold about 95 of every 100 services and those that hold about 998 of every 1,000",
    "beyond_998": "outside the limits that hold about 998 of every 1,000 services",
}
SHORT_PLACES = {"inside_95": "inside the 95% limits", "between": "between the 95% and 99.8% limits",
                "beyond_998": "outside the 99.8% limits"}  # fmt: skip
END_CODES = {*(f"M0{number}" for number in range(57, 73)), "M340", "M341", "M342", "M344"}
CANNOT_SAY = (
    "A funnel can say that a service differs from the others by more than chance and the usual differences. "
    "It cannot say why, and it is not a ranking."
)
NOTHING: dict[str, Any] = {"year": ""}


def build_standing_release(project: Path, year: str = "") -> Release:
    """Tables standing and standing_limits and the words of the funnel; a year of "" leaves it to benchmark.toml.

    Without a [funnel] in the settings there are no tables, and the words hold an empty year. Raises RecordProblem
    and DataProblem as `build_provider_units` does.
    """
    settings = read_benchmark_settings(project / "benchmark.toml")
    if settings.funnel is None:
        return Release({"standing": NOTHING}, {})
    units = build_provider_units(settings, REFERENCE, year)
    standing = build_standing(units[units["is_kept"]])
    tables = {"standing": standing[POINT_COLUMNS], "standing_limits": build_curves(standing)}
    n_left_out = int((~units["is_kept"]).sum())
    words = describe_standing(standing, n_left_out, settings.funnel, settings.name)
    return Release({"standing": words}, tables)


def describe_standing(standing: pd.DataFrame, n_left_out: int, funnel: FunnelSettings, service: str) -> dict[str, Any]:
    """The funnel in words: year, title, alt, sentences, method, and the settings that a page needs to draw it.

    standing: `build_standing` of the kept units, one year; n_left_out: the other units. service: the service's
    name. A service without figures for the year is said.
    """
    proxy, kind = funnel.proxy, funnel.limits
    year, own = str(standing["year"].iloc[0]), standing[standing["is_service"]]
    name = f"{proxy.words.name}, {year}"
    if own.empty:
        place = "our service has no figure for both counts"
        sentences = [f"We cannot show our service: it has no figures for both counts in {year}."]
    else:
        place = f"our service is {SHORT_PLACES[own[f'place_{kind}'].iloc[0]]}"
        sentences = _describe_service(own.iloc[0], proxy, kind, service)
    sentences += [_describe_widening(standing, kind), CANNOT_SAY, _describe_caution(proxy)]
    return {
        "year": year,
        "kind": kind,
        "service": service,
        "title": f"{name}: {place}",
        "name": name,
        "alt": _describe_alt(standing, own, kind, f"{lower_first(proxy.words.name)} by size of service, {year}"),
        "sentences": [*sentences, *_describe_left_out(n_left_out)],
        "method": _describe_method(standing),
        "means": proxy.means,
        "licence": LICENCE,
    }


def _describe_service(row: pd.Series, proxy: Proxy, kind: str, name: str) -> list[str]:
    """The service's figure in people, where it lies, and what the other kind of limits says."""
    clause = proxy.words.people.replace("{share}", describe_tenths(row["numerator"], row["denominator"]))
    counts = describe_counts(row["numerator"], row["denominator"])
    other = next(one for one in KINDS if one != kind)
    same = row[f"place_{kind}"] == row[f"place_{other}"]
    by_other = "the same" if same else f"different: {SHORT_PLACES[row[f'place_{other}']]}"
    months = f" It covers {row['months']:.0f} of 12 months." if row["months"] < 12 else ""
    return [
        f"In {row['year']} at {name}, {clause} (about {counts}).{months}",
        f"All services shown, taken together: {describe_value(row['centre'])}.",
        f"Our service is {PLACE_WORDS[row[f'place_{kind}']]}.",
        f"With the other way to widen the limits ({other}) the answer is {by_other}.",
    ]


def _describe_widening(standing: pd.DataFrame, kind: str) -> str:
    """Why plain limits are not drawn: how many services lie outside limits that allow for chance alone."""
    plain, wide = ((standing[f"place_{name}"] == "beyond_998").sum() for name in ("plain", kind))
    return (
        f"Limits that allow for chance alone would leave {plain} of the {len(standing)} services outside. So the limits "
        f"are widened by how much services differ in general; then {wide} lie outside."
    )


def _describe_caution(proxy: Proxy) -> str:
    """What being inside or outside does not say."""
    practice = "End-code practice" if set(proxy.measures) & END_CODES else "The way care is recorded"
    return f"{practice} differs between services; being inside or outside says nothing about care by itself."


def _describe_left_out(number: int) -> list[str]:
    if not number:
        return []
    services = "1 service is" if number == 1 else f"{number} services are"
    return [
        f"{services} not shown: a count was not published for some or all months, so the two counts do not cover the "
        "same time, or the share is out of fewer than 100."
    ]


def _describe_method(standing: pd.DataFrame) -> list[str]:
    """How the limits were worked out, with phi and tau, for whoever wants to check them."""
    first = standing.iloc[0]
    return [
        f"phi = {first['phi']:.2f}: the variance between services over the variance that chance alone explains (1 would be chance).",
        f"tau = {first['tau']:.4f}: how far services lie apart in general, on the arcsine scale.",
        "Each share is put on the arcsine scale, where its standard error is 1 / (2 x square root of n), n being what "
        "the share is out of. Its distance from the share of all services, in standard errors, is its z score; the lowest and highest 10% of z scores are "
        "drawn in to the 10% and 90% points (winsorised). phi is their mean square.",
        "Additive limits add the square of tau to the square of the standard error. Multiplicative limits multiply the "
        "standard error by the square root of phi. Method: Spiegelhalter, Statistics in Medicine 2005.",
    ]


def _describe_alt(standing: pd.DataFrame, own: pd.DataFrame, kind: str, about: str) -> str:
    """Alt text under 60 words: the chart, our service, the limits at its size."""
    start = f"Funnel chart of {about}, {len(standing)} services in England."
    if own.empty:
        return f"{start} Our service has no figure."
    row = own.iloc[0]
    low, high = (describe_value(row[f"{KINDS[kind]}{side}_998"]) for side in ("lower", "upper"))
    value = f"{describe_value(row['value'])} ({describe_counts(row['numerator'], row['denominator'])})"
    return (
        f"{start} Our service: {value}, {SHORT_PLACES[row[f'place_{kind}']]}. "
        f"99.8% limits at its size: {low} to {high}; all services {describe_value(row['centre'])}."
    )

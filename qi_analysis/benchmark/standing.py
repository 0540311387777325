"""The funnel of services, in numbers and in words.

Where the service stands: English providers in one financial year, with funnel limits widened for over-dispersion.

Conventions, all on the arcsine scale as the golden funnel cases have them (Spiegelhalter 2005, doi 10.1002/sim.1970):

- score of a unit: asin(sqrt(r / n)), standard error s = 1 / (2 sqrt n), target asin(sqrt(sum r / sum n));
- z = (score - target) / s, winsorised: those beyond the 10% and 90% quantiles (linear interpolation) are set to them;
- phi = mean of the squared winsorised z; tau2 = max(0, (k phi - (k - 1)) / (sum w - sum w^2 / sum w)), w = 1 / s^2;
- plain limits: target +/- q s; additive: target +/- q sqrt(s^2 + tau2); multiplicative: target +/- q s sqrt(phi), phi
  taken as 1 where it is less; q = 1.959964 (95%) and 3.090232 (99.8%); held in 0 to pi / 2 and back by sin^2.

Counts of a provider are rounded to 5 where they were published; 1 to 4 and 0 are missing in a month.

Where the service stands, as a release holds it: points without names, limits, and what the funnel says in words.

Published aggregates, protected when they were published. A service is outside or inside the limits; nothing here
ranks services or calls a place good or bad.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from qi_analysis.benchmark.figures import FEWEST_PROVIDERS, LICENCE, PROVIDER_YEAR, SMALLEST_PROVIDER, SUPPRESSED
from qi_analysis.benchmark.settings import BenchmarkSettings, FunnelSettings, Proxy, read_benchmark_settings
from qi_analysis.errors import DataProblem, RecordProblem
from qi_analysis.facts import PublishedFacts, StandingFacts
from qi_analysis.phrases import describe_counts, describe_tenths, describe_value, lower_first
from qi_analysis.release import PublishedFigures
from qi_analysis.spc.funnel import QUANTILES, FunnelSpec, build_funnel_table
from qi_analysis.spc.lines import TOLERANCE, Floats
from qi_analysis.spc.spec import ChartProblem
from qi_analysis.storage import REFERENCE

TRIM_BY = 0.1
SERVICE = "service"  # the unit of the service, all its codes of the year together
PLACES = ("inside_95", "between", "beyond_998")
LISTED_SIZES = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
CURVE_POINTS = 40


def read_provider_years(reference_dir: Path) -> pd.DataFrame:
    """The providers' yearly counts: year, code, measure ("M066"), value, months (with a published figure).

    An empty value means suppressed, zero or not published, and stays missing. Raises DataProblem for a file that
    is missing, lacks a column or holds a value that is no number.
    """
    path = reference_dir / PROVIDER_YEAR
    if not path.is_file():
        raise DataProblem(f"There is no {path.name} in data/reference. Put the file back and run again.")
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    wanted = ["period", "org_type", "org_code", "measure", "value", "months_with_value"]
    if missing := [name for name in wanted if name not in table]:
        raise DataProblem(f"{path.name}: there is no column {missing[0]}. Use the file as it was shipped.")
    table = table[table["org_type"] == "Provider"]
    numbers = table[["value", "months_with_value"]].apply(lambda text: text.str.strip().mask(text.isin(SUPPRESSED)))
    try:
        numbers = numbers.apply(pd.to_numeric)
    except ValueError:
        raise DataProblem(f"{path.name}: a value is not a number. Use the file as it was shipped.") from None
    return pd.DataFrame(
        {
            "year": table["period"],
            "code": table["org_code"],
            "measure": table["measure"].str.split("_").str[0].str.upper(),
            "value": numbers["value"].astype(float),
            "months": numbers["months_with_value"].astype(float),
        }
    ).drop_duplicates(ignore_index=True)


def build_provider_units(settings: BenchmarkSettings, reference_dir: Path, year: str = "") -> pd.DataFrame:
    """The units of the funnel: year, unit, is_service, numerator, denominator, months, is_kept; one row a provider.

    year: a financial year such as "2024-25", or "latest" for the last with at least 30 providers; "" leaves it to the
    settings. A unit is kept when it has every part of both counts, at least 100 in the denominator and, unless the
    settings say months = "any", parts that cover equally many months: a count that was suppressed in some
    months would be set over one that was not. The service's codes of the year are one unit. Raises RecordProblem for
    a year with fewer than 30 kept providers, and when the settings have no funnel.
    """
    funnel = _get_funnel(settings)
    wanted = year or funnel.year
    known = read_provider_years(reference_dir)
    known = known[known["measure"].isin(funnel.proxy.measures)]
    own = known["code"].isin([code.code for code in settings.codes])
    units = _build_units(known.assign(unit=known["code"].mask(own, SERVICE)), funnel)
    kept = units[units["is_kept"]].groupby("year").size()
    enough = kept[kept >= FEWEST_PROVIDERS].index
    if not len(enough) or (wanted != "latest" and wanted not in enough):
        has = f"services with both counts for {wanted}: {int(kept.get(wanted, 0))}"
        raise RecordProblem(f"benchmark.toml, funnel year: {has}; {FEWEST_PROVIDERS} are needed. Choose another.")
    chosen = max(enough) if wanted == "latest" else wanted
    return units[units["year"] == chosen].reset_index(drop=True)


def _get_funnel(settings: BenchmarkSettings) -> FunnelSettings:
    if settings.funnel is None:
        raise RecordProblem("benchmark.toml: there is no [funnel]. Add one with a year and a proxy.")
    return settings.funnel


def _build_units(known: pd.DataFrame, funnel: FunnelSettings) -> pd.DataFrame:
    """One row a unit and year with any part of the counts, in a fixed order; a count lacking a part is missing.

    A sum over the service's codes lacks a part only when every code does: a code holds its own months.
    """
    proxy, keys = funnel.proxy, ["year", "unit", "measure"]
    sums = known.groupby(keys)[["value", "months"]].sum(min_count=1).unstack("measure").reindex(
        columns=pd.MultiIndex.from_product([["value", "months"], proxy.measures])
    )  # fmt: skip
    values, months = sums["value"], sums["months"]
    top, bottom = (
        values[list(parts)].sum(axis=1, min_count=len(parts)) for parts in (proxy.numerator, proxy.denominator)
    )
    is_kept = values.notna().all(axis=1) & (bottom >= SMALLEST_PROVIDER)
    if funnel.months == "matching":
        is_kept &= months.max(axis=1) == months.min(axis=1)
    units = pd.DataFrame(
        {"numerator": top, "denominator": bottom, "months": months.min(axis=1), "is_kept": is_kept}
    ).reset_index()
    return units.assign(is_service=units["unit"] == SERVICE).sort_values(["year", "denominator", "unit"])


def build_limits(sizes: Floats, centre: float, phi: float, tau2: float) -> pd.DataFrame:
    """Limits of shares at given denominators: size, centre and lower and upper at 95 and 998, three kinds.

    Plain: lower_95 to upper_998; additive: the same after "od_"; multiplicative: after "mult_". See the module for
    the formulas. Sizes above 0; a centre of 0 or 1 gives limits that are held there on one side.
    """
    sizes = np.asarray(sizes, dtype=float)
    error, target = 1 / (2 * np.sqrt(sizes)), np.arcsin(np.sqrt(centre))
    widened = {"": error, "od_": np.sqrt(error**2 + tau2), "mult_": error * np.sqrt(max(phi, 1.0))}
    limits = {
        f"{kind}{side}_{name}": np.sin(np.clip(target + sign * q * width, 0, np.pi / 2)) ** 2
        for kind, width in widened.items()
        for name, q in QUANTILES.items()
        for side, sign in (("lower", -1), ("upper", 1))
    }
    return pd.DataFrame({"size": sizes, "centre": centre, **limits})


def build_standing(units: pd.DataFrame) -> pd.DataFrame:
    """The funnel of any units (columns unit, numerator, denominator), in the order given.

    Adds value, centre, phi, tau2, tau (its root, the spread between units on the arcsine scale), the limits of
    `build_limits` at each unit's size, and place_plain, place_additive, place_multiplicative: "inside_95", "between"
    (the 95% and the 99.8% limits), "beyond_998" or, without a value, ""; on a limit is inside. Any units of any
    year may be given. Raises ChartProblem (a ValueError) for a missing column or when no unit has a value.
    """
    table = build_funnel_table(units, FunnelSpec("pr", trim_by=TRIM_BY))
    if "phi" not in table:
        raise ChartProblem("A funnel needs at least one unit with both counts.")
    centre, phi, tau2 = (float(table[name].max()) for name in ("centre", "phi", "tau2"))
    known = table["denominator"].where(table["value"].notna()).to_numpy(dtype=float)
    limits = build_limits(known, centre, phi, tau2).drop(columns=["size", "centre"])
    kinds = {"place_plain": "", "place_additive": "od_", "place_multiplicative": "mult_"}
    value = table["value"].to_numpy()
    places = {name: _find_place(value, limits, kind) for name, kind in kinds.items()}
    named = {name: limits[name].to_numpy() for name in limits}
    return table.drop(columns="is_outside").assign(tau=np.sqrt(table["tau2"]), **named, **places)


def _find_place(value: Floats, limits: pd.DataFrame, kind: str) -> np.ndarray:
    """Where each value lies; beyond a limit by more than float error."""
    number = np.zeros(len(value), dtype=int)
    for name in QUANTILES:
        lower, upper = (limits[f"{kind}{side}_{name}"].to_numpy() for side in ("lower", "upper"))
        number += (value > upper * (1 + TOLERANCE)) | (value < lower * (1 - TOLERANCE))
    return np.where(np.isnan(value), "", np.array(PLACES, dtype=object)[number])


def build_curves(standing: pd.DataFrame) -> pd.DataFrame:
    """The limits along the sizes of a funnel, for drawing and printing: `build_limits` with is_listed.

    From the smallest unit to the largest, with the round sizes in between (is_listed) and the service's own.
    """
    sizes = standing["denominator"]
    low, high = float(sizes.min()), float(sizes.max())
    listed = [size for size in LISTED_SIZES if low <= size <= high]
    own = standing.loc[standing["is_service"], "denominator"].tolist()
    curve = np.unique([*np.round(np.geomspace(low, high, CURVE_POINTS)), *listed, *own])
    first = standing.iloc[0]
    limits = build_limits(curve, float(first["centre"]), float(first["phi"]), float(first["tau2"]))
    return limits.assign(is_listed=limits["size"].isin(listed))


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


def build_standing_release(project: Path, year: str = "") -> PublishedFigures:
    """Tables standing and standing_limits and the words of the funnel; a year of "" leaves it to benchmark.toml.

    Without a [funnel] in the settings there are no tables and no words. Raises RecordProblem
    and DataProblem as `build_provider_units` does.
    """
    settings = read_benchmark_settings(project / "benchmark.toml")
    if settings.funnel is None:
        return PublishedFigures(PublishedFacts(), {})
    units = build_provider_units(settings, REFERENCE, year)
    standing = build_standing(units[units["is_kept"]])
    tables = {"standing": standing[POINT_COLUMNS], "standing_limits": build_curves(standing)}
    n_left_out = int((~units["is_kept"]).sum())
    words = describe_standing(standing, n_left_out, settings.funnel, settings.name)
    return PublishedFigures(PublishedFacts(standing=words), tables)


def describe_standing(standing: pd.DataFrame, n_left_out: int, funnel: FunnelSettings, service: str) -> StandingFacts:
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
    return StandingFacts(
        year=year,
        kind=kind,
        service=service,
        title=f"{name}: {place}",
        name=name,
        alt=_describe_alt(standing, own, kind, f"{lower_first(proxy.words.name)} by size of service, {year}"),
        sentences=(*sentences, *_describe_left_out(n_left_out)),
        method=tuple(_describe_method(standing)),
        means=proxy.means,
        licence=LICENCE,
    )


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

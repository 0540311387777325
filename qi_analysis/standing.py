"""Where the service stands: English providers in one financial year, with funnel limits widened for over-dispersion.

Conventions, all on the arcsine scale as the golden funnel cases have them (Spiegelhalter 2005, doi 10.1002/sim.1970):

- score of a unit: asin(sqrt(r / n)), standard error s = 1 / (2 sqrt n), target asin(sqrt(sum r / sum n));
- z = (score - target) / s, winsorised: those beyond the 10% and 90% quantiles (linear interpolation) are set to them;
- phi = mean of the squared winsorised z; tau2 = max(0, (k phi - (k - 1)) / (sum w - sum w^2 / sum w)), w = 1 / s^2;
- plain limits: target +/- q s; additive: target +/- q sqrt(s^2 + tau2); multiplicative: target +/- q s sqrt(phi), phi
  taken as 1 where it is less; q = 1.959964 (95%) and 3.090232 (99.8%); held in 0 to pi / 2 and back by sin^2.

Counts of a provider are rounded to 5 where they were published; 1 to 4 and 0 are missing in a month.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from qi_analysis.benchmark_data import FEWEST_PROVIDERS, PROVIDER_YEAR, SMALLEST_PROVIDER, SUPPRESSED
from qi_analysis.benchmark_settings import BenchmarkSettings, FunnelSettings
from qi_analysis.errors import DataProblem, RecordProblem
from qi_analysis.funnel import QUANTILES, FunnelSpec, build_funnel_table
from qi_analysis.spc_grid import TOLERANCE, Floats
from qi_analysis.spc_spec import ChartProblem

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


def _find_place(value: Floats, limits: pd.DataFrame, kind: str) -> npt.NDArray:
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

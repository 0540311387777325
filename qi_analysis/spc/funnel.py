"""Funnel charts: units compared at one time, with limits that narrow as units grow.

Kinds "p", "pp" and "u" have limits at 2 and 3 sigma ("pp" widened by the spread of the z scores, as
units have no order: Provost & Murray 2011). Kinds "pr" (share), "rc" (ratio of counts), "sr_shmi" and
"sr_cqc" (observed over expected) have 95% and 99.8% limits, plain and with additive over-dispersion
(Spiegelhalter 2005, doi 10.1002/sim.1970; the SHMI and CQC methods). There is no runs analysis.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import gammaincinv, ndtr

from qi_analysis.spc.lines import TOLERANCE, Bools, Floats
from qi_analysis.spc.spec import ChartProblem

SIGMA_KINDS = ("p", "pp", "u")
DISPERSED_KINDS = ("pr", "rc", "sr_shmi", "sr_cqc")
QUANTILES = {"95": 1.959963984540054, "998": 3.090232306167813}  # of the standard normal, both tails


@dataclass(frozen=True)
class FunnelSpec:
    """kind: see the module. trim_by: share of z scores drawn in (sr_shmi: left out) at each end.

    limit: 95 or 99 (meaning 99.8), the over-dispersed limits outside which a unit is an outlier.
    Raises ChartProblem (a ValueError) for anything else.
    """

    kind: str = "p"
    trim_by: float = 0.1
    limit: int = 99

    def __post_init__(self) -> None:
        if self.kind not in SIGMA_KINDS + DISPERSED_KINDS:
            raise ChartProblem(f"A funnel must be one of {', '.join(SIGMA_KINDS + DISPERSED_KINDS)}.")
        if self.limit not in (95, 99) or not 0 <= self.trim_by < 0.5:
            raise ChartProblem("A funnel's limit must be 95 or 99 and its trim_by at least 0 and under 0.5.")


def build_funnel_table(units: pd.DataFrame, spec: FunnelSpec) -> pd.DataFrame:
    """One row per unit, in the order given, with value, centre and limits.

    units: columns unit, numerator, denominator. A unit without a denominator above 0, or without a
    numerator, has no value and no limits and leaves the others alone. Sigma kinds add lower, upper,
    lower_2s, upper_2s, is_outside; the others lower_95, upper_95, lower_998, upper_998, the same with
    `od_` in front, phi, tau2 and is_outside. Raises ChartProblem for a missing column.
    """
    if missing := {"unit", "numerator", "denominator"} - set(units.columns):
        raise ChartProblem(f"The units lack the columns {', '.join(sorted(missing))}.")
    above, below = (units[name].to_numpy(dtype=float) for name in ("numerator", "denominator"))
    with np.errstate(invalid="ignore"):
        known = np.isfinite(above) & (below > 0)
    above, below = np.where(known, above, np.nan), np.where(known, below, np.nan)
    build = _build_sigma if spec.kind in SIGMA_KINDS else _build_dispersed
    table = units.assign(value=above / below)
    return table.assign(**build(above, below, spec)) if known.any() else table.assign(centre=np.nan)


def _build_sigma(above: Floats, below: Floats, spec: FunnelSpec) -> dict[str, Floats | Bools]:
    """Limits at 2 and 3 sigma, held in 0..1 for shares and from 0 for rates."""
    centre = np.nansum(above) / np.nansum(below)
    variance = centre if spec.kind == "u" else centre * (1 - centre)
    sigma = np.sqrt(variance / below)
    if spec.kind == "pp" and variance > 0:
        z = (above / below - centre) / sigma
        z = z[np.isfinite(z)]
        sigma *= np.std(z, ddof=1) if len(z) > 1 else np.nan
    top = np.inf if spec.kind == "u" else 1.0
    limits = {
        f"{name}{ending}": np.clip(centre + sign * width * sigma, 0.0, top)
        for ending, width in (("", 3), ("_2s", 2))
        for name, sign in (("lower", -1), ("upper", 1))
    }
    outside = _check_outside(above / below, limits["lower"], limits["upper"])
    return {"centre": np.full(len(above), centre), **limits, "is_outside": outside}


def _check_outside(value: Floats, lower: Floats, upper: Floats) -> Bools:
    """Beyond a limit by more than float error; a unit without limits is not."""
    with np.errstate(invalid="ignore"):
        return (value > upper * (1 + TOLERANCE)) | (value < lower * (1 - TOLERANCE))


def _build_scores(above: Floats, below: Floats, kind: str) -> tuple[Floats, Floats, float, float]:
    """Each unit on the scale of its kind: (score, standard error, target on that scale, centre)."""
    if kind.startswith("sr"):
        score = np.log(above / below) if kind == "sr_shmi" else np.sqrt(above / below)
        error = 1 / np.sqrt(below) / (1 if kind == "sr_shmi" else 2)
        return score, error, 0.0 if kind == "sr_shmi" else 1.0, 1.0
    centre = float(np.nansum(above) / np.nansum(below))
    if kind == "pr":
        return np.arcsin(np.sqrt(above / below)), 1 / (2 * np.sqrt(below)), np.arcsin(np.sqrt(centre)), centre
    error = np.sqrt(above / (above + 0.5) ** 2 + below / (below + 0.5) ** 2)
    return np.log((above + 0.5) / (below + 0.5)), error, np.log(centre), centre


def _calculate_dispersion(z: Floats, error: Floats, spec: FunnelSpec) -> tuple[float, float]:
    """phi, the mean square of the z scores, and tau2, the variance between units.

    The scores are winsorised at trim_by (sr_shmi: those beyond are left out) before both.
    """
    low, high = np.quantile(z, [spec.trim_by, 1 - spec.trim_by])
    if spec.kind == "sr_shmi":
        kept = (z > low) & (z < high)
        z, error = z[kept], error[kept]
    number, weight = len(z), 1 / error**2
    phi = float(np.mean(np.clip(z, low, high) ** 2))
    spread = weight.sum() - (weight**2).sum() / weight.sum()
    return phi, max(0.0, float((number * phi - (number - 1)) / spread)) if number > 1 else 0.0


def _place_limit(z: float, error: Floats, below: Floats, spec: FunnelSpec, centre: float) -> Floats:
    """A limit on the drawn scale, z standard errors (with any over-dispersion) from the centre."""
    if spec.kind == "pr":
        angle = np.arcsin(np.sqrt(centre)) + z * error
        return np.asarray(np.sin(np.clip(angle, 0, np.pi / 2)) ** 2)
    if spec.kind == "sr_cqc":
        return centre + z * error
    return centre * np.exp(z * error)


def _place_plain(z: float, below: Floats, spec: FunnelSpec, centre: float) -> Floats:
    """A plain limit: exact Poisson limits for standardised ratios, else on the scale of the kind.

    The limits of an observed count about an expected one are gamma quantiles (Garwood 1936).
    """
    if spec.kind.startswith("sr"):
        return np.asarray(gammaincinv(below + (z > 0), ndtr(z)) / below)
    return _place_limit(z, 1 / (2 * np.sqrt(below)), below, spec, centre)


def _build_dispersed(above: Floats, below: Floats, spec: FunnelSpec) -> dict[str, Floats | Bools]:
    """95% and 99.8% limits, plain and with tau2 added to the variance of each unit."""
    score, error, target, centre = _build_scores(above, below, spec.kind)
    with np.errstate(invalid="ignore"):
        usable = np.isfinite(score)
    phi, tau2 = _calculate_dispersion(((score - target) / error)[usable], error[usable], spec)
    base = 1 / np.sqrt(below) if spec.kind == "sr_shmi" else 1 / (2 * np.sqrt(below))
    limits = {}
    for name, z in QUANTILES.items():
        for side, sign in (("lower", -1), ("upper", 1)):
            limits[f"{side}_{name}"] = _place_plain(sign * z, below, spec, centre)
            wide = _place_limit(sign * z, np.sqrt(base**2 + tau2), below, spec, centre)
            limits[f"od_{side}_{name}"] = wide if tau2 > 0 else limits[f"{side}_{name}"]
    chosen = "95" if spec.limit == 95 else "998"
    outside = _check_outside(above / below, limits[f"od_lower_{chosen}"], limits[f"od_upper_{chosen}"])
    whole = {"centre": centre, "phi": phi, "tau2": tau2}
    columns = {name: np.full(len(above), number) for name, number in whole.items()}
    return {**columns, **limits, "is_outside": outside}

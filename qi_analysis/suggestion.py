"""Which chart suits a series, and where its level seems to have moved: suggestions with their reason.

Nothing is applied: a person chooses the chart in project/measures.toml and records a phase in project/project.toml.
The spread of a share is told by Laney's sigma_z, the mean moving range of the z scores over 1.128 (Laney 2002): 1
where chance alone explains the ups and downs, more in large services. It looks at neighbouring months only, so a
change of level does not pass for wide scatter, as it does in the share of points outside plain limits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from qi_analysis.phrases import describe_month, describe_value
from qi_analysis.rebase import RebaseSpec, build_suggested_phases
from qi_analysis.settings import Measure, Record
from qi_analysis.spc import ChartSpec, build_chart_table
from qi_analysis.spc_spec import D2, SMALLEST_BASELINE, ChartProblem

SPREAD_NOTED = 1.2  # under this the limits of P and P' differ too little to matter
SPREAD_VARIANCE = 0.83  # of sigma_z, times the number of ranges, where chance alone is at work (by simulation)
SPREAD_OWN = 3.0  # from here chance explains a ninth of the variance or less
FEWEST_EXPECTED = 1.0  # of the rarer outcome in a usual month
MANY_OUTSIDE = 0.1
SHARES = ("share", "percent")
EVIDENCE = ["months", "typical_denominator", "spread", "n_outside_p", "n_outside_pp", "n_outside_ip"]


@dataclass(frozen=True)
class Suggestion:
    """A chart by its name in ChartSpec (p, pp, ip, xmr, run) and the reason, a sentence."""

    chart: str
    reason: str


def suggest_chart(results: pd.DataFrame, min_denominator: float = 0) -> Suggestion:
    """The chart that suits one series of tidy results, with its reason (see build_suggested_charts).

    Raises ChartProblem (a ValueError) unless the results hold one series.
    """
    table = build_suggested_charts(results, min_denominator)
    if len(table) != 1:
        raise ChartProblem("A chart is suggested for one series at a time. Use build_suggested_charts for more.")
    return Suggestion(table["chart"].iloc[0], table["reason"].iloc[0])


def build_suggested_charts(results: pd.DataFrame, min_denominator: float = 0) -> pd.DataFrame:
    """One row a series: measure_id, clock (if given), chart, reason and the evidence, in the order of the names.

    - `run`: under 12 months with a figure, or a usual month with under 1 of the rarer outcome expected;
    - `xmr`: no share: a mean, a median or a count. A share has whole counts, the upper never above the lower; a column
      `statistic` (share, percent, mean, median, ...), where there is one, decides instead;
    - `p`: a share whose sigma_z is within chance (up to 1 + 2 standard errors, and at least 1.2);
    - `pp` (P'): a share with more spread; `ip` (I'): with a sigma_z of 3 or more, where the counts explain next to nothing.

    A month with a denominator under `min_denominator`, or with `is_settled` False, is left out. typical_denominator is the
    median; spread is sigma_z; n_outside_p, n_outside_pp and n_outside_ip are the months outside the limits of each, from all
    months. In the reason the typical denominator is rounded to 5, and not told under 20. Raises ChartProblem
    (a ValueError) for results that are not tidy.
    """
    usable = _mask_unused(results, min_denominator)
    charts = {
        name: build_chart_table(usable, ChartSpec(chart=name, baseline_points=None)) for name in ("p", "pp", "ip")
    }
    points = _add_scores(charts["p"], usable)
    outside = {f"_{name}": table["is_outside"].to_numpy() for name, table in charts.items()}
    series = points.assign(**outside).groupby(_name_keys(results), sort=True, dropna=False)
    table = series.agg(
        months=("has_figure", "sum"), is_share=("_is_share", "all"), typical_denominator=("_size", "median"),
        rarer=("_rarer", "median"), spread=("_range", "mean"), n_ranges=("_range", "count"),
        n_outside_p=("_p", "sum"), n_outside_pp=("_pp", "sum"), n_outside_ip=("_ip", "sum"),
    )  # fmt: skip
    table = table.assign(spread=table["spread"] / D2)
    chosen = [_choose_chart(row) for _, row in table.iterrows()]
    words = {"chart": [one.chart for one in chosen], "reason": [one.reason for one in chosen]}
    return table.assign(**words)[["chart", "reason", *EVIDENCE]].reset_index()


def _name_keys(results: pd.DataFrame) -> list[str]:
    return [key for key in ("measure_id", "clock") if key in results]


def _mask_unused(results: pd.DataFrame, min_denominator: float) -> pd.DataFrame:
    """The results with empty numbers where a month is left out, so that no range reaches across it."""
    missing = {"measure_id", "interval_start", "value"} - set(results.columns)
    if missing:
        raise ChartProblem(f"The results lack the columns {', '.join(sorted(missing))}.")
    table = results.reindex(columns=[*results.columns, *({"numerator", "denominator"} - set(results.columns))])
    unused = table["denominator"] < min_denominator
    if "is_settled" in table:
        unused |= ~table["is_settled"].astype(bool)
    numbers = {name: table[name].astype(float).mask(unused) for name in ("numerator", "denominator", "value")}
    return table.assign(**numbers, has_figure=numbers["value"].notna()).drop(columns="is_settled", errors="ignore")


def _add_scores(points: pd.DataFrame, usable: pd.DataFrame) -> pd.DataFrame:
    """Each point's moving range of z, its size, the rarer outcome expected, and whether it can be part of a share."""
    top, bottom, centre = points["numerator"], points["denominator"], points["centre"]
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (points["value"] - centre) / np.sqrt(centre * (1 - centre) / bottom)
    z = z.where(points["is_drawn"] & np.isfinite(z))
    whole = (top % 1 == 0) & (bottom % 1 == 0) & top.between(0, bottom)
    if "statistic" in points:
        whole = points["statistic"].isin(SHARES)
    return points.assign(
        _range=z.groupby([points[key] for key in _name_keys(usable)], dropna=False).diff().abs(),
        _size=bottom,
        _rarer=bottom * np.minimum(centre, 1 - centre),
        _is_share=whole | ~points["has_figure"],
    )


def _choose_chart(row: pd.Series) -> Suggestion:
    """The rules of build_suggested_charts, in their order."""
    if row["months"] < SMALLEST_BASELINE:
        months = f"{row['months']:.0f} month{' has' if row['months'] == 1 else 's have'}"
        return Suggestion("run", f"Only {months} a figure, and limits need {SMALLEST_BASELINE}.")
    if not row["is_share"]:
        return Suggestion("xmr", "This is a mean, a median or a count, so its limits come from month-to-month changes.")
    if not row["rarer"] >= FEWEST_EXPECTED:
        return Suggestion("run", "In a usual month fewer than 1 of the rarer outcome is expected, too few for limits.")
    error = np.sqrt(SPREAD_VARIANCE / row["n_ranges"]) if row["n_ranges"] else np.inf
    if not row["spread"] > max(SPREAD_NOTED, 1 + 2 * error):
        return Suggestion("p", _describe_chance(row))
    chart, name = ("ip", "I'") if row["spread"] >= SPREAD_OWN else ("pp", "P'")
    why = ", so the counts explain next to nothing of it" if chart == "ip" else ""
    return Suggestion(
        chart,
        f"From month to month the share moves {row['spread']:.1f} times as much as chance explains{_describe_size(row)}{why}: "
        f"{row['n_outside_p']} of {row['months']} months are outside plain P limits, {row[f'n_outside_{chart}']} outside {name} limits.",
    )


def _describe_chance(row: pd.Series) -> str:
    """The reason for a P chart, and a hint where many points are outside although neighbours agree."""
    outside = f"{row['n_outside_p']} of {row['months']} months outside the limits"
    level = "; the level has moved over time" if row["n_outside_p"] > MANY_OUTSIDE * row["months"] else ""
    return (
        f"From month to month the share moves about as much as chance explains{_describe_size(row)} ({outside}{level})."
    )


def _describe_size(row: pd.Series) -> str:
    size = np.floor(row["typical_denominator"] / 5 + 0.5) * 5
    return f" with about {size:,.0f} a month" if size >= 20 else " with so few a month"


def build_phase_suggestions(results: pd.DataFrame, good: str | Mapping[str, str] = "up") -> pd.DataFrame:
    """Changes of level with their evidence: measure_id, clock, start, before, after, direction, reason; none applied.

    A change is a run of 9 useful months on one side of the median before (see rebase). good: up, down or either,
    for all measures or one for each. direction: good, bad or neutral. A change for the worse is told as one that new
    limits would hide. Give only the months since the last recorded phase. Unsettled months are left out. Raises
    ChartProblem (a ValueError) for results that are not tidy.
    """
    table = results if "clock" in results else results.assign(clock="")
    if "is_settled" in table:
        table = table[table["is_settled"].astype(bool)]
    parts = [
        build_suggested_phases(series.drop(columns="clock"), RebaseSpec()).assign(clock=clock)
        for clock, series in table.groupby("clock", sort=True)
    ]
    columns = ["measure_id", "clock", "start", "before", "after", "direction", "reason"]
    if not parts:
        return pd.DataFrame(columns=columns)
    levels = pd.concat(parts, ignore_index=True).rename(columns={"start_date": "start", "median": "after"})
    levels["before"] = levels.groupby(["measure_id", "clock"], sort=False)["after"].shift()
    moved = levels[levels["run_type"] == "sustained"].copy()
    wanted = moved["measure_id"].map(good if isinstance(good, Mapping) else dict.fromkeys(moved["measure_id"], good))
    way = np.sign(moved["after"] - moved["before"]) * wanted.map({"up": 1.0, "down": -1.0}).astype(float).fillna(0.0)
    moved["direction"] = way.map({1: "good", -1: "bad", 0: "neutral"})
    is_share = results.groupby("measure_id")["value"].agg(lambda value: bool(value.dropna().between(0, 1).all()))
    units = moved["measure_id"].map(is_share).map({True: "share", False: "number"})
    moved["reason"] = [_describe_level(row, unit) for (_, row), unit in zip(moved.iterrows(), units, strict=True)]
    return moved.reset_index(drop=True)[columns]


def _describe_level(row: pd.Series, unit: str) -> str:
    """The evidence for one change of level, and what a person has to decide. The size is told for shares only.

    A usual count can be small, and the sentence may be shared.
    """
    before, after = (describe_value(row[name]) for name in ("before", "after"))
    size = f"from {before} to {after}" if before != after else f"by less than 1 point, at {after}"
    side = "above" if row["after"] > row["before"] else "below"
    months = f"{RebaseSpec().run_points} months in a row with a figure"
    told = f" ({size})" if unit == "share" else ""
    found = f"From {describe_month(row['start'])}, {months} lay {side} the usual level before{told}."
    if row["direction"] == "bad":
        return f"{found} This is a change for the worse: new limits would hide it. Find the reason first."
    return f"{found} If you know the reason, record a phase from {row['start']:%Y-%m-%d} with it; nothing changes by itself."


def build_suggestion_facts(results: pd.DataFrame, measures: Sequence[Measure], record: Record) -> list[dict[str, Any]]:
    """For each measure block: id, name, chart (in use), suggested, reason, and phases (sentences); for a release.

    results: tidy results; the rows of a measure are those of its id and its month_by. A measure without rows is
    left out. Phases are looked for in the months since the record's last phase.
    """
    blocks = pd.DataFrame({"measure_id": [one.id for one in measures], "clock": [one.month_by for one in measures]})
    rows = results.merge(blocks, on=["measure_id", "clock"])
    last = max((pd.Timestamp(phase.from_) for phase in record.phases), default=pd.Timestamp.min)
    good = {one.id: one.good for one in measures}
    charts = build_suggested_charts(rows, record.settings.min_denominator).set_index("measure_id")
    phases = build_phase_suggestions(rows[rows["interval_start"] >= last], good).groupby("measure_id")["reason"]
    moved = phases.agg(list).to_dict()
    return [
        {
            "id": one.id, "name": one.name, "chart": one.chart, "suggested": str(charts.at[one.id, "chart"]),
            "reason": str(charts.at[one.id, "reason"]), "phases": moved.get(one.id, []),
        }
        for one in measures if one.id in charts.index
    ]  # fmt: skip

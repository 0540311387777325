"""Which chart suits a measure, where its level seems to have moved, and how soon the chart would show a rise.

These are suggestions with their reason, and nothing is applied: a person chooses the chart in project/measures.toml and
records a phase in project/project.toml.

The spread of a share is told by Laney's sigma_z, the mean moving range of the z scores over 1.128 (Laney 2002): 1
where chance alone explains the ups and downs, more in large services. It looks at neighbouring months only, so a
change of level does not pass for wide scatter, as it does in the share of points outside plain limits.

The time to a signal is simulated here, each time from the same seed. The rates of false alarms are simulated once by
benchmarks/false_alarms.py and kept in definitions/false_alarms.csv.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from qi_analysis.answers.measure_charts import select_rows
from qi_analysis.charts.verdict import build_settled, describe_time_to_signal
from qi_analysis.dataset import read_rows
from qi_analysis.errors import RecordProblem
from qi_analysis.facts import SuggestionFacts
from qi_analysis.phrases import calculate_nearest, describe_month, describe_value
from qi_analysis.record.settings import Measure, Record
from qi_analysis.spc.chart import RebaseSpec, build_chart_table, build_suggested_phases
from qi_analysis.spc.spec import D2, SMALLEST_BASELINE, ChartProblem, ChartSpec
from qi_analysis.storage import DEFINITIONS

SPREAD_NOTED = 1.2  # under this the limits of P and P' differ too little to matter
SPREAD_VARIANCE = 0.83  # of sigma_z, times the number of ranges, where chance alone is at work (by simulation)
SPREAD_OWN = 3.0  # from here chance explains a ninth of the variance or less
FEWEST_EXPECTED = 1.0  # of the rarer outcome in a usual month
MANY_OUTSIDE = 0.1
SHARES = ("share", "percent")
EVIDENCE = ["months", "typical_denominator", "spread", "n_outside_p", "n_outside_pp", "n_outside_ip"]
FALSE_ALARMS = DEFINITIONS / "false_alarms.csv"
SEED = 20210501
SERIES = 4000  # the middle of so many series is known to within a month
BLOCK, LONGEST = 6, 60  # months simulated at a time, and at most
SHIFT = 7  # months in a row above the centre line
RISE, BASELINE_MONTHS, YEAR = 0.10, 12, 12
Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]


def build_suggestion_facts(
    results: pd.DataFrame, measures: Sequence[Measure], record: Record
) -> tuple[SuggestionFacts, ...]:
    """For each measure block: the chart in use, the one suggested, the reason and phases that may be missing.

    results: tidy results; the rows of a measure are those of its id and its month_by. A measure without rows is
    left out. Phases are looked for in the months since the record's last phase.
    """
    rows = select_rows(results, measures)
    last = max((pd.Timestamp(phase.from_) for phase in record.phases), default=pd.Timestamp.min)
    good = {one.id: one.good for one in measures}
    charts = build_suggested_charts(rows, record.settings.min_denominator).set_index("measure_id")
    phases = build_phase_suggestions(rows[rows["interval_start"] >= last], good).groupby("measure_id")["reason"]
    moved = phases.agg(list).to_dict()
    return tuple(
        SuggestionFacts(
            id=one.id,
            name=one.name,
            chart=one.chart,
            suggested=str(charts.at[one.id, "chart"]),
            reason=str(charts.at[one.id, "reason"]),
            phases=tuple(moved.get(one.id, [])),
        )
        for one in measures
        if one.id in charts.index
    )


# Which chart suits a series.
@dataclass(frozen=True)
class Suggestion:
    """A chart by its name in ChartSpec (p, pp, ip, xmr, run) and the reason, a sentence."""

    chart: str
    reason: str


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


# Where its level has moved.
def build_phase_suggestions(results: pd.DataFrame, good: str | Mapping[str, str] = "up") -> pd.DataFrame:
    """Changes of level with their evidence: measure_id, clock, start, before, after, direction, reason; none applied.

    A change is a run of 9 useful months on one side of the median before (see RebaseSpec). good: up, down or either,
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


# How soon a chart would show a rise, and how often it shows one that is not there.
def describe_months_to_signal(chart_table: pd.DataFrame) -> str:
    """How long a rise of 10 points would take to show, with the numbers of a released chart table of a P chart.

    People a month: the median denominator of the last 12 settled drawn months; baseline: their latest centre line.
    "" when no month has figures, or when the level leaves no room for a rise of 10 points.
    """
    recent = build_settled(chart_table).dropna(subset=["denominator", "centre"]).tail(YEAR)
    if recent.empty:
        return ""
    people = calculate_nearest(float(recent["denominator"].median()))
    baseline = round(float(recent["centre"].iloc[-1]), 4)
    if not 0 < baseline <= 1 - RISE or people < 1:
        return ""
    months = calculate_months_to_signal(people, baseline)
    if math.isinf(months):
        years = LONGEST // YEAR
        return f"With about {people} people a month, a rise of 10 points could take more than {years} years to show."
    return describe_time_to_signal(people, months)


@cache
def calculate_months_to_signal(
    people_a_month: int, baseline: float, rise: float = RISE, baseline_months: int = BASELINE_MONTHS
) -> float:
    """The median number of months after a lasting rise until a P chart shows it, by simulation; the same each time.

    `baseline` and `rise` are shares of 0 to 1; every month has the same number of people. Each series has its own
    simulated baseline months and then months at baseline + rise. Only upward signals of those later months count:
    a month beyond 3 sigma, a run of 7 above the centre line, two of three beyond 2 sigma with the third above the
    centre. Sigma holds the uncertainty of the month and that of the baseline. Infinite when more than half of the
    series show nothing within 60 months. Raises ValueError for no people, no baseline months, or shares that
    leave 0 to 1 (there is no room for the rise).
    """
    if people_a_month < 1 or baseline_months < 1 or not 0 < baseline < baseline + rise <= 1 + 1e-9:
        raise ValueError("There must be people, months, and room for the rise between 0 and 1.")
    rng = np.random.default_rng(SEED)
    total = baseline_months * people_a_month
    centre = rng.binomial(total, baseline, (SERIES, 1)) / total
    sigma = np.sqrt(centre * (1 - centre) * (1 / people_a_month + 1 / total))
    distance, share = np.zeros((SERIES, 0)), min(baseline + rise, 1.0)
    while distance.shape[1] < LONGEST:
        months = rng.binomial(people_a_month, share, (SERIES, BLOCK)) / people_a_month
        distance = np.hstack([distance, _measure(months - centre, sigma)])
        shown = _mark_upward(distance).cumsum(axis=1) > 0
        if 2 * shown[:, -1].sum() > SERIES:
            return float(np.argmax(2 * shown.sum(axis=0) > SERIES) + 1)
    return math.inf


def _measure(difference: Floats, sigma: Floats) -> Floats:
    """Differences in sigma; where a baseline holds all or none, sigma is 0 and any difference is beyond it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(difference / sigma, nan=0.0, posinf=99.0, neginf=-99.0)


def _mark_upward(distance: Floats) -> Bools:
    """(series, months): an upward signal ends at this month, given distances from the centre in sigma."""
    above, near = distance > 1e-9, distance > 2
    marks = distance > 3
    marks[:, 2:] |= (_count_ending(near, 3) >= 2) & (_count_ending(above, 3) == 3)
    marks[:, SHIFT - 1 :] |= _count_ending(above, SHIFT) == SHIFT
    return marks


def _count_ending(hits: Bools, months: int) -> npt.NDArray[np.integer]:
    """How many of so many months are hits, for each stretch that lies within the series, by its last month."""
    running = np.pad(hits.cumsum(axis=1), ((0, 0), (1, 0)))
    return np.asarray(running[:, months:] - running[:, :-months])


def describe_false_alarms(rules: str, people_a_month: float) -> str:
    """The rate of false alarms of a chart as a sentence for the method page."""
    rate = calculate_nearest(100 * read_false_alarm_rate(rules, people_a_month))
    return (
        f"Where nothing has changed, about {rate} of every 100 charts like this one still show a signal at some time in "
        "the first year after the baseline."
    )


def read_false_alarm_rate(rules: str, people_a_month: float) -> float:
    """The share of charts on which nothing changed that show a signal within a year, for the nearest simulated size.

    From definitions/false_alarms.csv: a P chart at a steady 55%, limits from its first 12 months, read every month for
    the next 12. Raises RecordProblem for a rule set that was not simulated.
    """
    rows = [row for row in read_rows(FALSE_ALARMS) if row["rules"] == rules and row["months"] == str(YEAR)]
    if not rows:
        raise RecordProblem(f"There is no rate of false alarms for the rules {rules!r} in false_alarms.csv.")
    nearest = min(rows, key=lambda row: abs(math.log(float(row["n"]) / max(people_a_month, 1))))
    return float(nearest["rate_per_year"])

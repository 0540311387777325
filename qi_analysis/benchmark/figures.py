"""Published figures of the service and of England, in numbers and in words.

The benchmark page's numbers: published figures of the service beside those of England.

Read as text from data/reference, typed afterwards. An empty or missing value means suppressed, zero or not
published, and is never taken for zero. Counts of a service are rounded to 5 where they were published.

Levels of several published months taken together, in numbers and in words.

Tables here are the published months of one organisation and figure, by `interval_start`, oldest first.

The benchmark page's words: what each published figure shows, "no change" included, from its own numbers.

The numbers come from the published tables, the choices from project/benchmark.toml. Counts of the service are
told as "about", because they were rounded to 5 when they were published. Nothing here says that the project
caused a change: what came after it is told as coming after it.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from qi_analysis.benchmark.settings import BenchmarkSettings, Proxy
from qi_analysis.charts.verdict import State, Verdict, build_verdict, describe_chart, describe_title
from qi_analysis.errors import DataProblem, RecordProblem
from qi_analysis.facts import ProxyWords
from qi_analysis.phrases import (
    MeasureWords,
    calculate_nearest,
    describe_counts,
    describe_month,
    describe_months,
    describe_value,
)
from qi_analysis.record.settings import ServiceCode
from qi_analysis.spc.chart import build_chart_table
from qi_analysis.spc.spec import ChartSpec

MONTHLY = "service_monthly.csv"
PROVIDER_YEAR = "benchmarks_provider_year.csv"
ANNUAL = "benchmarks_annual.csv"
SUPPRESSED = ("", "*", "-")  # marks of a value that was not published
SMALLEST_PROVIDER = 100  # a provider enters the spread with at least so many in the denominator
FEWEST_PROVIDERS = 30  # no spread is given of fewer
ANNUAL_NAMES = {
    "referrals_received": "referrals", "finished_course_treatment": "finished",
    "not_at_caseness": "not_at_caseness", "recovery": "recovered",
}  # fmt: skip


def build_benchmark(settings: BenchmarkSettings, reference_dir: Path) -> pd.DataFrame:
    """Every proxy on the page by month, for the service and the comparator, in the tidy shape.

    Columns org ("service" or "comparator"), org_name, measure_id (the proxy's id), clock ("national"),
    interval_start, interval_end, numerator, denominator, value. One row for each month from the comparator's
    first to its last; a month without one of the parts has a row without numbers (a gap). A published mean
    has a value only. Raises DataProblem for a file that is missing, lacks a column, holds a value that is no
    number, or two different values for one organisation, month and measure; RecordProblem for a code or a
    measure id of the settings that is not in the file.
    """
    published = _read_published(reference_dir / MONTHLY, "period", "measure_id")
    wide = {
        "service": _build_wide(_select_service(published, settings.codes)),
        "comparator": _build_wide(_select_comparator(published, settings)),
    }
    _check_measures(wide["comparator"], settings)
    months = pd.period_range(wide["comparator"].index.min(), wide["comparator"].index.max(), freq="M")
    names = {"service": settings.name, "comparator": settings.comparator.name}
    tables = [
        _build_rows(table, proxy, months).assign(org=org, org_name=names[org])
        for org, table in wide.items()
        for proxy in settings.proxies
    ]
    return pd.concat(tables, ignore_index=True)


def _read_published(path: Path, when: str, measure: str) -> pd.DataFrame:
    """A reference table with `value` as a number (empty: not published), identical double rows collapsed."""
    if not path.is_file():
        raise DataProblem(f"There is no {path.name} in data/reference. Put the file back and run again.")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except ValueError:  # pandas' own parser errors and text that is not UTF-8
        raise DataProblem(f"{path.name}: not a readable CSV file. Put back the one shipped.") from None
    keys = [when, "org_type", "org_code", measure]
    missing = [name for name in (*keys, "value") if name not in table]
    if missing:
        raise DataProblem(f"{path.name}: there is no column {missing[0]}. Use the file as it was shipped.")
    text = table["value"].str.strip()
    number = pd.to_numeric(text.mask(text.isin(SUPPRESSED)), errors="coerce")
    _check_rows(path, number.notna() | text.isin(SUPPRESSED), "the value is not a number")
    _check_rows(path, table[when].str.fullmatch(r"\d{4}-\d\d"), "the period is not like 2021-04 or 2021-22")
    distinct = table.assign(value=number)[[*keys, "value"]].drop_duplicates()
    twice = distinct[distinct.duplicated(keys)]
    if len(twice):
        place = ", ".join([path.name, *twice[[when, "org_code", measure]].iloc[0]])
        raise DataProblem(f"{place}: there are two different values. Keep the one published last.")
    return distinct


def _check_rows(path: Path, is_sound: pd.Series, fault: str) -> None:
    """Raise DataProblem for the first row that is not sound, by its line in the file."""
    if not is_sound.all():
        line = int((~is_sound.astype(bool)).to_numpy().argmax()) + 2
        raise DataProblem(f"{path.name}, line {line}: {fault}. Correct it.")


def _select_service(published: pd.DataFrame, codes: Sequence[ServiceCode]) -> pd.DataFrame:
    """The rows of the service, each month under the code in use then; RecordProblem for none at all."""
    spans = [
        (published["org_code"] == code.code)
        & published["period"].between(code.from_.isoformat()[:7], code.last.isoformat()[:7])
        for code in codes
    ]
    rows = published[pd.concat(spans, axis=1).any(axis=1)]
    if rows.empty:
        raise RecordProblem(f"benchmark.toml, codes: none has a figure in {MONTHLY}. Check them.")
    return rows


def _select_comparator(published: pd.DataFrame, settings: BenchmarkSettings) -> pd.DataFrame:
    wanted = settings.comparator
    rows = published[(published["org_type"] == wanted.org_type) & (published["org_code"] == wanted.code)]
    if rows.empty:
        raise RecordProblem("benchmark.toml, comparator: no figure has this type and code. Check them.")
    return rows


def _build_wide(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per month, one column per national measure."""
    wide = rows.pivot(index="period", columns="measure_id", values="value")
    return wide.set_axis(pd.PeriodIndex(wide.index, freq="M"), axis=0)


def _check_measures(wide: pd.DataFrame, settings: BenchmarkSettings) -> None:
    for proxy in settings.proxies:
        unknown = [measure for measure in proxy.measures if measure not in wide]
        if unknown:
            place = f"benchmark.toml, proxy {proxy.id}"
            raise RecordProblem(f"{place}: {unknown[0]} is not among the figures of {MONTHLY}. Check the id.")


def _build_rows(wide: pd.DataFrame, proxy: Proxy, months: pd.PeriodIndex) -> pd.DataFrame:
    """One proxy of one organisation, a row for every month; a sum is known only when all its parts are."""
    parts = wide.reindex(index=months, columns=list(proxy.measures))
    numerator, denominator = _sum_parts(parts, proxy)
    value = parts[proxy.published] if proxy.published else numerator / denominator.where(denominator > 0)
    return pd.DataFrame(
        {
            "measure_id": proxy.id,
            "clock": "national",
            "interval_start": months.start_time,
            "interval_end": months.end_time.normalize(),
            "numerator": numerator.where(value.notna()).to_numpy(),
            "denominator": denominator.where(value.notna()).to_numpy(),
            "value": value.to_numpy(),
        }
    )


def _sum_parts(parts: pd.DataFrame, proxy: Proxy) -> tuple[pd.Series, pd.Series]:
    """Numerator and denominator; both empty for a published mean, and where a part is empty."""
    sums = (
        parts[list(names)].sum(axis=1, min_count=max(len(names), 1)) for names in (proxy.numerator, proxy.denominator)
    )
    numerator, denominator = sums
    return numerator, denominator


def find_code_changes(results: pd.DataFrame, settings: BenchmarkSettings) -> tuple[date, ...]:
    """The days within the results' months, after the first, at which a new code of the service starts."""
    first, last = results["interval_start"].min().date(), results["interval_end"].max().date()
    return tuple(code.from_ for code in settings.codes if first < code.from_ <= last)


def build_benchmark_chart(
    results: pd.DataFrame, proxy: Proxy, settings: BenchmarkSettings, org: str = "service"
) -> pd.DataFrame:
    """The chart table of one proxy: XmR, rules making_data_count, limits frozen after 12 months.

    On the service's chart the limits start again where its code changed. XmR, not P: with counts as large as
    these the limits of a P chart are too narrow to be of use.
    """
    rows = results[(results["org"] == org) & (results["measure_id"] == proxy.id)]
    phases = find_code_changes(results, settings) if org == "service" else ()
    good = proxy.words.good
    spec = ChartSpec(chart="xmr", rules="making_data_count", good=good, phases=phases, negative="cut")
    return build_chart_table(rows, spec)


def build_yearly_shares(results: pd.DataFrame) -> pd.DataFrame:
    """The proxies by financial year (April to March), of the months that were published.

    Columns org, org_name, measure_id, year ("2021-22"), numerator, denominator, months, value. A share is sum
    over sum; a published mean is the plain average of its months. `months` under 12: the year is not whole.
    """
    known = results[results["value"].notna()]
    start = known["interval_start"].dt.year - (known["interval_start"].dt.month < 4)
    year = start.astype(str) + "-" + ((start + 1) % 100).astype(str).str.zfill(2)
    grouped = known.assign(year=year).groupby(["org", "org_name", "measure_id", "year"])
    sums = grouped[["numerator", "denominator"]].sum(min_count=1)
    means = grouped["value"].agg(months="size", mean="mean")
    value = (sums["numerator"] / sums["denominator"]).fillna(means["mean"])
    return sums.assign(months=means["months"], value=value).reset_index()


def build_yearly_totals(settings: BenchmarkSettings, reference_dir: Path) -> pd.DataFrame:
    """Referrals, finished courses and recovery by year from the annual reports, service and comparator.

    Columns year, org, org_name, referrals, finished, not_at_caseness, recovered, recovery (0 to 1:
    recovered / (finished - not at caseness)). All codes of the service in a year are added together.
    """
    annual = _read_published(reference_dir / ANNUAL, "period", "measure")
    annual = annual[annual["measure"].isin(ANNUAL_NAMES)]
    service = annual[annual["org_code"].isin([code.code for code in settings.codes])]
    totals = pd.concat(
        [
            service.assign(org="service", org_name=settings.name),
            _select_comparator(annual, settings).assign(org="comparator", org_name=settings.comparator.name),
        ]
    ).pivot_table(index=["period", "org", "org_name"], columns="measure", values="value", aggfunc=_sum_known)
    totals = totals.reindex(columns=list(ANNUAL_NAMES)).rename(columns=ANNUAL_NAMES).rename_axis(columns=None)
    totals["recovery"] = totals["recovered"] / (totals["finished"] - totals["not_at_caseness"])
    return totals.reset_index(names=["year", "org", "org_name"])


def _sum_known(values: pd.Series) -> float:
    """The sum; empty as soon as one part was not published, so that a floor is never shown as a total."""
    return float(values.sum(skipna=False))


def build_provider_spread(settings: BenchmarkSettings, reference_dir: Path) -> pd.DataFrame:
    """How services differ, by year: the 10th, 50th and 90th centile of each proxy over the shipped providers.

    Columns measure_id, year, providers, low, middle, high (0 to 1). A provider enters with at least 100 in
    the denominator; years with fewer than 30 such providers, and published means, are left out. The shipped
    list of providers is not complete: this is context, never a ranking.
    """
    rows = _read_published(reference_dir / PROVIDER_YEAR, "period", "measure")
    rows = rows[rows["org_type"] == "Provider"]
    wide = rows.assign(measure=rows["measure"].str.split("_").str[0].str.upper()).pivot(
        index=["period", "org_code"], columns="measure", values="value"
    )
    tables = [_build_spread(wide, proxy) for proxy in settings.proxies if not proxy.published]
    return pd.concat(tables, ignore_index=True)


def _build_spread(wide: pd.DataFrame, proxy: Proxy) -> pd.DataFrame:
    numerator, denominator = _sum_parts(wide.reindex(columns=list(proxy.measures)), proxy)
    by_year = (numerator / denominator)[denominator >= SMALLEST_PROVIDER].dropna().groupby("period")
    spread = by_year.quantile(np.array([0.1, 0.5, 0.9])).unstack().set_axis(["low", "middle", "high"], axis=1)
    spread = spread.assign(measure_id=proxy.id, providers=by_year.size()).rename_axis(index="year")
    order = ["measure_id", "year", "providers", "low", "middle", "high"]
    return spread[spread["providers"] >= FEWEST_PROVIDERS].reset_index()[order]


def calculate_level(rows: pd.DataFrame) -> float:
    """The level of some months: sum over sum; for a published mean, the plain average of the months."""
    denominator = rows["denominator"].sum()
    return float(rows["numerator"].sum() / denominator if denominator > 0 else rows["value"].mean())


def describe_level(rows: pd.DataFrame, words: MeasureWords, about: str = "") -> str:
    """62% (about 1,500 of 2,430); for a published mean, 4.3."""
    level = describe_value(calculate_level(rows), words.unit)
    denominator = rows["denominator"].sum()
    counts = f" ({about}{describe_counts(rows['numerator'].sum(), denominator)})" if denominator > 0 else ""
    return level + counts


def describe_difference(now: float, then: float, words: MeasureWords) -> str:
    """2 points higher, 0.1 lower, or about the same: the difference of the figures as they are printed."""
    scale = 100 if words.unit == "share" else 10
    step = calculate_nearest(scale * now) - calculate_nearest(scale * then)
    if step == 0:
        return "about the same"
    points = f"{abs(step)} point{'' if abs(step) == 1 else 's'}"
    size = points if words.unit == "share" else f"{abs(step) / 10:.1f}"
    return f"{size} {'higher' if step > 0 else 'lower'}"


def describe_span(rows: pd.DataFrame) -> str:
    """The first and last month of the rows: March 2025 to March 2026."""
    return describe_months(rows.index[0], rows.index[-1])


def find_longest_run(values: pd.Series, level: float, sign: int) -> pd.Series:
    """The longest stretch of published months on one side of a level (1 above, -1 below).

    Of equal stretches the latest; empty when there is none. A month on the level ends a stretch.
    """
    is_side = np.sign(values - level) == sign
    stretch = (~is_side).cumsum()[is_side]
    if stretch.empty:
        return values.iloc[:0]
    lengths = stretch.value_counts()
    longest = lengths[lengths == lengths.max()].index.max()
    return values[stretch.index[stretch == longest]]


def describe_run(run: pd.Series, side: str) -> str:
    """A run of `find_longest_run` in words."""
    months = describe_months(run.index[0], run.index[-1])
    level = f"{side} the level from before the project"
    return f"The figure was {level} for {len(run)} published months in a row, {months}."


LICENCE = "Source: NHS England, NHS Talking Therapies monthly and annual statistics, Open Government Licence v3.0"
YEAR = 12  # published months set against the 12 before them
SUSTAINED_MONTHS = 7  # a level is sustained when so many published months in a row lie on one side of it
SIGNAL_WORDS = {
    State.BETTER: "a change for the better",
    State.WORSE: "a change for the worse",
    State.MIXED: "changes both ways",
    State.CHANGED: "a change",
}


def describe_proxy(chart: pd.DataFrame, results: pd.DataFrame, proxy: Proxy, settings: BenchmarkSettings) -> ProxyWords:
    """All words for one proxy, from the service's chart table and the table of `build_benchmark`.

    A comparison with too few published months says so. The project's comparison is between levels and dates
    only, never about cause.
    """
    verdict = build_verdict(chart, proxy.words)
    service, comparator = (_select_published(results, proxy, org) for org in ("service", "comparator"))
    return ProxyWords(
        title=describe_title(chart, proxy.words, verdict),
        alt=describe_chart(chart, proxy.words, verdict, "xmr"),
        means=proxy.means,
        note=proxy.note,
        latest=_describe_latest(service, proxy.words),
        comparator=_describe_comparator(service, comparator, proxy.words, settings.comparator.name),
        signal=_describe_signals(verdict),
        project=_describe_project(service, proxy.words, settings),
        code_change=describe_code_changes(results, settings),
        gaps=describe_gaps(results, proxy),
    )


def _select_published(results: pd.DataFrame, proxy: Proxy, org: str) -> pd.DataFrame:
    own = (results["org"] == org) & (results["measure_id"] == proxy.id)
    return results[own & results["value"].notna()].set_index("interval_start")


def _describe_latest(service: pd.DataFrame, words: MeasureWords) -> str:
    """The last 12 published months of the service against the 12 before."""
    now, then = service.tail(YEAR), service.iloc[-2 * YEAR : -YEAR]
    if len(then) < YEAR:
        return f"There are not yet {2 * YEAR} published months to compare."
    change = describe_difference(calculate_level(now), calculate_level(then), words)
    return (
        f"The last 12 published months are {describe_span(now)}: {describe_level(now, words, 'about ')}. "
        f"The 12 before are {describe_span(then)}: {describe_level(then, words, 'about ')}. "
        f"The last 12 are {change}."
    )


def _describe_comparator(service: pd.DataFrame, other: pd.DataFrame, words: MeasureWords, name: str) -> str:
    """The comparator in the same months as the service's last 12, and how it moved from the 12 before."""
    months = service.index.intersection(other.index)
    now, then = other.loc[months[-YEAR:]], other.loc[months[-2 * YEAR : -YEAR]]
    if len(then) < YEAR:
        return f"There are not yet {2 * YEAR} published months to compare with {name}."
    level = calculate_level(now)
    apart = describe_difference(calculate_level(service.loc[now.index]), level, words)
    moved = describe_difference(level, calculate_level(then), words)
    return (
        f"{name} in the same months: {describe_level(now, words)}. The service is {apart}. "
        f"{name}'s own last 12 are {moved} than its 12 before.".replace("the same than", "the same as")
    )


def _describe_signals(verdict: Verdict) -> str:
    """What the rules find in the last 6 published months; "no clear change" where that is the answer."""
    if verdict.state is State.EARLY:
        return "There are too few published months for our rules."
    told = " ".join(verdict.reasons)
    if verdict.state is State.STEADY:
        still = "The ups and downs are what we would expect by chance."
        return f"In the last 6 published months our rules find no clear change. {still} {told}".strip()
    found = f"Our rules find {SIGNAL_WORDS[verdict.state]}, seen in the last 6 published months"
    return f"{found}. {told} It is unlikely to be chance."


def _describe_project(service: pd.DataFrame, words: MeasureWords, settings: BenchmarkSettings) -> str:
    """The months before the project against those after it began: two levels, then what was sustained."""
    began, ends = pd.Timestamp(settings.project_began), pd.Timestamp(settings.first_look_ends)
    before, after = service[service.index < began], service[service.index >= began]
    first_look = after[after.index <= ends]
    if before.empty or first_look.empty:
        return ""
    start, rising = describe_month(began), {"up": "rise", "down": "fall"}.get(words.good, "rise or fall")
    level = calculate_level(before)
    change = describe_difference(calculate_level(first_look), level, words)
    signs = {"above": 1, "below": -1}
    runs = {side: find_longest_run(after["value"], level, sign) for side, sign in signs.items()}
    sides = {"up": ["above"], "down": ["below"]}.get(words.good, ["above", "below"])
    sustained = [side for side, run in runs.items() if len(run) >= SUSTAINED_MONTHS]
    told = [] if set(sides) & set(sustained) else [f"We see no sustained {rising} after {start}."]
    told += [describe_run(runs[side], side) for side in sustained]
    few = [f"Only {len(before)} published months came before it."] if 1 < len(before) < YEAR else []
    return " ".join(
        [
            f"Before the project began in {start} ({describe_span(before)}): "
            f"{describe_level(before, words, 'about ')}.",
            f"After it began, {describe_span(first_look)}: {describe_level(first_look, words, 'about ')}.",
            f"That is {change}.",
            *told,
            *few,
            "Dates alone do not tell us why.",
        ]
    )


def describe_code_changes(results: pd.DataFrame, settings: BenchmarkSettings) -> str:
    """That the service's code changed, when, and what it means for the chart; "" when it did not."""
    months = [describe_month(day) for day in find_code_changes(results, settings)]
    if not months:
        return ""
    return (
        f"The service's code changed in {' and in '.join(months)}. Limits start again there. "
        "This is a change of label, not of care."
    )


def describe_gaps(results: pd.DataFrame, proxy: Proxy) -> str:
    """The service's months without a published figure; "" when there is none."""
    own = (results["org"] == "service") & (results["measure_id"] == proxy.id) & results["value"].isna()
    months = [describe_month(day) for day in results.loc[own, "interval_start"]]
    if not months:
        return ""
    return f"There is no published figure for {', '.join(months)}. That is a gap, not a zero."


def describe_spread(spread: pd.DataFrame, proxy: Proxy) -> str:
    """How services differ in the latest year of `build_provider_spread`; "" when there is no such year."""
    rows = spread[spread["measure_id"] == proxy.id]
    if rows.empty:
        return ""
    row = rows.sort_values("year").iloc[-1]
    low, middle, high = (describe_value(row[name], proxy.words.unit) for name in ("low", "middle", "high"))
    return (
        f"In {row['year']}, 8 of every 10 services lay between {low} and {high}, with {middle} in the middle "
        f"({row['providers']} services with enough people). Services record in different ways. "
        "This is context, not a ranking."
    )

"""The benchmark page's numbers: published figures of the service beside those of England.

Read as text from data/reference, typed afterwards. An empty or missing value means suppressed, zero or not
published, and is never taken for zero. Counts of a service are rounded to 5 where they were published.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from qi_analysis.benchmark_settings import BenchmarkSettings, Proxy, ServiceCode
from qi_analysis.errors import DataProblem, RecordProblem
from qi_analysis.spc import ChartSpec, build_chart_table

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
        & published["period"].between(code.first.isoformat()[:7], code.last.isoformat()[:7])
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
    return tuple(code.first for code in settings.codes if first < code.first <= last)


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
    return values.sum(skipna=False)


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

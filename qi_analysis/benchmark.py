"""The benchmark page's words: what each published figure shows, "no change" included, from its own numbers.

The numbers come from `benchmark_data`, the choices from project/benchmark.toml. Counts of the service are
told as "about", because they were rounded to 5 when they were published. Nothing here says that the project
caused a change: what came after it is told as coming after it.
"""

from dataclasses import dataclass

import pandas as pd

from qi_analysis.benchmark_data import (
    build_benchmark,
    build_benchmark_chart,
    build_provider_spread,
    build_yearly_shares,
    build_yearly_totals,
    find_code_changes,
)
from qi_analysis.benchmark_levels import (
    calculate_level,
    describe_difference,
    describe_level,
    describe_run,
    describe_span,
    find_longest_run,
)
from qi_analysis.benchmark_settings import BenchmarkSettings, Proxy, read_benchmark_settings
from qi_analysis.wording import (
    MeasureWords,
    State,
    Verdict,
    build_verdict,
    describe_chart,
    describe_month,
    describe_title,
    describe_value,
)

__all__ = [
    "LICENCE", "BenchmarkSettings", "Proxy", "ProxyWords", "build_benchmark", "build_benchmark_chart",
    "build_provider_spread", "build_yearly_shares", "build_yearly_totals", "describe_code_changes",
    "describe_gaps", "describe_proxy", "describe_spread", "read_benchmark_settings",
]  # fmt: skip

LICENCE = "Source: NHS England, NHS Talking Therapies monthly and annual statistics, Open Government Licence v3.0"
YEAR = 12  # published months set against the 12 before them
SUSTAINED_MONTHS = 7  # a level is sustained when so many published months in a row lie on one side of it
SIGNAL_WORDS = {
    State.BETTER: "a change for the better",
    State.WORSE: "a change for the worse",
    State.MIXED: "changes both ways",
    State.CHANGED: "a change",
}


@dataclass(frozen=True)
class ProxyWords:
    """What one chart shows, in words: the chart's title and alt text, and one text for each question.

    latest: the last 12 published months against the 12 before. comparator: against England.
    signal: what the rules find in the last 6 published months. project: before the project against after.
    """

    title: str
    alt: str
    means: str
    note: str
    latest: str
    comparator: str
    signal: str
    project: str
    code_change: str
    gaps: str

    @property
    def sentences(self) -> tuple[str, ...]:
        """The texts that are not empty, in the order of the page."""
        found = (self.means, self.latest, self.comparator, self.signal, self.project)
        return tuple(text for text in (*found, self.code_change, self.gaps, self.note) if text)


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

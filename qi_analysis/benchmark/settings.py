"""What the benchmark page compares, read once from text: the service's codes, the comparator, the figures."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from qi_analysis.errors import RecordProblem
from qi_analysis.phrases import DIRECTIONS, UNITS, MeasureWords
from qi_analysis.record.files import Source, read_source
from qi_analysis.record.findings import Faults, find_near
from qi_analysis.record.read_team import check_order
from qi_analysis.record.settings import ServiceCode

TOP = ("name", "project_began", "first_look_ends", "page")
PARTS = ("comparator", "codes", "proxies")
MEASURE_ID = r"M\d{3,4}"
FINANCIAL_YEAR = r"20\d\d-\d\d"
NOT_THERE = "There is no {}. Copy the one that came with the project."


@dataclass(frozen=True)
class Comparator:
    """Whom the service is set beside: the organisation type and code of the published figures."""

    name: str
    org_type: str
    code: str


@dataclass(frozen=True)
class Proxy:
    """One published figure: sums of national measures over sums, or one published mean.

    means: what it says and which direction is good. note: how it is worked out, where that needs saying.
    """

    id: str
    title: str
    people: str
    higher: str
    lower: str
    good: str = field(metadata={"choices": DIRECTIONS})
    unit: str = field(metadata={"choices": UNITS})
    means: str
    numerator: tuple[str, ...] = ()
    denominator: tuple[str, ...] = ()
    published: str = ""
    note: str = ""

    @property
    def words(self) -> MeasureWords:
        """Its wording; "better" is the direction that is good, and the higher one where either is."""
        better, worse = (self.lower, self.higher) if self.good == "down" else (self.higher, self.lower)
        return MeasureWords(
            name=self.title, people=self.people, higher=self.higher, lower=self.lower,
            good=self.good, better=better, worse=worse, unit=self.unit,
        )  # fmt: skip

    @property
    def measures(self) -> tuple[str, ...]:
        """Every national measure id it is made of, each once."""
        named = (*self.numerator, *self.denominator, self.published)
        return tuple(dict.fromkeys(measure for measure in named if measure))


@dataclass(frozen=True)
class FunnelSettings:
    """Which figure and year the funnel of services shows; year "latest" or such as "2024-25".

    limits: additive or multiplicative over-dispersion is drawn. months: "matching" leaves out a service whose
    counts cover different numbers of months (one was suppressed in some), "any" keeps it.
    """

    year: str
    proxy: Proxy
    limits: str
    months: str


@dataclass(frozen=True)
class _Funnel:
    """[funnel] as it is written, its proxy by name."""

    year: str
    proxy: str
    limits: str = field(default="additive", metadata={"choices": ("additive", "multiplicative")})
    months: str = field(default="matching", metadata={"choices": ("matching", "any")})


@dataclass(frozen=True)
class BenchmarkSettings:
    """The whole of benchmark.toml; `proxies` are those on the page, in the page's order. No funnel: None."""

    name: str
    project_began: date
    first_look_ends: date
    page: tuple[str, ...]
    comparator: Comparator
    codes: tuple[ServiceCode, ...]
    proxies: tuple[Proxy, ...]
    funnel: FunnelSettings | None = None


def read_benchmark_settings(path: Path) -> BenchmarkSettings:
    """Read benchmark.toml. Raises RecordProblem with every fault found, one a line, each saying where."""
    faults = Faults()
    settings = collect_benchmark_settings(path, faults)
    if settings is None:
        raise RecordProblem("\n".join(faults.stops))
    return settings


def collect_benchmark_settings(path: Path, faults: Faults) -> BenchmarkSettings | None:
    """Read benchmark.toml; None, and every fault told, when something is wrong."""
    source = read_source(path, faults, NOT_THERE.format(path.name))
    if source is None:
        return None
    table = source.table
    told = source.lost | faults.known(source.place(), table, (*TOP, *PARTS, "funnel"))
    for part in PARTS:
        if not table.get(part) and part not in told:
            faults.stop(path.name, f'"{part}" is missing or empty. Add it as in the file that came with the project.')
    place = replace(source.place(), lost=frozenset(told))
    comparator = _read_part(Comparator, source, "comparator", faults)
    codes, proxies = _read_codes(source, faults), _read_proxies(source, faults)
    funnel = _read_funnel(source, proxies, faults)
    settings: BenchmarkSettings | None = faults.build(
        BenchmarkSettings, place, {key: table[key] for key in TOP if key in table},
        comparator=comparator, codes=codes, proxies=tuple(proxies.values()), funnel=funnel,
    )  # fmt: skip
    if settings is not None:
        _check_page(place.key("page"), settings.page, proxies, faults)
        if settings.first_look_ends <= settings.project_began:
            faults.stop(place.key("first_look_ends"), "this must be after project_began.")
    if settings is None or faults.stops:
        return None
    return replace(settings, proxies=tuple(proxies[proxy_id] for proxy_id in settings.page))


def _read_part(kind: type, source: Source, name: str, faults: Faults) -> Any:
    """The part under [name]; None when it is left out or wrong (told)."""
    return faults.build(kind, source.place(name, 0, f"[{name}]"), source.table[name]) if name in source.table else None


def _read_codes(source: Source, faults: Faults) -> tuple[ServiceCode, ...]:
    """The codes in order of time; the first may leave out its first day."""
    codes: list[ServiceCode] = []
    for place, block in source.list_blocks("codes", faults):
        given = {"from": date.min, **block} if isinstance(block, dict) else block
        code = faults.build(ServiceCode, place, given)
        if code is not None:
            check_order(f"{place.line()}, code {code.code}", code.from_, code.to, faults)
            codes.append(code)
    for earlier, later in pairwise(codes):
        if later.from_ <= earlier.last:
            what = f"{later.code} starts before {earlier.code} ends. Sort them by time."
            faults.stop(f"{source.name}, codes", what)
    return tuple(codes)


def _read_proxies(source: Source, faults: Faults) -> dict[str, Proxy]:
    """id -> proxy."""
    proxies: dict[str, Proxy] = {}
    for place, block in source.list_blocks("proxies", faults):
        before = len(faults)
        proxy: Proxy | None = faults.build(Proxy, place, block)
        if proxy is None:
            faults.unread.add("proxies")  # so that nothing that names it is blamed
            continue
        if len(faults) == before:
            _check_proxy(f"{place.line()}, proxy {proxy.id}", proxy, faults)
        if proxy.id in proxies:
            faults.stop(place.key("id"), f'two proxies are both called "{proxy.id}". Give one of them a new id.')
        proxies[proxy.id] = proxy
    return proxies


def _check_proxy(place: str, proxy: Proxy, faults: Faults) -> None:
    parts = (*proxy.numerator, *proxy.denominator)
    has_share = bool(proxy.numerator) and bool(proxy.denominator)
    if has_share != bool(parts) or has_share == bool(proxy.published):
        faults.stop(place, "give a numerator and a denominator, or a published mean, and not both.")
    if not all(re.fullmatch(MEASURE_ID, part) for part in parts):
        faults.stop(place, "numerator and denominator hold national measure ids such as M066.")
    if "{share}" not in proxy.people and "{value}" not in proxy.people:
        faults.stop(place, "people must hold {share} or {value}, where the figure goes.")


def _check_page(place: str, page: tuple[str, ...], proxies: Mapping[str, Proxy], faults: Faults) -> None:
    for proxy_id in page:
        if proxy_id not in proxies and "proxies" not in faults.unread:
            hint = find_near(proxy_id, proxies) or f" The proxies are {', '.join(proxies)}."
            faults.stop(place, f'there is no proxy called "{proxy_id}".{hint}')


def _read_funnel(source: Source, proxies: Mapping[str, Proxy], faults: Faults) -> FunnelSettings | None:
    """[funnel] with its proxy; None when it is left out or wrong (told)."""
    written: _Funnel | None = _read_part(_Funnel, source, "funnel", faults)
    if written is None:
        return None
    place, shares = source.place("funnel", 0, "[funnel]"), [one.id for one in proxies.values() if not one.published]
    if not (written.year == "latest" or re.fullmatch(FINANCIAL_YEAR, written.year)):
        faults.stop(place.key("year"), 'this must be "latest" or a year such as "2024-25".')
    if written.proxy not in shares and "proxies" not in faults.unread:
        faults.stop(place.key("proxy"), f"this must be a share: {', '.join(shares)}.")
    if written.proxy not in proxies:
        return None
    return FunnelSettings(written.year, proxies[written.proxy], written.limits, written.months)

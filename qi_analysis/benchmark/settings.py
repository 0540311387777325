"""What the benchmark page compares, read once from text: the service's codes, the comparator, the figures."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from qi_analysis.errors import RecordProblem
from qi_analysis.phrases import DIRECTIONS, UNITS, MeasureWords

TOP_KEYS = {"name": str, "project_began": date, "first_look_ends": date, "page": list, "comparator": dict,
            "codes": list, "proxies": list, "funnel": dict}  # fmt: skip
FUNNEL_KEYS = {"year": str, "proxy": str, "limits": str, "months": str}
FUNNEL_CHOICES = {"limits": ("additive", "multiplicative"), "months": ("matching", "any")}
COMPARATOR_KEYS = {"name": str, "org_type": str, "code": str}
CODE_KEYS = {"code": str, "from": date, "to": date}
WORD_KEYS = {"people": str, "higher": str, "lower": str, "good": str, "unit": str}
PROXY_KEYS = {"id": str, "title": str, "numerator": list, "denominator": list, "published": str,
              **WORD_KEYS, "means": str, "note": str}  # fmt: skip
OPTIONAL = {"from", "to", "numerator", "denominator", "published", "note", "funnel", "limits", "months"}
TYPE_WORDS = {str: "text in quotation marks", date: "a date such as 2021-05-01", list: "a list",
              dict: "a table of its own"}  # fmt: skip
MEASURE_ID = r"M\d{3,4}"
FINANCIAL_YEAR = r"20\d\d-\d\d"


@dataclass(frozen=True)
class ServiceCode:
    """One code of the service and the days it was in use, both included."""

    code: str
    first: date
    last: date


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
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    published: str
    words: MeasureWords
    means: str
    note: str

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
    limits: str = "additive"
    months: str = "matching"


@dataclass(frozen=True)
class BenchmarkSettings:
    """The whole of benchmark.toml; `proxies` are those on the page, in the page's order. No funnel: None."""

    name: str
    project_began: date
    first_look_ends: date
    comparator: Comparator
    codes: tuple[ServiceCode, ...]
    proxies: tuple[Proxy, ...]
    funnel: FunnelSettings | None = None

    def get_proxy(self, proxy_id: str) -> Proxy:
        """The proxy of this id. Raises KeyError when it is not on the page."""
        return {proxy.id: proxy for proxy in self.proxies}[proxy_id]


def read_benchmark_settings(path: Path) -> BenchmarkSettings:
    """Read benchmark.toml. Raises RecordProblem with every fault found, one a line, each saying where."""
    table = _read_toml(path)
    problems = check_benchmark_settings(table)
    if problems:
        raise RecordProblem("\n".join(f"{path.name}, {problem}" for problem in problems))
    proxies = {block["id"]: _build_proxy(block) for block in table["proxies"]}
    return BenchmarkSettings(
        name=table["name"],
        project_began=table["project_began"],
        first_look_ends=table["first_look_ends"],
        comparator=Comparator(**table["comparator"]),
        codes=tuple(_build_code(block) for block in table["codes"]),
        proxies=tuple(proxies[proxy_id] for proxy_id in table["page"]),
        funnel=_build_funnel(table["funnel"], proxies) if "funnel" in table else None,
    )


def _read_toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise RecordProblem(f"There is no {path.name}. Copy the one that came with the project.")
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise RecordProblem(f"{path.name}: this is not plain text. Save it again as UTF-8.") from None
    except tomllib.TOMLDecodeError as fault:
        line = re.search(r"line (\d+)", str(fault))
        place = f"{path.name}, line {line[1]}" if line else f"{path.name}, last line"
        raise RecordProblem(
            f"{place}: I cannot read this line. Text needs quotation marks at both ends, "
            "dates look like 2021-05-01, and no name may be given twice."
        ) from None


def check_benchmark_settings(table: Mapping[str, Any]) -> list[str]:
    """Every fault of the settings as read, in words; an empty list when they are sound.

    Deeper checks run only when every block has the right keys and types.
    """
    problems = _check_keys("top of the file", table, TOP_KEYS)
    if problems:
        return problems
    problems += _check_keys("comparator", table["comparator"], COMPARATOR_KEYS)
    for number, block in enumerate(table["codes"], start=1):
        problems += _check_keys(f"code {number}", block, CODE_KEYS)
    for number, block in enumerate(table["proxies"], start=1):
        name = block.get("id", number) if isinstance(block, Mapping) else number
        problems += _check_keys(f"proxy {name}", block, PROXY_KEYS)
    problems += _check_keys("funnel", table["funnel"], FUNNEL_KEYS) if "funnel" in table else []
    if problems:
        return problems
    for block in table["proxies"]:
        problems += [f"proxy {block['id']}: {fault}" for fault in _check_proxy(block)]
    return problems + _check_page(table) + _check_funnel(table) + _check_dates(table)


def _check_keys(place: str, block: Any, known: Mapping[str, type]) -> list[str]:
    if not isinstance(block, Mapping):
        return [f"{place}: this should be a block with one line for each of {', '.join(known)}."]
    problems = []
    for key in block:
        near = get_close_matches(key, known, n=1)
        hint = f'Did you mean "{near[0]}"?' if near else f"The fields here are {', '.join(known)}."
        if key not in known:
            problems.append(f'{place}: "{key}" is not a field I know. {hint}')
        elif type(block[key]) is not known[key]:
            problems.append(f"{place}, {key}: this must be {TYPE_WORDS[known[key]]}.")
    missing = [key for key in known if key not in block and key not in OPTIONAL]
    return problems + [f"{place}: there is no {key}. Add a line for it." for key in missing]


def _check_proxy(block: Mapping[str, Any]) -> list[str]:
    parts = [*block.get("numerator", []), *block.get("denominator", [])]
    problems = []
    has_share = bool(block.get("numerator")) and bool(block.get("denominator"))
    if has_share != bool(parts) or has_share == ("published" in block):
        problems.append("give a numerator and a denominator, or a published mean, and not both.")
    if not all(isinstance(part, str) and re.fullmatch(MEASURE_ID, part) for part in parts):
        problems.append("numerator and denominator hold national measure ids such as M066.")
    if block["good"] not in DIRECTIONS:
        problems.append(f"good must be one of {', '.join(DIRECTIONS)}.")
    if block["unit"] not in UNITS:
        problems.append(f"unit must be one of {', '.join(UNITS)}.")
    if "{share}" not in block["people"] and "{value}" not in block["people"]:
        problems.append("people must hold {share} or {value}, where the figure goes.")
    return problems


def _check_page(table: Mapping[str, Any]) -> list[str]:
    known = [block["id"] for block in table["proxies"]]
    twice = sorted({proxy_id for proxy_id in known if known.count(proxy_id) > 1})
    problems = [f'two proxies are both called "{proxy_id}". Give one of them a new id.' for proxy_id in twice]
    for proxy_id in table["page"]:
        if proxy_id not in known:
            near = get_close_matches(str(proxy_id), known, n=1)
            hint = f'Did you mean "{near[0]}"?' if near else f"The proxies are {', '.join(known)}."
            problems.append(f'page: there is no proxy called "{proxy_id}". {hint}')
    return problems


def _check_funnel(table: Mapping[str, Any]) -> list[str]:
    block = table.get("funnel")
    if block is None:
        return []
    shares = [one["id"] for one in table["proxies"] if "published" not in one]
    problems = [] if block["proxy"] in shares else [f"funnel: proxy must be a share: {', '.join(shares)}."]
    if block["year"] != "latest" and not re.fullmatch(FINANCIAL_YEAR, block["year"]):
        problems.append('funnel: year must be "latest" or a year such as "2024-25".')
    for name, choices in FUNNEL_CHOICES.items():
        if block.get(name, choices[0]) not in choices:
            problems.append(f"funnel: {name} must be one of {', '.join(choices)}.")
    return problems


def _check_dates(table: Mapping[str, Any]) -> list[str]:
    codes = [_build_code(block) for block in table["codes"]]
    problems = [f"code {code.code}: it ends before it starts." for code in codes if code.last < code.first]
    for earlier, later in zip(codes, codes[1:], strict=False):
        if later.first <= earlier.last:
            problems.append(f"code {later.code}: it starts before {earlier.code} ends. Sort them by time.")
    if not codes:
        problems.append("codes: name at least one code of the service.")
    if table["first_look_ends"] <= table["project_began"]:
        problems.append("first_look_ends: this must be after project_began.")
    return problems


def _build_code(block: Mapping[str, Any]) -> ServiceCode:
    return ServiceCode(block["code"], block.get("from", date.min), block.get("to", date.max))


def _build_funnel(block: Mapping[str, Any], proxies: Mapping[str, Proxy]) -> FunnelSettings:
    return FunnelSettings(**{**block, "proxy": proxies[block["proxy"]]})


def _build_proxy(block: Mapping[str, Any]) -> Proxy:
    better, worse = ("lower", "higher") if block["good"] == "down" else ("higher", "lower")
    given = {key: block[key] for key in WORD_KEYS}
    words = MeasureWords(name=block["title"], better=block[better], worse=block[worse], **given)
    return Proxy(
        id=block["id"],
        numerator=tuple(block.get("numerator", ())),
        denominator=tuple(block.get("denominator", ())),
        published=block.get("published", ""),
        words=words,
        means=block["means"],
        note=block.get("note", ""),
    )

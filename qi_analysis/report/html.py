"""The pieces of a page, from tables, numbers and sentences to escaped HTML.

Each `render_` function returns `Html`: a string that a notebook cell shows as it is, and whose plain-text form holds no
data. Nothing is worked out here; words and numbers come ready to print.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Literal

import mistune
import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from qi_analysis.facts import Facts
from qi_analysis.periods import Period, describe_day
from qi_analysis.phrases import HIDDEN
from qi_analysis.storage import TEMPLATES

MISSING = "not available"
NUMBER = re.compile(r"-?[\d,]+(\.\d+)?%?")
DataKind = Literal["synthetic", "service"]
Pairs = Sequence[tuple[str, str]]
EXAMPLE = "Example record, not the team's."
HOW = "docs/the_record.md shows how."
MOST_NAMED = 3


class Html(Markup):
    """Escaped HTML. Shown in a notebook as a fragment; its plain form says only what it is."""

    def _repr_html_(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        return "<page fragment>"


@dataclass(frozen=True)
class PageFacts:
    """What the head, the banner and the foot of a page say.

    Unless `data_kind` is "service", the page calls its data synthetic: on top, in its title and on paper.
    `edition` "analyst" shows the code cells and the words "not for forwarding". `entries` are (name, words)
    such as ("Data to", "31 August 2022") and ("Revision", "2"); `contact` is a sentence.
    """

    title: str
    project: str
    entries: tuple[tuple[str, str], ...]
    edition: Literal["team", "plain", "analyst"] = "team"
    data_kind: DataKind = "synthetic"
    contact: str = ""


@dataclass(frozen=True)
class IndexEntry:
    """One published review in the list: `links` are (name, address inside reports/), the main page first."""

    period: Period
    verdict: str
    data_date: date
    revision: int
    links: tuple[tuple[str, str], ...]
    data_kind: DataKind = "synthetic"


def render_table(frame: pd.DataFrame, caption: str, note: str = "") -> Html:
    """A table: the columns' names are the headers, the first column names the rows.

    Missing values read "not available"; whole numbers get thousands commas, other numbers one decimal, days
    words; text stays as it is. Columns of numbers are set to the right. Raises ValueError for a table without
    columns, a header or a caption without words.
    """
    if not len(frame.columns) or not caption.strip() or not all(str(name).strip() for name in frame.columns):
        raise ValueError("a table needs a caption and a name for every column")
    cells = [[_describe_cell(value) for value in frame.iloc[:, place]] for place in range(len(frame.columns))]
    sides = [Markup(' class="n"') if place and _is_numbers(cell) else "" for place, cell in enumerate(cells)]
    headers = list(zip([str(name) for name in frame.columns], sides, strict=True))
    return _render("table", headers, list(zip(*cells, strict=True)), caption, note)


def render_figure(svg: str, caption: str, about: str, frame: pd.DataFrame, key: Pairs = ()) -> Html:
    """A chart with its finding as caption, the key of its marks and, folded away, its numbers.

    `svg` comes from `charts`; `caption` is the finding in a sentence; `about` names the chart and is unique
    on the page; `frame` is what render_table prints; `key` holds (sign, words) for each mark.
    """
    if not svg.startswith("<svg ") or "<script" in svg:
        raise ValueError("a figure takes a chart made by this package")
    return _render("figure", Markup(svg), caption, about, render_table(frame, about), list(key))


def render_folded(table: Html, title: str) -> Html:
    """A long table folded away under its title; on paper it is open."""
    return _render("folded", table, title)


def render_card(verdict: str, people: str = "", points: Pairs = (), facts: Pairs = ()) -> Html:
    """The answer on top: verdict sentence, people sentence, (name, words) points, (name, words) facts."""
    return _render("card", verdict, people, list(points), list(facts))


def render_facts(facts: Pairs) -> Html:
    """A row of (name, words), such as ("Baseline", "55%") and ("Now", "62% (58 of 94)")."""
    return _render("strip", list(facts))


def render_notes(lines: Sequence[str], title: str = "How to read this") -> Html:
    """A list of notes under a title; an empty list gives nothing."""
    return _render("notes", title, list(lines)) if lines else Html("")


def render_quote(words: str, teller: str) -> Html:
    """A story in someone's words (Markdown) with the teller's role and the month."""
    return _render("quote", render_prose(words), teller)


def render_flag(words: str) -> Html:
    """A sentence that stands out, such as that a record is an example."""
    return _render("flag", words)


def render_entry(title: str, pairs: Pairs) -> Html:
    """Something with a heading of its own and (name, words) under it, such as one test."""
    return _render("entry", title, list(pairs))


def render_diagram(caption: str, pictures: Pairs, branches: Sequence[tuple[str, Sequence[str], Sequence[str]]]) -> Html:
    """Diagrams, (name, SVG), and the indented list that says the same: (name, words shown, words folded away)."""
    if not all(svg.startswith("<svg ") and "<script" not in svg for _, svg in pictures):
        raise ValueError("a diagram takes drawings made by this package")
    listing = _render("outline", list(branches))
    return _render("diagram", caption, [(name, Markup(svg)) for name, svg in pictures], listing)


def render_slip(questions: Sequence[tuple[str, Sequence[str]]], send: str) -> Html:
    """Questions to answer on paper, (words, answers to circle; lines to write on without any), and where they go."""
    return _render("slip", list(questions), send)


def render_prose(text: str) -> Html:
    """Markdown as HTML. HTML inside the text is shown, not obeyed; unsafe links lead nowhere."""
    return Html(_load_markdown()(text))


def render_index(entries: Sequence[IndexEntry], facts: PageFacts) -> str:
    """reports/index.html: the reviews, newest first; an earlier revision is named as replaced."""
    newest = sorted(entries, key=lambda entry: (entry.period, entry.revision), reverse=True)
    latest = {entry.period: entry.revision for entry in reversed(newest)}
    css = Markup((TEMPLATES / "review" / "page.css").read_text(encoding="utf-8"))
    shown = [_describe_entry(entry, latest[entry.period]) for entry in newest]
    return _load_environment().get_template("index.html.j2").render(entries=shown, facts=facts, css=css)


def _describe_entry(entry: IndexEntry, latest: int) -> dict[str, object]:
    replaced = f", revision {entry.revision} (replaced)" if entry.revision < latest else ""
    return {**vars(entry), "name": entry.period.words + replaced, "data_date": describe_day(entry.data_date)}


def _render(macro: str, *values: object) -> Html:
    module = _load_environment().get_template("fragments.html.j2").module
    return Html(getattr(module, macro)(*values))


@cache
def _load_environment() -> Environment:
    loader = FileSystemLoader([TEMPLATES, TEMPLATES / "review"])
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined)


@cache
def _load_markdown() -> mistune.Markdown:
    return mistune.create_markdown(escape=True)


def _describe_cell(value: Any) -> str:
    """One cell in words; a fragment stays a fragment."""
    if isinstance(value, Markup):
        return value
    if pd.isna(value):
        return MISSING
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (date, datetime)):
        return describe_day(value)
    if hasattr(value, "dtype") or isinstance(value, (int, float)):
        return f"{value:,.1f}" if float(value) % 1 else f"{int(value):,}"
    return str(value)


def _is_numbers(cells: Sequence[str]) -> bool:
    """Whether a column holds numbers or per cents, and beside them only words such as "not available"."""
    numbers = [bool(NUMBER.fullmatch(cell)) for cell in cells]
    return any(numbers) and not any(re.search(r"\d", cell) for cell in cells if not NUMBER.fullmatch(cell))


# How numbers are written: counts, per cents, and words where a number is hidden.
def count(value: float) -> str:
    """1,234."""
    return f"{value:,.0f}"


def percent(value: float) -> str:
    """A share of 0 to 1 as a whole per cent, halves up: 62%."""
    return f"{int(value * 100 + 0.5)}%"


def decimal(value: float) -> str:
    """One decimal: 4.3."""
    return f"{value:.1f}"


def describe_range(low: float, high: float, show: Callable[[float], str] = percent) -> str:
    """42% to 71%."""
    return f"{show(low)} to {show(high)}"


def list_ranges(
    lower: pd.Series, upper: pd.Series, show: Callable[[float], str] = percent, none: str = ""
) -> list[str]:
    """The range of each row, `none` where there is none."""
    return [none if pd.isna(low) else describe_range(low, high, show) for low, high in zip(lower, upper, strict=True)]


def hidden_or(value: float, show: Callable[[float], str] = count) -> str:
    """A number as `show` writes it, or that it is hidden."""
    return HIDDEN if pd.isna(value) else show(value)


def or_words(values: pd.Series, words: list[str], show: Callable[[float], str]) -> list[str]:
    """Each value as `show` writes it, the words of its row where it is missing."""
    return [word if pd.isna(value) else show(value) for value, word in zip(values, words, strict=True)]


def dashed(definition: str) -> str:
    """The id of a definition as it is printed: iii-4."""
    return definition.replace("_", "-")


# What the pages of the team's own record share: the word that it is an example, how a part is added, lists that end.
def flag_example(facts: Facts) -> Html:
    """The sentence that stands over every page which shows the shipped example; nothing over the team's own record."""
    return render_flag(EXAMPLE) if facts.team.is_example else Html("")


def render_missing(what: str, add: str) -> Html:
    """What is missing and how to add it."""
    return render_notes([what, add], "Nothing to show yet")


def join_words(words: Sequence[str], most: int = MOST_NAMED) -> str:
    """ "a, b and c"; of more than `most` the first are named and the others counted."""
    if len(words) > most:
        return f"{', '.join(words[:most])} and {len(words) - most} more"
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))


def join_sentences(words: Sequence[str], most: int = MOST_NAMED) -> str:
    """Titles one after the other, each ending as a sentence; of more than `most` the others are counted."""
    told = [word if word.endswith((".", "?", "!")) else f"{word}." for word in words[:most]]
    return " ".join([*told, *([f"And {len(words) - most} more."] if len(words) > most else [])])

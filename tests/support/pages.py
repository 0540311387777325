"""A small invented review and the page made from it, for the tests of pages."""

from datetime import date

import nbformat
import numpy as np
import pandas as pd
from nbconvert.exporters import TemplateExporter

from qi_analysis.charts.control_chart import render_comparison, render_control_chart
from qi_analysis.charts.style import Look, Mark
from qi_analysis.periods import Period
from qi_analysis.report.html import (
    Html,
    IndexEntry,
    PageFacts,
    render_card,
    render_facts,
    render_figure,
    render_notes,
    render_prose,
    render_quote,
    render_table,
)
from qi_analysis.storage import TEMPLATES

HOSTILE = "<script>alert('x')</script>"
FACTS = PageFacts(
    title="Monthly review, August 2022",
    project="Helping more people complete Low Intensity CBT",
    entries=(("Data to", "31 August 2022"), ("Edition", "team"), ("Revision", "1")),
    contact="Questions: ask the project lead.",
)


def build_chart_months(n: int = 36) -> pd.DataFrame:
    """A chart table as the module spc gives it: two phases, a missing month, three points not drawn."""
    place = np.arange(n)
    denominator = 30 + (place * 7) % 25
    value = np.where(place < 24, 0.55, 0.66) + 0.09 * np.sin(place * 2.1)
    centre = np.where(place < 20, 0.55, 0.64)
    spread = 3 * np.sqrt(centre * (1 - centre) / denominator)
    table = pd.DataFrame(
        {
            "measure_id": "li_completion",
            "interval_start": pd.date_range("2019-09-01", periods=n, freq="MS"),
            "numerator": np.round(value * denominator),
            "denominator": denominator,
            "value": np.round(value * denominator) / denominator,
            "phase": np.where(place < 20, 1, 2),
            "in_baseline": place < 12,
            "is_drawn": ~np.isin(place, [7, 15, 16]),
            "centre": centre,
            "lower": np.clip(centre - spread, 0, 1),
            "upper": np.clip(centre + spread, 0, 1),
            "signal": np.select([place == 4, np.isin(place, [27, 28, 29])], ["bad", "good"], ""),
            "is_settled": place < n - 5,
        }
    )
    return table.drop(index=18, errors="ignore").reset_index(drop=True)


def build_data_table(months: pd.DataFrame) -> pd.DataFrame:
    """What the reader sees under a chart."""
    return pd.DataFrame(
        {
            "Month": months["interval_start"].dt.strftime("%B %Y"),
            "Completed": months["numerator"].where(months["is_drawn"]),
            "Ended": months["denominator"].where(months["is_drawn"]),
            "Share": (months["value"] * 100).round().map("{:.0f}%".format).where(months["is_drawn"]),
            "Usual range": (months["lower"] * 100).map("{:.0f}%".format)
            + " to "
            + (months["upper"] * 100).map("{:.0f}%".format),
            "Signal": months["signal"].replace({"": "none", "good": "better", "bad": "worse"}),
        }
    )


def build_figures() -> list[Html]:
    """A control chart with marks and a comparison."""
    months = build_chart_months()
    marks = (Mark(date(2020, 10, 4), "1"), Mark(date(2020, 11, 2), "2"), Mark(date(2021, 5, 1), "A", "phase"))
    alt = (
        "P chart of people completing Low Intensity CBT by month, September 2019 to March 2022. "
        "Completion has been higher since December 2021. Usual range 45% to 83%."
    )
    england = pd.DataFrame({"interval_start": months["interval_start"], "value": np.linspace(0.5, 0.53, 35)})
    control = render_control_chart(months, Look("completion", alt, target=0.7, marks=marks))
    small = Look("england", "P chart of completion with England as a line.", size="small")
    beside = render_comparison(months, england, "England", small)
    numbers = build_data_table(months)
    key = [
        ("1", "Welcome call, one practitioner, from 4 October 2020"),
        ("2", "Reminder texts, from 2 November 2020"),
        ("A", "New limits from 1 May 2021: new booking system, agreed at the February review"),
    ]
    finding = "More people have completed since December 2021, and it is unlikely to be chance"
    return [
        render_figure(control, finding, "People completing Low Intensity CBT, by month", numbers, key),
        render_figure(beside, "The service is above England", "The service and England, by month", numbers),
    ]


def build_card() -> Html:
    """The answer on top."""
    return render_card(
        "We are getting better, and it is unlikely to be chance.",
        "In March 2022, 7 of every 10 people who ended LI had completed it (31 of 46).",
        [
            ("What changed", "Completion has been above its average since December 2021."),
            ("What we are testing", "A welcome call before the first contact."),
            ("What we need", "Someone to own the reminder texts from October."),
        ],
        [("Data to", "31 August 2022"), ("Settled to", "February 2022")],
    )


def build_groups() -> Html:
    """A wide table with a hidden count, a missing share and a name that tries to be a script."""
    groups = pd.DataFrame(
        {
            "Group": ["16 to 25", "26 to 64", HOSTILE],
            "Ended": [40, 255, "hidden to protect privacy"],
            "Share completed": ["55%", "62%", None],
            "A long heading, so that this table is wider than a telephone": ["48% to 71%"] * 3,
        }
    )
    return render_table(groups, "People who ended, by age", "Counts to the nearest 5.")


def build_notebook() -> nbformat.NotebookNode:
    """Six pages; one table cell and one Markdown cell try to be a script."""
    text = nbformat.v4.new_markdown_cell
    control, beside = build_figures()
    cells = [
        text("# Monthly review"),
        _new_output("secret_path = '/data/raw'", Html("")),
        text("## Are we getting better?"),
        _new_output("show_verdict(review)", build_card()),
        text("## What are we aiming for, and where are we?\n\nWe want **7 of every 10**."),
        _new_output("", render_facts([("Baseline", "55%"), ("Now", "66% (31 of 47)"), ("Target", "70%")])),
        text("## Are more people completing?"),
        _new_output("", control),
        _new_output("", render_notes(["Limits are fixed from the first 12 months."])),
        text("## How do we compare?"),
        _new_output("", beside),
        text("## Is it fair?\n\n" + HOSTILE),
        _new_output("", build_groups()),
        text("## What is it like?"),
        _new_output("", render_quote("I liked *knowing* who would call.", "Service user, March 2022")),
    ]
    return nbformat.v4.new_notebook(cells=cells)


def _new_output(source: str, fragment: Html) -> nbformat.NotebookNode:
    """An executed cell with a fragment, log lines, a warning and a plain form."""
    data = {"text/html": str(fragment), "text/plain": "plain-form"}
    outputs = [
        nbformat.v4.new_output("stream", name="stdout", text="log-line"),
        nbformat.v4.new_output("stream", name="stderr", text="warning-line"),
        nbformat.v4.new_output("display_data", data=data),
    ]
    return nbformat.v4.new_code_cell(source, outputs=outputs)


def build_cells(fragments: list[Html]) -> str:
    """A finished page with a question for each fragment."""
    cells = [nbformat.v4.new_markdown_cell("# Monthly review")]
    for number, fragment in enumerate(fragments, 1):
        cells += [nbformat.v4.new_markdown_cell(f"## Question {number}?"), _new_output("", fragment)]
    return build_exporter().from_notebook_node(nbformat.v4.new_notebook(cells=cells), {"review": FACTS})[0]


def build_exporter() -> TemplateExporter:
    """The exporter of the review's pages."""
    return TemplateExporter(
        template_name="review",
        template_file="index.html.j2",
        extra_template_basedirs=[str(TEMPLATES)],
        filters={"prose": render_prose},
    )


def build_page(facts: PageFacts = FACTS) -> str:
    """The finished page of the invented review."""
    return build_exporter().from_notebook_node(build_notebook(), {"review": facts})[0]


def build_entries() -> list[IndexEntry]:
    """Three reviews, in no order."""
    verdict = "There is no clear change yet. The ups and downs are what we would expect by chance."
    links = (("Team page", "2022-07/team.html"), ("Plain page", "2022-07/plain.html"))
    later = (("Team page", "2022-08/team.html"),)
    return [
        IndexEntry(Period(2022, 7), verdict, date(2022, 7, 31), 1, links),
        IndexEntry(Period(2022, 8), "We are getting better. " + HOSTILE, date(2022, 8, 31), 1, later),
        IndexEntry(Period(2022, 7), verdict, date(2022, 7, 31), 2, links),
    ]

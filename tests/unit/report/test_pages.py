"""Finished pages read as HTML: structure, policy, escaping, and nothing but what was meant to be shown."""

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import nbformat
import numpy as np
import pandas as pd
import pytest
from pages import FACTS, HOSTILE, build_chart_months, build_entries, build_exporter, build_page

from qi_analysis.charts.control_chart import render_control_chart
from qi_analysis.charts.style import Look
from qi_analysis.report.html import (
    Html,
    PageFacts,
    render_card,
    render_facts,
    render_figure,
    render_index,
    render_notes,
    render_prose,
    render_quote,
    render_table,
)

OVERHEAD = 12 * 1024
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Reader(HTMLParser):
    """Every tag with its attributes and parents, and the words on the page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.words, self.open = [], "", []
        self.feed(str(page))
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs), tuple(self.open)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words += data

    def find(self, name):
        return [attrs for tag, attrs, _ in self.tags if tag == name]


def build_list():
    return render_index(build_entries(), PageFacts("Monthly reviews", FACTS.project, ()))


@pytest.fixture(scope="module", params=[build_page, build_list], ids=["review", "list of reviews"])
def page(request):
    return Reader(request.param())


@pytest.fixture(scope="module")
def review():
    return Reader(build_page())


def test_every_tag_is_closed(page):
    assert page.open == []


def test_the_head_says_language_title_and_policy(page):
    assert page.find("html") == [{"lang": "en-GB"}]
    assert len(page.find("title")) == 1
    assert {"http-equiv": "Content-Security-Policy", "content": POLICY} in page.find("meta")


def test_nothing_runs_and_nothing_is_fetched(page):
    assert not {"script", "link", "iframe", "object", "form", "base"} & {tag for tag, _, _ in page.tags}
    values = [(name, value) for _, attrs, _ in page.tags for name, value in attrs.items()]
    assert not [name for name, _ in values if name.startswith("on")]
    assert not [value for name, value in values if re.search(r"https?:|//|javascript:", value or "")]


def test_there_is_one_main_heading_one_main_part_and_a_way_past_the_links(page):
    assert len(page.find("h1")) == len(page.find("main")) == 1
    assert page.find("main")[0]["id"] == "content"
    assert page.find("a")[0] == {"class": "skip", "href": "#content"}


def test_headings_leave_out_no_level(page):
    levels = [int(tag[1]) for tag, _, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and np.diff(levels).max() <= 1


def test_ids_are_unique_and_links_inside_the_page_lead_somewhere(page):
    ids = [attrs["id"] for _, attrs, _ in page.tags if "id" in attrs]
    assert Counter(ids).most_common(1)[0][1] == 1
    inside = {attrs["href"] for _, attrs, _ in page.tags if attrs.get("href", "").startswith("#")}
    assert inside and inside <= {f"#{name}" for name in ids}


def test_synthetic_data_are_called_so_on_top(page):
    assert "Synthetic data. No real people" in re.sub(r"\s+", " ", page.words)
    assert "(synthetic data)" in page.words


def test_a_hostile_value_is_text(page):
    assert HOSTILE in page.words


def test_every_question_has_a_link(review):
    links = [attrs["href"] for tag, attrs, parents in review.tags if tag == "a" and "nav" in parents]
    assert links == [f"#page-{number}" for number in range(1, 7)]
    assert [attrs["id"] for attrs in review.find("section")] == [link[1:] for link in links]


def test_every_chart_has_a_role_and_words(review):
    charts = review.find("svg")
    assert len(charts) == 2
    assert all(chart["role"] == "img" and len(chart["aria-label"]) > 20 for chart in charts)


def test_every_chart_has_a_caption_and_its_numbers(review):
    parts = Counter(tag for tag, _, parents in review.tags if "figure" in parents)
    assert parts["figcaption"] == parts["details"] == parts["table"] == 2


def test_every_table_has_a_caption_and_headers_with_scope(review):
    tables = len(review.find("table"))
    assert tables == len(review.find("caption")) == 3
    assert {header.get("scope") for header in review.find("th")} == {"col", "row"}
    rows = [attrs for tag, attrs, parents in review.tags if tag == "th" and "tbody" in parents]
    assert len(rows) == 2 * 35 + 3


def test_whatever_can_be_scrolled_has_a_name_and_can_be_reached(review):
    regions = [attrs for _, attrs, _ in review.tags if "scroll" in attrs.get("class", "").split()]
    assert len(regions) == 5
    assert all(part["tabindex"] == "0" and part["role"] == "region" for part in regions)
    names = [part["aria-label"] for part in regions]
    assert len(set(names)) == len(names)
    assert len([attrs for _, attrs, _ in review.tags if "tabindex" in attrs]) == len(regions)


def test_code_logs_and_plain_forms_stay_out(review):
    for word in ("secret_path", "show_verdict", "log-line", "warning-line", "plain-form", "¶"):
        assert word not in review.words


def test_the_notebook_s_own_title_gives_way(review):
    assert review.words.count("Monthly review") == 2  # title and main heading
    assert "# Monthly" not in review.words


def test_an_error_in_a_notebook_shows_nothing():
    error = nbformat.v4.new_output("error", ename="ValueError", evalue="row 7", traceback=["row 7"])
    cell = nbformat.v4.new_code_cell("x", outputs=[error])
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("## A question"), cell])
    assert "row 7" not in build_exporter().from_notebook_node(book, {"review": FACTS})[0]


def test_the_analyst_edition_shows_code_and_is_not_for_forwarding():
    words = Reader(build_page(replace(FACTS, edition="analyst"))).words
    assert "Not for forwarding" in words and "secret_path = '/data/raw'" in words
    assert "log-line" not in words


def test_real_data_are_not_called_synthetic():
    words = Reader(build_page(replace(FACTS, data_kind="service"))).words
    assert "ynthetic" not in words


def test_names_in_the_head_are_escaped():
    hostile = replace(FACTS, title=HOSTILE, project=HOSTILE, contact=HOSTILE, entries=((HOSTILE, HOSTILE),))
    reader = Reader(build_page(hostile))
    assert not reader.find("script") and reader.words.count(HOSTILE) >= 6


def test_the_template_is_light():
    empty = build_exporter().from_notebook_node(nbformat.v4.new_notebook(), {"review": FACTS})[0]
    assert len(empty.encode()) <= OVERHEAD


def test_the_same_notebook_gives_the_same_page():
    assert build_page() == build_page()


def test_the_list_shows_newest_first_and_names_what_was_replaced():
    links = [attrs["href"] for tag, attrs, parents in Reader(build_list()).tags if tag == "a" and "li" in parents]
    assert links == ["2022-08/team.html"] + ["2022-07/team.html", "2022-07/plain.html"] * 2
    words = Reader(build_list()).words
    assert words.index("August 2022") < words.index("July 2022")
    assert "July 2022, revision 1 (replaced)" in words and "revision 2 (replaced)" not in words


def test_an_empty_list_says_so():
    assert "There is no review yet" in render_index([], PageFacts("Monthly reviews", "Project", ()))


def test_cells_are_put_into_words():
    frame = pd.DataFrame(
        {
            "Month": [pd.Timestamp("2022-08-01")],
            "People": [1234],
            "Mean": [4.25],
            "Share": ["58%"],
            "Known": [True],
            "Gap": [None],
        }
    )
    found = re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", render_table(frame, "Numbers"))
    assert found[6:] == ["1 August 2022", "1,234", "4.2", "58%", "yes", "not available"]


def test_columns_of_numbers_stand_to_the_right():
    frame = pd.DataFrame(
        {
            "Group": ["a", "b"],
            "Share": ["58%", "hidden to protect privacy"],
            "Range": ["1 to 2", "3"],
            "None": [None] * 2,
        }
    )
    assert re.findall(r'<th scope="col"([^>]*)>', render_table(frame, "Numbers")) == [
        "",
        ' class="n"',
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("frame", "caption"),
    [
        (pd.DataFrame(), "Numbers"),
        (pd.DataFrame({"": [1]}), "Numbers"),
        (pd.DataFrame({"Group": [1]}), " "),
    ],
)
def test_a_table_without_names_is_refused(frame, caption):
    with pytest.raises(ValueError):
        render_table(frame, caption)


def test_a_figure_takes_only_a_chart():
    for other in ("<img src=x>", "<svg ><script></script></svg>"):
        with pytest.raises(ValueError):
            render_figure(other, "Finding", "About", pd.DataFrame({"Month": ["May 2022"]}))


def test_every_word_in_a_fragment_is_escaped():
    chart = render_control_chart(build_chart_months(), Look("c", HOSTILE))
    pairs = [(HOSTILE, HOSTILE)]
    fragments = [
        render_table(pd.DataFrame({HOSTILE: [HOSTILE], "b": [HOSTILE]}), HOSTILE, HOSTILE),
        render_figure(chart, HOSTILE, HOSTILE, pd.DataFrame({HOSTILE: [HOSTILE]}), pairs),
        render_card(HOSTILE, HOSTILE, pairs, pairs),
        render_facts(pairs),
        render_notes([HOSTILE], HOSTILE),
        render_quote(HOSTILE, HOSTILE),
        render_prose(HOSTILE),
    ]
    assert not [fragment for fragment in fragments if "<script" in fragment]
    assert all(Reader(fragment).open == [] and HOSTILE in Reader(fragment).words for fragment in fragments)


def test_prose_is_markdown_without_html_or_unsafe_links():
    text = render_prose("**Bold** <b onclick=x>no</b> [here](javascript:alert(1)) [page](#page-2)")
    tags = Reader(text)
    assert tags.find("strong") and not tags.find("b")
    assert [link["href"] for link in tags.find("a")] == ["#harmful-link", "#page-2"]


def test_a_fragment_shows_itself_and_its_plain_form_holds_no_data():
    fragment = render_facts([("Now", "66%")])
    assert isinstance(fragment, Html) and isinstance(fragment, str)
    assert "66%" in fragment._repr_html_() and repr(fragment) == "<page fragment>"


def test_a_fragment_inside_a_fragment_stays_one():
    inner = render_prose("*a*")
    assert "<em>a</em>" in render_notes([inner])


def test_nothing_to_say_gives_nothing():
    assert render_notes([]) == ""

"""One executed notebook, three pages: who sees what, in which words, and all of them or none."""

import hashlib
import json
import re

import nbformat
import pytest
from service import change_notebook, go, shorten

from qi_analysis.errors import GateClosed
from qi_analysis.packs.share import LIMITS, build_sections, calculate_reading_age
from qi_analysis.report.editions import EDITIONS, choose_cells
from qi_analysis.report.trust import spell_digest

PERIOD = "2022-12"
TEAM, PLAIN, ANALYST = EDITIONS
BANNED = {  # report wording: what may not be said, and to whom; case does not matter
    "both": (
        r"drop-?outs?", r"non-compliant", r"refused", r"DNA'?d?", r"patients? failed", r"recently", r"significant(ly)?",
        r"huge", r"special cause", r"special-cause", r"cohort", r"completer", r"censored", r"coding drift", r"immature", r"NaN",
        r"(?-i:null)", r"excellent", r"e\.g\.", r"i\.e\.", r"etc", r"via", r"per annum",
    ),
    "plain": (
        r"denominator", r"numerator", r"sessions?", r"contacts?", r"PDSA", r"control limits?", r"baseline", r"balancing",
        r"intervention", r"provisional", r"settled", r"median", r"caseness", r"definition",
    ),
}  # fmt: skip
INITIALS = {"NHS", "CBT"}
LONGEST_SENTENCE = 14  # words, in the plain edition


@pytest.fixture(scope="module")
def published(published_two_years):
    """The pages and the manifest of a real review of 24 months, by edition."""
    places = published_two_years
    folder = places.reports / PERIOD
    pages = {one.name: (folder / one.page).read_text(encoding="utf-8") for one in EDITIONS}
    return pages, json.loads((folder / "manifest.json").read_text(encoding="utf-8")), places


def find_words(page):
    """Everything a reader sees or hears: text, and names and alt texts of parts."""
    body = re.sub(r"<style>.*?</style>", " ", page, flags=re.S)
    spoken = re.findall(r'aria-label="([^"]*)"', body)
    return " ".join([re.sub(r"<[^>]+>", " ", body), *spoken])


def find_ids(page):
    return re.findall(r'<section id="([^"]+)"', page)


def new_cell(kind, *tags):
    cell = nbformat.v4.new_markdown_cell("x") if kind == "text" else nbformat.v4.new_code_cell("x")
    cell.metadata.tags = list(tags)
    return cell


@pytest.mark.parametrize(
    ("kind", "tags", "shown"),
    [
        ("text", [], "team plain analyst"),
        ("text", ["page-1"], "team plain analyst"),
        ("text", ["page-4", "team"], "team analyst"),
        ("text", ["plain"], "plain"),
        ("text", ["analyst"], "analyst"),
        ("code", [], "team analyst"),
        ("code", ["parameters"], "team analyst"),
        ("code", ["team"], "team analyst"),
        ("code", ["plain"], "plain"),
        ("code", ["plain", "team"], "team plain analyst"),
        ("code", ["analyst"], "analyst"),
    ],
)
def test_tags_say_who_sees_a_cell(kind, tags, shown):
    book = nbformat.v4.new_notebook(cells=[new_cell(kind, *tags)])
    assert [one.name for one in EDITIONS if choose_cells(book, one).cells] == shown.split()
    assert len(book.cells) == 1


def test_each_edition_has_its_pages(published):
    pages, _, _ = published
    team = find_ids(pages["team"])
    assert [name for name in find_ids(pages["plain"]) if name in ("page-1", "page-2", "page-3", "page-6")] == [
        "page-1", "page-2", "page-3", "page-6",
    ]  # fmt: skip
    assert not {"page-4", "page-5", "page-7", "page-8", "page-13"} & set(find_ids(pages["plain"]))
    assert {"page-1", "page-13"} < set(team)
    assert find_ids(pages["analyst"]) == [*team, "page-checks"]


def test_only_the_analyst_edition_shows_code_and_what_it_was_made_from(published):
    pages, manifest, _ = published
    for name, page in pages.items():
        is_analyst = name == "analyst"
        assert ("pages.show_answer(review)" in page) == is_analyst
        assert ("Not for forwarding" in page) == is_analyst
        assert (spell_digest(manifest["settings"]["code"][:8]) in page) == is_analyst
    assert manifest["versions"]["pandas"] in pages["analyst"]


def test_the_manifest_names_every_page_with_its_digest(published):
    pages, manifest, _ = published
    assert manifest["editions"] == {one.name: one.page for one in EDITIONS}
    assert manifest["page_sha256"] == {
        one.page: hashlib.sha256(pages[one.name].encode()).hexdigest() for one in EDITIONS
    }


def test_the_list_of_reviews_links_every_edition_by_name(published):
    index = (published[2].reports / "index.html").read_text(encoding="utf-8")
    links = re.findall(rf'<a href="{PERIOD}/([^"]+)">([^<]+)</a>', index)
    assert [file for file, _ in links] == [TEAM.page, PLAIN.page, ANALYST.page, "results.csv"]
    assert dict(links)[ANALYST.page].startswith("Analyst edition, not for forwarding")


@pytest.mark.parametrize("tag", ["plain", "analyst"])
def test_all_editions_are_published_or_none(project, tag):
    shorten(project)
    cell = nbformat.v4.new_code_cell("from IPython.display import HTML\nHTML('<p>943 476 5919</p>')")
    cell.metadata.tags = [tag]
    change_notebook(project, lambda notebook: notebook.cells.append(cell))
    with pytest.raises(GateClosed):
        go(project)
    assert not list(project.reports.glob("2*"))


@pytest.mark.parametrize("edition", list(LIMITS))
def test_every_page_can_be_read_at_the_age_it_is_for(published, edition):
    ages = {name: calculate_reading_age(text) for name, text in build_sections(published[0][edition]).items()}
    assert ages and {name: age for name, age in ages.items() if age > LIMITS[edition]} == {}


@pytest.mark.parametrize("edition", list(LIMITS))
def test_banned_words_are_on_no_page(published, edition):
    banned = [*BANNED["both"], *BANNED.get(edition, ())]
    words = find_words(published[0][edition])
    assert [word for word in banned if re.search(rf"(?<![\w-]){word}(?![\w-])", words, re.I)] == []
    assert "!" not in words and "&amp;" not in words


def test_the_plain_edition_has_no_initials_but_two_that_it_explains(published):
    words = find_words(published[0]["plain"])
    assert set(re.findall(r"\b[A-Z]{2,}\w*\b", words)) == INITIALS
    assert "CBT is cognitive behavioural therapy" in words


def test_sentences_of_the_plain_edition_are_short(published):
    text = " ".join(build_sections(published[0]["plain"]).values())
    sentences = [sentence for sentence in re.split(r"(?<=[.!?]) ", text) if len(sentence.split()) > LONGEST_SENTENCE]
    assert sentences == []


def test_counts_in_the_plain_edition_are_rounded(published):
    row = r'<tr><th scope="row">[^<]+</th><td[^>]*>([^<]+)</td><td[^>]*>([^<]+)</td>'
    cells = [cell for pair in re.findall(row, published[0]["plain"]) for cell in pair]
    counts = [int(cell.replace(",", "")) for cell in cells if cell[0].isdigit()]
    assert len(counts) > 20 and all(count % 5 == 0 and count != 5 for count in counts)


def test_a_fingerprint_is_printed_in_letters_as_its_digits_could_be_the_number_of_a_contact():
    assert spell_digest("6c595a07") == "mclplagn"

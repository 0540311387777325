"""Reading age: which words count, and that hard words are harder than easy ones."""

import pytest

from qi_analysis.packs.share import build_sections, calculate_reading_age, describe_reading_age

EASY = "We can see it. It is not hard to read. The cat sat on the mat."
HARD = "Methodological considerations notwithstanding, probabilistic interpretations necessitate statistical sophistication."
PAGE = f"""<html><head><title>No</title><style>no</style></head><body><header><h1>No</h1></header><nav>No</nav>
<main id="content"><p>A day.</p><section id="one"><h2>Is it <em>good</em>?</h2><p>It is</p><dl><dt>Now</dt><dd>5 of 10</dd></dl>
<table><caption>No</caption><tr><td>No</td></tr></table><details><summary>No</summary><p>Yes.</p></details></section>
<section id="two"><svg><text>No</text></svg><ul><li>A</li><li>B.</li></ul><p>{HARD}</p></section></main><footer><p>No</p></footer></body></html>"""


def test_headings_sentences_items_and_pairs_count_and_tables_charts_and_links_do_not():
    assert build_sections(PAGE) == {
        "content": "A day.", "one": "Is it good? It is. Now: 5 of 10. Yes.", "two": f"A. B. {HARD}",
    }  # fmt: skip


@pytest.mark.parametrize(("text", "youngest", "oldest"), [(EASY, 5, 7), (HARD, 18, 60), ("", 5, 5)])
def test_age_of_known_texts(text, youngest, oldest):
    assert youngest <= calculate_reading_age(text) <= oldest


def test_the_line_for_the_editor_names_the_sections_that_are_too_hard():
    line = describe_reading_age(PAGE, "plain")
    assert line.startswith("Reading age of the plain edition: ") and "above 11 in two (" in line
    assert "no page above 14" in describe_reading_age(PAGE.replace(HARD, EASY), "team")

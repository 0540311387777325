"""The driver diagram after five years: legible, and every part with its own words."""

import re
from itertools import combinations

import pytest
from five_years import (
    build_team,
    draw_release,
)

from qi_analysis.charts.driver_diagram import NARROW, PAD, SIZE, SMALL, WIDE, build_parts, measure, render_parts, wrap
from qi_analysis.facts import DriverFacts
from qi_analysis.report import pages

HOSTILE = "<script>alert('x')</script>"


def read_words(fragment):
    """What a reader reads, with spaces put together."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", str(fragment))).replace("&#39;", "'").strip()


@pytest.fixture(scope="module")
def release():
    return draw_release(build_team())


def find_branches(release):
    return release.facts.team.drivers


@pytest.mark.parametrize("form", [WIDE, NARROW], ids=["wide", "narrow"])
def test_no_box_of_the_diagram_touches_another_and_no_word_leaves_its_box(release, form):
    parts = build_parts("Aim: more of the people who start complete it", find_branches(release), form)
    assert len(parts) > 1
    for part in parts:
        for a, b in combinations(part.boxes, 2):
            apart = a.x + a.width < b.x or b.x + b.width < a.x or a.y + a.height < b.y or b.y + b.height < a.y
            assert apart
        for box in part.boxes:
            room = box.width - 2 * PAD - (22 if box.status else 0)
            assert all(measure(line, SIZE) <= room for line in box.lines)
            assert all(measure(line, SMALL) <= room for line in box.small)
            assert box.y >= 0 and box.y + box.height <= part.height
            assert box.x >= 0 and box.x + box.width <= form.width


def test_the_list_beside_the_diagram_holds_every_idea(release):
    words = read_words(pages.show_tests(release))
    ideas = [idea.idea for one in find_branches(release) for idea in one.ideas]
    assert len(ideas) == 200 and [idea for idea in ideas if f"{idea}." not in words] == []


def test_alternative_text_is_short_and_every_part_has_its_own(release):
    texts = [re.search(r'aria-label="([^"]+)"', svg)[1] for _, svg in render_parts("Aim", find_branches(release))]
    assert len(set(texts)) == len(texts) and max(len(text.split()) for text in texts) < 60


@pytest.mark.filterwarnings("error")  # a warning stops the notebook of the review
@pytest.mark.parametrize(
    "text",
    ["ring \N{TELEPHONE RECEIVER} \u7535\u8bdd", "x" * 400, "word " * 200, "", "W" * 30 + " " + "i" * 90, HOSTILE * 9],
)
def test_any_text_fits(text):
    lines = wrap(text, 120, SIZE)
    assert len(lines) <= 5 and all(measure(line, SIZE) <= 120 for line in lines)


def test_drivers_without_ideas_and_an_empty_tree_are_drawn():
    (part,) = build_parts("Aim", [DriverFacts("People know", ())])
    assert part.branches[0][0].small == ("no idea yet",)
    assert build_parts("Aim", []) == []

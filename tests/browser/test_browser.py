"""Pages in a real browser. Needs the test extra (playwright, axe) and Chromium, Chrome or Edge."""

import pytest
from browser import check_page, find_overflow
from five_years import build_team, draw_release
from pack_example import build_pages, build_release, build_sources
from pages import FACTS, build_cells, build_entries, build_page

from qi_analysis.packs.share import share
from qi_analysis.record.team import TeamRecord
from qi_analysis.report import pages
from qi_analysis.report.html import PageFacts, render_index

FAULTY = """<!doctype html><html><head><title></title></head><body><h3>Faint</h3>
<p style="color:#ccc;background:#fff">Too faint to read</p><img src="https://example.org/a.png">
<div class="scroll" style="overflow:auto;width:200px"><div style="width:900px">wide</div></div>
<div style="width:900px">wide</div><table style="display:none"><tr><td>1</td></tr></table></body></html>"""


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    """What is found on each page, by name."""
    folder = tmp_path_factory.mktemp("pages")
    index = render_index(build_entries(), PageFacts("Monthly reviews", FACTS.project, ()))
    texts = {"review": build_page(), "list": index, "faulty": FAULTY} | build_records()
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    found = {name: check_page(folder / f"{name}.html") for name in texts}
    return found | {f"{name}, boxes": find_overflow(folder / f"{name}.html") for name in ("five years", "overfull")}


def build_records():
    """The pages of a record of 5 years, in the team's and the plain edition, and one box whose words run out of it."""
    release = draw_release(build_team())
    team = [pages.show_aim, pages.show_tests, pages.show_stories, pages.show_actions, pages.show_method, pages.show_new]
    plain = [pages.show_plain_tests, pages.show_plain_stories, pages.show_plain_new]
    overfull = '<svg class="tree"><rect width="20" height="20"/><text x="2" y="15">far too long</text></svg>'
    return {
        "five years": build_cells([page(release) for page in team]),
        "five years, plain": build_cells([page(release) for page in plain]),
        "overfull": overfull,
    }


@pytest.mark.parametrize("name", ["review", "list", "five years", "five years, plain"])
def test_a_page_has_no_finding_in_light_dark_narrow_or_print(problems, name):
    assert problems[name] == []


@pytest.mark.parametrize(
    "finding",
    [
        "light: color-contrast", "dark: color-contrast", "light: html-has-lang", "light: the page asked for https://example.org/a.png",
        "px wide on a 320 px screen", "cannot be scrolled by keyboard", "print: 1 charts or tables",
    ],
)  # fmt: skip
def test_the_check_finds_what_is_wrong(problems, finding):
    assert [problem for problem in problems["faulty"] if finding in problem]


@pytest.fixture(scope="module")
def shared(published_two_years, tmp_path_factory):
    """A review of 24 months, published for real, and the packs of it."""
    folder = tmp_path_factory.mktemp("packs")
    return {
        edition: share(published_two_years, "latest", edition, folder / edition).folder for edition in ("team", "plain")
    } | {"published": published_two_years.reports / "2022-12"}


@pytest.mark.parametrize(
    ("folder", "page"),
    [
        ("team", "report.html"), ("plain", "report.html"), ("plain", "print.html"),
        ("published", "completion_review_analyst.html"),
    ],
)  # fmt: skip
def test_a_published_review_has_no_finding(shared, folder, page):
    """The real pages of a real run, as they open from an attachment."""
    assert check_page(shared[folder] / page) == []


@pytest.mark.parametrize("record", ["full", "empty"])
@pytest.mark.parametrize("pack", ["handover", "welcome", "meeting"])
def test_a_pack_has_no_finding(tmp_path, pack, record):
    sources = build_sources(release=build_release()) if record == "full" else build_sources(TeamRecord())
    (tmp_path / "pack.html").write_text(build_pages(sources)[pack], encoding="utf-8")
    assert check_page(tmp_path / "pack.html") == []


def test_every_word_of_a_driver_diagram_stays_in_its_box(problems):
    assert problems["five years, boxes"] == []
    assert set(problems["overfull, boxes"]) == {"far too long"}

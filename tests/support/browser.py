"""A finished page opened in a real browser: nothing fetched, no accessibility finding, nothing cut off.

`check_page` returns problems in words; an empty list means the page is good. The browser is the one named in
QI_BROWSER, or Chromium or Chrome in a usual place. Nothing is asked of a network.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
EVERY_RULE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
RULES = {"light": EVERY_RULE, "dark": ["cat.color"]}  # between the two nothing but colours differs
NARROWEST, USUAL = 320, 1280


def find_browser() -> str | None:
    """The browser's file, or None when there is none. A file named in QI_BROWSER is taken as it is."""
    named = os.environ.get("QI_BROWSER")
    found = [shutil.which(name) for name in NAMES] + [place for place in PLACES if Path(place).exists()]
    return named or next((place for place in found if place), None)


def check_page(path: Path) -> list[str]:
    """Everything wrong with the page at `path` in light and dark, at usual width, at 320 px and on paper."""
    with _open_browser() as browser:
        return [
            problem
            for scheme in ("light", "dark")
            for check in (check_accessibility, check_width)
            for problem in check(browser, path, scheme)
        ] + check_print(browser, path)


def check_accessibility(browser: Browser, path: Path, scheme: str) -> list[str]:
    """Findings of axe with every table unfolded, and every request made while opening the page."""
    with _open_page(browser, path, scheme, USUAL) as (page, requests):
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES[scheme]}}).response["violations"]
        asked = [url for url in requests if not url.startswith(("file:", "data:"))]
    nodes = [(rule, node) for rule in found for node in rule["nodes"]]
    return [f"{scheme}: {rule['id']}: {rule['help']}: {node['html'][:120]}" for rule, node in nodes] + [
        f"{scheme}: the page asked for {url}" for url in asked
    ]


def check_width(browser: Browser, path: Path, scheme: str) -> list[str]:
    """Whether the page must be scrolled sideways at 320 px, or a wide part cannot be reached by keyboard."""
    with _open_page(browser, path, scheme, NARROWEST) as (page, _):
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        width = page.evaluate("document.documentElement.scrollWidth")
        stuck = page.evaluate(
            "[...document.querySelectorAll('.scroll')].filter(part => part.scrollWidth > part.clientWidth"
            " && (part.tabIndex !== 0 || !part.ariaLabel)).length"
        )
    wide = [f"{scheme}: the page is {width} px wide on a {NARROWEST} px screen"] if width > NARROWEST else []
    return wide + ([f"{scheme}: {stuck} wide parts cannot be scrolled by keyboard"] if stuck else [])


def check_print(browser: Browser, path: Path) -> list[str]:
    """Whether charts and folded tables are all on paper and nothing is wider than an A4 page."""
    with _open_page(browser, path, "light", 688) as (page, _):  # 182 mm: A4 without its margins
        page.emulate_media(media="print")
        hidden = page.evaluate(
            "[...document.querySelectorAll('table, .chart')].filter(part => !part.getClientRects().length"
            " || part.getBoundingClientRect().height < 1).length"
        )
        width = page.evaluate("document.documentElement.scrollWidth")
    problems = [f"print: {hidden} charts or tables are not on the page"] if hidden else []
    return problems + ([f"print: {width} px is wider than the page"] if width > 688 else [])


def find_overflow(path: Path) -> list[str]:
    """The texts of driver diagrams that lie in no box of their picture, as the browser draws them, wide and narrow."""
    script = """[...document.querySelectorAll('.tree text')].filter(text => text.getClientRects().length).filter(text => {
        const a = text.getBBox();
        return ![...text.ownerSVGElement.querySelectorAll('rect')].map(box => box.getBBox()).some(b =>
            a.x >= b.x && a.y >= b.y && a.x + a.width <= b.x + b.width && a.y + a.height <= b.y + b.height)
    }).map(text => text.textContent)"""
    found = list[str]()
    with _open_browser() as browser:
        for width in (USUAL, NARROWEST):
            with _open_page(browser, path, "light", width) as (page, _):
                found += page.evaluate(script)
    return found


@contextmanager
def _open_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def _open_page(browser: Browser, path: Path, scheme: str, width: int) -> Iterator[tuple[Page, list[str]]]:
    """The page with the network switched off, and the list of what it asked for."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True, bypass_csp=True
    )
    page, requests = context.new_page(), []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.resolve().as_uri())
    yield page, requests
    context.close()

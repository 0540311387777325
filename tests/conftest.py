"""What the whole run shares, made once for every worker: synthetic extracts and published reviews.

Fixtures that say `not to be changed` are read, or copied by the fixtures `project`, `service`, `after_june` and `after_july`.
"""

import os
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from browser import find_browser
from service import copy, copy_with, go, shorten

from qi_analysis.errors import DataProblem
from qi_analysis.extract.sample.generate import write_sample
from qi_analysis.storage import Places, hold_lock

MakeOnce = Callable[[str, Callable[[Path], object]], Path]


def pytest_collection_modifyitems(config, items):
    """The longest tests first, so that no worker waits for another at the end.

    Without a browser on the machine its tests are left out, aloud; where QI_BROWSER or CI is set they must run.
    """
    items.sort(key=lambda item: item.path.name != "test_whole.py")
    if find_browser() or os.environ.get("CI"):
        return
    left_out = [item for item in items if item.path.parent.name == "browser"]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
        print(f"\n{len(left_out)} browser tests are left out: no Chromium, Chrome or Edge is on this machine.")


@pytest.fixture(scope="session")
def make_once(tmp_path_factory) -> MakeOnce:
    """Make a folder, unless another worker has made it already or is making it now; then wait for that one."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"

    def make(name: str, write: Callable[[Path], object]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(hold_lock(shared / f"{name}.lock"))
                    break
                except DataProblem:
                    time.sleep(0.1)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                write(folder)
                done.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def small_extract(make_once) -> Path:
    """A synthetic extract of 7 months, January to July 2021. Not to be changed."""
    return make_once("extract", lambda folder: write_sample(folder, months=7))


@pytest.fixture(scope="session")
def shipped_extract(make_once) -> Path:
    """The synthetic extract as `qi sample` writes it: 30 months from January 2021. Not to be changed."""
    return make_once("shipped extract", write_sample)


@pytest.fixture
def project(tmp_path, small_extract) -> Places:
    """A project of one's own whose data/raw holds the small extract."""
    return copy_with(tmp_path / "service", small_extract)


@pytest.fixture(scope="session")
def published_june(make_once, small_extract) -> Places:
    """A project with the small extract that has published June 2021. Not to be changed."""
    return Places(make_once("june", lambda folder: go(copy_with(folder, small_extract), "2021-06")))


@pytest.fixture(scope="session")
def published_july(make_once, published_june) -> Places:
    """The same when it has published July too. Not to be changed."""
    return Places(make_once("july", lambda folder: go(copy(published_june, folder), "2021-07")))


@pytest.fixture(scope="session")
def short_june(make_once, small_extract) -> Places:
    """The same project after June, its notebooks cut to one page: enough where the page is not the point."""

    def publish(folder: Path) -> None:
        places = copy_with(folder, small_extract)
        shorten(places)
        go(places, "2021-06")

    return Places(make_once("short june", publish))


@pytest.fixture(scope="session")
def published_two_years(make_once) -> Places:
    """A project that has published December 2022 from 24 months. Not to be changed."""

    def publish(folder: Path) -> None:
        write_sample(folder.with_name("two years' extract"), months=24)
        go(copy_with(folder, folder.with_name("two years' extract")))

    return Places(make_once("two years", publish))


@pytest.fixture
def service(short_june, tmp_path) -> Places:
    """A project of one's own that has published June 2021 and whose notebooks are one page."""
    return copy(short_june, tmp_path / "service")


@pytest.fixture
def after_june(published_june, tmp_path) -> Places:
    """A project of one's own that has published June 2021."""
    return copy(published_june, tmp_path / "service")


@pytest.fixture
def after_july(published_july, tmp_path) -> Places:
    """A project of one's own that has published June and July 2021."""
    return copy(published_july, tmp_path / "service")

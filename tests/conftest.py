"""A small project of its own for tests that run the product: the record and notebooks as shipped, a short extract."""

import os
import shutil
from pathlib import Path

import pytest
from browser import find_browser

from qi_analysis.extract.sample.generate import write_sample
from qi_analysis.storage import Places

ROOT = Path(__file__).parents[1]


def pytest_collection_modifyitems(config, items):
    """Without a browser on the machine its tests are left out, aloud; where QI_BROWSER or CI is set they must run."""
    if find_browser() or os.environ.get("CI"):
        return
    left_out = [item for item in items if item.path.name == "test_browser.py"]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
        print(f"\n{len(left_out)} browser tests are left out: no Chromium, Chrome or Edge is on this machine.")


def copy_project(folder: Path) -> Places:
    """The shipped record and notebooks in a new folder, with empty data and reports folders."""
    for name in ("project", "notebooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for name in ("data/raw", "data/processed", "reports"):
        (folder / name).mkdir(parents=True)
    return Places(folder)


@pytest.fixture(scope="session")
def small_extract(tmp_path_factory) -> Path:
    """A synthetic extract of 7 months, January to July 2021."""
    folder = tmp_path_factory.mktemp("extract")
    write_sample(folder, months=7)
    return folder


@pytest.fixture
def project(tmp_path, small_extract) -> Places:
    """A project whose data/raw holds the small extract."""
    places = copy_project(tmp_path / "service")
    for path in small_extract.iterdir():
        shutil.copy(path, places.raw / path.name)
    return places

"""Synthetic extracts and projects that the whole run shares, and what is left out where there is no browser."""

import os
from pathlib import Path

import pytest
from browser import find_browser
from service import copy_with

from qi_analysis.extract.sample.generate import write_sample
from qi_analysis.storage import Places


def pytest_collection_modifyitems(config, items):
    """Without a browser on the machine its tests are left out, aloud; where QI_BROWSER or CI is set they must run."""
    if find_browser() or os.environ.get("CI"):
        return
    left_out = [item for item in items if item.path.parent.name == "browser"]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
        print(f"\n{len(left_out)} browser tests are left out: no Chromium, Chrome or Edge is on this machine.")


@pytest.fixture(scope="session")
def small_extract(tmp_path_factory) -> Path:
    """A synthetic extract of 7 months, January to July 2021."""
    folder = tmp_path_factory.mktemp("extract")
    write_sample(folder, months=7)
    return folder


@pytest.fixture
def project(tmp_path, small_extract) -> Places:
    """A project whose data/raw holds the small extract."""
    return copy_with(tmp_path / "service", small_extract)

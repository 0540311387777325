"""A small project of its own for tests that run the product: the record and notebooks as shipped, a short extract."""

import shutil
from pathlib import Path

import pytest

from qi_analysis.places import Places
from qi_analysis.sample import write_sample

ROOT = Path(__file__).parents[1]


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

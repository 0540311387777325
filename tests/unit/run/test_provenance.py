"""The digests that decide "nothing new": what can move a page changes them, and nothing else does."""

import json
import shutil

import pytest

from qi_analysis.run import provenance
from qi_analysis.run.provenance import digest_code, digest_notebooks
from qi_analysis.storage import PACKAGE, Places

MODULE = '"""What it is for."""\n\n\ndef double(number: int) -> int:\n    """Twice."""\n    return 2 * number\n'


@pytest.fixture
def places(tmp_path, monkeypatch) -> Places:
    """A project, and beside it a package of three modules."""
    package = tmp_path / "package"
    for name in ("measures", "gate"):
        (package / name).mkdir(parents=True)
        (package / name / "one.py").write_text(MODULE)
    (package / "definitions").mkdir()
    (package / "definitions" / "list.csv").write_text("code\n46\n")
    (tmp_path / "data" / "processed").mkdir(parents=True)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(provenance, "PACKAGE", package)
    return Places(tmp_path)


def digest_after(places, file, old, new) -> str:
    path = places.root / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    provenance._digest_meanings.cache_clear()
    return digest_code(places)


@pytest.mark.parametrize(
    "file, old, new, is_new",
    [
        ("package/measures/one.py", "2 * number", "3 * number", True),
        ("package/measures/one.py", "double", "twice", True),
        ("package/definitions/list.csv", "46", "47", True),
        ("package/measures/one.py", "    return", "    # why\n    return", False),
        ("package/measures/one.py", "Twice.", "Two times as many.", False),
        ("package/measures/one.py", "What it is for.", "Its purpose.", False),
        ("package/measures/one.py", "2 * number", "(2\n        * number)", False),
        ("package/gate/one.py", "2 * number", "3 * number", False),
    ],
)
def test_what_can_move_a_page_changes_the_digest_of_the_code(places, file, old, new, is_new):
    before = digest_code(places)
    assert (digest_after(places, file, old, new) != before) is is_new


def test_the_code_is_read_once_after_each_change(places, monkeypatch):
    before = digest_code(places)
    monkeypatch.setattr(provenance, "_digest_meanings", None)
    assert digest_code(places) == before


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}'])
def test_a_damaged_note_of_it_changes_nothing(places, text):
    before = digest_code(places)
    (places.processed / provenance.CODE).write_text(text)
    assert digest_code(places) == before


def test_where_no_note_can_be_kept_the_digest_is_the_same(places, monkeypatch):
    def refuse(path, text):
        raise PermissionError(13, "no leave")

    before = digest_code(places)
    (places.processed / provenance.CODE).unlink()
    monkeypatch.setattr(provenance, "write_whole", refuse)
    assert digest_code(places) == before


def test_every_part_that_moves_no_page_is_there():
    found = [name for name in provenance.MOVES_NO_PAGE if name != "shipped" and not (PACKAGE / name).exists()]
    assert found == []


def write_notebook(places, source="show()", tags=("team",), metadata=None, outputs=()) -> str:
    cell = {"cell_type": "code", "source": [source], "metadata": {"tags": list(tags)}, "outputs": list(outputs)}
    text = json.dumps({"cells": [cell], "metadata": metadata or {}})
    (places.notebooks / "02.ipynb").write_text(text)
    return digest_notebooks(places)


def test_what_a_notebook_shows_changes_its_digest_and_what_jupyterlab_notes_in_it_does_not(places):
    before = write_notebook(places)
    assert write_notebook(places, metadata={"kernelspec": {"name": "mine"}}) == before
    assert write_notebook(places, outputs=[{"text": "3"}]) == before
    assert write_notebook(places, source="show_more()") != before
    assert write_notebook(places, tags=("plain",)) != before


def test_a_notebook_that_cannot_be_read_has_a_digest_too(places):
    before = write_notebook(places)
    (places.notebooks / "02.ipynb").write_text("no notebook")
    assert digest_notebooks(places) != before
    shutil.rmtree(places.notebooks)

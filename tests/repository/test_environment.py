"""One list of packages: pyproject.toml. The locks hold all of it with hashes, environment.yml only points at them."""

import re
import tomllib

import pytest
from repository import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CARD = {"jupyterlab", "pandas", "seaborn", "papermill", "nbconvert", "pytest"}


def names(lines) -> set[str]:
    found = (re.match(r"[A-Za-z0-9][\w.-]*", line) for line in lines)
    return {hit[0].lower().replace("_", "-") for hit in found if hit}


def read_lock(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text()
    pins = re.findall(r"^([\w.-]+)==([\w.]+)", text, flags=re.M)
    return dict(pins)


@pytest.mark.parametrize(("lock", "extras"), [("run.txt", []), ("test.txt", ["test"]), ("lab.txt", ["lab"])])
def test_each_lock_holds_what_pyproject_asks_for(lock, extras):
    wanted = names(PROJECT["dependencies"])
    for extra in extras:
        wanted |= names(PROJECT["optional-dependencies"][extra])
    assert wanted <= set(read_lock(lock))


@pytest.mark.parametrize("lock", ["run.txt", "test.txt", "lab.txt"])
def test_every_pin_of_a_lock_has_a_hash(lock):
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements" / lock).read_text().strip())
    assert blocks and all("--hash=sha256:" in block for block in blocks)


def test_the_locks_agree_with_each_other_and_the_run_leaves_jupyterlab_out():
    run, test, lab = (read_lock(name) for name in ("run.txt", "test.txt", "lab.txt"))
    for other in (test, lab):
        assert {name: other[name] for name in run} == run
    assert "jupyterlab" not in run and "jupyterlab" in lab


def test_pins_meet_the_ranges_of_pyproject():
    lock = read_lock("test.txt") | read_lock("lab.txt")
    every = [
        *PROJECT["dependencies"],
        *PROJECT["optional-dependencies"]["test"],
        *PROJECT["optional-dependencies"]["lab"],
    ]
    for line in every:
        name = re.match(r"[\w.-]+", line)[0].lower().replace("_", "-")
        for sign, bound in re.findall(r"(>=|<)([\d.]+)", line):
            have, want = (tuple(int(n) for n in text.split(".")[:3]) for text in (lock[name], bound))
            assert have >= want if sign == ">=" else have < want, line


def test_environment_yml_points_at_the_lock_and_holds_no_version_but_pythons():
    text = (ROOT / "environment.yml").read_text()
    assert f"python{PROJECT['requires-python']}" in text
    assert "-r requirements/lab.txt" in text
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert re.findall(r"[=<>]=?\s*\d[\d.]*", body) == [">=3.11"]


def test_the_design_cards_packages_are_all_there():
    assert set(read_lock("test.txt")) | set(read_lock("lab.txt")) >= CARD


def test_no_file_of_the_environment_names_a_host():
    files = [
        ROOT / "pyproject.toml",
        ROOT / "environment.yml",
        ROOT / "Makefile",
        *(ROOT / "requirements").iterdir(),
    ]
    for path in files:
        assert "://" not in path.read_text(), path.name

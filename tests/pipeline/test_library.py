"""The library as it is used: a blank notebook in a folder of its own, and the package installed without a clone."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from repository import ROOT

LINES = """import qi_analysis as qi
project = qi.open_project({folder!r})
chart = project.chart("li_completion")
chart.table.tail(3)
chart"""


def test_a_blank_notebook_gets_from_extract_to_chart_in_five_lines(project, tmp_path):
    away = tmp_path / "somewhere else"
    away.mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(LINES.format(folder=str(project.root)))])
    NotebookClient(notebook, resources={"metadata": {"path": str(away)}}, kernel_name="python3").execute()
    shown = notebook.cells[0].outputs[-1].data
    assert shown["image/svg+xml"].startswith("<svg ") and "<svg " in shown["text/html"]
    assert shown["text/plain"] == "<chart of li_completion, 7 months, synthetic data>"


def run_python(folder: Path, *words: str, packages: Path | None = None) -> str:
    """What a command of this Python prints, in a folder; packages: where the package is installed."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env = own | ({"PYTHONPATH": str(packages)} if packages else {})
    done = subprocess.run([sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> Path:
    """The folder into which the package's own wheel was installed."""
    folder = tmp_path_factory.mktemp("packages")
    pip = ("-m", "pip", "--quiet", "--disable-pip-version-check")
    run_python(ROOT, *pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), ".")
    run_python(
        folder, *pip, "install", "--no-deps", "--target", str(folder / "installed"), *map(str, folder.glob("*.whl"))
    )
    return folder / "installed"


def test_installed_without_a_clone_it_makes_a_project_and_a_review(packages, tmp_path):
    place = run_python(tmp_path, "-c", "import qi_analysis; print(qi_analysis.__file__)", packages=packages)
    assert place.startswith(str(packages))
    qi = ("-m", "qi_analysis")
    run_python(tmp_path, *qi, "init", "service", packages=packages)
    run_python(tmp_path, *qi, "sample", "--months", "7", "--project", "service", packages=packages)
    told = run_python(tmp_path, *qi, "run", "--project", "service", packages=packages)
    assert "July 2021: " in told
    assert (tmp_path / "service" / "reports" / "2021-07" / "completion_review.html").exists()
    assert "nothing new" in run_python(tmp_path / "service", *qi, "run", packages=packages)

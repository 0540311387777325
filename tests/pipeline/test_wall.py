"""The wall: the review's notebook sees its release and no other data, whatever it tries, or nothing is published."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from service import REVIEW, add_cell, change_notebook, go, read_all

from qi_analysis.errors import RunFailed
from qi_analysis.run.notebooks import run_notebook
from qi_analysis.run.wall import Wall
from qi_analysis.storage import Places

ROWS = tuple(f"qi_analysis.{name}" for name in ("extract", "measures", "disclosure", "answers", "benchmark", "packs"))
BACK = "../../../.."  # from the release, where the notebook runs, to the project
RAW = f"{BACK}/data/raw/IDS001MPI.csv"
ROWS_OF_JULY = f"{BACK}/data/processed/2021-07"
REACHES = {
    "a raw file": f"open('{RAW}').read()",
    "a raw file by pandas": f"import pandas as pd\npd.read_csv('{RAW}')",
    "a raw file by its number": f"import os\nos.open('{RAW}', os.O_RDONLY)",
    "a raw file past a folder's number": (
        f"import os\nabove = os.open('{BACK}/data', os.O_RDONLY)\nos.open('raw/IDS001MPI.csv', os.O_RDONLY, dir_fd=above)"
    ),
    "a raw file past the folder above the project": f"import os\nos.open('{BACK}/..', os.O_RDONLY)",
    "a raw file by the way of the machine": f"open('/proc/self/cwd/{RAW}').read()",
    "the names of raw files": f"import os\nos.listdir('{BACK}/data/raw')",
    "the names of raw files by pathlib": f"from pathlib import Path\nlist(Path('{BACK}/data/raw').iterdir())",
    "a raw file moved": f"import os\nos.rename('{RAW}', 'here.csv')",
    "a raw file copied": f"import shutil\nshutil.copy('{RAW}', 'here.csv')",
    "a second name for it": f"import os\nos.link('{RAW}', 'here.csv')",
    "the folder of another data": f"import os\nos.chdir('{BACK}/data/raw')",
    "rows of the workshop": f"import pandas as pd\npd.read_parquet('{ROWS_OF_JULY}/pathways.parquet')",
    "exact results": f"open('{ROWS_OF_JULY}/results.csv').read()",
    "rows by pyarrow": f"import pyarrow.parquet as pq\npq.read_table('{ROWS_OF_JULY}/pathways.parquet')",
    "rows by pyarrow, loaded anew": "import sys\ndel sys.modules['pyarrow']\nimport pyarrow",
    "the workshop": "from qi_analysis.api import load_workshop\nload_workshop(period)",
    "the workshop's module": "import qi_analysis.answers.workshop",
    "the reader of extracts": "from qi_analysis.extract.sources import read_extract",
    "memory": "import gc, pandas as pd\n[one for one in gc.get_objects() if isinstance(one, pd.DataFrame)]",
    "memory of the run": "import os\nopen(f'/proc/{os.getppid()}/mem', 'rb')",
    "a command": f"import os\nos.system('cat {RAW}')",
    "a command of IPython": f"get_ipython().system('cat {RAW}')",
    "another process": f"import subprocess\nsubprocess.run(['cat', '{RAW}'], capture_output=True)",
    "a fork": "import os\nos.fork()",
    "another process by multiprocessing": (
        "import multiprocessing as mp\nmp.get_context('spawn').Process(target=print).start()"
    ),
    "another library": "import ctypes\nctypes.CDLL(None)",
    "the library of Python": "import ctypes\nctypes.pythonapi.system",
    "another interpreter": "import _xxsubinterpreters",
    "the release itself, to change it": "open('facts.json', 'a')",
    "a published page": f"open('{BACK}/reports/index.html', 'w')",
}


def run_behind(places, folder: Path, *sources: str):
    """The review's first cells and then these, each a cell, behind the wall of July's review."""
    wall = Wall(*map(str, (places.root, places.raw, places.release("2021-07"), folder / "refused")))
    path = folder / REVIEW
    notebook = nbformat.read(places.notebooks / REVIEW, 4)
    first = next(place for place, cell in enumerate(notebook.cells) if "load_review" in cell.source)
    notebook.cells = notebook.cells[: first + 1] + [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(notebook, path)
    (folder / "run").mkdir()
    return run_notebook(path, folder / "run", {"period": "2021-07"}, wall, 60)


@pytest.fixture(scope="module")
def answers(published_july, tmp_path_factory):
    """name -> how each reach ended, all tried in one kernel that hides every error; the run must fail all the same."""
    folder = tmp_path_factory.mktemp("answers")
    note = f"with_it = {{}}\nsources = {REACHES!r}"
    attempt = (
        "for name, source in sources.items():\n"
        "    try:\n        exec(source, globals())\n        with_it[name] = 'reached'\n"
        "    except BaseException as error:\n        with_it[name] = type(error).__name__"
    )
    before = read_all(published_july.root)
    with pytest.raises(RunFailed, match="reached for more than its release"):
        run_behind(published_july, folder, note, attempt, "import json\nprint(json.dumps(with_it))")
    assert read_all(published_july.root) == before
    said = nbformat.read(folder / "run" / REVIEW, 4).cells[-1].outputs
    return json.loads(said[0].text)


@pytest.mark.parametrize("name", REACHES)
def test_the_review_cannot_reach(answers, name):
    assert answers[name] in ("PermissionError", "ImportError", "ModuleNotFoundError")


@pytest.mark.parametrize("name", ["the workshop's module", "the reader of extracts"])
def test_a_module_it_cannot_reach_is_there_outside_the_wall(name):
    exec(REACHES[name], {})


def test_its_own_release_and_what_is_drawn_from_it_are_open(published_july, tmp_path):
    source = "from qi_analysis.report import pages\nopen('facts.json').read()\npages.show_leaving(load_review(period))"
    assert run_behind(published_july, tmp_path, source).cells[-1].outputs


def test_another_release_is_not_open(published_july, tmp_path):
    assert published_july.release("2021-06").is_dir()
    with pytest.raises(RunFailed, match="reached for more"):
        run_behind(published_july, tmp_path, "load_review('2021-06')")


def test_no_row_is_in_its_memory_even_without_the_hook(published_july, tmp_path):
    source = "import sys\nassert not {'qi_analysis.answers.workshop', 'qi_analysis.extract.clean', 'pyarrow.lib'} & set(sys.modules)"
    assert run_behind(published_july, tmp_path, source)


@pytest.mark.parametrize("asked", ["the link", "where it leads"])
@pytest.mark.parametrize("linked", ["the folder", "each file"])
def test_links_to_raw_data_elsewhere_are_no_way_round(published_july, tmp_path, linked, asked):
    places = Places(tmp_path / "service")
    shutil.copytree(published_july.root, places.root)
    elsewhere = tmp_path / "a share"
    shutil.move(places.raw, elsewhere)
    if linked == "the folder":
        places.raw.symlink_to(elsewhere)
    else:
        places.raw.mkdir()
        for path in elsewhere.iterdir():
            (places.raw / path.name).symlink_to(path)
    folder = places.raw if asked == "the link" else elsewhere
    with pytest.raises(RunFailed, match="reached for more"):
        run_behind(places, tmp_path, f"open({str(folder / 'IDS001MPI.csv')!r}).read()")


def test_a_run_whose_review_reaches_over_the_wall_publishes_nothing(service):
    before = read_all(service.reports)
    change_notebook(service, add_cell(f"try:\n    open('{RAW}').read()\nexcept BaseException:\n    pass"))
    with pytest.raises(RunFailed, match="reached for more"):
        go(service, "2021-07")
    assert read_all(service.reports) == before


def test_the_process_it_comes_from_loads_nothing_that_knows_rows():
    code = "import sys, qi_analysis.run.warm_server as r; r.load_libraries(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "qi_analysis.report.pages" in loaded
    assert [name for name in loaded if name.startswith(ROWS)] == []
    assert not any(name.startswith("pyarrow.") for name in loaded)


def test_a_new_interpreter_behind_the_wall_does_the_same(published_july, tmp_path, monkeypatch):
    monkeypatch.setattr("qi_analysis.run.kernels.CAN_FORK", False)  # as on Windows and macOS
    (tmp_path / "good").mkdir()
    assert run_behind(published_july, tmp_path / "good", "review.facts.period").cells
    (tmp_path / "bad").mkdir()
    with pytest.raises(RunFailed, match="reached for more"):
        run_behind(published_july, tmp_path / "bad", REACHES["a raw file"])


def test_a_program_that_was_not_installed_anew_says_so(published_july, tmp_path, monkeypatch):
    monkeypatch.setattr("qi_analysis.run.kernels.CAN_FORK", True)
    monkeypatch.setattr("qi_analysis.run.kernels.entry_points", lambda **_: [])
    with pytest.raises(RunFailed, match="has changed since it was installed here. Run make review"):
        run_behind(published_july, tmp_path, "review.facts.period")

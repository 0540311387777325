"""What a run costs in CPU seconds, against papermill and nbconvert as two commands on the same notebook.

    python benchmarks/runs.py                # one month, cold start to published, and `qi --help`
    python benchmarks/runs.py --all          # 24 months side by side against 24 such pairs

Each command is a fresh process; its CPU seconds are user and system time of the process and its children. Commands
take turns, so that a ratio holds when the machine's speed drifts. Needs the package installed (`make review`).
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from qi_analysis.extract.sample.generate import write_sample

ROOT = Path(__file__).parents[1]
NOTEBOOK = "notebooks/02_completion_review.ipynb"
BIN = Path(sys.executable).parent


def cpu_seconds(command: list[str], folder: Path) -> float:
    """User and system seconds of a command and its children."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}")
    return used.ru_utime + used.ru_stime


def build_project(folder: Path, months: int) -> Path:
    """The shipped record and notebooks with a synthetic extract."""
    for name in ("project", "notebooks"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("data/processed", "reports"):
        (folder / name).mkdir(parents=True)
    (folder / "data" / "raw").mkdir()
    write_sample(folder / "data" / "raw", months=months)
    return folder


def forget(project: Path) -> None:
    """As before the first run: nothing published, nothing stored."""
    for name in ("data/processed", "reports"):
        shutil.rmtree(project / name)
        (project / name).mkdir()


def run_pair(project: Path, period: str) -> float:
    """papermill, then nbconvert on the notebook it executed."""
    out = project / "executed.ipynb"
    first = [str(BIN / "papermill"), NOTEBOOK, str(out), "-p", "period", period, "--cwd", str(project)]
    second = [str(BIN / "jupyter"), "nbconvert", "--to", "html", str(out)]
    return cpu_seconds(first, project) + cpu_seconds(second, project)


def report(name: str, ours: list[float], theirs: list[float], times: int = 1) -> None:
    """Medians and their ratio."""
    a, b = statistics.median(ours), times * statistics.median(theirs)
    print(f"{name}: ours {a:.2f} CPU s, the two commands {b:.2f} CPU s, ratio {a / b:.2f}")


def measure_one_month(project: Path, repeats: int) -> None:
    first, again, pairs = [], [], []
    for _ in range(repeats):
        forget(project)
        first.append(cpu_seconds([str(BIN / "qi"), "run", "2022-12"], project))
        shutil.rmtree(project / "reports" / "2022-12")
        (project / "data" / "processed" / ".seen.json").unlink()
        again.append(cpu_seconds([str(BIN / "qi"), "run", "2022-12"], project))
        pairs.append(run_pair(project, "2022-12"))
    report("one month, nothing stored yet", first, pairs)
    report("one month, published figures stored", again, pairs)
    log = max((project / "data" / "processed" / "logs").iterdir())
    print("stages (seconds by the clock):")
    for line in log.read_text(encoding="utf-8").splitlines():
        print("  ", line.split(" ", 2)[2])


def measure_all(project: Path, repeats: int) -> None:
    ours, pairs = [], []
    for _ in range(repeats):
        forget(project)
        ours.append(cpu_seconds([str(BIN / "qi"), "run", "--all"], project))
        pairs += [run_pair(project, "2022-12"), run_pair(project, "2022-06")]
    report("24 months", ours, pairs, 24)
    print(f"24 months again, nothing new: {cpu_seconds([str(BIN / 'qi'), 'run', '--all'], project):.2f} CPU s")


def measure_start(repeats: int) -> None:
    helps = [cpu_seconds([str(BIN / "qi"), "--help"], ROOT) for _ in range(3 * repeats)]
    imports = [cpu_seconds([sys.executable, "-c", "import typer"], ROOT) for _ in range(3 * repeats)]
    report("qi --help against importing typer", helps, imports)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="24 months side by side")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="qi-bench-") as folder:
        project = build_project(Path(folder), 24)
        if asked.all:
            measure_all(project, asked.repeats)
        else:
            measure_one_month(project, asked.repeats)
            measure_start(asked.repeats)


if __name__ == "__main__":
    main()

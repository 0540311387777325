"""How time and memory grow with the extract, beside a hand-written DuckDB query on the same files.

    python -m pip install duckdb
    python benchmarks/scaling.py --folder /a/disk/with/4/GB/free

Sizes 1, 10 and 100 of the synthetic extract (16,000, 160,000 and 1.6 million referrals; 2.5 GB of CSV at size 100)
are written to the folder if they are not there. Both run in fresh processes on two cores, by turns.
benchmarks/README.md tells what is measured and what came out.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORES = 2
GIGABYTE = 1 << 30
OURS, YARDSTICK = "qi_analysis", "duckdb"
Figures = dict[str, float]  # stage -> seconds, and "memory" -> gigabytes at the peak

sys.path.insert(0, str(ROOT))


def measure_ours(folder: Path) -> Figures:
    """Seconds for reading, cleaning, pathways and results of the last month, and the peak of memory."""
    from qi_analysis.extract.clean import build_tables
    from qi_analysis.extract.sources import read_extract
    from qi_analysis.measures.pathways import build_pathways
    from qi_analysis.measures.results import build_results
    from qi_analysis.periods import period_of
    from qi_analysis.record.read_settings import read_record

    record = read_record(ROOT / "project")
    clock = [time.perf_counter()]
    extract = read_extract(folder, record.columns)
    clock.append(time.perf_counter())
    tables, _ = build_tables(extract, record)
    clock.append(time.perf_counter())
    pathways = build_pathways(tables, record.completion, tables.extract_date)
    clock.append(time.perf_counter())
    build_results(pathways, record.completion, period_of(tables.extract_date))
    clock.append(time.perf_counter())
    seconds = [after - before for before, after in zip(clock, clock[1:], strict=False)]
    return dict(zip(("read", "clean", "pathways", "results"), seconds, strict=True)) | {"memory": _find_peak()}


def measure_yardstick(folder: Path) -> Figures:
    """Seconds and peak memory of yardstick.sql."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads = {CORES}")
    connection.execute("SET VARIABLE folder = ?", [str(folder)])
    began = time.perf_counter()
    connection.execute((ROOT / "benchmarks" / "yardstick.sql").read_text(encoding="utf-8")).fetchall()
    return {"query": time.perf_counter() - began, "memory": _find_peak()}


def _find_peak() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIGABYTE


def run_alone(name: str, folder: Path) -> Figures:
    """The figures of one run in a process of its own."""
    command = [sys.executable, __file__, "--alone", name, "--folder", str(folder)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def total(figures: Figures) -> float:
    """All seconds of a run."""
    return sum(value for name, value in figures.items() if name != "memory")


def print_size(size: int, folder: Path, rounds: int) -> float:
    """Measure one size by turns, print the quickest round of each, and give our seconds."""
    from qi_analysis.extract.sample.generate import write_sample

    if not (folder / "IDS607CodedScoreActivity.csv").exists():
        write_sample(folder, size=size)
    runs: dict[str, list[Figures]] = {OURS: [], YARDSTICK: []}
    for _ in range(rounds):
        for name, done in runs.items():
            done.append(run_alone(name, folder))
    best = {name: min(done, key=total) for name, done in runs.items()}
    for name, figures in best.items():
        stages = ", ".join(f"{stage} {value:.2f} s" for stage, value in figures.items() if stage != "memory")
        print(f"size {size:>3}  {name:<12} {total(figures):7.2f} s  {figures['memory']:5.2f} GB  ({stages})")
    print(f"size {size:>3}  ratio        {total(best[OURS]) / total(best[YARDSTICK]):7.2f}", flush=True)
    return total(best[OURS])


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and memory against the size of the extract.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "qi_scaling")
    parser.add_argument("--alone", choices=[OURS, YARDSTICK], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        print(json.dumps(measure_ours(given.folder) if given.alone == OURS else measure_yardstick(given.folder)))
        return
    if hasattr(os, "sched_setaffinity"):  # the processes that are started keep to the same cores
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    seconds = {size: print_size(size, given.folder / f"s{size}", given.rounds) for size in given.sizes}
    for small, large in zip(given.sizes, given.sizes[1:], strict=False):
        print(f"{small}x -> {large}x: {seconds[large] / seconds[small]:.1f} times the seconds")


if __name__ == "__main__":
    main()

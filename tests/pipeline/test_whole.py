"""Staying whole: whatever ends a run, the last good report stands, and the next run makes what was to be made."""

import errno
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from breaking import KILLED, be_killed, find_disk_full, run_until
from repository import ROOT
from service import copy, copy_with, go, qi, read_all

from qi_analysis.errors import DataProblem, describe_disk
from qi_analysis.run import batch as runs
from qi_analysis.run.publish import read_published
from qi_analysis.run.review import prepare
from qi_analysis.storage import UNLOCKED, Places, hold_lock

JUNE, JULY = "2021-06", "2021-07"
LAST = 18  # moments in which reports and the notes of a run are written
EVERY_KILL, EVERY_FULL = 13, 14


@pytest.fixture(scope="module")
def wanted(short_june, tmp_path_factory) -> tuple[dict[str, bytes], int]:
    """What reports holds after a July run that nothing disturbed, and how many moments that run has."""
    places = copy(short_june, tmp_path_factory.mktemp("wanted") / "service")
    code, moments = run_until(places, JULY, 0, be_killed)
    assert code == 0 and moments > 60
    return read_all(places.reports), moments


def check_standing(places, before: dict[str, bytes]) -> None:
    """June is as it was, and what looks published can be read."""
    now = read_all(places.reports)
    assert {name: now.get(name) for name in before if name.startswith(JUNE)} == {
        name: text for name, text in before.items() if name.startswith(JUNE)
    }
    published = read_published(places.reports)
    assert set(published) in ({JUNE}, {JUNE, JULY})
    folders = {path.name for path in places.reports.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert folders == set(published)
    for revisions in published.values():
        assert sorted(p.name for p in revisions[-1].folder.iterdir()) == [
            "completion_review.html", "completion_review_analyst.html", "completion_review_plain.html", "manifest.json",
            "results.csv", "verdict.json",
        ]  # fmt: skip
    assert (places.reports / "index.html").read_text().rstrip().endswith("</html>")


def check_clean(places, wanted: dict[str, bytes]) -> None:
    """Everything is published as if nothing had happened, and nothing half-made is left anywhere."""
    assert read_all(places.reports) == wanted
    assert [path for path in places.root.rglob("*") if path.name.endswith(".building")] == []


def test_killed_again_and_again_before_anything_is_published_the_next_run_is_whole(service, wanted):
    expected, moments = wanted
    before = read_all(service.reports)
    for moment in range(1, moments - LAST, EVERY_KILL):
        code, _ = run_until(service, JULY, moment, be_killed)
        assert code == KILLED
        assert read_all(service.reports) == before, moment
    go(service, JULY)
    check_clean(service, expected)


@pytest.mark.parametrize("back", range(0, LAST, 3))
def test_killed_while_it_publishes_the_last_good_report_stands_and_the_next_run_is_whole(service, wanted, back):
    expected, moments = wanted
    before = read_all(service.reports)
    code, _ = run_until(service, JULY, moments - back, be_killed)
    assert code == KILLED
    check_standing(service, before)
    (outcome,) = go(service, JULY)
    assert outcome.exit_code == 0
    check_clean(service, expected)


def test_on_a_full_disk_nothing_is_published_and_with_room_again_everything_is(service, wanted):
    expected, moments = wanted
    before = read_all(service.reports)
    for moment in range(2, moments - LAST // 2, EVERY_FULL):
        code, _ = run_until(service, JULY, moment, find_disk_full)
        assert code == 4, moment
        assert read_all(service.reports) == before, moment
    go(service, JULY)
    check_clean(service, expected)


def small_files() -> None:
    """As `ulimit -f`: no file may grow past 20 kB, which is what the operating system does on a full disk too."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def test_the_command_says_in_a_sentence_that_the_disk_is_full(service):
    before = read_all(service.reports)
    done = qi(service, "run", JULY, preexec_fn=small_files)
    assert done.returncode == 4 and "no room left" in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert read_all(service.reports) == before


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "no room"), (errno.EFBIG, "no room"), (errno.EROFS, "may not be"), (errno.EIO, "could not be")],
)
def test_what_the_disk_refuses_is_said_without_a_path(number, words):
    said = describe_disk(OSError(number, os.strerror(number), "/a/folder/of/this/machine/results.csv"))
    assert words in said and "/" not in said


def start(places) -> subprocess.Popen:
    """`qi run` in a process of its own, stopped where its notebooks run."""
    process = subprocess.Popen(
        [sys.executable, "-m", "qi_analysis", "run", JULY], cwd=places.root, stderr=subprocess.PIPE, text=True,
        stdout=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    while not list(places.processed.glob(".run-*")):
        assert process.poll() is None
        time.sleep(0.01)
    return process


def test_of_two_runs_at_once_the_second_says_so_and_the_first_is_whole(service, wanted):
    first = start(service)
    second = qi(service, "run", JULY)
    assert second.returncode == 1 and "Another run is at work" in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1
    assert first.wait(120) == 0
    check_clean(service, wanted[0])


def test_the_lock_of_a_killed_run_is_gone_with_it(service, wanted):
    first = start(service)
    first.kill()
    first.wait()
    assert list(service.processed.glob(".*.building"))
    done = qi(service, "run", JULY)
    assert done.returncode == 0, done.stderr
    check_clean(service, wanted[0])


def count_processes(folder) -> int:
    """How many processes are at work in a folder."""
    found = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found += (process / "cwd").readlink() == folder and "(zombie)" not in (process / "status").read_text()
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forks on Linux alone")
def test_no_kernel_of_a_killed_run_lives_on(service):
    first, folder, last = start(service), service.root.resolve(), time.monotonic() + 20
    while count_processes(folder) < 3:  # the run, the process without rows and a kernel
        assert time.monotonic() < last
    first.kill()
    first.wait()
    while count_processes(folder):
        assert time.monotonic() < last


@pytest.mark.parametrize("answer", ["ENOLCK", "ENOSYS", "EOPNOTSUPP"])
def test_a_share_without_locks_runs_and_says_so_once(tmp_path, monkeypatch, answer):
    def refuse(*_):
        raise OSError(getattr(errno, answer), "no locks here")

    monkeypatch.setattr("fcntl.lockf", refuse)
    monkeypatch.setattr(runs, "_run", lambda *_: ["an outcome"])
    said: list[str] = []
    assert runs.run(Places(tmp_path), "latest", print, print, said.append) == ["an outcome"]
    assert said == [UNLOCKED]


def test_a_worker_does_not_hold_the_lock_of_its_run(tmp_path):
    fork = multiprocessing.get_context("fork")
    with hold_lock(tmp_path):
        worker = fork.Process(target=time.sleep, args=(60,))
        worker.start()
    with hold_lock(tmp_path) as is_held:
        assert is_held and worker.is_alive()
    worker.kill()


def test_a_command_that_writes_nothing_needs_no_lock(service):
    with hold_lock(service.processed):
        assert qi(service, "list").returncode == 0
        assert qi(service, "check").returncode == 0
        shutil.rmtree(service.raw)  # now the sample would be written
        assert qi(service, "check").returncode == 1


@pytest.mark.parametrize("text", ["{", '{"every month": 7, "2021-07": "x"}'])
def test_damaged_notes_of_what_was_seen_only_cost_time(service, wanted, text):
    go(service, JULY)
    (service.processed / ".seen.json").write_text(text)
    (outcome,) = go(service, JULY)
    assert outcome.exit_code == 0 and not outcome.is_new
    check_clean(service, wanted[0])


@pytest.mark.parametrize("text", ["", "[]", None])
def test_a_published_folder_without_its_manifest_is_named_and_left_alone(service, text):
    manifest = service.reports / JUNE / "manifest.json"
    manifest.unlink() if text is None else manifest.write_text(text)
    before = read_all(service.reports / JUNE)
    with pytest.raises(DataProblem, match="reports/2021-06 is damaged"):
        go(service, JUNE)
    assert "reports/2021-06 is damaged" in qi(service, "list").stderr
    (outcome,) = go(service, JULY)
    assert outcome.is_new
    assert read_all(service.reports / JUNE) == before


def test_published_figures_that_were_changed_are_not_compared_with(service):
    (service.reports / JUNE / "results.csv").write_text("measure_id\n")
    (service.processed / ".seen.json").unlink()
    with pytest.raises(DataProblem, match="results.csv is not what was published"):
        go(service, JUNE)


def test_an_empty_folder_is_no_review(service, wanted):
    (service.reports / JULY).mkdir()
    go(service, JULY)
    check_clean(service, wanted[0])


def test_figures_kept_from_an_earlier_run_are_made_again_when_damaged(service, wanted):
    (kept,) = (service.processed / "published").iterdir()
    (kept / "facts.json").write_text('{"benchmark"')
    go(service, JULY)
    check_clean(service, wanted[0])


@pytest.mark.parametrize("text", [None, "<html>"])
def test_an_index_that_is_gone_or_cut_short_is_mended_though_there_is_nothing_new(service, wanted, text):
    go(service, JULY)
    index = service.reports / "index.html"
    index.unlink() if text is None else index.write_text(text)
    assert "nothing new" in go(service, JULY)[0].line
    check_clean(service, wanted[0])


def test_raw_files_that_change_while_they_are_read_stop_the_run(service, monkeypatch):
    before, path = read_all(service.reports), service.raw / "IDS101Referral.csv"
    held = prepare

    def read_then_change(*words):
        prepared = held(*words)
        path.write_bytes(path.read_bytes() + b"\n")
        return prepared

    monkeypatch.setattr("qi_analysis.run.review.prepare", read_then_change)
    with pytest.raises(DataProblem, match="changed while it was read"):
        go(service, JULY)
    assert read_all(service.reports) == before


def test_raw_files_that_change_before_the_page_is_published_stop_the_run(service):
    before = read_all(service.reports)
    process = start(service)
    (service.raw / "IDS101Referral.csv").unlink()
    assert process.wait(120) == 1 and "changed while it was read" in process.stderr.read()
    assert read_all(service.reports) == before


def test_raw_files_are_only_read(service):
    before = read_all(service.raw)
    for path in (*service.raw.iterdir(), service.raw):
        path.chmod(0o555 if path.is_dir() else 0o444)
    go(service, JULY)
    assert read_all(service.raw) == before


def test_the_rows_of_a_run_are_gone_when_it_has_ended_and_kept_for_its_owner(service):
    go(service, JULY)
    names = {path.name for path in service.processed.iterdir()}
    assert names == {".code.json", ".lock", ".seen.json", JUNE, JULY, "ledger", "published", "release"}
    assert service.workshop(JULY).stat().st_mode & 0o777 == 0o700


VARIED = [  # time zone, locale, further settings of the machine
    ("Pacific/Kiritimati", "C", {"PYTHONHASHSEED": "0"}),
    ("America/St_Johns", "POSIX", {"PYTHONHASHSEED": "2", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}),
    ("Asia/Kolkata", "tr_TR.UTF-8", {"PYTHONHASHSEED": "random", "PYTHONIOENCODING": "latin-1"}),
]


@pytest.mark.parametrize(("zone", "locale", "more"), VARIED, ids=[zone for zone, _, _ in VARIED])
def test_the_same_bytes_in_every_place_time_zone_locale_and_order_of_hashes(
    tmp_path, small_extract, published_june, zone, locale, more
):
    places = copy_with(tmp_path / "Sérvice n° 1 – 東", small_extract)
    done = qi(places, "run", JUNE, env={"TZ": zone, "LC_ALL": locale, "LANG": locale, **more})
    assert done.returncode == 0, done.stderr
    made = read_all(places.reports)
    assert made == read_all(published_june.reports)
    assert json.loads(made[f"{JUNE}/manifest.json"])["revision"] == 1

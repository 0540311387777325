"""Runs the product in a process of its own that is killed, or finds the disk full, at a chosen moment.

A moment is one of the process's own dealings with the disk in the project's folder: a file opened to be written, a
folder made, a name changed or taken away. They are seen by an audit hook; nothing of the product is replaced.
"""

import errno
import os
import signal
import sys
from collections.abc import Callable

from qi_analysis.errors import QiError
from qi_analysis.run.batch import run
from qi_analysis.storage import Places

CHANGES = ("os.mkdir", "os.rename", "os.rmdir", "os.remove", "os.link", "os.truncate")
KILLED, SURPRISED = -signal.SIGKILL, 99


def run_until(places: Places, wanted: str, moment: int, then: Callable[[str], None]) -> tuple[int, int]:
    """(exit code, moments passed) of a run in a fork of this process; `then` is told of the chosen moment and all after it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os._exit(_run_counted(places, wanted, moment, then, writing))
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        passed = len(said.read())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), passed


def _run_counted(places: Places, wanted: str, moment: int, then: Callable[[str], None], writing: int) -> int:
    me, root, passed = os.getpid(), str(places.root), 0

    def watch(event: str, args: tuple) -> None:
        nonlocal passed
        if os.getpid() != me or not (event in CHANGES or (event == "open" and (args[2] or 0) & os.O_ACCMODE)):
            return
        if isinstance(args[0], int):
            return  # a file that is open already
        if root in os.path.abspath(os.fsdecode(args[0])):
            passed += 1
            os.write(writing, b".")
            if moment and passed >= moment:
                then(event)

    sys.addaudithook(watch)
    try:
        outcomes = run(places, wanted, lambda number: None, lambda outcome: None)
    except QiError as problem:
        return problem.exit_code
    except OSError:
        return QiError.exit_code
    except BaseException:
        return SURPRISED
    return max(outcome.exit_code for outcome in outcomes)


def be_killed(event: str) -> None:
    """As `kill -9` does, or a power cut."""
    os.kill(os.getpid(), signal.SIGKILL)


def find_disk_full(event: str) -> None:
    """As the operating system says it of whatever needs room; names can still be changed and taken away."""
    if event in ("open", "os.mkdir", "os.link"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a file")

"""One run at a time: a lock of the operating system, so the lock of a killed run is gone with it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from qi_analysis.errors import DataProblem

LOCK = ".lock"
BUSY = "Another run is at work in this project. Wait until it has ended and run again."


@contextmanager
def hold_lock(folder: Path) -> Iterator[None]:
    """Hold the project's lock, a file in `folder`. Raises DataProblem at once when another run holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a+b") as handle:
        try:
            _take(handle)
        except OSError:
            raise DataProblem(BUSY) from None
        yield  # closing the file lets it go


def _take(handle: IO[bytes]) -> None:
    """Take the lock or raise OSError. A forked worker does not inherit it, so it never outlives the run."""
    if os.name == "nt":
        import msvcrt

        handle.seek(0)
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

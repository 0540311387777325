"""The expected failures. Library code raises them; only the command line prints them.

Each message is one sentence for a person: the file, the place, what is wrong and what to do.
A message never holds a value from a row.
"""

import errno
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)


class QiError(Exception):
    """Something went wrong that a person can act on; `exit_code` is what the command returns."""

    exit_code = 4


class DataProblem(QiError):
    """The data need a person: a file is missing, unreadable or far too small."""

    exit_code = 1


class RecordProblem(QiError):
    """The project's record or its settings are wrong."""

    exit_code = 2


class GateClosed(QiError):
    """The finished page may not be published."""

    exit_code = 3


class RunFailed(QiError):
    """A notebook did not run to its end: an error, a dead kernel, a time-out or an early exit."""

    exit_code = 4


def describe_disk(failure: OSError) -> str:
    """What the operating system refused, in a sentence or two: no room, no leave, or something else."""
    name = Path(str(failure.filename)).name if isinstance(failure.filename, (str, Path)) else "a file"
    if failure.errno in FULL or "space left" in str(failure):
        return "There is no room left on the disk. What was published stays as it is: make room and run again."
    if failure.errno in NOT_ALLOWED:
        return f"{name} may not be written or opened. What was published stays as it is: ask for access and run again."
    return f"{name} could not be read or written. What was published stays as it is: look at the disk and run again."

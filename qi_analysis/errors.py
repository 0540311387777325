"""The expected failures. Library code raises them; only the command line prints them.

Each message is one sentence for a person: the file, the place, what is wrong and what to do.
A message never holds a value from a row.
"""


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

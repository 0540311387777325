"""Reviews side by side, each made by a worker.

A worker is a fork of the process that has read and cleaned the extract where that is safe, so imports and tables are paid
for once; elsewhere a worker reads the extract itself. Reviews that are made side by side protect their counts one after
the other, oldest month first: so each knows every count that an earlier month shows, as if they had been made one by one.
"""

import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from pathlib import Path

from qi_analysis.errors import QiError, describe_disk
from qi_analysis.periods import Period, parse_period
from qi_analysis.run.publish import Outcome
from qi_analysis.run.review import Prepared, make_review, prepare
from qi_analysis.storage import Places


class Turns:
    """One turn for each place, in order, across the processes that share it."""

    def __init__(self, context: BaseContext, number: int) -> None:
        self._is_over = context.Array("b", number, lock=False)
        self._changed = context.Condition()

    @contextmanager
    def take(self, place: int) -> Iterator[None]:
        """Wait until every earlier turn is over; this one is over at the end of the block."""
        with self._changed:
            self._changed.wait_for(lambda: all(self._is_over[:place]))
        try:
            yield
        finally:
            self.end(place)

    def end(self, place: int) -> None:
        """This turn is over, whether it was taken or not."""
        with self._changed:
            self._is_over[place] = 1
            self._changed.notify_all()


_prepared: Prepared | None = None  # in a worker: what it was given at its start
_turns: Turns | None = None


def _start_worker(
    turns: Turns, places: Places | None, raw: Path | None, inputs: dict[str, str], settings: dict[str, str]
) -> None:
    global _prepared, _turns
    _turns = turns
    threading.Thread(target=_end_with_the_run, daemon=True).start()
    if places is not None and raw is not None:
        _prepared = prepare(places, raw, inputs, settings)


def _end_with_the_run() -> None:
    """A worker goes on for no moment after its run was killed: the next run may be at work already."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(place: int, period_id: str) -> Outcome:
    """One review in a worker; an expected failure becomes its outcome, and gives way to the months that follow."""
    assert _prepared is not None and _turns is not None
    try:
        return make_review(_prepared, parse_period(period_id), _turns.take(place))
    except QiError as problem:
        return Outcome(period_id, f"{period_id}: {problem}", problem.exit_code)
    except OSError as problem:
        return Outcome(period_id, f"{period_id}: {describe_disk(problem)}", QiError.exit_code)
    finally:
        _turns.end(place)


def make_reviews(prepared: Prepared, raw: Path, periods: list[Period]) -> Iterator[Outcome]:
    """Every review, side by side on the cores there are, in the order in which they are done."""
    global _prepared, _turns
    can_fork = sys.platform == "linux"
    context = multiprocessing.get_context("fork" if can_fork else "spawn")
    _prepared, _turns = prepared, Turns(context, len(periods))
    start = (None, None, {}, {}) if can_fork else (prepared.places, raw, prepared.inputs, prepared.settings)
    workers = min(len(periods), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, context, _start_worker, (_turns, *start)) as pool:
        waiting = {pool.submit(_work, place, period.id) for place, period in enumerate(periods)}
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for one in done:
                yield one.result()

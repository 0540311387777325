"""Taking turns: reviews that are made side by side protect their counts one after the other, oldest month first.

So each knows every count that an earlier month shows, as if the months had been made one by one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext


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

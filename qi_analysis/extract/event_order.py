"""Events in order of time within each referral: the arithmetic that pathways are built on.

All arrays are as long as the events; referrals are numbered 0 to n - 1. No rule of the domain lives here.
"""

from dataclasses import dataclass

import numpy as np

NAT = np.datetime64("NaT", "s")
NO_TIME = 8191  # minutes, more than can be written; events without a time come last on their day
_DAY_BITS, _MINUTE_BITS = 20, 13
_FIRST_DAY = np.datetime64("0001-01-01", "D")


def order_key(referral: np.ndarray, day: np.ndarray, minute: np.ndarray) -> np.ndarray:
    """One sortable whole number for referral, day and minute (missing minutes last)."""
    days = np.clip((day.astype("datetime64[D]") - _FIRST_DAY).astype("int64"), 0, (1 << _DAY_BITS) - 1)
    minutes = np.where(np.isnan(minute), NO_TIME, minute).astype("int64")
    return np.asarray((referral.astype("int64") << (_DAY_BITS + _MINUTE_BITS)) | (days << _MINUTE_BITS) | minutes)


@dataclass(frozen=True)
class EventSequence:
    """Events sorted by referral and time. `start` and `count` are per referral that has events (`owner`)."""

    referral: np.ndarray
    day: np.ndarray
    kind: np.ndarray
    owner: np.ndarray
    start: np.ndarray
    count: np.ndarray
    n: int  # number of referrals in all

    @property
    def group(self) -> np.ndarray:
        """For each event the position of its referral in `owner`."""
        return np.repeat(np.arange(len(self.owner)), self.count)

    def spread(self, values: np.ndarray, missing: object) -> np.ndarray:
        """Values per owner as an array over all referrals."""
        whole = np.full(self.n, missing, dtype=values.dtype)
        whole[self.owner] = values
        return whole

    def first_where(self, mask: np.ndarray) -> np.ndarray:
        """Per owner the place of the first event where mask holds; len(self.day) where there is none."""
        if not len(self.owner):
            return np.zeros(0, dtype="int64")
        place = np.where(mask, np.arange(len(mask)), len(mask))
        return np.minimum.reduceat(place, self.start)

    def day_at(self, place: np.ndarray) -> np.ndarray:
        """Days at places per owner, spread over all referrals; missing where the place lies outside."""
        days = np.append(self.day, NAT)[np.minimum(place, len(self.day))]
        return self.spread(days, NAT)

    def count_where(self, mask: np.ndarray) -> np.ndarray:
        """Number of events per referral (all of them) where mask holds."""
        return np.bincount(self.referral[mask], minlength=self.n)


def build_sequence(
    referral: np.ndarray, day: np.ndarray, minute: np.ndarray, kind: np.ndarray, n: int
) -> EventSequence:
    """Sort events by referral, day, minute and kind (lower kind first on a tie)."""
    order = np.argsort(order_key(referral, day, minute) * 4 + kind, kind="stable")
    referral, day, kind = referral[order], day[order], kind[order]
    is_new = np.ones(len(referral), dtype=bool)
    is_new[1:] = referral[1:] != referral[:-1]
    start = np.flatnonzero(is_new)
    count = np.diff(np.append(start, len(referral)))
    return EventSequence(referral, day, kind, referral[start], start, count, n)


@dataclass(frozen=True)
class Runs:
    """Maximal runs of events of one kind within a referral: where each starts and ends (its last event)."""

    start: np.ndarray
    end: np.ndarray
    kind: np.ndarray
    group: np.ndarray

    @property
    def length(self) -> np.ndarray:
        """How many events each run holds."""
        return np.asarray(self.end - self.start + 1)


def build_runs(sequence: EventSequence) -> Runs:
    """The runs of a sequence in order."""
    size = len(sequence.day)
    changes = np.ones(size, dtype=bool)
    changes[1:] = (sequence.referral[1:] != sequence.referral[:-1]) | (sequence.kind[1:] != sequence.kind[:-1])
    start = np.flatnonzero(changes)
    end = np.append(start[1:], size)[: len(start)] - 1
    return Runs(start, end, sequence.kind[start], sequence.group[start])

"""Circuit breaker: the pace at which a target that fails gets the next items.

A failure speaks about its item first. Only a row of failures without a success speaks about the
target, and even then it is not left alone for long: many bots refuse each delivery of one kind and
take all others, which must not wait behind the refused ones.
"""

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from app.outbox.queue import Lane

# Failures in a row, without a success, after which the pace is reduced (R100).
FAILURE_THRESHOLD: Final = 5
# A target that has taken nothing for so long has an outage.
OUTAGE_AFTER: Final = timedelta(seconds=60)
# A smaller step back is no change of the clock: two threads may read it in either order.
CLOCK_TOLERANCE: Final = timedelta(seconds=10)


class Cause(IntEnum):
    """The cause of a failed try; a higher value speaks more of the target, less of the item."""

    PART = 0
    """An answer about a part of the target, such as one Page: all others are as well as before."""
    REFUSED = 1
    """An answer other than 2xx, none in time, or a broken connection: the item may be the cause."""
    BUSY = 2
    """An answer that asks for time (429 or 503 with Retry-After)."""
    UNREACHABLE = 3
    """No connection: the item was not sent, and cannot be the cause."""
    GONE = 4
    """410 Gone: the target wants no more (standardwebhooks.com)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """At most *items* at once, and the next ones *every* so often."""

    items: int
    every: timedelta


# Items that fail are behind those that were never tried, so this is how fast a new item gets past
# those that are refused: a delivery that the bot takes waits for seconds, not minutes.
PACES: Final = {
    Cause.REFUSED: Pace(50, timedelta(seconds=1)),
    Cause.BUSY: Pace(25, timedelta(seconds=5)),
    Cause.UNREACHABLE: Pace(1, timedelta(seconds=10)),
    Cause.GONE: Pace(1, timedelta(seconds=60)),
}


@dataclass(frozen=True, slots=True)
class OpenCircuit:
    """A target that has taken nothing *since* then, as one worker knows it.

    *failure* is the reason of the last failed try, and fit for logs.
    """

    kind: str
    since: datetime
    cause: Cause
    failure: str


class CircuitBreaker:
    """The state of one target, as one process knows it. Thread-safe.

    Closed, until `FAILURE_THRESHOLD` failures in a row: all requests are allowed. Then half-open:
    as many as `PACES` says, until one succeeds. A failure of a part of the target keeps it closed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Of the failures since the last success. Any answer shows that the target is there, so the
        # mildest of them decides.
        self._causes: deque[Cause] = deque(maxlen=FAILURE_THRESHOLD)
        self._failing_since: datetime | None = None
        self._paused: dict[Lane, tuple[datetime, datetime]] = {}
        self._opened = 0
        self._has_outage_ended = self._is_reported = False
        # A process that has just been started cannot know whether there was an outage before.
        self._is_unknown = True

    @property
    def opened(self) -> int:
        """The number of times that the circuit has opened."""
        return self._opened

    def failing(self) -> tuple[datetime, Cause] | None:
        """Return since when nothing succeeds, and the cause; None below the threshold."""
        with self._lock:
            since = self._failing_since
            return (since, min(self._causes)) if since is not None and self._is_failing() else None

    def allowed(self, lane: Lane, limit: int, *, at: datetime) -> int:
        """Return how many items of *lane* may be tried now, *limit* at most; begin a pause."""
        with self._lock:
            if not self._is_open():
                return limit
            begins, ends = self._paused.get(lane, (at, at))
            # Bounded on both sides: a clock that was set back must not keep the circuit open.
            if begins <= at < ends:
                return 0
            pace = PACES[min(self._causes)]
            self._paused[lane] = at - CLOCK_TOLERANCE, at + pace.every
            return min(limit, pace.items if lane is Lane.FRESH else max(1, pace.items // 4))

    def record_success(self, *, at: datetime) -> bool:
        """Close the circuit; return whether this ends an outage that was to be reported."""
        with self._lock:
            self._has_outage_ended |= self._is_unknown or self._is_outage(at)
            self._is_unknown = False
            was_reported, self._is_reported = self._is_reported, False
            self._causes.clear()
            self._failing_since = None
            self._paused.clear()
            return was_reported

    def take_outage_ended(self) -> bool:
        """Return whether an outage has ended, or may have, since this was asked last."""
        with self._lock:
            has_ended, self._has_outage_ended = self._has_outage_ended, False
            return has_ended

    def record_failure(self, cause: Cause, *, at: datetime) -> bool:
        """Record a failure; return whether an outage is to be reported now.

        It is once it lasts, or at once if the failures cannot be the items' own.
        """
        with self._lock:
            was_open = self._is_open()
            self._causes.append(cause)
            if self._failing_since is None or at < self._failing_since:
                self._failing_since = at
            self._opened += self._is_open() and not was_open
            is_certain = self._is_open() and min(self._causes) >= Cause.UNREACHABLE
            is_new = not self._is_reported and (is_certain or self._is_outage(at))
            self._is_reported |= is_new
            return is_new

    def _is_outage(self, at: datetime) -> bool:
        since = self._failing_since
        return since is not None and self._is_failing() and at - since >= OUTAGE_AFTER

    def _is_open(self) -> bool:
        return self._is_failing() and min(self._causes) > Cause.PART

    def _is_failing(self) -> bool:
        return len(self._causes) == FAILURE_THRESHOLD

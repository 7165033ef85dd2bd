"""Circuit breaker: a target that fails again and again gets a rest, then one request as a probe."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Final

# Failures in a row, and the time from one probe to the next (R100).
FAILURE_THRESHOLD: Final = 5
PROBE_INTERVAL: Final = timedelta(seconds=60)
# A smaller step back is no change of the clock: two threads may read it in either order.
CLOCK_TOLERANCE: Final = timedelta(seconds=10)


class Circuit:
    """The state of one target, as one process knows it. Thread-safe.

    Closed: all requests are allowed. Open, after `FAILURE_THRESHOLD` failures in a row or when the
    target asks for time: none are. Half-open, once that time is over: one is, to find out.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._open_from = self._open_until = datetime.min.replace(tzinfo=UTC)
        self._is_stopped = False

    def allowed(self, limit: int, *, at: datetime) -> int:
        """Return how many requests may be made now: *limit*, one as a probe, or none."""
        with self._lock:
            # Bounded on both sides: a clock that was set back must not keep the circuit open.
            if self._is_stopped or self._open_from <= at < self._open_until:
                return 0
            return 1 if self._failures >= FAILURE_THRESHOLD else limit

    @property
    def is_stopped(self) -> bool:
        return self._is_stopped

    def record_success(self) -> None:
        with self._lock:
            self._failures, self._open_until = 0, self._open_from

    def record_failure(self, *, at: datetime, wait: timedelta | None) -> bool:
        """Record a failure; return whether it is the one that reached the threshold.

        *wait* is the time that the target asked for, if it did.
        """
        with self._lock:
            self._failures += 1
            is_at_threshold = self._failures == FAILURE_THRESHOLD
            until = at + (wait or timedelta(0))
            if self._failures >= FAILURE_THRESHOLD:
                until = max(until, at + PROBE_INTERVAL)
            if until > at:
                was_set_back = at < self._open_from
                self._open_until = until if was_set_back else max(until, self._open_until)
                self._open_from = at - CLOCK_TOLERANCE
            return is_at_threshold

    def stop(self) -> None:
        """Allow no request any more, until the process is started again."""
        with self._lock:
            self._is_stopped = True

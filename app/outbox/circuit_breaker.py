"""Whether a target is worth a try: one that fails again and again is left alone for a while."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Final

# security.md R100.
MOST_FAILURES: Final = 5
PROBE_EVERY: Final = timedelta(seconds=60)
# Less is two threads that looked at the clock one after the other.
PUT_BACK: Final = timedelta(seconds=10)


class Circuit:
    """What one process knows of one target. Any thread may tell and ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_from = self._closed_until = datetime.min.replace(tzinfo=UTC)
        self._is_stopped = False

    def room(self, most: int, *, at: datetime) -> int:
        """Return how many of *most* may be tried now: all, one to find out, or none."""
        with self._lock:
            # Not from before either: a clock that was put back must not keep it closed.
            if self._is_stopped or self._closed_from <= at < self._closed_until:
                return 0
            return 1 if self._failures >= MOST_FAILURES else most

    @property
    def is_stopped(self) -> bool:
        """Whether the target said that it is gone for good."""
        return self._is_stopped

    def succeeded(self) -> None:
        with self._lock:
            self._failures, self._closed_until = 0, self._closed_from

    def failed(self, *, at: datetime, wait: timedelta | None) -> bool:
        """Note a failure; return whether the target is left alone from now on.

        *wait* is what the target itself asked for.
        """
        with self._lock:
            self._failures += 1
            is_first = self._failures == MOST_FAILURES
            until = at + (wait or timedelta(0))
            if self._failures >= MOST_FAILURES:
                until = max(until, at + PROBE_EVERY)
            if until > at:
                is_put_back = at < self._closed_from
                self._closed_until = until if is_put_back else max(until, self._closed_until)
                self._closed_from = at - PUT_BACK
            return is_first

    def stop(self) -> None:
        """Try nothing more, until the program is started again."""
        with self._lock:
            self._is_stopped = True

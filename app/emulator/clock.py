"""The emulator's clock. No other module reads the wall clock; each is handed a clock."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """Return the present time in UTC, timezone-aware."""
    return datetime.now(UTC)


def milliseconds(at: datetime) -> int:
    """Return *at* in milliseconds since the epoch, the unit of Messenger's events."""
    return round(at.timestamp() * 1000)


class MovableClock:
    """A clock that follows *base* and can be moved forward."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._ahead = timedelta()
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        return self._base() + self._ahead

    @property
    def ahead(self) -> timedelta:
        """The time by which this clock is ahead of its base."""
        return self._ahead

    def move_to(self, at: datetime) -> None:
        """Move the clock forward to *at*; do nothing if *at* has passed."""
        with self._lock:
            self._ahead = max(self._ahead, at - self._base())

    def ensure_ahead(self, by: timedelta) -> None:
        """Be ahead of the base by at least *by*."""
        with self._lock:
            self._ahead = max(self._ahead, by)

    def reset(self) -> None:
        """Follow the base without an offset again."""
        with self._lock:
            self._ahead = timedelta()

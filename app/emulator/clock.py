"""The only reader of the wall clock; everything else is given a clock to ask."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def milliseconds(at: datetime) -> int:
    """Return *at* as Messenger writes it in events."""
    return round(at.timestamp() * 1000)


class MovableClock:
    """Runs like the clock it is made of, and can be put forward: an hour passes when one wants."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._ahead = timedelta()
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        return self._base() + self._ahead

    @property
    def ahead(self) -> timedelta:
        """How far this clock is in the future of the one it is made of."""
        return self._ahead

    def move_to(self, at: datetime) -> None:
        """Put the clock forward to *at*; a moment that has passed leaves it alone."""
        with self._lock:
            self._ahead = max(self._ahead, at - self._base())

    def ensure_ahead(self, by: timedelta) -> None:
        """Be in the future by *by*; a clock that is further ahead stays there."""
        with self._lock:
            self._ahead = max(self._ahead, by)

    def reset(self) -> None:
        """Go with the other clock again."""
        with self._lock:
            self._ahead = timedelta()

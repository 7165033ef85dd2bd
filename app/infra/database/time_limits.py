"""Time limits: what a thread does within one, waits no longer for PostgreSQL.

A server whose host vanishes or freezes says nothing, not even that it is gone. SQLite has limits of
its own for a lock, and a file that hangs cannot be given up.
"""

import threading
import time
from types import TracebackType


class _Limit(threading.local):
    ends_at: float | None = None


_limit = _Limit()


def ends_at() -> float | None:
    """Return when the limit of this thread ends, by `time.monotonic`; None if there is none."""
    return _limit.ends_at


class within:  # noqa: N801 - it reads as a word of the with statement
    """The block may wait for PostgreSQL for *seconds*; None is without a limit of its own.

    In a block with an earlier limit, that one counts.
    """

    __slots__ = ("_before", "_seconds")

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._before: float | None = None

    def __enter__(self) -> None:
        self._before = before = _limit.ends_at
        if self._seconds is not None:
            ends = time.monotonic() + self._seconds
            _limit.ends_at = ends if before is None else min(before, ends)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _limit.ends_at = self._before

"""Stalls: loops of a process that hang, known by the time of their last movement.

A loop that waits for work, or whose database is away, moves all the same: each of its waits has an
end. One that does not move for `STALLED_AFTER` seconds never will, and only a restart helps.
"""

import time
from typing import Final

import structlog

log = structlog.get_logger()

# All waits for a database, a target or a lock are shorter.
STALLED_AFTER: Final = 30.0


class Pulse:
    """The time at which a loop moved last, on the monotonic clock; None while it has no work."""

    def __init__(self) -> None:
        self.moved_at: float | None = None

    def beat(self) -> None:
        """Record that the loop moves."""
        self.moved_at = time.monotonic()

    def rest(self) -> None:
        """Record that the loop has ended, or has no work: it does not have to move."""
        self.moved_at = None


class Pulses:
    """The pulses of the loops of one process, by name."""

    def __init__(self) -> None:
        self._pulses: list[tuple[str, Pulse]] = []
        self._stalled: tuple[str, ...] = ()

    def watch(self, name: str, *pulses: Pulse) -> None:
        """Watch *pulses* as well; *name* is that of their loops in the log."""
        self._pulses += [(name, pulse) for pulse in pulses]

    def all_move(self) -> bool:
        """Return whether all loops move; log those that have stopped since this was asked last."""
        earliest = time.monotonic() - STALLED_AFTER
        moved = [(name, pulse.moved_at) for name, pulse in self._pulses]
        stalled = tuple(name for name, at in moved if at is not None and at < earliest)
        if stalled and stalled != self._stalled:
            log.error("process.stalled", loops=stalled)
        self._stalled = stalled
        return not stalled

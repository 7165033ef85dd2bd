"""Counter of deliveries: counts in memory, and stores the counts from a thread of its own.

The webhook never waits for it: its answer must be quick, also to a sender that cannot sign.
"""

import operator
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from app.infra.observability.buffered_writer import PAUSE_S, BufferedWriter
from app.linking.delivery_counts import Counts, Signer, minute_of

log = structlog.get_logger()

THREAD_NAME: Final = "delivery-counter"


class DeliveryCounter:
    """The counts of this process that are not stored yet; *write* stores them."""

    def __init__(self, write: Callable[[Counts], object], *, pause_s: float = PAUSE_S) -> None:
        self._buffer: BufferedWriter[tuple[datetime, Signer], int] = BufferedWriter(
            write, operator.add, name=THREAD_NAME, failed=_log_failure, pause_s=pause_s
        )

    def note(self, outcome: Signer, *, at: datetime) -> None:
        """Count one delivery; the count is stored within about a second."""
        self._buffer.add((minute_of(at), outcome), 1)

    def flush(self) -> None:
        """Store all counts now."""
        self._buffer.flush()

    def close(self) -> None:
        """Store the counts, and stop the thread."""
        self._buffer.close()


def _log_failure(exc: Exception) -> None:
    log.warning("intake.not_written", error=type(exc).__name__)

"""Recorder of the events of attempts: best effort, and off the path of every request.

An event explains a failure; it must never become one, nor make a person wait.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import structlog

from app.infra.observability import metrics
from app.infra.observability.buffered_writer import PAUSE_S, Bounds, BufferedWriter
from app.infra.observability.logs import printable
from app.linking.attempt_events import Counted, Key, Note

log = structlog.get_logger()

THREAD_NAME: Final = "event-recorder"
# The most keys in memory, and how long they wait for a database that is away.
MOST_KEYS: Final = 1_000
KEPT_S: Final = 60.0
# A number in an answer of Graph or a directory may be any; the column holds 32 bits.
_MOST: Final = 2**31 - 1


class EventRecorder:
    """The events of this process that are not stored yet; *write* stores them."""

    def __init__(
        self, write: Callable[[Mapping[Key, Counted]], object], *, pause_s: float = PAUSE_S
    ) -> None:
        self._buffer: BufferedWriter[Key, Counted] = BufferedWriter(
            write,
            Counted.and_,
            name=THREAD_NAME,
            failed=_log_failure,
            bounds=Bounds(keys=MOST_KEYS, keep_s=KEPT_S),
            lost=_report_lost,
            pause_s=pause_s,
        )

    def note(self, note: Note) -> None:
        """Record *note* within about a second, if the database takes it. Never waits or raises."""
        try:
            kept = _storable(note)
            self._buffer.add(kept.key, Counted.one(kept))
        except Exception as exc:  # noqa: BLE001 - whoever notes a failure must not fail by it
            log.warning("attempt.event_not_noted", error=type(exc).__name__)

    def flush(self) -> None:
        """Store all events now."""
        self._buffer.flush()

    def close(self) -> None:
        """Store the events, and stop the thread."""
        self._buffer.close()


def _storable(note: Note) -> Note:
    """Return *note* as both databases take it: one refused row would hold up those beside it."""
    return replace(
        note,
        subject=printable(note.subject),
        detail=printable(note.detail),
        code=note.code if abs(note.code) <= _MOST else 0,
        subcode=note.subcode if abs(note.subcode) <= _MOST else 0,
    )


def _log_failure(exc: Exception) -> None:
    log.warning("attempt.events_not_written", error=type(exc).__name__)


def _report_lost(number: int) -> None:
    metrics.count_lost_events(number)
    log.error("attempt.events_lost", count=number)

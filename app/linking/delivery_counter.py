"""Counter of deliveries: counts in memory, and stores the counts from a thread of its own.

The webhook never waits for it: its answer must be quick, also to a sender that cannot sign.
"""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import Final

import structlog

from app.linking.delivery_counts import Counts, Signer, minute_of

log = structlog.get_logger()

# Between two commits at least, however many deliveries come.
PAUSE_S: Final = 1.0
# In one transaction; after a day without a database thousands wait, and SQLite takes no statement
# with more than 32,766 values.
STORED_AT_ONCE: Final = 500
THREAD_NAME: Final = "delivery-counter"


class DeliveryCounter:
    """The counts of this process that are not stored yet; *write* stores them."""

    def __init__(self, write: Callable[[Counts], object], *, pause_s: float = PAUSE_S) -> None:
        self._write = write
        self._pause_s = pause_s
        self._counts: Counter[tuple[datetime, Signer]] = Counter()
        self._lock = threading.Lock()
        self._noted = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, outcome: Signer, *, at: datetime) -> None:
        """Count one delivery; the count is stored within about a second."""
        with self._lock:
            self._counts[minute_of(at), outcome] += 1
            # Started at need: a process that was forked after this was built has no thread.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
                self._thread.start()
        self._noted.set()

    def close(self) -> None:
        """Store the counts, and stop the thread."""
        self._closing.set()
        self._noted.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join()
        self._flush()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._noted.wait()
            self._noted.clear()
            self._flush()
            self._closing.wait(self._pause_s)

    def _flush(self) -> None:
        """Store all counts, or as many as the database takes."""
        while counts := self._some():
            try:
                self._write(counts)
            except Exception as exc:  # noqa: BLE001 - counting must never stop, whatever goes wrong in the database
                log.warning("intake.not_written", error=type(exc).__name__)
                with self._lock:
                    self._counts.update(counts)
                self._noted.set()
                return

    def _some(self) -> Counts:
        with self._lock:
            some = Counter(dict(islice(self._counts.items(), STORED_AT_ONCE)))
            for counted in some:
                del self._counts[counted]
        return some

"""The pages whose calls Graph refuses, so that one dead token holds up no other page."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.messenger.types import PageId

# Refusals in a row, after which a page is asked for once in a while only.
MOST_REFUSALS: Final = 5
PAUSE: Final = timedelta(minutes=1)


@dataclass(slots=True)
class _Refused:
    """The refusals in a row of one page: their number, and the time and reason of the last."""

    number: int
    at: datetime
    failure: str


class RefusedPages:
    """The pages that Graph refuses at present, as one process knows them. Thread-safe."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._refused: dict[PageId, _Refused] = {}

    def paused(self, page_id: PageId) -> str | None:
        """Return why *page_id* is not asked for now; None if it may be, by the caller alone."""
        with self._lock:
            page = self._refused.get(page_id)
            if page is None or page.number < MOST_REFUSALS:
                return None
            at = self._clock()
            # Bounded on both sides: a clock that was set back must not prolong the pause.
            if page.at <= at < page.at + PAUSE:
                return page.failure
            page.at = at
            return None

    def record_refusal(self, page_id: PageId, failure: str) -> None:
        """Record a refusal that may concern every person of *page_id*."""
        with self._lock:
            page = self._refused.setdefault(page_id, _Refused(0, self._clock(), failure))
            page.number += 1
            page.at, page.failure = self._clock(), failure

    def record_success(self, page_id: PageId) -> None:
        """Record an answer that is no refusal of the page: it is asked for as usual again."""
        with self._lock:
            self._refused.pop(page_id, None)

"""The pages for which Graph is not called for a while, so that one holds up no other."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Final

from app.messenger.types import PageId
from app.outbox.handlers import NotYet, PartFailed

# Refusals of a page in a row, of which each may be about its person. More speak of the page.
MOST_REFUSALS: Final = 5
PAUSE_S: Final = 600


class PagePauses:
    """The pauses of pages, as one process knows them: others learn of one by a call of their own.

    Thread-safe: a count that is lost between two threads only delays a pause.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._refusals: Counter[PageId] = Counter()
        # By page, and for all pages: the ends of the pauses, and the reasons.
        self._pauses: dict[PageId | None, tuple[float, str]] = {}

    def check(self, page_id: PageId) -> None:
        """Raise `NotYet` if Graph must not be called for *page_id* now."""
        for key in (page_id, None):
            end, failure = self._pauses.get(key, (0.0, ""))
            left_s = end - self._now()
            if left_s > 0:
                raise NotYet(failure, wait=timedelta(seconds=left_s))

    def begin(self, page_id: PageId | None, failure: str, seconds: float) -> NotYet:
        """Begin a pause of *page_id*, of all pages if None; return the failure of the item."""
        self._pauses[page_id] = self._now() + seconds, failure
        return NotYet(failure, wait=timedelta(seconds=seconds))

    def record_refusal(self, page_id: PageId, failure: str) -> NotYet | PartFailed:
        """Record a refusal that may be about all of *page_id*; return the failure of the item."""
        self._refusals[page_id] += 1
        if self._refusals[page_id] <= MOST_REFUSALS:
            return PartFailed(failure)
        return self.begin(page_id, failure, PAUSE_S)

    def record_success(self, page_id: PageId) -> None:
        """Record an answer that is no refusal of *page_id*."""
        self._refusals.pop(page_id, None)

"""What happens later: repeats and late deliveries, each due at a moment of Messenger's clock."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.emulator.webhooks.payloads import TimedEvent

# "At once, then a few more times with falling frequency, for 36 hours": the steps are not
# documented (messenger-platform.md 2.5). Counted from the first failure.
REPEAT_AFTER = tuple(
    timedelta(minutes=minutes)
    for minutes in (0, 1, 5, 15, 30, 60, 2 * 60, 6 * 60, 12 * 60, 24 * 60, 36 * 60)
)
ALERT_AFTER = timedelta(minutes=15)
DISABLE_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ScheduledDelivery:
    """Events to be delivered at a moment; `tried` counts the failures behind them."""

    at: datetime
    events: tuple[TimedEvent, ...]
    since: datetime
    tried: int
    run: Callable[["ScheduledDelivery"], None]

    @property
    def page_id(self) -> str:
        return self.events[0].event.page_id


class Schedule:
    """Everything that is due later. Safe to use from several threads."""

    def __init__(self) -> None:
        self._waiting: list[ScheduledDelivery] = []
        self._lock = threading.Lock()

    def add(self, due: ScheduledDelivery) -> None:
        with self._lock:
            self._waiting.append(due)
            self._waiting.sort(key=lambda each: each.at)

    def next_at(self) -> datetime | None:
        with self._lock:
            return self._waiting[0].at if self._waiting else None

    def pop_due(self, at: datetime) -> ScheduledDelivery | None:
        """Return what is due first, if it is due by *at*; it waits no more."""
        with self._lock:
            if self._waiting and self._waiting[0].at <= at:
                return self._waiting.pop(0)
            return None

    def pop_page(self, page_id: str, *, only_new: bool = False) -> list[ScheduledDelivery]:
        """Return all that waits for one page, or what was never tried; it waits no more."""

        def is_meant(due: ScheduledDelivery) -> bool:
            return due.page_id == page_id and not (only_new and due.tried)

        with self._lock:
            taken = [due for due in self._waiting if is_meant(due)]
            self._waiting = [due for due in self._waiting if not is_meant(due)]
            return taken

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()


class Health:
    """Since when each page's deliveries fail. Safe to use from several threads."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}
        self._alerted: set[str] = set()
        self._lock = threading.Lock()

    def succeeded(self, page_id: str) -> None:
        with self._lock:
            self._since.pop(page_id, None)
            self._alerted.discard(page_id)

    def failed(self, page_id: str, at: datetime) -> timedelta | None:
        """Return which threshold has now been passed: ALERT_AFTER once, DISABLE_AFTER, or none."""
        with self._lock:
            # By a clock that was put back, the first failure is the one of now.
            since = self._since[page_id] = min(self._since.get(page_id, at), at)
            lasting = at - since
            if lasting >= DISABLE_AFTER:
                del self._since[page_id]
                self._alerted.discard(page_id)
                return DISABLE_AFTER
            if lasting >= ALERT_AFTER and page_id not in self._alerted:
                self._alerted.add(page_id)
                return ALERT_AFTER
            return None

    def clear(self) -> None:
        with self._lock:
            self._since.clear()
            self._alerted.clear()

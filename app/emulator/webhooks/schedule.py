"""Deliveries scheduled for later, and the record of failures, both by Messenger's clock."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.emulator.webhooks.payloads import TimedEvent

# Counted from the first failure. Meta retries at once, and then a few more times with decreasing
# frequency over 36 hours; it documents no intervals, so these are ours.
# https://developers.facebook.com/docs/graph-api/webhooks/getting-started, read November 2026.
RETRY_AFTER = tuple(
    timedelta(minutes=minutes)
    for minutes in (0, 1, 5, 15, 30, 60, 2 * 60, 6 * 60, 12 * 60, 24 * 60, 36 * 60)
)
# https://developers.facebook.com/docs/messenger-platform/webhooks, read November 2026.
ALERT_AFTER = timedelta(minutes=15)
DISABLE_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledDelivery:
    """Events to deliver at a moment, by calling `run`."""

    at: datetime
    events: tuple[TimedEvent, ...]
    # The first failure; of a delayed delivery the moment at which it was delayed.
    since: datetime
    # The number of this retry; 0 for events that have not been sent yet.
    retries: int
    run: Callable[["ScheduledDelivery"], None]

    @property
    def page_id(self) -> str:
        return self.events[0].event.page_id


class Schedule:
    """The scheduled deliveries, earliest first. Thread-safe."""

    def __init__(self) -> None:
        self._waiting: list[ScheduledDelivery] = []
        self._lock = threading.Lock()

    def add(self, delivery: ScheduledDelivery) -> None:
        with self._lock:
            self._waiting.append(delivery)
            self._waiting.sort(key=lambda each: each.at)

    def next_at(self) -> datetime | None:
        """Return when the earliest delivery is due; None when there is none."""
        with self._lock:
            return self._waiting[0].at if self._waiting else None

    def pop_due(self, at: datetime) -> ScheduledDelivery | None:
        """Remove and return the earliest delivery if it is due by *at*."""
        with self._lock:
            if self._waiting and self._waiting[0].at <= at:
                return self._waiting.pop(0)
            return None

    def pop_page(self, page_id: str, *, only_new: bool = False) -> list[ScheduledDelivery]:
        """Remove and return every delivery of a page, or only those not sent yet."""

        def matches(delivery: ScheduledDelivery) -> bool:
            return delivery.page_id == page_id and not (only_new and delivery.retries)

        with self._lock:
            popped = [delivery for delivery in self._waiting if matches(delivery)]
            self._waiting = [delivery for delivery in self._waiting if not matches(delivery)]
            return popped

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()


class WebhookHealth:
    """The time since which the deliveries of each page have been failing. Thread-safe."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}
        self._alerted: set[str] = set()
        self._lock = threading.Lock()

    def succeeded(self, page_id: str) -> None:
        with self._lock:
            self._since.pop(page_id, None)
            self._alerted.discard(page_id)

    def failed(self, page_id: str, at: datetime) -> timedelta | None:
        """Record a failure; return the threshold it crosses: ALERT_AFTER, DISABLE_AFTER or None."""
        with self._lock:
            # After the clock was set back, the hour starts with the present failure.
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

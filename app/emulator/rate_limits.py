"""Rate limits of Graph edges, per page."""

import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most *calls* in any period of *within*."""

    calls: int
    within: timedelta


# https://developers.facebook.com/docs/messenger-platform/reference/messenger-profile-api
PROFILE = RateLimit(10, timedelta(minutes=10))
# https://developers.facebook.com/documentation/business-messaging/messenger-platform/overview/rate-limiting
SEND = RateLimit(300, timedelta(seconds=1))
CONVERSATIONS = RateLimit(2, timedelta(seconds=1))


class RateLimits:
    """The calls of each page, counted against the limits. Thread-safe."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, RateLimit], deque[datetime]] = defaultdict(deque)
        self._lock = threading.Lock()

    def admits(self, page_id: str, limit: RateLimit, at: datetime) -> bool:
        """Tell whether the limit admits a call at *at*, and count the call if so."""
        with self._lock:
            calls = self._calls[page_id, limit]
            while calls and calls[0] <= at - limit.within:
                calls.popleft()
            if len(calls) >= limit.calls:
                return False
            calls.append(at)
            return True

    def percent(self, page_id: str, limit: RateLimit, at: datetime) -> int:
        """Return how much of the limit is used, in percent."""
        with self._lock:
            calls = self._calls[page_id, limit]
            recent = sum(1 for call in calls if call > at - limit.within)
            return 100 * recent // limit.calls

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()

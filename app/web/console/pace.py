"""The pace of requests of one session, counted in the memory of a process."""

import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta
from typing import Final

WINDOW: Final = timedelta(minutes=1)
MOST_IN_WINDOW: Final = 60
# More than any installation has operators; the oldest are forgotten first.
_MOST_SESSIONS: Final = 1_000


class Pace:
    """Counts the requests of sessions. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, deque[datetime]] = OrderedDict()

    def allows(self, session_id: str, at: datetime) -> bool:
        """Count a request of *session_id*; return False if it is one too many for a minute."""
        with self._lock:
            times = self._seen.setdefault(session_id, deque())
            self._seen.move_to_end(session_id)
            if len(self._seen) > _MOST_SESSIONS:
                self._seen.popitem(last=False)
            while times and not at - WINDOW < times[0] <= at:
                times.popleft()
            if len(times) >= MOST_IN_WINDOW:
                return False
            times.append(at)
            return True

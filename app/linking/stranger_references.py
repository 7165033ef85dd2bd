"""References of requests without an attempt: each can be looked up, and a flood fills no table.

Anybody can be refused any number of times. After twenty new references a minute all that are
refused for the same reason share one, whose event counts them.
"""

import threading
from collections import Counter
from datetime import datetime
from typing import Final

from app.linking.delivery_counts import minute_of

MOST_NEW: Final = 20


class StrangerReferences:
    """The references that this process gives to requests without an attempt. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute: datetime | None = None
        self._given: Counter[str] = Counter()
        self._shared: dict[str, str] = {}

    def take(self, problem: str, own: str, *, at: datetime) -> str:
        """Return the reference of a request that is refused at *at* for *problem*.

        That is *own*, or the shared one where there were too many in the same minute.
        """
        with self._lock:
            if self._minute != minute_of(at):
                self._minute = minute_of(at)
                self._given.clear()
                self._shared.clear()
            self._given[problem] += 1
            if self._given[problem] <= MOST_NEW:
                return own
            return self._shared.setdefault(problem, own)

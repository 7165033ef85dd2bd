"""A limit on slow requests at the same time (a bulkhead), so that the webhook never waits for them.

Hashing, Graph and sign-in providers hold a request thread each. A request above the limit is
refused at once: to wait would take a thread, which is what is scarce.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

_MOST_ADMITTED = 8


class Busy(Exception):
    """The limit is reached; the same request may succeed a moment later."""


class Admission:
    """Admits *admitted* requests at once; *hashing* of them compute a hash, the others wait."""

    def __init__(self, *, admitted: int, hashing: int) -> None:
        self.admitted, self.hashing_slots = admitted, hashing
        self._places = threading.BoundedSemaphore(admitted)
        # For Hasher. Waits are short: only requests that were admitted come here.
        self.hashing: AbstractContextManager[object] = threading.BoundedSemaphore(hashing)

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Hold one place until the block ends.

        Raises:
            Busy: No place is free. This is raised without a wait.
        """
        if not self._places.acquire(blocking=False):
            raise Busy
        try:
            yield
        finally:
            self._places.release()


def admission_for(*, cores: int, workers: int, threads: int) -> Admission:
    """Return the limits for one of *workers* processes with *threads* request threads.

    One core stays free of hashing, and half of the threads stay free of slow requests.
    """
    return Admission(
        admitted=max(1, min(_MOST_ADMITTED, threads // 2)),
        hashing=max(1, (cores - 1) // workers),
    )

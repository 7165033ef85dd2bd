"""The gate for everything slow within a request, so that the webhook never waits behind it.

Hashing, Graph and upstream providers hold a request thread each. Whoever finds the gate full is
turned away at once; to let him wait would take the very thread that is short.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

_MOST_ADMITTED = 8


class Busy(Exception):
    """As many as may be are inside; the same request may get in a moment later."""


class Admission:
    """Lets *admitted* in at most; of them, *hashing* compute a hash and the others wait for it."""

    def __init__(self, *, admitted: int, hashing: int) -> None:
        self.admitted, self.hashing_slots = admitted, hashing
        self._places = threading.BoundedSemaphore(admitted)
        # For Hasher. Nobody waits here for long: it is reached from within the gate only.
        self.hashing: AbstractContextManager[object] = threading.BoundedSemaphore(hashing)

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Hold one place inside until the block ends.

        Raises:
            Busy: There is none free. Nothing has been waited for.
        """
        if not self._places.acquire(blocking=False):
            raise Busy
        try:
            yield
        finally:
            self._places.release()


def admission_for(*, cores: int, workers: int, threads: int) -> Admission:
    """Return the gate for one of *workers* processes that answers with *threads* threads.

    One core stays free of hashing, and half the threads free of everything slow.
    """
    return Admission(
        admitted=max(1, min(_MOST_ADMITTED, threads // 2)),
        hashing=max(1, (cores - 1) // workers),
    )

"""Gathering: all that waits at the same moment goes to one thread together.

Its callers may wait in threads, or on an event loop, where waiting takes no thread.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final, Generic, TypeVar

from app.infra.deadlines import Deadline
from app.infra.stalls import Pulse

T = TypeVar("T")

MOST_WAITING: Final = 512
MOST_TOGETHER: Final = 64
IDLE_SECONDS: Final = 5.0


class Withdrawn(Exception):
    """It was not done in time, or too many wait already. It may still be done."""


class Gatherer(Generic[T]):
    """Hands all that was put to *handle*, up to 64 at once, on a thread of its own.

    The thread starts when it is needed, and ends after *idle_seconds* without work: then it calls
    *rest*.
    """

    def __init__(
        self,
        handle: Callable[[list[T]], None],
        *,
        name: str,
        idle_seconds: float = IDLE_SECONDS,
        rest: Callable[[], None] = lambda: None,
    ) -> None:
        self._handle, self._rest = handle, rest
        self._name, self._idle_seconds = name, idle_seconds
        self.pulse = Pulse()
        # None ends the thread.
        self._waiting: SimpleQueue[T | None] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """The number of those that wait for the next group."""
        return self._waiting.qsize()

    def put(self, one: T) -> None:
        """Add *one* to the next group.

        Raises:
            Withdrawn: Too many wait already.
        """
        if self.waiting >= MOST_WAITING:
            raise Withdrawn
        with self._starting:
            self._waiting.put(one)
            # Started when needed, and again in a process that was forked from this one.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def close(self, *, within: float) -> None:
        """End the thread, after what was put before; wait for that at most *within* seconds."""
        with self._starting:
            thread = self._thread
            if thread is not None:
                self._waiting.put(None)
        if thread is not None:
            thread.join(within)

    def _run(self) -> None:
        while (group := self._next_group()) is not None:
            if group:
                self.pulse.beat()
                try:
                    self._handle(group)
                finally:
                    self.pulse.rest()

    def _next_group(self) -> list[T] | None:
        """Return what waits, as soon as something does; None if this thread is to end."""
        try:
            group = [self._waiting.get(timeout=self._idle_seconds)]
        except Empty:
            group = [None]
        while len(group) < MOST_TOGETHER and not self._waiting.empty():
            group.append(self._waiting.get())
        found = [one for one in group if one is not None]
        if found:
            if len(found) < len(group):
                self._waiting.put(None)
            return found
        with self._starting:
            if not self._waiting.empty():
                return []
            self._rest()
            self._thread = None
        return None


class Wakers:
    """Wakes callers on event loops from another thread."""

    def __init__(self) -> None:
        self._waker: _Waker | None = None

    def of(self, waiting: "asyncio.Future[None]") -> Callable[[], None]:
        """Return a function that wakes the caller that awaits *waiting*."""
        waker, loop = self._waker, waiting.get_loop()
        if waker is None or waker.loop is not loop:
            waker = self._waker = _Waker(loop)
        return partial(waker.wake, waiting)


async def until(waiting: "asyncio.Future[None]", *, within: float) -> None:
    """Wait until *waiting* is over.

    Raises:
        Withdrawn: That took longer than *within* seconds.
    """
    deadline = Deadline(waiting.get_loop().time() + within, partial(_give_up, waiting))
    try:
        await waiting
    finally:
        deadline.drop()


def _give_up(waiting: "asyncio.Future[None]") -> None:
    if not waiting.done():
        waiting.set_exception(Withdrawn())


class _Waker:
    """Wakes callers that wait on *loop*, a whole group at once: each wake-up is a system call."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._over: deque[asyncio.Future[None]] = deque()
        self._is_called = False

    def wake(self, waiting: "asyncio.Future[None]") -> None:
        """Wake the caller that awaits *waiting*; called from the gatherer's thread."""
        self._over.append(waiting)
        if not self._is_called:
            self._is_called = True
            # The loop may have ended; then no caller is left.
            with suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self._wake_all)

    def _wake_all(self) -> None:
        self._is_called = False
        while self._over:
            waiting = self._over.popleft()
            if not waiting.done():
                waiting.set_result(None)

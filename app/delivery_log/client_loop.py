"""The event loop that a client of asyncio lives on, for callers on other loops and in threads."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

_CLOSE_S: Final = 5.0


class ClientLoop:
    """The server's event loop, where it was given one, or else one in a thread of its own.

    *main* runs on it from the start until `close` cancels it.
    """

    def __init__(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._main = main
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Start on *loop*, or on one of its own; if it has been started, do nothing."""
        if self._loop is not None:
            return
        with self._lock:
            if self._loop is not None:
                return
            if loop is None:
                loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=loop.run_forever, name="delivery-log", daemon=True
                )
                self._thread.start()
            loop.call_soon_threadsafe(self._begin)
            self._loop = loop

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the result of *work*, for a caller on any loop."""
        loop = self._started()
        if asyncio.get_running_loop() is loop:
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))

    def run_and_wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the result of *work*, for a caller in a thread."""
        return asyncio.run_coroutine_threadsafe(work, self._started()).result()

    def close(self) -> None:
        """Cancel the main coroutine and wait for its end; of no effect before the start."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None:
            return
        asyncio.run_coroutine_threadsafe(self._end(), loop).result()
        if thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _begin(self) -> None:
        self._task = asyncio.ensure_future(self._main())

    async def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=_CLOSE_S)

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise RuntimeError("the client was not started, or is closed")
        return self._loop

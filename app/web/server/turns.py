"""Turns: what everybody but Messenger asks for is done a little at a time.

A delivery needs the event loop, and the interpreter's lock, several times before it is answered.
Without turns it waits each time for all requests that happen to be ready: with 32 connections of
one stranger that was thirty times the usual time (R89).
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

# Requests that need no thread, and go on in one round: they take some time of one that needs one.
QUICK_TOGETHER: Final = 8
# Calls of Flask that may run at the same time, each for so long: one that takes longer waits for
# somebody else (Graph, a directory, a database, a password's hash), and makes room for the next.
PLACES: Final = 2
SHORT_SECONDS: Final = 0.02


class Turns:
    """Lets waiting requests go on in each round of the event loop: one, or several quick ones."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[asyncio.Future[None], int]] = deque()

    async def take(self, *, is_quick: bool = False) -> None:
        """Wait for a turn; first come, first served."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._waiting.append((turn, 1 if is_quick else QUICK_TOGETHER))
        if len(self._waiting) == 1:
            loop.call_soon(self._give_next)
        await turn

    def _give_next(self) -> None:
        given = 0
        while self._waiting and given < QUICK_TOGETHER:
            turn, size = self._waiting[0]
            given += size
            # It may have been cancelled: the server stops.
            if not turn.done():
                turn.set_result(None)
            self._waiting.popleft()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._give_next)


class Places:
    """Places for short calls, of which `PLACES` run at the same time."""

    def __init__(self, *, seconds: float = SHORT_SECONDS) -> None:
        self._seconds = seconds
        self._free = asyncio.Semaphore(PLACES)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Wait for a place, and keep it until the call ends or has lasted too long."""
        await self._free.acquire()
        is_kept = True

        def give_up() -> None:
            nonlocal is_kept
            if is_kept:
                is_kept = False
                self._free.release()

        timer = asyncio.get_running_loop().call_later(self._seconds, give_up)
        try:
            yield
        finally:
            timer.cancel()
            give_up()

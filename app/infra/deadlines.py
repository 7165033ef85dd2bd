"""Deadlines of many requests, kept by one timer of the event loop.

To set a timer and to cancel it again takes as long as to parse a delivery, each request has three
deadlines, and hardly one is ever missed. So the timer is set for the earliest of them, and looks
then which have passed, and which one is the next.
"""

import asyncio
from collections.abc import Callable
from math import inf
from types import TracebackType
from typing import Final, Self

# Between two looks: each goes through all deadlines, of which slow clients can make thousands.
PAUSE_S: Final = 0.05


class Deadline:
    """A moment by the running loop's clock at which *late* is called, unless dropped before."""

    __slots__ = ("_all", "late", "when")

    def __init__(self, when: float, late: Callable[[], object]) -> None:
        self.when, self.late = when, late
        self._all = _of_running_loop()
        self._all.add(self)

    def move(self, when: float) -> None:
        """Let it be at *when* instead."""
        self.when = when
        self._all.look_by(when)

    def drop(self) -> None:
        """Forget it."""
        self._all.open.discard(self)


class TimeLimit:
    """Ends the block with `TimeoutError` at *when*, as `asyncio.timeout_at` does."""

    __slots__ = ("_before", "_deadline", "_task", "_when", "is_over")

    def __init__(self, when: float) -> None:
        self._when = when
        self.is_over = False

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit is for a task")
        self._task, self._before = task, task.cancelling()
        self._deadline = Deadline(self._when, self._end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, _: TracebackType | None
    ) -> None:
        self._deadline.drop()
        # Who else has cancelled the task gets what they asked for.
        is_ours = self.is_over and self._task.uncancel() <= self._before
        if is_ours and kind is asyncio.CancelledError:
            raise TimeoutError from exc

    def move(self, when: float) -> None:
        """Let it be at *when* instead."""
        self._deadline.move(when)

    def _end(self) -> None:
        self.is_over = True
        self._task.cancel()


class _Deadlines:
    """The deadlines that are *open* on *loop*."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.open: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._looks_at = inf

    def add(self, deadline: Deadline) -> None:
        self.open.add(deadline)
        self.look_by(deadline.when)

    def look_by(self, when: float) -> None:
        """Look at *when* at the latest."""
        if when >= self._looks_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._looks_at, self._timer = when, self.loop.call_at(when, self._look)

    def _look(self) -> None:
        now = self.loop.time()
        self._timer, self._looks_at = None, inf
        late = [deadline for deadline in self.open if deadline.when <= now]
        self.open.difference_update(late)
        if self.open:
            self.look_by(max(min(deadline.when for deadline in self.open), now + PAUSE_S))
        for deadline in late:
            deadline.late()


_last: _Deadlines | None = None


def _of_running_loop() -> _Deadlines:
    global _last  # noqa: PLW0603 - a process serves on one loop
    loop = asyncio.get_running_loop()
    found = _last
    if found is None or found.loop is not loop:
        found = _last = _Deadlines(loop)
    return found

"""An answer that is remembered: however many ask for it, it is found out once in a while."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """The last answer of *ask*, for *seconds* after it was given. Thread-safe.

    Those who come while it is being found out get the last one; only the first of all wait.
    """

    def __init__(self, ask: Callable[[], T], seconds: float) -> None:
        self._ask, self._seconds = ask, seconds
        self._lock = threading.Lock()
        self._answer: tuple[T, float] | None = None

    def __call__(self) -> T:
        last = self._answer
        if last is None or time.monotonic() >= last[1]:
            last = self._asked(last)
        return last[0]

    def _asked(self, last: tuple[T, float] | None) -> tuple[T, float]:
        # Not waiting: a database that hangs would have each of them occupy a thread.
        if not self._lock.acquire(blocking=last is None) and last is not None:
            return last
        try:
            if self._answer is None or self._answer is last:
                answer = self._ask()
                self._answer = answer, time.monotonic() + self._seconds
            return self._answer
        finally:
            self._lock.release()

"""An answer that is remembered: however many ask for it, it is found out once in a while."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """The last answer of *ask*, for *seconds* after it was given. Thread-safe.

    Those who come while it is being found out wait for it.
    """

    def __init__(self, ask: Callable[[], T], seconds: float) -> None:
        self._ask, self._seconds = ask, seconds
        self._lock = threading.Lock()
        self._answer: tuple[T, float] | None = None

    def __call__(self) -> T:
        with self._lock:
            if self._answer is None or time.monotonic() >= self._answer[1]:
                answer = self._ask()
                self._answer = answer, time.monotonic() + self._seconds
            return self._answer[0]

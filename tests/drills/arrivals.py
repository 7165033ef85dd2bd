"""When messages arrived at a bot, measured from when Messenger posted them."""

import threading
import time
from collections.abc import Mapping
from typing import Final

PATIENCE_SECONDS: Final = 30


class Arrivals:
    """The times at which messages arrived, by their bodies."""

    def __init__(self) -> None:
        self._at: dict[bytes, float] = {}
        self._changed = threading.Condition()

    def add(self, body: bytes) -> None:
        with self._changed:
            self._at.setdefault(body, time.monotonic())
            self._changed.notify_all()

    def wait_for(self, posted: Mapping[bytes, float]) -> list[float]:
        """Return how many seconds each of *posted* took."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: posted.keys() <= self._at.keys(), PATIENCE_SECONDS
            )
            return [self._at[body] - at for body, at in posted.items()]

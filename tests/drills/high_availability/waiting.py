"""Waiting for what another process announces to nobody."""

import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

# Longer than any wait of a drill on a busy machine.
PATIENCE_SECONDS: Final = 120


def wait_until(is_so: Callable[[], bool], *, within: float = PATIENCE_SECONDS) -> None:
    """Ask *is_so* until it says yes.

    Raises:
        TimeoutError: It did not, *within* seconds.
    """
    tick, limit = threading.Event(), monotonic() + within
    while not is_so():
        if monotonic() > limit:
            raise TimeoutError
        tick.wait(0.01)

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Yield an event that is set by Ctrl-C or SIGTERM, in place of what they do otherwise."""
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait(stop: threading.Event) -> None:
    """Return when *stop* is set."""
    # Not for ever at once: on Windows an endless wait is deaf to Ctrl-C.
    while not stop.wait(timeout=1):
        pass


@contextmanager
def hangups() -> Iterator[threading.Event]:
    """Yield an event that is set by SIGHUP, where there is such a signal."""
    heard = threading.Event()
    with suppress(AttributeError):  # Windows has none
        signal.signal(signal.SIGHUP, lambda *_: heard.set())
    yield heard

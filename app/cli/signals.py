import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C, SIGTERM and SIGHUP set instead of ending the process.

    A terminal that is closed sends SIGHUP; nohup has it ignored, and so it stays.
    """
    stop = threading.Event()

    def set_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    # Windows has no SIGHUP.
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {
        number: signal.signal(number, set_stop)
        for number in numbers
        if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGINT
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait(stop: threading.Event) -> None:
    """Return when *stop* is set."""
    # With a timeout: on Windows a wait without one cannot be interrupted by Ctrl-C.
    while not stop.wait(timeout=1):
        pass


@contextmanager
def hangups() -> Iterator[threading.Event]:
    """Yield an event that SIGHUP sets, where the system has that signal."""
    hangup = threading.Event()
    with suppress(AttributeError):  # Windows has no SIGHUP.
        signal.signal(signal.SIGHUP, lambda *_: hangup.set())
    yield hangup

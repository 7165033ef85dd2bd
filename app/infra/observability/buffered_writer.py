"""A buffer of facts in memory, stored by a thread of its own; whoever adds one never waits."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

# Between two commits at least, however much comes.
PAUSE_S: Final = 1.0
# In one transaction; after a day without a database thousands wait, and SQLite takes no statement
# with more than 32,766 values.
STORED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The limits of a buffer: its *keys*, and for how long it keeps what cannot be stored."""

    keys: int
    keep_s: float


class BufferedWriter(Generic[K, V]):
    """The facts of this process that are not stored yet, one value for each key.

    *write* stores them, *merge* makes one value of an older and a newer one, and *failed* is told
    of each time that *write* could not. Without *bounds* all is kept until it is stored. With them
    *lost* is told, once a pause at most, how many facts were dropped.
    """

    def __init__(  # noqa: PLR0913 - parts of one buffer, by name
        self,
        write: Callable[[Mapping[K, V]], object],
        merge: Callable[[V, V], V],
        *,
        name: str,
        failed: Callable[[Exception], object],
        bounds: Bounds | None = None,
        lost: Callable[[int], object] = lambda _number: None,
        pause_s: float = PAUSE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write, self._merge, self._name = write, merge, name
        self._failed, self._bounds, self._on_lost = failed, bounds, lost
        self._pause_s, self._monotonic = pause_s, monotonic
        # Each value with the time since which it waits.
        self._waiting: dict[K, tuple[float, V]] = {}
        self._lost = 0
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._noted = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, key: K, value: V) -> None:
        """Add *value*; it is stored within about a second."""
        with self._lock:
            self._put(key, self._monotonic(), value)
            # Started at need: a process that was forked after this was built has no thread.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        # To set it again would take as long as all the rest.
        if not self._noted.is_set():
            self._noted.set()

    def flush(self) -> None:
        """Store all facts, or as many as the database takes; those in the making, too."""
        with self._flushing:
            while some := self._some():
                try:
                    self._write({key: value for key, (_, value) in some.items()})
                except Exception as exc:  # noqa: BLE001 - it must never stop, whatever goes wrong in the database
                    self._put_back(some)
                    self._noted.set()
                    self._failed(exc)
                    break
        self._report_lost()

    def close(self) -> None:
        """Store the facts, and stop the thread."""
        self._closing.set()
        self._noted.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join()
        self.flush()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._noted.wait()
            self._noted.clear()
            self.flush()
            self._closing.wait(self._pause_s)

    def _put(self, key: K, since: float, value: V) -> None:
        known = self._waiting.get(key)
        if known is not None:
            self._waiting[key] = (known[0], self._merge(known[1], value))
        elif self._bounds is not None and len(self._waiting) >= self._bounds.keys:
            self._lost += 1
        else:
            self._waiting[key] = (since, value)

    def _some(self) -> dict[K, tuple[float, V]]:
        with self._lock:
            some = dict(islice(self._waiting.items(), STORED_AT_ONCE))
            for key in some:
                del self._waiting[key]
        return some

    def _put_back(self, some: Mapping[K, tuple[float, V]]) -> None:
        """Keep *some* for the next try, but for what has waited too long."""
        with self._lock:
            newer, self._waiting = self._waiting, {}
            for key, (since, value) in some.items():
                if self._bounds and self._monotonic() - since >= self._bounds.keep_s:
                    self._lost += 1
                else:
                    self._waiting[key] = (since, value)
            for key, (since, value) in newer.items():
                self._put(key, since, value)

    def _report_lost(self) -> None:
        with self._lock:
            lost, self._lost = self._lost, 0
        if lost:
            self._on_lost(lost)

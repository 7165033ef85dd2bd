"""The switches of the faults: which are on, and how often they still occur."""

import threading

from app.emulator.faults.fault import Fault
from app.emulator.faults.table import FAULTS


class FaultSwitches:
    """The faults that are on, each with its remaining occurrences. Thread-safe."""

    def __init__(self) -> None:
        self._remaining: dict[str, int | None] = {}
        self._lock = threading.Lock()

    def turn_on(self, name: str, times: int | None = None) -> None:
        """Turn *name* on: until it is turned off, or for *times* occurrences.

        Raises:
            KeyError: There is no fault of that name.
            ValueError: *times* is not above zero.
        """
        if name not in FAULTS:
            raise KeyError(name)
        if times is not None and times < 1:
            raise ValueError("a fault happens at least once")
        with self._lock:
            self._remaining[name] = times

    def turn_off(self, name: str) -> None:
        with self._lock:
            self._remaining.pop(name, None)

    def clear(self) -> None:
        """Turn every fault off."""
        with self._lock:
            self._remaining.clear()

    def on(self) -> dict[str, int | None]:
        """Return the faults that are on, with their remaining occurrences; None is no limit."""
        with self._lock:
            return dict(self._remaining)

    def fires(self, name: str) -> bool:
        """Tell whether *name* is on, and count the occurrence; the last one turns it off."""
        with self._lock:
            if name not in self._remaining:
                return False
            remaining = self._remaining[name]
            if remaining == 1:
                del self._remaining[name]
            elif remaining is not None:
                self._remaining[name] = remaining - 1
            return True

    def graph_error_for(self, call: str) -> Fault | None:
        """Return the fault whose error answers the Graph call *call*, if one is on."""
        for name in self.on():
            fault = FAULTS[name]
            applies = not fault.calls or call in fault.calls
            if fault.error is not None and applies and self.fires(name):
                return fault
        return None

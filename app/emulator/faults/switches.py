"""The switches of what can go wrong.

Where a fault happens is found by its name: webhooks in `dispatcher` and `envelope`, the way back in
`linking`, Graph in `graph`.
"""

import threading

from app.emulator.faults.table import FAULTS, Fault


class FaultSwitches:
    """Which faults are on, and for how many times still. Safe to use from several threads."""

    def __init__(self) -> None:
        self._left: dict[str, int | None] = {}
        self._lock = threading.Lock()

    def turn_on(self, name: str, times: int | None = None) -> None:
        """Let *name* happen from now on: always, or *times* times.

        Raises:
            KeyError: There is no fault of that name.
            ValueError: *times* is not above zero.
        """
        if name not in FAULTS:
            raise KeyError(name)
        if times is not None and times < 1:
            raise ValueError("a fault happens at least once")
        with self._lock:
            self._left[name] = times

    def turn_off(self, name: str) -> None:
        with self._lock:
            self._left.pop(name, None)

    def clear(self) -> None:
        """Turn everything off."""
        with self._lock:
            self._left.clear()

    def on(self) -> dict[str, int | None]:
        """Return what is on, and how often each still happens; None is always."""
        with self._lock:
            return dict(self._left)

    def fires(self, name: str) -> bool:
        """Tell whether *name* happens now; one that was set to happen once is off afterwards."""
        with self._lock:
            if name not in self._left:
                return False
            left = self._left[name]
            if left == 1:
                del self._left[name]
            elif left is not None:
                self._left[name] = left - 1
            return True

    def graph_error_for(self, call: str) -> Fault | None:
        """Return the fault whose error answers *call*, if one is on."""
        for name in self.on():
            fault = FAULTS[name]
            is_meant = not fault.calls or call in fault.calls
            if fault.error is not None and is_meant and self.fires(name):
                return fault
        return None

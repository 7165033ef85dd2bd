"""The link between the main process of a server, which serves nothing, and those that serve.

It is made before they are forked, and inherited: shared memory in one direction, a pipe in the
other.
"""

import mmap
import multiprocessing
import os
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

# A process's id, and the time of the settings that it uses. Far shorter than what a pipe takes at
# once, so that reports of several processes do not mix (pipe(7), PIPE_BUF).
_REPORT: Final = struct.Struct("=qd")


@dataclass(frozen=True, slots=True)
class Report:
    """The word of a process that it moves; its settings are those of *settings_at* or later.

    Times are on the monotonic clock, which all processes of a machine share.
    """

    process: int
    settings_at: float


class ProcessLink:
    """The state that the processes of one server share, and their reports to the main one."""

    def __init__(self) -> None:
        self._draining = mmap.mmap(-1, 1)
        self._reports, self._reporting = multiprocessing.Pipe(duplex=False)
        os.set_blocking(self._reporting.fileno(), False)

    @property
    def is_draining(self) -> bool:
        """True from the moment the server is asked to stop."""
        return bool(self._draining[0])

    def begin_draining(self) -> None:
        """Have all processes tell that the server stops."""
        self._draining[0] = 1

    def report(self, settings_at: float) -> None:
        """Tell the main process that this one moves."""
        # The pipe is full if nobody reads it, and gone if the main process was killed.
        with suppress(OSError):
            self._reporting.send_bytes(_REPORT.pack(os.getpid(), settings_at))

    def wake(self) -> None:
        """End the present wait for reports."""
        self.report(time.monotonic())

    def reports(self, *, within: float) -> Iterator[Report]:
        """Yield the reports that have come, after a wait of at most *within* seconds for one."""
        while self._reports.poll(within):
            yield Report(*_REPORT.unpack(self._reports.recv_bytes()))
            within = 0

"""The main process of `threadlink serve`: it serves nothing, and watches and ends those that do."""

import multiprocessing.connection
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, Final

import structlog
from granian.server.common import AbstractServer

from app.infra.service_manager import notify, notify_reloading, watchdog_seconds
from app.web.server.process_link import ProcessLink

STOPS: Final = {signal.SIGTERM, signal.SIGINT}
# What is in progress at the end of the server gets this much time.
END_SECONDS: Final = 24.0
# Each process reports once a second; a machine may be so busy that it comes late.
HEARD_WITHIN: Final = 10.0
LOOK_SECONDS: Final = 1.0

log = structlog.get_logger()


class Supervisor:
    """Watches the processes of *server*, for the service manager, and ends them in order.

    After the first signal they serve for *drain_seconds* more, and say that the server stops. A
    second one ends this. What has not ended in `END_SECONDS` is killed.
    """

    def __init__(
        self, server: AbstractServer[Any], link: ProcessLink, *, drain_seconds: int
    ) -> None:
        self._server, self._link, self._drain_seconds = server, link, drain_seconds
        self._stop_server: Callable[[], None] = server.signal_handler_interrupt
        # By process: when it was seen or heard last, and the time of its settings, 0 if unknown.
        self._heard: dict[int, tuple[float, float]] = {}
        self._beats_every, self._beats_at = watchdog_seconds(), 0.0
        # The settings of which the service manager waits to hear that all processes have them.
        self._awaited: float | None = 0.0
        self._drains_until: float | None = None
        self._killed_at: float | None = None

    def start(self) -> None:
        """Begin to watch; called once the server has set its signal handlers."""
        for number in STOPS:
            signal.signal(number, self._stop)
        threading.Thread(target=self._watch, name="supervisor", daemon=True).start()

    def processes(self) -> list[int]:
        """Return the ids of the processes that serve."""
        return [worker.inner.pid for worker in [*self._server.wrks] if worker.inner.pid is not None]

    def reload(self) -> None:
        """Have the processes reload their settings."""
        notify_reloading()
        self._awaited = time.monotonic()
        self._signal(signal.SIGHUP)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        notify("STOPPING=1")
        is_first = not self._link.is_draining
        self._link.begin_draining()
        if is_first and self._drain_seconds:
            self._drains_until = time.monotonic() + self._drain_seconds
            self._link.wake()
        else:
            self._end()

    def _end(self) -> None:
        self._drains_until = None
        # Once: further signals give no more time.
        if self._killed_at is None:
            self._killed_at = time.monotonic() + END_SECONDS
        if self._drain_seconds:
            self._signal(signal.SIGUSR1)
        self._stop_server()

    def _signal(self, number: signal.Signals) -> None:
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def look(self) -> None:
        """Wait for reports for a second or less, and do what is due."""
        self._listen()
        now = time.monotonic()
        if self._drains_until is not None and now >= self._drains_until:
            self._end()
        if self._killed_at is not None and now >= self._killed_at:
            self._kill()
        if self._is_awaited_over():
            self._awaited = None
            notify("READY=1")
        every = self._beats_every
        if every is not None and now >= self._beats_at and self._all_move(now):
            self._beats_at = now + every
            notify("WATCHDOG=1")

    def _watch(self) -> None:
        while True:
            self.look()

    def _listen(self) -> None:
        within = LOOK_SECONDS
        if self._drains_until is not None:
            within = min(within, max(0.0, self._drains_until - time.monotonic()))
        reports = list(self._link.reports(within=within))
        now = time.monotonic()
        self._heard = {
            process: self._heard.get(process, (now, 0.0)) for process in self.processes()
        }
        for report in reports:
            if report.process in self._heard:
                self._heard[report.process] = now, report.settings_at

    def _is_awaited_over(self) -> bool:
        """Return whether the processes serve, with the settings that are waited for."""
        awaited, heard = self._awaited, self._heard
        if awaited is None or len(heard) < self._server.workers:
            return False
        return all(at > awaited for _, at in heard.values()) and self._accepts()

    def _all_move(self, now: float) -> bool:
        heard = self._heard.values()
        return bool(heard) and all(now - at < HEARD_WITHIN for at, _ in heard)

    def _accepts(self) -> bool:
        # Linux and the BSDs take the address of all interfaces for this machine.
        address = self._server.bind_addr, self._server.bind_port
        try:
            socket.create_connection(address, timeout=1).close()
        except OSError:
            return False
        return True

    def _kill(self) -> None:
        self._killed_at = None
        for worker in [*self._server.wrks]:
            if not multiprocessing.connection.wait([worker.inner.sentinel], timeout=0):
                log.error("server.process_killed", process=worker.inner.pid)
                worker.kill()


def await_end_signal() -> None:
    """Keep the signals that stop a server from this process until its main process ends it.

    A service manager, or a terminal, sends them to all processes at once.
    """
    signal.signal(signal.SIGUSR1, lambda *_: signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS))
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)

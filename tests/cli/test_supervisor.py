"""The main process of `threadlink serve`: what it tells of the processes that serve, and when."""

import os
import signal
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from app.cli import supervisor as module
from app.cli.supervisor import END_SECONDS, HEARD_WITHIN, Supervisor
from app.web.server.process_link import ProcessLink, Report

# No process has this id; the first one is ours, and the watchdog's.
ONE, OTHER = 2**22 + 1, 2**22 + 2


class Link:
    """A link whose reports are those in *come*."""

    def __init__(self) -> None:
        self.come: list[Report] = []
        self.is_draining = False

    def begin_draining(self) -> None:
        self.is_draining = True

    def wake(self) -> None:
        pass

    def reports(self, *, within: float) -> Iterator[Report]:
        assert within >= 0
        come, self.come = self.come, []
        return iter(come)


class Server:
    """A server of *processes*, which listens."""

    bind_addr, bind_port = "127.0.0.1", 1

    def __init__(self, *processes: int) -> None:
        self.workers = len(processes)
        self.wrks = [SimpleNamespace(inner=SimpleNamespace(pid=one)) for one in processes]
        self.is_stopped = False

    def signal_handler_interrupt(self) -> None:
        self.is_stopped = True


class Watched:
    """A supervisor of two processes, by a clock that is set; *told* is what it has told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, drain_seconds: int = 0) -> None:
        self.told: list[str] = []
        self.now = 1000.0
        self.link, self.server = Link(), Server(ONE, OTHER)
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        monkeypatch.setattr(module, "notify", lambda *states: self.told.extend(states))
        monkeypatch.setattr("app.cli.supervisor.time.monotonic", lambda: self.now)
        monkeypatch.setattr(Supervisor, "_accepts", lambda _: True)
        link: Any = self.link
        server: Any = self.server
        self.supervisor = Supervisor(server, link, drain_seconds=drain_seconds)

    def hear(self, *processes: int) -> list[str]:
        """Have *processes* report now; return what is told then."""
        self.told.clear()
        self.link.come = [Report(one, self.now) for one in processes]
        self.supervisor.look()
        return [*self.told]


def test_it_is_ready_when_all_processes_are(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)

    assert "READY=1" not in watched.hear(ONE)
    assert "READY=1" in watched.hear(OTHER)
    watched.now += 1
    assert "READY=1" not in watched.hear(ONE, OTHER)


def test_it_is_ready_again_when_all_have_reloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    watched.hear(ONE, OTHER)
    watched.now += 1
    watched.supervisor.reload()
    watched.now += 1

    assert "READY=1" not in watched.hear(ONE)
    # It moves, with its settings of before.
    watched.link.come = [Report(OTHER, watched.now - 2)]
    watched.supervisor.look()
    assert "READY=1" not in watched.told
    assert "READY=1" in watched.hear(OTHER)


def test_the_watchdog_hears_nothing_once_one_process_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server that hangs answers no health check either; only a restart helps."""
    watched = Watched(monkeypatch)
    assert "WATCHDOG=1" in watched.hear(ONE, OTHER)
    watched.now += HEARD_WITHIN - 1
    assert "WATCHDOG=1" in watched.hear(ONE)

    watched.now += 1
    assert "WATCHDOG=1" not in watched.hear(ONE)
    assert "WATCHDOG=1" in watched.hear(OTHER)


def test_a_process_in_place_of_a_dead_one_may_take_its_time_to_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = Watched(monkeypatch)
    watched.hear(ONE, OTHER)
    watched.server.wrks[1].inner.pid = OTHER + 1
    watched.now += HEARD_WITHIN - 1
    watched.hear(ONE)

    watched.now += HEARD_WITHIN - 1
    assert "WATCHDOG=1" in watched.hear(ONE)
    watched.now += 1
    assert "WATCHDOG=1" not in watched.hear(ONE)


def test_what_does_not_end_in_its_time_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """R121: and what has ended is not, nor is it said of it (Granian's own kill does)."""
    watched, killed = Watched(monkeypatch), list[int]()
    for worker in watched.server.wrks:
        worker.inner.sentinel = worker.inner.pid
        worker.kill = lambda worker=worker: killed.append(worker.inner.pid)
    monkeypatch.setattr(
        "app.cli.supervisor.multiprocessing.connection.wait",
        lambda ends, **_: [ONE] if ONE in ends else [],
    )
    watched.supervisor._stop(signal.SIGTERM, None)  # noqa: SLF001 - as the signal does
    assert watched.server.is_stopped

    watched.now += END_SECONDS - 1
    watched.supervisor.look()
    assert [] == killed
    # Who asks again gives it no more time.
    watched.supervisor._stop(signal.SIGTERM, None)  # noqa: SLF001 - as the signal does
    watched.now += 1
    watched.supervisor.look()
    watched.supervisor.look()
    assert [OTHER] == killed


def test_it_drains_for_as_long_as_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch, drain_seconds=5)
    watched.supervisor._stop(signal.SIGTERM, None)  # noqa: SLF001 - as the signal does
    watched.now += 4
    watched.supervisor.look()
    assert (True, False) == (watched.link.is_draining, watched.server.is_stopped)

    watched.now += 1
    watched.supervisor.look()
    assert watched.server.is_stopped


def test_the_files_of_a_link_are_closed_with_it() -> None:
    """A process that makes many applications, as tests do, would run out of files."""

    def next_file() -> int:
        number = os.dup(0)
        os.close(number)
        return number

    before = next_file()
    for _ in range(5):
        ProcessLink()

    assert before == next_file()

"""The words to a service manager: as sd_notify(3) has it, and nothing without one."""

import os
import socket
import time
from pathlib import Path

import pytest

from app.infra.service_manager import notify, notify_reloading, watchdog_seconds
from tests.service_manager import service_manager


def test_states_are_lines_of_one_datagram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with service_manager(tmp_path) as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
        notify("READY=1", "STATUS=all is well")

        assert b"READY=1\nSTATUS=all is well" == manager.channel.recv(4096)


def test_an_abstract_socket_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first byte is NUL, which the variable writes as @."""
    name = f"threadlink-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(f"\0{name}")
        channel.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        notify("READY=1")

        assert b"READY=1" == channel.recv(4096)


def test_a_reload_has_the_time_by_which_its_end_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it Type=notify-reload takes a READY of before for the end of this reload."""
    before = time.monotonic_ns() // 1000
    with service_manager(tmp_path) as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
        notify_reloading()
        state, moment = manager.next()

    assert "RELOADING=1" == state
    name, _, microseconds = moment.partition("=")
    assert "MONOTONIC_USEC" == name
    assert before <= int(microseconds) <= time.monotonic_ns() // 1000


@pytest.mark.parametrize("address", [None, "", "vsock:2:1", "/nobody/listens"])
def test_without_a_service_manager_nothing_fails(
    address: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)

    notify("READY=1")


@pytest.mark.parametrize(
    ("microseconds", "process", "seconds"),
    [
        (None, None, None),
        ("30000000", None, 15.0),
        pytest.param("30000000", str(os.getpid()), 15.0, id="its own process"),
        ("30000000", "1", None),
        ("0", None, None),
        ("-1", None, None),
        ("soon", None, None),
    ],
)
def test_the_watchdog_hears_of_the_process_that_it_waits_for_twice_in_its_time(
    microseconds: str | None,
    process: str | None,
    seconds: float | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """WATCHDOG_PID is of another process in a command that this one has started."""
    for name, value in {"WATCHDOG_USEC": microseconds, "WATCHDOG_PID": process}.items():
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)

    assert seconds == watchdog_seconds()

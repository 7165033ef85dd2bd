"""The service manager's side channel: readiness, reloads and the watchdog, as systemd defines them.

The protocol is a datagram of ``NAME=value`` lines to the socket in NOTIFY_SOCKET (systemd,
sd_notify(3) and sd_watchdog_enabled(3), read 2026-11). Without that variable nothing is sent.
"""

import os
import socket
import time
from contextlib import suppress


def notify(*states: str) -> None:
    """Send *states*, such as ``READY=1``; a service manager that does not listen is no failure."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    # Of an abstract socket the first byte is NUL.
    address = address.replace("@", "\0", 1) if address[0] == "@" else address
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.setblocking(False)
        channel.sendto("\n".join(states).encode(), address)


def notify_reloading() -> None:
    """Tell that the settings are read again; ``READY=1`` has to follow."""
    # The time by which systemd tells the READY that follows from one of before.
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


def watchdog_seconds() -> float | None:
    """Return how often to send ``WATCHDOG=1``, half of what is allowed; None where nobody waits."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    is_meant = os.environ.get("WATCHDOG_PID", "") in {"", str(os.getpid())}
    if not is_meant or not microseconds.isdigit() or int(microseconds) <= 0:
        return None
    return int(microseconds) / 2_000_000

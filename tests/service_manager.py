"""A service manager as systemd is one: a datagram socket that programs tell how they are."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """The messages to the socket *address*, one after the other."""

    address: str
    channel: socket.socket

    def next(self, but: str = "WATCHDOG=1") -> list[str]:
        """Return the lines of the next message, once it comes, that is not *but*."""
        while (told := self.channel.recv(4096).decode()) == but:
            pass
        return told.splitlines()


@contextmanager
def service_manager(folder: Path) -> Iterator[ServiceManager]:
    """Yield a service manager with its socket in *folder*."""
    address = str(folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(address)
        channel.settimeout(PATIENCE_SECONDS)
        yield ServiceManager(address, channel)

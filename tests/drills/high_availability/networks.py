"""Where a PostgreSQL of a drill listens: on loopback, or on a host of its own that can vanish.

Such a host is a network namespace behind a veth pair (ip-netns(8), veth(4)); only root makes one.
Its cable is pulled by taking its end of the pair down. This end keeps the other's hardware address,
so packets go out and nobody answers, as when a host behind a router loses its power: no reset, and
no "host unreachable" either.
"""

import pwd
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tests.postgres import NOBODY

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Place:
    """An address, and the beginning of a command that runs something there ("" on loopback)."""

    address: str = LOOPBACK
    namespace: str = ""

    @property
    def entering(self) -> tuple[str, ...]:
        """The command that runs another one there, as nobody."""
        if not self.namespace:
            return ()
        nobody = pwd.getpwnam(NOBODY or "nobody")
        user = ("--setuid", str(nobody.pw_uid), "--setgid", str(nobody.pw_gid))
        return ("nsenter", f"--net=/run/netns/{self.namespace}", *user)

    def pull_cable(self) -> None:
        """Let no packet through in either direction from now on."""
        _ip("-n", self.namespace, "link", "set", "there", "down")


@contextmanager
def host() -> Iterator[Place]:
    """Yield a host of its own, in a network of two addresses that nobody else uses."""
    name = f"tl{secrets.token_hex(4)}"
    # For tests of networks, never routed (RFC 2544, 12.1); four addresses of it.
    first = secrets.randbelow(2**15) * 4
    network = f"198.{18 + (first >> 16)}.{first >> 8 & 255}"
    here, there = f"{network}.{first & 255 | 1}", f"{network}.{first & 255 | 2}"
    _ip("netns", "add", name)
    try:
        _ip("link", "add", name, "type", "veth", "peer", "name", "there", "netns", name)
        _ip("address", "add", f"{here}/30", "dev", name)
        _ip("-n", name, "address", "add", f"{there}/30", "dev", "there")
        _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", name, "link", "set", "there", "address", _HARDWARE, "up")
        _ip("link", "set", name, "up")
        _ip("neighbour", "replace", there, "lladdr", _HARDWARE, "dev", name, "nud", "permanent")
        yield Place(there, name)
    finally:
        # With the namespace, both ends of the pair are removed.
        _ip("netns", "delete", name)


# Locally administered (IEEE 802, "02"); each pair is a network of its own.
_HARDWARE: Final = "02:00:00:00:00:02"


def _ip(*arguments: str) -> None:
    done = subprocess.run(  # noqa: S603 - a fixed program
        ("/usr/sbin/ip", *arguments), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr}")

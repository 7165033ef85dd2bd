"""Free TCP ports for servers that must know theirs before they listen."""

import secrets
import socket
from typing import Final

# Below Linux's range for outgoing connections (32768, net.ipv4.ip_local_port_range): nothing else
# takes one of these between the look and the start of the server, also where tests run in parallel.
_FIRST: Final = 20_000
_LAST: Final = 32_767


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port of *host* on which nothing listens."""
    while True:
        port = _FIRST + secrets.randbelow(_LAST - _FIRST + 1)
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port

import errno
import ipaddress
import socket
from contextlib import suppress
from typing import Final

import click

# An address that this machine does not have: it has no IPv6, or not for programs.
_ABSENT: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT})
# With port 0, until one is found that is free on both.
_TRIES: Final = 20


def listen_address(
    _ctx: click.Context | None, _param: click.Parameter | None, value: str | None
) -> str | None:
    """Return the IP address that *value* means: in brackets perhaps, or a name that stands for one.

    Raises:
        click.BadParameter: It means none.
    """
    if value is None:
        return None
    bare = value.strip().removeprefix("[").removesuffix("]")
    with suppress(ValueError):
        return str(ipaddress.ip_address(bare))
    try:
        found = socket.getaddrinfo(bare or "?", None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise click.BadParameter(
            "must be an IP address of this machine, or 0.0.0.0 or :: for all"
        ) from None
    # "localhost" is both; the proxies of docs/deploy ask 127.0.0.1.
    families = {family: str(address[0]) for family, *_, address in reversed(found)}
    return families.get(socket.AF_INET) or families[socket.AF_INET6]


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens on *port*; 0 chooses a free port.

    Raises:
        click.ClickException: The port cannot be opened.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            message = f"port {port} is in use: choose another with --port"
        else:
            message = f"port {port} on {host} cannot be opened: {exc.strerror}"
        raise click.ClickException(message) from exc


def listening_on_loopback(port: int) -> list[socket.socket]:
    """Return sockets that listen on *port* of 127.0.0.1 and, where the machine has it, of ::1.

    A browser asks either for "localhost". Port 0 chooses a port that is free on both.

    Raises:
        click.ClickException: The port cannot be opened.
    """
    for _ in range(_TRIES):
        first = listening("127.0.0.1", port)
        try:
            number = first.getsockname()[1]
            return [first, socket.create_server(("::1", number), family=socket.AF_INET6)]
        except OSError as exc:
            if exc.errno in _ABSENT:
                return [first]
            first.close()
            if port:
                break
    raise click.ClickException(f"port {port} is in use: choose another with --port")

import errno
import ipaddress
import socket
from contextlib import suppress

import click


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

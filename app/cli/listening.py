import errno
import socket

import click


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens on *port*; 0 is any that is free.

    Raises:
        click.ClickException: It cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            why = f"port {port} is in use: choose another with --port"
        else:
            why = f"port {port} on {host} cannot be had: {exc.strerror}"
        raise click.ClickException(why) from exc

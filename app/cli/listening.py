import errno
import socket

import click


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

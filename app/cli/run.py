import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import click
import structlog
from flask import Flask, current_app
from flask.cli import with_appcontext
from werkzeug.serving import WSGIRequestHandler, make_server

from app import schema
from app.cli.signals import stopping, wait
from app.config import ConfigError, Settings
from app.services import EXTENSION, Services, services

log = structlog.get_logger()


@click.command()
@click.option(
    "--host", help="Where to listen; default: the host of PUBLIC_URL if that is loopback."
)
@click.option("--port", type=click.IntRange(0, 65535), help="Default: the port of PUBLIC_URL.")
@with_appcontext
def run(host: str | None, port: int | None) -> None:
    """Serve on this machine while developing, the worker inside. In production: threadlink serve.

    Example: threadlink run --port 8000
    """
    settings = services().settings
    known = urlsplit(settings.public_url)
    is_local = not settings.is_production
    host = host or (known.hostname if is_local else None) or "127.0.0.1"
    port = port if port is not None else (known.port if is_local else None) or 8000
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask's documented way
    with stopping() as stop, listening(host, port) as listener, serving(app, listener):
        taken = listener.getsockname()[1]
        click.echo(f"Serving {settings.public_url} on {host}:{taken}. Ctrl-C stops it.", err=True)
        wait(stop)
    click.echo("Stopped.", err=True)


@contextmanager
def serving(app: Flask, listener: socket.socket) -> Iterator[None]:
    """Serve *app* on *listener* and run its worker until the block ends.

    Raises:
        click.ClickException: The tables are not what the program wants.
    """
    built: Services = app.extensions[EXTENSION]
    check_tables(built)
    note_start(built.settings)
    host, port = listener.getsockname()[:2]
    server = make_server(
        host, port, app, threaded=True, request_handler=Handler, fd=listener.fileno()
    )
    stop = threading.Event()
    threads = (
        threading.Thread(target=server.serve_forever, args=(0.05,), name="server"),
        threading.Thread(target=built.work, args=(stop,), name="worker"),
    )
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        server.shutdown()
        for thread in threads:
            thread.join()
        server.server_close()
        built.close()


def note_start(settings: Settings) -> None:
    """Write which settings are set, by name alone, and what differs without https."""
    log.info(
        "server.started",
        settings=settings.given,
        cookies="__Host-, Secure" if settings.is_production else "plain: http on this machine",
    )


def note_refused_reload(exc: ConfigError) -> None:
    """Say, in the log and to whoever watches, that the settings before stay, and why."""
    faults = str(exc).splitlines()
    log.error("server.reload_refused", faults=faults)
    told = "\n".join(f"  {fault}" for fault in faults)
    click.echo(f"Not reloaded; the settings before stay:\n{told}", err=True)


def check_tables(built: Services) -> None:
    """Make sure the tables are what this version wants.

    Raises:
        click.ClickException: They are not.
    """
    if not schema.status(built.engine).is_current:
        raise click.ClickException("the tables are missing or old. Next: threadlink db upgrade")


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


class Handler(WSGIRequestHandler):
    def version_string(self) -> str:
        # Which version answers helps only whoever looks for an old one.
        return "threadlink"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the query holds tokens, and the application writes its own lines."""

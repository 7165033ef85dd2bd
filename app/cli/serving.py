"""What the commands that serve have in common."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import structlog
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from app.infra.database import schema
from app.infra.settings.settings import ConfigError, Settings
from app.services.container import Services
from app.web.current import services_of

log = structlog.get_logger()


@contextmanager
def serving(app: Flask, listener: socket.socket) -> Iterator[None]:
    """Serve *app* on *listener* and run its worker until the block ends.

    Raises:
        click.ClickException: The tables are not what the program wants.
    """
    built = services_of(app)
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
        settings=settings.names_set,
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


class Handler(WSGIRequestHandler):
    def version_string(self) -> str:
        # Which version answers helps only whoever looks for an old one.
        return "threadlink"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the query holds tokens, and the application writes its own lines."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002, ARG002 (werkzeug's)
        # What is left are complaints about malformed requests, and they quote the request.
        log.info("door.refused", reason="not HTTP")

    def send_error(
        self,
        code: int,
        message: str | None = None,  # noqa: ARG002 - quotes the request, too
        explain: str | None = None,
    ) -> None:
        super().send_error(code, None, explain)

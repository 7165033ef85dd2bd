"""Parts that the commands which serve HTTP have in common."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import click
import structlog
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from app.infra.database import schema
from app.infra.database.pooler import POOLER, pooler_of
from app.infra.settings.production import is_without_tls
from app.infra.settings.settings import ConfigError, Settings
from app.services import background
from app.services.container import Services
from app.web import door_warnings
from app.web.hosts import make_applications
from app.web.languages import chat_texts
from app.web.reloading import log_refused_reload
from app.web.server.wsgi import Application

log = structlog.get_logger()

_UNTOLD: Final = (
    "DATABASE_URL leads through a pooler in transaction mode, and does not say so. "
    f"Next: add the parameter {POOLER}=transaction to it"
)


@contextmanager
def serving(built: Services, *listeners: socket.socket) -> Iterator[None]:
    """Run the server on *listeners*, and the worker, until the block ends.

    Raises:
        click.ClickException: The database does not fit.
    """
    check_database(built)
    note_start(built.settings)
    app = make_applications(built)
    servers = [_server(listener, app) for listener in listeners]
    stop = threading.Event()
    serves = [
        threading.Thread(target=server.serve_forever, args=(0.05,), name="server")
        for server in servers
    ]
    works = threading.Thread(
        target=background.run, args=(built, stop, chat_texts.say), name="worker"
    )
    for thread in (*serves, works):
        thread.start()
    try:
        yield
    finally:
        stop.set()
        # The worker first: a bot that is handed its last message asks the server who wrote it.
        works.join()
        for server, thread in zip(servers, serves, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()
        built.close()


def _server(listener: socket.socket, app: Application) -> BaseWSGIServer:
    host, port = listener.getsockname()[:2]
    return make_server(
        host, port, app, threaded=True, request_handler=Handler, fd=listener.fileno()
    )


def note_start(settings: Settings) -> None:
    """Log the names of the settings that are set, and the kind of cookies in use (R67).

    Also, as warnings, what may be misspelt, and that the database is spoken to without TLS.
    """
    log.info(
        "server.started",
        settings=settings.names_set,
        cookies="__Host-, Secure" if settings.is_production else "plain: http on this machine",
    )
    note_near_misses(settings)
    if settings.is_production and is_without_tls(settings.database_url):
        log.warning("database.without_tls")
    nats = settings.bot.messenger_log
    if settings.is_production and nats and nats.is_in_clear:
        log.warning("delivery_log.without_tls")


def note_near_misses(settings: Settings) -> None:
    """Log each variable that may be a misspelt setting."""
    for miss in settings.near_misses:
        log.warning("settings.near_miss", name=miss.name, meant=miss.meant)


def note_refused_reload(exc: ConfigError) -> None:
    """Log and print that a reload was refused and the previous settings stay, and why."""
    log_refused_reload(exc)
    lines = "\n".join(f"  {error}" for error in str(exc).splitlines())
    click.echo(f"Not reloaded; the previous settings stay:\n{lines}", err=True)


def check_database(built: Services) -> None:
    """Check that this program works with the database; log it where its tables are too new.

    Raises:
        click.ClickException: The tables do not fit, or a pooler is in between that DATABASE_URL
            does not tell of.
    """
    tables = schema.status(built.engine)
    problem = None if tables.fits else tables.explanation
    is_told = POOLER in built.settings.database_url.query
    if not is_told and built.engine.dialect.name == "postgresql":
        # Statements would fail that were prepared on another of its connections, and a bot would
        # get again what it has got.
        problem = problem or (_UNTOLD if pooler_of(built.engine) == "transaction" else None)
    if problem:
        built.engine.dispose()
        raise click.ClickException(problem)
    if tables.is_later:
        log.warning("database.tables_newer", present=tables.present, wanted=tables.wanted)


class Handler(WSGIRequestHandler):
    """Werkzeug's handler, without its version and its own log lines."""

    def version_string(self) -> str:
        # The version would only help an attacker who looks for an old one.
        return "threadlink"

    def make_environ(self) -> dict[str, Any]:
        """Return what Flask gets: without the headers that `serve` refuses, of which it warns."""
        for name in self.headers:
            if "_" in name:
                door_warnings.warn_of_header(name, "underscore in a name")
                break
        return super().make_environ()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing: a query contains tokens, and the application writes its own lines."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002, ARG002 (werkzeug's)
        # The remaining messages are about malformed requests, and quote them.
        log.info("door.refused", reason="not HTTP")

    def send_error(
        self,
        code: int,
        message: str | None = None,  # noqa: ARG002 - quotes the request as well
        explain: str | None = None,
    ) -> None:
        super().send_error(code, None, explain)

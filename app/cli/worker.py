import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, Final, TypeAlias

import click
import structlog
from werkzeug.exceptions import NotFound
from werkzeug.serving import make_server

from app import create_app
from app.cli.listening import listening
from app.cli.serving import Handler, check_tables, note_refused_reload
from app.cli.signals import hangups, stopping
from app.infra.settings.settings import ConfigError, Settings
from app.services.container import Services, build
from app.services.settings import load_settings, reload_settings

log = structlog.get_logger()

_TOLD: Final = frozenset({"/healthz", "/metrics"})
Telling: TypeAlias = Callable[[Services], AbstractContextManager[None]]


@click.command()
@click.option(
    "--metrics-port",
    type=click.IntRange(1, 65535),
    help="Answer /metrics (with METRICS_TOKEN) and /healthz there.",
)
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="And where.")
def worker(metrics_port: int | None, metrics_host: str) -> None:
    """Do what commits have asked for, until told to stop. Any number may run.

    On SIGHUP it goes on by the settings as they are written then.

    Example: threadlink worker --metrics-port 8001
    """
    settings = load_settings()
    told: Telling = (
        partial(_telling, host=metrics_host, port=metrics_port)
        if metrics_port
        else lambda _: nullcontext()
    )
    with stopping() as stop, hangups() as hangup:
        with _working(settings, told):
            click.echo("Working. Ctrl-C stops it after what it is doing.", err=True)
            settings = _until_told(settings, stop, hangup)
        while not stop.is_set():
            with _working(settings, told):
                log.info("server.reloaded", settings=settings.names_set, pages=len(settings.pages))
                settings = _until_told(settings, stop, hangup)
    click.echo("Stopped.", err=True)


@contextmanager
def _working(settings: Settings, told: Telling) -> Iterator[None]:
    built = build(settings)
    check_tables(built)
    over = threading.Event()
    thread = threading.Thread(target=built.work, args=(over,), name="worker")
    try:
        # Before it works: whoever sees it working can read what it counts.
        with told(built):
            thread.start()
            try:
                yield
            finally:
                over.set()
                thread.join()
    finally:
        built.close()


@contextmanager
def _telling(built: Services, *, host: str, port: int) -> Iterator[None]:
    """Let machines read what this process counts, and nobody use the rest of the server here."""
    app = create_app(built)

    def figures_alone(environ: dict[str, Any], start_response: Any) -> Any:
        wanted = app if environ["PATH_INFO"] in _TOLD else NotFound()
        return wanted(environ, start_response)

    with listening(host, port) as listener:
        server = make_server(
            host,
            port,
            figures_alone,
            threaded=True,
            request_handler=Handler,
            fd=listener.fileno(),
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="metrics")
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _until_told(settings: Settings, stop: threading.Event, hangup: threading.Event) -> Settings:
    """Return what to go on by: other settings after SIGHUP, or *settings* when *stop* is set."""
    while not stop.wait(timeout=1):
        if hangup.is_set():
            hangup.clear()
            try:
                return reload_settings(settings)
            except ConfigError as exc:
                note_refused_reload(exc)
    return settings

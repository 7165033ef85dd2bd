import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, Final, TypeAlias

import click
import structlog
from werkzeug.exceptions import NotFound
from werkzeug.serving import make_server

from app.cli.listening import listening
from app.cli.serving import Handler, check_database, note_near_misses, note_refused_reload
from app.cli.signals import hangups, stopping
from app.infra.service_manager import notify, notify_reloading, watchdog_seconds
from app.infra.settings.settings import ConfigError, Settings
from app.services import background
from app.services.container import Services, build
from app.services.settings import load_settings, reload_settings
from app.web.factory import make_app
from app.web.languages import chat_texts

log = structlog.get_logger()

LOOK_SECONDS: Final = 1.0
_PATHS: Final = frozenset({"/healthz", "/metrics"})
Monitoring: TypeAlias = Callable[[Services], AbstractContextManager[None]]


@click.command()
@click.option(
    "--metrics-port",
    type=click.IntRange(1, 65535),
    help="Serve /metrics (with METRICS_TOKEN) and /healthz on this port.",
)
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="The address.")
def worker(metrics_port: int | None, metrics_host: str) -> None:
    """Run the background worker: notices, forwarding, unlinks.

    Any number of workers may run. SIGHUP reloads the settings.

    Example: threadlink worker --metrics-port 8001
    """
    settings = load_settings()
    monitoring: Monitoring = (
        partial(_monitoring, host=metrics_host, port=metrics_port)
        if metrics_port
        else lambda _: nullcontext()
    )
    with stopping() as stop, hangups() as hangup:
        built = build(settings)
        check_database(built)
        with _working(built, monitoring):
            note_near_misses(settings)
            click.echo("Working. Ctrl-C stops it after the current item.", err=True)
            settings = _next_settings(built, stop, hangup)
        while not stop.is_set():
            # Without a look at the database, which cannot be another: it may be away just now.
            built = build(settings)
            with _working(built, monitoring):
                log.info("server.reloaded", settings=settings.names_set, pages=len(settings.pages))
                settings = _next_settings(built, stop, hangup)
    click.echo("Stopped.", err=True)


@contextmanager
def _working(built: Services, monitoring: Monitoring) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(
        target=background.run, args=(built, stop, chat_texts.say), name="worker"
    )
    try:
        # First, so that /metrics answers as soon as the worker is seen.
        with monitoring(built):
            thread.start()
            notify("READY=1")
            try:
                yield
            finally:
                stop.set()
                # What is being done may take its time, also at a reload.
                while thread.is_alive():
                    thread.join(_look_seconds())
                    _tell_watchdog(built)
    finally:
        built.close()


@contextmanager
def _monitoring(built: Services, *, host: str, port: int) -> Iterator[None]:
    """Serve this process's metrics and health, and nothing else, until the block ends."""
    app = make_app(built)

    def monitoring_only(environ: dict[str, Any], start_response: Any) -> Any:
        target = app if environ["PATH_INFO"] in _PATHS else NotFound()
        return target(environ, start_response)

    with listening(host, port) as listener:
        server = make_server(
            host,
            port,
            monitoring_only,
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


def _next_settings(built: Services, stop: threading.Event, hangup: threading.Event) -> Settings:
    """Wait for SIGHUP and return the new settings, or for *stop* and return those of *built*.

    Meanwhile the service manager is told that the worker moves, as long as it does.
    """
    while not stop.wait(timeout=_look_seconds()):
        if hangup.is_set():
            hangup.clear()
            notify_reloading()
            try:
                return reload_settings(built.settings)
            except ConfigError as exc:
                note_refused_reload(exc)
                notify("READY=1")
        _tell_watchdog(built)
    notify("STOPPING=1")
    return built.settings


def _look_seconds() -> float:
    return min(LOOK_SECONDS, watchdog_seconds() or LOOK_SECONDS)


def _tell_watchdog(built: Services) -> None:
    if built.pulses.all_move():
        notify("WATCHDOG=1")

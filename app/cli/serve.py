import gc
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any, Final

import click
from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.common import AbstractServer

from app.cli.listening import listen_address, listening
from app.cli.serving import check_database, note_refused_reload, note_start
from app.cli.supervisor import STOPS, Supervisor, await_end_signal
from app.infra.observability import metrics
from app.infra.settings.settings import ConfigError, Settings
from app.services.container import build
from app.services.processes import process_count
from app.services.settings import load_settings, reload_settings
from app.web.reloading import make_gateway
from app.web.server.asgi import AsgiGateway
from app.web.server.process_link import ProcessLink

# Windows lacks this module, and the other commands must work there.
if sys.platform != "win32":
    import resource

# A proxy in front must close idle connections sooner, or a request now and then gets no answer.
HEAD_MS: Final = 10_000
# Twice what the gateway accepts as a head; with the 408 KiB of the default, heads that never end
# would take gigabytes.
HEAD_BUFFER_BYTES: Final = 64 * 1024
# Connections, not requests: idle and slow ones cost almost nothing.
CONNECTIONS: Final = 8192


@click.command()
@click.option(
    "--host",
    metavar="ADDRESS",
    callback=listen_address,
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on.",
)
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="The port."
)
def serve(host: str, port: int) -> None:
    """Run the server in production.

    Needs a proxy in front that speaks https. SIGTERM ends it within DRAIN_SECONDS and 25 seconds;
    SIGHUP reloads the settings.

    Example: threadlink serve --host 0.0.0.0 --port 8000
    """
    if sys.platform == "win32":
        raise click.ClickException("serve needs Linux or macOS; on Windows use threadlink run")
    settings = load_settings()
    # Granian tells a port that is in use with a traceback.
    listening(host, port).close()
    built = build(settings)
    check_database(built)
    note_start(settings)
    # The processes are forked from this one, and must not share its connection.
    built.engine.dispose()
    count = process_count(settings)
    _allow_many_connections()
    os.register_at_fork(after_in_child=partial(_reset_signals, settings.drain_seconds))
    link, server = ProcessLink(), _server(host, port, count)
    supervisor = Supervisor(server, link, drain_seconds=settings.drain_seconds)
    reloader = SettingsReloader(settings, supervisor, link, is_alone=count == 1)
    server.on_startup(supervisor.start)
    server.on_startup(reloader.handle_hangups)
    outbox = "the outbox worker included" if count == 1 else "start threadlink worker as well"
    unit = "process" if count == 1 else "processes"
    shown = f"[{host}]" if ":" in host else host
    click.echo(
        f"Serving {settings.public_url} on {shown}:{port}: {count} {unit}, {outbox}.", err=True
    )
    _freeze_garbage_collector()
    with _shared_metrics(count):
        server.serve(target_loader=reloader.load_gateway, wrap_loader=False)


def _server(host: str, port: int, count: int) -> AbstractServer[Any]:
    """Return the HTTP server of *count* processes."""
    return Granian(
        "threadlink",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=count,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        websockets=False,
        backlog=2048,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEAD_MS, max_buffer_size=HEAD_BUFFER_BYTES
        ),
        log_level=LogLevels.warning,
        # Its lines go to our log. It logs no requests: their queries contain tokens.
        log_dictconfig={"handlers": {}, "loggers": {}},
        # The supervisor kills what does not end: Granian's own kill takes a process for alive that
        # its thread has seen end at the same moment.
        respawn_failed_workers=True,
    )


class SettingsReloader:
    """Holds the settings that new processes start with, and tells running ones to reload."""

    def __init__(
        self, settings: Settings, supervisor: Supervisor, link: ProcessLink, *, is_alone: bool
    ) -> None:
        self._settings, self._is_alone = settings, is_alone
        self._supervisor, self._link = supervisor, link

    def load_gateway(self) -> AsgiGateway:
        """Return the application of one process."""
        # Not read again: a process that replaces a dead one must not fail on an invalid file.
        return make_gateway(self._settings, is_alone=self._is_alone, link=self._link)

    def handle_hangups(self) -> None:
        """Reload on SIGHUP, instead of the server's own handling."""
        signal.signal(signal.SIGHUP, self._reload)

    def _reload(self, _number: int, _frame: FrameType | None) -> None:
        try:
            self._settings = reload_settings(self._settings)
        except ConfigError as exc:
            note_refused_reload(exc)
        else:
            self._supervisor.reload()


@contextmanager
def _shared_metrics(count: int) -> Iterator[None]:
    """Let several processes share their counters, so that each answers /metrics for all."""
    if count == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="threadlink-metrics-") as folder:
        os.environ[metrics.FOLDER] = folder
        yield


def _freeze_garbage_collector() -> None:
    """Exclude all present objects from garbage collection, and run it less often.

    Traversing them takes a tenth of the processor under load, and marking them copies every memory
    page that the processes share (docs.python.org, gc.freeze, read 2026-11). What a request
    allocates is freed by reference counting, except for a few cycles, so collections are seldom
    needed.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def _allow_many_connections() -> None:
    """Raise the limit of open files: idle clients soon use up the usual 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CONNECTIONS if hard == resource.RLIM_INFINITY else min(hard, 2 * CONNECTIONS)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _reset_signals(drain_seconds: int) -> None:
    """Drop the parent's handlers in a forked process; SIGHUP waits until it has its own."""
    for number in STOPS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    if drain_seconds:
        await_end_signal()

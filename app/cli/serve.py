import gc
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import click
from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels

from app.cli.serving import check_tables, note_refused_reload, note_start
from app.infra.observability import metrics
from app.infra.settings.settings import ConfigError, Settings
from app.services.container import build, processes
from app.services.settings import load_settings, reload_settings
from app.web.reloading import make_gateway
from app.web.server.asgi import AsgiGateway

# Windows has none, and must not miss the other commands for it.
if sys.platform != "win32":
    import resource

# A proxy in front must let go of an idle connection sooner, or now and then it gets no answer.
HEAD_MS: Final = 10_000
DRAIN_SECONDS: Final = 24
# Connections, not requests: idle and slow ones cost next to nothing.
CONNECTIONS: Final = 8192


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
def serve(host: str, port: int) -> None:
    """Serve in production, behind whatever speaks https. SIGTERM ends it within 25 seconds.

    Example: threadlink serve --host 0.0.0.0 --port 8000
    """
    if sys.platform == "win32":
        raise click.ClickException("serve needs Linux or macOS; here there is threadlink run")
    settings = load_settings()
    built = build(settings)
    check_tables(built)
    note_start(settings)
    # The processes are copies of this one, and a connection belongs to one alone.
    built.engine.dispose()
    count = processes(settings)
    _allow_many_connections()
    os.register_at_fork(after_in_child=_await_own_handlers)
    tenancy = SettingsReloader(settings, is_alone=count == 1)
    server = Granian(
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
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_MS),
        log_level=LogLevels.warning,
        # Its lines join ours; it writes none about requests, whose queries hold tokens.
        log_dictconfig={"handlers": {}, "loggers": {}},
        respawn_failed_workers=True,
        workers_kill_timeout=DRAIN_SECONDS,
    )
    server.on_startup(tenancy.listen)
    beside = "the outbox's work inside" if count == 1 else "start threadlink worker beside"
    processes_word = "process" if count == 1 else "processes"
    click.echo(
        f"Serving {settings.public_url} on {host}:{port}: {count} {processes_word}, {beside}.",
        err=True,
    )
    _keep_for_good()
    with _shared_figures(count):
        server.serve(target_loader=tenancy.open_door, wrap_loader=False)


class SettingsReloader:
    """The settings that the processes answer by, and how they come to others."""

    def __init__(self, settings: Settings, *, is_alone: bool) -> None:
        self._settings, self._is_alone = settings, is_alone

    def open_door(self) -> AsgiGateway:
        # Not read anew: a process that replaces one that died must not fail on a faulty file.
        return make_gateway(self._settings, is_alone=self._is_alone)

    def listen(self) -> None:
        """Take SIGHUP from now on, in place of what the server does then."""
        signal.signal(signal.SIGHUP, self._renew)

    def _renew(self, _number: int, _frame: FrameType | None) -> None:
        try:
            self._settings = reload_settings(self._settings)
        except ConfigError as exc:
            note_refused_reload(exc)
            return
        for process in multiprocessing.active_children():
            if process.pid is not None:
                os.kill(process.pid, signal.SIGHUP)


@contextmanager
def _shared_figures(count: int) -> Iterator[None]:
    """Let several processes count together: whichever is asked for /metrics answers for all."""
    if count == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="threadlink-metrics-") as folder:
        os.environ[metrics.FOLDER] = folder
        yield


def _keep_for_good() -> None:
    """Leave what there is by now out of every later search for garbage.

    To search it takes a tenth of the processor under load, and to mark it takes a copy of every
    page that the processes share (docs.python.org, gc.freeze, read 2026-11). What a request leaves
    goes without a search, but for the little that refers to itself: so a search is seldom due.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def _allow_many_connections() -> None:
    """Open as many files as idle clients may need; the usual limit, 1,024, is soon used up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CONNECTIONS if hard == resource.RLIM_INFINITY else min(hard, 2 * CONNECTIONS)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _await_own_handlers() -> None:
    """Keep a process that has just been forked from acting on signals as the one it came from."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})

"""One process of the server that `threadlink serve` starts, and how it changes to other settings.

Replacing whole processes would be the server's own way, but it closes connections that it has just
accepted: under load a few requests of every ten thousand got no answer. So what answers is
replaced within the process; the socket, the connections and the threads stay.
"""

import gc
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import structlog
from werkzeug.wsgi import ClosingIterator

from app import create_app
from app.infra.observability import metrics
from app.infra.settings.settings import ConfigError, Settings
from app.services.container import build
from app.services.settings import reload_settings
from app.web.server.asgi import AsgiGateway, Scope
from app.web.server.wsgi import Answer, Body
from app.web.webhook.fast_path import FastPath

log = structlog.get_logger()


def make_gateway(settings: Settings, *, is_alone: bool) -> AsgiGateway:
    """Return the server as an ASGI application, which looks at the settings again on SIGHUP.

    Where it *is_alone*, no other process answering, it does the outbox's work as well.
    """
    house = ReloadableApp(settings, is_alone=is_alone)
    # Windows has none.
    with suppress(AttributeError):
        signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=house.renew).start())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    return AsgiGateway(
        house, threads=settings.threads, lane=house.pass_through, alongside=house.stand
    )


def note_refused(exc: ConfigError) -> None:
    """Write that the settings before stay, and why."""
    log.error("server.reload_refused", faults=str(exc).splitlines())


class ReloadableApp:
    """An application that can be replaced: each request stays with the one it came to."""

    def __init__(self, settings: Settings, *, is_alone: bool) -> None:
        self._settings, self._is_alone = settings, is_alone
        self._tenant = _Instance(settings)
        self._moving = threading.Lock()
        self._inside = threading.Condition()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        tenant = self._enter()
        try:
            return ClosingIterator(
                tenant.app(environ, start_response), partial(self._leave, tenant)
            )
        except BaseException:
            self._leave(tenant)
            raise

    async def pass_through(self, scope: Scope, body: Body) -> Answer | None:
        """Answer what needs no thread; None for everything else."""
        tenant = self._enter()
        try:
            return await tenant.lane(scope, body)
        finally:
            self._leave(tenant)

    def stand(self, stop: threading.Event) -> None:
        """Do what goes beside the requests until *stop* is set."""
        metrics.prepare()
        self._move_in(self._tenant)
        stop.wait()
        with self._moving:
            self._move_out(self._tenant)

    def renew(self) -> None:
        """Answer by the settings as they are written now; if they cannot be used, as before."""
        with self._moving:
            try:
                settings = reload_settings(self._settings)
            except ConfigError as exc:
                note_refused(exc)
                return
            old, new = self._tenant, _Instance(settings)
            self._move_in(new)
            with self._inside:
                self._settings, self._tenant = settings, new
            log.info("server.reloaded", settings=settings.names_set, pages=len(settings.pages))
            self._move_out(old)
            # It refers to itself, and a search for such things is seldom due (app.cli.serve).
            del old
            gc.collect()

    def _enter(self) -> "_Instance":
        with self._inside:
            self._tenant.requests += 1
            return self._tenant

    def _leave(self, tenant: "_Instance") -> None:
        with self._inside:
            tenant.requests -= 1
            self._inside.notify_all()

    def _move_in(self, tenant: "_Instance") -> None:
        if self._is_alone:
            tenant.beside.start()

    def _move_out(self, tenant: "_Instance") -> None:
        """Finish what *tenant* has begun, and let go of the database."""
        with self._inside:
            self._inside.wait_for(lambda: not tenant.requests)
        tenant.stop.set()
        if tenant.beside.is_alive():
            tenant.beside.join()
        tenant.built.close()


class _Instance:
    """What answers by one set of settings, what works beside it, and how many requests it has."""

    def __init__(self, settings: Settings) -> None:
        self.built = build(settings)
        self.app = create_app(self.built)
        self.lane = FastPath(self.built)
        self.stop = threading.Event()
        self.beside = threading.Thread(target=self.built.work, args=(self.stop,))
        self.requests = 0

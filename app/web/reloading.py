"""A process of `threadlink serve`: the application, and its replacement when settings change.

Granian's own reload replaces whole processes, but closes connections that it has just accepted:
under load a few of every ten thousand requests got no answer. So the application is replaced within
the process, which keeps its socket, connections and threads.
"""

import asyncio
import gc
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import structlog
from werkzeug.wsgi import ClosingIterator

from app.infra.observability import metrics
from app.infra.settings.settings import ConfigError, Settings
from app.services import background
from app.services.container import build
from app.services.settings import reload_settings
from app.web import paths
from app.web.api.fast_path import is_look_up
from app.web.fast_paths import FastPaths
from app.web.hosts import make_applications
from app.web.refusals import Refusals
from app.web.server.asgi import AsgiGateway
from app.web.server.head import Scope
from app.web.server.limits import Refused
from app.web.server.process_link import ProcessLink
from app.web.server.wsgi import Answer, answer_of
from app.web.webhook.fast_path import is_signed_delivery

log = structlog.get_logger()

_JSON: Final = {"Content-Type": "application/json", "Cache-Control": "no-store"}
_DRAINING: Final = b'{"status":"draining"}\n'


def make_gateway(
    settings: Settings, *, is_alone: bool, link: ProcessLink | None = None
) -> AsgiGateway:
    """Return the server as an ASGI application that reloads its settings on SIGHUP.

    The only process of a server (*is_alone*) runs the outbox worker as well. *link* leads to the
    main process.
    """
    app = ReloadableApp(settings, is_alone=is_alone, link=link or ProcessLink())
    # Windows has no SIGHUP.
    with suppress(AttributeError):
        signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=app.reload).start())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    return AsgiGateway(
        app,
        threads=settings.threads,
        fast_path=app.handle_fast_path,
        may_be_large=is_signed_delivery,
        is_quick=is_look_up,
        refusal=app.refuse,
        background=app.run_background,
        on_loop=app.use_loop,
        tick=app.report,
        is_draining=app.is_draining,
    )


def log_refused_reload(exc: ConfigError) -> None:
    """Log that the previous settings stay, and why."""
    log.error("server.reload_refused", faults=str(exc).splitlines())


class ReloadableApp:
    """A reloadable application: a request is finished by the instance that accepted it."""

    def __init__(self, settings: Settings, *, is_alone: bool, link: ProcessLink) -> None:
        self._settings, self._is_alone, self._link = settings, is_alone, link
        self._instance = _Instance(settings)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._settings_at = time.monotonic()
        # One reload at a time, and none while the process ends.
        self._reloading = threading.Lock()
        # Guards the current instance and the counts of requests.
        self._changed = threading.Condition()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        instance = self._acquire()
        try:
            return ClosingIterator(
                instance.app(environ, start_response), partial(self._release, instance)
            )
        except BaseException:
            self._release(instance)
            raise

    async def handle_fast_path(self, scope: Scope, content: bytes) -> Answer | None:
        """Return the fast path's answer; None for a request that needs a thread."""
        if self._link.is_draining and scope["path"] == paths.READINESS:
            return answer_of(HTTPStatus.SERVICE_UNAVAILABLE, _JSON, _DRAINING)
        instance = self._acquire()
        try:
            return await instance.fast_path(scope, content)
        finally:
            self._release(instance)

    def is_draining(self) -> bool:
        """Return whether the server was asked to stop."""
        return self._link.is_draining

    def report(self) -> None:
        """Tell the main process that this one moves, if all its loops do."""
        if self._instance.built.pulses.all_move():
            self._link.report(self._settings_at)

    def refuse(self, scope: Scope, refused: Refused) -> Answer:
        """Return the answer to a request that breaks a limit."""
        return self._instance.refusals(scope, refused)

    def use_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have this instance and all later ones use *loop*, on which the fast path runs."""
        self._loop = loop

    def run_background(self, stop: threading.Event) -> None:
        """Run the worker, if this process is alone, until *stop* is set."""
        metrics.prepare()
        self._start(self._instance)
        stop.wait()
        with self._reloading:
            self._shut_down(self._instance)

    def reload(self) -> None:
        """Replace the instance by one with the current settings; keep it if they are invalid."""
        with self._reloading:
            at = time.monotonic()
            try:
                settings = reload_settings(self._settings)
            except ConfigError as exc:
                log_refused_reload(exc)
            else:
                self._replace(settings)
            self._settings_at = at
            self.report()

    def _replace(self, settings: Settings) -> None:
        old, new = self._instance, _Instance(settings)
        self._start(new)
        with self._changed:
            self._settings, self._instance = settings, new
        log.info("server.reloaded", settings=settings.names_set, pages=len(settings.pages))
        self._shut_down(old)
        # It is part of a reference cycle, and collections are rare (app.cli.serve).
        del old
        gc.collect()

    def _acquire(self) -> "_Instance":
        """Return the current instance, with one more request counted on it."""
        with self._changed:
            self._instance.requests += 1
            return self._instance

    def _release(self, instance: "_Instance") -> None:
        with self._changed:
            instance.requests -= 1
            self._changed.notify_all()

    def _start(self, instance: "_Instance") -> None:
        metrics.prepare_authenticators(instance.built.settings.sign_in.settings_of)
        if log := instance.built.delivery_log:
            log.start(self._loop)
        if self._is_alone:
            instance.worker.start()

    def _shut_down(self, instance: "_Instance") -> None:
        """Wait for the requests of *instance*, stop its worker, and close its services."""
        with self._changed:
            self._changed.wait_for(lambda: not instance.requests)
        instance.stop.set()
        if instance.worker.is_alive():
            instance.worker.join()
        instance.built.close()


class _Instance:
    """The application of one set of settings, its worker, and the number of its requests."""

    def __init__(self, settings: Settings) -> None:
        self.built = build(settings)
        self.app = make_applications(self.built)
        self.fast_path = FastPaths(self.built)
        self.refusals = Refusals(settings)
        self.stop = threading.Event()
        self.worker = threading.Thread(target=background.run, args=(self.built, self.stop))
        self.requests = 0

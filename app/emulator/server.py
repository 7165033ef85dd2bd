"""The emulator's HTTP server on loopback, in a thread or until stopped."""

import logging
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self, TypedDict
from urllib.parse import urlsplit

from werkzeug.serving import WSGIRequestHandler, make_server

from app.emulator.app import create_emulator
from app.emulator.clock import Clock, wall_clock
from app.emulator.context import emulator_of
from app.emulator.csrf_guard import LOOPBACK_NAMES
from app.emulator.settings import EmulatorSettings, psid_for

_log = logging.getLogger(__name__)


class PersonDescription(TypedDict):
    """A person with the id and the chat of one page."""

    name: str
    psid: str
    chat_url: str


class PageDescription(TypedDict):
    """A page with the people who chat with it."""

    id: str
    name: str
    people: list[PersonDescription]


class Description(TypedDict):
    """The addresses of a running emulator, without any secret."""

    url: str
    graph_url: str
    m_me_url: str
    chat_url: str
    inspector_url: str
    faults_url: str
    control_url: str
    app_id: str
    pages: list[PageDescription]


def describe(settings: EmulatorSettings, origin: str) -> Description:
    """Return the description of an emulator served at *origin*, ready for JSON."""
    pages: list[PageDescription] = []
    for page in settings.pages:
        people: list[PersonDescription] = []
        for name in settings.people:
            psid = psid_for(settings, page.id, name)
            people.append({"name": name, "psid": psid, "chat_url": f"{origin}/t/{page.id}/{psid}"})
        pages.append({"id": page.id, "name": page.name, "people": people})
    return {
        "url": origin,
        "graph_url": origin,
        "m_me_url": f"{origin}/m.me",
        "chat_url": pages[0]["people"][0]["chat_url"],
        "inspector_url": f"{origin}/inspector",
        "faults_url": f"{origin}/faults",
        "control_url": f"{origin}/control",
        "app_id": settings.app_id,
        "pages": pages,
    }


class EmulatorServer:
    """The emulator on a port of its own, in a background thread.

    The constructor binds the port, so `origin` is known before anything is served; `start` and
    `stop`, or a with statement, do the rest. Port 0 picks a free port.

    Raises:
        OSError: The port is in use.
        ValueError: *host* is not loopback. The emulator has no passwords, so it must not be
            reachable from other computers.
    """

    def __init__(
        self,
        settings: EmulatorSettings,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock = wall_clock,
    ) -> None:
        if host not in LOOPBACK_NAMES:
            raise ValueError(f"the emulator listens on loopback only, not on {host}")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.create_server((host, port), family=family) as listening:
            port = listening.getsockname()[1]
            shown = f"[{host}]" if ":" in host else host
            self.origin = f"http://{shown}:{port}"
            self.app = create_emulator(settings, clock=clock, origin=self.origin)
            self._server = make_server(
                host,
                port,
                self.app,
                threaded=True,
                request_handler=_Handler,
                fd=listening.fileno(),
            )
        self.description = describe(settings, self.origin)
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="emulator",
            daemon=True,
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and release the port; a second call does nothing."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        emulator_of(self.app).dispatcher.close()

    def settle(self) -> None:
        """Wait until every queued webhook has been delivered or has failed."""
        emulator_of(self.app).dispatcher.settle()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def run(
    settings: EmulatorSettings,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    faults: tuple[str, ...] = (),
    ready: Callable[[Description], None],
) -> None:
    """Serve until Ctrl-C or SIGTERM, with *faults* on; call *ready* once it is reachable.

    Raises:
        OSError: The port is in use.
        ValueError: *host* is not loopback.
    """
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with EmulatorServer(settings, host=host, port=port) as server:
            for name in faults:
                emulator_of(server.app).faults.turn_on(name)
            ready(server.description)
            # In steps, since on Windows Ctrl-C does not interrupt a wait without a timeout.
            while not stopping.wait(timeout=1):
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Handler(WSGIRequestHandler):
    # One request per connection: no idle connection delays the stop, and no client tries to reuse
    # one that the stop has closed.
    protocol_version = "HTTP/1.0"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        # The path alone: queries hold tokens and codes.
        path = urlsplit(getattr(self, "path", "")).path
        _log.info("%s %s %s, %s bytes", getattr(self, "command", "-"), path, code, size)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002, ARG002 (werkzeug's)
        # werkzeug logs malformed requests here and quotes them, with any tokens in them.
        _log.log(logging.ERROR if type == "error" else logging.INFO, "a malformed request")

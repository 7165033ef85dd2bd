"""A real server and a real emulator on this machine, which do not know each other yet."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import URL
from werkzeug.http import http_date
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

from app import create_app
from app.accounts import local
from app.cli import main
from app.emulator import EmulatorSettings, PageSettings, create_emulator
from app.emulator.context import Emulator, emulator_of
from app.infra import clock
from app.infra.network.meta_addresses import GRAPH_VERSION
from app.linking import delivery_counts
from app.services.container import Services, build
from app.services.settings import settings_from_env
from tests.installation import ENVIRONMENT, NOON, OTHER_PAGE, PAGE, PASSWORD, USERNAME

TOKENS = {PAGE: ENVIRONMENT["PAGE_ACCESS_TOKEN"], OTHER_PAGE: "EAAanotherpagetoken0123456789"}
Runs = Callable[..., Result]


class Platform:
    """The emulator behind an edge that tests can turn: what it says of tokens, and when it is."""

    def __init__(self, origin: str, app: Flask) -> None:
        self.origin = origin
        self.emulator = emulator_of(app)
        self.token_facts: dict[str, Any] = {
            "app_id": ENVIRONMENT["APP_ID"],
            "type": "PAGE",
            "profile_id": PAGE,
            "is_valid": True,
            "expires_at": 0,
            "scopes": ["pages_messaging", "pages_manage_metadata"],
        }
        self.clock_is_off_by = timedelta(0)
        # The errors that such calls are answered with ("GET /me?…": a part of it), and all calls.
        self.errors: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.emulator_app: Any = app

    def __call__(self, environ: Any, start: Any) -> Any:
        path = environ["PATH_INFO"].removeprefix(f"/{GRAPH_VERSION}")
        asked = f"{environ['REQUEST_METHOD']} {path}?{environ['QUERY_STRING']}"
        self.asked.append(asked)
        for part, error in self.errors.items():
            if part in asked:
                return Response(json.dumps({"error": error}), 400)(environ, start)
        if environ["PATH_INFO"].endswith("/debug_token"):
            facts = Response(json.dumps({"data": self.token_facts}), mimetype="application/json")
            return facts(environ, start)
        return self.emulator_app(environ, start)


@pytest.fixture
def platform() -> Iterator[Platform]:
    """Yield a Messenger that has an app with two pages, and no webhook."""
    names = {PAGE: "Harbour Coffee", OTHER_PAGE: "Corner Books"}
    with messenger_of(PageSettings(page, names[page], TOKENS[page]) for page in names) as platform:
        yield platform


@pytest.fixture
def meta(platform: Platform) -> Emulator:
    """Return what the emulator knows, to look at and to put it into a fault."""
    return platform.emulator


@pytest.fixture
def environment(database: URL, platform: Platform) -> dict[str, str]:
    """Return the operator's environment; PUBLIC_URL is where `server` listens."""
    return {
        **ENVIRONMENT,
        "DATABASE_URL": database.render_as_string(hide_password=False),
        "GRAPH_URL": platform.origin,
        "REDIRECT_ORIGINS": platform.origin,
    }


@pytest.fixture
def server(environment: dict[str, str]) -> Iterator[Services]:
    """Yield Threadlink, listening; from now on *environment* names its address."""
    http = make_server("127.0.0.1", 0, _nothing, threaded=True, request_handler=_Handler)
    environment["PUBLIC_URL"] = f"http://127.0.0.1:{http.server_port}"
    services = build(settings_from_env(environment))
    http.app = create_app(services)
    with _in_background(http):
        yield services
    services.close()


@pytest.fixture
def runs(environment: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Return what runs a command in a folder of its own, with the operator's environment."""
    monkeypatch.chdir(tmp_path)

    def runs(*arguments: str, **changed: str | None) -> Result:
        return CliRunner().invoke(main, arguments, env={**environment, **changed})

    return runs


@pytest.fixture
def sound(server: Services, runs: Runs) -> Services:
    """Return an installation with which nothing is wrong: Messenger has been heard, too."""
    assert 0 == runs("setup").exit_code
    server.write(local.add, USERNAME, None, server.hasher.hash(PASSWORD), at=NOON)
    server.write(delivery_counts.add, {(delivery_counts.minute_of(clock.now()), "current"): 1})
    return server


def lines(runs: Runs, **changed: str) -> dict[str, dict[str, Any]]:
    """Return what doctor says, by what it is about."""
    result = runs("doctor", "--json", **changed)
    return {line["subject"]: line for line in json.loads(result.stdout)}


@contextmanager
def messenger_of(pages: Iterable[PageSettings]) -> Iterator[Platform]:
    """Yield a Messenger that has our app, with *pages* and no webhook."""
    http = make_server("127.0.0.1", 0, _nothing, threaded=True, request_handler=_Handler)
    origin = f"http://127.0.0.1:{http.server_port}"
    settings = EmulatorSettings(
        app_id=ENVIRONMENT["APP_ID"],
        app_secret=ENVIRONMENT["APP_SECRET"],
        verify_token=ENVIRONMENT["VERIFY_TOKEN"],
        pages=tuple(pages),
        people=("Ana Berg", "Ben Okafor"),
    )
    http.app = platform = Platform(origin, create_emulator(settings, origin=origin))
    with _in_background(http):
        yield platform
    platform.emulator.dispatcher.close()


class _Handler(WSGIRequestHandler):
    """Says nothing, and tells the time that the test wants."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        off_by = getattr(self.server.app, "clock_is_off_by", timedelta(0))
        return http_date((timestamp or time.time()) + off_by.total_seconds())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@contextmanager
def _in_background(http: BaseWSGIServer) -> Iterator[None]:
    thread = threading.Thread(target=http.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def _nothing(_environ: Any, _start: Any) -> Any:
    raise AssertionError("asked before the server was there")

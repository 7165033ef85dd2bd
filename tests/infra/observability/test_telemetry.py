"""Traces for OpenTelemetry and errors for Sentry, and no secret in them."""

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from app import create_app
from app.infra import clock
from app.infra.settings.settings import ConfigError
from app.services.container import Services, build
from app.services.settings import settings_from_env
from tests.actors import Graph, Messenger, Person, linked, log_in
from tests.browsers import InProcess
from tests.conftest import on_sqlite
from tests.installation import ANA, ENVIRONMENT, PASSWORD, USERNAME, add_jane, settings_for

pytestmark = pytest.mark.real_peers

WRONG = "canary-wrong-password"
SAID = "canary-text-of-an-exception"


class Collector:
    """A collector for both; it keeps the requests, by path."""

    def __init__(self) -> None:
        self.origin = ""
        self.sent: list[tuple[str, bytes]] = []

    def __call__(self, environ: Any, start: Any) -> Any:
        request = Request(environ)
        body = request.get_data()
        packed = request.headers.get("Content-Encoding") == "gzip"
        heads = "".join(f"{name}: {value}\n" for name, value in request.headers)
        body = heads.encode() + (gzip.decompress(body) if packed else body)
        self.sent.append((request.full_path, body))
        return Response("{}")(environ, start)

    def got(self, path: str) -> bytes:
        return b"".join(body for asked, body in self.sent if asked.startswith(path))


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    server = make_server("127.0.0.1", 0, collector, threaded=True)
    server.log = lambda *_said: None  # type: ignore[method-assign]  # a server of the test, quiet
    collector.origin = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield collector
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def services(database: URL, collector: Collector) -> Iterator[Services]:
    services = build(
        settings_for(
            database,
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{collector.origin}",
            OTEL_EXPORTER_OTLP_HEADERS="x-team=ours",
            SENTRY_DSN=f"http://key@{collector.origin}/1",
        )
    )
    yield services
    services.close()


@on_sqlite
def test_each_step_is_traced_and_no_secret_leaves(
    services: Services, collector: Collector, graph: Graph
) -> None:
    """R110 holds for telemetry as well: names and numbers, none of a person."""
    subject = add_jane(services)
    app = create_app(services)

    def break_down(psid: str) -> str:
        raise RuntimeError(f"{SAID} {psid} {PASSWORD}")

    app.add_url_rule("/api/v1/broken/<psid>", view_func=break_down)
    browser = InProcess(app, services.settings.public_url)
    person, messenger, login = Person(browser), Messenger(browser), log_in()
    graph.knows(login, ANA)

    person.taps_log_in(login)
    person.signs_in(password=WRONG)
    person.signs_in()
    code = person.connects()
    messenger.tells(linked(ANA, code, clock.now()))
    browser("GET", f"/canary-path/{ANA}?token=canary-query")
    broken = browser("GET", f"/api/v1/broken/{ANA}?token=canary-query")
    services.close()

    traces, events = collector.got("/v1/traces"), collector.got("/api/1/envelope")
    steps = (b"GET /authorize", b"POST /authorize/<attempt_id>/confirm", b"POST /webhook")
    others = (b"GET unknown", b"graph recipient_for", b"wrong_credentials", b"X-Team: ours")
    for name in (*steps, *others):
        assert name in traces, name
    assert 500 == broken.status
    assert b'"type":"RuntimeError"' in events
    assert b'"function":"break_down"' in events
    assert b'"transaction":"request.failed"' in events
    secret = [
        *(SAID, PASSWORD, WRONG, "canary", USERNAME, subject, code, ANA, "Ana Berg"),
        *(login.account_linking_token, "Cookie", *ENVIRONMENT.values()),
    ]
    public = {ENVIRONMENT["LOG_LEVEL"]}
    everything = b"".join(path.encode() + body for path, body in collector.sent)
    assert [] == [one for one in secret if one.encode() in everything and one not in public]


@on_sqlite
def test_a_stranger_cannot_join_our_traces(services: Services, collector: Collector) -> None:
    browser = InProcess(create_app(services), services.settings.public_url)
    trace_id = "ab" * 16

    browser("GET", "/healthz", headers={"traceparent": f"00-{trace_id}-{'cd' * 8}-01"})
    services.close()

    assert b"GET /healthz" in collector.got("/v1/traces")
    assert bytes.fromhex(trace_id) not in collector.got("/v1/traces")


def test_without_the_settings_neither_library_is_imported(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from app import create_app\n"
        "create_app().test_client().get('/healthz')\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'sentry'))])"
    )
    environment = {**os.environ, **ENVIRONMENT, "DATABASE_URL": f"sqlite:///{tmp_path}/x"}

    run = subprocess.run(  # noqa: S603 - a script of this very test
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )

    assert "[]\n" == run.stdout


def test_a_setting_that_needs_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its value: a DSN contains a key."""
    monkeypatch.setattr("app.infra.settings.parsing.find_spec", lambda _module: None)
    asked = {"SENTRY_DSN": "https://canary@sentry.example/1"}

    with pytest.raises(ConfigError) as refused:
        settings_from_env({**ENVIRONMENT, **asked})

    assert "SENTRY_DSN needs a package that is not installed: uv sync --extra sentry" in str(
        refused.value
    )
    assert "canary@" not in str(refused.value)

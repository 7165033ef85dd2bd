"""Look-ups on the event loop; test_look_up_ways.py asks Flask the same, and what is odd."""

import asyncio
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
import structlog
from sqlalchemy import text
from structlog.testing import capture_logs

from app import create_app
from app.api_keys import service as keys
from app.api_keys import tokens
from app.infra import clock
from app.infra.observability.telemetry import Spans
from app.services.container import Services, build
from app.services.look_ups import LookUps
from app.web.server.asgi import AsgiGateway
from tests.browsers import Answer
from tests.conftest import on_postgresql, on_sqlite
from tests.installation import ANA, BEN, OTHER_PAGE, PAGE, PUBLIC_URL, settings_for
from tests.web.api.conftest import add_link, said
from tests.web.gateway_client import GatewayClient, gateway_of


@dataclass
class Flask:
    """Takes the place of Flask, and counts the requests that reach it."""

    requests: int = 0

    def __call__(self, _environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.requests += 1
        start_response("418 I'm a teapot", [])
        return []


@dataclass
class Bot:
    """A program with a key, whose use has been recorded a moment ago."""

    services: Services
    flask: Flask
    key: str

    def asks(
        self, path: str, method: str = "GET", services: Services | None = None, **body: Any
    ) -> Answer:
        return self.asks_at(gateway_of(self.flask, services or self.services), path, method, **body)

    def asks_at(self, gateway: AsgiGateway, path: str, method: str = "GET", **body: Any) -> Answer:
        client = GatewayClient(gateway, PUBLIC_URL)
        headers = {"Authorization": f"Bearer {self.key}"}
        if body:
            headers["Content-Type"] = "application/json"
        content = json.dumps(body).encode() if body else None
        return client(method, f"/api/v1{path}", body=content, headers=headers)


@pytest.fixture
def bot(services: Services) -> Bot:
    add_link(services)
    return Bot(services, Flask(), issue(services))


def issue(services: Services, *, is_used: bool = True, **changed: Any) -> str:
    given = {"scopes": ["links:read"], "page_id": None, "expires_at": None, "at": clock.now()}
    key = services.write(keys.issue, "bot", **given | changed)
    if is_used:
        services.write(keys.record_use, tokens.id_of(key), at=clock.now())
    return key


ONE = f"/links/{PAGE}/{ANA}"


def test_links_are_looked_up_without_flask(bot: Bot, services: Services) -> None:
    """On both databases; test_look_up_ways.py compares them at length."""
    one, nobody = bot.asks(ONE), bot.asks(f"/links/{PAGE}/{BEN}")
    pairs = [{"page_id": page, "psid": ANA} for page in (OTHER_PAGE, PAGE)]
    both = bot.asks("/links/lookup", "POST", pairs=pairs)
    by_flask = gateway_of(create_app(services), services, is_fast=False)

    assert (200, "jane") == (one.status, said(one)["subject"])
    assert (404, "/api/docs#not_found") == (nobody.status, said(nobody)["type"])
    assert (200, {"links": [None, said(one)]}) == (both.status, said(both))
    assert one == bot.asks_at(by_flask, ONE)
    assert both == bot.asks_at(by_flask, "/links/lookup", "POST", pairs=pairs)
    assert 0 == bot.flask.requests


@on_sqlite
def test_a_key_for_one_page_finds_nobody_on_another(bot: Bot, services: Services) -> None:
    """R93."""
    bot.key = issue(services, page_id=OTHER_PAGE)
    pairs = [{"page_id": PAGE, "psid": ANA}]

    hidden = bot.asks(ONE), bot.asks("/links/lookup", "POST", pairs=pairs)

    assert 404 == hidden[0].status
    assert {"links": [None]} == said(hidden[1])
    assert 0 == bot.flask.requests


def test_no_link_is_read_for_whoever_has_no_key(bot: Bot, services: Services) -> None:
    """R92: else a stranger could have the database read a whole list of people for nothing."""
    held = tokens.id_of(bot.key)
    reader = services.look_ups._reader  # noqa: SLF001 - what it reads is not seen from outside

    # In a thread of its own: a browser's loop may be running in this one.
    with ThreadPoolExecutor(1) as thread:
        asked = reader.ask([(held, PAGE, ANA), ("made up", PAGE, ANA)])
        known, unknown = thread.submit(asyncio.run, asked).result()

    assert known.link is not None
    assert (None, None) == (unknown.key, unknown.link)


def test_a_key_that_another_process_revokes_fails_on_the_next_request(
    bot: Bot, services: Services
) -> None:
    """R92: nothing caches keys."""
    before = bot.asks(ONE).status
    other = build(settings_for(services.engine.url))
    other.write(keys.revoke, tokens.id_of(bot.key), at=clock.now())
    other.close()

    bot.asks(ONE)

    assert (200, 1) == (before, bot.flask.requests)


@on_sqlite
@pytest.mark.parametrize(
    "changed", [{"scopes": ["links:write"]}, {"is_used": False}], ids=["scope", "unrecorded use"]
)
def test_what_flask_refuses_or_records_goes_to_flask(
    bot: Bot, services: Services, changed: dict[str, Any]
) -> None:
    bot.key = issue(services, **changed)

    bot.asks(ONE)

    assert 1 == bot.flask.requests


@on_sqlite
def test_a_look_up_that_is_traced_goes_to_flask(bot: Bot, services: Services) -> None:
    bot.asks(ONE, services=replace(services, spans=cast("Spans", object())))

    assert 1 == bot.flask.requests


@on_sqlite
def test_an_error_of_ours_is_answered_and_logged_by_flask(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LookUps, "find", lambda *_args, **_more: 1 / 0)

    bot.asks(ONE)

    assert 1 == bot.flask.requests


@on_postgresql
def test_a_database_that_hangs_is_answered_503_and_occupies_no_thread(
    bot: Bot, services: Services
) -> None:
    """R49, R72: soon, with Retry-After, and as the API answers."""
    hasty = LookUps(services.engine, limit_seconds=0.2)
    with services.engine.begin() as other:
        other.execute(text("LOCK TABLE link"))

        answer = bot.asks(ONE, services=replace(services, look_ups=hasty))
    recovered = bot.asks(ONE)
    hasty.close()

    assert (503, 200) == (answer.status, recovered.status)
    assert {"retry-after", "content-security-policy"} <= {*answer.headers}
    assert "application/problem+json" == answer.headers["content-type"]
    assert 0 == bot.flask.requests


@on_sqlite
def test_one_request_of_a_key_waits_for_its_use_to_be_recorded(services: Services) -> None:
    """R89: else all that come until it is would take threads, while people sign in."""
    add_link(services)
    flask = Flask()
    bot = Bot(services, flask, issue(services, is_used=False))
    gateway = gateway_of(flask, services)

    first, second = (bot.asks_at(gateway, ONE) for _ in range(2))

    assert [418, 200] == [first.status, second.status]
    assert 1 == flask.requests


@on_sqlite
def test_who_is_not_linked_is_logged_as_flask_does_it(bot: Bot, services: Services) -> None:
    """R111: by the route, not by the path; with the reference that the answer shows."""
    build(settings_for(services.engine.url, LOG_LEVEL="info")).close()

    with capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        answer = bot.asks(f"/links/{PAGE}/{BEN}")

    (line,) = lines
    assert said(answer)["reference"] == line["reference"]
    assert ("127.0.0.1", "/api/v1/links/<page_id>/<psid>") == (line["address"], line["path"])
    assert BEN not in str(line)

"""The webhook's fast path beside Flask; test_views.py asks both for what is refused."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from app import create_app
from app.infra import clock
from app.infra.database.writer import Writer
from app.infra.observability import logs
from app.linking import delivery_counts
from app.messenger.signature import SIGNATURE
from app.services.container import Services
from app.web.refusals import Refusals
from app.web.server.asgi import AsgiGateway
from app.web.server.limits import MOST_LARGE_BYTES
from app.web.webhook.fast_path import MOST_BYTES, is_signed_delivery
from tests.actors import Messenger, delivery, message, unlinked
from tests.browsers import Answer
from tests.conftest import on_sqlite
from tests.installation import ANA, PUBLIC_URL, settings_for
from tests.web.gateway_client import GatewayClient, gateway_of


@dataclass
class Flask:
    """Takes the place of Flask, and counts the requests that reach it."""

    requests: int = 0

    def __call__(self, _environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.requests += 1
        start_response("418 I'm a teapot", [])
        return []


@pytest.fixture
def flask() -> Flask:
    return Flask()


@pytest.fixture
def fast_path(services: Services, flask: Flask) -> GatewayClient:
    return GatewayClient(gateway_of(flask, services), PUBLIC_URL)


def at_home(services: Services, proxies: int) -> Services:
    """Return *services* as they are in production, behind so many *proxies*."""
    known = {"PUBLIC_URL": "https://link.shop.example"}
    proxied = settings_for(services.engine.url, TRUSTED_PROXIES=str(proxies), **known)
    return replace(services, settings=proxied)


def logged(ask: Callable[..., Answer], *args: Any, **headers: str) -> tuple[Answer, list[Any]]:
    """Return the answer and the lines of the log, without what is random in them."""
    logs.configure(level="info", form="json")
    structlog.contextvars.clear_contextvars()
    with capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        answer = ask(*args, **headers)
    random = {"request_id", "reference", "reason"}
    # Those of the request: other threads write lines, too.
    told = [line for line in lines if "path" in line]
    return answer, [{key: line[key] for key in line if key not in random} for line in told]


def psids(engine: Engine) -> list[str]:
    with engine.connect().execution_options(reading=True) as connection:
        return list(connection.scalars(text("SELECT psid FROM link_event")))


def test_a_delivery_is_committed_without_flask(
    services: Services, fast_path: GatewayClient, flask: Flask
) -> None:
    answer = Messenger(fast_path).tells(unlinked(ANA, clock.now()))

    assert (200, b"") == (answer.status, answer.body)
    assert 0 == flask.requests
    assert [ANA] == psids(services.engine)


@on_sqlite
@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_both_ways_give_the_same_answer(services: Services, proxies: int) -> None:
    """R72-R79: the answer does not show which of the two gave it."""
    built = at_home(services, proxies) if proxies else services
    origin = built.settings.public_url.replace("https", "http")
    via = {"X-Forwarded-Proto": ", ".join(["https"] * proxies)} if proxies else {}
    flask = Flask()
    ways = (
        GatewayClient(AsgiGateway(create_app(built), threads=1), origin),
        GatewayClient(gateway_of(flask, built), origin),
    )
    body = delivery(message(ANA, "hello", clock.now()))

    ordinary, direct = (Messenger(way).posts(body, **via) for way in ways)
    built.delivery_counter.close()

    assert 0 == flask.requests
    assert 200 == ordinary.status
    assert bool(proxies) == ("strict-transport-security" in ordinary.headers)
    # Some are written in another order.
    assert (ordinary.status, ordinary.body) == (direct.status, direct.body)
    assert ordinary.headers == direct.headers


@on_sqlite
@pytest.mark.parametrize(
    ("headers", "proxies"),
    [
        pytest.param({"Host": "evil.example"}, 0, id="R85: another host"),
        pytest.param({"X-Forwarded-Proto": "http"}, 1, id="R87: over http"),
        pytest.param({"X-Forwarded-Proto": "https, http"}, 1, id="R86: a stranger says https"),
        pytest.param({"X-Forwarded-Proto": '"https, http'}, 1, id="R86: with a quote"),
        pytest.param({"X-Forwarded-Proto": "https"}, 2, id="R86: not by all our proxies"),
        pytest.param({"X-Forwarded-Proto": "https,"}, 2, id="R86: an empty one at the end"),
        pytest.param({"X-Forwarded-Proto": "https,\x0bhttps"}, 2, id="R86: with a control sign"),
        pytest.param({}, 1, id="R87: by no proxy"),
    ],
)
def test_what_may_have_to_be_refused_goes_to_flask_untouched(
    services: Services, flask: Flask, headers: dict[str, str], proxies: int
) -> None:
    built = at_home(services, proxies) if proxies else services
    origin = built.settings.public_url.replace("https", "http")
    fast_path = GatewayClient(gateway_of(flask, built), origin)

    Messenger(fast_path).posts(delivery(unlinked(ANA, clock.now())), **headers)

    assert 1 == flask.requests
    assert [] == psids(services.engine)


@on_sqlite
@pytest.mark.parametrize("size", [0, MOST_BYTES + 1, MOST_LARGE_BYTES])
@pytest.mark.parametrize("signature", ["sha256=" + "0" * 64, "sha1=" + "0" * 40])
def test_a_wrong_signature_is_answered_as_flask_does_and_costs_no_thread(
    services: Services, flask: Flask, size: int, signature: str
) -> None:
    """R40, R89: a stranger can post any number. Without a signature no large body is received."""
    body = delivery(unlinked(ANA, clock.now())).ljust(size)
    ways = (
        gateway_of(flask, services),
        AsgiGateway(
            create_app(services),
            threads=1,
            may_be_large=is_signed_delivery,
            refusal=Refusals(services.settings),
        ),
    )

    (fast, told_fast), (slow, told_slow) = (
        logged(Messenger(GatewayClient(way, PUBLIC_URL)).posts, body, **{SIGNATURE: signature})
        for way in ways
    )

    is_received = size == 0 or signature.startswith("sha256=")
    assert (403 if is_received else 413) == fast.status
    assert fast == slow
    assert told_fast == told_slow
    assert is_received == ("address" in str(told_fast))
    assert 0 == flask.requests
    assert [] == psids(services.engine)


@on_sqlite
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"not JSON", id="R46"),
        pytest.param(delivery(unlinked(ANA, clock.now())).ljust(MOST_BYTES + 1), id="R45: large"),
    ],
)
def test_what_takes_longer_or_cannot_be_read_goes_to_flask(
    services: Services, fast_path: GatewayClient, flask: Flask, body: bytes
) -> None:
    Messenger(fast_path).posts(body)

    assert 1 == flask.requests
    assert [] == psids(services.engine)


@on_sqlite
def test_a_field_that_comes_twice_goes_to_flask(
    services: Services, fast_path: GatewayClient, flask: Flask
) -> None:
    """R88: which of two counts is not to be answered in two places."""
    body = delivery(unlinked(ANA, clock.now()))
    signature = ("X-Hub-Signature-256", Messenger(fast_path).signature(body))
    head = [("Host", urlsplit(PUBLIC_URL).netloc), ("Content-Length", str(len(body)))]

    fast_path.asks("POST", "/webhook", body, [*head, signature, signature])

    assert 1 == flask.requests
    assert [] == psids(services.engine)


def test_what_cannot_be_committed_is_answered_503_by_both_ways(
    services: Services, flask: Flask
) -> None:
    """R49, R72-R79: soon enough, with Retry-After; nobody finds it done afterwards."""
    engine = services.engine
    built = replace(services, writer=Writer(engine, limit_seconds=0.2))
    ways = (
        GatewayClient(AsgiGateway(create_app(built), threads=1), PUBLIC_URL),
        GatewayClient(gateway_of(flask, built), PUBLIC_URL),
    )
    with engine.begin() as other:
        # On SQLite the transaction itself locks everybody out.
        if engine.dialect.name == "postgresql":
            other.execute(text("LOCK TABLE link_event"))

        (ordinary, told_ordinary), (direct, told_direct) = (
            logged(Messenger(way).tells, unlinked(ANA, clock.now())) for way in ways
        )
    # After the other's transaction: it waits for no lock then.
    built.delivery_counter.close()

    assert 0 == flask.requests
    assert 503 == ordinary.status
    assert {"retry-after", "referrer-policy", "content-security-policy"} <= {*ordinary.headers}
    assert told_ordinary == told_direct
    assert ["database.failed"] == [line["event"] for line in told_direct]
    assert (ordinary.status, ordinary.body) == (direct.status, direct.body)
    assert ordinary.headers == direct.headers
    assert [] == psids(engine)


@on_sqlite
def test_an_error_of_ours_is_answered_and_logged_by_flask(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flask does it again, and answers as every error is answered; R44: counted once."""
    monkeypatch.setattr("app.linking.links.end_by_event", lambda *_args, **_more: 1 / 0)
    gateway = gateway_of(create_app(services), services)

    answer = Messenger(GatewayClient(gateway, PUBLIC_URL)).tells(unlinked(ANA, clock.now()))

    assert 500 == answer.status
    assert b"division" not in answer.body
    services.delivery_counter.close()
    until = clock.now()
    counted = services.read(delivery_counts.seen, since=until - timedelta(minutes=2), until=until)
    assert delivery_counts.Seen(taken=1, refused=0) == counted
    assert [] == psids(services.engine)

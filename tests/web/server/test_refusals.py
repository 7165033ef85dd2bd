"""What the gateway answers by itself has the headers of every answer (R72)."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import URL

from app import create_app
from app.services.container import Services, build
from app.web.server.asgi import AsgiGateway
from tests.browsers import Answer
from tests.conftest import on_sqlite
from tests.installation import settings_for
from tests.web.gateway_client import GatewayClient, gateway_of

SHOP = "https://link.shop.example"
ALWAYS = {
    "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "connection": "close",
    "server": "Threadlink",
}
REFUSED = [
    (("GET", "//webhook", {}), 400),
    (("GET", "//api/v1/links", {}), 400),
    (("POST", "/authorize/a", {"Content-Length": "65537"}), 413),
    (("GET", "/" + "a" * 9000, {}), 414),
    (("GET", "/", {"Expect": "200-ok"}), 417),
    (("GET", "/", {"Cookie": ";" * 256}), 431),
    (("TRACE", "/", {}), 501),
]


@pytest.fixture
def production(database: URL) -> Iterator[Services]:
    known = {"PUBLIC_URL": SHOP, "TRUSTED_PROXIES": "1"}
    built = build(settings_for(database, **known))
    yield built
    built.close()


def asked(built: Services, method: str, path: str, headers: dict[str, str]) -> Answer:
    gateway = gateway_of(create_app(built), built)
    return GatewayClient(gateway, SHOP.replace("https", "http"))(method, path, headers=headers)


@on_sqlite
@pytest.mark.parametrize(("refused", "status"), REFUSED)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_refusal_has_the_headers_of_every_answer(
    production: Services, refused: tuple[str, str, dict[str, str]], status: int, scheme: str
) -> None:
    """R72: HSTS over https alone (RFC 6797, 7.2)."""
    method, path, headers = refused
    answer = asked(production, method, path, {"X-Forwarded-Proto": scheme, **headers})

    assert status == answer.status
    assert ALWAYS.items() <= answer.headers.items()
    assert (scheme == "https") == ("strict-transport-security" in answer.headers)


@on_sqlite
def test_the_api_is_refused_with_a_problem(production: Services) -> None:
    """R96: as Flask would, whichever of the two finds out."""
    headers = {"X-Forwarded-Proto": "https", "Content-Type": "application/json"}
    answer = asked(
        production, "POST", "/api/v1/links/lookup", {**headers, "Content-Length": "65537"}
    )

    assert 413 == answer.status
    assert "application/problem+json" == answer.headers["content-type"]
    assert b'"type": "/api/docs#too_large"' in answer.body
    assert ALWAYS.items() <= answer.headers.items()


@on_sqlite
def test_a_full_queue_is_answered_in_the_same_way(production: Services) -> None:
    """R72, R89: without a thread there is no Flask to add them."""
    flask: Flask = create_app(production)
    gateway: AsgiGateway = gateway_of(flask, production)
    gateway._most_inside = 0  # noqa: SLF001 - as if all threads were busy

    answer = GatewayClient(gateway, SHOP)("GET", "/", headers={"X-Forwarded-Proto": "https"})

    assert 503 == answer.status
    assert ALWAYS.items() <= answer.headers.items()
    assert "5" == answer.headers["retry-after"]

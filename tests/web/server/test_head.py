"""The head of a request: one spelling of each path, and everything counted (R45, R90)."""

from typing import Any

import pytest

from app.web.server.asgi import AsgiGateway
from tests.web.server.test_asgi import Wire, echo, length, part, serve

PLAIN = [
    "/",
    "/webhook",
    "/authorize/",
    "/authorize/aZ0-_~.",
    "/authorize/oidc/keycloak/callback",
    "/static/0123456789abcdef/page.js",
    "/api/v1/links/1717527131834678/1256217357730577",
    "/.well-known/security.txt",
    "/...",
    "/a..b/.c",
    "/nothing%20here",
    "/caf%C3%A9",
    "/a:b@c!$&'()*+,;=",
    "/100%25",
]
# Where Werkzeug, or a proxy that decodes or merges, would see another path.
DISGUISED = [
    "//",
    "//webhook",
    "///metrics",
    "/webhook//",
    "/api//v1/links",
    "//api/v1/links",
    "/./metrics",
    "/metrics/.",
    "/static/../metrics",
    "/metrics/..",
    "/%2e/metrics",
    "/static/%2E%2e/metrics",
    "/.%2e/metrics",
    "/%2Fwebhook",
    "/%2fwebhook",
    "/api%2Fv1/links",
    "/\\webhook",
    "\\webhook",
    "/%5cwebhook",
    "/%5Cwebhook",
    "/%77ebhook",
    "/webhoo%6b",
    "/%6Detrics",
    "/authorize%2D",
    "/a%7eb",
    "/a%5Fb",
    "/metrics%00",
    "/metrics%0d%0a",
    "/metrics%7F",
    "/metrics%",
    "/metrics%2",
    "/metrics%zz",
    "/metrics\t",
    "/caf\u00e9",
    "webhook",
    "*",
    "",
]


def status_of(wire: Wire) -> int:
    serve(AsgiGateway(echo, threads=1), wire)
    return wire.status


def bare(path: str = "/webhook", **head: Any) -> Wire:
    return Wire(part(b""), raw_path=path.encode(), **{"headers": length(0), **head})


@pytest.mark.parametrize("path", PLAIN)
def test_a_path_in_its_one_spelling_is_served(path: str) -> None:
    assert 200 == status_of(bare(path))


@pytest.mark.parametrize("path", DISGUISED)
def test_a_path_in_another_spelling_is_refused(path: str) -> None:
    """R90: it would pass a proxy's rule for the exact path."""
    assert 400 == status_of(bare(path))


@pytest.mark.parametrize(
    ("head", "most", "status"),
    [
        pytest.param(lambda n: {"query_string": b"&".join([b"a"] * n)}, 64, 400, id="parameters"),
        pytest.param(lambda n: {"query_string": b"&" * (n - 1)}, 64, 400, id="empty parameters"),
        pytest.param(
            lambda n: {"headers": [(b"cookie", b"; ".join([b"a=1"] * n))]}, 256, 431, id="cookies"
        ),
        pytest.param(
            lambda n: {"headers": [(b"cookie", b"a"), (b"cookie", b";" * (n - 2))]},
            256,
            431,
            id="cookies in two lines",
        ),
    ],
)
def test_parts_are_counted_before_they_are_parsed(head: Any, most: int, status: int) -> None:
    """R45: thousands fit into the bytes that are allowed, and each costs time."""
    assert [200, status] == [status_of(bare(**head(number))) for number in (most, most + 1)]

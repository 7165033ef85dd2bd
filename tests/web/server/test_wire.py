"""Malformed HTTP over a plain socket, against a real `threadlink serve` (R45, R88, R90)."""

import hmac
import json
import re
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from tests.installation import ENVIRONMENT
from tests.shipped import HOST, Shipped, answers_on

MESSAGES: Final = json.loads(
    (Path(__file__).parents[2] / "samples/http/messages.json").read_text(encoding="utf-8")
)
BODY: Final = b'{"object":"page","entry":[]}'
SIGNATURE: Final = hmac.digest(ENVIRONMENT["APP_SECRET"].encode(), BODY, "sha256").hex()
MIB: Final = 1024 * 1024

# The answer to the request that follows each message, if it is answered.
NEXT: Final = "next"
ALLOWED: Final[dict[str, list[list[int | str]]]] = {
    "served": [[200, NEXT]],
    "served twice": [[200, 200, NEXT]],
    "served, then refused": [[200, 400]],
    "continued": [[100, 200, NEXT]],
    "unsigned": [[403, NEXT], [403]],
    "unsigned, then unknown": [[403, 404, NEXT]],
    "declined": [[400, NEXT]],
    "refused": [[], [400], [408], [413], [414], [417], [431], [501], [505]],
}
ALLOWED["either"] = [*ALLOWED["served"], [200], *ALLOWED["refused"]]


@pytest.mark.parametrize("message", MESSAGES, ids=[message["name"] for message in MESSAGES])
def test_a_message_is_read_unambiguously_or_refused(message: Any, shipped: Shipped) -> None:
    """R88: no message gets two answers, or is served with a body that is cut or guessed.

    Otherwise its rest would corrupt the request that follows, or be answered in its place.
    """
    with shipped.connect() as connection:
        _send(connection, _filled(message["send"], shipped) + _next(shipped))
        answers = answers_on(connection)

    told = [NEXT if answer.body == b'{"status":"ok"}\n' else answer.status for answer in answers]
    assert told in ALLOWED[message["expect"]]


def test_a_truncated_body_is_not_acknowledged(shipped: Shipped) -> None:
    """R88: otherwise Messenger would not deliver it again."""
    head = _post(f"Content-Length: {len(BODY)}", shipped)
    with shipped.connect() as connection:
        connection.sendall(head + BODY[:10])
        connection.shutdown(socket.SHUT_WR)
        answers = answers_on(connection)

    assert [answer.status for answer in answers] in ALLOWED["refused"]


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_body_over_the_limit_is_refused(framing: str, shipped: Shipped) -> None:
    """R45: by its declared length at once, or in chunks as soon as it is too long."""
    size = 4 * MIB + 1
    chunk = b"%x\r\n%s\r\n" % (MIB, b" " * MIB)
    with shipped.connect() as connection:
        if framing == "length":
            _send(connection, _post(f"Content-Length: {size}", shipped))
        else:
            _send(connection, _post("Transfer-Encoding: chunked", shipped) + chunk * 5)
        answers = answers_on(connection)

    assert [413] == [answer.status for answer in answers]


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_body_of_exactly_the_limit_is_accepted(framing: str, shipped: Shipped) -> None:
    """R45: a delivery of 1,000 long events is legal."""
    body = BODY + b" " * (4 * MIB - len(BODY))
    signature = hmac.digest(ENVIRONMENT["APP_SECRET"].encode(), body, "sha256").hex()
    with shipped.connect() as connection:
        if framing == "length":
            head = _post(f"Content-Length: {len(body)}", shipped, signature)
            connection.sendall(head + body + _next(shipped))
        else:
            head = _post("Transfer-Encoding: chunked", shipped, signature)
            chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            connection.sendall(head + chunk + _next(shipped))
        answers = answers_on(connection)

    assert [200, 200] == [answer.status for answer in answers]


@pytest.mark.parametrize("path", ["/authorize/abc", "/api/v1/links/lookup", "/nothing", "/webhook"])
@pytest.mark.parametrize("encoding", ["x-www-form-urlencoded", "json"])
@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_body_that_is_no_delivery_is_small(
    path: str, encoding: str, framing: str, shipped: Shipped
) -> None:
    """R45: whatever it claims to be. The connection is closed: its rest is no request."""
    body = b"a&" * (64 * 1024 // 2) + b"a"
    coding, content = f"Content-Length: {len(body)}", body
    if framing == "chunks":
        coding, content = "Transfer-Encoding: chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}:{shipped.port}\r\n"
        f"Content-Type: application/{encoding}\r\n{coding}\r\n\r\n"
    )
    with shipped.connect() as connection:
        _send(connection, head.encode() + content + _next(shipped))
        answers = answers_on(connection)

    assert [413] == [answer.status for answer in answers]
    is_problem = answers[0].headers.get("content-type") == "application/problem+json"
    assert path.startswith("/api/") == is_problem
    assert "frame-ancestors 'none'" in answers[0].headers["content-security-policy"]


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "FOO"])
def test_an_unneeded_method_is_refused(method: str, shipped: Shipped) -> None:
    """R90."""
    with shipped.connect() as connection:
        connection.sendall(_request(method, "/healthz", shipped))
        (answer,) = answers_on(connection)

    assert 501 == answer.status
    assert "Threadlink" == answer.headers["server"]
    assert b"" == answer.body


def test_no_other_origin_is_granted_access(shipped: Shipped) -> None:
    """R90: OPTIONS, as in a browser's preflight request."""
    asked = "Origin: https://other.example\r\nAccess-Control-Request-Method: DELETE\r\n"
    with shipped.connect() as connection:
        connection.sendall(_request("OPTIONS", "/webhook", shipped, asked))
        (answer,) = answers_on(connection)

    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_no_query_is_logged(shipped: Shipped) -> None:
    """R110: queries contain tokens and codes, also in refused requests."""
    with shipped.connect() as connection:
        connection.sendall(_request("FOO", "/authorize?account_linking_token=canary", shipped))
        answers_on(connection)

    log = shipped.log.read_text()
    assert "door.refused" in log
    assert "canary" not in log.replace(ENVIRONMENT["SECRET_KEY"], "")


def _send(connection: socket.socket, message: bytes) -> None:
    # The server may refuse the beginning and close; its answer can still be read.
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(message)


def _filled(text: str, shipped: Shipped) -> bytes:
    text = text.replace("<HOST>", f"{HOST}:{shipped.port}").replace("<SIGNATURE>", SIGNATURE)
    text = re.sub(r"<(.)\*(\d+)>", lambda match: match[1] * int(match[2]), text)
    return text.encode("latin-1" if text.isascii() or max(text) <= "\xff" else "utf-8")


def _post(framing: str, shipped: Shipped, signature: str = SIGNATURE) -> bytes:
    return (
        f"POST /webhook HTTP/1.1\r\nHost: {HOST}:{shipped.port}\r\n"
        f"X-Hub-Signature-256: sha256={signature}\r\n{framing}\r\n\r\n"
    ).encode()


def _request(method: str, target: str, shipped: Shipped, headers: str = "") -> bytes:
    return (
        f"{method} {target} HTTP/1.1\r\nHost: {HOST}:{shipped.port}\r\n"
        f"{headers}Connection: close\r\n\r\n"
    ).encode()


def _next(shipped: Shipped) -> bytes:
    return _request("GET", "/healthz", shipped)

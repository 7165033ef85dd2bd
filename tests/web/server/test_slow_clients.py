"""Clients that send or read slowly, or do nothing, against a real `threadlink serve` (R89)."""

import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Final

import pytest

from tests.shipped import HOST, Shipped, answers_on

HEAD: Final = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "
BODY: Final = (
    b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
    b"X-Hub-Signature-256: sha256=00\r\n\r\nonly the beginning"
)


@pytest.fixture
def crowd(shipped: Shipped) -> Iterator[Callable[[int, bytes], None]]:
    """Yield a function that opens *count* clients, which send a beginning and then do nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4096:
        pytest.skip(f"this system allows {hard} open files; the crowd needs more")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, hard))
    with ExitStack() as stack:

        def gather(count: int, first_words: bytes) -> None:
            for _ in range(count):
                connection = stack.enter_context(socket.socket())
                # The smallest buffer, so that an answer does not fit.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
                connection.connect((HOST, shipped.port))
                connection.sendall(first_words)

        yield gather
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("count", "first_words"),
    [
        pytest.param(400, HEAD, id="400 slow heads"),
        pytest.param(400, BODY, id="400 slow bodies"),
        pytest.param(1000, b"", id="1,000 idle sockets"),
    ],
)
def test_other_clients_are_served_meanwhile(
    count: int, first_words: bytes, crowd: Callable[[int, bytes], None], shipped: Shipped
) -> None:
    """R89: if each had a thread, the first 32 would block the server."""
    crowd(count, first_words)

    assert [200] * 6 == [_probe(shipped) for _ in range(6)]


def test_other_clients_are_served_while_answers_are_not_read(
    crowd: Callable[[int, bytes], None], shipped: Shipped
) -> None:
    """R89: 200 clients that request a page repeatedly and never read the answer."""
    ask = f"GET /nowhere HTTP/1.1\r\nHost: {HOST}:{shipped.port}\r\n\r\n".encode()
    crowd(200, ask * 20)

    assert [200] * 6 == [_probe(shipped) for _ in range(6)]


def _probe(shipped: Shipped) -> int:
    with shipped.connect() as connection:
        request = f"GET /healthz HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        (answer,) = answers_on(connection)
    return answer.status

"""Slow and greedy clients before the proxies: who is slow is shed first, signed deliveries last."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.actors import message
from tests.deploy.proxies import NAME, Front, standing
from tests.installation import NOON
from tests.shipped import Shipped

LARGE: Final = 4 * 1024 * 1024 - 10
# Of one client in progress at once, as nginx.conf and haproxy.cfg have it.
MOST_AT_ONCE: Final = 64
Crowd = Callable[[int, str, int], None]
# Some seconds in place of ten or more.
SHORTER: Final = {
    "nginx": {"client_body_timeout 10s": "client_body_timeout 1s"},
    "caddy": {"read_body 35s": "read_body 4s", "write 20s": "write 2s"},
    "haproxy": {"wait-for-body time 10s": "wait-for-body time 1s"},
}


@pytest.fixture
def crowd(front: Front) -> Iterator[Crowd]:
    """Yield a function that sends bodies to a path, all but their last byte, and then waits."""
    with ExitStack() as stack:

        def gather(count: int, path: str, body_bytes: int) -> None:
            for _ in range(count):
                connection = stack.enter_context(front.connect())
                try:
                    connection.sendall(_unfinished(path, body_bytes))
                except OSError:
                    continue  # refused before all of it was there

        yield gather


@pytest.mark.parametrize(
    ("count", "path", "body_bytes"),
    [
        pytest.param(16, "/webhook", LARGE, id="64 MiB of deliveries"),
        pytest.param(16, "/x", LARGE, id="64 MiB for another path"),
        pytest.param(MOST_AT_ONCE, "/authorize", 65536, id="forms"),
    ],
)
def test_signed_deliveries_pass_slow_bodies(
    front: Front, crowd: Crowd, count: int, path: str, body_bytes: int
) -> None:
    """R45, R89: 64 MiB is all that Threadlink takes at once, and none of it gets there."""
    crowd(count, path, body_bytes)

    assert [200] * 6 == [_delivers(front) for _ in range(6)]


def test_a_client_that_has_too_much_in_progress_is_refused(front: Front, crowd: Crowd) -> None:
    """R89: what the proxy holds for one client has an end. Caddy has no such limit."""
    crowd(MOST_AT_ONCE, "/x", 1000)

    assert (200 if front.program == "caddy" else 429) == front.asks("GET", "/").status_code


@pytest.mark.parametrize("program", SHORTER)
def test_a_body_that_is_too_slow_is_never_acknowledged(
    program: str, server: Shipped, tmp_path: Path
) -> None:
    """R49: Caddy says 200 to a body that its own time limit has cut, unless it is too late to."""
    with standing(program, server.port, tmp_path, SHORTER[program]) as front:
        try:
            answers = front.answers_to(_unfinished("/webhook", 1000))
        except ssl.SSLError:
            answers = []  # Caddy breaks off in the middle of a record

    assert {408} >= {answer.status for answer in answers}


def _unfinished(path: str, body_bytes: int) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {body_bytes}\r\n\r\n"
    return head.encode() + b"a" * (body_bytes - 1)


def _delivers(front: Front) -> int:
    return front.messenger().tells(message("1", "hi", NOON)).status

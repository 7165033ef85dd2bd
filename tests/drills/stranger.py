"""A stranger: 32 connections that send whatever costs a server most, in a process of their own.

Run as `python -m tests.drills.stranger PORT SECONDS`; it says when it
begins, and prints how its requests were answered.
"""

import asyncio
import json
import os
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Final

from tests.actors import log_in
from tests.drills.raw_http import RawConnection, RawReply

CONNECTIONS: Final = 32
KIB: Final = 1024
LARGEST: Final = 4 * KIB * KIB
# Well-formed, and not made with our app secret.
FALSE: Final = f"X-Hub-Signature-256: sha256={'0f' * 32}\r\n"
FORM: Final = "Content-Type: application/x-www-form-urlencoded\r\n"
JSON: Final = "Content-Type: application/json\r\n"


class Stranger:
    """Sends requests of every kind to *port* until it is stopped."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.statuses: dict[str, Counter[int]] = {kind.__name__: Counter() for kind in KINDS}

    async def attack(self, seconds: float) -> None:
        """Keep all connections busy for *seconds*."""
        tasks = [
            asyncio.create_task(self._go_on(KINDS[number % len(KINDS)]))
            for number in range(CONNECTIONS)
        ]
        await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _go_on(self, kind: "Kind") -> None:
        async for reply in kind(RawConnection(self._port), self._port):
            self.statuses[kind.__name__][reply.status] += 1


async def forms(connection: RawConnection, port: int) -> AsyncIterator[RawReply]:
    """Post forms of the most fields and of the longest, with the CSRF token of an attempt."""
    opened = await connection.ask(_head("GET", log_in().address(), port))
    cookie = f"Cookie: {opened.fields['set-cookie'].partition(';')[0]}\r\n"
    path = opened.fields["location"]
    page = await connection.ask(_head("GET", path, port, cookie))
    (token,) = set(re.findall(r'name="form_token" value="([^"]+)"', page.body))
    signed = f"form_token={token}&password=x&username=".encode()
    bodies = (
        b"a&" * (LARGEST // 2),
        b"a&" * (32 * KIB),
        signed + b"u" * (64 * KIB - len(signed)),
        signed + b"u",
    )
    while True:
        for body in bodies:
            yield await connection.ask(_head("POST", path, port, cookie + FORM, len(body)), body)


async def api_calls(connection: RawConnection, port: int) -> AsyncIterator[RawReply]:
    """Post JSON that is nested deeply, with an API key that is none."""
    body = b'{"a":' * (8 * KIB) + b"1" + b"}" * (8 * KIB)
    key = "Authorization: Bearer tl_not_a_key\r\n"
    head = _head("POST", "/api/v1/links/lookup", port, key + JSON, len(body))
    while True:
        yield await connection.ask(head, body)


async def cookies(connection: RawConnection, port: int) -> AsyncIterator[RawReply]:
    """Send as many cookies as a head has room for, and the most that are looked at."""
    many, few = (f"Cookie: {'attempt-a=1;' * count}\r\n" for count in (2500, 200))
    while True:
        for cookie in (many, few):
            yield await connection.ask(_head("GET", "/authorize/nobody", port, cookie))


async def queries(connection: RawConnection, port: int) -> AsyncIterator[RawReply]:
    """Send as many parameters as a target has room for, and the most that are looked at."""
    while True:
        for count in (4000, 60):
            yield await connection.ask(_head("GET", f"/authorize?{'a&' * count}", port))


async def slow_bodies(connection: RawConnection, port: int) -> AsyncIterator[RawReply]:
    """Send all but the last byte of a body, and wait for what the server makes of that."""
    while True:
        for path, size in (("/webhook", LARGEST), ("/authorize/nobody", 64 * KIB)):
            head = _head("POST", path, port, FALSE + JSON, size)
            yield await connection.ask(head, b"a" * (size - 1))


async def false_deliveries(connection: RawConnection, port: int) -> AsyncIterator[RawReply]:
    """Post deliveries of all sizes with a signature of the right form."""
    while True:
        for size in (LARGEST, 256 * KIB, KIB):
            head = _head("POST", "/webhook", port, FALSE + JSON, size)
            yield await connection.ask(head, b"{" * size)


Kind = Callable[[RawConnection, int], AsyncIterator[RawReply]]
KINDS: Final = (forms, api_calls, cookies, queries, slow_bodies, false_deliveries)


def _head(method: str, target: str, port: int, fields: str = "", length: int = 0) -> bytes:
    return (
        f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"{fields}Content-Length: {length}\r\n\r\n"
    ).encode()


if __name__ == "__main__":
    # The processor is for the server: somebody else's would not be this machine's.
    os.nice(10)
    stranger = Stranger(int(sys.argv[1]))
    print("attacking", flush=True)  # noqa: T201 - as below
    asyncio.run(stranger.attack(float(sys.argv[2])))
    print(json.dumps(stranger.statuses))  # noqa: T201 - what whoever started it reads

"""What stands between the wire and Flask: limits and deadlines, on the event loop.

Flask holds a thread from the first byte it reads to the last one it sends. So a request is taken in
whole before a thread is given to it, and its answer leaves without one: whoever is slow, in either
direction, costs a bounded amount of memory and nothing else (security.md R45, R88-R90).
"""

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import structlog

from app.infra.observability import metrics
from app.web.server.wsgi import Answer, Application, Body, call, environ_of

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
# Answers on the loop what needs no thread, and nothing else.
FastPathHandler: TypeAlias = Callable[[Scope, Body], Awaitable[Answer | None]]

log = structlog.get_logger()

SERVER: Final = (b"server", b"Threadlink")
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
RETRY_AFTER: Final = b"5"

_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of one request, and of all of them together, is taken in."""

    fields: int = 100
    head_bytes: int = 32 * 1024
    target_bytes: int = 8 * 1024
    body_bytes: int = 4 * 1024 * 1024
    body_seconds: float = 30
    # All bodies that are being read, or wait for a thread, or are with one.
    bodies_bytes: int = 64 * 1024 * 1024
    send_seconds: float = 30
    # Requests that are whole and wait for a thread.
    waiting: int = 256


class Refused(Exception):
    """The request is answered by *status* and never reaches Flask; the connection is closed."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class AsgiGateway:
    """An ASGI application that takes requests in, and lets *threads* of them into *app* at once.

    What *lane* answers needs none of them. *alongside* runs in a thread of its own while the server
    does, until its event is set.
    """

    def __init__(
        self,
        app: Application,
        *,
        threads: int,
        limits: Limits | None = None,
        lane: FastPathHandler | None = None,
        alongside: Callable[[threading.Event], None] | None = None,
    ) -> None:
        self._app, self._lane = app, lane
        self._limits = limits or Limits()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="flask")
        self._most_inside = threads + self._limits.waiting
        self._inside = self._bytes = 0
        self._alongside = alongside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body = Body()
        try:
            declared = declared_length(scope, self._limits)
            if declared != 0:
                await self._take_in(body, declared, receive)
            answer = await self._lane(scope, body) if self._lane else None
            answer = answer or await self._let_in(scope, body)
        except Refused as refused:
            # The path alone: a query holds tokens.
            metrics.count_door_refusal(refused.reason)
            log.info("door.refused", status=int(refused.status), reason=refused.reason)
            answer = _refusal(refused.status)
        finally:
            self._bytes -= len(body)
        await self._send(answer, send)

    async def _take_in(self, body: Body, declared: int | None, receive: Receive) -> None:
        """Fill *body* with all that the client sends, as long as it keeps to the limits."""
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Refused(HTTPStatus.BAD_REQUEST, "body cut short")
                    chunk = message.get("body", b"")
                    more = message.get("more_body", False)
                    if more and not chunk:
                        # How granian shows a trailer section; ours has no use for one.
                        raise Refused(HTTPStatus.BAD_REQUEST, "trailers")
                    self._bytes += len(chunk)
                    body.append(chunk)
                    if len(body) > self._limits.body_bytes:
                        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body too large")
                    if self._bytes > self._limits.bodies_bytes:
                        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "too many bodies")
        except TimeoutError as exc:
            raise Refused(HTTPStatus.REQUEST_TIMEOUT, "body too slow") from exc
        if declared is not None and declared != len(body):
            raise Refused(HTTPStatus.BAD_REQUEST, "body of another length")

    async def _let_in(self, scope: Scope, body: Body) -> Answer:
        """Return Flask's answer, once a thread is free."""
        # Slow bodies do not count: else they alone would fill the house.
        if self._inside >= self._most_inside:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "no thread free")
        self._inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._pool, call, self._app, environ_of(scope, body)
            )
        finally:
            self._inside -= 1

    async def _send(self, answer: Answer, send: Send) -> None:
        start = {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [*answer.headers, SERVER],
        }
        try:
            async with asyncio.timeout(self._limits.send_seconds):
                await send(start)
                await send({"type": "http.response.body", "body": answer.body})
        except TimeoutError:
            log.info("door.gave_up", reason="client too slow")

    async def _live(self, receive: Receive, send: Send) -> None:
        """Do what goes *alongside* from the start of the server to its end."""
        stop = threading.Event()
        beside = threading.Thread(target=self._alongside, args=(stop,), name="alongside")
        if self._alongside is not None:
            beside.start()
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        stop.set()
        if self._alongside is not None:
            await asyncio.to_thread(beside.join)
        self._pool.shutdown()
        await send({"type": "lifespan.shutdown.complete"})


def declared_length(scope: Scope, limits: Limits) -> int | None:
    """Return how long the body of *scope* says it is; None where it comes in chunks.

    Raises:
        Refused: The head breaks a rule, or says more than *limits* allow.
    """
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    target = scope["raw_path"]
    if scope["method"] not in METHODS:
        raise Refused(HTTPStatus.NOT_IMPLEMENTED, "method")
    if len(target) + len(scope["query_string"]) > limits.target_bytes:
        raise Refused(HTTPStatus.REQUEST_URI_TOO_LONG, "target too long")
    if not target.startswith(b"/"):
        raise Refused(HTTPStatus.BAD_REQUEST, "target")
    if len(headers) > limits.fields or sum(map(_size, headers)) > limits.head_bytes:
        raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head too large")
    # WSGI cannot tell "-" from "_", so one name could stand in for another.
    if any(b"_" in name for name, _ in headers):
        raise Refused(HTTPStatus.BAD_REQUEST, "underscore in a name")
    hosts = _values(headers, b"host")
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        raise Refused(HTTPStatus.BAD_REQUEST, "host")
    if any(value.lower() != b"100-continue" for value in _values(headers, b"expect")):
        raise Refused(HTTPStatus.EXPECTATION_FAILED, "expectation")
    return _length(headers, limits.body_bytes)


def _length(headers: list[tuple[bytes, bytes]], most: int) -> int | None:
    lengths = _values(headers, b"content-length")
    codings = _values(headers, b"transfer-encoding")
    if codings:
        if lengths or [coding.lower() for coding in codings] != [b"chunked"]:
            raise Refused(HTTPStatus.BAD_REQUEST, "framing")
        return None
    if not lengths:
        return 0
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise Refused(HTTPStatus.BAD_REQUEST, "framing")
    if int(lengths[0]) > most:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body too large")
    return int(lengths[0])


def _values(headers: list[tuple[bytes, bytes]], wanted: bytes) -> list[bytes]:
    return [value for name, value in headers if name == wanted]


def _size(header: tuple[bytes, bytes]) -> int:
    return len(header[0]) + len(header[1])


def _refusal(status: HTTPStatus) -> Answer:
    headers = [
        (b"content-length", b"0"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),
    ]
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", RETRY_AFTER))
    return Answer(int(status), headers, b"")

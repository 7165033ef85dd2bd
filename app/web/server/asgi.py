"""The ASGI side: enforces size and time limits before a request gets a Flask thread.

Flask occupies a thread from the first byte that it reads to the last that it sends. So a request is
received completely before it gets a thread, and its response is sent without one: a client that is
slow, in either direction, costs a bounded amount of memory and nothing else (R45, R88-R90).
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
# Answers a request on the event loop, or returns None if it needs a thread.
FastPathHandler: TypeAlias = Callable[[Scope, Body], Awaitable[Answer | None]]

log = structlog.get_logger()

SERVER: Final = (b"server", b"Threadlink")
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Seconds after which a client that got 503 should come again.
RETRY_AFTER: Final = 5
# Meta posts up to 1,000 events in one delivery; 2 KB each are legal (R45).
MOST_BODY_BYTES: Final = 4 * 1024 * 1024

_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one request, and of all requests of a process together."""

    fields: int = 100
    head_bytes: int = 32 * 1024
    target_bytes: int = 8 * 1024
    body_bytes: int = MOST_BODY_BYTES
    body_seconds: float = 30
    # All bodies that are being received, wait for a thread, or are with one.
    bodies_bytes: int = 64 * 1024 * 1024
    send_seconds: float = 30
    # Complete requests that wait for a thread.
    waiting: int = 256


class Refused(Exception):
    """The request is answered with *status* without Flask, and the connection closed."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class AsgiGateway:
    """An ASGI application that calls the WSGI application *app* in at most *threads* threads.

    *fast_path* is asked first, and what it answers needs no thread. *background* runs in a thread
    of its own from the start of the server to its end, when its event is set.
    """

    def __init__(
        self,
        app: Application,
        *,
        threads: int,
        limits: Limits | None = None,
        fast_path: FastPathHandler | None = None,
        background: Callable[[threading.Event], None] | None = None,
    ) -> None:
        self._app, self._fast_path = app, fast_path
        self._limits = limits or Limits()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="flask")
        self._most_inside = threads + self._limits.waiting
        self._inside = self._bytes = 0
        self._background = background

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        body = Body()
        try:
            declared = declared_length(scope, self._limits)
            if declared != 0:
                await self._receive_body(body, declared, receive)
            answer = await self._fast_path(scope, body) if self._fast_path else None
            answer = answer or await self._call_app(scope, body)
        except Refused as refused:
            # Neither path nor query is logged: they can contain tokens and PSIDs.
            metrics.count_door_refusal(refused.reason)
            log.info("door.refused", status=int(refused.status), reason=refused.reason)
            answer = _refusal(refused.status)
        finally:
            self._bytes -= len(body)
        await self._send(answer, send)

    async def _receive_body(self, body: Body, declared: int | None, receive: Receive) -> None:
        """Receive the rest of the request into *body*.

        Raises:
            Refused: The body breaks a limit, or does not arrive as declared.
        """
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
                        # Granian's way to report a trailer section, which is not supported.
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

    async def _call_app(self, scope: Scope, body: Body) -> Answer:
        """Return Flask's answer, computed in a thread as soon as one is free.

        Raises:
            Refused: Too many requests are waiting.
        """
        # Requests that are still being received do not count: slow clients could block all others.
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

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        """Serve the ASGI lifespan protocol, with the background thread between start and end."""
        stop = threading.Event()
        thread = threading.Thread(target=self._background, args=(stop,), name="background")
        if self._background is not None:
            thread.start()
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        stop.set()
        if self._background is not None:
            await asyncio.to_thread(thread.join)
        self._pool.shutdown()
        await send({"type": "lifespan.shutdown.complete"})


def declared_length(scope: Scope, limits: Limits) -> int | None:
    """Return the declared length of the body; None if the body is chunked.

    Raises:
        Refused: The head breaks a rule or one of *limits*.
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
    # WSGI maps "-" and "_" to the same character, so one header could pass for another.
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
        headers.append((b"retry-after", str(RETRY_AFTER).encode()))
    return Answer(int(status), headers, b"")

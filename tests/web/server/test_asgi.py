"""The ASGI gateway alone, with a simulated client and WSGI application."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from app.web.server.asgi import AsgiGateway
from app.web.server.limits import Limits
from app.web.server.wsgi import Environ

Message = dict[str, Any]
NEVER = object()


class Wire:
    """A client that sends *messages*, the parts of the body, and stops for ever at NEVER."""

    def __init__(self, *messages: object, reads: bool = True, **head: Any) -> None:
        self._messages = list(messages)
        self._reads = reads
        self.sent: list[Message] = []
        headers = [(b"host", b"x"), *head.pop("headers", [])]
        self.scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "raw_path": b"/webhook",
            "query_string": b"",
            "client": ("127.0.0.1", 40000),
            "server": ("127.0.0.1", 8000),
            "headers": headers,
            **head,
        }

    async def receive(self) -> Any:
        message = self._messages.pop(0)
        if message is NEVER:
            await asyncio.Event().wait()
        return message

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if not self._reads:
            await asyncio.Event().wait()

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])


def part(content: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": content, "more_body": more}


def length(size: int) -> list[tuple[bytes, bytes]]:
    return [(b"content-length", str(size).encode())]


CHUNKED = [(b"transfer-encoding", b"chunked")]


def echo(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("X-Length", environ["CONTENT_LENGTH"])])
    return [environ["wsgi.input"].read()]


def serve(gateway: AsgiGateway, *wires: Wire) -> None:
    async def all_at_once() -> None:
        await asyncio.gather(*(gateway(wire.scope, wire.receive, wire.send) for wire in wires))

    run(all_at_once())


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run *coroutine* on an event loop in a thread: Playwright's may run in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, coroutine).result()


def gateway(**limits: Any) -> AsgiGateway:
    return AsgiGateway(echo, threads=1, limits=Limits(**limits))


def test_flask_gets_the_complete_body_and_its_length() -> None:
    """R45: also of a chunked body, which Werkzeug would cut off at its limit."""
    wire = Wire(part(b"he", more=True), part(b"llo"), headers=CHUNKED)

    serve(gateway(), wire)

    assert 200 == wire.status
    assert b"5" == wire.headers[b"x-length"]
    assert b"hello" == wire.sent[1]["body"]


def test_a_body_that_does_not_arrive_times_out() -> None:
    """R89: with 408, and without Flask."""
    wire = Wire(part(b"he", more=True), NEVER, headers=length(5))

    serve(gateway(body_seconds=0.01), wire)

    assert 408 == wire.status
    assert b"close" == wire.headers[b"connection"]


def test_an_answer_that_is_not_read_times_out() -> None:
    """R89: otherwise a client could keep it in memory for ever."""
    wire = Wire(part(b""), reads=False, headers=length(0))

    serve(gateway(send_seconds=0.01), wire)

    assert ["http.response.start"] == [message["type"] for message in wire.sent]


def test_a_client_that_disconnects_in_mid_body_does_not_reach_flask() -> None:
    wire = Wire(part(b"he", more=True), {"type": "http.disconnect"}, headers=length(5))

    serve(gateway(), wire)

    assert 400 == wire.status


def test_a_body_of_another_length_than_declared_is_refused() -> None:
    """R88: whatever the HTTP server in front accepts."""
    wire = Wire(part(b"hell"), headers=length(5))

    serve(gateway(), wire)

    assert 400 == wire.status


def test_a_body_is_refused_as_soon_as_it_is_too_long() -> None:
    """R45: without waiting for the rest."""
    wire = Wire(part(b"hello", more=True), NEVER, headers=CHUNKED)

    serve(gateway(body_bytes=4), wire)

    assert 413 == wire.status


def test_a_full_queue_is_answered_503_with_retry_after() -> None:
    """R89: in an unbounded queue, clients would have left before their answer."""
    with _held() as (app, inside, may_go):
        crowded = AsgiGateway(app, threads=1, limits=Limits(waiting=1))
        first, second, third = (Wire(part(b""), headers=length(0)) for _ in range(3))

        async def scene() -> None:
            running = asyncio.gather(
                *(crowded(wire.scope, wire.receive, wire.send) for wire in (first, second))
            )
            await asyncio.to_thread(inside.wait)
            await crowded(third.scope, third.receive, third.send)
            may_go.set()
            await running

        run(scene())

    assert 503 == third.status
    assert b"5" == third.headers[b"retry-after"]
    assert [200, 200] == [first.status, second.status]


def test_slow_bodies_do_not_fill_the_queue() -> None:
    """R89: when they were counted, 400 of them blocked every other client."""
    crowded = gateway(waiting=0, body_seconds=0.05)
    slow = [Wire(part(b"1", more=True), NEVER, headers=CHUNKED) for _ in range(10)]
    normal = Wire(part(b""), headers=length(0))

    serve(crowded, *slow, normal)

    assert 200 == normal.status


def test_a_header_named_proxy_is_dropped() -> None:
    """As HTTP_PROXY it would send our own requests through a stranger's proxy (httpoxy.org)."""
    seen: list[Environ] = []

    def look(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        seen.append(environ)
        start_response("200 OK", [])
        return []

    wire = Wire(headers=[(b"proxy", b"http://192.0.2.1"), (b"cookie", b"a=1"), (b"cookie", b"b=2")])

    serve(AsgiGateway(look, threads=1), wire)

    assert "HTTP_PROXY" not in seen[0]
    assert "a=1; b=2" == seen[0]["HTTP_COOKIE"]


def test_the_background_thread_ends_with_the_server() -> None:
    """R121."""
    has_ended = threading.Event()

    def work(stop: threading.Event) -> None:
        stop.wait()
        has_ended.set()

    sent: list[Message] = []
    events = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Any:
        return next(events)

    async def send(message: Any) -> None:
        sent.append(message)

    run(AsgiGateway(echo, threads=1, background=work)({"type": "lifespan"}, receive, send))

    assert has_ended.is_set()
    assert ["lifespan.startup.complete", "lifespan.shutdown.complete"] == [m["type"] for m in sent]


@contextmanager
def _held() -> Iterator[tuple[Callable[..., Any], threading.Event, threading.Event]]:
    """Yield an application with two events: it has been called, and it may answer."""
    inside, may_go = threading.Event(), threading.Event()

    def app(_environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        inside.set()
        may_go.wait(30)
        start_response("200 OK", [])
        return []

    yield app, inside, may_go
    may_go.set()

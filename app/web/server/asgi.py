"""The ASGI side: enforces size and time limits before a request gets a Flask thread.

Flask occupies a thread from the first byte that it reads to the last that it sends. So a request is
received completely before it gets a thread, and its response is sent without one: a client that is
slow, in either direction, costs a bounded amount of memory and nothing else (R45, R88-R90).
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import structlog

from app.infra.deadlines import TimeLimit
from app.infra.observability import metrics
from app.linking.references import new_reference
from app.web.server.bodies import Bodies, Body, Receive
from app.web.server.head import Scope, check_head
from app.web.server.limits import RETRY_AFTER, Limits, Refused
from app.web.server.turns import Places, Turns
from app.web.server.wsgi import Answer, Application, answer_of, call, environ_of

Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
# Answers a request on the event loop, or returns None if it needs a thread.
FastPathHandler: TypeAlias = Callable[[Scope, bytes], Awaitable[Answer | None]]

log = structlog.get_logger()

SERVER: Final = (b"server", b"Threadlink")
CLOSE: Final = (b"connection", b"close")
TICK_SECONDS: Final = 1.0


def empty_answer(_scope: Scope, refused: Refused) -> Answer:
    """Return an answer that says nothing beside the status."""
    return answer_of(refused.status, {}, b"")


class AsgiGateway:
    """An ASGI application that calls the WSGI application *app* in at most *threads* threads.

    *fast_path* is asked first, and what it answers needs no thread; *is_quick* tells by the head
    that it probably will. *may_be_large* tells whether a body may exceed the usual limit, and
    *refusal* makes the answer to what breaks a limit. *background* runs in a thread of its own from
    the start of the server to its end, when its event is set; *on_loop* gets the event loop before.
    *tick* is called on the event loop once a second. While *is_draining*, each connection is closed
    after its answer.
    """

    def __init__(  # noqa: PLR0913 - parts of one application, by name
        self,
        app: Application,
        *,
        threads: int,
        limits: Limits | None = None,
        fast_path: FastPathHandler | None = None,
        may_be_large: Callable[[Scope], bool] = lambda _scope: False,
        is_quick: Callable[[Scope], bool] = lambda _scope: False,
        refusal: Callable[[Scope, Refused], Answer] = empty_answer,
        background: Callable[[threading.Event], None] | None = None,
        on_loop: Callable[[asyncio.AbstractEventLoop], None] = lambda _loop: None,
        tick: Callable[[], None] = lambda: None,
        is_draining: Callable[[], bool] = lambda: False,
    ) -> None:
        self._app, self._fast_path = app, fast_path
        self._may_be_large, self._is_quick, self._refusal = may_be_large, is_quick, refusal
        self._limits = limits or Limits()
        self._bodies = Bodies(self._limits)
        self._turns, self._places = Turns(), Places()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="flask")
        self._most_inside = threads + self._limits.waiting
        self._inside = 0
        self._background, self._on_loop = background, on_loop
        self._tick, self._is_draining = tick, is_draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        may_be_large = self._may_be_large(scope)
        if not may_be_large:
            await self._turns.take(is_quick=self._is_quick(scope))
        body: Body | None = None
        content = b""
        try:
            declared = check_head(scope, self._limits)
            if declared != 0:
                body = self._bodies.begin(declared, may_be_large=may_be_large)
                content = await body.receive(receive)
            answer = await self._fast_path(scope, content) if self._fast_path else None
            answer = answer or await self._call_app(scope, content)
        except Refused as refused:
            answer = self._refuse(scope, refused)
        finally:
            if body:
                body.release()
        await self._send(answer, send)

    def _refuse(self, scope: Scope, refused: Refused) -> Answer:
        # Neither path nor query is logged: they can contain tokens and PSIDs.
        metrics.count_door_refusal(refused.reason)
        with structlog.contextvars.bound_contextvars(reference=new_reference()):
            log.info("door.refused", status=int(refused.status), reason=refused.reason)
            answer = self._refusal(scope, refused)
        # What is left of the request would be read as the next one.
        answer.headers.append(CLOSE)
        if refused.status is HTTPStatus.SERVICE_UNAVAILABLE:
            answer.headers.append((b"retry-after", str(RETRY_AFTER).encode()))
        return answer

    async def _call_app(self, scope: Scope, content: bytes) -> Answer:
        """Return Flask's answer, computed in a thread as soon as one is free.

        Raises:
            Refused: Too many requests are waiting.
        """
        # Requests that are still being received do not count: slow clients could block all others.
        if self._inside >= self._most_inside:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "no thread free")
        self._inside += 1
        try:
            async with self._places.one():
                return await asyncio.get_running_loop().run_in_executor(
                    self._pool, call, self._app, environ_of(scope, content)
                )
        finally:
            self._inside -= 1

    async def _send(self, answer: Answer, send: Send) -> None:
        headers = [*answer.headers, SERVER]
        if self._is_draining() and CLOSE not in headers:
            headers.append(CLOSE)
        start = {"type": "http.response.start", "status": answer.status, "headers": headers}
        latest = asyncio.get_running_loop().time() + self._limits.send_seconds
        try:
            with TimeLimit(latest):
                await send(start)
                await send({"type": "http.response.body", "body": answer.body})
        except TimeoutError:
            log.info("door.gave_up", reason="client too slow")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        """Serve the ASGI lifespan protocol, with the background thread between start and end."""
        stop = threading.Event()
        self._on_loop(asyncio.get_running_loop())
        thread = threading.Thread(target=self._background, args=(stop,), name="background")
        if self._background is not None:
            thread.start()
        await receive()
        await send({"type": "lifespan.startup.complete"})
        ticking = asyncio.create_task(self._keep_ticking())
        await receive()
        ticking.cancel()
        stop.set()
        if self._background is not None:
            await asyncio.to_thread(thread.join)
        self._pool.shutdown()
        await send({"type": "lifespan.shutdown.complete"})

    async def _keep_ticking(self) -> None:
        while True:
            self._tick()
            await asyncio.sleep(TICK_SECONDS)

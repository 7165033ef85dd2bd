"""The bodies of all requests: received within limits, and the slowest shed first.

Nobody can tell a stranger's body from a delivery of Messenger's before all of it has come and its
signature is compared. But a stranger who wants to occupy memory has to hold it, which is slow.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from app.infra.deadlines import TimeLimit
from app.web.server.limits import Limits, Refused

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]

# The part of a budget that is freed at once, so that the slowest are not sought at each chunk.
_FREED: Final = 1 / 8


class Bodies:
    """All bodies that are being received or wait for their answer, in two budgets of bytes."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._small = _Budget(limits.bodies_bytes)
        self._large = _Budget(limits.large_bodies_bytes)

    def begin(self, declared: int | None, *, may_be_large: bool) -> "Body":
        """Return the body to receive; *declared* is its length, None if it is chunked.

        Raises:
            Refused: It declares too many bytes.
        """
        is_small = declared is not None and declared <= self._limits.body_bytes
        if is_small or not may_be_large:
            budget, most = self._small, self._limits.body_bytes
        else:
            budget, most = self._large, self._limits.large_body_bytes
        body = Body(budget, self._limits, declared, most)
        body.check_size(declared or 0)
        return body


class Body:
    """The body of one request, which counts in its budget until it is released."""

    def __init__(self, budget: "_Budget", limits: Limits, declared: int | None, most: int) -> None:
        self._budget, self._limits = budget, limits
        self._declared, self._most = declared, most
        self._began_at = asyncio.get_running_loop().time()
        self._limit: TimeLimit
        self.length = 0
        self._parts = 0
        self.is_shed = False

    async def receive(self, receive: Receive) -> bytes:
        """Return the whole body.

        Raises:
            Refused: It breaks a limit, does not arrive as declared, or is shed.
        """
        chunks: list[bytes] = []
        try:
            with TimeLimit(self._latest(self._began_at)) as self._limit:
                self._budget.under_way.add(self)
                while self._append(chunks, await receive()):
                    now = asyncio.get_running_loop().time()
                    self._limit.move(self._latest(now))
        except TimeoutError as exc:
            self._check_kept()
            raise Refused(HTTPStatus.REQUEST_TIMEOUT, "body too slow") from exc
        finally:
            self._budget.under_way.discard(self)
        if self._declared not in {None, self.length}:
            raise Refused(HTTPStatus.BAD_REQUEST, "body of another length")
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def release(self) -> None:
        """Count no longer."""
        self._budget.used -= self.length
        self.length = 0

    def check_size(self, length: int) -> None:
        """Check that the body may have *length* bytes.

        Raises:
            Refused: It may not.
        """
        if length > self._most:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body too large")

    def rate(self, now: float) -> float:
        """Return the bytes received per second until *now*, as if the largest body were there.

        So bodies of one age differ by a factor of two at most. Else a delivery that is short, or
        that an ocean slows down, would be slower than a stranger's that came at once and stalls.
        """
        return (self._most + self.length) / max(now - self._began_at, 1e-6)

    def shed(self, now: float) -> None:
        """Receive no more of it, and forget what has come."""
        self.is_shed = True
        self._budget.under_way.discard(self)
        self.release()
        # It may have passed its deadline in this very round of the event loop.
        if not self._limit.is_over:
            self._limit.move(now)

    def _append(self, chunks: list[bytes], message: MutableMapping[str, Any]) -> bool:
        """Append what *message* brings to *chunks*; return whether more is to come."""
        self._check_kept()
        if message["type"] == "http.disconnect":
            raise Refused(HTTPStatus.BAD_REQUEST, "body cut short")
        chunk, more = message.get("body", b""), bool(message.get("more_body", False))
        if more and not chunk:
            # Granian's way to report a trailer section, which is not supported.
            raise Refused(HTTPStatus.BAD_REQUEST, "trailers")
        self.check_size(self.length + len(chunk))
        chunks.append(chunk)
        self.length += len(chunk)
        self._parts += 1
        if self._parts > self._limits.parts + self.length // self._limits.part_bytes:
            raise Refused(HTTPStatus.BAD_REQUEST, "body in too many parts")
        self._budget.take(len(chunk))
        self._check_kept()
        return more

    def _check_kept(self) -> None:
        if self.is_shed:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "too many bodies")

    def _latest(self, now: float) -> float:
        """Return when the next chunk must have come, *now* being when the last one did."""
        limits = self._limits
        stalled_at = now + limits.stall_seconds
        too_slow_at = self._began_at + limits.stall_seconds + self.length / limits.bytes_per_second
        return min(self._began_at + limits.body_seconds, stalled_at, too_slow_at)


class _Budget:
    """The bytes of some bodies, of which the slowest are shed when they become too many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.used = 0
        self.under_way: set[Body] = set()

    def take(self, size: int) -> None:
        """Count *size* bytes more."""
        self.used += size
        if self.used <= self._most:
            return
        now = asyncio.get_running_loop().time()
        # What has brought nothing yet would free nothing.
        holding = (body for body in self.under_way if body.length)
        for body in sorted(holding, key=lambda body: body.rate(now)):
            if self.used <= self._most * (1 - _FREED):
                break
            body.shed(now)

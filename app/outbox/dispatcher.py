"""Dispatches due items of one kind: claim a batch, run the handler on each, record the results."""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.orm import Session

from app.infra.database.writer import Writer
from app.outbox import queue
from app.outbox.circuit_breaker import Circuit
from app.outbox.handlers import Handler, RetryLater, TargetGone
from app.outbox.queue import Claim

log = structlog.get_logger()

# About three days in all, as Standard Webhooks recommends (standardwebhooks.com; R99).
RETRY_DELAYS: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
)
# Longer than a batch in which every try takes the fifteen seconds that it may.
LEASE: Final = timedelta(seconds=120)
CLAIMS_PER_THREAD: Final = 4

# Writes the result of a try that did not succeed.
Result = Callable[[Session], None]


class Dispatcher:
    """The queue of one kind of items with its handler, its threads and its circuit breaker."""

    def __init__(
        self, kind: str, handler: Handler, writer: Writer, clock: Callable[[], datetime]
    ) -> None:
        self._kind, self._handler = kind, handler
        self._writer, self._clock = writer, clock
        self._circuit = Circuit()
        # Starts no thread before the first batch; they end when the dispatcher is collected.
        self._pool = ThreadPoolExecutor(handler.concurrency, thread_name_prefix=kind)

    def run_once(self) -> bool:
        """Handle a batch of items that are due; return whether there were any."""
        limit = self._circuit.allowed(
            self._handler.concurrency * CLAIMS_PER_THREAD, at=self._clock()
        )
        if not limit or not self._writer.read(queue.is_due, self._kind, at=self._clock()):
            return False
        claims = self._writer.write(
            queue.claim, self._kind, limit=limit, lease=LEASE, at=self._clock()
        )
        if claims:
            self._writer.write(_record, claims, list(self._pool.map(self._handle, claims)))
        return bool(claims)

    def _handle(self, claim: Claim) -> Result | None:
        """Run the handler on *claim*; return what is to be recorded, None if the work is done."""
        if not self._circuit.allowed(1, at=self._clock()):
            return self._release(claim)
        try:
            self._handler.perform(claim)
        except RetryLater as exc:
            self._record_failure(exc)
            return self._postpone(claim, str(exc), wait=exc.wait)
        except TargetGone:
            self._stop(claim)
            return self._release(claim)
        except Exception:
            # A defect that one item meets must not stop the others.
            log.exception("outbox.fault", kind=claim.kind, id=claim.id)
            return self._postpone(claim, "fault", wait=None)
        self._circuit.record_success()
        log.info("outbox.done", kind=claim.kind, id=claim.id, tries=claim.tries)
        return None

    def _record_failure(self, failure: RetryLater) -> None:
        if self._circuit.record_failure(at=self._clock(), wait=failure.wait):
            log.error("outbox.target_failing", kind=self._kind, failure=str(failure))

    def _stop(self, claim: Claim) -> None:
        if not self._circuit.is_stopped:
            log.error(
                "outbox.target_gone", kind=claim.kind, hint="it answers 410: see docs/bots.md"
            )
        self._circuit.stop()

    def _release(self, claim: Claim) -> Result:
        at = self._clock()
        return lambda session: queue.release(session, claim, at=at)

    def _postpone(self, claim: Claim, failure: str, *, wait: timedelta | None) -> Result:
        if claim.tries > len(RETRY_DELAYS) and not self._handler.retries_forever:
            return self._dead_letter(claim, failure)
        planned = RETRY_DELAYS[min(claim.tries, len(RETRY_DELAYS)) - 1]
        delay = planned * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, no secret
        delay = max(delay, wait or delay)
        seconds = round(delay.total_seconds())
        log.warning("outbox.again", kind=claim.kind, id=claim.id, failure=failure, seconds=seconds)
        until = self._clock() + delay
        return lambda session: queue.postpone(session, claim, failure=failure, until=until)

    def _dead_letter(self, claim: Claim, failure: str) -> Result:
        log.error("outbox.dead", kind=claim.kind, id=claim.id, failure=failure)
        return lambda session: queue.dead_letter(session, claim, failure=failure)


def _record(session: Session, claims: Sequence[Claim], results: Sequence[Result | None]) -> None:
    pairs = [*zip(claims, results, strict=True)]
    queue.acknowledge(session, [claim for claim, result in pairs if result is None])
    for _, result in pairs:
        if result is not None:
            result(session)

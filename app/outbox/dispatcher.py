"""One kind of thing, done as it falls due: claimed by the batch, tried, settled by the batch."""

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
from app.outbox.handlers import GiveUp, Handler, RetryLater, TargetGone
from app.outbox.queue import Claim

log = structlog.get_logger()

# About three days, as Standard Webhooks proposes (security.md R99).
WAITS: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
)
# Longer than a batch takes in which every try takes the fifteen seconds that it may.
LEASE: Final = timedelta(seconds=120)
ROUNDS: Final = 4

Settlement = Callable[[Session], None]


class Dispatcher:
    """Does what is due of one kind, a batch at a time, and leaves alone a target that fails."""

    def __init__(
        self, kind: str, duty: Handler, writer: Writer, clock: Callable[[], datetime]
    ) -> None:
        self._kind, self._duty = kind, duty
        self._writer, self._clock = writer, clock
        self._circuit = Circuit()
        # Threads come with the first batch, and go when nobody has the lane any more.
        self._pool = ThreadPoolExecutor(duty.at_once, thread_name_prefix=kind)

    def run_once(self) -> bool:
        """Do a batch of what is due now; return whether there was anything."""
        most = self._circuit.room(self._duty.at_once * ROUNDS, at=self._clock())
        if not most or not self._writer.read(queue.is_due, self._kind, at=self._clock()):
            return False
        claims = self._writer.write(
            queue.claim, self._kind, most=most, lease=LEASE, at=self._clock()
        )
        if claims:
            self._writer.write(_settle, claims, list(self._pool.map(self._do, claims)))
        return bool(claims)

    def _do(self, claim: Claim) -> Settlement | None:
        """Try *claim*; return what is to be written about it, None where it has been done."""
        if not self._circuit.room(1, at=self._clock()):
            return self._give_back(claim)
        try:
            self._duty.perform(claim)
        except RetryLater as exc:
            self._note_failure(exc)
            return self._put_off(claim, str(exc), wait=exc.wait)
        except GiveUp as exc:
            return self._bury(claim, str(exc))
        except TargetGone:
            self._stop(claim)
            return self._give_back(claim)
        except Exception:
            # A fault of ours in one thing must not stop the others.
            log.exception("outbox.fault", kind=claim.kind, id=claim.id)
            return self._put_off(claim, "fault", wait=None)
        self._circuit.succeeded()
        log.info("outbox.done", kind=claim.kind, id=claim.id, tries=claim.tries)
        return None

    def _note_failure(self, failure: RetryLater) -> None:
        if self._circuit.failed(at=self._clock(), wait=failure.wait):
            log.error("outbox.target_failing", kind=self._kind, failure=str(failure))

    def _stop(self, claim: Claim) -> None:
        if not self._circuit.is_stopped:
            log.error(
                "outbox.target_gone", kind=claim.kind, hint="it answers 410: see docs/bots.md"
            )
        self._circuit.stop()

    def _give_back(self, claim: Claim) -> Settlement:
        at = self._clock()
        return lambda session: queue.release(session, claim, at=at)

    def _put_off(self, claim: Claim, failure: str, *, wait: timedelta | None) -> Settlement:
        if claim.tries > len(WAITS) and not self._duty.tireless:
            return self._bury(claim, failure)
        pause = WAITS[min(claim.tries, len(WAITS)) - 1] * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
        pause = max(pause, wait or pause)
        log.warning(
            "outbox.again", kind=claim.kind, id=claim.id, failure=failure,
            seconds=round(pause.total_seconds()),
        )  # fmt: skip
        until = self._clock() + pause
        return lambda session: queue.postpone(session, claim, failure=failure, until=until)

    def _bury(self, claim: Claim, failure: str) -> Settlement:
        log.error("outbox.dead", kind=claim.kind, id=claim.id, failure=failure)
        return lambda session: queue.dead_letter(session, claim, failure=failure)


def _settle(
    session: Session, claims: Sequence[Claim], settlements: Sequence[Settlement | None]
) -> None:
    pairs = [*zip(claims, settlements, strict=True)]
    queue.acknowledge(session, [claim for claim, settlement in pairs if settlement is None])
    for _, settlement in pairs:
        if settlement is not None:
            settlement(session)

"""Dispatches due items of one kind: claim some, run the handler on each, record the results.

Each kind has two lanes with threads of their own: items that were never tried, and retries. So a
retry that hangs takes no thread from a new item. Nothing waits for a whole batch: results are
recorded, and more items claimed, as tries end.
"""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from functools import partial
from threading import Event
from typing import Final

import structlog
from sqlalchemy.orm import Session

from app.infra.database.writer import NotCommitted, Writer
from app.infra.stalls import Pulse
from app.outbox import queue
from app.outbox.circuit_breaker import Cause, CircuitBreaker, OpenCircuit
from app.outbox.handlers import Handler, NotYet, PerhapsNothingToDo, RetryLater
from app.outbox.queue import Claim, Lane, LaneKey

log = structlog.get_logger()

# About three days in all, as Standard Webhooks recommends (standardwebhooks.com; R99).
RETRY_DELAYS: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
)
# An outage is over when the target takes something again: then what failed meanwhile is due at
# once. Not after more tries than these, by which three quarters of a day have gone: an item that
# the target never takes would use up its tries early.
MOST_TRIES_HASTENED: Final = 7
# No retry waits for longer.
FAR_AHEAD: Final = timedelta(days=365)
# Longer than the tries of all claims that one thread has, at fifteen seconds each.
LEASE: Final = timedelta(seconds=120)
CLAIMS_PER_THREAD: Final = 4
# Retries have this share of the threads of their kind.
RETRIES_SHARE: Final = 4
# The longest time in seconds that results wait for each other, to be recorded by one commit.
GATHER_SECONDS: Final = 0.02
WAIT_SECONDS: Final = 0.25

# Writes the result of a try that did not succeed.
Result = Callable[[Session], None]


class Dispatcher:
    """The two lanes of one kind of items, with their handler and their circuit breaker."""

    def __init__(
        self, kind: str, handler: Handler, writer: Writer, clock: Callable[[], datetime]
    ) -> None:
        tries = Tries(kind, handler, clock)
        threads = {
            Lane.FRESH: handler.concurrency,
            Lane.RETRIES: max(1, handler.concurrency // RETRIES_SHARE),
        }
        self.circuit = tries.circuit
        self.lanes = tuple(
            LaneDispatcher(tries, lane, writer, threads=threads[lane]) for lane in Lane
        )

    def run_once(self) -> bool:
        """Handle items that are due, of both lanes; return whether there were any."""
        were_due = [lane.run_once() for lane in self.lanes]
        return any(were_due)


class Tries:
    """Runs the handler on claims of one kind, and tells what is to be recorded."""

    def __init__(self, kind: str, handler: Handler, clock: Callable[[], datetime]) -> None:
        self.kind, self.clock = kind, clock
        self.breaker = CircuitBreaker()
        # The ids of the items of both lanes that are being tried: if the clock steps forward, their
        # leases seem to have ended.
        self.in_flight: set[int] = set()
        # After an outage, until all retries are due: those until then are still to be hastened.
        self.hastens_until: datetime | None = None
        self._handler = handler
        self._last_failure = ""

    def run(self, claim: Claim, opened: int) -> Result | None:
        """Run the handler on *claim*; return what is to be recorded, None if the work is done.

        *opened* is the breaker's number at the time of the claim: what was claimed before the
        circuit opened is not tried after.
        """
        if self.breaker.opened != opened:
            return self.release(claim)
        try:
            self._handler.perform(claim)
        except RetryLater as exc:
            return self._retry(claim, exc)
        except Exception:
            # A defect that one item meets must not stop the others.
            log.exception("outbox.fault", kind=claim.kind, id=claim.id)
            return self._postpone(claim, "fault", wait=None)
        if self.breaker.record_success(at=self.clock()):
            log.warning("outbox.target_recovered", kind=claim.kind)
        log.info("outbox.done", kind=claim.kind, id=claim.id, tries=claim.tries)
        return None

    def circuit(self) -> OpenCircuit | None:
        """Return the circuit if the target fails at present."""
        failing = self.breaker.failing()
        return failing and OpenCircuit(self.kind, *failing, self._last_failure)

    def release(self, claim: Claim) -> Result:
        """Return what makes *claim* due again in its place, as it has not been tried."""
        at = self.clock()
        return lambda session: queue.release(session, claim, at=at)

    def _retry(self, claim: Claim, failure: RetryLater) -> Result:
        if isinstance(failure, NotYet):
            return self._defer(claim, str(failure), failure.wait)
        self._record_failure(failure)
        if failure.cause is Cause.UNREACHABLE:
            return self.release(claim)
        if isinstance(failure, PerhapsNothingToDo) and claim.tries > len(RETRY_DELAYS):
            return self._dead_letter(claim, str(failure))
        return self._postpone(claim, str(failure), wait=failure.wait)

    def _record_failure(self, failure: RetryLater) -> None:
        self._last_failure = str(failure)
        if not self.breaker.record_failure(failure.cause, at=self.clock()):
            return
        if failure.cause is Cause.GONE:
            hint = "it answers 410: is its address right?"
            log.error("outbox.target_gone", kind=self.kind, hint=hint)
        else:
            log.error("outbox.target_failing", kind=self.kind, failure=str(failure))

    def _postpone(self, claim: Claim, failure: str, *, wait: timedelta | None) -> Result:
        if claim.tries > len(RETRY_DELAYS) and not self._handler.retries_forever:
            return self._dead_letter(claim, failure)
        planned = RETRY_DELAYS[min(claim.tries, len(RETRY_DELAYS)) - 1]
        delay = planned * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, no secret
        delay = max(delay, wait or delay)
        seconds = round(delay.total_seconds())
        log.warning("outbox.again", kind=claim.kind, id=claim.id, failure=failure, seconds=seconds)
        until = self.clock() + delay
        return lambda session: queue.postpone(session, claim, failure=failure, until=until)

    def _defer(self, claim: Claim, failure: str, wait: timedelta) -> Result:
        until = self.clock() + wait * random.uniform(1.0, 1.2)  # noqa: S311 - jitter, no secret
        seconds = round(wait.total_seconds())
        log.info("outbox.deferred", kind=claim.kind, id=claim.id, failure=failure, seconds=seconds)
        return lambda session: queue.defer(session, claim, failure=failure, until=until)

    def _dead_letter(self, claim: Claim, failure: str) -> Result:
        log.error("outbox.dead", kind=claim.kind, id=claim.id, failure=failure)
        return lambda session: queue.dead_letter(session, claim, failure=failure)


class LaneDispatcher:
    """Claims the items of one lane, and has them tried by *threads* threads."""

    def __init__(self, tries: Tries, lane: Lane, writer: Writer, *, threads: int) -> None:
        self.key = LaneKey(tries.kind, lane)
        self.pulse = Pulse()
        self._tries, self._writer = tries, writer
        self._most_claims = threads * CLAIMS_PER_THREAD
        self._in_flight: dict[Future[Result | None], Claim] = {}
        # What has not been recorded yet.
        self._ended: list[tuple[Claim, Result | None]] = []
        # Starts no thread before the first claim; they end when the dispatcher is collected.
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"{tries.kind} {lane.name}")

    def run_once(self) -> bool:
        """Handle some of the items that are due; return whether there were any."""
        hastened = self._hasten_some()
        were_due = self._claim()
        while self._record_ended():
            pass
        return were_due or hastened

    def run(self, woken: Event, stop: Event) -> None:
        """Handle items whenever *woken* is set, until *stop* is; call `finish` then."""
        while not stop.is_set():
            self.pulse.beat()
            if self._hasten_some() or woken.wait(WAIT_SECONDS):
                woken.clear()
                self._run_while_due(stop)

    def finish(self) -> bool:
        """Finish the tries that have begun, and record their results; return False."""
        self._release_unstarted()
        while self._record_ended():
            self.pulse.beat()
        return False

    def _run_while_due(self, stop: Event) -> None:
        while not stop.is_set():
            self.pulse.beat()
            self._claim()
            if not self._record_ended():
                return
            self._hasten_some()

    def _claim(self) -> bool:
        """Claim items that are due, if there is room for many; return whether there were any."""
        room = self._most_claims - len(self._in_flight)
        at = self._tries.clock()
        if room < self._most_claims / 2 or not self._writer.read(
            queue.lanes_due, [self.key], at=at
        ):
            return False
        opened = self._tries.breaker.opened
        limit = self._tries.breaker.allowed(self.key.lane, room, at=at)
        if not limit:
            return False
        claims = self._writer.write(
            queue.claim, self.key, limit=limit, lease=LEASE, at=at, but=(*self._tries.in_flight,)
        )
        self._tries.in_flight |= {claim.id for claim in claims}
        for claim in claims:
            self._in_flight[self._pool.submit(self._tries.run, claim, opened)] = claim
        return bool(claims)

    def _record_ended(self) -> bool:
        """Wait for tries to end, and record their results; return whether there were any tries."""
        if self._in_flight:
            wait(self._in_flight, timeout=WAIT_SECONDS, return_when=FIRST_COMPLETED)
            ended, _ = wait(self._in_flight, timeout=GATHER_SECONDS)
            self._ended += [(self._in_flight.pop(future), future.result()) for future in ended]
        elif not self._ended:
            return False
        if self._ended:
            self._record()
        if self._tries.breaker.take_outage_ended():
            self._tries.hastens_until = self._tries.clock() + FAR_AHEAD
        return True

    def _record(self) -> None:
        ended, self._ended = self._ended, []
        try:
            self._writer.write(_record, ended)
        except NotCommitted:
            # Kept until they are committed: else a bot would get again what it has taken.
            self._ended = ended
            raise
        finally:
            # By any other error their leases end, as if the worker had been killed.
            if not self._ended:
                self._tries.in_flight -= {claim.id for claim, _ in ended}

    def _hasten_some(self) -> bool:
        """Make some retries due, if an outage has ended; return whether that was to be done.

        A few at a time, and in their own lane: new items must not wait until millions are due.
        """
        until = self._tries.hastens_until
        if self.key.lane is not Lane.RETRIES or until is None:
            return False
        hasten = partial(queue.hasten, most_tries=MOST_TRIES_HASTENED, lease=LEASE)
        at = self._tries.clock()
        following = self._writer.write(hasten, kind=self.key.kind, until=until, at=at)
        # The other lane may have seen an outage end meanwhile.
        if self._tries.hastens_until == until:
            self._tries.hastens_until = following
        return True

    def _release_unstarted(self) -> None:
        cancelled = [future for future in self._in_flight if future.cancel()]
        claims = [self._in_flight.pop(future) for future in cancelled]
        self._ended += [(claim, self._tries.release(claim)) for claim in claims]


def _record(session: Session, pairs: Sequence[tuple[Claim, Result | None]]) -> None:
    queue.acknowledge(session, [claim for claim, result in pairs if result is None])
    for _, result in pairs:
        if result is not None:
            result(session)

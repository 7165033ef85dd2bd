"""Dispatching items as they fall due, by a clock that the test moves."""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import URL, Engine, select, text
from sqlalchemy.orm import Session

from app.infra.database.engine import make_engine
from app.infra.database.writer import Writer
from app.outbox import queue
from app.outbox.dispatcher import LEASE, RETRY_DELAYS, Dispatcher, Result
from app.outbox.handlers import Handler, RetryLater, TargetGone
from app.outbox.models import OutboxRow
from app.outbox.queue import Claim, enqueue, enqueue_once
from app.outbox.worker import Worker
from tests.installation import NOON

KIND = "notice"
PATIENCE = 30.0


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def writer(engine: Engine) -> Writer:
    return Writer(engine)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def fails(error: Exception) -> Callable[[Claim], None]:
    def perform(_: Claim) -> None:
        raise error

    return perform


def rows(writer: Writer) -> list[tuple[str, int, str | None]]:
    def read(session: Session) -> list[tuple[str, int, str | None]]:
        ordered = select(OutboxRow).order_by(OutboxRow.id)
        return [(row.state, row.tries, row.failure) for row in session.scalars(ordered)]

    return writer.read(read)


def due_at(session: Session) -> datetime:
    """Return when the only item that waits is due."""
    return session.scalars(select(OutboxRow.not_before)).one()


def add(writer: Writer, *bodies: bytes, kind: str = KIND) -> None:
    for body in bodies:
        writer.write(enqueue_once, kind, body, at=NOON)


def test_items_are_handled_oldest_first(writer: Writer, clock: Clock) -> None:
    """R97: oldest first, as far as nothing has to be repeated."""
    done: list[bytes] = []
    add(writer, b"1", b"2", b"3")

    Dispatcher(KIND, Handler(lambda claim: done.append(claim.body)), writer, clock).run_once()

    assert [b"1", b"2", b"3"] == done


def test_the_same_body_is_done_once_while_its_digest_is_kept(writer: Writer, clock: Clock) -> None:
    """Messenger repeats a delivery whose 200 was lost."""
    done: list[bytes] = []
    dispatcher = Dispatcher(KIND, Handler(lambda claim: done.append(claim.body)), writer, clock)
    add(writer, b"1", b"1")
    dispatcher.run_once()

    add(writer, b"1")
    dispatcher.run_once()

    assert [b"1"] == done
    assert [("done", 1, None)] == rows(writer)


def test_an_item_without_digest_leaves_nothing_behind(writer: Writer, clock: Clock) -> None:
    writer.write(enqueue, KIND, b"1", at=NOON)

    Dispatcher(KIND, Handler(lambda _: None), writer, clock).run_once()

    assert [] == rows(writer)


def test_retries_follow_the_schedule_and_end_as_a_dead_letter(writer: Writer, clock: Clock) -> None:
    """R99: ten tries over about three days, none of them early, then kept for the operator."""
    dispatcher = Dispatcher(KIND, Handler(fails(RetryLater("status 500"))), writer, clock)
    add(writer, b"1")
    waits: list[timedelta] = []

    while dispatcher.run_once() and rows(writer)[0][0] == "waiting":
        due = writer.read(due_at)
        waits.append(due - clock.at)
        clock.at = due - timedelta(milliseconds=1)
        assert not dispatcher.run_once()
        clock.at = due

    assert [("dead", 10, "status 500")] == rows(writer)
    assert len(RETRY_DELAYS) == len(waits)
    for wait, planned in zip(waits, RETRY_DELAYS, strict=True):
        assert planned * 0.8 <= wait <= planned * 1.2
    assert timedelta(days=2) < clock.at - NOON < timedelta(days=4)


def test_a_handler_that_retries_forever_tries_every_day(writer: Writer, clock: Clock) -> None:
    """Messenger must not go on showing a person as linked, however long Graph is unreachable."""
    dispatcher = Dispatcher(
        KIND, Handler(fails(RetryLater("away")), retries_forever=True), writer, clock
    )
    add(writer, b"1")

    for _ in range(20):
        dispatcher.run_once()
        clock.at += timedelta(days=2)

    assert [("waiting", 20, "away")] == rows(writer)


def test_retry_after_delays_the_next_try_for_at_least_as_long(writer: Writer, clock: Clock) -> None:
    """R99: the bot knows better than the schedule when it can answer again."""
    dispatcher = Dispatcher(
        KIND, Handler(fails(RetryLater("status 429", wait=timedelta(hours=3)))), writer, clock
    )
    add(writer, b"1")
    dispatcher.run_once()

    clock.at += timedelta(hours=2, minutes=59)
    before = dispatcher.run_once()
    clock.at += timedelta(minutes=1)
    after = dispatcher.run_once()

    assert (False, True) == (before, after)


def test_410_stops_the_target_and_loses_nothing(writer: Writer, clock: Clock) -> None:
    """R99: what waits is still there when the operator has set the right address."""
    asked: list[bytes] = []

    def perform(claim: Claim) -> None:
        asked.append(claim.body)
        raise TargetGone

    dispatcher = Dispatcher(KIND, Handler(perform), writer, clock)
    add(writer, b"1", b"2")

    dispatcher.run_once()
    clock.at += timedelta(days=1)
    again = dispatcher.run_once()

    assert [b"1"] == asked
    assert not again
    assert [("waiting", 0, None), ("waiting", 0, None)] == rows(writer)


def test_a_dead_bot_is_probed_once_a_minute_and_then_gets_all(writer: Writer, clock: Clock) -> None:
    """R100: no storm while it is down, and nothing lost when it returns."""
    is_up = False
    tries: list[bytes] = []

    def perform(claim: Claim) -> None:
        tries.append(claim.body)
        if not is_up:
            raise RetryLater("status 500")

    dispatcher = Dispatcher(KIND, Handler(perform), writer, clock)
    add(writer, *(str(number).encode() for number in range(20)))
    while dispatcher.run_once():
        pass
    assert 5 == len(tries)

    for _ in range(10):
        clock.at += timedelta(minutes=1)
        dispatcher.run_once()
    assert 15 == len(tries)

    is_up = True
    clock.at += timedelta(days=2)
    while dispatcher.run_once():
        pass
    assert {("done", None)} == {(state, failure) for state, _, failure in rows(writer)}


def test_one_dead_target_holds_up_no_other(writer: Writer, clock: Clock) -> None:
    """R100: each kind has a dispatcher of its own."""
    done: list[bytes] = []
    handlers = {
        "delivery": Handler(fails(RetryLater("status 500"))),
        KIND: Handler(lambda claim: done.append(claim.body)),
    }
    add(writer, *(str(number).encode() for number in range(100)), kind="delivery")
    add(writer, b"a notice")

    Worker(writer, handlers, clock).run_once()

    assert [b"a notice"] == done


def test_a_defect_that_one_item_meets_does_not_stop_the_next(writer: Writer, clock: Clock) -> None:
    done: list[bytes] = []

    def perform(claim: Claim) -> None:
        if claim.body == b"1":
            raise ValueError("a defect")
        done.append(claim.body)

    add(writer, b"1", b"2")

    Dispatcher(KIND, Handler(perform), writer, clock).run_once()

    assert [b"2"] == done
    assert [("waiting", 1, "fault"), ("done", 1, None)] == rows(writer)


def test_an_item_that_a_killed_worker_had_claimed_goes_to_the_next(
    writer: Writer, clock: Clock
) -> None:
    """A claim is a lease; the first worker never records a result for this one."""
    done: list[bytes] = []
    add(writer, b"1")
    writer.write(queue.claim, KIND, limit=1, lease=LEASE, at=NOON)
    dispatcher = Dispatcher(KIND, Handler(lambda claim: done.append(claim.body)), writer, clock)

    during = dispatcher.run_once()
    clock.at += LEASE
    after = dispatcher.run_once()

    assert (False, True) == (during, after)
    assert [b"1"] == done


def results_of(claim: Claim) -> dict[str, Result]:
    """Return everything that can be recorded about *claim*."""
    return {
        "acknowledge": lambda session: queue.acknowledge(session, [claim]),
        "postpone": lambda session: queue.postpone(session, claim, failure="late", until=NOON),
        "release": lambda session: queue.release(session, claim, at=NOON),
        "dead_letter": lambda session: queue.dead_letter(session, claim, failure="late"),
    }


@pytest.mark.parametrize("result", ["acknowledge", "postpone", "release", "dead_letter"])
@pytest.mark.parametrize("put", [enqueue, enqueue_once])
def test_a_worker_that_outlived_its_lease_changes_nothing(
    writer: Writer, put: Callable[..., None], result: str
) -> None:
    """R121: the second worker has the item; the result of the first one is discarded."""
    writer.write(put, KIND, b"1", at=NOON)
    (late,) = writer.write(queue.claim, KIND, limit=1, lease=timedelta(0), at=NOON)
    writer.write(queue.claim, KIND, limit=1, lease=LEASE, at=NOON)

    writer.write(results_of(late)[result])

    assert [("waiting", 2, None)] == rows(writer)
    assert () == writer.write(queue.claim, KIND, limit=1, lease=LEASE, at=NOON)


def test_workers_at_the_same_time_never_claim_the_same_item(database: URL, writer: Writer) -> None:
    """R121: each process claims for itself; no item is claimed twice, none is left out."""
    add(writer, *(str(number).encode() for number in range(60)))
    engines = [make_engine(database) for _ in range(4)]
    together = threading.Barrier(len(engines))

    def take_all(other: Writer) -> list[int]:
        together.wait(PATIENCE)
        mine: list[int] = []
        while taken := other.write(queue.claim, KIND, limit=3, lease=LEASE, at=NOON):
            mine += [claim.id for claim in taken]
        return mine

    with ThreadPoolExecutor(len(engines)) as pool:
        claimed = [*itertools.chain(*pool.map(take_all, map(Writer, engines)))]
    for engine in engines:
        engine.dispose()

    assert 60 == len(set(claimed))
    assert 60 == len(claimed)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_claim_that_is_not_committed_delays_no_other_worker(
    engine: Engine, writer: Writer
) -> None:
    """R121: the next worker skips the locked item; SQLite has one writer at a time anyway."""
    add(writer, b"1", b"2")

    with Session(engine) as first:
        first_claims = queue.claim(first, KIND, limit=1, lease=LEASE, at=NOON)
        second_claims = writer.write(queue.claim, KIND, limit=2, lease=LEASE, at=NOON)

    assert [b"1"] == [claim.body for claim in first_claims]
    assert [b"2"] == [claim.body for claim in second_claims]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_claim_takes_no_more_than_it_may_whatever_the_plan(
    engine: Engine, writer: Writer
) -> None:
    """While a table has few rows or no statistics, PostgreSQL joins by nested loops."""
    add(writer, b"1", b"2", b"3")

    with Session(engine) as session:
        for other in ("hashjoin", "mergejoin", "hashagg", "sort", "material"):
            session.execute(text(f"SET LOCAL enable_{other} = off"))
        claimed = queue.claim(session, KIND, limit=1, lease=LEASE, at=NOON)

    assert [b"1"] == [claim.body for claim in claimed]

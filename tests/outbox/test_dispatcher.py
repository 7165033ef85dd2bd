"""Dispatching items as they fall due, by a clock that the test moves."""

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import URL, Engine, select, text, update
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from app.infra.database.engine import make_engine
from app.infra.database.portions import PORTION
from app.infra.database.writer import NotCommitted, Writer
from app.outbox import queue
from app.outbox.circuit_breaker import FAILURE_THRESHOLD
from app.outbox.dispatcher import LEASE, RETRY_DELAYS, Dispatcher, Result
from app.outbox.handlers import (
    Handler,
    NotYet,
    PerhapsNothingToDo,
    RetryLater,
    TargetGone,
    Unreachable,
)
from app.outbox.models import OutboxRow
from app.outbox.queue import Claim, Lane, LaneKey, enqueue, enqueue_once
from app.outbox.worker import Worker
from tests.installation import NOON

KIND = "notice"
FRESH, RETRIES = LaneKey(KIND, Lane.FRESH), LaneKey(KIND, Lane.RETRIES)
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


def add(writer: Writer, *bodies: bytes, kind: str = KIND, at: datetime = NOON) -> None:
    add_by(writer.write, *bodies, kind=kind, at=at)


def add_by(
    write: Callable[..., object], *bodies: bytes, kind: str = KIND, at: datetime = NOON
) -> None:
    for body in bodies:
        write(enqueue_once, kind, body, at=at)


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


def test_what_may_have_nothing_to_do_ends_as_a_dead_letter(writer: Writer, clock: Clock) -> None:
    """Also where the handler retries forever: else it is tried every day and nobody sees it."""
    failing = fails(PerhapsNothingToDo("refused"))
    dispatcher = Dispatcher(KIND, Handler(failing, retries_forever=True), writer, clock)
    add(writer, b"1")

    for _ in range(20):
        dispatcher.run_once()
        clock.at += timedelta(days=2)

    assert [("dead", 10, "refused")] == rows(writer)


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


def test_a_wait_for_some_items_slows_no_other_and_uses_up_no_try(
    writer: Writer, clock: Clock
) -> None:
    """One Page's rate limit holds up nothing that is not its own; it is no outage of Graph."""
    taken: list[bytes] = []

    def perform(claim: Claim) -> None:
        if claim.body.startswith(b"limited"):
            raise NotYet("GraphThrottled", wait=timedelta(minutes=7))
        taken.append(claim.body)

    dispatcher = Dispatcher(KIND, Handler(perform), writer, clock)
    add(writer, *(f"limited {number}".encode() for number in range(100)), b"ben")
    with capture_logs() as logs:
        while dispatcher.run_once():
            pass
        assert [b"ben"] == taken
        for _ in range(15):
            clock.at += timedelta(minutes=9)
            dispatcher.run_once()

    limited = [row for row in rows(writer) if row[2] is not None]
    assert {("waiting", 1, "GraphThrottled")} == set(limited)
    assert {"outbox.deferred"} == {line["event"] for line in logs} - {"outbox.done"}


def test_what_is_put_off_again_after_an_outage_is_not_made_due_for_ever(
    writer: Writer, clock: Clock
) -> None:
    """A Page at its rate limit keeps the worker busy for one round, not until the limit ends."""
    asked: Counter[bytes] = Counter()

    def perform(claim: Claim) -> None:
        asked[claim.body] += 1
        if claim.body.startswith(b"limited"):
            raise NotYet("GraphThrottled", wait=timedelta(minutes=10))

    limited = [f"limited {number}".encode() for number in range(2 * PORTION)]
    before = Dispatcher(KIND, Handler(perform), writer, clock)
    add(writer, *limited)
    while before.run_once():
        pass
    restarted = Dispatcher(KIND, Handler(perform), writer, clock)
    add(writer, b"ben")

    rounds = 0
    while restarted.run_once() and rounds < 20 * PORTION:
        rounds += 1

    assert rounds < 20 * PORTION
    assert asked[b"ben"] == 1
    assert min(asked[body] for body in limited) >= 2


def test_410_is_asked_once_a_minute_and_loses_nothing(writer: Writer, clock: Clock) -> None:
    """R99: what waits is still there when the operator has set the right address."""
    asked: list[bytes] = []

    def perform(claim: Claim) -> None:
        asked.append(claim.body)
        raise TargetGone("status 410")

    dispatcher = Dispatcher(KIND, Handler(perform), writer, clock)
    add(writer, *(str(number).encode() for number in range(20)))

    with capture_logs() as logs:
        while dispatcher.run_once():
            pass
        for _ in range(59):
            clock.at += timedelta(seconds=1)
            dispatcher.run_once()

    assert FAILURE_THRESHOLD + 1 == len(set(asked))
    assert ["outbox.target_gone"] == [
        line["event"] for line in logs if line["log_level"] == "error"
    ]
    assert 20 == len(rows(writer))
    assert {"waiting"} == {state for state, _, _ in rows(writer)}


def test_a_dead_bot_is_probed_and_then_gets_all_in_order(writer: Writer, clock: Clock) -> None:
    """R97, R100: no storm while it is down; no item was sent, so none has failed."""
    is_up = False
    tries: list[bytes] = []

    def perform(claim: Claim) -> None:
        tries.append(claim.body)
        if not is_up:
            raise Unreachable("NewConnectionError")

    bodies = [f"{number:02}".encode() for number in range(20)]
    dispatcher = Dispatcher(KIND, Handler(perform), writer, clock)
    add(writer, *bodies)
    with capture_logs() as logs:
        for _ in range(60):
            clock.at += timedelta(seconds=10)
            dispatcher.run_once()
    assert FAILURE_THRESHOLD + 60 >= len(tries)
    assert {("waiting", 0, None)} == set(rows(writer))
    assert ["outbox.target_failing"] == [line["event"] for line in logs]

    is_up = True
    tries.clear()
    clock.at += timedelta(seconds=10)
    with capture_logs() as logs:
        while dispatcher.run_once():
            pass

    assert bodies == tries
    assert {("done", 1, None)} == set(rows(writer))
    assert "outbox.target_recovered" in [line["event"] for line in logs]


@pytest.mark.parametrize("refused", [8, 200])
def test_a_refused_kind_of_delivery_holds_up_no_other(
    writer: Writer, clock: Clock, refused: int
) -> None:
    """A bot that answers 500 to every feed event gets its messages all the same, within seconds."""
    taken: list[tuple[bytes, timedelta]] = []

    def perform(claim: Claim) -> None:
        if claim.body.startswith(b"feed"):
            # So do an answer of 500 and no answer (tests/outbox/test_http_post.py).
            raise RetryLater("status 500")
        taken.append((claim.body, clock.at - added_at[claim.body]))

    added_at: dict[bytes, datetime] = {}
    dispatcher = Dispatcher(KIND, Handler(perform, concurrency=4), writer, clock)
    for number in range(refused):
        add(writer, f"feed {number}".encode(), at=clock.at)
    for second in range(170):
        if second % 2 == 0:
            add(writer, f"feed {second} s".encode(), at=clock.at)
        if second % 10 == 9:
            added_at[(body := f"message {second}".encode())] = clock.at
            add(writer, body, at=clock.at)
        dispatcher.run_once()
        clock.at += timedelta(seconds=1)

    assert 17 == len(taken)
    assert max(waited for _, waited in taken) <= timedelta(seconds=10)


def test_one_refused_person_holds_up_nobody_else(writer: Writer, clock: Clock) -> None:
    taken: list[bytes] = []

    def perform(claim: Claim) -> None:
        if claim.body.startswith(b"ana"):
            raise RetryLater("status 429", wait=timedelta(hours=1))
        taken.append(claim.body)

    dispatcher = Dispatcher(KIND, Handler(perform, concurrency=16), writer, clock)
    add(writer, *(f"ana {number}".encode() for number in range(30)), b"ben")

    for _ in range(10):
        dispatcher.run_once()
        clock.at += timedelta(seconds=1)

    assert [b"ben"] == taken


def test_new_items_come_before_those_that_failed(writer: Writer, clock: Clock) -> None:
    tried: list[bytes] = []

    def perform(claim: Claim) -> None:
        tried.append(claim.body)
        raise RetryLater("status 500")

    dispatcher = Dispatcher(KIND, Handler(perform), writer, clock)
    add(writer, b"1", b"2")
    dispatcher.run_once()
    add(writer, b"3", b"4")
    clock.at += timedelta(minutes=1)
    dispatcher.run_once()

    assert [b"1", b"2", b"3", b"4", b"1"] == tried[:5]


def test_what_failed_in_an_outage_arrives_soon_after_it(writer: Writer, clock: Clock) -> None:
    """R99: with the first that the target takes again; by the schedule it would be hours away."""
    is_up = False

    def perform(_: Claim) -> None:
        if not is_up:
            raise RetryLater("status 502")

    dispatcher = Dispatcher(KIND, Handler(perform, concurrency=4), writer, clock)
    add(writer, *(str(number).encode() for number in range(20)))
    while clock.at < NOON + timedelta(hours=6):
        dispatcher.run_once()
        clock.at += timedelta(seconds=20)
    assert {"waiting"} == {state for state, _, _ in rows(writer)}

    is_up = True
    over_at = clock.at
    add(writer, b"new", at=clock.at)
    while clock.at < over_at + timedelta(minutes=3):
        dispatcher.run_once()
        clock.at += timedelta(seconds=20)

    assert {"done"} == {state for state, _, _ in rows(writer)}


def test_new_items_do_not_wait_until_all_retries_are_due(writer: Writer, clock: Clock) -> None:
    """R97, R100: with 1 GiB of failed deliveries, to make all due took longer than half an hour."""
    done: list[bytes] = []
    dispatcher = Dispatcher(KIND, Handler(lambda claim: done.append(claim.body)), writer, clock)
    fresh, retries = dispatcher.lanes
    add(writer, *(str(number).encode() for number in range(PORTION + 50)))
    in_an_hour = NOON + timedelta(hours=1)
    writer.write(lambda s: s.execute(update(OutboxRow).values(tries=1, not_before=in_an_hour)))

    def due_later() -> int:
        later = select(OutboxRow.id).where(OutboxRow.not_before == in_an_hour)
        return len(writer.read(lambda session: session.scalars(later).all()))

    waiting = []
    for number in range(3):
        add(writer, f"new {number}".encode())
        fresh.run_once()
        waiting.append(due_later())
        retries.run_once()

    assert [b"new 0", b"new 1", b"new 2"] == [body for body in done if body.startswith(b"new")]
    assert [PORTION + 50, 50, 0] == waiting


def test_an_item_that_is_never_taken_keeps_its_three_days(writer: Writer, clock: Clock) -> None:
    """R99: also if the target takes something else now and then, as after an outage."""

    def perform(claim: Claim) -> None:
        if claim.body == b"refused":
            raise RetryLater("status 500")

    dispatcher = Dispatcher(KIND, Handler(perform), writer, clock)
    add(writer, b"refused", *(f"refused {number}".encode() for number in range(4)))
    while rows(writer)[0][0] == "waiting":
        clock.at += timedelta(minutes=10)
        if clock.at.minute == 0:
            add(writer, f"taken {clock.at}".encode(), at=clock.at)
        dispatcher.run_once()

    assert timedelta(days=2) < clock.at - NOON < timedelta(days=4)


def test_retries_that_hang_take_no_thread_from_a_new_item(writer: Writer, clock: Clock) -> None:
    hangs, taken, over = threading.Event(), threading.Event(), threading.Event()

    def perform(claim: Claim) -> None:
        if claim.tries == 1 and claim.body != b"new":
            raise RetryLater("status 500")
        if claim.body == b"new":
            taken.set()
        else:
            hangs.set()
            over.wait(PATIENCE)

    worker = Worker(writer, {KIND: Handler(perform, concurrency=2)}, clock)
    add(writer, *(str(number).encode() for number in range(12)))
    for _ in range(3):
        worker.run_once()
        clock.at += timedelta(seconds=1)
    clock.at += timedelta(seconds=10)
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        assert hangs.wait(PATIENCE)
        add(writer, b"new")
        assert taken.wait(PATIENCE)
    finally:
        over.set()
        stop.set()
        thread.join()


def test_a_result_that_cannot_be_recorded_is_recorded_later(writer: Writer, clock: Clock) -> None:
    """R120: a bot that has taken an item does not get it again because the database was away."""
    away = True
    done: list[bytes] = []
    write = writer.write

    def write_if_there(use_case: Callable[..., object], *args: object, **kwargs: object) -> object:
        if away and use_case is not queue.claim:
            raise NotCommitted("away")
        return write(use_case, *args, **kwargs)

    writer.write = write_if_there  # type: ignore[method-assign, assignment]
    add_by(write, b"1")
    dispatcher = Dispatcher(KIND, Handler(lambda claim: done.append(claim.body)), writer, clock)
    with pytest.raises(NotCommitted):
        dispatcher.run_once()

    away = False
    dispatcher.run_once()
    clock.at += 2 * LEASE
    dispatcher.run_once()

    assert [b"1"] == done
    assert [("done", 1, None)] == rows(writer)


def test_a_result_that_can_never_be_recorded_holds_up_no_other(
    writer: Writer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease ends, as if the worker had been killed; the lane goes on meanwhile."""
    done: list[bytes] = []
    acknowledge, broken = queue.acknowledge, [ValueError("a defect")]

    def acknowledge_or_fail(session: Session, claims: Sequence[Claim]) -> None:
        acknowledge(session, claims)
        if broken:
            raise broken.pop()

    monkeypatch.setattr(queue, "acknowledge", acknowledge_or_fail)
    dispatcher = Dispatcher(KIND, Handler(lambda claim: done.append(claim.body)), writer, clock)
    add(writer, b"1")
    with pytest.raises(ValueError, match="a defect"):
        dispatcher.run_once()

    add(writer, b"2")
    dispatcher.run_once()
    clock.at += LEASE
    dispatcher.run_once()

    assert [b"1", b"2", b"1"] == done
    assert {("done", None)} == {(state, failure) for state, _, failure in rows(writer)}


def test_a_worker_that_stops_releases_what_it_has_not_begun(writer: Writer, clock: Clock) -> None:
    """R121: the next worker need not wait for the leases to end."""
    begun, over, stop = threading.Event(), threading.Event(), threading.Event()

    def perform(_: Claim) -> None:
        begun.set()
        over.wait(PATIENCE)

    worker = Worker(writer, {KIND: Handler(perform)}, clock)
    add(writer, b"1", b"2", b"3")
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    assert begun.wait(PATIENCE)
    stop.set()
    over.set()
    thread.join()

    assert ("done", 1, None) == rows(writer)[0]
    assert {("waiting", 0), ("done", 1)} >= {(state, tries) for state, tries, _ in rows(writer)}


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
    writer.write(queue.claim, FRESH, limit=1, lease=LEASE, at=NOON)
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
    (late,) = writer.write(queue.claim, FRESH, limit=1, lease=timedelta(0), at=NOON)
    writer.write(queue.claim, RETRIES, limit=1, lease=LEASE, at=NOON)

    writer.write(results_of(late)[result])

    assert [("waiting", 2, None)] == rows(writer)
    assert () == writer.write(queue.claim, RETRIES, limit=1, lease=LEASE, at=NOON)


def test_workers_at_the_same_time_never_claim_the_same_item(database: URL, writer: Writer) -> None:
    """R121: each process claims for itself; no item is claimed twice, none is left out."""
    add(writer, *(str(number).encode() for number in range(60)))
    engines = [make_engine(database) for _ in range(4)]
    together = threading.Barrier(len(engines))

    def take_all(other: Writer) -> list[int]:
        together.wait(PATIENCE)
        mine: list[int] = []
        while taken := other.write(queue.claim, FRESH, limit=3, lease=LEASE, at=NOON):
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
        first_claims = queue.claim(first, FRESH, limit=1, lease=LEASE, at=NOON)
        second_claims = writer.write(queue.claim, FRESH, limit=2, lease=LEASE, at=NOON)

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
        claimed = queue.claim(session, FRESH, limit=1, lease=LEASE, at=NOON)

    assert [b"1"] == [claim.body for claim in claimed]


def test_an_item_in_flight_is_not_tried_again_when_the_clock_steps(
    writer: Writer, clock: Clock
) -> None:
    """R123: its lease has ended by the new time, but this worker still has it."""
    begun, over = threading.Event(), threading.Event()
    tried: list[bytes] = []

    def perform(claim: Claim) -> None:
        tried.append(claim.body)
        if claim.body == b"1":
            begun.set()
            over.wait(PATIENCE)

    dispatcher = Dispatcher(KIND, Handler(perform), writer, clock)
    add(writer, b"1")
    thread = threading.Thread(target=dispatcher.run_once)
    thread.start()
    assert begun.wait(PATIENCE)
    clock.at += timedelta(days=1)
    dispatcher.lanes[1].run_once()
    over.set()
    thread.join()

    assert [b"1"] == tried
    assert [("done", 1, None)] == rows(writer)

"""The writer, on real databases (R49, R116-R118)."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from contextvars import copy_context
from typing import Any

import pytest
import structlog
from sqlalchemy import URL, Engine, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.infra.database.engine import make_engine
from app.infra.database.writer import NotCommitted, Writer
from app.outbox.models import OutboxRow
from tests.conftest import on_postgresql
from tests.installation import NOON

PATIENCE = 30.0
DOZEN = 12


class Refusal(Exception):
    """A use case refuses its input."""


class InManyThreads(Writer):
    """A writer that lets more threads wait at once, so that they meet in a group."""

    most_in_line = 16


class OnALoop(Writer):
    """Writes as a caller on an event loop does."""

    def write(self, *use_case: Any, **also: Any) -> Any:
        # In a thread of its own: a browser's loop may be running in this one.
        with ThreadPoolExecutor(1) as thread:
            awaited = self.write_meanwhile(*use_case, **also)
            return thread.submit(copy_context().run, asyncio.run, awaited).result()


@pytest.fixture(params=[InManyThreads, OnALoop])
def writer(request: pytest.FixtureRequest, engine: Engine) -> Writer:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE note (id INTEGER PRIMARY KEY, words VARCHAR(20))"))
    writer: Writer = request.param(engine)
    return writer


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def add(session: Session, number: int) -> int:
    session.execute(text("INSERT INTO note VALUES (:id, 'x')"), {"id": number})
    return number


def add_and_refuse(session: Session, number: int) -> int:
    add(session, number)
    raise Refusal


def numbers(writer: Writer) -> list[int]:
    return writer.read(
        lambda session: list(session.scalars(text("SELECT id FROM note ORDER BY 1")))
    )


@contextmanager
def busy(writer: Writer, callers: ThreadPoolExecutor) -> Iterator[None]:
    """Keep the writer busy until the block ends; use cases that arrive meanwhile form one group."""
    begun, may_end = threading.Event(), threading.Event()

    def linger(_session: Session) -> None:
        begun.set()
        may_end.wait(PATIENCE)

    lingering = callers.submit(writer.write, linger)
    begun.wait(PATIENCE)
    yield
    may_end.set()
    lingering.result(PATIENCE)


def together(
    writer: Writer, callers: ThreadPoolExecutor, *use_cases: Callable[..., int]
) -> list[Future[int]]:
    """Write *use_cases* in one group, each with its number; return their outcomes."""
    with busy(writer, callers):
        futures = []
        for number, use_case in enumerate(use_cases):
            futures.append(callers.submit(writer.write, use_case, number))
            _wait_until(lambda: writer.waiting == len(futures))
    return futures


def test_what_was_written_is_committed_on_return(writer: Writer, database: URL) -> None:
    written = writer.write(add, 1)

    other = make_engine(database)
    assert 1 == written
    assert [1] == numbers(Writer(other))
    other.dispose()


def test_use_cases_at_the_same_time_share_a_commit(
    writer: Writer, callers: ThreadPoolExecutor
) -> None:
    transactions: list[object] = []

    def note(session: Session, number: int) -> int:
        transactions.append(session.connection().get_transaction())
        return add(session, number)

    futures = together(writer, callers, *[note] * 10)

    assert [*range(10)] == [future.result(PATIENCE) for future in futures]
    assert [*range(10)] == numbers(writer)
    assert 10 == len(transactions)
    assert 1 == len(set(map(id, transactions)))


def test_a_use_case_finds_no_objects_of_another_in_its_session(
    writer: Writer, callers: ThreadPoolExecutor
) -> None:
    """They share a transaction, but not the objects that one of them has loaded."""
    kept: list[OutboxRow] = []

    def leave(session: Session, number: int) -> int:
        kept.append(_thing())
        session.add(kept[0])
        return number

    def look(session: Session, _number: int) -> int:
        # The rows are in the database, and not in the session.
        (found,) = session.scalars(select(OutboxRow))
        return int(found is kept[0])

    left, looked = together(writer, callers, leave, look)

    assert [0, 0] == [left.result(PATIENCE), looked.result(PATIENCE)]


def _thing(number: int | None = None) -> OutboxRow:
    at = {"created_at": NOON, "not_before": NOON}
    return OutboxRow(id=number, kind="x", body=b"", state="waiting", tries=0, **at)


def test_a_caller_on_an_event_loop_finds_few_threads_ahead(
    engine: Engine, callers: ThreadPoolExecutor, writer: Writer
) -> None:
    """R49: the use cases of people take long, and Messenger must not wait for all of them."""
    by_thread = Writer(engine)
    with busy(by_thread, callers):
        threads = [callers.submit(by_thread.write, add, number) for number in range(10)]
        # One of those that wait is running.
        _wait_until(lambda: by_thread.waiting == Writer.most_in_line - 1)
        awaited = by_thread.write_meanwhile(add, 10)
        by_loop = callers.submit(asyncio.run, awaited)
        _wait_until(lambda: by_thread.waiting == Writer.most_in_line)

    assert [*range(11)] == [one.result(PATIENCE) for one in (*threads, by_loop)]
    assert [*range(11)] == numbers(writer)


def test_a_use_case_that_fails_in_a_group_fails_alone(
    writer: Writer, callers: ThreadPoolExecutor
) -> None:
    """Else one bad request would make those of others fail."""
    first, bad, last = together(writer, callers, add, add_and_refuse, add)

    assert [0, 2] == [first.result(PATIENCE), last.result(PATIENCE)]
    with pytest.raises(Refusal):
        bad.result(PATIENCE)
    assert [0, 2] == numbers(writer)


def test_a_refusal_is_raised_and_leaves_nothing(writer: Writer) -> None:
    with pytest.raises(Refusal):
        writer.write(add_and_refuse, 1)

    assert [] == numbers(writer)


def test_a_use_case_that_was_withdrawn_before_it_began_never_runs(
    writer: Writer, engine: Engine, callers: ThreadPoolExecutor
) -> None:
    """R49: Messenger got a 503 and repeats its request; the first one must not count."""
    hasty = type(writer)(engine, limit_seconds=0.5)
    begun, may_end = threading.Event(), threading.Event()

    def linger(_session: Session) -> None:
        begun.set()
        may_end.wait(PATIENCE)

    lingering = callers.submit(hasty.write, linger)
    begun.wait(PATIENCE)
    with pytest.raises(NotCommitted):
        hasty.write(add, 1)
    with pytest.raises(NotCommitted):
        lingering.result(PATIENCE)
    may_end.set()

    # It comes after the one that was given up.
    assert 2 == hasty.write(add, 2)
    assert [2] == numbers(writer)


def test_log_lines_of_a_use_case_carry_the_request(
    writer: Writer, callers: ThreadPoolExecutor
) -> None:
    """It runs in another thread, and in one transaction with the requests of others."""

    def whose(_session: Session, _number: int = 0) -> int:
        return int(structlog.contextvars.get_contextvars()["request_id"])

    def ask(number: int) -> int:
        structlog.contextvars.bind_contextvars(request_id=number)
        return writer.write(whose)

    with busy(writer, callers):
        asked = [callers.submit(ask, number) for number in range(5)]
        _wait_until(lambda: writer.waiting == 5)

    assert [*range(5)] == [future.result(PATIENCE) for future in asked]


def test_a_locked_database_is_given_up_and_found_again(writer: Writer, engine: Engine) -> None:
    """R49, R118: within the limit, and without a restart."""
    hasty = type(writer)(engine, limit_seconds=0.5)
    with engine.connect() as other:
        _lock(other.connection.driver_connection, engine)
        with pytest.raises(NotCommitted):
            hasty.write(add, 1)
        other.rollback()

    assert 2 == hasty.write(add, 2)
    assert [2] == numbers(writer)


@on_postgresql
def test_one_that_waits_for_a_row_does_not_delay_the_others(
    writer: Writer, engine: Engine, callers: ThreadPoolExecutor
) -> None:
    """R118: in a group on PostgreSQL. SQLite has one lock for everything."""
    writer.write(add, 100)

    def change(session: Session, number: int) -> int:
        session.execute(text("UPDATE note SET words = 'y' WHERE id = 100"))
        return number

    with engine.connect() as other:
        other.execute(text("UPDATE note SET words = 'z' WHERE id = 100"))
        free, held_up = together(writer, callers, add, change)

        assert 0 == free.result(PATIENCE)
        assert not held_up.done()
        other.rollback()

    assert 1 == held_up.result(PATIENCE)


@on_postgresql
def test_a_dozen_that_wait_for_a_row_do_not_delay_callers_on_an_event_loop(
    engine: Engine, callers: ThreadPoolExecutor
) -> None:
    """R49, R118: asyncio's default pool has few threads (six on two cores), one for each wait."""
    writer = Writer(engine)

    def change(session: Session, number: int) -> int:
        if number < DOZEN:
            session.execute(text("SELECT pg_advisory_xact_lock_shared(1)"))
        return number

    async def all_at_once() -> list[int]:
        held_up = [asyncio.create_task(writer.write_meanwhile(change, n)) for n in range(DOZEN)]
        free = asyncio.create_task(writer.write_meanwhile(change, DOZEN))
        first = await free
        are_waiting = not any(one.done() for one in held_up)
        other.rollback()
        return [first, are_waiting, *await asyncio.gather(*held_up)]

    with engine.connect() as other:
        other.execute(text("SELECT pg_advisory_xact_lock(1)"))
        with busy(writer, callers):
            told = callers.submit(asyncio.run, all_at_once())
            _wait_until(lambda: writer.waiting == DOZEN + 1)
        first, are_waiting, *then = told.result(PATIENCE)

    assert (DOZEN, True) == (first, are_waiting)
    assert [*range(DOZEN)] == then
    writer.close()


@on_postgresql
def test_a_group_waits_less_for_a_row_than_one_alone(
    writer: Writer, callers: ThreadPoolExecutor
) -> None:
    """R118: all others in the group wait, too; and less long than Messenger does (R49)."""

    def patience_ms(session: Session, _number: int = 0) -> int:
        told = session.scalar(text("SELECT setting FROM pg_settings WHERE name = 'lock_timeout'"))
        return int(str(told))

    told = together(writer, callers, patience_ms, patience_ms)

    assert [250, 250] == [one.result(PATIENCE) for one in told]
    assert 2500 == writer.write(patience_ms)


def test_two_that_insert_the_same_row_both_succeed(
    writer: Writer, database: URL, callers: ThreadPoolExecutor
) -> None:
    """R118: in two processes; the second one finds the row of the first."""
    engines = [make_engine(database) for _ in range(2)]
    both = threading.Barrier(2)
    tries: list[int] = []

    def find_or_add(session: Session) -> int:
        tries.append(1)
        found = session.scalar(text("SELECT id FROM note WHERE id = 7"))
        if len(tries) <= 2 and session.get_bind().dialect.name != "sqlite":
            both.wait(PATIENCE)
        return found or add(session, 7)

    each = [callers.submit(type(writer)(engine).write, find_or_add) for engine in engines]

    assert [7, 7] == [future.result(PATIENCE) for future in each]
    assert [7] == numbers(writer)
    for engine in engines:
        engine.dispose()


@on_postgresql
def test_nothing_is_acknowledged_that_postgresql_rolled_back(
    writer: Writer, callers: ThreadPoolExecutor
) -> None:
    """
    R116: COMMIT of a transaction that has failed is answered without an error. On SQLite a
    statement that fails leaves the transaction whole.
    """
    writer.write(add, 1)

    def carry_on(session: Session, number: int) -> int:
        try:
            add(session, 1)
        except IntegrityError:
            return number
        raise AssertionError("it was there already")

    good, bad = together(writer, callers, add, carry_on)

    assert 0 == good.result(PATIENCE)
    with pytest.raises(RuntimeError, match="continued after a database error"):
        bad.result(PATIENCE)
    assert [0, 1] == numbers(writer)


def add_thing(session: Session, number: int) -> int:
    session.add(_thing(number))
    return number


def add_thing_later(session: Session, number: int) -> int:
    return add_thing(session, 10 + number)


def swallow(session: Session, number: int) -> int:
    """The row is refused, which ends the transaction of the whole group."""
    session.add(_thing(100))
    with suppress(IntegrityError):
        session.flush()
    return number


def undo(session: Session, number: int) -> int:
    add_thing(session, number)
    session.rollback()
    return number


def leave_a_savepoint(session: Session, number: int) -> int:
    session.begin_nested()
    return add_thing(session, number)


@pytest.mark.parametrize("broken", [swallow, undo, leave_a_savepoint])
def test_nothing_is_acknowledged_that_another_use_case_rolled_back(
    writer: Writer, callers: ThreadPoolExecutor, broken: Callable[[Session, int], int]
) -> None:
    """R116: SQLAlchemy ends a transaction that was rolled back inside without an error."""
    writer.write(add_thing, 100)

    first, bad, last = together(writer, callers, add_thing, broken, add_thing)
    # Else those that run alone now may hold the lock that the next group needs.
    wait((first, bad, last), PATIENCE)
    before, worst = together(writer, callers, add_thing_later, broken)

    assert [0, 2, 10] == [future.result(PATIENCE) for future in (first, last, before)]
    for one in (bad, worst):
        with pytest.raises(RuntimeError, match="a use case"):
            one.result(PATIENCE)
    with pytest.raises(RuntimeError, match="a use case"):
        writer.write(broken, 50)
    assert [0, 2, 10, 100] == writer.read(
        lambda session: list(session.scalars(select(OutboxRow.id).order_by(OutboxRow.id)))
    )


def test_reading_does_not_wait_for_a_writer(writer: Writer, engine: Engine) -> None:
    """A page is shown while a webhook request is being written, also on SQLite."""
    writer.write(add, 1)

    with engine.connect() as other:
        _lock(other.connection.driver_connection, engine)
        read = numbers(writer)
        other.rollback()

    assert [1] == read


def test_reading_changes_nothing(writer: Writer) -> None:
    writer.read(add, 1)

    assert [] == numbers(writer)


def _lock(driver: object, engine: Engine) -> None:
    statement = (
        "BEGIN IMMEDIATE"
        if engine.dialect.name == "sqlite"
        else "LOCK TABLE note IN EXCLUSIVE MODE"
    )
    driver.execute(statement)  # type: ignore[attr-defined]  # either driver's connection has it


def _wait_until(is_so: Callable[[], bool]) -> None:
    tick = threading.Event()
    while not is_so():
        tick.wait(0.001)

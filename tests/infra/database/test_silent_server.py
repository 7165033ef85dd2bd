"""A PostgreSQL that says nothing more, or takes no writes: given up in time (R49, R120)."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias, TypeVar

import pytest
from sqlalchemy import URL, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.infra.database.engine import make_engine
from app.infra.database.group_read import GroupReader
from app.infra.database.time_limits import within
from app.infra.database.writer import NotCommitted, Writer
from app.outbox.queue import item_once
from tests.conftest import on_postgresql
from tests.infra.database.gate import Gate, gate_to
from tests.installation import NOON

T = TypeVar("T")
Way: TypeAlias = Callable[[Writer, Callable[[Session], Any]], Any]
PATIENCE = 30.0
# A COMMIT that lasts until lock 1 is free.
_LATE_COMMIT = """
    SET LOCAL lock_timeout = 0;
    CREATE TEMP TABLE late (number int);
    CREATE FUNCTION pg_temp.wait() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END';
    CREATE CONSTRAINT TRIGGER late AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION pg_temp.wait();
    INSERT INTO late VALUES (1);
"""
# Of what is given up here; of what must work, a busy machine may take its time.
HASTY_S = 0.2

pytestmark = on_postgresql


@pytest.fixture
def gate(database: URL) -> Iterator[Gate]:
    with gate_to(database) as gate:
        yield gate


@pytest.fixture
def beyond(gate: Gate) -> Iterator[Engine]:
    """Yield an engine whose connections lead through the gate."""
    engine = make_engine(gate.url)
    yield engine
    engine.dispose()


def ran(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the value of *coroutine*, run in a thread: a browser leaves a loop running in ours."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result(PATIENCE)


def one(session: Session) -> object:
    return session.scalar(text("SELECT 1"))


def backend(session: Session) -> object:
    return session.scalar(text("SELECT pg_backend_pid()"))


def await_group(writer: Writer, use_case: Callable[[Session], T]) -> T:
    return ran(writer.write_meanwhile(use_case))


def insert(writer: Writer, use_case: Callable[[Session], T]) -> T:
    """Insert a delivery as the webhook's fast path does, and then run *use_case*."""
    ran(writer.insert_meanwhile(item_once("delivery", b"{}", head="{}", at=NOON)))
    return writer.write(use_case)


@pytest.mark.parametrize("way", [Writer.write, await_group, insert, Writer.read])
def test_a_silent_server_is_given_up_and_its_successor_is_found(
    gate: Gate, beyond: Engine, way: Way
) -> None:
    """R120: one thread waited in COMMIT for ever, and with it all writing of the process."""
    hasty = Writer(beyond, limit_seconds=HASTY_S)
    before = Writer(beyond).write(backend)
    gate.close()

    with pytest.raises(NotCommitted):
        way(hasty, one)

    gate.open()
    assert before != Writer(beyond).read(backend)
    # The connection of whoever was given up is not in use any more.
    _wait_until(lambda: beyond.pool.checkedout() == 0)  # type: ignore[attr-defined]  # of a QueuePool
    assert 1 == way(Writer(beyond), one)
    hasty.close()


@pytest.mark.parametrize("way", [Writer.write, await_group])
def test_what_is_silent_at_commit_is_not_done_twice(gate: Gate, beyond: Engine, way: Way) -> None:
    """Whether it was committed is unknown: Messenger asks again, and finds it or not."""
    calls = []

    def close_after_writing(session: Session) -> None:
        calls.append(backend(session))
        gate.close()

    writer = Writer(beyond, limit_seconds=HASTY_S)
    with pytest.raises(NotCommitted):
        way(writer, close_after_writing)
    _wait_until(lambda: beyond.pool.checkedout() == 0)  # type: ignore[attr-defined]

    assert 1 == len(calls)


def test_questions_to_a_silent_server_end_and_the_next_are_answered(
    gate: Gate, beyond: Engine
) -> None:
    pids = []

    def answers(connection: Any, questions: Any) -> Any:
        pids.append(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar())
        return questions

    reader = GroupReader(beyond, answers, limit_seconds=1)

    async def ask() -> object:
        await reader.ask([1])
        gate.close()
        with pytest.raises(NotCommitted):
            await reader.ask([2])
        gate.open()
        return await GroupReader.ask(reader, [3])

    assert [3] == ran(ask())
    assert 2 == len(set(pids))
    reader.close()


def test_the_error_of_a_broken_connection_is_no_bug(engine: Engine) -> None:
    """It went on to Flask as a bug would, which asked the same database once more."""
    raised = threading.Event()

    def answers(connection: Any, _questions: Any) -> Any:
        driver = connection.connection.driver_connection
        if raised.is_set():
            driver.close()
        raised.set()
        return driver.execute("SELECT 1 FROM pg_sleep(0)").fetchall()

    reader = GroupReader(engine, answers)

    async def ask() -> None:
        await reader.ask([1])
        with pytest.raises(NotCommitted, match="OperationalError"):
            await reader.ask([1])

    ran(ask())
    reader.close()


def test_what_was_given_up_is_stopped_at_the_server(engine: Engine) -> None:
    """A slow query would go on, and the next one beside it."""
    sleep = text("SELECT pg_sleep(600)")
    hasty = Writer(engine, limit_seconds=HASTY_S)

    with pytest.raises(NotCommitted):
        hasty.read(lambda session: session.execute(sleep).one())

    with engine.connect() as connection:
        working = text("SELECT count(*) FROM pg_stat_activity WHERE query = :query")
        at_work = {"query": sleep.text}
        connection.execution_options(isolation_level="AUTOCOMMIT")
        _wait_until(lambda: connection.scalar(working, at_work) == 0)


def test_a_commit_that_was_given_up_is_left_to_the_server(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R49: a COMMIT that waits for a standby, and is stopped, ends without one.

    Then the repeat finds its rows, writes nothing and waits for nobody: it was acknowledged while
    one machine alone had the delivery.
    """
    stopped: list[object] = []
    monkeypatch.setattr("app.infra.database.postgresql._cancel", stopped.append)
    hasty = Writer(engine, limit_seconds=HASTY_S)
    rows = text("SELECT count(*) FROM outbox")

    def write(session: Session) -> None:
        session.execute(text(_LATE_COMMIT))
        item_once("delivery", b"{}", head="{}", at=NOON)(session)

    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_advisory_lock(1)"))
        with pytest.raises(NotCommitted):
            hasty.write(write)
        _wait_until(lambda: "cancel" not in {thread.name for thread in threading.enumerate()})
        connection.execute(text("SELECT pg_advisory_unlock(1)"))
        _wait_until(lambda: connection.scalar(rows) == 1)
    hasty.close()

    assert [] == stopped


def test_a_command_may_read_for_longer(engine: Engine) -> None:
    """An export reads a whole table, and a migration waits for others."""
    patient = Writer(engine, limit_seconds=0.05, is_patient=True)
    slow = text("SELECT 1 FROM pg_sleep(0.3)")

    assert 1 == patient.read(lambda session: session.execute(slow).scalar_one())
    with engine.begin() as connection:
        assert 1 == connection.execute(slow).scalar_one()


def test_a_limit_ends_with_its_block_and_the_earlier_one_counts(engine: Engine) -> None:
    slow = text("SELECT 1 FROM pg_sleep(0.4)")

    with within(HASTY_S), within(60), engine.connect() as connection:
        with pytest.raises(DBAPIError) as given_up:
            connection.execute(slow)
        with within(None), pytest.raises(DBAPIError):
            engine.connect()

    assert given_up.value.connection_invalidated
    with engine.connect() as connection:
        assert 1 == connection.execute(slow).scalar_one()


def test_the_host_that_was_reached_last_is_asked_first(gate: Gate, database: URL) -> None:
    """A dead one before it costs two seconds, at each new connection."""
    hosts = f"{gate.url.host},{database.host}"
    ports = f"{gate.url.port},{database.port}"
    several = {"host": hosts, "port": ports}
    url = URL.create(
        database.drivername, database.username, database=database.database, query=several
    )
    gate.close()
    engine = make_engine(url)
    with engine.connect() as first, engine.connect() as second:
        reached = [one.connection.driver_connection for one in (first, second)]
        assert [database.port] * 2 == [one.info.port for one in reached if one is not None]
    engine.dispose()

    assert 1 == gate.count


def test_one_port_may_be_that_of_several_addresses(database: URL) -> None:
    """Once the second one had been reached, each connection ended in an error of ours."""
    query = {"hostaddr": "127.0.0.2,127.0.0.1", "port": str(database.port)}
    url = URL.create(
        database.drivername, database.username, database=database.database, query=query
    )
    engine = make_engine(url)

    with engine.connect() as first, engine.connect() as second:
        assert [1, 1] == [each.scalar(text("SELECT 1")) for each in (first, second)]
    engine.dispose()


@pytest.mark.parametrize("way", [Writer.write, await_group, insert])
def test_a_read_only_database_is_away_and_its_successor_is_found(
    database: URL, engine: Engine, way: Way
) -> None:
    """R120: a primary that has become a standby, by PostgreSQL's own error for its transactions."""
    writer = Writer(engine)
    administrators = make_engine(database)

    def write(session: Session) -> None:
        session.execute(text("DELETE FROM outbox"))

    with administrators.connect() as administrator:
        administrator.execution_options(isolation_level="AUTOCOMMIT")
        set_it = f'ALTER DATABASE "{database.database}"'
        administrator.execute(text(f"{set_it} SET default_transaction_read_only = on"))
        with pytest.raises(NotCommitted, match="ReadOnlySqlTransaction"):
            way(writer, write)
        still_read = writer.read(one)
        administrator.execute(text(f"{set_it} RESET default_transaction_read_only"))
    with pytest.raises(NotCommitted):
        # Read from the connection that was made meanwhile.
        way(writer, write)
    way(writer, write)
    administrators.dispose()

    assert 1 == still_read


# In the words of PostgreSQL's own errors.c; psycopg makes of each what it makes of a real one.
@pytest.mark.parametrize(
    "state",
    [
        "08006",
        "08P01",
        "25006",
        "25P03",
        "40001",
        "53300",
        "55P03",
        "57014",
        "57P01",
        "57P02",
        "57P03",
        "57P05",
        "58030",
    ],
)
@pytest.mark.parametrize("way", [Writer.write, await_group, Writer.read])
def test_each_state_of_a_fail_over_is_no_bug(engine: Engine, state: str, way: Way) -> None:
    raising = text(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$")
    writer = Writer(engine)

    with pytest.raises(NotCommitted):
        way(writer, lambda session: session.execute(raising))
    writer.close()


def _wait_until(holds: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(int(PATIENCE / 0.02)):
        if holds():
            return
        waiting.wait(0.02)
    raise AssertionError("it did not happen in time")

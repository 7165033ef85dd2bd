"""A pooler between this program and PostgreSQL, by what PgBouncer does in each of its modes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import URL, Connection, Engine, event, text

from app.infra.database import pooler, schema
from app.infra.database.engine import DatabaseUnusable, make_engine
from app.infra.database.writer import Writer
from app.infra.settings.database_url import database_url
from tests.conftest import on_postgresql

pytestmark = on_postgresql
PATIENCE = 30.0


@pytest.fixture
def through_pooler(database: URL) -> Iterator[Engine]:
    """Yield an engine as for a pooler in transaction mode."""
    address = database.render_as_string(hide_password=False)
    engine = make_engine(database_url(f"{address}?pooler=transaction"))
    yield engine
    engine.dispose()


@contextmanager
def shown(monkeypatch: pytest.MonkeyPatch, *processes: int) -> Iterator[None]:
    """Have the connections show the numbers of these *processes*, one after the other."""
    numbers = iter(processes)

    def process(_connection: Connection) -> int:
        return next(numbers)

    with monkeypatch.context() as patch:
        patch.setattr(pooler, "_process", process)
        yield


def test_a_direct_connection_is_none(engine: Engine) -> None:
    assert pooler.pooler_of(engine) is None


@pytest.mark.parametrize(
    ("processes", "mode"),
    [((1, 2, 1), "session"), ((1, 1), "transaction"), ((1, 2, 3), "transaction")],
)
def test_a_process_that_is_not_the_one_told_at_the_start_is_behind_a_pooler(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, processes: tuple[int, ...], mode: str
) -> None:
    with shown(monkeypatch, *processes):
        assert mode == pooler.pooler_of(engine)


def test_an_upgrade_through_a_pooler_that_shares_sessions_is_refused(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It left its lock on a connection of the pooler's, where the next upgrade waited for it."""
    with (
        shown(monkeypatch, 1, 1),
        pytest.raises(DatabaseUnusable, match=r"Next: run it with a DATABASE_URL that names Post"),
    ):
        schema.upgrade(engine)

    with engine.connect() as connection:
        locks = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        assert 0 == connection.scalar(locks)


def test_who_waits_for_an_upgrade_hears_for_whose(engine: Engine, database: URL) -> None:
    """It waited in silence, also for a lock that nobody would ever give back."""
    told, has_told = [], threading.Event()

    def tell(line: str) -> None:
        told.append(line)
        has_told.set()

    other = make_engine(database)
    waiting = threading.Thread(target=schema.upgrade, args=(other,), kwargs={"tell": tell})
    with engine.connect() as holder:
        pid = holder.scalar(text("SELECT pg_backend_pid()"))
        holder.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": schema.LOCK})
        holder.commit()
        waiting.start()
        assert has_told.wait(PATIENCE)
        holder.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": schema.LOCK})
        holder.commit()
    waiting.join(PATIENCE)
    other.dispose()

    (line,) = told
    assert line.startswith(f"Waiting for another upgrade to end: process {pid} of PostgreSQL, ")
    assert line.endswith(f"SELECT pg_terminate_backend({pid})")


def test_nothing_is_left_in_a_session_that_is_shared(through_pooler: Engine) -> None:
    """A limit for locks and a prepared statement stayed with whoever had the session next."""
    writer, shown = Writer(through_pooler), text("SHOW lock_timeout")
    limits = [writer.write(lambda session: session.scalar(shown))]
    limits += [writer.read(lambda session: session.scalar(shown)) for _ in range(10)]

    with through_pooler.connect().execution_options(reading=True) as connection:
        prepared = connection.scalar(text("SELECT count(*) FROM pg_prepared_statements"))

    assert ["2500ms", *["0"] * 10] == limits
    assert 0 == prepared
    writer.close()


def test_nothing_is_asked_at_the_start_that_a_pooler_refuses(engine: Engine) -> None:
    """PgBouncer: unsupported startup parameter: options."""
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        assert "options" not in driver.info.get_parameters()


def test_an_upgrade_waits_for_tables_as_long_as_it_takes(through_pooler: Engine) -> None:
    """Also where each transaction of the server has its own limit for locks."""
    limits: set[object] = set()

    def note(connection: Connection) -> None:
        limits.add(connection.exec_driver_sql("SHOW lock_timeout").scalar())

    schema.downgrade(through_pooler, "-1")
    event.listen(through_pooler, "commit", note)
    schema.upgrade(through_pooler)
    event.remove(through_pooler, "commit", note)

    assert {"0"} == limits

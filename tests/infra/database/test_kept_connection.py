"""A connection that is kept for what is asked again and again."""

import pytest
from sqlalchemy import Connection, Engine, event, make_url, text

from app.infra.database.engine import make_engine
from app.infra.database.kept_connection import KeptConnection
from app.infra.database.writer import NotCommitted, Writer
from tests.ports import free_port


def test_a_question_costs_its_statement_alone(engine: Engine) -> None:
    """Four times a second: with a ping, BEGIN and ROLLBACK an idle worker sent 17 statements."""
    kept, taken, begins = KeptConnection(engine), list[object](), list[object]()
    event.listen(engine.pool, "checkout", lambda *_: taken.append(1))
    event.listen(engine, "begin", begins.append)

    def ask(connection: Connection) -> object:
        driver = connection.connection.driver_connection
        answer = connection.execute(text("SELECT 7")).scalar_one()
        # psycopg's own BEGIN would show here; sqlite3 begins nothing by itself.
        status = getattr(getattr(driver, "info", None), "transaction_status", None)
        return answer, getattr(status, "name", "IDLE")

    assert [(7, "IDLE")] * 3 == [kept.read(ask) for _ in range(3)]
    # A ping goes with each time that it is taken out of the pool.
    assert (1, 0) == (len(taken), len(begins))
    kept.close()


def test_a_poll_of_a_database_that_is_away_is_no_fault() -> None:
    """R120: the worker says so in one line, and asks again."""
    writer = Writer(make_engine(make_url(f"postgresql+psycopg://127.0.0.1:{free_port()}/x")))

    with pytest.raises(NotCommitted):
        writer.poll(lambda connection: connection.execute(text("SELECT 1")))
    writer.end_poll()


def test_a_primary_that_takes_no_more_writes_is_left(postgresql_engine: Engine) -> None:
    """R120: its successor may have what waits: a worker polled the old one for ever."""
    kept = KeptConnection(postgresql_engine)
    before = kept.read(server_process)

    kept.read(demoted)
    after = kept.read(server_process)

    assert before != after
    assert after == kept.read(server_process)
    kept.close()


def test_a_database_that_is_read_only_from_the_start_is_asked_as_ever(
    postgresql_engine: Engine,
) -> None:
    url = postgresql_engine.url.update_query_dict(
        {"options": "-c default_transaction_read_only=on"}
    )
    engine = make_engine(url)
    kept = KeptConnection(engine)

    assert kept.read(server_process) == kept.read(server_process)
    kept.close()
    engine.dispose()


def server_process(connection: Connection) -> object:
    return connection.execute(text("SELECT pg_backend_pid()")).scalar_one()


def demoted(connection: Connection) -> None:
    connection.execute(text("SET default_transaction_read_only = on"))

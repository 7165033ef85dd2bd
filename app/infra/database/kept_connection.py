"""A connection that a thread keeps for what it asks again and again, outside of any transaction.

Such a question costs its statement alone: no ping, no BEGIN, no ROLLBACK.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine

from app.infra.database.engine import unlistened

R = TypeVar("R")
_REPORTED: Final = ("default_transaction_read_only", "in_hot_standby")


class KeptConnection:
    """A connection to the database of *engine* for each thread that asks.

    One to a PostgreSQL that has become read-only since is left: another host may take the writes by
    now, and what is read here is no longer true.
    """

    def __init__(self, engine: Engine) -> None:
        engine = unlistened(engine)
        # So that psycopg sends no BEGIN. On SQLite nobody does without the listeners.
        if engine.dialect.name == "postgresql":
            engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._engine = engine
        # The connection belongs to the thread: a process that is forked does not inherit it.
        self._of_thread = threading.local()

    def read(self, query: Callable[[Connection], R]) -> R:
        """Return the answer of *query*, which changes nothing and may be asked twice.

        Raises:
            Exception: The database refused, or cannot be reached.
        """
        if "connection" in self._of_thread.__dict__:
            # It may have been cut since it was last used.
            with suppress(Exception):
                answer = query(self._of_thread.connection)
                if self._of_thread.was_read_only or not is_read_only(self._of_thread.connection):
                    return answer
            self._disconnect(is_broken=True)
        self._of_thread.connection = self._engine.connect()
        self._of_thread.was_read_only = is_read_only(self._of_thread.connection)
        try:
            return query(self._of_thread.connection)
        except BaseException:
            self._disconnect(is_broken=True)
            raise

    def close(self) -> None:
        """Give the connection of this thread back."""
        self._disconnect(is_broken=False)

    def _disconnect(self, *, is_broken: bool) -> None:
        connection: Connection | None = self._of_thread.__dict__.pop("connection", None)
        if connection is None:
            return
        if is_broken:
            connection.invalidate()
        connection.close()


def is_read_only(connection: Connection) -> bool:
    """Return whether the server has said, unasked, that this connection takes no writes.

    PostgreSQL reports both settings whenever they change, with the answer to a statement: since
    version 14 (postgresql.org, "Asynchronous Operations", read 2026-11).
    """
    driver = connection.connection.driver_connection
    if connection.dialect.name != "postgresql" or driver is None:
        return False
    return "on" in map(driver.info.parameter_status, _REPORTED)

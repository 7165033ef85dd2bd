"""A connection that a thread keeps for what it asks again and again, outside of any transaction.

Such a question costs its statement alone: no ping, no BEGIN, no ROLLBACK.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from sqlalchemy import Connection, Engine

from app.infra.database.engine import unlistened

R = TypeVar("R")


class KeptConnection:
    """A connection to the database of *engine* for each thread that asks."""

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
                return query(self._of_thread.connection)
            self._disconnect(is_broken=True)
        self._of_thread.connection = self._engine.connect()
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

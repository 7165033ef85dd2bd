"""A pooler between this program and PostgreSQL, such as PgBouncer: is there one, and in which mode.

PgBouncer gives each client a process id of its own making with its key for cancelling, and not that
of the process that answers; a balancer such as HAProxy passes it on.
"""

from typing import Final, Literal, TypeAlias

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from app.infra.database.time_limits import within

Mode: TypeAlias = Literal["session", "transaction"]
# The parameter of DATABASE_URL, ours alone, for a pooler in transaction mode.
POOLER: Final = "pooler"
_SECONDS: Final = 3.0


def pooler_of(engine: Engine) -> Mode | None:
    """Return the mode of the pooler that *engine* connects to, or None.

    In transaction mode, two transactions of one connection may have two processes, and those of two
    connections the same.

    Raises:
        DBAPIError: The database cannot be reached.
    """
    with within(_SECONDS), engine.connect().execution_options(reading=True) as one:
        driver = one.connection.driver_connection
        first = _process(one)
        if driver is None or first == driver.info.backend_pid:
            return None
        one.rollback()
        try:
            with engine.connect().execution_options(reading=True) as other:
                is_shared = first == _process(other) or first != _process(one)
        except OperationalError:
            # A pooler with one connection to give, which is ours.
            is_shared = False
    return "transaction" if is_shared else "session"


def _process(connection: Connection) -> object:
    return connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()

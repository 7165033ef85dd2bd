"""The SQLAlchemy engine for SQLite and PostgreSQL, the base class of all rows, and times in UTC.

Both databases give the same guarantees: a commit is on the disk, a writer waits at most 2.5 s for
another, foreign keys are enforced.
"""

import random
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Dialect, Engine, MetaData, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import DateTime, TypeDecorator

# Alembic can drop only constraints that have a name, and SQLite gives them none.
NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# In the working folder; of the database that no setting names.
DEFAULT_FOLDER: Final = Path("instance")

LOCK_WAIT_S: Final = 2.5
LOCK_WAIT_MS: Final = int(LOCK_WAIT_S * 1000)


class DatabaseUnusable(Exception):
    """The database of the settings cannot be used; the message is a cause and what to do next."""


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC, also on SQLite, which stores no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is not None and value.tzinfo is None:
            raise ValueError("the database takes no naive datetime")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def make_engine(url: URL, *, pool_size: int = 16) -> Engine:
    """Return an engine for *url*. A new SQLite file is readable by its owner alone."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, pool_size)
    from app.infra.database.postgresql import postgresql_engine  # noqa: PLC0415 - a slow import

    engine = postgresql_engine(url, pool_size=pool_size, lock_wait_s=LOCK_WAIT_S)
    event.listen(engine, "begin", _begin_postgresql)
    event.listen(engine, "commit", _check_postgresql)
    return engine


def insert_into(dialect: str, table: Table | type[Base]) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT into *table* that has ``on_conflict_do_nothing`` and ``..._do_update``.

    SQLAlchemy has these for each database, with the same signatures, and no common type.
    """
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def unlistened(engine: Engine) -> Engine:
    """Return an engine with the same connections, and without event listeners.

    Listeners take a quarter of the time of each statement. The caller has to call `begin` and
    `check_before_commit` itself.
    """
    return Engine(
        engine.pool,
        engine.dialect,
        engine.url,
        hide_parameters=True,
        execution_options=engine.get_execution_options(),
    )


def begin(connection: Connection) -> None:
    """Begin a transaction that writes; *connection* may have the option ``lock_wait_s``."""
    if connection.dialect.name == "sqlite":
        _begin_sqlite(connection)
    else:
        _begin_postgresql(connection)


def check_before_commit(connection: Connection) -> None:
    """Raise `RuntimeError` if COMMIT would roll back without an error."""
    if connection.dialect.name == "postgresql":
        _check_postgresql(connection)


def _begin_postgresql(connection: Connection) -> None:
    options = connection.get_execution_options()
    wait_s = options.get("lock_wait_s")
    if wait_s is not None and not options.get("reading", False):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {max(1, int(wait_s * 1000))}")


def _check_postgresql(connection: Connection) -> None:
    # COMMIT of a failed transaction rolls back and reports no error.
    driver = connection.connection.driver_connection
    if driver is not None and driver.info.transaction_status.name == "INERROR":
        raise RuntimeError("a use case continued after a database error")


def _sqlite(url: URL, pool_size: int) -> Engine:
    if url.database and url.database != ":memory:":
        _touch(Path(url.database))
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=4,
        pool_timeout=LOCK_WAIT_S,
        hide_parameters=True,
        connect_args={"check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _touch(path: Path) -> None:
    """Make the file *path*, for its owner alone, if there is none.

    No folder is made but our own: a mistyped path must not become an empty database.

    Raises:
        DatabaseUnusable: It cannot be made, or not be written.
    """
    folder = path.parent
    try:
        if folder.absolute() == DEFAULT_FOLDER.absolute():
            folder.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
    except FileNotFoundError:
        is_there = folder.is_dir()
        problem = f"{path} cannot be made" if is_there else f"the folder {folder} does not exist"
        step = "name a file elsewhere" if is_there else "make it"
    except (NotADirectoryError, FileExistsError):
        problem, step = f"{folder} is no folder", "move away what is there"
    except PermissionError:
        problem, step = f"{path} may not be written", "let the user that runs this write there"
    except OSError as exc:
        problem, step = f"{path} cannot be written: {exc.strerror}", "free or mount the disk"
    else:
        if not path.is_dir():
            return
        problem, step = f"{path} is a folder", "name a file in it"
    raise DatabaseUnusable(f"{problem}. Next: {step}, or correct DATABASE_URL")


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # Else the driver begins transactions itself, and late; _begin_sqlite does it instead.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={LOCK_WAIT_MS}",
        "journal_mode=WAL",
        # NORMAL may lose the last commits at power loss (sqlite.org/pragma.html, read 2026-11).
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once if another wrote in between,
    # whatever the timeout. One that takes the lock first waits for it.
    options = connection.get_execution_options()
    if options.get("reading", False):
        connection.exec_driver_sql("BEGIN")
        return
    limit = time.monotonic() + options.get("lock_wait_s", LOCK_WAIT_S)
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - for the type checker
    # SQLite's own wait polls less and less often: a busy process would starve others for seconds.
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while _is_locked_out(driver) and time.monotonic() < limit:
            time.sleep(random.uniform(0.0005, 0.0015))  # noqa: S311 - jitter, no secret
        if not driver.in_transaction:
            # Once more through SQLAlchemy, which raises its own error.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        driver.execute(f"PRAGMA busy_timeout={LOCK_WAIT_MS}")


def _is_locked_out(driver: sqlite3.Connection) -> bool:
    """Begin a transaction that writes; return whether another has the lock."""
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as exc:
        return exc.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    return False

"""The schema of the database: its revision, and the migrations to another.

Alembic is imported only to migrate: its import takes as long as the rest of a start, and every
start checks the revision.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import Column, Connection, Engine, String, Table, inspect, select, text

if TYPE_CHECKING:
    from alembic.config import Config

from app.infra.database.engine import Base, DatabaseUnusable
from app.infra.database.pooler import pooler_of
from app.infra.database.time_limits import within
from app.infra.resources import shipped

# An arbitrary key of an advisory lock; nothing else in the database may use it.
LOCK: Final = 7461001
POLL_S: Final = 0.2
_TRY_LOCK: Final = text("SELECT pg_try_advisory_lock(:lock)")
# A key of 64 bits is shown in two halves (PostgreSQL 17, "pg_locks").
_HOLDER: Final = text("""
    SELECT pid, host(client_addr), to_char(backend_start, 'YYYY-MM-DD HH24:MI:SS TZ')
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = :lock AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")
_THROUGH_POOLER: Final = (
    "an upgrade cannot go through a pooler in transaction mode, which shares its connections. "
    "Next: run it with a DATABASE_URL that names PostgreSQL itself"
)
_SECONDS: Final = 3.0
# One row: the oldest revision whose program works with these tables. A migration that only adds
# leaves it where it is; one that takes something away raises it.
SUPPORT: Final = Table(
    "schema_support", Base.metadata, Column("oldest", String(32), primary_key=True)
)
_ROW_IN: Final = text(
    "INSERT INTO throttle (key, window_at, failures) VALUES (:key, '1970-01-01 00:00:00+00', 0)"
)
_ROW_OUT: Final = text("DELETE FROM throttle WHERE key = :key")


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """The revision of the database (None: no tables), and the one that this program has.

    *oldest* is of later tables: the oldest revision whose program still works with them.
    """

    present: str | None
    wanted: str
    oldest: str | None = None

    @property
    def is_current(self) -> bool:
        """True when the database has the tables of this program."""
        return self.present == self.wanted

    @property
    def fits(self) -> bool:
        """True when the program can run on this database."""
        if self.is_later:
            return self.oldest is not None and self.oldest <= self.wanted
        return self.is_current

    @property
    def is_later(self) -> bool:
        """True when a later version of the program has migrated the database."""
        return self.present is not None and self.present > self.wanted

    @property
    def explanation(self) -> str:
        """The sentence for tables that do not fit, with the advice."""
        if self.is_later:
            return f"the tables are of a later version ({self.present}). {self.next_step}"
        return f"the tables are missing or out of date. {self.next_step}"

    @property
    def next_step(self) -> str:
        """The advice for tables that do not fit."""
        if self.is_later:
            return "Next: install the version that ran here last"
        return "Next: threadlink db upgrade"


def status(engine: Engine) -> SchemaStatus:
    """Return the revision of the database and the newest one.

    Raises:
        DBAPIError: The database cannot be reached, or does not answer.
    """
    with within(_SECONDS), engine.connect().execution_options(reading=True) as connection:
        present = None
        if inspect(connection).has_table("alembic_version"):
            present = connection.scalar(text("SELECT version_num FROM alembic_version"))
        found = SchemaStatus(present, _newest())
        if found.is_later and inspect(connection).has_table(SUPPORT.name):
            oldest = connection.scalar(select(SUPPORT.c.oldest))
            found = replace(found, oldest=oldest)
    return found


def _newest() -> str:
    """Return the newest revision: the highest number at the start of a file's name."""
    versions = (shipped("migrations") / "versions").glob("[0-9]*.py")
    return max(path.name.partition("_")[0] for path in versions)


def try_writing(connection: Connection) -> None:
    """Insert a row and delete it; raise `DBAPIError` if the database takes no writes.

    An empty DELETE, or a transaction alone, would succeed on a full disk.
    """
    # As long as a key can be, and random: checks at the same time must not wait for each other.
    key = secrets.token_hex(48)
    connection.execute(_ROW_IN, {"key": key})
    connection.execute(_ROW_OUT, {"key": key})


def upgrade(engine: Engine, *, tell: Callable[[str], object] = lambda _line: None) -> None:
    """Migrate to the newest revision; a second call meanwhile waits, and *tell* says for whom.

    Raises:
        DatabaseUnusable: A pooler is in between that shares its connections.
    """
    from alembic import command  # noqa: PLC0415 - slow

    with _alone(engine, tell) as config:
        command.upgrade(config, "head")


def downgrade(engine: Engine, revision: str) -> None:
    """Migrate back to *revision*."""
    from alembic import command  # noqa: PLC0415 - slow

    with _alone(engine, tell=lambda _line: None) as config:
        command.downgrade(config, revision)


@contextmanager
def _alone(engine: Engine, tell: Callable[[str], object]) -> Iterator["Config"]:
    """Yield a configuration of Alembic while no other process migrates."""
    from alembic.config import Config  # noqa: PLC0415 - slow

    config = Config()
    config.set_main_option("script_location", str(shipped("migrations")))
    # On SQLite, all migrations run in one transaction, which excludes others.
    is_postgresql = engine.dialect.name == "postgresql"
    exclusive = _locked(engine, tell) if is_postgresql else engine.begin()
    with exclusive as connection:
        config.attributes["connection"] = connection
        yield config


@contextmanager
def _locked(engine: Engine, tell: Callable[[str], object]) -> Iterator[Connection]:
    """Yield a connection to PostgreSQL that has the migrations' lock and no transaction.

    The lock is polled: a session that waits for a lock holds a snapshot, and CREATE INDEX
    CONCURRENTLY waits for all snapshots (PostgreSQL 17, "CREATE INDEX").
    """
    if pooler_of(engine) == "transaction":
        # The lock would stay with a connection of the pooler's, and the migrations go elsewhere.
        raise DatabaseUnusable(_THROUGH_POOLER)
    # A migration waits for tables for as long as others use them.
    with engine.connect().execution_options(lock_wait_s=None) as connection:
        connection.execute(text("SET lock_timeout = 0"))
        connection.commit()
        has_told = False
        while not connection.scalar(_TRY_LOCK, {"lock": LOCK}):
            if not has_told:
                tell(_waiting_for(connection))
                has_told = True
            connection.commit()
            time.sleep(POLL_S)
        connection.commit()
        try:
            yield connection
        finally:
            # Closing the connection releases the lock and drops the setting.
            connection.invalidate()


def _waiting_for(connection: Connection) -> str:
    """Return the line that says who has the migrations' lock."""
    holder = connection.execute(_HOLDER, {"lock": LOCK}).one_or_none()
    if holder is None:
        return "Waiting for another upgrade to end."
    pid, place, since = holder
    return (
        f"Waiting for another upgrade to end: process {pid} of PostgreSQL, connected from "
        f"{place or 'its own machine'} since {since}. If none is running: "
        f"SELECT pg_terminate_backend({pid})"
    )

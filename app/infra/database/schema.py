"""The schema of the database: its revision, and the migrations to another.

Alembic is imported only to migrate: its import takes as long as the rest of a start, and every
start checks the revision.
"""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

from app.infra.resources import shipped

# An arbitrary key of an advisory lock; nothing else in the database may use it.
LOCK: Final = 7461001
POLL_S: Final = 0.2
_TRY_LOCK: Final = text("SELECT pg_try_advisory_lock(:lock)")
_ROW_IN: Final = text(
    "INSERT INTO throttle (key, window_at, failures) VALUES (:key, '1970-01-01 00:00:00+00', 0)"
)
_ROW_OUT: Final = text("DELETE FROM throttle WHERE key = :key")


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """The revision of the database (None: no tables), and the one that this program needs."""

    present: str | None
    wanted: str

    @property
    def is_current(self) -> bool:
        """True when the program can run on this database."""
        return self.present == self.wanted

    @property
    def is_later(self) -> bool:
        """True when a later version of the program has migrated the database."""
        return self.present is not None and self.present > self.wanted

    @property
    def explanation(self) -> str:
        """The sentence for tables that are not current, with the advice."""
        if self.is_later:
            return f"the tables are of a later version ({self.present}). {self.next_step}"
        return f"the tables are missing or out of date. {self.next_step}"

    @property
    def next_step(self) -> str:
        """The advice for tables that are not current."""
        if self.is_later:
            return "Next: install the version that ran here last"
        return "Next: threadlink db upgrade"


def status(engine: Engine) -> SchemaStatus:
    """Return the revision of the database and the newest one."""
    with engine.connect().execution_options(reading=True) as connection:
        present = None
        if inspect(connection).has_table("alembic_version"):
            present = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return SchemaStatus(present, _newest())


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


def upgrade(engine: Engine) -> None:
    """Migrate to the newest revision; a second call at the same time waits."""
    from alembic import command  # noqa: PLC0415 - slow

    with _alone(engine) as config:
        command.upgrade(config, "head")


def downgrade(engine: Engine, revision: str) -> None:
    """Migrate back to *revision*."""
    from alembic import command  # noqa: PLC0415 - slow

    with _alone(engine) as config:
        command.downgrade(config, revision)


@contextmanager
def _alone(engine: Engine) -> Iterator["Config"]:
    """Yield a configuration of Alembic while no other process migrates."""
    from alembic.config import Config  # noqa: PLC0415 - slow

    config = Config()
    config.set_main_option("script_location", str(shipped("migrations")))
    # On SQLite, all migrations run in one transaction, which excludes others.
    exclusive = _locked(engine) if engine.dialect.name == "postgresql" else engine.begin()
    with exclusive as connection:
        config.attributes["connection"] = connection
        yield config


@contextmanager
def _locked(engine: Engine) -> Iterator[Connection]:
    """Yield a connection to PostgreSQL that has the migrations' lock and no transaction.

    The lock is polled: a session that waits for a lock holds a snapshot, and CREATE INDEX
    CONCURRENTLY waits for all snapshots (PostgreSQL 17, "CREATE INDEX").
    """
    with engine.connect() as connection:
        # A migration waits for tables for as long as others use them.
        connection.execute(text("SET lock_timeout = 0"))
        connection.commit()
        while not connection.scalar(_TRY_LOCK, {"lock": LOCK}):
            connection.commit()
            time.sleep(POLL_S)
        connection.commit()
        try:
            yield connection
        finally:
            # Closing the connection releases the lock and drops the setting.
            connection.invalidate()

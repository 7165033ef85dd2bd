"""The tables as they are and as the code wants them.

Alembic is imported only where tables are changed: it takes as long as all the rest of a start, and
every start looks whether the tables are right.
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

# Any number, so long as nothing else in the database locks the same.
LOCK: Final = 7461001
ASK_AGAIN_S: Final = 0.2
_TURN: Final = text("SELECT pg_try_advisory_lock(:lock)")
_ROW_IN: Final = text(
    "INSERT INTO throttle (key, window_at, failures) VALUES (:key, '1970-01-01 00:00:00+00', 0)"
)
_ROW_OUT: Final = text("DELETE FROM throttle WHERE key = :key")


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """Which revision the database has, and which one this version of the program wants."""

    present: str | None
    wanted: str

    @property
    def is_current(self) -> bool:
        """Whether the program can run on the database as it is."""
        return self.present == self.wanted


def status(engine: Engine) -> SchemaStatus:
    """Return how the tables stand against the migrations."""
    with engine.connect().execution_options(reading=True) as connection:
        present = None
        if inspect(connection).has_table("alembic_version"):
            present = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return SchemaStatus(present, _newest())


def _newest() -> str:
    """Return the last revision; each file is named by its own, and they are counted up."""
    versions = (shipped("migrations") / "versions").glob("[0-9]*.py")
    return max(path.name.partition("_")[0] for path in versions)


def try_writing(connection: Connection) -> None:
    """Put a row in and take it out again; raise `DBAPIError` where the database takes no writes.

    To delete nothing, or to open a transaction, would pass on a full disk.
    """
    # As long as a key can be, and nobody else's: who looks at the same time waits for nobody.
    key = secrets.token_hex(48)
    connection.execute(_ROW_IN, {"key": key})
    connection.execute(_ROW_OUT, {"key": key})


def upgrade(engine: Engine) -> None:
    """Bring the tables to what this version wants; a second one at the same time waits."""
    from alembic import command  # noqa: PLC0415 - see above

    with _alone(engine) as config:
        command.upgrade(config, "head")


def downgrade(engine: Engine, revision: str) -> None:
    """Take the tables back to *revision*."""
    from alembic import command  # noqa: PLC0415 - see above

    with _alone(engine) as config:
        command.downgrade(config, revision)


@contextmanager
def _alone(engine: Engine) -> Iterator["Config"]:
    """Yield what Alembic works with, while no other process migrates."""
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(shipped("migrations")))
    # On SQLite the one transaction of all migrations sees to it.
    turn = _turn(engine) if engine.dialect.name == "postgresql" else engine.begin()
    with turn as connection:
        config.attributes["connection"] = connection
        yield config


@contextmanager
def _turn(engine: Engine) -> Iterator[Connection]:
    """Yield a connection to PostgreSQL, in no transaction yet, once nobody else has one of these.

    The turn is asked for, again and again: whoever waits for a lock holds a snapshot meanwhile, and
    CREATE INDEX CONCURRENTLY waits for everybody who does (PostgreSQL 17, "CREATE INDEX").
    """
    with engine.connect() as connection:
        # A migration waits for tables however long others use them.
        connection.execute(text("SET lock_timeout = 0"))
        connection.commit()
        while not connection.scalar(_TURN, {"lock": LOCK}):
            connection.commit()
            time.sleep(ASK_AGAIN_S)
        connection.commit()
        try:
            yield connection
        finally:
            # Closed, and not used again: the lock and the setting go with it.
            connection.invalidate()

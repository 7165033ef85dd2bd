"""A database with any number of links, and the key of a program that may read them."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing

from sqlalchemy import Engine
from sqlalchemy.schema import CreateIndex, DropIndex

from app.api_keys import service as keys
from app.infra import clock
from app.linking.models import Link
from app.services.container import build
from app.services.settings import settings_from_env
from bench.figures import SQLITE

# In no order, as PSIDs are. It shares no factor with the number of PSIDs, so that none comes twice.
_STEP, _PSIDS = 618_033_988_749, 10**15
_TABLE = Link.__table__
_SQLITE_NUMBERS = (
    "(WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < {} - 1) "
    "SELECT n FROM c)"
)
_POSTGRESQL_NUMBERS = "generate_series(0::bigint, {} - 1) AS numbers(n)"


def psid(number: int) -> str:
    """Return the PSID of link *number*."""
    return str(_PSIDS + number * _STEP % _PSIDS)


def fill(env: Mapping[str, str], page: str, *, links: int) -> str:
    """Insert *links* into the empty database of *env*; return an API key that may read them."""
    services = build(settings_from_env(env))
    key = services.write(
        keys.issue, "bench", scopes=keys.SCOPES, page_id=None, expires_at=None, at=clock.now()
    )
    services.close()
    engine = services.engine
    (_fill_sqlite if engine.dialect.name == SQLITE.lower() else _fill_postgresql)(
        engine, page, links
    )
    engine.dispose()
    return key


def _fill_sqlite(engine: Engine, page: str, links: int) -> None:
    with closing(sqlite3.connect(str(engine.url.database))) as file:
        # Whoever is killed meanwhile has nothing to lose.
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-4000000"):
            file.execute(f"PRAGMA {pragma}")
        now = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
        _insert(file.execute, engine, _rows(page, _SQLITE_NUMBERS.format(links), now))
        file.commit()


def _fill_postgresql(engine: Engine, page: str, links: int) -> None:
    with engine.begin() as connection:
        execute = connection.exec_driver_sql
        execute("SET LOCAL maintenance_work_mem = '1GB'")
        execute("ALTER TABLE link DROP CONSTRAINT pk_link")
        rows = _rows(page, _POSTGRESQL_NUMBERS.format(links), "now()").replace("%", "%%")
        _insert(execute, engine, rows)
        execute("ALTER TABLE link ADD CONSTRAINT pk_link PRIMARY KEY (page_id, psid)")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # What autovacuum does in life.
        connection.exec_driver_sql("VACUUM ANALYZE link")


def _insert(execute: Callable[[str], object], engine: Engine, rows: str) -> None:
    """Execute *rows*, and make the indexes afterwards, which takes a fraction of the time."""
    for index in _TABLE.indexes:  # type: ignore[attr-defined]  # its mixin's
        execute(str(DropIndex(index).compile(dialect=engine.dialect)))
    execute(rows)
    for index in _TABLE.indexes:  # type: ignore[attr-defined]  # the same
        execute(str(CreateIndex(index).compile(dialect=engine.dialect)))


def _rows(page: str, numbers: str, now: str) -> str:
    return (
        "INSERT INTO link "
        "(page_id, psid, issuer, subject, state, version, change, event_at, cause) "
        f"SELECT '{page}', CAST({_PSIDS} + n * {_STEP} % {_PSIDS} AS TEXT), "
        f"'https://shop.example.com', 'user-' || n, 'linked', 1, n, {now}, 'messenger' "
        f"FROM {numbers}"
    )

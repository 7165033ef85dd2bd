"""The disk is full, and has room again, while the server works (R119)."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import monotonic
from typing import TypeAlias

import pytest
from sqlalchemy import URL, Engine, create_engine, text

from app.infra.settings.database_url import database_url
from tests import postgres, shipped
from tests.browsers import OverSockets
from tests.drills.acknowledgements import Acknowledgements, lost
from tests.drills.disks import Limited, Mounted, may_mount, mounted
from tests.drills.load_generator import PLAIN, LoadGenerator, prepare
from tests.installation import ANA, PAGE
from tests.shipped import Shipped

BOT = {"BOT_MESSENGER_URL": "http://127.0.0.1:9/"}
SIZE_MIB = 24
Small: TypeAlias = tuple[URL, Limited | Mounted]


@contextmanager
def _sqlite_that_cannot_grow(request: pytest.FixtureRequest) -> Iterator[Small]:
    folder = request.getfixturevalue("tmp_path")
    yield _copy_of_sqlite(request, folder), Limited(folder)


@contextmanager
def _sqlite_on_a_small_disk(request: pytest.FixtureRequest) -> Iterator[Small]:
    with mounted(SIZE_MIB) as disk:
        yield _copy_of_sqlite(request, disk.folder), disk


@contextmanager
def _postgresql_on_a_small_disk(request: pytest.FixtureRequest) -> Iterator[Small]:
    """Of PostgreSQL's disks, the one that holds the tables is small."""
    server, template = map(request.getfixturevalue, ("postgres_server", "postgres_template"))
    with mounted(SIZE_MIB) as disk, _database_on(disk, server, template) as database:
        yield database, disk


SMALL = {"SQLite, files that cannot grow": _sqlite_that_cannot_grow}
# Not every machine lets its root make file systems; then there is one case less each, and no skip.
if may_mount():
    SMALL |= {
        "SQLite, a small disk": _sqlite_on_a_small_disk,
        "PostgreSQL, a small disk": _postgresql_on_a_small_disk,
    }


@pytest.mark.parametrize("small", SMALL.values(), ids=SMALL)
def test_a_full_disk_refuses_new_work_and_nothing_else(
    small: Callable[[pytest.FixtureRequest], AbstractContextManager[Small]],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    """R119: reading goes on, and with room comes recovery, without a restart."""
    with small(request) as (database, disk):
        _fill_and_free(database, disk, tmp_path)


def _fill_and_free(database: URL, disk: Limited | Mounted, folder: Path) -> None:
    """Let *disk* be full and free again under load; new work alone may be refused, and in time."""
    acks = Acknowledgements()
    key = prepare(database)
    server = shipped.start(database, folder, **BOT)
    if isinstance(disk, Limited):
        disk.process = server.process.pid
    with LoadGenerator(acks, scenarios=PLAIN).at(server.origin):
        acks.wait_for(20)
        disk.fill()
        acks.wait_for_refusals(20)
        read = _reads(server, key)
        disk.free()
        since = monotonic()
        acks.wait_for(1)
        wait = monotonic() - since
        acks.wait_for(20)
    server.process.terminate()

    assert 0 == server.process.wait(shipped.PATIENCE_SECONDS)
    print(  # noqa: T201 - the figures of the drill
        f"\n{database.get_backend_name()}, disk full: {acks}; first acknowledged {wait:.1f} s "
        "after there was room"
    )
    assert {"/healthz": 200, "a look-up": 404} == read
    assert {} == lost(acks, database)
    assert (set(acks.statuses) - {200, 503}, acks.rude) == (set(), 0)


def _reads(server: Shipped, key: str) -> dict[str, int]:
    browser = OverSockets(server.origin, {"Authorization": f"Bearer {key}"})
    alive = browser("GET", "/healthz")
    nobody = browser("GET", f"/api/v1/links/{PAGE}/{ANA}")
    browser.close()
    return {"/healthz": alive.status, "a look-up": nobody.status}


@contextmanager
def _database_on(disk: Mounted, server: URL, template: str) -> Iterator[URL]:
    """Yield a database whose tables are on *disk*."""
    name = f"small_{uuid.uuid4().hex}"
    tables = disk.folder / "tables"
    tables.mkdir()
    postgres.own(tables)
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    _do(engine, f"CREATE TABLESPACE \"{name}\" LOCATION '{tables}'")
    _do(engine, f'CREATE DATABASE "{name}" TEMPLATE "{template}" TABLESPACE "{name}"')
    try:
        yield server.set(database=name)
    finally:
        _do(engine, f'DROP DATABASE "{name}" WITH (FORCE)')
        _do(engine, f'DROP TABLESPACE "{name}"')
        engine.dispose()


def _do(engine: Engine, statement: str) -> None:
    with engine.connect() as connection:
        connection.execute(text(statement))


def _copy_of_sqlite(request: pytest.FixtureRequest, folder: Path) -> URL:
    path = folder / "threadlink.sqlite"
    shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
    return database_url(f"sqlite:///{path}")

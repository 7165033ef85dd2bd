"""The disk is full, and has room again, while the server works (security.md R119)."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import URL, Engine, create_engine, text

from app.database import database_url
from tests import postgres, shipped
from tests.browsers import OverSockets
from tests.drills.crowd import PLAIN, Crowd, prepare
from tests.drills.disks import Limited, Mounted, may_mount, mounted
from tests.drills.ledger import Ledger, lost
from tests.installation import ANA, PAGE
from tests.shipped import Shipped

BOT = {"BOT_MESSENGER_URL": "http://127.0.0.1:9/"}

# Only root makes file systems; whoever is not has the same of files that cannot grow.
needs_mount = pytest.mark.parametrize("size_mib", [pytest.param(24, id="24 MiB")] * may_mount())


def test_files_that_cannot_grow_refuse_new_work_and_nothing_else(
    sqlite_template: Path, tmp_path: Path
) -> None:
    """R119."""
    shutil.copyfile(sqlite_template, tmp_path / "threadlink.sqlite")
    disk = Limited(tmp_path)

    _fill_and_free(database_url(f"sqlite:///{tmp_path}/threadlink.sqlite"), disk, tmp_path)


@needs_mount
def test_a_full_disk_refuses_new_work_and_nothing_else_on_sqlite(
    size_mib: int, sqlite_template: Path, tmp_path: Path
) -> None:
    """R119."""
    with mounted(size_mib) as disk:
        shutil.copyfile(sqlite_template, disk.folder / "threadlink.sqlite")

        _fill_and_free(database_url(f"sqlite:///{disk.folder}/threadlink.sqlite"), disk, tmp_path)


@needs_mount
def test_a_full_disk_refuses_new_work_and_nothing_else_on_postgresql(
    size_mib: int, postgres_server: URL, postgres_template: str, tmp_path: Path
) -> None:
    """R119: of PostgreSQL's disks the one that holds the tables."""
    with (
        mounted(size_mib) as disk,
        _database_on(disk, postgres_server, postgres_template) as database,
    ):
        _fill_and_free(database, disk, tmp_path)


def _fill_and_free(database: URL, disk: Limited | Mounted, folder: Path) -> None:
    """Let *disk* be full and free again under load; new work alone may be refused, and in time."""
    ledger = Ledger()
    key = prepare(database)
    server = shipped.start(database, folder, **BOT)
    if isinstance(disk, Limited):
        disk.process = server.process.pid
    with Crowd(ledger, stories=PLAIN).at(server.origin):
        ledger.wait_for(20)
        disk.fill()
        ledger.wait_for_refusals(20)
        read = _reads(server, key)
        disk.free()
        since = monotonic()
        ledger.wait_for(1)
        wait = monotonic() - since
        ledger.wait_for(20)
    server.process.terminate()

    assert 0 == server.process.wait(shipped.PATIENCE_SECONDS)
    print(  # noqa: T201 - the figures of the drill
        f"\n{database.get_backend_name()}, disk full: {ledger}; first acknowledged {wait:.1f} s "
        "after there was room"
    )
    assert {"/healthz": 200, "a look-up": 404} == read
    assert {} == lost(ledger, database)
    assert (set(ledger.statuses) - {200, 503}, ledger.rude) == (set(), 0)


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

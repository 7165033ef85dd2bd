"""The database is locked, full, or restarted under load (security.md R49, R119, R120)."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, event, text
from sqlalchemy.orm import Session

from app.database import make_engine
from app.writer import NotCommitted, Writer
from tests import shipped
from tests.actors import Messenger, unlinked
from tests.browsers import OverSockets
from tests.conftest import on_postgresql, on_sqlite
from tests.drills.ledger import Audit, Ledger, load_on, wait_for
from tests.installation import ANA, BEN, NOON


def test_a_locked_table_is_answered_503_and_recovers(database: URL, tmp_path: Path) -> None:
    """R49, R120: within three seconds, and nothing of it is done afterwards."""
    engine = make_engine(database)
    server = shipped.start(database, tmp_path)
    browser = OverSockets(server.origin)
    with engine.connect() as other:
        # On SQLite to begin is to lock.
        is_sqlite = engine.dialect.name == "sqlite"
        lock = "SELECT 1" if is_sqlite else "LOCK TABLE link_event IN ACCESS EXCLUSIVE MODE"
        other.execute(text(lock))
        refused = Messenger(browser).tells(unlinked(ANA, NOON))
        alive = browser("GET", "/healthz")
        other.rollback()
    taken = Messenger(browser).tells(unlinked(BEN, NOON))
    browser.close()
    server.process.terminate()
    server.process.wait(shipped.PATIENCE_SECONDS)

    with engine.connect() as connection:
        known = list(connection.scalars(text("SELECT psid FROM link_event")))
    engine.dispose()
    assert [503, 200, 200] == [refused.status, alive.status, taken.status]
    assert "retry-after" in refused.headers
    assert [BEN] == known


@on_postgresql
def test_connections_cut_by_postgresql_lose_nothing(database: URL, tmp_path: Path) -> None:
    """R120: as when it is restarted; new ones are made without a word from anybody."""
    ledger = Ledger()
    administrator = make_engine(database.set(database="postgres"))
    cut = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
    server = shipped.start(database, tmp_path, BOT_MESSENGER_URL="http://127.0.0.1:9/")
    with load_on(server, ledger):
        for _ in range(5):
            wait_for(ledger, 10)
            with administrator.connect() as connection:
                connection.execute(cut, {"name": database.database})
        wait_for(ledger, 10)
    server.process.terminate()
    server.process.wait(shipped.PATIENCE_SECONDS)
    administrator.dispose()

    found = ledger.audit(database)

    assert Audit(found.acknowledged, frozenset()) == found
    assert ledger.statuses <= {200, 503}


@on_sqlite
def test_a_full_disk_refuses_new_work_and_nothing_else(database: URL) -> None:
    """R119: reading goes on, and with space comes recovery, without a restart."""
    most_pages = [100]
    engine = make_engine(database)
    event.listen(engine, "connect", lambda driver, _: _limit(driver, most_pages[0]))
    writer = Writer(engine)
    writer.write(_run, "CREATE TABLE filler (content BLOB)")

    with pytest.raises(NotCommitted):
        writer.write(_run, "INSERT INTO filler VALUES (zeroblob(1000000))")
    held = writer.read(_count)
    most_pages[0] = 100_000
    engine.dispose()
    writer.write(_run, "INSERT INTO filler VALUES (zeroblob(1000000))")

    assert 0 == held
    assert 1 == writer.read(_count)
    engine.dispose()


def _limit(driver: sqlite3.Connection, pages: int) -> None:
    # As SQLite meets a full disk: SQLITE_FULL, in the middle of a transaction.
    driver.execute(f"PRAGMA max_page_count={pages}")


def _run(session: Session, statement: str) -> None:
    session.execute(text(statement))


def _count(session: Session) -> Any:
    return session.execute(text("SELECT count(*) FROM filler")).scalar_one()

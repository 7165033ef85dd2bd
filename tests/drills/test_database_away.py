"""The database is locked, cut off or restarted under load (R49, R118, R120)."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import URL, text

from app.infra.database import schema
from app.infra.database.engine import make_engine
from tests import postgres, shipped
from tests.browsers import OverSockets
from tests.conftest import on_postgresql
from tests.drills.acknowledgements import Acknowledgements, lost
from tests.drills.load_generator import PLAIN, LoadGenerator
from tests.shipped import Shipped

# What `make drills` asks for: 20 restarts, each away for a second, one for half a minute.
RESTARTS = int(os.environ.get("DRILL_RESTARTS", "2"))
AWAY_SECONDS = float(os.environ.get("DRILL_AWAY_SECONDS", "0"))
BOT = {"BOT_MESSENGER_URL": "http://127.0.0.1:9/", "WORKERS": "2"}


@contextmanager
def loaded(database: URL, folder: Path, acks: Acknowledgements) -> Iterator[Shipped]:
    """Yield a server that is under load, stop both, and see that all was well with them."""
    server = shipped.start(database, folder, **BOT)
    with LoadGenerator(acks, scenarios=PLAIN).at(server.origin):
        yield server
    server.process.terminate()
    assert 0 == server.process.wait(shipped.PATIENCE_SECONDS)
    assert {} == lost(acks, database)
    assert (set(acks.statuses) - {200, 503}, acks.rude) == (set(), 0)


def test_a_locked_table_is_answered_503_and_recovers(database: URL, tmp_path: Path) -> None:
    """R49, R120: within three seconds, and nothing of it is done afterwards; others are served."""
    acks = Acknowledgements()
    engine = make_engine(database)
    with loaded(database, tmp_path, acks) as server:
        acks.wait_for(20)
        # On SQLite to begin is to lock.
        is_sqlite = engine.dialect.name == "sqlite"
        lock = "SELECT 1" if is_sqlite else "LOCK TABLE link_event, outbox IN EXCLUSIVE MODE"
        with engine.connect() as other:
            other.execute(text(lock))
            before = acks.acknowledged
            acks.wait_for_refusals(8)
            threading.Event().wait(AWAY_SECONDS)
            browser = OverSockets(server.origin)
            alive = browser("GET", "/healthz")
            browser.close()
            # Those that were committed just before the lock.
            held = acks.acknowledged - before
            other.rollback()
        acks.wait_for(20)
    engine.dispose()

    print(f"\n{database.get_backend_name()} locked: {acks}")  # noqa: T201 - the figures of the drill
    assert 200 == alive.status
    assert held <= 8


@on_postgresql
def test_connections_cut_by_postgresql_lose_nothing(database: URL, tmp_path: Path) -> None:
    """R120: by its administrator, say; new ones are made without a word from anybody."""
    acks = Acknowledgements()
    administrator = make_engine(database.set(database="postgres"))
    cut = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
    with loaded(database, tmp_path, acks):
        for _ in range(5 * RESTARTS):
            acks.wait_for(10)
            with administrator.connect() as connection:
                connection.execute(cut, {"name": database.database})
        acks.wait_for(20)
    administrator.dispose()

    print(f"\nconnections cut {5 * RESTARTS} times: {acks}")  # noqa: T201 - the figures


@pytest.mark.skipif("TEST_POSTGRES_URL" in os.environ, reason="not ours to restart")
def test_postgresql_restarted_under_load_loses_nothing(tmp_path: Path) -> None:
    """R120: it crashes, comes back, and everything goes on without a restart of ours."""
    acks, waits = Acknowledgements(), []
    with postgres.cluster() as cluster:
        database = postgres.new_database(cluster.url, "threadlink")
        engine = make_engine(database)
        schema.upgrade(engine)
        engine.dispose()
        with loaded(database, tmp_path, acks):
            for number in range(RESTARTS):
                acks.wait_for(20)
                cluster.stop()
                acks.wait_for_refusals(1)
                threading.Event().wait(0 if number else AWAY_SECONDS)
                cluster.start()
                since = monotonic()
                acks.wait_for(1)
                waits.append(monotonic() - since)
            acks.wait_for(20)

    print(  # noqa: T201 - the figures of the drill
        f"\n{RESTARTS} restarts of PostgreSQL, the first of {AWAY_SECONDS:.0f} s: {acks}; "
        f"first acknowledged {max(waits):.1f} s after its return at the latest"
    )

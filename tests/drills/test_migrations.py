"""Upgrades of a database that is full and in use (R122)."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, text

from app.infra.database import schema
from tests.conftest import on_postgresql
from tests.shipped import PATIENCE_SECONDS

LINKS = 100_000
# `make drills` takes ten: a million events.
EVENTS_A_LINK = int(os.environ.get("DRILL_EVENTS_A_LINK", "1"))
FIRST = "0001"

# As the first release wrote them; a migration that only fits empty tables fails on these.
FILL = (
    """
    INSERT INTO link (page_id, psid, issuer, subject, display_name, state, version, event_at,
                      cause, reference)
    SELECT '1717527131834678', cast(:first + n AS text), 'local', 'subject-' || n,
           'j•••@example.com', 'linked', 1, {at}, 'messenger', 'ref-' || n
    FROM {numbers}
    """,
    """
    INSERT INTO link_event (event_at, page_id, psid, status, cause, issuer, subject, recorded_at)
    SELECT {at}, '1717527131834678', cast(:first + n AS text), 'linked', 'messenger', 'local',
           'subject-' || n, {at}
    FROM {numbers}
    """,
    """
    INSERT INTO outbox (kind, body, state, tries, created_at, not_before)
    SELECT 'graph.unlink', '{{}}', 'waiting', 0, {at}, {at} FROM {numbers}
    WHERE n <= 1000 AND :first > 0
    """,
)
DIALECT = {
    "postgresql": {
        "at": "timestamptz '2026-11-20 10:00:00+00'",
        "numbers": f"generate_series(1, {LINKS}) AS numbers(n)",
    },
    "sqlite": {
        "at": "'2026-11-20 10:00:00'",
        "numbers": (
            "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c "  # noqa: S608 - ours
            f"WHERE n < {LINKS}) SELECT n FROM c)"
        ),
    },
}

# Migrates, and stands still before a change that begins so until somebody writes to it.
STAND_STILL = """
import sys
from sqlalchemy import event
from app.infra.database import schema
from app.infra.database.engine import make_engine
from app.infra.settings.database_url import database_url

engine = make_engine(database_url(sys.argv[1]))
stop_at, changes = sys.argv[2], 0

@event.listens_for(engine, "before_cursor_execute")
def before(conn, cursor, statement, *rest):
    global changes
    if statement.lstrip().upper().startswith(("CREATE", "ALTER", "DROP")):
        changes += 1
        if stop_at and statement.lstrip().startswith(stop_at):
            print("in the middle", flush=True)
            sys.stdin.readline()

schema.upgrade(engine)
print(changes, flush=True)
"""


@pytest.fixture
def old(engine: Engine) -> Engine:
    """Return a database of the first release, with 100,000 links in it."""
    schema.downgrade(engine, FIRST)
    fill(engine, first=10**15)
    return engine


# Before the second of two indexes of links, which PostgreSQL builds in no transaction.
IN_THE_MIDDLE = {
    "postgresql": "CREATE INDEX CONCURRENTLY ix_link_unnumbered",
    "sqlite": "CREATE INDEX ix_link_unnumbered",
}
# What is kept of an upgrade that is killed there.
KEPT = {"postgresql": "0003", "sqlite": FIRST}


@contextmanager
def upgrading(engine: Engine, *, stop_at: str = "") -> Iterator[subprocess.Popen[str]]:
    """Yield an upgrade by a process of its own; it stands still before *stop_at*, if it is said."""
    url = engine.url.render_as_string(hide_password=False)
    with subprocess.Popen(  # noqa: S603 - a script of this very test
        [sys.executable, "-c", STAND_STILL, url, stop_at],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


@pytest.fixture
def held(old: Engine) -> Iterator[subprocess.Popen[str]]:
    """Yield an upgrade that stands still in the middle of its changes."""
    with upgrading(old, stop_at=IN_THE_MIDDLE[old.dialect.name]) as process:
        assert process.stdout is not None
        assert "in the middle\n" == process.stdout.readline()
        yield process


def links(engine: Engine) -> int:
    """Count the links, as a version that knows only the first tables can."""
    with engine.connect().execution_options(reading=True) as connection:
        standing = text("SELECT count(*) FROM link WHERE state = 'linked' AND version = 1")
        number: int = connection.execute(standing).scalar_one()
        return number


def fill(engine: Engine, *, first: int) -> None:
    """Write 100,000 links as the first release did, for people numbered from *first* on."""
    dialect = DIALECT[engine.dialect.name]
    with engine.begin() as connection:
        for statement in FILL:
            connection.execute(text(statement.format(**dialect)), {"first": first})
        # Of people who are not linked any more.
        for more in range(1, EVENTS_A_LINK):
            gone = {"first": first + more * LINKS}
            connection.execute(text(FILL[1].format(**dialect)), gone)


def test_a_full_database_is_upgraded_under_the_old_version_and_taken_back(old: Engine) -> None:
    """
    R122: additive first; on many machines the old version still writes when the tables are new.
    """
    schema.upgrade(old)
    assert schema.status(old).is_current

    fill(old, first=2 * 10**15)
    schema.downgrade(old, FIRST)

    assert 2 * LINKS == links(old)


def test_an_upgrade_that_is_killed_is_no_matter_and_can_be_run_again(
    old: Engine, held: subprocess.Popen[str]
) -> None:
    """
    While it stood still, a bot of the old version went on asking who people are.
    """
    assert LINKS == links(old)

    held.kill()
    held.wait()

    assert KEPT[old.dialect.name] == schema.status(old).present
    assert LINKS == links(old)
    schema.upgrade(old)
    assert schema.status(old).is_current
    assert LINKS == links(old)


@on_postgresql
def test_links_are_looked_up_and_made_while_they_are_indexed(old: Engine) -> None:
    """
    With ten million of them that takes a while, and nobody must wait for it.
    """
    with being_indexed(old) as process:
        # Each would give up after the 2.5 seconds for which the program waits for a lock.
        fill_one(old, "4711")
        assert LINKS + 1 == links(old)

    assert 0 == process.returncode
    assert schema.status(old).is_current
    assert LINKS + 1 == links(old)


@on_postgresql
def test_an_index_that_was_given_up_half_built_is_built_anew(old: Engine) -> None:
    """
    PostgreSQL leaves it there, and never uses it.
    """
    with being_indexed(old) as process:
        with old.begin() as connection:
            connection.execute(text(f"SELECT pg_terminate_backend(pid) {BUILDS}"))
        process.wait(PATIENCE_SECONDS)
    assert 0 != process.returncode
    assert ["ix_link_change"] == unusable(old)

    schema.upgrade(old)

    assert schema.status(old).is_current
    assert [] == unusable(old)


def test_two_upgrades_at_once_end_as_one(old: Engine) -> None:
    """
    Every machine's unit begins with one; whoever comes second waits, and finds nothing to do.
    """
    with upgrading(old) as one, upgrading(old) as other:
        said = [process.communicate()[0] for process in (one, other)]

    assert [0, 0] == [one.returncode, other.returncode]
    assert 1 == said.count("0\n")
    assert schema.status(old).is_current


# Of the sessions of this database, the one that builds an index in no transaction.
BUILDS = (
    "FROM pg_stat_activity WHERE datname = current_database() "
    "AND query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'"
)


@contextmanager
def being_indexed(engine: Engine) -> Iterator[subprocess.Popen[str]]:
    """Yield an upgrade that is building an index of links, for as long as the block lasts."""
    with upgrading(engine, stop_at="CREATE INDEX CONCURRENTLY ix_link_change") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert "in the middle\n" == process.stdout.readline()
        with engine.connect() as busy:
            # Whoever has changed a link and has not committed yet is waited for.
            busy.execute(text("UPDATE link SET version = version WHERE psid = '1000000000000001'"))
            process.stdin.write("\n")
            process.stdin.flush()
            wait_for(engine, f"SELECT count(*) {BUILDS}")
            yield process
            busy.rollback()
        process.wait(PATIENCE_SECONDS)


def wait_for(engine: Engine, question: str) -> None:
    """Return when the database answers *question* with a number above zero."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while True:
        with engine.connect() as connection:
            if connection.execute(text(question)).scalar_one():
                return
        assert time.monotonic() < limit
        # What a database does for others it announces to nobody.
        time.sleep(0.02)


def unusable(engine: Engine) -> list[str]:
    """Return the indexes that PostgreSQL does not use."""
    named = text(
        "SELECT cast(cast(indexrelid AS regclass) AS text) FROM pg_index WHERE NOT indisvalid"
    )
    with engine.connect() as connection:
        return list(connection.execute(named).scalars())


def fill_one(engine: Engine, psid: str) -> None:
    """Make one link, as the first release did."""
    with engine.begin() as connection:
        numbers = {**DIALECT[engine.dialect.name], "numbers": "(SELECT 0 AS n) AS numbers"}
        connection.execute(text(FILL[0].format(**numbers)), {"first": int(psid)})

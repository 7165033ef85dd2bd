"""Upgrades of a database that is full and in use (R122)."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from app import schema

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

# Migrates, and stands still before one of its changes until somebody writes to it.
STAND_STILL = """
import sys
from sqlalchemy import event
from app import schema
from app.database import database_url, make_engine

engine = make_engine(database_url(sys.argv[1]))
stop_at, changes = int(sys.argv[2]), 0

@event.listens_for(engine, "before_cursor_execute")
def before(conn, cursor, statement, *rest):
    global changes
    if statement.lstrip().upper().startswith(("CREATE", "ALTER", "DROP")):
        changes += 1
        if changes == stop_at:
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


@pytest.fixture
def held(old: Engine) -> Iterator[subprocess.Popen[str]]:
    """Yield an upgrade that stands still in the middle of its changes."""
    url = old.url.render_as_string(hide_password=False)
    with subprocess.Popen(  # noqa: S603 - a script of this very test
        [sys.executable, "-c", STAND_STILL, url, "4"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "in the middle\n" == process.stdout.readline()
        yield process
        process.kill()


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
    Additive first: on many machines the old version still writes when the tables are new.
    """
    schema.upgrade(old)
    assert schema.status(old).is_current

    fill(old, first=2 * 10**15)
    schema.downgrade(old, FIRST)

    assert 2 * LINKS == links(old)


def test_an_upgrade_that_is_killed_changed_nothing_and_can_be_run_again(
    old: Engine, held: subprocess.Popen[str]
) -> None:
    """
    While it stood still, a bot of the old version went on asking who people are.
    """
    assert LINKS == links(old)

    held.kill()
    held.wait()

    assert FIRST == schema.status(old).present
    schema.upgrade(old)
    assert schema.status(old).is_current
    assert LINKS == links(old)

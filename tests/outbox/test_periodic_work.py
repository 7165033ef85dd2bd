"""The worker's periodic tasks on full tables: every statement by an index, every write short."""

import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.orm import Session

from app.infra import clock
from app.infra.database.portions import PORTION
from app.outbox import heartbeats, inspection, queue
from app.outbox.backlog_size import BacklogSize
from app.outbox.bot_webhooks import DELIVERY
from app.outbox.overdue import overdue
from app.outbox.queue import Lane, LaneKey, enqueue_once
from app.outbox.retention import Sweeper
from app.services import background
from app.services.container import Services
from tests.cleanups import clean
from tests.conftest import on_sqlite
from tests.drills.backlog import KEPT, OVERDUE, Backlog, count, fill

R = TypeVar("R")

BACKLOG = Backlog(deliveries=2 * PORTION + 2, rows=2 * PORTION + 2)
# They have one row; of operators' sessions there are as many as staff signed in within two days.
SMALL = ("outbox_dropped", "alembic_version", "operator_session")
# SQLite's word for going through all; with USING it is an index, from its start to the limit. The
# history is read in the order of its ids, which is that of the table.
SCANS = ("SCAN outbox", "SCAN attempt", "SCAN throttle", "SCAN intake", "SCAN worker")


@dataclass
class Watched:
    """A store that notes what it is asked to run, and how many rows each transaction changes."""

    engine: Engine
    read_statements: dict[str, Any] = field(default_factory=dict)
    written_statements: dict[str, Any] = field(default_factory=dict)
    changed: list[int] = field(default_factory=list)

    def read(self, query: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        reading = self.engine.execution_options(reading=True)
        with self._noting(self.read_statements), Session(reading) as session:
            return query(session, *args, **kwargs)

    def write(self, use_case: Callable[..., R], *args: Any, **kwargs: Any) -> R:
        with self._noting(self.written_statements), Session(self.engine) as session:
            value = use_case(session, *args, **kwargs)
            session.commit()
        self.changed.append(value if isinstance(value, int) else 0)
        return value

    @contextmanager
    def _noting(self, noted: dict[str, Any]) -> Iterator[None]:
        def note(_c: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
            if not statement.startswith("BEGIN"):
                noted[statement] = given

        event.listen(self.engine, "before_cursor_execute", note)
        try:
            yield
        finally:
            event.remove(self.engine, "before_cursor_execute", note)


@pytest.fixture
def full(engine: Engine) -> Watched:
    """Return a store with more than two portions of rows of every kind."""
    fill(engine, BACKLOG, now=clock.now())
    return Watched(engine)


@pytest.fixture
def swept(full: Watched, services: Services) -> Watched:
    """Return the same after all periodic tasks have run, with a limit that half of it passes."""
    at, retention = clock.now(), services.settings.retention
    small = replace(retention, deliveries_bytes=PORTION * 250)
    for _ in Sweeper(full, small).sweep(at):
        pass
    for _ in background.sweep(replace(services, writer=full), at):  # type: ignore[arg-type]
        pass
    return full


def test_all_that_is_old_goes_and_nothing_else(swept: Watched) -> None:
    """R112: by portions, to the last row."""
    with swept.engine.connect() as connection:
        overdue = count(connection, OVERDUE, now=clock.now())
        kept = count(connection, KEPT, now=clock.now())

    assert dict.fromkeys(OVERDUE, 0) == overdue
    assert dict.fromkeys(KEPT, BACKLOG.rows // 2) == kept


def test_no_transaction_changes_more_than_a_portion(swept: Watched) -> None:
    """R49: a delivery that comes meanwhile waits for one of these at most."""
    assert PORTION == max(swept.changed)
    assert len(swept.changed) > 2 * len(OVERDUE)


def test_the_writer_is_never_held_while_rows_are_searched(swept: Watched) -> None:
    """R49: however large the tables are, a write goes to its rows by their keys."""
    assert swept.written_statements
    with swept.engine.connect() as connection:
        plans = [(each, plan(connection, *each)) for each in swept.written_statements.items()]

    assert [] == [each for each in plans if is_slow(each[1])]


def test_what_is_read_is_found_by_an_index_and_not_sorted(swept: Watched) -> None:
    """R49, R124: the cost of a turn, of /readyz and of /metrics does not grow with the past."""
    swept.read(overdue, at=clock.now())
    swept.read(inspection.queue_stats, most=inspection.COUNTED_UP_TO)
    swept.read(heartbeats.workers_status, at=clock.now())
    with swept.engine.connect() as connection:
        plans = [(each, plan(connection, *each)) for each in swept.read_statements.items()]

    assert [] == [each for each in plans if is_slow(each[1])]


@on_sqlite
def test_readiness_is_as_much_work_however_much_waits(engine: Engine) -> None:
    """R124: a plan that uses the index may still read all of a queue, to find the one behind it."""
    few, many = 10, 1000
    _add(engine, few)
    before = _steps(engine)
    _add(engine, many)

    assert _steps(engine) < before + many


@on_sqlite
def test_a_worker_that_starts_reads_only_what_waits(engine: Engine) -> None:
    """What is done before is a million rows, in an hour of a busy bot."""
    _add(engine, PORTION)
    with engine.begin() as connection:
        connection.execute(text("UPDATE outbox SET state = 'done', body = x''"))
    _add(engine, 1)
    with engine.connect() as connection:
        last = connection.scalar(text("SELECT max(id) FROM outbox"))
    watched = Watched(engine)
    next(BacklogSize().measure(watched, 2**30))

    (given,) = (
        given for statement, given in watched.read_statements.items() if "sum(" in statement
    )
    assert last - 1 in given


def _add(engine: Engine, count: int) -> None:
    with Session(engine) as session:
        for _ in range(count):
            enqueue_once(session, DELIVERY, secrets.token_bytes(16), at=clock.now())
        session.commit()


def _steps(engine: Engine) -> int:
    """Return how many steps SQLite takes to find out what is overdue."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with Session(engine) as session:
        driver = session.connection().connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_progress_handler(count, 1)
        overdue(session, at=clock.now())
        driver.set_progress_handler(None, 1)
    return steps


def test_the_worker_finds_its_items_by_the_index_of_their_lane(full: Watched) -> None:
    """R97, R100: it asks four times a second, and a bot that is away has a million waiting."""
    at, hour = clock.now(), timedelta(hours=1)
    for lane in Lane:
        key = LaneKey(DELIVERY, lane)
        full.read(queue.lanes_due, [key], at=at)
        full.write(queue.claim, key, limit=1, lease=hour, at=at)
    full.write(queue.hasten, DELIVERY, until=at + 9 * hour, most_tries=7, lease=hour, at=at)
    asked = full.read_statements | full.written_statements
    with full.engine.connect() as connection:
        plans = [(each, plan(connection, *each)) for each in asked.items()]

    assert 5 == len(plans)
    for statement, steps in plans:
        index = "ix_outbox_fresh" if "tries = 0" in statement[0] else "ix_outbox_retries"
        assert index in steps, (statement, steps)
        assert not is_slow(steps), (statement, steps)


def plan(connection: Connection, statement: str, given: Any) -> str:
    """Return the plan of *statement*, with the tables that are small taken for large."""
    is_sqlite = connection.dialect.name == "sqlite"
    if not is_sqlite:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        connection.execute(text("SET LOCAL enable_sort = off"))
    # Of an executemany, the first.
    given = given[0] if isinstance(given, list) else given
    explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
    rows = connection.exec_driver_sql(f"{explain} {statement}", given)
    return "\n".join(str(row[-1]) for row in rows)


def is_slow(steps: str) -> bool:
    """Return whether the plan *steps* reads a whole table, or sorts."""
    lines = [line for line in steps.splitlines() if not any(name in line for name in SMALL)]
    return any(
        word in line
        for line in lines
        for word in ("Seq Scan", "Sort Key", "USE TEMP B-TREE", *SCANS)
        if " USING " not in line
    )


def test_silent_workers_are_forgotten_in_portions(engine: Engine) -> None:
    """One that cannot start is started again every few seconds, by systemd."""
    watched, at = Watched(engine), clock.now()
    for number in range(PORTION + 1):
        watched.write(heartbeats.record_heartbeat, f"w{number}", at=at - 2 * heartbeats.KEPT)
    watched.write(heartbeats.record_heartbeat, "alive", at=at)
    with Session(engine) as session:
        assert [PORTION, 1] == clean(session, heartbeats.silent(at))
        assert 1 == heartbeats.workers_status(session, at=at).alive
        session.commit()

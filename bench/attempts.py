"""A database with any number of attempts and their events, as months of traffic leave them."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import chain
from typing import Any

from sqlalchemy import Engine, Table
from sqlalchemy.schema import CreateIndex, DropIndex

from app.infra import clock
from app.linking.models import Attempt, AttemptEvent
from app.linking.references import reference_of
from app.linking.settling import BUCKETS
from app.linking.statistics_models import AttemptsOfDay, Intake, LinkTimesOfDay
from app.services.container import build
from app.services.settings import settings_from_env
from bench import links
from bench.figures import SQLITE

EVENTS_EACH = 10
DAYS = 30
# Of a hundred attempts, how many end so: stage, cause, and how their rows say it.
ENDS: Sequence[tuple[int, str, str, str | None]] = (
    (62, "linked", "linked", "linked"),
    (14, "opened", "left_sign_in", None),
    (9, "opened", "credentials_wrong", None),
    (6, "opened", "never_displayed", None),
    (5, "signed_in", "left_confirm", None),
    (3, "opened", "cancelled", "cancelled"),
    (1, "opened", "graph_token_dead", None),
)
_BY_NUMBER = tuple(chain.from_iterable([end[1:]] * end[0] for end in ENDS))
_KINDS = ("page_shown", "credentials_wrong", "rate_limited", "name_found", "provider_left")
Row = tuple[Any, ...]


def fill(env: Mapping[str, str], page: str, *, attempts: int, are_settled: bool = True) -> None:
    """Insert *attempts* with `EVENTS_EACH` events each, and their counts, into a new database.

    Those that are not settled are over, and not counted yet.
    """
    services = build(settings_from_env(env))
    services.close()
    engine, now = services.engine, clock.now()
    store = _into_sqlite if engine.dialect.name == SQLITE.lower() else _into_postgresql
    store(
        engine,
        {
            Attempt.__table__: _attempts(page, attempts, now, are_settled=are_settled),
            AttemptEvent.__table__: _events(page, attempts, now),
            AttemptsOfDay.__table__: _outcomes(page, attempts if are_settled else 0, now),
            LinkTimesOfDay.__table__: _times(page, attempts if are_settled else 0, now),
            Intake.__table__: _intake(now) if are_settled else (),
        },
    )
    engine.dispose()


def id_of(number: int) -> str:
    """Return the id of attempt *number*, which is as good as random.

    No two of the first million have the same reference, which the table forbids.
    """
    return sha256(f"attempt no {number}".encode()).hexdigest()[:22]


def _opened_at(number: int, attempts: int, now: datetime) -> datetime:
    return now - timedelta(hours=1) - timedelta(days=DAYS) * (attempts - number) / attempts


def _attempts(page: str, attempts: int, now: datetime, *, are_settled: bool) -> Iterator[Row]:
    """Yield the columns that `_COLUMNS` names; the newest attempt is the last."""
    for number in range(attempts):
        attempt_id, at = id_of(number), _opened_at(number, attempts, now)
        stage, cause, ended_as = _BY_NUMBER[number % len(_BY_NUMBER)]
        signed_in = number if stage != "opened" else None
        confirmed_at = at + timedelta(seconds=40) if stage == "linked" else None
        yield (
            attempt_id,
            reference_of(attempt_id),
            page,
            *(sha256(f"{kind} {number}".encode()).hexdigest() for kind in ("secret", "token")),
            at,
            None if cause == "never_displayed" else links.psid(number),
            None if signed_in is None else "https://shop.example.com",
            None if signed_in is None else f"user-{signed_in}",
            None if signed_in is None else at + timedelta(seconds=30),
            confirmed_at,
            sha256(f"code {number}".encode()).hexdigest() if confirmed_at else None,
            at + timedelta(seconds=42) if ended_as else None,
            ended_as,
            *((at + timedelta(minutes=7), stage, cause) if are_settled else (None,) * 3),
        )


def _events(page: str, attempts: int, now: datetime) -> Iterator[Row]:
    # In the order of the primary key: in any other, the rows take several times as long.
    for reference, number in sorted((reference_of(id_of(each)), each) for each in range(attempts)):
        at = _opened_at(number, attempts, now)
        for event in range(EVENTS_EACH):
            seen_at = at + timedelta(seconds=event)
            kind = _KINDS[event % len(_KINDS)]
            yield (reference, kind, f"local:{event}", 0, 0, "", seen_at, seen_at, 1, page)


def _days(now: datetime) -> list[Any]:
    return [(now - timedelta(days=day)).date() for day in range(DAYS)]


def _outcomes(page: str, attempts: int, now: datetime) -> Iterator[Row]:
    for day in _days(now):
        for share, stage, cause, _ in ENDS:
            yield (day, page, "local", stage, cause, attempts * share // 100 // DAYS)


def _times(page: str, attempts: int, now: datetime) -> Iterator[Row]:
    for day in _days(now):
        for bucket in (*BUCKETS, 0):
            yield (day, page, bucket, attempts // DAYS // len(BUCKETS))


def _intake(now: datetime) -> Iterator[Row]:
    """Yield the counts of deliveries: each minute has some of each outcome but one."""
    this = now.replace(second=0, microsecond=0)
    for minute in range(DAYS * 24 * 60, 0, -1):
        for outcome in ("current", "refused"):
            yield (this - timedelta(minutes=minute), outcome, 7)


_COLUMNS: Mapping[str, Sequence[str]] = {
    "attempt": (
        *("id", "reference", "page_id", "secret_hash", "token_hash", "opened_at", "psid"),
        *("issuer", "subject", "signed_in_at", "confirmed_at", "code_hash", "ended_at"),
        *("ended_as", "settled_at", "stage", "cause"),
    ),
    "attempt_event": (
        *("reference", "kind", "subject", "code", "subcode", "detail"),
        *("first_at", "last_at", "times", "page_id"),
    ),
    "attempt_daily": ("day", "page_id", "authenticator", "stage", "cause", "attempts"),
    "intake": ("minute_at", "outcome", "deliveries"),
    "link_time_daily": ("day", "page_id", "bucket", "links"),
}


def _into_sqlite(engine: Engine, tables: Mapping[Any, Iterable[Row]]) -> None:
    with closing(sqlite3.connect(str(engine.url.database))) as file:
        # Whoever is killed meanwhile has nothing to lose.
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000"):
            file.execute(f"PRAGMA {pragma}")
        for table, rows in tables.items():
            columns = _COLUMNS[table.name]
            marks = ", ".join("?" for _ in columns)
            _without_indexes(file.execute, engine, table)
            file.executemany(
                f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})",
                (tuple(map(_as_sqlite, row)) for row in rows),
            )
            _with_indexes(file.execute, engine, table)
        file.commit()
        file.execute("ANALYZE")
        file.commit()


def _as_sqlite(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return value.isoformat() if hasattr(value, "isoformat") else value


def _into_postgresql(engine: Engine, tables: Mapping[Any, Iterable[Row]]) -> None:
    with engine.begin() as connection:
        execute = connection.exec_driver_sql
        execute("SET LOCAL maintenance_work_mem = '512MB'")
        for table, rows in tables.items():
            _without_indexes(execute, engine, table)
            columns = ", ".join(_COLUMNS[table.name])
            cursor = connection.connection.cursor()
            with cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:  # type: ignore[attr-defined]  # psycopg's own
                for row in rows:
                    copy.write_row(row)
            _with_indexes(execute, engine, table)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # What autovacuum does in life.
        connection.exec_driver_sql("VACUUM ANALYZE")


def _without_indexes(execute: Callable[[str], object], engine: Engine, table: Table) -> None:
    for index in table.indexes:
        execute(str(DropIndex(index, if_exists=True).compile(dialect=engine.dialect)))


def _with_indexes(execute: Callable[[str], object], engine: Engine, table: Table) -> None:
    """Make the indexes afterwards, which takes a fraction of the time."""
    for index in table.indexes:
        execute(str(CreateIndex(index).compile(dialect=engine.dialect)))

"""A database full of what waits and of what is past its retention, made by a few statements."""

import sqlite3
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from sqlalchemy import Connection, Engine

from tests.installation import PAGE

BODY_BYTES: Final = 250
HOUR: Final = 3600
DAY: Final = 24 * HOUR
# Past their retention or not, by the settings' defaults.
OLD, YOUNG = 31 * DAY, 3 * DAY


@dataclass(frozen=True, slots=True)
class Backlog:
    """The numbers of deliveries that wait, and of rows of each other kind.

    The deliveries have failed once, and are due again *due_in* seconds from now. Of the other kinds
    the first half is past its retention, and the other half is to be kept.
    """

    deliveries: int
    rows: int
    due_in: int = HOUR


class Dialect(Protocol):
    """Expressions of one database about the row number n; *now* is in seconds since 1970."""

    digest: str
    body: str
    nothing: str
    now: float

    @abstractmethod
    def ago(self, seconds: str) -> str:
        """Return the time that is *seconds* before now."""

    @abstractmethod
    def numbers(self, count: int) -> str:
        """Return a table of the numbers n from 1 to *count*."""


@dataclass(frozen=True, slots=True)
class Sqlite(Dialect):
    now: float
    # In no order, as digests are: each row of an index is on a page of its own.
    digest: str = "printf('%08x%056d', (n * 2654435761) % 4294967296, n)"
    body: str = f"CAST(printf('%0{BODY_BYTES}d', n) AS BLOB)"
    nothing: str = "x''"

    def ago(self, seconds: str) -> str:
        return f"strftime('%Y-%m-%d %H:%M:%f000', {self.now:.3f} - ({seconds}), 'unixepoch')"

    def numbers(self, count: int) -> str:
        return (
            "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c "  # noqa: S608 - ours
            f"WHERE n < {count}) SELECT n FROM c)"
        )


@dataclass(frozen=True, slots=True)
class Postgresql(Dialect):
    now: float
    digest: str = "md5(n::text) || lpad(n::text, 32, '0')"
    body: str = f"convert_to(lpad(n::text, {BODY_BYTES}, '0'), 'UTF8')"
    nothing: str = "''::bytea"

    def ago(self, seconds: str) -> str:
        return f"to_timestamp({self.now:.3f} - ({seconds}))"

    def numbers(self, count: int) -> str:
        return f"generate_series(1, {count}) AS numbers(n)"


def fill(engine: Engine, backlog: Backlog, *, now: datetime) -> None:
    """Write *backlog* into the empty database of *engine*."""
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(str(engine.url.database))) as file:
            # For speed: whoever is killed while it is filled has nothing to lose.
            for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-4000000"):
                file.execute(f"PRAGMA {pragma}")
            for statement in _statements(Sqlite(now.timestamp()), backlog):
                file.execute(statement)
            file.commit()
        return
    with engine.begin() as connection:
        for statement in _statements(Postgresql(now.timestamp()), backlog):
            connection.exec_driver_sql(statement)
        # What autovacuum does in life. SQLite has no statistics there, and has none here.
        connection.exec_driver_sql("ANALYZE")


def _statements(dialect: Dialect, backlog: Backlog) -> Iterator[str]:
    ago, digest, body = dialect.ago, dialect.digest, dialect.body
    half = backlog.rows // 2
    rows = f"FROM {dialect.numbers(backlog.rows)}"
    old_or_young = f"CASE WHEN n <= {half} THEN {OLD} ELSE {YOUNG} END"
    # A bot that takes nothing since yesterday.
    created = ago(f"{DAY} - {HOUR} - 82700.0 * n / {backlog.deliveries}")
    head = f"""'{{"X-Hub-Signature-256":"sha256=' || {digest} || '"}}'"""
    yield (
        "INSERT INTO outbox (kind, digest, head, body, state, tries, created_at, not_before) "  # noqa: S608 - ours
        f"SELECT 'delivery', {digest}, {head}, {body}, 'waiting', 1, "
        f"{created}, {ago(str(-backlog.due_in))} "
        f"FROM {dialect.numbers(backlog.deliveries)}"
    )
    yield (
        "INSERT INTO outbox (kind, digest, body, state, tries, created_at, not_before) "
        f"SELECT 'notice', {digest}, {dialect.nothing}, 'done', 1, {ago(str(3 * HOUR))}, "
        f"{ago(f'CASE WHEN n <= {half} THEN 2 * {HOUR} ELSE -{HOUR} END')} {rows}"
    )
    yield (
        "INSERT INTO outbox (kind, digest, body, state, tries, created_at, not_before, failure) "
        f"SELECT 'notice', 'dead' || n, {body}, 'dead', 10, {ago(old_or_young)}, {ago('0')}, "
        f"'status 500' {rows}"
    )
    yield (
        "INSERT INTO attempt (id, reference, page_id, secret_hash, token_hash, opened_at, psid, "
        "messenger_name, display_name, confirmed_at, code_hash) "
        f"SELECT 'a' || n, 'a' || n, '{PAGE}', {digest}, {digest}, {ago(old_or_young)}, 'p' || n, "
        f"'Ana Berg', 'j***@example.com', {ago(old_or_young)}, {digest} {rows}"
    )
    year_or_less = f"CASE WHEN n <= {half} THEN 400 ELSE 300 END * {DAY}"
    yield (
        "INSERT INTO link_event (event_at, page_id, psid, status, cause, recorded_at) "
        f"SELECT {ago(year_or_less)}, '{PAGE}', 'p' || n, 'unlinked', 'messenger', "
        f"{ago(year_or_less)} {rows}"
    )
    yield (
        "INSERT INTO throttle (key, window_at, failures) "
        f"SELECT CASE WHEN n <= {half} THEN 'pair:' ELSE 'streak:' END || {digest}, "
        f"{ago(str(2 * HOUR))}, 1 {rows}"
    )
    yield (
        "INSERT INTO intake (minute_at, outcome, deliveries) "
        f"SELECT {ago('60.0 * n')}, 'current', 1 {rows}"
    )


# Rows that are to be kept: half of what was written, to the last.
KEPT: Final = {
    "digests": "SELECT count(*) FROM outbox WHERE state = 'done' AND not_before > {now}",
    "dead letters": "SELECT count(*) FROM outbox WHERE state = 'dead' AND created_at > {month}",
    "attempts": "SELECT count(*) FROM attempt WHERE opened_at > {month}",
    "history": "SELECT count(*) FROM link_event WHERE recorded_at > {year}",
    "rate limits": "SELECT count(*) FROM throttle WHERE substr(key, 1, 7) = 'streak:'",
}
# Rows that are to go.
OVERDUE: Final = {
    "digests": "SELECT count(*) FROM outbox WHERE state = 'done' AND not_before < {now}",
    "dead letters": "SELECT count(*) FROM outbox WHERE state = 'dead' AND created_at < {month}",
    "names": "SELECT count(*) FROM attempt WHERE messenger_name IS NOT NULL",
    "attempts": "SELECT count(*) FROM attempt WHERE opened_at < {month}",
    "history": "SELECT count(*) FROM link_event WHERE recorded_at < {year}",
    "rate limits": "SELECT count(*) FROM throttle WHERE substr(key, 1, 5) = 'pair:'",
    "counts": "SELECT count(*) FROM intake WHERE minute_at < {month}",
}


def count(connection: Connection, queries: dict[str, str], *, now: datetime) -> dict[str, int]:
    """Return the numbers that *queries* find."""
    dialect = (Sqlite if connection.dialect.name == "sqlite" else Postgresql)(now.timestamp())
    times = {
        "now": dialect.ago("0"),
        "month": dialect.ago(str(30 * DAY)),
        "year": dialect.ago(str(365 * DAY)),
    }
    return {
        name: connection.exec_driver_sql(query.format(**times)).scalar_one()
        for name, query in queries.items()
    }

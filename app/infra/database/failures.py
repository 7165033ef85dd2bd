"""The failures of the database that an operator can fix, each as its cause and what to do next.

Nothing that is secret is repeated: neither libpq nor SQLite quotes a password, and the statement
and its parameters stand outside of the driver's message.
"""

import sqlite3
from collections.abc import Mapping
from typing import Final

from sqlalchemy.exc import DBAPIError, OperationalError

from app.infra.database.engine import DatabaseUnusable
from app.infra.database.writer import NotCommitted
from app.infra.observability.logs import printable

_TABLES: Final = "the tables are missing or out of date. Next: threadlink db upgrade"
_BUSY: Final = (
    "the database is busy: others have kept it for more than three seconds. Next: try again; if "
    "it stays so, look for a program that holds a lock or all connections"
)
# read_only_sql_transaction
READ_ONLY: Final = "25006"
_CORRECT: Final = "Next: correct DATABASE_URL"

# By SQLSTATE (postgresql.org, appendix A, read 2026-11), the longest beginning first.
_BY_STATE: Final[Mapping[str, str]] = {
    "42P01": _TABLES,
    "42703": _TABLES,
    "55P03": _BUSY,
    "42501": "{said}. Next: grant this right to the user of DATABASE_URL",
    "3F000": "{said}. Next: give the user of DATABASE_URL a schema in which it may create tables",
    READ_ONLY: "the database takes no writes: it is a standby, or read-only. Next: let "
    "DATABASE_URL name the primary",
    "53100": "the disk of the database is full. Next: free space there",
    "53": "the database has no resources left: {said}. Next: try again, or raise its limits",
    "57014": "the database stopped a statement: {said}. Next: look at its statement_timeout",
    "57P": "the database is starting or shutting down: {said}. Next: try again when it runs",
    "58": "the database has trouble with its disk: {said}. Next: look at its log",
    "08": "the connection to the database broke: {said}. Next: see whether it runs",
}
# By what libpq or the server says of a connection that fails: it has no SQLSTATE then.
_BY_WORDS: Final[Mapping[str, str]] = {
    "pg_hba.conf": "Next: allow this machine in pg_hba.conf, or change sslmode in DATABASE_URL",
    "starting up": "Next: try again when it runs",
    "shutting down": "Next: try again when it runs",
    "too many": "Next: try again, or raise max_connections",
    "connection slots": "Next: try again, or raise max_connections",
    "password": "Next: correct user and password in DATABASE_URL; @ : / in them are written "
    "%40 %3A %2F",
    "role ": "Next: correct the user in DATABASE_URL, or create it: createuser NAME",
    "database ": "Next: create it: createdb NAME, then threadlink db upgrade; or correct "
    "DATABASE_URL",
    "sslmode": _CORRECT,
    "invalid port": _CORRECT,
    "ertificate": "Next: look at sslmode and sslrootcert in DATABASE_URL",
    "SSL": "Next: look at sslmode in DATABASE_URL",
    "": "Next: start PostgreSQL, or correct host and port in DATABASE_URL",
}
# By primary result code (sqlite.org/rescode.html, read 2026-11).
_BY_CODE: Final[Mapping[int, str]] = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_READONLY: "the database's file or folder is read-only. Next: let the user that "
    "runs this write to both, see DATABASE_URL",
    sqlite3.SQLITE_PERM: "the database's file may not be opened. Next: let the user that runs this "
    "read and write it, see DATABASE_URL",
    sqlite3.SQLITE_CANTOPEN: "the database's file cannot be opened. Next: see whether DATABASE_URL "
    "names a file that the user that runs this may write, in a folder that it may write as well",
    sqlite3.SQLITE_FULL: "the disk of the database is full. Next: free space there",
    sqlite3.SQLITE_IOERR: "the disk of the database fails or is full. Next: look at the system's "
    "log",
    sqlite3.SQLITE_NOTADB: f"the file of the database is no SQLite database. {_CORRECT}",
    sqlite3.SQLITE_CORRUPT: "the file of the database is damaged. Next: restore a backup, see "
    "docs/operations.md",
}


def explanation(exc: BaseException) -> str | None:
    """Return the cause of *exc* and what to do next, in one line; None for a bug."""
    if isinstance(exc, DatabaseUnusable):
        return str(exc)
    if isinstance(exc, NotCommitted):
        return _of_not_committed(exc)
    error = exc.orig if isinstance(exc, DBAPIError) else exc
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error)
    return _of_postgresql(exc) if isinstance(exc, DBAPIError) else None


def _of_not_committed(exc: NotCommitted) -> str:
    cause = exc.__cause__
    explained = explanation(cause) if isinstance(cause, DBAPIError) else None
    if isinstance(cause, DBAPIError) and cause.connection_invalidated and not _is_read_only(cause):
        return f"{explained or 'the connection broke'}. It may have been done: look before again"
    return explained or _BUSY


def _is_read_only(exc: DBAPIError) -> bool:
    return getattr(exc.orig, "sqlstate", None) == READ_ONLY


def _of_sqlite(error: sqlite3.Error) -> str | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    if code & 0xFF == sqlite3.SQLITE_ERROR and "no such " in str(error):
        return _TABLES
    return _BY_CODE.get(code & 0xFF)


def _of_postgresql(exc: DBAPIError) -> str | None:
    said, state = _said(exc), getattr(exc.orig, "sqlstate", None)
    if state is not None:
        found = next((text for begin, text in _BY_STATE.items() if state.startswith(begin)), None)
        return found and found.format(said=said)
    if "connection option" in said:
        return f"{said} in DATABASE_URL. {_CORRECT}"
    # Also of a subclass, as that of a connection that takes too long.
    if not isinstance(exc, OperationalError):
        return None
    return f"the database cannot be reached: {said}. {_next_step(said)}"


def _next_step(said: str) -> str:
    """Return the advice for a connection that failed as *said*."""
    # What the server says comes after "FATAL:"; what comes before names host and user.
    core = said.rpartition("FATAL:")[2]
    return next(step for words, step in _BY_WORDS.items() if words in core)


def _said(exc: DBAPIError) -> str:
    """Return the first line of the driver's message, without what it says of each failure."""
    first, *_ = str(exc.orig).splitlines() or [""]
    for prefix in ("connection failed: ", "connection is bad: "):
        first = first.removeprefix(prefix)
    return printable(first.strip().rstrip("."))

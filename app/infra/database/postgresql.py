"""The engine for PostgreSQL: SQLAlchemy's, which gives up in time a server that is gone.

Imported with an address of PostgreSQL alone: the driver is slow to import.
"""

import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, LiteralString, TypeVar

import psycopg
from psycopg import generators, waiting
from psycopg.abc import PQGen
from psycopg.pq.abc import PGcancelConn
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext

from app.infra.database.pooler import POOLER
from app.infra.database.time_limits import ends_at

T = TypeVar("T")

# Debian and Alpine, Fedora, macOS.
_AUTHORITIES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
# What DATABASE_URL may have otherwise. Where there is no limit, the kernel gives up a host whose
# packets are lost after ten seconds, and not after a quarter of an hour (tcp(7), TCP_USER_TIMEOUT
# and tcp_retries2). psycopg waits no less than two seconds for a host.
_DEFAULTS: Final[Mapping[str, str]] = {
    "connect_timeout": "2",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    # Of a database without an encoding (SQL_ASCII), psycopg would return bytes for text.
    "client_encoding": "utf8",
}
_LISTS: Final = ("host", "hostaddr", "port")
# How long psycopg waits before it looks for Ctrl-C.
_INTERVAL_S: Final = 0.1
_CANCEL_S: Final = 2.0
# For what must be said even then, such as ROLLBACK: a server that is well answers at once.
_GRACE_S: Final = 0.1
# After these the server takes no more from this connection, or no writes: a standby is read-only
# (25006), and a primary that became one stays connected. 08, 57P and 25P end the connection
# (postgresql.org, appendix A, read 2026-11).
_USELESS: Final = ("08", "57P", "25006", "25P03", "25P04")


class NoAnswer(psycopg.OperationalError):
    """The server has not answered within the limit of the thread."""


class LimitedConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection on which no wait goes beyond the limit of its thread."""

    _is_committing = False

    def commit(self) -> None:
        """Commit; by `NoAnswer` whether it was done is unknown."""
        self._is_committing = True
        try:
            super().commit()
        finally:
            self._is_committing = False

    def wait(self, gen: PQGen[T], interval: float = _INTERVAL_S, timeout: float | None = None) -> T:
        """Wait for *gen*; at the end of the limit, close the connection.

        Raises:
            NoAnswer: The limit is over. Whether the statement was done is unknown.
        """
        end = ends_at()
        if end is None or timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, max(end - time.monotonic(), _GRACE_S))
        except psycopg.OperationalError as exc:
            # What the server says has a SQLSTATE.
            if exc.sqlstate is not None or time.monotonic() < end:
                raise
            self._abandon()
            raise NoAnswer("it has not answered in time") from None

    def _abandon(self) -> None:
        """Close the connection, and have the server stop the query, which would go on otherwise.

        Not a COMMIT: one that waits for a standby would end without it, and a repeat, which finds
        its rows and writes nothing, would be acknowledged (PostgreSQL 17, "Synchronous
        Replication": a wait that is cancelled leaves the transaction committed on one machine).
        """
        if not self._is_committing:
            with suppress(psycopg.Error):
                cancel = self.pgconn.cancel_conn()
                threading.Thread(target=_cancel, args=(cancel,), name="cancel", daemon=True).start()
        self.close()


def _cancel(cancel: PGcancelConn) -> None:
    # Not by libpq's `blocking`, during which no thread of this process runs.
    with suppress(psycopg.Error):
        cancel.start()
        waiting.wait_conn(generators.cancel(cancel), interval=_INTERVAL_S, timeout=_CANCEL_S)


class _Hosts:
    """Connects, first to the host that was connected to last: one before it may be dead."""

    def __init__(self) -> None:
        self._first = 0

    def connect(
        self, _dialect: Any, _record: Any, _arguments: Any, given: Mapping[str, Any]
    ) -> LimitedConnection:
        """Return a connection by psycopg's arguments *given*.

        Raises:
            NoAnswer: The limit of this thread is over.
            psycopg.Error: No host accepts it.
        """
        end = ends_at()
        if end is not None and time.monotonic() >= end:
            raise NoAnswer("there was no time left to connect")
        lists = {name: str(given[name]).split(",") for name in _LISTS if given.get(name)}
        count = max(map(len, lists.values()), default=1)
        if count == 1:
            return LimitedConnection.connect(**given)
        # One port may be that of all.
        lists = {name: of * count if len(of) == 1 else of for name, of in lists.items()}
        first = self._first
        turned = {name: ",".join(of[first:] + of[:first]) for name, of in lists.items()}
        connection = LimitedConnection.connect(**{**given, **turned})
        self._first = _place(connection, lists)
        return connection


def _place(connection: LimitedConnection, lists: Mapping[str, Sequence[str]]) -> int:
    """Return the place in *lists* of the host that *connection* leads to."""
    info = connection.info
    reached = {"host": info.host, "hostaddr": info.hostaddr, "port": str(info.port)}
    pairs = zip(
        *([each or reached[name] for each in of] for name, of in lists.items()), strict=True
    )
    here = tuple(reached[name] for name in lists)
    return next((place for place, pair in enumerate(pairs) if pair == here), 0)


def postgresql_engine(url: URL, *, pool_size: int, lock_wait_s: float) -> Engine:
    """Return an engine for *url*, on which a statement waits *lock_wait_s* for a lock."""
    given = url.normalized_query
    # The next transaction may be in another session: what is set for one is then set for others.
    is_session = POOLER not in given
    engine = create_engine(
        url.difference_update_query([POOLER]),
        pool_size=pool_size,
        max_overflow=4,
        pool_pre_ping=True,
        # The text of an error is logged; the parameters of the statement must not be.
        hide_parameters=True,
        pool_timeout=lock_wait_s,
        connect_args=_connect_args(given),
        execution_options={} if is_session else {"lock_wait_s": lock_wait_s},
    )
    event.listen(engine, "do_connect", _Hosts().connect)
    event.listen(engine, "handle_error", _discard)
    if is_session:
        # Not as a parameter of the start: PgBouncer refuses one that it does not know.
        limit = f"SET lock_timeout = {int(lock_wait_s * 1000)}"
        event.listen(engine, "connect", lambda connection, _: _say(connection, limit))
    return engine


def _say(connection: LimitedConnection, statement: LiteralString) -> None:
    connection.autocommit = True
    connection.execute(statement)
    connection.autocommit = False


def _discard(context: ExceptionContext) -> None:
    """Have the connection thrown out of the pool, and with it all that are as old."""
    state = getattr(context.original_exception, "sqlstate", None) or ""
    if state.startswith(_USELESS):
        context.is_disconnect = True


def _connect_args(given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return what the connection needs beside the parameters *given* in the address."""
    args: dict[str, Any] = {name: text for name, text in _DEFAULTS.items() if name not in given}
    if any("," in host for name in _LISTS for host in given.get(name, ())):
        # Several hosts are a primary and its standbys.
        args.setdefault("target_session_attrs", "read-write")
    if "system" in given.get("sslrootcert", ()):
        args["sslrootcert"] = _authorities()
    if POOLER in given:
        # Statements that are prepared stay with a session.
        args["prepare_threshold"] = None
    return args


def _authorities() -> str:
    """Return the file of the authorities that this machine trusts.

    psycopg's wheel has an OpenSSL of its own, which looks in a folder that no machine has.
    """
    found = (ssl.get_default_verify_paths().cafile, *_AUTHORITIES)
    return next((path for path in found if path and Path(path).is_file()), "system")

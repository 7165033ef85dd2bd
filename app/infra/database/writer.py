"""All reading and writing goes through `Writer`, and only its `write` methods commit.

A use case is a plain function of a session. It may run twice, so it has no effect outside the
session; and it returns a value, never a row, because the session is closed by then.
"""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import ClassVar, Concatenate, Final, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import (
    DBAPIError,
    OperationalError,
    TimeoutError,  # noqa: A004 - of the connection pool
)
from sqlalchemy.orm import Session

from app.infra.database.engine import LOCK_WAIT_S
from app.infra.database.gathering import Withdrawn
from app.infra.database.group_commit import (
    CommitFailed,
    GroupCommitter,
    HandedBack,
    check_transaction,
)
from app.infra.database.kept_connection import KeptConnection
from app.infra.database.new_row import NewRow
from app.infra.database.time_limits import within
from app.infra.stalls import Pulse

P = ParamSpec("P")
R = TypeVar("R")

MOST_TRIES: Final = 5
# At most this many use cases that missed their group run in threads of their own. The default pool
# of asyncio has too few (six on two cores); an engine has as many connections, and some for reads.
MOST_ALONE: Final = 16
# Messenger gets its answer within this time, whatever the database does (R49).
LIMIT_SECONDS: Final = 3.0

# serialization_failure, deadlock_detected, unique_violation (postgresql.org, appendix A, read
# 2026-11). The last one ends one of two transactions that insert the same row: when it runs again,
# it finds the row. SQLite needs no list: a writer has the only lock from the start.
_COLLIDED: Final = frozenset({"40001", "40P01", "23505"})
# No connection; no memory or disk; the server stops, or was told to stop this statement; its files;
# a lock that was waited for too long; a transaction that was; no writes, as on a standby.
_AWAY: Final = ("08", "53", "57", "58", "55P03", "25P03", "25P04", "25006")
# Exceptions that mean: not committed with its group.
_MISSED: Final = (Withdrawn, HandedBack, CommitFailed, DBAPIError, TimeoutError)


class NotCommitted(Exception):
    """The database was busy or unreachable for too long; whether it has written is unknown.

    The caller may try again later: what was written, the use case finds then.
    """


class Writer:
    """Runs use cases on *engine*, and gives up on each after *limit_seconds*.

    Queries are given as long, unless *is_patient*: those of a command may read a whole table.
    """

    # The number of threads that may wait for a group at once. What people do takes ten times as
    # long as a webhook request, which comes by the event loop and must find few of them ahead.
    most_in_line: ClassVar[int] = 2

    def __init__(
        self, engine: Engine, *, limit_seconds: float = LIMIT_SECONDS, is_patient: bool = False
    ) -> None:
        self._engine = engine
        self._reading = engine.execution_options(reading=True)
        self.limit_seconds = limit_seconds
        self._read_seconds = None if is_patient else limit_seconds
        self._groups = GroupCommitter(engine, limit_seconds=limit_seconds)
        self._kept = KeptConnection(engine)
        self._places = threading.BoundedSemaphore(self.most_in_line)
        # For callers on an event loop whose use case missed its group.
        self._threads = ThreadPoolExecutor(MOST_ALONE, thread_name_prefix="alone")

    @property
    def waiting(self) -> int:
        """The number of use cases that wait for the writer thread of this process."""
        return self._groups.waiting

    @property
    def pulse(self) -> Pulse:
        """The pulse of the writer thread of this process."""
        return self._groups.pulse

    def write(
        self, use_case: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run *use_case* and commit; return its result.

        Use cases that arrive at the same time are committed together; each fails on its own.

        Raises:
            NotCommitted: It could not be committed within three seconds and five tries.
        """
        limit = time.monotonic() + self.limit_seconds

        def call(session: Session) -> R:
            return use_case(session, *args, **kwargs)

        if not self._places.acquire(timeout=self.limit_seconds):
            raise NotCommitted("too many use cases are waiting")
        try:
            return self._groups.commit(call, within=max(0, limit - time.monotonic()))
        except _MISSED as exc:
            _check_may_run_alone(exc)
        finally:
            self._places.release()
        return self._alone(call, limit)

    async def write_meanwhile(
        self, use_case: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Do the same for a caller on an event loop; it takes no thread while it waits.

        Raises:
            NotCommitted: It could not be committed within three seconds and five tries.
        """

        def call(session: Session) -> R:
            return use_case(session, *args, **kwargs)

        return await self._meanwhile(call)

    async def insert_meanwhile(self, row: NewRow) -> None:
        """Add *row* and commit, as `write_meanwhile` does, at a fraction of its cost.

        Raises:
            NotCommitted: It could not be committed within three seconds and five tries.
        """
        await self._meanwhile(row)

    async def _meanwhile(self, call: Callable[[Session], R]) -> R:
        limit = time.monotonic() + self.limit_seconds
        try:
            return await self._groups.commit_meanwhile(call, within=self.limit_seconds)
        except _MISSED as exc:
            _check_may_run_alone(exc)
        alone = copy_context().run
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, alone, self._alone, call, limit)

    def read(
        self, query: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run *query* and return its result; changes are rolled back.

        Raises:
            NotCommitted: The database is busy or unreachable, for three seconds at most.
        """
        try:
            with within(self._read_seconds), Session(self._reading) as session:
                return query(session, *args, **kwargs)
        except (DBAPIError, TimeoutError) as exc:
            raise translated(exc) from exc

    def poll(self, query: Callable[[Connection], R]) -> R:
        """Run *query*, which only reads, on a connection that this thread keeps for it.

        Raises:
            NotCommitted: The database is busy or unreachable, for three seconds at most.
        """
        try:
            with within(self._read_seconds):
                return self._kept.read(query)
        except (DBAPIError, TimeoutError) as exc:
            raise translated(exc) from exc

    def end_poll(self) -> None:
        """Give the connection of this thread back, after its last `poll`."""
        self._kept.close()

    def close(self) -> None:
        """Stop the threads, after the last use case."""
        self._threads.shutdown(wait=False)

    def _alone(self, call: Callable[[Session], R], limit: float) -> R:
        """Run *call* in a transaction of its own, in this thread; retry it after collisions."""
        for tries in range(1, MOST_TRIES + 1):
            left = limit - time.monotonic()
            if left <= 0:
                raise NotCommitted("no time left")
            engine = self._engine.execution_options(lock_wait_s=min(left, LOCK_WAIT_S))
            try:
                with within(left), Session(engine) as session, session.begin() as begun:
                    value = call(session)
                    check_transaction(session, begun)
                    return value
            except (DBAPIError, TimeoutError) as exc:
                pause = random.uniform(0.005, 0.02) * 2**tries  # noqa: S311 - jitter, no secret
                again = _collided(exc) and tries < MOST_TRIES
                if not again or time.monotonic() + pause > limit:
                    raise translated(exc) from exc
                time.sleep(pause)
        raise AssertionError("the last try returns or raises")


def _check_may_run_alone(exc: Exception) -> None:
    """Return if a use case that missed its group by *exc* may run alone; else raise an error."""
    if isinstance(exc, HandedBack):
        return
    if isinstance(exc, Withdrawn):
        raise NotCommitted("the writer did not get to it") from exc
    failure = exc.__cause__ if isinstance(exc, CommitFailed) else exc
    # If the connection broke at COMMIT, the outcome is unknown: to run it again might do it twice.
    if isinstance(failure, (DBAPIError, TimeoutError)) and not _collided(failure):
        raise translated(failure) from failure


def _collided(exc: DBAPIError | TimeoutError) -> bool:
    """Tell whether another transaction ended this one, so that a retry may succeed."""
    return getattr(getattr(exc, "orig", None), "sqlstate", None) in _COLLIDED


def translated(exc: DBAPIError | TimeoutError) -> Exception:
    """Return NotCommitted if the database is busy or unreachable; else *exc*, which is a bug."""
    if isinstance(exc, TimeoutError):
        return NotCommitted(type(exc).__name__)
    state = getattr(exc.orig, "sqlstate", None)
    # SQLite has no states, and a PostgreSQL that is gone says none.
    is_away = isinstance(exc, OperationalError) if state is None else state.startswith(_AWAY)
    if is_away or _collided(exc) or exc.connection_invalidated:
        return NotCommitted(type(exc.orig).__name__)
    return exc

"""The seam through which everything reads and writes: only `Writer.write` commits.

A use case is a plain function of a session. It may run twice, so it has no effect outside the
session; it returns a value, never a row, because the session is gone by then.
"""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import ClassVar, Concatenate, Final, ParamSpec, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import (
    DBAPIError,
    OperationalError,
    TimeoutError,  # noqa: A004 - of the connection pool
)
from sqlalchemy.orm import Session

from app.infra.database.engine import LOCK_WAIT_S
from app.infra.database.group_commit import (
    CommitFailed,
    GroupCommitter,
    HandedBack,
    Withdrawn,
    check_that_it_goes_on,
)

P = ParamSpec("P")
R = TypeVar("R")

MOST_TRIES: Final = 5
# How many wait for a row each, while everybody else on the loop goes on. A loop's own threads are
# few (six on two cores), and engines keep as many connections, and some more for who reads.
MOST_ALONE: Final = 16
# Messenger is answered within this time, whatever the database does (security.md R49).
LIMIT_SECONDS: Final = 3.0

# serialization_failure, deadlock_detected, unique_violation (postgresql.org, appendix A, read
# 2026-11). The last ends one of two who make the same row first: run again, it finds the row.
# SQLite needs no list: whoever writes there has the only lock from the start.
_COLLIDED: Final = frozenset({"40001", "40P01", "23505"})
# How one can miss his group.
_MISSED: Final = (Withdrawn, HandedBack, CommitFailed, DBAPIError, TimeoutError)


class NotCommitted(Exception):
    """The database was busy or away for too long, and nothing is known to be written.

    Again, later: what had been written after all is found then.
    """


class Writer:
    """Runs use cases against *engine*, and gives up on one after *limit_seconds*."""

    # How many threads stand in line for a group at once: what people do takes ten times as long to
    # write as a delivery, which comes by an event loop and shall find few of them before it.
    most_in_line: ClassVar[int] = 2

    def __init__(self, engine: Engine, *, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._engine = engine
        self._reading = engine.execution_options(reading=True)
        self._limit_seconds = limit_seconds
        self._groups = GroupCommitter(engine)
        self._places = threading.BoundedSemaphore(self.most_in_line)
        # Threads come when somebody on a loop has missed his group.
        self._threads = ThreadPoolExecutor(MOST_ALONE, thread_name_prefix="alone")

    @property
    def waiting(self) -> int:
        """How many use cases wait for the one writer of this process."""
        return self._groups.waiting

    def write(
        self, use_case: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run *use_case* and commit; return what it returned.

        Those who write at the same time are committed together; what fails, fails alone.

        Raises:
            NotCommitted: It could not be committed within three seconds and five tries.
        """
        limit = time.monotonic() + self._limit_seconds

        def call(session: Session) -> R:
            return use_case(session, *args, **kwargs)

        if not self._places.acquire(timeout=self._limit_seconds):
            raise NotCommitted("too many before it")
        try:
            return self._groups.commit(call, within=max(0, limit - time.monotonic()))
        except _MISSED as exc:
            _check_that_it_may_run_again(exc)
        finally:
            self._places.release()
        return self._alone(call, limit)

    async def write_meanwhile(
        self, use_case: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Do the same for a caller on an event loop, who takes no thread while he waits.

        Raises:
            NotCommitted: It could not be committed within three seconds and five tries.
        """
        limit = time.monotonic() + self._limit_seconds

        def call(session: Session) -> R:
            return use_case(session, *args, **kwargs)

        try:
            return await self._groups.commit_meanwhile(call, within=self._limit_seconds)
        except _MISSED as exc:
            _check_that_it_may_run_again(exc)
        alone = copy_context().run
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, alone, self._alone, call, limit)

    def read(
        self, query: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run *query* and return what it returned; whatever it changed is thrown away.

        Raises:
            NotCommitted: The database is away.
        """
        try:
            with Session(self._reading) as session:
                return query(session, *args, **kwargs)
        except (DBAPIError, TimeoutError) as exc:
            raise _translated(exc) from exc

    def close(self) -> None:
        """Let go of the threads, once nobody writes any more."""
        self._threads.shutdown(wait=False)

    def _alone(self, call: Callable[[Session], R], limit: float) -> R:
        """Run *call* in a transaction of its own, in this thread, as often as it takes."""
        for tries in range(1, MOST_TRIES + 1):
            left = limit - time.monotonic()
            if left <= 0:
                raise NotCommitted("no time left")
            engine = self._engine.execution_options(lock_wait_s=min(left, LOCK_WAIT_S))
            try:
                with Session(engine) as session, session.begin() as begun:
                    value = call(session)
                    check_that_it_goes_on(session, begun)
                    return value
            except (DBAPIError, TimeoutError) as exc:
                pause = random.uniform(0.005, 0.02) * 2**tries  # noqa: S311 - jitter, no secret
                again = _collided(exc) and tries < MOST_TRIES
                if not again or time.monotonic() + pause > limit:
                    raise _translated(exc) from exc
                time.sleep(pause)
        raise AssertionError("the last try returns or raises")


def _check_that_it_may_run_again(exc: Exception) -> None:
    """Return if what missed its group by *exc* may be run alone; raise what its caller is told."""
    if isinstance(exc, HandedBack):
        return
    if isinstance(exc, Withdrawn):
        raise NotCommitted("nobody came to it") from exc
    failure = exc.__cause__ if isinstance(exc, CommitFailed) else exc
    # Where COMMIT was lost on its way, nobody knows: to run it again might do it twice.
    if isinstance(failure, (DBAPIError, TimeoutError)) and not _collided(failure):
        raise _translated(failure) from failure


def _collided(exc: DBAPIError | TimeoutError) -> bool:
    """Tell whether somebody else's transaction ended this one, so that it may succeed again."""
    return getattr(getattr(exc, "orig", None), "sqlstate", None) in _COLLIDED


def _translated(exc: DBAPIError | TimeoutError) -> Exception:
    """Return NotCommitted where the database is busy or away, else *exc*: a fault of ours."""
    if isinstance(exc, TimeoutError) or _collided(exc) or exc.connection_invalidated:
        return NotCommitted(type(exc).__name__)
    state = getattr(exc.orig, "sqlstate", None)
    # 08 and 57P: no connection, or a server that goes down or starts; 53 and 58: no disk, no
    # memory, no file; 55P03: a lock for too long; 25006: a standby that takes no writes.
    away = state is None or state[:2] in {"08", "53", "58"} or state.startswith("57P")
    if isinstance(exc, OperationalError) and (away or state in {"55P03", "25006"}):
        return NotCommitted(type(exc).__name__)
    return exc

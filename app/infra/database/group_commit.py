"""Group commit: use cases that wait to be committed share one transaction.

A commit costs a write to the disk, whether it has one row or fifty. So one thread of a process
writes; all that arrives while it is busy becomes its next group. Callers continue after COMMIT.
A use case that is no more than a row (`NewRow`) shares its statement, too: the new rows of a group
are inserted first, together, and then the others run, one after the other.
"""

import asyncio
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session, SessionTransaction

from app.infra.database.engine import begin, check_before_commit, unlistened
from app.infra.database.gathering import IDLE_SECONDS, Gatherer, Wakers, Withdrawn, until
from app.infra.database.new_row import NewRow, insert_all
from app.infra.database.time_limits import within
from app.infra.stalls import Pulse

R = TypeVar("R")

# One use case that waits for another transaction's row must not delay its group for long.
PATIENCE_TOGETHER_S: Final = 0.25


class HandedBack(Exception):
    """Its group was rolled back, perhaps because of another use case in it: run it alone."""


class CommitFailed(Exception):
    """It has run, and COMMIT failed with the exception that is the cause of this one."""


class GroupCommitter:
    """Runs use cases on *engine* and commits them in groups.

    No group takes longer than *limit_seconds*: by then its callers have left.
    """

    def __init__(
        self, engine: Engine, *, limit_seconds: float, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._limit_seconds = limit_seconds
        self._alone = unlistened(engine)
        self._together = self._alone.execution_options(lock_wait_s=PATIENCE_TOGETHER_S)
        self._units = Gatherer[_Unit[Any]](self._commit, name="writer", idle_seconds=idle_seconds)
        self._wakers = Wakers()

    @property
    def waiting(self) -> int:
        """The number of use cases that wait for the next group."""
        return self._units.waiting

    @property
    def pulse(self) -> Pulse:
        """The pulse of the writer thread."""
        return self._units.pulse

    def commit(self, call: Callable[[Session], R], *, within: float) -> R:
        """Run *call* in a group; return its result after COMMIT.

        Raises:
            Withdrawn: That took longer than *within* seconds, or too many wait already. It may be
                committed later, but only if COMMIT itself is late.
            HandedBack: A group of several failed.
            CommitFailed: COMMIT failed.
        """
        # A lock is the cheapest thing for a thread to wait on.
        over = threading.Lock()
        over.acquire()
        unit = _Unit(call, over.release)
        self._units.put(unit)
        if not over.acquire(timeout=within):
            unit.is_withdrawn = True
            raise Withdrawn
        return unit.outcome

    async def commit_meanwhile(self, call: Callable[[Session], R], *, within: float) -> R:
        """Do the same for a caller on an event loop; it takes no thread while it waits."""
        over = asyncio.get_running_loop().create_future()
        unit = _Unit(call, self._wakers.of(over))
        self._units.put(unit)
        try:
            await until(over, within=within)
        except Withdrawn:
            unit.is_withdrawn = True
            raise
        return unit.outcome

    def _commit(self, units: "list[_Unit[Any]]") -> None:
        # Without a connection none of them would get further alone.
        goes_alone = is_done = False
        try:
            engine = self._together if len(units) > 1 else self._alone
            with within(self._limit_seconds), engine.begin() as connection:
                goes_alone = len(units) > 1
                begin(connection)
                _run(connection, units)
                for unit in units:
                    unit.check_not_withdrawn()
                check_before_commit(connection)
                is_done = True
        except Exception as exc:  # noqa: BLE001 - each caller gets it
            for unit in units:
                unit.fail(exc, is_done=is_done, goes_alone=goes_alone)
        finally:
            for unit in units:
                unit.notify()


def _run(connection: Connection, units: "list[_Unit[Any]]") -> None:
    """Run all *units* whose callers still wait: the new rows together, and then the others."""
    waiting = [unit for unit in units if unit.begin()]
    insert_all(connection, [unit.call for unit in waiting if isinstance(unit.call, NewRow)])
    others = [unit for unit in waiting if not isinstance(unit.call, NewRow)]
    if not others:
        return
    with Session(connection, join_transaction_mode="rollback_only") as session:
        begun = session.begin()
        for unit in others:
            unit.run(session)
            check_transaction(session, begun)


def check_transaction(session: Session, begun: SessionTransaction) -> None:
    """Raise `RuntimeError` if a use case has ended *begun*, or left a savepoint open in it.

    All that the group writes would be rolled back without an error.
    """
    if session.get_transaction() is not begun or not begun.is_active:
        raise RuntimeError("a use case continued after a database error")
    if session.in_nested_transaction():
        raise RuntimeError("a use case left a savepoint open")


class _Unit(Generic[R]):
    """A use case of one caller, and its outcome."""

    __slots__ = ("_context", "_error", "_has_begun", "_value", "call", "is_withdrawn", "notify")

    def __init__(self, call: Callable[[Session], R], notify: Callable[[], None]) -> None:
        self.call, self.notify = call, notify
        # So that log lines of the use case have the id of the caller's request.
        self._context = copy_context()
        self._has_begun = self.is_withdrawn = False
        # Of a row there is no other.
        self._value: Any = None
        self._error: Exception | None = None

    @property
    def outcome(self) -> R:
        """The result of the use case; its exception is raised."""
        if self._error is not None:
            raise self._error
        value: R = self._value
        return value

    def begin(self) -> bool:
        """Return whether to run: the caller may have given up while the database was busy."""
        self._has_begun = not self.is_withdrawn
        return self._has_begun

    def run(self, session: Session) -> None:
        self._value = self._context.run(self.call, session)
        # The group shares one session, because a new one costs as much as a row. Each use case must
        # find it empty.
        session.flush()
        session.expunge_all()

    def check_not_withdrawn(self) -> None:
        """Raise `Withdrawn` if the caller has given up since: it was told that this failed."""
        if self.is_withdrawn and self._has_begun:
            raise Withdrawn

    def fail(self, exc: Exception, *, is_done: bool, goes_alone: bool) -> None:
        if is_done:
            self._error = CommitFailed()
            self._error.__cause__ = exc
        else:
            self._error = HandedBack() if goes_alone else exc

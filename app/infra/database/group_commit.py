"""Group commit: those who wait to be committed go into one transaction together.

A commit costs a write to the disk, whether it holds one row or fifty. So one thread of a process
writes, and whatever came while it was busy is its next group. Callers go on after COMMIT.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session, SessionTransaction

from app.infra.database.engine import begin, check_before_commit, unlistened

R = TypeVar("R")

MOST_TOGETHER: Final = 64
MOST_WAITING: Final = 512
# Whoever is held up by another transaction's row must not hold up the whole group for long.
PATIENCE_TOGETHER_S: Final = 0.25
IDLE_SECONDS: Final = 5.0


class Withdrawn(Exception):
    """It was not committed in time; only if COMMIT itself is late, it may be yet."""


class HandedBack(Exception):
    """Its group failed, perhaps for a neighbour's fault, and left no trace: run it alone."""


class CommitFailed(Exception):
    """It was done, and COMMIT failed with what is the cause of this."""


class GroupCommitter:
    """Commits on *engine* what its callers bring, in groups."""

    def __init__(self, engine: Engine, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._alone = unlistened(engine)
        self._together = self._alone.execution_options(lock_wait_s=PATIENCE_TOGETHER_S)
        self._idle_seconds = idle_seconds
        self._waiting: SimpleQueue[_Unit[Any]] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._landing: _Landing | None = None

    @property
    def waiting(self) -> int:
        """How many wait for the group that is being committed."""
        return self._waiting.qsize()

    def commit(self, call: Callable[[Session], R], *, within: float) -> R:
        """Return what *call* returned, once it is committed.

        Raises:
            Withdrawn: That took longer than *within* seconds, or too many wait already.
            HandedBack: A group of several failed.
            CommitFailed: COMMIT failed.
        """
        # The cheapest thing a thread can wait for.
        over = threading.Lock()
        over.acquire()
        unit = self._bring(call, over.release)
        if not over.acquire(timeout=within):
            unit.is_withdrawn = True
            raise Withdrawn
        return unit.outcome

    async def commit_meanwhile(self, call: Callable[[Session], R], *, within: float) -> R:
        """Do the same for a caller on an event loop, who takes no thread while he waits."""
        loop = asyncio.get_running_loop()
        landing = self._landing
        if landing is None or landing.loop is not loop:
            landing = self._landing = _Landing(loop)
        over = loop.create_future()
        unit = self._bring(call, partial(landing.let_go, over))
        timer = loop.call_later(within, _give_up, over)
        try:
            await over
        except Withdrawn:
            unit.is_withdrawn = True
            raise
        finally:
            timer.cancel()
        return unit.outcome

    def _bring(self, call: Callable[[Session], R], tell: Callable[[], None]) -> "_Unit[R]":
        """Put *call* into the next group; *tell* is called when it is over."""
        if self.waiting >= MOST_WAITING:
            raise Withdrawn
        unit = _Unit(call, tell)
        with self._starting:
            self._waiting.put(unit)
            # Made at need, and again in a process that was forked from this one.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
                self._thread.start()
        return unit

    def _run(self) -> None:
        while True:
            try:
                first = self._waiting.get(timeout=self._idle_seconds)
            except Empty:
                with self._starting:
                    if self._waiting.empty():
                        self._thread = None
                        return
                continue
            units = [first]
            while len(units) < MOST_TOGETHER and not self._waiting.empty():
                units.append(self._waiting.get())
            self._commit(units)

    def _commit(self, units: "list[_Unit[Any]]") -> None:
        is_done = False
        try:
            engine = self._together if len(units) > 1 else self._alone
            with engine.begin() as connection, _session_of(connection) as session:
                begin(connection)
                begun = session.begin()
                for unit in units:
                    unit.run(session)
                    check_that_it_goes_on(session, begun)
                for unit in units:
                    unit.check_that_it_is_wanted()
                check_before_commit(connection)
                is_done = True
        except Exception as exc:  # noqa: BLE001 - every caller gets his own, whatever it is
            for unit in units:
                unit.fail(exc, is_done=is_done, is_alone=len(units) == 1)
        finally:
            for unit in units:
                unit.tell()


def check_that_it_goes_on(session: Session, begun: SessionTransaction) -> None:
    """Raise `RuntimeError` where a use case has ended *begun*, or left a savepoint open in it.

    What it and its neighbours write would be rolled back, and nobody would hear of it.
    """
    if session.get_transaction() is not begun or not begun.is_active:
        raise RuntimeError("a use case went on after an error of the database")
    if session.in_nested_transaction():
        raise RuntimeError("a use case left a savepoint open")


def _session_of(connection: Connection) -> Session:
    return Session(connection, join_transaction_mode="rollback_only")


class _Unit(Generic[R]):
    """What one caller wants committed, and how it went."""

    __slots__ = ("_call", "_context", "_error", "_has_run", "_value", "is_withdrawn", "tell")

    def __init__(self, call: Callable[[Session], R], tell: Callable[[], None]) -> None:
        self._call, self.tell = call, tell
        # Log lines of the use case carry the id of the caller's request.
        self._context = copy_context()
        self._has_run = self.is_withdrawn = False
        self._value: R
        self._error: Exception | None = None

    @property
    def outcome(self) -> R:
        """What the use case returned; or what went wrong is raised."""
        if self._error is not None:
            raise self._error
        return self._value

    def run(self, session: Session) -> None:
        # The caller may have gone while the database made us wait.
        if self.is_withdrawn:
            return
        self._has_run = True
        self._value = self._context.run(self._call, session)
        # One session serves the group, since to make one costs as much as a row; what one use case
        # has read, the next one shall not find in it.
        session.flush()
        session.expunge_all()

    def check_that_it_is_wanted(self) -> None:
        """Raise if the caller has gone since this was done: he was told that it is not."""
        if self.is_withdrawn and self._has_run:
            raise Withdrawn

    def fail(self, exc: Exception, *, is_done: bool, is_alone: bool) -> None:
        if is_done:
            self._error = CommitFailed()
            self._error.__cause__ = exc
        else:
            self._error = exc if is_alone else HandedBack()


def _give_up(one: "asyncio.Future[None]") -> None:
    if not one.done():
        one.set_exception(Withdrawn())


class _Landing:
    """Wakes those who wait on *loop*, a whole group at once: to wake a loop is a system call."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._over: deque[asyncio.Future[None]] = deque()
        self._is_called = False

    def let_go(self, one: "asyncio.Future[None]") -> None:
        """Let *one* go on; called from the thread that writes."""
        self._over.append(one)
        if not self._is_called:
            self._is_called = True
            # A loop that has ended has nobody left who waits.
            with suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._is_called = False
        while self._over:
            one = self._over.popleft()
            if not one.done():
                one.set_result(None)

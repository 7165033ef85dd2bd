"""Group commit: those who wait to be committed go into one transaction together.

A commit costs a write to the disk, whether it holds one row or fifty. So one thread of a process
writes, and whatever came while it was busy is its next group. Callers go on after COMMIT.
"""

import threading
from collections.abc import Callable
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

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


class Groups:
    """Commits on *engine* what its callers bring, in groups."""

    def __init__(self, engine: Engine, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._alone = engine
        self._together = engine.execution_options(lock_wait_s=PATIENCE_TOGETHER_S)
        self._idle_seconds = idle_seconds
        self._waiting: SimpleQueue[_Unit] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

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
        if self.waiting >= MOST_WAITING:
            raise Withdrawn
        unit = _Unit(call)
        with self._starting:
            self._waiting.put(unit)
            # Made at need, and again in a process that was forked from this one.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
                self._thread.start()
        if not unit.over.acquire(timeout=within):
            unit.is_withdrawn = True
            raise Withdrawn
        if unit.error is not None:
            raise unit.error
        value: R = unit.value
        return value

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

    def _commit(self, units: "list[_Unit]") -> None:
        is_done = False
        try:
            engine = self._together if len(units) > 1 else self._alone
            with engine.begin() as connection:
                for unit in units:
                    unit.run(connection)
                for unit in units:
                    unit.check_that_it_is_wanted()
                is_done = True
        except Exception as exc:  # noqa: BLE001 - every caller gets his own, whatever it is
            for unit in units:
                unit.fail(exc, is_done=is_done, is_alone=len(units) == 1)
        finally:
            for unit in units:
                unit.over.release()


class _Unit:
    """What one caller wants committed, and how it went."""

    __slots__ = ("_call", "_context", "_has_run", "error", "is_withdrawn", "over", "value")

    def __init__(self, call: Callable[[Session], object]) -> None:
        self._call = call
        # Log lines of the use case carry the id of the caller's request.
        self._context = copy_context()
        self._has_run = self.is_withdrawn = False
        self.value: Any = None
        self.error: Exception | None = None
        # Released when it is over; the cheapest thing a thread can wait for.
        self.over = threading.Lock()
        self.over.acquire()

    def run(self, connection: Connection) -> None:
        # The caller may have gone while the database made us wait.
        if self.is_withdrawn:
            return
        self._has_run = True
        with Session(connection, join_transaction_mode="rollback_only") as session:
            self.value = self._context.run(self._call, session)
            session.flush()

    def check_that_it_is_wanted(self) -> None:
        """Raise if the caller has gone since this was done: he was told that it is not."""
        if self.is_withdrawn and self._has_run:
            raise Withdrawn

    def fail(self, exc: Exception, *, is_done: bool, is_alone: bool) -> None:
        if is_done:
            self.error = CommitFailed()
            self.error.__cause__ = exc
        else:
            self.error = exc if is_alone else HandedBack()

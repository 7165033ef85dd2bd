"""Group reads: questions that wait at the same moment are asked of the database together.

A read by key is less work than the way to the database and back. So one thread of a process reads
for all callers on the event loop, on a connection of its own, outside of any transaction.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Generic, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, TimeoutError  # noqa: A004 - of the connection pool

from app.infra.database.gathering import IDLE_SECONDS, Gatherer, Wakers, Withdrawn, until
from app.infra.database.kept_connection import KeptConnection
from app.infra.database.time_limits import within
from app.infra.database.writer import LIMIT_SECONDS, NotCommitted, translated
from app.infra.stalls import Pulse

Q = TypeVar("Q")
A = TypeVar("A")

# A caller with many questions must not delay those with one for long.
MOST_QUESTIONS: Final = 256
_CLOSING_SECONDS: Final = 1.0


class GroupReader(Generic[Q, A]):
    """Answers questions by *query*, which returns one answer for each, in their order."""

    def __init__(
        self,
        engine: Engine,
        query: Callable[[Connection, Sequence[Q]], Sequence[A]],
        *,
        limit_seconds: float = LIMIT_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._kept = KeptConnection(engine)
        self._driver = engine.dialect.loaded_dbapi
        self._query, self._limit_seconds = query, limit_seconds
        self._gatherer = Gatherer[_Call[Q, A]](
            self._answer, name="reader", idle_seconds=idle_seconds, rest=self._kept.close
        )
        self._wakers = Wakers()

    @property
    def pulse(self) -> Pulse:
        """The pulse of the thread that reads."""
        return self._gatherer.pulse

    async def ask(self, questions: Sequence[Q]) -> Sequence[A]:
        """Return the answers to *questions*, in their order.

        Raises:
            NotCommitted: They did not come within three seconds, too many wait for theirs, or the
                database cannot be reached.
            Exception: The query failed.
        """
        over = asyncio.get_running_loop().create_future()
        call = _Call[Q, A](questions, self._wakers.of(over))
        try:
            self._gatherer.put(call)
            await until(over, within=self._limit_seconds)
        except Withdrawn as exc:
            raise NotCommitted("the reader did not get to it") from exc
        finally:
            call.is_over = True
        return call.outcome

    def close(self) -> None:
        """End the thread, and close its connection."""
        self._gatherer.close(within=_CLOSING_SECONDS)

    def _answer(self, calls: "list[_Call[Q, A]]") -> None:
        for together in _portions(calls):
            try:
                questions = [one for call in together for one in call.questions]
                with within(self._limit_seconds):
                    answers = iter(self._ask_together(questions))
                for call in together:
                    call.answers = [next(answers) for _ in call.questions]
            except Exception as exc:  # noqa: BLE001 - each caller gets it
                for call in together:
                    call.error = self._translated(exc)
            finally:
                for call in together:
                    call.notify()

    def _ask_together(self, questions: Sequence[Q]) -> Sequence[A]:
        return self._kept.read(lambda connection: self._query(connection, questions))

    def _translated(self, exc: Exception) -> Exception:
        """Return `NotCommitted` where the database is away: whoever asks again waits again."""
        if isinstance(exc, (DBAPIError, TimeoutError)):
            return translated(exc)
        # A query may call the driver itself.
        is_away = isinstance(exc, self._driver.OperationalError)
        return NotCommitted(type(exc).__name__) if is_away else exc


class _Call(Generic[Q, A]):
    """The questions of one caller, and the answers."""

    __slots__ = ("answers", "error", "is_over", "notify", "questions")

    def __init__(self, questions: Sequence[Q], notify: Callable[[], None]) -> None:
        self.questions, self.notify = questions, notify
        self.is_over = False
        self.answers: Sequence[A] = ()
        self.error: Exception | None = None

    @property
    def outcome(self) -> Sequence[A]:
        """The answers; the exception of the query is raised."""
        if self.error is not None:
            raise self.error
        return self.answers


def _portions(calls: "list[_Call[Q, A]]") -> "Iterator[list[_Call[Q, A]]]":
    """Yield the calls that still wait, some at a time."""
    portion: list[_Call[Q, A]] = []
    count = 0
    for call in calls:
        if call.is_over:
            continue
        if portion and count + len(call.questions) > MOST_QUESTIONS:
            yield portion
            portion, count = [], 0
        portion.append(call)
        count += len(call.questions)
    if portion:
        yield portion

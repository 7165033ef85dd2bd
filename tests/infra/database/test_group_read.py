"""Reads for callers on an event loop, asked together (R49, R120)."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, Engine, text

from app.infra.database.gathering import MOST_WAITING
from app.infra.database.group_read import MOST_QUESTIONS, GroupReader
from app.infra.database.writer import NotCommitted
from tests.conftest import on_postgresql, on_sqlite

T = TypeVar("T")
PATIENCE = 60.0
Query = Callable[[Connection, Sequence[int]], Sequence[int]]


class Doubling:
    """A query that doubles numbers, and may be held up, or fail as often as it is told to."""

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.failures = 0
        self.backends: list[object] = []
        self.begun, self.may_go_on = threading.Event(), threading.Event()
        self.may_go_on.set()

    def __call__(self, connection: Connection, questions: Sequence[int]) -> list[int]:
        self.groups.append(len(questions))
        self.begun.set()
        assert self.may_go_on.wait(PATIENCE)
        if self.failures:
            self.failures -= 1
            raise ValueError("as it was told")
        if connection.dialect.name == "postgresql":
            self.backends.append(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar())
        return [connection.execute(text(f"SELECT {2 * one}")).scalar_one() for one in questions]


@pytest.fixture
def query() -> Doubling:
    return Doubling()


@pytest.fixture
def reader(engine: Engine, query: Doubling) -> Iterator[GroupReader[int, int]]:
    reader = GroupReader(engine, query, limit_seconds=PATIENCE)
    yield reader
    query.may_go_on.set()
    reader.close()


def ran(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the value of *coroutine*, run in a thread: a browser leaves a loop running in ours."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result(PATIENCE)


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "reader"]


async def ask_behind_one(
    reader: GroupReader[int, int], query: Doubling, *questions: Sequence[int]
) -> list[Sequence[int]]:
    """Ask *questions* while the query of another caller is held up."""
    query.may_go_on.clear()
    first = asyncio.create_task(reader.ask([1]))
    await asyncio.to_thread(query.begun.wait, PATIENCE)
    others = [asyncio.create_task(reader.ask(each)) for each in questions]
    await asyncio.sleep(0)
    query.may_go_on.set()
    await first
    return await asyncio.gather(*others)


def test_what_waits_is_asked_at_once_and_each_caller_gets_its_answers(
    reader: GroupReader[int, int], query: Doubling
) -> None:
    answers = ran(ask_behind_one(reader, query, [3], [5, 6], [7]))

    assert [[6], [10, 12], [14]] == answers
    assert [1, 4] == query.groups


@on_sqlite
def test_a_caller_with_many_questions_does_not_hold_up_the_others(
    reader: GroupReader[int, int], query: Doubling
) -> None:
    answers = ran(ask_behind_one(reader, query, [3], [*range(MOST_QUESTIONS)], [5]))

    assert [[6], [*range(0, 2 * MOST_QUESTIONS, 2)], [10]] == answers
    assert [1, 1, MOST_QUESTIONS, 1] == query.groups


def test_a_failed_read_is_tried_on_a_new_connection_and_then_raised(
    reader: GroupReader[int, int], query: Doubling
) -> None:
    """R120: a connection that was cut costs no caller an answer; an error reaches each of them."""

    async def ask() -> list[object]:
        before = await reader.ask([1])
        query.failures = 1
        again = await reader.ask([2])
        query.failures = 2
        failed = await asyncio.gather(reader.ask([3]), return_exceptions=True)
        return [before, again, *map(type, failed), await reader.ask([4])]

    assert [[2], [4], ValueError, [8]] == ran(ask())


@on_postgresql
def test_a_connection_that_postgresql_cuts_is_replaced(
    reader: GroupReader[int, int], query: Doubling, engine: Engine
) -> None:
    """R120."""
    ran(reader.ask([1]))
    with engine.connect() as administrator:
        cut = text("SELECT pg_terminate_backend(:pid)")
        administrator.execute(cut, {"pid": query.backends[0]})

    assert [4] == ran(reader.ask([2]))
    assert query.backends[0] != query.backends[-1]


@on_sqlite
def test_who_waits_too_long_hears_so_and_is_not_asked_for(engine: Engine, query: Doubling) -> None:
    """R49: a database that hangs occupies no caller for longer."""
    reader = GroupReader(engine, query, limit_seconds=0.05)

    async def ask() -> None:
        query.may_go_on.clear()
        for _ in range(2):
            with pytest.raises(NotCommitted):
                await reader.ask([1])
        query.may_go_on.set()

    ran(ask())
    reader.close()

    assert [1] == query.groups


@on_sqlite
def test_beyond_so_many_that_wait_the_next_is_refused_at_once(
    reader: GroupReader[int, int], query: Doubling
) -> None:
    async def ask() -> int:
        query.may_go_on.clear()
        first = asyncio.create_task(reader.ask([1]))
        await asyncio.to_thread(query.begun.wait, PATIENCE)
        waiting = [asyncio.create_task(reader.ask([2])) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(NotCommitted):
            await reader.ask([3])
        query.may_go_on.set()
        return len(await asyncio.gather(first, *waiting))

    assert 1 + MOST_WAITING == ran(ask())


@on_sqlite
def test_the_thread_ends_when_nobody_asks_and_gives_its_connection_back(
    engine: Engine, query: Doubling
) -> None:
    before = readers()
    reader = GroupReader(engine, query, idle_seconds=0.01)
    assert [2] == ran(reader.ask([1]))
    for thread in readers():
        if thread not in before:
            thread.join(PATIENCE)

    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # of a QueuePool
    assert [4] == ran(reader.ask([2]))
    reader.close()
    assert before == readers()
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]

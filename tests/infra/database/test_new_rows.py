"""New rows of a group, which are inserted together (R49, R116)."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Event
from typing import Any, Final

import pytest
from sqlalchemy import Engine, Executable, select, text
from sqlalchemy.orm import Session

from app.infra.database.engine import insert_into
from app.infra.database.new_row import NewRow
from app.infra.database.writer import NotCommitted, Writer
from app.outbox.models import OutboxRow
from app.outbox.queue import item_once
from tests.conftest import on_postgresql
from tests.installation import NOON

PATIENCE: Final = 30.0


@pytest.fixture
def writer(engine: Engine) -> Writer:
    return Writer(engine)


def item(body: str) -> NewRow:
    return item_once("delivery", body.encode(), head="{}", at=NOON)


def bodies(writer: Writer) -> list[str]:
    rows = writer.read(
        lambda session: session.scalars(select(OutboxRow.body).order_by(OutboxRow.id)).all()
    )
    return [row.decode() for row in rows]


def together(writer: Writer, *calls: Callable[[], Awaitable[object]]) -> list[object]:
    """Await *calls* in one group; return what each returned or raised."""
    begun, may_end = Event(), Event()

    def linger(_session: Session) -> None:
        begun.set()
        may_end.wait(PATIENCE)

    async def all_at_once() -> list[object]:
        tasks = [asyncio.ensure_future(call()) for call in calls]
        # One step of each brings it to the queue.
        await asyncio.sleep(0)
        assert len(calls) == writer.waiting
        may_end.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    with ThreadPoolExecutor(2) as threads:
        lingering = threads.submit(writer.write, linger)
        begun.wait(PATIENCE)
        outcomes = threads.submit(asyncio.run, all_at_once()).result(PATIENCE)
        lingering.result(PATIENCE)
    return outcomes


def adding(writer: Writer, body: str) -> Callable[[], Awaitable[object]]:
    return lambda: writer.insert_meanwhile(item(body))


def add(writer: Writer, body: str) -> None:
    # In a thread of its own: a browser's loop may be running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, writer.insert_meanwhile(item(body))).result(PATIENCE)


def test_the_rows_of_a_group_are_one_call_and_keep_their_order(
    writer: Writer, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot gets the deliveries in the order in which Messenger posted them."""
    names = [f"{number}" for number in range(20)]
    calls: list[int] = []
    execute_many = engine.dialect.do_executemany

    def count(cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        calls.append(len(parameters))
        execute_many(cursor, statement, parameters, context)

    monkeypatch.setattr(engine.dialect, "do_executemany", count)

    outcomes = together(writer, *(adding(writer, name) for name in names))

    assert [None] * 20 == outcomes
    assert names == bodies(writer)
    assert [20] == calls


def test_a_row_is_committed_on_return_once(writer: Writer, engine: Engine) -> None:
    """Messenger repeats a delivery whose answer it did not get."""
    for _ in range(2):
        add(writer, "a")

    other = Writer(engine)
    assert ["a"] == bodies(other)
    assert [None, None] == together(writer, adding(writer, "b"), adding(writer, "b"))
    assert ["a", "b"] == bodies(other)


def test_rows_and_use_cases_share_a_group(writer: Writer) -> None:
    def look(session: Session) -> int:
        return len(session.scalars(select(OutboxRow.id)).all())

    outcomes = together(
        writer,
        lambda: writer.write_meanwhile(look),
        adding(writer, "a"),
        lambda: writer.write_meanwhile(look),
    )

    # The rows come first.
    assert [1, None, 1] == outcomes


def test_a_use_case_that_fails_takes_no_row_with_it(writer: Writer) -> None:
    def refuse(session: Session) -> None:
        item("never")(session)
        raise ValueError

    first, refused, last = together(
        writer,
        adding(writer, "a"),
        lambda: writer.write_meanwhile(refuse),
        adding(writer, "b"),
    )

    assert [None, None] == [first, last]
    assert isinstance(refused, ValueError)
    assert ["a", "b"] == sorted(bodies(writer))


def test_a_row_that_the_database_refuses_takes_no_other_with_it(writer: Writer) -> None:
    bad = NewRow(item("").insert, {**item("bad").values, "kind": None})

    first, refused, last = together(
        writer, adding(writer, "a"), lambda: writer.insert_meanwhile(bad), adding(writer, "b")
    )

    assert [None, None] == [first, last]
    assert isinstance(refused, Exception)
    assert not isinstance(refused, NotCommitted)
    assert ["a", "b"] == sorted(bodies(writer))


def test_a_row_that_was_withdrawn_before_its_group_began_is_never_added(engine: Engine) -> None:
    """R49: Messenger got a 503 and repeats its request; the first one must not count."""
    hasty = Writer(engine, limit_seconds=0.5)
    begun, may_end = Event(), Event()

    def linger(_session: Session) -> None:
        begun.set()
        may_end.wait(PATIENCE)

    with ThreadPoolExecutor(1) as thread:
        lingering = thread.submit(hasty.write, linger)
        begun.wait(PATIENCE)
        with pytest.raises(NotCommitted):
            add(hasty, "gone")
        with pytest.raises(NotCommitted):
            lingering.result(PATIENCE)
        may_end.set()

    # It comes after the one that was given up.
    add(hasty, "a")
    assert ["a"] == bodies(hasty)


def test_rows_of_different_columns_are_not_mixed(writer: Writer) -> None:
    notice = item_once("notice", b"n", reference="q3m9-7d2k", at=NOON)

    together(writer, adding(writer, "a"), lambda: writer.insert_meanwhile(notice))

    found = writer.read(
        lambda session: session.execute(select(OutboxRow.kind, OutboxRow.reference)).all()
    )
    assert {("delivery", None), ("notice", "q3m9-7d2k")} == {tuple(row) for row in found}


@cache
def _plain_insert(dialect: str) -> Executable:
    return insert_into(dialect, OutboxRow)


@on_postgresql
def test_rows_wait_for_those_of_another_process_no_longer_than_a_group_may(
    writer: Writer, engine: Engine
) -> None:
    """R118: two processes that take in one delivery; the second one finds the row of the first."""
    with engine.connect() as other:
        other.execute(text("SET lock_timeout = 0"))
        other.execute(_plain_insert("postgresql"), item("a").values)
        awaited = ThreadPoolExecutor(1).submit(
            together, writer, adding(writer, "a"), adding(writer, "b")
        )
        while "b" not in bodies(writer):
            assert not awaited.done()
        other.commit()

    assert [None, None] == awaited.result(PATIENCE)
    assert ["a", "b"] == sorted(bodies(writer))

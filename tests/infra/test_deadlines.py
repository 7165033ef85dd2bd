"""Deadlines that share a timer, as those of bodies, answers and commits do."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.infra.deadlines import Deadline, TimeLimit

PAST, FAR = -1.0, 3600.0


def on_loop(test: Callable[[], Awaitable[None]]) -> Any:
    """Run *test* on an event loop of its own."""

    def run() -> None:
        # In a thread of its own: a browser's loop may run in this one.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(test())).result()  # type: ignore[arg-type]

    return run


def at(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


@on_loop
async def test_each_is_called_once_in_any_order() -> None:
    over, called = asyncio.Event(), list[str]()
    Deadline(at(FAR), lambda: called.append("far"))
    Deadline(at(0.02), over.set)
    Deadline(at(0.01), lambda: called.append("second"))
    Deadline(at(PAST), lambda: called.append("first"))

    await over.wait()

    assert ["first", "second"] == called


@on_loop
async def test_one_that_is_dropped_is_not_called() -> None:
    over, called = asyncio.Event(), list[str]()
    Deadline(at(0), lambda: called.append("dropped")).drop()
    Deadline(at(0.001), over.set)

    await over.wait()

    assert [] == called


@on_loop
async def test_one_that_is_moved_is_called_at_its_new_time() -> None:
    """Sooner: a body that is shed. Later: one of which more has come."""
    over, called = asyncio.Event(), list[str]()
    Deadline(at(0), lambda: called.append("later")).move(at(FAR))
    Deadline(at(FAR), over.set).move(at(0))

    await over.wait()

    assert [] == called


@on_loop
async def test_hardly_any_deadline_has_a_timer_of_its_own() -> None:
    """A timer for each request took a tenth of the time of a delivery."""
    loop, timers = asyncio.get_running_loop(), 0
    call_at = loop.call_at

    def counted(*args: Any, **more: Any) -> asyncio.TimerHandle:
        nonlocal timers
        timers += 1
        return call_at(*args, **more)

    loop.call_at = counted  # type: ignore[assignment,method-assign]
    for _ in range(1000):
        Deadline(at(FAR), lambda: None).drop()

    assert 1 == timers


@on_loop
async def test_a_block_that_takes_too_long_ends() -> None:
    """So a slow client occupies nothing for ever."""
    with pytest.raises(TimeoutError), TimeLimit(at(0)) as limit:
        await asyncio.Event().wait()

    assert limit.is_over
    task = asyncio.current_task()
    assert task
    assert 0 == task.cancelling()


@on_loop
async def test_a_block_that_is_cancelled_by_others_stays_cancelled() -> None:
    """The server stops: a request that it ends is not one that took too long."""
    has_begun = asyncio.Event()

    async def waits() -> None:
        with TimeLimit(at(FAR)):
            has_begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(waits())
    await has_begun.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task

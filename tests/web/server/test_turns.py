"""What everybody but Messenger asks for is done a little at a time (R89)."""

import asyncio
import itertools
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from app.web.server.turns import PLACES, QUICK_TOGETHER, Places, Turns

FOREVER = 3600.0
T = TypeVar("T")


def ran(coroutine: Coroutine[None, None, T]) -> T:
    """Return the value of *coroutine*, run in a thread: a browser leaves a loop running in ours."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def test_one_request_goes_on_in_each_round_of_the_loop() -> None:
    """R89: a delivery waits for one other request, not for all that are ready."""

    async def run() -> list[int]:
        turns, gone_on = Turns(), list[int]()

        async def request(number: int) -> None:
            await turns.take()
            gone_on.append(number)

        tasks = [asyncio.create_task(request(number)) for number in range(8)]
        counts = []
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            counts.append(len(gone_on))
        assert [*range(8)] == gone_on
        return [after - before for before, after in itertools.pairwise(counts)]

    assert max(ran(run())) == 1


def test_some_quick_requests_go_on_in_one_round() -> None:
    """R89: they take as long as one that is not, and each gets its turn in order."""

    async def run() -> list[str]:
        turns, gone_on = Turns(), list[str]()

        async def request(name: str) -> None:
            await turns.take(is_quick=name == "quick")
            gone_on.append(name)

        names = ["quick"] * (QUICK_TOGETHER + 1) + ["slow", "slow"]
        tasks = [asyncio.create_task(request(name)) for name in names]
        rounds = list[str]()
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            rounds += ["|"] * bool(gone_on) + [name[0] for name in gone_on]
            gone_on.clear()
        return rounds

    assert ["|", *"q" * QUICK_TOGETHER, "|", "q", "s", "|", "s"] == ran(run())


def test_a_request_that_is_cancelled_keeps_nobody_waiting() -> None:
    async def run() -> None:
        turns = Turns()
        first = asyncio.create_task(turns.take())
        second = asyncio.create_task(turns.take())
        await asyncio.sleep(0)
        first.cancel()
        await second
        await turns.take()

    ran(run())


def test_so_many_short_calls_run_at_a_time() -> None:
    async def run() -> None:
        places, over = Places(seconds=FOREVER), asyncio.Event()
        running: list[int] = []

        async def call(number: int) -> None:
            async with places.one():
                running.append(number)
                await over.wait()

        tasks = [asyncio.create_task(call(number)) for number in range(PLACES + 1)]
        for _ in range(10):
            await asyncio.sleep(0)
        assert [*range(PLACES)] == running
        over.set()
        await asyncio.gather(*tasks)
        assert PLACES + 1 == len(running)

    ran(run())


def test_a_call_that_waits_for_somebody_else_makes_room_once() -> None:
    """Else PLACES calls that wait for Graph would stop all others."""

    async def run() -> None:
        places, over, all_run = Places(seconds=0), asyncio.Event(), asyncio.Event()
        running: list[int] = []

        async def call(number: int) -> None:
            async with places.one():
                running.append(number)
                if len(running) == 5 * PLACES:
                    all_run.set()
                await over.wait()

        tasks = [asyncio.create_task(call(number)) for number in range(5 * PLACES)]
        await all_run.wait()
        over.set()
        await asyncio.gather(*tasks)
        assert PLACES == places._free._value  # noqa: SLF001 - each place has come back once

    ran(run())

"""The worker's periodic tasks."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from app.infra.database.writer import NotCommitted, Writer
from app.outbox.worker import PeriodicTask, Worker
from tests.installation import NOON


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


def test_a_task_is_run_at_once_and_then_every_so_often(engine: Engine) -> None:
    clock, done = Clock(), list[datetime]()
    worker = Worker(
        Writer(engine), {}, clock, [PeriodicTask(done.append, every=timedelta(minutes=10))]
    )

    for minutes in (0, 9, 10, 19, 20):
        clock.at = NOON + timedelta(minutes=minutes)
        worker.run_once()

    assert [NOON + timedelta(minutes=minutes) for minutes in (0, 10, 20)] == done


def test_a_clock_that_was_set_back_ends_no_task(engine: Engine) -> None:
    """R123: else nothing is swept until the clock reaches the old time."""
    clock, done = Clock(), list[datetime]()
    worker = Worker(
        Writer(engine), {}, clock, [PeriodicTask(done.append, every=timedelta(minutes=10))]
    )
    worker.run_once()

    clock.at = NOON - timedelta(days=1)
    worker.run_once()

    assert 2 == len(done)


def test_a_task_that_is_not_run_at_the_start_waits_its_time(engine: Engine) -> None:
    clock, done = Clock(), list[datetime]()
    task = PeriodicTask(done.append, every=timedelta(days=1), after=timedelta(minutes=5))
    worker = Worker(Writer(engine), {}, clock, [task])

    for minutes in (0, 4, 5, 6):
        clock.at = NOON + timedelta(minutes=minutes)
        worker.run_once()

    assert [NOON + timedelta(minutes=5)] == done


@pytest.mark.parametrize(
    ("every", "again_after"),
    [
        (timedelta(seconds=15), timedelta(seconds=15)),
        (timedelta(minutes=1), timedelta(minutes=1)),
        (timedelta(days=1), timedelta(minutes=10)),
    ],
    ids=["heartbeat", "sweep", "daily"],
)
def test_a_task_that_fails_waits_for_its_next_turn(
    engine: Engine, every: timedelta, again_after: timedelta
) -> None:
    """R49: begun again at once, a sweep that takes too long would leave the writer to nobody."""
    clock, tries = Clock(), list[datetime]()

    def fail(at: datetime) -> None:
        tries.append(at)
        raise NotCommitted("too slow")

    worker = Worker(Writer(engine), {}, clock, [PeriodicTask(fail, every=every)])
    moment = timedelta(seconds=0.25)
    for wait in (timedelta(0), moment, again_after - moment, again_after):
        clock.at = NOON + wait
        try:
            worker.run_once()
        except NotCommitted:
            continue

    assert [NOON, NOON + again_after] == tries


def test_a_task_of_many_steps_ends_between_two_of_them(engine: Engine) -> None:
    """A worker that is stopped does not finish a sweep of a million rows first."""
    stop, steps = threading.Event(), list[int]()

    def sweep(_at: datetime) -> Iterator[None]:
        for number in range(1000):
            steps.append(number)
            if number == 2:
                stop.set()
            yield

    Worker(Writer(engine), {}, Clock(), [PeriodicTask(sweep, every=timedelta(minutes=1))]).run(stop)

    assert [0, 1, 2] == steps

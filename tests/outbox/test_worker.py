"""The worker's periodic tasks."""

from datetime import datetime, timedelta

from sqlalchemy import Engine

from app.infra.database.writer import Writer
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

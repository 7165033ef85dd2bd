"""The worker's periodic tasks, and what it tells of the targets."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from app.infra.database.writer import NotCommitted, Writer
from app.outbox import dispatcher, heartbeats
from app.outbox.circuit_breaker import FAILURE_THRESHOLD, Cause, OpenCircuit
from app.outbox.handlers import Handler, Unreachable
from app.outbox.models import OutboxRow, WorkerRow
from app.outbox.queue import Claim, enqueue_once
from app.outbox.worker import PAUSE_SECONDS, PeriodicTask, Worker, run_paced
from tests.installation import NOON


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at


def test_the_worker_tells_which_targets_take_nothing(engine: Engine) -> None:
    """R100: what waits behind a bot that is away is told with the reason, in any process."""
    clock, writer, is_well = Clock(), Writer(engine), threading.Event()

    def post(_claim: Claim) -> None:
        if not is_well.is_set():
            raise Unreachable("NewConnectionError")

    worker = Worker(writer, {"notice": Handler(post), "delivery": Handler(lambda _: None)}, clock)
    beat = partial(heartbeats.record_heartbeat, worker_id="w")
    for kind in ("notice", "delivery"):
        for number in range(FAILURE_THRESHOLD):
            writer.write(enqueue_once, kind, str(number).encode(), at=NOON)

    told = []
    for _ in range(2):
        while worker.run_once():
            pass
        writer.write(beat, circuits=worker.open_circuits(), at=clock.at)
        told.append(writer.read(heartbeats.open_circuits, at=clock.at))
        is_well.set()
        clock.at += timedelta(minutes=1)

    assert [
        (OpenCircuit("notice", NOON, Cause.UNREACHABLE, "NewConnectionError"),),
        (),
    ] == told


def test_of_several_workers_the_one_that_fails_longest_speaks(engine: Engine) -> None:
    writer, minute = Writer(engine), timedelta(minutes=1)
    for minutes in (1, 3, 2):
        circuit = OpenCircuit("notice", NOON - minutes * minute, Cause.REFUSED, "status 500")
        writer.write(heartbeats.record_heartbeat, f"w{minutes}", [circuit], at=NOON)

    (told,) = writer.read(heartbeats.open_circuits, at=NOON)

    assert told.since == NOON - 3 * minute


def test_a_cause_that_a_later_version_tells_is_read_as_a_refusal(engine: Engine) -> None:
    """Old and new versions run side by side during an upgrade."""
    writer = Writer(engine)
    writer.write(heartbeats.record_heartbeat, "later", at=NOON)
    told = [["notice", NOON.isoformat(), "UNHEARD_OF", "status 500"]]
    writer.write(
        lambda session: session.execute(update(WorkerRow).values(circuits=json.dumps(told)))
    )

    (circuit,) = writer.read(heartbeats.open_circuits, at=NOON)

    assert circuit.cause is Cause.REFUSED


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


def test_a_task_pauses_for_as_long_as_a_step_took() -> None:
    """R112: on a slow disk the deliveries that come in meanwhile get half of the writer's time."""
    took, pauses = iter((0.001, 0.08, 0.002)), []
    clock = [0.0]

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            pauses.append(timeout)
            clock[0] += timeout
            return False

    def steps() -> Iterator[None]:
        for seconds in took:
            clock[0] += seconds
            yield

    run_paced(steps(), Stop(), lambda: clock[0])

    assert pytest.approx([PAUSE_SECONDS, 0.08, PAUSE_SECONDS]) == pauses


def test_a_loop_that_has_ended_does_not_have_to_move(engine: Engine) -> None:
    """A task may take minutes; a worker that waits for one at its end is not stalled."""
    begun, may_end, stop = threading.Event(), threading.Event(), threading.Event()

    def perform(_at: datetime) -> None:
        begun.set()
        may_end.wait(30)

    tasks = [PeriodicTask(perform, every=timedelta(minutes=1))]
    worker = Worker(Writer(engine), {"notice": Handler(lambda _: None)}, Clock(), tasks)
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    begun.wait(30)
    moved = []
    for wanted in (3, 0):
        for _ in range(500):
            if sum(pulse.moved_at is not None for pulse in worker.pulses) == wanted:
                moved.append(wanted)
                break
            may_end.wait(0.02)
        stop.set()

    is_at_work = thread.is_alive()
    may_end.set()
    thread.join()

    assert ([3, 0], True) == (moved, is_at_work)


def test_what_a_bot_has_taken_is_recorded_though_the_database_was_away_at_the_end(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told to stop just then, the worker left it, and the bot got it again after the lease."""
    stop, writer = threading.Event(), Writer(engine)
    write = writer.write

    def write_unless_away(use_case: Any, *args: Any, **kwargs: Any) -> Any:
        if use_case is dispatcher._record and not stop.is_set():  # noqa: SLF001
            stop.set()
            raise NotCommitted
        return write(use_case, *args, **kwargs)

    monkeypatch.setattr(writer, "write", write_unless_away)
    write(enqueue_once, "notice", b"{}", at=NOON)
    Worker(writer, {"notice": Handler(lambda _: None)}, Clock()).run(stop)

    assert ["done"] == writer.read(lambda session: [*session.scalars(select(OutboxRow.state))])

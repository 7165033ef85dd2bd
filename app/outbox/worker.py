"""The outbox worker: threads that dispatch due items and run periodic tasks.

One thread asks the database four times a second which lanes have items due, by one statement on a
connection that it keeps, and wakes those alone.

Any number of processes may run one, because a claim on an item is a lease.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from app.infra.database.writer import NotCommitted, Writer
from app.infra.stalls import Pulse
from app.outbox import queue
from app.outbox.circuit_breaker import OpenCircuit
from app.outbox.dispatcher import Dispatcher, LaneDispatcher
from app.outbox.handlers import Handler

log = structlog.get_logger()

# Short, because a person waits for the bot to hear of a sign-in; a poll is one indexed read.
POLL_SECONDS: Final = 0.25
# Between two steps of a task, which are short transactions: others commit meanwhile. At least; and
# as long as the step took, so that on a slow disk a task gets half of the writer's time at most.
PAUSE_SECONDS: Final = 0.01
# A task that has failed is run again when it is due, but a daily one does not wait for a day.
LONGEST_WAIT: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """A task that is run *every* so often; several processes may run it at the same time.

    What *perform* returns are its steps, if it has more than one; the worker pauses between them.
    """

    perform: Callable[[datetime], Iterable[object] | None]
    every: timedelta
    # The time from the start of the worker to the first run.
    after: timedelta = timedelta(0)


class Worker:
    """Dispatches each kind of items in threads of its own, so that none waits for another."""

    def __init__(
        self,
        writer: Writer,
        handlers: Mapping[str, Handler],
        clock: Callable[[], datetime],
        tasks: Sequence[PeriodicTask] = (),
    ) -> None:
        self._writer = writer
        self._dispatchers = [
            Dispatcher(kind, handler, writer, clock) for kind, handler in handlers.items()
        ]
        self._woken = {lane: threading.Event() for each in self._dispatchers for lane in each.lanes}
        self._polling = Pulse()
        self._clock = clock
        self._tasks = list(tasks)
        # Since when each task waits, and for how long.
        self._waits: dict[PeriodicTask, tuple[datetime, timedelta]] = {}

    @property
    def pulses(self) -> tuple[Pulse, ...]:
        """The pulses of the poll and of all lanes. A task may take its time, and has none."""
        return (self._polling, *(lane.pulse for lane in self._woken))

    def add_task(self, task: PeriodicTask) -> None:
        """Add *task*, before the worker runs."""
        self._tasks.append(task)

    def open_circuits(self) -> tuple[OpenCircuit, ...]:
        """Return the circuits of the targets that fail at present."""
        circuits = (dispatcher.circuit() for dispatcher in self._dispatchers)
        return tuple(circuit for circuit in circuits if circuit is not None)

    def run(self, stop: threading.Event) -> None:
        """Work until *stop* is set; tries that have begun are finished."""
        steps = (partial(self._run_if_due, task, stop) for task in self._tasks)
        threads = [threading.Thread(target=_repeat, args=(step, stop)) for step in steps]
        threads.append(threading.Thread(target=self._poll, args=(stop,)))
        threads += [
            threading.Thread(target=_run_lane, args=(lane, woken, stop))
            for lane, woken in self._woken.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def run_once(self) -> bool:
        """Run the tasks and dispatch the items that are due; return whether any item was."""
        for task in self._tasks:
            self._run_if_due(task)
        were_due = [dispatcher.run_once() for dispatcher in self._dispatchers]
        return any(were_due)

    def _poll(self, stop: threading.Event) -> None:
        try:
            _repeat(self._wake_due, stop)
        finally:
            self._polling.rest()
            self._writer.end_poll()

    def _wake_due(self) -> bool:
        """Wake the lanes that have items due."""
        self._polling.beat()
        keys = [lane.key for lane in self._woken]
        due = self._writer.poll(partial(queue.lanes_due, lanes=keys, at=self._clock()))
        for lane, woken in self._woken.items():
            if lane.key in due:
                woken.set()
        return False

    def _run_if_due(self, task: PeriodicTask, stop: threading.Event | None = None) -> bool:
        at = self._clock()
        since, wait = self._waits.setdefault(task, (at, task.after))
        # In both directions: a clock that was set back must not end the task.
        if abs(at - since) < wait:
            return False
        # Before it is run: one that fails would else begin again at once, and again.
        self._waits[task] = at, min(task.every, LONGEST_WAIT)
        run_paced(task.perform(at) or (), stop)
        self._waits[task] = at, task.every
        return False


def run_paced(
    steps: Iterable[object],
    stop: threading.Event | None,
    seconds: Callable[[], float] = time.monotonic,
) -> None:
    """Run *steps* with pauses until *stop* is set; without pauses if there is no *stop*."""
    begun = seconds()
    for _ in steps:
        if stop is not None and stop.wait(max(PAUSE_SECONDS, seconds() - begun)):
            return
        begun = seconds()


def _run_lane(lane: LaneDispatcher, woken: threading.Event, stop: threading.Event) -> None:
    """Run *lane* until *stop* is set, whatever happens to the database meanwhile."""

    def run() -> bool:
        lane.run(woken, stop)
        return False

    _repeat(run, stop)
    # Also where the database has ended the last run: else a bot would get again what it has taken.
    _is_busy(lane.finish)
    lane.pulse.rest()


def _repeat(step: Callable[[], bool], stop: threading.Event) -> None:
    """Call *step* until *stop* is set, with a pause whenever it found nothing to do."""
    while not stop.is_set():
        if not _is_busy(step):
            stop.wait(POLL_SECONDS)


def _is_busy(step: Callable[[], bool]) -> bool:
    """Return what *step* returns, False if it fails."""
    try:
        return step()
    except NotCommitted:
        log.warning("worker.database_away")
    except Exception:
        # A defect must not end the worker; a claim that it leaves behind is due again later.
        log.exception("worker.fault")
    return False

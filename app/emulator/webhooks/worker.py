"""The background thread: jobs in order, and between them whatever has become due."""

import logging
import queue
import threading
from collections.abc import Callable

from app.emulator.clock import Clock
from app.emulator.webhooks.schedule import Schedule, ScheduledDelivery

_log = logging.getLogger(__name__)
Job = Callable[[], None]


class Worker:
    """Runs jobs one after the other; its thread starts with the first."""

    def __init__(self, schedule: Schedule, clock: Clock) -> None:
        self._schedule = schedule
        self._clock = clock
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def put(self, job: Job) -> None:
        """Run *job* behind those that wait already."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True, name="dispatcher")
                self._thread.start()
        self._jobs.put(job)

    def add(self, due: ScheduledDelivery) -> None:
        """Run *due* once its moment has come."""
        self._schedule.add(due)
        # Whoever waits for a later moment must look again.
        self.put(_look_again)

    def settle(self) -> None:
        """Return when no job waits."""
        self._jobs.join()

    def close(self) -> None:
        """Let the thread end once it has done what waits; does not wait for it."""
        with self._lock:
            if self._thread is not None:
                self._jobs.put(None)

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=self._seconds_to_next())
            except queue.Empty:
                self._run(_look_again)
                continue
            try:
                if job is None:
                    return
                self._run(job)
            finally:
                self._jobs.task_done()

    def _run(self, job: Job) -> None:
        try:
            job()
            while (due := self._schedule.pop_due(self._clock())) is not None:
                due.run(due)
        except Exception:  # noqa: BLE001 - one that goes wrong in here must not end all others
            _log.exception("a delivery went wrong inside the emulator")

    def _seconds_to_next(self) -> float | None:
        at = self._schedule.next_at()
        return None if at is None else max((at - self._clock()).total_seconds(), 0.01)


def _look_again() -> None:
    """Do nothing: what has become due is looked for after every job."""

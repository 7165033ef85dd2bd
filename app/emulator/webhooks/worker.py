"""The background thread: runs jobs in order, and scheduled deliveries as they fall due."""

import logging
import queue
import threading
from collections.abc import Callable

from app.emulator.clock import Clock
from app.emulator.webhooks.schedule import Schedule, ScheduledDelivery

_log = logging.getLogger(__name__)
Job = Callable[[], None]


class Worker:
    """Runs jobs one after the other; the thread starts with the first."""

    def __init__(self, schedule: Schedule, clock: Clock) -> None:
        self._schedule = schedule
        self._clock = clock
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def enqueue(self, job: Job) -> None:
        """Run *job* after those that are queued already."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True, name="webhooks")
                self._thread.start()
        self._jobs.put(job)

    def schedule(self, delivery: ScheduledDelivery) -> None:
        """Run *delivery* when it is due."""
        self._schedule.add(delivery)
        # A thread that waits for a later delivery must look at the schedule again.
        self.enqueue(_wake_up)

    def settle(self) -> None:
        """Wait until the queue is empty."""
        self._jobs.join()

    def close(self) -> None:
        """Stop the thread once the queue is empty; does not wait for it."""
        with self._lock:
            if self._thread is not None:
                self._jobs.put(None)

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=self._seconds_to_next())
            except queue.Empty:
                self._run(_wake_up)
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
            while (delivery := self._schedule.pop_due(self._clock())) is not None:
                delivery.run(delivery)
        except Exception:  # noqa: BLE001 - one failed job must not end the thread
            _log.exception("a delivery failed inside the emulator")

    def _seconds_to_next(self) -> float | None:
        at = self._schedule.next_at()
        return None if at is None else max((at - self._clock()).total_seconds(), 0.01)


def _wake_up() -> None:
    """Do nothing: the worker looks at the schedule after every job."""

"""The loop that does what commits have asked for. Any number may run; a claim is a lease."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from app.infra.database.writer import NotCommitted, Writer
from app.outbox.dispatcher import Dispatcher
from app.outbox.handlers import Handler

log = structlog.get_logger()

# A person waits for the bot; to ask costs one indexed read.
POLL_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """Something to do *every* so often; that two do it at once does no harm."""

    perform: Callable[[datetime], None]
    every: timedelta
    # How long after the start it is done first.
    after: timedelta = timedelta(0)


class Worker:
    """Does what is due, each kind in a thread of its own, so that none waits for another."""

    def __init__(
        self,
        writer: Writer,
        duties: Mapping[str, Handler],
        clock: Callable[[], datetime],
        chores: Sequence[PeriodicTask] = (),
    ) -> None:
        self._lanes = [Dispatcher(kind, duty, writer, clock) for kind, duty in duties.items()]
        self._clock = clock
        self._chores = chores
        self._done_at: dict[PeriodicTask, datetime] = {}

    def run(self, stop: threading.Event) -> None:
        """Work until *stop* is set; what is being done then is finished."""
        chores = [partial(self._tidy, chore) for chore in self._chores]
        steps = [*chores, *(lane.run_once for lane in self._lanes)]
        threads = [threading.Thread(target=_repeat, args=(step, stop)) for step in steps]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def run_once(self) -> bool:
        """Do what is due now; return whether there was anything."""
        for chore in self._chores:
            self._tidy(chore)
        done = [lane.run_once() for lane in self._lanes]
        return any(done)

    def _tidy(self, chore: PeriodicTask) -> bool:
        at = self._clock()
        # Either way: a clock that was put back must not end the sweeping.
        done_at = self._done_at.setdefault(chore, at - chore.every + chore.after)
        if abs(at - done_at) >= chore.every:
            chore.perform(at)
            self._done_at[chore] = at
        return False


def _repeat(step: Callable[[], bool], stop: threading.Event) -> None:
    """Do *step* over and over until *stop* is set, with a pause whenever it had nothing to do."""
    while not stop.is_set():
        try:
            is_busy = step()
        except NotCommitted:
            log.warning("worker.database_away")
            is_busy = False
        except Exception:
            # A fault of ours must not end the work of days; nothing that was claimed is lost.
            log.exception("worker.fault")
            is_busy = False
        if not is_busy:
            stop.wait(POLL_SECONDS)

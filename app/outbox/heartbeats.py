"""Worker heartbeats and the result of the daily check at Meta, stored for any process to report.

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.outbox.models import WorkerRow

HEARTBEAT_INTERVAL: Final = timedelta(seconds=15)
# Three heartbeats in a row may fail before a worker counts as missing.
ALIVE_WITHIN: Final = timedelta(seconds=60)
# Longer than the time from one check at Meta to the next.
KEPT: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class WorkersStatus:
    """The number of workers alive, the last heartbeat of any, and the last check at Meta.

    *faults* is the number that the check found; None if no check has been recorded.
    """

    alive: int
    beat_at: datetime | None
    faults: int | None


def record_heartbeat(session: Session, worker_id: str, *, at: datetime) -> None:
    """Record that the worker is alive; delete workers that have been silent for days."""
    session.execute(
        # In both directions: a clock that was set back must not leave workers of the future.
        delete(WorkerRow).where((WorkerRow.beat_at < at - KEPT) | (WorkerRow.beat_at > at + KEPT))
    )
    session.merge(WorkerRow(id=worker_id, beat_at=at, stopped_at=None))


def record_stop(session: Session, worker_id: str, *, at: datetime) -> None:
    """Record that the worker stopped as asked; the result of its check at Meta is kept."""
    session.merge(WorkerRow(id=worker_id, beat_at=at, stopped_at=at))


def record_meta_check(session: Session, worker_id: str, faults: int, *, at: datetime) -> None:
    """Record the number of faults that the worker found at Meta."""
    session.merge(WorkerRow(id=worker_id, beat_at=at, looked_at=at, faults=faults))


def workers_status(session: Session, *, at: datetime) -> WorkersStatus:
    """Return the status of all workers at the time *at*."""
    workers = session.scalars(select(WorkerRow)).all()
    checks = [(row.looked_at, row.faults) for row in workers if row.looked_at is not None]
    return WorkersStatus(
        alive=sum(
            row.stopped_at is None and abs(at - row.beat_at) <= ALIVE_WITHIN for row in workers
        ),
        beat_at=max((row.beat_at for row in workers), default=None),
        faults=max(checks, key=lambda check: check[0])[1] if checks else None,
    )

"""Who works, and what they found at Meta: in the database, so that any process can tell of all.

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.outbox.models import WorkerRow

BEAT_EVERY: Final = timedelta(seconds=15)
# Three beats may fail in a row before anybody is alarmed.
ALIVE: Final = timedelta(seconds=60)
# Longer than from one look at Meta's side to the next.
KEPT: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class WorkersStatus:
    """All workers there are: how many live, when one was last heard, what the last look found."""

    alive: int
    beat_at: datetime | None
    faults: int | None


def beat(session: Session, worker_id: str, *, at: datetime) -> None:
    """Note that the worker lives; forget those of whom nothing has been heard for days."""
    session.execute(
        # Either way: a clock that was put back must not leave ghosts.
        delete(WorkerRow).where((WorkerRow.beat_at < at - KEPT) | (WorkerRow.beat_at > at + KEPT))
    )
    session.merge(WorkerRow(id=worker_id, beat_at=at, stopped_at=None))


def stop(session: Session, worker_id: str, *, at: datetime) -> None:
    """Note that the worker has ended by itself; what it found stands until somebody looks again."""
    session.merge(WorkerRow(id=worker_id, beat_at=at, stopped_at=at))


def record_meta_check(session: Session, worker_id: str, faults: int, *, at: datetime) -> None:
    """Note how much the worker found wrong at Meta."""
    session.merge(WorkerRow(id=worker_id, beat_at=at, looked_at=at, faults=faults))


def workers_status(session: Session, *, at: datetime) -> WorkersStatus:
    """Return how the workers stand."""
    known = session.scalars(select(WorkerRow)).all()
    looks = [(one.looked_at, one.faults) for one in known if one.looked_at is not None]
    return WorkersStatus(
        alive=sum(one.stopped_at is None and abs(at - one.beat_at) <= ALIVE for one in known),
        beat_at=max((one.beat_at for one in known), default=None),
        faults=max(looks, key=lambda look: look[0])[1] if looks else None,
    )

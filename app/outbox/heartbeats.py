"""Worker heartbeats and the result of the daily check at Meta, stored for any process to report.

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from app.infra.database.engine import insert_into
from app.infra.database.portions import PORTION, Cleanup
from app.outbox.circuit_breaker import Cause, OpenCircuit
from app.outbox.models import UNSYNCHRONIZED, WorkerRow

HEARTBEAT_INTERVAL: Final = timedelta(seconds=15)
# Three heartbeats in a row may fail before a worker counts as missing.
ALIVE_WITHIN: Final = timedelta(seconds=60)
# A worker that was killed is usually back by then; after a day nobody waits for it.
MISSED_AFTER: Final = timedelta(minutes=5)
MISSED_FOR: Final = timedelta(days=1)
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


def record_heartbeat(
    session: Session,
    worker_id: str,
    circuits: Sequence[OpenCircuit] = (),
    *,
    started_at: datetime | None = None,
    at: datetime,
) -> None:
    """Record that the worker is alive since *started_at*, and the *circuits* open in it."""
    told = json.dumps([[c.kind, c.since.isoformat(), c.cause.name, c.failure] for c in circuits])
    began = {} if started_at is None else {"started_at": started_at}
    _record(session, id=worker_id, beat_at=at, stopped_at=None, circuits=told, **began)


def record_stop(session: Session, worker_id: str, *, at: datetime) -> None:
    """Record that the worker stopped as asked; the result of its check at Meta is kept."""
    _record(session, id=worker_id, beat_at=at, stopped_at=at)


def record_meta_check(session: Session, worker_id: str, faults: int, *, at: datetime) -> None:
    """Record the number of faults that the worker found at Meta."""
    _record(session, id=worker_id, beat_at=at, looked_at=at, faults=faults)


def _record(session: Session, **values: object) -> None:
    new = insert_into(session.get_bind().dialect.name, WorkerRow).values(**values)
    changed = {name: new.excluded[name] for name in values if name != "id"}
    session.execute(new.on_conflict_do_update(index_elements=["id"], set_=changed))


def silent(at: datetime) -> Cleanup[str]:
    """Return what deletes the workers that have been silent for days."""
    # In both directions: a clock that was set back must not leave workers of the future.
    are_silent = (WorkerRow.beat_at < at - KEPT) | (WorkerRow.beat_at > at + KEPT)

    def find(session: Session, _: str | None) -> Sequence[str]:
        return session.scalars(select(WorkerRow.id).where(are_silent).limit(PORTION)).all()

    def forget(session: Session, ids: Sequence[str]) -> int:
        rows = delete(WorkerRow).where(WorkerRow.id.in_(ids), are_silent).returning(WorkerRow.id)
        return len(session.scalars(rows, execution_options=UNSYNCHRONIZED).all())

    return Cleanup(find, forget)


def workers_status(session: Session, *, at: datetime) -> WorkersStatus:
    """Return the status of all workers at the time *at*."""
    # Each by its index, not as rows: there may be one of each few seconds of two days.
    alive = select(func.count()).select_from(WorkerRow).where(_is_alive(at)).scalar_subquery()
    last_beat = select(func.max(WorkerRow.beat_at)).scalar_subquery()
    alive, beat_at = session.execute(select(alive, last_beat)).one()
    last_check = select(WorkerRow.faults).where(WorkerRow.looked_at.is_not(None))
    faults = session.scalar(last_check.order_by(WorkerRow.looked_at.desc()).limit(1))
    return WorkersStatus(alive, beat_at, faults)


def silent_since(session: Session, *, at: datetime) -> datetime | None:
    """Return the last heartbeat of a worker that nobody stopped and that none has replaced.

    None if there is no such worker. One replaces it that has begun since, and is alive.
    """
    silent = (WorkerRow.beat_at < at - MISSED_AFTER) & (WorkerRow.beat_at > at - MISSED_FOR)
    last = session.scalar(
        select(func.max(WorkerRow.beat_at)).where(silent, WorkerRow.stopped_at.is_(None))
    )
    began = session.scalar(select(func.max(WorkerRow.started_at)).where(_is_alive(at)))
    return None if last is None or (began is not None and began >= last) else last


def open_circuits(session: Session, *, at: datetime) -> tuple[OpenCircuit, ...]:
    """Return the circuits that are open in workers alive at the time *at*, one of each kind.

    They are as old as the last heartbeat. Of several workers the one that fails longest speaks.
    """
    told = select(WorkerRow.circuits).where(_is_alive(at), WorkerRow.circuits != "[]")
    circuits = [
        _circuit(*fields) for row in session.scalars(told) for fields in json.loads(row or "[]")
    ]
    circuits.sort(key=lambda circuit: circuit.since, reverse=True)
    return tuple({circuit.kind: circuit for circuit in circuits}.values())


def _circuit(kind: str, since: str, cause: str, failure: str) -> OpenCircuit:
    # A worker of a later version may know more causes.
    known = Cause.__members__.get(cause, Cause.REFUSED)
    return OpenCircuit(kind, datetime.fromisoformat(since), known, failure)


def _is_alive(at: datetime) -> ColumnElement[bool]:
    return WorkerRow.stopped_at.is_(None) & WorkerRow.beat_at.between(
        at - ALIVE_WITHIN, at + ALIVE_WITHIN
    )

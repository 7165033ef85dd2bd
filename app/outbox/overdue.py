"""The items that wait for too long, and why: for /readyz, the log and `threadlink doctor`.

A retry that waits for its time is not overdue: a bot may refuse a kind of delivery for ever, and
take everything else. Nothing here commits, and every function may be run twice by `Writer.write`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from app.outbox import heartbeats, inspection
from app.outbox.circuit_breaker import Cause, OpenCircuit
from app.outbox.heartbeats import WorkersStatus
from app.outbox.inspection import LATE_AFTER, QueueStats
from app.outbox.queue import Lane, LaneKey

NO_WORKER: Final = "no worker runs"
_CAUSES: Final = {
    Cause.PART: "it answers, and refuses what is asked",
    Cause.REFUSED: "it refuses everything",
    Cause.BUSY: "it asks to be left alone for a while",
    Cause.UNREACHABLE: "there is no connection to it",
    Cause.GONE: "it says that it wants no more",
}


@dataclass(frozen=True, slots=True)
class Overdue:
    """Items of one kind that should have been tried or taken *since* then; *why* fits logs."""

    kind: str
    since: datetime
    why: str


def overdue(session: Session, *, at: datetime) -> tuple[Overdue, ...]:
    """Return the kinds with items that are overdue at the time *at*, by a few index look-ups."""
    firsts = {
        kind: [inspection.first_due(session, LaneKey(kind, lane)) for lane in Lane]
        for kind in inspection.waiting_kinds(session)
    }
    circuits = heartbeats.open_circuits(session, at=at) if firsts else ()
    workers = heartbeats.workers_status(session, at=at) if firsts else None
    return _late(firsts, circuits, is_alive=bool(workers and workers.alive), at=at)


def overdue_among(
    queues: Iterable[QueueStats],
    circuits: Iterable[OpenCircuit],
    workers: WorkersStatus,
    *,
    at: datetime,
) -> tuple[Overdue, ...]:
    """Return the same of what has been read already."""
    firsts: defaultdict[str, list[datetime | None]] = defaultdict(list)
    for queue in queues:
        if queue.lane is not None:
            is_fresh = queue.lane is Lane.FRESH
            firsts[queue.kind].append(queue.oldest_at if is_fresh else queue.next_try_at)
    return _late(firsts, circuits, is_alive=bool(workers.alive), at=at)


def describe(circuit: OpenCircuit) -> str:
    """Return why a target takes nothing, in words."""
    return f"{_CAUSES[circuit.cause]} ({circuit.failure})"


def _late(
    firsts: Mapping[str, Sequence[datetime | None]],
    circuits: Iterable[OpenCircuit],
    *,
    is_alive: bool,
    at: datetime,
) -> tuple[Overdue, ...]:
    """Return the kinds that are late, by the times at which something of them was first due."""
    by_kind = {circuit.kind: circuit for circuit in circuits}
    found = []
    for kind, due in firsts.items():
        circuit = by_kind.get(kind)
        times = [*due, circuit.since if circuit else None]
        late = [time for time in times if time is not None and at - time > LATE_AFTER]
        if late:
            found.append(Overdue(kind, min(late), _why(circuit, is_alive=is_alive)))
    return tuple(found)


def _why(circuit: OpenCircuit | None, *, is_alive: bool) -> str:
    if circuit is not None:
        return f"the target takes nothing: {describe(circuit)}"
    return "the worker has more to do than it can" if is_alive else NO_WORKER

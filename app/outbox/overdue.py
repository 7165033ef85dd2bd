"""The items that wait for too long, and why: for /readyz, the log and `threadlink doctor`.

A retry that waits for its time is not overdue: a bot may refuse a kind of delivery for ever, and
take everything else. Nothing here commits, and every function may be run twice by `Writer.write`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from app.outbox import heartbeats, inspection
from app.outbox.circuit_breaker import Cause, OpenCircuit
from app.outbox.inspection import LATE_AFTER
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
    circuits = {circuit.kind: circuit for circuit in heartbeats.open_circuits(session, at=at)}
    found = []
    for kind in inspection.waiting_kinds(session):
        circuit = circuits.get(kind)
        firsts = [inspection.first_due(session, LaneKey(kind, lane)) for lane in Lane]
        times = [*firsts, circuit.since if circuit else None]
        late = [time for time in times if time is not None and at - time > LATE_AFTER]
        if late:
            found.append(Overdue(kind, min(late), _why(session, circuit, at)))
    return tuple(found)


def describe(circuit: OpenCircuit) -> str:
    """Return why a target takes nothing, in words."""
    return f"{_CAUSES[circuit.cause]} ({circuit.failure})"


def _why(session: Session, circuit: OpenCircuit | None, at: datetime) -> str:
    if circuit is not None:
        return f"the target takes nothing: {describe(circuit)}"
    if not heartbeats.workers_status(session, at=at).alive:
        return NO_WORKER
    return "the worker has more to do than it can"

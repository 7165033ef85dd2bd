"""What is kept of the outbox, and for how long (design §4); what waits, for the operator to see.

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.infra.settings.retention import Retention
from app.outbox.bot_webhooks import DELIVERY, NOTICE
from app.outbox.models import Outgoing

log = structlog.get_logger()

# A repeat of Messenger's, or of a change, comes sooner or not at all.
DONE_KEPT: Final = timedelta(hours=1)
# security.md R100.
LATE: Final = timedelta(minutes=5)
# How far the clocks of several machines may differ.
SKEW: Final = timedelta(minutes=1)

_UNSYNCED: Final[dict[str, Any]] = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Queue:
    """How much of one kind is in one state; *oldest_at* is when the oldest of it was made."""

    kind: str
    state: str
    count: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found: deliveries that the bot will never get, and queues that are late."""

    dropped: int
    late: tuple[Queue, ...]


def queues(session: Session) -> tuple[Queue, ...]:
    """Return what waits and what is dead, by kind."""
    rows = session.execute(
        select(Outgoing.kind, Outgoing.state, func.count(), func.min(Outgoing.created_at))
        .where(Outgoing.state != "done")
        .group_by(Outgoing.kind, Outgoing.state)
        .order_by(Outgoing.kind, Outgoing.state)
    )
    return tuple(Queue(*row) for row in rows)


def sweep(session: Session, *, keep: Retention, at: datetime) -> Swept:
    """Remove what has been kept long enough; return what the operator should hear of."""
    done = (Outgoing.state == "done") & (Outgoing.not_before <= at - DONE_KEPT)
    old = Outgoing.created_at <= at - keep.dead_letters
    over = old & ((Outgoing.state == "dead") | (Outgoing.kind == NOTICE))
    session.execute(delete(Outgoing).where(done | over), execution_options=_UNSYNCED)
    _bring_to_the_present(session, at=at)
    dropped = drop_deliveries(session, keep=keep, at=at)
    waiting = (queue for queue in queues(session) if queue.state == "waiting")
    return Swept(dropped, tuple(queue for queue in waiting if queue.oldest_at < at - LATE))


def _bring_to_the_present(session: Session, *, at: datetime) -> None:
    """Have what a clock wrote that was put back since be due now, and not when that time comes."""
    ahead = (Outgoing.state == "waiting") & (Outgoing.created_at > at + SKEW)
    present = update(Outgoing).where(ahead).values(created_at=at, not_before=at)
    session.execute(present, execution_options=_UNSYNCED)


def report(swept: Swept, *, at: datetime) -> None:
    """Tell the operator what was lost, and what is late."""
    if swept.dropped:
        log.error("outbox.deliveries_dropped", count=swept.dropped)
    for queue in swept.late:
        minutes = int((at - queue.oldest_at).total_seconds() // 60)
        log.warning("outbox.late", kind=queue.kind, count=queue.count, minutes=minutes)


def drop_deliveries(session: Session, *, keep: Retention, at: datetime) -> int:
    """Drop the deliveries that are too old, and the oldest of too many; return how many."""
    kept = (Outgoing.kind == DELIVERY) & (Outgoing.state.in_(["waiting", "dead"]))
    too_old = delete(Outgoing).where(kept, Outgoing.created_at <= at - keep.deliveries)
    newer = func.sum(func.length(Outgoing.body)).over(order_by=Outgoing.id.desc())
    sized = select(Outgoing.id, newer.label("bytes")).where(kept).subquery()
    beyond = select(sized.c.id).where(sized.c.bytes > keep.deliveries_bytes)
    too_many = delete(Outgoing).where(Outgoing.id.in_(beyond))
    gone = (
        session.scalars(statement.returning(Outgoing.id), execution_options=_UNSYNCED).all()
        for statement in (too_old, too_many)
    )
    return sum(len(ids) for ids in gone)

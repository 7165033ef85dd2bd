"""Retention of outbox rows: deletes what has been kept long enough, and reports what was lost.

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.infra.settings.retention import Retention
from app.outbox.bot_webhooks import DELIVERY, NOTICE
from app.outbox.inspection import LATE_AFTER, QueueStats, queue_stats
from app.outbox.models import UNSYNCHRONIZED, OutboxRow

log = structlog.get_logger()

# The digest of a done item, by which a repeat is recognised; Messenger repeats within this time.
DONE_KEPT: Final = timedelta(hours=1)
# The clocks of several machines may differ by this much.
CLOCK_SKEW: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SweepResult:
    """The number of deliveries *dropped*, which the bot never gets, and the *late* queues."""

    dropped: int
    late: tuple[QueueStats, ...]


def sweep(session: Session, *, retention: Retention, at: datetime) -> SweepResult:
    """Delete rows past their retention; return what the operator should know of."""
    done = (OutboxRow.state == "done") & (OutboxRow.not_before <= at - DONE_KEPT)
    old = OutboxRow.created_at <= at - retention.dead_letters
    expired = old & ((OutboxRow.state == "dead") | (OutboxRow.kind == NOTICE))
    session.execute(delete(OutboxRow).where(done | expired), execution_options=UNSYNCHRONIZED)
    _make_future_items_due(session, at=at)
    dropped = drop_deliveries(session, retention=retention, at=at)
    waiting = (stats for stats in queue_stats(session) if stats.state == "waiting")
    return SweepResult(
        dropped, tuple(stats for stats in waiting if stats.oldest_at < at - LATE_AFTER)
    )


def drop_deliveries(session: Session, *, retention: Retention, at: datetime) -> int:
    """Drop deliveries that are too old, then the oldest beyond the size limit; return how many."""
    kept = (OutboxRow.kind == DELIVERY) & (OutboxRow.state.in_(["waiting", "dead"]))
    too_old = delete(OutboxRow).where(kept, OutboxRow.created_at <= at - retention.deliveries)
    running_total = func.sum(func.length(OutboxRow.body)).over(order_by=OutboxRow.id.desc())
    sized = select(OutboxRow.id, running_total.label("bytes")).where(kept).subquery()
    beyond = select(sized.c.id).where(sized.c.bytes > retention.deliveries_bytes)
    too_many = delete(OutboxRow).where(OutboxRow.id.in_(beyond))
    dropped = (
        session.scalars(statement.returning(OutboxRow.id), execution_options=UNSYNCHRONIZED).all()
        for statement in (too_old, too_many)
    )
    return sum(len(ids) for ids in dropped)


def report(result: SweepResult, *, at: datetime) -> None:
    """Log deliveries that were dropped, and queues that are late."""
    if result.dropped:
        log.error("outbox.deliveries_dropped", count=result.dropped)
    for stats in result.late:
        minutes = int((at - stats.oldest_at).total_seconds() // 60)
        log.warning("outbox.late", kind=stats.kind, count=stats.count, minutes=minutes)


def _make_future_items_due(session: Session, *, at: datetime) -> None:
    """Make items due that were created in the future, before the clock was set back (R123)."""
    ahead = (OutboxRow.state == "waiting") & (OutboxRow.created_at > at + CLOCK_SKEW)
    due_now = update(OutboxRow).where(ahead).values(created_at=at, not_before=at)
    session.execute(due_now, execution_options=UNSYNCHRONIZED)

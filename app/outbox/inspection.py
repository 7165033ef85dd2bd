"""Inspection of the outbox for operators: queue figures, waiting items, dead letters, and replay.

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Select, func, select, tuple_, update
from sqlalchemy.orm import Session

from app.outbox.models import KEPT, UNSYNCHRONIZED, OutboxRow

# An item that has waited longer is worth an alarm (R100).
LATE_AFTER: Final = timedelta(minutes=5)
# Figures that are asked for again and again count no further: some milliseconds.
COUNTED_UP_TO: Final = 100_000


@dataclass(frozen=True, slots=True)
class OldestItem:
    """The oldest item of one queue, which is one kind in one state; *at* is its creation time."""

    kind: str
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class QueueStats:
    """The number of items of one kind in one state, and the creation time of the oldest."""

    kind: str
    state: str
    count: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """An item that waits to be done, or a dead letter."""

    id: int
    kind: str
    state: str
    tries: int
    created_at: datetime
    not_before: datetime
    failure: str | None
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFilter:
    """Conditions on items; None leaves a condition out. *until* is exclusive."""

    kind: str | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def oldest_items(session: Session) -> tuple[OldestItem, ...]:
    """Return the oldest item of each queue, by as many index look-ups as there are queues."""
    found: list[OldestItem] = []
    while row := session.execute(_first_behind(found[-1] if found else None)).first():
        found.append(OldestItem(row.kind, row.state, row.created_at))
    return tuple(found)


def oldest_waiting(session: Session) -> datetime | None:
    """Return the creation time of the oldest item that waits, None where none does."""
    waiting = (item.at for item in oldest_items(session) if item.state == "waiting")
    return min(waiting, default=None)


def count_items(session: Session, *, of: OldestItem, most: int | None) -> int:
    """Return the number of items in the queue of *of*, counted up to *most*."""
    items = select(OutboxRow.id).where(KEPT, OutboxRow.kind == of.kind, OutboxRow.state == of.state)
    return session.scalar(select(func.count()).select_from(items.limit(most).subquery())) or 0


def queue_stats(session: Session, *, most: int | None = None) -> tuple[QueueStats, ...]:
    """Return the figures of waiting items and of dead letters, by kind; counted up to *most*."""
    return tuple(
        QueueStats(item.kind, item.state, count_items(session, of=item, most=most), item.at)
        for item in oldest_items(session)
    )


def _first_behind(last: OldestItem | None) -> Select[str, str, datetime]:
    queue = (OutboxRow.kind, OutboxRow.state)
    rows = select(*queue, OutboxRow.created_at).where(KEPT)
    if last is not None:
        rows = rows.where(tuple_(*queue) > (last.kind, last.state))
    return rows.order_by(*queue, OutboxRow.created_at).limit(1)


def list_items(
    session: Session, wanted: ItemFilter, *, after: int, limit: int
) -> tuple[OutboxItem, ...]:
    """Return up to *limit* items that match *wanted*, with ids above *after*, oldest first."""
    query = select(OutboxRow).where(OutboxRow.state != "done", OutboxRow.id > after)
    if wanted.kind is not None:
        query = query.where(OutboxRow.kind == wanted.kind)
    if wanted.state is not None:
        query = query.where(OutboxRow.state == wanted.state)
    if wanted.since is not None:
        query = query.where(OutboxRow.created_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(OutboxRow.created_at < wanted.until)
    rows = session.scalars(query.order_by(OutboxRow.id).limit(limit))
    return tuple(_item(row) for row in rows)


def owed(session: Session, kind: str, body: bytes) -> tuple[OutboxItem, ...]:
    """Return the items of *kind* with exactly this *body*, waiting or dead, oldest first."""
    of_kind = (KEPT, OutboxRow.kind == kind, OutboxRow.state.in_(("waiting", "dead")))
    rows = select(OutboxRow).where(*of_kind, OutboxRow.body == body).order_by(OutboxRow.id)
    return tuple(map(_item, session.scalars(rows)))


def about(session: Session, reference: str) -> tuple[OutboxItem, ...]:
    """Return the items about the attempt of *reference*, also those done within the hour."""
    rows = select(OutboxRow).where(OutboxRow.reference == reference).order_by(OutboxRow.id)
    return tuple(map(_item, session.scalars(rows)))


def find(session: Session, item_id: int) -> OutboxItem | None:
    """Return the item *item_id*, or None if there is none or it has been done."""
    row = session.get(OutboxRow, item_id)
    return _item(row) if row is not None and row.state != "done" else None


def replay(session: Session, item_id: int, *, at: datetime) -> bool:
    """Make the item *item_id* due at once, with all its retries anew; return whether it exists.

    A worker that is trying it at this moment loses its claim.
    """
    row = update(OutboxRow).where(OutboxRow.id == item_id, OutboxRow.state != "done")
    row = row.values(state="waiting", tries=0, not_before=at, failure=None)
    replayed = session.execute(row.returning(OutboxRow.id), execution_options=UNSYNCHRONIZED)
    return replayed.one_or_none() is not None


def _item(row: OutboxRow) -> OutboxItem:
    return OutboxItem(
        id=row.id,
        kind=row.kind,
        state=row.state,
        tries=row.tries,
        created_at=row.created_at,
        not_before=row.not_before,
        failure=row.failure,
        body=row.body,
    )

"""Inspection of the outbox for operators: queue figures, waiting items, dead letters, and replay.

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import Select, func, select, tuple_, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.outbox.models import KEPT, UNSYNCHRONIZED, OutboxRow
from app.outbox.queue import Lane, LaneKey, waiting_in

T = TypeVar("T")

# An item that has waited longer is worth an alarm (R100).
LATE_AFTER: Final = timedelta(minutes=5)
# Figures that are asked for again and again count no further: some milliseconds.
COUNTED_UP_TO: Final = 10_000
# Later than every item.
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class OldestItem:
    """The oldest item of one queue, which is one kind in one state; *at* is its creation time."""

    kind: str
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class QueueStats:
    """The number of items of one kind in one state, and the creation time of the oldest.

    Those that wait are in two lanes; of those that failed, *next_try_at* is the next that is due.
    """

    kind: str
    state: str
    lane: Lane | None
    count: int
    oldest_at: datetime
    next_try_at: datetime | None = None


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


def waiting_kinds(session: Session) -> tuple[str, ...]:
    """Return the kinds of which items wait."""
    return tuple(item.kind for item in oldest_items(session) if item.state == "waiting")


def first_due(session: Session, key: LaneKey) -> datetime | None:
    """Return since when the first item of a lane could be tried, or from when; None without any."""
    since = OutboxRow.created_at if key.lane is Lane.FRESH else OutboxRow.not_before
    return session.scalar(_in_lane(key, since).limit(1))


def count_items(session: Session, *, of: OldestItem, most: int | None) -> int:
    """Return the number of items in the queue of *of*, counted up to *most*."""
    items = _ids_in_state(of.kind, of.state).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(items)) or 0


def queue_stats(session: Session, *, most: int | None = None) -> tuple[QueueStats, ...]:
    """Return the figures of waiting items and of dead letters, by kind; counted up to *most*.

    With *most*, the oldest that failed is the oldest of as many as are counted.
    """
    return tuple(
        stats
        for item in oldest_items(session)
        for stats in (
            _lanes(session, item.kind, most)
            if item.state == "waiting"
            else [
                QueueStats(
                    item.kind, item.state, None, count_items(session, of=item, most=most), item.at
                )
            ]
        )
    )


def failures(session: Session, of: QueueStats, *, most: int) -> Mapping[str | None, int]:
    """Return how often each reason occurs among the first *most* items of a queue; often first.

    None is the reason of those that are being tried for the first time.
    """
    if of.lane is None:
        ids = _ids_in_state(of.kind, of.state).limit(most)
    else:
        ids = _in_lane(LaneKey(of.kind, of.lane), OutboxRow.id).limit(most)
    some = OutboxRow.id.in_(select(ids.subquery()))
    counts = select(OutboxRow.failure, func.count()).where(some).group_by(OutboxRow.failure)
    found = {row[0]: row[1] for row in session.execute(counts)}
    return dict(sorted(found.items(), key=lambda each: (-each[1], each[0] or "")))


def _lanes(session: Session, kind: str, most: int | None) -> Iterator[QueueStats]:
    for lane in Lane:
        key = LaneKey(kind, lane)
        some = _in_lane(key, OutboxRow.id).limit(most).subquery()
        count, oldest = session.execute(select(func.count(), func.min(some.c.id))).one()
        if not count:
            continue
        oldest_at = session.scalar(select(OutboxRow.created_at).where(OutboxRow.id == oldest))
        # It may have been done meanwhile.
        if oldest_at is not None:
            next_try_at = first_due(session, key) if lane is Lane.RETRIES else None
            yield QueueStats(kind, "waiting", lane, count, oldest_at, next_try_at)


def _in_lane(key: LaneKey, column: InstrumentedAttribute[T]) -> Select[T]:
    """Return *column* of the items of a lane, in the order in which they are tried."""
    is_fresh = key.lane is Lane.FRESH
    order = (OutboxRow.id,) if is_fresh else (OutboxRow.not_before, OutboxRow.id)
    return select(column).where(*waiting_in(key)).order_by(*order)


def _ids_in_state(kind: str, state: str) -> Select[int]:
    return select(OutboxRow.id).where(KEPT, OutboxRow.kind == kind, OutboxRow.state == state)


def _first_behind(last: OldestItem | None) -> Select[str, str, datetime]:
    item = (OutboxRow.kind, OutboxRow.state, OutboxRow.created_at)
    rows = select(*item).where(KEPT)
    if last is not None:
        # With the whole of the index's key: by a part of it SQLite begins at the first row that
        # has it, and reads all of that queue.
        rows = rows.where(tuple_(*item) > (last.kind, last.state, _NEVER))
    return rows.order_by(*item).limit(1)


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


def newest_items(
    session: Session, kind: str, state: str, *, before: tuple[datetime, int] | None, most: int
) -> tuple[OutboxItem, ...]:
    """Return up to *most* items of one queue, newest first, created before the item *before*."""
    of_queue = (KEPT, OutboxRow.kind == kind, OutboxRow.state == state)
    place = tuple_(OutboxRow.created_at, OutboxRow.id)
    rows = select(OutboxRow).where(*of_queue)
    if before is not None:
        rows = rows.where(place < before)
    rows = rows.order_by(OutboxRow.created_at.desc(), OutboxRow.id.desc()).limit(most)
    return tuple(_item(row) for row in session.scalars(rows))


def replay_some(session: Session, kind: str, *, most: int, at: datetime) -> int:
    """Replay up to *most* dead letters of *kind*, the oldest first; return how many."""
    ids = _ids_in_state(kind, "dead").order_by(OutboxRow.created_at).limit(most)
    return sum(replay(session, item_id, at=at) for item_id in session.scalars(ids).all())


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

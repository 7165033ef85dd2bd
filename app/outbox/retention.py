"""Retention of outbox rows: what is deleted, by age and by size, and how much of it was lost.

Every step is a short transaction of its own, of rows that were found by reading: see
`app.infra.database.portions`. The use cases here commit nothing, and may run twice.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy import ColumnElement, Select, TextClause, delete, select, update
from sqlalchemy.orm import Session

from app.infra.database.portions import PORTION, Cleanup, Transactions, in_portions
from app.infra.settings.retention import Retention
from app.outbox import dropped
from app.outbox.backlog_size import BacklogSize
from app.outbox.bot_webhooks import DELIVERY, NOTICE
from app.outbox.inspection import COUNTED_UP_TO, OldestItem, count_items, oldest_items
from app.outbox.models import DONE, KEPT, UNSYNCHRONIZED, OutboxRow
from app.outbox.operator_webhook import ALERT
from app.outbox.overdue import Overdue, overdue

log = structlog.get_logger()

# The digest of a done item, by which a repeat is recognised; Messenger repeats within this time.
DONE_KEPT: Final = timedelta(hours=1)
# The clocks of several machines may differ by this much.
CLOCK_SKEW: Final = timedelta(minutes=1)


class Sweeper:
    """Deletes rows past their retention, and reports what the operator should know of.

    A worker has one for as long as it runs.
    """

    def __init__(self, store: Transactions, retention: Retention) -> None:
        self._store, self._retention = store, retention
        self._size = BacklogSize()

    def sweep(self, at: datetime) -> Iterator[object]:
        """Do what is due at *at* in many short steps; the caller pauses after each."""
        oldest, late = self._store.read(partial(_look, at=at))
        self._report_late(oldest, late, at)
        yield from in_portions(self._store, *self._by_age(oldest, at))
        yield from self._by_size()
        self._report_dropped()
        done = Cleanup(partial(_done, at - DONE_KEPT), partial(_delete, which=DONE))
        yield from in_portions(self._store, done)

    def _by_age(self, queues: Sequence[OldestItem], at: datetime) -> Iterator[Cleanup[int]]:
        """Yield the clean-ups of queues with items that are too old, or in the future (R123)."""
        for oldest in queues:
            queue = (oldest.kind, oldest.state)
            if oldest.state == "waiting":
                yield Cleanup(partial(_ahead, queue, at + CLOCK_SKEW), partial(_make_due, at))
            until = _expiry(*queue, self._retention, at)
            if until is not None and oldest.at <= until:
                change = _drop if oldest.kind == DELIVERY else partial(_delete, which=KEPT)
                yield Cleanup(partial(_old, queue, until), change)

    def _by_size(self) -> Iterator[None]:
        """Drop the oldest deliveries while all together are larger than the operator allows."""
        yield from self._size.measure(self._store, self._retention.deliveries_bytes)
        for ids in self._size.beyond(self._store):
            self._store.write(partial(_drop, ids=ids))
            yield

    def _report_late(
        self, queues: Sequence[OldestItem], items: Sequence[Overdue], at: datetime
    ) -> None:
        late = {each.kind: each for each in items}
        for oldest in queues:
            if oldest.state == "waiting" and (each := late.get(oldest.kind)):
                count = self._store.read(partial(count_items, of=oldest, most=COUNTED_UP_TO))
                minutes = int((at - each.since).total_seconds() // 60)
                log.warning(
                    "outbox.late", kind=each.kind, count=count, minutes=minutes, why=each.why
                )

    def _report_dropped(self) -> None:
        """Log how many deliveries were dropped since the last report, by whichever process."""
        totals = self._store.read(dropped.totals)
        if totals.dropped > totals.reported:
            new = totals.dropped - totals.reported
            log.error("outbox.deliveries_dropped", count=new, total=totals.dropped)
            self._store.write(partial(dropped.mark_reported, told=totals))


def _look(session: Session, at: datetime) -> tuple[tuple[OldestItem, ...], tuple[Overdue, ...]]:
    """Return the oldest item of each queue, and what is overdue."""
    return oldest_items(session), overdue(session, at=at)


def _expiry(kind: str, state: str, retention: Retention, at: datetime) -> datetime | None:
    """Return the time up to which items of *kind* in *state* are deleted, None where none is."""
    if kind == DELIVERY:
        return at - retention.deliveries
    if kind in (NOTICE, ALERT) or state == "dead":
        return at - retention.dead_letters
    return None


def _ahead(
    queue: tuple[str, str], latest: datetime, session: Session, _: int | None
) -> Sequence[int]:
    return session.scalars(_of(queue, OutboxRow.created_at > latest)).all()


def _old(queue: tuple[str, str], until: datetime, session: Session, _: int | None) -> Sequence[int]:
    return session.scalars(_of(queue, OutboxRow.created_at <= until)).all()


def _of(queue: tuple[str, str], when: ColumnElement[bool]) -> Select[int]:
    kind, state = queue
    of_queue = (KEPT, OutboxRow.kind == kind, OutboxRow.state == state)
    rows = select(OutboxRow.id).where(*of_queue, when)
    return rows.order_by(OutboxRow.created_at).limit(PORTION)


def _done(until: datetime, session: Session, _: int | None) -> Sequence[int]:
    rows = select(OutboxRow.id).where(DONE, OutboxRow.not_before <= until)
    return session.scalars(rows.order_by(OutboxRow.not_before).limit(PORTION)).all()


def _delete(session: Session, ids: Sequence[int], *, which: TextClause) -> int:
    rows = delete(OutboxRow).where(OutboxRow.id.in_(ids), which).returning(OutboxRow.id)
    return len(session.scalars(rows, execution_options=UNSYNCHRONIZED).all())


def _drop(session: Session, ids: Sequence[int]) -> int:
    """Delete deliveries that the bot never gets, and count them."""
    number = _delete(session, ids, which=KEPT)
    dropped.add(session, number)
    return number


def _make_due(at: datetime, session: Session, ids: Sequence[int]) -> int:
    """Make items due that were created in the future, before the clock was set back (R123)."""
    ahead = update(OutboxRow).where(OutboxRow.id.in_(ids), KEPT)
    ahead = ahead.values(created_at=at, not_before=at).returning(OutboxRow.id)
    return len(session.scalars(ahead, execution_options=UNSYNCHRONIZED).all())

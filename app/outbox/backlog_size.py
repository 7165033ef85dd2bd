"""The size of the deliveries that wait, known without reading all of them at each turn.

A delivery pays nothing for it: no counter is changed and nothing more is stored. The worker reads
what has come since its last turn, which gives an upper bound, as items only ever leave. All are
read only when the bound passes the limit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.infra.database.portions import PORTION, Transactions
from app.outbox.bot_webhooks import DELIVERY
from app.outbox.models import KEPT, OutboxRow

# Rows that are read at once: some milliseconds, outside of the writer.
READ_AT_ONCE: Final = 5000
# All are read when the bound is above the limit by this part of it. At the limit, with a bot that
# takes nothing, that is once in 16 MiB of new deliveries.
SLACK: Final = 64


@dataclass(frozen=True, slots=True)
class _Part:
    """Some deliveries, one after the other: their number, the ids of both ends, their bytes."""

    count: int
    first: int
    last: int
    bytes: int


class BacklogSize:
    """The size of the deliveries that wait or are dead, as one worker knows it.

    PostgreSQL may show a row after one with a higher id. Such a row is not in the bound, which is
    as good without it, and is read and dropped as any other.
    """

    def __init__(self) -> None:
        self._seen_up_to = 0
        self._at_most = 0
        self._dropped_up_to = 0

    def measure(self, store: Transactions, limit: int) -> Iterator[None]:
        """Find the deliveries beyond *limit* bytes, the newest of which are kept; then `beyond`.

        It is read in parts; the caller may pause after each.
        """
        self._dropped_up_to = 0
        while True:
            start, part = store.read(partial(_newer, than=self._seen_up_to))
            if start < self._seen_up_to:
                self._at_most = 0
            self._seen_up_to = start if part is None else part.last
            if part is None:
                break
            self._at_most += part.bytes
            yield
        if self._at_most > limit + limit // SLACK:
            yield from self._measure_all(store, limit)

    def _measure_all(self, store: Transactions, limit: int) -> Iterator[None]:
        kept, before = 0, self._seen_up_to + 1
        while (part := store.read(partial(_older, than=before))) is not None:
            if kept + part.bytes > limit:
                for row_id, size in store.read(partial(_sizes, part=part)):
                    if kept + size > limit:
                        self._dropped_up_to = row_id
                        break
                    kept += size
                break
            kept, before = kept + part.bytes, part.first
            yield
        self._at_most = kept

    def beyond(self, store: Transactions) -> Iterator[Sequence[int]]:
        """Yield the ids beyond the limit, oldest first, as portions that are dropped at once."""
        last = 0
        while ids := store.read(partial(_ids, after=last, up_to=self._dropped_up_to)):
            yield ids
            last = ids[-1]


def _deliveries() -> Select[int, int]:
    # In the order of ids, which is that of the table: so the name is hidden from the indexes that
    # begin with it, or SQLite would sort all deliveries for each part.
    of_kind = OutboxRow.kind.concat("") == DELIVERY
    return select(OutboxRow.id, func.length(OutboxRow.body).label("size")).where(of_kind, KEPT)


def _newer(session: Session, *, than: int) -> tuple[int, _Part | None]:
    """Return the next deliveries after the id *than*, and the id after which they were looked for.

    At the start, with 0, that is the oldest delivery: what is done before it is not read.
    """
    last = session.scalar(select(func.max(OutboxRow.id))) or 0
    # SQLite gives the ids of rows that were deleted at the end to new rows.
    start = than if 0 < than <= last else _before_the_oldest(session, last)
    rows = _deliveries().where(OutboxRow.id > start).order_by(OutboxRow.id)
    return start, _part(session, rows)


def _before_the_oldest(session: Session, last: int) -> int:
    oldest = [
        select(OutboxRow.id)
        .where(KEPT, OutboxRow.kind == DELIVERY, OutboxRow.state == state)
        .order_by(OutboxRow.created_at)
        .limit(1)
        for state in ("waiting", "dead")
    ]
    return min([found - 1 for query in oldest if (found := session.scalar(query))], default=last)


def _older(session: Session, *, than: int) -> _Part | None:
    rows = _deliveries().where(OutboxRow.id < than).order_by(OutboxRow.id.desc())
    return _part(session, rows)


def _part(session: Session, rows: Select[int, int]) -> _Part | None:
    some = rows.limit(READ_AT_ONCE).subquery()
    first, last = func.min(some.c.id), func.max(some.c.id)
    row = session.execute(
        select(func.count(), first, last, func.sum(some.c.size)).select_from(some)
    )
    count, *rest = row.one()
    return _Part(count, *map(int, rest)) if count else None


def _sizes(session: Session, *, part: _Part) -> Sequence[tuple[int, int]]:
    """Return id and size of the deliveries in *part*, the newest first."""
    rows = _deliveries().where(OutboxRow.id.between(part.first, part.last))
    return [(row.id, row.size) for row in session.execute(rows.order_by(OutboxRow.id.desc()))]


def _ids(session: Session, *, after: int, up_to: int) -> Sequence[int]:
    rows = _deliveries().where(OutboxRow.id > after, OutboxRow.id <= up_to)
    return [row.id for row in session.execute(rows.order_by(OutboxRow.id).limit(PORTION))]

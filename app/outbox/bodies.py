"""Items found by what their body holds, and changed: for whoever must erase a person from them.

The worker blanks a body when its item is done, so only those that wait, or are dead, have one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Final

from sqlalchemy import ColumnElement, TextClause, delete, func, select, text, update
from sqlalchemy.orm import Session

from app.infra.database.portions import Transactions
from app.outbox.models import KEPT, UNSYNCHRONIZED, OutboxRow

# Items that are looked through at once: a read of some milliseconds, outside of the writer.
_READ_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class HeldItem:
    """An item that waits or is dead, with its body."""

    id: int
    kind: str
    state: str
    created_at: datetime
    body: bytes = field(repr=False)


def holding(store: Transactions, words: bytes) -> Iterator[HeldItem]:
    """Yield the items whose body holds *words*, oldest first."""
    after = 0
    while ids := store.read(partial(_ids, after=after)):
        after = ids[-1]
        yield from store.read(partial(_holding, first=ids[0], last=after, words=words))


def remove(session: Session, ids: Sequence[int]) -> int:
    """Delete the items with *ids*, unless they are done; return how many."""
    rows = delete(OutboxRow).where(OutboxRow.id.in_(ids), KEPT).returning(OutboxRow.id)
    return len(session.scalars(rows, execution_options=UNSYNCHRONIZED).all())


def rewrite(session: Session, item_id: int, body: bytes) -> None:
    """Replace the body of the item with *item_id*, unless it is done."""
    item = update(OutboxRow).where(OutboxRow.id == item_id, KEPT)
    values = item.values(body=body, digest=sha256(body).hexdigest())
    session.execute(values, execution_options=UNSYNCHRONIZED)


def _ids(session: Session, *, after: int) -> Sequence[int]:
    rows = select(OutboxRow.id).where(OutboxRow.id > after, KEPT)
    return session.scalars(rows.order_by(OutboxRow.id).limit(_READ_AT_ONCE)).all()


def _holding(session: Session, *, first: int, last: int, words: bytes) -> Sequence[HeldItem]:
    columns = (
        OutboxRow.id,
        OutboxRow.kind,
        OutboxRow.state,
        OutboxRow.created_at,
        OutboxRow.body,
    )
    which = OutboxRow.id.between(first, last)
    rows = select(*columns).where(which, KEPT, _holds(session, words)).order_by(OutboxRow.id)
    return [HeldItem(*row) for row in session.execute(rows)]


def _holds(session: Session, words: bytes) -> ColumnElement[bool] | TextClause:
    if session.get_bind().dialect.name == "postgresql":
        return text("position(CAST(:words AS bytea) IN outbox.body) > 0").bindparams(words=words)
    return func.instr(OutboxRow.body, words) > 0

"""The count of deliveries that were dropped: exact, whenever a process is killed.

It changes in the transaction that drops them. Nothing here commits, and every function may be run
twice by `Writer.write`.
"""

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.outbox.models import UNSYNCHRONIZED, DroppedRow


@dataclass(frozen=True, slots=True)
class DroppedTotals:
    """The number of deliveries *dropped* since the first start, and of those *reported*."""

    dropped: int
    reported: int


def add(session: Session, number: int) -> None:
    """Count *number* more, which this transaction drops."""
    more = update(DroppedRow).values(dropped=DroppedRow.dropped + number)
    session.execute(more, execution_options=UNSYNCHRONIZED)


def totals(session: Session) -> DroppedTotals:
    """Return the totals of all processes."""
    return DroppedTotals(*session.execute(select(DroppedRow.dropped, DroppedRow.reported)).one())


def mark_reported(session: Session, told: DroppedTotals) -> None:
    """Record that the log has told of all that are in *told*."""
    # Another process may have told of more meanwhile.
    older = update(DroppedRow).where(DroppedRow.reported < told.dropped)
    session.execute(older.values(reported=told.dropped), execution_options=UNSYNCHRONIZED)

"""What lies in the outbox, for the operator to look at and to have tried again.

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.outbox.models import Outgoing

_UNSYNCED: Final[dict[str, Any]] = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Letter:
    """One thing that waits, or that was given up."""

    id: int
    kind: str
    state: str
    tries: int
    created_at: datetime
    not_before: datetime
    failure: str | None
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which letters are meant; what is None does not matter."""

    kind: str | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def listed(session: Session, selection: Selection, *, after: int, most: int) -> tuple[Letter, ...]:
    """Return up to *most* letters of *selection* with ids above *after*, oldest first."""
    query = select(Outgoing).where(Outgoing.state != "done", Outgoing.id > after)
    if selection.kind is not None:
        query = query.where(Outgoing.kind == selection.kind)
    if selection.state is not None:
        query = query.where(Outgoing.state == selection.state)
    if selection.since is not None:
        query = query.where(Outgoing.created_at >= selection.since)
    if selection.until is not None:
        query = query.where(Outgoing.created_at < selection.until)
    rows = session.scalars(query.order_by(Outgoing.id).limit(most))
    return tuple(_letter(row) for row in rows)


def find(session: Session, letter_id: int) -> Letter | None:
    """Return the letter *letter_id*, if it has not been done."""
    row = session.get(Outgoing, letter_id)
    return _letter(row) if row is not None and row.state != "done" else None


def replay(session: Session, letter_id: int, *, at: datetime) -> bool:
    """Have the letter *letter_id* tried anew, now and by the whole schedule; tell whether it was.

    Whoever tries it at this moment loses it.
    """
    row = update(Outgoing).where(Outgoing.id == letter_id, Outgoing.state != "done")
    row = row.values(state="waiting", tries=0, not_before=at, failure=None)
    again = session.execute(row.returning(Outgoing.id), execution_options=_UNSYNCED)
    return again.one_or_none() is not None


def _letter(row: Outgoing) -> Letter:
    return Letter(
        id=row.id,
        kind=row.kind,
        state=row.state,
        tries=row.tries,
        created_at=row.created_at,
        not_before=row.not_before,
        failure=row.failure,
        body=row.body,
    )

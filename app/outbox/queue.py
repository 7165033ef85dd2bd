"""What must follow a commit is a row of the same commit; here rows are added, claimed, settled.

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Executable, Table, and_, bindparam, delete, select, update
from sqlalchemy.orm import Session

from app.infra.database.engine import insert_into
from app.outbox.models import Outgoing

_TABLE: Final = cast("Table", Outgoing.__table__)
# Made once, compiled once, and of the table, not the class: each delivery that is passed on ends
# with it.
_DONE: Final = (
    update(_TABLE)
    .where(
        _TABLE.c.id == bindparam("held_id"),
        _TABLE.c.tries == bindparam("held_tries"),
        _TABLE.c.state == "waiting",
    )
    .values(state="done", body=b"", head=None, failure=None)
)
_UNSYNCED: Final[dict[str, Any]] = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing to do, held until its lease ends; *tries* counts this one."""

    id: int
    kind: str
    body: bytes = field(repr=False)
    tries: int
    created_at: datetime
    digest: str | None = None
    head: str | None = field(default=None, repr=False)


def enqueue(session: Session, kind: str, body: bytes, *, at: datetime) -> None:
    """Add one thing of *kind* to do as soon as this transaction is committed."""
    session.add(
        Outgoing(kind=kind, body=body, state="waiting", tries=0, created_at=at, not_before=at)
    )


def enqueue_once(
    session: Session, kind: str, body: bytes, *, head: str | None = None, at: datetime
) -> None:
    """Do the same, unless the same *body* waits already or was done within the last hour."""
    row = {
        "kind": kind,
        "digest": sha256(body).hexdigest(),
        "head": head,
        "body": body,
        "state": "waiting",
        "tries": 0,
        "created_at": at,
        "not_before": at,
    }
    session.execute(_add_once(session.get_bind().dialect.name), row)


@cache
def _add_once(dialect: str) -> Executable:
    # For the same reason: a webhook waits for this.
    return insert_into(dialect, _TABLE).on_conflict_do_nothing()


def is_due(session: Session, kind: str, *, at: datetime) -> bool:
    """Tell whether something of *kind* is to be done now; to ask takes no lock."""
    return session.scalar(select(Outgoing.id).where(*_due(kind, at)).limit(1)) is not None


def claim(
    session: Session, kind: str, *, most: int, lease: timedelta, at: datetime
) -> tuple[Claim, ...]:
    """Return up to *most* of *kind* that are due, oldest first; nobody else gets them meanwhile.

    Whoever has not settled them when *lease* ends has lost them to the next.
    """
    due = (
        select(Outgoing.id)
        .where(*_due(kind, at))
        .order_by(Outgoing.not_before, Outgoing.id)
        .limit(most)
        .with_for_update(skip_locked=True)
        # Run once: as a subquery PostgreSQL may join it by a nested loop, which runs it anew for
        # each row, and every run locks and returns the next *most*.
        .cte("due")
    )
    taken = (
        update(Outgoing)
        .where(Outgoing.id.in_(select(due.c.id)))
        .values(tries=Outgoing.tries + 1, not_before=at + lease)
        .returning(
            Outgoing.id,
            Outgoing.kind,
            Outgoing.body,
            Outgoing.tries,
            Outgoing.created_at,
            Outgoing.digest,
            Outgoing.head,
        )
    )
    rows = session.execute(taken, execution_options=_UNSYNCED)
    return tuple(sorted((Claim(*row) for row in rows), key=lambda claim: claim.id))


def acknowledge(session: Session, claims: Sequence[Claim]) -> None:
    """Forget what has been done, but for the digests: the same may come again."""
    kept = [
        {"held_id": claim.id, "held_tries": claim.tries}
        for claim in claims
        if claim.digest is not None
    ]
    if kept:
        # All by one call of the driver: with PostgreSQL each would be a journey of its own.
        session.execute(_DONE, kept)
    for claim in claims:
        if claim.digest is None:
            session.execute(delete(Outgoing).where(_still_held(claim)), execution_options=_UNSYNCED)


def postpone(session: Session, claim: Claim, *, failure: str, until: datetime) -> None:
    """Let *claim* be tried again, not before *until*."""
    _change(session, claim, not_before=until, failure=failure)


def release(session: Session, claim: Claim, *, at: datetime) -> None:
    """Let *claim* be had again at once: it has not been tried."""
    _change(session, claim, not_before=at, tries=claim.tries - 1)


def dead_letter(session: Session, claim: Claim, *, failure: str) -> None:
    """Keep *claim* as a dead letter, to be looked at and perhaps replayed."""
    _change(session, claim, state="dead", failure=failure)


def _change(session: Session, claim: Claim, **values: object) -> None:
    row = update(Outgoing).where(_still_held(claim)).values(**values)
    session.execute(row, execution_options=_UNSYNCED)


def _due(kind: str, at: datetime) -> tuple[ColumnElement[bool], ...]:
    return Outgoing.kind == kind, Outgoing.state == "waiting", Outgoing.not_before <= at


def _still_held(claim: Claim) -> ColumnElement[bool]:
    # Whoever outlived his lease finds that another has tried since, and changes nothing.
    return and_(Outgoing.id == claim.id, Outgoing.tries == claim.tries, Outgoing.state == "waiting")

"""The outbox queue: work that must follow a commit is a row of that commit, claimed by workers.

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from hashlib import sha256
from typing import Final, NamedTuple, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Select,
    Table,
    TextClause,
    and_,
    bindparam,
    delete,
    exists,
    select,
    text,
    update,
)
from sqlalchemy.orm import Session

from app.infra.database.engine import insert_into
from app.infra.database.new_row import NewRow
from app.infra.database.portions import PORTION
from app.outbox.models import UNSYNCHRONIZED, OutboxRow

_TABLE: Final = cast("Table", OutboxRow.__table__)
# Built and compiled once, and of the table instead of the class, which is faster: each delivery
# that is forwarded ends with it.
_MARK_DONE: Final = (
    update(_TABLE)
    .where(
        _TABLE.c.id == bindparam("claimed_id"),
        _TABLE.c.tries == bindparam("claimed_tries"),
        _TABLE.c.state == "waiting",
    )
    .values(state="done", body=b"", head=None, failure=None)
)

Condition = ColumnElement[bool] | TextClause

# Literals: with a parameter in their place neither database can use the partial indexes.
_WAITING: Final = "outbox.state = 'waiting'"


class Lane(Enum):
    """The two lanes of a kind, so that what fails never stands before what was never tried."""

    FRESH = f"{_WAITING} AND outbox.tries = 0"
    RETRIES = f"{_WAITING} AND outbox.tries > 0"


class LaneKey(NamedTuple):
    """One lane of the items of one kind."""

    kind: str
    lane: Lane


@dataclass(frozen=True, slots=True)
class Claim:
    """An item that this worker holds until its lease ends; *tries* includes the present one."""

    id: int
    kind: str
    body: bytes = field(repr=False)
    tries: int
    created_at: datetime
    digest: str | None = None
    head: str | None = field(default=None, repr=False)


# In the order of `Claim`.
_CLAIMED: Final = (
    OutboxRow.id,
    OutboxRow.kind,
    OutboxRow.body,
    OutboxRow.tries,
    OutboxRow.created_at,
    OutboxRow.digest,
    OutboxRow.head,
)


def enqueue(session: Session, kind: str, body: bytes, *, at: datetime) -> None:
    """Add an item of *kind*, due as soon as this transaction is committed."""
    session.add(
        OutboxRow(kind=kind, body=body, state="waiting", tries=0, created_at=at, not_before=at)
    )


def enqueue_once(  # noqa: PLR0913 - the columns of one row
    session: Session,
    kind: str,
    body: bytes,
    *,
    head: str | None = None,
    reference: str | None = None,
    at: datetime,
) -> None:
    """Add what `item_once` returns."""
    item_once(kind, body, head=head, reference=reference, at=at)(session)


def item_once(
    kind: str,
    body: bytes,
    *,
    head: str | None = None,
    reference: str | None = None,
    at: datetime,
) -> NewRow:
    """Return an item of *kind*, to be added unless the same *body* waits or is done already.

    What was done is known for an hour. *head* holds the headers to post with it, as a JSON object;
    *reference* is the attempt that it is about.
    """
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
    if reference is not None:
        row["reference"] = reference
    return NewRow(_insert_once, row)


@cache
def _insert_once(dialect: str) -> Executable:
    # Built once for each dialect, of the table: Messenger's webhook waits for this statement.
    return insert_into(dialect, _TABLE).on_conflict_do_nothing()


def waiting_in(key: LaneKey) -> list[Condition]:
    """Return the conditions on the items of a lane, which its partial index serves."""
    # As text: of a Boolean expression SQLAlchemy makes "(tries = 0) = 1" for SQLite, which then
    # reads and sorts all items of the kind instead.
    return [OutboxRow.kind == key.kind, text(key.lane.value)]


def lanes_due(
    source: Session | Connection, lanes: Sequence[LaneKey], *, at: datetime
) -> frozenset[LaneKey]:
    """Return those of *lanes* that have items due, by one statement and without a lock."""
    if not lanes:
        return frozenset()
    answers = source.execute(select(*(exists().where(*_due(key, at)) for key in lanes))).one()
    return frozenset(key for key, is_due in zip(lanes, answers, strict=True) if is_due)


def claim(  # noqa: PLR0913 - which, how many, and for how long
    session: Session,
    key: LaneKey,
    *,
    limit: int,
    lease: timedelta,
    at: datetime,
    but: Collection[int] = (),
) -> tuple[Claim, ...]:
    """Claim up to *limit* due items of a lane, oldest first; no other worker gets them meanwhile.

    Those with an id in *but* are left out: they are being tried, whatever the clock says now.

    An item whose result has not been recorded when *lease* ends is due again, for any worker.
    """
    order = (OutboxRow.id,) if key.lane is Lane.FRESH else (OutboxRow.not_before, OutboxRow.id)
    due = select(OutboxRow.id).where(*_due(key, at), *([OutboxRow.id.not_in(but)] if but else []))
    statement = (
        update(OutboxRow)
        .where(_locked(due.order_by(*order).limit(limit)))
        .values(tries=OutboxRow.tries + 1, not_before=at + lease)
        .returning(*_CLAIMED)
    )
    rows = session.execute(statement, execution_options=UNSYNCHRONIZED)
    return tuple(sorted((Claim(*row) for row in rows), key=lambda claim: claim.id))


def acknowledge(session: Session, claims: Sequence[Claim]) -> None:
    """Delete items that have been done, or keep only their digests, to recognise a repeat."""
    kept = [
        {"claimed_id": claim.id, "claimed_tries": claim.tries}
        for claim in claims
        if claim.digest is not None
    ]
    if kept:
        # All in one executemany: with PostgreSQL each would be a round trip of its own.
        session.execute(_MARK_DONE, kept)
    for claim in claims:
        if claim.digest is None:
            session.execute(
                delete(OutboxRow).where(_still_held(claim)), execution_options=UNSYNCHRONIZED
            )


def postpone(session: Session, claim: Claim, *, failure: str, until: datetime) -> None:
    """Let *claim* be tried again at the time *until* or later."""
    _change(session, claim, not_before=until, failure=failure)


def defer(session: Session, claim: Claim, *, failure: str, until: datetime) -> None:
    """Let *claim* be tried at the time *until* or later, without counting this as a try.

    The first one counts: what was never tried does not wait for a time.
    """
    tries = max(1, claim.tries - 1)
    _change(session, claim, not_before=until, failure=failure, tries=tries)


def hasten(  # noqa: PLR0913 - which, and until when
    session: Session,
    kind: str,
    *,
    until: datetime,
    most_tries: int,
    lease: timedelta,
    at: datetime,
) -> datetime | None:
    """Make some retries of *kind* due now that are due later; return the *until* of the next call.

    It is None after the last ones. Those that are due last come first: so what a handler puts off
    again meanwhile is not hastened again and again. Those that were tried more than *most_tries*
    times keep their time. What is due within *lease* may be with a worker at present, and is left
    alone.
    """
    later = (
        select(OutboxRow.id, OutboxRow.not_before)
        .where(*waiting_in(LaneKey(kind, Lane.RETRIES)))
        .where(OutboxRow.not_before > at + lease, OutboxRow.not_before <= until)
        .where(OutboxRow.tries <= most_tries)
        .order_by(OutboxRow.not_before.desc(), OutboxRow.id.desc())
        .limit(PORTION)
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(later).all()
    if rows:
        hastened = update(OutboxRow).where(OutboxRow.id.in_([row.id for row in rows]))
        session.execute(hastened.values(not_before=at), execution_options=UNSYNCHRONIZED)
    return rows[-1].not_before if len(rows) == PORTION else None


def release(session: Session, claim: Claim, *, at: datetime) -> None:
    """Make *claim* due again at once, as if it had not been claimed: it has not been tried."""
    _change(session, claim, not_before=at, tries=claim.tries - 1)


def dead_letter(session: Session, claim: Claim, *, failure: str) -> None:
    """Keep *claim* as a dead letter, for operators to inspect and replay."""
    _change(session, claim, state="dead", failure=failure)


def _change(session: Session, claim: Claim, **values: object) -> None:
    row = update(OutboxRow).where(_still_held(claim)).values(**values)
    session.execute(row, execution_options=UNSYNCHRONIZED)


def _due(key: LaneKey, at: datetime) -> list[Condition]:
    # What was never tried is due since it was added, whatever the clock has done meanwhile.
    is_fresh = key.lane is Lane.FRESH
    return waiting_in(key) if is_fresh else [*waiting_in(key), OutboxRow.not_before <= at]


def _locked(ids: Select[int]) -> ColumnElement[bool]:
    """Return the condition on the rows with *ids*, but for those that another worker has locked."""
    # A CTE is run once. As a subquery PostgreSQL may join it by a nested loop, which runs it anew
    # for each row, and every run locks and returns the next rows up to the limit.
    rows = ids.with_for_update(skip_locked=True).cte("rows")
    return OutboxRow.id.in_(select(rows.c.id))


def _still_held(claim: Claim) -> ColumnElement[bool]:
    # A worker that outlived its lease changes nothing once another has claimed the item since.
    return and_(
        OutboxRow.id == claim.id, OutboxRow.tries == claim.tries, OutboxRow.state == "waiting"
    )

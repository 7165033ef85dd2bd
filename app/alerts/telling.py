"""The record of faults, and the moments at which the operator hears of them.

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from app.alerts.bodies import FOUND, OVER, AlertType, Form
from app.alerts.fault import Fault, FaultKey, KeptFault
from app.alerts.models import FaultRow
from app.infra.database.engine import insert_into
from app.outbox.models import UNSYNCHRONIZED
from app.outbox.operator_webhook import enqueue_alert

# Between two alerts of the same kind about one cause and Page: what comes and goes is told twice.
PAUSE: Final = timedelta(hours=1)
# What is over and told is forgotten.
KEPT: Final = timedelta(days=1)


def kept(session: Session) -> tuple[KeptFault, ...]:
    """Return the faults that are there, and those over for less than a day."""
    rows = session.scalars(select(FaultRow).order_by(FaultRow.cause, FaultRow.page_id))
    return tuple(
        KeptFault(
            FaultKey(row.cause, row.page_id),
            row.found_at,
            row.seen_at,
            _kind_to_tell(row) is not None,
        )
        for row in rows
    )


def record(  # noqa: PLR0913 - what is seen, what is not, and how it is told
    session: Session,
    found: Sequence[Fault],
    over: Collection[FaultKey],
    *,
    form: Form,
    at: datetime,
    but_pending: Collection[FaultKey] = (),
) -> tuple[tuple[AlertType, FaultKey], ...]:
    """Record the faults *found* and those *over*; return what the operator is told of it now.

    *but_pending* are told if their pause is over. Several workers may record the same: the rows are
    locked, so each change is told once.
    """
    now_found = {fault.key: fault.cut() for fault in found}
    # In one order: else two workers could wait for each other's rows for ever.
    for key in sorted(now_found):
        _add(session, now_found[key], at)
    keys = sorted({*now_found, *over, *but_pending})
    told = []
    for row in _locked(session, keys):
        key = FaultKey(row.cause, row.page_id)
        if (fault := now_found.get(key)) is not None:
            row.found_at = row.found_at or at
            row.sentence, row.fix, row.seen_at = fault.sentence, fault.fix, at
        elif key in over and row.found_at is not None:
            row.found_at, row.seen_at = None, at
        if (kind := _tell(session, row, form, at)) is not None:
            told.append((kind, key))
    return tuple(told)


def forget(session: Session, *, at: datetime) -> None:
    """Delete the faults that have been over for a day."""
    is_past = FaultRow.found_at.is_(None) & (FaultRow.seen_at < at - KEPT)
    is_known = FaultRow.told.is_(None) | (FaultRow.told == OVER)
    session.execute(delete(FaultRow).where(is_past, is_known), execution_options=UNSYNCHRONIZED)


def _add(session: Session, fault: Fault, at: datetime) -> None:
    cause, page_id = fault.key
    new = insert_into(session.get_bind().dialect.name, FaultRow).values(
        cause=cause, page_id=page_id, sentence=fault.sentence, fix=fault.fix, seen_at=at
    )
    session.execute(new.on_conflict_do_nothing())


def _locked(session: Session, keys: Sequence[FaultKey]) -> Sequence[FaultRow]:
    key = tuple_(FaultRow.cause, FaultRow.page_id)
    rows = select(FaultRow).where(key.in_([tuple(each) for each in keys]))
    return session.scalars(rows.order_by(FaultRow.cause, FaultRow.page_id).with_for_update()).all()


def _tell(session: Session, row: FaultRow, form: Form, at: datetime) -> AlertType | None:
    kind = _kind_to_tell(row)
    if kind is None:
        return None
    last = row.found_told_at if kind == FOUND else row.over_told_at
    # In both directions: a clock that was set back must not silence anybody.
    if last is not None and abs(at - last) < PAUSE:
        return None
    fault = Fault(FaultKey(row.cause, row.page_id), row.sentence, row.fix)
    enqueue_alert(session, form.body(kind, fault, at=at), at=at)
    row.told = kind
    if kind == FOUND:
        row.found_told_at = at
    else:
        row.over_told_at = at
    return kind


def _kind_to_tell(row: FaultRow) -> AlertType | None:
    """Return what the operator does not know yet; None if they know how it is."""
    if row.found_at is not None:
        return FOUND if row.told != FOUND else None
    return OVER if row.told == FOUND else None

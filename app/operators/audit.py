"""The audit: each act and each look at a person's data, with who did it (R138).

Rows are added here and deleted by age here, and nowhere else. No row has a name or a text of a
person: ids alone, and the reason that an operator types.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from sqlalchemy import Select, and_, delete, func, or_, select
from sqlalchemy.orm import Session

from app.infra.database.portions import PORTION, Cleanup
from app.operators.acts import LIMITED_ACTS, LOOKS, NOTHING, Act, Actor, Subject
from app.operators.models import AuditEvent

# Looks of one operator at one thing within this time are one row.
MERGED: Final = timedelta(minutes=10)
IN_AN_HOUR: Final = timedelta(hours=1)
MOST_LOOKS: Final = 120
MOST_ACTS: Final = 30
LONGEST_REASON: Final = 200

# Of a row in the order of the list: its time and its id.
Place: TypeAlias = tuple[datetime, int]
Result: TypeAlias = Literal["done", "failed", "refused"]


class TooManyLooks(Exception):
    """The operator has looked at as many people as one may in an hour."""


class TooManyActs(Exception):
    """The operator has acted as often as one may in an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """A row as it is shown."""

    id: int
    at: datetime
    actor: str
    actor_name: str
    role: str
    act: str
    subject_kind: str
    subject: str
    page_id: str | None
    result: str
    reason: str
    address: str
    reference: str
    times: int

    @property
    def place(self) -> Place:
        """The place in the list behind this row."""
        return self.at, self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which rows are wanted; None is any."""

    actor: str | None = None
    act: str | None = None
    subject_kind: str | None = None
    subject: str | None = None
    since: datetime | None = None


def record(  # noqa: PLR0913 - the columns of one row
    session: Session,
    actor: Actor,
    act: str,
    subject: Subject = NOTHING,
    *,
    result: Result = "done",
    reason: str = "",
    at: datetime,
) -> None:
    """Add a row for an act; in the transaction of the act itself.

    Raises:
        TooManyActs: It is one of those of which there may be 30 an hour.
    """
    if act in LIMITED_ACTS and result == "done":
        _check_acts(session, actor, at)
    _add(session, actor, act, subject, result=result, reason=reason, at=at)


def look(  # noqa: PLR0913 - the columns of one row
    session: Session,
    actor: Actor,
    act: Act,
    subject: Subject = NOTHING,
    *,
    result: Result = "done",
    at: datetime,
) -> None:
    """Add a row for a look, or count it on the one of the last ten minutes from this address.

    What is refused is counted likewise, so that its rows are few however often it is tried.

    Raises:
        TooManyLooks: There may be 120 an hour of those that show persons.
    """
    same = _same_look(actor, act, subject, result, at)
    # Two searches are two, whatever they find: else names could be guessed as often as one likes.
    row = None if act is Act.SEARCHED else session.scalar(same)
    if row is not None:
        row.times += 1
        return
    if act in LOOKS and result == "done" and _count(session, actor, LOOKS, at) >= MOST_LOOKS:
        raise TooManyLooks
    _add(session, actor, act.value, subject, result=result, reason="", at=at)


def rows(
    session: Session, wanted: Filter, *, before: Place | None = None, most: int
) -> tuple[AuditRow, ...]:
    """Return up to *most* rows that are *wanted*, the newest first, from behind *before* on."""
    query = select(AuditEvent)
    equal = {
        AuditEvent.actor: wanted.actor,
        AuditEvent.act: wanted.act,
        AuditEvent.subject_kind: wanted.subject_kind,
        AuditEvent.subject: wanted.subject,
    }
    for column, value in equal.items():
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(AuditEvent.at >= wanted.since)
    if before is not None:
        at, row_id = before
        is_same = and_(AuditEvent.at == at, AuditEvent.id < row_id)
        query = query.where(or_(AuditEvent.at < at, is_same))
    query = query.order_by(AuditEvent.at.desc(), AuditEvent.id.desc())
    return tuple(map(_value, session.scalars(query.limit(most))))


def old(until: datetime) -> Cleanup[int]:
    """Return what deletes the rows up to the time *until*."""

    def find(session: Session, _: int | None) -> Sequence[int]:
        found = select(AuditEvent.id).where(AuditEvent.at <= until)
        return session.scalars(found.order_by(AuditEvent.at).limit(PORTION)).all()

    def forget(session: Session, ids: Sequence[int]) -> int:
        gone = delete(AuditEvent).where(AuditEvent.id.in_(ids), AuditEvent.at <= until)
        return len(session.scalars(gone.returning(AuditEvent.id)).all())

    return Cleanup(find, forget)


def _same_look(
    actor: Actor, act: Act, subject: Subject, result: Result, at: datetime
) -> Select[AuditEvent]:
    """Return the query for the row on which the same look was counted a moment ago."""
    same = select(AuditEvent).where(
        AuditEvent.actor == actor.actor,
        AuditEvent.at > at - MERGED,
        AuditEvent.at <= at,
        AuditEvent.act == act.value,
        AuditEvent.subject_kind == subject.kind,
        AuditEvent.subject == subject.id,
        AuditEvent.result == result,
    )
    # Somebody with a copied session must not look behind the rows of its operator. Of nobody's name
    # there is one: a stranger has as many addresses as they like.
    if actor.name:
        same = same.where(AuditEvent.address == actor.address)
    return same.order_by(AuditEvent.at.desc()).limit(1).with_for_update()


def _check_acts(session: Session, actor: Actor, at: datetime) -> None:
    if _count(session, actor, LIMITED_ACTS, at) >= MOST_ACTS:
        raise TooManyActs


def _count(session: Session, actor: Actor, acts: frozenset[Act], at: datetime) -> int:
    counted = select(func.count()).select_from(AuditEvent)
    counted = counted.where(
        AuditEvent.actor == actor.actor,
        AuditEvent.at > at - IN_AN_HOUR,
        AuditEvent.act.in_([act.value for act in acts]),
        AuditEvent.result == "done",
    )
    return session.scalar(counted) or 0


def _add(  # noqa: PLR0913 - the columns of one row
    session: Session,
    actor: Actor,
    act: str,
    subject: Subject,
    *,
    result: Result,
    reason: str,
    at: datetime,
) -> None:
    session.add(
        AuditEvent(
            at=at,
            actor=actor.actor,
            actor_name=actor.name,
            role=actor.role,
            act=str(act),
            subject_kind=subject.kind,
            subject=subject.id,
            page_id=subject.page_id,
            result=result,
            reason=reason[:LONGEST_REASON],
            address=actor.address,
            reference=actor.reference,
            times=1,
        )
    )


def _value(row: AuditEvent) -> AuditRow:
    return AuditRow(**{name: getattr(row, name) for name in AuditRow.__slots__})

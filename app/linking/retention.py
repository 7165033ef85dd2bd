"""Retention of attempts and of the history of links."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Select, Update, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from app.infra.settings.retention import Retention
from app.linking.attempt_status import LIFE
from app.linking.models import Attempt, LinkEvent

# Messenger repeats for 36 hours a delivery that failed (Meta, "Webhooks, Getting Started"): until
# then a confirmed attempt may still become a link, which takes the name over.
UNTIL_LINKED: Final = timedelta(hours=48)
# An operator who looks into an attempt on the same day sees who signed in; a deleted user's names
# are gone within a day (R112).
USERS_NAMED: Final = timedelta(hours=20)

# A transaction delays those that make links: better many short ones.
BATCH: Final = 500


def sweep(session: Session, *, retention: Retention, at: datetime) -> int:
    """Delete attempts that are too old, and names that are not needed; return how many rows."""
    unnamed = _change(_has_needless_name(at)).values(messenger_name=None, memo=None)
    unknown = _change(_has_needless_user(at)).values(display_name=None)
    removed = delete(Attempt).where(Attempt.id.in_(_some(_is_too_old(retention, at))))
    statements = (unnamed, unknown, removed)
    # Counted by the rows that come back: the same on both databases.
    return sum(len(session.scalars(each.returning(Attempt.id)).all()) for each in statements)


def forget_history(session: Session, *, kept_for: timedelta, at: datetime) -> int:
    """Delete the history that is older than *kept_for*; return how many rows."""
    # Numbered in the order of their times, so no index on these is needed.
    first = select(LinkEvent.id).order_by(LinkEvent.id).limit(BATCH)
    old = LinkEvent.id.in_(first) & (LinkEvent.recorded_at <= at - kept_for)
    return len(session.scalars(delete(LinkEvent).where(old).returning(LinkEvent.id)).all())


def _change(which: ColumnElement[bool]) -> Update:
    return update(Attempt).where(Attempt.id.in_(_some(which)))


def _has_needless_name(at: datetime) -> ColumnElement[bool]:
    return and_(or_(Attempt.messenger_name.is_not(None), Attempt.memo.is_not(None)), _is_over(at))


def _has_needless_user(at: datetime) -> ColumnElement[bool]:
    seen_enough = Attempt.opened_at <= at - USERS_NAMED
    return and_(Attempt.display_name.is_not(None), _is_over(at), seen_enough)


def _is_over(at: datetime) -> ColumnElement[bool]:
    return or_(
        Attempt.ended_at.is_not(None),
        and_(Attempt.confirmed_at.is_(None), Attempt.opened_at <= at - LIFE),
        Attempt.confirmed_at <= at - UNTIL_LINKED,
    )


def _is_too_old(retention: Retention, at: datetime) -> ColumnElement[bool]:
    return or_(
        and_(Attempt.confirmed_at.is_(None), Attempt.opened_at <= at - retention.attempts),
        Attempt.opened_at <= at - retention.codes,
    )


def _some(which: ColumnElement[bool]) -> Select[str]:
    return select(Attempt.id).where(which).limit(BATCH)

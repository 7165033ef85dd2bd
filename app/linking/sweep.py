"""What is kept of attempts and of history, and for how long (design, section 4).

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from app.linking.attempts import LIFE
from app.linking.models import Attempt, LinkEvent

WITHOUT_CODE: Final = timedelta(hours=24)
WITH_CODE: Final = timedelta(days=30)
# Messenger repeats what it could not deliver for 36 hours (Meta, "Webhooks, Getting Started"):
# until then a confirmed attempt may still become a link, which takes the name over.
UNTIL_LINKED: Final = timedelta(hours=48)
HISTORY: Final = timedelta(days=365)

# One transaction holds up those that link people: better many short ones.
BATCH: Final = 500


def sweep(session: Session, *, at: datetime) -> int:
    """Remove attempts that are too old, and names that nobody needs; return how many rows."""
    blanked = update(Attempt).where(Attempt.id.in_(_some(_has_needless_name(at))))
    removed = delete(Attempt).where(Attempt.id.in_(_some(_is_too_old(at))))
    statements = (blanked.values(messenger_name=None, memo=None), removed)
    # Rows counted as they come back: the same on both databases.
    return sum(len(session.scalars(each.returning(Attempt.id)).all()) for each in statements)


def forget_history(session: Session, *, at: datetime) -> int:
    """Remove what happened to links more than a year ago; return how many rows."""
    # Numbered as they come, so the first are the oldest: no index on their times is needed.
    first = select(LinkEvent.id).order_by(LinkEvent.id).limit(BATCH)
    old = LinkEvent.id.in_(first) & (LinkEvent.recorded_at <= at - HISTORY)
    return len(session.scalars(delete(LinkEvent).where(old).returning(LinkEvent.id)).all())


def _has_needless_name(at: datetime) -> ColumnElement[bool]:
    over = or_(
        Attempt.ended_at.is_not(None),
        and_(Attempt.confirmed_at.is_(None), Attempt.opened_at <= at - LIFE),
        Attempt.confirmed_at <= at - UNTIL_LINKED,
    )
    return and_(or_(Attempt.messenger_name.is_not(None), Attempt.memo.is_not(None)), over)


def _is_too_old(at: datetime) -> ColumnElement[bool]:
    return or_(
        and_(Attempt.confirmed_at.is_(None), Attempt.opened_at <= at - WITHOUT_CODE),
        Attempt.opened_at <= at - WITH_CODE,
    )


def _some(which: ColumnElement[bool]) -> Select[str]:
    return select(Attempt.id).where(which).limit(BATCH)

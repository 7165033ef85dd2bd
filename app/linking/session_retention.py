"""Retention and erasure of browser sessions."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from app.infra.database.portions import PORTION, Cleanup
from app.linking.session_models import BrowserSession
from app.linking.values import User

# The longest that one can last, and time to read how it has ended.
KEPT: Final = timedelta(hours=1)


def old(at: datetime) -> Cleanup[str]:
    """Return what deletes the browser sessions that nobody can use any more."""
    return _deleted(BrowserSession.opened_at <= at - KEPT)


def of_user(user: User) -> Cleanup[str]:
    """Return what deletes every browser session in which *user* has signed in."""
    return _deleted(
        (BrowserSession.issuer == user.issuer) & (BrowserSession.subject == user.subject)
    )


def _deleted(which: ColumnElement[bool]) -> Cleanup[str]:
    def find(session: Session, _: str | None) -> Sequence[str]:
        return session.scalars(select(BrowserSession.id).where(which).limit(PORTION)).all()

    def forget(session: Session, ids: Sequence[str]) -> int:
        # With the condition again: it may hold no longer.
        rows = delete(BrowserSession).where(BrowserSession.id.in_(ids), which)
        return len(session.scalars(rows.returning(BrowserSession.id)).all())

    return Cleanup(find, forget)

"""Retention and erasure of invitations: kept as attempts are, and forgotten with their people."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from app.infra.database.portions import PORTION, Cleanup
from app.infra.settings.retention import Retention
from app.linking import attempt_events
from app.linking.invitation_models import HAS_NAMES, NEVER_CLAIMED, Invitation
from app.linking.invitation_status import CLAIM_WITHIN, FINISH_WITHIN
from app.linking.retention import USERS_NAMED
from app.linking.values import User
from app.messenger.types import PageId, Psid

Change = Callable[[Session, ColumnElement[bool]], int]


def needless_names(at: datetime) -> Iterator[Cleanup[str]]:
    """Yield what removes names and resume of invitations that are over (R112)."""
    is_over = or_(
        Invitation.ended_at.is_not(None),
        Invitation.created_at <= at - CLAIM_WITHIN - FINISH_WITHIN,
    )
    is_needless = or_(Invitation.messenger_name.is_not(None), Invitation.resume.is_not(None))
    yield _invitations(and_(is_needless, is_over), _blank_persons)
    seen_enough = Invitation.created_at <= at - USERS_NAMED
    named = Invitation.display_name.is_not(None)
    yield _invitations(and_(HAS_NAMES, named, seen_enough), _blank_users)


def old(retention: Retention, at: datetime) -> Iterator[Cleanup[str]]:
    """Yield what deletes invitations that are too old, with their events: first the unclaimed."""
    unclaimed = and_(NEVER_CLAIMED, Invitation.created_at <= at - retention.attempts)
    yield _invitations(unclaimed, _delete)
    yield _invitations(Invitation.created_at <= at - retention.codes, _delete)


def of_person(page_id: PageId, psid: Psid, until: datetime | None) -> Cleanup[str]:
    """Return what deletes the invitations that the person has claimed up to *until*."""
    theirs = (Invitation.page_id == page_id) & (Invitation.psid == psid)
    if until is not None:
        theirs &= Invitation.created_at <= until
    return _invitations(theirs, _delete)


def of_user(user: User) -> Cleanup[str]:
    """Return what deletes every invitation of *user*."""
    theirs = (Invitation.issuer == user.issuer) & (Invitation.subject == user.subject)
    return _invitations(theirs, _delete)


def renamed(user: User, subject: str) -> Cleanup[str]:
    """Return what puts *subject* in the place of that of *user* in every invitation."""
    theirs = (Invitation.issuer == user.issuer) & (Invitation.subject == user.subject)

    def change(session: Session, which: ColumnElement[bool]) -> int:
        rows = update(Invitation).where(which).values(subject=subject).returning(Invitation.id)
        return len(session.scalars(rows).all())

    return _invitations(theirs, change)


def _invitations(which: ColumnElement[bool], change: Change) -> Cleanup[str]:
    def find(session: Session, _: str | None) -> Sequence[str]:
        rows = select(Invitation.id).where(which).order_by(Invitation.created_at).limit(PORTION)
        return session.scalars(rows).all()

    # With the condition again: it may hold no longer.
    return Cleanup(find, lambda session, ids: change(session, and_(Invitation.id.in_(ids), which)))


def _blank_persons(session: Session, which: ColumnElement[bool]) -> int:
    rows = update(Invitation).where(which).values(messenger_name=None, resume=None)
    return len(session.scalars(rows.returning(Invitation.id)).all())


def _blank_users(session: Session, which: ColumnElement[bool]) -> int:
    rows = update(Invitation).where(which).values(display_name=None)
    return len(session.scalars(rows.returning(Invitation.id)).all())


def _delete(session: Session, which: ColumnElement[bool]) -> int:
    rows = delete(Invitation).where(which).returning(Invitation.reference)
    references = session.scalars(rows).all()
    attempt_events.forget(session, references)
    return len(references)

"""Attempts and invitations that are ended for the business, with what they may still become.

An attempt that was confirmed is a link on its way: Messenger repeats an event for up to 36 hours
(Meta, "Webhooks, Getting Started"), so an end of links that left it alone would not hold.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, case, update
from sqlalchemy.orm import Session

from app.linking import browser_sessions
from app.linking.attempt_status import LIFE
from app.linking.invitation_models import Invitation
from app.linking.invitation_status import CLAIM_WITHIN, FINISH_WITHIN
from app.linking.models import Attempt
from app.linking.values import User
from app.messenger.types import PageId, Psid


def void_of_user(  # noqa: PLR0913 - whose, why, where, which not, when
    session: Session,
    user: User,
    reason: str,
    *,
    page: PageId | None = None,
    but: str | None = None,
    at: datetime,
) -> int:
    """End every attempt in which *user* has signed in, with its code; return how many.

    And every browser session and invitation of theirs. On *page* only, where one is given; the
    attempt or session with the id *but* goes on.
    """
    browser_sessions.end_of_user(session, user, page=page, but=but, at=at)
    theirs = (Attempt.issuer == user.issuer) & (Attempt.subject == user.subject)
    invited = (Invitation.issuer == user.issuer) & (Invitation.subject == user.subject)
    if page is not None:
        theirs, invited = theirs & (Attempt.page_id == page), invited & (Invitation.page_id == page)
    if but is not None:
        theirs &= Attempt.id != but
    return _void(session, theirs, reason, at=at) + _void_invitations(
        session, invited, reason, at=at
    )


def void_of_person(  # noqa: PLR0913 - two of the six are one key
    session: Session,
    page_id: PageId,
    psid: Psid,
    reason: str,
    *,
    but: str | None = None,
    at: datetime,
) -> int:
    """End every attempt of the Messenger person *psid*, with its code; return how many.

    And every invitation that they have claimed. Also attempts that are not confirmed: one that is
    being confirmed at this moment is waited for, since its row was theirs before. The attempt with
    the id *but* goes on.
    """
    theirs = (Attempt.page_id == page_id) & (Attempt.psid == psid)
    if but is not None:
        theirs &= Attempt.id != but
    invited = (Invitation.page_id == page_id) & (Invitation.psid == psid)
    return _void(session, theirs, reason, at=at) + _void_invitations(
        session, invited, reason, at=at
    )


def _void(session: Session, which: ColumnElement[bool], reason: str, *, at: datetime) -> int:
    # Expired ones as well, which a clock that steps back would bring to life, but not counted.
    void = (
        update(Attempt)
        .where(which, Attempt.ended_at.is_(None))
        .values(
            ended_at=at,
            ended_as="refused",
            reason=reason,
            messenger_name=None,
            picture_url=None,
            memo=None,
            # Messenger may still bring the code of a confirmed one, which is then refused.
            state_ref=case((Attempt.confirmed_at.is_not(None), Attempt.state_ref)),
        )
        .returning(Attempt.confirmed_at, Attempt.opened_at)
    )
    voided = session.execute(void).all()
    return sum(
        confirmed_at is not None or at - opened_at < LIFE for confirmed_at, opened_at in voided
    )


def _void_invitations(
    session: Session, which: ColumnElement[bool], reason: str, *, at: datetime
) -> int:
    void = (
        update(Invitation)
        .where(which, Invitation.ended_at.is_(None))
        .values(ended_at=at, ended_as="refused", reason=reason, messenger_name=None, resume=None)
        .returning(Invitation.created_at, Invitation.claimed_at)
    )
    voided = session.execute(void).all()
    return sum(
        at - claimed_at < FINISH_WITHIN if claimed_at else at - created_at < CLAIM_WITHIN
        for created_at, claimed_at in voided
    )

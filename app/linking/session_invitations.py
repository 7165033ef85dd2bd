"""The invitation of a browser session, which begins with the sign-in or a hand-over.

Each is one transaction over both tables.
"""

import hmac
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from app.accounts.identity import Identity
from app.accounts.rate_limit_keys import RateLimitKeys
from app.linking import browser_sessions, invitation_consents, invitations
from app.linking.errors import SessionOver
from app.linking.invitation_links import Confirmed, InvitationRules, Refusal
from app.linking.invitation_rows import Owner
from app.linking.invitation_status import RUNNING, InvitationStatus, read_by_session
from app.linking.invitations import Offer
from app.linking.session_status import SessionStatus
from app.linking.values import Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of a new invitation: the language of the chat's texts, keys, limits."""

    language: str
    # The one that signs the browser's cookie from now on.
    secret_key: str = field(repr=False)
    rate_limit_keys: RateLimitKeys = field(repr=False)


def sign_in(  # noqa: PLR0913 - as `browser_sessions.sign_in`
    session: Session,
    ticket: Ticket,
    identity: Identity,
    successor: Ticket,
    *,
    terms: Terms,
    at: datetime,
) -> None:
    """Record who has signed in, and make their invitation; a repeat changes nothing.

    Whoever has to choose a password first gets none.

    Raises:
        RateLimited: The user has made as many invitations as the hour allows.
        NobodyToInvite: The built-in account is not active any more.
        SessionError: The browser session is unknown, expired or over.
    """
    if not browser_sessions.sign_in(session, ticket, identity, successor, at=at):
        return
    status = browser_sessions.signed_in(session, successor, purpose="connect", at=at)
    if not status.must_choose_password:
        _invite(session, status, successor, terms, at)


def invite_again(session: Session, ticket: Ticket, *, terms: Terms, at: datetime) -> None:
    """Make a new invitation for whoever has signed in; the one before ends.

    Raises:
        RateLimited, NobodyToInvite, SessionError: As `sign_in`.
    """
    status = browser_sessions.signed_in(session, ticket, purpose="connect", at=at, lock=True)
    if status.must_choose_password:
        raise SessionOver
    _invite(session, status, ticket, terms, at)


def take_over(session: Session, token: str, ticket: Ticket, *, terms: Terms, at: datetime) -> None:
    """Open the session of *ticket*, signed in as the user of the hand-over *token*.

    The caller has checked the browser's Origin.

    Raises:
        InvitationUnknown: The token is unknown or used.
        InvitationOver: It is too late, or a chat has claimed the invitation.
    """
    created = invitations.hand_over(
        session,
        token,
        session_id=ticket.attempt_id,
        browser_secret=ticket.secret,
        secret_key=terms.secret_key,
        at=at,
    )
    status = created.status
    browser_sessions.open_for(
        session, ticket, status.user, status.display_name, page_id=status.page_id, at=at
    )


def sign_out(session: Session, ticket: Ticket, successor: Ticket, *, at: datetime) -> None:
    """Forget the user, the invitation, and what was to be resumed.

    Raises:
        SessionError: The browser session is unknown, expired or over.
    """
    browser_sessions.sign_out(session, ticket, successor, purpose="connect", at=at)
    _cancel(session, ticket, at)


def cancel(session: Session, ticket: Ticket, *, at: datetime) -> None:
    """End the session and its invitation without a link.

    Raises:
        SessionUnknown: There is none, or it is of another browser.
    """
    browser_sessions.end(session, ticket, at=at)
    _cancel(session, ticket, at)


def confirm(  # noqa: PLR0913 - the consent, and by what rules
    session: Session,
    ticket: Ticket,
    invitation_id: str,
    *,
    question: str,
    question_key: bytes,
    rules: InvitationRules,
    at: datetime,
) -> Confirmed | Refusal:
    """Make the link of the session's invitation, and end the session, whose work is done.

    Raises:
        SessionError: The session is over, or is not the user's who was invited.
        InvitationError: As `invitation_consents.confirm` raises it.
    """
    outcome = invitation_consents.confirm(
        session,
        invitation_id,
        Owner(session_id=ticket.attempt_id),
        is_answer_to=lambda status: _is_answer(status, question, question_key),
        rules=rules,
        at=at,
    )
    browser_sessions.end(session, ticket, at=at)
    return outcome


def _is_answer(status: InvitationStatus, question: str, key: bytes) -> bool:
    asked = invitation_consents.question_digest(status, key=key)
    return hmac.compare_digest(question.encode("utf-8", "replace"), asked.encode())


def _invite(
    session: Session, status: SessionStatus, ticket: Ticket, terms: Terms, at: datetime
) -> None:
    if status.user is None:
        raise SessionOver
    offer = Offer(
        page_id=status.page_id,
        user=status.user,
        display_name=status.display_name,
        language=terms.language,
        resume=status.resume,
    )
    invitations.create_for_session(
        session,
        offer,
        terms.rate_limit_keys.invitations(status.user.issuer, status.user.subject),
        session_id=ticket.attempt_id,
        browser_secret=ticket.secret,
        secret_key=terms.secret_key,
        at=at,
    )


def _cancel(session: Session, ticket: Ticket, at: datetime) -> None:
    status = read_by_session(session, ticket.attempt_id, at=at)
    if status is not None and status.state in RUNNING:
        invitations.cancel(session, status.id, Owner(session_id=ticket.attempt_id), at=at)

"""Invitations from the side of the user: made, handed over, asked again, cancelled.

The consents are `app.linking.invitation_consents`, the side of the chat is
`app.linking.invitation_claims`. Nothing here commits, and every function may be run twice by
`Writer.write`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts import local, proofs, rate_limiter
from app.accounts.rate_limit_keys import Counter
from app.linking import chat_messages, invitation_rows, invitation_secrets
from app.linking.invitation_errors import (
    AskedTooOften,
    InvitationOver,
    InvitationUnknown,
    NobodyToInvite,
    NothingToAsk,
)
from app.linking.invitation_models import Invitation
from app.linking.invitation_rows import Owner
from app.linking.invitation_secrets import Secrets
from app.linking.invitation_status import InvitationStatus, state_of, status_of
from app.linking.references import reference_of
from app.linking.values import User
from app.messenger.types import PageId


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The user who has signed in, and where a Messenger profile is to be connected."""

    page_id: PageId
    user: User
    # Masked: it is shown in the chat of whoever claims.
    display_name: str | None
    # One of those that the page offers.
    language: str
    # Of 1 to 512 characters without NUL.
    resume: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Created:
    """A new invitation, with what was made for it alone."""

    status: InvitationStatus
    secrets: Secrets = field(repr=False)
    # Of an API key's: by which its site hands a browser over, once.
    handoff_token: str | None = field(default=None, repr=False)


def create_for_session(  # noqa: PLR0913 - an invitation, by name
    session: Session,
    offer: Offer,
    counters: Sequence[Counter],
    *,
    session_id: str,
    browser_secret: str,
    secret_key: str,
    at: datetime,
) -> Created:
    """Make the invitation of a browser session, whose earlier ones end.

    *counters* are `RateLimitKeys.invitations` of the user. The same secrets follow again from
    `invitation_secrets.derived` with the id of the invitation.

    Raises:
        RateLimited: The user has made as many as the hour allows.
        NobodyToInvite: The built-in account is not active any more.
    """
    _check(session, offer, counters, at=at)
    invitation_rows.end_all(session, Invitation.session_id == session_id, at=at)
    while True:
        invitation_id = invitation_rows.free_id(session)
        secrets = invitation_secrets.derived(secret_key, browser_secret, invitation_id)
        code_hash = invitation_secrets.code_hash(secrets.code, secret_key)
        if invitation_rows.is_code_free(session, code_hash):
            break
    row = _row(invitation_id, offer, secrets, code_hash, at=at)
    row.session_id = session_id
    return _stored(session, row, secrets, None, at=at)


def create_for_key(  # noqa: PLR0913 - an invitation, by name
    session: Session,
    offer: Offer,
    counters: Sequence[Counter],
    *,
    api_key_id: str,
    secret_key: str,
    at: datetime,
) -> Created:
    """Make an invitation for the business's own site, which is told its secrets once.

    Raises:
        RateLimited: The user has had as many as the hour allows.
        NobodyToInvite: There is no active built-in account of this subject.
    """
    _check(session, offer, counters, at=at)
    while True:
        secrets = invitation_secrets.random()
        code_hash = invitation_secrets.code_hash(secrets.code, secret_key)
        if invitation_rows.is_code_free(session, code_hash):
            break
    token = invitation_secrets.new_handoff_token()
    row = _row(invitation_rows.free_id(session), offer, secrets, code_hash, at=at)
    row.api_key_id, row.handoff_hash = api_key_id, invitation_secrets.secret_hash(token)
    return _stored(session, row, secrets, token, at=at)


def hand_over(  # noqa: PLR0913 - the token, and the session that takes it
    session: Session,
    handoff_token: str,
    *,
    session_id: str,
    browser_secret: str,
    secret_key: str,
    at: datetime,
) -> Created:
    """Give the invitation of *handoff_token* to a browser session; the token serves once.

    Its ref and code are made anew, so that those which the API told are dead, and its ten minutes
    begin again. The caller has checked the browser's Origin.

    Raises:
        InvitationUnknown: The token is unknown or used.
        InvitationOver: It is too late, or a chat has claimed the invitation.
    """
    found = select(Invitation).where(
        Invitation.handoff_hash == invitation_secrets.secret_hash(handoff_token)
    )
    row = session.scalar(found.with_for_update())
    if row is None:
        raise InvitationUnknown
    if state_of(row, at) != "open":
        raise InvitationOver
    secrets = invitation_secrets.derived(secret_key, browser_secret, row.id)
    row.ref_hash = invitation_secrets.secret_hash(secrets.ref)
    row.code_hash = invitation_secrets.code_hash(secrets.code, secret_key)
    row.handoff_hash, row.session_id, row.created_at = None, session_id, at
    session.flush()
    return Created(status_of(row, at), secrets)


def read(session: Session, invitation_id: str, owner: Owner, *, at: datetime) -> InvitationStatus:
    """Return the status of an invitation of *owner*; a key still reads what it has handed over.

    Raises:
        InvitationUnknown: There is none, or it is not *owner*'s.
    """
    return status_of(invitation_rows.find(session, invitation_id, owner), at)


def ask_again(session: Session, invitation_id: str, owner: Owner, *, at: datetime) -> None:
    """Send the question to the chat once more, after this transaction is committed.

    Raises:
        InvitationUnknown: There is none, or it is not *owner*'s.
        InvitationOver: It has ended, has expired, or was handed over to a browser.
        NothingToAsk: No chat has claimed it, or it has agreed already.
        AskedTooOften: It was asked as often as it may be.
    """
    row = invitation_rows.lock_running(session, invitation_id, owner, at=at)
    if state_of(row, at) != "claimed":
        raise NothingToAsk
    if row.asks >= chat_messages.MOST_ASKS:
        raise AskedTooOften
    row.reason = None
    chat_messages.enqueue_ask(session, row, at=at)


def cancel(session: Session, invitation_id: str, owner: Owner, *, at: datetime) -> InvitationStatus:
    """End the invitation without a link; one that is over is left as it is.

    Raises:
        InvitationUnknown: There is none, or it is not *owner*'s.
        InvitationOver: The key has handed it over to a browser.
    """
    row = invitation_rows.lock(session, invitation_id, owner)
    if not status_of(row, at).is_over:
        row.end("cancelled", None, at=at)
    return status_of(row, at)


def end_of_key(session: Session, api_key_id: str, *, at: datetime) -> None:
    """End the invitations that *api_key_id* has made, and with them their hand-over tokens."""
    invitation_rows.end_all(session, Invitation.api_key_id == api_key_id, at=at)


def _check(session: Session, offer: Offer, counters: Sequence[Counter], *, at: datetime) -> None:
    rate_limiter.hit(session, counters, at=at)
    if offer.user.issuer == local.ISSUER and not proofs.is_active(session, offer.user.subject):
        raise NobodyToInvite
    invitation_rows.make_room(session, offer.user, at=at)


def _row(
    invitation_id: str, offer: Offer, secrets: Secrets, code_hash: str, *, at: datetime
) -> Invitation:
    return Invitation(
        id=invitation_id,
        reference=reference_of(invitation_id),
        page_id=offer.page_id,
        issuer=offer.user.issuer,
        subject=offer.user.subject,
        display_name=offer.display_name,
        language=offer.language,
        ref_hash=invitation_secrets.secret_hash(secrets.ref),
        code_hash=code_hash,
        resume=offer.resume,
        created_at=at,
        asks=0,
        digits_sent=0,
        digits_tried=0,
    )


def _stored(
    session: Session, row: Invitation, secrets: Secrets, token: str | None, *, at: datetime
) -> Created:
    session.add(row)
    session.flush()
    return Created(status_of(row, at), secrets, token)

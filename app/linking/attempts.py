"""Attempts: opened by a browser, signed in, confirmed, and ended once."""

import hmac
import secrets
from contextlib import suppress
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.accounts.identity import Identity
from app.linking.attempt_status import (
    AttemptStatus,
    find_attempt,
    is_code_dead,
    is_token_spent,
    state_of,
    status_of,
)
from app.linking.authorization_codes import code_for, digest
from app.linking.errors import (
    AttemptExpired,
    AttemptOver,
    AttemptUnknown,
    NotSignedIn,
    TokenSpent,
    TooManyLinks,
)
from app.linking.models import Attempt, Link
from app.linking.references import reference_of
from app.linking.renewal import proof_by_password, renewed
from app.linking.values import Recognised, Ticket, User
from app.messenger.display_names import clean_name
from app.messenger.types import PageId


def new_id() -> str:
    """Return the id of an attempt that may be opened."""
    return secrets.token_urlsafe(16)


def open_(  # noqa: PLR0913 - the columns of one row
    session: Session,
    *,
    page_id: PageId,
    account_linking_token: str,
    at: datetime,
    attempt_id: str | None = None,
    state_ref: str | None = None,
) -> Ticket:
    """Open an attempt for the holder of *account_linking_token*; return its ticket.

    It gets *attempt_id*, unless that has the reference of another attempt, and *state_ref*, which
    `resume` has read from the address.
    """
    ticket = Ticket(_free_id(session, attempt_id or new_id()), secrets.token_urlsafe(32))
    session.add(
        Attempt(
            id=ticket.attempt_id,
            reference=reference_of(ticket.attempt_id),
            page_id=page_id,
            secret_hash=digest(ticket.secret),
            token_hash=digest(account_linking_token),
            opened_at=at,
            state_ref=state_ref,
        )
    )
    return ticket


def _free_id(session: Session, attempt_id: str) -> str:
    """Return an id whose reference no other attempt has: of 40 bits, two may be the same."""
    same = select(Attempt.id).where(Attempt.reference == reference_of(attempt_id))
    while session.scalar(same) is not None:
        attempt_id = new_id()
        same = select(Attempt.id).where(Attempt.reference == reference_of(attempt_id))
    return attempt_id


def running(session: Session, ticket: Ticket, *, at: datetime) -> AttemptStatus:
    """Return the status of an attempt in which the person can still sign in.

    Raises:
        TokenSpent: Another attempt was confirmed with the same account_linking_token.
        AttemptError: The attempt is unknown, expired, confirmed or over.
    """
    unconfirmed(session, ticket, at, lock=False)
    return status_of(session, ticket, at=at)


def signing_in(
    session: Session, ticket: Ticket, *, renewal_key: bytes, at: datetime
) -> AttemptStatus:
    """Return the status of an attempt for a browser that sends the sign-in form.

    As `running`, and also for the secret with which the present user has signed in, which serves
    for this alone: the form may have been sent twice.

    Raises:
        TokenSpent: Another attempt was confirmed with the same account_linking_token.
        AttemptError: The attempt is unknown, expired, confirmed or over.
    """
    ticket = present_ticket(session, ticket, renewal_key=renewal_key)
    return running(session, ticket, at=at)


def present_ticket(
    session: Session, ticket: Ticket, *, renewal_key: bytes, lock: bool = False
) -> Ticket:
    """Return the ticket of a browser that has sent the sign-in form with *ticket*.

    Another, if the same form, sent twice, has signed in the present user; the row is locked or not.
    """
    attempt = session.get(Attempt, ticket.attempt_id, with_for_update=lock or None)
    if attempt is None or attempt.user is None:
        return ticket
    successor = renewed(ticket, proof_by_password(attempt.user), key=renewal_key)
    is_present = hmac.compare_digest(attempt.secret_hash, digest(successor.secret))
    return successor if is_present else ticket


def recognise(session: Session, ticket: Ticket, person: Recognised, *, at: datetime) -> None:
    """Record the person in Messenger; a second answer changes nothing.

    Raises:
        AttemptError: The attempt is unknown, expired or over, or its token is spent.
    """
    attempt = _unended(session, ticket, at)
    if attempt.psid is None:
        attempt.psid, attempt.name_outcome = person.psid, person.outcome
        # Its bearer chose it, and pages, notices and terminals show it as it is kept (R17, R82).
        attempt.messenger_name = clean_name(person.messenger_name or "") or None
        # A face alone, which its bearer chose as well, would say more than it proves.
        attempt.picture_url = person.picture_url if attempt.messenger_name else None


def sign_in(
    session: Session, ticket: Ticket, identity: Identity, successor: Ticket, *, at: datetime
) -> None:
    """Record the user that the person has proved to be; from now on *successor* is the ticket.

    A repeat of the same proof, which has led to the same successor, changes nothing.

    Raises:
        AttemptError: The attempt is unknown, expired or over, or its token is spent.
    """
    attempt = renew(session, ticket, successor, at)
    if attempt is None:
        return
    if attempt.user not in {None, User(identity.issuer, identity.subject)}:
        attempt.state_ref = None
    attempt.issuer, attempt.subject = identity.issuer, identity.subject
    attempt.display_name, attempt.signed_in_at = identity.display_name, at


def sign_out(session: Session, ticket: Ticket, successor: Ticket, *, at: datetime) -> None:
    """Forget the user, so that another can sign in; from now on *successor* is the ticket.

    Raises:
        AttemptError: The attempt is unknown, expired or over, or its token is spent.
    """
    attempt = renew(session, ticket, successor, at)
    if attempt is None:
        return
    attempt.issuer = attempt.subject = attempt.display_name = attempt.signed_in_at = None
    # Whoever signs in next may be another than the bot has spoken with, or the same: better lost.
    attempt.state_ref = None


def confirm(
    session: Session, ticket: Ticket, *, code_key: bytes, max_links: int, at: datetime
) -> str:
    """Record the person's consent; return the authorization_code that carries it.

    A second click, or a repeat after a lost answer, gets the same code.

    Raises:
        NotSignedIn: No user has signed in during this attempt.
        TooManyLinks: The user has *max_links* links besides this one.
        TokenSpent: Another attempt was confirmed with the same account_linking_token.
        AttemptError: The attempt is unknown, expired or over, or its code is dead.
    """
    attempt = _unended(session, ticket, at)
    if attempt.psid is None or attempt.subject is None:
        raise NotSignedIn
    if is_code_dead(attempt, at):
        raise AttemptOver
    code = code_for(ticket.secret, code_key=code_key)
    if attempt.confirmed_at is None:
        if _other_links(session, attempt) >= max_links:
            raise TooManyLinks
        attempt.confirmed_at, attempt.code_hash, attempt.memo = at, digest(code), None
        try:
            session.flush()
        except IntegrityError as exc:
            raise TokenSpent from exc
    return code


def refuse(session: Session, ticket: Ticket, reason: str, *, at: datetime) -> None:
    """End the attempt for *reason*; no link can be made with its account_linking_token.

    Raises:
        AttemptError: The attempt is unknown, expired or over, or its token is spent.
    """
    attempt = _unended(session, ticket, at)
    attempt.ended_at, attempt.ended_as, attempt.reason = at, "refused", reason
    attempt.forget_person()


def cancel(session: Session, ticket: Ticket, *, at: datetime) -> AttemptStatus:
    """End the attempt without a link; one that is confirmed, expired or over is left as it is.

    Returns its status after.

    Raises:
        AttemptUnknown: There is no such attempt, or the secret is another's.
    """
    attempt = find_attempt(session, ticket, lock=True)
    if state_of(attempt, at) in {"open", "signed_in"}:
        attempt.ended_at, attempt.ended_as = at, "cancelled"
        attempt.forget_person()
    return status_of(session, ticket, at=at)


def user_of(session: Session, ticket: Ticket, *, at: datetime) -> User | None:
    """Return who has signed in in an attempt, which is locked.

    Raises:
        AttemptError: The attempt is unknown, expired, confirmed or over, or its token is spent.
    """
    return unconfirmed(session, ticket, at).user


def unconfirmed(session: Session, ticket: Ticket, at: datetime, *, lock: bool = True) -> Attempt:
    """Return the attempt, if another user can still sign in.

    Raises:
        AttemptError: The attempt is unknown, expired, confirmed or over, or its token is spent.
    """
    attempt = _unended(session, ticket, at, lock=lock)
    if attempt.confirmed_at is not None:
        raise AttemptOver
    return attempt


def _unended(session: Session, ticket: Ticket, at: datetime, *, lock: bool = True) -> Attempt:
    """Return the attempt, if the person can go on with it."""
    attempt = find_attempt(session, ticket, lock=lock)
    state = state_of(attempt, at)
    if state == "expired":
        raise AttemptExpired
    if attempt.ended_at is not None:
        raise AttemptOver
    if is_token_spent(session, attempt):
        raise TokenSpent
    return attempt


def renew(session: Session, ticket: Ticket, successor: Ticket, at: datetime) -> Attempt | None:
    """Put *successor* in the place of *ticket*; return the attempt, None if it is there already.

    Raises:
        AttemptError: The attempt is unknown, expired, confirmed or over, or its token is spent.
    """
    with suppress(AttemptUnknown):
        unconfirmed(session, successor, at)
        return None
    attempt = unconfirmed(session, ticket, at)
    attempt.secret_hash = digest(successor.secret)
    # Who has departed to a provider with the secret of before does not come back with it.
    attempt.memo = None
    return attempt


def _other_links(session: Session, attempt: Attempt) -> int:
    theirs = (Link.issuer == attempt.issuer) & (Link.subject == attempt.subject)
    this = (Link.page_id == attempt.page_id) & (Link.psid == attempt.psid)
    present = Link.state == "linked"
    return session.scalar(select(func.count()).where(theirs, present, ~this)) or 0

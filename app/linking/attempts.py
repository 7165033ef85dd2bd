"""One try by one browser: opened, signed in, confirmed, ended once.

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.accounts.identity import Identity
from app.linking.authorization_codes import ACCOUNT_CLOSED, CODE_LIFE, code_for, digest
from app.linking.errors import (
    AttemptExpired,
    AttemptOver,
    AttemptUnknown,
    NotSignedIn,
    TokenSpent,
    TooManyLinks,
)
from app.linking.models import Attempt, Link
from app.linking.values import User
from app.messenger.display_names import clean_name
from app.messenger.types import PageId, Psid

# The account_linking_token lives as long (Meta, "Account Linking", updated 2025-07-01).
LIFE: Final = timedelta(minutes=5)

TOKEN_REFUSED: Final = "token refused"
WRONG_DIGITS: Final = "wrong digits"

# Crockford's: no letter that is read for another.
_REFERENCE_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"

State = Literal["open", "signed_in", "confirmed", "linked", "cancelled", "refused", "expired"]


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a browser shows to go on with its attempt."""

    attempt_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStatus:
    """Where an attempt stands, and what its pages have to say."""

    reference: str
    page_id: PageId
    state: State
    reason: str | None
    psid: Psid | None
    messenger_name: str | None
    user: User | None
    display_name: str | None
    # Confirmed so long ago that Messenger can no longer bring the code.
    code_is_dead: bool
    # Another attempt was confirmed with the same token: this one leads nowhere.
    token_spent: bool
    # Six digits wait in the person's chat to be entered.
    has_digits: bool
    # The person's Messenger profile is connected to another account, which would lose it.
    replaces: bool


def open_(session: Session, *, page_id: PageId, account_linking_token: str, at: datetime) -> Ticket:
    """Record that a browser came with *account_linking_token*; return its ticket."""
    ticket = Ticket(secrets.token_urlsafe(16), secrets.token_urlsafe(32))
    session.add(
        Attempt(
            id=ticket.attempt_id,
            reference=_new_reference(),
            page_id=page_id,
            secret_hash=digest(ticket.secret),
            token_hash=digest(account_linking_token),
            opened_at=at,
        )
    )
    return ticket


def status_of(
    session: Session, ticket: Ticket, *, at: datetime, lock: bool = False
) -> AttemptStatus:
    """Return where the attempt stands, whatever its state; with *lock* it stays there.

    Raises:
        AttemptUnknown: There is no such attempt, or the secret is not its.
    """
    attempt = _of(session, ticket, lock=lock)
    return AttemptStatus(
        reference=attempt.reference,
        page_id=attempt.page_id,
        state=state_of(attempt, at),
        reason=attempt.reason,
        psid=attempt.psid,
        messenger_name=attempt.messenger_name,
        user=User(attempt.issuer, attempt.subject) if attempt.issuer and attempt.subject else None,
        display_name=attempt.display_name,
        code_is_dead=_code_is_dead(attempt, at),
        token_spent=_token_spent(session, attempt),
        has_digits=attempt.digits_hash is not None,
        replaces=_replaces(session, attempt),
    )


def running(session: Session, ticket: Ticket, *, at: datetime) -> AttemptStatus:
    """Return where the attempt stands, if the person can still sign in.

    Raises:
        TokenSpent: Another attempt was confirmed with the same account_linking_token.
        AttemptError: The attempt is unknown, expired, confirmed or over.
    """
    unconfirmed(session, ticket, at, lock=False)
    return status_of(session, ticket, at=at)


def recognise(
    session: Session, ticket: Ticket, psid: Psid, messenger_name: str | None, *, at: datetime
) -> None:
    """Record whose Messenger it is; the first answer stands.

    Raises:
        AttemptError: The attempt is unknown, expired or over, or its token is spent.
    """
    attempt = _running(session, ticket, at)
    if attempt.psid is None:
        # Its bearer chose it, and pages, notices and terminals show it as it is kept (R17, R82).
        attempt.psid, attempt.messenger_name = psid, clean_name(messenger_name or "") or None


def sign_in(session: Session, ticket: Ticket, identity: Identity, *, at: datetime) -> None:
    """Record who has proved to be a user of the business.

    Raises:
        AttemptError: The attempt is unknown, expired or over, or its token is spent.
    """
    attempt = unconfirmed(session, ticket, at)
    attempt.issuer, attempt.subject = identity.issuer, identity.subject
    attempt.display_name, attempt.signed_in_at = identity.display_name, at
    attempt.memo = None


def sign_out(session: Session, ticket: Ticket, *, at: datetime) -> None:
    """Forget who has signed in, so that somebody else can.

    Raises:
        AttemptError: The attempt is unknown, expired or over, or its token is spent.
    """
    attempt = unconfirmed(session, ticket, at)
    attempt.issuer = attempt.subject = attempt.display_name = attempt.signed_in_at = None


def confirm(
    session: Session, ticket: Ticket, *, code_key: bytes, max_links: int, at: datetime
) -> str:
    """Record the person's consent; return the authorization_code that carries it.

    A second click, or a repeat after a lost answer, gets the same code.

    Raises:
        NotSignedIn: Nobody has signed in during this attempt.
        TooManyLinks: The user has *max_links* links besides this one.
        TokenSpent: Another attempt was confirmed with the same account_linking_token.
        AttemptError: The attempt is unknown, expired or over, or its code is dead.
    """
    attempt = _running(session, ticket, at)
    if attempt.psid is None or attempt.subject is None:
        raise NotSignedIn
    if _code_is_dead(attempt, at):
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
    """End the attempt because its account_linking_token is good for nothing.

    Raises:
        AttemptError: The attempt is unknown, expired or over, or its token is spent.
    """
    attempt = _running(session, ticket, at)
    attempt.ended_at, attempt.ended_as, attempt.reason = at, "refused", reason
    attempt.messenger_name = attempt.memo = None


def cancel(session: Session, ticket: Ticket, *, at: datetime) -> None:
    """End the attempt without a link; one that is confirmed, expired or over stays as it is.

    Raises:
        AttemptUnknown: There is no such attempt, or the secret is not its.
    """
    attempt = _of(session, ticket, lock=True)
    if state_of(attempt, at) in {"open", "signed_in"}:
        attempt.ended_at, attempt.ended_as = at, "cancelled"
        attempt.messenger_name = attempt.memo = None


def void(session: Session, *, issuer: str, subject: str, at: datetime) -> None:
    """End every attempt of a user whose account is no longer good, codes that are out included."""
    theirs = (Attempt.issuer == issuer) & (Attempt.subject == subject)
    ended = {"ended_at": at, "ended_as": "refused", "reason": ACCOUNT_CLOSED}
    session.execute(
        update(Attempt)
        .where(theirs, Attempt.ended_at.is_(None))
        .values(**ended, messenger_name=None, memo=None)
    )


def state_of(attempt: Attempt, at: datetime) -> State:
    """Return what *attempt* is at *at*; expiry is told by the clock alone."""
    if attempt.ended_as is not None:
        return attempt.ended_as  # type: ignore[return-value]  # the column holds three of them
    if attempt.confirmed_at is not None:
        return "confirmed"
    # Either way: a clock that stepped back must not make an attempt live longer.
    if abs(at - attempt.opened_at) >= LIFE:
        return "expired"
    return "open" if attempt.signed_in_at is None else "signed_in"


def _running(session: Session, ticket: Ticket, at: datetime, *, lock: bool = True) -> Attempt:
    """Return the attempt, if the person can go on with it."""
    attempt = _of(session, ticket, lock=lock)
    state = state_of(attempt, at)
    if state == "expired":
        raise AttemptExpired
    if attempt.ended_at is not None:
        raise AttemptOver
    if _token_spent(session, attempt):
        raise TokenSpent
    return attempt


def unconfirmed(session: Session, ticket: Ticket, at: datetime, *, lock: bool = True) -> Attempt:
    """Return the attempt, if who signs in can still change."""
    attempt = _running(session, ticket, at, lock=lock)
    if attempt.confirmed_at is not None:
        raise AttemptOver
    return attempt


def _of(session: Session, ticket: Ticket, *, lock: bool = False) -> Attempt:
    attempt = session.get(Attempt, ticket.attempt_id, with_for_update=lock or None)
    if attempt is None or not hmac.compare_digest(attempt.secret_hash, digest(ticket.secret)):
        raise AttemptUnknown
    return attempt


def _token_spent(session: Session, attempt: Attempt) -> bool:
    others = (Attempt.token_hash == attempt.token_hash) & (Attempt.id != attempt.id)
    confirmed = Attempt.confirmed_at.is_not(None)
    return session.scalar(select(Attempt.id).where(others, confirmed).limit(1)) is not None


def _replaces(session: Session, attempt: Attempt) -> bool:
    if attempt.psid is None or attempt.subject is None:
        return False
    link = session.get(Link, (attempt.page_id, attempt.psid))
    user = (attempt.issuer, attempt.subject)
    return link is not None and link.state == "linked" and (link.issuer, link.subject) != user


def _other_links(session: Session, attempt: Attempt) -> int:
    theirs = (Link.issuer == attempt.issuer) & (Link.subject == attempt.subject)
    this = (Link.page_id == attempt.page_id) & (Link.psid == attempt.psid)
    standing = Link.state == "linked"
    return session.scalar(select(func.count()).where(theirs, standing, ~this)) or 0


def _code_is_dead(attempt: Attempt, at: datetime) -> bool:
    return attempt.confirmed_at is not None and at - attempt.confirmed_at > CODE_LIFE


def _new_reference() -> str:
    letters = "".join(secrets.choice(_REFERENCE_ALPHABET) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"

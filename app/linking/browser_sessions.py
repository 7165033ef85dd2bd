"""Browser sessions: a browser that has signed in on our own pages, for one purpose and for minutes.

It is no standing sign-in: it is bound to one address, and is over when its work is. Its secret is
renewed with each sign-in, as an attempt's is.
"""

import hmac
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.accounts import rate_limiter
from app.accounts.identity import Identity
from app.accounts.rate_limit_keys import Counter
from app.linking.authorization_codes import digest
from app.linking.errors import NotDeparted, SessionOver, SessionUnknown
from app.linking.renewal import proof_by_password, renewed
from app.linking.session_models import BrowserSession
from app.linking.session_status import Purpose, SessionStatus, state_of, status_of_row
from app.linking.values import Ticket, User
from app.messenger.types import PageId


def new_ticket() -> Ticket:
    """Return the ticket of a browser session that may be opened."""
    return Ticket(secrets.token_urlsafe(16), secrets.token_urlsafe(32))


def open_(  # noqa: PLR0913 - a browser session, by name
    session: Session,
    counters: Sequence[Counter],
    *,
    purpose: Purpose,
    page_id: PageId,
    resume: str | None = None,
    at: datetime,
) -> Ticket:
    """Open a browser session, unless *counters* have reached their limits; return its ticket.

    Raises:
        RateLimited: One of the limits is reached.
    """
    rate_limiter.hit(session, counters, at=at)
    ticket = new_ticket()
    session.add(
        BrowserSession(
            id=ticket.attempt_id,
            secret_hash=digest(ticket.secret),
            purpose=purpose,
            page_id=page_id,
            resume=resume,
            opened_at=at,
        )
    )
    return ticket


def open_for(  # noqa: PLR0913 - a browser session, by name
    session: Session,
    ticket: Ticket,
    user: User,
    display_name: str | None,
    *,
    page_id: PageId,
    at: datetime,
) -> None:
    """Open a browser session to connect, in which *user* has signed in on the business's site."""
    session.add(
        BrowserSession(
            id=ticket.attempt_id,
            secret_hash=digest(ticket.secret),
            purpose="connect",
            page_id=page_id,
            issuer=user.issuer,
            subject=user.subject,
            display_name=display_name,
            opened_at=at,
            signed_in_at=at,
        )
    )


def status_of(
    session: Session, ticket: Ticket, *, purpose: Purpose | None = None, at: datetime
) -> SessionStatus:
    """Return the status of a browser session in any state; of *purpose*, if one is given.

    Raises:
        SessionUnknown: There is none, or it is of another browser or for another purpose.
    """
    return status_of_row(session, _find(session, ticket, purpose=purpose), at)


def signing_in(
    session: Session, ticket: Ticket, *, purpose: Purpose, renewal_key: bytes, at: datetime
) -> SessionStatus:
    """Return the status of a browser session in which the person can still sign in.

    Also for the secret with which the present user has signed in, which serves for this alone: the
    form may have been sent twice.

    Raises:
        SessionError: It is unknown, expired or over.
    """
    row = session.get(BrowserSession, ticket.attempt_id)
    if row is not None and row.user is not None:
        successor = renewed(ticket, proof_by_password(row.user), key=renewal_key)
        with suppress(SessionUnknown):
            return status_of_row(session, _unended(session, successor, at, purpose=purpose), at)
    return status_of_row(session, _unended(session, ticket, at, purpose=purpose), at)


def signed_in(
    session: Session, ticket: Ticket, *, purpose: Purpose, at: datetime, lock: bool = False
) -> SessionStatus:
    """Return the status of a browser session in which a user has signed in.

    Raises:
        SessionError: It is unknown, expired or over, or nobody has signed in.
    """
    row = _unended(session, ticket, at, purpose=purpose, lock=lock)
    if row.user is None:
        raise SessionOver
    return status_of_row(session, row, at)


def user_of(session: Session, ticket: Ticket, *, at: datetime) -> User | None:
    """Return who has signed in in a browser session, which is locked.

    Raises:
        SessionError: It is unknown, expired or over.
    """
    return _unended(session, ticket, at).user


def sign_in(
    session: Session, ticket: Ticket, identity: Identity, successor: Ticket, *, at: datetime
) -> bool:
    """Record the user that the person has proved to be; from now on *successor* is the ticket.

    A repeat of the same proof, which has led to the same successor, changes nothing: False.

    Raises:
        SessionError: It is unknown, expired or over.
    """
    row = _renew(session, ticket, successor, at)
    if row is None:
        return False
    if row.user not in {None, User(identity.issuer, identity.subject)}:
        row.resume = None
    row.issuer, row.subject = identity.issuer, identity.subject
    row.display_name, row.signed_in_at = identity.display_name, at
    session.flush()
    return True


def sign_out(
    session: Session, ticket: Ticket, successor: Ticket, *, purpose: Purpose, at: datetime
) -> None:
    """Forget the user and what was to be resumed; from now on *successor* is the ticket.

    The five minutes in which another can sign in begin again. A repeat changes nothing.

    Raises:
        SessionError: It is unknown, for another purpose, expired or over.
    """
    row = _renew(session, ticket, successor, at, purpose=purpose)
    if row is None:
        return
    row.issuer = row.subject = row.display_name = row.resume = row.signed_in_at = None
    row.opened_at = at


def end(session: Session, ticket: Ticket, *, at: datetime) -> None:
    """End a browser session; one that is over is left as it is.

    Raises:
        SessionUnknown: There is none, or it is of another browser.
    """
    row = _find(session, ticket, lock=True)
    row.ended_at, row.memo = row.ended_at or at, None


def depart(session: Session, ticket: Ticket, memo: str, *, at: datetime) -> None:
    """Keep *memo* until the browser is back from a provider, in place of an earlier one.

    Raises:
        SessionError: It is unknown, expired or over.
    """
    _unended(session, ticket, at).memo = memo


def come_back(session: Session, ticket: Ticket, *, at: datetime) -> str:
    """Return the memo of the browser session, and delete it: it serves once.

    Raises:
        NotDeparted: There is no memo, or it has been used already.
        SessionError: It is unknown, expired or over.
    """
    row = _unended(session, ticket, at)
    memo, row.memo = row.memo, None
    if memo is None:
        raise NotDeparted
    return memo


def end_of_user(
    session: Session, user: User, *, page: PageId | None, but: str | None, at: datetime
) -> None:
    """End every browser session of *user*, or those on *page*; that with the id *but* goes on."""
    theirs = (BrowserSession.issuer == user.issuer) & (BrowserSession.subject == user.subject)
    if page is not None:
        theirs &= BrowserSession.page_id == page
    if but is not None:
        theirs &= BrowserSession.id != but
    # Expired ones as well, which a clock that steps back would bring to life.
    ended = {"ended_at": at, "memo": None}
    session.execute(
        update(BrowserSession).where(theirs, BrowserSession.ended_at.is_(None)).values(ended)
    )


def _find(
    session: Session, ticket: Ticket, *, purpose: Purpose | None = None, lock: bool = False
) -> BrowserSession:
    row = session.get(BrowserSession, ticket.attempt_id, with_for_update=lock or None)
    if row is None or not hmac.compare_digest(row.secret_hash, digest(ticket.secret)):
        raise SessionUnknown
    # A sign-in for one page of ours opens no other.
    if purpose is not None and row.purpose != purpose:
        raise SessionUnknown
    return row


def _unended(
    session: Session,
    ticket: Ticket,
    at: datetime,
    *,
    purpose: Purpose | None = None,
    lock: bool = True,
) -> BrowserSession:
    """Return the browser session, if the person can go on with it."""
    row = _find(session, ticket, purpose=purpose, lock=lock)
    if state_of(row, at) in {"expired", "ended"}:
        raise SessionOver
    return row


def _renew(
    session: Session,
    ticket: Ticket,
    successor: Ticket,
    at: datetime,
    *,
    purpose: Purpose | None = None,
) -> BrowserSession | None:
    """Put *successor* in the place of *ticket*; return the row, None if it is there already."""
    with suppress(SessionUnknown):
        _unended(session, successor, at, purpose=purpose)
        return None
    row = _unended(session, ticket, at, purpose=purpose)
    row.secret_hash = digest(successor.secret)
    # Who has departed to a provider with the secret of before does not come back with it.
    row.memo = None
    return row

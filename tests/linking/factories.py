"""Attempts and links in the state in which a test begins, and Messenger's events."""

import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.accounts.identity import Identity
from app.linking import attempts, links
from app.linking.models import Link
from app.linking.values import LinkValue, Made, NameOutcome, Recognised, Refused, Ticket, User
from app.messenger.events import AccountLinked, AccountUnlinked
from app.messenger.types import PageId, Psid
from tests.installation import ANA, NOON, PAGE

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)

JANE: Final = Identity("local", "jane-k7f2", "j•••@example.com")
OMAR: Final = Identity("local", "omar-9w3x", "o•••@example.com")
# The same subject of somebody else's: it is another user.
FOREIGN_JANE: Final = Identity("https://login.example.org", JANE.subject, "j•••@example.com")

PICTURE: Final = "https://scontent.fbcdn.net/ana.png"

CODE_KEY: Final = b"0123456789abcdef0123456789abcdef"


def user(identity: Identity) -> User:
    return User(identity.issuer, identity.subject)


def opened(
    session: Session,
    *,
    token: str | None = None,
    page_id: PageId = PAGE,
    state_ref: str | None = None,
    at: datetime = NOON,
) -> Ticket:
    """Open an attempt, with a token of its own unless *token* says otherwise."""
    token = token or secrets.token_urlsafe(16)
    return attempts.open_(
        session, page_id=page_id, account_linking_token=token, state_ref=state_ref, at=at
    )


def signed_in(  # noqa: PLR0913 - each is what a test is about
    session: Session,
    *,
    psid: Psid = ANA,
    as_: Identity = JANE,
    token: str | None = None,
    page_id: PageId = PAGE,
    state_ref: str | None = None,
    at: datetime = NOON,
) -> Ticket:
    ticket = opened(session, token=token, page_id=page_id, state_ref=state_ref, at=at)
    attempts.recognise(session, ticket, recognised(psid, "Ana Berg"), at=at)
    renewed = successor(ticket)
    attempts.sign_in(session, ticket, as_, renewed, at=at)
    return renewed


def recognised(psid: Psid, name: str | None) -> Recognised:
    """Return what Messenger has told of *psid*."""
    return Recognised(psid, name, NameOutcome.NAMED if name else NameOutcome.WITHHELD, PICTURE)


def successor(ticket: Ticket) -> Ticket:
    """Return a ticket to replace *ticket* when somebody signs in or out."""
    return Ticket(ticket.attempt_id, f"after {ticket.secret}")


def confirm(session: Session, ticket: Ticket, *, at: datetime = NOON, max_links: int = 5) -> str:
    return attempts.confirm(session, ticket, code_key=CODE_KEY, max_links=max_links, at=at)


def confirmed(  # noqa: PLR0913 - each is what a test is about
    session: Session,
    *,
    psid: Psid = ANA,
    as_: Identity = JANE,
    page_id: PageId = PAGE,
    state_ref: str | None = None,
    at: datetime = NOON,
) -> str:
    """Bring an attempt to its code, and return that."""
    ticket = signed_in(session, psid=psid, as_=as_, page_id=page_id, state_ref=state_ref, at=at)
    return confirm(session, ticket, at=at, max_links=1000)


def comes_back(  # noqa: PLR0913 - each is what a test is about
    session: Session,
    code: str,
    *,
    psid: Psid = ANA,
    page_id: PageId = PAGE,
    event_at: datetime = NOON,
    at: datetime | None = None,
) -> Made | Refused | None:
    """Redeem *code*, brought by *psid*'s browser; the event arrives at once unless *at* is said."""
    event = AccountLinked(page_id, psid, event_at, code)
    return links.redeem(session, event, at=at or event_at)


def linked(
    session: Session,
    *,
    psid: Psid = ANA,
    as_: Identity = JANE,
    page_id: PageId = PAGE,
    at: datetime = NOON,
) -> Link:
    """Link *psid* with *as_*; return the row."""
    code = confirmed(session, psid=psid, as_=as_, page_id=page_id, at=at)
    made = comes_back(session, code, psid=psid, page_id=page_id, event_at=at)
    assert isinstance(made, Made)
    return session.get_one(Link, (page_id, psid))


def logs_out(
    session: Session,
    *,
    psid: Psid = ANA,
    page_id: PageId = PAGE,
    event_at: datetime = NOON,
    at: datetime | None = None,
) -> LinkValue | None:
    """End the link of *psid* by an event of Messenger's."""
    event = AccountUnlinked(page_id, psid, event_at)
    return links.end_by_event(session, event, at=at or event_at)

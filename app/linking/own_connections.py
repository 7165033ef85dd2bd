"""The links of one user as the user sees them, and the end of one by the user.

A link is named by a key that only the user's own pages hold: nobody else's key is found here.
"""

import hmac
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.linking import (
    attempts,
    browser_sessions,
    handlers,
    link_queries,
    link_rows,
    voiding,
)
from app.linking.errors import NotSignedIn
from app.linking.handlers import Policy
from app.linking.link_rows import COLUMNS, link_of
from app.linking.models import Link
from app.linking.values import ENDED_BY_US, Endings, LinkValue, Ticket, User

# On one page of the list.
MOST_SHOWN: Final = 50
CAUSE: Final = "person"


class End(Protocol):
    """A way to end the link of a key: `end_in_session` or `end_in_attempt`."""

    def __call__(  # noqa: PLR0913 - as they have it
        self,
        session: Session,
        ticket: Ticket,
        key: str,
        *,
        secrets: Sequence[bytes],
        policy: Policy,
        at: datetime,
    ) -> Endings: ...


class ConnectionUnknown(Exception):
    """The user has no link of this key, or has it no more."""


def newest_first(session: Session, user: User) -> tuple[LinkValue, ...]:
    """Return the links of *user*, of every page; MAX_LINKS_PER_USER bounds their number."""
    found = link_queries.links_of_user(session, user)
    return tuple(sorted(found, key=lambda link: link.event_at, reverse=True))


def key_of(link: LinkValue, *, secret: bytes) -> str:
    """Return the key of *link*, in hex: another one for each link that the two ever have."""
    # The PSID is in no address. A page that is out of date ends no link that was made since.
    named = "\n".join((link.page_id, link.psid, str(link.version)))
    return hmac.digest(secret, named.encode(), "sha256").hex()[:32]


def find(links: Sequence[LinkValue], key: str, *, secrets: Sequence[bytes]) -> LinkValue:
    """Return the one of *links* whose key by one of *secrets* is *key*.

    Raises:
        ConnectionUnknown: There is none.
    """
    for link in links:
        for secret in secrets:
            if hmac.compare_digest(key_of(link, secret=secret).encode(), key.encode()):
                return link
    raise ConnectionUnknown


def end_in_session(  # noqa: PLR0913 - whose, which, by what settings, when
    session: Session,
    ticket: Ticket,
    key: str,
    *,
    secrets: Sequence[bytes],
    policy: Policy,
    at: datetime,
) -> Endings:
    """End the link of *key* for whoever has signed in in the browser session of *ticket*.

    Raises:
        SessionError: The session is unknown or over, or nobody has signed in.
        ConnectionUnknown: The user has no such link, or it has changed since.
    """
    status = browser_sessions.signed_in(session, ticket, purpose="connections", at=at, lock=True)
    # Who signs in has a user.
    user = status.user or User("", "")
    return _end(session, user, key, secrets=secrets, policy=policy, but=None, at=at)


def end_in_attempt(  # noqa: PLR0913 - whose, which, by what settings, when
    session: Session,
    ticket: Ticket,
    key: str,
    *,
    secrets: Sequence[bytes],
    policy: Policy,
    at: datetime,
) -> Endings:
    """End the link of *key* for whoever has signed in in the attempt of *ticket*, which goes on.

    Raises:
        NotSignedIn: Nobody has signed in.
        AttemptError: The attempt is unknown, expired, confirmed or over, or its token is spent.
        ConnectionUnknown: The user has no such link, or it has changed since.
    """
    user = attempts.unconfirmed(session, ticket, at).user
    if user is None:
        raise NotSignedIn
    but = ticket.attempt_id
    return _end(session, user, key, secrets=secrets, policy=policy, but=but, at=at)


def _end(  # noqa: PLR0913 - whose, which, by what settings, what goes on, when
    session: Session,
    user: User,
    key: str,
    *,
    secrets: Sequence[bytes],
    policy: Policy,
    but: str | None,
    at: datetime,
) -> Endings:
    """End the link of *key*; the second of two sent forms ends nothing, as the first has."""
    try:
        return _end_present(session, user, key, secrets=secrets, policy=policy, but=but, at=at)
    except ConnectionUnknown:
        if not _has_ended(session, user, key, secrets=secrets):
            raise
        return Endings((), 0)


def _has_ended(session: Session, user: User, key: str, *, secrets: Sequence[bytes]) -> bool:
    theirs = (Link.issuer == user.issuer) & (Link.subject == user.subject)
    rows = session.execute(select(*COLUMNS).where(theirs, Link.state == "ended"))
    # As they were before `links.end_row`.
    before = [replace(link, version=link.version - 1) for link in map(link_of, rows)]
    with suppress(ConnectionUnknown):
        find(before, key, secrets=secrets)
        return True
    return False


def _end_present(  # noqa: PLR0913 - whose, which, by what settings, what goes on, when
    session: Session,
    user: User,
    key: str,
    *,
    secrets: Sequence[bytes],
    policy: Policy,
    but: str | None,
    at: datetime,
) -> Endings:
    link = find(newest_first(session, user), key, secrets=secrets)
    page_id, psid = link.page_id, link.psid
    # The attempts are locked before the link, as everywhere: see `handlers.end_one`.
    voiding.void_of_person(session, page_id, psid, ENDED_BY_US, but=but, at=at)
    present = link_rows.lock(session, page_id, psid)
    if present is None or (present.state, present.user) != ("linked", user):
        raise ConnectionUnknown
    if present.version != link.version:
        raise ConnectionUnknown
    return handlers.end_one(session, page_id, psid, cause=CAUSE, policy=policy, but=but, at=at)

"""Erasure of the rows of one person or one user: what no later event or mirror needs any more.

Each table of linking is here, or said to hold nobody: `attempt_daily`, `link_time_daily` and
`intake` count, and name no one; `attempt_event` goes with its attempt or
invitation, and `app.linking.invitation_retention` has the invitations; `browser_session` names no
person of Messenger's, and `session_retention` has those of a user.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, exists, select, tuple_, update
from sqlalchemy.orm import Session

from app.infra.database.portions import PORTION, Cleanup, Transactions
from app.linking import attempt_events, link_rows, sign_in_names
from app.linking.invitation_models import Invitation
from app.linking.link_queries import Pair, links_of_user
from app.linking.models import Attempt, Link, LinkEvent, Resume
from app.linking.values import User
from app.messenger.types import PageId, Psid

# Rows of the history that are read at once: it has no index by user, and is read seldom.
_READ_AT_ONCE: Final = 2000


def is_held(session: Session, page_id: PageId, psid: Psid) -> bool:
    """Return whether any table of linking has the person *psid* of *page_id*."""
    tables = (Link, Attempt, LinkEvent, Invitation, Resume)
    return any(
        session.scalar(select(exists().where(each.page_id == page_id, each.psid == psid)))
        for each in tables
    )


def blank_names(session: Session, page_id: PageId, psid: Psid) -> None:
    """Take the names out of the person's link."""
    link = link_rows.lock(session, page_id, psid)
    if link is not None:
        link_rows.change(session, replace(link, display_name=None, messenger_name=None))


def forget_names_unless_linked(session: Session, user: User) -> None:
    """Delete the sign-in names of *user*, if no link of theirs is left."""
    if not links_of_user(session, user, most=1):
        sign_in_names.forget(session, user)


def pairs_of_user(session: Session, user: User) -> Sequence[Pair]:
    """Return the people of every link of *user*, those that have ended too."""
    theirs = select(Link.page_id, Link.psid).where(
        Link.issuer == user.issuer, Link.subject == user.subject
    )
    return [(page_id, psid) for page_id, psid in session.execute(theirs)]


def attempts_of_person(page_id: PageId, psid: Psid, until: datetime | None) -> Cleanup[str]:
    """Return what deletes every attempt of the person opened up to *until*, with its events."""
    theirs = (Attempt.page_id == page_id) & (Attempt.psid == psid)
    return _attempts(theirs if until is None else theirs & (Attempt.opened_at <= until))


def attempts_of_user(user: User) -> Cleanup[str]:
    """Return what deletes every attempt in which *user* has signed in, with its events."""
    return _attempts((Attempt.issuer == user.issuer) & (Attempt.subject == user.subject))


def history_of_person(page_id: PageId, psid: Psid, until: datetime | None) -> Cleanup[int]:
    """Return what deletes the history of the person's link up to the time *until*."""
    theirs = (LinkEvent.page_id == page_id) & (LinkEvent.psid == psid)
    if until is not None:
        theirs &= LinkEvent.recorded_at <= until

    def find(session: Session, _: int | None) -> Sequence[int]:
        return session.scalars(select(LinkEvent.id).where(theirs).limit(PORTION)).all()

    return Cleanup(find, _delete_events)


def history_of_user(store: Transactions, user: User) -> Iterator[int]:
    """Delete the history of every link that *user* had; yield the number of rows of each step."""
    for ids in history_ids_of_user(store, user):
        for first in range(0, len(ids), PORTION):
            some = ids[first : first + PORTION]
            yield store.write(partial(_delete_events, ids=some))


def history_ids_of_user(store: Transactions, user: User) -> Iterator[Sequence[int]]:
    """Yield the ids of the history of *user*, a part of all history after the other."""
    after = 0
    while rows := store.read(partial(_history_behind, after=after)):
        after = rows[-1][0]
        yield [row_id for row_id, *whose in rows if whose == [user.issuer, user.subject]]


def renamed_attempts(user: User, subject: str) -> Cleanup[str]:
    """Return what puts *subject* in the place of that of *user* in every attempt."""
    theirs = (Attempt.issuer == user.issuer) & (Attempt.subject == user.subject)

    def find(session: Session, _: str | None) -> Sequence[str]:
        return session.scalars(select(Attempt.id).where(theirs).limit(PORTION)).all()

    def change(session: Session, ids: Sequence[str]) -> int:
        rows = update(Attempt).where(Attempt.id.in_(ids), theirs).values(subject=subject)
        return len(session.scalars(rows.returning(Attempt.id)).all())

    return Cleanup(find, change)


def renamed_tombstones(user: User, subject: str) -> Cleanup[Pair]:
    """Return what puts *subject* in the place of that of *user* in every link that has ended.

    No version: who follows the links has seen the end, and goes by page and person.
    """
    theirs = (Link.issuer == user.issuer) & (Link.subject == user.subject) & (Link.state == "ended")

    def find(session: Session, _: Pair | None) -> Sequence[Pair]:
        rows = session.execute(select(Link.page_id, Link.psid).where(theirs).limit(PORTION))
        return [(page_id, psid) for page_id, psid in rows]

    def change(session: Session, pairs: Sequence[Pair]) -> int:
        some = tuple_(Link.page_id, Link.psid).in_(pairs)
        rows = update(Link).where(some, theirs).values(subject=subject).returning(Link.psid)
        return len(session.scalars(rows).all())

    return Cleanup(find, change)


def rename_events(session: Session, ids: Sequence[int], subject: str) -> int:
    """Put *subject* into the events of the history with *ids*; return how many there were."""
    rows = update(LinkEvent).where(LinkEvent.id.in_(ids)).values(subject=subject)
    return len(session.scalars(rows.returning(LinkEvent.id)).all())


def drop_tombstone(session: Session, page_id: PageId, psid: Psid, version: int) -> bool:
    """Delete the person's link, ended since it had *version*; False if it has changed since."""
    link = link_rows.lock(session, page_id, psid)
    if link is None:
        return True
    if link.state == "linked" or link.version != version:
        return False
    session.execute(delete(Link).where(Link.page_id == page_id, Link.psid == psid))
    return True


def _history_behind(session: Session, after: int) -> Sequence[tuple[int, str | None, str | None]]:
    rows = select(LinkEvent.id, LinkEvent.issuer, LinkEvent.subject).where(LinkEvent.id > after)
    found = session.execute(rows.order_by(LinkEvent.id).limit(_READ_AT_ONCE))
    return [(row_id, issuer, subject) for row_id, issuer, subject in found]


def _delete_events(session: Session, ids: Sequence[int]) -> int:
    rows = delete(LinkEvent).where(LinkEvent.id.in_(ids)).returning(LinkEvent.id)
    return len(session.scalars(rows).all())


def _attempts(which: ColumnElement[bool]) -> Cleanup[str]:
    def find(session: Session, _: str | None) -> Sequence[str]:
        return session.scalars(select(Attempt.id).where(which).limit(PORTION)).all()

    def change(session: Session, ids: Sequence[str]) -> int:
        rows = delete(Attempt).where(and_(Attempt.id.in_(ids), which)).returning(Attempt.reference)
        references = session.scalars(rows).all()
        attempt_events.forget(session, references)
        return len(references)

    return Cleanup(find, change)

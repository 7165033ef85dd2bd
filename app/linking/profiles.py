"""Profiles of one Messenger person and of one user: links, history, and what is still owed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.linking import link_rows
from app.linking.link_rows import COLUMNS, link_of
from app.linking.models import Attempt, Link, LinkEvent, SignInName
from app.linking.owed import Owed, owed_to
from app.linking.values import LinkValue, User, user_of
from app.messenger.types import PageId, Psid

# Rows of one kind in a profile: enough for every person, and a bound for a program.
SHOWN: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row of the history of a link; *at* is when it was recorded here."""

    at: datetime
    status: str
    cause: str
    user: User | None
    reference: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonProfile:
    """A Messenger person of a Page; *link* also where it has ended, None where there was none."""

    link: LinkValue | None
    history: tuple[Change, ...]
    owed: tuple[Owed, ...]
    # At least one attempt is kept in which they were recognised.
    is_in_attempts: bool

    @property
    def is_known(self) -> bool:
        """False: nothing of them is kept."""
        return bool(self.link or self.history or self.is_in_attempts)


@dataclass(frozen=True, slots=True)
class UserProfile:
    """A user; *links* also where they have ended. *is_known* False: nothing of them is kept."""

    links: tuple[LinkValue, ...]
    is_known: bool


def person_profile(session: Session, page_id: PageId, psid: Psid) -> PersonProfile:
    """Return the profile of *psid* of *page_id*."""
    theirs = (LinkEvent.page_id == page_id) & (LinkEvent.psid == psid)
    rows = select(LinkEvent).where(theirs).order_by(LinkEvent.id.desc()).limit(SHOWN)
    return PersonProfile(
        link=link_rows.find(session, page_id, psid),
        history=tuple(
            Change(
                at=row.recorded_at,
                status=row.status,
                cause=row.cause,
                user=user_of(row.issuer, row.subject),
                reference=row.reference,
            )
            for row in session.scalars(rows)
        ),
        owed=owed_to(session, page_id, psid),
        is_in_attempts=_is(session, _attempts_of(page_id, psid)),
    )


def user_profile(session: Session, user: User) -> UserProfile:
    """Return the profile of *user*."""
    theirs = (Link.issuer == user.issuer) & (Link.subject == user.subject)
    rows = select(*COLUMNS).where(theirs).order_by(Link.page_id, Link.psid).limit(SHOWN)
    links = tuple(map(link_of, session.execute(rows)))
    return UserProfile(links, bool(links) or user in known_users(session, [user]))


def people_of_psid(
    session: Session, psid: Psid, page_ids: Collection[PageId]
) -> Mapping[PageId, bool]:
    """Return the Pages of *page_ids* that know *psid*, each with whether it is linked there."""
    # Each by the key of its index: a PSID means nothing without its Page.
    links = select(Link.page_id, Link.state).where(Link.page_id.in_(page_ids), Link.psid == psid)
    states = {page_id: state == "linked" for page_id, state in session.execute(links)}
    attempts = (
        select(Attempt.page_id)
        .where(Attempt.page_id.in_(page_ids), Attempt.psid == psid)
        .distinct()
    )
    return {**dict.fromkeys(session.scalars(attempts), False), **states}


def known_users(session: Session, users: Collection[User]) -> Sequence[User]:
    """Return those of *users* of whom a link, an attempt or a sign-in name is kept."""
    return [user for user in users if any(_is(session, rows) for rows in _rows_of(user))]


def _rows_of(user: User) -> Sequence[Select[Any]]:
    return [
        select(table.issuer).where(table.issuer == user.issuer, table.subject == user.subject)
        for table in (Link, SignInName, Attempt)
    ]


def _attempts_of(page_id: PageId, psid: Psid) -> Select[str]:
    return select(Attempt.id).where(Attempt.page_id == page_id, Attempt.psid == psid)


def _is(session: Session, rows: Select[Any]) -> bool:
    return session.scalar(rows.limit(1)) is not None

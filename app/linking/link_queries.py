"""Queries for present links: one, those of many pairs, those of a user, or page by page.

Results are in the order of their keys (page id, PSID), so that the last key of one page of results
is where the next page begins.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from app.linking import link_rows
from app.linking.link_rows import COLUMNS, link_of
from app.linking.models import Link
from app.linking.values import LinkValue, User
from app.messenger.types import PageId, Psid

Pair: TypeAlias = tuple[PageId, Psid]


def find_link(session: Session, page_id: PageId, psid: Psid) -> LinkValue | None:
    """Return the link of *page_id* and *psid*, None where the person is not linked."""
    link = link_rows.find(session, page_id, psid)
    return link if link and link.state == "linked" else None


def links_of_pairs(session: Session, pairs: Sequence[Pair]) -> Mapping[Pair, LinkValue]:
    """Return the links of *pairs*, by pair; a pair that is not linked is absent."""
    wanted = tuple_(Link.page_id, Link.psid).in_(pairs)
    query = select(*COLUMNS).where(wanted, Link.state == "linked")
    links = map(link_of, session.execute(query))
    return {(link.page_id, link.psid): link for link in links}


def links_of_user(
    session: Session,
    user: User,
    *,
    page: PageId | None = None,
    after: Pair | None = None,
    most: int | None = None,
) -> tuple[LinkValue, ...]:
    """Return the links of *user*: on *page*, behind *after*, up to *most*."""
    theirs = (Link.issuer == user.issuer) & (Link.subject == user.subject)
    return _listed(session, select(*COLUMNS).where(theirs), page=page, after=after, most=most)


def newest_people(session: Session, page_id: PageId, *, most: int) -> tuple[Psid, ...]:
    """Return up to *most* people of *page_id* who are linked, some of the last to change first.

    Changes have no number until a bot asks for them, which not every bot does: theirs come first.
    """
    linked = select(Link.psid).where(Link.page_id == page_id, Link.state == "linked").limit(most)
    # As the index of these has it.
    unnumbered = linked.where(Link.change.is_(None), Link.issuer.is_not(None))
    numbered = linked.where(Link.change.is_not(None)).order_by(Link.change.desc())
    people = (*session.scalars(unnumbered), *session.scalars(numbered))
    return people[:most]


def links_of_psid(session: Session, psid: Psid, *, page: PageId | None) -> tuple[LinkValue, ...]:
    """Return the links of *psid* on every page, or on *page*; a PSID is of one page, as a rule."""
    query = select(*COLUMNS).where(Link.psid == psid)
    return _listed(session, query, page=page, after=None, most=None)


def list_links(
    session: Session, *, page: PageId | None, after: Pair | None, most: int
) -> tuple[LinkValue, ...]:
    """Return up to *most* links of all users: on *page*, behind *after*."""
    return _listed(session, select(*COLUMNS), page=page, after=after, most=most)


def _listed(
    session: Session,
    query: Select[Any],
    *,
    page: PageId | None,
    after: Pair | None,
    most: int | None,
) -> tuple[LinkValue, ...]:
    query = query.where(Link.state == "linked").order_by(Link.page_id, Link.psid)
    if page is not None:
        query = query.where(Link.page_id == page)
    if after is not None:
        query = query.where(tuple_(Link.page_id, Link.psid) > after)
    return tuple(map(link_of, session.execute(query.limit(most))))

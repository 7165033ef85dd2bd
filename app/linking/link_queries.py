"""Queries for links that stand: one, those of many pairs, those of a user, or page by page.

Whatever returns several has them in the order of their keys (page id, PSID), so that the last key
of one page of results is where the next begins.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from app.linking import link_rows
from app.linking.models import Link
from app.linking.values import LinkValue, User, value_of
from app.messenger.types import PageId, Psid

Pair = tuple[PageId, Psid]


def find_link(session: Session, page_id: PageId, psid: Psid) -> LinkValue | None:
    """Return the link that stands between *page_id* and *psid*, if one does."""
    link = link_rows.find(session, page_id, psid)
    return value_of(link) if link and link.state == "linked" else None


def links_of_pairs(session: Session, pairs: Sequence[Pair]) -> Mapping[Pair, LinkValue]:
    """Return the links that stand between *pairs*, by pair."""
    wanted = tuple_(Link.page_id, Link.psid).in_(pairs)
    rows = session.scalars(select(Link).where(wanted, Link.state == "linked"))
    return {(link.page_id, link.psid): value_of(link) for link in rows}


def links_of_user(
    session: Session,
    user: User,
    *,
    page: PageId | None = None,
    after: Pair | None = None,
    most: int | None = None,
) -> tuple[LinkValue, ...]:
    """Return the links of *user* that stand: on *page*, behind *after*, up to *most*."""
    theirs = (Link.issuer == user.issuer) & (Link.subject == user.subject)
    return _listed(session, select(Link).where(theirs), page=page, after=after, most=most)


def list_links(
    session: Session, *, page: PageId | None, after: Pair | None, most: int
) -> tuple[LinkValue, ...]:
    """Return up to *most* links that stand: of everybody, on *page*, behind *after*."""
    return _listed(session, select(Link), page=page, after=after, most=most)


def _listed(
    session: Session,
    query: Select[Link],
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
    return tuple(value_of(link) for link in session.scalars(query.limit(most)))

"""Links that stand, as bots ask for them: many at once, or a user's, page by page."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from app.linking.history import User
from app.linking.links import LinkValue, value_of
from app.linking.models import Link
from app.messenger.types import PageId, Psid

Pair = tuple[PageId, Psid]


def of_pairs(session: Session, pairs: Sequence[Pair]) -> Mapping[Pair, LinkValue]:
    """Return those of *pairs* between which a link stands."""
    wanted = tuple_(Link.page_id, Link.psid).in_(pairs)
    rows = session.scalars(select(Link).where(wanted, Link.state == "linked"))
    return {(link.page_id, link.psid): value_of(link) for link in rows}


def of_user(
    session: Session, user: User, *, page: PageId | None, after: Pair | None, most: int
) -> tuple[LinkValue, ...]:
    """Return up to *most* links of *user* that stand, by their keys, those behind *after*."""
    theirs = (Link.issuer == user.issuer) & (Link.subject == user.subject)
    query = select(Link).where(theirs, Link.state == "linked")
    if page is not None:
        query = query.where(Link.page_id == page)
    if after is not None:
        query = query.where(tuple_(Link.page_id, Link.psid) > after)
    rows = session.scalars(query.order_by(Link.page_id, Link.psid).limit(most))
    return tuple(value_of(link) for link in rows)

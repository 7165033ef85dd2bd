"""Numbered changes of links, in an order that a mirror can follow by polling without missing one.

A change is numbered after it is committed, by one transaction at a time: so no number becomes
visible after a higher one, whichever of many writers commits first. (Numbers that writers drew
themselves would become visible in the order of their commits, and a reader who has seen 8 never
asks for 7 again.) A link that changes again gets a new number, and shows its present state only.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from app.linking.link_rows import COLUMNS, link_of
from app.linking.models import ChangeCounter, Link
from app.linking.values import LinkValue
from app.messenger.types import PageId

# A bare tombstone is no user's link.
_UNNUMBERED: Final = Link.change.is_(None) & Link.issuer.is_not(None)


@dataclass(frozen=True, slots=True)
class Change:
    """A link after its last change, and the *number* of that change."""

    number: int
    link: LinkValue


def is_behind(session: Session) -> bool:
    """Return whether there are changes that have no number yet."""
    return session.scalar(select(Link.psid).where(_UNNUMBERED).limit(1)) is not None


def number(session: Session, *, most: int) -> None:
    """Number up to *most* changes that are committed and have none."""
    counter = session.scalars(select(ChangeCounter).with_for_update()).one()
    # Read after the lock is held. A link that is being changed now is left to the next run.
    unnumbered = select(Link.page_id, Link.psid).where(_UNNUMBERED).limit(most)
    keys = session.execute(unnumbered.with_for_update(skip_locked=True)).all()
    if not keys:
        return
    rows = [
        {"its_page": page_id, "its_psid": psid, "its_number": counter.last + place}
        for place, (page_id, psid) in enumerate(keys, 1)
    ]
    counter.last += len(rows)
    mine = (Link.page_id == bindparam("its_page")) & (Link.psid == bindparam("its_psid"))
    statement = update(Link).where(mine).values(change=bindparam("its_number"))
    session.connection().execute(statement, rows)


def since(session: Session, after: int, *, page: PageId | None, most: int) -> tuple[Change, ...]:
    """Return up to *most* links whose number is above *after*, in the order of numbers."""
    query = select(*COLUMNS).where(Link.change > after, Link.issuer.is_not(None))
    if page is not None:
        query = query.where(Link.page_id == page)
    links = map(link_of, session.execute(query.order_by(Link.change).limit(most)))
    return tuple(Change(link.change or 0, link) for link in links)

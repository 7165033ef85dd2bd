"""Changes in an order that a mirror can follow: whoever polls misses none.

A change is numbered after it is committed, and numbering goes one by one: so no number becomes
visible after a higher one, whichever of many writers commits first. A link that changes again is
numbered again, and tells its present state only. (Numbers that writers draw themselves become
visible in the order of their commits, and a reader who has seen 8 never asks for 7 again.)
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from app.linking.models import ChangeCounter, Link
from app.linking.values import LinkValue, value_of
from app.messenger.types import PageId

# A bare tombstone is nobody's link.
_UNNUMBERED: Final = Link.change.is_(None) & Link.issuer.is_not(None)


@dataclass(frozen=True, slots=True)
class Change:
    """A link as it stands after its last change; *number* is that change's."""

    number: int
    link: LinkValue


def is_behind(session: Session) -> bool:
    """Tell whether there are changes that have no number yet."""
    return session.scalar(select(Link.psid).where(_UNNUMBERED).limit(1)) is not None


def number(session: Session, *, most: int) -> None:
    """Number up to *most* changes that are committed and have none."""
    counter = session.scalars(select(ChangeCounter).with_for_update()).one()
    # Read after the lock is held. One that is changing right now is left to the next.
    unnumbered = select(Link.page_id, Link.psid).where(_UNNUMBERED).limit(most)
    found = session.execute(unnumbered.with_for_update(skip_locked=True)).all()
    if not found:
        return
    rows = [
        {"its_page": page_id, "its_psid": psid, "its_number": counter.last + place}
        for place, (page_id, psid) in enumerate(found, 1)
    ]
    counter.last += len(rows)
    mine = (Link.page_id == bindparam("its_page")) & (Link.psid == bindparam("its_psid"))
    statement = update(Link).where(mine).values(change=bindparam("its_number"))
    session.connection().execute(statement, rows)


def since(session: Session, after: int, *, page: PageId | None, most: int) -> tuple[Change, ...]:
    """Return up to *most* links that changed after the change *after*, in the order of numbers."""
    query = select(Link).where(Link.change > after, Link.issuer.is_not(None))
    if page is not None:
        query = query.where(Link.page_id == page)
    rows = session.scalars(query.order_by(Link.change).limit(most))
    return tuple(Change(row.change or 0, value_of(row)) for row in rows)

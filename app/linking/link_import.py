"""Import of links that the business made before it ran this server."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from app.linking import history, link_rows
from app.linking.models import Link
from app.linking.values import LinkValue, User
from app.messenger.types import PageId, Psid

# Before anything that Messenger can say, so that whatever it says is newer.
BEFORE_ALL: Final = datetime(1970, 1, 1, tzinfo=UTC)
CAUSE: Final = "imported"


@dataclass(frozen=True, slots=True)
class OldLink:
    """One line of the file that is imported."""

    page_id: PageId
    psid: Psid
    user: User


def known(session: Session, old: Sequence[OldLink]) -> frozenset[tuple[PageId, Psid]]:
    """Return the pairs of *old* that have a row already, of a present link or of an ended one."""
    pairs = [(link.page_id, link.psid) for link in old]
    rows = session.execute(
        select(Link.page_id, Link.psid).where(tuple_(Link.page_id, Link.psid).in_(pairs))
    )
    return frozenset((page_id, psid) for page_id, psid in rows)


def take_over(
    session: Session, old: Sequence[OldLink], *, at: datetime
) -> frozenset[tuple[PageId, Psid]]:
    """Add the links of *old* whose pair has no row; return the pairs that have one."""
    refused = known(session, old)
    for link in old:
        if (link.page_id, link.psid) in refused:
            continue
        added = LinkValue(
            page_id=link.page_id,
            psid=link.psid,
            issuer=link.user.issuer,
            subject=link.user.subject,
            state="linked",
            version=1,
            event_at=BEFORE_ALL,
            cause=CAUSE,
        )
        link_rows.add(session, added)
        history.record(session, link.page_id, link.psid, "imported", cause=CAUSE, of=added, at=at)
    return refused

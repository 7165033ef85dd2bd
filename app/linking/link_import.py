"""Links that a business made before it had this server, taken over.

Nothing here commits, and every function may be run twice by `Writer.write`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from app.linking.history import Entry, record
from app.linking.models import Link
from app.linking.values import User
from app.messenger.types import PageId, Psid

# Before anything that Messenger can say, so that whatever it says is newer.
BEFORE_ALL: Final = datetime(1970, 1, 1, tzinfo=UTC)
CAUSE: Final = "imported"


@dataclass(frozen=True, slots=True)
class OldLink:
    """One line of what a business brings along."""

    page_id: PageId
    psid: Psid
    user: User


def known(session: Session, old: Sequence[OldLink]) -> frozenset[tuple[PageId, Psid]]:
    """Return which pairs of *old* we know already: standing, ended, or unlinked before."""
    pairs = [(link.page_id, link.psid) for link in old]
    rows = session.execute(
        select(Link.page_id, Link.psid).where(tuple_(Link.page_id, Link.psid).in_(pairs))
    )
    return frozenset((page_id, psid) for page_id, psid in rows)


def take_over(
    session: Session, old: Sequence[OldLink], *, at: datetime
) -> frozenset[tuple[PageId, Psid]]:
    """Let the links of *old* stand whose pair we do not know; return the pairs that we do."""
    refused = known(session, old)
    for link in old:
        if (link.page_id, link.psid) in refused:
            continue
        session.add(
            Link(
                page_id=link.page_id,
                psid=link.psid,
                issuer=link.user.issuer,
                subject=link.user.subject,
                state="linked",
                version=1,
                event_at=BEFORE_ALL,
                cause=CAUSE,
            )
        )
        entry = Entry(
            page_id=link.page_id, psid=link.psid, status="imported", cause=CAUSE, user=link.user
        )
        record(session, entry, at=at)
    return refused

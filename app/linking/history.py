"""What happened to a person's link, row by row. A row that is there already tells of a repeat."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.linking.models import LinkEvent
from app.messenger.types import PageId, Psid


@dataclass(frozen=True, slots=True)
class User:
    """Somebody the business knows: a subject means nothing without its issuer."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened; *event_at* is Meta's time as received, None for what we did."""

    page_id: PageId
    psid: Psid
    status: str
    cause: str
    user: User | None = None
    reference: str | None = None
    event_at: datetime | None = None


def record(session: Session, entry: Entry, *, at: datetime) -> bool:
    """Add *entry*; return False where Messenger has told us this before."""
    if is_known(session, entry):
        return False
    session.add(
        LinkEvent(
            event_at=entry.event_at,
            page_id=entry.page_id,
            psid=entry.psid,
            status=entry.status,
            cause=entry.cause,
            issuer=entry.user and entry.user.issuer,
            subject=entry.user and entry.user.subject,
            reference=entry.reference,
            recorded_at=at,
        )
    )
    # Two who were told at once both looked before either wrote; the unique key ends one of them,
    # here and not at the commit, and `Writer.write` runs that one again.
    session.flush()
    return True


def is_known(session: Session, entry: Entry) -> bool:
    """Tell whether Messenger has told us of *entry* before; what we did is new each time."""
    if entry.event_at is None:
        return False
    same = (
        (LinkEvent.event_at == entry.event_at)
        & (LinkEvent.page_id == entry.page_id)
        & (LinkEvent.psid == entry.psid)
        & (LinkEvent.status == entry.status)
    )
    return session.scalar(select(LinkEvent.id).where(same)) is not None

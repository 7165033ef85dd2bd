"""What happened to a person's link, row by row. A row that is there already tells of a repeat."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final, cast

from sqlalchemy import Executable, Table, select
from sqlalchemy.orm import Session

from app.infra.database.engine import insert_into
from app.linking.models import LinkEvent
from app.linking.values import User
from app.messenger.types import PageId, Psid

_TABLE: Final = cast("Table", LinkEvent.__table__)


@cache
def _add_once(dialect: str) -> Executable:
    # Made once, compiled once: Messenger waits for this.
    return insert_into(dialect, _TABLE).on_conflict_do_nothing().returning(_TABLE.c.id)


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
    row = {
        "event_at": entry.event_at,
        "page_id": entry.page_id,
        "psid": entry.psid,
        "status": entry.status,
        "cause": entry.cause,
        "issuer": entry.user and entry.user.issuer,
        "subject": entry.user and entry.user.subject,
        "reference": entry.reference,
        "recorded_at": at,
    }
    # What we did has no event time, and nulls never collide. Of two who are told at once, the
    # second waits here for the first.
    return session.scalar(_add_once(session.get_bind().dialect.name), row) is not None


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

"""The history of links, one row for each event; a row that exists already marks a repeat."""

from datetime import datetime
from functools import cache
from typing import Final, cast

from sqlalchemy import Executable, Table, select
from sqlalchemy.orm import Session

from app.infra.database.engine import insert_into
from app.linking.invitation_models import Invitation
from app.linking.models import Attempt, LinkEvent
from app.linking.values import LinkValue
from app.messenger.types import PageId, Psid

_TABLE: Final = cast("Table", LinkEvent.__table__)


def record(  # noqa: PLR0913 - the columns of one row
    session: Session,
    page_id: PageId,
    psid: Psid,
    status: str,
    *,
    cause: str,
    of: Attempt | Invitation | LinkValue | None,
    event_at: datetime | None = None,
    at: datetime,
) -> bool:
    """Add what happened to the link of *page_id* and *psid*; return False for a repeat.

    *of* names the user and the reference. *event_at* is Meta's time as received, None where the
    event was not Messenger's.
    """
    row = {
        "event_at": event_at,
        "page_id": page_id,
        "psid": psid,
        "status": status,
        "cause": cause,
        "issuer": of and of.issuer,
        "subject": of and of.subject,
        "reference": of and of.reference,
        "recorded_at": at,
    }
    # Our own events have no event time, and nulls never collide. Of two transactions that add the
    # same event at once, the second waits here for the first.
    return session.scalar(_add_once(session.get_bind().dialect.name), row) is not None


def is_known(
    session: Session, page_id: PageId, psid: Psid, status: str, *, event_at: datetime
) -> bool:
    """Return whether Messenger has sent this event before."""
    same = (
        (LinkEvent.event_at == event_at)
        & (LinkEvent.page_id == page_id)
        & (LinkEvent.psid == psid)
        & (LinkEvent.status == status)
    )
    return session.scalar(select(LinkEvent.id).where(same)) is not None


@cache
def _add_once(dialect: str) -> Executable:
    # Made once, compiled once: Messenger waits for this.
    return insert_into(dialect, _TABLE).on_conflict_do_nothing().returning(_TABLE.c.id)

"""One attempt with all that is kept of it: its timeline, its person and user, and its twins."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.linking.models import Attempt
from app.linking.timeline import Timeline, timeline_of
from app.linking.values import User
from app.messenger.types import PageId, Psid

# A browser opens one Log In once or twice; whoever opens it more often is a program.
_MOST_TWINS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """The two who were to be linked, as far as they are known; the names go within a day (R112)."""

    page_id: PageId
    psid: Psid | None
    messenger_name: str | None = field(repr=False)
    user: User | None
    display_name: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptDetails:
    """An attempt; of a request without one, *parties* is None.

    *opened_elsewhere* are the references of other attempts with the same Log In.
    """

    timeline: Timeline
    parties: Parties | None
    opened_elsewhere: tuple[str, ...]


def details_of(session: Session, reference: str, *, at: datetime) -> AttemptDetails | None:
    """Return what is kept under *reference*, None if nothing is."""
    timeline = timeline_of(session, reference, at=at)
    if timeline is None:
        return None
    row = session.scalar(select(Attempt).where(Attempt.reference == reference))
    if row is None:
        return AttemptDetails(timeline=timeline, parties=None, opened_elsewhere=())
    twins = select(Attempt.reference).where(
        Attempt.token_hash == row.token_hash, Attempt.id != row.id
    )
    parties = Parties(
        page_id=row.page_id,
        psid=row.psid,
        messenger_name=row.messenger_name,
        user=row.user,
        display_name=row.display_name,
    )
    return AttemptDetails(
        timeline=timeline,
        parties=parties,
        opened_elsewhere=tuple(session.scalars(twins.limit(_MOST_TWINS))),
    )

"""Requests that were refused before they became an attempt, as far as they are kept: a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.linking.models import ENTRY_REFUSED, AttemptEvent
from app.linking.obstacles import row_of
from app.messenger.types import PageId

KEPT: Final = timedelta(hours=24)
# Rows that one read looks at: strangers can make 20 a minute of each kind in each process.
LOOKED_AT: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refused request, or several under one reference."""

    reference: str
    at: datetime
    page_id: PageId | None
    cause: str
    times: int


def newest_refusals(session: Session, *, at: datetime) -> Sequence[Refusal]:
    """Return the refusals of the last day, the newest first, as many as one read looks at."""
    rows = (
        select(AttemptEvent)
        .where(ENTRY_REFUSED, AttemptEvent.last_at > at - KEPT)
        .order_by(AttemptEvent.last_at.desc())
        .limit(LOOKED_AT)
    )
    return [
        Refusal(
            reference=row.reference,
            at=row.last_at,
            page_id=row.page_id,
            cause=row_of(row).slug,
            times=row.times,
        )
        for row in session.scalars(rows)
    ]


def by_cause(refusals: Sequence[Refusal]) -> Mapping[str, int]:
    """Return the number of requests by cause, the most frequent first."""
    counts: dict[str, int] = {}
    for one in refusals:
        counts[one.cause] = counts.get(one.cause, 0) + one.times
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

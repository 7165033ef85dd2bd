"""Counts of deliveries by minute and outcome.

They answer an operator's questions when a link is not made: did Messenger reach the server, and
were its deliveries signed with the app secret?
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.infra.database.engine import insert_into
from app.linking.models import Intake

# Accepted, signed with the current or the previous app secret; or refused for the signature.
Signer = Literal["current", "previous", "refused"]
Counts = Mapping[tuple[datetime, Signer], int]


@dataclass(frozen=True, slots=True)
class Seen:
    """The numbers of deliveries that were accepted and refused during some time."""

    taken: int
    refused: int


def minute_of(at: datetime) -> datetime:
    """Return the minute in which *at* is counted."""
    return at.replace(second=0, microsecond=0)


def add(session: Session, counts: Counts) -> None:
    """Add *counts* to the stored ones, which all processes share."""
    # In one order: else two processes that add the same two rows could deadlock.
    rows = [
        {"minute_at": minute_at, "outcome": outcome, "deliveries": number}
        for (minute_at, outcome), number in sorted(counts.items())
    ]
    new = insert_into(session.get_bind().dialect.name, Intake).values(rows)
    session.execute(
        new.on_conflict_do_update(
            index_elements=[Intake.minute_at, Intake.outcome],
            set_={"deliveries": Intake.deliveries + new.excluded.deliveries},
        )
    )


def seen(session: Session, *, since: datetime, until: datetime) -> Seen:
    """Return the counts from the minute of *since* to that of *until*, both included."""
    counted = select(Intake.outcome, func.sum(Intake.deliveries)).group_by(Intake.outcome)
    during = Intake.minute_at.between(minute_of(since), minute_of(until))
    numbers = {outcome: int(number) for outcome, number in session.execute(counted.where(during))}
    refused = numbers.pop("refused", 0)
    return Seen(sum(numbers.values()), refused)


def last(session: Session) -> dict[str, datetime]:
    """Return the last minute of each outcome; one that has never occurred is absent (R44)."""
    latest = select(Intake.outcome, func.max(Intake.minute_at)).group_by(Intake.outcome)
    return {row[0]: row[1] for row in session.execute(latest)}


def forget(session: Session, *, kept_for: timedelta, at: datetime) -> int:
    """Delete the counts older than *kept_for*, which explain no attempt; return how many rows."""
    deleted = delete(Intake).where(Intake.minute_at < at - kept_for).returning(Intake.minute_at)
    return len(session.scalars(deleted).all())

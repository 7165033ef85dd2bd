"""Counts of deliveries by minute and outcome.

They answer an operator's questions when a link is not made: did Messenger reach the server, and
were its deliveries signed with the app secret?
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final, Literal, TypeAlias, get_args

from sqlalchemy import CompoundSelect, bindparam, case, delete, func, literal, select, union_all
from sqlalchemy.orm import Session

from app.infra.database.engine import insert_into
from app.infra.database.portions import PORTION, Cleanup
from app.linking.statistics_models import Intake

# Accepted, signed with the current or the previous app secret; or refused for the signature.
Signer = Literal["current", "previous", "refused"]
SIGNERS: Final[Sequence[Signer]] = get_args(Signer)
Counts = Mapping[tuple[datetime, Signer], int]
Key: TypeAlias = tuple[datetime, str]


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


def by_day(session: Session, *, days: int, until: datetime) -> Mapping[date, Seen]:
    """Return the counts of each of the last *days* days (UTC), that of *until* included."""
    today = datetime.combine(until.date(), time(), UTC)
    starts = [today - timedelta(days=back) for back in reversed(range(days))]
    ends = [*starts[1:], minute_of(until) + timedelta(minutes=1)]
    bounds = {f"start_{place}": start for place, start in enumerate(starts)}
    bounds |= {f"end_{place}": end for place, end in enumerate(ends)}
    return {
        starts[place].date(): Seen(int(taken or 0), int(refused or 0))
        for place, taken, refused in sorted(session.execute(_sums_of(days), bounds))
    }


@cache
def _sums_of(days: int) -> CompoundSelect[int, int | None, int | None]:
    """Return the query for the sums of *days* spans of time, each with its place.

    A sum each, without groups: a quarter of the time, where each minute has its rows. Made once:
    to make it takes longer than to run it.
    """
    taken = func.sum(case((Intake.outcome != "refused", Intake.deliveries), else_=0))
    refused = func.sum(case((Intake.outcome == "refused", Intake.deliveries), else_=0))
    return union_all(
        *(
            select(literal(place), taken, refused).where(
                Intake.minute_at >= bindparam(f"start_{place}"),
                Intake.minute_at < bindparam(f"end_{place}"),
            )
            for place in range(days)
        )
    )


def last(session: Session) -> dict[str, datetime]:
    """Return the last minute of each outcome; one that has never occurred is absent (R44)."""
    # Each by the index: a group would read the minutes of a whole month.
    each = (
        select(func.max(Intake.minute_at)).where(Intake.outcome == outcome).scalar_subquery()
        for outcome in SIGNERS
    )
    found = zip(SIGNERS, session.execute(select(*each)).one(), strict=True)
    return {outcome: at for outcome, at in found if at is not None}


def old(until: datetime) -> Cleanup[Key]:
    """Return what deletes the counts of the time before *until*, which explain no attempt."""

    def find(session: Session, _: Key | None) -> Sequence[Key]:
        rows = select(Intake.minute_at, Intake.outcome).where(Intake.minute_at < until)
        some = rows.order_by(Intake.minute_at, Intake.outcome).limit(PORTION)
        return [(row.minute_at, row.outcome) for row in session.execute(some)]

    def forget(session: Session, keys: Sequence[Key]) -> int:
        # One by one: SQLite may read the whole table for a list of pairs.
        minute = Intake.minute_at == bindparam("its_minute")
        this = minute & (Intake.outcome == bindparam("its_outcome"))
        rows = [{"its_minute": key[0], "its_outcome": key[1]} for key in keys]
        session.connection().execute(delete(Intake).where(this), rows)
        return len(rows)

    return Cleanup(find, forget)

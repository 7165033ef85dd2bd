"""Settling: each attempt is counted once, when nothing about it can change any more.

What is counted holds no person: it outlives the attempts, and with them the reasons.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, case, delete, or_, select, update
from sqlalchemy.orm import Session

from app.infra.database.engine import insert_into
from app.infra.database.portions import PORTION, Cleanup
from app.linking.attempt_status import LIFE
from app.linking.causes.cause import Stage
from app.linking.models import UNSETTLED, Attempt
from app.linking.statistics_models import AttemptsOfDay, LinkTimesOfDay
from app.linking.timeline import Timeline, timelines_of
from app.messenger.types import PageId

# Events of the last request may wait for the database for so long.
GRACE: Final = timedelta(seconds=60)
# Messenger repeats for so long a delivery that failed (Meta, "Webhooks, Getting Started").
LAST_EVENT: Final = timedelta(hours=36)
# In seconds, from the opening to the link; 0 counts what took longer than the last.
BUCKETS: Final = (15, 30, 60, 120, 300, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The counts to which an attempt is added; *bucket* is None where nobody was linked."""

    attempt_id: str
    day: date
    page_id: PageId
    authenticator: str
    stage: Stage
    cause: str
    bucket: int | None


def unsettled(at: datetime) -> Cleanup[Settlement]:
    """Return what settles the attempts that are final at *at*, the oldest first."""

    def find(session: Session, _: Settlement | None) -> Sequence[Settlement]:
        rows = select(Attempt).where(UNSETTLED, _is_final(at)).order_by(Attempt.opened_at)
        attempts = session.scalars(rows.limit(PORTION)).all()
        return list(map(_settlement, attempts, timelines_of(session, attempts, at=at)))

    def settle(session: Session, settlements: Sequence[Settlement]) -> int:
        taken = _mark(session, {one.attempt_id: one for one in settlements}, at)
        _count(session, [one for one in settlements if one.attempt_id in taken])
        return len(taken)

    return Cleanup(find, settle)


def old_statistics(before: date) -> Iterator[Cleanup[date]]:
    """Yield what deletes the counts of the days before *before*, one day at a time."""
    for table in (AttemptsOfDay, LinkTimesOfDay):
        yield _old_days(table, before)


def _old_days(table: type[AttemptsOfDay | LinkTimesOfDay], before: date) -> Cleanup[date]:
    def find(session: Session, _: date | None) -> Sequence[date]:
        oldest = select(table.day).where(table.day < before).order_by(table.day).limit(1)
        return session.scalars(oldest).all()

    def forget(session: Session, days: Sequence[date]) -> int:
        rows = delete(table).where(table.day.in_(days)).returning(table.day)
        return len(session.scalars(rows).all())

    return Cleanup(find, forget)


def _is_final(at: datetime) -> ColumnElement[bool]:
    return or_(
        Attempt.ended_at <= at - GRACE,
        and_(
            Attempt.ended_at.is_(None),
            Attempt.confirmed_at.is_(None),
            Attempt.opened_at <= at - LIFE - GRACE,
        ),
        and_(Attempt.ended_at.is_(None), Attempt.confirmed_at <= at - LAST_EVENT),
    )


def _settlement(attempt: Attempt, timeline: Timeline) -> Settlement:
    told = timeline.conclusion
    took = None
    if told.stage is Stage.LINKED and attempt.ended_at is not None:
        took = attempt.ended_at - attempt.opened_at
    return Settlement(
        attempt_id=attempt.id,
        day=attempt.opened_at.date(),
        page_id=attempt.page_id,
        authenticator=timeline.authenticator or "",
        stage=told.stage,
        cause=told.cause.slug,
        bucket=None if took is None else _bucket(took),
    )


def _bucket(took: timedelta) -> int:
    return next((bound for bound in BUCKETS if took.total_seconds() <= bound), 0)


def _mark(session: Session, settlements: Mapping[str, Settlement], at: datetime) -> set[str]:
    """Write the conclusions into the rows; return the ids of those that nobody else has settled."""
    rows = (
        update(Attempt)
        .where(Attempt.id.in_(settlements), UNSETTLED)
        .values(
            settled_at=at,
            stage=case(
                {key: one.stage.value for key, one in settlements.items()}, value=Attempt.id
            ),
            cause=case({key: one.cause for key, one in settlements.items()}, value=Attempt.id),
        )
        .returning(Attempt.id)
        .execution_options(synchronize_session=False)
    )
    return set(session.scalars(rows))


def _count(session: Session, settlements: Sequence[Settlement]) -> None:
    outcomes = Counter(
        (*_place(one), one.authenticator, one.stage.value, one.cause) for one in settlements
    )
    times = Counter((*_place(one), one.bucket) for one in settlements if one.bucket is not None)
    _add(session, AttemptsOfDay, outcomes)
    _add(session, LinkTimesOfDay, times)


def _place(settlement: Settlement) -> tuple[date, PageId]:
    return settlement.day, settlement.page_id


def _add(
    session: Session,
    table: type[AttemptsOfDay | LinkTimesOfDay],
    counts: Mapping[tuple[date, PageId, str, str, str], int]
    | Mapping[tuple[date, PageId, int], int],
) -> None:
    """Add *counts* to the rows of *table*: their keys are its key, their values its last column."""
    if not counts:
        return
    *key, number = table.__table__.columns.keys()
    # In one order: else two processes that add to the same two rows could deadlock.
    rows = [
        dict(zip((*key, number), (*place, count), strict=True))
        for place, count in sorted(counts.items())
    ]
    new = insert_into(session.get_bind().dialect.name, table).values(rows)
    session.execute(
        new.on_conflict_do_update(
            index_elements=key,
            set_={number: table.__table__.columns[number] + new.excluded[number]},
        )
    )

"""Retention of attempts and of the history of links."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from app.infra.database.portions import PORTION, Cleanup
from app.infra.settings.retention import Retention
from app.linking import attempt_events
from app.linking.attempt_status import LIFE
from app.linking.models import (
    HAS_DISPLAY_NAME,
    HAS_MESSENGER_NAME,
    HAS_STATE,
    UNCONFIRMED,
    UNRECOGNISED,
    Attempt,
    LinkEvent,
)

# Messenger repeats for 36 hours a delivery that failed (Meta, "Webhooks, Getting Started"): until
# then a confirmed attempt may still become a link, which takes the name over.
UNTIL_LINKED: Final = timedelta(hours=48)
# An operator who looks into an attempt on the same day sees who signed in; a deleted user's names
# are gone within a day (R112).
USERS_NAMED: Final = timedelta(hours=20)
# Attempts in one transaction. Each has entries in a dozen indexes, most of them in random order,
# and some ten events: of a hundred, a commit wrote more than a thousand pages and held SQLite's
# writer for up to 77 ms (`make drills`, a million attempts).
ATTEMPTS: Final = 25
# Strangers cause them: whoever was refused writes in on the same day.
REFUSALS_KEPT: Final = timedelta(hours=24)


def needless_names(at: datetime) -> Iterator[Cleanup[str]]:
    """Yield what removes names and `state` that no link needs any more (R112)."""
    is_over = _is_over(at)
    seen_enough = Attempt.opened_at <= at - USERS_NAMED
    yield _attempts(
        and_(HAS_MESSENGER_NAME, is_over), _set(messenger_name=None, picture_url=None, memo=None)
    )
    yield _attempts(and_(HAS_STATE, is_over), _set(state_ref=None))
    yield _attempts(and_(HAS_DISPLAY_NAME, seen_enough, is_over), _set(display_name=None))


def old_attempts(retention: Retention, at: datetime) -> Iterator[Cleanup[str]]:
    """Yield what deletes attempts that are too old, with their events.

    First those in which nobody was recognised, then those without a code, then those with one.
    """
    for is_old in (
        and_(UNRECOGNISED, Attempt.opened_at <= at - retention.attempts),
        and_(UNCONFIRMED, Attempt.opened_at <= at - retention.failed_attempts),
        Attempt.opened_at <= at - retention.codes,
    ):
        yield _attempts(is_old, _delete)


def old_events(retention: Retention, at: datetime) -> Iterator[Cleanup[str]]:
    """Yield what deletes the events of no attempt: of requests without one, and left behind."""
    yield attempt_events.old_refusals(at - REFUSALS_KEPT)
    yield attempt_events.old_events(at - retention.codes)


def old_history(until: datetime) -> Cleanup[int]:
    """Return what deletes the history up to the time *until*."""

    def find(session: Session, _: int | None) -> Sequence[int]:
        # Numbered in the order of their times, so no index on these is needed.
        first = select(LinkEvent.id).order_by(LinkEvent.id).limit(PORTION)
        old = select(LinkEvent.id).where(LinkEvent.id.in_(first), LinkEvent.recorded_at <= until)
        return session.scalars(old).all()

    def forget(session: Session, ids: Sequence[int]) -> int:
        rows = delete(LinkEvent).where(LinkEvent.id.in_(ids)).returning(LinkEvent.id)
        return len(session.scalars(rows).all())

    return Cleanup(find, forget)


Change = Callable[[Session, ColumnElement[bool]], int]


def _attempts(which: ColumnElement[bool], change: Change) -> Cleanup[str]:
    """Return what applies *change* to the attempts *which* holds for, the oldest first."""

    def find(session: Session, _: str | None) -> Sequence[str]:
        rows = select(Attempt.id).where(which).order_by(Attempt.opened_at).limit(ATTEMPTS)
        return session.scalars(rows).all()

    # With the condition again: it may hold no longer.
    return Cleanup(
        find,
        lambda session, ids: change(session, and_(Attempt.id.in_(ids), which)),
        portion=ATTEMPTS,
    )


def _set(**values: None) -> Change:
    def change(session: Session, which: ColumnElement[bool]) -> int:
        rows = update(Attempt).where(which).values(**values).returning(Attempt.id)
        # Counted by the rows that come back: the same on both databases.
        return len(session.scalars(rows).all())

    return change


def _delete(session: Session, which: ColumnElement[bool]) -> int:
    references = session.scalars(delete(Attempt).where(which).returning(Attempt.reference)).all()
    attempt_events.forget(session, references)
    return len(references)


def _is_over(at: datetime) -> ColumnElement[bool]:
    return or_(
        Attempt.ended_at.is_not(None),
        and_(Attempt.confirmed_at.is_(None), Attempt.opened_at <= at - LIFE),
        Attempt.confirmed_at <= at - UNTIL_LINKED,
    )

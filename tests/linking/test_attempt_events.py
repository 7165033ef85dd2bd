"""Events of attempts: one row for each obstacle, however often it is met."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.linking.attempt_events import Counted, Kind, Note, events_of, forget, record
from app.linking.models import AttemptEvent
from tests.installation import NOON, PAGE

REFERENCE = "q3m9-7d2k"


def note(minutes: int = 0, *, reference: str = REFERENCE, **fields: object) -> Note:
    told = {"kind": Kind.CREDENTIALS_WRONG, "subject": "local", **fields}
    return Note(reference=reference, at=NOON + timedelta(minutes=minutes), **told)  # type: ignore[arg-type]


def test_an_obstacle_that_is_met_often_is_one_row(session: Session) -> None:
    """A stranger who tries for hours adds no rows."""
    first, second = note(detail="no_such_account"), note(1, detail="wrong_password")
    record(session, {first.key: Counted.one(first).plus(second)})
    third = note(3, detail="locked", page_id=PAGE)
    record(session, {third.key: Counted.one(third)})
    fourth = note(4, detail="locked")
    record(session, {fourth.key: Counted.one(fourth)})

    row = session.scalars(select(AttemptEvent)).one()

    assert (NOON, NOON + timedelta(minutes=4), 4) == (row.first_at, row.last_at, row.times)
    assert ("locked", PAGE) == (row.detail, row.page_id)


def test_events_come_in_the_order_in_which_they_last_happened(session: Session) -> None:
    notes = (
        note(5),
        note(1, kind=Kind.GRAPH_FAILED, subject="recipient_for", code=190, subcode=463),
        note(2, kind=Kind.GRAPH_FAILED, subject="recipient_for", code=4),
        note(3, reference="another0"),
    )
    record(session, {one.key: Counted.one(one) for one in notes})

    events = events_of(session, [REFERENCE, "unknown00"])

    assert [190, 4, 0] == [event.code for event in events[REFERENCE]]
    assert [] == events["unknown00"]


def test_events_are_deleted_by_their_references(session: Session) -> None:
    notes = (note(), note(reference="another0"))
    record(session, {one.key: Counted.one(one) for one in notes})

    forget(session, [REFERENCE])

    assert ["another0"] == [row.reference for row in session.scalars(select(AttemptEvent))]


def test_what_is_too_long_is_cut_before_it_is_stored(session: Session) -> None:
    """PostgreSQL refuses what SQLite takes."""
    one = note(detail="x" * 500)
    record(session, {one.key: Counted.one(one)})

    assert 160 == len(session.scalars(select(AttemptEvent)).one().detail)

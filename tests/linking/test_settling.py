"""Settling: each attempt is counted once, and its counts outlive it."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.infra.database.portions import PORTION
from app.linking import attempts, settling
from app.linking.attempt_events import Counted, Kind, Note, record
from app.linking.attempt_status import LIFE
from app.linking.models import Attempt
from app.linking.references import reference_of
from app.linking.statistics_models import AttemptsOfDay, LinkTimesOfDay
from tests.cleanups import clean
from tests.installation import BEN, NOON, OTHER_PAGE, PAGE
from tests.linking.factories import MINUTE, SECOND, comes_back, confirmed, linked, opened

OVER = NOON + LIFE + settling.GRACE
TODAY = NOON.date()


def settle(session: Session, at: datetime = OVER) -> int:
    session.flush()
    return sum(clean(session, settling.unsettled(at)))


def counted(session: Session) -> dict[tuple[date, str, str, str], int]:
    rows = session.scalars(select(AttemptsOfDay))
    return {(row.day, row.authenticator, row.stage, row.cause): row.attempts for row in rows}


def test_an_attempt_is_counted_once(session: Session) -> None:
    opened(session)

    assert (0, {}) == (settle(session, OVER - SECOND), counted(session))
    assert 1 == settle(session)
    assert 0 == settle(session, OVER + MINUTE)
    assert {(TODAY, "", "opened", "never_displayed"): 1} == counted(session)
    row = session.scalars(select(Attempt)).one()
    assert (OVER, "opened", "never_displayed") == (row.settled_at, row.stage, row.cause)


def test_what_stood_in_the_way_is_the_cause_and_its_authenticator_is_told(
    session: Session,
) -> None:
    ticket = opened(session)
    note = Note(
        reference=reference_of(ticket.attempt_id),
        kind=Kind.CREDENTIALS_WRONG,
        subject="ldap:staff",
        at=NOON,
    )
    record(session, {note.key: Counted.one(note)})

    settle(session)

    assert {(TODAY, "ldap:staff", "opened", "credentials_wrong"): 1} == counted(session)


def test_a_link_is_counted_with_the_time_that_it_took(session: Session) -> None:
    linked(session)
    code = confirmed(session, psid=BEN)
    comes_back(session, code, psid=BEN, event_at=NOON + 61 * SECOND)

    settle(session)

    assert {(TODAY, "local", "linked", "linked"): 2} == counted(session)
    times = {row.bucket: row.links for row in session.scalars(select(LinkTimesOfDay))}
    assert {15: 1, 120: 1} == times


@pytest.mark.parametrize(("seconds", "bucket"), [(15, 15), (16, 30), (600, 600), (601, 0)])
def test_every_time_has_a_bucket(seconds: int, bucket: int) -> None:
    assert bucket == settling._bucket(timedelta(seconds=seconds))  # noqa: SLF001 - arithmetic


def test_a_confirmed_attempt_waits_for_messenger_as_long_as_messenger_repeats(
    session: Session,
) -> None:
    """Meta repeats an event for 36 hours: until then the attempt may still become a link."""
    confirmed(session)
    at = NOON + settling.LAST_EVENT

    assert 0 == settle(session, at - SECOND)
    assert 1 == settle(session, at)
    assert {(TODAY, "local", "confirmed", "webhook_silent"): 1} == counted(session)


def test_attempts_are_counted_on_the_day_of_their_opening(session: Session) -> None:
    for days in (0, 0, 1):
        opened(session, at=NOON + timedelta(days=days))

    settle(session, OVER + timedelta(days=1))

    tomorrow = TODAY + timedelta(days=1)
    key = ("", "opened", "never_displayed")
    assert {(TODAY, *key): 2, (tomorrow, *key): 1} == counted(session)


def test_two_workers_count_nothing_twice(session: Session) -> None:
    """What one has found, another may have settled before it writes."""
    opened(session)
    cleanup = settling.unsettled(OVER)
    found = cleanup.find(session, None)

    assert 1 == cleanup.change(session, found)
    assert 0 == cleanup.change(session, found)
    assert [1] == list(counted(session).values())


def test_more_than_a_portion_is_settled_in_portions(session: Session) -> None:
    for _ in range(PORTION + 1):
        opened(session)

    assert PORTION + 1 == settle(session)
    assert [PORTION + 1] == list(counted(session).values())


def test_old_statistics_go_day_by_day(session: Session) -> None:
    for days in range(3):
        opened(session, at=NOON + timedelta(days=days))
    settle(session, OVER + timedelta(days=3))
    before = TODAY + timedelta(days=2)

    for _ in range(3):
        for cleanup in settling.old_statistics(before):
            cleanup.change(session, cleanup.find(session, None))

    assert [before] == [day for day, *_ in counted(session)]


def test_attempts_of_another_page_are_counted_apart(session: Session) -> None:
    opened(session)
    attempts.open_(session, page_id=OTHER_PAGE, account_linking_token="t", at=NOON)

    settle(session)

    assert {PAGE: 1, OTHER_PAGE: 1} == {
        row.page_id: row.attempts for row in session.scalars(select(AttemptsOfDay))
    }

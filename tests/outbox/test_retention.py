from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.infra.settings.parsing import Reader
from app.infra.settings.retention import read_retention
from app.outbox import queue, retention
from app.outbox.models import OutboxRow
from app.outbox.queue import Lane, LaneKey, enqueue_once
from tests.installation import NOON

RETENTION = read_retention(Reader({}))
NOTICE, RETRY = LaneKey("notice", Lane.FRESH), LaneKey("notice", Lane.RETRIES)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def left(session: Session) -> list[bytes]:
    return list(session.scalars(select(OutboxRow.body).order_by(OutboxRow.id)))


def done(session: Session, kind: str, body: bytes) -> None:
    enqueue_once(session, kind, body, at=NOON)
    (claim,) = queue.claim(session, LaneKey(kind, Lane.FRESH), limit=1, lease=timedelta(0), at=NOON)
    queue.acknowledge(session, [claim])


def test_a_digest_outlives_its_body_by_an_hour(session: Session) -> None:
    """Long enough to recognise a delivery that Messenger repeats."""
    done(session, "delivery", b"private words")

    retention.sweep(session, retention=RETENTION, at=NOON + HOUR * 0.99)
    kept = left(session)
    retention.sweep(session, retention=RETENTION, at=NOON + HOUR)

    assert [b""] == kept
    assert [] == left(session)


def test_deliveries_that_the_bot_does_not_accept_are_dropped_after_a_day(session: Session) -> None:
    """A dead bot never fills the disk; the operator is told how many it will never get."""
    enqueue_once(session, "delivery", b"old", at=NOON)
    enqueue_once(session, "delivery", b"new", at=NOON + HOUR)

    swept = retention.sweep(session, retention=RETENTION, at=NOON + DAY)

    assert 1 == swept.dropped
    assert [b"new"] == left(session)


def test_of_too_many_deliveries_the_oldest_go_first(session: Session) -> None:
    for number in range(4):
        enqueue_once(session, "delivery", b"%d" % number * 100, at=NOON)

    dropped = retention.drop_deliveries(
        session, retention=replace(RETENTION, deliveries_bytes=250), at=NOON
    )

    assert 2 == dropped
    assert [b"2" * 100, b"3" * 100] == left(session)


def test_notices_are_kept_for_a_month(session: Session) -> None:
    enqueue_once(session, "notice", b"1", at=NOON)
    (claim,) = queue.claim(session, NOTICE, limit=1, lease=HOUR, at=NOON)
    queue.dead_letter(session, claim, failure="status 500")

    retention.sweep(session, retention=RETENTION, at=NOON + 29 * DAY)
    kept = left(session)
    retention.sweep(session, retention=RETENTION, at=NOON + 30 * DAY)

    assert [b"1"] == kept
    assert [] == left(session)


def test_an_unlink_at_messenger_is_never_dropped(session: Session) -> None:
    queue.enqueue(session, "graph.unlink", b"1", at=NOON)

    retention.sweep(session, retention=RETENTION, at=NOON + 400 * DAY)

    assert [b"1"] == left(session)


def test_the_operator_is_told_of_what_waits_too_long(session: Session) -> None:
    """R100: five minutes behind is worth a look."""
    enqueue_once(session, "notice", b"1", at=NOON)

    soon = retention.sweep(session, retention=RETENTION, at=NOON + timedelta(minutes=5))
    late = retention.sweep(session, retention=RETENTION, at=NOON + timedelta(minutes=6))

    assert () == soon.late
    assert [("notice", 1)] == [(stats.kind, stats.count) for stats in late.late]


def test_retention_follows_the_settings(session: Session) -> None:
    """R112: one setting for each kind."""
    changed = read_retention(Reader({"KEEP_DELIVERIES_HOURS": "2", "KEEP_DEAD_LETTERS_DAYS": "40"}))
    for kind in ("notice", "delivery"):
        enqueue_once(session, kind, kind.encode(), at=NOON)
    (claim,) = queue.claim(session, NOTICE, limit=1, lease=HOUR, at=NOON)
    queue.dead_letter(session, claim, failure="status 500")

    retention.sweep(session, retention=changed, at=NOON + 2 * HOUR)
    after_hours = left(session)
    retention.sweep(session, retention=changed, at=NOON + 39 * DAY)
    after_days = left(session)
    retention.sweep(session, retention=changed, at=NOON + 40 * DAY)

    assert [b"notice"] == after_hours == after_days
    assert [] == left(session)


@pytest.mark.parametrize("step", [HOUR, DAY])
def test_a_clock_that_was_set_back_delays_nothing(session: Session, step: timedelta) -> None:
    """R123: an item written before the step is due now, not when the clock is there again."""
    later = NOON + step
    enqueue_once(session, "notice", b"1", at=later)
    enqueue_once(session, "notice", b"2", at=later)
    (failed,) = queue.claim(session, NOTICE, limit=1, lease=HOUR, at=later)
    queue.postpone(session, failed, failure="status 500", until=later)

    new = queue.claim(session, NOTICE, limit=1, lease=HOUR, at=NOON)
    before = queue.claim(session, RETRY, limit=1, lease=HOUR, at=NOON)
    retention.sweep(session, retention=RETENTION, at=NOON)
    after = queue.claim(session, RETRY, limit=1, lease=HOUR, at=NOON)

    assert [b"2"] == [claim.body for claim in new]
    assert () == before
    assert [b"1"] == [claim.body for claim in after]


def test_what_waits_for_its_next_try_is_left_waiting(session: Session) -> None:
    """R99: an item that is due in the future was not created there."""
    enqueue_once(session, "notice", b"1", at=NOON)
    (claim,) = queue.claim(session, NOTICE, limit=1, lease=HOUR, at=NOON)
    queue.postpone(session, claim, failure="status 500", until=NOON + DAY)

    retention.sweep(session, retention=RETENTION, at=NOON)

    assert () == queue.claim(session, RETRY, limit=1, lease=HOUR, at=NOON)

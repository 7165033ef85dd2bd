from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.infra.settings.parsing import Reader
from app.infra.settings.retention import read_retention
from app.outbox import queue as service
from app.outbox import retention
from app.outbox.models import Outgoing
from app.outbox.queue import enqueue_once
from tests.installation import NOON

KEEP = read_retention(Reader({}))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def left(session: Session) -> list[bytes]:
    return list(session.scalars(select(Outgoing.body).order_by(Outgoing.id)))


def done(session: Session, kind: str, body: bytes) -> None:
    enqueue_once(session, kind, body, at=NOON)
    (claim,) = service.claim(session, kind, most=1, lease=timedelta(0), at=NOON)
    service.acknowledge(session, [claim])


def test_a_digest_outlives_its_body_by_an_hour(session: Session) -> None:
    """Design §4: long enough for a repeat of Messenger's to be known."""
    done(session, "delivery", b"private words")

    retention.sweep(session, keep=KEEP, at=NOON + HOUR * 0.99)
    kept = left(session)
    retention.sweep(session, keep=KEEP, at=NOON + HOUR)

    assert [b""] == kept
    assert [] == left(session)


def test_deliveries_that_nobody_takes_end_after_a_day(session: Session) -> None:
    """A dead bot never fills the disk; the operator hears how many it will never see."""
    enqueue_once(session, "delivery", b"old", at=NOON)
    enqueue_once(session, "delivery", b"new", at=NOON + HOUR)

    swept = retention.sweep(session, keep=KEEP, at=NOON + DAY)

    assert 1 == swept.dropped
    assert [b"new"] == left(session)


def test_of_too_many_deliveries_the_oldest_go_first(session: Session) -> None:
    for number in range(4):
        enqueue_once(session, "delivery", b"%d" % number * 100, at=NOON)

    dropped = retention.drop_deliveries(session, keep=replace(KEEP, deliveries_bytes=250), at=NOON)

    assert 2 == dropped
    assert [b"2" * 100, b"3" * 100] == left(session)


def test_notices_are_kept_for_a_month(session: Session) -> None:
    enqueue_once(session, "notice", b"1", at=NOON)
    (claim,) = service.claim(session, "notice", most=1, lease=HOUR, at=NOON)
    service.dead_letter(session, claim, failure="status 500")

    retention.sweep(session, keep=KEEP, at=NOON + 29 * DAY)
    kept = left(session)
    retention.sweep(session, keep=KEEP, at=NOON + 30 * DAY)

    assert [b"1"] == kept
    assert [] == left(session)


def test_an_unlink_that_messenger_owes_us_is_never_dropped(session: Session) -> None:
    service.enqueue(session, "graph.unlink", b"1", at=NOON)

    retention.sweep(session, keep=KEEP, at=NOON + 400 * DAY)

    assert [b"1"] == left(session)


def test_the_operator_hears_of_what_waits_too_long(session: Session) -> None:
    """R100: five minutes behind is worth a look."""
    enqueue_once(session, "notice", b"1", at=NOON)

    soon = retention.sweep(session, keep=KEEP, at=NOON + timedelta(minutes=5))
    late = retention.sweep(session, keep=KEEP, at=NOON + timedelta(minutes=6))

    assert () == soon.late
    assert [("notice", 1)] == [(queue.kind, queue.count) for queue in late.late]


def test_the_bot_s_side_is_kept_as_long_as_the_operator_says(session: Session) -> None:
    """R112, design §4: one setting for each kind."""
    keep = read_retention(Reader({"KEEP_DELIVERIES_HOURS": "2", "KEEP_DEAD_LETTERS_DAYS": "40"}))
    for kind in ("notice", "delivery"):
        enqueue_once(session, kind, kind.encode(), at=NOON)
    (claim,) = service.claim(session, "notice", most=1, lease=HOUR, at=NOON)
    service.dead_letter(session, claim, failure="status 500")

    retention.sweep(session, keep=keep, at=NOON + 2 * HOUR)
    after_hours = left(session)
    retention.sweep(session, keep=keep, at=NOON + 39 * DAY)
    after_days = left(session)
    retention.sweep(session, keep=keep, at=NOON + 40 * DAY)

    assert [b"notice"] == after_hours == after_days
    assert [] == left(session)


@pytest.mark.parametrize("step", [HOUR, DAY])
def test_a_clock_that_was_put_back_holds_up_nothing(session: Session, step: timedelta) -> None:
    """R123: what was written before the step is not due when the old time comes round, but now."""
    enqueue_once(session, "notice", b"1", at=NOON + step)
    before = service.claim(session, "notice", most=1, lease=HOUR, at=NOON)

    retention.sweep(session, keep=KEEP, at=NOON)
    after = service.claim(session, "notice", most=1, lease=HOUR, at=NOON)
    retention.sweep(session, keep=KEEP, at=NOON)

    assert () == before
    assert [b"1"] == [claim.body for claim in after]
    # It is held as any other: the lease counts from now.
    assert () == service.claim(session, "notice", most=1, lease=HOUR, at=NOON)


def test_what_waits_for_its_next_try_is_left_waiting(session: Session) -> None:
    """R99: to be due in the future is not to have been written there."""
    enqueue_once(session, "notice", b"1", at=NOON)
    (claim,) = service.claim(session, "notice", most=1, lease=HOUR, at=NOON)
    service.postpone(session, claim, failure="status 500", until=NOON + DAY)

    retention.sweep(session, keep=KEEP, at=NOON)

    assert () == service.claim(session, "notice", most=1, lease=HOUR, at=NOON)

from dataclasses import astuple, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from app.infra.database.portions import PORTION
from app.infra.settings.reader import Reader
from app.infra.settings.retention import Retention, read_retention
from app.outbox import backlog_size, dropped, queue
from app.outbox.models import OutboxRow
from app.outbox.queue import Lane, LaneKey, enqueue_once
from app.outbox.retention import Sweeper
from tests.cleanups import InSession
from tests.installation import NOON

RETENTION = read_retention(Reader({}))
NOTICE, RETRY = LaneKey("notice", Lane.FRESH), LaneKey("notice", Lane.RETRIES)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def sweep(session: Session, *, retention: Retention = RETENTION, at: datetime) -> int:
    """Sweep as a new worker does; return how many deliveries were dropped ever."""
    for _ in Sweeper(InSession(session), retention).sweep(at):
        pass
    return dropped.totals(session).dropped


def left(session: Session) -> list[bytes]:
    return list(session.scalars(select(OutboxRow.body).order_by(OutboxRow.id)))


def done(session: Session, kind: str, body: bytes) -> None:
    enqueue_once(session, kind, body, at=NOON)
    (claim,) = queue.claim(session, LaneKey(kind, Lane.FRESH), limit=1, lease=timedelta(0), at=NOON)
    queue.acknowledge(session, [claim])


def test_a_digest_outlives_its_body_by_an_hour(session: Session) -> None:
    """Long enough to recognise a delivery that Messenger repeats."""
    done(session, "delivery", b"private words")

    sweep(session, at=NOON + HOUR * 0.99)
    kept = left(session)
    sweep(session, at=NOON + HOUR)

    assert [b""] == kept
    assert [] == left(session)


def test_deliveries_that_the_bot_does_not_accept_are_dropped_after_a_day(session: Session) -> None:
    """A dead bot never fills the disk; the operator is told how many it will never get."""
    enqueue_once(session, "delivery", b"old", at=NOON)
    enqueue_once(session, "delivery", b"new", at=NOON + HOUR)

    assert 1 == sweep(session, at=NOON + DAY)
    assert [b"new"] == left(session)


def test_of_too_many_deliveries_the_oldest_go_first(session: Session) -> None:
    for number in range(4):
        enqueue_once(session, "delivery", b"%d" % number * 100, at=NOON)

    assert 2 == sweep(session, retention=replace(RETENTION, deliveries_bytes=250), at=NOON)
    assert [b"2" * 100, b"3" * 100] == left(session)


def add_deliveries(session: Session, numbers: range) -> None:
    """Add a delivery of a hundred bytes for each of *numbers*."""
    for number in numbers:
        enqueue_once(session, "delivery", b"%d" % number * 100, at=NOON)


def test_what_the_bot_takes_makes_room(session: Session) -> None:
    """R97: what was measured before it was taken is no reason to drop anything."""
    small = replace(RETENTION, deliveries_bytes=250)
    sweeper = Sweeper(InSession(session), small)
    add_deliveries(session, range(2))
    for _ in sweeper.sweep(NOON):
        pass
    taken = queue.claim(session, LaneKey("delivery", Lane.FRESH), limit=2, lease=HOUR, at=NOON)
    queue.acknowledge(session, taken)
    add_deliveries(session, range(2, 4))

    for _ in sweeper.sweep(NOON):
        pass

    assert 0 == dropped.totals(session).dropped
    assert [b"", b"", b"2" * 100, b"3" * 100] == left(session)


def test_ids_that_are_given_again_are_measured_again(session: Session) -> None:
    """R97: SQLite does so when the last rows are gone; the limit holds nevertheless."""
    sweeper = Sweeper(InSession(session), replace(RETENTION, deliveries_bytes=250))
    for number in range(4):
        enqueue_once(session, "delivery", b"%d" % number, at=NOON)
    for _ in sweeper.sweep(NOON):
        pass
    taken = queue.claim(
        session, LaneKey("delivery", Lane.FRESH), limit=4, lease=timedelta(0), at=NOON
    )
    queue.acknowledge(session, taken)
    # At the first turn they are forgotten, at the next one nothing is left.
    for minutes in range(2):
        for _ in sweeper.sweep(NOON + HOUR + timedelta(minutes=minutes)):
            pass
    add_deliveries(session, range(4))

    for _ in sweeper.sweep(NOON + HOUR):
        pass

    assert [b"2" * 100, b"3" * 100] == left(session)


def test_two_workers_drop_no_more_than_one(session: Session) -> None:
    """R97: each knows for itself how much waits, and they sweep at the same time."""
    small = replace(RETENTION, deliveries_bytes=250)
    one, other = (Sweeper(InSession(session), small) for _ in range(2))
    for number in range(8):
        add_deliveries(session, range(number, number + 1))
        sweeps = [one.sweep(NOON), other.sweep(NOON)]
        # In turns, step by step.
        while sweeps:
            sweeps = [each for each in sweeps if next(each, "over") != "over"]

    assert [b"6" * 100, b"7" * 100] == left(session)
    assert (6, 6) == astuple(dropped.totals(session))


def test_what_is_below_the_limit_is_not_read_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R49: a gibibyte takes seconds to read, and the sweep comes each minute."""
    parts: list[object] = []
    read = backlog_size._part  # noqa: SLF001 - whatever of the rows is read

    def noted(session: Session, rows: Select[int, int]) -> object:
        parts.append(part := read(session, rows))
        return part

    monkeypatch.setattr(backlog_size, "_part", noted)
    sweeper = Sweeper(InSession(session), RETENTION)
    add_deliveries(session, range(5))
    for _ in sweeper.sweep(NOON):
        pass
    add_deliveries(session, range(5, 7))
    for _ in sweeper.sweep(NOON):
        pass

    assert [5, None, 2, None] == [part and part.count for part in parts]  # type: ignore[attr-defined]


def test_what_a_killed_sweep_has_dropped_is_told_once(session: Session) -> None:
    """R97: counted in the transaction that drops it, and reported by the next worker."""
    for number in range(2 * PORTION + 1):
        enqueue_once(session, "delivery", b"%d" % number, at=NOON)
    killed = Sweeper(InSession(session), RETENTION).sweep(NOON + DAY)
    with capture_logs() as before:
        next(killed)
    del killed
    gone = 2 * PORTION + 1 - len(left(session))

    with capture_logs() as after:
        sweep(session, at=NOON + DAY)
        sweep(session, at=NOON + DAY)

    told = [line for line in before + after if line["event"] == "outbox.deliveries_dropped"]
    assert PORTION == gone
    assert [2 * PORTION + 1] == [line["count"] for line in told]
    assert [] == left(session)


def test_notices_are_kept_for_a_month(session: Session) -> None:
    enqueue_once(session, "notice", b"1", at=NOON)
    (claim,) = queue.claim(session, NOTICE, limit=1, lease=HOUR, at=NOON)
    queue.dead_letter(session, claim, failure="status 500")

    sweep(session, at=NOON + 29 * DAY)
    kept = left(session)
    sweep(session, at=NOON + 30 * DAY)

    assert [b"1"] == kept
    assert [] == left(session)


def test_an_unlink_at_messenger_is_never_dropped(session: Session) -> None:
    queue.enqueue(session, "graph.unlink", b"1", at=NOON)

    sweep(session, at=NOON + 400 * DAY)

    assert [b"1"] == left(session)


def test_the_operator_is_told_of_what_waits_too_long(session: Session) -> None:
    """R100: five minutes behind is worth a look."""
    enqueue_once(session, "notice", b"1", at=NOON)

    with capture_logs() as soon:
        sweep(session, at=NOON + timedelta(minutes=5))
    with capture_logs() as late:
        sweep(session, at=NOON + timedelta(minutes=6))

    assert [] == soon
    assert [("outbox.late", "notice", 1, 6)] == [
        (line["event"], line["kind"], line["count"], line["minutes"]) for line in late
    ]


def test_retention_follows_the_settings(session: Session) -> None:
    """R112: one setting for each kind."""
    changed = read_retention(Reader({"KEEP_DELIVERIES_HOURS": "2", "KEEP_DEAD_LETTERS_DAYS": "40"}))
    for kind in ("notice", "delivery"):
        enqueue_once(session, kind, kind.encode(), at=NOON)
    (claim,) = queue.claim(session, NOTICE, limit=1, lease=HOUR, at=NOON)
    queue.dead_letter(session, claim, failure="status 500")

    sweep(session, retention=changed, at=NOON + 2 * HOUR)
    after_hours = left(session)
    sweep(session, retention=changed, at=NOON + 39 * DAY)
    after_days = left(session)
    sweep(session, retention=changed, at=NOON + 40 * DAY)

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
    sweep(session, at=NOON)
    after = queue.claim(session, RETRY, limit=1, lease=HOUR, at=NOON)

    assert [b"2"] == [claim.body for claim in new]
    assert () == before
    assert [b"1"] == [claim.body for claim in after]


def test_what_waits_for_its_next_try_is_left_waiting(session: Session) -> None:
    """R99: an item that is due in the future was not created there."""
    enqueue_once(session, "notice", b"1", at=NOON)
    (claim,) = queue.claim(session, NOTICE, limit=1, lease=HOUR, at=NOON)
    queue.postpone(session, claim, failure="status 500", until=NOON + DAY)

    sweep(session, at=NOON)

    assert () == queue.claim(session, RETRY, limit=1, lease=HOUR, at=NOON)

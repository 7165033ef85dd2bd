"""Counts of deliveries by the minute, which explain why a link was not made."""

from datetime import timedelta

from sqlalchemy.orm import Session

from app.infra.observability.buffered_writer import STORED_AT_ONCE
from app.linking import delivery_counts
from app.linking.delivery_counter import DeliveryCounter
from app.linking.delivery_counts import Seen
from app.services.container import Services
from tests.actors import Messenger, message
from tests.cleanups import clean
from tests.installation import ANA, NOON
from tests.linking.test_attempt_lists import plans_of

MINUTE = timedelta(minutes=1)


def test_counts_of_several_processes_add_up(session: Session) -> None:
    delivery_counts.add(session, {(NOON, "current"): 3, (NOON, "refused"): 1})
    delivery_counts.add(session, {(NOON, "current"): 2, (NOON + MINUTE, "previous"): 4})

    assert Seen(taken=9, refused=1) == delivery_counts.seen(
        session, since=NOON, until=NOON + MINUTE
    )


def test_only_the_minutes_asked_for_are_seen(session: Session) -> None:
    for minutes in (0, 1, 2, 3):
        delivery_counts.add(session, {(NOON + minutes * MINUTE, "current"): 10**minutes})

    seen = delivery_counts.seen(session, since=NOON + 1.5 * MINUTE, until=NOON + 2.5 * MINUTE)

    assert Seen(taken=110, refused=0) == seen


def test_the_last_minute_of_each_outcome_is_known(session: Session) -> None:
    """
    R44: it tells which of two app secrets Messenger still signs with.
    """
    delivery_counts.add(session, {(NOON, "current"): 1, (NOON + MINUTE, "current"): 1})
    delivery_counts.add(session, {(NOON, "previous"): 1})

    assert {"current": NOON + MINUTE, "previous": NOON} == delivery_counts.last(session)


def test_counts_go_with_the_attempts_that_they_explain(session: Session) -> None:
    delivery_counts.add(session, {(NOON, "current"): 1, (NOON + MINUTE, "current"): 1})

    assert [1] == clean(session, delivery_counts.old(NOON + timedelta(seconds=30)))
    assert {"current": NOON + MINUTE} == delivery_counts.last(session)


def test_what_the_database_would_not_take_is_written_later() -> None:
    written: list[delivery_counts.Counts] = []

    def write(counts: delivery_counts.Counts) -> None:
        written.append(dict(counts))
        if len(written) == 1:
            raise ConnectionError

    tally = DeliveryCounter(write, pause_s=0)
    tally.note("current", at=NOON)
    tally.close()

    assert [{(NOON, "current"): 1}, {(NOON, "current"): 1}] == written


def test_the_counts_of_a_long_outage_are_written_in_portions() -> None:
    """R49: a row for each minute; SQLite takes no statement with more than 32,766 values."""
    written: list[delivery_counts.Counts] = []
    is_away = True

    def write(counts: delivery_counts.Counts) -> None:
        if is_away:
            raise ConnectionError
        written.append(dict(counts))

    tally = DeliveryCounter(write, pause_s=0)
    for minutes in range(STORED_AT_ONCE + 1):
        tally.note("current", at=NOON + minutes * MINUTE)
    is_away = False
    tally.close()

    assert STORED_AT_ONCE + 1 == sum(map(len, written))
    assert STORED_AT_ONCE >= max(map(len, written))


def test_a_delivery_is_counted_by_what_became_of_it(
    services: Services, messenger: Messenger
) -> None:
    messenger.tells(message(ANA, "hello", NOON))
    messenger.posts(b"{}", **{"X-Hub-Signature-256": "sha256=" + "0" * 64})
    services.close()

    assert {"current", "refused"} == services.read(delivery_counts.last).keys()


def test_a_day_has_the_sums_of_its_minutes(session: Session) -> None:
    """The first minute of a day belongs to it, that of the question too, and no later one."""
    midnight = NOON.replace(hour=0)
    for at in (midnight - MINUTE, midnight, NOON, NOON + 2 * MINUTE):
        delivery_counts.add(session, {(at, "current"): 3, (at, "previous"): 1, (at, "refused"): 2})

    days = delivery_counts.by_day(session, days=2, until=NOON + timedelta(seconds=30))

    yesterday, today = midnight - timedelta(days=1), midnight
    assert {
        yesterday.date(): Seen(taken=4, refused=2),
        today.date(): Seen(taken=8, refused=4),
    } == days
    assert [yesterday.date(), today.date()] == list(days)


def test_the_last_of_each_outcome_is_found_by_an_index(session: Session) -> None:
    """R142: the overview and `doctor` ask for it, and a month has a row for each minute."""
    plans = plans_of(session, lambda: delivery_counts.last(session))

    assert 1 == len(plans)
    assert 3 == plans[0].count("ix_intake_outcome")
    assert "SCAN intake" not in plans[0]
    assert "Seq Scan on intake" not in plans[0]

"""The pace at which a target that fails gets items."""

from datetime import timedelta

import pytest

from app.outbox.circuit_breaker import (
    FAILURE_THRESHOLD,
    OUTAGE_AFTER,
    PACES,
    Cause,
    CircuitBreaker,
)
from app.outbox.queue import Lane
from tests.installation import NOON

MANY = 64
SECOND = timedelta(seconds=1)
SOON = timedelta(seconds=10)


def open_by(*causes: Cause) -> CircuitBreaker:
    breaker = CircuitBreaker()
    for cause in causes:
        breaker.record_failure(cause, at=NOON)
    return breaker


def failing(cause: Cause = Cause.REFUSED) -> CircuitBreaker:
    return open_by(*[cause] * FAILURE_THRESHOLD)


def test_a_few_failures_change_nothing() -> None:
    breaker = CircuitBreaker()

    for _ in range(FAILURE_THRESHOLD - 1):
        assert not breaker.record_failure(Cause.UNREACHABLE, at=NOON)

    assert MANY == breaker.allowed(Lane.FRESH, MANY, at=NOON)
    assert 0 == breaker.opened


def test_a_success_between_failures_keeps_the_circuit_closed() -> None:
    """A target that takes anything is up, however much it refuses."""
    breaker = CircuitBreaker()

    for _ in range(10 * FAILURE_THRESHOLD):
        breaker.record_failure(Cause.REFUSED, at=NOON)
        breaker.record_success(at=NOON)

    assert MANY == breaker.allowed(Lane.FRESH, MANY, at=NOON)


@pytest.mark.parametrize("cause", PACES)
def test_five_failures_in_a_row_reduce_the_pace(cause: Cause) -> None:
    """R100: more posts do not help a target that is down."""
    breaker, pace = failing(cause), PACES[cause]

    assert pace.items == breaker.allowed(Lane.FRESH, MANY, at=NOON)
    assert 0 == breaker.allowed(Lane.FRESH, MANY, at=NOON + pace.every * 0.99)
    assert pace.items == breaker.allowed(Lane.FRESH, MANY, at=NOON + pace.every)


@pytest.mark.parametrize("cause", [Cause.REFUSED, Cause.BUSY, Cause.UNREACHABLE])
def test_an_item_that_the_target_takes_is_tried_within_ten_seconds(cause: Cause) -> None:
    """One refused thing holds up nothing else: 20 refused items before it in ten seconds at most.

    What the target would take may stand behind some that were added just before it.
    """
    breaker, tried = failing(cause), 0
    breaker.allowed(Lane.FRESH, MANY, at=NOON)

    for tick in range(1, 41):
        tried += breaker.allowed(Lane.FRESH, MANY, at=NOON + tick * SOON / 40)

    assert tried >= (1 if cause is Cause.UNREACHABLE else 20)


def test_the_mildest_failure_decides() -> None:
    """An answer shows that the target is there."""
    breaker = open_by(*[Cause.UNREACHABLE] * (FAILURE_THRESHOLD - 1), Cause.REFUSED)

    assert PACES[Cause.REFUSED].items == breaker.allowed(Lane.FRESH, MANY, at=NOON)


def test_what_fails_in_a_part_of_the_target_slows_nothing_down() -> None:
    """R100: the target answers, so the items of its other parts are not to wait."""
    breaker = open_by(*[Cause.PART] * 20)

    assert MANY == breaker.allowed(Lane.FRESH, MANY, at=NOON)
    assert MANY == breaker.allowed(Lane.FRESH, MANY, at=NOON)
    assert 0 == breaker.opened


def test_a_part_that_recovers_ends_an_outage() -> None:
    """Then what failed meanwhile is tried at once, as after any other outage."""
    breaker = open_by(*[Cause.PART] * FAILURE_THRESHOLD)

    assert breaker.record_failure(Cause.PART, at=NOON + OUTAGE_AFTER)
    assert breaker.record_success(at=NOON + OUTAGE_AFTER)
    assert breaker.take_outage_ended()


def test_retries_take_nothing_of_the_pace_of_new_items() -> None:
    """What was never tried comes before what failed."""
    breaker = failing()

    assert PACES[Cause.REFUSED].items // 4 == breaker.allowed(Lane.RETRIES, MANY, at=NOON)
    assert PACES[Cause.REFUSED].items == breaker.allowed(Lane.FRESH, MANY, at=NOON)


def test_one_success_closes_the_circuit() -> None:
    breaker = failing()

    breaker.record_success(at=NOON)

    assert MANY == breaker.allowed(Lane.FRESH, MANY, at=NOON)


@pytest.mark.parametrize("cause", [Cause.UNREACHABLE, Cause.GONE])
def test_a_target_that_is_not_there_is_reported_at_once_and_once(cause: Cause) -> None:
    breaker = CircuitBreaker()

    reported = [breaker.record_failure(cause, at=NOON) for _ in range(20)]

    assert [FAILURE_THRESHOLD - 1] == [number for number, each in enumerate(reported) if each]
    assert breaker.record_success(at=NOON)
    assert not breaker.record_success(at=NOON)


@pytest.mark.parametrize("cause", [Cause.REFUSED, Cause.BUSY])
def test_failures_that_may_be_the_items_own_are_reported_once_they_last(cause: Cause) -> None:
    """Else a bot that refuses one kind of delivery is called dead and well again without end."""
    breaker = failing(cause)

    assert not breaker.record_failure(cause, at=NOON + OUTAGE_AFTER - SECOND)
    assert breaker.record_failure(cause, at=NOON + OUTAGE_AFTER)
    assert not breaker.record_failure(cause, at=NOON + OUTAGE_AFTER * 2)
    assert breaker.record_success(at=NOON + OUTAGE_AFTER * 3)


def test_a_clock_that_was_set_back_does_not_keep_the_circuit_open() -> None:
    """R123: else a bot that has recovered gets nothing until the clock reaches the old time."""
    breaker, pace = failing(Cause.UNREACHABLE), PACES[Cause.UNREACHABLE]
    yesterday = NOON - timedelta(days=1)
    breaker.allowed(Lane.FRESH, MANY, at=NOON)

    assert 1 == breaker.allowed(Lane.FRESH, MANY, at=yesterday)
    assert 0 == breaker.allowed(Lane.FRESH, MANY, at=yesterday + pace.every * 0.99)
    assert 1 == breaker.allowed(Lane.FRESH, MANY, at=yesterday + pace.every)


def test_an_outage_is_a_minute_without_any_success() -> None:
    """Until then a failure may be the item's alone."""
    ended = []
    for lasted in (OUTAGE_AFTER - SECOND, OUTAGE_AFTER):
        breaker = CircuitBreaker()
        breaker.record_success(at=NOON)
        assert breaker.take_outage_ended(), "unknown after a start"
        for _ in range(FAILURE_THRESHOLD):
            breaker.record_failure(Cause.REFUSED, at=NOON)
        breaker.record_success(at=NOON + lasted)
        ended.append((breaker.take_outage_ended(), breaker.take_outage_ended()))

    assert [(False, False), (True, False)] == ended

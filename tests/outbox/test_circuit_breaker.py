from datetime import timedelta

from app.outbox.circuit_breaker import FAILURE_THRESHOLD, Circuit
from tests.installation import NOON

MINUTE = timedelta(minutes=1)


def failing() -> Circuit:
    circuit = Circuit()
    for _ in range(FAILURE_THRESHOLD):
        circuit.record_failure(at=NOON, wait=None)
    return circuit


def test_a_few_failures_change_nothing() -> None:
    circuit = Circuit()

    for _ in range(FAILURE_THRESHOLD - 1):
        assert not circuit.record_failure(at=NOON, wait=None)

    assert 64 == circuit.allowed(64, at=NOON)


def test_five_failures_in_a_row_open_the_circuit_for_a_minute() -> None:
    """R100: more posts do not help a target that is down."""
    circuit = failing()

    assert 0 == circuit.allowed(64, at=NOON)
    assert 0 == circuit.allowed(64, at=NOON + MINUTE * 0.99)


def test_after_a_minute_one_request_is_let_through_as_a_probe() -> None:
    circuit = failing()

    assert 1 == circuit.allowed(64, at=NOON + MINUTE)


def test_a_probe_that_fails_opens_the_circuit_again() -> None:
    circuit = failing()

    circuit.record_failure(at=NOON + MINUTE, wait=None)

    assert 0 == circuit.allowed(64, at=NOON + MINUTE * 1.5)
    assert 1 == circuit.allowed(64, at=NOON + MINUTE * 2)


def test_a_clock_that_was_set_back_does_not_keep_the_circuit_open() -> None:
    """R123: else a bot that has recovered gets nothing until the clock reaches the old time."""
    circuit = failing()
    yesterday = NOON - timedelta(days=1)

    assert 1 == circuit.allowed(64, at=yesterday)
    circuit.record_failure(at=yesterday, wait=None)

    assert 0 == circuit.allowed(64, at=yesterday)
    assert 1 == circuit.allowed(64, at=yesterday + MINUTE)


def test_one_success_closes_the_circuit() -> None:
    circuit = failing()

    circuit.record_success()

    assert 64 == circuit.allowed(64, at=NOON)


def test_a_target_that_asks_for_time_is_left_alone_by_all_requests() -> None:
    """R99: a 429 is about the next post too, not about this one alone."""
    circuit = Circuit()

    circuit.record_failure(at=NOON, wait=timedelta(hours=1))

    assert 0 == circuit.allowed(64, at=NOON + timedelta(minutes=59))
    assert 64 == circuit.allowed(64, at=NOON + timedelta(hours=1))


def test_a_target_that_is_gone_is_never_probed() -> None:
    circuit = Circuit()

    circuit.stop()

    assert 0 == circuit.allowed(64, at=NOON + timedelta(days=30))

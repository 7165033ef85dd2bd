from datetime import timedelta

from app.outbox.circuit_breaker import MOST_FAILURES, Circuit
from tests.installation import NOON

MINUTE = timedelta(minutes=1)


def failing() -> Circuit:
    circuit = Circuit()
    for _ in range(MOST_FAILURES):
        circuit.failed(at=NOON, wait=None)
    return circuit


def test_a_few_failures_change_nothing() -> None:
    circuit = Circuit()

    for _ in range(MOST_FAILURES - 1):
        assert not circuit.failed(at=NOON, wait=None)

    assert 64 == circuit.room(64, at=NOON)


def test_five_failures_in_a_row_close_the_way_for_a_minute() -> None:
    """R100: whoever is down is not helped by more posts."""
    circuit = failing()

    assert 0 == circuit.room(64, at=NOON)
    assert 0 == circuit.room(64, at=NOON + MINUTE * 0.99)


def test_after_a_minute_one_try_finds_out() -> None:
    circuit = failing()

    assert 1 == circuit.room(64, at=NOON + MINUTE)


def test_a_probe_that_fails_closes_the_way_again() -> None:
    circuit = failing()

    circuit.failed(at=NOON + MINUTE, wait=None)

    assert 0 == circuit.room(64, at=NOON + MINUTE * 1.5)
    assert 1 == circuit.room(64, at=NOON + MINUTE * 2)


def test_a_clock_that_was_put_back_keeps_nothing_closed() -> None:
    """R123: else a bot that is well again hears nothing until the old time comes round."""
    circuit = failing()
    yesterday = NOON - timedelta(days=1)

    assert 1 == circuit.room(64, at=yesterday)
    circuit.failed(at=yesterday, wait=None)

    assert 0 == circuit.room(64, at=yesterday)
    assert 1 == circuit.room(64, at=yesterday + MINUTE)


def test_one_success_opens_the_whole_way() -> None:
    circuit = failing()

    circuit.succeeded()

    assert 64 == circuit.room(64, at=NOON)


def test_a_target_that_asks_for_time_gets_it_from_everything() -> None:
    """R99: a bot that says 429 means the next post too, not this one alone."""
    circuit = Circuit()

    circuit.failed(at=NOON, wait=timedelta(hours=1))

    assert 0 == circuit.room(64, at=NOON + timedelta(minutes=59))
    assert 64 == circuit.room(64, at=NOON + timedelta(hours=1))


def test_a_target_that_is_gone_is_never_probed() -> None:
    circuit = Circuit()

    circuit.stop()

    assert 0 == circuit.room(64, at=NOON + timedelta(days=30))

"""Loops that hang are known, and those that wait for work or for a database are not among them."""

import threading

import pytest
from structlog.testing import capture_logs

from app.infra.database.gathering import Gatherer
from app.infra.stalls import STALLED_AFTER, Pulse, Pulses


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time of the monotonic clock, which is still."""
    at = [1000.0]
    monkeypatch.setattr("app.infra.stalls.time.monotonic", lambda: at[0])
    return at


def test_a_loop_that_stands_still_for_half_a_minute_is_stalled(now: list[float]) -> None:
    pulses, moving, hanging = Pulses(), Pulse(), Pulse()
    pulses.watch("moving", moving)
    pulses.watch("hanging", hanging)
    hanging.beat()
    now[0] += STALLED_AFTER
    moving.beat()
    assert pulses.all_move()

    now[0] += 1
    with capture_logs() as log:
        answers = [pulses.all_move(), pulses.all_move()]

    assert [False, False] == answers
    # Once, not each second.
    assert [("process.stalled", ("hanging",))] == [(one["event"], one["loops"]) for one in log]
    hanging.beat()
    assert pulses.all_move()


def test_a_loop_without_work_does_not_have_to_move(now: list[float]) -> None:
    pulses, never, once = Pulses(), Pulse(), Pulse()
    pulses.watch("idle", never, once)
    once.beat()
    once.rest()
    now[0] += 10 * STALLED_AFTER

    assert pulses.all_move()


def test_a_group_that_hangs_stops_the_pulse_of_the_writer() -> None:
    """A COMMIT that never returns: the thread is alive, and writes nothing more."""
    hangs, may_end, has_ended = threading.Event(), threading.Event(), threading.Event()

    def handle(_group: list[int]) -> None:
        hangs.set()
        may_end.wait(30)

    writer = Gatherer(handle, name="writer", rest=has_ended.set, idle_seconds=0.01)
    assert writer.pulse.moved_at is None
    writer.put(1)
    hangs.wait(30)
    assert writer.pulse.moved_at is not None

    may_end.set()
    has_ended.wait(30)
    assert writer.pulse.moved_at is None

"""Sampling of the log (R111): refusals cannot fill the disk."""

import io
import json
from contextlib import redirect_stderr

import pytest
import structlog

from app.infra.observability import logs
from app.infra.observability.log_sampling import BY_STRANGERS, MOST, ONCE, Sampler
from tests.docs.log_events_page import events_in_source


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def passes(sampler: Sampler, **line: object) -> structlog.typing.EventDict | None:
    """Return *line* as it is logged, or None if it is dropped."""
    try:
        left = sampler(None, "info", dict(line))
    except structlog.DropEvent:
        return None
    assert isinstance(left, dict)
    return left


def test_of_many_refusals_a_few_are_logged_and_the_others_counted() -> None:
    """R111."""
    clock = Hands()
    sampler = Sampler(clock, most=3)
    refusal = {"event": "request.refused", "problem": "bad_signature"}

    told = [passes(sampler, **refusal) for _ in range(10)]
    clock.at = 60.0
    after = [passes(sampler, **refusal) for _ in range(2)]

    assert [refusal] * 3 + [None] * 7 == told
    assert [{**refusal, "unsaid": 7}, refusal] == after


@pytest.mark.parametrize("event", sorted(ONCE))
def test_what_an_operator_has_to_fix_is_said_once_a_minute(event: str) -> None:
    """R111: deliveries that are refused come by the thousand, and for one reason."""
    sampler = Sampler(Hands())

    told = [passes(sampler, event=event, reason=reason) for reason in "aaab"]

    assert [True, False, False, True] == [line is not None for line in told]


def test_one_kind_takes_no_room_from_another() -> None:
    sampler = Sampler(Hands(), most=1)
    passes(sampler, event="request.refused", problem="bad_signature")

    assert passes(sampler, event="request.refused", problem="form_refused")
    assert passes(sampler, event="request.refused", problem="bad_signature") is None


def test_a_fault_at_one_page_takes_no_room_from_another() -> None:
    """People who meet a fault cause its line, and the daily check tells all of them at once."""
    sampler = Sampler(Hands(), most=1)
    passes(sampler, event="setup.fault", subject="page 1")

    assert passes(sampler, event="setup.fault", subject="page 2")
    assert passes(sampler, event="setup.fault", subject="page 1") is None


def test_an_event_that_a_stranger_cannot_cause_is_always_logged() -> None:
    """R111: each link, each sign-in, each command."""
    sampler = Sampler(Hands(), most=1)
    events = events_in_source().keys() - BY_STRANGERS

    always = {event for event in events if all(passes(sampler, event=event) for _ in range(5))}

    assert events == always


def test_the_log_of_the_program_is_sampled() -> None:
    with redirect_stderr(io.StringIO()) as stderr:
        logs.configure(level="info", form="json")
        for _ in range(MOST + 5):
            structlog.get_logger().info("request.refused", problem="bad_signature")

    lines = [json.loads(line) for line in stderr.getvalue().splitlines()]
    assert MOST == len(lines)


def test_the_names_of_what_is_sampled_are_real() -> None:
    assert set() == BY_STRANGERS - events_in_source().keys()

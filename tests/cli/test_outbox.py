"""`threadlink outbox status`: what waits behind what, in lines and in JSON."""

import json
from datetime import timedelta

import pytest

from app.infra import clock
from app.outbox import heartbeats, queue
from app.outbox.bot_webhooks import DELIVERY, NOTICE
from app.outbox.circuit_breaker import Cause, OpenCircuit
from app.outbox.queue import Lane, LaneKey, enqueue_once
from app.services.container import Services
from tests.cli.terminal import Operator
from tests.installation import ANA

HOUR = timedelta(hours=1)
SECRET_BODY = f"a message of {ANA}".encode()


@pytest.fixture
def behind(services: Services) -> Services:
    """Return a server with items in each lane and state, and a bot that takes nothing."""
    now = clock.now()
    for number in range(8):
        body = SECRET_BODY + str(number).encode()
        services.write(enqueue_once, DELIVERY, body, at=now - 2 * HOUR)
    key = LaneKey(DELIVERY, Lane.FRESH)
    claims = services.write(queue.claim, key, limit=5, lease=HOUR, at=now)
    for claim, failure in zip(
        claims, ["status 500", "status 500", "ReadTimeoutError"], strict=False
    ):
        services.write(queue.postpone, claim, failure=failure, until=now + HOUR / 2)
    services.write(queue.dead_letter, claims[3], failure="status 413")
    circuit = OpenCircuit(DELIVERY, now - HOUR, Cause.REFUSED, "status 500")
    services.write(heartbeats.record_heartbeat, "w", [circuit], at=now)
    return services


@pytest.mark.usefixtures("behind")
def test_each_lane_is_told_with_its_age_and_its_failures(operator: Operator) -> None:
    """R100: whoever looks sees what waits behind what, and why."""
    dead, fresh, failed, failing = operator.types("outbox", "status").stdout.splitlines()[:4]

    assert "never tried" in fresh
    assert "3, oldest 120 minutes" in fresh
    assert "failed" in failed
    assert "4, oldest 120 minutes, next try in 29 minutes" in failed
    assert failed.endswith("failures: status 500 (2), being tried (1), ReadTimeoutError (1)")
    assert dead.endswith("dead              1, oldest 120 minutes; failures: status 413 (1)")
    assert "takes nothing since" in failing
    assert failing.endswith("it refuses everything (status 500); up to 50 in 1 s are tried")


@pytest.mark.usefixtures("behind")
def test_the_same_in_json(operator: Operator) -> None:
    lines = operator.types("outbox", "status", "--json").stdout.splitlines()
    told = [json.loads(line) for line in lines]

    assert [
        ("dead", None, 1, {"status 413": 1}),
        ("waiting", "fresh", 3, {}),
        ("waiting", "retries", 4, {"status 500": 2, "ReadTimeoutError": 1}),
    ] == [(each["state"], each["lane"], each["count"], each["failures"]) for each in told[:3]]
    assert told[2]["next_try_at"]
    assert ("failing", "refused", "status 500", 1) == tuple(
        told[3][name] for name in ("state", "cause", "failure", "next_try_within_seconds")
    )


@pytest.mark.usefixtures("behind")
def test_no_line_tells_what_was_written(operator: Operator) -> None:
    for options in ([], ["--json"]):
        assert ANA not in operator.types("outbox", "status", *options).output


def test_an_empty_outbox_says_so(operator: Operator) -> None:
    assert operator.types("outbox", "status").stdout == "No waiting items and no dead letters.\n"


def test_a_worker_that_ended_tells_of_no_circuit(services: Services, operator: Operator) -> None:
    """Another one may have found the bot well since."""
    now = clock.now()
    circuit = OpenCircuit(NOTICE, now - HOUR, Cause.GONE, "status 410")
    services.write(heartbeats.record_heartbeat, "killed", [circuit], at=now - HOUR)
    services.write(heartbeats.record_heartbeat, "stopped", [circuit], at=now)
    services.write(heartbeats.record_stop, "stopped", at=now)

    assert "takes nothing" not in operator.types("outbox", "status").stdout

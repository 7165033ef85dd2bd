"""Alerts over sockets: to a receiver that verifies them, and beside one that is dead (R143)."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import URL
from standardwebhooks.webhooks import Webhook

from app.infra import clock
from app.outbox.bot_webhooks import NOTICE, enqueue_notice
from app.outbox.queue import enqueue
from app.services.background import make_worker
from app.services.container import Services, build
from app.services.fault_watch import FaultWatch
from tests import bot as bots
from tests.bot import Bot
from tests.cli.terminal import Operator
from tests.conftest import on_sqlite
from tests.installation import settings_for

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw1234567890ab"
BOT_SECRET = "whsec_AAAQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw1234567890ab"


@pytest.fixture
def receiver() -> Iterator[Bot]:
    with bots.running() as receiver:
        yield receiver


@pytest.fixture
def bot() -> Iterator[Bot]:
    with bots.running() as bot:
        yield bot


def services_for(database: URL, receiver: Bot, bot: Bot, **changed: str) -> Services:
    changed = {"OPERATOR_WEBHOOK_URL": f"{receiver.url}/canary-hook", **changed}
    settings = settings_for(
        database, BOT_WEBHOOK_URL=bot.url, BOT_WEBHOOK_SECRET=BOT_SECRET, **changed
    )
    return build(settings, limit_seconds=60)


def test_a_receiver_verifies_that_a_fault_was_found_and_is_over(
    database: URL, receiver: Bot, bot: Bot
) -> None:
    """By the library of the standard; no bot is reached, then it is."""
    services = services_for(database, receiver, bot, OPERATOR_WEBHOOK_SECRET=SECRET)
    at = clock.now()
    services.write(enqueue, NOTICE, b"{}", at=at - timedelta(minutes=6))
    watch = FaultWatch(services)
    watch.look(at)
    worker = make_worker(services, "w")
    while worker.run_once():
        pass
    watch.look(clock.now())
    while worker.run_once():
        pass
    services.close()

    told = [
        Webhook(SECRET).verify(received.body.decode(), dict(received.headers.items()))
        for received in receiver.received
    ]
    assert ["fault.found", "fault.over"] == [each["type"] for each in told]
    assert {"outbox_late:notice"} == {each["data"]["cause"] for each in told}
    assert 2 == len({received.headers["webhook-id"] for received in receiver.received})


@on_sqlite
def test_a_dead_address_delays_no_notice(
    database: URL, receiver: Bot, bot: Bot, capfd: pytest.CaptureFixture[str]
) -> None:
    """R143: it breaks every connection; the bot gets all, and the log never the address."""
    receiver.resets()
    services = services_for(database, receiver, bot, LOG_LEVEL="debug")
    for number in range(20):
        services.write(enqueue, "alert", b"{}", at=clock.now())
        services.write(enqueue_notice, str(number).encode(), reference=None, at=clock.now())
    worker = make_worker(services, "w")
    while worker.run_once():
        pass
    circuits = worker.open_circuits()
    services.close()

    assert 20 == len(bot.received)
    assert ["alert"] == [circuit.kind for circuit in circuits]
    assert "canary-hook" not in capfd.readouterr().err


@on_sqlite
def test_an_operator_tries_the_way_of_the_alerts(database: URL, receiver: Bot, bot: Bot) -> None:
    services = services_for(database, receiver, bot, OPERATOR_WEBHOOK_FORMAT="slack")
    operator = Operator(services)
    done = operator.types("alerts", "test")
    receiver.answers(404)
    refused = operator.types("alerts", "test")
    services.close()

    assert (0, 1) == (done.exit_code, refused.exit_code)
    assert "status 404" in refused.output
    assert "canary-hook" not in refused.output
    texts = [json.loads(received.body)["text"] for received in receiver.received[:2]]
    assert [text.partition(": This is")[0] for text in texts] == [
        "Threadlink: fault found",
        "Threadlink: fault over",
    ]
    # A chat service gets no signature.
    assert {None} == {received.headers.get("webhook-signature") for received in receiver.received}


@on_sqlite
def test_without_an_address_there_is_nothing_to_try(database: URL) -> None:
    services = build(settings_for(database), limit_seconds=60)
    done = Operator(services).types("alerts", "test")
    services.close()

    assert 1 == done.exit_code
    assert "OPERATOR_WEBHOOK_URL is not set" in done.output

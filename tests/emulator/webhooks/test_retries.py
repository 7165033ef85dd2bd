"""Webhooks that fail: retries, the alert and the unsubscription, by Messenger's clock."""

from datetime import timedelta

import pytest

from app.emulator.context import Emulator
from tests.emulator.conftest import OTHER_PAGE, PAGE, Person, journal_titles
from tests.emulator.webhook_server import Webhook

# Failing webhooks: repeats, the alert and the end, on Messenger's clock


def test_a_lost_answer_fails_the_linking_and_is_retried(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on("webhook-500", times=1)

    page = ana.comes_back()
    emulator.dispatcher.settle()

    first, again = webhook.received
    assert "answered 500" in page.text
    assert first == again
    assert not ana.thread.linked


@pytest.mark.parametrize(("limit", "seconds"), [(None, 5), ("limit-20s", 20)])
def test_a_time_out_takes_the_limit_on_messengers_clock(
    limit: str | None, seconds: int, emulator: Emulator, ana: Person
) -> None:
    emulator.faults.turn_on("webhook-timeout", times=1)
    if limit:
        emulator.faults.turn_on(limit)

    page = ana.comes_back()

    assert f"within {seconds} seconds" in page.text
    assert timedelta(seconds=seconds) == emulator.clock.ahead


def test_retries_come_at_falling_frequency_until_one_is_accepted(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    webhook.status = 500
    ana.submits("messages", text="hello")
    counts = [len(webhook.received)]

    for minutes in (1, 3, 1, 10):
        emulator.dispatcher.advance(timedelta(minutes=minutes))
        counts.append(len(webhook.received))
    webhook.status = 200
    emulator.dispatcher.advance(timedelta(hours=40))

    assert [2, 3, 3, 4, 5] == counts
    assert "message, Ana Berg, retry 1" in journal_titles(emulator)
    assert 6 == len(webhook.received)


def test_an_hour_of_failures_unsubscribes_the_page_and_no_other(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    webhook.status = 500
    ana.submits("messages", text="hello")

    emulator.dispatcher.advance(timedelta(minutes=59))
    before = emulator.state.page_fields(PAGE)
    emulator.dispatcher.advance(timedelta(minutes=2))
    heard = len(webhook.received)
    emulator.dispatcher.advance(timedelta(hours=40))

    assert before
    assert () == emulator.state.page_fields(PAGE)
    assert emulator.state.page_fields(OTHER_PAGE)
    assert heard == len(webhook.received)
    assert "Webhooks disabled, Harbour Coffee (not sent)" in journal_titles(emulator)
    assert "Alert to developers, Harbour Coffee (not sent)" in journal_titles(emulator)


def test_the_hour_of_failures_starts_again_when_the_clock_is_set_back(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.clock.move_to(emulator.clock() + timedelta(hours=5))
    webhook.status = 500
    ana.submits("messages", text="hello")
    emulator.dispatcher.settle()

    emulator.return_to_now()
    ana.submits("messages", text="still there?")
    emulator.dispatcher.advance(timedelta(minutes=59))
    before = emulator.state.page_fields(PAGE)
    emulator.dispatcher.advance(timedelta(minutes=2))

    assert before
    assert () == emulator.state.page_fields(PAGE)


def test_what_failed_in_an_outage_is_delivered_after_it(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on("outage")
    ana.submits("messages", text="hello")
    meanwhile = len(webhook.received)

    emulator.faults.turn_off("outage")
    emulator.dispatcher.advance(timedelta(minutes=5))

    assert 0 == meanwhile
    assert ["hello"] == webhook.texts()

"""The faults of deliveries, signatures and subscriptions, from the server's side."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.emulator.context import Emulator
from app.emulator.webhooks import signing
from tests.emulator.conftest import NOON, Person, journal_titles
from tests.emulator.webhook_server import Webhook

HOUR = timedelta(hours=1)


# Webhooks


def test_twice_brings_the_same_bytes_twice(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on("twice")

    ana.comes_back()

    first, second = webhook.received
    assert first == second
    assert ana.thread.linked


def test_late_brings_an_event_an_hour_later_with_its_own_time(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on("late", times=1)
    ana.comes_back()
    before = len(webhook.received)

    emulator.dispatcher.advance(HOUR)

    entry = webhook.bodies()[0]["entry"][0]
    assert 0 == before
    assert "linked, Ana Berg (held back until 13:00:00)" in journal_titles(emulator)
    assert int(NOON.timestamp() * 1000) == entry["messaging"][0]["timestamp"]
    assert 3600_000 == entry["time"] - entry["messaging"][0]["timestamp"]


def test_reordered_brings_the_second_event_first(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on("reordered")

    for text in ("one", "two", "three"):
        ana.submits("messages", text=text)
    emulator.dispatcher.advance(timedelta(minutes=1))

    assert ["two", "one", "three"] == webhook.texts()


def test_a_retry_is_repacked_into_one_batch_and_then_one_by_one(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on("recut")
    webhook.status = 500
    ana.submits("messages", text="one")
    ana.submits("messages", text="two")
    together = webhook.bodies()[-1]["entry"][0]["messaging"]
    webhook.status = 200

    emulator.dispatcher.advance(timedelta(minutes=1))

    assert ["one", "two"] == sorted(event["message"]["text"] for event in together)
    assert [1, 1] == [len(body["entry"][0]["messaging"]) for body in webhook.bodies()[-2:]]
    assert ["one", "two"] == sorted(webhook.texts()[-2:])


@pytest.mark.parametrize(
    ("fault", "shape"),
    [
        ("mixed-messages", [["message", "account_linking", "read"]]),
        ("mixed-standby", ["standby", ["account_linking"]]),
        ("mixed-changes", ["changes", ["account_linking"]]),
        ("in-standby", ["standby"]),
    ],
)
def test_an_event_arrives_among_others(
    fault: str, shape: list[Any], emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    def shape_of(entry: dict[str, Any]) -> Any:
        if "messaging" in entry:
            return [list(event)[-1] for event in entry["messaging"]]
        return next(name for name in ("standby", "changes") if name in entry)

    emulator.faults.turn_on(fault)

    ana.comes_back()

    assert shape == [shape_of(entry) for entry in webhook.bodies()[0]["entry"]]


def test_another_object_comes_first_and_is_signed_too(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on("other-objects")

    ana.comes_back()

    other, page = webhook.received
    signature = signing.signed_headers(other.body, SECRET)["X-Hub-Signature-256"]
    assert ["instagram", "page"] == [body["object"] for body in webhook.bodies()]
    assert signature == other.headers["X-Hub-Signature-256"]
    assert page.body != other.body


# Signatures


SECRET = "60efff025951cddde78c8d03de52cc90"


def has_none(webhook: Webhook) -> bool:
    return not any(name.startswith("X-Hub") for name in webhook.received[0].headers)


def is_foreign(webhook: Webhook) -> bool:
    delivery = webhook.received[0]
    right = signing.signed_headers(delivery.body, SECRET)
    given = delivery.headers["X-Hub-Signature-256"]
    return len(given) == len(right["X-Hub-Signature-256"]) and given != right["X-Hub-Signature-256"]


def has_sha1_alone(webhook: Webhook) -> bool:
    delivery = webhook.received[0]
    right = signing.signed_headers(delivery.body, SECRET)["X-Hub-Signature"]
    return right == delivery.headers["X-Hub-Signature"] and (
        "X-Hub-Signature-256" not in delivery.headers
    )


@pytest.mark.parametrize(
    ("fault", "shows"),
    [
        ("unsigned", has_none),
        ("foreign-secret", is_foreign),
        ("sha1-only", has_sha1_alone),
        ("altered", is_foreign),
    ],
)
def test_a_forged_delivery_links_nobody_and_is_not_retried(
    fault: str,
    shows: Callable[[Webhook], bool],
    emulator: Emulator,
    ana: Person,
    webhook: Webhook,
) -> None:
    webhook.status = 403
    emulator.faults.turn_on(fault)

    page = ana.comes_back()
    emulator.dispatcher.advance(HOUR)

    assert shows(webhook)
    assert "was right" in page.text
    assert 1 == len(webhook.received)
    assert not ana.thread.linked


def test_a_server_that_accepts_a_forged_delivery_is_reported(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on("altered")

    page = ana.comes_back()

    assert "accepted a delivery that Messenger never signed" in page.text
    assert ana.psid not in webhook.received[0].body.decode()


# Subscriptions, and the way back


@pytest.mark.parametrize(
    ("fault", "level"), [("app-field-missing", "The app"), ("page-field-missing", "The Page")]
)
def test_a_field_can_be_missing_at_either_level(
    fault: str, level: str, emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on(fault)

    page = ana.comes_back()

    assert f"{level} is not subscribed to the field messaging_account_linking" in page.text
    assert [] == webhook.received

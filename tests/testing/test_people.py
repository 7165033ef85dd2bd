"""A person of `threadlink_testing`, beside an emulator in this process."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.cli.emulator import all_details
from app.emulator import EmulatorServer, demo_settings
from tests.emulator.webhook_server import Webhook
from threadlink_testing import EmulatorError, Messenger


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as webhook:
        yield webhook


@pytest.fixture
def messenger(webhook: Webhook) -> Iterator[Messenger]:
    settings = replace(demo_settings(), webhook_url=webhook.url)
    with EmulatorServer(settings) as server:
        yield Messenger(all_details(settings, server.description))


def test_a_link_is_followed_by_get_started_or_into_the_thread(
    messenger: Messenger, webhook: Webhook
) -> None:
    """As on the page "m.me links": the first time with Get Started, and then by a referral."""
    person = messenger.people[0]

    person.follows_link("summer-26")
    person.follows_link("autumn-26")

    first, second = webhook.events()
    assert "summer-26" == first["postback"]["referral"]["ref"]
    assert "autumn-26" == second["referral"]["ref"]
    assert "Get Started" in person.messages


def test_a_link_that_nobody_heard_of_is_an_error(messenger: Messenger, webhook: Webhook) -> None:
    webhook.status = 500

    with pytest.raises(EmulatorError, match="answered 500"):
        messenger.people[0].follows_link("summer-26")

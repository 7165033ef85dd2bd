"""A person of `threadlink_testing`, beside an emulator in this process."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests

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


def test_a_link_is_opened_in_the_thread_as_it_is(messenger: Messenger, webhook: Webhook) -> None:
    messenger.set_get_started()
    ana, newcomer = messenger.people[0], messenger.newcomer("Chloe Martin")
    link = f"{messenger.m_me_url}/{ana.page_id}?ref=tli-4f"
    ana.says("hello")

    ana.opens(link)
    newcomer.opens(link)

    _, referral, postback = webhook.events()
    assert ("tli-4f", ana.psid) == (referral["referral"]["ref"], referral["sender"]["id"])
    assert "tli-4f" == postback["postback"]["referral"]["ref"]
    assert newcomer.psid == postback["sender"]["id"]


@pytest.mark.parametrize("place", ["/m.me/1?ref=a", "/m.me/{page}?ref=a/b", "/t/{page}/1", "/"])
def test_an_address_that_opens_no_chat_is_an_error(
    place: str, messenger: Messenger, webhook: Webhook
) -> None:
    ana = messenger.people[0]

    with pytest.raises(LookupError, match="opens no chat"):
        ana.opens(messenger.url + place.format(page=ana.page_id))
    assert [] == webhook.received


@pytest.mark.parametrize("kind", ["postback", "quick reply"])
def test_a_button_is_tapped_by_its_title(kind: str, messenger: Messenger, webhook: Webhook) -> None:
    ana = messenger.people[0]
    with pytest.raises(LookupError, match="Yes"):
        ana.taps("Yes")
    button = {"type": "postback", "title": "Yes", "payload": "threadlink:yes:1"}
    reply = {"content_type": "text", "title": "Yes", "payload": "threadlink:yes:1"}
    template = {"template_type": "button", "text": "Connect?", "buttons": [button]}
    message = (
        {"attachment": {"type": "template", "payload": template}}
        if kind == "postback"
        else {"text": "Connect?", "quick_replies": [reply]}
    )
    requests.post(
        f"{messenger.graph_url}/me/messages",
        json={"recipient": {"id": ana.psid}, "message": message},
        headers={"Authorization": f"Bearer {messenger.env['PAGE_ACCESS_TOKEN']}"},
        timeout=10,
    ).raise_for_status()

    ana.taps("Yes")

    assert "threadlink:yes:1" in str(webhook.events()[-1])


def test_a_newcomer_has_a_name_of_their_own(messenger: Messenger) -> None:
    with pytest.raises(EmulatorError, match="nobody has yet"):
        messenger.newcomer("Ana Berg")

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.emulator import EmulatorSettings
from tests.emulator.conftest import PAGE, Person
from tests.emulator.webhook_server import Webhook

APP = "/v26.0/100200300400500/subscriptions"
PAGE_LEVEL = f"/v26.0/{PAGE}/subscribed_apps"
FIELDS = ["messages", "messaging_account_linking"]


@pytest.fixture
def app_graph(app: Flask, settings: EmulatorSettings) -> FlaskClient:
    """Return a client that speaks for the app."""
    client = app.test_client()
    token = f"{settings.app_id}|{settings.app_secret}"
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def wanted(webhook: Webhook, **changes: str) -> dict[str, Any]:
    return {
        "object": "page",
        "callback_url": webhook.url,
        "verify_token": "meatyhamhock",
        "fields": ",".join(FIELDS),
        **changes,
    }


class Echo(Webhook):
    """A webhook that verifies as it should."""

    def answer_to(self, path: str) -> bytes:
        return parse_qs(urlsplit(path).query)["hub.challenge"][0].encode()


def test_a_webhook_that_echoes_the_challenge_is_subscribed(
    app_graph: FlaskClient, settings: EmulatorSettings
) -> None:
    with Echo() as webhook:
        answer = app_graph.post(APP, data=wanted(webhook))
        content = app_graph.get(APP).get_json()["data"]

    query = parse_qs(urlsplit(webhook.received[0].path).query)
    assert {"success": True} == answer.get_json()
    assert ["subscribe"] == query["hub.mode"]
    assert [settings.verify_token] == query["hub.verify_token"]
    assert [
        {"object": "page", "callback_url": webhook.url, "active": True, "fields": FIELDS}
    ] == content


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (403, b"", "HTTP Status Code = 403; HTTP Message = Forbidden"),
        (200, b'"1158201444"', "not the hub.challenge"),
        (200, b"", "not the hub.challenge"),
    ],
    ids=["refused", "something else", "nothing"],
)
def test_a_webhook_that_does_not_echo_is_not_subscribed(
    status: int, answer: bytes, words: str, app_graph: FlaskClient
) -> None:
    before = app_graph.get(APP).get_json()
    with Webhook() as webhook:
        webhook.status, webhook.answer = status, answer

        refused = app_graph.post(APP, data=wanted(webhook))

    assert 2200 == refused.get_json()["error"]["code"]
    assert words in refused.get_json()["error"]["message"]
    assert before == app_graph.get(APP).get_json()


@pytest.mark.parametrize(
    "change",
    [
        {"object": "user"},
        {"fields": "messages,dances"},
        {"fields": ""},
        {"callback_url": "http://["},
    ],
    ids=["foreign object", "unknown field", "no fields", "no address"],
)
def test_an_invalid_subscription_calls_no_webhook(
    change: dict[str, str], app_graph: FlaskClient, webhook: Webhook
) -> None:
    answer = app_graph.post(APP, data=wanted(webhook, **change))

    assert 100 == answer.get_json()["error"]["code"]
    assert [] == webhook.received


def test_an_app_that_unsubscribes_receives_nothing_more(
    app_graph: FlaskClient, ana: Person, webhook: Webhook
) -> None:
    fewer = app_graph.delete(APP, data={"object": "page", "fields": "messages"})
    ana.submits("messages", text="hello")
    nothing = app_graph.delete(APP, data={"object": "page"})

    assert {"success": True} == fewer.get_json() == nothing.get_json()
    assert {"data": []} == app_graph.get(APP).get_json()
    assert [] == webhook.received


def test_a_page_subscribes_reads_and_unsubscribes(app: Flask, settings: EmulatorSettings) -> None:
    page = app.test_client()
    page.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {settings.pages[0].token}"

    added = page.post(PAGE_LEVEL, query_string={"subscribed_fields": ", ".join(FIELDS)})
    content = page.get(PAGE_LEVEL).get_json()
    deleted = page.delete(PAGE_LEVEL)

    assert {"success": True} == added.get_json() == deleted.get_json()
    assert {"data": [{"id": settings.app_id, "subscribed_fields": FIELDS}]} == content
    assert {"data": []} == page.get(PAGE_LEVEL).get_json()

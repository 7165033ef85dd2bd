"""The control API."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.emulator import EmulatorSettings, create_emulator
from app.emulator.context import Emulator
from tests.emulator.conftest import OTHER_PAGE, PAGE, Person
from tests.emulator.webhook_server import Webhook


@pytest.fixture
def control(app: Flask, settings: EmulatorSettings) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {settings.control_key}"
    return client


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}], ids=["no", "wrong"])
def test_without_the_key_every_call_is_refused(
    header: dict[str, str], app: Flask, emulator: Emulator
) -> None:
    client = app.test_client()

    answers = [
        client.get("/control", headers=header),
        client.put("/control/faults/html", headers=header),
        client.post("/control/reset", headers=header),
    ]

    assert [401] * 3 == [answer.status_code for answer in answers]
    assert {} == emulator.faults.on()
    assert PAGE not in "".join(answer.text for answer in answers)


def test_the_key_is_in_no_repr_and_no_description(settings: EmulatorSettings) -> None:
    assert settings.control_key not in repr(settings)
    assert len(settings.control_key) >= 32


def test_faults_are_listed_turned_on_and_off(control: FlaskClient, emulator: Emulator) -> None:
    on = control.put("/control/faults/html", json={"times": 2})
    listed = {row["name"]: row for row in control.get("/control/faults").get_json()}
    control.put("/control/faults/twice")
    off = control.delete("/control/faults/html")

    assert 204 == on.status_code == off.status_code
    assert (True, 2) == (listed["html"]["is_on"], listed["html"]["times"])
    assert {"twice": None} == emulator.faults.on()


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("PUT", "/control/faults/rain", {}, 404),
        ("PUT", "/control/faults/html", {"times": 0}, 400),
        ("PUT", "/control/faults/html", {"times": "2"}, 400),
        ("POST", "/control/time", {"advance_seconds": -1}, 400),
        ("POST", "/control/time", {"advance_seconds": float("nan")}, 400),
        ("POST", "/control/time", {}, 400),
        ("POST", "/control/time", [], 400),
        ("POST", "/control/trigger", {"what": "dance"}, 400),
        ("POST", "/control/trigger", {"what": "linked", "psid": "1"}, 404),
        ("POST", "/control/trigger", {"what": "linked", "code": 7}, 400),
        ("POST", "/control/trigger", {"what": "linked", "code": "\ud800"}, 400),
        ("POST", "/control/trigger", {"what": "linked", "psid": ["1"]}, 400),
        ("POST", "/control/trigger", {"what": "linked", "page_id": {}}, 400),
        ("POST", "/control/trigger", {"what": "message", "text": "half \udc00"}, 400),
        ("POST", "/control/trigger", {"what": "message", "text": {}}, 400),
        ("POST", "/control/trigger", {"what": "linked", "twice": "yes"}, 400),
        ("POST", "/control/trigger", {"what": "linked", "late": "1h"}, 400),
        ("PUT", "/control/webhook", {"url": 7}, 400),
        ("PUT", "/control/webhook", {"url": "file:///etc/hosts"}, 400),
        ("PUT", "/control/webhook", {"url": "http://["}, 400),
        ("DELETE", "/control/faults/rain", {}, 404),
    ],
)
def test_an_invalid_call_is_refused_with_a_sentence(
    method: str,
    path: str,
    content: Any,
    status: int,
    control: FlaskClient,
) -> None:
    answer = control.open(path, method=method, json=content)

    assert status == answer.status_code
    assert answer.get_json()["error"]
    # Nothing of it stays, so that every page can still be shown.
    assert [] == control.get("/control/exchanges").get_json()
    assert 200 == control.get("/inspector").status_code


def test_a_body_that_nests_too_deeply_is_refused(control: FlaskClient) -> None:
    answer = control.post("/control/trigger", data=b"[" * 100_000, content_type="application/json")

    assert 400 == answer.status_code


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("linked", "account_linking"),
        ("unlinked", "account_linking"),
        ("unknown-status", "account_linking"),
        ("message", "message"),
        ("postback", "postback"),
    ],
)
def test_a_trigger_is_delivered_for_the_given_person(
    what: str, kind: str, control: FlaskClient, ben: Person, webhook: Webhook
) -> None:
    answer = control.post("/control/trigger", json={"what": what, "psid": ben.psid})

    assert answer.get_json()["failure"] is None
    assert ben.psid == webhook.events()[0]["sender"]["id"]
    assert kind in webhook.events()[0]


def test_a_trigger_may_come_twice_and_late(
    control: FlaskClient, emulator: Emulator, webhook: Webhook
) -> None:
    control.post(
        "/control/trigger",
        json={"what": "linked", "code": "tl_4f", "twice": True, "late_seconds": 3600},
    )

    first, second = webhook.events()
    assert first == second
    assert "tl_4f" == first["account_linking"]["authorization_code"]
    assert emulator.clock().timestamp() - 3600 == first["timestamp"] / 1000


def test_a_trigger_that_failed_says_why_and_how_to_fix_it(
    control: FlaskClient, webhook: Webhook
) -> None:
    webhook.status = 404

    failure = control.post("/control/trigger", json={"what": "linked"}).get_json()["failure"]

    assert "answered 404" in failure["reason"]
    assert "path" in failure["fix"]


def test_time_can_be_advanced(control: FlaskClient, emulator: Emulator) -> None:
    time = control.post("/control/time", json={"advance_seconds": 90}).get_json()

    assert 90 == time["ahead_seconds"]
    assert emulator.clock().isoformat() == time["now"]


def test_the_clock_can_be_set_back(control: FlaskClient, emulator: Emulator) -> None:
    control.post("/control/time", json={"advance_seconds": 90})

    time = control.delete("/control/time").get_json()

    assert 0 == time["ahead_seconds"]
    assert not emulator.clock.ahead


def test_exchanges_are_returned_in_full_and_oldest_first(
    control: FlaskClient, ana: Person, webhook: Webhook
) -> None:
    ana.submits("messages", text="one")
    ana.submits("messages", text="two")

    first, second = control.get("/control/exchanges").get_json()
    newer = control.get(f"/control/exchanges?after={first['number']}").get_json()

    assert webhook.received[0].body.decode() == first["body"]
    assert (200, "webhook") == (first["status"], first["kind"])
    assert [second] == newer


def test_the_state_has_links_and_messages(control: FlaskClient, ana: Person) -> None:
    ana.is_sent({"type": "account_unlink"}, text="Bye?")
    ana.comes_back()

    threads = control.get("/control").get_json()["threads"]

    mine = next(thread for thread in threads if thread["psid"] == ana.psid)
    assert mine["linked"]
    assert ["Log Out"] == [button["title"] for button in mine["messages"][0]["buttons"]]
    assert 4 == len(threads)


def test_the_webhook_can_be_set_as_in_the_dashboard(
    control: FlaskClient, ana: Person, webhook: Webhook
) -> None:
    control.put("/control/webhook", json={"url": None})
    ana.submits("messages", text="to nobody")
    control.put("/control/webhook", json={"url": webhook.url})
    ana.submits("messages", text="hello")

    assert ["hello"] == [event["message"]["text"] for event in webhook.events()]


def test_reset_returns_to_the_state_after_the_start(
    control: FlaskClient, emulator: Emulator, ana: Person
) -> None:
    ana.comes_back()
    token = emulator.state.issue_token(PAGE, ana.psid)
    emulator.faults.turn_on("html")
    emulator.state.set_page_fields(OTHER_PAGE, ())
    control.post("/control/time", json={"advance_seconds": 90})

    control.post("/control/reset")

    assert not ana.thread.linked
    assert () == ana.thread.messages
    assert emulator.state.find_token(token) is None
    assert {} == emulator.faults.on()
    assert 0 == emulator.clock.ahead.total_seconds()
    assert emulator.state.page_fields(OTHER_PAGE)
    assert [] == emulator.journal.entries()


# m.me links, as the pages of messaging_referrals and messaging_postbacks have them:
# https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/messaging_referrals


def test_a_link_into_a_thread_sends_its_ref(
    control: FlaskClient, ana: Person, webhook: Webhook
) -> None:
    content = {"what": "referral", "psid": ana.psid, "ref": "summer-26"}

    outcome = control.post("/control/trigger", json=content).get_json()

    (event,) = webhook.events()
    referral = {"ref": "summer-26", "source": "SHORTLINK", "type": "OPEN_THREAD"}
    assert outcome["failure"] is None
    assert referral == event["referral"]
    assert {"sender", "recipient", "timestamp", "referral"} == event.keys()
    assert "by following a link" in ana.sees()


@pytest.mark.parametrize("ref", [None, "summer-26"])
def test_get_started_has_the_ref_of_the_link_if_there_was_one(
    ref: str | None, control: FlaskClient, ana: Person, webhook: Webhook
) -> None:
    content = {"what": "get-started", "psid": ana.psid, "ref": ref}

    control.post("/control/trigger", json=content)

    (event,) = webhook.events()
    postback = event["postback"]
    referral = {"ref": ref, "source": "SHORTLINK", "type": "OPEN_THREAD"}
    assert ("Get Started", "GET_STARTED") == (postback["title"], postback["payload"])
    assert (referral if ref else None) == postback.get("referral")
    assert "Get Started" in ana.thread.messages[-1].text
    assert ("by following a link" in ana.sees()) is bool(ref)


def test_referrals_need_their_own_field(control: FlaskClient, emulator: Emulator) -> None:
    emulator.state.set_page_fields(PAGE, ("messages", "messaging_postbacks"))

    outcome = control.post("/control/trigger", json={"what": "referral"}).get_json()

    assert "messaging_referrals" in outcome["failure"]["fix"]


# Privacy callbacks:
# https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback/


def test_a_data_deletion_is_a_signed_request(settings: EmulatorSettings, webhook: Webhook) -> None:
    app = create_emulator(replace(settings, data_deletion_url=webhook.url))
    webhook.answer = b'{"url":"https://shop.example/d?id=7","confirmation_code":"7"}'
    key = {"Authorization": f"Bearer {settings.control_key}"}

    response = app.test_client().post(
        "/control/trigger", json={"what": "data-deletion"}, headers=key
    )

    sent = webhook.received[0]
    assert response.get_json()["failure"] is None
    assert b"signed_request=" == sent.body[:15]
    assert "application/x-www-form-urlencoded" == sent.headers["Content-Type"]


@pytest.mark.parametrize(
    "answer", [b"", b"OK", b"[]", b'{"url":"https://a.example"}', b"{url: 'x'}"]
)
def test_a_data_deletion_needs_a_url_and_a_code_in_the_answer(
    answer: bytes, settings: EmulatorSettings, webhook: Webhook
) -> None:
    app = create_emulator(replace(settings, data_deletion_url=webhook.url))
    webhook.answer = answer
    key = {"Authorization": f"Bearer {settings.control_key}"}

    response = app.test_client().post(
        "/control/trigger", json={"what": "data-deletion"}, headers=key
    )

    assert "confirmation_code" in response.get_json()["failure"]["reason"]


def test_a_callback_without_an_address_is_explained(control: FlaskClient, webhook: Webhook) -> None:
    response = control.post("/control/trigger", json={"what": "deauthorize"}).get_json()

    assert "No address is set" in response["failure"]["reason"]
    assert [] == webhook.received


def test_concurrent_triggers_are_all_delivered(
    app: Flask, settings: EmulatorSettings, webhook: Webhook
) -> None:
    header = {"Authorization": f"Bearer {settings.control_key}"}

    def trigger(text: str) -> int:
        content = {"what": "message", "text": text}
        client = app.test_client()
        return client.post("/control/trigger", json=content, headers=header).status_code

    texts = [str(number) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(trigger, texts))

    assert {200} == set(statuses)
    assert sorted(texts) == sorted(event["message"]["text"] for event in webhook.events())

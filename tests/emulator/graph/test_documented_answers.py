"""The emulator's Graph answers against those that Meta documents."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.emulator import EmulatorSettings
from app.emulator.context import Emulator
from tests.emulator.conftest import PAGE, Person
from tests.emulator.webhook_server import Webhook

# https://developers.facebook.com/documentation/business-messaging/messenger-platform, in
# reference/messenger-profile-api and identity/account-linking; thread_settings: its page of 2016.
LOGIN = "https://www.example.com/authorize"
SETTING = {"setting_type": "account_linking"}


@pytest.mark.parametrize(
    ("method", "path", "content", "answer"),
    [
        (
            "POST",
            "/v2.6/me/thread_settings",
            {**SETTING, "account_linking_url": LOGIN},
            {"result": "Account linking url added"},
        ),
        ("DELETE", "/v2.6/me/thread_settings", SETTING, {"result": "Account linking url deleted"}),
        (
            "POST",
            "/v26.0/me/messenger_profile",
            {"account_linking_url": LOGIN},
            {"result": "success"},
        ),
        ("GET", "/v26.0/me/messenger_profile?fields=account_linking_url", None, {"data": []}),
        (
            "DELETE",
            "/v26.0/me/messenger_profile",
            {"fields": ["account_linking_url"]},
            {"result": "success"},
        ),
        (
            "POST",
            f"/v26.0/{PAGE}/subscribed_apps?subscribed_fields=messages,messaging_account_linking",
            None,
            {"success": True},
        ),
        ("DELETE", f"/v26.0/{PAGE}/subscribed_apps", None, {"success": True}),
    ],
)
def test_a_documented_call_gets_its_documented_answer(
    method: str, path: str, content: Any, answer: Any, graph: FlaskClient
) -> None:
    assert answer == graph.open(path, method=method, json=content).get_json()


def test_a_page_s_standing_is_answered_as_documented(
    graph: FlaskClient, emulator: Emulator
) -> None:
    """developers.facebook.com/documentation/pages-api/integrity-webhook (6 July 2026)."""
    before = graph.get(f"/v26.0/{PAGE}/page_status").get_json()
    emulator.faults.turn_on("graph-10-1893063")

    after = graph.get(f"/v26.0/{PAGE}/page_status").get_json()

    assert (PAGE, "ok", {"id", "timestamp", "status"}) == (
        before["id"],
        before["status"],
        before.keys(),
    )
    assert "restricted" == after["status"]
    (restriction,) = after["restrictions"]
    assert "page_messaging_api" == restriction["feature"]
    assert restriction["applied_time"] < restriction["expiration_time"]


def test_the_documented_log_in_button_is_answered_as_documented(
    graph: FlaskClient, ana: Person
) -> None:
    button = {"type": "account_link", "url": LOGIN}
    payload = {
        "template_type": "button",
        "text": "Log in to see your orders",
        "buttons": [button],
    }
    content = {
        "recipient": {"id": ana.psid},
        "messaging_type": "RESPONSE",
        "message": {"attachment": {"type": "template", "payload": payload}},
    }

    answer = graph.post(f"/v26.0/{PAGE}/messages", json=content).get_json()

    captured = (
        "m_qr6GPBlzTU4jqP0PBqaIoIAcfn2p3T7uiO5jm0L_PMTKMJhEIUGFkEKQBhGkpCnPXVZNsYdkN7A2Sel0dOz_Iw"
    )
    assert {"recipient_id", "message_id"} == set(answer)
    assert ana.psid == answer["recipient_id"]
    assert captured[:2] == answer["message_id"][:2]


def test_the_documented_unlinking_is_answered_as_documented(
    graph: FlaskClient, emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    ana.comes_back()

    # Its webhook follows the answer, so the answer must be taken.
    with graph.post("/v26.0/me/unlink_accounts", json={"psid": ana.psid}) as taken:
        answer = taken.get_json()
    emulator.dispatcher.settle()

    assert {"result": "unlink account success"} == answer
    assert "authorization_code" not in webhook.events()[-1]["account_linking"]


def test_the_headers_of_an_answer_are_those_captured(graph: FlaskClient) -> None:
    """
    https://github.com/fbsamples/messenger-platform-samples, in the folder postman, of December
    2024; without the headers that only a public server sends.
    """
    headers = graph.get("/v26.0/me").headers

    assert "application/json; charset=UTF-8" == headers["Content-Type"]
    assert "private, no-cache, no-store, must-revalidate" == headers["Cache-Control"]
    assert "Sat, 01 Jan 2000 00:00:00 GMT" == headers["Expires"]
    assert {"x-fb-request-id", "x-fb-trace-id", "x-fb-rev"} <= {name.lower() for name, _ in headers}
    usage = json.loads(headers["X-Business-Use-Case-Usage"])[PAGE][0]
    assert {
        "type",
        "call_count",
        "total_cputime",
        "total_time",
        "estimated_time_to_regain_access",
    } == set(usage)


def test_the_documented_retrieval_names_page_and_person(
    graph: FlaskClient, emulator: Emulator, ana: Person
) -> None:
    """
    https://developers.facebook.com/documentation/business-messaging/messenger-platform/identity/account-linking
    """
    token = emulator.state.issue_token(PAGE, ana.psid)

    retrieved = graph.get(f"/v26.0/me?fields=recipient&account_linking_token={token}").get_json()
    bare = graph.get(f"/v26.0/me?account_linking_token={token}").get_json()

    assert {"id": PAGE, "recipient": ana.psid} == retrieved
    assert "recipient" not in bare


def test_sender_actions_and_profiles_are_answered_as_documented(
    graph: FlaskClient, ana: Person
) -> None:
    """
    https://developers.facebook.com/documentation/business-messaging/messenger-platform/identity/user-profile
    """
    content = {"recipient": {"id": ana.psid}, "sender_action": "typing_on"}

    action = graph.post(f"/v26.0/{PAGE}/messages", json=content).get_json()
    profile = graph.get(f"/v26.0/{ana.psid}?fields=first_name,last_name,profile_pic").get_json()

    assert {"recipient_id": ana.psid} == action
    assert {"first_name", "last_name", "profile_pic", "id"} == set(profile)
    assert f"psid={ana.psid}" in profile["profile_pic"]
    assert "ext=" in profile["profile_pic"]


def test_the_documented_parameter_encodings_are_all_read(graph: FlaskClient, ana: Person) -> None:
    """
    https://developers.facebook.com/docs/messenger-platform/reference/send-api: a JSON body, a form,
    or the query, there with single quotes too.
    """
    path = f"/v26.0/{PAGE}/messages"
    single = {"recipient": f"{{'id':'{ana.psid}'}}", "message": "{'text':'hello, world'}"}

    answers = [
        graph.post(path, json={"recipient": {"id": ana.psid}, "message": {"text": "hello"}}),
        graph.post(path, data=single),
        graph.post(path, query_string=single),
    ]

    assert [200, 200, 200] == [answer.status_code for answer in answers]
    assert ["hello", "hello, world", "hello, world"] == [
        message.text for message in ana.thread.messages
    ]


@pytest.mark.parametrize(
    ("version", "served"),
    [
        ("v26.0", "v26.0"),
        ("v21.0", "v21.0"),
        # Expired, and without any: the oldest that is usable on that day.
        ("v20.0", "v21.0"),
        ("v2.6", "v21.0"),
        ("", "v21.0"),
    ],
)
def test_a_version_is_served_as_documented(version: str, served: str, graph: FlaskClient) -> None:
    """
    https://developers.facebook.com/docs/graph-api/changelog/versions, as of 20 November 2026.
    """
    answer = graph.get(f"/{version}/me" if version else "/me")

    assert served == answer.headers["facebook-api-version"]


def test_a_debugged_token_has_the_documented_members(
    graph: FlaskClient, settings: EmulatorSettings
) -> None:
    """
    https://developers.facebook.com/docs/graph-api/reference/debug_token; an invalid token gives an
    error inside data.
    """
    app_token = f"{settings.app_id}|{settings.app_secret}"
    url = f"/v26.0/debug_token?access_token={app_token}&input_token="

    good = graph.get(url + settings.pages[0].token).get_json()["data"]
    bad = graph.get(url + "nobody").get_json()["data"]

    assert {"app_id", "type", "expires_at", "is_valid", "profile_id", "scopes"} <= set(good)
    assert (True, PAGE, "PAGE") == (good["is_valid"], good["profile_id"], good["type"])
    assert bad["is_valid"] is False
    assert {"code", "message"} <= set(bad["error"])


def test_the_documented_handshake_and_its_subscriptions(
    graph: FlaskClient, settings: EmulatorSettings, webhook: Webhook
) -> None:
    """
    https://developers.facebook.com/docs/graph-api/webhooks/getting-started; a webhook that does not
    echo the challenge is refused.
    """
    app_token = f"{settings.app_id}|{settings.app_secret}"
    path = f"/v26.0/{settings.app_id}/subscriptions?access_token={app_token}"
    wanted = {
        "object": "page",
        "callback_url": webhook.url,
        "verify_token": settings.verify_token,
        "fields": "messages,messaging_account_linking",
        "include_values": "true",
    }
    webhook.answer = b"something else"

    refused = graph.post(path, data=wanted).get_json()
    read = graph.get(path).get_json()["data"][0]
    page = graph.get(f"/v26.0/{PAGE}/subscribed_apps").get_json()["data"][0]

    handshake = webhook.received[0]
    assert 2200 == refused["error"]["code"]
    assert "hub.mode=subscribe&hub.challenge=" in handshake.path
    assert f"hub.verify_token={settings.verify_token}" in handshake.path
    assert {"object", "callback_url", "active", "fields"} == set(read)
    assert {"id", "subscribed_fields"} == set(page)
    assert settings.app_id == page["id"]

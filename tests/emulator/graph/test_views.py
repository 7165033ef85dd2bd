import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.emulator import EmulatorSettings
from app.emulator.context import Emulator
from app.emulator.graph.versions import version_serving
from app.emulator.rate_limits import SEND
from app.emulator.webhooks import signing
from tests.emulator.conftest import OTHER_PAGE, PAGE, Hands, Person
from tests.emulator.webhook_server import Webhook

LOGIN = "https://shop.example/authorize"
TOKEN = "EAAharbour-token-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def error(answer: Any) -> dict[str, Any]:
    content: dict[str, Any] = answer.get_json()["error"]
    return content


# Documented calls, both generations (messenger-platform.md 4)


def test_thread_settings_sets_and_deletes_the_linking_url(
    graph: FlaskClient, emulator: Emulator
) -> None:
    setting = {"setting_type": "account_linking"}

    added = graph.post("/v2.6/me/thread_settings", json={**setting, "account_linking_url": LOGIN})
    set_to = emulator.state.linking_url(PAGE)
    deleted = graph.delete("/v2.6/me/thread_settings", json=setting)

    assert {"result": "Account linking url added"} == added.get_json()
    assert LOGIN == set_to
    assert {"result": "Account linking url deleted"} == deleted.get_json()
    assert emulator.state.linking_url(PAGE) is None


def test_messenger_profile_sets_gets_and_deletes_the_linking_url(graph: FlaskClient) -> None:
    profile, fields = "/v26.0/me/messenger_profile", {"fields": "account_linking_url"}

    before = graph.get(profile, query_string=fields)
    added = graph.post(profile, json={"account_linking_url": LOGIN})
    shown = graph.get(profile, query_string=fields)
    deleted = graph.delete(profile, json={"fields": ["account_linking_url"]})
    after = graph.get(profile, query_string=fields)

    assert {"data": []} == before.get_json() == after.get_json()
    assert {"result": "success"} == added.get_json() == deleted.get_json()
    assert {"data": [{"account_linking_url": LOGIN}]} == shown.get_json()


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/authorize",
        "shop.example",
        "javascript:alert(1)",
        "https://",
        "http://[",
    ],
)
def test_a_linking_url_must_be_https_unless_on_loopback(
    url: str, graph: FlaskClient, emulator: Emulator
) -> None:
    refused = graph.post("/v26.0/me/messenger_profile", json={"account_linking_url": url})
    local = graph.post(
        f"/v26.0/{PAGE}/messenger_profile", json={"account_linking_url": "http://127.0.0.1:5000/a"}
    )

    assert 100 == error(refused)["code"]
    assert 200 == local.status_code
    assert "http://127.0.0.1:5000/a" == emulator.state.linking_url(PAGE)


def test_a_live_linking_token_names_the_person(graph: FlaskClient, ana: Person) -> None:
    token = ana.emulator.state.issue_token(PAGE, ana.psid)

    answer = graph.get(f"/v26.0/me?fields=recipient&account_linking_token={token}")
    unasked = graph.get(f"/v26.0/me?account_linking_token={token}")

    assert {"id": PAGE, "recipient": ana.psid} == answer.get_json()
    assert "recipient" not in unasked.get_json()


def test_an_expired_foreign_or_unknown_linking_token_is_10303(
    graph: FlaskClient, ana: Person, clock: Hands
) -> None:
    state = ana.emulator.state
    theirs = state.issue_token(OTHER_PAGE, state.threads(OTHER_PAGE)[0].psid)
    old = state.issue_token(PAGE, ana.psid)

    foreign = graph.get(f"/v26.0/me?fields=recipient&account_linking_token={theirs}")
    clock.advance(timedelta(minutes=5))
    expired = graph.get(f"/v26.0/me?fields=recipient&account_linking_token={old}")
    unknown = graph.get("/v26.0/me?fields=recipient&account_linking_token=AR1")

    for answer in (foreign, expired, unknown):
        assert (400, 10303) == (answer.status_code, error(answer)["code"])
        assert ana.psid not in answer.text


def test_unlink_accounts_logs_out_and_the_webhook_hears_afterwards(
    graph: FlaskClient, ana: Person, webhook: Webhook
) -> None:
    ana.comes_back()

    with graph.post("/v26.0/me/unlink_accounts", json={"psid": ana.psid}) as answer:
        heard_before = len(webhook.received)
        result = answer.get_json()
    ana.emulator.dispatcher.settle()

    assert {"result": "unlink account success"} == result
    assert not ana.thread.linked
    assert 1 == heard_before
    assert {"status": "unlinked"} == webhook.events()[-1]["account_linking"]


def test_unlink_accounts_of_nobody_or_of_the_unlinked_is_refused(
    graph: FlaskClient, ana: Person, webhook: Webhook
) -> None:
    nobody = graph.post("/v26.0/me/unlink_accounts", json={"psid": "1"})
    unlinked = graph.post("/v26.0/me/unlink_accounts", json={"psid": ana.psid})

    assert (100, 2018001) == (error(nobody)["code"], error(nobody)["error_subcode"])
    assert 100 == error(unlinked)["code"]
    assert [] == webhook.received


def test_the_profile_tells_a_persons_name_to_their_page_only(
    graph: FlaskClient, ana: Person
) -> None:
    stranger = ana.emulator.state.threads(OTHER_PAGE)[0].psid

    answer = graph.get(f"/v26.0/{ana.psid}?fields=first_name, last_name")
    foreign = graph.get(f"/v26.0/{stranger}")

    assert {"first_name": "Ana", "last_name": "Berg", "id": ana.psid} == answer.get_json()
    assert (100, 33) == (error(foreign)["code"], error(foreign)["error_subcode"])


def test_a_profile_with_what_needs_a_permission_is_refused_whole(
    graph: FlaskClient, ana: Person
) -> None:
    """
    As messenger-bot meets it: https://github.com/remixz/messenger-bot/issues/98.
    """
    answer = graph.get(f"/v26.0/{ana.psid}?fields=first_name,locale")

    assert (100, 2018247) == (error(answer)["code"], error(answer)["error_subcode"])
    assert "Ana" not in answer.text


# Parameters, tokens, proofs (3.1, 3.2)


def test_parameters_may_come_as_json_form_or_query(graph: FlaskClient, ana: Person) -> None:
    """
    Meta's own samples use all of them, the last with its single quotes.
    """
    recipient, message = {"id": ana.psid}, {"text": "hello"}
    nested = {"recipient": json.dumps(recipient), "message": json.dumps(message)}
    quoted = {"recipient": f"{{'id':'{ana.psid}'}}", "message": "{'text':'hello'}"}
    path = "/v26.0/me/messages"

    answers = [
        graph.post(path, json={"recipient": recipient, "message": message}),
        graph.post(path, data=nested),
        graph.post(path, query_string=nested),
        graph.post(path, query_string=quoted),
    ]

    assert [200] * 4 == [answer.status_code for answer in answers]
    assert ["hello"] * 4 == [message.text for message in ana.thread.messages]


@pytest.mark.parametrize(
    ("how", "headers"),
    [
        ({"query_string": {"access_token": TOKEN}}, {}),
        ({"data": {"access_token": TOKEN}}, {}),
        ({"json": {"access_token": TOKEN}}, {}),
        ({}, BEARER),
    ],
    ids=["query", "form", "json", "bearer"],
)
def test_the_token_may_stand_in_four_places(
    how: dict[str, Any], headers: dict[str, str], app: Flask
) -> None:
    answer = app.test_client().get("/v26.0/me", headers=headers, **how)

    assert {"id": PAGE, "name": "Harbour Coffee"} == answer.get_json()


def test_errors_have_the_documented_shape(app: Flask) -> None:
    answer = app.test_client().get("/v26.0/me?access_token=wrong")

    told = error(answer)
    trace = told.pop("fbtrace_id")
    assert 400 == answer.status_code
    assert {
        "message": "Invalid OAuth access token.",
        "type": "OAuthException",
        "code": 190,
    } == told
    assert 23 == len(trace)


def test_a_token_that_is_no_text_at_all_is_invalid(app: Flask) -> None:
    answer = app.test_client().post("/v26.0/me/messages", json={"access_token": "\ud83d"})

    assert 190 == error(answer)["code"]


def test_without_a_token_nothing_is_told(app: Flask) -> None:
    answer = app.test_client().get("/v26.0/me")

    assert 2500 == error(answer)["code"]
    assert "Harbour" not in answer.text


def test_a_proof_is_checked_when_there_is_one(
    graph: FlaskClient, settings: EmulatorSettings
) -> None:
    proof = signing.appsecret_proof(TOKEN, settings.app_secret)

    right = graph.get(f"/v26.0/me?appsecret_proof={proof}")
    wrong = graph.get(f"/v26.0/me?appsecret_proof={proof[::-1]}")

    assert 200 == right.status_code
    assert (100, "GraphMethodException") == (error(wrong)["code"], error(wrong)["type"])
    assert "Invalid appsecret_proof provided in the API argument" == error(wrong)["message"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/v26.0/me/nonsense", 2500),
        ("GET", "/nonsense", 2500),
        ("GET", "/v99.0/me", 2500),
        ("PUT", "/v26.0/me/messages", 100),
        ("POST", "/v26.0/me", 100),
        ("GET", f"/v26.0/{OTHER_PAGE}", 100),
        ("POST", f"/v26.0/{OTHER_PAGE}/messages", 100),
        ("POST", "/v26.0/100200300400500/subscriptions", 15),
    ],
)
def test_what_is_not_there_is_an_error_object(
    method: str, path: str, code: int, graph: FlaskClient
) -> None:
    answer = graph.open(path, method=method)

    assert (400, code) == (answer.status_code, error(answer)["code"])


def test_a_body_that_is_no_json_object_is_refused(graph: FlaskClient) -> None:
    for body in ("{", "[]", "[" * 100_000):
        answer = graph.post("/v26.0/me/messages", data=body, content_type="application/json")

        assert 100 == error(answer)["code"]


# Versions (3.1)


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("v26.0", "v26.0"),
        ("v21.0", "v21.0"),
        ("v20.0", "v21.0"),
        ("v2.6", "v21.0"),
        (None, "v21.0"),
        ("v27.0", None),
    ],
)
def test_an_expired_version_is_served_as_the_oldest_usable(
    asked: str | None, served: str | None
) -> None:
    assert served == version_serving(asked, datetime(2026, 11, 20, tzinfo=UTC))


def test_the_answer_says_which_version_served_it(graph: FlaskClient) -> None:
    answer = graph.get("/v2.6/me")

    assert "v21.0" == answer.headers["facebook-api-version"]
    assert "application/json; charset=UTF-8" == answer.headers["Content-Type"]


# debug_token and limits (3.3, 3.7)


def test_debug_token_tells_the_app_what_a_token_is(
    app: Flask, graph: FlaskClient, settings: EmulatorSettings
) -> None:
    app_token = {"access_token": f"{settings.app_id}|{settings.app_secret}"}
    client = app.test_client()

    page = client.get("/debug_token", query_string={**app_token, "input_token": TOKEN}).get_json()
    unknown = client.get("/v26.0/debug_token", query_string={**app_token, "input_token": "x"})
    by_page = graph.get("/debug_token", query_string={"input_token": TOKEN})

    assert (True, "PAGE", PAGE) == tuple(
        page["data"][name] for name in ("is_valid", "type", "profile_id")
    )
    assert {"pages_messaging", "pages_show_list"} <= set(page["data"]["scopes"])
    assert 190 == unknown.get_json()["data"]["error"]["code"]
    assert not unknown.get_json()["data"]["is_valid"]
    assert 100 == error(by_page)["code"]
    assert TOKEN not in by_page.text


def test_a_page_has_ten_profile_calls_in_ten_minutes(
    app: Flask, graph: FlaskClient, clock: Hands
) -> None:
    profile = "/v26.0/me/messenger_profile?fields=account_linking_url"
    other = {"Authorization": "Bearer EAAcorner-token-0123456789"}

    admitted = [graph.get(profile).status_code for _ in range(10)]
    refused = graph.get(profile)
    elsewhere = app.test_client().get(profile, headers=other)
    clock.advance(timedelta(minutes=10))
    later = graph.get(profile)

    usage = json.loads(refused.headers["X-Business-Use-Case-Usage"])[PAGE][0]
    assert [200] * 10 == admitted
    assert 613 == error(refused)["code"]
    assert (100, "messenger") == (usage["call_count"], usage["type"])
    assert 200 == elsewhere.status_code == later.status_code


def test_a_page_sends_three_hundred_times_a_second(
    graph: FlaskClient, ana: Person, emulator: Emulator, clock: Hands
) -> None:
    for _ in range(300):
        emulator.rate_limits.admits(PAGE, SEND, clock())
    message = {"recipient": {"id": ana.psid}, "message": {"text": "hello"}}

    refused = graph.post("/v26.0/me/messages", json=message)
    clock.advance(timedelta(seconds=1))
    admitted = graph.post("/v26.0/me/messages", json=message)

    assert 613 == error(refused)["code"]
    assert 200 == admitted.status_code
    assert 1 == len(ana.thread.messages)

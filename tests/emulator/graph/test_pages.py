"""Calls with a page token: the linking URL, PSID retrieval, unlinking, profiles."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.emulator.context import Emulator
from tests.emulator.conftest import OTHER_PAGE, PAGE, ManualClock, Person, error
from tests.emulator.webhook_server import Webhook

LOGIN = "https://shop.example/authorize"


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
    graph: FlaskClient, ana: Person, clock: ManualClock
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


def test_unlink_accounts_logs_out_and_the_event_follows_the_answer(
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


def test_a_page_tells_its_name_and_its_picture(graph: FlaskClient) -> None:
    fields = "name,picture.width(200).height(200){url,is_silhouette}"
    told = graph.get("/v26.0/me", query_string={"fields": fields}).get_json()
    picture = graph.get(told["picture"]["data"]["url"])

    assert "Harbour Coffee" == told["name"]
    assert told["picture"]["data"]["is_silhouette"] is False
    assert "image/png" == picture.mimetype
    assert picture.data.startswith(b"\x89PNG\r\n\x1a\n")
    assert 404 == graph.get("/platform/pagepic/1.png").status_code


def test_a_page_s_profile_may_be_refused(emulator: Emulator, graph: FlaskClient) -> None:
    emulator.faults.turn_on("page-profile-refused")
    refused = graph.get("/v26.0/me?fields=name")

    assert (400, 10) == (refused.status_code, refused.get_json()["error"]["code"])
    # What else is asked of the Page is told.
    assert 200 == graph.get("/v26.0/me?fields=id").status_code


def test_messenger_profile_sets_gets_and_deletes_get_started(
    graph: FlaskClient, emulator: Emulator
) -> None:
    profile, both = "/v26.0/me/messenger_profile", "account_linking_url,get_started"
    button = {"get_started": {"payload": "GET_STARTED"}}

    added = graph.post(profile, json={**button, "account_linking_url": LOGIN})
    shown = graph.get(profile, query_string={"fields": both})
    deleted = graph.delete(profile, json={"fields": ["get_started"]})
    after = graph.get(profile, query_string={"fields": both})

    assert {"result": "success"} == added.get_json() == deleted.get_json()
    assert {"data": [{**button, "account_linking_url": LOGIN}]} == shown.get_json()
    assert {"data": [{"account_linking_url": LOGIN}]} == after.get_json()
    assert emulator.state.get_started(PAGE) is None


@pytest.mark.parametrize("button", [{}, "", {"payload": ""}, {"payload": "x" * 1001}, None])
def test_a_get_started_without_a_payload_is_refused_and_changes_nothing(
    button: object, graph: FlaskClient, emulator: Emulator
) -> None:
    sent = {"get_started": button, "account_linking_url": LOGIN}

    refused = graph.post("/v26.0/me/messenger_profile", json=sent)

    assert 100 == error(refused)["code"]
    assert emulator.state.linking_url(PAGE) is None


def test_a_page_tells_its_username_and_whether_it_is_published(
    graph: FlaskClient, emulator: Emulator
) -> None:
    asked = "/v26.0/me?fields=username,is_published"

    before = graph.get(asked).get_json()
    emulator.faults.turn_on("page-unpublished")
    after = graph.get(asked).get_json()

    assert {"id": PAGE, "username": "harbourcoffee", "is_published": True} == before
    assert after["is_published"] is False

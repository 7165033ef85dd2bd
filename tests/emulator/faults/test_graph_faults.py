"""The faults of Graph, from the caller's side."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.emulator import EmulatorSettings
from app.emulator.context import Emulator
from app.emulator.faults.table import FAULTS
from app.emulator.webhooks import signing
from tests.emulator.conftest import PAGE, Person
from tests.emulator.webhook_server import Webhook

# Graph


ERRORS = [fault for fault in FAULTS.values() if fault.error is not None]


@pytest.mark.parametrize("fault", ERRORS, ids=[fault.name for fault in ERRORS])
def test_graph_answers_with_the_error_that_is_on(
    fault: Any, emulator: Emulator, graph: FlaskClient, ana: Person
) -> None:
    emulator.faults.turn_on(fault.name, times=1)
    token = emulator.state.issue_token(PAGE, ana.psid)

    if "recipient" in fault.calls:
        answer = graph.get(f"/v26.0/me?fields=recipient&account_linking_token={token}")
    elif "object" in fault.calls:
        answer = graph.get(f"/v26.0/{ana.psid}")
    elif "conversations" in fault.calls:
        answer = graph.get(f"/v26.0/{PAGE}/conversations?user_id={ana.psid}")
    elif "messenger_profile" in fault.calls:
        answer = graph.delete("/v26.0/me/messenger_profile?fields=account_linking_url")
    else:
        message = {"recipient": {"id": ana.psid}, "message": {"text": "hello"}}
        answer = graph.post("/v26.0/me/messages", json=message)

    error = answer.get_json()["error"]
    assert (fault.error.status, fault.error.code) == (answer.status_code, error["code"])
    assert fault.error.subcode == error.get("error_subcode")
    assert ana.psid not in answer.text
    assert () == ana.thread.messages
    failure = emulator.journal.entries()[0].exchange.failure
    assert failure is not None
    assert failure.fix


@pytest.mark.parametrize(
    ("fault", "header"),
    [
        ("graph-4", "X-App-Usage"),
        ("graph-32", "X-Page-Usage"),
        ("graph-613", "X-Business-Use-Case-Usage"),
        ("graph-80001", "X-Business-Use-Case-Usage"),
        ("graph-80006", "X-Business-Use-Case-Usage"),
    ],
)
def test_an_exceeded_limit_says_whose_it_is(
    fault: str, header: str, emulator: Emulator, graph: FlaskClient
) -> None:
    emulator.faults.turn_on(fault)

    used = json.loads(graph.get("/v26.0/me").headers[header])

    used = used[PAGE][0] if PAGE in used else used
    assert 100 == used["call_count"]


def test_an_edge_may_answer_with_html(emulator: Emulator, graph: FlaskClient) -> None:
    emulator.faults.turn_on("html")

    answer = graph.get("/v26.0/me")

    assert (502, "text/html") == (answer.status_code, answer.mimetype)


def test_a_page_token_may_belong_to_another_page(
    emulator: Emulator, graph: FlaskClient, ana: Person
) -> None:
    emulator.faults.turn_on("page-token-of-another-page")
    token = emulator.state.issue_token(PAGE, ana.psid)

    page = graph.get("/v26.0/me")
    person = graph.get(f"/v26.0/me?fields=recipient&account_linking_token={token}")

    assert PAGE != page.get_json()["id"]
    assert 10303 == person.get_json()["error"]["code"]


@pytest.mark.parametrize("fault", ["linking-token-expired", "linking-token-of-another-page"])
def test_a_linking_token_may_be_refused_while_all_else_works(
    fault: str, emulator: Emulator, graph: FlaskClient, ana: Person
) -> None:
    emulator.faults.turn_on(fault)
    token = emulator.state.issue_token(PAGE, ana.psid)

    refused = graph.get(f"/v26.0/me?fields=recipient&account_linking_token={token}")
    profile = graph.get(f"/v26.0/{ana.psid}")

    assert 10303 == refused.get_json()["error"]["code"]
    assert 200 == profile.status_code


def test_proofs_may_be_required_or_refused(
    emulator: Emulator, graph: FlaskClient, settings: EmulatorSettings
) -> None:
    proof = signing.appsecret_proof(settings.pages[0].token, settings.app_secret)

    emulator.faults.turn_on("proof-required")
    without = graph.get("/v26.0/me").get_json()["error"]
    proven = graph.get(f"/v26.0/me?appsecret_proof={proof}")
    emulator.faults.turn_on("proof-wrong")
    wrong = graph.get(f"/v26.0/me?appsecret_proof={proof}").get_json()["error"]
    named = [entry.exchange.faults for entry in emulator.journal.entries()]

    assert "API calls from the server require an appsecret_proof argument" == without["message"]
    assert 200 == proven.status_code
    assert "Invalid appsecret_proof provided in the API argument" == wrong["message"]
    assert "GraphMethodException" == without["type"] == wrong["type"]
    assert [("proof-wrong",), (), ("proof-required",)] == named


def test_a_profile_may_be_withheld_or_nameless(
    emulator: Emulator, graph: FlaskClient, ana: Person
) -> None:
    emulator.faults.turn_on("profile-withheld", times=1)
    withheld = graph.get(f"/v26.0/{ana.psid}")
    emulator.faults.turn_on("profile-nameless", times=1)
    nameless = graph.get(f"/v26.0/{ana.psid}")

    assert 2018247 == withheld.get_json()["error"]["error_subcode"]
    assert {"id": ana.psid} == nameless.get_json()
    assert "Berg" not in withheld.text


def test_unlinking_by_graph_may_stay_without_a_webhook(
    emulator: Emulator, graph: FlaskClient, ana: Person, webhook: Webhook
) -> None:
    ana.comes_back()
    emulator.faults.turn_on("unlink-silent")

    graph.post("/v26.0/me/unlink_accounts", json={"psid": ana.psid})
    emulator.dispatcher.settle()

    assert 1 == len(webhook.received)
    assert not ana.thread.linked


def test_an_expired_version_answers_as_the_oldest_usable(
    emulator: Emulator, graph: FlaskClient
) -> None:
    emulator.faults.turn_on("version-expired")

    assert "v21.0" == graph.get("/v26.0/me").headers["facebook-api-version"]


def test_thread_settings_may_be_gone_from_what_has_not_expired(
    emulator: Emulator, graph: FlaskClient
) -> None:
    emulator.faults.turn_on("thread-settings-gone")
    setting = {"setting_type": "account_linking", "account_linking_url": "https://a.example"}

    new = graph.post("/v26.0/me/thread_settings", json=setting)
    old = graph.post("/v2.6/me/thread_settings", json=setting)

    assert 33 == new.get_json()["error"]["error_subcode"]
    assert 200 == old.status_code

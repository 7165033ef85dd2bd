"""What Graph no longer takes, and what it does not look at any more, by the changelog of v26.0."""

import pytest
from flask.testing import FlaskClient

from app.emulator.context import Emulator
from tests.emulator.conftest import OTHER_PAGE, PAGE, Person, error

PROFILE = "/v26.0/me/messenger_profile"


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("v26.0/me?date_format=U", "date_format"),
        ("v21.0/me?date_format=U", "date_format"),
        ("me?date_format=U", "date_format"),
        (f"v26.0/?ids={PAGE},{OTHER_PAGE}", "ids"),
        ("v26.0/me?method=delete", "method"),
        ("v26.0/me?callback=show", "callback"),
        ("v26.0/me?fields=id,name.as(title)", ".as("),
    ],
)
def test_a_call_that_uses_what_has_ended_is_refused(
    path: str, named: str, graph: FlaskClient
) -> None:
    """Every version that is still served refuses them since 27 October 2026."""
    answer = graph.get(f"/{path}")

    assert (400, 100) == (answer.status_code, error(answer)["code"])
    assert named in error(answer)["message"]
    assert "Harbour" not in answer.text


def test_an_answer_has_no_etag_and_never_says_not_modified(graph: FlaskClient) -> None:
    first = graph.get("/v26.0/me")
    again = graph.get("/v26.0/me", headers={"If-None-Match": "*"})

    assert "ETag" not in first.headers
    assert (200, first.get_json()) == (again.status_code, again.get_json())


def test_pretty_and_debug_are_ignored(graph: FlaskClient, emulator: Emulator) -> None:
    """In a call that changes something, too, where other strange names are refused."""
    content = {"account_linking_url": "https://shop.example/in", "pretty": "1", "debug": "all"}

    answers = [
        graph.get("/v26.0/me?pretty=1&debug=all").text,
        graph.get("/v26.0/me").text,
    ]
    changed = graph.post(PROFILE, json=content)

    assert answers[0] == answers[1]
    assert {"result": "success"} == changed.get_json()
    assert "https://shop.example/in" == emulator.state.linking_url(PAGE)


@pytest.mark.parametrize(
    "tag", ["ACCOUNT_UPDATE", "CONFIRMED_EVENT_UPDATE", "POST_PURCHASE_UPDATE"]
)
def test_a_message_tag_that_has_ended_is_refused(tag: str, graph: FlaskClient, ana: Person) -> None:
    """Meta's changelog of 27 March 2026; HUMAN_AGENT is there still."""
    content = {
        "recipient": {"id": ana.psid},
        "messaging_type": "MESSAGE_TAG",
        "message": {"text": "Your order is on its way"},
    }

    refused = graph.post("/v26.0/me/messages", json={**content, "tag": tag})
    sent = graph.post("/v26.0/me/messages", json={**content, "tag": "HUMAN_AGENT"})

    assert (400, 100) == (refused.status_code, error(refused)["code"])
    assert 200 == sent.status_code
    assert 1 == len(ana.thread.messages)


# Europe: https://developers.facebook.com/documentation/business-messaging/messenger-platform/europe-japan-updates


def test_the_profile_says_whether_europes_rules_hold_for_the_page(
    graph: FlaskClient, emulator: Emulator
) -> None:
    """A Boolean that can only be read; the faults never run out by being read."""
    asked = f"{PROFILE}?fields=account_linking_url,subject_to_new_eu_privacy_rules"

    elsewhere = graph.get(asked).get_json()
    emulator.faults.turn_on("europe-page", times=1)
    there = graph.get(asked).get_json()
    other = graph.get(f"{PROFILE}?fields=account_linking_url").get_json()
    changed = graph.post(PROFILE, json={"subject_to_new_eu_privacy_rules": False})

    assert {"data": [{"subject_to_new_eu_privacy_rules": False}]} == elsewhere
    assert {"data": [{"subject_to_new_eu_privacy_rules": True}]} == there
    assert {"data": []} == other
    assert 100 == error(changed)["code"]
    assert {"europe-page": 1} == emulator.faults.on()


def test_a_page_in_europe_cannot_send_the_buttons_of_account_linking(
    graph: FlaskClient, emulator: Emulator, ana: Person
) -> None:
    emulator.faults.turn_on("europe-page")
    log_in = {"type": "account_link", "url": "https://shop.example/in"}
    payload = {"template_type": "button", "text": "Log in", "buttons": [log_in]}
    button = {"attachment": {"type": "template", "payload": payload}}
    recipient = {"id": ana.psid}

    refused = graph.post("/v26.0/me/messages", json={"recipient": recipient, "message": button})
    sent = graph.post(
        "/v26.0/me/messages", json={"recipient": recipient, "message": {"text": "Hello"}}
    )

    assert (10, 2018336) == (error(refused)["code"], error(refused)["error_subcode"])
    assert 200 == sent.status_code
    assert ["Hello"] == [message.text for message in ana.thread.messages]

"""The emulator held against what Meta was seen or documented to send: `tests/samples`."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.emulator import EmulatorSettings
from app.emulator.context import Emulator
from app.emulator.faults.switches import FaultSwitches
from app.emulator.faults.table import FAULTS
from app.emulator.state import Thread
from app.emulator.webhooks import events, signing
from app.emulator.webhooks.events import Event
from app.emulator.webhooks.payloads import TimedEvent, pack
from tests.emulator.conftest import PAGE, Person
from tests.emulator.webhook_server import Webhook

SAMPLES = Path(__file__).parent.parent / "samples"
SECRET = "60efff025951cddde78c8d03de52cc90"
HAPPENED_AT = datetime.fromtimestamp(1475942721.741, UTC)
SENT_AT = datetime.fromtimestamp(1475942721.780, UTC)
BEN = Thread(page_id="1717527131834678", psid="1256217357730577", person="Ben")


@pytest.mark.parametrize(
    ("sample", "event"),
    [
        ("linked", events.linked(BEN, "PASS_THROUGH")),
        ("unlinked", events.unlinked(BEN)),
        ("linked-escaped", events.linked(BEN, "a/b@c%d<eäöå😀")),
    ],
    ids=["linked", "unlinked", "with every escape"],
)
def test_a_delivery_is_the_sample_byte_for_byte(sample: str, event: Event) -> None:
    delivery = pack(
        (TimedEvent(event, HAPPENED_AT),), app_secret=SECRET, faults=FaultSwitches(), at=SENT_AT
    )

    assert (SAMPLES / "webhook" / f"{sample}.json").read_bytes() == delivery.body


@pytest.mark.parametrize(
    ("fault", "place"),
    [("in-standby", "standby"), ("mixed-changes", "changes")],
    ids=["standby", "a page feed"],
)
def test_an_entry_without_messaging_has_the_shape_of_its_sample(fault: str, place: str) -> None:
    faults = FaultSwitches()
    faults.turn_on(fault)

    delivery = pack(
        (TimedEvent(events.linked(BEN, "x"), HAPPENED_AT),),
        app_secret=SECRET,
        faults=faults,
        at=SENT_AT,
    )

    sample = json.loads((SAMPLES / "webhook" / f"{place}.json").read_bytes())["entry"][0]
    entry = json.loads(delivery.body)["entry"][0]
    assert set(sample) == set(entry)
    assert set(sample[place][0]) == set(entry[place][0])


def test_an_error_of_graph_has_the_members_that_samples_have() -> None:
    samples = json.loads((SAMPLES / "graph" / "errors.json").read_text(encoding="utf-8"))
    seen = {
        each["body"]["error"]["code"]: each["body"]["error"]
        for each in samples
        if isinstance(each["body"], dict) and isinstance(each["body"].get("error"), dict)
    }
    ours = {fault.error.code for fault in FAULTS.values() if fault.error is not None}

    assert {190, 10303} <= ours & set(seen)
    for code in ours & set(seen):
        assert {"message", "type", "code"} <= set(seen[code])


# Every answer that messenger-platform.md 4 and 5 show, as the documents show it.
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
    messenger-platform.md 3.1 and 3.7; what only a server on the internet sends is left out.
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


def test_signatures_are_those_of_the_samples() -> None:
    told = json.loads((SAMPLES / "webhook" / "signatures.json").read_text(encoding="utf-8"))

    for name in ("message.json", "linked-escaped.json"):
        body = (SAMPLES / "webhook" / name).read_bytes()
        headers = signing.signed_headers(body, SECRET)
        assert headers["X-Hub-Signature-256"].removeprefix("sha256=") in json.dumps(told)


# messenger-platform.md 3.2, 3.5, 3.6, 4.2: what is refused, and the members that are documented.
@pytest.mark.parametrize(
    ("fault", "asked", "told"),
    [
        (
            "proof-required",
            "GET /v26.0/me",
            {
                "type": "GraphMethodException",
                "code": 100,
                "message": "API calls from the server require an appsecret_proof argument",
            },
        ),
        (
            "proof-wrong",
            "GET /v26.0/me?appsecret_proof=00",
            {
                "type": "GraphMethodException",
                "code": 100,
                "message": "Invalid appsecret_proof provided in the API argument",
            },
        ),
        (
            "graph-190",
            "GET /v26.0/me",
            {"message": "Invalid OAuth access token.", "type": "OAuthException", "code": 190},
        ),
        (None, "GET /v26.0/nothing/here", {"code": 2500, "type": "OAuthException"}),
        (
            None,
            "GET /v26.0/999",
            {"code": 100, "error_subcode": 33, "type": "GraphMethodException"},
        ),
        (
            None,
            "GET /v26.0/me?fields=recipient&account_linking_token=unknown",
            {"code": 10303},
        ),
        (None, "POST /v26.0/me/unlink_accounts?psid=1", {"error_subcode": 2018001}),
    ],
    ids=["no proof", "wrong proof", "token", "path", "object", "linking token", "nobody"],
)
def test_a_documented_refusal_has_its_documented_members(
    fault: str | None,
    asked: str,
    told: dict[str, Any],
    graph: FlaskClient,
    emulator: Emulator,
) -> None:
    if fault is not None:
        emulator.faults.turn_on(fault)

    method, path = asked.split()
    answer = graph.open(path, method=method)

    error = answer.get_json()["error"]
    assert 400 == answer.status_code
    assert told == {name: error.get(name) for name in told}
    # Eleven characters in old answers, 23 in those captured since (3.5).
    assert len(error["fbtrace_id"]) in {11, 23}


def test_the_documented_retrieval_names_page_and_person(
    graph: FlaskClient, emulator: Emulator, ana: Person
) -> None:
    """
    messenger-platform.md 4.4; without fields=recipient the recipient is not told.
    """
    token = emulator.state.issue_token(PAGE, ana.psid)

    asked = graph.get(f"/v26.0/me?fields=recipient&account_linking_token={token}").get_json()
    bare = graph.get(f"/v26.0/me?account_linking_token={token}").get_json()

    assert {"id": PAGE, "recipient": ana.psid} == asked
    assert "recipient" not in bare


def test_sender_actions_and_profiles_are_answered_as_documented(
    graph: FlaskClient, ana: Person
) -> None:
    """
    messenger-platform.md 5.1 and 5.4.
    """
    content = {"recipient": {"id": ana.psid}, "sender_action": "typing_on"}

    action = graph.post(f"/v26.0/{PAGE}/messages", json=content).get_json()
    profile = graph.get(f"/v26.0/{ana.psid}?fields=first_name,last_name,profile_pic").get_json()

    assert {"recipient_id": ana.psid} == action
    assert {"first_name", "last_name", "profile_pic", "id"} == set(profile)
    assert f"psid={ana.psid}" in profile["profile_pic"]
    assert "ext=" in profile["profile_pic"]


# messenger-platform.md 3.6, row by row: each code with its subcodes; None is the code alone.
DOCUMENTED_ERRORS: dict[int, tuple[int | None, ...]] = {
    1: (None, 99, 1357046),
    2: (None, 2018344),
    3: (None,),
    4: (None,),
    9: (2018352,),
    10: (None, 2018278, 2534022, 2018065, 2018108, 1893063),
    17: (None,),
    32: (None,),
    100: (None, 33, 2018001, 2018014, 2018035, 2018063, 2018145, 2018109, 2018164),
    102: (None,),
    105: (None,),
    110: (None,),
    210: (None,),
    459: (None,),
    190: (None, 458, 459, 460, 463, 464, 467, 492),
    200: (None, 2018028, 2018027, 2018021, 1545041),
    230: (None,),
    341: (None,),
    368: (None,),
    551: (None, 1545041),
    613: (None, 1893016, 2018338, 2534040),
    1200: (None,),
    10303: (None,),
    80006: (None,),
    2018218: (None,),
    2018247: (None,),
    2018300: (None,),
    2018321: (None,),
}


def test_each_documented_error_is_a_switch_or_follows_from_what_is_sent(
    graph: FlaskClient, ana: Person
) -> None:
    def told(content: dict[str, Any], path: str = "/v26.0/me/messages") -> tuple[int, int | None]:
        error = graph.post(path, json=content).get_json()["error"]
        return error["code"], error.get("error_subcode")

    to, text = {"recipient": {"id": ana.psid}}, {"text": "hello"}
    bare = {"template_type": "generic", "elements": [{"title": "a"}]}
    card = {"attachment": {"type": "template", "payload": bare}}
    replies = [{"content_type": "text", "title": "a", "payload": "a"}] * 14
    followed = {
        told({}, "/v26.0/999"),
        told({"recipient": {"id": "1"}, "message": text}),
        told({**to, "message": text, "sender_action": "typing_on"}),
        told({**to, "message": card}),
        told({**to, "message": {**text, "quick_replies": replies}}),
    }
    switched = {
        (fault.error.code, fault.error.subcode)
        for fault in FAULTS.values()
        if fault.error is not None
    }

    documented = {(code, sub) for code, subs in DOCUMENTED_ERRORS.items() for sub in subs}
    assert {(100, 33), (100, 2018001), (100, 2018014), (100, 2018035), (105, None)} == followed
    assert documented == switched | followed
    assert () == ana.thread.messages


def test_the_documented_example_of_an_error_has_the_members_that_are_answered(
    graph: FlaskClient, emulator: Emulator
) -> None:
    """
    messenger-platform.md 3.5; which are optional there may be absent.
    """
    emulator.faults.turn_on("graph-190-463")

    error = graph.get("/v26.0/me").get_json()["error"]

    assert {"message", "type", "code", "error_subcode", "fbtrace_id"} == set(error)


def test_the_documented_parameter_encodings_are_all_read(graph: FlaskClient, ana: Person) -> None:
    """
    messenger-platform.md 3.1: a JSON body, a form, or the query; there in single quotes, too.
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
    ("asked", "served"),
    [
        ("v26.0", "v26.0"),
        ("v21.0", "v21.0"),
        # Expired, and without any: the oldest that is usable on that day.
        ("v20.0", "v21.0"),
        ("v2.6", "v21.0"),
        ("", "v21.0"),
    ],
)
def test_a_version_is_served_as_documented(asked: str, served: str, graph: FlaskClient) -> None:
    """
    messenger-platform.md 3.1, on 20 November 2026.
    """
    answer = graph.get(f"/{asked}/me" if asked else "/me")

    assert served == answer.headers["facebook-api-version"]


def test_a_debugged_token_has_the_documented_members(
    graph: FlaskClient, settings: EmulatorSettings
) -> None:
    """
    messenger-platform.md 3.3; a token that is none says so within data.
    """
    app_token = f"{settings.app_id}|{settings.app_secret}"
    asked = f"/v26.0/debug_token?access_token={app_token}&input_token="

    good = graph.get(asked + settings.pages[0].token).get_json()["data"]
    bad = graph.get(asked + "nobody").get_json()["data"]

    assert {"app_id", "type", "expires_at", "is_valid", "profile_id", "scopes"} <= set(good)
    assert (True, PAGE, "PAGE") == (good["is_valid"], good["profile_id"], good["type"])
    assert bad["is_valid"] is False
    assert {"code", "message"} <= set(bad["error"])


def test_the_documented_handshake_and_its_subscriptions(
    graph: FlaskClient, settings: EmulatorSettings, webhook: Webhook
) -> None:
    """
    messenger-platform.md 2.1 and 2.6; a webhook that echoes no challenge is not taken.
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

    asked = webhook.received[0]
    assert 2200 == refused["error"]["code"]
    assert "hub.mode=subscribe&hub.challenge=" in asked.path
    assert f"hub.verify_token={settings.verify_token}" in asked.path
    assert {"object", "callback_url", "active", "fields"} == set(read)
    assert {"id", "subscribed_fields"} == set(page)
    assert settings.app_id == page["id"]

"""Each switch, seen from the business: what arrives, what is answered, what is told."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.emulator import EmulatorSettings
from app.emulator.context import Emulator
from app.emulator.faults.table import FAULTS
from app.emulator.webhooks import signing
from tests.emulator.conftest import NOON, OTHER_PAGE, PAGE, Person
from tests.emulator.webhook_server import Webhook

HOUR = timedelta(hours=1)


def bodies(webhook: Webhook) -> list[dict[str, Any]]:
    return [json.loads(each.body) for each in webhook.received]


def said(webhook: Webhook) -> list[str]:
    return [event["message"]["text"] for event in webhook.events()]


def titles(emulator: Emulator) -> list[str]:
    return [entry.exchange.title for entry in emulator.journal.entries()]


# Webhooks


def test_twice_brings_the_same_bytes_twice(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on("twice")

    ana.comes_back()

    first, second = webhook.received
    assert first == second
    assert ana.thread.linked


def test_late_brings_an_event_an_hour_later_with_its_own_time(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on("late", times=1)
    ana.comes_back()
    before = len(webhook.received)

    emulator.dispatcher.advance(HOUR)

    entry = bodies(webhook)[0]["entry"][0]
    assert 0 == before
    assert "linked, Ana Berg (held back until 13:00:00)" in titles(emulator)
    assert int(NOON.timestamp() * 1000) == entry["messaging"][0]["timestamp"]
    assert 3600_000 == entry["time"] - entry["messaging"][0]["timestamp"]


def test_reordered_brings_the_second_event_first(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on("reordered")

    for text in ("one", "two", "three"):
        ana.submits("messages", text=text)
    emulator.dispatcher.advance(timedelta(minutes=1))

    assert ["two", "one", "three"] == said(webhook)


def test_a_repeat_is_recut_into_one_batch_and_then_one_by_one(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on("recut")
    webhook.status = 500
    ana.submits("messages", text="one")
    ana.submits("messages", text="two")
    together = bodies(webhook)[-1]["entry"][0]["messaging"]
    webhook.status = 200

    emulator.dispatcher.advance(timedelta(minutes=1))

    assert ["one", "two"] == sorted(event["message"]["text"] for event in together)
    assert [1, 1] == [len(body["entry"][0]["messaging"]) for body in bodies(webhook)[-2:]]
    assert ["one", "two"] == sorted(said(webhook)[-2:])


@pytest.mark.parametrize(
    ("fault", "shape"),
    [
        ("mixed-messages", [["message", "account_linking", "read"]]),
        ("mixed-standby", ["standby", ["account_linking"]]),
        ("mixed-changes", ["changes", ["account_linking"]]),
        ("in-standby", ["standby"]),
    ],
)
def test_an_event_travels_among_others(
    fault: str, shape: list[Any], emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    def shape_of(entry: dict[str, Any]) -> Any:
        if "messaging" in entry:
            return [list(event)[-1] for event in entry["messaging"]]
        return next(name for name in ("standby", "changes") if name in entry)

    emulator.faults.turn_on(fault)

    ana.comes_back()

    assert shape == [shape_of(entry) for entry in bodies(webhook)[0]["entry"]]


def test_another_object_comes_first_and_is_signed_too(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on("other-objects")

    ana.comes_back()

    other, page = webhook.received
    signature = signing.signed_headers(other.body, SECRET)["X-Hub-Signature-256"]
    assert ["instagram", "page"] == [body["object"] for body in bodies(webhook)]
    assert signature == other.headers["X-Hub-Signature-256"]
    assert page.body != other.body


# Signatures


SECRET = "60efff025951cddde78c8d03de52cc90"


def has_none(webhook: Webhook) -> bool:
    return not any(name.startswith("X-Hub") for name in webhook.received[0].headers)


def is_foreign(webhook: Webhook) -> bool:
    delivery = webhook.received[0]
    right = signing.signed_headers(delivery.body, SECRET)
    given = delivery.headers["X-Hub-Signature-256"]
    return len(given) == len(right["X-Hub-Signature-256"]) and given != right["X-Hub-Signature-256"]


def has_sha1_alone(webhook: Webhook) -> bool:
    delivery = webhook.received[0]
    right = signing.signed_headers(delivery.body, SECRET)["X-Hub-Signature"]
    return right == delivery.headers["X-Hub-Signature"] and (
        "X-Hub-Signature-256" not in delivery.headers
    )


@pytest.mark.parametrize(
    ("fault", "shows"),
    [
        ("unsigned", has_none),
        ("foreign-secret", is_foreign),
        ("sha1-only", has_sha1_alone),
        ("altered", is_foreign),
    ],
)
def test_a_forged_delivery_links_nobody_and_is_not_repeated(
    fault: str,
    shows: Callable[[Webhook], bool],
    emulator: Emulator,
    ana: Person,
    webhook: Webhook,
) -> None:
    webhook.status = 403
    emulator.faults.turn_on(fault)

    page = ana.comes_back()
    emulator.dispatcher.advance(HOUR)

    assert shows(webhook)
    assert "was right" in page.text
    assert 1 == len(webhook.received)
    assert not ana.thread.linked


def test_a_server_that_takes_a_forged_delivery_is_told(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on("altered")

    page = ana.comes_back()

    assert "accepted a delivery that Messenger never signed" in page.text
    assert ana.psid not in webhook.received[0].body.decode()


# Subscriptions, and the way back


@pytest.mark.parametrize(
    ("fault", "level"), [("app-field-missing", "The app"), ("page-field-missing", "The Page")]
)
def test_a_field_can_be_missing_at_either_level(
    fault: str, level: str, emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on(fault)

    page = ana.comes_back()

    assert f"{level} is not subscribed to the field messaging_account_linking" in page.text
    assert [] == webhook.received


def test_a_slow_return_finds_its_token_expired(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on("slow-return")

    page = ana.comes_back()

    assert "older than five minutes" in page.text
    assert [] == webhook.received


def test_log_in_may_come_without_a_way_back(emulator: Emulator, ana: Person) -> None:
    emulator.faults.turn_on("no-redirect-uri")
    emulator.state.set_linking_url(PAGE, "https://shop.example/authorize")

    address = ana.submits("log-in").headers["Location"]

    assert "account_linking_token=AR" in address
    assert "redirect_uri" not in address


# Failing webhooks: repeats, the alert and the end, on Messenger's clock


def test_a_lost_answer_fails_the_linking_and_comes_again(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on("webhook-500", times=1)

    page = ana.comes_back()
    emulator.dispatcher.settle()

    first, again = webhook.received
    assert "answered 500" in page.text
    assert first == again
    assert not ana.thread.linked


@pytest.mark.parametrize(("limit", "seconds"), [(None, 20), ("limit-5s", 5)])
def test_a_time_out_takes_the_limit_on_messengers_clock(
    limit: str | None, seconds: int, emulator: Emulator, ana: Person
) -> None:
    emulator.faults.turn_on("webhook-timeout", times=1)
    if limit:
        emulator.faults.turn_on(limit)

    page = ana.comes_back()

    assert f"within {seconds} seconds" in page.text
    assert timedelta(seconds=seconds) == emulator.clock.ahead


def test_repeats_come_at_falling_frequency_until_one_is_taken(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    webhook.status = 500
    ana.submits("messages", text="hello")
    counts = [len(webhook.received)]

    for minutes in (1, 3, 1, 10):
        emulator.dispatcher.advance(timedelta(minutes=minutes))
        counts.append(len(webhook.received))
    webhook.status = 200
    emulator.dispatcher.advance(timedelta(hours=40))

    assert [2, 3, 3, 4, 5] == counts
    assert "message, Ana Berg, retry 1" in titles(emulator)
    assert 6 == len(webhook.received)


def test_an_hour_of_failures_unsubscribes_the_page_and_no_other(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    webhook.status = 500
    ana.submits("messages", text="hello")

    emulator.dispatcher.advance(timedelta(minutes=59))
    before = emulator.state.page_fields(PAGE)
    emulator.dispatcher.advance(timedelta(minutes=2))
    heard = len(webhook.received)
    emulator.dispatcher.advance(timedelta(hours=40))

    assert before
    assert () == emulator.state.page_fields(PAGE)
    assert emulator.state.page_fields(OTHER_PAGE)
    assert heard == len(webhook.received)
    assert "Webhooks disabled, Harbour Coffee (not sent)" in titles(emulator)
    assert "Alert to developers, Harbour Coffee (not sent)" in titles(emulator)


def test_the_hour_of_failures_begins_anew_when_the_clock_is_put_back(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.clock.move_to(emulator.clock() + timedelta(hours=5))
    webhook.status = 500
    ana.submits("messages", text="hello")
    emulator.dispatcher.settle()

    emulator.return_to_now()
    ana.submits("messages", text="still there?")
    emulator.dispatcher.advance(timedelta(minutes=59))
    before = emulator.state.page_fields(PAGE)
    emulator.dispatcher.advance(timedelta(minutes=2))

    assert before
    assert () == emulator.state.page_fields(PAGE)


def test_an_outage_is_made_good_when_it_is_over(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on("outage")
    ana.submits("messages", text="hello")
    meanwhile = len(webhook.received)

    emulator.faults.turn_off("outage")
    emulator.dispatcher.advance(timedelta(minutes=5))

    assert 0 == meanwhile
    assert ["hello"] == said(webhook)


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
    elif "messenger_profile" in fault.calls:
        answer = graph.delete("/v26.0/me/messenger_profile?fields=account_linking_url")
    else:
        message = {"recipient": {"id": ana.psid}, "message": {"text": "hello"}}
        answer = graph.post("/v26.0/me/messages", json=message)

    told = answer.get_json()["error"]
    assert (fault.error.status, fault.error.code) == (answer.status_code, told["code"])
    assert fault.error.subcode == told.get("error_subcode")
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


def test_a_page_token_may_speak_for_another_page(
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


# FaultSwitches


def test_every_fault_names_what_it_does_and_its_source() -> None:
    assert len(FAULTS) > 40
    for name, fault in FAULTS.items():
        assert name == fault.name
        assert fault.does.endswith(".")
        assert fault.source


def test_a_fault_set_to_happen_twice_is_off_afterwards(emulator: Emulator) -> None:
    emulator.faults.turn_on("html", times=2)

    assert [True, True, False] == [emulator.faults.fires("html") for _ in range(3)]


def test_no_other_fault_may_be_turned_on(emulator: Emulator) -> None:
    with pytest.raises(KeyError):
        emulator.faults.turn_on("rain")
    with pytest.raises(ValueError, match="at least once"):
        emulator.faults.turn_on("html", times=0)

    assert {} == emulator.faults.on()

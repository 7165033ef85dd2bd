"""m.me links: whose chat opens, and what the webhook hears of the ref.

https://developers.facebook.com/documentation/business-messaging/messenger-platform/discovery/m-me-links
"""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.emulator.context import Emulator
from app.emulator.ui.narration import Narrator
from tests.emulator.conftest import OTHER_PAGE, PAGE, ManualClock, Person, error
from tests.emulator.webhook_server import Webhook

LINK = f"/m.me/{PAGE}"
REFERRAL = {"ref": "tli-4f_=", "source": "SHORTLINK", "type": "OPEN_THREAD"}
PAYLOAD = "START HERE"


def follows(ana: Person, ref: str | None = "tli-4f_=", **more: str) -> None:
    """Follow a link in the browser in which the chat of *ana* was open last."""
    ana.sees()
    ana.opens(LINK + "?" + "&".join(f"{k}={v}" for k, v in {"ref": ref, **more}.items() if v))
    ana.emulator.dispatcher.settle()


def started(ana: Person) -> None:
    """Begin the conversation; what the webhook hears of it does not count."""
    ana.submits("messages", text="hello")


def last(webhook: Webhook) -> dict[str, Any]:
    event = webhook.events()[-1]
    return {name: event[name] for name in event if name not in {"recipient", "timestamp"}}


def test_a_link_into_a_thread_with_messages_is_told_at_once(ana: Person, webhook: Webhook) -> None:
    started(ana)

    follows(ana)

    assert {"sender": {"id": ana.psid}, "referral": REFERRAL} == last(webhook)
    assert "You have entered this conversation by following a link." in ana.sees()


def test_a_link_into_a_new_thread_is_told_with_get_started(ana: Person, webhook: Webhook) -> None:
    ana.emulator.state.set_get_started(PAGE, PAYLOAD)
    follows(ana)
    before, shown = len(webhook.received), ana.sees()

    ana.submits("get-started")

    postback = last(webhook)["postback"]
    assert 0 == before
    assert ">Get Started</button>" in shown
    assert {"title", "payload", "mid", "referral"} == set(postback)
    assert (PAYLOAD, REFERRAL) == (postback["payload"], postback["referral"])
    assert ">Get Started</button>" not in ana.sees()


def test_without_get_started_a_new_thread_tells_no_ref_and_the_inspector_says_why(
    ana: Person, webhook: Webhook
) -> None:
    follows(ana)
    ana.submits("get-started")
    ana.submits("messages", text="hello")

    assert "referral" not in str(webhook.bodies())
    assert "no Get Started button" in ana.opens("/inspector").text


def test_get_started_without_a_link_has_no_referral(ana: Person, webhook: Webhook) -> None:
    ana.emulator.state.set_get_started(PAGE, PAYLOAD)

    ana.submits("get-started")

    assert {"title", "payload", "mid"} == set(last(webhook)["postback"])


def test_a_link_without_a_ref_opens_the_chat_and_tells_nothing(
    ana: Person, webhook: Webhook
) -> None:
    started(ana)
    heard = len(webhook.received)

    follows(ana, ref=None, text="K7F2-M9QA")

    assert heard == len(webhook.received)


@pytest.mark.parametrize("ref", ["", "a b", "a/b", "ä", "a+b", "x" * 2084])
def test_a_ref_that_meta_does_not_document_is_refused(
    ref: str, ana: Person, webhook: Webhook
) -> None:
    started(ana)
    heard = len(webhook.received)

    answer = ana.opens(f"{LINK}?ref={ref.replace('+', '%2B')}")
    ana.emulator.dispatcher.settle()

    assert 400 == answer.status_code
    assert heard == len(webhook.received)


def test_the_longest_ref_arrives(ana: Person, webhook: Webhook) -> None:
    started(ana)

    follows(ana, ref="x" * 2083)

    assert "x" * 2083 == last(webhook)["referral"]["ref"]


def test_the_text_of_a_link_is_filled_in_and_not_sent(ana: Person, webhook: Webhook) -> None:
    opened = ana.opens(f"/t/{PAGE}/{ana.psid}?text=K7F2-M9QA")

    assert 'value="K7F2-M9QA"' in opened.text
    assert [] == webhook.received


@pytest.mark.parametrize("name", ["harbourcoffee", "HarbourCoffee", PAGE])
def test_a_page_is_found_by_its_username_too(name: str, ana: Person) -> None:
    ana.sees()

    opened = ana.opens(f"/m.me/{name}?ref=a")

    assert opened.headers["Location"].startswith(f"/t/{PAGE}/{ana.psid}")
    assert 404 == ana.opens("/m.me/nobody?ref=a").status_code


def test_the_link_opens_the_chat_of_whoever_was_at_the_browser(
    ben: Person, webhook: Webhook
) -> None:
    """As m.me opens that of whoever is logged in to Messenger; on another Page it is them, too."""
    started(ben)
    ben.sees()

    ben.opens(f"{LINK}?ref=a")
    elsewhere = ben.opens(f"/m.me/{OTHER_PAGE}?ref=a")
    ben.emulator.dispatcher.settle()

    theirs = ben.emulator.state.threads(OTHER_PAGE)[1]
    assert "Ben Okafor" == theirs.person
    assert elsewhere.headers["Location"].startswith(f"/t/{OTHER_PAGE}/{theirs.psid}")
    assert ben.psid == last(webhook)["sender"]["id"]


def test_where_nobody_is_known_the_person_is_chosen_or_new(app: Flask, ana: Person) -> None:
    started(ana)
    browser = app.test_client()
    asked = browser.get(f"{LINK}?ref=a&text=hi").text

    chosen = browser.post(LINK, data={"ref": "a", "who": ana.psid})
    newcomer = browser.post(LINK, data={"ref": "a", "name": "Chloe Martin"})

    assert "Ana Berg</button>" in asked
    assert 'value="Chloe Martin"' in asked
    assert chosen.headers["Location"].startswith(f"/t/{PAGE}/{ana.psid}")
    new = next(t for t in ana.emulator.state.threads(PAGE) if t.person == "Chloe Martin")
    assert newcomer.headers["Location"].startswith(f"/t/{PAGE}/{new.psid}")
    assert 400 == browser.post(LINK, data={"name": " "}).status_code


def test_a_preview_and_a_foreign_form_open_nothing(
    app: Flask, ana: Person, webhook: Webhook
) -> None:
    started(ana)
    ana.sees()
    heard = len(webhook.received)

    ana.previews(f"{LINK}?ref=a")
    foreign = app.test_client().post(
        LINK, data={"who": ana.psid, "ref": "a"}, headers={"Origin": "https://evil.example"}
    )
    ana.emulator.dispatcher.settle()

    assert 403 == foreign.status_code
    assert heard == len(webhook.received)


def test_a_reset_removes_who_was_new(ana: Person) -> None:
    ana.opens(LINK)
    ana.emulator.state.add_person("Chloe Martin")

    ana.emulator.reset()

    assert ["Ana Berg", "Ben Okafor"] == [each.person for each in ana.emulator.state.threads(PAGE)]


FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("no-source", {"referral": {"ref": "tli-4f_=", "type": "OPEN_THREAD"}}),
    ("ref-user-ref", {"referral": REFERRAL}),
]


@pytest.mark.parametrize(("fault", "told"), FAULTS)
def test_a_fault_changes_the_referral_alone(
    fault: str, told: dict[str, Any], emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on(fault)
    started(ana)

    follows(ana)

    message, referral = webhook.events()
    assert {"id": ana.psid} == message["sender"]
    assert told["referral"] == referral["referral"]
    assert (fault == "ref-user-ref") is ("user_ref" in referral["sender"])
    assert (fault == "ref-user-ref") is ("id" not in referral["sender"])


@pytest.mark.parametrize("fault", ["ref-lost", "page-unpublished"])
def test_a_lost_ref_is_told_in_neither_way(
    fault: str, emulator: Emulator, ana: Person, ben: Person, webhook: Webhook
) -> None:
    emulator.state.set_get_started(PAGE, PAYLOAD)
    emulator.faults.turn_on(fault)
    started(ana)

    follows(ana)
    follows(ben)
    ben.submits("get-started")

    assert "referral" not in str(webhook.bodies())
    assert 2 == len(webhook.events())


def test_the_ref_may_come_in_the_first_message(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    emulator.faults.turn_on("ref-in-message")
    started(ana)

    follows(ana)
    ana.submits("messages", text="Here I am")
    ana.submits("messages", text="And again")

    _, first, second = (event["message"] for event in webhook.events())
    assert REFERRAL == first["referral"]
    assert "referral" not in second


def test_a_referral_may_come_twice_late_or_in_standby(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    started(ana)

    emulator.faults.turn_on("ref-twice", 1)
    follows(ana)
    twice = [event for event in webhook.events() if "referral" in event]
    emulator.faults.turn_on("ref-late", 1)
    follows(ana)
    before = len(webhook.received)
    emulator.dispatcher.advance(timedelta(hours=1))
    after = len(webhook.received)
    emulator.faults.turn_on("ref-standby", 1)
    follows(ana)

    assert 2 == len(twice)
    assert twice[0] == twice[1]
    assert 1 == after - before
    assert "referral" in webhook.bodies()[-1]["entry"][0]["standby"][0]


def test_a_postback_in_standby_has_no_payload(
    emulator: Emulator, ana: Person, webhook: Webhook
) -> None:
    """Of a button of another app only the title is told (Meta, page of the standby channel)."""
    emulator.state.set_get_started(PAGE, PAYLOAD)
    emulator.faults.turn_on("ref-standby")
    follows(ana)

    ana.submits("get-started")

    postback = webhook.bodies()[-1]["entry"][0]["standby"][0]["postback"]
    assert {"title", "mid", "referral"} == set(postback)


def test_a_link_opens_the_window_of_24_hours_again(
    graph: FlaskClient, ana: Person, clock: ManualClock
) -> None:
    """It resets the 24-hour standard messaging window (Meta, page of m.me links)."""
    sent = {"recipient": {"id": ana.psid}, "message": {"text": "Hi!"}}
    started(ana)
    clock.advance(timedelta(hours=24, seconds=1))

    late = graph.post("/v26.0/me/messages", json=sent)
    follows(ana)
    answer = graph.post("/v26.0/me/messages", json=sent)

    assert (10, 2018278) == (error(late)["code"], error(late)["error_subcode"])
    assert 200 == answer.status_code


def test_the_inspector_tells_the_story_of_an_invitation(ana: Person) -> None:
    ana.emulator.state.set_get_started(PAGE, PAYLOAD)
    answers = [
        {"type": "postback", "title": title, "payload": f"threadlink:{title}"}
        for title in ("Yes", "No")
    ]

    follows(ana)
    ana.submits("get-started")
    question = ana.is_sent(*answers, text="Connect this Messenger?")
    ana.submits("tap", message=question, button="0")
    ana.opens(f"{LINK}?ref=a/b")

    entries = ana.emulator.journal.entries()
    teller = Narrator(ana.emulator.state, entries)
    assert [
        "follows a link into Ana’s chat",
        "says that Ana tapped “Get Started”, who followed a link",
        "sends “Connect this Messenger?” to Ana, to answer by “Yes” or “No”",
        "says that Ana tapped “Yes”",
        "follows a link whose ref is none",
    ] == [teller.words(entry.exchange) for entry in reversed(entries)]


@pytest.mark.parametrize(
    ("way", "is_started_and_lost"),
    [
        ("new-chat", (False, False)),
        ("open-chat", (True, False)),
        ("ref-lost", (False, True)),
        ("typed", (True, True)),
    ],
)
def test_the_faults_page_prepares_each_way_in(
    way: str, is_started_and_lost: tuple[bool, bool], app: Flask, ana: Person, ben: Person
) -> None:
    started(ben)

    shown = app.test_client().post(f"/faults/ways-in/{way}", follow_redirects=True)

    assert 200 == shown.status_code
    is_lost = "ref-lost" in ana.emulator.faults.on()
    assert [is_started_and_lost] * 2 == [(each.thread.is_started, is_lost) for each in (ana, ben)]
    assert 404 == app.test_client().post("/faults/ways-in/rain").status_code

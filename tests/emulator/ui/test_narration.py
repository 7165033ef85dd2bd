"""The inspector's rows: who calls whom, in plain words."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.emulator.ui.narration import Narrator
from app.emulator.webhooks.journal import Exchange
from tests.emulator.conftest import NOON, PAGE, Person

LONG = "Welcome! Log in to see your orders here in Messenger, and to order again."


def told(person: Person) -> list[tuple[str, str, str]]:
    """Return caller, called and words of each exchange, oldest first."""
    entries = person.emulator.journal.entries()
    teller = Narrator(person.emulator.state, entries)
    exchanges = [entry.exchange for entry in reversed(entries)]
    return [(*teller.direction(each), teller.words(each)) for each in exchanges]


def call(method: str, url: str, **body: Any) -> Exchange:
    sent = json.dumps(body) if body else ""
    return Exchange(kind="graph", title=f"{method} x", at=NOON, method=method, url=url, body=sent)


def message(text: str, **attachment: Any) -> dict[str, Any]:
    return {"text": text} if text else {"attachment": attachment}


def test_threadlink_and_the_bot_beside_it_are_told_apart_by_their_user_agents(
    graph: FlaskClient, ana: Person
) -> None:
    sent = {"recipient": {"id": ana.psid}, "message": {"text": "Hi!"}}
    ana.submits("messages", text="hello")
    graph.post("/v26.0/me/messages", json=sent, headers={"User-Agent": "python-requests/2"})
    alone = told(ana)
    graph.get("/v26.0/me?fields=name", headers={"User-Agent": "threadlink"})

    assert [
        ("Messenger", "Your server", "delivers “hello” from Ana"),
        ("Your server", "Graph", "sends “Hi!” to Ana"),
    ] == alone
    assert [
        ("Messenger", "Threadlink", "delivers “hello” from Ana"),
        ("Bot", "Graph", "sends “Hi!” to Ana"),
        ("Threadlink", "Graph", "asks for the Page’s name"),
    ] == told(ana)


@pytest.mark.parametrize(
    ("exchange", "words"),
    [
        (
            call("GET", "/v26.0/me?fields=recipient&account_linking_token=A"),
            "asks whose token it is",
        ),
        (call("GET", "/v26.0/{ana}?fields=first_name,last_name"), "asks for Ana’s name"),
        (call("GET", "/{ana}?fields=name,profile_pic"), "asks for Ana’s name and picture"),
        (
            call("GET", "/1?fields=name,category,picture.width(200){url,is_silhouette}"),
            "asks for the Page’s name, subject and picture",
        ),
        (
            call("GET", "/1/conversations?user_id={ana}&fields=participants"),
            "looks for Ana’s name in the conversation",
        ),
        (call("GET", "/platform/profilepic/?psid={ana}&ext=1&hash=A"), "fetches Ana’s picture"),
        (
            call("POST", "/me/messages", recipient={"id": "{ana}"}, message=message(LONG)),
            f"sends “{LONG[:60].rstrip()}…” to Ana",
        ),
        (
            call(
                "POST",
                "/me/messages",
                recipient={"id": "{ana}"},
                message=message("", payload={"elements": [{"title": "Your order"}]}),
            ),
            "sends “Your order” to Ana",
        ),
        (
            call("POST", "/me/messages", recipient={"id": "{ana}"}, sender_action="typing_on"),
            "shows Ana that it is typing",
        ),
        (call("POST", "/me/messages", recipient=[], message="["), "sends a message to somebody"),
        (call("POST", "/me/messages", message=message("\ud800")), "sends “?” to somebody"),
        (call("POST", "/me/unlink_accounts", psid="{ana}"), "ends Ana’s link"),
        (call("GET", "/debug_token?input_token=A"), "asks what its token may do"),
        (call("POST", "/1/subscriptions", object="page"), "sets the webhook"),
        (call("GET", "//[?a=b"), "calls GET x"),
    ],
    ids=lambda each: each.url if isinstance(each, Exchange) else "",
)
def test_a_graph_call_is_told_by_what_it_is_for(
    exchange: Exchange, words: str, ana: Person
) -> None:
    """Also one that is not as Graph wants it: whoever sends it looks here for the reason."""
    known = Exchange(
        **{
            **{name: getattr(exchange, name) for name in ("kind", "title", "at", "method")},
            "url": exchange.url.replace("{ana}", ana.psid),
            "body": exchange.body.replace("{ana}", ana.psid),
        }
    )

    assert words == Narrator(ana.emulator.state, []).words(known)


def test_events_are_told_by_what_the_person_did(ana: Person) -> None:
    tapped = {"type": "postback", "title": "Order again", "payload": "7"}
    ana.submits("tap", message=ana.is_sent(tapped), button="0")
    ana.emulator.faults.turn_on("mixed-messages")
    ana.submits("messages", text="Where is it?")
    ana.emulator.faults.turn_on("outage")
    ana.submits("messages", text="Hello?")

    assert [
        "says that Ana tapped “Order again”",
        "delivers “Where is it?” from Ana",
        "delivers a message of Ana (not sent)",
        "delivers a message of Ana, retry 1 (not sent)",
    ] == [words for caller, _, words in told(ana) if caller == "Messenger"]


def test_a_row_has_its_direction_beside_its_words(app: Flask, ana: Person) -> None:
    ana.submits("messages", text="<b>hello</b>")

    page = app.test_client().get("/inspector").text

    assert '<span class="who">Messenger</span>' in page
    assert "delivers “&lt;b&gt;hello&lt;/b&gt;” from Ana" in page
    assert PAGE not in page.partition("<summary>")[2].partition("</summary>")[0]

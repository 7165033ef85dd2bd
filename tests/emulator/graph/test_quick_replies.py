"""Quick replies: shown below the last message, told with their payload, and gone with the next."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.emulator.conftest import Person, error
from tests.emulator.webhook_server import Webhook

YES = {"content_type": "text", "title": "Yes", "payload": "threadlink:yes:1"}
NO = {"content_type": "text", "title": "No", "payload": "threadlink:no:1"}


def send(graph: FlaskClient, person: Person, *replies: Any) -> Any:
    message = {"text": "Connect?", "quick_replies": list(replies)}
    sent = {"recipient": {"id": person.psid}, "message": message}
    return graph.post("/v26.0/me/messages", json=sent)


def test_a_tapped_quick_reply_is_a_message_with_its_payload(
    graph: FlaskClient, ana: Person, webhook: Webhook
) -> None:
    send(graph, ana, YES, NO)
    shown = ana.sees()

    ana.submits("tap", message=ana.thread.messages[-1].id, button="1")

    message = webhook.events()[0]["message"]
    assert ">Yes</button>" in shown
    assert {"mid", "text", "quick_reply"} == set(message)
    assert ("No", {"payload": "threadlink:no:1"}) == (message["text"], message["quick_reply"])


def test_quick_replies_are_gone_with_the_next_message(
    graph: FlaskClient, ana: Person, webhook: Webhook
) -> None:
    send(graph, ana, YES)
    asked = ana.thread.messages[-1].id
    send(graph, ana)

    tapped = ana.submits("tap", message=asked, button="0")

    assert 404 == tapped.status_code
    assert ">Yes</button>" not in ana.sees()
    assert [] == webhook.received


@pytest.mark.parametrize(
    "reply",
    [{}, {**YES, "content_type": "tune"}, {**YES, "title": "x" * 21}, {**YES, "payload": ""}, 1],
    ids=repr,
)
def test_a_malformed_quick_reply_is_refused(reply: Any, graph: FlaskClient, ana: Person) -> None:
    answer = send(graph, ana, reply)

    assert 100 == error(answer)["code"]
    assert () == ana.thread.messages

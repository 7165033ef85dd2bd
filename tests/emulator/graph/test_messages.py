from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulator.conftest import Person

LOGIN = "https://shop.example/authorize"


def sent(graph: FlaskClient, psid: str, message: object, **more: object) -> Any:
    content = {"recipient": {"id": psid}, "message": message, **more}
    return graph.post("/v26.0/me/messages", json=content)


def template(**payload: object) -> dict[str, Any]:
    return {"attachment": {"type": "template", "payload": payload}}


def buttons(*buttons: dict[str, str]) -> dict[str, Any]:
    return template(template_type="button", text="Log in to see your orders", buttons=buttons)


def test_an_answer_names_recipient_and_message(graph: FlaskClient, ana: Person) -> None:
    answer = sent(graph, ana.psid, {"text": "hello"}, messaging_type="RESPONSE").get_json()

    assert ana.psid == answer["recipient_id"]
    assert (88, "m_") == (len(answer["message_id"]), answer["message_id"][:2])
    assert "hello" == ana.thread.messages[-1].text


def test_log_in_and_log_out_buttons_get_their_words_from_messenger(
    graph: FlaskClient, ana: Person
) -> None:
    message = buttons({"type": "account_link", "url": LOGIN}, {"type": "account_unlink"})

    answer = sent(graph, ana.psid, message)

    shown = ana.thread.messages[-1]
    assert 200 == answer.status_code
    assert ["Log In", "Log Out"] == [button.title for button in shown.buttons]


def test_a_generic_template_shows_cards_with_buttons(graph: FlaskClient, ana: Person) -> None:
    """
    The documented example of 2018.
    """
    login = {"type": "account_link", "url": LOGIN}
    element = {"title": "Welcome to M-Bank", "image_url": "https://x.example/a.png"}
    message = template(template_type="generic", elements=[{**element, "buttons": [login]}])

    answer = sent(graph, ana.psid, message)

    card = ana.thread.messages[-1].cards[0]
    assert 200 == answer.status_code
    assert ("Welcome to M-Bank", "Log In") == (card.title, card.buttons[0].title)


LOGIN_BUTTON = {"type": "account_link", "url": LOGIN}
NON_EMPTY = "must be a non-empty UTF-8 encoded string"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (buttons({**LOGIN_BUTTON, "title": ""}), f"(#100) Param [buttons][0][title] {NON_EMPTY}"),
        (buttons({**LOGIN_BUTTON, "title": "Log in"}), 'Invalid keys "title" were found'),
        (buttons({"type": "account_unlink", "title": "Bye"}), 'Invalid keys "title" were found'),
        (buttons({"type": "account_link", "url": "http://shop.example"}), "must be an https URL"),
        (buttons({"type": "account_link"}), "must be an https URL"),
        (buttons(*[LOGIN_BUTTON] * 4), "too many elements"),
        (buttons(), "at least one element"),
        (buttons({"type": "dance"}), "must be one of"),
        (buttons({"type": "web_url", "title": "a", "url": "javascript:alert(1)"}), "http"),
        (buttons({"type": "postback", "title": "a" * 21, "payload": "x"}), "equal to 20"),
        (template(template_type="button", text="a" * 641, buttons=[LOGIN_BUTTON]), "equal to 640"),
        (template(template_type="generic", elements=[]), "non-empty array"),
        (template(template_type="generic", elements=[{"title": "a"}] * 11), "too many elements"),
        (template(template_type="generic", elements=[{"title": "a" * 81}]), "equal to 80"),
        (template(template_type="list"), "template_type"),
        ({"text": "a" * 2001}, "(#100) Length of param message[text] must be less than or equal"),
        ({"text": ""}, NON_EMPTY),
        ({"text": "\ud83d"}, NON_EMPTY),
        ({"text": "a", "type": "x", "url": "y"}, 'Invalid keys "type, url" were found in param'),
        ({"text": "a", "quick_replies": [{}] * 14}, "too many elements"),
        ({}, "either a text or an attachment"),
        ({"attachment": {"type": "template"}}, "payload"),
    ],
    ids=[
        "empty title on Log In",
        "title on Log In",
        "title on Log Out",
        "plain http",
        "no url",
        "four buttons",
        "no button",
        "unknown button",
        "a script as address",
        "long button title",
        "long text with buttons",
        "no card",
        "eleven cards",
        "long card title",
        "unknown template",
        "long text",
        "empty text",
        "half a character",
        "unknown keys",
        "fourteen quick replies",
        "empty message",
        "no payload",
    ],
)
def test_what_the_send_api_refuses_is_not_shown(
    message: dict[str, Any], words: str, graph: FlaskClient, ana: Person
) -> None:
    answer = sent(graph, ana.psid, message)

    error = answer.get_json()["error"]
    # https://github.com/howdyai/botkit/issues/1672: a list that is too long has its own code.
    code = 105 if words == "too many elements" else 100
    assert (400, code) == (answer.status_code, error["code"])
    assert words in error["message"]
    assert () == ana.thread.messages


def test_a_card_with_a_title_alone_is_2018035(graph: FlaskClient, ana: Person) -> None:
    answer = sent(graph, ana.psid, template(template_type="generic", elements=[{"title": "a"}]))

    assert 2018035 == answer.get_json()["error"]["error_subcode"]


def test_nobody_with_that_psid_is_2018001(graph: FlaskClient) -> None:
    answer = sent(graph, "123", {"text": "hello"})

    assert 2018001 == answer.get_json()["error"]["error_subcode"]


def test_sender_actions_are_shown_until_the_next_message(graph: FlaskClient, ana: Person) -> None:
    to_ana = {"recipient": {"id": ana.psid}}

    answer = graph.post("/v26.0/me/messages", json={**to_ana, "sender_action": "typing_on"})
    typing = ana.thread.typing
    sent(graph, ana.psid, {"text": "hello"})

    assert {"recipient_id": ana.psid} == answer.get_json()
    assert typing
    assert not ana.thread.typing


def test_a_message_with_a_sender_action_is_2018014(graph: FlaskClient, ana: Person) -> None:
    answer = sent(graph, ana.psid, {"text": "hello"}, sender_action="typing_on")

    assert 2018014 == answer.get_json()["error"]["error_subcode"]
    assert () == ana.thread.messages


@pytest.mark.parametrize(
    "more",
    [{"messaging_type": "WHATEVER"}, {"messaging_type": "MESSAGE_TAG"}],
    ids=["unknown", "a tag without its name"],
)
def test_messaging_type_is_one_of_three(
    more: dict[str, str], graph: FlaskClient, ana: Person
) -> None:
    answer = sent(graph, ana.psid, {"text": "hello"}, **more)

    assert 100 == answer.get_json()["error"]["code"]
    assert () == ana.thread.messages


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet=st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
KEYS = st.sampled_from(["type", "payload", "template_type", "elements", "buttons", "title", "text"])
ODD = st.recursive(
    JSON | st.sampled_from(["template", "generic", "button", "account_link", "postback", "image"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)


@given(message=ODD, attachment=ODD, quick_replies=ODD)
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_message_gets_an_answer_and_can_be_shown(
    message: Any, attachment: Any, quick_replies: Any, graph: FlaskClient, ana: Person
) -> None:
    """
    Clients under test send invalid values; the emulator must refuse them, and show them.
    """
    # Each example looks at its own exchanges only.
    ana.emulator.journal.clear()
    answers = [
        sent(graph, ana.psid, message),
        sent(graph, ana.psid, {"attachment": attachment}),
        sent(graph, ana.psid, {"text": "a", "quick_replies": quick_replies}),
        graph.post("/me/messages", data={"recipient": repr(message), "message": repr(attachment)}),
    ]

    assert {answer.status_code for answer in answers} <= {200, 400}
    assert 200 == graph.get("/inspector/entries").status_code
    assert 200 == graph.get(f"/chats/{ana.psid}").status_code
    assert "Internal Server Error" not in ana.sees()
